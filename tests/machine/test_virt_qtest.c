/*
 * The same random register accesses to our devices and to those of the distribution's QEMU, whose
 * CPUs stand still (qtest protocol). Only values that the manuals define for a register are
 * written.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/device.h"
#include "machine/virt.h"
#include "tests/random.h"

#define ACCESSES 4000

/* A register, what may be written to it (0: not written), and what QEMU is believed about it. */
struct reg {
    uint32_t offset, write, compare;
};

/* Not UARTCR.LBE: the loopback of 7.2 is missing. Not UARTDMACR: it logs without end. */
static const struct reg pl011_regs[] = {
    {0x000, 0xff, 0xffff},  {0x004, 0xff, 0xffff},   {0x018, 0, 0xffff},
    {0x020, 0xff, 0xffff},  {0x024, 0xffff, 0xffff}, {0x028, 0x3f, 0xffff},
    {0x02c, 0xff, 0xffff},  {0x030, 0xff07, 0xffff}, {0x034, 0x3f, 0xffff},
    {0x038, 0x7ff, 0xffff}, {0x03c, 0, 0xffff},      {0x040, 0, 0xffff},
    {0x044, 0x7ff, 0},      {0xfe0, 0, 0xffffffff},  {0xfe4, 0, 0xffffffff},
    {0xfe8, 0, 0xffffffff}, {0xfec, 0, 0xffffffff},  {0xff0, 0, 0xffffffff},
    {0xff4, 0, 0xffffffff}, {0xff8, 0, 0xffffffff},  {0xffc, 0, 0xffffffff},
};

/* Time stands still, so RTCDR is what RTCLR made it; RTCMR never equals it by chance. */
static const struct reg pl031_regs[] = {
    {0x000, 0, 0xffffffff},          {0x004, 0xffffffff, 0xffffffff},
    {0x008, 0xffffffff, 0xffffffff}, {0x00c, 0, 0xffffffff},
    {0x010, 1, 0xffffffff},          {0x014, 0, 0xffffffff},
    {0x018, 0, 0xffffffff},          {0x01c, 1, 0},
    {0xfe0, 0, 0xffffffff},          {0xfe4, 0, 0xffffffff},
    {0xfe8, 0, 0xffffffff},          {0xfec, 0, 0xffffffff},
    {0xff0, 0, 0xffffffff},          {0xff4, 0, 0xffffffff},
    {0xff8, 0, 0xffffffff},          {0xffc, 0, 0xffffffff},
};

/*
 * Not GPIODATA, GPIORIS and GPIOMIS: QEMU's lines keep what was driven when they turn into inputs,
 * and its level-sensitive interrupts stay until they are cleared; the manual has neither
 * (3.3.1, 3.3.9).
 */
static const struct reg pl061_regs[] = {
    {0x3fc, 0xff, 0},    {0x124, 0xff, 0},    {0x400, 0xff, 0xff}, {0x404, 0xff, 0xff},
    {0x408, 0xff, 0xff}, {0x40c, 0xff, 0xff}, {0x410, 0xff, 0xff}, {0x41c, 0xff, 0},
    {0x420, 0xff, 0xff}, {0xfe0, 0, 0xff},    {0xfe4, 0, 0xff},    {0xfe8, 0, 0xff},
    {0xfec, 0, 0xff},    {0xff0, 0, 0xff},    {0xff4, 0, 0xff},    {0xff8, 0, 0xff},
    {0xffc, 0, 0xff},
};

struct access {
    const struct reg *reg;
    bool is_write;
    uint32_t value; /* written, or read by us */
};

/* Do random accesses to our device and note them. */
static void run_ours(struct device *dev, const struct reg *regs, size_t n, struct access *out)
{
    uint64_t rng = test_seed(1);

    for (unsigned i = 0; i < ACCESSES; i++) {
        struct access *a = &out[i];
        a->reg = &regs[random_next(&rng) % n];
        a->is_write = a->reg->write && (random_next(&rng) & 1);
        a->value = (uint32_t)random_next(&rng) & a->reg->write;
        if (a->is_write)
            device_write(dev, a->reg->offset, 4, a->value);
        else
            a->value = (uint32_t)device_read(dev, a->reg->offset, 4);
    }
}

static FILE *write_script(uint64_t base, const struct access *list)
{
    FILE *f = tmpfile();

    assert_non_null(f);
    for (unsigned i = 0; i < ACCESSES; i++) {
        unsigned long long addr = base + list[i].reg->offset;
        if (list[i].is_write)
            fprintf(f, "writel %#llx %#x\n", addr, list[i].value);
        else
            fprintf(f, "readl %#llx\n", addr);
    }
    rewind(f);
    return f;
}

/* QEMU with @script as its input; its answers come from the stream returned. */
static FILE *start_qemu(FILE *script, pid_t *pid)
{
    int out[2];

    assert_int_equal(pipe(out), 0);
    *pid = fork();
    assert_true(*pid >= 0);
    if (*pid == 0) {
        dup2(fileno(script), 0);
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        execlp("qemu-system-aarch64", "qemu-system-aarch64", "-M", "virt,gic-version=3", "-S",
               "-nodefaults", "-display", "none", "-rtc", "base=2023-01-01,clock=vm", "-qtest",
               "stdio", "-qtest-log", "none", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    return fdopen(out[0], "r");
}

static unsigned compare(FILE *answers, const struct access *list)
{
    unsigned differences = 0;
    char line[200];

    for (unsigned i = 0; i < ACCESSES; i++) {
        unsigned long long theirs = 0;
        const struct access *a = &list[i];

        do {
            if (!fgets(line, sizeof(line), answers))
                fail_msg("QEMU stopped after %u answers", i);
        } while (strncmp(line, "OK", 2) != 0);
        if (a->is_write)
            continue;
        assert_int_equal(sscanf(line, "OK %llx", &theirs), 1);
        if ((theirs ^ a->value) & a->reg->compare) {
            if (differences++ < 10)
                print_error("access %u: offset %#x: we read %#x, QEMU %#llx\n", i, a->reg->offset,
                            a->value, theirs);
        }
    }
    return differences;
}

static void compare_with_qemu(struct device *dev, uint64_t base, const struct reg *regs, size_t n)
{
    FILE *script, *answers;
    struct access *list;
    unsigned differences;
    pid_t pid;

    if (system("qemu-system-aarch64 --version >/dev/null 2>&1") != 0)
        skip();
    list = calloc(ACCESSES, sizeof(*list));
    assert_non_null(list);
    run_ours(dev, regs, n, list);
    script = write_script(base, list);
    answers = start_qemu(script, &pid);
    differences = compare(answers, list);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    fclose(answers);
    fclose(script);
    free(list);
    assert_int_equal(differences, 0);
}

static void test_pl011_is_that_of_qemu(void **state)
{
    struct clock clock = {.next_ns = CLOCK_NEVER};
    struct arm_log log = {0};
    struct pl011 uart;

    (void)state;
    pl011_init(&uart, &log, (struct irq_line){0}, &clock, VIRT_CLOCK_HZ, NULL, NULL);
    compare_with_qemu(&uart.dev, virt_memmap[VIRT_UART].base, pl011_regs, ARRAY_SIZE(pl011_regs));
}

static void test_pl031_is_that_of_qemu(void **state)
{
    struct clock clock = {.next_ns = CLOCK_NEVER};
    struct arm_log log = {0};
    struct pl031 rtc;

    (void)state;
    pl031_init(&rtc, &log, (struct irq_line){0}, &clock, VIRT_EPOCH_S);
    compare_with_qemu(&rtc.dev, virt_memmap[VIRT_RTC].base, pl031_regs, ARRAY_SIZE(pl031_regs));
}

static void test_pl061_is_that_of_qemu(void **state)
{
    struct arm_log log = {0};
    struct pl061 gpio;

    (void)state;
    pl061_init(&gpio, &log, (struct irq_line){0});
    compare_with_qemu(&gpio.dev, virt_memmap[VIRT_GPIO].base, pl061_regs, ARRAY_SIZE(pl061_regs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pl011_is_that_of_qemu),
        cmocka_unit_test(test_pl031_is_that_of_qemu),
        cmocka_unit_test(test_pl061_is_that_of_qemu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
