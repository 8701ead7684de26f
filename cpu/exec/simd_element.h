/*
 * Element operations, shared by the classes that map them. Each is a pure function of one element:
 * el_<name>(d, a, b, esize, &qc), see lane_fn. Where signedness decides nothing but the extension
 * of the operands, one operation serves both (SMAX and UMAX of at most 32 bits are both el_MAX).
 */
#pragma once

#include "cpu/exec/simd_lane.h"

LANE_INLINE uint64_t asr(uint64_t a, unsigned n)
{
    return (uint64_t)((int64_t)a >> n);
}

/* All ones if @c. By way of the narrowest type, so that a vectoriser need not widen bytes. */
LANE_INLINE uint64_t ones_if(bool c)
{
    return (uint64_t)(int8_t)-c;
}

LANE_INLINE i128 wide_s(uint64_t a)
{
    return (int64_t)a;
}

LANE_INLINE i128 wide_u(uint64_t a)
{
    return a;
}

/* SignedSatQ(). */
LANE_INLINE uint64_t sat_s(i128 v, unsigned n, bool *qc)
{
    i128 max = ((i128)1 << (n - 1)) - 1, min = -max - 1;

    *qc |= v > max || v < min;
    return (uint64_t)(v > max ? max : v < min ? min : v);
}

/* UnsignedSatQ(). */
LANE_INLINE uint64_t sat_u(i128 v, unsigned n, bool *qc)
{
    i128 max = ((i128)1 << n) - 1;

    *qc |= v > max || v < 0;
    return (uint64_t)(v > max ? max : v < 0 ? 0 : v);
}

/* v * 2^shift, rounded down, or to nearest if @round. A left shift by 64 or more, where the exact
 * value may not fit, gives something of its sign that saturates every size and whose low bits are
 * 0. */
LANE_INLINE i128 shifted(i128 v, int shift, bool round)
{
    if (shift >= 64)
        return v == 0 ? 0 : v < 0 ? -((i128)1 << 126) : (i128)1 << 126;
    if (shift >= 0)
        return v * ((i128)1 << shift);
    int s = shift < -127 ? 127 : -shift;
    return (v + (round ? (i128)1 << (s - 1) : 0)) >> s;
}

/* Right shifts by 1..64, of which only 64-bit elements reach the last, which C does not have. */
LANE_INLINE uint64_t shr_u(uint64_t a, uint64_t n, unsigned esize)
{
    return esize < 64 || n < 64 ? a >> n : 0;
}

LANE_INLINE uint64_t shr_s(uint64_t a, uint64_t n, unsigned esize)
{
    return asr(a, (unsigned)(esize < 64 || n < 64 ? n : 63));
}

/* What rounding adds to them. */
LANE_INLINE uint64_t shr_round(uint64_t a, uint64_t n)
{
    return (a >> (n - 1)) & 1;
}

/* PolynomialMult() of bytes. */
LANE_INLINE uint64_t pmul8(uint64_t a, uint64_t b)
{
    uint64_t r = 0;

    for (unsigned k = 0; k < 8; k++)
        r ^= (a << k) & ones_if((b >> k) & 1);
    return r;
}

/* The sum of the products of four bytes each, extended as the two views say. */
LANE_INLINE uint64_t dot4(uint64_t a, enum lane_view va, uint64_t b, enum lane_view vb)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < 32; k += 8) {
        uint64_t x = va == LANE_S ? (uint64_t)(int8_t)(a >> k) : (uint8_t)(a >> k);
        uint64_t y = vb == LANE_S ? (uint64_t)(int8_t)(b >> k) : (uint8_t)(b >> k);
        sum += x * y;
    }
    return sum;
}

/* SQRDMULH and, with an addend, SQRDMLAH and SQRDMLSH: the high half of twice the product. */
LANE_INLINE uint64_t doubling_high(i128 addend, uint64_t a, uint64_t b, int sign, bool round,
                                   unsigned esize, bool *qc)
{
    i128 v = addend * ((i128)1 << esize) + sign * 2 * wide_s(a) * wide_s(b);

    return sat_s(shifted(v, -(int)esize, round), esize, qc);
}

/* X(name, expression in d, a, b, esize and qc): LANE_OP() */
/* clang-format off */
#define SIMD_ELEMENTS(X)                                                                           \
    X(AND,      a & b)                                                                             \
    X(BIC,      a & ~b)                                                                            \
    X(ORR,      a | b)                                                                             \
    X(ORN,      a | ~b)                                                                            \
    X(EOR,      a ^ b)                                                                             \
    X(BSL,      b ^ ((b ^ a) & d))                                                                 \
    X(BIT,      d ^ ((d ^ a) & b))                                                                 \
    X(BIF,      d ^ ((d ^ a) & ~b))                                                                \
    X(ADD,      a + b)                                                                             \
    X(SUB,      a - b)                                                                             \
    X(MUL,      a * b)                                                                             \
    X(MLA,      d + a * b)                                                                         \
    X(MLS,      d - a * b)                                                                         \
    X(PMUL,     pmul8(a, b))                                                                       \
    X(CMEQ,     ones_if(a == b))                                                                   \
    X(CMTST,    ones_if((a & b) != 0))                                                             \
    X(CMGT,     ones_if((int64_t)a > (int64_t)b))                                                  \
    X(CMGE,     ones_if((int64_t)a >= (int64_t)b))                                                 \
    X(CMHI,     ones_if(a > b))                                                                    \
    X(CMHS,     ones_if(a >= b))                                                                   \
    /* Elements of at most 32 bits, of either signedness. */                                       \
    X(HADD,     asr(a + b, 1))                                                                     \
    X(HSUB,     asr(a - b, 1))                                                                     \
    X(RHADD,    asr(a + b + 1, 1))                                                                 \
    X(MAX,      (int64_t)a > (int64_t)b ? a : b)                                                   \
    X(MIN,      (int64_t)a < (int64_t)b ? a : b)                                                   \
    X(ABD,      (int64_t)a > (int64_t)b ? a - b : b - a)                                           \
    X(ABA,      d + ((int64_t)a > (int64_t)b ? a - b : b - a))                                     \
    /* Saturating. */                                                                              \
    X(SQADD,    sat_s(wide_s(a) + wide_s(b), esize, qc))                                           \
    X(UQADD,    sat_u(wide_u(a) + wide_u(b), esize, qc))                                           \
    X(SQSUB,    sat_s(wide_s(a) - wide_s(b), esize, qc))                                           \
    X(UQSUB,    sat_u(wide_u(a) - wide_u(b), esize, qc))                                           \
    X(SQDMULH,  doubling_high(0, a, b, 1, false, esize, qc))                                       \
    X(SQRDMULH, doubling_high(0, a, b, 1, true, esize, qc))                                        \
    X(SQRDMLAH, doubling_high(wide_s(d), a, b, 1, true, esize, qc))                                \
    X(SQRDMLSH, doubling_high(wide_s(d), a, b, -1, true, esize, qc))                               \
    /* Saturating, on operands already widened to the result's elements. */                        \
    X(SQDMULL,  sat_s(2 * wide_s(a) * wide_s(b), esize, qc))                                       \
    X(SQDMLAL,  sat_s(wide_s(d) + wide_s(sat_s(2 * wide_s(a) * wide_s(b), esize, qc)), esize, qc)) \
    X(SQDMLSL,  sat_s(wide_s(d) - wide_s(sat_s(2 * wide_s(a) * wide_s(b), esize, qc)), esize, qc)) \
    /* Shift by the signed low byte of b. */                                                       \
    X(SSHL,     (uint64_t)shifted(wide_s(a), (int8_t)b, false))                                    \
    X(USHL,     (uint64_t)shifted(wide_u(a), (int8_t)b, false))                                    \
    X(SRSHL,    (uint64_t)shifted(wide_s(a), (int8_t)b, true))                                     \
    X(URSHL,    (uint64_t)shifted(wide_u(a), (int8_t)b, true))                                     \
    X(SQSHL,    sat_s(shifted(wide_s(a), (int8_t)b, false), esize, qc))                            \
    X(UQSHL,    sat_u(shifted(wide_u(a), (int8_t)b, false), esize, qc))                            \
    X(SQRSHL,   sat_s(shifted(wide_s(a), (int8_t)b, true), esize, qc))                             \
    X(UQRSHL,   sat_u(shifted(wide_u(a), (int8_t)b, true), esize, qc))                             \
    X(SQSHLU,   sat_u(shifted(wide_s(a), (int8_t)b, false), esize, qc))                            \
    /* The high half, which the caller narrows to. */                                              \
    X(ADDHN,    (a + b) >> (esize / 2))                                                            \
    X(SUBHN,    (a - b) >> (esize / 2))                                                            \
    X(RADDHN,   (a + b + (UINT64_C(1) << (esize / 2 - 1))) >> (esize / 2))                         \
    X(RSUBHN,   (a - b + (UINT64_C(1) << (esize / 2 - 1))) >> (esize / 2))                         \
    /* On 32-bit elements, four bytes each. */                                                     \
    X(SDOT,     d + dot4(a, LANE_S, b, LANE_S))                                                    \
    X(UDOT,     d + dot4(a, LANE_U, b, LANE_U))                                                    \
    X(USDOT,    d + dot4(a, LANE_U, b, LANE_S))                                                    \
    X(SUDOT,    d + dot4(a, LANE_S, b, LANE_U))
/* clang-format on */

/* Define el_<name>(). */
#define LANE_OP(name, expression)                                                                  \
    LANE_INLINE uint64_t el_##name(uint64_t d, uint64_t a, uint64_t b, unsigned esize, bool *qc)   \
    {                                                                                              \
        (void)d;                                                                                   \
        (void)a;                                                                                   \
        (void)b;                                                                                   \
        (void)esize;                                                                               \
        (void)qc;                                                                                  \
        return expression;                                                                         \
    }
SIMD_ELEMENTS(LANE_OP)
