/* A run by `armillary run`: its end and exit code, its console, its traces. */
#include <sys/resource.h>

#include "host_fixture.h"

#define VIRT "virt,gic-version=3"

static void test_exit_code_is_the_guests_own_after_semihosting_exit(void **state)
{
    (void)state;
    assert_int_equal(RUN("run", "--semihosting", "--load", exit42_load)->code, 42);
    assert_int_equal(RUN("run", "--semihosting", "--no-el2", exit42_path)->code, 42);
}

/* HLT is UNDEFINED then, and nothing can be fetched from the vector: exceptions for ever. */
static void test_an_endless_exception_loop_is_exit_code_4(void **state)
{
    (void)state;
    struct result *r = RUN("run", "--load", exit42_load);
    assert_ended(r, 4, "the same exception again and again");
    assert_contains(r->err, "a fault loop that nothing can end; --keep-going goes on");
    assert_contains(r->err, "cpu0 running: EL2, PC 0x0000000000000200");
    assert_contains(r->err, "  ESR_EL2  0000000002000000 (unknown reason (UNDEFINED))\n");
    r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-kernel", exit42_path);
    assert_ended(r, 4, "a fault loop that nothing can end");
    assert_ended(RUN("run", "--keep-going", "--timeout=0.2", "--load", exit42_load), 3,
                 "--timeout");
}

static void test_poweroff_is_0_and_reset_without_reboot_is_1(void **state)
{
    (void)state;
    assert_int_equal(RUN("run", "--load", off_load)->code, 0);
    assert_ended(RUN("run", "--no-reboot", "--load", reset_load), 1, "reset");
}

static void test_a_guest_that_resets_for_ever_is_stopped_by_the_limit(void **state)
{
    (void)state;
    assert_int_equal(RUN("run", "--max-insns=100", "--load", reset_load)->code, 3);
}

static void test_limits_are_exit_code_3(void **state)
{
    (void)state;
    struct result *r = RUN("run", "--max-insns=12345", "--stats", "--load", loop_load);
    assert_ended(r, 3, "stopped after 12345 instructions (--max-insns)");
    assert_contains(r->err, "12345 instructions retired");
    assert_ended(RUN("run", "--timeout=0.2", "--load", loop_load), 3, "--timeout");
    assert_ended(RUN("run", "--load", idle_load), 3, "nothing will ever happen");
}

static void test_a_model_says_at_the_end_what_it_would_have_cost(void **state)
{
    (void)state;
    struct result *r = RUN("run", "--max-insns=12345", "--model=a53", "--load", loop_load);
    assert_ended(r, 3, "stopped after 12345 instructions (--max-insns)");
    assert_contains(r->err, "armillary: modelled, a53-like: ");
    assert_contains(r->err, " cycles, 12345 instructions, ");
    char *first = strdup(strstr(r->err, "modelled"));
    r = RUN("run", "--max-insns=12345", "--model=a53", "--load", loop_load);
    assert_string_equal(strstr(r->err, "modelled"), first);
    free(first);
    r = RUN("run", "--max-insns=100", "--model=a54", "--load", loop_load);
    assert_ended(r, 2, "--model: \"a54\": expected a53, n1 or a file (NAME.model)");
    r = RUN("step", "--model=a53", "--load", loop_load);
    assert_ended(r, 2, "--model=a53: expected no model");
}

/* A guest that makes code of page after page, of 128 MiB of them. */
static void test_no_memory_for_what_the_guest_needs_is_exit_code_2(void **state)
{
    (void)state;
#ifdef ARMILLARY_ASAN
    skip(); /* which needs more of the address space than any limit would leave */
#else
    static const uint32_t walk[] = {
        0xd2a80000, 0xf2a80200, /* mov x0,#0x40100000 (two halves) */
        0x100000c1, 0xb9400021, /* ldr w1,2f */
        0xb9000001, 0xd63f0000,
        0x91400400, 0x17fffffd, /* 1: str w1,[x0]; blr x0; add x0,x0,#4096 */
        0xd65f03c0,             /* b 1b; 2: ret */
    };
    char path[64], load[80];
    struct rlimit before, limit;

    write_guest("walk", walk, sizeof(walk), path, load);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)428 << 20; /* 256 MiB are RAM and flash */
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    struct result *r = RUN("run", "--memory=128", "--load", load);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    unlink(path);
    assert_ended(r, 2, "armillary: stopped, the host failed: cpu0: 0x");
    assert_contains(r->err, ": no memory for the decoded instructions of the page at 0x4");
    assert_contains(r->err, "cpu0 running: EL2, PC 0x000000004");
    assert_contains(r->err, "  ESR_EL2  0000000000000000 (none yet)\n");
#endif
}

/* Something has been written to @fd, a file, by the program. */
static bool wait_output(pid_t pid, int fd)
{
    struct stopwatch watch = stopwatch_start(pid);

    while (lseek(fd, 0, SEEK_END) == 0 && stopwatch_s(&watch) < 10)
        usleep(2000);
    return lseek(fd, 0, SEEK_END) > 0;
}

static void test_a_file_that_is_gone_at_a_reset_is_exit_code_2(void **state)
{
    (void)state;
    int in = open("/dev/null", O_RDONLY), out = scratch(""), err = scratch("");
    char path[64], load[80], text[4096];

    /* mov x1,#0x9000000; mov w2,#'A'; strb w2,[x1]; and as guest_reset */
    const uint32_t words[] = {0xd2a12001,     0x52800822,     0x39000022,    guest_reset[0],
                              guest_reset[1], guest_reset[2], guest_reset[3]};

    write_guest("gone", words, sizeof(words), path, load);
    pid_t pid = start_program((const int[]){in, out, err},
                              (const char *const[]){"run", "--load", load, "--timeout=60", NULL});
    assert_true(wait_output(pid, out)); /* it has begun; it resets itself for ever */
    unlink(path);
    assert_int_equal(wait_program(pid, 10), 2);
    slurp(err, text, sizeof(text));
    assert_contains(text, "armillary: stopped, the host failed: the guest has reset the machine: ");
    assert_contains(text, "gone: cannot open: No such file");
    close(in);
    close(out);
}

static void test_a_run_that_is_ended_says_where_it_stands(void **state)
{
    (void)state;
    struct result *r = RUN("run", "--max-insns=12345", "--smp=2", "--load", echo_load);
    assert_contains(r->err, "cpu0 running: EL2, PC 0x00000000400800");
    assert_contains(r->err, "  PSTATE D A I F EL2h\n");
    assert_contains(r->err, "  X00 0000000000000000  X01 0000000009000000  X02 ");
    assert_contains(r->err, "  ESR_EL2  0000000000000000 (none yet)\n");
    assert_contains(r->err, "  ELR_EL2  ");
    assert_contains(r->err, "  FAR_EL2  ");
    assert_contains(r->err, "  VBAR_EL2 ");
    assert_contains(r->err, "cpu1 off: ");
    assert_null(strstr(r->err, "_EL1 "));
    for (const char *const *limit = (const char *const[]){"0.1", "1", "30", NULL}; *limit;
         limit++) {
        r = RUN("run", "--timeout", *limit, "--no-el2", "--load", loop_load);
        if (strstr(r->err, "cpu0"))
            break; /* the host let it begin */
    }
    assert_contains(r->err, "cpu0 running: EL1, PC 0x0000000040080000");
    assert_contains(r->err, "  VBAR_EL1 ");
    r = RUN("run", "--load", idle_load);
    assert_contains(r->err, "cpu0 in WFI: EL2");
    r = RUN("run", "--max-insns=100", "--load", abort_load);
    assert_contains(r->err, "ESR_EL2  0000000096000010 (data abort from the current EL, external)");
    assert_contains(r->err, "SPSR_EL2 00000000000003c9 (D A I F EL2h)");
    assert_contains(r->err, "ELR_EL2  000000004008000c  FAR_EL2  000000000b000000  VBAR_EL2 "
                            "0000000040080000\n");
    r = RUN("run", "--load", off_load);
    assert_string_equal(r->err, "");
    r = RUN("run", "--semihosting", "--load", exit42_load);
    assert_string_equal(r->err, "");
}

/* Time passes while nothing retires, and counts towards the limit. */
static void test_a_limit_that_retired_instructions_did_not_reach_says_so(void **state)
{
    (void)state;
    struct result *r = RUN("run", "--keep-going", "--max-insns=1M", "--load", exit42_load);
    assert_int_equal(r->code, 3);
    assert_contains(r->err, "stopped after the time of 1048576 instructions (--max-insns)");
    assert_contains(r->err, "of which 2 retired");
    assert_contains(r->err, "cpu0 running: EL2, PC 0x0000000000000200");
    assert_contains(r->err, "(unknown reason (UNDEFINED))");
}

static void test_a_timeout_ends_a_guest_that_idles_at_an_open_pipe(void **state)
{
    (void)state;
    int pipe_fd[2], status;

    assert_int_equal(pipe(pipe_fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fd[0], 0);
        execl(program, program, "run", "--timeout=0.3", "--load", idle_load, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status_code(status), 3);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

static void test_dump_dtb_writes_a_device_tree_and_runs_nothing(void **state)
{
    (void)state;
    char path[64];
    uint8_t header[8] = {0};

    snprintf(path, sizeof(path), "%s/dtb", dir);
    for (unsigned qemu = 0; qemu < 2; qemu++) {
        char machine[128];
        snprintf(machine, sizeof(machine), "virt,gic-version=3,dumpdtb=%s", path);
        struct result *r =
            qemu ? RUN("qemu", "-M", machine, "-cpu", "max") : RUN("run", "--dump-dtb", path);
        assert_int_equal(r->code, 0);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        assert_int_equal(fread(header, 1, 8, f), 8);
        assert_int_equal(fseek(f, 0, SEEK_END), 0);
        assert_int_equal(ftell(f), 0x100000); /* as the guest gets it, with room to add to */
        fclose(f);
        assert_memory_equal(header, "\xd0\x0d\xfe\xed\0\x10\0\0", 8); /* magic, totalsize */
        unlink(path);
    }
    assert_ended(RUN("run", "--dump-dtb=/nonexistent/x"), 2, "/nonexistent/x");
}

static void test_console_is_stdin_and_stdout_a_file_or_nothing(void **state)
{
    (void)state;
    char where[80], text[16] = "";

    struct result *r = RUN_WITH("hello", "run", "--max-insns=5M", "--load", echo_load);
    assert_string_equal(r->out, ">hello");
    r = RUN_WITH("hello", "run", "--serial=none", "--max-insns=5M", "--load", echo_load);
    assert_string_equal(r->out, "");
    snprintf(where, sizeof(where), "--serial=file:%s/console", dir);
    r = RUN("run", where, "--max-insns=5M", "--load", echo_load);
    assert_string_equal(r->out, "");
    FILE *f = fopen(where + strlen("--serial=file:"), "rb");
    assert_non_null(f);
    assert_int_equal(fread(text, 1, sizeof(text), f), 1);
    fclose(f);
    assert_string_equal(text, ">");
    unlink(where + strlen("--serial=file:"));
}

static void test_recorded_input_is_replayed(void **state)
{
    (void)state;
    char record[80], replay[80];

    snprintf(record, sizeof(record), "--record=%s/input", dir);
    snprintf(replay, sizeof(replay), "--replay=%s/input", dir);
    struct result *r = RUN_WITH("hello", "run", record, "--max-insns=5M", "--load", echo_load);
    assert_string_equal(r->out, ">hello");
    r = RUN_WITH("nothing of this", "run", replay, "--max-insns=5M", "--load", echo_load);
    assert_string_equal(r->out, ">hello");
    assert_ended(RUN("run", replay, "--load", loop_load), 2, "not the run that was recorded");
    unlink(record + strlen("--record="));
    assert_ended(RUN("run", replay, "--load", echo_load), 2, "cannot read");
    assert_ended(RUN("run", "--record=/nonexistent/x", "--load", echo_load), 2, "/nonexistent/x");
    assert_ended(RUN("run", "--record=/dev/full", "--max-insns=10", "--load", loop_load), 2,
                 "/dev/full");
}

/* Behind each byte it prints a letter, which says how far the other CPU had counted. */
static void test_input_of_two_cpus_is_replayed_at_the_instruction_where_it_came(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        0x52800060, 0x72b88000, /* mov w0,#0xc4000003 (two halves): CPU_ON */
        0xd2800021, 0x100001c2, 0xd2800003, 0xd4000003, /* mov x1,#1; adr x2,3f; mov x3,#0; smc */
        0xd2a12001, 0x100001e5,                         /* mov x1,#0x9000000; adr x5,6f */
        0xb9401822, 0x3727ffe2, 0xb9400023, /* 1: ldr w2,[x1,#24]; tbnz w2,#4,1b; ldr w3,[x1] */
        0xb94000a4, 0x12000c84, 0x11010484, /* ldr w4,[x5]; and w4,w4,#15; add w4,w4,#65 */
        0xb9000023, 0xb9000024, 0x17fffff8, /* str w3,[x1]; str w4,[x1]; b 1b */
        0x100000a5, 0xb94000a6, 0x110004c6, /* 3: adr x5,6f; 4: ldr w6,[x5]; add w6,w6,#1 */
        0xb90000a6, 0x17fffffd,             /* str w6,[x5]; b 4b */
        0,          0,                      /* 6: */
    };
    char path[64], load[80], record[80], replay[80];

    write_guest("count", words, sizeof(words), path, load);
    snprintf(record, sizeof(record), "--record=%s/input", dir);
    snprintf(replay, sizeof(replay), "--replay=%s/input", dir);
    struct result *r =
        RUN_WITH("hello", "run", record, "--smp=2", "--max-insns=5M", "--load", load);
    assert_int_equal(strlen(r->out), 10);
    char *first = strdup(r->out);
    r = RUN_WITH("nothing of this", "run", replay, "--smp=2", "--max-insns=5M", "--load", load);
    assert_string_equal(r->out, first);
    assert_true(first[0] == 'h' && first[2] == 'e' && first[8] == 'o');
    free(first);
    unlink(record + strlen("--record="));
    unlink(path);
}

static void test_a_trace_is_a_line_an_event(void **state)
{
    (void)state;
    struct result *r = RUN("run", "--trace=insn,mmio,call", "--max-insns=8", "--load", echo_load);
    assert_contains(r->err, "cpu0 EL2 host  0x0000000040080000 d2a12001 mov");
    assert_contains(r->err, "mmio pa=0x9000000 size=1 write value=0x3e");
    r = RUN("run", "--trace=exception", "--load", exit42_load);
    assert_contains(r->err, "exception target_el=2 vector=0x200");
    r = RUN("run", "--trace=call", "--load", off_load);
    assert_contains(r->err, "call kind=SMC imm=0 x0=0x84000008");
    r = RUN("run", "--trace=wfx", "--load", idle_load);
    assert_contains(r->err, " wfx");
    r = RUN("run", "--trace=exception:/nonexistent/x", "--load", loop_load);
    assert_ended(r, 2, "/nonexistent/x");
}

static void test_every_event_can_be_traced_by_its_word(void **state)
{
    (void)state;
    static const char *const options[] = {
#define PROBE(number, NAME, member, word, text, fields) "--trace=" #word,
#include "base/probe.def"
#undef PROBE
    };

    for (size_t k = 0; k < sizeof(options) / sizeof(*options); k++)
        assert_int_equal(RUN("run", options[k], "--load", off_load)->code, 0);
    struct result *r = RUN("run", "--trace=psci", "--load", off_load);
    assert_contains(r->err, "firmware function=0x84000008");
}

static void test_two_traces_to_one_file_are_its_lines_in_order(void **state)
{
    (void)state;
    char calls[80], insns[80], both[4096] = "";

    snprintf(calls, sizeof(calls), "--trace=call:%s/trace", dir);
    snprintf(insns, sizeof(insns), "--trace=insn:%s/./trace", dir);
    RUN("run", calls, insns, "--load", off_load);
    FILE *f = fopen(calls + strlen("--trace=call:"), "rb");
    assert_non_null(f);
    assert_int_not_equal(fread(both, 1, sizeof(both) - 1, f), 0);
    fclose(f);
    const char *insn = strstr(both, "d4000003 smc"),
               *call = strstr(both, "call kind=SMC imm=0 x0=");
    assert_non_null(insn);
    assert_non_null(call);
    assert_true(insn < call);
    unlink(calls + strlen("--trace=call:"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_code_is_the_guests_own_after_semihosting_exit),
        cmocka_unit_test(test_an_endless_exception_loop_is_exit_code_4),
        cmocka_unit_test(test_poweroff_is_0_and_reset_without_reboot_is_1),
        cmocka_unit_test(test_a_guest_that_resets_for_ever_is_stopped_by_the_limit),
        cmocka_unit_test(test_limits_are_exit_code_3),
        cmocka_unit_test(test_a_model_says_at_the_end_what_it_would_have_cost),
        cmocka_unit_test(test_no_memory_for_what_the_guest_needs_is_exit_code_2),
        cmocka_unit_test(test_a_file_that_is_gone_at_a_reset_is_exit_code_2),
        cmocka_unit_test(test_a_run_that_is_ended_says_where_it_stands),
        cmocka_unit_test(test_a_limit_that_retired_instructions_did_not_reach_says_so),
        cmocka_unit_test(test_a_timeout_ends_a_guest_that_idles_at_an_open_pipe),
        cmocka_unit_test(test_dump_dtb_writes_a_device_tree_and_runs_nothing),
        cmocka_unit_test(test_console_is_stdin_and_stdout_a_file_or_nothing),
        cmocka_unit_test(test_recorded_input_is_replayed),
        cmocka_unit_test(test_input_of_two_cpus_is_replayed_at_the_instruction_where_it_came),
        cmocka_unit_test(test_a_trace_is_a_line_an_event),
        cmocka_unit_test(test_every_event_can_be_traced_by_its_word),
        cmocka_unit_test(test_two_traces_to_one_file_are_its_lines_in_order),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
