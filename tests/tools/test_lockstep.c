/* Two machines side by side: what is the same runs to its end, what is not is found. */
#include <stdio.h>

#include "lockstep.h"
#include "signals.h"
#include "tests/machine/snapshot_fixture.h"

#define DATA UINT64_C(0x40100000)

/* No signal comes here. */
int signals_seen(void)
{
    return 0;
}

static const uint32_t words[] = {
    0xd2a80200, /* movz x0, #0x4010, lsl #16 */
    0xd2807d02, /* movz x2, #1000 */
    0xf1000442, /* subs x2, x2, #1 */
    0x54ffffe1, /* b.ne, one back */
    0xf9400001, /* ldr x1, [x0] */
    0x14000000, /* b . */
};

struct two {
    struct arm_machine *m[2];
    char *text;
    size_t size;
    FILE *f;
};

static void make(struct two *t)
{
    *t = (struct two){{NULL, NULL}, NULL, 0, NULL};
    t->m[0] = create((struct arm_config){.cpu = "n1", .engine = ARM_ENGINE_DEFAULT}, words,
                     sizeof(words), NULL);
    t->m[1] = create((struct arm_config){.cpu = "n1", .engine = ARM_ENGINE_INTERP}, words,
                     sizeof(words), NULL);
    t->f = open_memstream(&t->text, &t->size);
    assert_non_null(t->f);
}

static struct lockstep_end run(struct two *t, uint64_t insns)
{
    struct lockstep_end end = lockstep_pair(t->m[0], t->m[1], insns, t->f);

    assert_int_equal(fflush(t->f), 0);
    assert_false(end.failed);
    return end;
}

static void unmake(struct two *t)
{
    fclose(t->f);
    free(t->text);
    arm_machine_free(t->m[0]);
    arm_machine_free(t->m[1]);
}

static void test_machines_that_are_the_same_run_to_the_limit(void **state)
{
    struct two t;
    make(&t);
    struct lockstep_end end = run(&t, 3000000);

    (void)state;
    assert_false(end.differ);
    assert_int_equal(end.why, ARM_STOP_LIMIT);
    assert_int_equal(arm_retired(t.m[0]), 3000000);
    assert_string_equal(t.text, "");
    unmake(&t);
}

static void test_the_instruction_that_makes_the_first_difference_is_named(void **state)
{
    const uint64_t value = 0x1234;
    struct two t;

    (void)state;
    make(&t);
    assert_true(arm_mem_write(t.m[1], DATA, &value, sizeof(value)));
    assert_true(run(&t, 3000000).differ);
    assert_non_null(strstr(t.text, "by the instruction at 0x40080010: f9400001 LDR"));
    assert_non_null(strstr(t.text, "2003 instructions"));
    assert_non_null(strstr(t.text, "interp 0000000000001234"));
    unmake(&t);
}

static void test_memory_that_nobody_loads_is_compared_at_the_end(void **state)
{
    const uint8_t value = 1;
    struct two t;

    (void)state;
    make(&t);
    assert_true(arm_mem_write(t.m[0], DATA + 0x4321, &value, sizeof(value)));
    assert_true(run(&t, 5000).differ);
    assert_non_null(strstr(t.text, "RAM differs at 0x40104321"));
    unmake(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machines_that_are_the_same_run_to_the_limit),
        cmocka_unit_test(test_the_instruction_that_makes_the_first_difference_is_named),
        cmocka_unit_test(test_memory_that_nobody_loads_is_compared_at_the_end),
    };

    return cmocka_run_group_tests(tests, make_names, remove_names);
}
