/* Blocks that go round: what their first instruction finds when they come back to it. */
#include "cpu/jit/ldst.h"
#include "cpu/jit/operand.h"
#include "cpu/jit/vector.h"

/* How the NZCV of @i can be made again, of the comparisons that loops end in. */
static struct jit_again comparison(const struct insn *i)
{
    const struct jit_operand imm = {.is_imm = true, .imm = (int32_t)i->imm},
                             plain = {.plain = true};

    switch (i->op) {
    case A64_SUBS_imm:
        return jit_again_of(ALU_SUB, i, imm);
    case A64_ADDS_imm:
        return jit_again_of(ALU_ADD, i, imm);
    case A64_SUBS_reg:
        return i->imm ? (struct jit_again){0} : jit_again_of(ALU_SUB, i, plain);
    default:
        return (struct jit_again){0};
    }
}

static bool is_same(const struct jit_again *a, const struct jit_again *b)
{
    return a->known && b->known && a->op == b->op && a->w == b->w && a->undo == b->undo &&
           a->is_imm == b->is_imm && a->n == b->n && (a->is_imm ? a->imm == b->imm : a->m == b->m);
}

/* From the head on, do the registers of @a stay until nobody wants NZCV, and does nobody read them
 * but in rare code? */
static bool lasts(const struct tr *t, const struct jit_again *a)
{
    uint64_t regs = BIT(a->n) | (a->is_imm ? 0 : BIT(a->m));

    for (unsigned k = 0; k < t->n && t->live[k]; k++)
        if (t->use[k].x_writes & regs || a64_flags_read(tr_row(t, k)) ||
            !t->jit->template[t->rec[k].op])
            return false;
    return true;
}

/* The instruction that comes back to the first one, of several the last: behind it may be what
 * follows the loop. */
static unsigned last_of_loop(const struct tr *t)
{
    for (unsigned k = t->n; k-- > 0;)
        if (a64_is(t->rec[k].op, FACT_DIRECT) && (uint64_t)t->rec[k].imm == t->first * 4ull)
            return k;
    return t->n - 1;
}

static struct jit_again last_comparison(const struct tr *t)
{
    for (unsigned k = last_of_loop(t) + 1; k-- > 0;)
        if (a64_flags_written(tr_row(t, k)))
            return comparison(&t->rec[k]);
    return (struct jit_again){0};
}

/* An access that may have a site: what its address is made of, the second register shifted or
 * REG_ZR, and its size, of which the address is a multiple now. */
struct lookup {
    unsigned base, index, shift, size;
    int64_t offset;
};

/* Not a literal's: that is not in a register. */
static uint64_t address_now(const struct tr *t, const struct insn *i, const struct kind *a)
{
    uint64_t base = t->cpu->x[i->rn];

    return a->mode == INDEX ? base | t->cpu->x[i->rm] << i->imm : base + (uint64_t)offset(i, a);
}

/* How many accesses instruction @k is the first of that look L1 up at once; 0: none. @l->size: 0,
 * if they may not have a site. */
static unsigned looks_up(const struct tr *t, unsigned k, struct lookup *l)
{
    const struct insn *i = &t->rec[k];
    struct kind a;

    *l = (struct lookup){0};
    if (!ldst_kind(t, k, &a)) {
        l->base = i->rn;
        l->index = REG_ZR;
        l->size = tr_atomic_bytes(t, k) | tr_exclusive_bytes(t, k);
        return 0;
    }
    unsigned n = ldst_at_once(t, k, &a);
    if (n > 1 || is_odd(i, &a) || a.unpriv || a.mode == LITERAL || bytes(&a) > 16 ||
        address_now(t, i, &a) % bytes(&a))
        return n;
    *l = (struct lookup){.base = i->rn, .index = REG_ZR, .size = bytes(&a)};
    if (a.mode == INDEX) {
        l->index = i->rm;
        l->shift = (unsigned)i->imm;
    } else {
        l->offset = offset(i, &a);
    }
    return n;
}

/* Does instruction @k change @g by a constant, or keep it in a ring, so that its multiples of @size
 * stay such and mostly in one page? */
static bool steps(const struct tr *t, unsigned k, unsigned g, unsigned size)
{
    const struct insn *i = &t->rec[k];
    struct kind a;

    if (i->rn != g)
        return false;
    if (ldst_kind(t, k, &a))
        return writes_back(&a) && !loads_base(i, &a) && i->imm % size == 0;
    if (i->rd != g)
        return false;
    switch (i->op) {
    case A64_AND_imm:
        return true;
    case A64_ADD_imm:
    case A64_SUB_imm:
    case A64_ADDS_imm:
    case A64_SUBS_imm:
        return i->imm % size == 0 && i->imm < (int64_t)PAGE_SIZE / 4;
    default:
        return false;
    }
}

/* Is instruction @k a sum, a difference or a move, of 32 bits that are extended or of 64? */
static bool is_sum(const struct tr *t, unsigned k)
{
    const struct insn *i = &t->rec[k];

    switch (i->op) {
    case A64_ADD_reg:
    case A64_SUB_reg:
        return i->imm == 0;
    case A64_ORR_reg:
        return i->imm == 0 && i->rn == REG_ZR;
    case A64_SBFM:
        return i->imm == 0 && i->mod == 31;
    default:
        return false;
    }
}

/* Does @g keep its value in the loop, go on by small steps, or is it made of such registers, which
 * says nothing about multiples? */
static bool is_steady(const struct tr *t, unsigned g, unsigned size, unsigned depth)
{
    uint64_t from = 0;
    bool anew = true;

    for (unsigned k = 0; k < t->n; k++) {
        if (!(t->use[k].x_writes & BIT(g)) || steps(t, k, g, size))
            continue;
        if (size > 1 || depth == 0 || !is_sum(t, k))
            return false;
        if (anew && t->use[k].x_reads & BIT(g))
            return false;
        anew = false;
        from |= t->use[k].x_reads & ~BIT(g);
    }
    for (; from; from &= from - 1)
        if (!is_steady(t, (unsigned)__builtin_ctzll(from), 1, depth - 1))
            return false;
    return true;
}

#define DEPTH 2 /* of sums of sums */

static bool is_steady_address(const struct tr *t, const struct lookup *l)
{
    unsigned size = l->size >> l->shift;

    return is_steady(t, l->base, l->size, DEPTH) && is_steady(t, l->index, size ? size : 1, DEPTH);
}

/* The CPU's bank is another one behind some of those instructions that write system registers. */
static bool keeps_bank(const struct tr *t)
{
    for (unsigned k = 0; k < t->n; k++)
        if (tr_row(t, k)->jit == JIT_END ||
            tr_row(t, k)->facts & (BIT(FACT_WSYS) | BIT(FACT_BARRIER)))
            return false;
    return true;
}

static bool is_same_address(const struct lookup *a, const struct lookup *b)
{
    return a->base == b->base && a->index == b->index && a->shift == b->shift &&
           a->offset == b->offset;
}

/* That of an access of the same address before instruction @k; else a new one, or 0. */
static unsigned site_of(struct tr *t, unsigned k, const struct lookup *l)
{
    uint64_t regs = BIT(l->base) | BIT(l->index);
    struct lookup other;

    for (unsigned before = k; before > 0 && !(t->use[before - 1].x_writes & regs);) {
        if (!t->site[--before])
            continue;
        (void)looks_up(t, before, &other);
        if (is_same_address(l, &other))
            return t->site[before];
    }
    return t->sites < JIT_SITES ? REG_SITE(t->sites++) : 0;
}

static void choose_sites(struct tr *t)
{
    struct lookup l;

    for (unsigned k = 0, n; k < t->n; k += n ? n : 1) {
        n = looks_up(t, k, &l);
        if (l.size && is_steady_address(t, &l))
            t->site[k] = (uint8_t)site_of(t, k, &l);
    }
}

void tr_study_loop(struct tr *t)
{
    struct jit_again a = last_comparison(t);

    if (t->live[0] && a.known && lasts(t, &a))
        t->loop_again = a;
    if (keeps_bank(t))
        choose_sites(t);
}

/* NZCV to where the head has them. */
static void bring_flags(struct tr *t)
{
    if (!t->live[0]) {
        tr_free_eflags(t);
        return;
    }
    if (!is_same(&t->s.again, &t->loop_again))
        tr_save_flags(t);
    else if (t->s.flags != FLAGS_EITHER && t->s.flags != FLAGS_SAVED)
        x86_mov_imm(&t->c, JIT_FLAGS, JIT_NO_FLAGS);
    if (t->loop_again.known) {
        t->s.flags = FLAGS_EITHER;
        t->s.again = t->loop_again;
    }
}

void tr_loop(struct tr *t, unsigned retired)
{
    uint64_t dirty = t->s.dirty;

    bring_flags(t);
    tr_reload(t, t->cached & ~t->s.valid);
    tr_v_loop(t);
    if (!t->uses_fpcr)
        tr_fp_leave(t);
    else if (!t->s.fp_ready)
        tr_fp_restart(t);
    t->s.valid = t->cached;
    t->s.dirty = dirty | t->written;
    x86_alu_imm(&t->c, ALU_SUB, 1, JIT_LEFT, (int32_t)retired);
    x86_bind_to(&t->c, x86_jcc(&t->c, CC_GE), t->head);
    tr_stub(t, STUB_PAUSE, 0)->from[0] = x86_jmp(&t->c);
}
