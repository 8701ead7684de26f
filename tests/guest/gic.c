/* Runs on: a57 n1 max; el2 el1. */
/* SGIs, PPIs and SPIs; priorities and preemption; EOImode; groups; the vectors of IRQ and FIQ. */
#include "gic.h"

static void unmask(void)
{
    insn("msr daifclr, #3; isb; nop; nop; msr daifset, #3");
}

static void sgi(unsigned intid)
{
    msr(icc_sgi1r_el1, (uint64_t)intid << 24 | BIT(cpu_index()));
    dsb();
}

static unsigned acked[8], acked_count;

static void ack_one(struct frame *f, unsigned el, unsigned offset)
{
    unsigned intid = (unsigned)((offset & 0x180) == V_FIQ ? mrs(icc_iar0_el1) : mrs(icc_iar1_el1));

    (void)f, (void)el;
    acked[acked_count++ % 8] = intid;
    if (intid >= 1020)
        return;
    if ((offset & 0x180) == V_FIQ)
        msr(icc_eoir0_el1, intid);
    else
        msr(icc_eoir1_el1, intid);
}

static uint64_t do_open(uint64_t arg)
{
    insn("nop; nop; nop");
    return arg;
}

/* IRQ and FIQ from the current EL with either SP, and from lower ones. */
static void vectors(unsigned el)
{
    irq_handler = ack_one;
    for (unsigned group1 = 0; group1 < 2; group1++) {
        unsigned kind = group1 ? V_IRQ : V_FIQ;

        gic_group(3, group1);
        gic_bit(GICD_ISENABLER, 3);
        gic_bit(GICD_ISPENDR, 3);
        check_equal(mrs(isr_el1), group1 ? 0x80 : 0x40, "ISR_EL1 while masked");
        if (el == 2) {
            unmask();
            check_none("not routed to EL2: not taken there");
            msr(hcr_el2, mrs(hcr_el2) | HCR_IMO | HCR_FMO);
        }
        unmask();
        check_equal(taken.offset, V_CUR_SPX + kind, "at the current EL: vector");
        check_equal(taken.el, el, "at the current EL");
        taken_clear();
        gic_bit(GICD_ISPENDR, 3);
        __asm__ volatile(
            "mov x9, sp; msr spsel, #0; mov sp, x9; msr daifclr, #3; nop; msr daifset, #3;"
            "msr spsel, #1" ::
                : "x9", "memory");
        check_equal(taken.offset, V_CUR_SP0 + kind, "with SP_EL0: vector");
        taken_clear();
        if (el == 2)
            msr(hcr_el2, mrs(hcr_el2) & ~(HCR_IMO | HCR_FMO));
        for (unsigned lower = 0; lower < el; lower++) {
            uint64_t spsr = lower ? 0x305 : 0x300;
            uint64_t hcr = el == 2 ? mrs(hcr_el2) : 0;

            for (unsigned to2 = 0; to2 < el; to2++) {
                if (el == 2)
                    msr(hcr_el2, hcr | (to2 ? HCR_IMO | HCR_FMO : 0));
                gic_bit(GICD_ISPENDR, 3);
                acked_count = 0;
                call_spsr(spsr, do_open, 0);
                check_equal(taken.el, to2 || el == 1 ? el : 1, "from a lower EL: target");
                check_equal(taken.offset, (taken.el == lower ? V_CUR_SPX : V_LOWER) + kind,
                            "from a lower EL: vector");
                check_equal(acked[0], 3, "from a lower EL: INTID");
                taken_clear();
                if (el == 2)
                    msr(hcr_el2, hcr);
            }
        }
        if (el == 2) { /* the masks of EL1 do not hold back what goes to EL2 */
            msr(hcr_el2, mrs(hcr_el2) | HCR_IMO | HCR_FMO);
            gic_bit(GICD_ISPENDR, 3);
            call_el(1, do_open, 0);
            check_equal(taken.el << 16 | taken.offset, 2 << 16 | (V_LOWER + kind),
                        "masked at EL1, routed to EL2");
            taken_clear();
            msr(hcr_el2, mrs(hcr_el2) & ~(HCR_IMO | HCR_FMO));
        }
    }
    irq_handler = 0;
}

static void sgis(void)
{
    for (unsigned k = 0; k < 16; k++)
        gic_bit(GICD_ISENABLER, k);
    for (unsigned k = 0; k < 16; k += 5) {
        sgi(k);
        check(gic_test(GICD_ISPENDR, k), "SGI to self is pending");
        check_equal(mrs(icc_hppir1_el1), k, "HPPIR1");
        check_equal(gic_take(), k, "SGI to self: INTID");
        check(!gic_test(GICD_ISPENDR, k) && !gic_test(GICD_ISACTIVER, k), "and is inactive again");
    }
    msr(icc_sgi1r_el1, 5ul << 24 | BIT(40)); /* all but self */
    check_equal(gic_take(), SPURIOUS, "SGI to all others does not reach us");
    gic_bit(GICD_ISPENDR, 4);
    gic_bit(GICD_ICPENDR, 4);
    check_equal(gic_take(), SPURIOUS, "pending cleared by ICPENDR");
}

static void priorities(void)
{
    gic_priority(1, 0x80);
    gic_priority(2, 0x40);
    gic_priority(4, 0x40);
    sgi(1);
    sgi(4);
    sgi(2);
    check_equal(mrs(icc_iar1_el1), 2, "highest priority, then lowest INTID");
    check_equal(mrs(icc_rpr_el1), 0x40, "RPR");
    check_equal(mrs(icc_hppir1_el1), 4, "HPPIR sees the one of equal priority");
    check_equal(mrs(isr_el1), 0, "equal priority does not preempt");
    check_equal(mrs(icc_iar1_el1), SPURIOUS, "IAR: spurious meanwhile");
    check(gic_test(GICD_ISACTIVER, 2), "active");
    msr(icc_eoir1_el1, 2);
    check_equal(mrs(icc_rpr_el1), 0xff, "RPR idle");
    check_equal(gic_take(), 4, "then the next");
    msr(icc_pmr_el1, 0x80);
    check_equal(mrs(icc_iar1_el1), SPURIOUS, "PMR masks its own value");
    msr(icc_pmr_el1, 0x90);
    check_equal(mrs(icc_iar1_el1), 1, "PMR lets a higher priority through");
    msr(icc_pmr_el1, 0xff);
    sgi(2);
    check_equal(mrs(isr_el1), 0x80, "a higher priority preempts");
    check_equal(mrs(icc_iar1_el1), 2, "nested");
    check_equal(mrs(icc_ap1r0_el1), BIT(0x40 >> 3) | BIT(0x80 >> 3), "AP1R0 holds both");
    msr(icc_eoir1_el1, 2);
    check_equal(mrs(icc_rpr_el1), 0x80, "RPR falls back");
    msr(icc_eoir1_el1, 1);
    check_equal(mrs(icc_ap1r0_el1), 0, "AP1R0 empty");
}

static void binary_point(void)
{
    msr(icc_bpr1_el1, 6); /* group priority: bit 7 only */
    check_equal(mrs(icc_bpr1_el1), 6, "BPR1");
    sgi(1); /* 0x80 */
    check_equal(mrs(icc_iar1_el1), 1, "first");
    gic_priority(2, 0x90);
    gic_priority(4, 0x70);
    sgi(2);
    check_equal(mrs(isr_el1), 0, "same group priority does not preempt");
    sgi(4);
    check_equal(mrs(icc_iar1_el1), 4, "another group priority does");
    msr(icc_eoir1_el1, 4);
    msr(icc_eoir1_el1, 1);
    check_equal(gic_take(), 2, "the rest");
    msr(icc_bpr1_el1, 0);
}

static void eoi_mode(void)
{
    msr(icc_ctlr_el1, 2);
    sgi(1);
    check_equal(mrs(icc_iar1_el1), 1, "EOImode 1");
    msr(icc_eoir1_el1, 1);
    check_equal(mrs(icc_rpr_el1), 0xff, "EOIR drops the priority");
    check(gic_test(GICD_ISACTIVER, 1), "and leaves it active");
    sgi(1);
    check_equal(mrs(icc_iar1_el1), SPURIOUS, "active and pending: not signalled");
    msr(icc_dir_el1, 1);
    check(!gic_test(GICD_ISACTIVER, 1), "DIR deactivates");
    check_equal(mrs(icc_iar1_el1), 1, "and the pending one comes");
    msr(icc_eoir1_el1, 1);
    msr(icc_dir_el1, 1);
    msr(icc_ctlr_el1, 0);
}

static void groups(void)
{
    gic_group(6, false);
    gic_bit(GICD_ISENABLER, 6);
    gic_bit(GICD_ISPENDR, 6);
    check_equal(mrs(icc_iar1_el1), SPURIOUS, "group 0 is not seen by IAR1");
    check_equal(mrs(icc_hppir0_el1), 6, "HPPIR0");
    check_equal(mrs(isr_el1), 0x40, "FIQ pending");
    check_equal(mrs(icc_iar0_el1), 6, "IAR0");
    msr(icc_eoir0_el1, 6);
    gic_bit(GICD_ISPENDR, 6);
    msr(icc_igrpen0_el1, 0);
    check_equal(mrs(isr_el1), 0, "group 0 disabled");
    msr(icc_igrpen0_el1, 1);
    gic_bit(GICD_ICPENDR, 6);
    gic_group(6, true);
}

static void spis(void)
{
    volatile uint32_t *uart = (volatile uint32_t *)0x09000000;

    wr32(gic_reg(GICD_IROUTER, INTID_UART) + 8 * INTID_UART, 0);
    gic_group(INTID_UART, true);
    gic_priority(INTID_UART, 0xa0);
    gic_bit(GICD_ISENABLER, INTID_UART);
    gic_bit(GICD_ISPENDR, INTID_UART);
    check_equal(gic_take(), INTID_UART, "SPI by ISPENDR");
    uart[0x30 / 4] = 0x301;  /* CR: UARTEN, TXE, RXE */
    uart[0x38 / 4] = BIT(5); /* IMSC: TX */
    uart[0] = '\n';
    check_equal(mrs(icc_iar1_el1), INTID_UART, "UART's transmit interrupt");
    check(gic_test(GICD_ISACTIVER, INTID_UART), "active");
    uart[0x44 / 4] = BIT(5); /* ICR */
    msr(icc_eoir1_el1, INTID_UART);
    check_equal(gic_take(), SPURIOUS, "level gone after ICR");
    uart[0x38 / 4] = 0;
    /* An edge-triggered SPI that nothing drives: 40. */
    gic_group(40, true);
    gic_priority(40, 0xa0);
    gic_bit(GICD_ISENABLER, 40);
    wr32(GICD_ICFGR + 40 / 16 * 4, 2u << (40 % 16 * 2));
    gic_bit(GICD_ISPENDR, 40);
    check_equal(mrs(icc_iar1_el1), 40, "edge SPI");
    gic_bit(GICD_ISPENDR, 40);
    msr(icc_eoir1_el1, 40);
    check_equal(gic_take(), 40, "pended again while active");
    gic_bit(GICD_ICENABLER, 40);
    gic_bit(GICD_ISPENDR, 40);
    check_equal(gic_take(), SPURIOUS, "disabled");
    gic_bit(GICD_ISACTIVER, 41);
    check(gic_test(GICD_ICACTIVER, 41), "ISACTIVER");
    gic_bit(GICD_ICACTIVER, 41);
    check(!gic_test(GICD_ISACTIVER, 41), "ICACTIVER");
}

int main(void)
{
    gic_init();
    check_equal(gic_take(), SPURIOUS, "nothing pending");
    sgis();
    vectors(current_el());
    priorities();
    binary_point();
    eoi_mode();
    groups();
    spis();
    check_none("no interrupt was taken in passing");
    return (int)failures;
}
