/*
 * Debian's kernel on two CPUs, once in one run and once in pieces of 1 to 25,000 instructions: the
 * console, the counts, the registers and all of RAM must be the same.
 * Usage: cut IMAGE INITRD [MILLIONS]
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "base/bits.h"
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

static char *registers(struct arm_machine *m)
{
    static const char *const names[] = {"pc",      "sp",       "pstate",    "sp_el0",  "elr_el1",
                                        "elr_el2", "vbar_el2", "ttbr0_el1", "hcr_el2", "far_el2"};
    GString *text = g_string_new(NULL);
    uint64_t v = 0;

    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            arm_reg_read(m, cpu, names[k], &v);
            g_string_append_printf(text, "cpu%u %s %#" PRIx64 "\n", cpu, names[k], v);
        }
        for (unsigned k = 0; k < 63; k++) {
            g_autofree char *name =
                k < 31 ? g_strdup_printf("x%u", k) : g_strdup_printf("v%u", k - 31);
            arm_reg_read(m, cpu, name, &v);
            g_string_append_printf(text, "cpu%u %s %#" PRIx64 "\n", cpu, name, v);
        }
    }
    g_string_append_printf(text, "retired %" PRIu64 " time %" PRIu64 "\n", arm_retired(m),
                           arm_time_ns(m));
    return g_string_free(text, FALSE);
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
    g_autofree char *whole = registers(m[0]), *cut = registers(m[1]);
    bool same = !strcmp(console[0]->str, console[1]->str);

    if (!same)
        fprintf(stderr, "the console differs: %zu and %zu bytes\n", console[0]->len,
                console[1]->len);
    if (strcmp(whole, cut)) {
        fprintf(stderr, "registers differ:\n--- whole\n%s--- cut\n%s", whole, cut);
        same = false;
    }
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
