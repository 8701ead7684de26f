/* Rules of cpu/fp/ that one or two values show: rounding, tininess, NaNs, flags. The random
 * comparisons are in test_fp.c and test_fp_host.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "tests/cpu/fp_operands.h"

/* Rounding to nearest takes the host's arithmetic (cpu/fp/fp_host.h); a fused
 * operation does not. */
static void check_sum_and_product(uint64_t *rng, enum fp_size n)
{
    const uint64_t one = n == FP_64 ? UINT64_C(0x3ff) << 52 : 0x7f << 23;
    const uint64_t a = fp_random_operand(rng, n, one), b = fp_random_operand(rng, n, a);
    const uint64_t zero = (a ^ b) & BIT(n - 1);
    struct fp_env sum = {0}, product = {0}, fused_sum = {0}, fused_product = {0};

    if (fp_compare(&(struct fp_env){0}, n, a, b, false) == 3)
        return; /* NaNs: the operands' order decides */
    assert_int_equal(fp_add(&sum, n, a, b), fp_muladd(&fused_sum, n, b, a, one));
    assert_int_equal(sum.fpsr, fused_sum.fpsr);
    assert_int_equal(fp_mul(&product, n, a, b), fp_muladd(&fused_product, n, zero, a, b));
    assert_int_equal(product.fpsr, fused_product.fpsr);
}

static void test_sums_and_products_equal_fused_ones(void **state)
{
    const uint64_t seed = test_seed((uint64_t)time(NULL));
    const uint64_t count = 50 * test_option("ARMILLARY_FP_N", 2000);
    uint64_t rng = seed;

    (void)state;
    for (uint64_t k = 0; k < count; k++) {
        check_sum_and_product(&rng, FP_32);
        check_sum_and_product(&rng, FP_64);
    }
}

/* 2^-126 * (1 - 2^-24) rounds up to 2^-126, but was tiny before. */
static void test_tininess_is_detected_before_rounding(void **state)
{
    struct fp_env e = {0};

    (void)state;
    assert_int_equal(fp_mul(&e, FP_32, 0x00800000, 0x3f7fffff), 0x00800000);
    assert_int_equal(e.fpsr, FPSR_UFC | FPSR_IXC);
}

/* (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24, which a rounded product has lost. */
static void test_fused_multiply_add_rounds_once(void **state)
{
    struct fp_env e = {0};

    (void)state;
    assert_int_equal(fp_muladd(&e, FP_32, 0xbf801000, 0x3f800800, 0x3f800800), 0x33800000);
    assert_int_equal(e.fpsr, 0);
}

/* FPMulAdd(): unlike a quiet NaN in general, this one is an invalid operation. */
static void test_inf_times_zero_plus_quiet_nan_is_invalid(void **state)
{
    struct fp_env e = {0};

    (void)state;
    assert_int_equal(fp_muladd(&e, FP_32, 0x7fc12345, 0x7f800000, 0), 0x7fc00000);
    assert_int_equal(e.fpsr, FPSR_IOC);
}

static void test_flushed_half_operands_leave_no_flag(void **state)
{
    struct fp_env half = {.fpcr = FPCR_FZ16 | FPCR_FZ}, single = half;

    (void)state;
    assert_int_equal(fp_add(&half, FP_16, 0x8001, 0x8001), 0x8000);
    assert_int_equal(half.fpsr, 0);
    assert_int_equal(fp_add(&single, FP_32, 0x80000001, 0x80000001), 0x80000000);
    assert_int_equal(single.fpsr, FPSR_IDC);
}

static void test_alternative_half_has_no_infinity(void **state)
{
    struct fp_env e = {.fpcr = FPCR_AHP};

    (void)state;
    assert_int_equal(fp_convert(&e, FP_16, FP_32, 0x48000000, FP_TIEEVEN), 0x7fff); /* 2^17 */
    assert_int_equal(e.fpsr, FPSR_IOC);
    assert_int_equal(fp_convert(&e, FP_32, FP_16, 0x7c00, FP_TIEEVEN), 0x47800000); /* 2^16 */
}

static void test_rounding_to_odd_does_not_overflow_to_infinity(void **state)
{
    struct fp_env e = {0};

    (void)state;
    assert_int_equal(fp_convert(&e, FP_32, FP_64, 0x7e37e43c8800759c, FP_ODD), 0x7f7fffff);
    assert_int_equal(e.fpsr, FPSR_OFC | FPSR_IXC);
}

/* BFAdd() rounds to odd and leaves no flags: 1 + 2^-40. */
static void test_bfloat16_dot_product_rounds_to_odd(void **state)
{
    struct fp_env e = {.fpcr = 3 << 22};

    (void)state;
    assert_int_equal(fp_bf_dotadd(&e, 0x3f800000, 0x3580, 0, 0x3580, 0), 0x3f800001);
    assert_int_equal(e.fpsr, 0);
}

/* FPToFixedJS(): Z says that the conversion was exact and not of -0; see
 * known_differences in test_fp.c. */
static void test_javascript_conversion_sets_z_only_if_exact(void **state)
{
    static const struct {
        uint64_t a;
        uint32_t fpcr, result;
        bool z;
        uint32_t fpsr;
    } cases[] = {
        {0x0000000000000000, 0, 0, true, 0},
        {0x8000000000000000, 0, 0, false, 0},
        {0xc000000000000000, 0, 0xfffffffe, true, 0},
        {0x3ff8000000000000, 0, 1, false, FPSR_IXC},
        {0x41f0000000100000, 0, 1, false, FPSR_IOC}, /* 2^32 + 1 */
        {0x0000000000000001, FPCR_FZ, 0, false, FPSR_IDC},
        {0x0000000000000001, 0, 0, false, FPSR_IXC},
        {0x7ff0000000000000, 0, 0, false, FPSR_IOC},
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fp_env e = {.fpcr = cases[k].fpcr};
        bool z;

        assert_int_equal(fp_to_fixed_js(&e, cases[k].a, &z), cases[k].result);
        assert_int_equal(z, cases[k].z);
        assert_int_equal(e.fpsr, cases[k].fpsr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_and_products_equal_fused_ones),
        cmocka_unit_test(test_tininess_is_detected_before_rounding),
        cmocka_unit_test(test_fused_multiply_add_rounds_once),
        cmocka_unit_test(test_inf_times_zero_plus_quiet_nan_is_invalid),
        cmocka_unit_test(test_flushed_half_operands_leave_no_flag),
        cmocka_unit_test(test_alternative_half_has_no_infinity),
        cmocka_unit_test(test_rounding_to_odd_does_not_overflow_to_infinity),
        cmocka_unit_test(test_bfloat16_dot_product_rounds_to_odd),
        cmocka_unit_test(test_javascript_conversion_sets_z_only_if_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
