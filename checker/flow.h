/*
 * Data flow at EL2: which register of which world a value is that stands in a general register, a
 * vector or in memory. Followed on demand: from a world's exit, and from an access to a register
 * that a world has a value in, until nothing has happened for a while.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"
#include "checker/finding.h"

struct arm_checker;
struct flow;
struct world;

enum tag_kind {
    TAG_NONE,
    TAG_EXACT,    /* the value itself */
    TAG_DERIVED,  /* computed from it */
    TAG_MODIFIED, /* of memory: the slot was written with something else since */
    TAG_MEMORY,   /* loaded from memory of which nothing is known: a slot, perhaps */
};

/* As tag.world, beside the worlds' indexes. */
enum {
    WORLD_EL2 = -1,    /* EL2's own value */
    WORLD_NOBODY = -2, /* not known */
    WORLD_STATUS = -3, /* checker/unknown.h */
};

struct tag {
    uint8_t kind;  /* enum tag_kind */
    bool alias;    /* EL2's own, read by the name of this register, which means another there */
    int16_t world; /* index, or WORLD_EL2 */
    uint16_t reg;
    uint32_t version; /* of (world, reg) */
    uint64_t from;    /* physical address it was loaded from, 0: not from memory */
};

/* 8 bytes of memory that hold, or held, a register's value. */
struct granule {
    uint64_t pa;
    struct tag tag;
    uint64_t value; /* as saved */
    bool stack;     /* it lay above SP then, */
    uint32_t turn;  /* when that CPU was followed for the n-th time */
    bool slot;      /* the register was restored from here, */
    bool assumed;   /* and never saved */
    bool again;     /* written with what was there, and nobody followed that: another's, perhaps */
    bool blamed; /* modified by EL2 on nobody's behalf but the world's, and not computed from it as
                    regs_use() says */
    struct site saved, modified;
    struct tag before; /* what the slot was of before, if something else */
};

struct flow *flow_new(struct arm_checker *c);
void flow_free(struct flow *f);

/* Every event, in order, before the units; the world's exit and entry. */
void flow_event(struct flow *f, const struct arm_event *p);
void flow_exit(struct flow *f, const struct world *w, const struct arm_event *p);
void flow_enter(struct flow *f, const struct arm_event *p);

/* Go on following, or begin: something that matters has happened on @cpu. */
void flow_interest(struct flow *f, unsigned cpu, uint64_t count);

/* Is it followed? */
bool flow_is_on(const struct flow *f, unsigned cpu);

/* If it is followed, for @insns more. */
void flow_follow(struct flow *f, unsigned cpu, uint64_t count, uint64_t insns);

/* What X@n or V@n of @cpu is, and the instruction that wrote it while it was followed. */
struct tag flow_x(const struct flow *f, unsigned cpu, unsigned n);
struct tag flow_v(const struct flow *f, unsigned cpu, unsigned n);
struct site flow_x_site(const struct flow *f, unsigned cpu, unsigned n);
struct site flow_v_site(const struct flow *f, unsigned cpu, unsigned n);

/* The physical address that X@n was loaded from last, whatever was there; 0: it was not loaded, or
 * not while EL2 was followed. */
uint64_t flow_x_from(const struct flow *f, unsigned cpu, unsigned n);

/* NULL: nothing is known of it. */
const struct granule *flow_granule(const struct flow *f, uint64_t pa);

/* What an instruction at EL2 has accessed last while it was followed. */
struct flow_access {
    uint64_t pa; /* 0: nothing */
    struct site at;
};

/* Some of them, the latest of each: FLOW_ACCESSES entries. */
#define FLOW_ACCESSES 1024
const struct flow_access *flow_accesses(const struct flow *f);

/* A register was restored from @pa: its page is watched from now on, so that every store there is
 * known (own_modified()). */
void flow_mark_slot(struct flow *f, uint64_t pa);

/* The world of @tag was entered with what was loaded from @pa: its slot, by all that is known. */
void flow_assume_slot(struct flow *f, uint64_t pa, const struct tag *tag, uint64_t value);

/* Instructions that were followed. */
uint64_t flow_followed(const struct flow *f);
