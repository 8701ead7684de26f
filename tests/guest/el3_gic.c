/* Runs on: a57 max; el3. */
/* A GIC with two Security states: what Non-secure accesses see of the distributor and
 * of priorities, the banked registers of group 1, and which pin an interrupt of each
 * group leaves by. */
#include "gic.h"

#define SCR_BASE        UINT64_C(0x30430) /* API, APK, RW */
#define RD_SGI          (GICR + GICR_SGI)
#define GICR_IGROUPR0   (RD_SGI + 0x080)
#define GICR_ISENABLER0 (RD_SGI + 0x100)
#define GICR_ISPENDR0   (RD_SGI + 0x200)
#define GICR_IPRIO      (RD_SGI + 0x400)
#define GICR_IGRPMODR0  (RD_SGI + 0xd00)
#define SGI_G0          1
#define SGI_G1S         2
#define SGI_NS          3
#define DAIF_NONE       UINT64_C(0)

static void scr(uint64_t bits)
{
    msr(scr_el3, SCR_BASE | bits);
    isb();
}

static uint64_t word(uint64_t address)
{
    return rd32(address);
}

static uint64_t write_word(uint64_t packed)
{
    wr32(packed >> 32, (uint32_t)packed);
    return 0;
}

static uint64_t ns_read(uint64_t address)
{
    scr(SCR_NS | SCR_HCE | SCR_FIQ);
    uint64_t v = call_el(2, word, address);
    scr(0);
    return v;
}

static void ns_write(uint64_t address, uint32_t value)
{
    scr(SCR_NS | SCR_HCE | SCR_FIQ);
    call_el(2, write_word, address << 32 | value);
    scr(0);
}

static void init(void)
{
    wr32(GICD_CTLR, 0x30); /* ARE of both */
    wr32(GICD_CTLR, 0x37);
    wr32(GICR + GICR_WAKER, 0);
    while (rd32(GICR + GICR_WAKER) & 4)
        ;
    wr32(GICR_IGROUPR0, (uint32_t)BIT(SGI_NS));
    wr32(GICR_IGRPMODR0, (uint32_t)BIT(SGI_G1S));
    wr8(GICR_IPRIO + SGI_G0, 0x20);
    wr8(GICR_IPRIO + SGI_G1S, 0x40);
    wr8(GICR_IPRIO + SGI_NS, 0xc0);
    wr32(GICR_ISENABLER0, 0xffff);
    msr(S3_6_C12_C12_7, 3); /* ICC_IGRPEN1_EL3 */
    msr(icc_igrpen0_el1, 1);
    msr(icc_pmr_el1, 0xf8);
    isb();
}

static uint64_t pmr(uint64_t arg)
{
    if (arg)
        msr(icc_pmr_el1, arg);
    isb();
    return mrs(icc_pmr_el1);
}

static uint64_t igrpen1(uint64_t arg)
{
    if (arg < 2)
        msr(icc_igrpen1_el1, arg);
    isb();
    return mrs(icc_igrpen1_el1);
}

static void views(void)
{
    check_equal(rd32(GICD_CTLR) & 0x77, 0x37, "GICD_CTLR, Secure");
    check_equal(ns_read(GICD_CTLR) & 0x77, 0x12, "GICD_CTLR, Non-secure");
    check_equal(FIELD(rd32(GICD_TYPER), 10, 10), 1, "GICD_TYPER.SecurityExtn");
    check_equal(ns_read(GICR_IGROUPR0), 0, "IGROUPR0 is RAZ for Non-secure");
    check_equal(ns_read(GICR_ISENABLER0), BIT(SGI_NS), "ISENABLER0: its own interrupts only");
    check_equal(ns_read(GICR_IPRIO), 0x80000000, "IPRIORITYR0: shifted, others RAZ");
    ns_write(GICR_IPRIO, 0x40404040);
    check_equal(rd32(GICR_IPRIO), 0xa0402000, "written: the lower half, its own only");
    ns_write(GICR_IGROUPR0, 0xffff);
    check_equal(rd32(GICR_IGROUPR0), BIT(SGI_NS), "IGROUPR0 is WI for Non-secure");
    ns_write(RD_SGI + 0x180, 0xffff);
    check_equal(rd32(GICR_ISENABLER0), 0xffff & ~BIT(SGI_NS), "ICENABLER0: its own only");
    wr32(GICR_ISENABLER0, 0xffff);

    scr(SCR_NS | SCR_HCE | SCR_FIQ);
    check_equal(call_el(2, pmr, 0), 0xf0, "ICC_PMR_EL1: shifted");
    check_equal(call_el(2, pmr, 0x40), 0x40, "written and read by Non-secure");
    scr(0);
    check_equal(mrs(icc_pmr_el1), 0xa0, "the lower half");
    msr(icc_pmr_el1, 0x40);
    scr(SCR_NS | SCR_HCE | SCR_FIQ);
    check_equal(call_el(2, pmr, 0x80), 0, "of the upper half it sees 0, and writes nothing");
    scr(0);
    check_equal(mrs(icc_pmr_el1), 0x40, "it has not");
    msr(icc_pmr_el1, 0xf8);

    scr(SCR_NS | SCR_HCE);
    check_equal(call_el(2, igrpen1, 0), 0, "ICC_IGRPEN1_EL1, Non-secure copy");
    scr(0);
    check_equal(call_el(1, igrpen1, 2), 1, "the Secure copy stays");
    check_equal(mrs(S3_6_C12_C12_7) & 3, 2, "ICC_IGRPEN1_EL3 shows both");
    msr(S3_6_C12_C12_7, 3);
    isb();
}

static void pend(unsigned sgi)
{
    wr32(GICR_ISPENDR0, (uint32_t)BIT(sgi));
}

static void unpend(unsigned sgi)
{
    wr32(RD_SGI + 0x280, (uint32_t)BIT(sgi));
}

static uint64_t isr(uint64_t arg)
{
    (void)arg;
    dsb();
    isb();
    return mrs(isr_el1);
}

#define ISR_I BIT(7)
#define ISR_F BIT(6)

/* By which pin @sgi comes, at EL3, Secure EL1 and EL2. */
static void pins(unsigned sgi, uint64_t el3, uint64_t secure, uint64_t ns, const char *what)
{
    context = what;
    scr(0);
    pend(sgi);
    check_equal(isr(0), el3, ": at EL3");
    check_equal(call_el(1, isr, 0), secure, ": at Secure EL1");
    scr(SCR_NS | SCR_HCE);
    check_equal(call_el(2, isr, 0), ns, ": at EL2");
    scr(0);
    unpend(sgi);
    context = "";
}

static uint64_t iar1(uint64_t arg)
{
    uint64_t intid = mrs(icc_iar1_el1);

    (void)arg;
    if (intid < 1020)
        msr(icc_eoir1_el1, intid);
    isb();
    return intid;
}

static void acknowledge(void)
{
    pend(SGI_G0);
    scr(SCR_NS | SCR_HCE);
    check_equal(call_el(2, iar1, 0), SPURIOUS, "IAR1 at EL2 of a group 0 one");
    scr(0);
    check_equal(mrs(icc_iar0_el1), SGI_G0, "IAR0 at EL3");
    msr(icc_eoir0_el1, SGI_G0);
    pend(SGI_G1S);
    check_equal(mrs(icc_iar0_el1), 1020, "IAR0 at EL3 of a Secure group 1 one");
    scr(SCR_NS | SCR_HCE);
    check_equal(call_el(2, iar1, 0), SPURIOUS, "IAR1 at EL2 of a Secure group 1 one");
    scr(0);
    check_equal(call_el(1, iar1, 0), SGI_G1S, "IAR1 at Secure EL1");
    pend(SGI_NS);
    check_equal(mrs(icc_hppir0_el1), 1021, "HPPIR0 at EL3 of a Non-secure group 1 one");
    check_equal(call_el(1, iar1, 0), SPURIOUS, "IAR1 at Secure EL1 of it");
    scr(SCR_NS | SCR_HCE);
    check_equal(call_el(2, iar1, 0), SGI_NS, "IAR1 at EL2");
    scr(0);
}

static void take_fiq(struct frame *f, unsigned el, unsigned offset)
{
    (void)f, (void)el, (void)offset;
    msr(icc_eoir0_el1, mrs(icc_iar0_el1));
}

/* Routed by SCR_EL3: taken at EL3 from below whatever PSTATE masks. */
static void routes(void)
{
    pend(SGI_G0);
    taken_clear();
    scr(SCR_FIQ);
    irq_handler = take_fiq;
    call_spsr(SPSR_EL1H, isr, 0);
    check_equal(taken.el << 16 | taken.offset, 3u << 16 | (V_LOWER + V_FIQ),
                "FIQ to EL3 from masked EL1");
    scr(0);
}

int main(void)
{
    scr(0);
    init();
    views();
    pins(SGI_G0, ISR_F, ISR_F, ISR_F, "group 0");
    pins(SGI_G1S, ISR_F, ISR_I, ISR_F, "Secure group 1");
    pins(SGI_NS, ISR_F, ISR_F, ISR_I, "Non-secure group 1");
    acknowledge();
    routes();
    return (int)failures;
}
