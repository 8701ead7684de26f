/*
 * CPUs that run at the same time, a host thread each (docs/decisions/077). What is a CPU's own (its
 * registers, TLB, decoded pages, blocks) its thread uses without a lock. Everything else but RAM
 * (devices, the GIC, the clock) is the machine's, under one lock. Whoever changes what is another
 * CPU's own first makes sure that none executes: each is stopped between two slices, or where it
 * waits for the lock.
 *
 * So an instruction may find, once it has the lock, that its TLB is not what it was. What it has
 * looked up before is to be looked up again.
 *
 * Where CPUs take turns all of this does nothing.
 */
#pragma once

#include "base/ram_access.h"
#include "cpu/cpu.h"

static inline bool cpu_is_parallel(const struct cpu *cpu)
{
    return unlikely(cpu->env.parallel != NULL);
}

/* Take the machine's lock. Before it is given back the CPU's thread may take it again. */
static inline void cpu_lock(struct cpu *cpu)
{
    if (cpu_is_parallel(cpu))
        cpu->env.parallel->lock(cpu->env.ctx, cpu->index);
}

static inline void cpu_unlock(struct cpu *cpu)
{
    if (cpu_is_parallel(cpu))
        cpu->env.parallel->unlock(cpu->env.ctx, cpu->index);
}

/* The same, and until cpu_unlock() no other CPU executes. */
static inline void cpu_lock_alone(struct cpu *cpu)
{
    if (cpu_is_parallel(cpu)) {
        cpu->env.parallel->lock(cpu->env.ctx, cpu->index);
        cpu->env.parallel->alone(cpu->env.ctx);
    }
}

/* Have @cpu, which may be another one, look at @what (CPU_ASK_xxx) in its own thread. False: CPUs
 * take turns, so the caller may do it. */
static inline bool cpu_asked(struct cpu *cpu, unsigned what)
{
    if (!cpu_is_parallel(cpu))
        return false;
    cpu->env.parallel->ask(cpu->env.ctx, cpu->index, what);
    return true;
}

/* A barrier that orders an earlier store with a later load: the one that x86-64 does not keep
 * by itself. */
static inline void cpu_fence(const struct cpu *cpu)
{
    if (cpu_is_parallel(cpu))
        ram_fence();
}
