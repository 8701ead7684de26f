/*
 * A run is the same run whether it goes straight on or begins at a snapshot: at random points, in
 * the same machine, in a fork of it, and by a file in a machine of its own. Compared are the
 * console, everything that a snapshot has of the machine, all of RAM, and what was written to
 * disks. ARMILLARY_POINTS overrides the number of points, ARMILLARY_SEED says where they are.
 * Usage: snapshot OPTIONS IMAGE      (snapshot --help)
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "armillary.h"
#include "machine/machine.h"
#include "machine/snapshot.h"
#include "tests/random.h"

#define DISKS_MAX   2
#define MODULES_MAX 2

static char *cpu = "n1", *append = "console=ttyAMA0 earlycon", *initrd, *image;
static char *expect = "", *disk, *readonly_disk, *dom0, *dom0_args = "console=hvc0", *ramdisk;
static int cpus = 2, memory = 256, millions = 300, points = 8, skip = 0;
static gboolean no_el2;

static const GOptionEntry options[] = {
    {"cpu", 0, 0, G_OPTION_ARG_STRING, &cpu, "CPU model", NULL},
    {"cpus", 0, 0, G_OPTION_ARG_INT, &cpus, "number of CPUs", NULL},
    {"memory", 0, 0, G_OPTION_ARG_INT, &memory, "MiB of RAM", NULL},
    {"append", 0, 0, G_OPTION_ARG_STRING, &append, "kernel command line", NULL},
    {"initrd", 0, 0, G_OPTION_ARG_STRING, &initrd, "initrd", NULL},
    {"disk", 0, 0, G_OPTION_ARG_STRING, &disk, "virtio disk, in snapshot mode", NULL},
    {"readonly", 0, 0, G_OPTION_ARG_STRING, &readonly_disk, "another one, read-only", NULL},
    {"dom0", 0, 0, G_OPTION_ARG_STRING, &dom0, "Xen's first module: a kernel", NULL},
    {"dom0-args", 0, 0, G_OPTION_ARG_STRING, &dom0_args, "its command line", NULL},
    {"ramdisk", 0, 0, G_OPTION_ARG_STRING, &ramdisk, "Xen's second module", NULL},
    {"millions", 0, 0, G_OPTION_ARG_INT, &millions, "instructions of the whole run", NULL},
    {"skip", 0, 0, G_OPTION_ARG_INT, &skip, "of them before the first point", NULL},
    {"points", 0, 0, G_OPTION_ARG_INT, &points, "snapshots", NULL},
    {"expect", 0, 0, G_OPTION_ARG_STRING, &expect, "what the console must have said at the end",
     NULL},
    {"no-el2", 0, 0, G_OPTION_ARG_NONE, &no_el2, "no EL2", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* A machine, and what it has shown. */
struct side {
    struct arm_machine *m;
    GString *console;
};

static void keep_output(void *ctx, const uint8_t *data, size_t size)
{
    g_string_append_len(ctx, (const char *)data, (gssize)size);
}

static void stop(const char *what, const struct arm_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    exit(2);
}

static struct side create(void)
{
    const struct arm_device disks[DISKS_MAX] = {
        {.kind = ARM_VIRTIO_BLK, .drive = {.path = readonly_disk, .mode = ARM_DRIVE_READONLY}},
        {.kind = ARM_VIRTIO_BLK, .drive = {.path = disk}}}; /* Linux calls the last one vda */
    const struct arm_module modules[MODULES_MAX] = {
        {.kind = ARM_MODULE_KERNEL, .path = dom0, .args = dom0_args},
        {.kind = ARM_MODULE_RAMDISK, .path = ramdisk}};
    struct side s = {.console = g_string_new(NULL)};
    struct arm_error err = {0};
    const struct arm_config config = {.size = sizeof(struct arm_config),
                                      .cpu = cpu,
                                      .cpus = (unsigned)cpus,
                                      .ram_size = (uint64_t)memory << 20,
                                      .el2 = !no_el2,
                                      .kernel = image,
                                      .initrd = initrd,
                                      .append = append,
                                      .modules = modules,
                                      .module_count = dom0 ? MODULES_MAX : 0,
                                      .devices = readonly_disk ? disks : disks + 1,
                                      .device_count = !disk           ? 0
                                                      : readonly_disk ? 2
                                                                      : 1,
                                      .console_write = keep_output,
                                      .console_ctx = s.console};

    s.m = arm_machine_new(&config, &err);
    if (!s.m)
        stop("machine", &err);
    return s;
}

static void destroy(struct side *s)
{
    arm_machine_free(s->m);
    g_string_free(s->console, TRUE);
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct arm_snapshot *take(struct arm_machine *m)
{
    struct arm_error err;
    struct arm_snapshot *s = arm_snapshot_take(m, &err);

    if (!s)
        stop("take", &err);
    return s;
}

/* Where the machine's state differs from @s: the field. */
static bool same_state(struct arm_machine *m, const struct arm_snapshot *s, const char *which)
{
    struct state_io io;

    state_io_compare(&io, s->state, s->state_size);
    machine_state(&io, m);
    if (!state_failed(&io))
        return true;
    fprintf(stderr, "%s: at %" PRIu64 ": %s\n", which, arm_retired(m), io.error.text);
    return false;
}

static bool same_ram(struct arm_machine *m, const struct arm_snapshot *s, const char *which)
{
    static const uint8_t zeros[PAGE_SIZE];

    for (unsigned k = 0; k < m->mem.bank_count; k++) {
        const struct ram_bank *b = &m->mem.banks[k];
        for (uint64_t n = 0; n < b->size / PAGE_SIZE; n++) {
            const uint8_t *page = ram_contents_page(&s->ram[k], n);
            if (!(b->flags[n] & PAGE_CHANGED) && !page && !b->last.image)
                continue; /* neither was ever written */
            if (!memcmp(b->host + n * PAGE_SIZE, page ? page : zeros, PAGE_SIZE))
                continue;
            fprintf(stderr, "%s: at %" PRIu64 ": RAM differs at %#" PRIx64 "\n", which,
                    arm_retired(m), b->base + n * PAGE_SIZE);
            return false;
        }
    }
    return true;
}

static bool same_blocks(const struct blocks *a, const struct blocks *b)
{
    for (uint64_t n = 0; n < a->count; n++) {
        const uint8_t *in_a = blocks_get(a, n), *in_b = blocks_get(b, n);
        if (!in_a != !in_b || (in_a && memcmp(in_a, in_b, a->block_bytes) != 0))
            return false;
    }
    return true;
}

static bool same_disks(struct arm_machine *m, const struct arm_snapshot *s, const char *which)
{
    for (unsigned n = 0; n < VIRT_DISKS; n++) {
        if (!s->has_disk[n] || same_blocks(&virt_board_disk(&m->board, n)->overlay, &s->disk[n]))
            continue;
        fprintf(stderr, "%s: at %" PRIu64 ": disk %u differs\n", which, arm_retired(m), n);
        return false;
    }
    return true;
}

static bool same(struct arm_machine *m, const struct arm_snapshot *s, const char *which)
{
    return same_state(m, s, which) && same_ram(m, s, which) && same_disks(m, s, which);
}

/* arm_run() takes 0 for no limit. */
static void run(struct arm_machine *m, uint64_t insns)
{
    if (insns)
        arm_run(m, insns);
}

/* What a straight run was at one point and somewhat later. */
struct point {
    struct arm_snapshot *at, *later;
    uint64_t insns;
    size_t console_at, console_later;
};

/* @s is at the point; it goes on to what was later. */
static bool goes_on(struct side *s, const struct point *p, const struct side *straight,
                    const char *which)
{
    size_t len = p->console_later - p->console_at;

    g_string_truncate(s->console, 0);
    if (!same_state(s->m, p->at, which))
        return false;
    run(s->m, p->insns);
    if (!same(s->m, p->later, which))
        return false;
    if (s->console->len == len &&
        !memcmp(s->console->str, straight->console->str + p->console_at, len))
        return true;
    fprintf(stderr, "%s: the console differs: %zu bytes, expected %zu\n", which, s->console->len,
            len);
    return false;
}

static void restore(struct side *s, const struct arm_snapshot *from)
{
    struct arm_error err;

    if (arm_snapshot_restore(s->m, from, &err) < 0)
        stop("restore", &err);
}

static bool by_file(const struct point *p, const struct side *from, const struct side *straight)
{
    g_autofree char *path = g_strdup_printf("%s/armillary-snapshot-%d", g_get_tmp_dir(), getpid());
    struct side fresh = create();
    struct arm_error err;

    if (arm_snapshot_save(from->m, path, &err) < 0)
        stop("save", &err);
    if (arm_snapshot_load(fresh.m, path, &err) < 0)
        stop("load", &err);
    unlink(path);
    bool is_same = goes_on(&fresh, p, straight, "by file");
    destroy(&fresh);
    return is_same;
}

/* A run that stops at random points and a little later. */
static struct point *take_points(struct side *taking, uint64_t *random, double *took_ms)
{
    struct point *p = g_new0(struct point, (gsize)points);
    uint64_t total = (uint64_t)millions * 1000000, first = (uint64_t)skip * 1000000;
    uint64_t span = (total - first) / (uint64_t)points;

    run(taking->m, first);
    for (int k = 0; k < points; k++) {
        uint64_t lead = 1 + random_next(random) % (span / 2);
        run(taking->m, lead);
        double begin = now_ms();
        p[k].at = take(taking->m);
        *took_ms = now_ms() - begin;
        p[k].console_at = taking->console->len;
        p[k].insns = 1 + random_next(random) % (span / 2);
        run(taking->m, p[k].insns);
        p[k].later = take(taking->m);
        p[k].console_later = taking->console->len;
        run(taking->m, span - lead - p[k].insns);
    }
    run(taking->m, total - arm_retired(taking->m));
    return p;
}

/* Each half of the time by a fork, some of them by a file, and in the same machine. */
static bool all_go_on(const struct point *p, struct side *taking, const struct side *straight,
                      uint64_t *random, double *forked_ms)
{
    struct side fork = create();
    bool fine = true;

    for (int k = 0; k < points; k++) {
        int n = (int)(random_next(random) % (uint64_t)points); /* in any order */
        double begin = now_ms();
        restore(&fork, p[n].at);
        *forked_ms = now_ms() - begin;
        if (k % 4 == 0)
            fine &= by_file(&p[n], &fork, straight);
        fine &= goes_on(&fork, &p[n], straight, "fork");
        n = (int)(random_next(random) % (uint64_t)points);
        restore(taking, p[n].at);
        fine &= goes_on(taking, &p[n], straight, "same machine");
    }
    destroy(&fork);
    return fine;
}

/* The run was the one that was meant. */
static bool came_far_enough(const struct side *s, const struct arm_snapshot *end)
{
    uint64_t written = 0;

    for (unsigned n = 0; n < VIRT_DISKS; n++)
        written += end->has_disk[n] ? blocks_used(&end->disk[n]) : 0;
    if (strstr(s->console->str, expect) && (!disk || written))
        return true;
    fprintf(stderr, "the console has no \"%s\", or nothing was written to disks; it ends in\n%s\n",
            expect, s->console->str + (s->console->len < 1000 ? 0 : s->console->len - 1000));
    return false;
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new("IMAGE");
    g_autoptr(GError) error = NULL;
    uint64_t random = test_seed(1);
    double taken = 0, forked = 0;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2)
        return fprintf(stderr, "usage: snapshot IMAGE: %s\n", error ? error->message : ""), 2;
    image = argv[1];
    points = (int)test_option("ARMILLARY_POINTS", (uint64_t)points);

    struct side straight = create(), taking = create();
    run(straight.m, (uint64_t)millions * 1000000);
    struct point *p = take_points(&taking, &random, &taken);
    struct arm_snapshot *end = take(taking.m);
    bool fine = same(straight.m, end, "straight on");
    fine &= !strcmp(straight.console->str, taking.console->str);
    fine &= came_far_enough(&straight, end);
    fine &= all_go_on(p, &taking, &straight, &random, &forked);
    printf("%d M instructions, %zu bytes of console, %d points; the last ones: taken in %.1f ms "
           "(%zu KiB of state), forked in %.1f ms\n",
           millions, straight.console->len, points, taken, end->state_size >> 10, forked);
    for (int k = 0; k < points; k++) {
        arm_snapshot_free(p[k].at);
        arm_snapshot_free(p[k].later);
    }
    g_free(p);
    arm_snapshot_free(end);
    destroy(&straight);
    destroy(&taking);
    return fine ? 0 : 1;
}
