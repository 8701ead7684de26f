/* Runs on: n1; el2; here only; options --gic lrs=16,priority=8,preemption=7,intid=16. */
/* The virtual interface at its largest: 16 list registers, 128 preemption levels in four active
 * priorities registers a group, all bits of a priority. QEMU has no such configuration. */
#include "vgic.h"

#define LRS 16

/* ICH_LR<n>_EL2 and ICH_AP<g>R<n>_EL2, by number. */
static uint64_t lr_sys(unsigned n)
{
    return SYS(3, 4, 12, 12 + n / 8, n % 8);
}

static uint64_t apr_sys(unsigned group, unsigned n)
{
    return SYS(3, 4, 12, 8 + group, n);
}

static uint64_t get(uint64_t sys)
{
    return run_word_at(2, MRS_WORD(sys), 0);
}

static void set(uint64_t sys, uint64_t value)
{
    run_word_at(2, sys, value);
    isb();
}

static void clear(void)
{
    for (unsigned n = 0; n < LRS; n++)
        set(lr_sys(n), 0);
    for (unsigned n = 0; n < 4; n++) {
        set(apr_sys(0, n), 0);
        set(apr_sys(1, n), 0);
    }
    msr(ich_vmcr_el2, VMCR_INIT);
    msr(ich_hcr_el2, ICH_EN);
}

static void announced(void)
{
    uint64_t vtr = mrs(ich_vtr_el2);

    check_equal(FIELD(vtr, 4, 0), LRS - 1, "ListRegs");
    check_equal(FIELD(vtr, 31, 29), 7, "PRIbits");
    check_equal(FIELD(vtr, 28, 26), 6, "PREbits");
    check_equal(FIELD(vtr, 25, 23), 0, "IDbits");
    check_equal(FIELD(guest_read(ICC_CTLR), 10, 8), 7, "ICV_CTLR.PRIbits");
    check_equal(FIELD(guest_read(ICC_CTLR), 13, 11), 0, "ICV_CTLR.IDbits");
    guest_write(ICC_BPR0, 0);
    guest_write(ICC_BPR1, 0);
    check_equal(guest_read(ICC_BPR0), 0, "least BPR0");
    check_equal(guest_read(ICC_BPR1), 1, "least BPR1");
    guest_write(ICC_PMR, 0x7f);
    check_equal(guest_read(ICC_PMR), 0x7f, "PMR: 8 bits");
    set(lr_sys(3), UINT64_MAX);
    check_equal(get(lr_sys(3)), 0xf0ff1fff0000ffff, "ICH_LR3_EL2: 16 bits of INTID, 8 of priority");
}

/* All list registers pending, the last one with the highest priority: they nest in that order. */
static void nesting(void)
{
    clear();
    for (unsigned n = 0; n < LRS; n++)
        set(lr_sys(n), LR_PENDING | LR_GROUP1 | LR_PRIO(0xf0 - 0x0e * n) | (100 + n));
    check_equal(mrs(ich_elrsr_el2), 0, "none is free");
    for (unsigned n = LRS; n-- > 0;) {
        uint64_t prio = 0xf0 - 0x0e * n, below = 0;

        set(lr_sys(n), get(lr_sys(n)) | LR_EOI);
        check_equal(guest_read(ICC_IAR1), 100 + n, "the highest priority of all");
        check_equal(guest_read(ICC_RPR), prio & 0xfe, "RPR");
        for (unsigned k = 0; k < 4; k++)
            below |= get(apr_sys(1, k)) != (k == prio / 64 ? BIT(prio / 2 % 32) : 0);
        check_equal(below, 0, "one bit of the 128");
        guest_write(ICC_EOIR1, 100 + n);
        check_equal(mrs(ich_eisr_el2), (BIT(LRS) - 1) & ~(BIT(n) - 1), "EISR");
    }
    check_equal(mrs(ich_misr_el2), 1, "MISR");
    check_equal(mrs(ich_elrsr_el2), 0, "ELRSR: not free before the hypervisor has seen them");
    for (unsigned n = 0; n < LRS; n++)
        set(lr_sys(n), 0);
    check_equal(mrs(ich_elrsr_el2), BIT(LRS) - 1, "all are free");
}

/* Two priorities that differ in the last preemption bit nest; in the bit below they do not. */
static void preemption(void)
{
    clear();
    set(apr_sys(1, 2), BIT(0)); /* 0x80 is active */
    set(lr_sys(15), LR_PENDING | LR_GROUP1 | LR_PRIO(0x80) | 90);
    check_equal(guest_read(ISR), 0, "0x80 does not preempt 0x80");
    set(lr_sys(14), LR_PENDING | LR_GROUP1 | LR_PRIO(0x7f) | 91);
    check_equal(guest_read(ISR), ISR_IRQ, "0x7f does");
    check_equal(guest_read(ICC_IAR1), 91, "IAR1");
    check_equal(get(apr_sys(1, 1)), BIT(31), "AP1R1");
    set(lr_sys(13), LR_PENDING | LR_PRIO(0x7e) | 92);
    check_equal(guest_read(ISR), 0, "0x7e is of the same group of priorities");
    set(lr_sys(12), LR_PENDING | LR_PRIO(0x01) | 93);
    check_equal(guest_read(ICC_IAR0), 93, "group 0");
    check_equal(get(apr_sys(0, 0)), BIT(0), "AP0R0");
    check_equal(guest_read(ICC_RPR), 0, "RPR");
    guest_write(ICC_EOIR0, 93);
    guest_write(ICC_EOIR1, 91);
    check_equal(get(apr_sys(1, 2)), BIT(0), "0x80 is left");
}

int main(void)
{
    gic_init();
    msr(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
    announced();
    nesting();
    preemption();
    check_none("nothing was taken");
    return (int)failures;
}
