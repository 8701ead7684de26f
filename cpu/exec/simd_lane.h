/*
 * Vectors as lanes. An instruction is an element operation (cpu/exec/simd_element.h) mapped over
 * the lanes of its operands; lengthening and narrowing forms are the same map with operands widened
 * before or the result narrowed after; scalar forms are the same map on a register cut down to one
 * element. The maps take the operation as a constant function pointer and are always inlined, so
 * that the compiler sees plain loops of known trip count, which it vectorises.
 *
 * `size` is log2 of the element's bytes (0..3), `esize` its bits, `datasize` the bits of a vector.
 */
#pragma once

#include "cpu/exec.h"

#define LANE_INLINE static inline __attribute__((always_inline))

__extension__ typedef __int128 i128;

/* How lanes are extended to 64 bits before an operation. */
enum lane_view { LANE_U, LANE_S };

/**
 * lane_fn - one element of a result; more than esize bits may be returned, the rest is dropped.
 * @d: the destination's old element. @a, @b: the sources'. All extended as the map's view says.
 * @qc: set, never cleared, on saturation.
 */
typedef uint64_t lane_fn(uint64_t d, uint64_t a, uint64_t b, unsigned esize, bool *qc);

LANE_INLINE unsigned lane_bits(unsigned size)
{
    return 8u << size;
}

/* Element @e, zero-extended. */
static inline uint64_t lane_get(const union vreg *v, unsigned size, unsigned e)
{
    switch (size) {
    case 0:
        return v->b[e & 15];
    case 1:
        return v->h[e & 7];
    case 2:
        return v->s[e & 3];
    default:
        return v->d[e & 1];
    }
}

static inline void lane_set(union vreg *v, unsigned size, unsigned e, uint64_t value)
{
    switch (size) {
    case 0:
        v->b[e & 15] = (uint8_t)value;
        break;
    case 1:
        v->h[e & 7] = (uint16_t)value;
        break;
    case 2:
        v->s[e & 3] = (uint32_t)value;
        break;
    default:
        v->d[e & 1] = value;
        break;
    }
}

/* All 128 bits filled with the low 8 << @size bits of @value. */
static inline union vreg vreg_dup(unsigned size, uint64_t value)
{
    static const uint64_t ones[4] = {UINT64_C(0x0101010101010101), UINT64_C(0x0001000100010001),
                                     UINT64_C(0x0000000100000001), 1};
    uint64_t d = zext(value, lane_bits(size)) * ones[size];

    return (union vreg){.d = {d, d}};
}

/* The low @datasize bits (8..64 or 128) of @v, the rest zero. In the host's vector registers and
 * without a branch: halves kept in general registers would stall the vector loads of the maps. */
LANE_INLINE union vreg vreg_low(union vreg v, unsigned datasize)
{
    static const uint8_t window[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                       255, 255, 255, 255, 255, 255, 255, 255};
    uint64_t mask __attribute__((vector_size(16))), r __attribute__((vector_size(16)));

    memcpy(&mask, window + 16 - datasize / 8, 16);
    memcpy(&r, &v, 16);
    r &= mask;
    memcpy(&v, &r, 16);
    return v;
}

/* Fields that the vector and scalar encodings of a class share: <28> is set in the scalar ones. */
LANE_INLINE bool simd_is_scalar(const struct insn *i)
{
    return bit((uint64_t)i->imm, 28);
}

LANE_INLINE unsigned simd_size(const struct insn *i)
{
    return (unsigned)bits((uint64_t)i->imm, 23, 22);
}

/* 64 << Q for vectors, one element for scalars. */
LANE_INLINE unsigned simd_datasize(const struct insn *i, unsigned size)
{
    return simd_is_scalar(i) ? lane_bits(size) : 64u << bit((uint64_t)i->imm, 30);
}

/* The same for results of twice the size: all of the register, or one element. */
LANE_INLINE unsigned simd_wide_datasize(const struct insn *i, unsigned size)
{
    return simd_is_scalar(i) ? lane_bits(size + 1) : 128;
}

/* Which half of the narrower vector: Q for vectors, 0 for scalars. */
LANE_INLINE unsigned simd_part(const struct insn *i)
{
    return !simd_is_scalar(i) && bit((uint64_t)i->imm, 30);
}

/* The function of @size's element type: name_b, name_h, name_s or name_d. */
#define LANE_CALL(size, name, ...)                                                                 \
    do {                                                                                           \
        switch (size) {                                                                            \
        case 0:                                                                                    \
            name##_b(__VA_ARGS__);                                                                 \
            break;                                                                                 \
        case 1:                                                                                    \
            name##_h(__VA_ARGS__);                                                                 \
            break;                                                                                 \
        case 2:                                                                                    \
            name##_s(__VA_ARGS__);                                                                 \
            break;                                                                                 \
        default:                                                                                   \
            name##_d(__VA_ARGS__);                                                                 \
            break;                                                                                 \
        }                                                                                          \
    } while (0)

/* Maps over one element type: d[e] = op(d[e], n[e], m[e]), and with the same @imm for all. */
#define LANE_EXTEND(stype, view, x) ((view) == LANE_S ? (uint64_t)(stype)(x) : (uint64_t)(x))
#define LANE_MAPS(member, utype, stype)                                                            \
    LANE_INLINE void map_##member(union vreg *d, const union vreg *n, const union vreg *m,         \
                                  enum lane_view view, lane_fn *op, bool *qc)                      \
    {                                                                                              \
        for (unsigned e = 0; e < ARRAY_SIZE(d->member); e++)                                       \
            d->member[e] = (utype)op(                                                              \
                LANE_EXTEND(stype, view, d->member[e]), LANE_EXTEND(stype, view, n->member[e]),    \
                LANE_EXTEND(stype, view, m->member[e]), 8 * sizeof(utype), qc);                    \
    }                                                                                              \
    LANE_INLINE void map_imm_##member(union vreg *d, const union vreg *n, uint64_t imm,            \
                                      enum lane_view view, lane_fn *op, bool *qc)                  \
    {                                                                                              \
        for (unsigned e = 0; e < ARRAY_SIZE(d->member); e++)                                       \
            d->member[e] =                                                                         \
                (utype)op(LANE_EXTEND(stype, view, d->member[e]),                                  \
                          LANE_EXTEND(stype, view, n->member[e]), imm, 8 * sizeof(utype), qc);     \
    }
LANE_MAPS(b, uint8_t, int8_t)
LANE_MAPS(h, uint16_t, int16_t)
LANE_MAPS(s, uint32_t, int32_t)
LANE_MAPS(d, uint64_t, int64_t)
#undef LANE_MAPS
#undef LANE_EXTEND

/* d[e] = op(d[e], n[e], m[e]) for all 128 bits. @d, @n and @m do not overlap. */
LANE_INLINE void lanes_map(union vreg *d, const union vreg *n, const union vreg *m, unsigned size,
                           enum lane_view view, lane_fn *op, bool *qc)
{
    LANE_CALL(size, map, d, n, m, view, op, qc);
}

/* d[e] = op(d[e], n[e], imm) for all 128 bits. */
LANE_INLINE void lanes_map_imm(union vreg *d, const union vreg *n, uint64_t imm, unsigned size,
                               enum lane_view view, lane_fn *op, bool *qc)
{
    LANE_CALL(size, map_imm, d, n, imm, view, op, qc);
}

/* Even (@odd == 0) or odd elements of m:n, one typed loop a size. */
#define LANE_UNZIP(member)                                                                         \
    LANE_INLINE void unzip_##member(union vreg *r, const union vreg *n, const union vreg *m,       \
                                    unsigned odd)                                                  \
    {                                                                                              \
        for (unsigned e = 0; e < ARRAY_SIZE(r->member) / 2; e++) {                                 \
            r->member[e] = n->member[2 * e + odd];                                                 \
            r->member[e + ARRAY_SIZE(r->member) / 2] = m->member[2 * e + odd];                     \
        }                                                                                          \
    }
LANE_UNZIP(b)
LANE_UNZIP(h)
LANE_UNZIP(s)
LANE_UNZIP(d)
#undef LANE_UNZIP

/* Even (@odd == 0) or odd elements of m:n, which are @datasize bits each. */
LANE_INLINE union vreg vreg_unzip(const union vreg *n, const union vreg *m, unsigned size,
                                  unsigned datasize, unsigned odd)
{
    union vreg r;

    LANE_CALL(size, unzip, &r, n, m, odd);
    if (datasize == 64) /* what came from the low halves */
        r = (union vreg){.s = {r.s[0], r.s[2], 0, 0}};
    return r;
}

/* Half @part of @v, each element of @size (0..2) extended to twice its bits. */
LANE_INLINE union vreg vreg_widen(const union vreg *v, unsigned part, unsigned size,
                                  enum lane_view view)
{
    union vreg r;

    switch (size) {
    case 0:
        for (unsigned e = 0; e < 8; e++)
            r.h[e] = view == LANE_S ? (uint16_t)(int8_t)v->b[8 * part + e] : v->b[8 * part + e];
        break;
    case 1:
        for (unsigned e = 0; e < 4; e++)
            r.s[e] = view == LANE_S ? (uint32_t)(int16_t)v->h[4 * part + e] : v->h[4 * part + e];
        break;
    default:
        for (unsigned e = 0; e < 2; e++)
            r.d[e] = view == LANE_S ? (uint64_t)(int32_t)v->s[2 * part + e] : v->s[2 * part + e];
        break;
    }
    return r;
}

/* The low half of each element, packed into 64 bits; the result's elements are of @size (0..2). */
LANE_INLINE uint64_t vreg_narrow(const union vreg *v, unsigned size)
{
    union vreg r = {{0}};

    switch (size) {
    case 0:
        for (unsigned e = 0; e < 8; e++)
            r.b[e] = (uint8_t)v->h[e];
        break;
    case 1:
        for (unsigned e = 0; e < 4; e++)
            r.h[e] = (uint16_t)v->s[e];
        break;
    default:
        for (unsigned e = 0; e < 2; e++)
            r.s[e] = (uint32_t)v->d[e];
        break;
    }
    return r.d[0];
}

/* V[rd] = @r, cut to @datasize; FPSR.QC |= @qc. */
LANE_INLINE enum exec_result simd_write(struct cpu *cpu, const struct insn *i, union vreg r,
                                        unsigned datasize, bool qc)
{
    cpu->v[i->rd] = vreg_low(r, datasize);
    if (qc)
        cpu->fpsr |= FPSR_QC;
    return EXEC_NEXT;
}

/* V[rd] = op over elements of @size of @n and @m; every lane that does not count holds zero, which
 * saturates nothing. */
LANE_INLINE enum exec_result simd_map(struct cpu *cpu, const struct insn *i, const union vreg *n,
                                      const union vreg *m, unsigned size, unsigned datasize,
                                      enum lane_view view, lane_fn *op)
{
    union vreg d = vreg_low(cpu->v[i->rd], datasize);
    const union vreg a = vreg_low(*n, datasize), b = vreg_low(*m, datasize);
    bool qc = false;

    lanes_map(&d, &a, &b, size, view, op, &qc);
    return simd_write(cpu, i, d, datasize, qc);
}

/* The same with an immediate for all lanes. */
LANE_INLINE enum exec_result simd_map_imm(struct cpu *cpu, const struct insn *i,
                                          const union vreg *n, uint64_t imm, unsigned size,
                                          unsigned datasize, enum lane_view view, lane_fn *op)
{
    union vreg d = vreg_low(cpu->v[i->rd], datasize);
    const union vreg a = vreg_low(*n, datasize);
    bool qc = false;

    lanes_map_imm(&d, &a, imm, size, view, op, &qc);
    return simd_write(cpu, i, d, datasize, qc);
}

/* Narrowing: op over elements of @size + 1 of @n and @m, the low halves of the results to one half
 * of V[rd]: Vpart[d, part]. Scalars: one element. */
LANE_INLINE enum exec_result simd_map_narrow(struct cpu *cpu, const struct insn *i,
                                             const union vreg *n, const union vreg *m, uint64_t imm,
                                             unsigned size, enum lane_view view, lane_fn *op)
{
    unsigned wide = simd_wide_datasize(i, size);
    const union vreg a = vreg_low(*n, wide);
    union vreg r = {{0}};
    bool qc = false;

    if (m)
        lanes_map(&r, &a, m, size + 1, view, op, &qc);
    else
        lanes_map_imm(&r, &a, imm, size + 1, view, op, &qc);

    uint64_t half = zext(vreg_narrow(&r, size), wide / 2);
    r = simd_part(i) ? (union vreg){.d = {cpu->v[i->rd].d[0], half}} : (union vreg){.d = {half, 0}};
    return simd_write(cpu, i, r, 128, qc);
}

/* SIMD_EXEC(row, map, view, element operation): exec_<row>() is @map, a function of its class, of
 * the operation over lanes seen that way. */
#define SIMD_EXEC(row, map, view, op) EXEC_FUNCTION(row, map(cpu, i, view, op))
