/* Runs on: a57 n1 max; el2. */
/* Trapped instructions, a row each: the control and its bit, off and on, which EL takes
 * the trap and with which syndrome; in a guest, in EL0 with TGE, and in EL0 of a VHE
 * host. Beside traps.c. */
#include "guest.h"

enum control { HCR, MDCR, CPTR, CNTHCTL, CNTKCTL, SCTLR, SCTLR2, USEREN, MDSCR };
static const struct {
    const char *name;
    uint64_t word;
} controls[] = {
    [HCR] = {"HCR_EL2: ", SYS(3, 4, 1, 1, 0)},
    [MDCR] = {"MDCR_EL2: ", SYS(3, 4, 1, 1, 1)},
    [CPTR] = {"CPTR_EL2: ", SYS(3, 4, 1, 1, 2)},
    [CNTHCTL] = {"CNTHCTL_EL2: ", SYS(3, 4, 14, 1, 0)},
    [CNTKCTL] = {"CNTKCTL_EL1: ", SYS(3, 0, 14, 1, 0)},
    [SCTLR] = {"SCTLR_EL1: ", SYS(3, 0, 1, 0, 0)},
    [SCTLR2] = {"SCTLR_EL2: ", SYS(3, 4, 1, 0, 0)},
    [USEREN] = {"PMUSERENR_EL0: ", SYS(3, 3, 9, 14, 0)},
    [MDSCR] = {"MDSCR_EL1: ", SYS(2, 0, 0, 2, 2)},
};

/* Who may be there for a row. */
enum need { ANY, EVT, LOR, RAS, PAUTH, SCXT, ECV, RCTX, FGT, DPB, WFXT, VHE, OSTLB };

/* Where the access comes from: a guest at EL1 or EL0; EL0 with TGE alone; EL0 of a host; a guest's
 * EL1 below a host with E2H. */
enum where { EL0, EL1, TGE0, HOST0, E2H1 };

/* X(instruction, control, bit, value that traps, where, EL that takes it, needs, ISS of EC 0x01 or
 * row of docs/divergences.md) */
#define ROWS(X)                                                                                    \
    X("mrs x0, ccsidr_el1", HCR, 49, 1, EL1, 2, EVT, 0)                                            \
    X("mrs x0, clidr_el1", HCR, 49, 1, EL1, 2, EVT, 0)                                             \
    X("mrs x0, csselr_el1", HCR, 49, 1, EL1, 2, EVT, 0)                                            \
    X("msr csselr_el1, x0", HCR, 49, 1, EL1, 2, EVT, 0)                                            \
    X("mrs x0, ctr_el0", HCR, 17, 1, EL0, 2, ANY, 0)                                               \
    X("mrs x0, ctr_el0", HCR, 17, 1, EL1, 2, ANY, 0)                                               \
    X("mrs x0, s3_0_c0_c7_7", HCR, 18, 1, EL1, 2, ANY, 0)                                          \
    X("mrs x0, mvfr2_el1", HCR, 18, 1, EL1, 2, ANY, 0)                                             \
    X("mrs x0, id_isar6_el1", HCR, 18, 1, EL1, 2, ANY, 0)                                          \
    X("ic ialluis", HCR, 50, 1, EL1, 2, EVT, 0)                                                    \
    X("ic ialluis", HCR, 24, 1, EL1, 2, ANY, 0)                                                    \
    X("ic iallu", HCR, 52, 1, EL1, 2, EVT, 0)                                                      \
    X("ic ivau, x0", HCR, 52, 1, EL1, 2, EVT, 0)                                                   \
    X("dc cvau, x0", HCR, 52, 1, EL0, 2, EVT, 0)                                                   \
    X("ic ivau, x0", HCR, 52, 1, EL0, 2, EVT, 0)                                                   \
    X("ic ivau, x0", HCR, 24, 1, EL0, 2, ANY, 0)                                                   \
    X("dc cvau, x0", HCR, 24, 1, EL0, 2, ANY, 0)                                                   \
    X("dc cvac, x0", HCR, 23, 1, EL0, 2, ANY, 0)                                                   \
    X("dc civac, x0", HCR, 23, 1, EL0, 2, ANY, 0)                                                  \
    X("dc cvap, x0", HCR, 23, 1, EL1, 2, DPB, 0)                                                   \
    X("dc zva, x0", HCR, 28, 1, EL0, 2, ANY, 0)                                                    \
    X("tlbi vmalle1is", HCR, 54, 1, EL1, 2, EVT, 0)                                                \
    X("tlbi vaale1is, x0", HCR, 54, 1, EL1, 2, EVT, 0)                                             \
    X("tlbi rvae1is, x0", HCR, 54, 1, EL1, 2, EVT, 0)                                              \
    X("tlbi vmalle1os", HCR, 55, 1, EL1, 2, EVT, 0)                                                \
    X("tlbi rvaale1os, x0", HCR, 55, 1, EL1, 2, EVT, 0)                                            \
    X("tlbi vmalle1is", HCR, 25, 1, EL1, 2, ANY, 0)                                                \
    X("tlbi vae1os, x0", HCR, 25, 1, EL1, 2, OSTLB, 0)                                             \
    X("tlbi rvaae1, x0", HCR, 25, 1, EL1, 2, OSTLB, 0)                                             \
    X("mrs x0, lorsa_el1", HCR, 35, 1, EL1, 2, LOR, 0)                                             \
    X("msr lorc_el1, x0", HCR, 35, 1, EL1, 2, LOR, 0)                                              \
    X("mrs x0, lorid_el1", HCR, 35, 1, EL1, 2, LOR, 0)                                             \
    X("mrs x0, erridr_el1", HCR, 36, 1, EL1, 2, RAS, 0)                                            \
    X("mrs x0, errselr_el1", HCR, 36, 1, EL1, 2, RAS, "errselr")                                   \
    X("msr errselr_el1, x0", HCR, 36, 1, EL1, 2, RAS, "errselr")                                   \
    X("mrs x0, apiakeylo_el1", HCR, 40, 0, EL1, 2, PAUTH, 0)                                       \
    X("msr apgakeyhi_el1, x0", HCR, 40, 0, EL1, 2, PAUTH, 0)                                       \
    X("mrs x0, scxtnum_el1", HCR, 53, 0, EL1, 2, SCXT, 0)                                          \
    X("mrs x0, scxtnum_el0", HCR, 53, 0, EL1, 2, SCXT, 0)                                          \
    X("msr scxtnum_el0, x0", HCR, 53, 0, EL0, 2, SCXT, 0)                                          \
    X("mrs x0, scxtnum_el0", SCTLR, 20, 1, EL0, 1, SCXT, 0)                                        \
    X("mrs x0, cpacr_el1", CPTR, 31, 1, E2H1, 2, VHE, 0)                                           \
    X("msr cpacr_el1, x0", CPTR, 31, 1, E2H1, 2, VHE, 0)                                           \
    X("mrs x0, pmccntr_el0", MDCR, 6, 1, EL0, 2, ANY, "tpm-el0")                                   \
    X("msr pmselr_el0, x0", MDCR, 6, 1, EL1, 2, ANY, 0)                                            \
    X("msr pmintenclr_el1, x0", MDCR, 6, 1, EL1, 2, ANY, 0)                                        \
    X("mrs x0, pmcr_el0", MDCR, 5, 1, EL0, 2, ANY, "tpmcr")                                        \
    X("mrs x0, mdccsr_el0", MDCR, 27, 1, EL0, 2, FGT, 0)                                           \
    X("mrs x0, osdtrrx_el1", MDCR, 27, 1, EL1, 2, FGT, 0)                                          \
    X("msr mdccint_el1, x0", MDCR, 27, 1, EL1, 2, FGT, 0)                                          \
    X("mrs x0, mdccsr_el0", MDCR, 9, 1, EL0, 2, ANY, 0)                                            \
    X("msr dbgbvr0_el1, x0", MDCR, 9, 1, EL1, 2, ANY, 0)                                           \
    X("mrs x0, dbgclaimset_el1", MDCR, 9, 1, EL1, 2, ANY, "debug-registers")                       \
    X("mrs x0, dbgauthstatus_el1", MDCR, 9, 1, EL1, 2, ANY, "debug-registers")                     \
    X("mrs x0, dbgprcr_el1", MDCR, 10, 1, EL1, 2, ANY, "debug-registers")                          \
    X("mrs x0, dbgbcr1_el1", MDCR, 8, 1, EL1, 2, ANY, 0)                                           \
    X("mrs x0, oslsr_el1", MDCR, 8, 1, EL1, 2, ANY, 0)                                             \
    X("mrs x0, mdccsr_el0", MDSCR, 12, 1, EL0, 1, ANY, "tdcc")                                     \
    X("mrs x0, cntvct_el0", CNTHCTL, 14, 1, EL1, 2, ECV, 0)                                        \
    X("mrs x0, s3_3_c14_c0_6", CNTHCTL, 14, 1, EL0, 2, ECV, 0)                                     \
    X("mrs x0, cntv_ctl_el0", CNTHCTL, 13, 1, EL1, 2, ECV, 0)                                      \
    X("msr cntv_cval_el0, x0", CNTHCTL, 13, 1, EL0, 2, ECV, 0)                                     \
    X("mrs x0, s3_3_c14_c0_5", CNTHCTL, 0, 0, EL1, 2, ECV, 0)                                      \
    X("mrs x0, cntpct_el0", CNTHCTL, 0, 0, EL0, 2, ANY, "cntpct-el0")                              \
    X("mrs x0, cntp_ctl_el0", CNTHCTL, 1, 0, EL0, 2, ANY, 0)                                       \
    X("mrs x0, cntpct_el0", CNTHCTL, 10, 0, E2H1, 2, VHE, 0)                                       \
    X("msr cntp_cval_el0, x0", CNTHCTL, 11, 0, E2H1, 2, VHE, 0)                                    \
    X("mrs x0, cntvct_el0", CNTKCTL, 1, 0, TGE0, 2, ANY, 0)                                        \
    X("mrs x0, cntp_tval_el0", CNTKCTL, 9, 0, TGE0, 2, ANY, 0)                                     \
    X("mrs x0, cntvct_el0", CNTHCTL, 1, 0, HOST0, 2, VHE, 0)                                       \
    X("mrs x0, cntpct_el0", CNTHCTL, 0, 0, HOST0, 2, VHE, 0)                                       \
    X("msr cntv_cval_el0, x0", CNTHCTL, 8, 0, HOST0, 2, VHE, 0)                                    \
    X("mrs x0, cntp_ctl_el0", CNTHCTL, 9, 0, HOST0, 2, VHE, 0)                                     \
    X("mrs x0, ctr_el0", SCTLR, 15, 0, TGE0, 2, ANY, 0)                                            \
    X("mrs x0, daif", SCTLR, 9, 0, TGE0, 2, ANY, 0)                                                \
    X("dc cvap, x0", SCTLR, 26, 0, EL0, 1, DPB, 0)                                                 \
    X("ic ivau, x0", SCTLR, 26, 0, TGE0, 2, ANY, 0)                                                \
    X("dc zva, x0", SCTLR, 14, 0, TGE0, 2, ANY, 0)                                                 \
    X("cfp rctx, x0", SCTLR, 10, 0, EL0, 1, RCTX, 0)                                               \
    X("cpp rctx, x0", SCTLR, 10, 0, EL0, 1, RCTX, 0)                                               \
    X("msr daif, x0", SCTLR, 9, 0, EL0, 1, ANY, 0)                                                 \
    X("msr daifset, #3", SCTLR, 9, 0, EL0, 1, ANY, "daif-trap-iss")                                \
    X("mrs x0, ctr_el0", SCTLR2, 15, 0, HOST0, 2, VHE, 0)                                          \
    X("mrs x0, daif", SCTLR2, 9, 0, HOST0, 2, VHE, 0)                                              \
    X("msr daifclr, #1", SCTLR2, 9, 0, HOST0, 2, VHE, "daif-trap-iss")                             \
    X("dc civac, x0", SCTLR2, 26, 0, HOST0, 2, VHE, 0)                                             \
    X("dc zva, x0", SCTLR2, 14, 0, HOST0, 2, VHE, 0)                                               \
    X("dvp rctx, x0", SCTLR2, 10, 0, HOST0, 2, RCTX, 0)                                            \
    X("mrs x0, scxtnum_el0", SCTLR2, 20, 1, HOST0, 2, SCXT, "scxtnum-host")                        \
    X("msr pmswinc_el0, x0", USEREN, 1, 0, EL0, 1, ANY, 0)                                         \
    X("mrs x0, pmccntr_el0", USEREN, 2, 0, EL0, 1, ANY, 0)                                         \
    X("mrs x0, pmxevcntr_el0", USEREN, 3, 0, EL0, 1, ANY, 0)                                       \
    X("mrs x0, pmselr_el0", USEREN, 3, 0, EL0, 1, ANY, 0)                                          \
    X("mrs x0, pmcr_el0", USEREN, 0, 0, TGE0, 2, ANY, 0)

#define WORD(text, ...) text "\n"
__asm__(".pushsection .rodata\n.balign 4\ntrap_words:\n.arch armv8.7-a+predres\n" ROWS(
    WORD) ".popsection");
extern const uint32_t trap_words[];

#define ROW(text, control, bit, when, where, target, need, row)                                    \
    {text, control, bit, when, where, target, need, row},
static const struct row {
    const char *text;
    enum control control;
    unsigned bit, traps_when;
    enum where where;
    unsigned target;
    enum need need;
    const char *differs;
} rows[] = {ROWS(ROW)};

static char buffer[4096] __attribute__((aligned(4096)));

static bool there(enum need need)
{
    uint64_t mmfr0 = mrs(id_aa64mmfr0_el1), mmfr1 = mrs(id_aa64mmfr1_el1),
             mmfr2 = mrs(s3_0_c0_c7_2), pfr0 = mrs(id_aa64pfr0_el1), isar0 = mrs(id_aa64isar0_el1),
             isar1 = mrs(id_aa64isar1_el1), isar2 = mrs(s3_0_c0_c6_2);

    const bool answers[] = {
        [ANY] = true,
        [EVT] = FIELD(mmfr2, 59, 56) >= 2,
        [LOR] = FIELD(mmfr1, 19, 16),
        [RAS] = FIELD(pfr0, 31, 28),
        [PAUTH] = FIELD(isar1, 11, 4) || FIELD(isar2, 15, 8),
        [SCXT] = FIELD(pfr0, 59, 56) >= 2,
        [ECV] = FIELD(mmfr0, 63, 60),
        [RCTX] = FIELD(isar1, 43, 40),
        [FGT] = FIELD(mmfr0, 59, 56),
        [DPB] = FIELD(isar1, 3, 0),
        [WFXT] = FIELD(isar2, 3, 0),
        [VHE] = has_vhe(),
        [OSTLB] = FIELD(isar0, 59, 56) >= 2,
    };
    return answers[need];
}

static unsigned el_of(enum where where)
{
    return where == EL1 || where == E2H1;
}

/* UMA, EnRCTX, DZE, UCT, nTWI, nTWE, UCI. */
#define SCTLR_OPEN (BIT(9) | BIT(10) | BIT(14) | BIT(15) | BIT(16) | BIT(18) | BIT(26))
#define TSCXT      BIT(20)

/* Everything open but what a row closes. */
static void open_all(enum where where)
{
    static const uint64_t hcr[] = {[TGE0] = HCR_TGE, [HOST0] = HCR_TGE | HCR_E2H, [E2H1] = HCR_E2H};
    uint64_t pauth = there(PAUTH) ? UINT64_C(3) << 40 : 0, scxt = there(SCXT) ? BIT(53) : 0;

    msr(sctlr_el1, (SCTLR_INIT & ~TSCXT) | SCTLR_OPEN);
    msr(cntkctl_el1, 0x303);
    msr(pmuserenr_el0, 0);
    msr(sctlr_el2, UINT64_C(0x30c50838) | SCTLR_OPEN);
    msr(cnthctl_el2, where == HOST0 || where == E2H1 ? 0xf03 : 3);
    msr(hcr_el2, HCR_RW | pauth | scxt | (where >= TGE0 ? hcr[where] : 0));
}

static void access(const struct row *r, uint32_t word, bool traps)
{
    unsigned el = el_of(r->where);
    bool write = FIELD(word, 20, 19)
    >= 2 && !(word & BIT(21)) && FIELD(word, 15, 12)
    != 4;
    uint64_t arg = (uint64_t)buffer, control = controls[r->control].word;
    uint64_t saved = run_word_at(2, MRS_WORD(control), 0), mask = BIT(r->bit);

    if (write) /* what it holds, in case the write is let through */
        arg = word == 0xd51b9c80 ? 0 : run_word_at(el, MRS_WORD(word), 0);
    taken_clear();
    run_word_at(2, control, traps == r->traps_when ? saved | mask : saved & ~mask);
    run_word_at(el, word, arg);
    run_word_at(2, control, saved);
    /* With the MMU off all is Device memory, where DC ZVA faults once it is let through. */
    if (!traps && word == 0xd50b7420)
        taken_clear();
    else if (!traps)
        check_none(r->text);
    else
        check_taken_differs(r->target, r->target == el ? V_CUR_SPX : V_LOWER,
                            ESR(EC_SYSREG, sys_iss(word)), r->text, r->differs);
}

static void one_row(unsigned k)
{
    const struct row *r = &rows[k];

    if (!there(r->need) || (r->where >= HOST0 && !has_vhe()))
        return;
    open_all(r->where);
    if (r->control == USEREN || r->control == MDCR)
        msr(pmuserenr_el0, r->control == MDCR ? 15 : r->bit == 0 ? 1 : BIT(r->bit));
    context = controls[r->control].name;
    access(r, trap_words[k], true);
    if (!(on_qemu() && r->differs))
        access(r, trap_words[k], false);
    context = "";
    msr(hcr_el2, HCR_RW);
}

#define WAIT(name, text)                                                                           \
    static uint64_t name(uint64_t until)                                                           \
    {                                                                                              \
        register uint64_t x0 __asm__("x0") = until;                                                \
        __asm__ volatile(text ::"r"(x0) : "memory");                                               \
        return 0;                                                                                  \
    }
/* The first WFE finds the event of the exception return. */
WAIT(wfi, "wfi")
WAIT(wfe, "wfe; wfe")
WAIT(wfit, ".inst 0xd5031020")
WAIT(wfet, ".inst 0xd5031000; .inst 0xd5031000")

/* WFI and WFE at EL0 by SCTLR, at EL0 and EL1 by HCR_EL2; WFIT and WFET where there are any. */
static void wait_traps(void)
{
    static const struct {
        uint64_t iss;
        unsigned sctlr_bit, hcr_bit;
        const char *name;
    } insns[] = {
        {0, 16, 13, "wfi"},
        {1, 18, 14, "wfe"},
        {2 | BIT(2), 16, 13, "wfit x0"}, /* RV: RN, 0, is valid */
        {3 | BIT(2), 18, 14, "wfet x0"},
    };
    static uint64_t (*const waits[])(uint64_t) = {wfi, wfe, wfit, wfet};

    for (unsigned k = 0; k < 4; k++) {
        uint64_t esr = ESR(EC_WFX, 0x1e00000 | insns[k].iss);
        const char *row = k & 1 ? "twe" : 0; /* QEMU's WFE is a NOP */

        if (k >= 2 && !there(WFXT))
            continue;
        for (enum where w = EL0; w <= HOST0; w++) {
            if (w == EL1 || (w == HOST0 && !has_vhe()))
                continue;
            if (w == HOST0 && on_qemu()) {
                note("the host's nTWI and nTWE: divergence wfx-host");
                continue;
            }
            open_all(w);
            if (w == HOST0)
                msr(sctlr_el2, mrs(sctlr_el2) & ~BIT(insns[k].sctlr_bit));
            else
                msr(sctlr_el1, SCTLR_INIT & ~BIT(insns[k].sctlr_bit));
            context = "SCTLR: ";
            call_el(0, waits[k], UINT64_MAX);
            check_taken_differs(w == EL0 ? 1 : 2, V_LOWER, esr, insns[k].name, row);
        }
        for (unsigned el = 0; el < 2; el++) {
            open_all(EL1);
            msr(hcr_el2, mrs(hcr_el2) | BIT(insns[k].hcr_bit));
            context = "HCR_EL2: ";
            call_el(el, waits[k], UINT64_MAX);
            check_taken_differs(2, V_LOWER, esr, insns[k].name, row);
        }
        msr(hcr_el2, HCR_RW);
    }
    context = "";
}

/* HCR_EL2.API: instructions of enabled keys and PACGA. */
static void pauth_insns(void)
{
    static const struct {
        uint32_t word;
        bool el0;
        const char *name;
    } insns[] = {
        {0xdac103e0, true, "paciza x0"}, {0xdac133e0, true, "autiza x0"},
        {0x9ac03000, true, "pacga x0"},  {0xd503233f, true, "paciasp"},
        {0xdac10ba0, true, "pacda x0"},  {0xd69f0bff, false, "eretaa"},
    };

    if (!there(PAUTH)) {
        note("no FEAT_PAuth");
        return;
    }
    open_all(EL1);
    msr(hcr_el2, HCR_RW | BIT(40));
    msr(sctlr_el1, mrs(sctlr_el1) | BIT(31) | BIT(27));
    for (unsigned k = 0; k < ARRAY_SIZE(insns); k++) {
        for (unsigned el = !insns[k].el0; el < 2; el++) {
            run_word_at(el, insns[k].word, 0);
            check_taken(2, V_LOWER, ESR(EC_PAC, 0), insns[k].name);
        }
    }
    msr(sctlr_el1, SCTLR_INIT);
    run_word_at(1, 0xdac103e0, 0);
    check_none("paciza with EnIA = 0 is not trapped");
    msr(hcr_el2, HCR_RW);
}

int main(void)
{
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++)
        one_row(k);
    wait_traps();
    pauth_insns();
    return (int)failures;
}
