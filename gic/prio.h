/*
 * Priority arithmetic of a CPU interface, physical or virtual: grouping, preemption, running
 * priority, priority drop. IHI0069 4.8, pseudocode of the ICC_, ICV_ and ICH_ registers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gic/internal.h"

#define APR_NONE 128 /* no bit of the active priorities registers is set */

/*
 * The group priority part of a priority. Group 1 has the binary point of a Non-secure Group 1: one
 * bit more than BPR says, unless CBPR makes BPR0 serve both.
 */
static inline unsigned if_group_mask(const struct gic_if *f, unsigned group)
{
    unsigned shift;

    if (group == GROUP_1S)
        shift = f->bpr[f->cbpr_s ? GROUP_0 : GROUP_1S] + 1u;
    else
        shift = group == GROUP_0 || f->cbpr ? f->bpr[0] + 1u : f->bpr[1];

    return (0xffu << shift) & 0xff;
}

/* How many active priorities registers a group has: 32 of the 2^prebits priorities in each. */
static inline unsigned if_apr_count(const struct gic_if *f)
{
    return 1u << (f->prebits - 5);
}

/* Index of the highest active priority over all groups, 0 highest; or APR_NONE. */
static inline unsigned if_first_active(const struct gic_if *f)
{
    for (unsigned w = 0; w < if_apr_count(f); w++) {
        uint32_t all = f->apr[0][w] | f->apr[1][w] | f->apr[2][w];

        if (all)
            return w * 32 + (unsigned)__builtin_ctz(all);
    }
    return APR_NONE;
}

/* Running priority: the highest active group priority, PRIO_IDLE if there is none. */
static inline unsigned if_running(const struct gic_if *f)
{
    unsigned first = if_first_active(f);

    return first == APR_NONE ? PRIO_IDLE : first << (8 - f->prebits);
}

/* CanSignalInterrupt(): enough priority for PMR, and to preempt what is active. */
static inline bool if_can_preempt(const struct gic_if *f, unsigned prio, unsigned group)
{
    unsigned first, mask;

    if (prio >= f->pmr)
        return false;
    first = if_first_active(f);
    if (first == APR_NONE)
        return true;
    mask = if_group_mask(f, group);
    return (prio & mask) < ((first << (8 - f->prebits)) & mask);
}

/* @apr: whose active priorities register gets the bit, AP0R or AP1R. */
static inline void if_activate(struct gic_if *f, unsigned prio, unsigned group, unsigned apr)
{
    unsigned index = (prio & if_group_mask(f, group)) >> (8 - f->prebits);

    f->apr[apr][index / 32] |= UINT32_C(1) << (index % 32);
}

/* Clear the highest active priority in @group's register; false if the bit is not there. */
static inline bool if_drop(struct gic_if *f, unsigned index, unsigned group)
{
    uint32_t one = UINT32_C(1) << (index % 32);

    if (index == APR_NONE || !(f->apr[group][index / 32] & one))
        return false;
    f->apr[group][index / 32] &= ~one;
    return true;
}

/* Smallest binary points: a group priority has no more than prebits bits. */
static inline uint8_t if_bpr_min(const struct gic_if *f, unsigned group)
{
    return (uint8_t)(7 - f->prebits + (group == GROUP_1));
}

static inline uint8_t if_bpr_clamp(const struct gic_if *f, unsigned group, uint64_t value)
{
    uint8_t bpr = value & 7, min = if_bpr_min(f, group);

    return bpr < min ? min : bpr;
}
