/*
 * PC: a world goes on where its exit's syndrome allows, and with the PSTATE that it left with, or
 * as an exception that it is to take has it.
 */
#include <glib.h>
#include <inttypes.h>

#include "arch/esr.h"
#include "arch/sysreg.h"
#include "arch/vector.h"
#include "base/bits.h"
#include "checker/gic_state.h"
#include "checker/injection.h"
#include "checker/interrupted.h"
#include "checker/justify.h"
#include "checker/lost_access.h"
#include "checker/own.h"
#include "checker/pc.h"
#include "checker/power_on.h"
#include "checker/unit.h"

/* NZCV, DAIF and the mode, of what an exception saves; */
#define KEPT (MASK(31, 28) | MASK(9, 6) | MASK(4, 0))
/* and TCO, DIT, UAO, PAN, ALLINT and SSBS, of a world that goes on. The rest of PSTATE belongs to
 * single instructions: */
#define LEFT    (KEPT | MASK(25, 22) | MASK(13, 12))
#define BTYPE   MASK(11, 10) /* is the next one's, if that has not been executed, as is */
#define SS      BIT(21)
#define WAITS   3  /* times that a wait may trap without being completed, */
#define RETRAPS 8  /* another instruction, without one that is executed in between, */
#define FAULTS  64 /* and an access that faults at one address */

/* A world's last instruction that trapped, and how often it went on at the same one. */
struct wait {
    uint64_t pc, far, insns;
    unsigned times;
};

/* ELR_EL2 and SPSR_EL2 of a CPU since a world left. */
struct returns {
    unsigned depth;           /* exceptions from EL2 to EL2 that have not returned */
    const struct world *left; /* whose they are; NULL: nobody's, another exception has come */
    bool elr, spsr;           /* EL2 has written it */
    bool from_reset;          /* no exception has, since the CPU's reset */
};

struct pc_unit {
    GArray *waits;           /* struct wait by world */
    struct returns *returns; /* by CPU */
    struct power_on *power_on;
    struct interrupted *interrupted;
};

static void *create(struct arm_checker *c)
{
    struct pc_unit *u = g_new0(struct pc_unit, 1);

    u->waits = g_array_new(FALSE, TRUE, sizeof(struct wait));
    u->returns = g_new0(struct returns, c->cpu_count);
    for (unsigned k = 0; k < c->cpu_count; k++)
        u->returns[k].from_reset = arm_retired(c->m) == 0;
    u->power_on = power_on_new();
    u->interrupted = interrupted_new(c);
    return u;
}

static uint64_t reg(struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return checker_sysreg(c, cpu, sr);
}

static void report(struct arm_checker *c, const struct world *w, const struct arm_event *p,
                   enum rule rule, enum sysreg sr, uint64_t before, uint64_t now, const char *hint)
{
    struct finding f = finding_entered(c, rule, w, sr, hint, p);

    finding_say(&f, "left with %#" PRIx64 ", entered with %#" PRIx64, before, now);
    finding_report(c, &f);
}

/* May the world that left as @s go on at @pc? */
static bool pc_is_right(const struct exit_state *s, const struct allowance *a, uint64_t pc)
{
    return (pc == s->pc && !a->must_skip) || (a->skip && pc == s->pc + 4) ||
           (a->again && pc == s->pc - 4);
}

/* The world goes on at a vector, and what an exception sets there is not all set: which register is
 * wrong? */
static void report_injection(struct arm_checker *c, const struct world *w, uint64_t pstate,
                             const struct arm_event *p)
{
    const char *hint = "AArch64.TakeException() writes all of ELR_EL1, SPSR_EL1, PSTATE and PC";
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t elr = reg(c, p->cpu, SR_ELR_EL1), spsr = reg(c, p->cpu, SR_SPSR_EL1);

    if (((spsr ^ s->pstate) & KEPT) != 0)
        report(c, w, p, RULE_CLOBBER, SR_SPSR_EL1, s->pstate, spsr, hint);
    else if (elr != s->pc && elr != s->pc + 4)
        report(c, w, p, RULE_CLOBBER, SR_ELR_EL1, s->pc, elr, hint);
    else
        report(c, w, p, RULE_CLOBBER, SR_SPSR_EL2, s->pstate, pstate, hint);
}

/* Traps behind which the instruction is executed, because EL2 has made room for it. */
static bool is_let(uint64_t ec)
{
    return ec == ESR_EC_FP || ec == ESR_EC_PAC || ec == ESR_EC_SVE || ec == ESR_EC_SYS64;
}

/* Faults of stage 2, which EL2 resolves or emulates. */
static bool is_fault(uint64_t ec)
{
    return ec == ESR_EC_DABT_LOW || ec == ESR_EC_IABT_LOW;
}

/* How often in a row the world has left by what it left as @s, and goes on there, where it will do
 * so again; @alone: without an instruction that completes in between but EL2's ERET. Interrupts may
 * come in between. */
static unsigned again(struct pc_unit *u, const struct world *w, const struct exit_state *s,
                      bool goes_on_there, bool alone)
{
    if (u->waits->len <= w->index)
        g_array_set_size(u->waits, w->index + 1);
    struct wait *wait = &g_array_index(u->waits, struct wait, w->index);
    uint64_t far = is_fault(bits(s->esr, 31, 26)) ? s->far : 0;
    uint64_t insns = w->insns - w->entries; /* each has an ERET */
    bool same = wait->pc == s->pc && wait->far == far && (!alone || insns == wait->insns);

    wait->times = goes_on_there ? (same ? wait->times + 1 : 1) : 0;
    wait->pc = s->pc;
    wait->far = far;
    wait->insns = insns;
    return wait->times;
}

/* WFI and WFE that trap, and will trap again where the world goes on, never complete; nor does what
 * EL2 was to let the world do, or to do for it, and does not. */
static void check_wait(struct arm_checker *c, struct pc_unit *u, const struct world *w,
                       const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t ec = bits(s->esr, 31, 26);
    bool event = bits(s->esr, 1, 0) & 1, wait = ec == ESR_EC_WFX;

    if (vector_kind(s->vector) != VECTOR_SYNC || !(wait || is_let(ec) || is_fault(ec)))
        return;
    bool traps = !wait || (event ? HCR_EL2_TWE(p->world.hcr) : HCR_EL2_TWI(p->world.hcr));
    unsigned times = again(u, w, s, p->world.target == s->pc && traps, !wait);
    bool taken = times && !event && !bit(s->pstate, 7) && gic_interrupts(c, p->cpu, p->world.hcr);
    if (wait && (times == WAITS || taken))
        report(c, w, p, RULE_PC, SR_ELR_EL2, s->pc, s->pc,
               "a WFI or WFE that trapped is complete when the world goes on: its address + 4 is "
               "meant");
    else if (is_let(ec) && times == RETRAPS)
        report(c, w, p, RULE_PC, SR_ELR_EL2, s->pc, s->pc,
               "the instruction traps again and again: what traps it is to be cleared, or an "
               "exception injected");
    else if (is_fault(ec) && times == FAULTS)
        report(c, w, p, RULE_PC, SR_ELR_EL2, s->pc, s->pc,
               "the access faults again and again: map it, or emulate it and go on behind it");
}

/* Fields of PSTATE that are as the world left them, if it goes on at @pc. Software step is EL2's as
 * long as MDCR_EL2.TDE takes debug exceptions there. */
static uint64_t kept_fields(struct arm_checker *c, const struct exit_state *s, unsigned cpu,
                            uint64_t pc)
{
    bool steps = !MDCR_EL2_TDE(s->mdcr) && !MDCR_EL2_TDE(reg(c, cpu, SR_MDCR_EL2)) &&
                 MDSCR_EL1_SS(reg(c, cpu, SR_MDSCR_EL1));

    return LEFT | (pc == s->pc ? BTYPE | (steps ? SS : 0) : 0);
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct pc_unit *u = state;

    u->returns[p->cpu] = (struct returns){.left = w};
    power_on_left(c, u->power_on, w);
}

/* What a reset leaves in ELR_EL2 and SPSR_EL2 is UNKNOWN. */
static void check_first(struct arm_checker *c, const struct returns *r, const struct world *w,
                        const struct arm_event *p)
{
    if (!r->from_reset || (r->elr && r->spsr))
        return;
    struct finding f =
        finding_entered(c, RULE_PC, w, r->elr ? SR_SPSR_EL2 : SR_ELR_EL2,
                        "the first return of a CPU needs both ELR_EL2 and SPSR_EL2", p);
    finding_say(&f, "nothing has written it since the CPU's reset, %#" PRIx64,
                checker_reg(c, p->cpu, f.reg));
    finding_report(c, &f);
}

/* @w starts, and nothing has told it where, or how: it goes on as another one left. */
static void check_start(struct arm_checker *c, const struct returns *r, const struct world *w,
                        const struct arm_event *p)
{
    if (!r->left || r->left == w || (r->elr && r->spsr))
        return;
    struct finding f = finding_entered(c, RULE_PC, w, r->elr ? SR_SPSR_EL2 : SR_ELR_EL2,
                                       "a world that starts needs both ELR_EL2 and SPSR_EL2", p);
    f.other = checker_exit_state(c, r->left)->at;
    f.other_role = "theirs";
    finding_say(&f, "it starts with what the exit of %s has left there, %#" PRIx64, r->left->name,
                checker_reg(c, p->cpu, f.reg));
    finding_report(c, &f);
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    struct allowance a = justify(s, w->kind == WORLD_HOST);
    uint64_t pc = p->world.target, pstate = reg(c, p->cpu, SR_SPSR_EL2);
    struct pc_unit *u = state;

    if (s->valid && s->reset && pc == s->pc)
        check_wait(c, u, w, p); /* it is where it has begun: by a reset, or never came further */
    check_first(c, &u->returns[p->cpu], w, p);
    if (!s->valid || a.anything)
        check_start(c, &u->returns[p->cpu], w, p);
    if (power_on_entered(c, u->power_on, w, p) || !s->valid || a.anything ||
        own_enters_stale_vector(c, w, p))
        return;
    if (justify_is_injection(s, reg(c, p->cpu, SR_VBAR_EL1), pc, pstate, reg(c, p->cpu, SR_ELR_EL1),
                             reg(c, p->cpu, SR_SPSR_EL1))) {
        injection_check(c, w, s, pstate, p);
        return;
    }
    check_wait(c, u, w, p);
    if (!pc_is_right(s, &a, pc) && justify_is_vector(s, reg(c, p->cpu, SR_VBAR_EL1), pc)) {
        report_injection(c, w, pstate, p);
        return;
    }
    if (!pc_is_right(s, &a, pc))
        report(c, w, p, RULE_PC, SR_ELR_EL2, s->pc, pc,
               pc == s->pc
                   ? "the instruction would be executed again: its address + 4 is meant"
                   : "the preferred return address is adjusted twice, or not for this exit");
    else if (lost_access(c, s, p))
        report(c, w, p, RULE_PC, SR_ELR_EL2, s->pc, pc,
               "the access would succeed now, and nobody has done it: go on at the instruction "
               "where a fault is resolved");
    if ((pstate ^ s->pstate) & kept_fields(c, s, p->cpu, pc))
        report(c, w, p, RULE_PC, SR_SPSR_EL2, s->pstate, pstate,
               "PSTATE changes only with an exception that the world is to take");
}

/* EL2 returns to itself, and has a guest's registers loaded for that: what is in SPSR_EL2 is of an
 * exception that it has taken since. Or it is of one that has returned already, and EL2 has said
 * only where to go on. */
static void returned(struct arm_checker *c, const struct returns *r, const struct arm_event *p)
{
    const struct world *w = own_restored(c, p->cpu);

    if (r->elr && !r->spsr) {
        struct finding f = finding_at(c, RULE_PC, p);
        f.reg = sysreg_number(SR_SPSR_EL2);
        f.hint = "a return needs both ELR_EL2 and SPSR_EL2";
        finding_say(&f,
                    "EL2 returns to itself, to %#" PRIx64
                    ", by a PSTATE that nothing has set for it, %#" PRIx64,
                    p->eret.target, reg(c, p->cpu, SR_SPSR_EL2));
        finding_report(c, &f);
    } else if (w && !w->running)
        report(c, w, p, RULE_PC, SR_SPSR_EL2, checker_exit_state(c, w)->pstate,
               reg(c, p->cpu, SR_SPSR_EL2),
               "SPSR_EL2 and ELR_EL2 are written behind the last exception that EL2 can take");
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    if (p->cpu >= c->cpu_count)
        return;
    struct pc_unit *u = state;
    struct returns *r = &u->returns[p->cpu];

    interrupted_event(c, u->interrupted, p);
    if (p->kind == ARM_EVENT_POWER)
        *r = (struct returns){.from_reset = true};
    if (p->kind == ARM_EVENT_SYSREG_WRITE) {
        r->elr |= p->sysreg_write.sr == sysreg_number(SR_ELR_EL2);
        r->spsr |= p->sysreg_write.sr == sysreg_number(SR_SPSR_EL2);
    } else if (p->kind == ARM_EVENT_EXCEPTION && p->exception.target_el == 2) {
        r->from_reset = false;
        r->depth = p->el == 2 ? r->depth + 1 : 0;
        if (p->el == 2 || HCR_EL2_TGE(reg(c, p->cpu, SR_HCR_EL2)))
            r->left = NULL;
    } else if (p->kind == ARM_EVENT_ERET && p->el == 2 && p->eret.target_el == 2) {
        if (r->depth)
            r->depth--;
        else
            returned(c, r, p);
        r->elr = r->spsr = false;
    }
}

bool pc_needs_reads(const struct arm_checker *c, unsigned cpu)
{
    const struct pc_unit *u = c->unit[UNIT_pc];

    return u && interrupted_needs_reads(u->interrupted, cpu);
}

static void destroy(void *state)
{
    struct pc_unit *u = state;

    g_array_unref(u->waits);
    g_free(u->returns);
    power_on_free(u->power_on);
    interrupted_free(u->interrupted);
    g_free(u);
}

const struct check_unit unit_pc = {
    .at_el2 = ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET) |
              ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_SYSREG_READ),
    .everywhere = ARM_BIT(ARM_EVENT_POWER),
    .create = create,
    .event = event,
    .exit = leave,
    .enter = enter,
    .destroy = destroy,
};
