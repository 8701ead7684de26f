/* The physical GICv3 (IHI0069), as the hypervisor uses it: EOImode 1, so that dropping
 * the priority of an interrupt and deactivating it are two steps and the second can be
 * the guest's (ICH_LR.HW). */
#pragma once

#include "arch/ppi.h"
#include "hyp/cpu.h"

enum {
    SGI_KICK = 0, /* look at what has changed for you */
    SGI_CALL = 1, /* run what smp_call() left */
    SGI_RENDEZVOUS = 2,
};

/* The frames: distributor, redistributors (one region), and GICV, 0 if there is none. */
struct gic_frames {
    uint64_t dist, redist, redist_size, gicv;
};
extern struct gic_frames gic_frames;

void gic_init(void);     /* once */
void gic_init_cpu(void); /* on each CPU */

void gic_kick(const struct pcpu *cpu);
void gic_send(const struct pcpu *cpu, unsigned sgi);

/* An SPI, level-sensitive, to this CPU. */
void gic_enable_spi(unsigned intid);

/* The active state of a PPI of this CPU. */
void gic_set_active(unsigned ppi, bool active);

/* All pending interrupts of this CPU, with interrupts masked; from the IRQ vector. */
void gic_handle(void);

/* Deactivate: for an interrupt whose second step is ours after all. */
void gic_deactivate(unsigned intid);
