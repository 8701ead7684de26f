/*
 * The generic timers of one CPU (DDI0487 D11): four timers and that of Secure state, two counters,
 * the event stream.
 */
#pragma once

#include "cpu/cpu.h"

/* Nanoseconds of virtual time per tick of the system counter: CNTFRQ_EL0 is 62.5 MHz. */
#define TIMER_NS_PER_TICK 16

enum cpu_timer { TIMER_P, TIMER_V, TIMER_HP, TIMER_HV, TIMER_S, TIMER_COUNT };
_Static_assert((int)TIMER_COUNT == CPU_TIMERS, "struct cpu has room for each");

/* Once per CPU: registers its events with cpu->clock. */
void cpu_timers_create(struct cpu *cpu);

/* Something the timers depend on changed (CTL, CVAL, an offset, HCR_EL2): set
 * lines and deadlines. */
void cpu_timers_changed(struct cpu *cpu);

/* sr_read_CNT_COUNT() of the CPU that runs, where CPUs take turns: time is in its own count, and it
 * need not ask the machine. */
uint64_t cpu_counter_running(const struct cpu *cpu, enum sysreg sr);

/* Has one of the event streams ticked since the last call (or since the CPU was created)? */
bool cpu_event_stream_ticked(struct cpu *cpu);

/* Virtual time of the next tick of an event stream, CLOCK_NEVER if both are off. */
uint64_t cpu_event_stream_next_ns(const struct cpu *cpu);
