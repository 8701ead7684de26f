/* Comparisons, maximum and minimum. */
#include "cpu/fp/fp_internal.h"

/* Numbers order like these integers; a flushed operand is a zero, and both zeros are equal. */
FP_INLINE int64_t order(enum fp_size n, struct fp_num x, uint64_t bits)
{
    const int64_t mag = x.type == FP_ZERO_T ? 0 : (int64_t)zext(bits, n - 1);

    return x.sign ? -mag : mag;
}

enum { UNORDERED = 2 };

/* -1, 0, 1 or UNORDERED. */
FP_INLINE int compare(enum fp_size n, struct fp_env *e, uint64_t a, uint64_t b, bool signal_nans)
{
    const struct fp_num x = fp_unpack(n, e, a), y = fp_unpack(n, e, b);

    if (unlikely(fp_is_nan(x.type) || fp_is_nan(y.type))) {
        if (signal_nans || x.type == FP_SNAN || y.type == FP_SNAN)
            e->fpsr |= FPSR_IOC;
        return UNORDERED;
    }

    const int64_t p = order(n, x, a), q = order(n, y, b);
    return (p > q) - (p < q);
}

unsigned fp_compare(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b, bool signal_nans)
{
    static const uint8_t nzcv[] = {8, 6, 2, 3}; /* less, equal, greater, unordered */

    return nzcv[FP_FOR_SIZE(n, compare, e, a, b, signal_nans) + 1];
}

bool fp_eq(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, compare, e, a, b, false) == 0;
}

bool fp_ge(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    const int c = FP_FOR_SIZE(n, compare, e, a, b, true);

    return c == 0 || c == 1;
}

bool fp_gt(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, compare, e, a, b, true) == 1;
}

/* FPMax() and FPMin(). A flushed operand counts as a zero of its sign. */
FP_INLINE uint64_t max_min(enum fp_size n, struct fp_env *e, uint64_t a, uint64_t b, bool min)
{
    const struct fp_num x = fp_unpack(n, e, a), y = fp_unpack(n, e, b);

    if (unlikely(fp_is_nan(x.type) || fp_is_nan(y.type)))
        return fp_process_nans(e, n, x.type, y.type, a, b);

    const int64_t p = order(n, x, a), q = order(n, y, b);
    const bool first = min ? p < q : p > q;
    if ((first ? x : y).type == FP_ZERO_T)
        return fp_zero(n, min ? x.sign || y.sign : x.sign && y.sign);
    return first ? a : b;
}

uint64_t fp_max(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, max_min, e, a, b, false);
}

uint64_t fp_min(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, max_min, e, a, b, true);
}

/* FPMaxNum() and FPMinNum(): a single quiet NaN loses against anything. */
FP_INLINE uint64_t max_min_num(enum fp_size n, struct fp_env *e, uint64_t a, uint64_t b, bool min)
{
    const bool a_quiet = fp_unpack(n, e, a).type == FP_QNAN;
    const bool b_quiet = fp_unpack(n, e, b).type == FP_QNAN;

    if (a_quiet && !b_quiet)
        a = fp_infinity(n, !min);
    else if (!a_quiet && b_quiet)
        b = fp_infinity(n, !min);
    return max_min(n, e, a, b, min);
}

uint64_t fp_maxnm(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, max_min_num, e, a, b, false);
}

uint64_t fp_minnm(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, max_min_num, e, a, b, true);
}
