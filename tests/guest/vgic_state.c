/* Runs on: a57 n1 max; el2. */
/* List registers through each transition of their state, priorities and binary points of the
 * virtual interface, ICH_VMCR_EL2 and what the guest's registers show in it, LPIs, hardware
 * interrupts. */
#include "vgic.h"

#define PRIO   0x80
#define AP_BIT BIT(PRIO >> 3) /* 32 priority levels: one bit each */
#define VINTID 77

enum { INVALID, PENDING, ACTIVE, BOTH };
enum action { IAR, EOIR, DIR };

/* What an access of the guest does to a list register of group 1. Before: its state, the active
 * priorities. After: both, EOIcount and, for IAR, the INTID read. */
static const struct transition {
    enum action action;
    unsigned eoimode, before;
    uint64_t ap_before;
    unsigned after;
    uint64_t ap_after;
    unsigned eoicount;
    uint64_t read;
    const char *name, *differs;
} transitions[] = {
    {IAR, 0, INVALID, 0, INVALID, 0, 0, SPURIOUS, "IAR: invalid"},
    {IAR, 0, PENDING, 0, ACTIVE, AP_BIT, 0, VINTID, "IAR: pending"},
    {IAR, 0, ACTIVE, 0, ACTIVE, 0, 0, SPURIOUS, "IAR: active"},
    {IAR, 0, BOTH, 0, BOTH, 0, 0, SPURIOUS, "IAR: pending and active"},
    {IAR, 0, PENDING, AP_BIT, PENDING, AP_BIT, 0, SPURIOUS, "IAR: pending, no preemption"},
    {IAR, 0, PENDING, AP_BIT << 1, ACTIVE, AP_BIT * 3, 0, VINTID, "IAR: pending, preempts"},
    {IAR, 1, PENDING, 0, ACTIVE, AP_BIT, 0, VINTID, "IAR, EOImode 1: pending"},
    {EOIR, 0, INVALID, AP_BIT, INVALID, 0, 1, 0, "EOIR: invalid"},
    {EOIR, 0, PENDING, AP_BIT, PENDING, 0, 1, 0, "EOIR: pending"},
    {EOIR, 0, ACTIVE, AP_BIT, INVALID, 0, 0, 0, "EOIR: active"},
    {EOIR, 0, BOTH, AP_BIT, PENDING, 0, 0, 0, "EOIR: pending and active"},
    {EOIR, 0, ACTIVE, AP_BIT * 3, INVALID, AP_BIT << 1, 0, 0, "EOIR: the highest priority only"},
    {EOIR, 1, INVALID, AP_BIT, INVALID, 0, 0, 0, "EOIR, EOImode 1: invalid", "virtual-eoicount"},
    {EOIR, 1, PENDING, AP_BIT, PENDING, 0, 0, 0, "EOIR, EOImode 1: pending", "virtual-eoicount"},
    {EOIR, 1, ACTIVE, AP_BIT, ACTIVE, 0, 0, 0, "EOIR, EOImode 1: active"},
    {EOIR, 1, BOTH, AP_BIT, BOTH, 0, 0, 0, "EOIR, EOImode 1: pending and active"},
    {DIR, 1, INVALID, AP_BIT, INVALID, AP_BIT, 1, 0, "DIR: invalid"},
    {DIR, 1, PENDING, 0, PENDING, 0, 1, 0, "DIR: pending"},
    {DIR, 1, ACTIVE, 0, INVALID, 0, 0, 0, "DIR: active"},
    {DIR, 1, BOTH, AP_BIT, PENDING, AP_BIT, 0, 0, "DIR: pending and active"},
};

static void transition(const struct transition *t, unsigned group)
{
    static const uint64_t access[2][3] = {{ICC_IAR0, ICC_EOIR0, ICC_DIR},
                                          {ICC_IAR1, ICC_EOIR1, ICC_DIR}};
    uint64_t lr = (uint64_t)group << 60 | LR_PRIO(PRIO) | VINTID, read = 0, ap;

    vgic_clear();
    msr(ich_vmcr_el2, VMCR_INIT | (t->eoimode ? VMCR_VEOIM : 0));
    lr_set(2, lr | (uint64_t)t->before << 62);
    if (group)
        msr(ich_ap1r0_el2, t->ap_before);
    else
        msr(ich_ap0r0_el2, t->ap_before);
    if (t->action == IAR)
        read = guest_read(access[group][IAR]);
    else
        guest_write(access[group][t->action], VINTID);
    ap = group ? mrs(ich_ap1r0_el2) : mrs(ich_ap0r0_el2);
    check_equal(lr_get(2), lr | (uint64_t)t->after << 62, t->name);
    check_equal(ap, t->ap_after, "active priorities");
    check_equal(group ? mrs(ich_ap0r0_el2) : mrs(ich_ap1r0_el2), 0, "of the other group");
    if (t->differs)
        check_differs(EOICOUNT(mrs(ich_hcr_el2)), t->eoicount, "EOIcount", t->differs);
    else
        check_equal(EOICOUNT(mrs(ich_hcr_el2)), t->eoicount, "EOIcount");
    check_equal(read, t->read, "value read");
}

/* EOIcount is five bits, and only what the hypervisor writes takes it back. */
static void eoi_count(void)
{
    vgic_clear();
    msr(ich_hcr_el2, ICH_EN | UINT64_C(30) << 27);
    for (unsigned k = 0; k < 2; k++) {
        msr(ich_ap1r0_el2, AP_BIT);
        guest_write(ICC_EOIR1, 90);
        check_equal(EOICOUNT(mrs(ich_hcr_el2)), 31 * (k == 0), "30, 31, 0");
    }
    msr(ich_ap1r0_el2, AP_BIT);
    guest_write(ICC_EOIR1, SPURIOUS);
    check_equal(mrs(ich_ap1r0_el2), AP_BIT, "a special INTID drops no priority");
    check_equal(EOICOUNT(mrs(ich_hcr_el2)), 0, "and does not count");
}

/* LPIs have no active state: acknowledging one empties its list register. */
static void lpi(void)
{
    uint64_t lr = LR_GROUP1 | LR_PRIO(PRIO) | 8197;

    vgic_clear();
    lr_set(1, lr | LR_PENDING);
    check_equal(guest_read(ICC_HPPIR1), 8197, "HPPIR1");
    check_equal(guest_read(ICC_IAR1), 8197, "IAR1");
    check_differs(LR_STATE(lr_get(1)), INVALID, "acknowledged: invalid", "virtual-lpi");
    check_equal(mrs(ich_ap1r0_el2), AP_BIT, "its priority is active");
    guest_write(ICC_EOIR1, 8197);
    check_equal(mrs(ich_ap1r0_el2), 0, "EOIR drops it");
    check_equal(EOICOUNT(mrs(ich_hcr_el2)), 0, "without a count");
    lr_set(1, 0);
    msr(ich_vmcr_el2, VMCR_INIT | VMCR_VEOIM);
    guest_write(ICC_DIR, 8197);
    check_equal(EOICOUNT(mrs(ich_hcr_el2)), 0, "nor does DIR count");
}

/* Deactivation reaches the physical interrupt: a PPI, an SPI. */
static void hardware(unsigned pintid, unsigned eoimode)
{
    vgic_clear();
    msr(ich_vmcr_el2, VMCR_INIT | (eoimode ? VMCR_VEOIM : 0));
    gic_bit(GICD_ISACTIVER, pintid);
    lr_set(0, LR_PENDING | LR_HW | LR_GROUP1 | LR_PRIO(PRIO) | LR_PINTID(pintid) | VINTID);
    check_equal(guest_read(ICC_IAR1), VINTID, "IAR1");
    check(gic_test(GICD_ISACTIVER, pintid), "the physical one is active");
    guest_write(ICC_EOIR1, VINTID);
    check_equal(gic_test(GICD_ISACTIVER, pintid), eoimode, "after EOIR");
    check_equal(LR_STATE(lr_get(0)), eoimode ? ACTIVE : INVALID, "list register after EOIR");
    if (eoimode)
        guest_write(ICC_DIR, VINTID);
    check(!gic_test(GICD_ISACTIVER, pintid), "deactivated");
    check_equal(LR_STATE(lr_get(0)), INVALID, "list register");
    check_equal(EOICOUNT(mrs(ich_hcr_el2)), 0, "EOIcount");
    /* Bit 41 is the EOI bit without HW, and bit 9 of the physical INTID with it. */
    lr_set(0, LR_HW | LR_PINTID(0x200));
    check_equal(mrs(ich_eisr_el2), 0, "HW: no EOI to report");
    check_equal(mrs(ich_elrsr_el2) & 1, 1, "HW: free");
    lr_set(0, 0);
}

/* Preemption by group priority, for three settings of the binary points: what is active, what is
 * pending, whether it is signalled, and the active priorities after acknowledging it. */
static void binary_points(void)
{
    static const struct {
        uint64_t vmcr, lr;
        uint8_t active, pending;
        bool signalled;
        uint64_t ap0, ap1;
        const char *name;
    } rows[] = {
        {VMCR_BPR1(3), LR_GROUP1, 0x80, 0x78, true, 0, BIT(16) | BIT(15), "BPR1 3: 0x78 over 0x80"},
        {VMCR_BPR1(6), LR_GROUP1, 0x80, 0x78, true, 0, BIT(16) | BIT(8), "BPR1 6: 0x78 over 0x80"},
        {VMCR_BPR1(6), LR_GROUP1, 0xb0, 0x88, false, 0, BIT(22), "BPR1 6: not 0x88 over 0xb0"},
        {VMCR_BPR1(5), LR_GROUP1, 0xb0, 0x88, true, 0, BIT(22) | BIT(16), "BPR1 5: 0x88 over 0xb0"},
        {VMCR_BPR0(5), 0, 0xb0, 0x88, false, 0, BIT(22), "BPR0 5: not 0x88 over 0xb0"},
        {VMCR_BPR0(4), 0, 0xb0, 0x88, true, BIT(16), BIT(22), "BPR0 4: 0x88 over 0xb0"},
        {VMCR_BPR0(5) | VMCR_BPR1(3) | VMCR_VCBPR, LR_GROUP1, 0xb0, 0x88, false, 0, BIT(22),
         "CBPR, BPR0 5: group 1, not 0x88 over 0xb0"},
        {VMCR_BPR0(4) | VMCR_BPR1(7) | VMCR_VCBPR, LR_GROUP1, 0xb0, 0x88, true, 0,
         BIT(22) | BIT(16), "CBPR, BPR0 4: group 1, 0x88 over 0xb0"},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        bool group1 = rows[k].lr;

        vgic_clear();
        msr(ich_vmcr_el2, VMCR_INIT | rows[k].vmcr);
        msr(ich_ap1r0_el2, BIT(rows[k].active >> 3));
        check_equal(guest_read(ICC_RPR), rows[k].active, "RPR");
        lr_set(3, LR_PENDING | rows[k].lr | LR_PRIO(rows[k].pending) | VINTID);
        check_equal(guest_read(ISR), rows[k].signalled ? (group1 ? ISR_IRQ : ISR_FIQ) : 0,
                    rows[k].name);
        check_equal(guest_read(group1 ? ICC_IAR1 : ICC_IAR0), rows[k].signalled ? VINTID : SPURIOUS,
                    "IAR");
        check_equal(mrs(ich_ap0r0_el2), rows[k].ap0, "AP0R0");
        check_equal(mrs(ich_ap1r0_el2), rows[k].ap1, "AP1R0");
    }
}

/* Three interrupts nested, two groups: the running priority is the highest of either. */
static void nesting(void)
{
    vgic_clear();
    check_equal(guest_read(ICC_RPR), 0xff, "idle");
    lr_set(0, LR_PENDING | LR_GROUP1 | LR_PRIO(0xa0) | 70);
    check_equal(guest_read(ICC_IAR1), 70, "first");
    lr_set(1, LR_PENDING | LR_PRIO(0x60) | 71);
    check_equal(guest_read(ICC_IAR1), SPURIOUS, "group 0 is not for IAR1");
    check_equal(guest_read(ICC_HPPIR1), SPURIOUS, "nor for HPPIR1");
    check_equal(guest_read(ICC_HPPIR0), 71, "but for HPPIR0");
    check_equal(guest_read(ICC_IAR0), 71, "and IAR0");
    check_equal(guest_read(ICC_RPR), 0x60, "running priority of group 0");
    lr_set(2, LR_PENDING | LR_GROUP1 | LR_PRIO(0x20) | 72);
    check_equal(guest_read(ICC_IAR1), 72, "third");
    check_equal(guest_read(ICC_RPR), 0x20, "running priority");
    check_equal(guest_read(ICC_AP1R0), BIT(4) | BIT(20), "ICV_AP1R0");
    check_equal(guest_read(ICC_AP0R0), BIT(12), "ICV_AP0R0");
    guest_write(ICC_EOIR1, 72);
    check_equal(guest_read(ICC_RPR), 0x60, "dropped to 0x60");
    guest_write(ICC_EOIR0, 71);
    check_equal(guest_read(ICC_RPR), 0xa0, "dropped to 0xa0");
    guest_write(ICC_EOIR1, 70);
    check_equal(guest_read(ICC_RPR), 0xff, "idle again");
    check_equal(mrs(ich_elrsr_el2) & 15, 15, "all list registers are free");
    guest_write(ICC_AP1R0, BIT(7));
    check_equal(mrs(ich_ap1r0_el2), BIT(7), "ICV_AP1R0 written");
    check_equal(guest_read(ICC_RPR), 0x38, "and seen in RPR");
}

/* A group that is off signals nothing, whatever its priority. */
static void enables(void)
{
    static const struct {
        uint64_t veng, isr, hppir0, hppir1;
    } rows[] = {
        {0, 0, SPURIOUS, SPURIOUS},
        {VMCR_VENG0, ISR_FIQ, 71, SPURIOUS},
        {VMCR_VENG1, ISR_IRQ, SPURIOUS, 70},
        {VMCR_VENG0 | VMCR_VENG1, ISR_FIQ, 71, SPURIOUS},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        vgic_clear();
        lr_set(0, LR_PENDING | LR_GROUP1 | LR_PRIO(0xa0) | 70);
        lr_set(1, LR_PENDING | LR_PRIO(0x60) | 71);
        msr(ich_vmcr_el2, VMCR_PMR(0xf8) | rows[k].veng);
        check_equal(guest_read(ISR), rows[k].isr, "ISR_EL1 by VENG0 and VENG1");
        check_equal(guest_read(ICC_HPPIR0), rows[k].hppir0, "HPPIR0");
        check_equal(guest_read(ICC_HPPIR1), rows[k].hppir1, "HPPIR1");
        msr(ich_hcr_el2, 0);
        check_equal(guest_read(ISR), 0, "ICH_HCR_EL2.En is 0");
    }
    vgic_clear();
    lr_set(0, LR_PENDING | LR_GROUP1 | LR_PRIO(0xa0) | 70);
    guest_write(ICC_PMR, 0xa0);
    check_equal(guest_read(ISR), 0, "PMR masks its own priority");
    check_equal(guest_read(ICC_HPPIR1), 70, "HPPIR does not look at PMR");
    guest_write(ICC_PMR, 0xa8);
    check_equal(guest_read(ISR), ISR_IRQ, "and lets a higher one through");
}

/* ICH_VMCR_EL2 keeps what is written; the guest's registers are its fields. */
static void vmcr(void)
{
    static const struct {
        uint64_t written, read;
    } values[] = {
        {VMCR_PMR(0xf8) | VMCR_BPR0(7) | VMCR_BPR1(7) | 0x213,
         VMCR_PMR(0xf8) | VMCR_BPR0(7) | VMCR_BPR1(7) | 0x21b},
        {0, VMCR_BPR0(2) | VMCR_BPR1(3) | 8}, /* VFIQEn is RES1 */
        {VMCR_PMR(0x50) | VMCR_BPR0(4) | VMCR_BPR1(5) | 1,
         VMCR_PMR(0x50) | VMCR_BPR0(4) | VMCR_BPR1(5) | 9},
    };
    static const struct {
        uint64_t sys, value;
        unsigned hi, lo;
        uint64_t field;
        const char *name;
    } writes[] = {
        {ICC_PMR, 0x48, 31, 24, 0x48, "ICV_PMR: VPMR"},
        {ICC_BPR0, 5, 23, 21, 5, "ICV_BPR0: VBPR0"},
        {ICC_BPR0, 0, 23, 21, 2, "ICV_BPR0: VBPR0, the least"},
        {ICC_BPR1, 6, 20, 18, 6, "ICV_BPR1: VBPR1"},
        {ICC_BPR1, 0, 20, 18, 3, "ICV_BPR1: VBPR1, the least"},
        {ICC_CTLR, 2, 9, 9, 1, "ICV_CTLR: VEOIM"},
        {ICC_CTLR, 1, 4, 4, 1, "ICV_CTLR: VCBPR"},
        {ICC_CTLR, 0, 9, 4, 0, "ICV_CTLR: neither"},
        {ICC_IGRPEN0, 0, 1, 0, 2, "ICV_IGRPEN0: VENG0"},
        {ICC_IGRPEN1, 0, 1, 0, 0, "ICV_IGRPEN1: VENG1"},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(values); k++) {
        msr(ich_vmcr_el2, values[k].written);
        check_equal(mrs(ich_vmcr_el2), values[k].read, "ICH_VMCR_EL2 round trip");
    }
    vgic_clear();
    for (unsigned k = 0; k < ARRAY_SIZE(writes); k++) {
        guest_write(writes[k].sys, writes[k].value);
        check_equal(FIELD(mrs(ich_vmcr_el2), writes[k].hi, writes[k].lo), writes[k].field,
                    writes[k].name);
    }
    msr(ich_vmcr_el2, VMCR_INIT | VMCR_VCBPR | VMCR_BPR0(4) | VMCR_BPR1(7));
    check_equal(guest_read(ICC_BPR1), 5, "CBPR: ICV_BPR1 is BPR0 + 1");
    guest_write(ICC_BPR1, 6);
    check_equal(FIELD(mrs(ich_vmcr_el2), 20, 18), 7, "CBPR: a write of ICV_BPR1 is ignored");
    check_equal(guest_read(ICC_CTLR) & 3, 1, "ICV_CTLR");
    msr(ich_vmcr_el2, VMCR_INIT | VMCR_VCBPR | VMCR_BPR0(7));
    check_equal(guest_read(ICC_BPR1), 7, "CBPR: saturated");
}

int main(void)
{
    gic_init();
    msr(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    for (unsigned group = 0; group < 2; group++) {
        context = group ? "group 1: " : "group 0: ";
        for (unsigned k = 0; k < ARRAY_SIZE(transitions); k++)
            transition(&transitions[k], group);
    }
    context = "EOIcount: ";
    eoi_count();
    context = "LPI: ";
    lpi();
    for (unsigned eoimode = 0; eoimode < 2; eoimode++) {
        context = eoimode ? "HW, EOImode 1: " : "HW: ";
        hardware(20, eoimode);
        hardware(40, eoimode);
    }
    context = "BPR: ";
    binary_points();
    context = "nesting: ";
    nesting();
    context = "enables: ";
    enables();
    context = "VMCR: ";
    vmcr();
    context = "";
    check_none("nothing was taken");
    return (int)failures;
}
