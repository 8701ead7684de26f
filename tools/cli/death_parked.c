/* A CPU that has parked itself at the very beginning, by a branch that asked who or where it is. */
#include <inttypes.h>
#include <string.h>

#include "death_trace.h"

#define BEGINNING 400 /* instructions that are looked at */
#define NEAR      3   /* from the branch to where it is parked */
#define STEPS     6   /* from the register that is read to the branch */

/* CBZ, CBNZ, TBZ, TBNZ: C4.1.93 "Compare and branch", "Test and branch". */
static bool is_by_register(uint32_t word)
{
    return (word & 0x7c000000) == 0x34000000;
}

static bool is_conditional(uint32_t word)
{
    return is_by_register(word) || (word & 0xff000010) == 0x54000000;
}

/* ADDS, SUBS and ANDS, immediate or of registers: what a B.cond goes by. */
static bool sets_flags(uint32_t word)
{
    return (word & 0x3f000000) == 0x31000000 || (word & 0x3f000000) == 0x2b000000 ||
           (word & 0x7f800000) == 0x72000000 || (word & 0x7f000000) == 0x6a000000;
}

/* The instruction that is @n before the last one of those before @pc was first reached. */
static const struct arm_event *insn_back(const struct death_trace *t, unsigned first, unsigned n)
{
    const struct arm_event *p;

    for (; (p = death_trace_back(t, first)); first++)
        if (p->kind == ARM_EVENT_INSN && !n--)
            return p;
    return NULL;
}

/* Where in the trace, from its end, @pc was first executed; false: nowhere. */
static bool find_arrival(const struct death_trace *t, uint64_t pc, unsigned *back)
{
    const struct arm_event *p;

    for (*back = death_trace_length(t); (*back)--;)
        if ((p = death_trace_back(t, *back)) && p->kind == ARM_EVENT_INSN && p->pc == pc)
            return true;
    return false;
}

/* The system register that one of @registers was made of, in the instructions before the @n-th. */
static uint32_t made_of(const struct death_trace *t, unsigned first, unsigned n, uint32_t registers)
{
    const struct arm_event *p;
    struct arm_insn_use use;

    for (unsigned k = n + 1; k <= n + STEPS && (p = insn_back(t, first, k)); k++) {
        if (!arm_insn_uses(p->insn.word, &use) || !(use.writes & registers))
            continue;
        if (use.kind == ARM_INSN_MRS)
            return use.from;
        if (use.kind != ARM_INSN_COMPUTE && use.kind != ARM_INSN_MOVE)
            break;
        registers = (registers & ~use.writes) | use.reads;
    }
    return ARM_NO_REGISTER;
}

/* By what the branch that is the @n-th goes. */
static uint32_t asked(const struct death_trace *t, unsigned first, unsigned n, uint32_t word)
{
    struct arm_insn_use use;
    const struct arm_event *p;

    if (is_by_register(word))
        return made_of(t, first, n, UINT32_C(1) << (word & 31));
    for (unsigned k = n + 1; k <= n + STEPS && (p = insn_back(t, first, k)); k++)
        if (sets_flags(p->insn.word))
            return arm_insn_uses(p->insn.word, &use) ? made_of(t, first, k, use.reads)
                                                     : ARM_NO_REGISTER;
    return ARM_NO_REGISTER;
}

static void explain(const struct corpse *c, const struct arm_event *branch, uint32_t number,
                    struct verdict *v)
{
    const char *name = arm_reg_name(number);
    uint64_t value = death_reg(c, c->cpu, name);
    g_autofree char *at = death_place(c, c->cpu, branch->el, branch->pc);
    g_autofree char *here = death_place(c, c->cpu, death_el(c, c->cpu), death_reg(c, c->cpu, "pc"));

    g_string_printf(
        v->cause, "cpu%u has parked itself at %s: the branch at %s went by %s, which is %#" PRIx64,
        c->cpu, here, at, name, value);
    if (!strcmp(name, "MPIDR_EL1")) {
        g_string_assign(v->evidence, "bit 31 is always 1, and not part of the affinity, by which "
                                     "CPUs are told apart (bits 39:32, 23:0)");
        g_string_assign(v->next, "mask it: and x0, x0, #0xffffff");
    } else {
        g_string_printf(v->evidence, "the image is entered at EL%u (bits 3:2 of CurrentEL)%s",
                        branch->el, c->config->secure ? "" : "; this machine has no EL3");
        g_string_assign(v->next, "go on from whichever level it is entered at; --start-el 1 and "
                                 "--no-el2 enter it at EL1");
    }
}

bool death_explain_parked(const struct corpse *c, struct verdict *v)
{
    struct death_trace *t = c->history ? death_trace_new(c, c->cpu, BEGINNING) : NULL;
    const struct arm_event *p = NULL;
    uint32_t number = ARM_NO_REGISTER;
    unsigned first, n = 0;

    /* WFI and WFE stand behind themselves. */
    uint64_t pc = death_reg(c, c->cpu, "pc");
    if (t && (find_arrival(t, pc, &first) || find_arrival(t, pc - 4, &first)))
        for (n = 1; n <= NEAR && (p = insn_back(t, first, n)) && !is_conditional(p->insn.word); n++)
            ;
    if (p && n <= NEAR && is_conditional(p->insn.word))
        number = asked(t, first, n, p->insn.word);
    bool known =
        p && (number == arm_reg_number("MPIDR_EL1") || number == arm_reg_number("CurrentEL"));
    if (known)
        explain(c, p, number, v);
    g_free(t);
    return known;
}
