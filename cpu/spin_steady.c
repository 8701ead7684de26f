/*
 * Is there nothing new between two counts? Each late value is followed through the iteration as a
 * function of the count: the same for all counts in between, or rising, which is never falling and
 * never wrapping round; then its values at the ends bound it. What is neither is unknown, and no
 * branch may depend on it.
 *
 * A comparison of a rising value with one that is the same sets flags of which C changes at most
 * once, where the difference wraps round. With C the same at both ends the difference is monotone,
 * so N, and Z unless it is zero inside only, change at most once too; and V follows from the signs.
 * So flags that are the same at both ends are the same in between.
 */
#include "cpu/spin_iteration.h"

enum kind { UNKNOWN, SAME, RISING };

/* A value at both ends. */
struct span {
    enum kind kind;
    uint64_t lo, hi;
};

struct state {
    struct span x[REG_COUNT];
    unsigned flags_same; /* of those that are late */
    struct span access[SPIN_ACCESSES];
};

/* General register @r as @l reads it. */
static struct span operand(const struct state *s, const struct spin_late *l, unsigned r)
{
    for (unsigned k = 0; k < l->operands; k++)
        if (l->reg[k] == r)
            return (struct span){SAME, l->value[k], l->value[k]};
    return r == REG_ZR ? (struct span){.kind = SAME} : s->x[r];
}

/* The low 32 bits of @v, or all if @is_64. */
static struct span narrow(struct span v, bool is_64)
{
    uint32_t lo = (uint32_t)v.lo, hi = (uint32_t)v.hi;

    if (is_64)
        return v;
    if (v.kind == RISING && (hi < lo || hi - lo != v.hi - v.lo))
        v.kind = UNKNOWN;
    return (struct span){v.kind, lo, hi};
}

/* Is @to, which is @from plus something that is the same, in some number of bits and extended by
 * zeros or the sign, rising too? */
static bool rises_with(struct span from, struct span to)
{
    uint64_t by = to.hi - to.lo;

    return from.kind == RISING && to.hi >= to.lo && by <= INT64_MAX && by == from.hi - from.lo;
}

static bool all_same(const struct state *s, const struct spin_late *l)
{
    unsigned late_flags = l->flags_read & ~l->fixed_flags;

    for (uint64_t reads = l->x_reads; reads; reads &= reads - 1)
        if (operand(s, l, (unsigned)__builtin_ctzll(reads)).kind != SAME)
            return false;
    return !(late_flags & ~s->flags_same);
}

/* The rising one of two operands, of which the other is the same. @shift: of the second. */
static struct span one_rising(struct span a, struct span b, bool shift)
{
    if (a.kind == RISING && b.kind == SAME)
        return a;
    if (b.kind == RISING && a.kind == SAME && !shift)
        return b;
    return (struct span){.kind = UNKNOWN};
}

/* The rising operand of an addition, subtraction or comparison. */
static struct span addend(const struct state *s, const struct spin_late *l)
{
    const struct insn *i = l->i;
    struct span n = narrow(operand(s, l, i->rn), i->sz), m = {.kind = SAME};
    bool shift = false;

    if (a64_rows[i->op].reads & ROLE_RM) {
        m = narrow(operand(s, l, i->rm), i->sz);
        shift = i->op != A64_CCMP_reg && i->op != A64_CCMN_reg && i->imm != 0;
    }
    return one_rising(n, m, shift);
}

/* Does @product, as its values at the ends are, not overflow? */
static bool multiplies(struct span a, struct span b)
{
    uint64_t product;

    return !__builtin_mul_overflow(a.hi, b.hi, &product);
}

/* What @l, not all of whose operands are the same, makes of them. @v: its result at the ends.
 * @flags_same: its flags are, at the ends. True: they are in between. */
static bool follow(const struct state *s, const struct spin_late *l, struct span *v,
                   bool flags_same)
{
    const struct insn *i = l->i;
    bool late_flags = l->flags_read & ~l->fixed_flags & ~s->flags_same;
    struct span n;

    switch (i->op) {
    case A64_ADD_imm:
    case A64_SUB_imm:
    case A64_ADD_reg:
    case A64_SUB_reg:
    case A64_ADDS_imm:
    case A64_SUBS_imm:
    case A64_ADDS_reg:
    case A64_SUBS_reg:
        n = addend(s, l);
        v->kind = rises_with(n, *v) ? RISING : UNKNOWN;
        return flags_same && n.kind == RISING;
    case A64_CCMP_imm:
    case A64_CCMP_reg:
    case A64_CCMN_imm:
    case A64_CCMN_reg:
        return flags_same && !late_flags && addend(s, l).kind == RISING;
    case A64_ORR_reg: /* MOV */
        n = operand(s, l, i->rm);
        v->kind = i->rn == REG_ZR && i->imm == 0 && rises_with(n, *v) ? RISING : UNKNOWN;
        return false;
    case A64_UBFM: /* of bits that nothing is carried out of: LSR, UXTW */
        n = operand(s, l, i->rn);
        if (i->mod >= i->imm && n.lo >> i->mod >> 1 == n.hi >> i->mod >> 1)
            v->kind = n.kind;
        return false;
    case A64_MADD:
        n = operand(s, l, i->rn);
        v->kind = i->sz && i->ra == REG_ZR &&
                          one_rising(n, operand(s, l, i->rm), false).kind == RISING &&
                          multiplies(n, operand(s, l, i->rm))
                      ? RISING
                      : UNKNOWN;
        return false;
    case A64_UMULH:
        n = one_rising(operand(s, l, i->rn), operand(s, l, i->rm), false);
        v->kind = n.kind;
        return false;
    case A64_UDIV:
        n = one_rising(operand(s, l, i->rn), operand(s, l, i->rm), true);
        v->kind = i->sz && operand(s, l, i->rm).kind == SAME ? n.kind : UNKNOWN;
        return false;
    default:
        return false;
    }
}

/* Does the conditional branch @l, which goes the same way at both ends, in between too? */
static bool branch_is_same(const struct state *s, const struct spin_late *l)
{
    const struct insn *i = l->i;
    struct span v;

    switch (i->op) {
    case A64_CBZ:
    case A64_CBNZ:
        return narrow(operand(s, l, i->rd), i->sz).kind == RISING;
    case A64_TBZ:
    case A64_TBNZ:
        v = operand(s, l, i->rd);
        return v.kind == RISING && v.lo >> i->mod == v.hi >> i->mod;
    default:
        return false;
    }
}

/* The value that @l stores or loads, as the register has it. */
static void follow_access(struct state *s, const struct spin_iteration *it,
                          const struct spin_late *l, struct span *v)
{
    const struct spin_access *a = &it->access[l->access];
    struct span *here = &s->access[l->access];
    bool single = !a64_is(l->i->op, FACT_MULTI);

    *here = (struct span){.kind = UNKNOWN};
    if (a->store) {
        if (single)
            *here = operand(s, l, l->i->rd);
        return;
    }
    const struct spin_access *from = &it->access[a->source];
    if (!single || from->host != a->host || from->size != a->size)
        return;
    struct span stored = s->access[a->source];
    if (stored.kind == SAME)
        v->kind = SAME;
    else if (rises_with(stored, *v))
        v->kind = RISING;
}

/* The late instruction @k, for all counts in between. False: it is a branch that may turn. */
static bool pass(struct state *s, const struct spin_iteration *it, unsigned k,
                 const struct spin_results *lo, const struct spin_results *hi)
{
    const struct spin_late *l = &it->late[k];
    struct span v = {UNKNOWN, lo->value[k], hi->value[k]};
    bool flags_same = false;

    if (l->access >= 0) {
        follow_access(s, it, l, &v);
    } else if (all_same(s, l)) {
        v.kind = SAME;
        flags_same = true;
    } else if (a64_is(l->i->op, FACT_DIRECT)) {
        return branch_is_same(s, l);
    } else {
        flags_same = follow(s, l, &v, lo->nzcv[k] == hi->nzcv[k]);
    }
    for (uint64_t writes = l->x_writes; writes; writes &= writes - 1)
        s->x[__builtin_ctzll(writes)] = v;
    s->flags_same &= ~l->flags_written;
    s->flags_same |= flags_same ? l->flags_written : 0;
    return true;
}

bool spin_is_steady(const struct spin_iteration *it, const struct spin_results *lo,
                    const struct spin_results *hi)
{
    struct state s = {.flags_same = 0};

    s.x[it->read->rd] = (struct span){RISING, lo->count, hi->count};
    if (lo->count > hi->count)
        return false;
    for (unsigned k = 0; k < it->late_count; k++)
        if (!pass(&s, it, k, lo, hi))
            return false;
    return true;
}
