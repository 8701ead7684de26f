/*
 * Snapshots: of all that a machine is, in memory (machine/snapshot.c) and as a file
 * (machine/snapshot_format.h, which has what stands where). Not in them are what the host sees of
 * the machine (console, log, subscribers), host files behind semihosting, and writable disks.
 */
#pragma once

#include <stdio.h>

#include "armillary.h"
#include "base/blocks.h"
#include "base/ram_contents.h"
#include "base/state_io.h"
#include "machine/virt.h"

struct cpu_model;
struct features;

struct arm_snapshot {
    char *facts;    /* of the machine: owned. See machine_facts() */
    uint8_t *state; /* sections of machine_state(): owned */
    size_t state_size;
    unsigned bank_count;
    uint64_t bank_base[PHYSMEM_BANKS_MAX]; /* guest-physical */
    struct ram_contents ram[PHYSMEM_BANKS_MAX];
    bool has_disk[VIRT_DISKS];
    struct blocks disk[VIRT_DISKS]; /* overlays */
    uint64_t retired, time_ns;
};

/* Everything but the contents of memory and disks, section by section. */
void machine_state(struct state_io *io, struct arm_machine *m);

/* What a machine has to have in common with another one so that snapshots go from one to the other:
 * a line each, "name: value". To be freed by the caller. */
char *machine_facts(const struct arm_config *c, const struct cpu_model *model,
                    const struct features *features);

/* 0, or -ARM_EINVAL and the first fact in which @theirs (of a snapshot) and @ours differ. */
int machine_facts_fit(const char *theirs, const char *ours, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Write to and read from a file; @name is for messages. The snapshot that is read has been found
 * whole, and is for a machine of @m's facts and shape; its state is judged when it is restored. */
int snapshot_write(const struct arm_snapshot *s, FILE *to, const char *name, struct arm_error *err)
    __attribute__((warn_unused_result));
struct arm_snapshot *snapshot_read(struct arm_machine *m, FILE *from, const char *name,
                                   struct arm_error *err);
