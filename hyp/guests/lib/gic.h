/* GICv3 (IHI0069), by the device tree's addresses: affinity routing, everything in group 1; or
 * GICv2 (IHI0048), everything in group 0, where interrupts go to CPUs by the numbers in Aff0. */
#pragma once

#include "mmio.h"

#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_IGROUPR    0x0080
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_ISPENDR    0x0200
#define GICD_ICPENDR    0x0280
#define GICD_ISACTIVER  0x0300
#define GICD_ICACTIVER  0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR  0x0800 /* GICv2 */
#define GICD_ICFGR      0x0c00
#define GICD_SGIR       0x0f00 /* GICv2 */
#define GICD_IROUTER    0x6000
#define GICR_CTLR       0x0000
#define GICR_TYPER      0x0008
#define GICR_WAKER      0x0014
#define GICR_PROPBASER  0x0070
#define GICR_PENDBASER  0x0078
#define GICR_SGI        0x10000 /* the second frame: as GICD's first words */

#define IROUTER_ANY      BIT(31) /* Interrupt_Routing_Mode: 1 of N */
#define SPURIOUS         1023u
#define DEFAULT_PRIORITY 0xa0

/* The distributor; on each CPU its redistributor and CPU interface. */
void gic_init(void);
void gic_init_cpu(void);

/* Address of a CPU's redistributor. */
uint64_t gic_redistributor(unsigned cpu);

/* One bit of an interrupt: write it to a set or clear register, read it. SGIs and PPIs are this
 * CPU's. */
void gic_bit(unsigned reg, unsigned intid);
bool gic_test(unsigned reg, unsigned intid);
void gic_priority(unsigned intid, uint8_t priority);
uint8_t gic_priority_of(unsigned intid);
void gic_group(unsigned intid, unsigned group);
void gic_edge(unsigned intid, bool edge);
void gic_route(unsigned intid, uint64_t irouter);

/* GICD_CTLR.RWP and GICR_CTLR.RWP. */
void gic_wait(void);

/* The number of the first INTID behind the SPIs. */
unsigned gic_spi_end(void);

/* Bits of priority that are implemented, at the top of a byte. */
uint8_t gic_priority_mask(void);

/* Value of ICC_SGI1R_EL1 for one CPU. */
uint64_t gic_sgi_to(unsigned intid, unsigned cpu);
void gic_send_raw(uint64_t icc_sgi1r);
void gic_send(unsigned intid, unsigned cpu);
void gic_send_others(unsigned intid);

/* The INTID; of an SGI of a GICv2 without the sender, which the end of it says again. */
unsigned gic_acknowledge(void);
void gic_end(unsigned intid);

/* Only interrupts of a higher priority, a smaller number, are signaled. */
void gic_mask(uint8_t priority);

/* SGIs that the library sends, and those for a guest. */
enum { SGI_DISTURB = 0, SGI_GUEST = 1, SGI_KICK = 2, SGI_COUNT = 16 };
