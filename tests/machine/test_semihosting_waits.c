/* Semihosting: calls that take longer than a turn, and those that wait for the console. */
#define _GNU_SOURCE
#include "tests/machine/semihosting_fixture.h"

static void fill(struct fixture *f, uint64_t at, size_t size, char with)
{
    char *bytes = malloc(size);

    memset(bytes, with, size);
    assert_true(arm_mem_write(f->m, at, bytes, size));
    free(bytes);
}

static void test_a_long_write_is_complete_and_stops_at_a_limit_in_between(void **state)
{
    struct fixture *f = *state;
    unsigned turns;

    start_with_directory(f);
    fill(f, DATA, 1000000, '#');
    uint64_t h = open_file(f, ":tt", 4), file = open_file(f, "file", 4);
    assert_int_equal(call_in_turns(f, (const uint64_t[5]){SYS_WRITE, h, DATA, 1000000}, &turns), 0);
    assert_int_equal(f->out_count, 1000000);
    assert_true(turns > 10);
    assert_int_equal(call_in_turns(f, (const uint64_t[5]){SYS_WRITE, file, DATA, 1000000}, &turns),
                     0);
    assert_true(turns > 10);
    assert_int_equal(CALL(f, SYS_FLEN, file), 1000000);
    assert_int_equal(CALL(f, SYS_CLOSE, file), 0);
    fill(f, DATA, 1000000, 0);
    file = open_file(f, "file", 0);
    assert_int_equal(CALL(f, SYS_READ, file, DATA, 1000001), 1);
    char last[2];
    assert_true(arm_mem_read(f->m, DATA + 999999, last, 2));
    assert_int_equal(last[0], '#');
    assert_int_equal(last[1], 0);
}

static void test_a_write_of_the_whole_address_space_ends_at_a_limit_or_a_fault(void **state)
{
    struct fixture *f = *state;
    struct cpu *cpu;

    start(f, (struct arm_config){0});
    uint64_t h = open_file(f, ":tt", 4);
    cpu = enter(f, (const uint64_t[5]){SYS_WRITE, h, RAM, UINT64_MAX});
    assert_int_equal(arm_run(f->m, 100), ARM_STOP_LIMIT);
    assert_int_equal(cpu->power, CPU_HALTED);
    assert_int_equal(cpu->pc, CODE);
    assert_true(f->out_count <= 65536);
    while (cpu->power == CPU_HALTED)
        arm_run(f->m, MACHINE_QUANTUM);
    assert_int_equal(f->out_count, RAM_SIZE); /* behind the RAM nothing answers */
    assert_int_equal(cpu->sr[SR_ELR_EL2], CODE);
}

static void test_a_string_is_written_up_to_its_zero_however_long(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    put(f, BLOCK, "short");
    struct cpu *cpu = f->m->cpus[0];
    cpu->pc = CODE;
    cpu->x[0] = SYS_WRITE0;
    cpu->x[1] = BLOCK;
    arm_run(f->m, 1);
    assert_string_equal(f->out, "short");
    fill(f, DATA, 3 * 65536, 'x');
    cpu->pc = CODE;
    cpu->x[0] = SYS_WRITE0;
    cpu->x[1] = DATA;
    while (cpu->pc == CODE)
        arm_run(f->m, MACHINE_QUANTUM);
    assert_int_equal(f->out_count, 5 + 3 * 65536);
}

static void test_an_interrupt_waits_for_the_end_of_a_long_call(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    uint64_t h = open_file(f, ":tt", 4);
    struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_WRITE, h, DATA, 200000});
    arm_run(f->m, 1);
    cpu->sr[SR_HCR_EL2] = BIT(31) | BIT(4); /* RW, IMO */
    cpu->ps.daif = 0;
    cpu->irq_pin = true;
    while (cpu->power == CPU_HALTED)
        arm_run(f->m, MACHINE_QUANTUM);
    arm_run(f->m, 1);
    assert_int_equal(f->out_count, 200000);
    assert_int_equal(cpu->sr[SR_ELR_EL2], CODE + 4);
}

static void test_other_cpus_run_while_one_is_halted_in_a_long_call(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){.cpus = 2});
    uint64_t h = open_file(f, ":tt", 0);
    enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 1});
    machine_start_cpu(f->m, f->m->cpus[1], CODE + 4, 0);
    assert_int_equal(arm_run(f->m, 100000), ARM_STOP_LIMIT);
    assert_int_equal(f->m->cpus[0]->power, CPU_HALTED);
    assert_true(cpu_retired(f->m->cpus[1]) > 70000);
}

static void test_a_long_call_takes_the_same_time_however_the_run_is_cut(void **state)
{
    struct fixture *f = *state;
    uint64_t retired[3], time_ns[3], cuts[3] = {0, 1777, 20001};
    size_t out_count[3];

    for (unsigned k = 0; k < 3; k++) {
        f->out_count = 0;
        start(f, (struct arm_config){.cpus = 2});
        machine_start_cpu(f->m, f->m->cpus[1], CODE + 4, 0);
        uint64_t h = open_file(f, ":tt", 4), goal = f->m->spent + 250000;
        enter(f, (const uint64_t[5]){SYS_WRITE, h, DATA, 1000000});
        while (f->m->spent < goal) {
            uint64_t left = goal - f->m->spent;
            arm_run(f->m, cuts[k] && cuts[k] < left ? cuts[k] : left);
        }
        retired[k] = arm_retired(f->m);
        time_ns[k] = arm_time_ns(f->m);
        out_count[k] = f->out_count;
        if (k < 2)
            arm_machine_free(f->m);
    }
    for (unsigned k = 1; k < 3; k++) {
        assert_int_equal(retired[k], retired[0]);
        assert_int_equal(time_ns[k], time_ns[0]);
        assert_int_equal(out_count[k], out_count[0]);
    }
    assert_true(out_count[0] > 65536 && out_count[0] < 1000000);
}

static void test_a_read_of_the_console_waits_for_a_line_or_its_bytes(void **state)
{
    struct fixture *f = *state;
    char text[64];

    start(f, (struct arm_config){0});
    uint64_t h = open_file(f, ":tt", 0);
    struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 20});
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "on"), 2);
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "e\ntwo\n"), 2); /* the rest is for the next */
    arm_run(f->m, 1);
    assert_int_equal(cpu->pc, CODE + 4);
    assert_int_equal(cpu->x[0], 16);
    assert_true(arm_mem_read(f->m, DATA, text, 4));
    assert_memory_equal(text, "one\n", 4);
    cpu = enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 2});
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "two\n"), 2);
    arm_run(f->m, 1);
    assert_int_equal(cpu->x[0], 0);
}

static void test_what_the_uart_received_comes_before_what_is_typed_later(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    assert_int_equal(type(f, "u"), 1); /* nobody waits: it is the UART's */
    assert_int_equal(CALL(f, SYS_READC), 'u');
    struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_READC});
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "later"), 1);
    arm_run(f->m, 1);
    assert_int_equal(cpu->x[0], 'l');
}

static void test_input_ends(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    uint64_t h = open_file(f, ":tt", 0);
    struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 8});
    assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
    assert_int_equal(type(f, "abc"), 3);
    assert_true(arm_console_end(f->m));
    assert_false(arm_console_end(f->m));
    arm_run(f->m, 1);
    assert_int_equal(cpu->x[0], 5);
    assert_int_equal(CALL(f, SYS_READ, h, DATA, 8), 8);
    assert_int_equal(CALL(f, SYS_READC), ERROR);
}

static void test_the_end_of_input_is_recorded_and_replayed(void **state)
{
    struct fixture *f = *state;
    struct arm_error err;
    char path[128];

    start_with_directory(f);
    path_in(f, "log", path);
    for (unsigned replay = 0; replay < 2; replay++) {
        if (replay) {
            arm_machine_free(f->m);
            start(f, (struct arm_config){.semihosting_dir = f->dir});
            assert_int_equal(arm_replay(f->m, path, &err), 0);
        } else {
            assert_int_equal(arm_record(f->m, path, &err), 0);
        }
        uint64_t h =
            (uint64_t)semi_handle_new(&f->m->semi, (struct semi_handle){.kind = SEMI_CONSOLE_IN});
        struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_READ, h, DATA, 8});
        if (!replay) {
            assert_int_equal(arm_run(f->m, 0), ARM_STOP_IDLE);
            assert_int_equal(type(f, "abc"), 3);
            assert_true(arm_console_end(f->m));
        }
        if (replay)
            assert_int_equal(type(f, "def"), 0);
        assert_false(arm_console_end(f->m));
        arm_run(f->m, 100000);
        assert_int_equal(cpu->pc, CODE + 4);
        assert_int_equal(cpu->x[0], 5);
        assert_int_equal(arm_record_end(f->m, &err), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_long_write_is_complete_and_stops_at_a_limit_in_between),
        TEST(a_write_of_the_whole_address_space_ends_at_a_limit_or_a_fault),
        TEST(a_string_is_written_up_to_its_zero_however_long),
        TEST(an_interrupt_waits_for_the_end_of_a_long_call),
        TEST(other_cpus_run_while_one_is_halted_in_a_long_call),
        TEST(a_long_call_takes_the_same_time_however_the_run_is_cut),
        TEST(a_read_of_the_console_waits_for_a_line_or_its_bytes),
        TEST(what_the_uart_received_comes_before_what_is_typed_later),
        TEST(input_ends),
        TEST(the_end_of_input_is_recorded_and_replayed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
