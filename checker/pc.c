/*
 * PC: a world goes on where its exit's syndrome allows, and with the PSTATE that it left with, or
 * as an exception that it is to take has it.
 */
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/justify.h"
#include "checker/own.h"
#include "checker/unit.h"

static void *create(struct arm_checker *c)
{
    return c; /* nothing of its own */
}

static uint64_t reg(struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return checker_reg(c, cpu, sysreg_number(sr));
}

static void report(struct arm_checker *c, const struct world *w, const struct arm_event *p,
                   enum sysreg sr, uint64_t before, uint64_t now, const char *hint)
{
    struct finding f = finding_at(c, RULE_PC, p);

    f.world = w;
    f.reg = sysreg_number(sr);
    f.other = checker_exit_state(c, w)->at;
    f.other_role = "left";
    f.hint = hint;
    finding_say(&f, "left with %#" PRIx64 ", entered with %#" PRIx64, before, now);
    finding_report(c, &f);
}

/* May the world that left as @s go on at @pc? */
static bool pc_is_right(const struct exit_state *s, const struct allowance *a, uint64_t pc)
{
    return (pc == s->pc && !a->must_skip) || (a->skip && pc == s->pc + 4) ||
           (a->again && pc == s->pc - 4);
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    struct allowance a = justify(s, w->kind == WORLD_HOST);
    uint64_t pc = p->world.target, pstate = reg(c, p->cpu, SR_SPSR_EL2);
    /* NZCV, DAIF and the mode; the rest belongs to single instructions. */
    uint64_t kept = MASK(31, 28) | MASK(9, 6) | MASK(4, 0);

    (void)state;
    if (!s->valid || a.anything || own_enters_stale_vector(c, w, p) ||
        justify_is_injection(s, reg(c, p->cpu, SR_VBAR_EL1), pc, pstate, reg(c, p->cpu, SR_ELR_EL1),
                             reg(c, p->cpu, SR_SPSR_EL1)))
        return;
    if (!pc_is_right(s, &a, pc))
        report(c, w, p, SR_ELR_EL2, s->pc, pc,
               pc == s->pc
                   ? "the instruction would be executed again: its address + 4 is meant"
                   : "the preferred return address is adjusted twice, or not for this exit");
    if ((pstate ^ s->pstate) & kept)
        report(c, w, p, SR_SPSR_EL2, s->pstate, pstate,
               "PSTATE changes only with an exception that the world is to take");
}

const struct check_unit unit_pc = {
    .create = create,
    .enter = enter,
};
