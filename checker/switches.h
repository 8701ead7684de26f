/*
 * When which world ran where: the timeline of a report. A stretch is from a world's entry to its
 * exit. Their number is bounded: when there are too many, those that lie close together become one,
 * and how close is known.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

/* In instructions of all CPUs. */
struct stretch {
    uint64_t from, to;
    uint64_t inside;   /* of them in the world; fewer than that only if several became one */
    uint32_t passages; /* entries */
    uint16_t world;    /* index; of several the one that ran longest */
    uint16_t reason;   /* why it was left last: checker/account_state.h, REASON_COUNT: it was not */
};

struct switches;

/* @most: stretches of all CPUs together, at least 2 for each. */
struct switches *switches_new(unsigned cpu_count, unsigned most);
void switches_free(struct switches *s);

/* @at: instructions of all CPUs, never less than the last time. */
void switches_enter(struct switches *s, unsigned cpu, unsigned world, uint64_t at);
void switches_exit(struct switches *s, unsigned cpu, unsigned reason, uint64_t at);

/* struct stretch, in order; the last one's end is @to if its world still runs. */
const GArray *switches_of(struct switches *s, unsigned cpu, uint64_t to);

/* How many entries there were; and how long a stretch is at most that stands for several, 0: none
 * does. */
uint64_t switches_count(const struct switches *s);
uint64_t switches_grain(const struct switches *s);
