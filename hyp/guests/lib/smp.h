/* All CPUs of the device tree. */
#pragma once

#include "guest.h"

/* Run fn(cpu) on all CPUs at once: on this one, CPU 0, too. Returns when all have; a CPU that makes
 * no progress for a minute of virtual time fails the guest. Its CPUs are then off again. */
void smp_run(void (*fn)(unsigned cpu));

/* Start one CPU that is off, at fn(arg) on its own stack with MMU and GIC on; PSCI's answer. fn may
 * return: the CPU is then switched off. */
int32_t smp_start(unsigned cpu, void (*fn)(uint64_t), uint64_t arg);

/* The same without CPU_ON: whoever comes to secondary_start with the value returned in X0 runs
 * fn(arg). */
uint64_t smp_prepare(unsigned cpu, void (*fn)(uint64_t), uint64_t arg);

/* Wait until AFFINITY_INFO says that a CPU is off. */
void smp_wait_off(unsigned cpu);

/* Say which round this CPU is in: its sign of life. */
void smp_progress(uint64_t round);

/* All CPUs wait for each other. */
void smp_barrier(void);

/* Wait for a word another CPU writes, failing with @what if it takes too long. */
void smp_wait(volatile uint64_t *word, uint64_t at_least, const char *what);
