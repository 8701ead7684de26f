/* A guest that resets the machine again and again, at the same place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arm_event;
struct arm_machine;

struct death_resets {
    unsigned times, cpu, el; /* in a row, alike */
    uint64_t pc, lr;         /* of the call; X30 then */
    uint32_t function;
    uint64_t at, took; /* instructions of all CPUs: when it was, and since the one before */
};

/* @p: ARM_EVENT_FIRMWARE. */
void death_resets_event(struct death_resets *r, struct arm_machine *m, const struct arm_event *p);

/* So often that it does not end. */
bool death_resets_endless(const struct death_resets *r);
