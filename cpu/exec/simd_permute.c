/* Advanced SIMD permute, extract and table lookup: bytes moved, none changed. */
#include "cpu/exec/simd_lane.h"

/* ZIP1 and TRN1 (@part == 0) or TRN2 of 128 bits, one typed loop a size. */
#define PERMUTE_LOOPS(member)                                                                      \
    LANE_INLINE void zip_##member(union vreg *r, const union vreg *n, const union vreg *m,         \
                                  unsigned part)                                                   \
    {                                                                                              \
        const unsigned half = ARRAY_SIZE(r->member) / 2, from = part * half;                       \
        for (unsigned e = 0; e < half; e++) {                                                      \
            r->member[2 * e] = n->member[from + e];                                                \
            r->member[2 * e + 1] = m->member[from + e];                                            \
        }                                                                                          \
    }                                                                                              \
    LANE_INLINE void trn_##member(union vreg *r, const union vreg *n, const union vreg *m,         \
                                  unsigned part)                                                   \
    {                                                                                              \
        for (unsigned e = 0; e < ARRAY_SIZE(r->member); e += 2) {                                  \
            r->member[e] = n->member[e + part];                                                    \
            r->member[e + 1] = m->member[e + part];                                                \
        }                                                                                          \
    }
PERMUTE_LOOPS(b)
PERMUTE_LOOPS(h)
PERMUTE_LOOPS(s)
PERMUTE_LOOPS(d)
#undef PERMUTE_LOOPS

LANE_INLINE union vreg vreg_zip(const union vreg *n, const union vreg *m, unsigned size,
                                unsigned part)
{
    union vreg r;

    LANE_CALL(size, zip, &r, n, m, part);
    return r;
}

/* Interleave the low (@part == 0) or high halves. Of 64-bit operands, both halves' interleaving is
 * in the 128 bits of ZIP1. */
LANE_INLINE enum exec_result zip(struct cpu *cpu, const struct insn *i, unsigned part)
{
    const union vreg *n = &cpu->v[i->rn], *m = &cpu->v[i->rm];
    unsigned size = simd_size(i);

    if (simd_datasize(i, size) == 128)
        return simd_write(cpu, i, vreg_zip(n, m, size, part), 128, false);
    const union vreg both = vreg_zip(n, m, size, 0);
    return simd_write(cpu, i, (union vreg){.d = {both.d[part], 0}}, 128, false);
}

LANE_INLINE enum exec_result uzp(struct cpu *cpu, const struct insn *i, unsigned part)
{
    unsigned size = simd_size(i), datasize = simd_datasize(i, size);

    return simd_write(cpu, i, vreg_unzip(&cpu->v[i->rn], &cpu->v[i->rm], size, datasize, part),
                      datasize, false);
}

LANE_INLINE enum exec_result trn(struct cpu *cpu, const struct insn *i, unsigned part)
{
    const union vreg *n = &cpu->v[i->rn], *m = &cpu->v[i->rm];
    unsigned size = simd_size(i);
    union vreg r;

    LANE_CALL(size, trn, &r, n, m, part);
    return simd_write(cpu, i, r, simd_datasize(i, size), false);
}

/* PERMUTE(row, function, part) */
/* clang-format off */
#define SIMD_PERMUTES(X)                                                                           \
    X(ZIP1, zip, 0)                                                                                \
    X(ZIP2, zip, 1)                                                                                \
    X(UZP1, uzp, 0)                                                                                \
    X(UZP2, uzp, 1)                                                                                \
    X(TRN1, trn, 0)                                                                                \
    X(TRN2, trn, 1)
/* clang-format on */

#define PERMUTE(row, function, part) EXEC_FUNCTION(row, function(cpu, i, part))
SIMD_PERMUTES(PERMUTE)
#undef PERMUTE
#undef SIMD_PERMUTES

/* The bytes of m:n from @from on. */
EXEC enum exec_result exec_EXT(struct cpu *cpu, const struct insn *i)
{
    unsigned datasize = simd_datasize(i, 0), from = (unsigned)bits((uint64_t)i->imm, 14, 11);
    uint8_t pair[32];
    union vreg r;

    memcpy(pair, cpu->v[i->rn].b, 16);
    memcpy(pair + datasize / 8, cpu->v[i->rm].b, 16);
    memcpy(r.b, pair + from, 16);
    return simd_write(cpu, i, r, datasize, false);
}

/* Bytes of len + 1 registers from V[n] on, by the indexes in V[m]; those out of range leave @r. */
static inline enum exec_result table_lookup(struct cpu *cpu, const struct insn *i, union vreg r)
{
    unsigned regs = (unsigned)bits((uint64_t)i->imm, 14, 13) + 1;
    const union vreg index = cpu->v[i->rm];
    uint8_t table[64];

    for (unsigned k = 0; k < regs; k++)
        memcpy(table + 16 * k, cpu->v[(i->rn + k) & 31].b, 16);
    for (unsigned e = 0; e < 16; e++)
        if (index.b[e] < 16 * regs)
            r.b[e] = table[index.b[e]];
    return simd_write(cpu, i, r, simd_datasize(i, 0), false);
}

EXEC enum exec_result exec_TBL(struct cpu *cpu, const struct insn *i)
{
    return table_lookup(cpu, i, (union vreg){{0}});
}

EXEC_FUNCTION(TBX, table_lookup(cpu, i, cpu->v[i->rd]))
