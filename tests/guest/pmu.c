/* Runs on: a57 n1 max; el2 el1. */
/* The performance monitors: the cycle counter counts and overflows with an interrupt; filters by
 * EL; software increments; the architectural events, each exactly, where PMCEID announces them; the
 * counters that MDCR_EL2.HPMN keeps for EL2; reads that EL2 emulates. */
#include "gic.h"

#define INTID_PMU  23
#define CYCLES     BIT(31)
#define PMCR_E     1u
#define PMCR_P     2u
#define PMCR_C     4u
#define PMCR_LC    BIT(6)
#define FILTER_P   BIT(31)
#define FILTER_U   BIT(30)
#define FILTER_NSH BIT(27)
#define PMCR_LP    BIT(7)
#define MDCR_TPM   BIT(6)
#define MDCR_HPME  BIT(7)
#define PMUV3P1    4 /* ID_AA64DFR0_EL1.PMUVer */
#define PMUV3P5    6

enum {
    SW_INCR = 0x00,
    LD_RETIRED = 0x06,
    ST_RETIRED = 0x07,
    INST_RETIRED = 0x08,
    EXC_TAKEN = 0x09,
    EXC_RETURN = 0x0a,
    CID_WRITE_RETIRED = 0x0b,
    PC_WRITE_RETIRED = 0x0c,
    BR_IMMED_RETIRED = 0x0d,
    BR_RETURN_RETIRED = 0x0e,
    UNALIGNED_LDST_RETIRED = 0x0f,
    CPU_CYCLES = 0x11,
    MEM_ACCESS = 0x13,
    INST_SPEC = 0x1b,
    TTBR_WRITE_RETIRED = 0x1c,
    CHAIN = 0x1e,
    BR_RETIRED = 0x21,
    STALL_FRONTEND = 0x23,
    STALL_BACKEND = 0x24,
};

static unsigned pmu_version(void)
{
    return FIELD(mrs(id_aa64dfr0_el1), 11, 8);
}

static bool announced(unsigned event)
{
    return (event < 32 ? mrs(pmceid0_el0) : mrs(pmceid1_el0)) & BIT(event % 32);
}

/* What PMUv3 and PMUv3p1 require of every implementation. */
static void required_events(void)
{
    context = "PMCEID: ";
    check(announced(SW_INCR), "SW_INCR");
    check(announced(CPU_CYCLES), "CPU_CYCLES");
    if (!on_qemu()) /* it counts instructions only with -icount */
        check(announced(INST_RETIRED), "INST_RETIRED");
    if (pmu_version() >= PMUV3P1) {
        check(announced(STALL_FRONTEND), "STALL_FRONTEND");
        check(announced(STALL_BACKEND), "STALL_BACKEND");
    }
}

static void stop(void)
{
    msr(pmcr_el0, PMCR_P | PMCR_C | PMCR_LC);
    msr(pmcntenclr_el0, 0xffffffff);
    msr(pmintenclr_el1, 0xffffffff);
    msr(pmovsclr_el0, 0xffffffff);
    msr(pmccfiltr_el0, FILTER_NSH);
    isb();
}

static void start(uint64_t counters)
{
    msr(pmcntenset_el0, counters);
    msr(pmcr_el0, PMCR_E | PMCR_LC);
    isb();
}

static void spin(unsigned n)
{
    for (volatile unsigned k = 0; k < n; k++)
        ;
}

static void cycle_counter(void)
{
    uint64_t a, b;

    context = "cycle counter: ";
    stop();
    a = mrs(pmccntr_el0);
    spin(100);
    check_equal(mrs(pmccntr_el0), a, "stands still when off");
    start(CYCLES);
    a = mrs(pmccntr_el0);
    spin(100);
    b = mrs(pmccntr_el0);
    check(b > a, "counts when on");
    msr(pmcntenclr_el0, CYCLES);
    isb();
    a = mrs(pmccntr_el0);
    spin(100);
    check_equal(mrs(pmccntr_el0), a, "stands still when disabled by PMCNTENCLR");

    stop();
    msr(pmccfiltr_el0, FILTER_P | FILTER_U);
    start(CYCLES);
    a = mrs(pmccntr_el0);
    spin(100);
    check_equal(mrs(pmccntr_el0), a, "does not count where the filter says so");
}

static void overflow(void)
{
    context = "overflow: ";
    stop();
    gic_bit(GICD_ISENABLER, INTID_PMU);
    msr(pmintenset_el1, CYCLES);
    msr(pmccntr_el0, -UINT64_C(2000));
    start(CYCLES);
    uint64_t end = mrs(cntvct_el0) + mrs(cntfrq_el0) / 4;
    while (mrs(cntvct_el0) < end && !gic_test(GICD_ISPENDR, INTID_PMU))
        spin(100);
    check(mrs(pmovsset_el0) & CYCLES, "PMOVSSET shows it");
    check(gic_test(GICD_ISPENDR, INTID_PMU), "PPI 23 is pending");
    msr(pmovsclr_el0, CYCLES);
    isb();
    check_equal(mrs(pmovsset_el0) & CYCLES, 0, "PMOVSCLR clears it");
    check(!gic_test(GICD_ISPENDR, INTID_PMU), "PPI 23 is not pending any more");
    stop();
}

static void software_increment(void)
{
    context = "PMSWINC: ";
    stop();
    msr(pmevtyper0_el0, FILTER_NSH | SW_INCR);
    start(1);
    msr(pmswinc_el0, 1);
    msr(pmswinc_el0, 3);
    isb();
    check_equal(mrs(pmevcntr0_el0), 2, "counts two");
    msr(pmevcntr0_el0, 0xffffffff);
    msr(pmswinc_el0, 1);
    isb();
    check_equal((uint32_t)mrs(pmevcntr0_el0), 0, "wraps at 32 bits");
    check_equal(mrs(pmovsset_el0) & 1, 1, "and says so");
    stop();
}

/* What one pass of instruction_mix() counts as. The read of the counter that ends it is one of the
 * instructions. */
static const struct {
    unsigned event, count;
    const char *name;
} mix[] = {
    {LD_RETIRED, 3, "LD_RETIRED"},
    {ST_RETIRED, 2, "ST_RETIRED"},
    {INST_RETIRED, 18, "INST_RETIRED"},
    {EXC_TAKEN, 0, "EXC_TAKEN"},
    {EXC_RETURN, 0, "EXC_RETURN"},
    {CID_WRITE_RETIRED, 1, "CID_WRITE_RETIRED"},
    {PC_WRITE_RETIRED, 5, "PC_WRITE_RETIRED"},
    {BR_IMMED_RETIRED, 5, "BR_IMMED_RETIRED"},
    {BR_RETURN_RETIRED, 1, "BR_RETURN_RETIRED"},
    {UNALIGNED_LDST_RETIRED, 0, "UNALIGNED_LDST_RETIRED"},
    {MEM_ACCESS, 5, "MEM_ACCESS"},
    {INST_SPEC, 18, "INST_SPEC"},
    {TTBR_WRITE_RETIRED, 2, "TTBR_WRITE_RETIRED"},
    {BR_RETIRED, 6, "BR_RETIRED"},
};

static uint64_t instruction_mix(void)
{
    static uint64_t data[2];
    uint64_t a, b;

    __asm__ volatile("mrs x11, contextidr_el1\n"
                     "mrs x12, ttbr0_el1\n"
                     "mrs %0, pmevcntr0_el0\n"
                     "ldr x9, [%2]; ldp x9, x10, [%2]; prfm pldl1keep, [%2]; str x9, [%2]\n"
                     "clrex; stxr w9, x10, [%2]; ldxr x10, [%2]; stxr w9, x10, [%2]\n"
                     "cbz xzr, 1f; nop\n"
                     "1: cbnz xzr, 1b; b 2f\n"
                     "2: bl 3f; b 4f\n"
                     "3: ret\n"
                     "4: msr contextidr_el1, x11; msr ttbr0_el1, x12; msr ttbr0_el1, x12\n"
                     "mrs %1, pmevcntr0_el0\n"
                     : "=&r"(a), "=&r"(b)
                     : "r"(data)
                     : "x9", "x10", "x11", "x12", "x30", "memory");
    return b - a;
}

static void count(uint64_t filter, unsigned event)
{
    stop();
    msr(pmevtyper0_el0, filter | event);
    start(1);
}

static void instructions(void)
{
    for (unsigned k = 0; k < ARRAY_SIZE(mix); k++) {
        context = mix[k].name;
        count(FILTER_NSH, mix[k].event);
        if (announced(mix[k].event))
            check_equal(instruction_mix(), mix[k].count, " of known instructions");
        else
            check_equal(instruction_mix(), 0, ", which is not announced");
    }
    stop();
}

/* Events that come with a change of EL belong to the one it leaves. */
static uint64_t two_calls(uint64_t arg)
{
    insn("svc #1; svc #2");
    return arg;
}

static void calls(void)
{
    uint64_t others = FILTER_P; /* EL2 does not count unless NSH says so */

    context = "SVC from EL0: ";
    if (!announced(EXC_TAKEN))
        return;
    count(others, EXC_TAKEN);
    call_el(0, two_calls, 0);
    check_equal(mrs(pmevcntr0_el0), 3, "EXC_TAKEN of EL0, the return to here among them");
    count(FILTER_U | (current_el() == 2 ? FILTER_NSH : 0), EXC_RETURN);
    call_el(0, two_calls, 0);
    /* Without EL2's TGE the calls are taken to EL1, which returns twice; we return once. */
    check_equal(mrs(pmevcntr0_el0), 3, "EXC_RETURN of the ELs above");
    stop();
}

/* The third branch overflows the counter: the interrupt comes before the next instruction. */
extern char overflow_third[];

static void silence(struct frame *f, unsigned el, unsigned offset)
{
    (void)f;
    (void)el;
    (void)offset;
    msr(pmintenclr_el1, 1);
    msr(pmovsclr_el0, 1);
    gic_take();
}

static void exact_overflow(void)
{
    uint64_t hcr = 0;

    context = "overflow of BR_IMMED_RETIRED: ";
    if (!announced(BR_IMMED_RETIRED))
        return;
    if (current_el() == 2) {
        hcr = mrs(hcr_el2);
        msr(hcr_el2, hcr | HCR_IMO);
    }
    stop();
    gic_bit(GICD_ISENABLER, INTID_PMU);
    irq_handler = silence;
    msr(pmevtyper0_el0, FILTER_NSH | BR_IMMED_RETIRED);
    msr(pmevcntr0_el0, 0xfffffffd);
    msr(pmintenset_el1, 1);
    msr(pmcr_el0, PMCR_E | PMCR_LC);
    taken_clear();
    __asm__ volatile("msr daifclr, #2\n"
                     "msr pmcntenset_el0, %0\n"
                     "isb\n"
                     "b 1f\n"
                     "1: nop; b 2f\n"
                     "2: nop; cbnz xzr, 2b\n"
                     "overflow_third: nop; b 3f\n"
                     "3: nop; msr daifset, #2\n" ::"r"(UINT64_C(1)));
    check_equal(taken.count, 1, "one interrupt");
    check_equal(taken.elr, (uint64_t)overflow_third, "behind the branch that caused it");
    irq_handler = 0;
    taken_clear();
    stop();
    if (hcr)
        msr(hcr_el2, hcr);
}

static void chain(void)
{
    context = "CHAIN: ";
    stop();
    if (!announced(CHAIN))
        return;
    msr(pmevtyper0_el0, FILTER_NSH | SW_INCR);
    msr(pmevtyper1_el0, FILTER_NSH | CHAIN);
    msr(pmevcntr0_el0, 0xfffffffe);
    start(3);
    for (unsigned k = 0; k < 3; k++)
        msr(pmswinc_el0, 1);
    check_equal(mrs(pmevcntr1_el0), 1, "the odd counter counts the even one's overflow");
    check_equal((uint32_t)mrs(pmevcntr0_el0), 1, "which goes on");
    check_equal(mrs(pmovsset_el0), 1, "and has overflowed alone");

    if (pmu_version() >= PMUV3P5) {
        stop();
        msr(pmevcntr0_el0, UINT64_MAX);
        msr(pmevcntr1_el0, 7);
        msr(pmcntenset_el0, 3);
        msr(pmcr_el0, PMCR_E | PMCR_LC | PMCR_LP);
        msr(pmswinc_el0, 1);
        check_equal(mrs(pmevcntr0_el0), 0, "an even counter of 64 bits wraps");
        check_equal(mrs(pmovsset_el0), 1, "and says so");
        check_equal(mrs(pmevcntr1_el0), 7, "and its overflow is not counted");
    }
    stop();
}

/* At EL1: what there is of the counters, and an increment of 0 and 4. */
static uint64_t use_as_guest(uint64_t arg)
{
    (void)arg;
    msr(pmswinc_el0, 0x11);
    msr(pmcntenclr_el0, 0x10);
    msr(pmovsset_el0, 0x10);
    msr(pmcr_el0, mrs(pmcr_el0) | PMCR_P);
    return FIELD(mrs(pmcr_el0), 15, 11)
    << 32 | mrs(pmcntenset_el0);
}

static void partition(void)
{
    uint64_t mdcr = mrs(mdcr_el2), guest;

    context = "MDCR_EL2.HPMN: ";
    stop();
    msr(mdcr_el2, (mdcr & ~UINT64_C(31)) | 3 | MDCR_HPME);
    msr(pmevtyper0_el0, SW_INCR);
    msr(pmevtyper4_el0, SW_INCR);
    msr(pmevcntr0_el0, 7);
    msr(pmevcntr4_el0, 7);
    start(0x11);
    guest = call_el(1, use_as_guest, 0);
    check_equal(guest >> 32, 3, "PMCR_EL0.N at EL1");
    check_equal((uint32_t)guest, 1, "PMCNTENSET at EL1");
    check_equal(FIELD(mrs(pmcr_el0), 15, 11) >= 4, 1, "PMCR_EL0.N at EL2");
    check_equal(mrs(pmevcntr0_el0), 0, "EL1 counts and resets its counter");
    check_differs(mrs(pmevcntr4_el0), 7, "and not EL2's", "pmu-hpmn");
    check_differs(mrs(pmcntenset_el0), 0x11, "nor disables it", "pmu-hpmn");
    check_differs(mrs(pmovsset_el0) & 0x10, 0, "nor sets its overflow", "pmu-hpmn");

    /* EL2's counters go by HPME and not by PMCR_EL0.E. */
    msr(pmevtyper4_el0, FILTER_NSH | SW_INCR);
    msr(pmcntenset_el0, 0x11);
    msr(pmevcntr4_el0, 0);
    msr(pmcr_el0, PMCR_LC);
    msr(pmswinc_el0, 0x11);
    check_equal(mrs(pmevcntr4_el0), 1, "HPME without E");
    msr(pmcr_el0, PMCR_E | PMCR_LC);
    msr(mdcr_el2, mrs(mdcr_el2) & ~MDCR_HPME);
    msr(pmswinc_el0, 0x11);
    check_equal(mrs(pmevcntr4_el0), 1, "E without HPME");
    msr(mdcr_el2, mdcr);
    stop();
}

/* EL2 emulates the cycle counter, which counts at EL1 only. */
static void emulate_read(struct frame *f, unsigned el, unsigned offset)
{
    (void)el;
    (void)offset;
    f->x[FIELD(f->esr, 9, 5)] = mrs(pmccntr_el0);
    f->elr += 4;
    taken.count++;
}

static uint64_t two_reads(uint64_t arg)
{
    uint64_t a, b;

    (void)arg;
    __asm__ volatile("mrs %0, pmccntr_el0; mrs %1, pmccntr_el0" : "=r"(a), "=r"(b));
    return b - a;
}

static void trapped_reads(void)
{
    uint64_t mdcr = mrs(mdcr_el2);

    context = "MDCR_EL2.TPM: ";
    stop();
    msr(mdcr_el2, mdcr | MDCR_TPM);
    msr(pmccfiltr_el0, 0);
    start(CYCLES);
    taken_clear();
    guest_handler = emulate_read;
    uint64_t cycles = call_el(1, two_reads, 0);
    guest_handler = 0;
    check_equal(taken.count, 2, "two reads are trapped");
    check(cycles > 0, "a cycle passes from one to the other");
    taken_clear();
    msr(mdcr_el2, mdcr);
    stop();
}

int main(void)
{
    gic_init();
    required_events();
    cycle_counter();
    overflow();
    software_increment();
    chain();
    instructions();
    calls();
    exact_overflow();
    if (current_el() == 2) {
        partition();
        trapped_reads();
    }
    return (int)failures;
}
