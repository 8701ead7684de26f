/*
 * CLOBBER: between a world's exit and its next entry its general registers, stack pointers, return
 * address and PSTATE change by what the exit's syndrome allows, and by nothing else.
 */
#include <glib.h>
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/justify.h"
#include "checker/unit.h"

struct clobber {
    GArray *exits; /* struct exit_state by world */
    GArray *sites; /* struct site of the exit, likewise */
};

static void *create(struct arm_checker *c)
{
    struct clobber *u = g_new0(struct clobber, 1);

    (void)c;
    u->exits = g_array_new(FALSE, TRUE, sizeof(struct exit_state));
    u->sites = g_array_new(FALSE, TRUE, sizeof(struct site));
    return u;
}

static void destroy(void *state)
{
    struct clobber *u = state;

    g_array_unref(u->exits);
    g_array_unref(u->sites);
    g_free(u);
}

static struct exit_state *state_of(struct clobber *u, const struct world *w)
{
    if (u->exits->len <= w->index) {
        g_array_set_size(u->exits, w->index + 1);
        g_array_set_size(u->sites, w->index + 1);
    }
    return &g_array_index(u->exits, struct exit_state, w->index);
}

static uint64_t reg(struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return checker_reg(c, cpu, sysreg_number(sr));
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct clobber *u = state;
    struct exit_state *s = state_of(u, w);

    for (unsigned k = 0; k < 31; k++)
        s->x[k] = checker_reg(c, p->cpu, ARM_X(k));
    s->sp_el0 = reg(c, p->cpu, SR_SP_EL0);
    s->sp_el1 = reg(c, p->cpu, SR_SP_EL1);
    s->pc = p->pc;
    s->pstate = checker_reg(c, p->cpu, ARM_PSTATE);
    s->esr = p->world.esr;
    s->vector = p->world.vector;
    s->word_known = arm_virt_read(c->m, p->cpu, 1, p->pc, &s->word, sizeof(s->word));
    s->valid = true;
    g_array_index(u->sites, struct site, w->index) = site_of(c, p);
}

static void report(struct arm_checker *c, struct clobber *u, const struct world *w,
                   const struct arm_event *p, uint32_t number, uint64_t before, uint64_t now)
{
    struct finding f = finding_at(c, RULE_CLOBBER, p);

    f.world = w;
    f.reg = number;
    f.other = g_array_index(u->sites, struct site, w->index);
    f.other_role = "left";
    f.hint = "the value was saved and restored wrongly, or EL2 has used the register";
    finding_say(&f, "left with %#" PRIx64 ", entered with %#" PRIx64, before, now);
    finding_report(c, &f);
}

/* The address and PSTATE that the world goes on with. */
static void check_return(struct arm_checker *c, struct clobber *u, const struct world *w,
                         const struct exit_state *s, const struct allowance *a,
                         const struct arm_event *p)
{
    uint64_t pc = p->world.target, pstate = reg(c, p->cpu, SR_SPSR_EL2);
    /* NZCV, DAIF and the mode; the rest belongs to single instructions. */
    uint64_t kept = MASK(31, 28) | MASK(9, 6) | MASK(4, 0);

    if (justify_is_injection(s, reg(c, p->cpu, SR_VBAR_EL1), pc, pstate, reg(c, p->cpu, SR_ELR_EL1),
                             reg(c, p->cpu, SR_SPSR_EL1)))
        return;
    if (pc != s->pc && !(a->skip && pc == s->pc + 4) && !(a->again && pc == s->pc - 4))
        report(c, u, w, p, sysreg_number(SR_ELR_EL2), s->pc, pc);
    if ((pstate ^ s->pstate) & kept)
        report(c, u, w, p, sysreg_number(SR_SPSR_EL2), s->pstate, pstate);
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct clobber *u = state;
    struct exit_state *s = state_of(u, w);
    struct allowance a = justify(s, w->kind == WORLD_HOST);

    if (!s->valid || a.anything) {
        s->valid = false;
        return;
    }
    for (unsigned k = 0; k < 31; k++) {
        uint64_t now = checker_reg(c, p->cpu, ARM_X(k));
        if (now != s->x[k] && !bit(a.x, k))
            report(c, u, w, p, ARM_X(k), s->x[k], now);
    }
    uint64_t sp0 = reg(c, p->cpu, SR_SP_EL0), sp1 = reg(c, p->cpu, SR_SP_EL1);
    if (sp0 != s->sp_el0)
        report(c, u, w, p, sysreg_number(SR_SP_EL0), s->sp_el0, sp0);
    if (sp1 != s->sp_el1)
        report(c, u, w, p, sysreg_number(SR_SP_EL1), s->sp_el1, sp1);
    check_return(c, u, w, s, &a, p);
}

/* A CPU that is switched on anew starts its host anew. */
static void restart(struct arm_checker *c, void *state, const struct arm_event *p)
{
    for (unsigned k = 0; k < c->worlds.count; k++)
        if (c->worlds.list[k]->kind == WORLD_HOST && c->worlds.list[k]->pe == p->cpu)
            state_of(state, c->worlds.list[k])->valid = false;
}

const struct check_unit unit_clobber = {
    .everywhere = ARM_BIT(ARM_EVENT_POWER),
    .create = create,
    .event = restart,
    .exit = leave,
    .enter = enter,
    .destroy = destroy,
};
