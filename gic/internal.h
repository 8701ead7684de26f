/* What the files of gic/ share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/intid.h"
#include "base/bits.h"
#include "base/device.h"
#include "base/pace.h"
#include "gic/gic.h"

#define PRIVATE_COUNT INTID_SPI /* SGIs 0..15 and PPIs 16..31, banked by CPU */
#define SGI_MASK      UINT32_C(0xffff)
#define SPI_BANKS     31

#define INTID_NONE      1023
#define INTID_SECURE    1020
#define INTID_NONSECURE 1021

#define PRIO_IDLE   0xff /* running priority when nothing is active */
#define TARGET_NONE 0xffff

#define GICD_CTLR_EnableGrp0  BIT(0)
#define GICD_CTLR_EnableGrp1  BIT(1)
#define GICD_CTLR_EnableGrp1S BIT(2) /* the next ones as Secure accesses see them */
#define GICD_CTLR_ARE         BIT(4)
#define GICD_CTLR_ARE_NS      BIT(5)
#define GICD_CTLR_DS          BIT(6)

#define GICR_CTLR_EnableLPIs BIT(0)
#define GICR_CTLR_CES        BIT(1) /* EnableLPIs may be cleared */
#define GICR_CTLR_DPG0       BIT(24)
#define GICR_CTLR_DPG1NS     BIT(25)
#define GICR_CTLR_DPG1S      BIT(26)

#define IROUTER_IRM BIT(31)

#define GIC_IIDR UINT32_C(0x43b) /* JEP106 code of Arm, as software expects of a GICv3 */

/* 32 interrupts, bit n of a word and prio[n] for interrupt n of the bank. */
struct irq_bank {
    uint32_t valid;      /* implemented ones; constant */
    uint32_t fixed_edge; /* SGIs, whose configuration is read-only; constant */
    uint32_t level;      /* input lines */
    uint32_t group;      /* 1: group 1, Non-secure if there are two Security states */
    uint32_t grpmod;     /* then, where group is 0: 1: Secure group 1 */
    uint32_t enable;
    uint32_t edge;    /* 1: edge-triggered */
    uint32_t latch;   /* pending by an edge, an SGI, or a write to ISPENDR */
    uint32_t message; /* level-sensitive ones held pending by SETSPI */
    uint32_t active;
    uint8_t prio[32];
};

/* Groups by number. With one Security state there is no GROUP_1S, and GROUP_1 is just group 1. */
#define GROUP_0    0
#define GROUP_1    1
#define GROUP_1S   2
#define GIC_GROUPS 3

static inline unsigned bank_group(const struct irq_bank *b, unsigned n)
{
    return bit(b->group, n) ? GROUP_1 : bit(b->grpmod, n) ? GROUP_1S : GROUP_0;
}

/* IHI0069 4.1.2: a level-sensitive interrupt is pending as long as its input is asserted. */
static inline uint32_t bank_pending(const struct irq_bank *b)
{
    return b->latch | ((b->level | b->message) & ~b->edge);
}

/* The part of a CPU interface that the physical and the virtual one have in common. */
struct gic_if {
    uint32_t apr[GIC_GROUPS][4]; /* active priorities by group: AP0R<n>, AP1R<n> */
    uint8_t bpr[GIC_GROUPS];     /* binary points by group, as read */
    uint8_t pmr;
    bool cbpr, eoimode;
    bool cbpr_s, eoimode_s, eoimode_el3; /* the Secure copies, and EL3's */
    bool enable[GIC_GROUPS];             /* IGRPEN0, IGRPEN1 */
    bool ackctl, fiqen; /* GICC_CTLR's of a GICv2; ICH_VMCR_EL2.VAckCtl and VFIQEn, if !sre */
    uint8_t prebits;    /* preemption bits, 5..7; constant */
};

/* Highest-priority pending interrupt forwarded to a CPU. */
struct gic_hppi {
    uint32_t intid; /* INTID_NONE if there is none */
    uint16_t prio;  /* 0x100 if there is none */
    uint8_t group;
};

#define LPI_ID_BITS       16 /* GICD_TYPER.IDbits + 1 */
#define LPI_WORDS         ((1u << LPI_ID_BITS) / 64)
#define LPI_SUMMARY_WORDS (LPI_WORDS / 64)

/* LPIs of a redistributor; lpi.c. */
struct gic_lpis {
    bool on;        /* GICR_CTLR.EnableLPIs */
    bool zeroed;    /* GICR_PENDBASER.PTZ was written since */
    bool stale;     /* best is to be computed again */
    uint32_t limit; /* INTIDs below it exist; 0 while not on */
    uint64_t propbaser, pendbaser;
    struct gic_hppi best;                /* the next one to forward */
    uint64_t summary[LPI_SUMMARY_WORDS]; /* words of pending[] that are not 0 */
    uint64_t pending[LPI_WORDS];         /* bit n % 64 of word n / 64: INTID n */
};

struct gic_cpu {
    struct device redist; /* first member: device functions cast */
    struct gic *gic;
    unsigned index;
    uint32_t affinity; /* Aff3.Aff2.Aff1.Aff0, a byte each */

    struct irq_bank bank; /* SGIs and PPIs */
    uint32_t gicr_ctlr;
    bool asleep; /* GICR_WAKER.ProcessorSleep */

    struct gic_if phys, virt;
    struct gic_hppi hppi;
    struct gic_lpis lpi;

    bool el3, secure_below, fiq_to_el3; /* gic_cpu_security() */

    uint32_t ich_hcr;
    bool sre;             /* ICC_SRE_EL1.SRE: the guest uses system registers, not GICV */
    uint8_t sgi_from[16]; /* of a GICv2: CPUs from which SGIs are pending */
    uint64_t lr[GIC_LRS_MAX];
    int hppvi; /* list register of the highest-priority pending virtual interrupt, -1 if none */

    bool irq, fiq, virq, vfiq; /* current levels of the pins */
    struct gic_pins pins;
};

/* The interrupt translation service; its.c, gits.c. */
struct gic_its {
    struct device dev; /* first member: device functions cast */
    struct gic *gic;
    bool enabled;
    bool stalled; /* GITS_CREADR.Stalled */
    uint64_t cbaser;
    uint32_t cwriter, creadr; /* offsets into the queue */
    struct pace pace;
    uint64_t baser[2]; /* by enum its_table */
};

struct gic {
    struct device dist; /* first member: device functions cast */
    struct gic_its its;
    struct device gicv;
    struct device gicc, gich, v2m; /* of a GICv2 */
    struct physmem *mem;           /* NULL: no ITS and no LPIs */
    const struct arm_log *log;
    struct probes *probes;
    unsigned cpus, spis, lr_count, pribits;
    bool id24, v2_guests;
    bool v2; /* it is a GICv2 */
    bool two_states;
    unsigned (*accessing_cpu)(void *ctx);
    void *accessing_ctx;

    uint32_t ctlr; /* GICD_CTLR.EnableGrp<n> */
    struct irq_bank spi[SPI_BANKS];
    uint32_t spi_ready; /* banks of spi[] with something enabled, pending and not active */
    uint64_t irouter[SPI_BANKS * 32];
    uint16_t target[SPI_BANKS * 32];   /* CPU that irouter names, TARGET_NONE: no such CPU */
    uint8_t itargetsr[SPI_BANKS * 32]; /* of a GICv2 */
    uint32_t any[SPI_BANKS];           /* 1 of N: IROUTER.Interrupt_Routing_Mode is set */
    uint32_t any_ready;                /* banks with something ready that is 1 of N */

    struct gic_cpu cpu[];
};

extern const struct device_ops gicd_ops, gicr_ops, gits_ops, gicv_ops;
extern const struct device_ops gicd2_ops, gicc_ops, gich_ops, gicv2m_ops; /* of a GICv2 */

#define GIC_ID_OFFSET 0xffd0 /* of the identification registers, in each frame that has them */
#define GIC_400_PART  0x90
uint64_t gic_id_register(uint64_t offset, uint8_t part, unsigned revision);

/* gic.c */
struct gic_cpu *gic_accessing_cpu(struct gic *gic);

/* Is @c, which accesses, in Secure state? Differs: of accesses to memory the CPU's state counts,
 * not the address space. With one Security state everybody sees everything. */
static inline bool gic_sees_all(const struct gic_cpu *c)
{
    return !c->gic->two_states || c->el3 || c->secure_below;
}

/* ICC_ registers of group 1 are banked by SCR_EL3.NS, at EL3 too. */
static inline unsigned gic_group1_of(const struct gic_cpu *c)
{
    return c->gic->two_states && c->secure_below ? GROUP_1S : GROUP_1;
}

/* Priorities as Non-secure state has them: the lower half, shifted (IHI0069 4.8.1). In ICC_
 * registers only while FIQs are EL3's. */
static inline bool gic_shifts_priorities(const struct gic_cpu *c)
{
    return !gic_sees_all(c) && c->fiq_to_el3;
}

static inline uint8_t prio_to_ns(uint8_t prio)
{
    return prio & 0x80 ? (uint8_t)(prio << 1) : 0;
}

static inline uint8_t prio_from_ns(uint64_t value)
{
    return (uint8_t)((value & 0xff) >> 1 | 0x80);
}

/* dist.c: state of interrupts, routing, and what is forwarded to CPUs. */

/* The bank of @intid as @c sees it, and its bit in @one; NULL if there is no such interrupt. */
struct irq_bank *gic_bank(struct gic_cpu *c, uint32_t intid, uint32_t *one);

/* The priorities of a physical interface changed: recompute its pins, and where 1-of-N interrupts
 * go. */
void gic_update_interface(struct gic_cpu *c);

/* Recompute what is forwarded to a CPU, and its pins. */
void gic_update_cpu(struct gic_cpu *c);
void gic_update_all(struct gic *gic);

/* Which banks of SPIs have something ready, from their state alone. */
void gic_update_ready(struct gic *gic);

/* Something about @intid changed: recompute for @c or, if it is an SPI, the CPU it is routed to. */
void gic_update_irq(struct gic_cpu *c, uint32_t intid);

/* The same where it was that of @c to be signalled, and the active priorities of @c changed too. */
void gic_update_acknowledged(struct gic_cpu *c, uint32_t intid);

/* IROUTER of SPI number @n was written. */
void gic_route_spi(struct gic *gic, unsigned n);

void gic_set_input(struct gic_cpu *c, uint32_t intid, bool level);

/* Clear the active state; INTIDs that do not exist are ignored. */
void gic_deactivate(struct gic_cpu *c, uint32_t intid);

void gic_set_pin(bool *current, const struct irq_line *pin, bool level);

/* The CPU that SPI number @n goes to, TARGET_NONE if none. */
unsigned gic_spi_target(const struct gic *gic, unsigned n);

/* tell.c: events. Each costs a bit test where nobody wants it. */

static inline bool gic_wants(const struct gic *gic, enum arm_event_kind kind)
{
    return gic->probes && probe_wanted(gic->probes, kind);
}

void gic_tell_wanted(const struct gic_cpu *c, uint32_t intid, unsigned change, bool virt);

/* @intid has changed; @change: ARM_IRQ_xxx. @c: whose it is, unless it is an SPI. */
static inline void gic_tell(const struct gic_cpu *c, uint32_t intid, unsigned change, bool virt)
{
    if (gic_wants(c->gic, ARM_EVENT_IRQ))
        gic_tell_wanted(c, intid, change, virt);
}

/* What interrupts of a bank are, and telling which of them, from @first on, have changed since. */
struct irq_states {
    uint32_t pending, active;
};

static inline struct irq_states gic_states(const struct irq_bank *b)
{
    return (struct irq_states){bank_pending(b) & b->valid, b->active};
}

void gic_tell_states_wanted(const struct gic_cpu *c, const struct irq_bank *b, uint32_t first,
                            const struct irq_states *before);

static inline void gic_tell_states(const struct gic_cpu *c, const struct irq_bank *b,
                                   uint32_t first, const struct irq_states *before)
{
    if (gic_wants(c->gic, ARM_EVENT_IRQ))
        gic_tell_states_wanted(c, b, first, before);
}

/* The registers of a CPU's interfaces that change by themselves, for ARM_EVENT_HWREG, if it is
 * wanted: taken before something is done, and compared behind it. @named: the register that was
 * written, which is no such change. @cause: ARM_HW_xxx. */
#define GIC_SHOT_REGS (GIC_LRS_MAX + 2 * 8 + 2)

struct gic_shot {
    uint64_t value[GIC_SHOT_REGS];
};

void gic_shot_take(const struct gic_cpu *c, struct gic_shot *shot);
void gic_shot_tell(const struct gic_cpu *c, const struct gic_shot *shot, enum sysreg named,
                   unsigned cause);

/*
 * lpi.c. Functions that change pending LPIs or drop what is cached about them leave it to the
 * caller to call gic_update_cpu(); LPIs that do not exist are ignored.
 */
void gic_lpi_rescan(struct gic_cpu *c);     /* what lpi.best is, which is stale */
void gic_lpi_invalidate(struct gic_cpu *c); /* configuration bytes may have changed */
bool gic_lpi_pending(const struct gic_cpu *c, uint32_t intid);

static inline const struct gic_hppi *gic_lpi_next(struct gic_cpu *c)
{
    if (c->lpi.stale)
        gic_lpi_rescan(c);
    return &c->lpi.best;
}

/* The LPI's configuration byte, 0 if the table is not RAM. False: there is no such LPI. */
bool gic_lpi_config(const struct gic_cpu *c, uint32_t intid, uint8_t *config);
void gic_lpi_set(struct gic_cpu *c, uint32_t intid);
void gic_lpi_clear(struct gic_cpu *c, uint32_t intid);
void gic_lpi_take(struct gic_cpu *c, uint32_t intid); /* as clear, but acknowledged */
void gic_lpi_move_all(struct gic_cpu *from, struct gic_cpu *to);
void gic_lpi_enable(struct gic_cpu *c, bool on); /* GICR_CTLR.EnableLPIs was written */
void gic_lpi_reset(struct gic_cpu *c);

/* For a snapshot: nothing is pending; word @w of pending[] has been set. */
void gic_lpi_clear_words(struct gic_lpis *l);
void gic_lpi_summarize(struct gic_lpis *l, unsigned w);

/* its.c: tables, translation and commands. */
#define ITS_ID_BITS         16 /* of DeviceIDs, EventIDs and ICIDs */
#define ITS_ENTRY_BYTES     8  /* of each table */
#define ITS_VALID           BIT(63)
#define GITS_CBASER_ADDRESS MASK(51, 12)
#define GITS_BASER_Indirect BIT(62)
#define ITS_OFFSET_FIELD    MASK(19, 5) /* GITS_CWRITER, GITS_CREADR */

enum its_table { TABLE_DEVICES, TABLE_COLLECTIONS }; /* n of GITS_BASER<n> */

void its_run_queue(struct gic_its *its); /* what CREADR, CWRITER or the enable bit allow now */
void its_go_on(void *its, uint64_t now_ns);
void its_message(struct gic_its *its, uint32_t device, uint32_t event);

/* gits.c */
void gic_its_reset(struct gic_its *its);

/*
 * arrays.c: registers that hold a field for each interrupt. banks[0] is the array's bank number
 * @first; fields of banks outside first..first+count-1 are RAZ/WI.
 */
struct irq_banks {
    struct gic_cpu *c; /* whose they are, any one for SPIs */
    struct irq_bank *banks;
    unsigned first, count;
    uint8_t prio_mask; /* implemented priority bits */
    bool nonsecure;    /* the access sees Non-secure group 1 only */
};

uint64_t gic_array_read(struct irq_banks of, unsigned offset, unsigned size);
void gic_array_write(struct irq_banks of, unsigned offset, unsigned size, uint64_t value);

/* icc.c: the physical interface. */
uint32_t icc_acknowledge(struct gic_cpu *c, unsigned group);
uint32_t icc_special(const struct gic_cpu *c,
                     unsigned group); /* instead of another group's INTID */
void icc_end(struct gic_cpu *c, unsigned group, uint32_t intid);
void icc_deactivate(struct gic_cpu *c, uint32_t intid);
void icc_send_sgi(struct gic_cpu *c, unsigned group, uint64_t value);

/* icv.c: the virtual interface. */
uint32_t icv_acknowledge(struct gic_cpu *c, unsigned group);
void icv_end(struct gic_cpu *c, unsigned group, uint32_t intid);
void icv_deactivate(struct gic_cpu *c, uint32_t intid);
uint32_t icv_hppir(const struct gic_cpu *c, unsigned group);
int icv_signalled_group(const struct gic_cpu *c);             /* -1: nothing is signalled */
unsigned icv_active_group(struct gic_cpu *c, uint32_t intid); /* 0 if it is not active */

/* Recompute hppvi, the virtual pins and the maintenance interrupt. */
void icv_update(struct gic_cpu *c);

/* ich.c: the hypervisor's control registers. */
#define ICH_HCR_En       BIT(0)
#define ICH_HCR_UIE      BIT(1)
#define ICH_HCR_LRENPIE  BIT(2)
#define ICH_HCR_NPIE     BIT(3)
#define ICH_HCR_VGrp0EIE BIT(4)
#define ICH_HCR_VGrp0DIE BIT(5)
#define ICH_HCR_VGrp1EIE BIT(6)
#define ICH_HCR_VGrp1DIE BIT(7)
#define ICH_HCR_TC       BIT(10)
#define ICH_HCR_TALL0    BIT(11)
#define ICH_HCR_TALL1    BIT(12)
#define ICH_HCR_TDIR     BIT(14)
#define ICH_HCR_EOIcount MASK(31, 27)

#define LR_PENDING BIT(62)
#define LR_ACTIVE  BIT(63)
#define LR_STATE   MASK(63, 62)
#define LR_HW      BIT(61)
#define LR_EOI     BIT(41) /* HW == 0 only */

static inline uint32_t lr_vintid(uint64_t lr)
{
    return (uint32_t)lr;
}

static inline uint32_t lr_pintid(uint64_t lr)
{
    return (uint32_t)bits(lr, 44, 32);
}

static inline uint8_t lr_priority(uint64_t lr)
{
    return (uint8_t)bits(lr, 55, 48);
}

static inline unsigned lr_group(uint64_t lr)
{
    return bit(lr, 60);
}

uint32_t ich_eisr(const struct gic_cpu *c);
uint32_t ich_elrsr(const struct gic_cpu *c);
uint32_t ich_misr(const struct gic_cpu *c);
uint64_t ich_vmcr(const struct gic_cpu *c);

/* One access through a row of cpuif.def or cpuif_mmio.def, for the accessors it names. */
struct cpuif_reg {
    struct gic_cpu *c;
    struct gic_if *f; /* c->virt or c->phys, by @virt */
    unsigned n;       /* the row's */
    bool virt;        /* an ICC_ name that means ICV_ */
};

/* Write-only and read-only registers: the caller has refused the access, or there it is RAZ/WI. */
static inline uint64_t not_read(struct cpuif_reg r)
{
    (void)r;
    return 0;
}

static inline void not_written(struct cpuif_reg r, uint64_t value)
{
    (void)r;
    (void)value;
}

/* cpuif.c: what registers of the system and those in memory have in common. */
uint64_t cpuif_read_pmr(struct cpuif_reg r);
uint64_t cpuif_read_rpr(struct cpuif_reg r);
uint64_t cpuif_read_apr(struct cpuif_reg r);
void cpuif_write_pmr(struct cpuif_reg r, uint64_t value);
void cpuif_write_apr(struct cpuif_reg r, uint64_t value);
void cpuif_changed(struct cpuif_reg r); /* what is signalled is to be found anew */

uint64_t ich_read_hcr(struct cpuif_reg r);
uint64_t ich_read_vtr(struct cpuif_reg r);
uint64_t ich_read_misr(struct cpuif_reg r);
uint64_t ich_read_eisr(struct cpuif_reg r);
uint64_t ich_read_elrsr(struct cpuif_reg r);
uint64_t ich_read_vmcr(struct cpuif_reg r);
uint64_t ich_read_lr(struct cpuif_reg r);
void ich_write_hcr(struct cpuif_reg r, uint64_t value);
void ich_write_vmcr(struct cpuif_reg r, uint64_t value);
void ich_write_lr(struct cpuif_reg r, uint64_t value);

static inline uint32_t gic_intid_mask(const struct gic *gic)
{
    return gic->id24 ? UINT32_C(0xffffff) : UINT32_C(0xffff);
}

static inline uint8_t gic_prio_mask(unsigned pribits)
{
    return (uint8_t)(0xff << (8 - pribits));
}
