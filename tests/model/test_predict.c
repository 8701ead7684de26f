/* Branches that a predictor should learn, and those that it cannot. */
#include "core_fixture.h"

#include "model/predict.h"

struct bench {
    struct arm_core core;
    struct predictor p;
    struct op op;
    uint8_t classes[A64_OP_COUNT];
};

static void begin(struct bench *b, unsigned predictor)
{
    *b = (struct bench){.core = plain_core()};
    b->core.v[P_predictor] = predictor;
    for (unsigned k = 0; k < A64_OP_COUNT; k++)
        b->classes[k] = (uint8_t)op_row_class((enum a64_op)k);
    predictor_init(&b->p, &b->core);
}

static struct prediction branch(struct bench *b, uint32_t word, uint64_t pc, uint64_t next)
{
    b->op = op_of(word, b->classes);
    const struct step s = {.completed = true, .pc = pc, .next = next, .op = &b->op};

    return predict(&b->p, &b->core, &s);
}

/* How many of the last @counted of @rounds the pattern's conditional branch is not predicted. */
static unsigned misses(struct bench *b, const char *pattern, unsigned rounds, unsigned counted)
{
    unsigned wrong = 0;

    for (unsigned k = 0; k < rounds; k++) {
        bool taken = pattern[k % strlen(pattern)] == 'T';
        bool right = branch(b, W_B_NE, 0x4000, taken ? 0x5000 : 0x4004).right;
        wrong += !right && k >= rounds - counted;
    }
    return wrong;
}

static void test_gshare_learns_a_pattern_that_bimodal_does_not(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, PREDICT_GSHARE);
    assert_int_equal(misses(&b, "TTN", 600, 300), 0);
    predictor_free(&b.p);
    begin(&b, PREDICT_BIMODAL);
    assert_int_equal(misses(&b, "TTN", 600, 300), 100); /* each N */
    predictor_free(&b.p);
}

static void test_bimodal_forgives_one_exception(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, PREDICT_BIMODAL);
    assert_int_equal(misses(&b, "TTTTTTTTTN", 100, 90), 9); /* the N alone, not the T behind it */
    predictor_free(&b.p);
}

static void test_static_expects_backwards_branches_to_be_taken(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, PREDICT_STATIC);
    assert_true(branch(&b, W_B_NE_BACK, 0x4000, 0x3ffc).right);
    assert_false(branch(&b, W_B_NE_BACK, 0x4000, 0x4004).right);
    assert_true(branch(&b, W_B_NE, 0x4000, 0x4004).right);
    assert_false(branch(&b, W_B_NE, 0x4000, 0x4020).right);
    predictor_free(&b.p);
}

/* @depth calls in each other, and all returns. */
static unsigned return_misses(struct bench *b, unsigned depth)
{
    unsigned wrong = 0;

    for (unsigned k = 0; k < depth; k++)
        branch(b, W_BL, 0x1000 * (k + 1), 0x1000 * (k + 2));
    for (unsigned k = depth; k-- > 0;)
        wrong += !branch(b, W_RET, 0x1000 * (k + 2) + 8, 0x1000 * (k + 1) + 4).right;
    return wrong;
}

static void test_returns_are_predicted_as_deep_as_the_stack_is(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, PREDICT_GSHARE);
    b.core.v[P_return_stack] = 8;
    assert_int_equal(return_misses(&b, 8), 0);
    assert_int_equal(return_misses(&b, 9), 1); /* the outermost */
    assert_int_equal(return_misses(&b, 12), 4);
    assert_int_equal(return_misses(&b, 8), 0);
    b.core.v[P_return_stack] = 0;
    assert_int_equal(return_misses(&b, 3), 3);
    predictor_free(&b.p);
}

static unsigned alternating_misses(unsigned history)
{
    struct bench b;
    unsigned wrong = 0;

    begin(&b, PREDICT_GSHARE);
    b.core.v[P_indirect_history] = history;
    for (unsigned k = 0; k < 200; k++) {
        bool right = branch(&b, W_BR, 0x4000, k & 1 ? 0x8000 : 0x9040).right;
        wrong += !right && k >= 100;
    }
    predictor_free(&b.p);
    return wrong;
}

static void test_an_indirect_branch_goes_where_it_went_last(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, PREDICT_GSHARE);
    b.core.v[P_indirect_history] = 0;
    assert_false(branch(&b, W_BLR, 0x4000, 0x8000).right);
    assert_true(branch(&b, W_BLR, 0x4000, 0x8000).right);
    assert_false(branch(&b, W_BLR, 0x4000, 0x9000).right);
    predictor_free(&b.p);
}

static void test_history_tells_two_targets_in_turn_apart(void **state)
{
    (void)state;
    assert_int_equal(alternating_misses(0), 100);
    assert_int_equal(alternating_misses(8), 0);
}

static void test_a_direct_branch_has_its_target_late_the_first_time(void **state)
{
    (void)state;
    struct bench b;

    begin(&b, PREDICT_GSHARE);
    assert_true(branch(&b, W_B, 0x4000, 0x8000).target_late);
    assert_false(branch(&b, W_B, 0x4000, 0x8000).target_late);
    /* Another one that has the same entry. */
    assert_true(branch(&b, W_B, 0x4000 + 4 * b.core.v[P_btb_entries], 0x8000).target_late);
    assert_true(branch(&b, W_B, 0x4000, 0x8000).target_late);
    predictor_free(&b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gshare_learns_a_pattern_that_bimodal_does_not),
        cmocka_unit_test(test_bimodal_forgives_one_exception),
        cmocka_unit_test(test_static_expects_backwards_branches_to_be_taken),
        cmocka_unit_test(test_returns_are_predicted_as_deep_as_the_stack_is),
        cmocka_unit_test(test_an_indirect_branch_goes_where_it_went_last),
        cmocka_unit_test(test_history_tells_two_targets_in_turn_apart),
        cmocka_unit_test(test_a_direct_branch_has_its_target_late_the_first_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
