/* A run at a terminal: our keys, the monitor, signals. */
#include "host_fixture.h"

#define VIRT "virt,gic-version=3"

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
    terminal_type(&t, "info network\n");
    terminal_expect(&t, "there is no network");
    terminal_type(&t, "info usb\ninfo kvm\ninfo pic\n");
    terminal_expect(&t, "there is no USB device");
    terminal_expect(&t, "kvm support: not compiled");
    terminal_expect(&t, "no info of \"pic\"; there are:");
    terminal_type(&t, "info gic\ninfo tlb\n");
    terminal_expect(&t, "cpu0: ");
    terminal_expect(&t, prompt);
    terminal_type(&t, "walk 40080000\n");
    terminal_expect(&t, "PA 0x40080000");
    terminal_type(&t, "gva2gpa 40080000+8\ngva2gpa 0x8000000000000\n");
    terminal_expect(&t, "gpa: 0x40080008");
    terminal_expect(&t, "Unmapped");
    terminal_type(&t, "x/2 40080000\n");
    terminal_expect(&t, ": d2a12001 528007c2");
    terminal_type(&t, "print x1\nprint CNTFRQ_EL0 1\nprint nothing\n");
    terminal_expect(&t, "x1 = 0x0000000009000000");
    terminal_expect(&t, "no register \"nothing\"");
    terminal_type(&t, "sendkey ctrl-alt-nokey\nsendkey a-b-c-d-e-f-g-h-i\n");
    terminal_expect(&t, "no key \"nokey\"");
    terminal_expect(&t, "expected at most 8 keys");
    terminal_type(&t, "sendkey ctrl-alt-ret-spc-meta_l-kp_9-f12-102nd\n");
    terminal_expect(&t, "the guest takes no keys now");
    terminal_type(&t, "info irq 27\n");
    terminal_expect(&t, "INTID 27, PPI of cpu0: line low");
    terminal_expect(&t, "the timer of CNTV_CTL_EL0: off: ENABLE is 0");
    terminal_type(&t, "info irq 2000\ninfo nothing\n");
    terminal_expect(&t, "there is no INTID 2000");
    terminal_expect(&t, "line, distributor, redistributor");
    terminal_type(&t, "info mmu\n");
    terminal_expect(&t, "cpu0 EL2 stage 1, low addresses: off, 64 bits, granule 4K");
    terminal_type(&t, "info registers -a\n");
    terminal_expect(&t, "ICH_LR3_EL2");
    terminal_type(&t, "info registers HCR_EL2\n");
    terminal_expect(&t, "HCR_EL2 = 0x");
    terminal_type(&t, "xp /2b 40080000\nx/1i 40080000\nx/1g 40080000\nx 0x8000000000000\n");
    terminal_expect(&t, ": 01 20");
    terminal_expect(&t, "d2a12001 movz x1, #0x900");
    terminal_expect(&t, ": 528007c2d2a12001");
    terminal_expect(&t, "not RAM, or not mapped");
    static const uint8_t there[] = {0x01, 0x20, 0xa1, 0xd2}; /* of the loaded program */
    uint8_t saved[5] = {0};
    char line[160];
    snprintf(line, sizeof(line), "pmemsave 0x40080000 4 %s\nmemsave nothing\n", in_dir("saved"));
    terminal_type(&t, line);
    terminal_expect(&t, "ADDR SIZE FILE: a hexadecimal address");
    FILE *f = fopen(in_dir("saved"), "rb");
    assert_non_null(f);
    assert_int_equal(fread(saved, 1, sizeof(saved), f), sizeof(there));
    fclose(f);
    assert_memory_equal(saved, there, sizeof(there));
    terminal_type(&t, "inject sgi 1\ninject nothing\n");
    terminal_expect(&t, "sgi for cpu1");
    terminal_expect(&t, "KIND sgi, ppi, vtimer or serror");
    terminal_type(&t, "save /dev/null/nowhere\n");
    terminal_expect(&t, "/dev/null/nowhere");
    terminal_type(&t, "cpu 2\ncpu 1\ncpu\n");
    terminal_expect(&t, "there is no such CPU");
    terminal_expect(&t, "cpu1");
    terminal_type(&t, "walk x\n");
    terminal_expect(&t, "a hexadecimal address");
    terminal_type(&t, "bogus\n");
    terminal_expect(&t, "no command \"bogus\"");
    terminal_type(&t, "device_add virtio-rng-pci\n");
    terminal_expect(&t, "device_add: nothing is plugged in while the machine runs");
    terminal_type(&t, "cpu 0\nprint $pc\n");
    terminal_expect(&t, "pc = 0x00000000400800");
    terminal_type(&t, "x/i $pc+4\n");
    terminal_expect(&t, "0x00400800");
    terminal_type(&t, "x $nothing\n");
    terminal_expect(&t, "a hexadecimal virtual address");
    terminal_type(&t, "info cpus\n");
    terminal_expect(&t, "* cpu0 running");
    terminal_expect(&t, "  cpu1 off");
    terminal_type(&t, "info status\n");
    terminal_expect(&t, "VM status: paused, at ");
    terminal_type(&t, "info block\n");
    terminal_expect(&t, "there is no disk");
    terminal_type(&t, "info pci\n");
    terminal_expect(&t, "00:00.0 1b36:0008 class 0600");
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
