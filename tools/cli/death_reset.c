#include "death_reset.h"

#include <inttypes.h>

#include "arch/psci.h"
#include "death_state.h"

#define OFTEN 10 /* no boot loader tries so many times */

static bool is_reset(uint32_t function)
{
    return function == PSCI_SYSTEM_RESET || (function & ~SMCCC_64) == PSCI_SYSTEM_RESET2_32;
}

/* Within an eighth. */
static bool is_about(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= b / 8;
}

void death_resets_event(struct death_resets *r, struct arm_machine *m, const struct arm_event *p)
{
    uint64_t at = arm_retired(m), took = at - r->at, lr[2] = {0, 0};

    if (!is_reset(p->firmware.function) || (int64_t)p->firmware.result < 0)
        return;
    bool alike =
        r->times && r->pc == p->pc && r->el == p->el && (r->times == 1 || is_about(took, r->took));
    arm_reg_get(m, p->cpu, ARM_X(30), lr);
    *r = (struct death_resets){.times = alike ? r->times + 1 : 1,
                               .cpu = p->cpu,
                               .el = p->el,
                               .pc = p->pc,
                               .lr = lr[0],
                               .function = p->firmware.function,
                               .at = at,
                               .took = took};
}

bool death_resets_endless(const struct death_resets *r)
{
    return r->times >= OFTEN;
}

void death_explain_resets(const struct corpse *c, struct verdict *v)
{
    const struct death_resets *r = c->resets;
    g_autofree char *at = death_place(c, r->cpu, r->el, r->pc);
    g_autofree char *lr = death_place(c, r->cpu, r->el, r->lr);

    g_string_printf(
        v->cause, "the guest resets the machine again and again: %u times by PSCI %s at %s (EL%u)",
        r->times, r->function == PSCI_SYSTEM_RESET ? "SYSTEM_RESET" : "SYSTEM_RESET2", at, r->el);
    g_string_printf(v->evidence,
                    "each time about %" PRIu64 " instructions after the one before; X30, the last "
                    "call, was %s",
                    r->took, lr);
    g_string_assign(v->next, "what it says before, above, is why; --no-reboot stops at the first, "
                             "with its registers");
}
