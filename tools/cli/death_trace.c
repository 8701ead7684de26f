/* Questions about a run's past, answered by running it again: how a CPU came to a place, and who
 * wrote a word of memory last. */
#include <string.h>

#include "death_trace.h"
#include "runner.h"

/* A longer run is not run again: it would take seconds. */
#define AGAIN_INSNS_MAX (UINT64_C(200) << 20)

/* The guest's writes go to the file. */
static bool is_written(const struct arm_drive *d)
{
    return d->path && d->mode == ARM_DRIVE_WRITABLE;
}

/* A device's state is the machine's: nobody outside answers it, or keeps what it has written. */
static bool is_machines_own(const struct arm_device *d)
{
    return !d->wire.send && !d->folder.path && !d->shared_path && !is_written(&d->drive);
}

/* Nobody gets what @d sends. @ports: keeps what it refers to. */
static void mute(struct arm_device *d, GPtrArray *ports)
{
    struct arm_port *own = g_memdup2(d->ports, d->port_count * sizeof(*own));

    for (unsigned n = 0; n < d->port_count; n++)
        own[n].write = NULL;
    if (own)
        g_ptr_array_add(ports, own);
    d->ports = own;
    d->wire.send = NULL;
}

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
    g_autofree struct arm_device *devices = g_memdup2(c.devices, c.device_count * sizeof(*devices));
    g_autoptr(GPtrArray) ports = g_ptr_array_new_with_free_func(g_free);
    for (unsigned n = 0; n < c.device_count; n++)
        mute(&devices[n], ports);
    c.devices = devices;
    struct arm_machine *m = arm_machine_new(&c, &err);
    if (m && ((req->restore && arm_snapshot_load(m, req->restore, &err) < 0) ||
              (req->replay && arm_replay(m, req->replay, &err) < 0))) {
        arm_machine_free(m);
        return NULL;
    }
    return m;
}

/* Host files and what is outside would see the run twice, or not answer as before. */
static bool can_be_had_again(struct arm_machine *m, const struct run_request *req)
{
    for (unsigned n = 0; n < req->config.device_count; n++)
        if (!is_machines_own(&req->config.devices[n]))
            return false;
    return !req->inject.one && !req->record && !req->config.semihosting_dir &&
           !is_written(&req->config.pflash[0]) && !is_written(&req->config.pflash[1]) &&
           arm_machine_position(m).insns <= AGAIN_INSNS_MAX;
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

    if (p->kind != ARM_EVENT_SYSREG_READ)
        t->ring[t->count++ % DEATH_TRACE] = *p;
    else if (p->sysreg_read.sr == arm_reg_number("ICC_IAR1_EL1") ||
             p->sysreg_read.sr == arm_reg_number("ICC_IAR0_EL1"))
        t->acknowledged = *p;
}

struct death_trace *death_trace_new(const struct corpse *c, unsigned cpu, uint64_t retired)
{
    const struct arm_filter filter = {
        .size = sizeof(filter),
        .events = ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM) | ARM_BIT(ARM_EVENT_SYSREG_READ),
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

bool death_find_arrival(const struct corpse *c, unsigned cpu, uint64_t pc, uint64_t *retired)
{
    const struct arm_filter where = {
        .size = sizeof(where),
        .cpus = {cpu < 64 ? ARM_BIT(cpu) : 0, cpu < 64 ? 0 : ARM_BIT(cpu - 64)}};
    const struct arm_until until = {.size = sizeof(until),
                                    .max_insns = arm_machine_position(c->m).insns,
                                    .pcs = &pc,
                                    .pc_count = 1,
                                    .where = &where};
    struct arm_machine *other = death_again(c->m, c->req, NULL);
    struct arm_end end;

    if (!other)
        return false;
    arm_run_until(other, &until, NULL);
    arm_last_end(other, &end);
    *retired = arm_cpu_position(other, cpu).insns;
    arm_machine_free(other);
    return end.why == ARM_STOP_UNTIL;
}

unsigned death_trace_length(const struct death_trace *t)
{
    return t ? MIN(t->count, DEATH_TRACE) : 0;
}

const struct arm_event *death_trace_back(const struct death_trace *t, unsigned n)
{
    return n < death_trace_length(t) ? &t->ring[(t->count - 1 - n) % DEATH_TRACE] : NULL;
}

#define AHEAD_INSNS UINT64_C(100000) /* of all CPUs, so that this one has had some */

struct death_trace *death_trace_ahead(const struct corpse *c, unsigned cpu)
{
    const struct arm_filter filter = {
        .size = sizeof(filter),
        .events = ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM),
        .cpus = {cpu < 64 ? ARM_BIT(cpu) : 0, cpu < 64 ? 0 : ARM_BIT(cpu - 64)}};
    const struct arm_until until = {
        .size = sizeof(until), .max_insns = AHEAD_INSNS, .cpu = cpu, .cpu_insns = DEATH_TRACE};
    struct arm_error err;
    struct arm_machine *other = c->req ? make(c->req, NULL) : NULL;
    struct arm_snapshot *now = other ? arm_snapshot_take(c->m, &err) : NULL;
    struct death_trace *t = NULL;

    if (now && arm_snapshot_restore(other, now, &err) == 0) {
        t = g_new0(struct death_trace, 1);
        t->cpu = cpu;
        arm_subscribe(other, &filter, note_insn, t);
        arm_run_until(other, &until, NULL);
    }
    arm_snapshot_free(now);
    arm_machine_free(other);
    return t;
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

struct mmio_search {
    uint64_t pa;
    struct arm_event *last;
    bool found;
};

static void note_mmio(void *ctx, const struct arm_event *p)
{
    struct mmio_search *s = ctx;

    if (p->mmio.pa != s->pa || !p->mmio.write)
        return;
    *s->last = *p;
    s->found = true;
}

bool death_last_mmio(const struct corpse *c, uint64_t pa, struct arm_event *out)
{
    const struct arm_filter filter = {.size = sizeof(filter), .events = ARM_BIT(ARM_EVENT_MMIO)};
    struct arm_machine *other = c->history ? death_again(c->m, c->req, NULL) : NULL;
    struct mmio_search s = {.pa = pa, .last = out};

    if (!other)
        return false;
    arm_subscribe(other, &filter, note_mmio, &s);
    run_to(other, c->cpu, arm_cpu_position(c->m, c->cpu).insns);
    arm_machine_free(other);
    return s.found;
}
