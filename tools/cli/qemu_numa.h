/* -numa of `armillary qemu`: which memory and which CPUs are in which node, and how far they are
 * apart.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct qemu;

struct qemu_node {
    bool there;
    uint64_t cpus;      /* bit n: CPU n */
    uint64_t memory;    /* bytes, of mem= */
    const char *memdev; /* or the id of a memory backend */
};

struct qemu_numa {
    struct qemu_node nodes[ARM_NODES_MAX];
    unsigned count;                                  /* nodes 0 to count - 1 */
    uint8_t distances[ARM_NODES_MAX][ARM_NODES_MAX]; /* as given; 0: not */
    bool has_distances;
    struct arm_node told[ARM_NODES_MAX]; /* what the configuration points at */
    uint8_t told_distances[ARM_NODES_MAX * ARM_NODES_MAX];
};

/* False, and what is wrong was printed. */
bool qemu_numa(struct qemu *q, const char *option, const char *value);

/* After all options, with RAM and CPUs known. */
bool qemu_numa_connect(struct qemu *q);
