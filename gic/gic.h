/*
 * The interrupt controller: a GICv3 (IHI0069) with one security state (GICD_CTLR.DS == 1) or two,
 * affinity routing always on, and an ITS with LPIs; and its CPU interfaces, physical and virtual,
 * which CPUs reach as system registers. Group 0 interrupts leave as FIQ, group 1 interrupts as IRQ;
 * of two Security states the other one's group 1 as FIQ.
 *
 * Or a GICv2 (IHI0048B.b) without the Security Extensions, as a GIC-400: no redistributors, ITS
 * and system registers, but GICC, GICH and GICV in memory, and a GICv2m frame.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/sysreg.h"
#include "base/device.h"
#include "base/error.h"
#include "base/irq.h"
#include "base/log.h"
#include "base/probe.h"

struct clock;
struct gic;
struct physmem;
struct state_io;

#define GIC_CPUS_MAX      512
#define GICV2_CPUS_MAX    8
#define GIC_SPIS_MAX      988 /* INTIDs 32..1019 */
#define GIC_LRS_MAX       16
#define GICD_WINDOW_BYTES 0x10000
#define GICR_WINDOW_BYTES 0x20000 /* two frames a CPU: RD_base, SGI_base */
#define GITS_WINDOW_BYTES 0x20000 /* control and translation frames */
#define GICV_WINDOW_BYTES 0x2000
#define GICV2M_FIRST      80 /* INTIDs of the SPIs that messages make: QEMU's virt has the same */
#define GICV2M_COUNT      64

struct gic_config {
    unsigned cpus;         /* 1..GIC_CPUS_MAX */
    const uint64_t *mpidr; /* MPIDR_EL1 of each CPU, all affinities different; copied */
    unsigned spis;         /* 1..GIC_SPIS_MAX; QEMU's virt has 256 */
    unsigned lr_count;     /* list registers, 1..GIC_LRS_MAX; 0: 4 */
    unsigned pribits;      /* priority bits, 5..8; 0: 5 */
    unsigned prebits; /* virtual preemption bits, 5..7, at most pribits; 0: 5. Physical ones are
                         as many as priority bits, at most 7. */
    bool id24;        /* CPU interfaces have 24-bit INTIDs, else 16 */
    bool v2_guests;   /* ICC_SRE_EL1.SRE is writable: with SRE == 0 a guest uses GICV */
    bool two_states;  /* two Security states, DS == 0 for ever; not of a GICv2 */
    bool v2;          /* a GICv2, for at most GICV2_CPUS_MAX CPUs; without mem */
    /* Which CPU makes the access that a device function is called for; needed with
     * v2_guests or v2. */
    unsigned (*accessing_cpu)(void *ctx);
    void *accessing_ctx;
    struct physmem *mem;       /* where the tables of the ITS and of LPIs are; must outlive the GIC.
                                  NULL: no ITS, no LPIs */
    struct clock *clock;       /* for the ITS's long command queues; same; needed with mem */
    const struct arm_log *log; /* must outlive the GIC */
    struct probes *probes;     /* same; may be NULL */
};

/* What a CPU's interfaces drive: level lines, set() only called when the level changes. */
struct gic_pins {
    struct irq_line irq, fiq, virq, vfiq;
};

/**
 * gic_create() - a GIC in its reset state, nothing connected, all inputs low.
 *
 * Return: the GIC, freed by gic_destroy(); NULL with *err filled if @cfg is out of range or there
 * is no memory.
 */
struct gic *gic_create(const struct gic_config *cfg, struct arm_error *err);
void gic_destroy(struct gic *gic);

/* Cold reset. Input lines keep the level their sources drive. */
void gic_reset(struct gic *gic);

/* What firmware that runs nothing Secure leaves, of two Security states: all is
 * Non-secure group 1. */
void gic_make_nonsecure(struct gic *gic);

/* The CPU is at EL3 now; below it is Secure (SCR_EL3.NS == 0); SCR_EL3.FIQ. Two Security states
 * only. */
void gic_cpu_security(struct gic *gic, unsigned cpu, bool el3, bool secure_below, bool fiq_to_el3);

/* Reset of one CPU: its ICC_ and ICH_ registers. Its redistributor keeps everything. */
void gic_reset_cpu_interface(struct gic *gic, unsigned cpu);

/* GICR_WAKER.ProcessorSleep, for firmware that powers a CPU on or off. */
void gic_sleep(struct gic *gic, unsigned cpu, bool sleep);

void gic_connect(struct gic *gic, unsigned cpu, const struct gic_pins *pins);

/* Inputs: SPI number @n (INTID 32 + n), n < spis; PPI @intid of @cpu, 16..31 but
 * for 25, which the GIC drives itself (maintenance interrupt). */
struct irq_line gic_spi_line(struct gic *gic, unsigned n);
struct irq_line gic_ppi_line(struct gic *gic, unsigned cpu, unsigned intid);

/* An interrupt waits that @cpu's redistributor would forward if the CPU was not asleep and its
 * interface had the group enabled (WakeRequest, for whoever has suspended the CPU). */
bool gic_wake_request(struct gic *gic, unsigned cpu);

/* Register windows. Redistributors are one device a CPU, to be mapped next to each other. */
struct device *gic_distributor(struct gic *gic);
struct device *gic_redistributor(struct gic *gic, unsigned cpu);

/* The ITS, NULL if there is none. */
struct device *gic_its(struct gic *gic);

/* GICV, the memory-mapped virtual CPU interface; NULL without v2_guests and v2. */
struct device *gic_virtual_interface(struct gic *gic);

/* Of a GICv2: the physical CPU interface, the control of the virtual one, the frame for messages;
 * NULL if it is none. */
struct device *gic_physical_interface(struct gic *gic);
struct device *gic_hypervisor_control(struct gic *gic);
struct device *gic_message_frame(struct gic *gic);

/* A message-signalled interrupt: device @device_id writes @event_id to GITS_TRANSLATER. */
void gic_msi(struct gic *gic, uint32_t device_id, uint32_t event_id);

/**
 * gic_cpuif_read() / gic_cpuif_write() - one access to an ICC_*, ICV_* or ICH_* register.
 * @sr:   a register for which gic_sysreg_implemented() holds.
 * @virt: an ICC_* name reaches the virtual interface (ICV_*); decided by HCR_EL2.{FMO,IMO}.
 *
 * Permissions and traps are the caller's. Reading IARs acknowledges.
 */
uint64_t gic_cpuif_read(struct gic *gic, unsigned cpu, enum sysreg sr, bool virt);
void gic_cpuif_write(struct gic *gic, unsigned cpu, enum sysreg sr, bool virt, uint64_t value);

/* False: not there, an access is UNDEFINED (list and active priorities registers
 * beyond the last). */
bool gic_sysreg_implemented(const struct gic *gic, enum sysreg sr);

/* Everything but who is connected to whom. The CPUs' pins are driven as they were. */
void gic_state(struct state_io *io, struct gic *gic);

/* Where a physical interrupt is, and what keeps it from the CPU. */
#define GIC_NO_CPU 0xffff
struct gic_irq {
    bool line, edge; /* its input is high; it is edge-triggered */
    bool pending, active, enabled;
    bool signalled; /* it is pending, and the GIC has nothing against it: IRQ, of group 0 FIQ */
    uint8_t group, priority;
    uint16_t cpu;   /* whose it is, or GIC_NO_CPU */
    char held[200]; /* what holds it back in the GIC; "": nothing, or it is not pending */
};

/* One of a list register. */
struct gic_virtual_irq {
    uint32_t intid;
    uint32_t physical; /* 0: none */
    bool pending, active, signalled;
    uint8_t group, priority;
    char held[200];
};

/* @intid as @cpu has it, if it is private. False: there is none. */
bool gic_irq_look(struct gic *gic, unsigned cpu, uint32_t intid, struct gic_irq *irq);

/* What list register @n of @cpu has; false: nothing, or there is none. */
bool gic_virtual_look(const struct gic *gic, unsigned cpu, unsigned n, struct gic_virtual_irq *irq);

/* State for people, a line at a time, no newlines. */
void gic_describe(const struct gic *gic, void (*line)(void *ctx, const char *text), void *ctx);
