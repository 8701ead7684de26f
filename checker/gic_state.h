/* The virtual CPU interface as the checker sees it, for the files that it is made of
 * (checker/gic*.c). */
#pragma once

#include <glib.h>

#include "arch/intid.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/unit.h"

#define LRS_MAX 16
#define APS_MAX 8 /* ICH_AP0R0 to 3, then ICH_AP1R0 to 3 */

/* ICH_LR<n>_EL2 */
#define LR_STATE(v)    bits(v, 63, 62) /* 0 invalid, 1 pending, 2 active, 3 both */
#define LR_HW(v)       bit(v, 61)
#define LR_GROUP(v)    bit(v, 60)
#define LR_PINTID(v)   bits(v, 44, 32)
#define LR_EOI(v)      bit(v, 41) /* of one that is not of hardware */
#define LR_PRIORITY(v) bits(v, 55, 48)
#define LR_VINTID(v)   bits(v, 31, 0)
#define VMCR_EOIM(v)   bit(v, 9)
#define VMCR_PMR(v)    bits(v, 31, 24)
#define VMCR_ENG1      BIT(1)
#define VMCR_CBPR(v)   bit(v, 4)
#define VMCR_BPR0(v)   bits(v, 23, 21)
#define VMCR_BPR1(v)   bits(v, 20, 18)
#define HCR_EN         BIT(0)
#define HCR_TC         BIT(10) /* what both groups have traps, ICC_DIR_EL1 too; */
#define HCR_TALL0      BIT(11) /* those of group 0; */
#define HCR_TALL1      BIT(12) /* of group 1; */
#define HCR_TDIR       BIT(14) /* ICC_DIR_EL1 alone */
#define HCR_EOICOUNT   MASK(31, 27)
#define VTR_LRS(v)     (unsigned)(bits(v, 4, 0) + 1)
#define VTR_PREBITS(v) (unsigned)(bits(v, 28, 26) + 1)

/* A register of a CPU that a world or EL2 has filled. */
struct gic_live {
    const struct world *owner; /* who left with it, and EL2 has not written it since */
    uint64_t entries;          /* which of its runs that was */
    struct site site;          /* where it left, or what has written it */
    bool unread;               /* EL2 has not looked since the exit */
};

struct gic_cpu {
    uint64_t entered; /* its count at the last entry */
    struct gic_live lr[LRS_MAX];
    uint64_t lr_at_exit[LRS_MAX];
    bool eoicount_unread; /* it is not 0 */
    uint64_t misr, eisr;  /* at the exit, while unread; 0: nothing to lose */
    struct site spoiled;  /* what has changed the former */
    struct site eisr_spoiled;
    bool enable_fixed;     /* ICC_SRE_EL2.Enable stays 1: RAO/WI */
    struct site elrsr;     /* ICH_ELRSR_EL2 was read since the last exit */
    struct site vmcr, sre; /* last written, changed, since the last exit; order by count */
    struct site ap1;       /* first write of one since the last exit, or the last turn */
    uint64_t ap0_written;  /* in this turn, by n */
    unsigned own_storm;    /* acknowledgements by EL2, one behind the other */
    unsigned acknowledged; /* the last one since the exit; 0: none */
};

/* An interrupt whose state was overwritten. */
struct gic_lost {
    uint64_t lr;
    unsigned n;
    struct site at, left;
};

#define HELD_MAX 32

/* An interrupt that its world has acknowledged and not ended, and its bit of the active
 * priorities. */
struct gic_active {
    uint64_t vintid;
    unsigned n; /* the list register that it was in */
    uint8_t ap, bit;
    bool out;   /* the world was entered with it in no list register, */
    bool ended; /* and has ended it since, which EOIcount tells */
    struct site left;
};

/* What a list register has said last of an interrupt that only its virtual CPU has. */
struct gic_private {
    bool known, group;
    uint8_t priority;
    uint64_t asked; /* how often the VM had asked for anything then, */
    bool counted;   /* and when it became pending: that is known, */
    uint64_t sent;
};

/* What is known of SGIs of one number that are for a world. */
struct gic_sent {
    const struct world *sender;    /* of the last one, which has not come yet; NULL: none */
    uint64_t entries;              /* the sender's, then */
    bool done;                     /* when this world left, EL2 had it in memory */
    const struct world *elsewhere; /* has sent one to others, since this world was entered */
    bool made;                     /* one came that nobody has sent: EL2 makes such */
    uint8_t strays;
};

#define OWED_MAX 16

/* An SGI, SPI, LPI or timer's PPI that EL2 has to put into a list register. */
struct gic_owed {
    uint64_t intid;
    const struct world *sender; /* an SGI, which this one has sent; NULL: it was in one before */
    uint64_t sent;              /* its entries then: EL2 may not have done it before the next; */
    uint64_t entries;           /* and the world's own */
    bool missed;                /* the world was entered without it, though there was room, */
    unsigned runs;              /* so often */
    struct site since;
};

/* How often a VM may have taken back interrupts: LPIs, or SGIs and PPIs; SPIs, whose lines are
 * devices', any VM may. */
struct gic_taken {
    uint64_t lpis, others, spis;
};

struct gic_world {
    bool valid;     /* it has left, and does not start anew */
    bool trapped;   /* by an access that EL2 emulates, to a register or to memory */
    unsigned storm; /* exits for one reason, while it has not executed an instruction */
    uint64_t ap[APS_MAX], vmcr;
    struct site left;
    unsigned lost_count, active_count;
    unsigned edge_count;         /* what was pending in list registers when it left, no PPIs: */
    uint64_t edges[LRS_MAX];     /* INTIDs, */
    unsigned edges_cpu;          /* on this CPU */
    struct gic_taken taken_back; /* by exits of this world */
    struct gic_taken taken_then; /* by all of the VM, before it left */
    struct gic_lost lost[LRS_MAX];
    struct gic_active active[HELD_MAX];
    unsigned split_count;              /* with EOImode set, what was active in list registers */
    uint64_t split[LRS_MAX];           /* when it left: as these read, */
    unsigned split_lr[LRS_MAX];        /* and which those were */
    struct gic_private own[INTID_SPI]; /* by INTID */
    uint32_t waiting;                  /* SGIs that it was entered with, pending, */
    uint32_t taken;                    /* and that it has acknowledged since */
    uint64_t asked;                    /* exits by calls, and by accesses that EL2 emulates; */
    bool asks;                         /* the last one was */
    unsigned owed_count;
    struct gic_owed owed[OWED_MAX];
    uint32_t delivered; /* SGIs and PPIs that were pending in a list register, of group 1, */
    struct gic_taken owed_taken; /* while these are the VM's counts; */
    uint32_t enabled, group1;    /* that the world has enabled, and put into group 1 */
    struct gic_sent sent[INTID_PPI];
    uint32_t had;                /* SGIs that were pending in list registers as it left; */
    bool unclear;                /* its VM may have asked for others since it was entered */
    uint64_t timer[REGS_TIMERS]; /* their control registers, as it has left them */
    bool masked[REGS_TIMERS];    /* by EL2, which makes the interrupt pending instead */
};

#define FRAMES_MAX 32

/* Offsets in a frame of a distributor or redistributor. Where both have an array of bits, it is at
 * one place, GICR_<name>0 being the first word of GICD_<name><n>; arrays have 128 bytes. */
#define GICD_CTLR       0
#define GICR_IGROUPR0   0x080
#define GICR_ISENABLER0 0x100
#define GICR_ICENABLER0 0x180
#define GICR_ICPENDR0   0x280
#define GICR_ISACTIVER0 0x300
#define GICR_ICACTIVER0 0x380
#define GICD_ITARGETSR  0x800
#define GIC_BITS_BYTES  0x80

/* A page of a VM that is a frame of its distributor or of a redistributor. */
struct gic_frame {
    unsigned vm;
    uint64_t page; /* of the virtual address */
};

struct gic {
    unsigned lrs, aps; /* how many there are; aps of each group */
    unsigned pre;      /* bits of preemption */
    bool mirrors;      /* EL2 does trapped accesses in ICH_VMCR_EL2, */
    bool counts;       /* and in the active priorities */
    struct gic_cpu *cpus;
    unsigned frame_count;
    struct gic_frame frames[FRAMES_MAX];
    GPtrArray *worlds; /* struct gic_world by index, NULL: none yet */
};

struct gic_world *gic_world_of(struct gic *u, const struct world *w);

/* The register of index @k among APS_MAX. */
static inline uint32_t gic_ap_number(unsigned k)
{
    return sysreg_number(k < 4 ? SR_ICH_AP0R0_EL2 : SR_ICH_AP1R0_EL2) + k % 4;
}

static inline uint32_t gic_lr_number(unsigned n)
{
    return sysreg_number(SR_ICH_LR0_EL2) + n;
}

/* GIC-STATE of register @number of @w, which @p enters. @at: where it was made so; or NULL. */
struct finding gic_finding(struct arm_checker *c, const struct world *w, uint32_t number,
                           const struct site *at, const struct arm_event *p);

/* What a world is entered with: reports. */
void gic_check_entry(struct arm_checker *c, struct gic *u, const struct world *w,
                     const struct arm_event *p);

/* ---- interrupts that come again and again (checker/gic_storm.c) ---- */

/* @w has left; gic_cpu.misr says what maintenance it asked for then. */
void gic_storm_left(struct arm_checker *c, struct gic *u, const struct world *w,
                    const struct arm_event *p);
/* EL2 has read ICC_IAR1_EL1. */
void gic_storm_acknowledged(struct arm_checker *c, struct gic_cpu *g, const struct arm_event *p);
/* A write of @sr may take the reason away. */
bool gic_storm_is_ended(enum sysreg sr);

/* ---- pending interrupts (checker/gic_pending.c) ---- */

/* As gic_active_left(). */
void gic_pending_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu);

/* Is a frame of the VM's GIC known: has it stored to one? */
bool gic_has_frame(const struct gic *u, const struct world *w);

/* What exits of the VM's virtual CPUs by accesses that EL2 emulates may have disabled, made not
 * pending or ended. */
struct gic_taken gic_taken_by(struct arm_checker *c, struct gic *u, const struct world *w);
bool gic_is_taken(const struct gic_taken *then, const struct gic_taken *now, uint64_t intid);

/* How many list registers @cpu has. */
unsigned gic_lrs(const struct arm_checker *c, unsigned cpu);

/* The state of interrupt @intid in them, 0: it is in none. *full: none is empty. */
uint64_t gic_state_of(const struct arm_checker *c, uint64_t intid, unsigned cpu, bool *full);

/* Does a virtual interrupt come as soon as @cpu is below EL2 with @hcr in HCR_EL2, if PSTATE does
 * not mask it? */
bool gic_interrupts(const struct arm_checker *c, unsigned cpu, uint64_t hcr);

/* What @w is entered with: reports, if no list register was overwritten unread. */
void gic_pending_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                         const struct arm_event *p);

/* ---- pending interrupts that are in no list register (checker/gic_owed.c) ---- */

/* The interrupt @intid of @w, which is @gw, is in memory since @since; @sender: who has sent it
 * there. */
void gic_owed_add(struct gic_world *gw, const struct world *w, uint64_t intid,
                  const struct world *sender, const struct site *since);
/* Has @s's world left by a store of a word at this offset of a frame, which says what is stored? A
 * bit for each SGI and PPI, where that is an array of bits of a redistributor. */
bool gic_private_stored(const struct exit_state *s, uint64_t offset, uint32_t *value);
void gic_owed_left(struct arm_checker *c, struct gic *u, const struct world *w,
                   const struct arm_event *p);
void gic_owed_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                      const struct arm_event *p);

/* Does ICC_SGI1R_EL1 = @v, written by @sender, mean @w, of the same VM? */
bool gic_is_target(uint64_t v, const struct world *sender, const struct world *w);

/* The run is over. */
void gic_owed_end(struct arm_checker *c, struct gic *u);

/* ---- accesses to the interface that trap (checker/gic_trap.c) ---- */

/* What @w is entered with behind one: reports. */
void gic_trap_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                      const struct arm_event *p);

/* ---- what only its virtual CPU can change of an interrupt (checker/gic_private.c) ---- */

void gic_private_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu);
void gic_private_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                         const struct arm_event *p);

/* ---- SGIs that nobody has sent (checker/gic_stray.c) ---- */

void gic_stray_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu);
void gic_stray_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                       const struct arm_event *p);

/* ---- active interrupts (checker/gic_active.c) ---- */

/* @w has left, and its registers are in gic_world_of(@u, @w) and lr_at_exit. */
void gic_active_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu);

/* What @w is entered with: reports. @orphans: no list register was overwritten unread, which is
 * told already. */
void gic_active_entered(struct arm_checker *c, struct gic *u, const struct world *w, bool orphans,
                        const struct arm_event *p);
