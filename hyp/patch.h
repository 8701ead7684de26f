/*
 * Code that is changed while CPUs run it. A place that may change is a site: a row of the section
 * .patch_sites, written by the macros of hyp/static_key.h, hyp/static_call.h (C) and
 * hyp/patch_asm.inc (assembly). What stands there follows from its owner, a static key or a static
 * call, at any time; so this file only has to make it so, on all CPUs, by the manual's sequence.
 *
 * DDI0487 B2.2.5, "Concurrent modification and execution of instructions": between two of B, BL,
 * BRK, HVC, ISB, NOP, SMC and SVC an executing CPU sees the one or the other, so such a site is
 * written while all run; then each CPU has to synchronize its context once. Any other change is
 * made while the other CPUs wait in an interrupt.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Distances from the member itself: nothing is relocated. */
struct patch_site {
    int32_t at;     /* the instruction */
    int32_t target; /* of a key: where it jumps to */
    int32_t owner;  /* struct static_key or struct static_call */
    uint32_t flags; /* of a key: SITE_LIKELY; of a call: SITE_CALL, and BIT(n): Xn may change */
};

#define SITE_LIKELY 1u
#define SITE_CALL   (1u << 31)

#define INSN_NOP 0xd503201fu

/* One site's row, for assembly in C. */
#define PATCH_SITE(at, target, owner, flags)                                                       \
    ".pushsection .patch_sites, \"a\"\n\t.balign 4\n\t"                                            \
    ".long " at " - ., " target " - ., " owner " - ., " flags "\n\t.popsection\n\t"

/* The table: the image's own, or a test's. Every site gets what its owner says. Before other CPUs
 * run. */
void patch_init(struct patch_site *first, struct patch_site *end);

/* All sites of an owner that has changed. When it returns no CPU executes what stood there before.
 * With interrupts enabled once other CPUs run, and between patch_lock() and patch_unlock(). */
void patch_owner(const void *owner);

/* One change at a time, the owner's own state included. Whoever waits answers other CPUs. */
void patch_lock(void);
void patch_unlock(void);

/* May it be replaced by, and replace, another such while it is executed? */
bool patch_is_concurrent(uint32_t insn);

/* B or BL; false: @to is more than 128 MiB away. */
bool patch_branch(uint32_t *insn, uint64_t from, uint64_t to, bool link);

/* Sites, and how often they were written with the other CPUs running and stopped. */
struct patch_counts {
    uint64_t sites, live, stopped;
};
struct patch_counts patch_counts(void);
