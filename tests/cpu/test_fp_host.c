/*
 * cpu/fp against the floating-point unit of an x86-64 host, a second opinion besides QEMU
 * (test_fp.c). Single and double precision in the four rounding modes, with and without flushing,
 * and the host's conversions from and to half precision; its arithmetic is test_fp_half.c's.
 * ARMILLARY_ROW restricts to the rows that begin with it.
 *
 * Which NaN comes out differs between the architectures, and is not compared. Tininess is detected
 * after rounding there and before it here: seen only when a result becomes the least normal number.
 */
#if defined(__x86_64__)

#include "tests/cpu/fp_host_case.h"

enum need { ANY_HOST, NEEDS_SSE4_1, NEEDS_FMA, NEEDS_F16C };

static bool host_has(enum need need)
{
    switch (need) {
    case NEEDS_SSE4_1:
        return __builtin_cpu_supports("sse4.1");
    case NEEDS_FMA:
        return __builtin_cpu_supports("fma");
    case NEEDS_F16C:
        /* clang 14 has no word for F16C; every CPU with AVX2 has it. */
        return __builtin_cpu_supports("avx2");
    default:
        return true;
    }
}

struct row;
typedef uint64_t ours_fn(const struct row *w, struct fp_env *e, const uint64_t in[3]);
/* The host's result as Arm has it. @e: the control word in, the host's flags in and Arm's out. */
typedef uint64_t adjust_fn(const struct row *w, struct fp_env *e, const uint64_t in[3],
                           uint64_t out);

struct row {
    const char *name;
    uint8_t size;    /* bits of each operand */
    uint8_t count;   /* of operands */
    uint8_t result;  /* bits; also of an integer */
    bool in_integer; /* the operands are not floating point */
    bool is_number;  /* the result is */
    bool related;    /* of use: a first operand near the product of the last two */
    bool flag;       /* exact, unsigned, or signal_nans */
    bool trunc;      /* rounds toward zero whatever the mode */
    enum need need;
    host_fn *host;
    ours_fn *ours;
    adjust_fn *adjust;
    union {
        uint64_t (*two)(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
        bool (*test)(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
    } fn;
};

static enum fp_rounding rounding(const struct row *w, const struct fp_env *e)
{
    return w->trunc ? FP_ZERO : FPCR_RMODE(e->fpcr);
}

/* ours_<name>(): one expression of w, e and in. */
#define OURS(name, ...)                                                                            \
    static uint64_t ours_##name(const struct row *w, struct fp_env *e, const uint64_t in[3])       \
    {                                                                                              \
        return __VA_ARGS__;                                                                        \
    }

OURS(two, w->fn.two(e, w->size, in[0], in[1]))
OURS(test, w->fn.test(e, w->size, in[0], in[1]))
OURS(sqrt, fp_sqrt(e, w->size, in[0]))
OURS(muladd, fp_muladd(e, w->size, in[0], in[1], in[2]))
OURS(compare, fp_compare(e, w->size, in[0], in[1], w->flag))
OURS(round, fp_round_int(e, w->size, in[0], rounding(w, e), w->flag))
OURS(convert, fp_convert(e, w->result, w->size, in[0], rounding(w, e)))
OURS(to_fixed, fp_to_fixed(e, w->size, in[0], 0, w->flag, rounding(w, e), w->result))
OURS(from_fixed, fp_from_fixed(e, w->result, in[0], w->size, 0, w->flag, rounding(w, e)))

/* The least normal number, but for the sign. */
static uint64_t min_normal(enum fp_size n)
{
    return BIT(n - 1 - fp_exponent_bits(n));
}

static bool is_denormal(enum fp_size n, uint64_t v)
{
    return zext(v, n - 1) != 0 && zext(v, n - 1) < min_normal(n);
}

/* CF, PF and ZF are bits 0, 2 and 6. */
static uint64_t adjust_nzcv(const struct row *w, struct fp_env *e, const uint64_t in[3],
                            uint64_t out)
{
    (void)w;
    (void)in;
    (void)e;
    return bit(out, 2) ? 3 : bit(out, 6) ? 6 : bit(out, 0) ? 8 : 2;
}

static uint64_t adjust_test(const struct row *w, struct fp_env *e, const uint64_t in[3],
                            uint64_t out)
{
    (void)w;
    (void)in;
    (void)e;
    return out & 1;
}

/* Arm saturates where the host has one result for all that do not fit. */
static uint64_t adjust_integer(const struct row *w, struct fp_env *e, const uint64_t in[3],
                               uint64_t out)
{
    const bool negative = bit(in[0], w->size - 1);
    bool fits = !(e->fpsr & FPSR_IOC);

    if (w->flag)
        fits = fits && !(negative && out != 0) && zext(out, w->result) == out;
    if (fits)
        return out;
    e->fpsr = FPSR_IOC;
    if (is_nan(w->size, in[0]))
        return 0;
    if (w->flag)
        return negative ? 0 : zext(UINT64_MAX, w->result);
    return negative ? BIT(w->result - 1) : BIT(w->result - 1) - 1;
}

/* inf * 0 + a quiet NaN is an invalid operation on Arm. */
static uint64_t adjust_muladd(const struct row *w, struct fp_env *e, const uint64_t in[3],
                              uint64_t out)
{
    struct fp_env product = {.fpcr = e->fpcr};

    fp_mul(&product, w->size, in[1], in[2]);
    if (is_nan(w->size, in[0]) && !is_nan(w->size, in[1]) && !is_nan(w->size, in[2]))
        e->fpsr |= product.fpsr & FPSR_IOC;
    return out;
}

#define NUMBER(n) .size = n, .result = n, .is_number = true
#define TWO(f, n, ...)                                                                             \
    {                                                                                              \
        .name = #f " " #n, .host = host_##f##_##n, .ours = ours_two, .fn.two = fp_##f, .count = 2, \
        NUMBER(n), __VA_ARGS__                                                                     \
    }
#define TEST(f, n)                                                                                 \
    {                                                                                              \
        .name = #f " " #n, .host = host_##f##_##n, .ours = ours_test, .adjust = adjust_test,       \
        .fn.test = fp_##f, .count = 2, .size = n, .result = 1                                      \
    }
#define COMPARE(f, n, signal)                                                                      \
    {                                                                                              \
        .name = #f " " #n, .host = host_##f##_##n, .ours = ours_compare, .adjust = adjust_nzcv,    \
        .count = 2, .size = n, .result = 4, .flag = signal                                         \
    }
#define ROUND(f, n, exact)                                                                         \
    {                                                                                              \
        .name = #f " " #n, .host = host_##f##_##n, .ours = ours_round, .need = NEEDS_SSE4_1,       \
        .count = 1, NUMBER(n), .flag = exact                                                       \
    }
#define CONVERT(f, to, from, needs)                                                                \
    {                                                                                              \
        .name = #f " " #from " to " #to, .host = host_##f, .ours = ours_convert, .need = needs,    \
        .count = 1, .size = from, .result = to, .is_number = true                                  \
    }
#define TO_INTEGER(f, n, bits, is_unsigned, ...)                                                   \
    {                                                                                              \
        .name = #f " of " #n, .host = host_##f##_##n, .ours = ours_to_fixed,                       \
        .adjust = adjust_integer, .count = 1, .size = n, .result = bits, .flag = is_unsigned,      \
        __VA_ARGS__                                                                                \
    }
#define FROM_INTEGER(f, h, n, bits, is_unsigned)                                                   \
    {                                                                                              \
        .name = #f " to " #n, .host = host_##h##_##n, .ours = ours_from_fixed, .count = 1,         \
        .size = bits, .in_integer = true, .result = n, .is_number = true, .flag = is_unsigned      \
    }
/* What both sizes have. u32 is a matter of a host's 64-bit integer. */
#define BOTH(n)                                                                                    \
    TWO(add, n, .related = false), TWO(sub, n, .related = false), TWO(mul, n, .related = false),   \
        TWO(div, n, .related = true),                                                              \
        {.name = "sqrt " #n,                                                                       \
         .host = host_sqrt_##n,                                                                    \
         .ours = ours_sqrt,                                                                        \
         .count = 1,                                                                               \
         .related = true,                                                                          \
         NUMBER(n)},                                                                               \
        {.name = "fma " #n,                                                                        \
         .host = host_fma_##n,                                                                     \
         .ours = ours_muladd,                                                                      \
         .adjust = adjust_muladd,                                                                  \
         .need = NEEDS_FMA,                                                                        \
         .count = 3,                                                                               \
         .related = true,                                                                          \
         NUMBER(n)},                                                                               \
        ROUND(round, n, true), ROUND(round_quietly, n, false), COMPARE(compare, n, false),         \
        COMPARE(compare_signal, n, true), TEST(eq, n), TEST(ge, n), TEST(gt, n),                   \
        TO_INTEGER(s32, n, 32, false, .trunc = false),                                             \
        TO_INTEGER(s64, n, 64, false, .trunc = false),                                             \
        TO_INTEGER(s32_trunc, n, 32, false, .trunc = true),                                        \
        TO_INTEGER(s64_trunc, n, 64, false, .trunc = true),                                        \
        TO_INTEGER(s64, n, 32, true, .trunc = false),                                              \
        TO_INTEGER(u64, n, 64, true, .trunc = false), FROM_INTEGER(s32, from_s32, n, 32, false),   \
        FROM_INTEGER(s64, from_s64, n, 64, false), FROM_INTEGER(u32, from_s64, n, 32, true),       \
        FROM_INTEGER(u64, from_u64, n, 64, true)

static const struct row rows[] = {
    BOTH(32),
    BOTH(64),
    CONVERT(widen, FP_64, FP_32, ANY_HOST),
    CONVERT(narrow, FP_32, FP_64, ANY_HOST),
    CONVERT(from_half, FP_32, FP_16, NEEDS_F16C),
    CONVERT(to_half, FP_16, FP_32, NEEDS_F16C),
};

static void make_operands(uint64_t *rng, const struct row *w, uint64_t in[3])
{
    memset(in, 0, 3 * sizeof(in[0]));
    for (unsigned k = 0; k < w->count; k++)
        in[k] = w->in_integer ? fp_random_integer(rng, w->size)
                              : fp_random_operand(rng, w->size, k ? in[k - 1] : random_next(rng));
    if (w->related && fp_pick(rng, 3) == 0) {
        const unsigned last = w->count - 1u;
        struct fp_env e = {.fpcr = (uint32_t)fp_pick(rng, 4) << 22};
        const uint64_t product = fp_mul(&e, w->size, in[last ? last - 1 : 0], in[last]);

        in[0] = product ^ (random_next(rng) & BIT(w->size - 1));
    }
}

/* A flushed result is not inexact on Arm; a flushed operand is reported. None of it for halves. */
static struct outcome flushed(const struct row *w, const uint64_t in[3], struct outcome host)
{
    const bool zero = zext(host.value, w->result - 1u) == 0;

    if (w->is_number && w->result != FP_16 && zero && (host.fpsr & FPSR_UFC))
        host.fpsr &= ~FPSR_IXC;
    for (unsigned k = 0; k < w->count && !w->in_integer && w->size != FP_16; k++)
        host.fpsr |= is_denormal(w->size, in[k]) ? FPSR_IDC : 0;
    return host;
}

static struct outcome run_host(const struct row *w, const uint64_t in[3], enum fp_rounding r,
                               bool flush)
{
    uint32_t mxcsr = mxcsr_of(r, flush);
    uint64_t out = w->host(in, &mxcsr);
    struct fp_env e = {.fpcr = fpcr_of(r, flush), .fpsr = fpsr_of(mxcsr)};

    if (w->adjust)
        out = w->adjust(w, &e, in, out);
    const struct outcome host = {zext(out, w->result), e.fpsr};
    return flush ? flushed(w, in, host) : host;
}

/* The host's result has become the least normal number: Arm may have called it tiny, and flushed
 * it, while it was not yet rounded. */
static bool agrees_at_min_normal(const struct row *w, struct outcome ours, struct outcome host,
                                 bool flush)
{
    const uint32_t open = FPSR_UFC | FPSR_IXC;

    if (flush && w->result != FP_16 && ours.value != host.value)
        return (ours.value ^ host.value) == min_normal(w->result) &&
               (ours.fpsr & open) == FPSR_UFC && (host.fpsr & open) == FPSR_IXC &&
               (ours.fpsr & ~open) == (host.fpsr & ~open);
    return ours.value == host.value && (ours.fpsr | FPSR_UFC) == (host.fpsr | FPSR_UFC) &&
           (ours.fpsr & open) != FPSR_UFC;
}

static bool agrees(const struct row *w, struct outcome ours, struct outcome host, bool flush)
{
    if (w->is_number && zext(host.value, w->result - 1u) == min_normal(w->result))
        return agrees_at_min_normal(w, ours, host, flush);

    const bool both_nan =
        w->is_number && is_nan(w->result, host.value) && is_nan(w->result, ours.value);
    return (both_nan || ours.value == host.value) && ours.fpsr == host.fpsr;
}

/* How many of @count cases differ; the first ones are printed. */
static uint64_t check_row(const struct row *w, uint64_t *rng, uint64_t count)
{
    uint64_t bad = 0;

    for (uint64_t k = 0; k < count; k++) {
        const enum fp_rounding r = (enum fp_rounding)fp_pick(rng, 4);
        const bool flush = fp_pick(rng, 4) == 0;
        struct fp_env e = {.fpcr = fpcr_of(r, flush)};
        uint64_t in[3];

        make_operands(rng, w, in);
        const struct outcome host = run_host(w, in, r, flush);
        const uint64_t value = w->ours(w, &e, in);
        const struct outcome ours = {value, e.fpsr};
        if (!agrees(w, ours, host, flush) && bad++ < 3)
            explain(w->name, r, flush, in, ours, host);
    }
    return bad;
}

static void test_operations_agree_with_the_host(void **state)
{
    const uint64_t seed = test_seed((uint64_t)time(NULL)), count = row_cases();
    const char *prefix = getenv("ARMILLARY_ROW");
    uint64_t rng = seed, bad = 0;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        if (prefix && strncmp(rows[k].name, prefix, strlen(prefix)) != 0)
            continue;
        if (host_has(rows[k].need))
            bad += check_row(&rows[k], &rng, count);
        else
            print_message("%s: skipped, this host has no such instruction\n", rows[k].name);
    }
    if (bad)
        fail_msg("%" PRIu64 " cases differ from the host; ARMILLARY_SEED=%" PRIu64, bad, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_agree_with_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_operations_agree_with_the_host(void **state)
{
    (void)state;
    print_message("skipped: this host is not an x86-64\n");
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_operations_agree_with_the_host)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
