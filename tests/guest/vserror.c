/* Runs on: a57 n1 max; el2. */
/* Virtual interrupts of HCR_EL2: when EL1 and EL0 take VI, VF and VSE and when nobody does; virtual
 * SErrors with FEAT_RAS: VSESR_EL2, ESB, VDISR_EL2 and DISR_EL1. */
#include "guest.h"

#define ISR_A  BIT(8)
#define ISR_I  BIT(7)
#define ISR_F  BIT(6)
#define DISR   SYS(3, 0, 12, 1, 1)
#define DISR_A BIT(31)
#define IDS    BIT(24)
#define ESB    0xd503221f

static const struct kind {
    uint64_t pend, route;
    unsigned daif, vector;
    uint64_t isr;
    const char *name;
} kinds[] = {
    {HCR_VI, HCR_IMO, 1 << 7, V_IRQ, ISR_I, "VI: "},
    {HCR_VF, HCR_FMO, 1 << 6, V_FIQ, ISR_F, "VF: "},
    {HCR_VSE, HCR_AMO, 1 << 8, V_SERROR, ISR_A, "VSE: "},
};

static uint64_t nops(uint64_t arg)
{
    insn("nop; nop; nop; nop");
    return arg;
}

/* EL1's handler masks what it took in the interrupted state: VI and VF stay pending. */
static void mask(struct frame *f, unsigned el, unsigned offset)
{
    (void)el, (void)offset;
    f->spsr |= 0x3c0;
}

/* Taken at EL1 from EL @el with the mask bits @daif clear, or not. */
static void take(const struct kind *k, uint64_t hcr, unsigned el, bool masked, bool taken_,
                 const char *what)
{
    uint64_t spsr = (el ? SPSR_EL1H : SPSR_EL0) & ~(masked ? 0 : (uint64_t)k->daif);

    msr(hcr_el2, HCR_RW | hcr);
    irq_handler = mask;
    call_spsr(spsr, nops, 0);
    irq_handler = 0;
    msr(hcr_el2, HCR_RW);
    check_equal(taken.count << 32 | taken.el << 16 | taken.offset,
                taken_ ? BIT(32) | 1 << 16 | ((el ? V_CUR_SPX : V_LOWER) + k->vector) : 0, what);
    taken_clear();
}

static void delivery(const struct kind *k)
{
    uint64_t on = k->pend | k->route;

    for (unsigned el = 0; el < 2; el++) {
        take(k, on, el, false, true, "unmasked");
        take(k, on, el, true, false, "masked");
        take(k, k->pend, el, false, false, "without its route bit");
        take(k, k->route, el, false, false, "not pending");
    }
    take(k, on | HCR_TGE, 0, false, false, "with TGE");
    if (has_vhe()) {
        take(k, on | HCR_E2H, 1, false, true, "guest of an E2H host");
        take(k, on | HCR_E2H | HCR_TGE, 0, false, false, "EL0 of a host");
    }
    msr(hcr_el2, HCR_RW | on);
    check_equal(run_word_at(1, 0xd538c100, 0), k->isr, "ISR_EL1 of the guest");
    check_equal(mrs(isr_el1), 0, "ISR_EL1 of EL2");
    insn("msr daifclr, #7; nop; nop; msr daifset, #7");
    check_none("not taken at EL2");
    msr(hcr_el2, HCR_RW);
}

static void syndromes(void)
{
    const uint64_t on = HCR_RW | HCR_AMO | HCR_VSE;

    if (!FIELD(mrs(id_aa64pfr0_el1), 31, 28)) {
        note("no FEAT_RAS");
        return;
    }
    context = "RAS: ";
    msr(s3_4_c5_c2_3, IDS | 0x12345);
    msr(hcr_el2, on);
    call_spsr(SPSR_EL1H & ~UINT64_C(0x100), nops, 0);
    check_equal(mrs(hcr_el2) & HCR_VSE, 0, "taking it clears VSE");
    check_taken(1, V_CUR_SPX + V_SERROR, ESR(EC_SERROR, IDS | 0x12345), "syndrome of VSESR_EL2");
    msr(s3_4_c12_c1_1, 0);
    msr(hcr_el2, on);
    run_word_at(1, ESB, 0); /* masked */
    check_equal(mrs(hcr_el2) & HCR_VSE, 0, "ESB at EL1, masked: clears VSE");
    check_equal(mrs(s3_4_c12_c1_1), DISR_A | IDS | 0x12345, "VDISR_EL2 has it");
    check_equal(run_word_at(1, MRS_WORD(DISR), 0), DISR_A | IDS | 0x12345,
                "DISR_EL1 at EL1 is VDISR");
    run_word_at(1, DISR, 0);
    check_equal(mrs(s3_4_c12_c1_1), 0, "DISR_EL1 written at EL1");
    msr(hcr_el2, HCR_RW | HCR_AMO);
    run_word_at(1, ESB, 0);
    check_equal(mrs(s3_4_c12_c1_1), 0, "ESB without VSE");
    msr(hcr_el2, HCR_RW | HCR_VSE);
    run_word_at(1, ESB, 0);
    check_equal(mrs(hcr_el2) & HCR_VSE, HCR_VSE, "ESB without AMO leaves VSE");
    msr(hcr_el2, on);
    insn("esb");
    check_equal(mrs(hcr_el2) & HCR_VSE, HCR_VSE, "ESB at EL2 leaves VSE");
    msr(hcr_el2, HCR_RW);
    check_none("no exception");
    context = "";
}

int main(void)
{
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        context = kinds[k].name;
        delivery(&kinds[k]);
    }
    context = "";
    syndromes();
    return (int)failures;
}
