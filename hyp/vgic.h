/*
 * The guest's interrupt controller, in parts:
 *
 * - hyp/vgic.c: what each virtual interrupt is (pending, active, enabled), and which of them are in
 *   list registers: flush before an entry, fold after an exit;
 * - hyp/vgic_if.c, the world switch: ICH_ registers between CPU and memory, nothing else;
 * - hyp/vgic_mmio.c, the emulated frames of distributor and redistributors; hyp/vits.c, the ITS;
 * - hyp/vgic_trap.c, the CPU interface by emulation, for hyp.gic_trap=on and trapped ICC_DIR_EL1.
 *
 * Between a fold and the next flush everything is in struct virq, so everybody else needs to know
 * of nothing else.
 */
#pragma once

#include "hyp/arch.h"
#include "hyp/lock.h"

#define SGIS         16
#define VGIC_PRIVATE 32
#define VGIC_SPIS    96 /* INTIDs 32 to 127 */
#define LRS_MAX      16
#define APRS_MAX     4

struct pcpu;
struct vcpu;
struct vm;
struct mmio;
struct vits;

struct virq {
    uint32_t intid;
    uint8_t priority;
    bool enabled, group1, edge;
    bool line;  /* level-sensitive: the device's line */
    bool latch; /* pending for another reason: an edge, an SGI, ISPENDR, a physical interrupt */
    bool active;
    bool hw;          /* `pintid` is physically active as long as this one is pending or active */
    bool in_lr;       /* the list registers have its state */
    bool lr_took;     /* and its latch */
    bool spilled;     /* active, and there was no list register for it */
    uint16_t sources; /* GICv2 SGIs: CPUs that have sent it and were not yet seen */
    uint8_t source;   /* and from which of them the active one is */
    uint32_t pintid;
    struct vcpu *target; /* NULL: nobody's */
    struct vcpu *queued; /* in whose queue it is; NULL */
    struct virq *next;
};

/* The virtual interface of one virtual CPU (IHI0069 9.4). */
struct vgic_if {
    uint64_t hcr, vmcr;
    uint64_t misr, eisr, elrsr; /* as read at the exit, with hyp.vgic=eager */
    uint64_t ap0r[APRS_MAX], ap1r[APRS_MAX];
    uint64_t lr[LRS_MAX]; /* list register n is at lr_slot(n) */
    unsigned used;        /* list registers below it are to be written */
    bool loaded;          /* ICH_VMCR and active priorities are in the CPU */
};

struct vgic_cpu {
    struct vgic_if hw;
    struct virq *in_lr[LRS_MAX];
    struct virq *queue; /* pending, active or in a list register; no order */
    struct virq private[VGIC_PRIVATE];
    bool redist_lpis; /* GICR_CTLR.EnableLPIs */
    uint64_t propbaser, pendbaser;
};

struct vgic {
    struct lock lock; /* all of the VM's virqs */
    uint32_t ctlr;    /* GICD_CTLR: EnableGrp0, EnableGrp1 */
    struct virq spi[VGIC_SPIS];
    struct vits *its;
};

/* Where list register n lies (hyp.lr_order): the thread's reverse order, or the plain one. */
static inline unsigned lr_slot(unsigned n, bool reverse)
{
    return reverse ? LRS_MAX - 1 - n : n;
}

#define LR_PENDING     BIT(62)
#define LR_ACTIVE      BIT(63)
#define LR_HW          BIT(61)
#define LR_GROUP1      BIT(60)
#define LR_PRIORITY(p) ((uint64_t)(p) << 48)
#define LR_PINTID(p)   ((uint64_t)(p) << 32)
#define LR_EOI         BIT(41) /* HW == 0: a maintenance interrupt when it is deactivated */
#define LR_SOURCE(cpu) ((uint64_t)(cpu) << 10)

#define ICH_HCR(field) FIELD_MASK(ICH_HCR_EL2_##field)
#define ICH_VMCR_EOIM  BIT(9)
#define ICH_VMCR_VENG0 BIT(0)
#define ICH_VMCR_VENG1 BIT(1)

/* Model. The flush fills hw.lr[] and hw.used and says in hw.hcr which maintenance interrupts are
 * wanted; the fold takes hw.lr[] back. Both with interrupts masked, on the CPU that runs @v. */
void vgic_init(struct vm *vm);
void vgic_init_cpu(struct vcpu *v);
void vgic_flush(struct vcpu *v);
void vgic_fold(struct vcpu *v);

/* Is there something that would end a WFI? */
bool vgic_has_pending(struct vcpu *v);

struct virq *vgic_irq(struct vcpu *v, uint32_t intid); /* NULL: there is no such interrupt */
void vgic_set_line(struct vcpu *v, uint32_t intid, bool level);
void vgic_latch(struct vcpu *v, uint32_t intid);
void vgic_send_sgi(struct vcpu *from, uint64_t sgi1r, bool group1);

/* After a change of a virq's state, with the lock held: into or out of queues, and
 * who must look. */
void vgic_update(struct virq *irq);

/* Deactivate, with the lock held: an EOI or DIR that no list register saw. */
void vgic_deactivate(struct vcpu *v, struct virq *irq);

/* The physical virtual-timer interrupt stays active as long as the virtual one is; the two part at
 * put and meet at load. */
void vgic_load_hw(struct vcpu *v);
void vgic_put_hw(struct vcpu *v);

/* World switch. */
void vgic_if_load(struct pcpu *cpu, struct vgic_if *c);
void vgic_if_put(struct pcpu *cpu, struct vgic_if *c);
void vgic_if_enter(struct pcpu *cpu, struct vgic_if *c);
void vgic_if_exit(struct pcpu *cpu, struct vgic_if *c);
uint64_t lr_read(unsigned n);
void lr_write(unsigned n, uint64_t v);

/* A maintenance interrupt was taken at EL2. */
void vgic_maintenance(void);

/* Frames: true if the address is one of theirs. */
bool vgic_mmio(struct vcpu *v, struct mmio *m);

/* A trapped access to ICC_ registers: true if it is one. */
bool vgic_trap(struct vcpu *v, uint16_t enc, bool write, unsigned rt);
