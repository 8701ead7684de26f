/*
 * Accesses that trap and are emulated. A world that could write a register itself, and reads it now
 * by a trap, is to get what it has left there.
 */
#include <inttypes.h>

#include "base/bits.h"
#include "checker/justify.h"
#include "checker/own_state.h"
#include "checker/unit.h"

/* The followed register that the MSR or MRS of @w's exit is of; or REG_NONE. ISS of a trapped
 * access. */
static unsigned accessed(const struct arm_checker *c, const struct world *w,
                         const struct exit_state *s)
{
    uint64_t iss = s->esr;

    if (!s->valid || !justify_left_by(s, ESR_EC_SYS64))
        return REG_NONE;
    return regs_accessed(c, w->last_pe,
                         ARM_SYSREG(bits(iss, 21, 20), bits(iss, 16, 14), bits(iss, 13, 10),
                                    bits(iss, 4, 1), bits(iss, 19, 17)));
}

static bool is_read(const struct exit_state *s)
{
    return bit(s->esr, 0);
}

void own_trap_left(struct arm_checker *c, struct own *u, const struct world *w)
{
    const struct exit_state *s = checker_exit_state(c, w);
    unsigned reg = accessed(c, w, s);

    if (reg == REG_NONE || is_read(s))
        return;
    unsigned rt = (unsigned)bits(s->esr, 9, 5);
    struct wreg *r = own_wreg(u, w, reg);
    r->trapped = true;
    r->given = false;
    r->asked = rt < 31 ? s->x[rt] & c->regs.desc[reg].mask : 0;
}

/* Bits that every CPU has, of registers whose writes alone can be made to trap (HCR_EL2.TVM): what
 * EL2 emulates the world reads itself. */
static uint64_t plain_bits(enum sysreg sr)
{
    switch (sr) {
    case SR_FAR_EL1:
        return MASK(47, 0);
    case SR_ESR_EL1:
    case SR_CONTEXTIDR_EL1:
    case SR_MAIR_EL1:
        return MASK(31, 0);
    case SR_TTBR0_EL1:
    case SR_TTBR1_EL1:
        return MASK(39, 12);
    case SR_TCR_EL1:
        return FIELD_MASK(TCR_EL1_T0SZ) | FIELD_MASK(TCR_EL1_T1SZ) | FIELD_MASK(TCR_EL1_EPD0) |
               FIELD_MASK(TCR_EL1_EPD1);
    case SR_SCTLR_EL1:
        return FIELD_MASK(SCTLR_EL1_M) | FIELD_MASK(SCTLR_EL1_C) | FIELD_MASK(SCTLR_EL1_I);
    default:
        return 0;
    }
}

/* The world goes on behind a write that has trapped, and the register is as it was: nobody has done
 * it. What EL2 makes of the value is its own affair. */
static void check_written(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                          const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    const struct wreg *r = own_wreg(u, w, reg);
    uint64_t v = regs_get(c, p->cpu, reg).lo;

    if (r->in_slot.known || r->in_cpu.known) /* that is DEFER's */
        return;
    if (w->kind != WORLD_GUEST || p->world.target != s->pc + 4 || !r->version || r->value.lo != v ||
        !((v ^ r->asked) & plain_bits(c->regs.desc[reg].sr)))
        return;
    struct finding f = finding_entered(c, RULE_LOST, w, c->regs.desc[reg].sr,
                                       "do what a trapped write says before going on behind it", p);
    f.other = s->at;
    f.other_role = "left";
    finding_say(&f,
                "it has written %#" PRIx64 " by a trap, and the register has %#" PRIx64 " still",
                r->asked, v);
    finding_report(c, &f);
}

void own_trap_entered(struct arm_checker *c, struct own *u, const struct world *w,
                      const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    unsigned reg = accessed(c, w, s), rt = (unsigned)bits(s->esr, 9, 5);

    if (reg != REG_NONE && !is_read(s))
        check_written(c, u, w, reg, p);
    if (reg == REG_NONE || !is_read(s) || rt == 31 || w->kind != WORLD_GUEST ||
        p->world.target != s->pc + 4)
        return;
    const struct wreg *r = own_wreg(u, w, reg);
    uint64_t mask = c->regs.desc[reg].mask, v = checker_reg(c, p->cpu, ARM_X(rt));
    bool lost = own_is_lost(r);
    if (!r->version || r->trapped || r->moves || !((v ^ r->value.lo) & mask))
        return;
    struct finding f = finding_at(c, lost ? RULE_LOST : RULE_STALE_READ, p);
    f.world = w;
    f.reg = c->regs.desc[reg].number;
    if (lost)
        f.at = r->lost;
    f.other = r->left;
    f.other_role = "left";
    f.hint = "save the register before it is another's, and emulate its reads by what was saved";
    finding_say(&f, "its value is %#" PRIx64 ", a read that traps gets %#" PRIx64, r->value.lo, v);
    finding_report(c, &f);
}

void own_trap_unseen(struct wreg *r, uint64_t v)
{
    r->given |= r->trapped && v == r->asked;
}

bool own_trap_seen(struct arm_checker *c, const struct wreg *r, const struct live *l,
                   const struct world *w, unsigned reg, uint64_t v, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);

    if (c->regs.desc[reg].owner != OWNER_DEBUG || !r->trapped || !r->given || v == r->asked ||
        !s->valid || justify(s, false).anything || justify_is_write_of(s, c->regs.desc[reg].number))
        return false;
    struct finding f =
        finding_entered(c, RULE_LEAK, w, c->regs.desc[reg].sr,
                        "the traps end with the entry that has the register loaded", p);
    f.other = l->site;
    f.other_role = "written";
    finding_say(&f,
                "its accesses have trapped, and do no longer: it has written %#" PRIx64
                ", which EL2 has had in the register meanwhile, and is entered with %#" PRIx64,
                r->asked, v);
    finding_report(c, &f);
    return true;
}
