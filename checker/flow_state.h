/* The state of data flow, for the files that it is made of (checker/flow*.c). */
#pragma once

#include <glib.h>

#include "checker/checker.h"
#include "checker/flow.h"
#include "checker/flow_op.h"
#include "checker/granules.h"

/* Instructions that are followed behind a world's exit, and behind anything else that matters. */
#define AFTER_EXIT     250
#define AFTER_INTEREST 48

#define OPS 16384 /* decoded instructions, by where they are */

struct flow_cpu {
    bool following;
    bool awaiting;  /* that EL2 uses vectors */
    bool literal;   /* the last instruction is a load from where the program is */
    uint64_t until; /* count of the CPU at which following ends */
    uint32_t turn;  /* how often it has begun */
    struct tag x[31], v[32];
    uint64_t x_from[31]; /* where its 8 bytes were loaded from; 0: they were not */
    uint32_t x_tagged, v_tagged;
    uint64_t loaded_pa, loaded;         /* the last 8 bytes that were loaded, and where from */
    struct site x_site[31], v_site[32]; /* of the last write that was followed */
};

/* Events that some CPUs have. */
struct flow_events {
    uint64_t cpus[2];
    int handle; /* 0: none has */
};

struct flow {
    struct arm_checker *c;
    struct called *called;
    struct flow_cpu *cpus;
    struct flow_events steps, vectors;
    uint64_t followed;
    struct flow_op ops[OPS];
    struct flow_access accesses[FLOW_ACCESSES]; /* by where the instruction is */
    struct granules memory;
    GArray *pages; /* uint64_t: numbers of those with slots, which are watched */
};

static inline void set_tag(struct tag *tags, uint32_t *tagged, unsigned n, struct tag tag)
{
    tags[n] = tag;
    if (tag.kind)
        *tagged |= 1U << n;
    else
        *tagged &= ~(1U << n);
}

/* ---- memory (checker/flow_memory.c) ---- */

/* A MEM event of who is followed. */
void flow_store(struct flow *f, struct flow_cpu *v, const struct arm_event *p);
void flow_load(struct flow *f, struct flow_cpu *v, const struct arm_event *p);

/* A store to a page with slots; by who is followed it is a MEM event too. */
void flow_watched(struct flow *f, const struct arm_event *p);

/* ---- registers (checker/flow.c) ---- */

void flow_step(struct flow *f, struct flow_cpu *v, const struct arm_event *p);

/* General registers that the instruction @word at @pc may have written. */
uint32_t flow_written(struct flow *f, uint64_t pc, uint32_t word);

/* ---- when (checker/flow_when.c) ---- */

/* EL0 below a host at EL2 has had the registers in between, or another world. */
void flow_clear(struct flow_cpu *v);
