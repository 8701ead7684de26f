/* What becomes host code: what the run comes to often, however it does. */
#include "tests/machine/engines_fixture.h"

struct seen {
    uint64_t at; /* of which blocks */
    unsigned count;
};

static void see(void *ctx, const struct arm_host_code *code)
{
    struct seen *seen = ctx;

    seen->count += code->insns[0].pc == seen->at;
}

/* How many blocks a run of @insns of @p makes that begin at @at. */
static unsigned blocks_at(const struct program *p, uint64_t at, uint64_t insns)
{
    struct seen seen = {.at = at};
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = "n1",
                                      .cpus = 1,
                                      .ram_size = 8 << 20,
                                      .engine = ARM_ENGINE_JIT,
                                      .host_code = see,
                                      .host_code_ctx = &seen};
    struct arm_machine *m = new_machine_of(config, p->words, sizeof(p->words), CODE, 0);

    assert_int_equal(arm_run(m, insns), ARM_STOP_LIMIT);
    arm_machine_free(m);
    return seen.count;
}

/* The dispatcher sees it begin, and nothing until its slice is over. */
static void test_a_loop_that_the_plain_loop_goes_round_in(void **state)
{
    struct program p = {.size = 0};

    (void)state;
    emit(&p, 0xd1000400); /* sub x0, x0, #1 */
    emit(&p, 0xb5ffffe0); /* cbnz x0, to it */
    assert_int_equal(blocks_at(&p, CODE, 5000), 1);
}

static void test_a_function_that_only_indirect_branches_lead_to(void **state)
{
    struct program p = {.size = 0};

    (void)state;
    emit(&p, 0x10000802);            /* adr x2, the function */
    emit(&p, 0xd63f0040);            /* blr x2 */
    emit(&p, 0x17fffffe);            /* b, to the first */
    p.words[0x100 / 4] = 0xd65f03c0; /* ret */
    assert_int_equal(blocks_at(&p, CODE + 0x100, 5000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loop_that_the_plain_loop_goes_round_in),
        cmocka_unit_test(test_a_function_that_only_indirect_branches_lead_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
