/*
 * cpu/fp against the floating-point unit of an x86-64 host, a second opinion besides QEMU
 * (test_fp.c). Single and double precision in the four rounding modes, with and without flushing;
 * half precision by the host's conversions, and its arithmetic by double precision and a rounding
 * routine of this file. ARMILLARY_SEED repeats a run, ARMILLARY_FP_N sets the cases of each row,
 * ARMILLARY_ROW restricts to the rows that begin with it.
 *
 * Which NaN comes out differs between the architectures, and is not compared. Tininess is detected
 * after rounding there and before it here: seen only when a result becomes the least normal number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#if defined(__x86_64__)

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/cpu/fp_host_insns.h"
#include "tests/cpu/fp_operands.h"

static const char *const mode_names[] = {"nearest", "up", "down", "zero", "tie away", "odd"};

static uint32_t fpcr_of(enum fp_rounding r, bool flush)
{
    return (uint32_t)r << 22 | (flush ? FPCR_FZ : 0);
}

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

static uint64_t ours_two(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return w->fn.two(e, w->size, in[0], in[1]);
}

static uint64_t ours_test(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return w->fn.test(e, w->size, in[0], in[1]);
}

static uint64_t ours_sqrt(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return fp_sqrt(e, w->size, in[0]);
}

static uint64_t ours_muladd(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return fp_muladd(e, w->size, in[0], in[1], in[2]);
}

static uint64_t ours_compare(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return fp_compare(e, w->size, in[0], in[1], w->flag);
}

static uint64_t ours_round(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return fp_round_int(e, w->size, in[0], rounding(w, e), w->flag);
}

static uint64_t ours_convert(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return fp_convert(e, w->result, w->size, in[0], rounding(w, e));
}

static uint64_t ours_to_fixed(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return fp_to_fixed(e, w->size, in[0], 0, w->flag, rounding(w, e), w->result);
}

static uint64_t ours_from_fixed(const struct row *w, struct fp_env *e, const uint64_t in[3])
{
    return fp_from_fixed(e, w->result, in[0], w->size, 0, w->flag, rounding(w, e));
}

static uint64_t exponent_mask(enum fp_size n)
{
    return MASK(n - 2, n - 1 - fp_exponent_bits(n));
}

static bool is_nan(enum fp_size n, uint64_t v)
{
    return zext(v, n - 1) > exponent_mask(n);
}

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

struct outcome {
    uint64_t value;
    uint32_t fpsr;
};

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

static void explain(const char *name, enum fp_rounding r, bool flush, const uint64_t in[3],
                    struct outcome ours, struct outcome host)
{
    print_error("%s: round to %s%s, %016" PRIx64 " %016" PRIx64 " %016" PRIx64
                "\n  ours %016" PRIx64 " fpsr %02" PRIx32 "\n  host %016" PRIx64 " fpsr %02" PRIx32
                "\n",
                name, mode_names[r], flush ? ", flush" : "", in[0], in[1], in[2], ours.value,
                ours.fpsr, host.value, host.fpsr);
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

/* Cases of a row. */
static uint64_t row_cases(void)
{
    return test_option("ARMILLARY_FP_N", 1 << 14);
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

static double double_of(uint64_t v)
{
    double d;
    memcpy(&d, &v, sizeof(d));
    return d;
}

static uint64_t bits_of(double d)
{
    uint64_t v;
    memcpy(&v, &d, sizeof(v));
    return v;
}

/* Neither end of the exponent range. */
static double power_of_two(int exp)
{
    return double_of((uint64_t)(exp + 1023) << 52);
}

/* Exact; NaNs stay quiet or signaling. */
static uint64_t double_of_half(uint64_t h)
{
    const uint64_t sign = (h & 0x8000) << 48;
    const unsigned exp = (unsigned)(h >> 10) & 31, frac = (unsigned)h & 1023;

    if (exp == 31)
        return sign | UINT64_C(0x7ff) << 52 | (uint64_t)frac << 42;
    const double mag = exp ? (1024 + frac) * power_of_two((int)exp - 25) : frac * power_of_two(-24);
    return sign | bits_of(mag);
}

/* Of a magnitude of @units and a @rest below one: does it become units + 1? */
static bool goes_up(uint64_t units, double rest, bool negative, enum fp_rounding r)
{
    switch (r) {
    case FP_TIEEVEN:
        return rest > 0.5 || (rest == 0.5 && units % 2 == 1);
    case FP_TIEAWAY:
        return rest >= 0.5;
    case FP_POSINF:
        return rest > 0 && !negative;
    case FP_NEGINF:
        return rest > 0 && negative;
    case FP_ODD:
        return rest > 0 && units % 2 == 0;
    default:
        return false;
    }
}

static bool overflow_is_infinite(bool negative, enum fp_rounding r)
{
    return r == FP_TIEEVEN || r == FP_TIEAWAY || (r == FP_POSINF && !negative) ||
           (r == FP_NEGINF && negative);
}

/* A double rounded to half precision: as a count of units in the last place. Underflow is what Arm
 * calls so. */
static struct outcome half_of_double(uint64_t v, enum fp_rounding r)
{
    const bool negative = bit(v, 63);
    const uint64_t sign = negative ? 0x8000 : 0;
    const unsigned biased = (unsigned)(v >> 52) & 0x7ff;

    if (biased == 0x7ff)
        return (struct outcome){.value = sign | (zext(v, 52) ? 0x7e00 : 0x7c00)};
    const double mag = double_of(zext(v, 63));
    const int exp = mag < 0x1p-14 ? -14 : (int)biased - 1023;
    const double scaled = mag * power_of_two(10 - exp);
    uint64_t units = (uint64_t)scaled;
    const double rest = scaled - (double)units;
    struct outcome half = {.fpsr = rest > 0 ? FPSR_IXC : 0};

    if (rest > 0 && mag < 0x1p-14)
        half.fpsr |= FPSR_UFC;
    units += goes_up(units, rest, negative, r);
    half.value = sign | (((uint64_t)(exp + 14) << 10) + units);
    if ((double)units * power_of_two(exp - 10) >= 65536) {
        half.value = sign | (overflow_is_infinite(negative, r) ? 0x7c00 : 0x7bff);
        half.fpsr |= FPSR_OFC | FPSR_IXC;
    }
    return half;
}

/* A double is wide enough for sums and products to be exact, and for rounded quotients and square
 * roots to be on the same side of every half and of every tie. */
static const struct {
    const char *name;
    host_fn *host;
    uint64_t (*two)(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
} half_rows[] = {
    {"half add", host_add_64, fp_add}, {"half sub", host_sub_64, fp_sub},
    {"half mul", host_mul_64, fp_mul}, {"half div", host_div_64, fp_div},
    {"half sqrt", host_sqrt_64, NULL},
};

static struct outcome half_by_host(host_fn *host, const uint64_t in[3], enum fp_rounding r)
{
    const uint64_t wide[3] = {double_of_half(in[0]), double_of_half(in[1])};
    uint32_t mxcsr = mxcsr_of(r, false);
    struct outcome half = half_of_double(host(wide, &mxcsr), r);

    half.fpsr |= fpsr_of(mxcsr) & (FPSR_IOC | FPSR_DZC);
    return half;
}

static bool half_agrees(struct outcome ours, struct outcome host)
{
    const bool both_nan = is_nan(FP_16, host.value) && is_nan(FP_16, ours.value);

    return (both_nan || ours.value == host.value) && ours.fpsr == host.fpsr;
}

static uint64_t check_half_pair(const uint64_t in[3], enum fp_rounding r)
{
    uint64_t bad = 0;

    for (size_t k = 0; k < ARRAY_SIZE(half_rows); k++) {
        struct fp_env e = {.fpcr = fpcr_of(r, false)};
        const uint64_t value = half_rows[k].two ? half_rows[k].two(&e, FP_16, in[0], in[1])
                                                : fp_sqrt(&e, FP_16, in[0]);
        const struct outcome ours = {value, e.fpsr}, host = half_by_host(half_rows[k].host, in, r);

        if (!half_agrees(ours, host) && bad++ == 0)
            explain(half_rows[k].name, r, false, in, ours, host);
    }
    return bad;
}

static void test_half_precision_is_rounded_double_precision(void **state)
{
    const uint64_t seed = test_seed((uint64_t)time(NULL)), pairs = row_cases() << 8;
    uint64_t rng = seed, bad = 0;

    (void)state;
    for (uint64_t k = 0; k < pairs && bad < 10; k++) {
        const uint64_t v = random_next(&rng);
        const uint64_t in[3] = {v & 0xffff, v >> 16 & 0xffff};

        bad += check_half_pair(in, (enum fp_rounding)(v >> 62));
    }
    if (bad)
        fail_msg("half precision differs; ARMILLARY_SEED=%" PRIu64, seed);
}

static void test_every_half_has_its_root(void **state)
{
    uint64_t bad = 0;

    (void)state;
    for (uint64_t a = 0; a < 1 << 16; a++)
        for (unsigned r = FP_TIEEVEN; r <= FP_ZERO && bad < 10; r++)
            bad += check_half_pair((const uint64_t[]){a, 0x3c00, 0}, (enum fp_rounding)r);
    assert_int_equal(bad, 0);
}

static void test_doubles_become_halves_in_every_rounding(void **state)
{
    const uint64_t seed = test_seed((uint64_t)time(NULL)), count = row_cases() << 2;
    uint64_t rng = seed, bad = 0;

    (void)state;
    for (uint64_t k = 0; k < count; k++) {
        const enum fp_rounding r = (enum fp_rounding)fp_pick(&rng, FP_ODD + 1);
        const uint64_t in[3] = {fp_random_operand(&rng, FP_64, random_next(&rng))};
        struct fp_env e = {0};
        const uint64_t value = fp_convert(&e, FP_16, FP_64, in[0], r);
        const struct outcome ours = {value, e.fpsr};
        struct outcome host = half_of_double(in[0], r);

        if (is_nan(FP_64, in[0]) && !bit(in[0], 51))
            host.fpsr |= FPSR_IOC;
        if (!half_agrees(ours, host) && bad++ < 3)
            explain("double to half", r, false, in, ours, host);
    }
    if (bad)
        fail_msg("%" PRIu64 " conversions differ; ARMILLARY_SEED=%" PRIu64, bad, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_agree_with_the_host),
        cmocka_unit_test(test_half_precision_is_rounded_double_precision),
        cmocka_unit_test(test_every_half_has_its_root),
        cmocka_unit_test(test_doubles_become_halves_in_every_rounding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

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
