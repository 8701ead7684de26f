/* Other CPUs: starting them, running something there. */
#pragma once

#include "hyp/cpu.h"

/* All CPUs of the device tree, at most opts.cpus, by PSCI CPU_ON; each ends in its idle loop. */
void smp_start(void);

/* Run fn(arg) on that CPU, in an interrupt, and wait for it. Interrupts must be enabled here,
 * unless it is this CPU. */
void smp_call(struct pcpu *cpu, void (*fn)(void *arg), void *arg);

/* SGI_CALL has come. */
void smp_called(void);

/* A CPU that has just come up: which it is; and that it is ready. */
struct pcpu *smp_arrive(void);
void smp_arrived(struct pcpu *cpu);
