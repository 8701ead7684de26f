/* Monitors at sockets, for people and for programs. */
#include <sys/socket.h>
#include <sys/un.h>

#include "host_fixture.h"

/* A run and one who speaks with it. */
struct peer {
    pid_t pid;
    int fd;
    char text[65536];
    size_t used;
};

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    for (unsigned tries = 0; tries < 1000; tries++) {
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
            return fd;
        usleep(10000);
    }
    fail_msg("%s: nobody listens", path);
    return -1;
}

static void expect(struct peer *p, const char *part)
{
    struct stopwatch watch = stopwatch_start(p->pid);

    while (stopwatch_s(&watch) < TERMINAL_S) {
        struct pollfd fd = {.fd = p->fd, .events = POLLIN};
        char *found = strstr(p->text, part);
        if (found) {
            size_t skip = (size_t)(found - p->text) + strlen(part);
            memmove(p->text, p->text + skip, p->used - skip + 1);
            p->used -= skip;
            return;
        }
        if (poll(&fd, 1, 100) <= 0)
            continue;
        ssize_t n = read(p->fd, p->text + p->used, sizeof(p->text) - 1 - p->used);
        if (n <= 0)
            break;
        p->used += (size_t)n;
        p->text[p->used] = '\0';
    }
    kill(p->pid, SIGKILL);
    fail_msg("\"%s\" was not said, but:\n%s", part, p->text);
}

static void tell(struct peer *p, const char *text)
{
    assert_int_equal(write(p->fd, text, strlen(text)), strlen(text));
}

static void begin(struct peer *p, const char *path, const char *const *args)
{
    const int fds[] = {scratch(""), scratch(""), scratch("")};

    *p = (struct peer){.pid = start_program(fds, args)};
    for (unsigned k = 0; k < 3; k++)
        close(fds[k]);
    p->fd = connect_to(path);
}

static int end(struct peer *p)
{
    int status;

    close(p->fd);
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    return status_code(status);
}

static char path[64], where[128];

static int name_socket(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/armillary-control-%d", (int)getpid());
    snprintf(where, sizeof(where), "unix:%s,server,nowait", path);
    unlink(path);
    return 0;
}

static void test_a_monitor_at_a_socket_looks_stops_and_ends_a_run(void **state)
{
    (void)state;
    static struct peer p;

    begin(&p, path,
          (const char *const[]){"run", "--serial=none", "--monitor", where, "--load", loop_load,
                                NULL});
    expect(&p, "(armillary) ");
    tell(&p, "info status\n");
    expect(&p, "VM status: running");
    tell(&p, "stop\ninfo status\nprint pc\n");
    expect(&p, "VM status: paused");
    expect(&p, "pc = 0x00000000400800");
    tell(&p, "info why\n");
    expect(&p, "cpu0 has taken no exception that says anything");
    tell(&p, "info irq 33\r\n");
    expect(&p, "INTID 33, SPI to cpu0");
    close(p.fd);
    p.fd = connect_to(path);
    expect(&p, "(armillary) ");
    tell(&p, "info status\ncont\ninfo status\n");
    expect(&p, "VM status: paused");
    expect(&p, "VM status: running");
    tell(&p, "quit\n");
    assert_int_equal(end(&p), 3);
}

static void test_qmp_speaks_what_scripts_of_qemu_expect(void **state)
{
    (void)state;
    static struct peer p;

    begin(&p, path,
          (const char *const[]){"qemu", "-M", "virt,gic-version=3", "-cpu", "max", "-display",
                                "none", "-serial", "none", "-kernel", echo_path, "-S", "-qmp",
                                where, NULL});
    expect(&p, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}");
    tell(&p, "{\"execute\": \"query-status\"}");
    expect(&p, "{\"error\": {\"class\": \"CommandNotFound\"");
    tell(&p, "{\"execute\": \"qmp_capabilities\", \"id\": 7}\n");
    expect(&p, "{\"return\": {}, \"id\": 7}\r\n");
    tell(&p, "{\"execute\": \"query-status\"}\n");
    expect(&p, "\"status\": \"paused\"");
    tell(&p, "{\"execute\": \"human-monitor-command\",\n \"arguments\": {\"command-line\": \"xp "
             "/1x 40080000\"}}\n");
    expect(&p, "{\"return\": \"0x0040080000: d2a12001\\n\"}");
    tell(&p, "{\"execute\": \"cont\"}{\"execute\": \"query-status\"}");
    expect(&p, "\"event\": \"RESUME\"");
    expect(&p, "\"running\": true");
    tell(&p, "{\"execute\": \"stop\"}");
    expect(&p, "\"event\": \"STOP\"");
    tell(&p, "{\"execute\": \"system_reset\"}{\"execute\": \"cont\"}");
    expect(&p, "\"event\": \"RESET\"");
    tell(&p, "{\"execute\": \"query-cpus-fast\"}{\"execute\": \"query-kvm\"}");
    expect(&p, "{\"return\": [{\"cpu-index\": 0, ");
    expect(&p, "\"target\": \"aarch64\"}]}");
    expect(&p, "{\"return\": {\"enabled\": false, \"present\": false}}");
    tell(&p, "{\"execute\": \"send-key\"}"
             "{\"execute\": \"send-key\", \"arguments\": {\"keys\": [{\"type\": \"qcode\", "
             "\"data\": \"bogus\"}]}}"
             "{\"execute\": \"send-key\", \"arguments\": {\"keys\": [{\"type\": \"qcode\", "
             "\"data\": \"ctrl\"}, {\"type\": \"qcode\", \"data\": \"c\"}]}}");
    expect(&p, "Parameter 'keys' is missing");
    expect(&p, "expected a key's qcode: ");
    expect(&p, "the guest takes no such input now");
    tell(&p, "{\"execute\": \"input-send-event\", \"arguments\": {\"events\": [{\"type\": \"btn\", "
             "\"data\": {\"down\": true, \"button\": \"none\"}}]}}"
             "{\"execute\": \"input-send-event\", \"arguments\": {\"events\": [{\"type\": \"abs\", "
             "\"data\": {\"axis\": \"x\", \"value\": 20000}}]}}");
    expect(&p, "expected an event of a key, a button, rel or abs: ");
    expect(&p, "the guest takes no such input now");
    tell(&p, "{\"execute\": \"bogus\"}{\"no\": 1}nonsense");
    expect(&p, "The command bogus has not been found");
    expect(&p, "QMP input lacks member 'execute'");
    expect(&p, "JSON parse error");
    tell(&p, "{\"execute\": \"quit\"}");
    expect(&p, "{\"return\": {}}");
    expect(&p, "\"event\": \"SHUTDOWN\"");
    assert_int_equal(end(&p), 0);
}

/* What scripts ask for before they do anything, of a machine whose parts have names. */
static void test_parts_are_found_by_the_names_that_the_command_line_gives(void **state)
{
    (void)state;
    static struct peer p;
    static const struct {
        const char *ask, *answer;
    } asked[] = {
        {"\"query-name\"", "{\"return\": {\"name\": \"vm1\"}}"},
        {"\"query-uuid\"", "{\"UUID\": \"12345678-1234-1234-1234-123456789abc\"}"},
        {"\"query-block\"", "[{\"device\": \"hd0\", \"qdev\": \"/machine/peripheral/disk0\", "},
        {"\"query-block\"", "\"virtual-size\": 1048576}}}, {\"device\": \"\", \"type\""},
        {"\"query-block\"", "\"ro\": true"},
        {"\"query-named-block-nodes\"",
         "\"virtual-size\": 1048576}}, {\"node-name\": \"node0\", \"drv\": \"raw\""},
        {"\"query-chardev\"", "[{\"label\": \"serial0\", \"filename\": \"none\""},
        {"\"query-fdsets\"", "[{\"fds\": [{\"fd\": 40}], \"fdset-id\": 5}, "
                             "{\"fds\": [{\"fd\": 40, \"opaque\": \"rdonly:/x\"}, {\"fd\": 41}], "
                             "\"fdset-id\": 2}]"},
        {"\"query-machines\"", "[{\"name\": \"virt-6.2\", \"alias\": \"virt\""},
        {"\"query-cpu-definitions\"", "{\"name\": \"cortex-a57\", "},
        {"\"query-hotpluggable-cpus\"", "\"qom-path\": \"/machine/unattached/device[1]\""},
        {"\"query-memory-size-summary\"", "{\"base-memory\": 268435456, "},
        {"\"query-balloon\"", "{\"actual\": 268435456}"},
        {"\"query-target\"", "{\"return\": {\"arch\": \"aarch64\"}}"},
        {"\"qom-list\"", "Parameter 'path' is missing"},
        {"\"qom-list\", \"arguments\": {\"path\": \"/machine/peripheral\"}",
         "[{\"name\": \"disk0\", \"type\": \"child<virtio-blk-pci>\"}]"},
        {"\"qom-list\", \"arguments\": {\"path\": \"/machine/peripheral-anon\"}",
         "{\"name\": \"device[0]\", "},
        {"\"qom-list\", \"arguments\": {\"path\": \"/none\"}", "DeviceNotFound"},
        {"\"device-list-properties\", \"arguments\": {\"typename\": \"virtio-net-pci\"}",
         "{\"name\": \"netdev\", \"type\": \"str\"}"},
        {"\"device-list-properties\", \"arguments\": {\"typename\": \"none\"}", "DeviceNotFound"},
        {"\"pmemsave\", \"arguments\": {\"val\": 1074266112, \"size\": 8, "
         "\"filename\": \"/dev/null/x\"}",
         "/dev/null/x: Not a directory"},
        {"\"memsave\", \"arguments\": {\"val\": 4096, \"size\": 8}", "'filename' is missing"},
        {"\"memsave\", \"arguments\": {\"val\": 167772160, \"size\": 8, "
         "\"filename\": \"/dev/null\"}",
         "0xa000000 is not RAM, or not mapped; 0 bytes are written"},
        {"\"device_add\"", "device_add is not offered: nothing is plugged in"},
        {"\"object-add\"", "object-add is not offered: no object comes"},
        {"\"human-monitor-command\", \"arguments\": {\"command-line\": \"info\"}", "info network "},
        {"\"human-monitor-command\", \"arguments\": {\"command-line\": \"info network\"}",
         "virtio-net-pci.0: index=0,type=nic,macaddr=52:54:00:12:34:56\\n"
         " \\\\ net0: index=0,type=user"},
        {"\"human-monitor-command\", \"arguments\": {\"command-line\": \"info usb\"}",
         "Port 3, Speed 480 Mb/s, Product QEMU USB Mouse"},
        {"\"human-monitor-command\", \"arguments\": {\"command-line\": \"info usb\"}",
         "Port 2.7, Speed 12 Mb/s, Product QEMU USB Tablet"},
        {"\"human-monitor-command\", \"arguments\": {\"command-line\": \"info chardev\"}",
         "compat_monitor0: filename=unix:"},
        {"\"human-monitor-command\", \"arguments\": {\"command-line\": \"info mtree\"}",
         "0000000009000000-0000000009000fff pl011\\n0000000009010000-"},
        {"\"human-monitor-command\", \"arguments\": {\"command-line\": \"info mtree\"}",
         "0000000040000000-000000004fffffff RAM\\n"},
        {"\"human-monitor-command\", \"arguments\": {\"command-line\": \"info qtree\"}",
         "dev: virtio-blk-pci, id \\\"disk0\\\""},
    };
    char disk[128], drive[192], node[192], ask[256];

    snprintf(disk, sizeof(disk), "%s.disk", path);
    int fd = open(disk, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(dup2(fd, 40), 40);
    assert_int_equal(dup2(fd, 41), 41);
    close(fd);
    snprintf(drive, sizeof(drive), "if=none,id=hd0,format=raw,readonly=on,file=%s", disk);
    snprintf(node, sizeof(node), "driver=file,node-name=node0,read-only=on,filename=%s", disk);
    begin(&p, path,
          (const char *const[]){"qemu",
                                "-M",
                                "virt-6.2,gic-version=3",
                                "-cpu",
                                "max",
                                "-smp",
                                "2",
                                "-m",
                                "256",
                                "-name",
                                "guest=vm1,debug-threads=on",
                                "-uuid",
                                "12345678-1234-1234-1234-123456789abc",
                                "-display",
                                "none",
                                "-serial",
                                "none",
                                "-kernel",
                                echo_path,
                                "-S",
                                "-drive",
                                drive,
                                "-device",
                                "virtio-blk-pci,drive=hd0,id=disk0",
                                "-blockdev",
                                node,
                                "-device",
                                "virtio-blk-pci,drive=node0",
                                "-netdev",
                                "user,id=net0",
                                "-device",
                                "virtio-net-pci,netdev=net0",
                                "-device",
                                "virtio-balloon-pci",
                                "-device",
                                "qemu-xhci",
                                "-device",
                                "usb-mouse,port=3",
                                "-device",
                                "usb-hub,port=2",
                                "-device",
                                "usb-tablet,port=2.7",
                                "-add-fd",
                                "fd=40,set=2,opaque=rdonly:/x",
                                "-add-fd",
                                "fd=40,set=5",
                                "-add-fd",
                                "fd=41,set=2",
                                "-qmp",
                                where,
                                NULL});
    tell(&p, "{\"execute\": \"qmp_capabilities\"}");
    for (size_t k = 0; k < sizeof(asked) / sizeof(*asked); k++) {
        snprintf(ask, sizeof(ask), "{\"execute\": %s}", asked[k].ask);
        tell(&p, ask);
        expect(&p, asked[k].answer);
    }
    tell(&p, "{\"execute\": \"quit\"}");
    expect(&p, "SHUTDOWN");
    assert_int_equal(end(&p), 0);
    unlink(disk);
}

static void test_a_guest_that_waits_for_ever_goes_on_while_somebody_is_there(void **state)
{
    (void)state;
    static struct peer p;
    char waits[128];

    snprintf(waits, sizeof(waits), "unix:%s,server", path);
    begin(&p, path,
          (const char *const[]){"run", "--serial=none", "--monitor", waits, "--load", idle_load,
                                NULL});
    expect(&p, "(armillary) ");
    tell(&p, "info status\n");
    expect(&p, "running");
    tell(&p, "info why\n");
    expect(&p, "cpu0 waits in WFI, and there is nothing that could end it");
    tell(&p, "stop\nprint pc\ncont\nquit\n");
    expect(&p, "pc = ");
    assert_int_equal(end(&p), 3);
    assert_ended(RUN("run", "--monitor", where, "--load", idle_load), 3,
                 "nothing will ever happen");
}

static void send_packet(struct peer *gdb, const char *data)
{
    unsigned sum = 0;
    char packet[64];

    for (const char *at = data; *at; at++)
        sum += (unsigned char)*at;
    snprintf(packet, sizeof(packet), "+$%s#%02x", data, sum & 0xff);
    tell(gdb, packet);
}

static void test_gdb_and_qmp_steer_one_run(void **state)
{
    (void)state;
    static struct peer p, gdb;
    char gdb_path[96], gdb_where[128];

    snprintf(gdb_path, sizeof(gdb_path), "%s.gdb", path);
    snprintf(gdb_where, sizeof(gdb_where), "unix:%s", gdb_path);
    begin(&p, path,
          (const char *const[]){"qemu", "-M", "virt,gic-version=3", "-cpu", "max", "-display",
                                "none", "-serial", "none", "-kernel", loop_path, "-S", "-qmp",
                                where, "-gdb", gdb_where, NULL});
    tell(&p, "{\"execute\": \"qmp_capabilities\"}{\"execute\": \"query-status\"}");
    expect(&p, "\"status\": \"paused\"");
    tell(&p, "{\"execute\": \"cont\"}");
    expect(&p, "\"event\": \"RESUME\"");

    gdb = (struct peer){.pid = p.pid, .fd = connect_to(gdb_path)};
    send_packet(&gdb, "?");
    expect(&gdb, "$T");
    expect(&p, "\"event\": \"STOP\"");
    tell(&p, "{\"execute\": \"cont\"}");
    expect(&p, "gdb has stopped the machine");
    tell(&p, "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"print "
             "pc\"}}");
    expect(&p, "pc = 0x0000000040080");

    send_packet(&gdb, "c");
    expect(&p, "\"event\": \"RESUME\"");
    tell(&p, "{\"execute\": \"query-status\"}");
    expect(&p, "\"running\": true");
    tell(&p, "{\"execute\": \"stop\"}");
    expect(&gdb, "$T02");
    tell(&p, "{\"execute\": \"query-status\"}");
    expect(&p, "\"running\": false");

    send_packet(&gdb, "D");
    expect(&gdb, "$OK");
    expect(&p, "\"event\": \"RESUME\"");
    tell(&p, "{\"execute\": \"quit\"}");
    expect(&p, "\"event\": \"SHUTDOWN\"");
    close(gdb.fd);
    assert_int_equal(end(&p), 0);
}

static void test_a_monitor_that_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_ended(RUN("run", "--monitor", "nowhere", "--load", idle_load), 2, "--monitor=nowhere");
    assert_ended(RUN("run", "--on-death=stop", "--gdb", "0", "--load", idle_load), 2,
                 "--gdb goes not with --on-death=stop");
    assert_ended(RUN("qemu", "-M", "virt", "-cpu", "max", "-nographic", "-qmp", "stdio", "-kernel",
                     echo_path),
                 2, "-qmp stdio");
}

static void test_qmp_may_be_at_standard_input_and_output(void **state)
{
    (void)state;
    static const char asked[] =
        "{\"execute\": \"qmp_capabilities\"}{\"execute\": \"query-status\"}{\"execute\": \"quit\"}";
    static const char *const monitors[][4] = {
        {"-qmp", "stdio"}, {"-chardev", "stdio,id=m", "-mon", "chardev=m,mode=control"}};

    for (size_t k = 0; k < 2; k++) {
        const char *args[20] = {"qemu", "-M",      "virt", "-cpu", "max",     "-display",
                                "none", "-serial", "none", "-S",   "-kernel", loop_path};
        for (size_t n = 0; n < 4 && monitors[k][n]; n++)
            args[12 + n] = monitors[k][n];
        struct result *r = run_args(asked, args);
        assert_contains(r->out, "{\"QMP\": ");
        assert_contains(r->out, "\"running\": false");
        assert_contains(r->out, "SHUTDOWN");
        assert_int_equal(r->code, 0);
    }
}

static void test_a_monitor_may_be_at_a_pseudo_terminal(void **state)
{
    (void)state;
    static const char *const options[] = {"--monitor", "--qmp"};

    for (size_t k = 0; k < 2; k++) {
        struct result *r = RUN("run", "--serial=none", options[k], "pty", "--max-insns", "1K",
                               "--load", loop_load);
        assert_int_equal(r->code, 3);
        assert_contains(r->err, "--max-insns");
        assert_contains(r->out, "char device redirected to /dev/pts/");
    }
}

static void test_a_signal_leaves_no_socket_behind(void **state)
{
    (void)state;
    static struct peer p;
    char gdb[128];

    snprintf(gdb, sizeof(gdb), "unix:%s", path);
    const struct {
        const char *ask, *answer; /* then it runs */
        const char *const *args;
    } runs[] = {
        {"info status\n", "running",
         (const char *const[]){"run", "--serial=none", "--monitor", where, "--load", loop_load,
                               NULL}},
        {"$?#3f", "$T05",
         (const char *const[]){"run", "--serial=none", "--gdb", gdb, "--load", loop_load, NULL}},
    };
    for (size_t k = 0; k < sizeof(runs) / sizeof(*runs); k++) {
        begin(&p, path, runs[k].args);
        tell(&p, runs[k].ask);
        expect(&p, runs[k].answer);
        kill(p.pid, SIGTERM);
        assert_int_equal(end(&p), 128 + SIGTERM);
        assert_int_equal(access(path, F_OK), -1);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_monitor_at_a_socket_looks_stops_and_ends_a_run, name_socket),
        cmocka_unit_test_setup(test_qmp_speaks_what_scripts_of_qemu_expect, name_socket),
        cmocka_unit_test_setup(test_parts_are_found_by_the_names_that_the_command_line_gives,
                               name_socket),
        cmocka_unit_test_setup(test_a_guest_that_waits_for_ever_goes_on_while_somebody_is_there,
                               name_socket),
        cmocka_unit_test_setup(test_gdb_and_qmp_steer_one_run, name_socket),
        cmocka_unit_test(test_qmp_may_be_at_standard_input_and_output),
        cmocka_unit_test_setup(test_a_monitor_that_cannot_be_is_refused, name_socket),
        cmocka_unit_test(test_a_monitor_may_be_at_a_pseudo_terminal),
        cmocka_unit_test_setup(test_a_signal_leaves_no_socket_behind, name_socket),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
