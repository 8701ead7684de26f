/* Runs on: n1 max; el2. */
/* VHE: redirection under HCR_EL2.E2H, the _EL12 and _EL02 names, the E2H layouts of CPTR_EL2 and
 * CNTHCTL_EL2, EL0 as host with TGE, both table base registers of EL2. */
#include "mmu.h"

#define HIGH UINT64_C(0xffffff8000000000) /* TTBR1's first address with 39 bits */

static uint64_t nvhe_cptr;

static void e2h(bool on, bool tge)
{
    uint64_t hcr = HCR_RW | (on ? HCR_E2H : 0) | (tge ? HCR_TGE : 0);

    msr(hcr_el2, hcr);
    /* FPEN and ZEN of the E2H layout; TFP clear in the other. */
    msr(s3_4_c1_c1_2, on ? UINT64_C(0x330000) : nvhe_cptr);
}

#define REDIRECTED(EL1, EL12, EL2, v1, v2)                                                         \
    do {                                                                                           \
        e2h(false, false);                                                                         \
        uint64_t saved1 = mrs(EL1), saved2 = mrs(EL2);                                             \
        msr(EL1, v1);                                                                              \
        msr(EL2, v2);                                                                              \
        e2h(true, false);                                                                          \
        check_equal(mrs(EL1), v2, #EL1 " is EL2's");                                               \
        check_equal(mrs(EL12), v1, #EL12 " is EL1's");                                             \
        msr(EL12, saved1);                                                                         \
        msr(EL1, saved2);                                                                          \
        e2h(false, false);                                                                         \
        check_equal(mrs(EL1), saved1, #EL12 " written");                                           \
        check_equal(mrs(EL2), saved2, #EL1 " written");                                            \
    } while (0)

static void redirection(void)
{
    REDIRECTED(far_el1, far_el12, far_el2, 0x1111, 0x2222);
    REDIRECTED(esr_el1, esr_el12, esr_el2, 0x2000011, 0x2000022);
    REDIRECTED(elr_el1, elr_el12, elr_el2, 0x1000, 0x2000);
    REDIRECTED(spsr_el1, spsr_el12, spsr_el2, 0x3c5, 0x3c9);
    REDIRECTED(vbar_el1, vbar_el12, vbar_el2, 0x11000, mrs(vbar_el2));
    REDIRECTED(mair_el1, mair_el12, mair_el2, 0x44, 0xff);
    REDIRECTED(amair_el1, amair_el12, amair_el2, 0, 0);
    REDIRECTED(afsr0_el1, afsr0_el12, afsr0_el2, 0, 0);
    REDIRECTED(ttbr0_el1, ttbr0_el12, ttbr0_el2, 0x41000, 0x42000);
    REDIRECTED(tcr_el1, tcr_el12, tcr_el2, 0x19, 0x80800019);
    REDIRECTED(contextidr_el1, contextidr_el12, s3_4_c13_c0_1, 0x11, 0x22);
    REDIRECTED(ttbr1_el1, s3_5_c2_c0_1, s3_4_c2_c0_1, 0x51000, 0x52000);
    REDIRECTED(cntkctl_el1, cntkctl_el12, cnthctl_el2, 0x100, 0x3);
}

static void timers(void)
{
    e2h(true, false);
    msr(cntp_cval_el0, 0x1234);  /* CNTHP */
    msr(cntp_cval_el02, 0x5678); /* CNTP */
    msr(cntv_cval_el0, 0x9abc);  /* CNTHV */
    msr(cntv_cval_el02, 0xdef0); /* CNTV */
    e2h(false, false);
    check_equal(mrs(cnthp_cval_el2), 0x1234, "CNTP_CVAL_EL0 is CNTHP");
    check_equal(mrs(cntp_cval_el0), 0x5678, "CNTP_CVAL_EL02 is CNTP");
    check_equal(mrs(s3_4_c14_c3_2), 0x9abc, "CNTV_CVAL_EL0 is CNTHV");
    check_equal(mrs(cntv_cval_el0), 0xdef0, "CNTV_CVAL_EL02 is CNTV");
    msr(cntvoff_el2, 0x100000000000);
    check(mrs(cntvct_el0) - mrs(cntpct_el0) > UINT64_MAX / 2, "nVHE: CNTVCT has its offset");
    e2h(true, false);
    check(mrs(cntvct_el0) < 0x100000000000, "E2H: CNTVCT at EL2 has none");
    e2h(false, false);
    msr(cntvoff_el2, 0);
}

static void names_without_e2h(void)
{
    e2h(false, false);
    taken_clear();
    insn("mrs x3, far_el12");
    check_taken_differs(2, V_CUR_SPX, ESR(EC_UNKNOWN, 0), "FAR_EL12 without E2H", "vhe-names");
    insn("mrs x3, cntp_ctl_el02");
    check_taken_differs(2, V_CUR_SPX, ESR(EC_UNKNOWN, 0), "CNTP_CTL_EL02 without E2H", "vhe-names");
    run_word_at(1, MRS_WORD(SYS(3, 5, 6, 0, 0)), 0);
    check_taken(1, V_CUR_SPX, ESR(EC_UNKNOWN, 0), "FAR_EL12 at EL1");
}

/* CPTR_EL2.FPEN of the E2H layout. 0x1e604020: FMOV D0, D1. */
static void fpen(void)
{
    static const struct {
        uint64_t fpen;
        bool tge, el0, el1, el2;
    } cases[] = {
        {0, false, true, true, true},   {1, false, false, false, false},
        {2, false, true, true, true},   {3, false, false, false, false},
        {0, true, true, false, true},   {1, true, true, false, false},
        {3, true, false, false, false},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        const bool traps[] = {cases[k].el0, cases[k].el1, cases[k].el2};

        for (unsigned el = 0; el <= 2; el++) {
            if (el == 1 && cases[k].tge)
                continue;
            e2h(true, cases[k].tge);
            msr(s3_4_c1_c1_2, cases[k].fpen << 20);
            taken_clear();
            run_word_at(el, 0x1e604020, 0);
            if (traps[el])
                check_taken(2, el == 2 ? V_CUR_SPX : V_LOWER, ESR(EC_FP, 0x1e00000), "CPTR.FPEN");
            else
                check_none("CPTR.FPEN lets it through");
        }
    }
    e2h(false, false);
}

/* CNTHCTL_EL2 of the E2H layout: EL1PCTEN is bit 10, EL1PTEN bit 11; with TGE bits 0, 1, 8, 9. */
static void cnthctl(void)
{
    static const struct {
        uint64_t value, sys;
        unsigned el;
        bool tge, traps;
        const char *name;
    } cases[] = {
        {BIT(10), SYS(3, 3, 14, 0, 1), 1, false, false, "EL1PCTEN"},
        {3, SYS(3, 3, 14, 0, 1), 1, false, true, "no EL1PCTEN"},
        {BIT(11), SYS(3, 3, 14, 2, 1), 1, false, false, "EL1PTEN"},
        {BIT(10), SYS(3, 3, 14, 2, 1), 1, false, true, "no EL1PTEN"},
        {1, SYS(3, 3, 14, 0, 1), 0, true, false, "EL0PCTEN"},
        {2, SYS(3, 3, 14, 0, 1), 0, true, true, "no EL0PCTEN"},
        {2, SYS(3, 3, 14, 0, 2), 0, true, false, "EL0VCTEN"},
        {1, SYS(3, 3, 14, 0, 2), 0, true, true, "no EL0VCTEN"},
        {BIT(9), SYS(3, 3, 14, 2, 1), 0, true, false, "EL0PTEN"},
        {BIT(8), SYS(3, 3, 14, 2, 1), 0, true, true, "no EL0PTEN"},
        {BIT(8), SYS(3, 3, 14, 3, 1), 0, true, false, "EL0VTEN"},
        {BIT(9), SYS(3, 3, 14, 3, 1), 0, true, true, "no EL0VTEN"},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        uint64_t word = MRS_WORD(cases[k].sys);

        e2h(true, cases[k].tge);
        msr(cnthctl_el2, cases[k].value);
        taken_clear();
        run_word_at(cases[k].el, word, 0);
        if (cases[k].traps)
            check_taken(2, V_LOWER, ESR(EC_SYSREG, sys_iss(word)), cases[k].name);
        else
            check_none(cases[k].name);
    }
    e2h(false, false);
    msr(cnthctl_el2, 3);
}

static uint64_t read_high(uint64_t va)
{
    return *(volatile uint64_t *)va;
}

static uint64_t target __attribute__((aligned(4096))) = 0x1122334455667788;

static void host_mmu(void)
{
    uint64_t *low = pt_identity(0), *high = pt_new();

    *pt_entry(high, 0x3000, 3) =
        ((uint64_t)&target & ~UINT64_C(4095)) | PT_NORMAL | PT_TABLE | PT_USER;
    *pt_entry(low, UINT64_C(0x1000000000), 3) =
        ((uint64_t)&target & ~UINT64_C(4095)) | PT_NORMAL | PT_TABLE;
    e2h(true, true);
    msr(mair_el1, MAIR_INIT); /* EL2's */
    msr(tcr_el1, TCR_39 | TCR_39_HIGH | TCR_IPS);
    msr(ttbr0_el1, low);
    msr(ttbr1_el1, high);
    insn("dsb sy; tlbi vmalle1; dsb sy; isb");
    msr(sctlr_el1, 0x30d0181d); /* EL2's: M, C, I, SA, SA0 */
    check_equal(read_high(HIGH + 0x3000), target, "TTBR1_EL2 at EL2");
    check_equal(call_el(0, read_high, HIGH + 0x3000), target, "TTBR1_EL2 at EL0");
    check_equal(call_el(0, read_high, (uint64_t)&target), target, "TTBR0_EL2 at EL0");
    check_equal(read_high(UINT64_C(0x1000000000)), target, "privileged page at EL2");
    check_none("no fault");
    call_el(0, read_high, UINT64_C(0x1000000000));
    check_equal(taken.far, UINT64_C(0x1000000000), "FAR");
    check_taken_differs(2, V_LOWER, ESR(EC_DABT_LOW, 15), "privileged page at EL0", "el2-isv");
    call_el(0, read_high, HIGH + 0x4000);
    check_taken_differs(2, V_LOWER, ESR(EC_DABT_LOW, 7), "unmapped page at EL0", "el2-isv");
    run_word_at(0, 0xd4000021, 0); /* svc #1 */
    check_taken(2, V_LOWER, ESR(EC_SVC, 1), "SVC of the host's EL0");
    run_word_at(0, MRS_WORD(SYS(3, 3, 0, 0, 1)), 0);
    check_taken(2, V_LOWER, ESR(EC_SYSREG, sys_iss(MRS_WORD(SYS(3, 3, 0, 0, 1)))),
                "CTR_EL0: SCTLR_EL2.UCT");
    msr(sctlr_el1, 0x30d00818);
    e2h(false, false);
}

int main(void)
{
    nvhe_cptr = mrs(s3_4_c1_c1_2);
    context = "redirection: ";
    redirection();
    context = "timers: ";
    timers();
    context = "names: ";
    names_without_e2h();
    context = "CPTR: ";
    fpen();
    context = "CNTHCTL: ";
    cnthctl();
    context = "host: ";
    host_mmu();
    context = "";
    return (int)failures;
}
