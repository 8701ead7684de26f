/*
 * CPUs that run at the same time, a host thread each: --parallel (docs/decisions/077).
 *
 * The lock of the machine is held by whoever is in it: a CPU's thread that is not executing guest
 * code, or the thread that called arm_run(), which is the host's side. `current` of the machine is
 * the CPU whose thread holds it, NULL for the host's side.
 */
#pragma once

#include "cpu/parallel.h"
#include "machine/machine.h"

struct parallel;

/* What CPUs are created with. */
extern const struct cpu_parallel parallel_of_cpus;

/* For a machine of m->cpu_count CPUs, which need not be there yet; its log is taken over. Return 0
 * or -ARM_Exxx. */
int parallel_create(struct arm_machine *m, struct arm_error *err)
    __attribute__((warn_unused_result));
void parallel_destroy(struct parallel *p);

/* As machine_run() of CPUs that take turns: until a stop, or until about @goal of m->spent. */
enum arm_stop_reason parallel_run(struct arm_machine *m, uint64_t goal);

/* Real time in virtual time's place: it passes while the machine runs. */
uint64_t parallel_progress_ns(const struct arm_machine *m);

/* With the machine's lock: until it is given back no CPU executes. */
void parallel_alone(struct arm_machine *m);

/* The same from wherever the calling thread is; and back. */
void parallel_enter_alone(struct arm_machine *m);
void parallel_leave(struct arm_machine *m);

/* With the lock: input @pin of @cpu (bits of enum parallel_pin) is @level from now on. */
enum parallel_pin { PIN_IRQ = 1, PIN_FIQ = 2, PIN_VIRQ = 4, PIN_VFIQ = 8 };
void parallel_set_pin(struct arm_machine *m, struct cpu *cpu, enum parallel_pin pin, bool level);

/* With the lock: CPUs that wait look again whether they have to, and the host's side at its
 * deadlines. */
void parallel_wake(struct arm_machine *m, struct cpu *cpu);
void parallel_rescheduled(struct arm_machine *m);
