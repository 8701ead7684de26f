/*
 * Going back by single steps through the boot of a KVM guest: at random points of it, in any order,
 * the state behind a step back is that of a run that only went forwards. Compared is everything
 * that a snapshot has of the machine but RAM, and at some of the points all of RAM too.
 * ARMILLARY_POINTS overrides the number of points, ARMILLARY_SEED says where they are.
 * Usage: reverse OPTIONS IMAGE      (reverse --help)
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "armillary.h"
#include "machine/machine.h"
#include "machine/snapshot.h"
#include "tests/random.h"
#include "timeline.h"

/* About what comes of --gdb's time between two snapshots (tools/cli/runner_gdb.c). */
#define INTERVAL (UINT64_C(16) << 20)

/* RAM is compared at so many points. */
#define WHOLE 16

static char *cpu = "n1", *append = "console=ttyAMA0", *initrd, *image, *expect = "";
static gboolean two, unprepared;
static int cpus = 1, memory = 1024, millions = 2000, skip = 997, points = 200;

static const GOptionEntry options[] = {
    {"cpu", 0, 0, G_OPTION_ARG_STRING, &cpu, "CPU model", NULL},
    {"cpus", 0, 0, G_OPTION_ARG_INT, &cpus, "number of CPUs", NULL},
    {"memory", 0, 0, G_OPTION_ARG_INT, &memory, "MiB of RAM", NULL},
    {"append", 0, 0, G_OPTION_ARG_STRING, &append, "kernel command line", NULL},
    {"initrd", 0, 0, G_OPTION_ARG_STRING, &initrd, "initrd", NULL},
    {"millions", 0, 0, G_OPTION_ARG_INT, &millions, "instructions of the whole run", NULL},
    {"skip", 0, 0, G_OPTION_ARG_INT, &skip, "of them before the first point", NULL},
    {"points", 0, 0, G_OPTION_ARG_INT, &points, "points", NULL},
    {"two", 0, 0, G_OPTION_ARG_NONE, &two, "with a second machine, as beside a checker", NULL},
    {"unprepared", 0, 0, G_OPTION_ARG_NONE, &unprepared, "the first step back comes at once", NULL},
    {"expect", 0, 0, G_OPTION_ARG_STRING, &expect, "what the console must have said at the end",
     NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* A point, and the one an instruction before it. */
struct place {
    struct arm_position before, at;
    uint64_t state_before, state;
    struct arm_snapshot *whole; /* before; NULL: not of this one */
};

static void stop(const char *what, const char *text)
{
    fprintf(stderr, "%s: %s\n", what, text);
    exit(2);
}

static void keep_output(void *ctx, const uint8_t *bytes, size_t len)
{
    g_string_append_len(ctx, (const char *)bytes, (gssize)len);
}

static struct arm_config config(GString *console)
{
    return (struct arm_config){.size = sizeof(struct arm_config),
                               .cpu = cpu,
                               .cpus = (unsigned)cpus,
                               .ram_size = (uint64_t)memory << 20,
                               .el2 = true,
                               .kernel = image,
                               .initrd = initrd,
                               .append = append,
                               .console_write = keep_output,
                               .console_ctx = console};
}

/* How the last run ended is none of the state that is compared. */
static uint64_t hash(struct arm_machine *m)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    struct arm_end end = m->end;
    struct state_io io;

    m->end = (struct arm_end){0};
    state_io_save(&io);
    machine_state(&io, m);
    for (size_t k = 0; k < io.len; k++)
        h = (h ^ io.out[k]) * UINT64_C(0x100000001b3); /* FNV-1a */
    state_io_destroy(&io);
    m->end = end;
    return h;
}

static bool same_ram(struct arm_machine *m, const struct arm_snapshot *s)
{
    static const uint8_t zeros[PAGE_SIZE];

    for (unsigned k = 0; k < m->mem.bank_count; k++) {
        const struct ram_bank *b = &m->mem.banks[k];
        for (uint64_t n = 0; n < b->size / PAGE_SIZE; n++) {
            const uint8_t *page = ram_contents_page(&s->ram[k], n);
            if (!(b->flags[n] & PAGE_CHANGED) && !page && !b->last.image)
                continue; /* neither was ever written */
            if (memcmp(b->host + n * PAGE_SIZE, page ? page : zeros, PAGE_SIZE) != 0)
                return false;
        }
    }
    return true;
}

/* ---- forwards ---- */

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void run_to(struct arm_machine *m, uint64_t insns)
{
    uint64_t now = arm_machine_position(m).insns;

    if (insns > now)
        arm_run(m, insns - now);
}

static struct place *go_forwards(uint64_t *random, GString *console)
{
    const struct arm_config c = config(console);
    struct arm_error err = {0};
    struct arm_machine *m = arm_machine_new(&c, &err);
    struct place *places = g_new0(struct place, (gsize)points);
    g_autofree uint64_t *at = g_new(uint64_t, (gsize)points);
    uint64_t first = (uint64_t)skip * 1000000, span = (uint64_t)millions * 1000000 - first;

    if (!m)
        stop("machine", err.text);
    for (int k = 0; k < points; k++)
        at[k] = first + 1 + random_next(random) % (span - 1);
    qsort(at, (size_t)points, sizeof(*at), by_number);
    for (int k = 0; k < points; k++) {
        struct place *p = &places[k];
        if (k && at[k] < at[k - 1] + 2) /* the machine is not beyond the one before it yet */
            at[k] = at[k - 1] + 2;
        run_to(m, at[k] - 1);
        p->before = arm_machine_position(m);
        p->state_before = hash(m);
        if (k % (points / WHOLE + 1) == 0 && !(p->whole = arm_snapshot_take(m, &err)))
            stop("take", err.text);
        run_to(m, at[k]);
        p->at = arm_machine_position(m);
        p->state = hash(m);
    }
    arm_machine_free(m);
    return places;
}

/* ---- back ---- */

/* Of this process alone: who else uses the host does not count. */
static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool is(struct timeline *t, struct arm_position at, uint64_t state, const char *which)
{
    struct arm_position here = timeline_here(t);
    uint64_t now = hash(timeline_machine(t));

    if (position_compare(here, at) == 0 && now == state)
        return true;
    fprintf(stderr,
            "%s: at %" PRIu64 ".%" PRIu64 ", expected %" PRIu64 ".%" PRIu64 "; the state is %s\n",
            which, here.insns, here.exceptions, at.insns, at.exceptions,
            now == state ? "the same" : "another");
    return false;
}

static bool step_back(struct timeline *t, unsigned number, GArray *times)
{
    double begin = now_ms();
    bool there = timeline_back(t, number) == TIMELINE_THERE;
    double took = now_ms() - begin;

    g_array_append_val(times, took);
    return there;
}

/* One CPU: the step back leads to the point before. An exception in between is a step
 * of its own. */
static bool back_alone(struct timeline *t, const struct place *p, GArray *times)
{
    do {
        if (!step_back(t, 0, times))
            return false;
    } while (timeline_here(t).insns == p->before.insns &&
             timeline_here(t).exceptions > p->before.exceptions);
    return is(t, p->before, p->state_before, "back") &&
           (!p->whole || same_ram(timeline_machine(t), p->whole));
}

/* Several: back to where the step of one of them began, which is the same place again from before
 * it, forwards. */
static bool back_among(struct timeline *t, unsigned number, GArray *times)
{
    if (!step_back(t, number, times))
        return false;
    struct arm_position here = timeline_here(t), start = timeline_start(t);
    uint64_t state = hash(timeline_machine(t));
    struct arm_position early = {here.insns > start.insns + 5000 ? here.insns - 5000 : start.insns,
                                 0};

    return timeline_goto(t, early) == TIMELINE_THERE && timeline_goto(t, here) == TIMELINE_THERE &&
           is(t, here, state, "back and there");
}

static bool go_back(struct timeline *t, const struct place *p, uint64_t *random, GArray *times)
{
    unsigned number = (unsigned)(random_next(random) % (unsigned)cpus);

    if (timeline_goto(t, p->at) != TIMELINE_THERE || !is(t, p->at, p->state, "there"))
        return false;
    bool good = cpus == 1 ? back_alone(t, p, times) : back_among(t, number, times);
    /* And forwards again, and that undone. */
    if (!good || timeline_goto(t, p->at) != TIMELINE_THERE)
        return false;
    return timeline_step(t, number) == TIMELINE_THERE && step_back(t, number, times) &&
           (cpus > 1 || is(t, p->at, p->state, "a step undone"));
}

static int by_ms(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* The first one is from the end of the run. */
static void print_times(GArray *times, double prepared, int bad)
{
    double *ms = (double *)(void *)times->data, first = ms[0];

    qsort(ms, times->len, sizeof(*ms), by_ms);
    printf(
        "%u steps back at random points of %d M to %d M instructions, %d CPU(s), %s: %d bad; CPU "
        "time: prepared for in %.0f ms, the first %.0f ms, half of them within %.0f ms, 95 %% "
        "within %.0f ms, all within "
        "%.0f ms\n",
        times->len, skip, millions, cpus, two ? "two machines" : "one machine", bad, prepared,
        first, ms[times->len / 2], ms[times->len * 95 / 100], ms[times->len - 1]);
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new("IMAGE");
    g_autoptr(GString) console = g_string_new(NULL), again = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    struct arm_error err = {0};
    uint64_t random = test_seed(1);
    int bad = 0;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2)
        return fprintf(stderr, "usage: reverse IMAGE: %s\n", error ? error->message : ""), 2;
    image = argv[1];
    points = (int)test_option("ARMILLARY_POINTS", (uint64_t)points);

    struct place *places = go_forwards(&random, console);
    const struct arm_config c = config(again);
    struct timeline *t = timeline_new(
        &(struct timeline_config){.machine = &c, .interval = INTERVAL, .alone = !two}, &err);
    if (!t)
        stop("timeline", err.text);
    if (timeline_goto(t, (struct arm_position){(uint64_t)millions * 1000000, 0}) != TIMELINE_THERE)
        stop("the end", timeline_error(t));
    double begin = now_ms();
    if (!unprepared && timeline_prepare(t) != TIMELINE_THERE)
        stop("prepare", timeline_error(t));
    double prepared = now_ms() - begin;
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(double));
    if (!step_back(t, 0, times))
        stop("the first step back", timeline_error(t));
    for (int k = 0; k < points && bad < 10; k++)
        bad += !go_back(t, &places[random_next(&random) % (uint64_t)points], &random, times);
    if (!strstr(again->str, expect)) {
        fprintf(stderr, "the console has no \"%s\"\n", expect);
        bad++;
    }
    print_times(times, prepared, bad);
    timeline_free(t);
    for (int k = 0; k < points; k++)
        arm_snapshot_free(places[k].whole);
    g_free(places);
    return bad != 0;
}
