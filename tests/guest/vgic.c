/* Runs on: a57 n1 max; el2. */
/* Virtual interrupts: list registers seen by an EL1 guest, maintenance interrupts, HW = 1,
 * HCR_EL2's VI, VF and VSE. */
#include "vgic.h"

static uint64_t guest_iar1(uint64_t arg)
{
    (void)arg;
    return mrs(icc_iar1_el1);
}

static uint64_t guest_iar0(uint64_t arg)
{
    (void)arg;
    return mrs(icc_iar0_el1);
}

static uint64_t guest_eoir1(uint64_t intid)
{
    msr(icc_eoir1_el1, intid);
    return 0;
}

static uint64_t guest_dir(uint64_t intid)
{
    msr(icc_dir_el1, intid);
    return 0;
}

static uint64_t guest_isr(uint64_t arg)
{
    (void)arg;
    return mrs(isr_el1);
}

static uint64_t guest_rpr(uint64_t arg)
{
    (void)arg;
    return mrs(icc_rpr_el1);
}

static uint64_t guest_hppir1(uint64_t arg)
{
    (void)arg;
    return mrs(icc_hppir1_el1);
}

static uint64_t guest_pmr(uint64_t arg)
{
    if (arg)
        msr(icc_pmr_el1, arg);
    return mrs(icc_pmr_el1);
}

static uint64_t guest_ctlr(uint64_t arg)
{
    msr(icc_ctlr_el1, arg);
    return mrs(icc_ctlr_el1);
}

static uint64_t guest_igrpen1(uint64_t arg)
{
    msr(icc_igrpen1_el1, arg);
    return 0;
}

static uint64_t guest_unmask(uint64_t arg)
{
    insn("msr daifclr, #7; isb; nop; nop; msr daifset, #7");
    return arg;
}

static void ack_virtual(struct frame *f, unsigned el, unsigned offset)
{
    (void)f, (void)el;
    if ((offset & 0x180) == V_IRQ)
        msr(icc_eoir1_el1, mrs(icc_iar1_el1));
    else if ((offset & 0x180) == V_FIQ)
        msr(icc_eoir0_el1, mrs(icc_iar0_el1));
}

#define G(fn, arg) call_el(1, fn, arg)

static void ack_and_end(void)
{
    vgic_clear();
    check_equal(G(guest_iar1, 0), SPURIOUS, "nothing pending");
    msr(ich_lr1_el2, LR_PENDING | LR_GROUP1 | LR_PRIO(0x80) | 77);
    msr(ich_lr2_el2, LR_PENDING | LR_GROUP1 | LR_PRIO(0x40) | 78);
    check_equal(G(guest_isr, 0), 0x80, "ISR_EL1");
    check_equal(mrs(isr_el1), 0, "not at EL2");
    check_equal(G(guest_hppir1, 0), 78, "ICV_HPPIR1");
    check_equal(G(guest_iar1, 0), 78, "ICV_IAR1: the higher priority");
    check_equal(LR_STATE(mrs(ich_lr2_el2)), 2, "its list register is active");
    check_equal(G(guest_rpr, 0), 0x40, "ICV_RPR");
    check_equal(mrs(ich_ap1r0_el2), BIT(0x40 >> 3), "ICH_AP1R0");
    check_equal(G(guest_iar1, 0), SPURIOUS, "the lower priority waits");
    G(guest_eoir1, 78);
    check_equal(LR_STATE(mrs(ich_lr2_el2)), 0, "EOI: invalid");
    check_equal(mrs(ich_ap1r0_el2), 0, "no active priority");
    check_equal(G(guest_iar1, 0), 77, "then the other");
    msr(ich_lr1_el2, mrs(ich_lr1_el2) | LR_PENDING);
    G(guest_eoir1, 77);
    check_equal(LR_STATE(mrs(ich_lr1_el2)), 1, "pending and active: pending after EOI");
    check_equal(mrs(ich_elrsr_el2) & 15, 13, "ELRSR");
}

static void taken_by_guest(void)
{
    vgic_clear();
    irq_handler = ack_virtual;
    msr(ich_lr0_el2, LR_PENDING | LR_GROUP1 | LR_PRIO(0x80) | 77);
    G(guest_unmask, 0);
    check_equal(taken.count << 32 | taken.el << 16 | taken.offset,
                BIT(32) | 1 << 16 | (V_CUR_SPX + V_IRQ), "virtual IRQ at EL1");
    taken_clear();
    msr(ich_lr0_el2, LR_PENDING | LR_PRIO(0x80) | 79);
    G(guest_unmask, 0);
    check_equal(taken.count << 32 | taken.el << 16 | taken.offset,
                BIT(32) | 1 << 16 | (V_CUR_SPX + V_FIQ), "group 0: virtual FIQ at EL1");
    taken_clear();
    msr(ich_lr0_el2, LR_PENDING | LR_PRIO(0x80) | 79);
    check_equal(G(guest_iar0, 0), 79, "ICV_IAR0");
    irq_handler = 0;
}

static void interface(void)
{
    vgic_clear();
    check_equal(G(guest_pmr, 0), 0xf8 | (mrs(ich_vmcr_el2) >> 24 & 7), "ICV_PMR is VMCR.VPMR");
    check_equal(G(guest_pmr, 0x50), 0x50, "ICV_PMR written");
    check_equal(mrs(ich_vmcr_el2) >> 24, 0x50, "VMCR.VPMR");
    check_equal(mrs(icc_pmr_el1), mrs(icc_pmr_el1) & 0xf8, "ICC_PMR is another");
    msr(ich_lr0_el2, LR_PENDING | LR_GROUP1 | LR_PRIO(0x80) | 77);
    check_equal(G(guest_iar1, 0), SPURIOUS, "masked by ICV_PMR");
    G(guest_pmr, 0xf8);
    G(guest_igrpen1, 0);
    check_equal(mrs(ich_vmcr_el2) & 3, 1, "VMCR.VENG1");
    check_equal(G(guest_iar1, 0), SPURIOUS, "group 1 off");
    G(guest_igrpen1, 1);
    G(guest_ctlr, 2);
    check_equal(FIELD(mrs(ich_vmcr_el2), 9, 9), 1, "VMCR.VEOIM");
    check_equal(G(guest_iar1, 0), 77, "EOImode 1: ack");
    G(guest_eoir1, 77);
    check_equal(LR_STATE(mrs(ich_lr0_el2)), 2, "EOI drops the priority only");
    check_equal(mrs(ich_ap1r0_el2), 0, "AP1R0");
    G(guest_dir, 77);
    check_equal(LR_STATE(mrs(ich_lr0_el2)), 0, "DIR deactivates");
}

/* Each cause, in MISR and as the maintenance interrupt (PPI 25). */
static void cause(uint64_t hcr, uint64_t misr, const char *what)
{
    msr(ich_hcr_el2, ICH_EN | hcr);
    check_equal(mrs(ich_misr_el2), misr, what);
    check_equal(gic_test(GICD_ISPENDR, INTID_MAINTENANCE), misr != 0, "maintenance interrupt");
    msr(ich_hcr_el2, ICH_EN);
}

static struct {
    uint64_t eisr, misr, elrsr, intid;
} seen;

static void maintenance_taken(struct frame *f, unsigned el, unsigned offset)
{
    (void)f, (void)el, (void)offset;
    seen.eisr = mrs(ich_eisr_el2);
    seen.misr = mrs(ich_misr_el2);
    seen.elrsr = mrs(ich_elrsr_el2);
    seen.intid = mrs(icc_iar1_el1);
    msr(ich_lr3_el2, 0);
    msr(icc_eoir1_el1, seen.intid);
}

static void maintenance(void)
{
    gic_bit(GICD_ISENABLER, INTID_MAINTENANCE);
    vgic_clear();
    cause(0, 0, "no cause");
    cause(ICH_UIE, 2, "U");
    msr(ich_lr0_el2, LR_PENDING | LR_GROUP1 | LR_PRIO(0x80) | 77);
    cause(ICH_UIE, 2, "U: one is an underflow");
    cause(ICH_NPIE, 0, "NP: one is pending");
    msr(ich_lr1_el2, LR_ACTIVE | LR_GROUP1 | LR_PRIO(0x80) | 78);
    cause(ICH_UIE, 0, "U: two are none");
    msr(ich_lr0_el2, 0);
    cause(ICH_NPIE, 8, "NP");
    cause(ICH_VGRP0EIE, 16, "VGrp0E");
    cause(ICH_VGRP1EIE, 64, "VGrp1E");
    cause(ICH_VGRP0DIE, 0, "VGrp0D: enabled");
    msr(ich_vmcr_el2, 0xff000000);
    cause(ICH_VGRP0DIE | ICH_VGRP1DIE, 32 | 128, "VGrp0D, VGrp1D");
    msr(ich_vmcr_el2, VMCR_INIT);
    msr(ich_lr1_el2, 0);
    cause(ICH_LRENPIE, 0, "LRENP: count 0");
    G(guest_eoir1, 90); /* of no list register */
    check_equal(mrs(ich_hcr_el2) >> 27, 0, "EOI with no active priority does not count");
    msr(ich_ap1r0_el2, 1);
    G(guest_eoir1, 90);
    check_equal(mrs(ich_hcr_el2) >> 27, 1, "EOIcount");
    cause(ICH_LRENPIE | BIT(27), 4, "LRENP");
    msr(ich_lr3_el2, LR_PENDING | LR_GROUP1 | LR_PRIO(0x80) | LR_EOI | 80);
    msr(ich_hcr_el2, ICH_EN);
    check_equal(mrs(ich_misr_el2), 0, "EOI: not yet");
    check_equal(G(guest_iar1, 0), 80, "ack");
    irq_handler = maintenance_taken;
    G(guest_eoir1, 80);
    irq_handler = 0;
    check_equal(taken.count << 32 | taken.el << 16 | taken.offset,
                BIT(32) | 2 << 16 | (V_LOWER + V_IRQ), "its interrupt is taken at EL2");
    taken_clear();
    check_equal(seen.eisr, 8, "EISR");
    check_equal(seen.misr, 1, "EOI");
    check_equal(seen.elrsr & 8, 0, "ELRSR: has an EOI to report");
    check_equal(seen.intid, INTID_MAINTENANCE, "INTID");
    check_equal(gic_take(), SPURIOUS, "and gone");
}

/* A virtual interrupt tied to a physical one, which the guest's EOI deactivates. */
static void hardware(void)
{
    vgic_clear();
    gic_bit(GICD_ISENABLER, 20);
    msr(icc_ctlr_el1, 2);
    gic_bit(GICD_ISPENDR, 20);
    check_equal(mrs(icc_iar1_el1), 20, "physical interrupt");
    msr(icc_eoir1_el1, 20);
    check(gic_test(GICD_ISACTIVER, 20), "left active");
    msr(ich_lr0_el2, LR_PENDING | LR_GROUP1 | LR_HW | LR_PRIO(0x80) | LR_PINTID(20) | 99);
    check_equal(G(guest_iar1, 0), 99, "the guest takes it");
    check(gic_test(GICD_ISACTIVER, 20), "still active");
    G(guest_eoir1, 99);
    check(!gic_test(GICD_ISACTIVER, 20), "EOI deactivates the physical one");
    check_equal(LR_STATE(mrs(ich_lr0_el2)), 0, "list register free");
    msr(icc_ctlr_el1, 0);
}

static void by_hcr(void)
{
    uint64_t hcr = mrs(hcr_el2);

    vgic_clear();
    msr(ich_hcr_el2, 0);
    static const struct {
        uint64_t bit;
        unsigned vector, isr;
    } kinds[] = {{HCR_VI, V_IRQ, 0x80}, {HCR_VF, V_FIQ, 0x40}, {HCR_VSE, V_SERROR, 0x100}};
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        msr(hcr_el2, hcr | HCR_AMO | kinds[k].bit);
        check_equal(G(guest_isr, 0), kinds[k].isr, "ISR_EL1 of the guest");
        check_equal(mrs(isr_el1), 0, "and of EL2");
        check_none("masked at EL1");
        /* IRQ and FIQ stay until HCR says otherwise: the handler masks them. */
        irq_handler = 0;
        guest_handler = 0;
        taken_clear();
        msr(hcr_el2, (hcr & ~(HCR_IMO | HCR_FMO)) | kinds[k].bit);
        check_equal(G(guest_isr, 0), 0, "not without its route bit");
        msr(hcr_el2, hcr);
    }
    msr(hcr_el2, hcr | HCR_AMO | HCR_VSE);
    G(guest_unmask, 0);
    check_equal(taken.el << 16 | taken.offset, 1 << 16 | (V_CUR_SPX + V_SERROR), "virtual SError");
    check_equal(EC(taken.esr), EC_SERROR, "its EC");
    check_equal(mrs(hcr_el2) & HCR_VSE, 0, "taking it clears VSE");
    taken_clear();
    msr(hcr_el2, hcr);
}

int main(void)
{
    gic_init();
    msr(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    check(FIELD(mrs(ich_vtr_el2), 4, 0) >= 3, "four list registers");
    context = "ack: ";
    ack_and_end();
    context = "taken: ";
    taken_by_guest();
    context = "ICV: ";
    interface();
    context = "maintenance: ";
    maintenance();
    context = "HW: ";
    hardware();
    context = "HCR: ";
    by_hcr();
    context = "";
    check_none("nothing else was taken");
    return (int)failures;
}
