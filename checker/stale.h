/*
 * What TLBs may hold although the tables do not say it any more: a descriptor's old value, from the
 * store that changed it until a TLBI that covers it is complete on every CPU that may have it.
 */
#pragma once

#include "checker/pages.h"

enum coverage {
    COVERS_NOT,
    COVERS_STAGE2, /* what stage 2 alone has made; of both stages, when a TLBI of stage 1 follows */
    COVERS_ALL,
};

/* Why a TLBI that looks as if it were meant does not cover; the higher the nearer. */
enum miss {
    MISS_NONE,
    MISS_STAGE,
    MISS_ADDRESS,
    MISS_REGIME,
    MISS_ASID,
    MISS_VMID,
    MISS_LEVEL,
    MISS_HINT,      /* of another level, as it says itself */
    MISS_LOCAL,     /* not broadcast */
    MISS_COMBINED,  /* TLBI IPAS2, and nothing of stage 1 behind */
    MISS_UNORDERED, /* no DSB between the store and the TLBI, or between those of two stages */
};

struct stale {
    struct tlb_context *context;
    struct descriptor_place at;
    uint64_t pa, value, ia; /* of the descriptor; what it said; the first address it translates */
    uint16_t asid;
    bool global;
    enum descriptor_change change;
    struct site changed;
    uint64_t sp;          /* of who changed it, at EL2: its stack tells threads */
    struct site returned; /* of a host: that thread has gone back to its program since */
    uint64_t clock;       /* when */
    uint64_t cpus[2];     /* that may hold it */
    bool ipa_issued;      /* stage 2's own part of the invalidation, not complete yet */
    uint64_t ipa_done[2]; /* and the CPUs that it is complete for */
    bool issued;          /* a TLBI that covers it, not complete yet */
    struct site issued_at;
    enum miss miss; /* the nearest that did not cover */
    struct site miss_at;
    bool said, gone;
    unsigned marks;     /* struct tlb_mark that point here */
    struct stale *next; /* of the same descriptor */
};

/* Does the TLBI of @p cover @r? *miss: why not, if it was near; untouched otherwise. @hints: with
 * FEAT_TTL the operand may say at which level the leaf is. */
enum coverage stale_coverage(const struct stale *r, const struct arm_event *p, bool hints,
                             enum miss *miss);

const char *stale_miss_text(enum miss miss);
