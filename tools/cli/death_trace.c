/* Questions about a run's past, answered by running it again: how a CPU came to a place, and who
 * wrote a word of memory last. */
#include <string.h>

#include "death_trace.h"
#include "runner.h"

/* A longer run is not run again: it would take seconds. */
#define AGAIN_INSNS_MAX (UINT64_C(200) << 20)

/* The same machine, whose output nobody gets. */
static struct arm_machine *make(const struct run_request *req, const struct arm_log *log)
{
    struct arm_config c = req->config;
    struct arm_error err;

    c.size = sizeof(c);
    c.console_write = NULL;
    c.log = log ? *log : (struct arm_log){0};
    c.poll = NULL;
    c.idle = NULL;
    c.semihosting_dir = NULL;
    struct arm_machine *m = arm_machine_new(&c, &err);
    if (m && ((req->restore && arm_snapshot_load(m, req->restore, &err) < 0) ||
              (req->replay && arm_replay(m, req->replay, &err) < 0))) {
        arm_machine_free(m);
        return NULL;
    }
    return m;
}

/* Host files and devices with a host's side would see the run twice. */
static bool can_be_had_again(struct arm_machine *m, const struct run_request *req)
{
    return !req->config.device_count && !req->inject.one && !req->record &&
           !req->config.semihosting_dir && !req->config.pflash[0].path &&
           !req->config.pflash[1].path && arm_machine_position(m).insns <= AGAIN_INSNS_MAX;
}

struct arm_machine *death_again(struct arm_machine *m, const struct run_request *req,
                                const struct arm_log *log)
{
    return req && can_be_had_again(m, req) ? make(req, log) : NULL;
}

/* Until @cpu has retired so many. */
static void run_to(struct arm_machine *m, unsigned cpu, uint64_t retired)
{
    uint64_t now = arm_cpu_position(m, cpu).insns;
    const struct arm_until until = {.size = sizeof(until),
                                    .max_insns = AGAIN_INSNS_MAX,
                                    .cpu = cpu,
                                    .cpu_insns = retired > now ? retired - now : 0};

    if (until.cpu_insns)
        arm_run_until(m, &until, NULL);
}

/* ---- the way to a place ---- */

static void note_insn(void *ctx, const struct arm_event *p)
{
    struct death_trace *t = ctx;

    t->ring[t->count++ % DEATH_TRACE] = *p;
}

struct death_trace *death_trace_new(const struct corpse *c, unsigned cpu, uint64_t retired)
{
    const struct arm_filter filter = {
        .size = sizeof(filter),
        .events = ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM),
        .cpus = {cpu < 64 ? ARM_BIT(cpu) : 0, cpu < 64 ? 0 : ARM_BIT(cpu - 64)}};
    struct arm_machine *other = death_again(c->m, c->req, NULL);

    if (!other)
        return NULL;
    struct death_trace *t = g_new0(struct death_trace, 1);
    t->cpu = cpu;
    run_to(other, cpu, retired > DEATH_TRACE ? retired - DEATH_TRACE : 0);
    arm_subscribe(other, &filter, note_insn, t);
    run_to(other, cpu, retired);
    arm_machine_free(other);
    return t;
}

unsigned death_trace_length(const struct death_trace *t)
{
    return t ? MIN(t->count, DEATH_TRACE) : 0;
}

const struct arm_event *death_trace_back(const struct death_trace *t, unsigned n)
{
    return n < death_trace_length(t) ? &t->ring[(t->count - 1 - n) % DEATH_TRACE] : NULL;
}

/* ---- who wrote it ---- */

struct store_search {
    const struct death_stores *of;
    struct arm_machine *m;
    struct death_store *last;
    bool found;
};

static void note_store(void *ctx, const struct arm_event *p)
{
    struct store_search *s = ctx;
    const struct death_stores *of = s->of;

    if (p->store.pa >= of->pa + of->size || p->store.pa + p->store.size <= of->pa ||
        (p->cpu == of->cpu && p->pc >= of->but_from && p->pc < of->but_to))
        return;
    s->last->event = *p;
    /* Whoever has just overwritten tables may have its instructions at the same address. */
    if (!arm_virt_read(s->m, p->cpu, p->el, p->pc, &s->last->word, sizeof(s->last->word)) &&
        !arm_mem_read(s->m, p->pc, &s->last->word, sizeof(s->last->word)))
        s->last->word = 0;
    s->found = true;
}

bool death_last_store(const struct corpse *c, const struct death_stores *of,
                      struct death_store *out)
{
    const struct arm_filter filter = {.size = sizeof(filter), .events = ARM_BIT(ARM_EVENT_STORE)};
    struct arm_machine *other = c->history ? death_again(c->m, c->req, NULL) : NULL;
    struct store_search s = {.of = of, .m = other, .last = out};

    if (!other)
        return false;
    if (arm_watch_page(other, of->pa, true)) {
        arm_subscribe(other, &filter, note_store, &s);
        run_to(other, of->cpu, of->retired);
    }
    arm_machine_free(other);
    return s.found;
}
