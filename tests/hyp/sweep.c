/*
 * Whose V registers are whose, whenever an interrupt comes: the guest fp runs under the core beside
 * a host task that computes with FP, and at each instruction of a stretch of the run, which begins
 * at an exit, a byte comes to the UART. Its interrupt runs a softirq that fills all V registers.
 * The guest must find its own in the end, and the host task and the softirq theirs (hyp/softirq.c
 * checks them).
 *
 * Usage: sweep HYP_DIR FP INSNS STEP     FP: hyp.fp's word; each STEP-th of INSNS instructions
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "armillary.h"

#define ROUNDS "12"

static struct {
    char text[8192];
    size_t size;
} console;

static void keep(void *ctx, const uint8_t *data, size_t size)
{
    (void)ctx;
    if (size > sizeof(console.text) - 1 - console.size)
        size = sizeof(console.text) - 1 - console.size;
    memcpy(console.text + console.size, data, size);
    console.size += size;
    console.text[console.size] = 0;
}

static void die(const char *what, const struct arm_error *err)
{
    fprintf(stderr, "sweep: %s: %s\n%s", what, err ? err->text : "", console.text);
    exit(1);
}

static struct arm_machine *create(const char *dir, const char *fp)
{
    char image[512], guest[512], append[256];
    struct arm_module module = {.kind = ARM_MODULE_KERNEL, .path = guest, .args = "rounds=" ROUNDS};
    struct arm_config config = {.size = sizeof(config),
                                .cpu = "n1",
                                .cpus = 1,
                                .ram_size = UINT64_C(128) << 20,
                                .el2 = true,
                                .kernel = image,
                                .append = append,
                                .modules = &module,
                                .module_count = 1,
                                .console_write = keep};
    struct arm_error err = {0};
    struct arm_machine *m;

    snprintf(image, sizeof(image), "%s/hyp.img", dir);
    snprintf(guest, sizeof(guest), "%s/guests/fp.img", dir);
    snprintf(append, sizeof(append),
             "hyp.memory=16M hyp.fp=%s hyp.neon=1 hyp.hosttasks=1 hyp.slice=50 hyp.stats=on", fp);
    m = arm_machine_new(&config, &err);
    if (!m)
        die("no machine", &err);
    return m;
}

/* To the end; how many softirqs there were. The guest's line and the hypervisor's end must be
 * there. */
static unsigned long finish(struct arm_machine *m, uint64_t at)
{
    enum arm_stop_reason why = arm_run(m, UINT64_C(400000000));
    const char *softirqs;
    char what[64];

    snprintf(what, sizeof(what), "an interrupt after %llu instructions", (unsigned long long)at);
    if (why != ARM_STOP_POWEROFF || !strstr(console.text, "fp: ok") ||
        !strstr(console.text, "no guest is left"))
        die(what, NULL);
    softirqs = strstr(console.text, " softirqs");
    while (softirqs && softirqs > console.text && softirqs[-1] != ' ')
        softirqs--;
    return softirqs ? strtoul(softirqs, NULL, 10) : 0;
}

/* Where the guest computes: some exits after the first round's beginning. */
static struct arm_snapshot *begin(struct arm_machine *m, unsigned exits)
{
    const struct arm_until exit = {
        .size = sizeof(exit), .max_insns = 100000000, .world = ARM_WORLD_HOST};
    struct arm_error err = {0};
    struct arm_snapshot *s;

    while (exits--)
        if (arm_run_until(m, &exit, &err) != ARM_STOP_UNTIL)
            die("there are not so many exits", &err);
    s = arm_snapshot_take(m, &err);
    if (!s)
        die("no snapshot", &err);
    return s;
}

int main(int argc, char **argv)
{
    struct arm_error err = {0};
    unsigned long plain, more = 0, runs = 0;

    if (argc != 5)
        return 2;
    struct arm_machine *m = create(argv[1], argv[2]);
    struct arm_snapshot *s = begin(m, 150);
    size_t before = console.size;

    plain = finish(m, 0);
    for (uint64_t n = 0; n < strtoull(argv[3], NULL, 0); n += strtoull(argv[4], NULL, 0), runs++) {
        console.size = before;
        if (arm_snapshot_restore(m, s, &err))
            die("restore", &err);
        if (n)
            arm_run(m, n);
        if (arm_console_input(m, (const uint8_t *)"x", 1) != 1)
            die("the UART takes nothing", NULL);
        more += finish(m, n) > plain;
    }
    printf("ok   hyp.fp=%s: %lu interrupts, one a run; %lu of them ran a softirq of their own; %lu "
           "softirqs else\n",
           argv[2], runs, more, plain);
    arm_snapshot_free(s);
    arm_machine_free(m);
    return runs && more * 2 > runs ? 0 : 1;
}
