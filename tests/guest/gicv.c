/* Runs on: n1 max; el2; here only; options --gic gicv=1. */
/* A guest with a GICv2: ICC_SRE_EL1.SRE = 0 and GICV, the memory-mapped virtual CPU interface. QEMU
 * has it with a GICv2 only, where it is another program's business. */
#include "gic.h"

#define GICV      UINT64_C(0x08040000)
#define GICV_CTLR (GICV + 0x00)
#define GICV_PMR  (GICV + 0x04)
#define GICV_IAR  (GICV + 0x0c)
#define GICV_EOIR (GICV + 0x10)
#define GICV_RPR  (GICV + 0x14)
#define GICV_DIR  (GICV + 0x1000)

#define LR_PENDING BIT(62)
#define LR_GROUP1  BIT(60)
#define LR_HW      BIT(61)

#define ICC_PMR_WORD SYS(3, 0, 4, 6, 0)
#define ICC_SRE_WORD SYS(3, 0, 12, 12, 5)

static uint64_t read32(uint64_t addr)
{
    return rd32(addr);
}

static uint64_t end(uint64_t intid)
{
    wr32(GICV_EOIR, (uint32_t)intid);
    return 0;
}

static uint64_t unmask(uint64_t arg)
{
    insn("msr daifclr, #3; isb; nop; nop; msr daifset, #3");
    return arg;
}

static uint64_t acked, vector;

static void ack(struct frame *f, unsigned el, unsigned offset)
{
    (void)f, (void)el;
    vector = offset & 0x180;
    acked = rd32(GICV_IAR);
    wr32(GICV_EOIR, (uint32_t)acked);
}

static void enable_register(void)
{
    msr(icc_sre_el1, 0);
    check_equal(mrs(icc_sre_el1), 6, "SRE can be 0");
    msr(icc_sre_el1, 7);
    check_equal(mrs(icc_sre_el1), 7, "SRE is writable");
    check_equal(mrs(icc_sre_el2), 15, "SRE of EL2 is not");
    taken_clear();
    run_word_at(1, MRS_WORD(ICC_PMR_WORD), 0);
    check_none("SRE = 1: ICC_PMR_EL1 from EL1");
    msr(icc_sre_el1, 0);
    taken_clear();
    run_word_at(1, MRS_WORD(ICC_PMR_WORD), 0);
    check_taken(1, V_CUR_SPX, ESR(EC_SYSREG, sys_iss(MRS_WORD(ICC_PMR_WORD))),
                "SRE = 0: ICC_PMR_EL1 from EL1");
    taken_clear();
    run_word_at(1, MRS_WORD(ICC_SRE_WORD), 0);
    check_none("SRE = 0: ICC_SRE_EL1 from EL1");
    taken_clear();
    (void)mrs(icc_pmr_el1);
    check_none("SRE of EL1 = 0: ICC_PMR_EL1 from EL2");
}

static void interrupts(void)
{
    msr(ich_vmcr_el2, 0);
    wr32(GICV_CTLR, 1);
    wr32(GICV_PMR, 0xf0);
    check_equal(mrs(ich_vmcr_el2) >> 24, 0xf0, "ICH_VMCR_EL2 shows GICV_PMR");
    msr(ich_hcr_el2, 1);
    msr(ich_lr0_el2, LR_PENDING | UINT64_C(0x80) << 48 | 2 << 10 | 5);
    check_equal(call_el(1, read32, GICV_IAR), 2 << 10 | 5, "an SGI with its source");
    check_equal(call_el(1, read32, GICV_RPR), 0x80, "running priority");
    check_equal(mrs(ich_ap1r0_el2), BIT(16), "active in AP1R, although of group 0");
    call_el(1, end, 2 << 10 | 5);
    check_equal(mrs(ich_lr0_el2) >> 62, 0, "ended");
    irq_handler = ack;
    msr(ich_lr0_el2, LR_PENDING | UINT64_C(0x80) << 48 | 40);
    call_el(1, unmask, 0);
    check_equal(vector, V_IRQ, "group 0 is an IRQ without FIQEn");
    check_equal(acked, 40, "its INTID");
    wr32(GICV_CTLR, 1 | 8);
    msr(ich_lr0_el2, LR_PENDING | UINT64_C(0x80) << 48 | 41);
    call_el(1, unmask, 0);
    check_equal(vector, V_FIQ, "and an FIQ with it");
    check_equal(acked, 41, "its INTID");
    irq_handler = 0;
}

/* HW = 1: the guest's end deactivates the physical interrupt. */
static void hardware(void)
{
    gic_bit(GICD_ISENABLER, INTID_CNTV);
    gic_bit(GICD_ISACTIVER, INTID_CNTV);
    wr32(GICV_CTLR, 1);
    msr(ich_lr0_el2,
        LR_PENDING | LR_HW | UINT64_C(0x80) << 48 | (uint64_t)INTID_CNTV << 32 | INTID_CNTV);
    check_equal(call_el(1, read32, GICV_IAR), INTID_CNTV, "a hardware interrupt");
    check(gic_test(GICD_ISACTIVER, INTID_CNTV), "is active");
    call_el(1, end, INTID_CNTV);
    check(!gic_test(GICD_ISACTIVER, INTID_CNTV), "until the guest ends it");
}

int main(void)
{
    enable_register();
    gic_init();
    msr(hcr_el2, mrs(hcr_el2) | HCR_IMO | HCR_FMO);
    interrupts();
    hardware();
    return (int)failures;
}
