/* CPUs that go no further: what they stand at, and whether it is because something went wrong. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arm_machine;
struct run_request;

/* At "b .", with interrupts masked that no other Exception level takes either. */
bool death_stands(struct arm_machine *m, unsigned cpu);

/* How far a branch goes, in bytes; false: it is none, or calls. B, B.cond, CBZ, CBNZ, TBZ, TBNZ:
 * C4.1.93. */
bool death_find_branch(uint32_t word, int64_t *distance);

/* A loop of few instructions that change nothing, as "b ." and a compare of what was read before:
 * *@first is its first, and it has *@insns. */
bool death_find_round(struct arm_machine *m, unsigned cpu, uint64_t *first, unsigned *insns);

/* At such a loop, or at one around WFI or WFE. */
bool death_is_parked(struct arm_machine *m, unsigned cpu);

/* Does one that stands do so for an exception that says that something is wrong, or that nothing
 * handles? A program may end like this, too. @alone: no other CPU runs, and what came before may be
 * looked for. */
bool death_halts_for_fault(struct arm_machine *m, const struct run_request *req, unsigned cpu,
                           bool alone);

/* Does @cpu stand at a vector that has faulted itself? What is interrupted there by another EL goes
 * round for ever too. */
bool death_faults_at_vector(struct arm_machine *m, unsigned cpu);
