/*
 * Debian's kernel on two CPUs, once in one run and once in pieces of 1 to 25,000 instructions: the
 * console, the counts, the registers and all of RAM must be the same.
 * Usage: cut IMAGE INITRD [MILLIONS]
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "cpu/state.h"
#include "machine/machine.h"
#include "tests/random.h"

#define CPUS     2
#define RAM_SIZE (UINT64_C(256) << 20)
#define RAM_BASE UINT64_C(0x40000000)

static void keep_output(void *ctx, const uint8_t *data, size_t size)
{
    g_string_append_len(ctx, (const char *)data, (gssize)size);
}

static struct arm_machine *create(char **files, GString *console)
{
    struct arm_error err = {0};
    struct arm_machine *m =
        arm_machine_new(&(struct arm_config){.size = sizeof(struct arm_config),
                                             .cpu = "n1",
                                             .cpus = CPUS,
                                             .ram_size = RAM_SIZE,
                                             .el2 = true,
                                             .kernel = files[0],
                                             .initrd = files[1],
                                             .append = "console=ttyAMA0 earlycon",
                                             .console_write = keep_output,
                                             .console_ctx = console},
                        &err);

    if (!m) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    return m;
}

static bool same_cpus(const struct arm_machine *a, const struct arm_machine *b)
{
    struct cpu_state_difference d;

    for (unsigned k = 0; k < a->cpu_count; k++) {
        if (!cpu_state_compare(a->cpus[k], b->cpus[k], &d, 1))
            continue;
        fprintf(stderr, "cpu%u: %s[%u] is %#" PRIx64 ", cut %#" PRIx64 "\n", k, d.name, d.index,
                d.a, d.b);
        return false;
    }
    return arm_retired(a) == arm_retired(b) && arm_time_ns(a) == arm_time_ns(b);
}

static bool same_ram(struct arm_machine *a, struct arm_machine *b)
{
    static uint8_t page[2][1 << 16];

    for (uint64_t pa = RAM_BASE; pa < RAM_BASE + RAM_SIZE; pa += sizeof(page[0])) {
        if (!arm_mem_read(a, pa, page[0], sizeof(page[0])) ||
            !arm_mem_read(b, pa, page[1], sizeof(page[1])) ||
            memcmp(page[0], page[1], sizeof(page[0]))) {
            fprintf(stderr, "RAM differs in the 64 KiB at %#" PRIx64 "\n", pa);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t total = (argc > 3 ? strtoull(argv[3], NULL, 0) : 300) * 1000000;
    uint64_t random = test_seed(1);
    GString *console[2] = {g_string_new(NULL), g_string_new(NULL)};
    struct arm_machine *m[2];

    if (argc < 3)
        return fprintf(stderr, "usage: cut IMAGE INITRD [MILLIONS]\n"), 2;
    for (unsigned k = 0; k < 2; k++)
        m[k] = create(argv + 1, console[k]);
    arm_run(m[0], total);
    while (arm_retired(m[1]) < total) {
        uint64_t left = total - arm_retired(m[1]);
        uint64_t piece = 1 + random_next(&random) % (random_next(&random) % 4 ? 25000 : 100);
        arm_run(m[1], piece < left ? piece : left);
    }
    bool same = !strcmp(console[0]->str, console[1]->str);

    if (!same)
        fprintf(stderr, "the console differs: %zu and %zu bytes\n", console[0]->len,
                console[1]->len);
    same &= same_cpus(m[0], m[1]);
    same &= same_ram(m[0], m[1]);
    printf("%" PRIu64 " M instructions, %zu bytes of console\n", total / 1000000, console[0]->len);
    if (console[0]->len < 1000) {
        fprintf(stderr, "the kernel has not come far enough to show anything\n");
        same = false;
    }
    for (unsigned k = 0; k < 2; k++) {
        arm_machine_free(m[k]);
        g_string_free(console[k], TRUE);
    }
    return same ? 0 : 1;
}
