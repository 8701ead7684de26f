/*
 * Timers of guests. The virtual timer is the CPU's own: it counts against CNTVOFF_EL2 while the
 * virtual CPU is loaded, and its interrupt becomes the guest's PPI 27. When the virtual CPU sleeps
 * a software timer wakes it. The physical timer is emulated: EL2 keeps its registers and a software
 * timer.
 */
#pragma once

#include "hyp/lock.h"
#include "hyp/sched.h"

struct vcpu;

struct vtimer {
    uint64_t ctl, cval; /* virtual: while it is not loaded; physical: always */
    struct soft_timer soft;
    struct lock lock; /* physical: the guest and its software timer may come on two CPUs */
};

void vtimer_init(struct vcpu *v);
void vtimer_load(struct vcpu *v);
void vtimer_put(struct vcpu *v);

/* PPI 27 on this CPU. True if the deactivation is ours: nobody's timer. */
bool vtimer_irq(void);

/* The virtual CPU is about to sleep: be woken when its timer is due. False: it is due already. */
bool vtimer_sleep(struct vcpu *v);

/* A trapped access to CNTP_*_EL0: true if it is one. */
bool vtimer_trap(struct vcpu *v, uint16_t enc, bool write, unsigned rt);
