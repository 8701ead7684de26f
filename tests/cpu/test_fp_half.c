/*
 * Half precision of cpu/fp against the host: its arithmetic is that of double precision, which is
 * exact or nearly so, and a rounding routine of this file.
 */
#if defined(__x86_64__)

#include "tests/cpu/fp_host_case.h"

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
        cmocka_unit_test(test_half_precision_is_rounded_double_precision),
        cmocka_unit_test(test_every_half_has_its_root),
        cmocka_unit_test(test_doubles_become_halves_in_every_rounding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_half_precision_is_rounded_double_precision(void **state)
{
    (void)state;
    print_message("skipped: this host is not an x86-64\n");
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_precision_is_rounded_double_precision)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
