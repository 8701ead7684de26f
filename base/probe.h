/*
 * Observable events, a row each (base/probe.def). Subscribers are plain functions with a context.
 * An event nobody watches costs one predicted branch on a path that is slow anyway; per-instruction
 * events exist only in the observed interpreter loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum probe_event {
#define PROBE(name, text) PROBE_##name,
#include "base/probe.def"
#undef PROBE
    PROBE_COUNT
};

/* One event. What a, b, c, d hold is said by the event's row. */
struct probe {
    enum probe_event event;
    uint8_t cpu, el;
    bool guest;     /* executing below EL2 with HCR_EL2.TGE == 0 and stage 2 on: a VM's world */
    uint64_t count; /* instructions retired by this CPU before the event */
    uint64_t pc;
    uint64_t a, b, c, d;
};

typedef void probe_fn(void *ctx, const struct probe *p);

#define PROBE_SUBSCRIBERS_MAX 16

struct probes {
    uint64_t mask; /* BIT(event): at least one subscriber */
    unsigned count;
    struct {
        uint64_t mask;
        probe_fn *fn;
        void *ctx;
    } sub[PROBE_SUBSCRIBERS_MAX];
};

static inline bool probe_wanted(const struct probes *ps, enum probe_event ev)
{
    return __builtin_expect((ps->mask >> ev) & 1, 0);
}

/* Hand @p to every subscriber of its event. Call only if probe_wanted(). */
void probe_fire(const struct probes *ps, const struct probe *p);

/* @mask: events, BIT(event) or'ed. False if the table is full. */
bool probe_subscribe(struct probes *ps, uint64_t mask, probe_fn *fn, void *ctx);
void probe_unsubscribe(struct probes *ps, probe_fn *fn, void *ctx);

const char *probe_name(enum probe_event ev);
