#define _GNU_SOURCE /* memmem() */
/* The host's side of QEMU's command line: logs, character devices, the monitor, the pidfile. */
#include "qemu_fixture.h"

static void test_d_is_our_traces_and_logs_in_one_file(void **state)
{
    (void)state;
    static char text[FILE_MAX];
    const char *log = in_dir("log");

    struct result *r = RUN(MINIMAL, "-kernel", peek(0x0bff0000), "-d", "int,guest_errors,in_asm",
                           "-D", log, "--max-insns", "20");
    read_file(log, text);
    assert_contains(text, "Taking exception 4 [Data Abort] on CPU 0\n...from EL1 to EL1\n");
    assert_contains(text, "ldr w3, [x1, x2]");
    assert_null(strstr(r->err, "Taking exception"));
    r = RUN(MINIMAL, "-kernel", peek(0x0bff0000), "-d", "int", "--max-insns", "20");
    assert_contains(r->err, "Taking exception 4 [Data Abort]");
}

static void test_our_own_options_are_taken_too(void **state)
{
    (void)state;
    static char text[FILE_MAX];
    char trace[160];

    snprintf(trace, sizeof(trace), "--trace=insn:%s", in_dir("trace"));
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("loop"), "--max-insns", "7", trace, "--stats",
                           "--log", "loader=info");
    assert_contains(r->err, "stopped after 7 instructions");
    assert_contains(r->err, "7 instructions retired");
    assert_contains(r->err, "armillary: loader: info:");
    assert_int_equal(r->code, 3);
    read_file(in_dir("trace"), text);
    assert_int_equal(lines_of(text), 7);
    r = RUN(MINIMAL, "-kernel", in_dir("loop"), "--timeout=0.2");
    assert_contains(r->err, "stopped after 0.2 s");
    assert_int_equal(r->code, 3);
}

static void test_a_chardev_is_the_uart_and_the_monitor_and_its_log(void **state)
{
    (void)state;
    static char text[FILE_MAX];
    char chardev[192];

    snprintf(chardev, sizeof(chardev), "stdio,id=con,mux=on,signal=off,logfile=%s,", in_dir("l"));
    struct result *r =
        RUN_WITH("abc", MINIMAL, "-kernel", in_dir("echo"), "-chardev", chardev, "-serial",
                 "chardev:con", "-mon", "chardev=con,mode=readline", "--max-insns", "10000000");
    assert_string_equal(r->out, ">abc");
    read_file(in_dir("l"), text);
    assert_string_equal(text, ">abc");
    r = RUN(MINIMAL, "-kernel", in_dir("echo"), "-chardev", "stdio,id=con", "-serial",
            "chardev:con", "-mon", "con");
    assert_contains(r->err, "connected twice; expected mux=on");
    snprintf(chardev, sizeof(chardev), "file,id=f,path=%s", in_dir("l"));
    r = RUN(MINIMAL, "-kernel", in_dir("echo"), "-chardev", chardev, "-serial", "chardev:f",
            "--max-insns", "1000");
    assert_string_equal(r->out, "");
    read_file(in_dir("l"), text);
    assert_string_equal(text, ">");
    snprintf(chardev, sizeof(chardev), "file,id=f,path=%s,append=on", in_dir("l"));
    RUN(MINIMAL, "-kernel", in_dir("echo"), "-chardev", chardev, "-serial", "chardev:f",
        "--max-insns", "1000");
    read_file(in_dir("l"), text);
    assert_string_equal(text, ">>");
}

static void test_dev_null_is_nowhere(void **state)
{
    (void)state;
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("echo"), "-serial", "/dev/null", "-monitor",
                           "/dev/null", "-echr", "2", "--max-insns", "1000");
    assert_string_equal(r->out, "");
    assert_contains(r->err, "stopped after 1000 instructions");
    assert_contains(r->err, "-echr 2: the key");
}

static void test_a_user_network_has_addresses_of_ipv6(void **state)
{
    (void)state;
    struct result *r =
        RUN(MINIMAL, "-kernel", in_dir("echo"), "--max-insns", "1000", "-netdev",
            "user,id=n,ipv6-net=fd00::eb/64,ipv6-host=fd00::eb:1,ipv6-dns=fd00::eb:3");
    assert_contains(r->err, "stopped after 1000 instructions");
    r = RUN(MINIMAL, "-kernel", in_dir("echo"), "-netdev", "user,id=n,ipv6-dns=10.0.2.3", "-device",
            "virtio-net-pci,netdev=n");
    assert_contains(r->err, "ipv6-dns=10.0.2.3: expected an address of IPv6");
    r = RUN(MINIMAL, "-kernel", in_dir("echo"), "-netdev", "user,id=n,ipv6-net=fd00::/127",
            "-device", "virtio-net-pci,netdev=n");
    assert_contains(r->err, "ipv6-net=fd00::/127: expected PREFIX/BITS");
}

static void test_without_defaults_the_uart_is_not_connected(void **state)
{
    (void)state;
    struct result *r =
        RUN(MINIMAL, "-kernel", in_dir("echo"), "-nodefaults", "--max-insns", "1000");
    assert_string_equal(r->out, "");
}

#define TERMINAL(t, ...) terminal_open(t, (const char *const[]){__VA_ARGS__, NULL})

static void test_the_pidfile_is_there_while_the_machine_runs(void **state)
{
    (void)state;
    static struct terminal t;
    static char text[FILE_MAX];
    const char *pid = in_dir("pid");

    TERMINAL(&t, MINIMAL, "-kernel", in_dir("echo"), "-pidfile", pid);
    terminal_expect(&t, ">");
    read_file(pid, text);
    assert_int_equal(atoi(text), t.pid);
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("loop"), "-pidfile", pid);
    assert_contains(r->err, "another process holds it");
    assert_int_equal(r->code, 2);
    kill(t.pid, SIGTERM);
    assert_int_equal(terminal_close(&t), 128 + SIGTERM);
    assert_int_equal(access(pid, F_OK), -1);
}

static void test_a_daemon_goes_on_when_its_caller_has_its_exit_code(void **state)
{
    (void)state;
    static char text[FILE_MAX];
    char serial[160];
    const char *pidfile = in_dir("daemon.pid");

    snprintf(serial, sizeof(serial), "file:%s", in_dir("daemon.out"));
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("echo"), "-daemonize", "-serial", serial,
                           "-pidfile", pidfile, "--timeout", "20");
    assert_string_equal(r->err, "");
    assert_int_equal(r->code, 0);
    read_file(pidfile, text);
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    assert_int_equal(kill(pid, 0), 0);
    for (int k = 0; k < 500 && (read_file(in_dir("daemon.out"), text), *text != '>'); k++)
        usleep(10000);
    assert_string_equal(text, ">");
    assert_int_equal(kill(pid, SIGTERM), 0);
    for (int k = 0; k < 500 && access(pidfile, F_OK) == 0; k++)
        usleep(10000);
    assert_int_not_equal(access(pidfile, F_OK), 0);
    r = RUN(MINIMAL, "-kernel", in_dir("nothing"), "-daemonize", "-serial", "none");
    assert_contains(r->err, "could not load kernel");
    assert_int_equal(r->code, 2);
}

static void test_firmware_is_looked_for_in_the_directories_of_L(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_dir("firmware"), 0777), 0);
    write_file("firmware/fw.bin", guest_exit42, sizeof(guest_exit42));
    struct result *r = RUN(MINIMAL, "-bios", "fw.bin", "-L", in_dir("firmware"), "-semihosting");
    assert_int_equal(r->code, 42);
    assert_contains(RUN(MINIMAL, "-bios", "fw.bin")->err, "fw.bin");
}

static void test_global_properties_are_of_all_devices_of_a_driver(void **state)
{
    (void)state;
    struct result *r = RUN(MINIMAL, "-kernel", in_dir("off"), "-device", "virtio-rng-device",
                           "-global", "virtio-rng-device.rng=nothing");
    assert_contains(r->err, "rng=nothing: expected the id");
}

static void test_stopped_at_start_the_monitor_comes_first(void **state)
{
    (void)state;
    static struct terminal t;

    TERMINAL(&t, MINIMAL, "-kernel", in_dir("echo"), "-S", "-nographic");
    terminal_expect(&t, "(armillary) ");
    terminal_type(&t, "print pc\n");
    terminal_expect(&t, "pc = ");
    terminal_type(&t, "continue\n");
    terminal_expect(&t, ">");
    terminal_type(&t, "\001x");
    assert_int_equal(terminal_close(&t), 0);
    struct result *r = RUN_WITH("info registers\n", "qemu", "-M", VIRT, "-cpu", "cortex-a57",
                                "-display", "none", "-serial", "null", "-monitor", "stdio");
    assert_contains(r->out, "cpu0 running: EL1");
    assert_int_equal(r->code, 0);
    r = RUN_WITH("info registers\n", "qemu", "-M", VIRT, "-monitor", "stdio");
    assert_contains(r->out, "cpu0 running: EL1");
    assert_contains(r->err, "what is written is lost"); /* by the UART, in no window */
    r = RUN_WITH("quit\n", MINIMAL, "-bios", in_dir("off"), "-S", "-serial", "null", "-monitor",
                 "stdio"); /* firmware's first instruction is at 0, where VBAR_EL1 is, too */
    assert_string_equal(r->err, "");
}

static void test_options_are_read_from_a_file(void **state)
{
    static const char text[] = "# a comment\n[machine]\n  type = \"virt\"\n  gic-version=\"3\"\n\n"
                               "[device \"seven\"]\n  driver = \"virtio-rng-pci\"\n"
                               "  addr = \"7.0\"\n[smp-opts]\n  cpus = \"2\"\n";
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[machine]\n  type = virt\n", "line 2: expected [GROUP]"},
        {"type = \"virt\"\n", "line 1: expected [GROUP]"},
        {"[memory\n", "line 1: expected [GROUP]"},
        {"[machine]\n  type = \"raspi3b\"\n", "raspi3b is not offered"},
        {"[machines]\n  type = \"virt\"\n", "-machines is not offered; did you mean -machine?"},
        {"[machine]\n type=\"virt\"\n[device]\n driver=\"loader\"\n file=\"/no,where\"\n",
         "/no,where: cannot open"},
    };

    (void)state;
    write_file("cfg", text, sizeof(text) - 1);
    struct result *r =
        RUN_WITH("info pci\ninfo cpus\nq\n", "qemu", "-readconfig", in_dir("cfg"), "-cpu", "max",
                 "-display", "none", "-serial", "null", "-monitor", "stdio", "-S");
    assert_contains(r->out, "07.0");
    assert_contains(r->out, "cpu1");
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        write_file("cfg", rows[k].text, strlen(rows[k].text));
        r = RUN("qemu", "-readconfig", in_dir("cfg"));
        assert_int_equal(r->code, 2);
        assert_contains(r->err, rows[k].says);
    }
    assert_contains(RUN("qemu", "-readconfig")->err, "expected FILE behind it");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_d_is_our_traces_and_logs_in_one_file),
        cmocka_unit_test(test_our_own_options_are_taken_too),
        cmocka_unit_test(test_a_chardev_is_the_uart_and_the_monitor_and_its_log),
        cmocka_unit_test(test_dev_null_is_nowhere),
        cmocka_unit_test(test_a_user_network_has_addresses_of_ipv6),
        cmocka_unit_test(test_without_defaults_the_uart_is_not_connected),
        cmocka_unit_test(test_the_pidfile_is_there_while_the_machine_runs),
        cmocka_unit_test(test_a_daemon_goes_on_when_its_caller_has_its_exit_code),
        cmocka_unit_test(test_firmware_is_looked_for_in_the_directories_of_L),
        cmocka_unit_test(test_global_properties_are_of_all_devices_of_a_driver),
        cmocka_unit_test(test_stopped_at_start_the_monitor_comes_first),
        cmocka_unit_test(test_options_are_read_from_a_file),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = realpath(argv[1], NULL);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
