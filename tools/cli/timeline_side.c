/* A machine of a timeline: created, and offered what it was offered when it came there first. */
#include "timeline_state.h"

struct arm_position side_at(const struct side *s)
{
    return arm_machine_position(s->m);
}

/* ---- input ---- */

static size_t offer(struct arm_machine *m, const struct typed *in, const uint8_t *bytes)
{
    if (in->device < 0)
        return arm_console_input(m, bytes, in->offered);
    return arm_port_input(m, (unsigned)in->device, in->port, bytes, in->offered);
}

/* What it was offered at this point of the run when it came here for the first time. */
static void poll_again(struct side *s)
{
    const struct timeline *t = s->t;

    while (s->inputs < t->inputs->len) {
        const struct typed *in = &g_array_index(t->inputs, struct typed, s->inputs);
        if (in->insns != side_at(s).insns || in->time_ns != arm_time_ns(s->m))
            return;
        offer(s->m, in, (const uint8_t *)t->text->str + in->offset);
        s->inputs++;
    }
}

static bool poll_live(struct side *s)
{
    struct timeline *t = s->t;
    size_t left = t->text->len - t->offered;
    struct typed in = {side_at(s).insns, arm_time_ns(s->m), t->offered, left, -1, 0};

    if (!left)
        return false;
    size_t took = offer(s->m, &in, (const uint8_t *)t->text->str + t->offered);
    t->offered += took;
    g_array_append_val(t->inputs, in);
    s->inputs++;
    return took != 0;
}

size_t timeline_give(struct timeline *t, int device, unsigned port, const uint8_t *data,
                     size_t size)
{
    struct side *s = &t->live;
    struct typed in = {side_at(s).insns, arm_time_ns(s->m), t->offered, size, device, port};
    size_t took = offer(s->m, &in, data);

    if (took && t->begun) {
        in.offered = took;
        g_string_insert_len(t->text, (gssize)t->offered, (const char *)data, (gssize)took);
        t->offered += took;
        g_array_append_val(t->inputs, in);
        s->inputs++;
    }
    return took;
}

/* What the machine that calls is used for now. */
static struct side *role(struct side *s)
{
    return s->t->config.alone ? s->t->here : s;
}

static void poll(void *ctx)
{
    struct side *s = role(ctx);
    const struct timeline_config *c = &s->t->config;

    if (c->poll)
        c->poll(c->host_ctx, s == &s->t->live);
    if (s == &s->t->live)
        poll_live(s);
    else
        poll_again(s);
}

/* Without a host's, nothing comes while it waits: time goes on at once. */
static bool idle(void *ctx, uint64_t next_ns)
{
    const struct side *s = role(ctx);
    const struct timeline_config *c = &s->t->config;

    return s == &s->t->live && c->idle && c->idle(c->host_ctx, next_ns);
}

void timeline_type(struct timeline *t, const char *text, size_t size)
{
    g_string_append_len(t->text, text, (gssize)size);
}

/* ---- machines ---- */

/* More than a run has, so that numbers of different beginnings never meet. */
#define CROSSINGS_MAX (UINT64_C(1) << 40)

static void count_crossing(void *ctx, const struct arm_event *event)
{
    (void)event;
    role(ctx)->crossings++;
}

static void count_crossings(struct side *s)
{
    const struct arm_filter worlds = {.size = sizeof(worlds), .events = ARM_BIT(ARM_EVENT_WORLD)};

    s->counting = arm_subscribe(s->m, &worlds, count_crossing, s);
}

void crossings_lost(struct side *s)
{
    s->crossings = s->t->unknown += CROSSINGS_MAX;
}

/* Who counts keeps blocks of host code from going on in one another through exceptions. */
void crossings_watch(struct timeline *t)
{
    if (t->counts || !t->begun)
        return;
    t->counts = true;
    count_crossings(&t->live);
    crossings_lost(&t->live);
    if (t->past.m && !t->config.alone)
        count_crossings(&t->past);
    crossings_lost(&t->past);
}

void crossings_forget(struct timeline *t)
{
    struct side *const sides[] = {&t->live, &t->past};

    for (size_t k = 0; k < G_N_ELEMENTS(sides); k++) {
        if (sides[k]->counting)
            arm_unsubscribe(sides[k]->m, sides[k]->counting);
        sides[k]->counting = 0;
    }
    t->counts = false;
}

/* ---- what the only machine says for the first time ---- */

static void print_new(void *ctx, const uint8_t *data, size_t size)
{
    const struct timeline *t = ctx;

    if (!t->far && t->machine.console_write)
        t->machine.console_write(t->machine.console_ctx, data, size);
}

static void log_new(void *ctx, enum arm_log_category category, enum arm_log_level level,
                    const char *text)
{
    const struct timeline *t = ctx;

    if (!t->far && t->machine.log.sink)
        t->machine.log.sink(t->machine.log.ctx, category, level, text);
}

static void say_once(struct arm_config *c, struct timeline *t)
{
    c->console_write = print_new;
    c->console_ctx = t;
    c->log.sink = c->log.sink ? log_new : NULL;
    c->log.ctx = t;
}

/* A machine whose output nobody gets: *@c refers to what is returned. */
static struct arm_device *silence(struct arm_config *c)
{
    struct arm_device *devices = g_memdup2(c->devices, c->device_count * sizeof(*devices));

    c->console_write = NULL;
    c->log.sink = NULL;
    for (unsigned k = 0; k < c->device_count; k++) {
        struct arm_port *ports =
            devices[k].port_count
                ? g_memdup2(devices[k].ports, devices[k].port_count * sizeof(*ports))
                : NULL;
        for (unsigned n = 0; n < devices[k].port_count; n++)
            ports[n].write = NULL;
        devices[k].ports = ports;
    }
    c->devices = devices;
    return devices;
}

static void free_silence(struct arm_device *devices, unsigned count)
{
    for (unsigned k = 0; devices && k < count; k++)
        g_free((void *)(uintptr_t)devices[k].ports);
    g_free(devices);
}

bool side_open(struct timeline *t, struct side *s)
{
    struct arm_config c = t->machine;

    s->t = t;
    c.size = sizeof(c);
    c.poll = poll;
    c.idle = idle;
    c.host_ctx = s;
    struct arm_device *devices = s != &t->live ? silence(&c) : NULL;
    if (t->config.alone)
        say_once(&c, t);
    s->m = arm_machine_new(&c, &t->error);
    free_silence(devices, c.device_count);
    if (!s->m)
        return false;
    if (t->counts)
        count_crossings(s);
    return !t->config.prepare || t->config.prepare(t->config.ctx, s->m, &t->error) == 0;
}
