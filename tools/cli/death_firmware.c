/* What the firmware has answered: a call that it refused, and one that is made for ever. */
#include <inttypes.h>

#include "arch/psci.h"
#include "death_trace.h"

#define CALLS_MANY 100 /* of one call with the same answer: somebody goes by it */

static const char *psci_error(int32_t result)
{
    static const char *const names[] = {
        "SUCCESS",    "NOT_SUPPORTED",    "INVALID_PARAMETERS", "DENIED",   "ALREADY_ON",
        "ON_PENDING", "INTERNAL_FAILURE", "NOT_PRESENT",        "DISABLED", "INVALID_ADDRESS"};

    return result <= 0 && (size_t)-result < G_N_ELEMENTS(names) ? names[-result] : "an error";
}

bool death_explain_refused(const struct corpse *c, struct verdict *v)
{
    const struct arm_event *p = c->history ? &c->history->refused : NULL;

    if (!p || !p->firmware.function ||
        (c->history->called.pc == p->pc && c->history->calls >= CALLS_MANY))
        return false;
    g_autofree char *at = death_place(c, p->cpu, p->el, p->pc);
    bool on = (p->firmware.function & ~SMCCC_64) == PSCI_CPU_ON_32;
    g_string_printf(v->cause,
                    "the firmware refused a call, and nobody looked: %s %#x(%#" PRIx64 ", %#" PRIx64
                    ") returned %d (%s), at %s",
                    on ? "PSCI CPU_ON" : "function", p->firmware.function, p->firmware.arg1,
                    p->firmware.arg2, (int)p->firmware.result,
                    psci_error((int32_t)p->firmware.result), at);
    if (on && (int32_t)p->firmware.result == PSCI_INVALID_ADDRESS)
        g_string_assign(
            v->evidence,
            "an entry point is a physical address, of memory: a CPU starts with its MMU off");
    else if (on)
        g_string_printf(
            v->evidence,
            "the machine has %u CPUs, whose MPIDR affinities are in /cpus; a CPU that was not "
            "started stays off",
            arm_cpu_count(c->m));
    else
        g_string_assign(v->evidence,
                        "function numbers are those of PSCI (DEN0022) and SMCCC (DEN0028)");
    g_string_assign(v->next, "look at X0 behind the call; --smp N has N CPUs");
    return true;
}

/* Why AFFINITY_INFO stays what it is. */
static void add_affinity(const struct corpse *c, const struct arm_event *p, GString *out)
{
    bool started = c->history->started.firmware.function;

    if (p->firmware.result == PSCI_OFF)
        g_string_append_printf(out, "the CPU of affinity %#" PRIx64 " is off: %s", p->firmware.arg1,
                               started ? "it was not started, or has switched itself off"
                                       : "nobody has started it (PSCI CPU_ON)");
    else if (p->firmware.result == PSCI_ON)
        g_string_append_printf(out,
                               "the CPU of affinity %#" PRIx64
                               " is on: it has not switched itself off (PSCI CPU_OFF)",
                               p->firmware.arg1);
}

bool death_explain_asks(const struct corpse *c, uint64_t low, uint64_t high, struct verdict *v)
{
    const struct arm_event *p = c->history ? &c->history->called : NULL;

    if (!p || p->cpu != c->cpu || p->pc < low || p->pc > high || c->history->calls < CALLS_MANY)
        return false;
    uint32_t function = p->firmware.function & ~SMCCC_64;
    int32_t result = (int32_t)p->firmware.result;
    g_autofree char *at = death_place(c, p->cpu, p->el, p->pc);
    g_string_printf(v->cause,
                    "it makes the same call of the firmware again and again: %s %#x(%#" PRIx64
                    ", ...) returns %d",
                    function == PSCI_CPU_ON_32          ? "PSCI CPU_ON"
                    : function == PSCI_AFFINITY_INFO_32 ? "PSCI AFFINITY_INFO"
                                                        : "function",
                    p->firmware.function, p->firmware.arg1, result);
    if (result < 0)
        g_string_append_printf(v->cause, " (%s)", psci_error(result));
    g_string_append_printf(v->cause, ", in the loop at %s", at);
    if (function == PSCI_AFFINITY_INFO_32)
        add_affinity(c, p, v->evidence);
    else if (function == PSCI_CPU_ON_32 && result == PSCI_ALREADY_ON)
        g_string_assign(v->evidence,
                        (death_reg(c, c->cpu, "MPIDR_EL1") & MPIDR_AFFINITY) == p->firmware.arg1
                            ? "that is the CPU that calls"
                            : "that CPU runs already");
    if (!v->evidence->len)
        g_string_assign(v->evidence, "nothing else in the loop changes anything");
    g_string_assign(v->next, "what a call returns is in DEN0022 (PSCI) and DEN0028 (SMCCC): which "
                             "answers are final?");
    return true;
}
