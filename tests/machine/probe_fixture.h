/* A program, everything that its machine tells while it runs, and finding what is looked for. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bits.h"
#include "machine/machine.h"

#define RAM   UINT64_C(0x40000000)
#define ENTRY (RAM + 0x80000)
#define DATA  (RAM + 0x2000)

/* Where an instruction of a program stands, and its own index of what stands there. */
#define AT(word) (ENTRY + 4 * (uint64_t)(word))

#define EVENTS_MAX 4096

struct events {
    unsigned count;
    struct arm_event e[EVENTS_MAX];
    enum arm_stop_reason why; /* the run ended */
    uint64_t retired;
};

static inline void keep(void *ctx, const struct arm_event *p)
{
    struct events *events = ctx;

    assert_true(events->count < EVENTS_MAX);
    events->e[events->count++] = *p;
}

static const struct arm_filter everything = {.size = sizeof(struct arm_filter),
                                             .events = MASK(ARM_EVENT_COUNT - 1, 0)};

/* A machine that is about to run @code at EL2. */
static inline struct arm_machine *create_with(struct arm_config config, const uint32_t *code,
                                              size_t size)
{
    struct arm_error err = {0};

    config.size = sizeof(config);
    config.cpus = 2;
    config.ram_size = UINT64_C(4) << 20;
    config.el2 = true;
    config.no_reboot = true;
    struct arm_machine *m = arm_machine_new(&config, &err);
    if (!m)
        fail_msg("%s", err.text);
    assert_true(arm_mem_write(m, ENTRY, code, size));
    machine_start_cpu(m, m->cpus[0], ENTRY, 0);
    return m;
}

/* The event @event of the instruction at @pc, the @nth of them. */
static inline const struct arm_event *find_nth(const struct events *events,
                                               enum arm_event_kind event, uint64_t pc, unsigned nth)
{
    for (unsigned k = 0; k < events->count; k++)
        if (events->e[k].kind == event && events->e[k].pc == pc && nth-- == 0)
            return &events->e[k];
    fail_msg("no %s at %#llx", arm_event_name(event), (unsigned long long)pc);
    return NULL;
}

static inline const struct arm_event *find(const struct events *events, enum arm_event_kind event,
                                           uint64_t pc)
{
    return find_nth(events, event, pc, 0);
}

/* How many there are of @event, wherever. */
static inline unsigned count_of(const struct events *events, enum arm_event_kind event)
{
    unsigned n = 0;

    for (unsigned k = 0; k < events->count; k++)
        n += events->e[k].kind == event;
    return n;
}
