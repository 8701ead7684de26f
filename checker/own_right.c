/*
 * A world is entered with another value in a register than its newest: is that right? By what its
 * exit asks for, or because EL2 has computed it from the newest, or put it where that was kept.
 */
#include "base/bits.h"
#include "checker/justify.h"
#include "checker/own_why.h"
#include "checker/unit.h"

static bool is_injected(const struct why *y)
{
    const struct arm_checker *c = y->c;
    unsigned cpu = y->p->cpu;

    switch (y->c->regs.desc[y->reg].sr) {
    case SR_ELR_EL1:
    case SR_SPSR_EL1:
    case SR_ESR_EL1:
    case SR_FAR_EL1:
        return justify_is_in_vectors(checker_sysreg(c, cpu, SR_VBAR_EL1), y->p->world.target) ||
               own_enters_stale_vector(c, y->w, y->p);
    default:
        return false;
    }
}

bool own_memory_is(const struct why *y, uint64_t pa, uint64_t value)
{
    uint64_t now = 0;

    return arm_mem_read(y->c->m, pa, &now, sizeof(now)) &&
           (now & y->c->regs.desc[y->reg].mask) == value;
}

/* The memory is a slot of another register now. */
static bool is_others(const struct why *y, uint64_t pa)
{
    const struct granule *g = flow_granule(y->c->flow, pa);

    return g && g->tag.kind == TAG_EXACT &&
           (g->tag.world != (int)y->w->index || g->tag.reg != y->reg);
}

/* EL2 has changed the copy in memory, and that is what was restored: an access that it emulates. */
static bool slot_was_changed(const struct why *y)
{
    for (unsigned k = 0; k < SLOTS; k++) {
        const struct slot *s = &y->r->slots[k];
        if (s->pa && own_memory_is(y, s->pa, y->v.lo) && !is_others(y, s->pa) &&
            (s->value & y->c->regs.desc[y->reg].mask) != y->v.lo)
            return true;
    }
    return false;
}

/* EL2 has stored something else in the slot that nobody has asked for, and restored that. */
static const struct granule *overwritten_slot(const struct why *y)
{
    for (unsigned k = 0; k < SLOTS; k++) {
        const struct slot *s = &y->r->slots[k];
        const struct granule *g = s->pa ? flow_granule(y->c->flow, s->pa) : NULL;
        if (g && g->blamed && g->tag.kind == TAG_MODIFIED && g->modified.known &&
            g->tag.world == (int)y->w->index && g->tag.reg == y->reg &&
            own_memory_is(y, s->pa, y->v.lo))
            return g;
    }
    return NULL;
}

#define RESET_LEAST 8 /* registers that a virtual CPU which starts anew gets */

/* @blamed: of those that nobody else can have asked for. */
static bool is_reset(const struct why *y, bool blamed)
{
    unsigned count = 0;

    for (unsigned reg = 31; reg < y->c->regs.count; reg++)
        for (unsigned k = 0; k < SLOTS; k++) {
            const struct slot *s = &own_wreg(y->u, y->w, reg)->slots[k];
            const struct granule *g = s->pa ? flow_granule(y->c->flow, s->pa) : NULL;
            count += g && (g->blamed || !blamed) && g->tag.kind == TAG_MODIFIED &&
                     g->tag.reg == reg && !y->c->regs.desc[reg].message;
        }
    return count >= RESET_LEAST;
}

/* The newest value was overwritten in the CPU before anything had it: what the slot has instead is
 * no edit of it, but what was saved in its place. V registers are saved where nobody follows. */
static bool was_never_saved(const struct why *y)
{
    return own_is_lost(y->r) && !y->r->saved && !(y->reg >= 31 && y->reg < REG_SYS) &&
           !is_reset(y, false);
}

/* A control register of a timer. */
static bool is_timer(const struct why *y)
{
    enum sysreg sr = y->c->regs.desc[y->reg].sr;

    return sr == SR_CNTV_CTL_EL0 || sr == SR_CNTP_CTL_EL0;
}

/* EL2 masks a world's timer whose condition is met, and makes its interrupt pending instead. */
static bool is_timer_masked(const struct why *y)
{
    return is_timer(y) && (y->v.lo ^ y->r->value.lo) == 2 && y->v.lo == 3 &&
           bit(checker_reg(y->c, y->p->cpu, y->c->regs.desc[y->reg].number), 2);
}

/* An access to the CPU interface that EL2 emulates: by a system register, or, where the world has
 * the memory-mapped one, by a load or store. */
static bool is_gic_emulated(const struct why *y, const struct exit_state *s)
{
    bool mapped = !(checker_sysreg(y->c, y->p->cpu, SR_ICC_SRE_EL1) & 1);

    return y->c->regs.desc[y->reg].owner == OWNER_GICV &&
           (justify_is_gic_access(s) || (mapped && justify_left_by(s, ESR_EC_DABT_LOW)));
}

/* A load that EL2 emulates: what it loads has the width and the extension that ISS says (SAS bits
 * 23 and 22, SSE 21, SF 15). */
static bool fits(const struct exit_state *s, uint64_t v)
{
    if (!justify_left_by(s, ESR_EC_DABT_LOW) || !bit(s->esr, 24))
        return true;
    unsigned size = 8u << bits(s->esr, 23, 22);
    uint64_t value = bit(s->esr, 21) ? sext(v, size) : zext(v, size);
    return v == (bit(s->esr, 15) ? value : zext(value, 32));
}

/* The access is executed again: EL2 has emulated nothing, and the register may be its base. */
static bool is_repeated(const struct why *y, const struct exit_state *s)
{
    return justify_left_by(s, ESR_EC_DABT_LOW) && y->p->world.target == s->pc;
}

/* One half of it is gone: as it is saved or restored by an access or a variable of 32 bits. */
static bool is_half(const struct why *y)
{
    uint64_t was = y->r->value.lo, low = zext(was, 32);

    return y->v.lo && y->v.lo != was && (y->v.lo == low || y->v.lo == was - low);
}

/* EL2 has computed what its timer does, and that is no mask for the moment (is_timer_masked()). */
static bool is_timer_changed(const struct why *y)
{
    return is_timer(y) && y->tag.kind == TAG_DERIVED;
}

/* EL2 has computed it anew: but priorities, mask and mode of the virtual CPU interface are the
 * world's alone, and what it asks for by a trap is_gic_emulated() knows. */
static bool is_interface_changed(const struct why *y)
{
    return y->c->regs.desc[y->reg].owner == OWNER_GICV && y->tag.kind == TAG_DERIVED;
}

/* EL2 has computed it from the world's value, though it is nothing to EL2. Two halves of one
 * program may agree on anything by a call. */
bool own_is_tampered(const struct why *y)
{
    enum regs_use use = regs_use(y->c, y->reg);
    bool call = justify_is_call(checker_exit_state(y->c, y->w));

    return y->tag.kind == TAG_DERIVED && y->tag.world == (int)y->w->index && y->tag.reg == y->reg &&
           use != REGS_ANY && !(call && (use == REGS_BY_CALL || y->w->kind == WORLD_HOST));
}

/* The newest is where it was saved, and EL2 has loaded from another place, in which the register
 * has never been, and has stored something there that nobody has asked for. */
static bool is_from_elsewhere(const struct why *y)
{
    const struct granule *g = y->tag.from ? flow_granule(y->c->flow, y->tag.from) : NULL;

    if (!g || !g->assumed || !g->blamed || regs_use(y->c, y->reg) == REGS_ANY || !y->r->saved)
        return false;
    for (unsigned k = 0; k < SLOTS; k++) {
        const struct slot *s = &y->r->slots[k];
        if (s->pa && s->pa != y->tag.from && s->version == y->r->version &&
            own_memory_is(y, s->pa, y->r->value.lo))
            return true;
    }
    return false;
}

/* By what EL2 has computed from it, or stored in its slot for a reason. */
static bool was_edited(struct why *y)
{
    bool own = y->tag.world == (int)y->w->index && y->tag.reg == y->reg;

    y->overwritten = overwritten_slot(y);
    if (y->overwritten && !is_reset(y, true))
        return false;
    y->overwritten = NULL;
    if (is_half(y) || is_timer_changed(y) || is_interface_changed(y) || own_is_tampered(y))
        return false;
    if (own && y->tag.kind == TAG_DERIVED)
        return true;
    if (own && y->tag.kind == TAG_MODIFIED && is_from_elsewhere(y))
        return false;
    return (slot_was_changed(y) || (own && y->tag.kind == TAG_MODIFIED)) && !was_never_saved(y);
}

/* The world has written it by a trap, some exits ago: until now it could not see what is there. */
static bool was_asked_for(const struct why *y)
{
    return y->r->trapped && (y->v.lo & y->c->regs.desc[y->reg].mask) == y->r->asked;
}

bool own_is_given_otherwise(const struct why *y)
{
    bool kept = false;

    for (unsigned k = 0; k < SLOTS; k++)
        kept |= y->r->slots[k].pa && own_memory_is(y, y->r->slots[k].pa, y->r->asked);
    return kept && !was_asked_for(y) && regs_use(y->c, y->reg) != REGS_ANY &&
           y->tag.kind == TAG_DERIVED && y->tag.world == (int)y->w->index;
}

bool own_is_right(struct why *y)
{
    const struct exit_state *s = checker_exit_state(y->c, y->w);
    struct allowance a = justify(s, y->w->kind == WORLD_HOST);

    if (!s->valid || a.anything)
        return true;
    if (y->reg < 31)
        return bit(a.x, y->reg) && fits(s, y->v.lo) && !is_repeated(y, s);
    return (justify_is_write_of(s, y->c->regs.desc[y->reg].number) && !own_is_given_otherwise(y)) ||
           is_injected(y) || is_timer_masked(y) || is_gic_emulated(y, s) || was_asked_for(y) ||
           was_edited(y);
}
