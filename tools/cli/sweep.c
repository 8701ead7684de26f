/* Interrupts before each instruction of passages. */
#include "sweep.h"
#include "arch/vector.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "signals.h"
#include "sweep_child.h"

#define PPI_HYP_TIMER  26
#define PPI_VIRT_TIMER 27

/* A child runs on until its CPU has entered a guest so often, or for so many instructions. */
#define CHILD_ENTRIES 2
#define CHILD_INSNS   300000

static const char *const kind_names[SWEEP_KINDS] = {"sgi", "ppi", "vtimer", "serror"};

static bool kind_named(const char *name, enum sweep_kind *kind)
{
    for (unsigned k = 0; k < SWEEP_KINDS; k++)
        if (!strcmp(name, kind_names[k])) {
            *kind = (enum sweep_kind)k;
            return true;
        }
    return false;
}

bool sweep_parse_kinds(const char *text, unsigned *kinds)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    enum sweep_kind kind;

    *kinds = 0;
    for (char **w = words; *w; w++) {
        if (!strcmp(*w, "irq"))
            *kinds |= 1u << SWEEP_SGI | 1u << SWEEP_PPI | 1u << SWEEP_VTIMER;
        else if (kind_named(*w, &kind))
            *kinds |= 1u << kind;
        else
            return false;
    }
    return *kinds != 0;
}

bool sweep_parse_shard(const char *text, uint64_t *shard, uint64_t *shards)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);

    return g_strv_length(parts) == 2 && parse_number(parts[1], 1, 1000000, shards) &&
           parse_number(parts[0], 1, *shards, shard);
}

bool sweep_parse_injection(const char *text, struct sweep_request *sweep)
{
    g_auto(GStrv) parts = g_strsplit_set(text, "@:", 3);
    unsigned count = g_strv_length(parts);
    uint64_t cpu = 0;

    if (count < 2 || !kind_named(parts[0], &sweep->kind) ||
        !parse_number(parts[1], 0, UINT64_MAX, &sweep->at) ||
        (count == 3 && !parse_number(parts[2], 0, ARM_CPUS_MAX - 1, &cpu)))
        return false;
    sweep->cpu = (unsigned)cpu;
    sweep->one = true;
    return true;
}

/* ---- an interrupt ---- */

static void taken(void *ctx, const struct arm_event *p)
{
    if (vector_is_interrupt(p->exception.vector))
        arm_stop(ctx);
}

/* As a device does: high until an interrupt is taken, or for a while. */
static void pulse(struct arm_machine *m, unsigned cpu, unsigned intid)
{
    const struct arm_filter filter = {
        .size = sizeof(filter),
        .events = ARM_BIT(ARM_EVENT_EXCEPTION),
        .cpus = {cpu < 64 ? ARM_BIT(cpu) : 0, cpu < 64 ? 0 : ARM_BIT(cpu - 64)}};

    arm_set_irq(m, cpu, intid, true);
    int handle = arm_subscribe(m, &filter, taken, m);
    arm_run(m, 20000);
    arm_unsubscribe(m, handle);
    arm_set_irq(m, cpu, intid, false);
}

static void inject(struct arm_machine *m, enum sweep_kind kind, unsigned cpu)
{
    if (kind == SWEEP_SGI)
        arm_send_sgi(m, cpu);
    else if (kind == SWEEP_SERROR)
        arm_raise_serror(m, cpu, 0);
    else
        pulse(m, cpu, kind == SWEEP_PPI ? PPI_HYP_TIMER : PPI_VIRT_TIMER);
}

void sweep_inject(const struct sweep_request *sweep, struct arm_machine *m)
{
    if (sweep->cpu < arm_cpu_count(m))
        inject(m, sweep->kind, sweep->cpu);
}

/* ---- where ---- */

/* What the base run has come to. */
struct sweep {
    const struct sweep_request *req;
    struct arm_machine *m;
    struct arm_checker *checker;
    struct arm_merge *merge;
    uint64_t end;     /* of all instructions */
    uint64_t points;  /* so far: numbers the runs */
    GHashTable *seen; /* passages of a CPU and reason */
    bool left;        /* an exit of interest, just now */
    unsigned cpu;     /* whose */
    bool entered;     /* that CPU has entered a guest */
};

/* Exceptions of one class are one reason, interrupts of one vector another. */
static gpointer reason_key(const struct arm_event *p)
{
    unsigned reason =
        p->world.esr ? (unsigned)(p->world.esr >> 26 & 63) : 64u + p->world.vector / 128u;

    return GUINT_TO_POINTER(1 + reason * ARM_CPUS_MAX + p->cpu);
}

static void crossed(void *ctx, const struct arm_event *p)
{
    struct sweep *s = ctx;

    if (p->world.enter) {
        s->entered |= p->cpu == s->cpu;
        return;
    }
    gpointer key = reason_key(p);
    unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(s->seen, key));
    if (s->left || count >= s->req->passages)
        return;
    g_hash_table_insert(s->seen, key, GUINT_TO_POINTER(count + 1));
    s->left = true;
    s->entered = false;
    s->cpu = p->cpu;
    arm_stop(s->m);
}

/* ---- a child ---- */

struct child_end {
    struct arm_machine *m;
    unsigned cpu, entries;
};

static void child_crossed(void *ctx, const struct arm_event *p)
{
    struct child_end *e = ctx;

    if (p->world.enter && p->cpu == e->cpu && ++e->entries == CHILD_ENTRIES)
        arm_stop(e->m);
}

static void run_child(struct sweep *s, enum sweep_kind kind, const struct child *child)
{
    struct child_end end = {s->m, s->cpu, 0};
    const struct arm_filter worlds = {.size = sizeof(worlds), .events = ARM_BIT(ARM_EVENT_WORLD)};

    inject(s->m, kind, s->cpu);
    if (!arm_subscribe(s->m, &worlds, child_crossed, &end))
        _exit(1);
    enum arm_stop_reason why = arm_run(s->m, CHILD_INSNS);
    bool bad = why == ARM_STOP_FAULT_LOOP || why == ARM_STOP_IDLE || why == ARM_STOP_RESET;
    child_report(child, s->checker,
                 bad ? "stopped: a fault loop, a reset, or all CPUs wait" : NULL);
}

/* Before the instruction that is next: one run of each kind. */
static void inject_here(struct sweep *s)
{
    uint64_t at = arm_retired(s->m);

    for (unsigned kind = 0; kind < SWEEP_KINDS; kind++) {
        if (!(s->req->kinds & 1u << kind) || signals_seen())
            continue;
        s->points++;
        if (s->points % s->req->shards != s->req->shard % s->req->shards)
            continue;
        arm_merge_add(s->merge, s->checker, 0, "");
        struct child child = {.run = s->points};
        g_snprintf(child.words, sizeof(child.words), "--inject %s@%" PRIu64 ":%u", kind_names[kind],
                   at, s->cpu);
        if (child_begin(&child)) {
            run_child(s, (enum sweep_kind)kind, &child);
            _exit(0);
        }
        child_end(&child, s->merge);
    }
}

/* ---- the base run ---- */

static enum arm_stop_reason run_on(struct sweep *s)
{
    uint64_t done = arm_retired(s->m);

    if (s->end && done >= s->end)
        return ARM_STOP_LIMIT;
    return arm_run(s->m, s->end ? s->end - done : 0);
}

/* Of the passage that has just begun: an instruction of its CPU at a time. Nothing is injected
 * before the first one: what the world left by has mostly retired nothing, and a run to this count
 * (--inject) ends before it. */
static enum arm_stop_reason sweep_passage(struct sweep *s)
{
    const struct arm_until step = {.size = sizeof(step), .cpu = s->cpu, .cpu_insns = 1};
    struct arm_error err;

    for (uint64_t k = 0; k < s->req->insns && !s->entered; k++) {
        int why = arm_run_until(s->m, &step, &err);
        if (why != ARM_STOP_UNTIL && why != ARM_STOP_LIMIT)
            return why < 0 ? ARM_STOP_ERROR : (enum arm_stop_reason)why;
        if (!s->entered)
            inject_here(s);
    }
    return ARM_STOP_LIMIT;
}

enum arm_stop_reason sweep_interrupts(const struct sweep_request *sweep, struct arm_machine *m,
                                      struct arm_checker *checker, struct arm_merge *merge,
                                      uint64_t max_insns)
{
    struct sweep s = {.req = sweep,
                      .m = m,
                      .checker = checker,
                      .merge = merge,
                      .end = max_insns,
                      .seen = g_hash_table_new(NULL, NULL)};
    const struct arm_filter worlds = {.size = sizeof(worlds), .events = ARM_BIT(ARM_EVENT_WORLD)};
    int handle = arm_subscribe(m, &worlds, crossed, &s);
    enum arm_stop_reason why;

    do {
        s.left = false;
        why = run_on(&s);
        if (why == ARM_STOP_REQUEST && s.left && !signals_seen())
            why = sweep_passage(&s);
        else if (why == ARM_STOP_REQUEST && !s.left)
            break;
    } while ((why == ARM_STOP_LIMIT || why == ARM_STOP_REQUEST) && !signals_seen() &&
             !(s.end && arm_retired(m) >= s.end));
    arm_unsubscribe(m, handle);
    g_hash_table_destroy(s.seen);
    arm_merge_add(merge, checker, 0, "");
    return why;
}
