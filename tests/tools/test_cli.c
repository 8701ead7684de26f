/* The command line of `armillary`: what it accepts, what it refuses and in which words, exit codes.
 */
#include <sys/resource.h>

#include "process.h"
#include "tests/guests.h"

#define LOAD_AT "@0x40080000"
#define VIRT    "virt,gic-version=3"

static char dir[] = "/tmp/armillary-test-XXXXXX";

/* Paths of the guests, and the same as --load takes them. */
#define GUEST(name) static char name##_path[64], name##_load[80];
GUEST(exit42)
GUEST(loop)
GUEST(idle)
GUEST(off)
GUEST(reset)
GUEST(echo)
GUEST(abort)
#undef GUEST

static void write_guest(const char *name, const uint32_t *words, size_t size, char *path,
                        char *load)
{
    snprintf(path, 64, "%s/%s", dir, name);
    snprintf(load, 80, "%s%s", path, LOAD_AT);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(words, 1, size, f), size);
    fclose(f);
}

static int make_guests(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
#define GUEST(name)                                                                                \
    write_guest(#name, guest_##name, sizeof(guest_##name), name##_path, name##_load);
    GUEST(exit42)
    GUEST(loop)
    GUEST(idle)
    GUEST(off)
    GUEST(reset)
    GUEST(echo)
    GUEST(abort)
#undef GUEST
    return 0;
}

static int remove_guests(void **state)
{
    (void)state;
    const char *const paths[] = {exit42_path, loop_path, idle_path, off_path,
                                 reset_path,  echo_path, abort_path};
    for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++)
        unlink(paths[k]);
    return rmdir(dir);
}

/* @r ended with @code, and said @text on standard error and nothing of its own on standard output.
 */
static void assert_ended(const struct result *r, int code, const char *text)
{
    assert_string_equal(r->out, "");
    assert_contains(r->err, text);
    assert_int_equal(r->code, code);
}

static void test_help_and_version_go_to_standard_output(void **state)
{
    (void)state;
    static const char *const commands[] = {"run", "check", "qemu", "dis", "sysreg"};

    struct result *r = RUN("--version");
    assert_int_equal(r->code, 0);
    assert_contains(r->out, "armillary ");
    r = RUN("--help");
    assert_int_equal(r->code, 0);
    for (size_t k = 0; k < 5; k++)
        assert_contains(r->out, commands[k]);
    for (size_t k = 0; k < 5; k++) {
        r = RUN(commands[k], "--help");
        assert_int_equal(r->code, 0);
        assert_string_equal(r->err, "");
        assert_contains(r->out, "armillary ");
    }
    r = RUN("run", "--help");
    assert_contains(r->out, "Machine options:");
    assert_contains(r->out, "Debug options:");
}

static void test_bad_usage_is_exit_code_2_and_names_option_value_and_expectation(void **state)
{
    (void)state;
    static const struct {
        const char *args[8], *text;
    } rows[] = {
        {{"fly"}, "no command \"fly\""},
        {{"run"}, "no image"},
        {{"run", "--fly", "x"}, "--fly"},
        {{"run", "--rules=all", "x"}, "--rules"},
        {{"check"}, "armillary check: no image"},
        {{"check", "--rules=FLY", "--load", loop_load}, "\"FLY\" is none"},
        {{"check", "--report=xml=x", "x"}, "--report=xml=x: expected FORMAT=FILE"},
        {{"check", "--report=json=", "x"}, "--report=json=: expected FORMAT=FILE"},
        {{"check", "--budget=/nonexistent/x", "--load", loop_load}, "/nonexistent/x"},
        {{"run", "a", "b"}, "\"b\" is a second image"},
        {{"run", "--cpu=help", "--load", loop_load}, "known: a53, cortex-a53, a57"},
        {{"run", "--smp=124", "x"}, "--smp=124: expected 1 to 123"},
        {{"run", "--smp=two", "x"}, "--smp=two: expected 1 to 123"},
        {{"run", "--memory=5X", "x"}, "--memory=5X: expected MiB"},
        {{"run", "--memory=-1", "x"}, "--memory=-1: expected MiB"},
        {{"run", "--memory=99999999999999999999", "x"}, "--memory=9"},
        {{"run", "--start-el=3", "x"}, "--start-el=3: expected 1 or 2"},
        {{"run", "--max-insns=0", "x"}, "--max-insns=0: expected"},
        {{"run", "--timeout=soon", "x"}, "--timeout=soon: expected seconds"},
        {{"run", "--seed=x", "x"}, "--seed=x: expected a number"},
        {{"run", "--serial=tcp", "x"}, "--serial=tcp: expected stdio"},
        {{"run", "--serial=file:/nonexistent/x", "x"}, "/nonexistent/x"},
        {{"run", "--load=x"}, "--load=x: expected FILE@ADDR"},
        {{"run", "--load=x@40000000"}, "--load=x@40000000: expected an address with 0x"},
        {{"run", "--load=x@40000000"}, "is it 0x40000000 or 0x2625a00?"},
        {{"run", "--load=x@4000000f"}, "is it 0x4000000f?"},
        {{"run", "--memory=0", "x"}, "--memory=0: expected MiB"},
        {{"run", "--smp=0", "x"}, "--smp=0: expected 1 to 123"},
        {{"run", "--gic=lrs=0", "x"}, "--gic=lrs=0: expected KEY=N,...; keys are lrs (1 to 16)"},
        {{"run", "--gic=lrs=17", "--load", loop_load}, "17 list registers, expected 1 to 16"},
        {{"run", "--gic=priority=0", "x"}, "--gic=priority=0: expected"},
        {{"run", "--gic=preemption=0", "x"}, "--gic=preemption=0: expected"},
        {{"run", "--gic=intid=0", "x"}, "--gic=intid=0: expected"},
        {{"run", "--bios="}, "--bios=: expected the name of a file"},
        {{"run", "--bios=/dev/null"}, "/dev/null: is empty"},
        {{"run", "--initrd=", "x"}, "--initrd=: expected the name of a file"},
        {{"run", "--dtb=", "x"}, "--dtb=: expected the name of a file"},
        {{"run", "--dump-dtb="}, "--dump-dtb=: expected the name of a file"},
        {{"run", "--load=@0x40000000"}, "--load=@0x40000000: expected FILE@ADDR"},
        {{"run", "--module=", "x"}, "--module=: expected"},
        {{"run", "--serial=file:", "x"}, "--serial=file:: expected"},
        {{"run", "--trace=insn:", "x"}, "--trace=insn:: expected a file name"},
        {{"run", ""}, "\"\": expected the name of an image"},
        {{"qemu", "-M", "virt", "-bios", ""}, "firmware: \"\": expected the name of a file"},
        {{"qemu", "-M", "virt", "-kernel", ""}, "kernel: \"\": expected the name of a file"},
        {{"qemu", "-M", "virt", "-drive", "if=pflash,file="}, "flash memory: \"\": expected"},
        {{"qemu", "-M", "virt", "-device", "loader,file="}, "file to load: \"\": expected"},
        {{"run", "--drive=/nonexistent/x", "--load", loop_load}, "/nonexistent/x"},
        {{"run", "--drive=,writable", "x"},
         "expected FILE[,readonly|writable|snapshot][,format=raw]"},
        {{"run", "--virtio-console=tcp", "x"}, "--virtio-console=tcp: expected"},
        {{"run", "--bios=/nonexistent/x"}, "/nonexistent/x"},
        {{"run", "--cpu=486", "x"}, "486"},
        {{"run", "--cpu=max,+warp", "x"}, "warp"},
        {{"run", "--trace=magic", "x"}, "no event \"magic\""},
        {{"run", "--log=cpu=loud", "x"}, "--log=cpu=loud: expected"},
        {{"run", "--log=cup=debug", "x"}, "--log=cup=debug: expected"},
        {{"run", "/nonexistent/image"}, "/nonexistent/image"},
        {{"run", "--initrd=/nonexistent/initrd", "/dev/null"}, "/dev/null"},
        {{"run", "--no-el2", "--start-el=2", "x"}, "EL2"},
        {{"dis"}, "no word"},
        {{"dis", "/nonexistent/file"}, "/nonexistent/file"},
        {{"dis", "--base=x"}, "unknown option"},
        {{"sysreg"}, "no name"},
        {{"sysreg", "SCTLR_EL"}, "SCTLR_EL1"},
        {{"sysreg", "SCTLR_EL1=red"}, "SCTLR_EL1=red: expected a number"},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
        assert_ended(run_args("", rows[k].args), 2, rows[k].text);
}

/* A name is bytes to the host, whatever the locale says. */
static void test_names_need_not_be_text_of_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"f\xc3\xbcnf", "f\xfcnf", "\xe4\xba\x94"};
    char path[64], load[96], trace[96], serial[96], drive[96];

    uint32_t words[1024] = {0}; /* whole sectors, for it is also the disk */
    memcpy(words, guest_off, sizeof(guest_off));
    setenv("LC_ALL", "C", 1);
    for (size_t k = 0; k < 3; k++) {
        write_guest(names[k], words, sizeof(words), path, load);
        snprintf(trace, sizeof(trace), "--trace=call:%s.trace", path);
        snprintf(serial, sizeof(serial), "--serial=file:%s.serial", path);
        snprintf(drive, sizeof(drive), "--drive=%s,readonly", path);
        struct result *r = RUN("run", "--load", load, drive, trace, serial);
        assert_string_equal(r->err, "");
        assert_int_equal(r->code, 0);
        assert_int_equal(unlink(trace + strlen("--trace=call:")), 0);
        assert_int_equal(unlink(serial + strlen("--serial=file:")), 0);
        r = RUN("run", "--append", names[k], "--initrd", path, "--log", "error", path);
        assert_string_equal(r->err, "");
        assert_int_equal(r->code, 0);
        r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-append", names[k],
                "-kernel", path);
        assert_string_equal(r->err, "");
        assert_int_equal(r->code, 0);
        unlink(path);
    }
    unsetenv("LC_ALL");
}

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

/* A guest that makes code of page after page, of 128 MiB of them. */
static void test_no_memory_for_what_the_guest_needs_is_exit_code_2(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
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

static void test_a_file_that_is_gone_at_a_reset_is_exit_code_2(void **state)
{
    (void)state;
    int in = open("/dev/null", O_RDONLY), out = scratch(""), err = scratch("");
    char path[64], load[80], text[4096];

    write_guest("gone", guest_reset, sizeof(guest_reset), path, load);
    pid_t pid = start_program((const int[]){in, out, err},
                              (const char *const[]){"run", "--load", load, "--timeout=10", NULL});
    usleep(100000); /* it has begun; it resets itself for ever */
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
    r = RUN("run", "--timeout=0.1", "--no-el2", "--load", loop_load);
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

static void test_dis_shows_text_row_fields_and_feature(void **state)
{
    (void)state;
    struct result *r = RUN("dis", "--base", "1000", "d5381002", "91000421", "0xdac10000", "0");
    assert_int_equal(r->code, 0);
    assert_contains(r->out, "1000:  d5381002  mrs x2, sctlr_el1  ; MRS ");
    assert_contains(r->out, "[SCTLR_EL1]");
    assert_contains(r->out, "1004:  91000421  add x1, x1, #1  ; ADD_imm sf=0x1 sh=0 imm12=0x1");
    assert_contains(r->out, "FEAT_PAuth");
    assert_contains(r->out, "UNDEFINED at EL0, cpu/exec/system.c:");
    r = RUN("dis", "c85f7c00", "d53c1100", "d4a00001");
    assert_contains(r->out, "LD EXCL, cpu/exec/ldst_excl.c:");
    assert_contains(r->out, "UNDEFINED at EL0 and EL1, cpu/exec/system.c:");
    assert_contains(r->out, "UNDEFINED at every EL, cpu/exec/exception_gen.c:");
    r = RUN("dis", "6e40c400");
    assert_contains(r->out, "FCMLA_vec_h Q=0x1 Vm=0 rot=0 Vn=0 Vd=0, FEAT_FCMA, FEAT_FP16");
    r = RUN("dis", loop_path);
    assert_contains(r->out, "       0:  14000000  b ");
    r = RUN("dis", program);
    assert_int_equal(r->code == 0 || r->code == 2, 1);
}

static void test_sysreg_finds_a_row_by_name_encoding_and_word(void **state)
{
    (void)state;
    static const char *const names[] = {"HCR_EL2",   "hcr_el2",    "S3_4_C1_C1_0",
                                        "3,4,1,1,0", "0xd53c1100", "d51c1105"};

    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        struct result *r = RUN("sysreg", names[k]);
        assert_int_equal(r->code, 0);
        assert_int_equal(strncmp(r->out, "HCR_EL2\n", 8), 0);
    }
    struct result *r = RUN("sysreg", "HCR_EL2=0x8000000");
    assert_contains(r->out, "TGE              = 0x1");
    assert_contains(r->out, "IMO              = 0 ");
    r = RUN("sysreg", "sctlr_el1", "dc zva", "S3_0_C15_C15_7", "id_aa64mmfr0_el1");
    assert_contains(r->out,
                    "EL1 writes trap to EL2 while HCR_EL2.TVM is 1 (virtual memory controls; "
                    "arch/traps.def:");
    assert_contains(r->out, "EL1 and above; UNDEFINED at EL0\n");
    assert_contains(r->out, "row           arch/sysreg.def:");
    assert_contains(r->out, "storage: cpu->sr[SR_SCTLR_EL1]");
    assert_contains(r->out, "sr_op_DC_ZVA(), cpu/");
    assert_contains(r->out, "HFGWTR_EL2.SCTLR_EL1 for writes");
    assert_contains(r->out, "at EL2 with HCR_EL2.E2H the access goes to SCTLR_EL2");
    assert_contains(r->out, "SCTLR_EL12 is another name");
    assert_contains(r->out, "DC_ZVA\n");
    assert_contains(r->out, "no row in arch/sysreg.def");
    assert_contains(r->out, "max 0x");
}

#define TERMINAL(t, ...) terminal_open(t, (const char *const[]){__VA_ARGS__, NULL})

static void test_at_a_terminal_ctrl_a_x_quits(void **state)
{
    (void)state;
    static struct terminal t;

    TERMINAL(&t, "run", "--load", echo_load);
    terminal_expect(&t, ">");
    terminal_type(&t, "abc\x01\x01");
    terminal_expect(&t, "abc\x01");
    terminal_type(&t, "\x01x");
    assert_int_equal(terminal_close(&t), 3);
    TERMINAL(&t, "qemu", "-M", VIRT, "-cpu", "max", "-kernel", echo_path);
    terminal_expect(&t, ">");
    terminal_type(&t, "\x01x");
    assert_int_equal(terminal_close(&t), 0);
}

static void test_ctrl_a_x_works_when_the_guest_takes_no_input(void **state)
{
    (void)state;
    static struct terminal t;
    const char *const loads[] = {loop_load, idle_load};

    for (size_t k = 0; k < 2; k++) {
        TERMINAL(&t, "run", "--load", loads[k]);
        usleep(300000);
        for (unsigned n = 0; n < 20; n++)
            terminal_type(&t, "0123456789abcdef0123456789abcdef");
        usleep(100000);
        terminal_type(&t, "\x01x");
        assert_int_equal(terminal_close(&t), 3);
    }
}

static void test_the_monitor_looks_at_the_machine_and_goes_on(void **state)
{
    (void)state;
    static struct terminal t;
    static const char prompt[] = "(armillary) ";

    TERMINAL(&t, "run", "--cpu=n1", "--smp=2", "--load", echo_load);
    terminal_expect(&t, ">");
    terminal_type(&t, "\x01"
                      "c");
    terminal_expect(&t, prompt);
    terminal_type(&t, "info registers\n");
    terminal_expect(&t, "cpu0 running: EL2, PC 0x00000000400800");
    terminal_expect(&t, "X01 0000000009000000");
    terminal_expect(&t, "HCR_EL2");
    terminal_expect(&t, "cpu1 off");
    terminal_expect(&t, prompt);
    terminal_type(&t, "info gic\ninfo tlb\n");
    terminal_expect(&t, "cpu0: ");
    terminal_expect(&t, prompt);
    terminal_type(&t, "walk 40080000\n");
    terminal_expect(&t, "PA 0x40080000");
    terminal_type(&t, "x/2 40080000\n");
    terminal_expect(&t, ": d2a12001 528007c2");
    terminal_type(&t, "print x1\nprint CNTFRQ_EL0 1\nprint nothing\n");
    terminal_expect(&t, "x1 = 0x0000000009000000");
    terminal_expect(&t, "no register \"nothing\"");
    terminal_type(&t, "walk x\n");
    terminal_expect(&t, "a hexadecimal address");
    terminal_type(&t, "bogus\n");
    terminal_expect(&t, "no command \"bogus\"");
    terminal_type(&t, "help\n");
    terminal_expect(&t, "powerdown");
    terminal_type(&t, "c\n");
    usleep(200000);
    terminal_type(&t, "Z");
    terminal_expect(&t, "Z");
    terminal_type(&t, "\x01"
                      "c");
    terminal_expect(&t, prompt);
    terminal_type(&t, "reset\n");
    terminal_expect(&t, ">");
    terminal_type(&t, "\x01"
                      "c");
    terminal_expect(&t, prompt);
    terminal_type(&t, "quit\n");
    assert_int_equal(terminal_close(&t), 3);
}

static void test_a_signal_ends_the_run_by_that_signal_and_restores_the_terminal(void **state)
{
    (void)state;
    static struct terminal t;
    struct termios before, after;

    TERMINAL(&t, "run", "--load", echo_load);
    terminal_expect(&t, ">");
    assert_int_equal(tcgetattr(t.fd, &before), 0);
    assert_int_equal(before.c_lflag & ECHO, 0);
    kill(t.pid, SIGTERM);
    for (unsigned tries = 0; tries < 100; tries++) {
        if (tcgetattr(t.fd, &after) == 0 && (after.c_lflag & ECHO))
            break;
        usleep(20000);
    }
    assert_int_equal(terminal_close(&t), 128 + SIGTERM);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_version_go_to_standard_output),
        cmocka_unit_test(test_bad_usage_is_exit_code_2_and_names_option_value_and_expectation),
        cmocka_unit_test(test_names_need_not_be_text_of_the_locale),
        cmocka_unit_test(test_exit_code_is_the_guests_own_after_semihosting_exit),
        cmocka_unit_test(test_an_endless_exception_loop_is_exit_code_4),
        cmocka_unit_test(test_poweroff_is_0_and_reset_without_reboot_is_1),
        cmocka_unit_test(test_a_guest_that_resets_for_ever_is_stopped_by_the_limit),
        cmocka_unit_test(test_limits_are_exit_code_3),
        cmocka_unit_test(test_no_memory_for_what_the_guest_needs_is_exit_code_2),
        cmocka_unit_test(test_a_file_that_is_gone_at_a_reset_is_exit_code_2),
        cmocka_unit_test(test_a_run_that_is_ended_says_where_it_stands),
        cmocka_unit_test(test_a_limit_that_retired_instructions_did_not_reach_says_so),
        cmocka_unit_test(test_a_timeout_ends_a_guest_that_idles_at_an_open_pipe),
        cmocka_unit_test(test_dump_dtb_writes_a_device_tree_and_runs_nothing),
        cmocka_unit_test(test_console_is_stdin_and_stdout_a_file_or_nothing),
        cmocka_unit_test(test_recorded_input_is_replayed),
        cmocka_unit_test(test_a_trace_is_a_line_an_event),
        cmocka_unit_test(test_every_event_can_be_traced_by_its_word),
        cmocka_unit_test(test_two_traces_to_one_file_are_its_lines_in_order),
        cmocka_unit_test(test_dis_shows_text_row_fields_and_feature),
        cmocka_unit_test(test_sysreg_finds_a_row_by_name_encoding_and_word),
        cmocka_unit_test(test_at_a_terminal_ctrl_a_x_quits),
        cmocka_unit_test(test_ctrl_a_x_works_when_the_guest_takes_no_input),
        cmocka_unit_test(test_the_monitor_looks_at_the_machine_and_goes_on),
        cmocka_unit_test(test_a_signal_ends_the_run_by_that_signal_and_restores_the_terminal),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
