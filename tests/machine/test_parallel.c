/* CPUs that run at the same time: how their runs end, and what does not go with them. What they do
 * to memory is tests/guest/litmus.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "armillary.h"
#include "tests/machine/new_machine.h"

#define ENTRY UINT64_C(0x40080000)

#define B_SELF 0x14000000u
#define WFI    0xd503207fu
#define B_BACK 0x17ffffffu /* to the instruction before */

static const uint32_t spins[] = {B_SELF};
static const uint32_t waits[] = {WFI, B_BACK};

static struct arm_config parallel_config(void)
{
    return (struct arm_config){.size = sizeof(struct arm_config),
                               .cpus = 2,
                               .ram_size = UINT64_C(16) << 20,
                               .el2 = true,
                               .parallel = true};
}

static struct arm_machine *spinning(struct arm_config config)
{
    return new_machine_of(config, spins, sizeof(spins), ENTRY, 0x1000);
}

/* However busy the host is, each gets some of its time. */
static void test_all_cpus_run_until_a_limit_is_reached(void **state)
{
    struct arm_machine *m = spinning(parallel_config());
    uint64_t before[2] = {0};

    (void)state;
    for (unsigned tries = 0; tries < 1000 && !(before[0] && before[1]); tries++) {
        uint64_t done = arm_retired(m);
        assert_int_equal(arm_run(m, 1000000), ARM_STOP_LIMIT);
        assert_true(arm_retired(m) >= done + 1000000);
        for (unsigned k = 0; k < 2; k++)
            before[k] = arm_cpu_position(m, k).insns;
        assert_int_equal(before[0] + before[1], arm_retired(m));
    }
    assert_true(before[0] && before[1]);
    arm_machine_free(m);
}

static void test_time_passes_while_it_runs_only(void **state)
{
    struct arm_machine *m = spinning(parallel_config());

    (void)state;
    assert_int_equal(arm_time_ns(m), 0);
    assert_int_equal(arm_run(m, 100000), ARM_STOP_LIMIT);
    uint64_t first = arm_time_ns(m);
    assert_true(first > 0);
    assert_int_equal(arm_time_ns(m), first);
    assert_int_equal(arm_run(m, 100000), ARM_STOP_LIMIT);
    assert_true(arm_time_ns(m) > first);
    arm_machine_free(m);
}

static void stop_now(void *ctx)
{
    arm_stop(*(struct arm_machine **)ctx);
}

static void test_a_request_to_stop_ends_the_run(void **state)
{
    struct arm_config config = parallel_config();
    struct arm_machine *m = NULL;

    (void)state;
    config.poll = stop_now;
    config.host_ctx = &m;
    m = spinning(config);
    assert_int_equal(arm_run(m, 0), ARM_STOP_REQUEST);
    assert_int_equal(arm_run(m, 0), ARM_STOP_REQUEST);
    arm_machine_free(m);
}

static void test_it_is_idle_when_all_cpus_wait_for_nothing(void **state)
{
    struct arm_machine *m = new_machine_of(parallel_config(), waits, sizeof(waits), ENTRY, 0x1000);

    (void)state;
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    arm_machine_free(m);
}

/* CPU 1 stops the other one again and again, by TLBI; CPU 0 executes what it has not executed
 * before, and comes by the machine's lock, where it learns of that. */
static void test_no_instruction_is_executed_twice(void **state)
{
    enum { TIMES = 6000, HEAD = 5 };
    static uint32_t words[HEAD + 3 * TIMES + 2];
    uint64_t before, behind, tries = 0;
    struct arm_config config = parallel_config();

    (void)state;
    memcpy(words,
           (const uint32_t[HEAD]){
               0xd53800a2, /* mrs x2, mpidr_el1 */
               0x36000082, /* tbz x2, #0, to what follows */
               0xd50c831f, /* tlbi alle2is */
               0xd5033b9f, /* dsb ish */
               0x17fffffe, /* b, to the TLBI */
           },
           HEAD * 4);
    for (unsigned k = 0; k < TIMES; k++)
        memcpy(&words[HEAD + 3 * k],
               (const uint32_t[3]){
                   0x91000400, /* add x0, x0, #1 */
                   0xd503209f, /* sev */
                   0x91000421, /* add x1, x1, #1 */
               },
               12);
    words[HEAD + 3 * TIMES] = WFI;
    words[HEAD + 3 * TIMES + 1] = B_BACK;
    config.engine = ARM_ENGINE_INTERP;
    struct arm_machine *m = new_machine_of(config, words, sizeof(words), ENTRY, 0x20000);
    do {
        assert_int_equal(arm_run(m, 200000), ARM_STOP_LIMIT);
        assert_true(arm_reg_read(m, 0, "X0", &before) && arm_reg_read(m, 0, "X1", &behind));
    } while (behind < TIMES && ++tries < 1000);
    assert_int_equal(behind, TIMES);
    assert_int_equal(before, TIMES);
    arm_machine_free(m);
}

static void nothing(void *ctx, const struct arm_event *event)
{
    (void)ctx, (void)event;
}

static void test_what_needs_an_order_is_refused(void **state)
{
    const struct arm_filter filter = {.size = sizeof(filter), .events = ~UINT64_C(0)};
    const struct arm_until until = {.size = sizeof(until)};
    struct arm_machine *m = spinning(parallel_config());
    struct arm_error err = {0};

    (void)state;
    assert_int_equal(arm_subscribe(m, &filter, nothing, NULL), 0);
    assert_int_equal(arm_run_until(m, &until, &err), -ARM_ENOTSUP);
    assert_int_equal(arm_record(m, "/dev/null", &err), -ARM_ENOTSUP);
    assert_int_equal(arm_replay(m, "/dev/null", &err), -ARM_ENOTSUP);
    assert_null(arm_snapshot_take(m, &err));
    assert_non_null(strstr(err.text, "parallel"));
    assert_int_equal(arm_step(m, 0), ARM_STOP_ERROR);
    assert_int_equal(arm_retired(m), 0);
    arm_machine_free(m);
}

static void assert_refused(struct arm_config config, const char *what)
{
    struct arm_error err = {0};

    assert_null(arm_machine_new(&config, &err));
    assert_int_equal(err.code, ARM_ENOTSUP);
    assert_non_null(strstr(err.text, what));
}

static void test_effects_and_turns_are_of_cpus_that_take_turns(void **state)
{
    struct arm_config config = parallel_config();

    (void)state;
    config.late_effects = true;
    assert_refused(config, "late effects");
    config.late_effects = false;
    config.turn_seed = 7;
    assert_refused(config, "turns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_cpus_run_until_a_limit_is_reached),
        cmocka_unit_test(test_time_passes_while_it_runs_only),
        cmocka_unit_test(test_a_request_to_stop_ends_the_run),
        cmocka_unit_test(test_it_is_idle_when_all_cpus_wait_for_nothing),
        cmocka_unit_test(test_no_instruction_is_executed_twice),
        cmocka_unit_test(test_what_needs_an_order_is_refused),
        cmocka_unit_test(test_effects_and_turns_are_of_cpus_that_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
