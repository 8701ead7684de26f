/* The answers of `armillary lab` follow from the numbers:
 * planted ones (tools/cli/lab_answers.h). */
#include "tools/cli/lab_answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_says(char *answer, const char *words)
{
    if (!strstr(answer, words))
        fail_msg("expected \"%s\" in: %s", words, answer);
    g_free(answer);
}

/* ---- deferred ---- */

static struct deferred_numbers deferred(void)
{
    return (struct deferred_numbers){
        .insns = {{10, 40, 12}, {11, 44, 13}, {3, 9, 12}},
        .site_bytes = {{8, 32, 4}, {8, 32, 4}, {40, 160, 4000}},
        .shares = 3,
        .share = {0, 50, 100},
        .moved = {{80, 80, 80}, {10, 40, 60}, {0, 60, 120}},
    };
}

static void test_the_least_form_at_constant_sites_is_named(void **state)
{
    struct deferred_numbers n = deferred();

    (void)state;
    assert_says(deferred_answer(&n), "At a constant site the header needs least");
    n.insns[DEFERRED_TABLE][DEFERRED_ONE] = 2;
    assert_says(deferred_answer(&n), "At a constant site the table needs least");
}

static void test_a_header_that_is_hardly_faster_is_not_worth_its_bytes(void **state)
{
    struct deferred_numbers n = deferred();

    (void)state;
    n.insns[DEFERRED_INLINE][DEFERRED_ANY] = 11;
    assert_says(deferred_answer(&n), "one shared function should do it");
    n.insns[DEFERRED_INLINE][DEFERRED_ANY] = 6;
    assert_says(deferred_answer(&n), "the header wins there too, for 4000 bytes");
}

static void test_deferring_pays_until_the_lines_cross(void **state)
{
    struct deferred_numbers n = deferred();

    (void)state;
    assert_float_equal(deferred_crossing(&n), 50 + 50.0 * 20 / 60, 1e-6);
    assert_says(deferred_answer(&n), "until 67 % of exits");
    n.moved[DEFERRED_DEFERRED][2] = 79;
    assert_true(deferred_crossing(&n) > 100);
    assert_says(deferred_answer(&n), "at every share");
    n.moved[DEFERRED_DEFERRED][0] = 81;
    assert_float_equal(deferred_crossing(&n), 0, 1e-6);
}

/* ---- fpsimd ---- */

static struct fpsimd_numbers fpsimd(void)
{
    struct fpsimd_numbers n = {.points = 2};

    for (unsigned k = 0; k < 2; k++) {
        n.moves[FP_EAGER][k] = (struct fpsimd_moves){100, 200, 200, 150, 50};
        n.moves[FP_LAZY][k] = (struct fpsimd_moves){100, 50, 50, 10, 0};
        n.moves[FP_INTEGRATED][k] = (struct fpsimd_moves){100, 40, 10, 0, 0};
    }
    for (unsigned p = 0; p < FP_SWEPT; p++)
        n.sweep[p].points = 300;
    n.sweep[FP_LATE] = (struct fpsimd_sweep){300, 7, "a+0x4", "b+0x8", "FP-OWNER v0"};
    return n;
}

static void test_redundant_moves_are_a_share_of_all_that_moves(void **state)
{
    struct fpsimd_numbers n = fpsimd();

    (void)state;
    assert_float_equal(fpsimd_redundant(&n, FP_EAGER), 50, 1e-9);
    assert_float_equal(fpsimd_redundant(&n, FP_LAZY), 10, 1e-9);
    assert_float_equal(fpsimd_redundant(&n, FP_BOUND), 0, 1e-9);
    assert_says(fpsimd_answer(&n), "moves 50.0 states in place of 400.0 a hundred exits");
}

static void test_the_fear_is_what_the_sweep_says(void **state)
{
    struct fpsimd_numbers n = fpsimd();

    (void)state;
    assert_says(fpsimd_answer(&n), "7 of 300 instructions, from a+0x4 to b+0x8");
    assert_says(fpsimd_answer(&n), "every instruction: eager, lazy, integrated, bound");
    n.sweep[FP_BOUND].bad = 1;
    assert_says(fpsimd_answer(&n), "every instruction: eager, lazy, integrated.");
    n.sweep[FP_LATE].bad = 0;
    assert_says(fpsimd_answer(&n), "does not come true");
}

/* ---- vgic ---- */

static struct vgic_numbers vgic(double forward, double reverse, double prefetched)
{
    struct vgic_numbers n = {.lrs = 16, .accesses = {34, 34}, .stores = {20, 20}, .models = 3};

    for (unsigned k = 0; k < 3; k++) {
        n.cycles[k][VGIC_FORWARD] = k ? forward * prefetched : forward;
        n.cycles[k][VGIC_REVERSE] = k ? reverse * prefetched : reverse;
    }
    return n;
}

static void test_the_order_of_slots_is_theory_if_no_prefetcher_sees_it(void **state)
{
    struct vgic_numbers n = vgic(1000, 1010, 1);

    (void)state;
    assert_float_equal(vgic_prefetch(&n), 0, 1e-9);
    assert_says(vgic_answer(&n), "it is slow in theory only");
    n = vgic(1000, 1100, 1);
    assert_says(vgic_answer(&n), "which lines the slots share");
    n = vgic(1000, 1100, 0.9);
    assert_float_equal(vgic_prefetch(&n), 10, 1e-6);
    assert_says(vgic_answer(&n), "a reason for an order");
    n.stores[VGIC_REVERSE] = 21;
    assert_says(vgic_answer(&n), "The orders differ in work");
}

/* ---- patching ---- */

static void test_a_nest_wins_as_long_as_it_needs_no_more_than_a_call(void **state)
{
    struct patching_numbers n = {.lock_us = {{1, 2, 3, 90}, {1, 2, 3, 30}, {0}, {1, 2, 3, 40}}};

    (void)state;
    for (unsigned k = 0; k < HOOK_MOST; k++) {
        n.insns[HOOK_NEST][k] = 10 + k;
        n.insns[HOOK_CALL][k] = 12.5;
    }
    assert_int_equal(patching_nest_wins(&n), 3);
    assert_says(patching_answer(&n), "as good up to 3, then the patched call is better");
    assert_says(patching_answer(&n), "sleep is 3 times as fast as one whose waiters spin");
    assert_says(patching_answer(&n), "WFE does not do as well");
    n.insns[HOOK_NEST][0] = 13;
    assert_says(patching_answer(&n), "better from the first on");
    for (unsigned k = 0; k < HOOK_MOST; k++)
        n.insns[HOOK_NEST][k] = 1;
    n.lock_us[LOCK_PV][3] = 90;
    assert_says(patching_answer(&n), "up to eight implementations");
    assert_says(patching_answer(&n), "wins nothing");
}

/* ---- tdp ---- */

static void test_a_split_is_judged_by_instructions_and_by_mutants(void **state)
{
    struct tdp_numbers n = {.rate_cpus = 4, .rate = {100, 900}, .lines = {30, 20}};

    (void)state;
    for (unsigned mode = 0; mode < TDP_MODES; mode++) {
        n.insns[mode][TDP_SPLIT][TDP_KEY] = 200;
        n.insns[mode][TDP_ONE][TDP_KEY] = 204;
    }
    n.bytes[TDP_SPLIT][TDP_KEY] = 500;
    n.bytes[TDP_ONE][TDP_KEY] = 400;
    n.mutants[TDP_SPLIT] = (struct tdp_mutants){100, 10, 80};
    n.mutants[TDP_ONE] = (struct tdp_mutants){80, 40, 20};
    assert_true(tdp_is_close(&n));
    assert_says(tdp_answer(&n), "+2.0 % (exclusive) and +2.0 % (parallel)");
    assert_says(tdp_answer(&n),
                "no reason to duplicate; the split costs +100 bytes of text and +10 lines");
    assert_says(tdp_answer(&n), "80 % are noticed in one mode only, of the one function's 25 %");
    assert_says(tdp_answer(&n), "the harder to keep");
    assert_says(tdp_answer(&n), "at 4 CPUs the parallel handler does 9 times");
    n.insns[TDP_PARALLEL][TDP_ONE][TDP_KEY] = 240;
    n.mutants[TDP_SPLIT].one = 5;
    assert_false(tdp_is_close(&n));
    assert_says(tdp_answer(&n), "speed is a reason to choose");
    assert_says(tdp_answer(&n), "no harder to keep");
}

/* ---- claims ---- */

static void test_a_claim_says_with_how_many_cores_it_does_not_hold(void **state)
{
    struct claim_numbers n = {
        .what = "Cycles", .core = "x", .base = 0.5, .itself = true, .variants = 100};

    (void)state;
    assert_says(claim_sentence(&n), "no parameter moves it; the answer holds with each of 100");
    n.parameter = "lat_load";
    n.from = 3;
    n.to = 4;
    n.change = 0.25;
    n.against = 2;
    n.first_against = (char[]){"lat_load 4"};
    assert_says(claim_sentence(&n), "lat_load from 3 to 4 moves it most, by +25.0 %");
    assert_says(claim_sentence(&n), "does not hold with 2 of 100 cores that differ in one "
                                    "parameter, the first of them with lat_load 4");
    n.itself = false;
    assert_says(claim_sentence(&n), "neither with this core nor with 2 of 100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_least_form_at_constant_sites_is_named),
        cmocka_unit_test(test_a_header_that_is_hardly_faster_is_not_worth_its_bytes),
        cmocka_unit_test(test_deferring_pays_until_the_lines_cross),
        cmocka_unit_test(test_redundant_moves_are_a_share_of_all_that_moves),
        cmocka_unit_test(test_the_fear_is_what_the_sweep_says),
        cmocka_unit_test(test_the_order_of_slots_is_theory_if_no_prefetcher_sees_it),
        cmocka_unit_test(test_a_nest_wins_as_long_as_it_needs_no_more_than_a_call),
        cmocka_unit_test(test_a_split_is_judged_by_instructions_and_by_mutants),
        cmocka_unit_test(test_a_claim_says_with_how_many_cores_it_does_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
