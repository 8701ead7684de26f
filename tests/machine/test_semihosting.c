/* Semihosting: what else there is to call, and what a guest may not do. */
#define _GNU_SOURCE
#include "tests/machine/semihosting_fixture.h"

static void test_time_follows_the_boards_clock(void **state)
{
    struct fixture *f = *state;
    uint64_t ticks;

    start(f, (struct arm_config){0});
    assert_int_equal(CALL(f, SYS_TIME), VIRT_EPOCH_S);
    clock_run(&f->m->clock, UINT64_C(2500000000));
    assert_int_equal(CALL(f, SYS_TIME), VIRT_EPOCH_S + 2);
    assert_int_equal(CALL(f, SYS_CLOCK), 250);
    assert_int_equal(CALL(f, SYS_TICKFREQ), 1000000000);
    assert_int_equal(CALL(f, SYS_ELAPSED), 0);
    assert_true(arm_mem_read(f->m, BLOCK, &ticks, 8));
    assert_int_equal(ticks, arm_time_ns(f->m) - 1);
    device_write(&f->m->board.rtc.dev, 8, 4, 1000); /* RTCLR */
    assert_int_equal(CALL(f, SYS_TIME), 1000);
}

static void test_the_command_line_is_what_was_given(void **state)
{
    struct fixture *f = *state;
    char text[16] = "";
    uint64_t length;

    start(f, (struct arm_config){.append = "a b", .semihosting_cmdline = "prog -x"});
    assert_int_equal(CALL(f, SYS_GET_CMDLINE, DATA, 8), 0);
    assert_true(arm_mem_read(f->m, DATA, text, 8));
    assert_string_equal(text, "prog -x");
    assert_true(arm_mem_read(f->m, BLOCK + 8, &length, 8));
    assert_int_equal(length, 7);
    assert_error(f, CALL(f, SYS_GET_CMDLINE, DATA, 7), E2BIG);
}

static void test_the_heap_is_ram_that_nothing_was_loaded_to(void **state)
{
    char path[] = "/tmp/armillary-test-XXXXXX";
    const struct arm_blob blob = {.path = path, .addr = RAM + 0x400000, .force_raw = true};
    struct fixture *f = *state;
    int fd = mkstemp(path);
    uint64_t heap[4];

    assert_int_equal(write(fd, "1234567", 7), 7);
    close(fd);
    start(f, (struct arm_config){.blobs = &blob, .blob_count = 1});
    unlink(path);
    assert_int_equal(CALL(f, SYS_HEAPINFO, DATA), 0);
    assert_true(arm_mem_read(f->m, DATA, heap, sizeof(heap)));
    assert_int_equal(heap[0], RAM + 0x400010);
    assert_int_equal(heap[1], RAM + RAM_SIZE);
    assert_int_equal(heap[2], heap[1]);
    assert_int_equal(heap[3], heap[0]);
}

static void test_what_is_not_offered_fails_and_is_said_once(void **state)
{
    static const uint8_t offered[] = {
        SYS_OPEN,   SYS_CLOSE,   SYS_WRITEC,   SYS_WRITE0,        SYS_WRITE,       SYS_READ,
        SYS_READC,  8,           SYS_ISTTY,    SYS_SEEK,          SYS_FLEN,        SYS_TMPNAM,
        SYS_REMOVE, SYS_RENAME,  SYS_CLOCK,    SYS_TIME,          SYS_SYSTEM,      SYS_ERRNO,
        SYS_EXIT,   SYS_ELAPSED, SYS_TICKFREQ, SYS_EXIT_EXTENDED, SYS_GET_CMDLINE, SYS_HEAPINFO,
    };
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    for (unsigned number = 0; number < 0x100; number++) {
        if (memchr(offered, (int)number, sizeof(offered)))
            continue;
        f->warnings = 0;
        assert_error(f, CALL(f, number), ENOSYS);
        assert_error(f, CALL(f, number), ENOSYS);
        assert_int_equal(f->warnings, 1);
    }
    assert_error(f, CALL(f, 0x100), ENOSYS);
    assert_int_equal(f->warnings, 2);
    assert_error(f, CALL(f, SYS_SYSTEM, NAME, 1), EPERM);
    assert_int_equal(CALL(f, BIT(32) | SYS_TICKFREQ), 1000000000); /* the operation is in w0 */
}

static void test_a_bad_address_is_the_callers_fault(void **state)
{
    static const uint8_t with_block[] = {SYS_OPEN,  SYS_CLOSE,   SYS_WRITE,   SYS_READ,
                                         SYS_ISTTY, SYS_SEEK,    SYS_FLEN,    SYS_TMPNAM,
                                         SYS_EXIT,  SYS_ELAPSED, SYS_HEAPINFO};
    struct fixture *f = *state;

    start_with_directory(f);
    struct cpu *cpu = f->m->cpus[0];
    for (size_t k = 0; k < ARRAY_SIZE(with_block); k++) {
        cpu->pc = CODE;
        cpu->x[0] = with_block[k];
        cpu->x[1] = RAM + RAM_SIZE;
        cpu->sr[SR_ELR_EL2] = 0;
        arm_run(f->m, 1);
        assert_int_equal(cpu->sr[SR_ELR_EL2], CODE);
        assert_int_equal(cpu->sr[SR_FAR_EL2], RAM + RAM_SIZE);
        assert_int_equal(cpu->x[0], with_block[k]);
    }
    make_file(f, "file", "0123");
    cpu_enter_el(cpu, 2);
    uint64_t h = open_file(f, "file", 0);
    enter(f, (const uint64_t[5]){SYS_READ, h, RAM + RAM_SIZE - 2, 4});
    arm_run(f->m, 1);
    assert_int_equal(cpu->sr[SR_FAR_EL2], RAM + RAM_SIZE);
    char text[64];
    assert_string_equal(read_file(f, h, 4, text), "0123"); /* nothing is lost */
}

static void test_el0_is_answered_only_if_asked_for(void **state)
{
    for (unsigned asked = 0; asked < 2; asked++) {
        struct fixture *f = *state;
        start(f, (struct arm_config){.semihosting_el0 = asked});
        struct cpu *cpu = enter(f, (const uint64_t[5]){SYS_TICKFREQ});
        cpu->sr[SR_HCR_EL2] = BIT(31);
        cpu_enter_el(cpu, 1);
        cpu->ps.el = 0;
        cpu_context_changed(cpu);
        arm_run(f->m, 1);
        assert_int_equal(cpu->x[0], asked ? 1000000000 : SYS_TICKFREQ);
        assert_int_equal(cpu->sr[SR_ELR_EL1], asked ? 0 : CODE);
        if (!asked)
            arm_machine_free(f->m);
    }
}

static void test_an_exit_code_is_the_programs_or_1(void **state)
{
    static const struct {
        uint64_t reason, code;
        int expected;
    } rows[] = {{0x20026, 0, 0}, {0x20026, 7, 7}, {0x20026, 0x1ff, 0xff}, {0x20023, 0, 1}};
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    for (size_t k = 0; k < 2 * ARRAY_SIZE(rows); k++) {
        enter(f, (const uint64_t[5]){k % 2 ? SYS_EXIT : SYS_EXIT_EXTENDED, rows[k / 2].reason,
                                     rows[k / 2].code});
        assert_int_equal(arm_run(f->m, 0), ARM_STOP_EXIT);
        assert_int_equal(arm_exit_code(f->m), rows[k / 2].expected);
    }
}

static void test_a_reset_closes_files_and_ends_calls(void **state)
{
    struct fixture *f = *state;
    struct arm_error err;

    start_with_directory(f);
    uint64_t h = open_file(f, "file", 4);
    uint64_t in = open_file(f, ":tt", 0);
    enter(f, (const uint64_t[5]){SYS_READ, in, DATA, 8});
    arm_run(f->m, 10);
    assert_int_equal(machine_reboot(f->m, &err), 0);
    assert_int_equal(f->m->cpus[0]->power, CPU_RUNNING);
    assert_int_equal(type(f, "a"), 1);
    assert_int_equal(f->m->board.uart.rx_count, 1);
    assert_true(arm_mem_write(f->m, CODE, code, sizeof(code)));
    assert_error(f, CALL(f, SYS_CLOSE, h), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(time_follows_the_boards_clock),
        TEST(the_command_line_is_what_was_given),
        TEST(the_heap_is_ram_that_nothing_was_loaded_to),
        TEST(what_is_not_offered_fails_and_is_said_once),
        TEST(a_bad_address_is_the_callers_fault),
        TEST(el0_is_answered_only_if_asked_for),
        TEST(an_exit_code_is_the_programs_or_1),
        TEST(a_reset_closes_files_and_ends_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
