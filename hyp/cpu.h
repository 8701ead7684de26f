/* A physical CPU: what belongs to it while the hypervisor runs. TPIDR_EL2 points there. */
#pragma once

#include "hyp/context.h"
#include "hyp/fpsimd.h"
#include "hyp/hook.h"
#include "hyp/lock.h"
#include "hyp/s2_tables.h"
#include "hyp/stats.h"

#define CPUS_MAX   16
#define STACK_SIZE 16384

struct task;
struct vcpu;
struct soft_timer;

struct pcpu {
    unsigned index;
    uint64_t mpidr;
    uint64_t gicr; /* its redistributor */
    struct task *current, *idle;
    struct vcpu *loaded; /* whose load/put registers are in this CPU; NULL: nobody's */
    bool need_resched;
    struct context host;  /* EL1 and EL0 registers that are the host's own (hyp.sysregs=eager) */
    struct fp_cpu fp;     /* whose V registers are here */
    uint64_t ich_hcr;     /* ICH_HCR_EL2 as last written */
    unsigned lrs_written; /* list registers below it may be valid */
    struct soft_timer *timers;
    uint64_t timer_armed; /* CNTHP_CVAL_EL2; UINT64_MAX: off */
    uint64_t softirqs;
    uint64_t s2_epoch; /* hyp/s2_free.h; 0: not in a walk */
    struct s2_budget s2_budget;
    struct hook_seen hook;
    uint64_t stat[STAT_COUNT];
};

extern struct pcpu pcpus[CPUS_MAX];
extern unsigned pcpu_count;

/* The same on all CPUs, read at boot. */
struct cpu_limits {
    unsigned breakpoints, watchpoints, counters;
    unsigned lrs, priority_bits, preemption_bits; /* ICH_VTR_EL2 */
    bool tdir;                                    /* ICH_HCR_EL2.TDIR is there */
    unsigned vmid_bits;
};
extern struct cpu_limits cpu_limits;
extern struct features cpu_features;

static inline bool cpu_has(enum feature f)
{
    return has_feature(&cpu_features, f);
}

/* Fill cpu_limits and cpu_features from the ID registers. */
void cpu_probe(void);

#ifndef __aarch64__
struct pcpu *this_cpu(void);
#else
static inline struct pcpu *this_cpu(void)
{
    return (struct pcpu *)mrs(TPIDR_EL2);
}
#endif

/* Counting: anywhere, and where the CPU is at hand already, which saves the register access. */
#define STAT(name)         (this_cpu()->stat[STAT_##name]++)
#define STAT_ON(cpu, name) ((cpu)->stat[STAT_##name]++)
