/* Runs on: a57 n1 max; el2. */
/* Each control that traps system registers and instructions, off and on, with its syndrome. */
#include "guest.h"

enum control { HCR, MDCR, CPTR, CNTHCTL, CNTKCTL, SCTLR, PMUSERENR, SRE2, CONTROLS };
static const struct {
    const char *name;
    uint64_t word;
} controls[CONTROLS] = {
    [HCR] = {"HCR_EL2", SYS(3, 4, 1, 1, 0)},
    [MDCR] = {"MDCR_EL2", SYS(3, 4, 1, 1, 1)},
    [CPTR] = {"CPTR_EL2", SYS(3, 4, 1, 1, 2)},
    [CNTHCTL] = {"CNTHCTL_EL2", SYS(3, 4, 14, 1, 0)},
    [CNTKCTL] = {"CNTKCTL_EL1", SYS(3, 0, 14, 1, 0)},
    [SCTLR] = {"SCTLR_EL1", SYS(3, 0, 1, 0, 0)},
    [PMUSERENR] = {"PMUSERENR_EL0", SYS(3, 3, 9, 14, 0)},
    [SRE2] = {"ICC_SRE_EL2", SYS(3, 4, 12, 9, 5)},
};

/* One row a trap: bit of the control, whether 1 or 0 traps, EL of the access, EL that takes it,
 * accesses (R, W; a SYS instruction is a write), and what is trapped. */
enum { R = 1, W = 2 };
static const struct {
    enum control control;
    unsigned bit, traps_when, el, target, access;
    uint64_t sys[12];
    const char *differs;
} rows[] = {
    {HCR,
     26,
     1,
     1,
     2,
     W,
     {SYS(3, 0, 1, 0, 0), SYS(3, 0, 2, 0, 0), SYS(3, 0, 2, 0, 1), SYS(3, 0, 2, 0, 2),
      SYS(3, 0, 5, 2, 0), SYS(3, 0, 6, 0, 0), SYS(3, 0, 5, 1, 0), SYS(3, 0, 5, 1, 1),
      SYS(3, 0, 10, 2, 0), SYS(3, 0, 10, 3, 0), SYS(3, 0, 13, 0, 1)}},
    {HCR,
     30,
     1,
     1,
     2,
     R,
     {SYS(3, 0, 1, 0, 0), SYS(3, 0, 2, 0, 0), SYS(3, 0, 2, 0, 1), SYS(3, 0, 2, 0, 2),
      SYS(3, 0, 5, 2, 0), SYS(3, 0, 6, 0, 0), SYS(3, 0, 5, 1, 0), SYS(3, 0, 5, 1, 1),
      SYS(3, 0, 10, 2, 0), SYS(3, 0, 10, 3, 0), SYS(3, 0, 13, 0, 1)}},
    {HCR, 16, 1, 1, 2, R, {SYS(3, 1, 0, 0, 7), SYS(3, 0, 0, 0, 6)}},
    {HCR,
     17,
     1,
     1,
     2,
     R,
     {SYS(3, 3, 0, 0, 1), SYS(3, 1, 0, 0, 0), SYS(3, 1, 0, 0, 1), SYS(3, 2, 0, 0, 0)}},
    {HCR, 17, 1, 1, 2, W, {SYS(3, 2, 0, 0, 0)}},
    {HCR,
     18,
     1,
     1,
     2,
     R,
     {SYS(3, 0, 0, 4, 0), SYS(3, 0, 0, 4, 1), SYS(3, 0, 0, 5, 0), SYS(3, 0, 0, 6, 0),
      SYS(3, 0, 0, 6, 1), SYS(3, 0, 0, 7, 0), SYS(3, 0, 0, 7, 1), SYS(3, 0, 0, 7, 2),
      SYS(3, 0, 0, 7, 7), SYS(3, 0, 0, 1, 0), SYS(3, 0, 0, 3, 0)}},
    {HCR, 21, 1, 1, 2, R | W, {SYS(3, 0, 1, 0, 1)}},
    {HCR, 20, 1, 1, 2, R | W, {SYS(3, 0, 11, 0, 0), SYS(3, 0, 15, 2, 3)}, "tidcp"},
    {HCR, 22, 1, 1, 2, W, {SYS(1, 0, 7, 6, 2), SYS(1, 0, 7, 10, 2), SYS(1, 0, 7, 14, 2)}},
    {HCR, 23, 1, 1, 2, W, {SYS(1, 0, 7, 6, 1), SYS(1, 3, 7, 14, 1), SYS(1, 3, 7, 10, 1)}},
    {HCR,
     24,
     1,
     1,
     2,
     W,
     {SYS(1, 3, 7, 5, 1), SYS(1, 0, 7, 5, 0), SYS(1, 0, 7, 1, 0), SYS(1, 3, 7, 11, 1)}},
    {HCR,
     25,
     1,
     1,
     2,
     W,
     {SYS(1, 0, 8, 7, 0), SYS(1, 0, 8, 7, 1), SYS(1, 0, 8, 7, 2), SYS(1, 0, 8, 3, 0),
      SYS(1, 0, 8, 7, 3), SYS(1, 0, 8, 7, 5), SYS(1, 0, 8, 7, 7)}},
    {HCR, 28, 1, 1, 2, W, {SYS(1, 3, 7, 4, 1)}},
    {MDCR,
     6,
     1,
     1,
     2,
     R,
     {SYS(3, 3, 9, 12, 0), SYS(3, 3, 9, 12, 1), SYS(3, 3, 9, 13, 0), SYS(3, 3, 9, 14, 0),
      SYS(3, 0, 9, 14, 1), SYS(3, 3, 9, 12, 6), SYS(3, 3, 14, 15, 7)}},
    {MDCR, 5, 1, 1, 2, R | W, {SYS(3, 3, 9, 12, 0)}, "tpmcr"},
    {MDCR,
     9,
     1,
     1,
     2,
     R,
     {SYS(2, 0, 0, 2, 2), SYS(2, 0, 0, 0, 4), SYS(2, 0, 0, 0, 5), SYS(2, 0, 0, 0, 6)}},
    {MDCR, 10, 1, 1, 2, R, {SYS(2, 0, 1, 1, 4), SYS(2, 0, 1, 3, 4)}},
    {MDCR, 10, 1, 1, 2, W, {SYS(2, 0, 1, 0, 4)}},
    {MDCR, 11, 1, 1, 2, R, {SYS(2, 0, 1, 0, 0)}},
    {MDCR,
     8,
     1,
     1,
     2,
     R,
     {SYS(2, 0, 0, 2, 2), SYS(2, 0, 0, 0, 4), SYS(2, 0, 1, 1, 4), SYS(2, 0, 1, 0, 0)}},
    {CPTR, 31, 1, 1, 2, R | W, {SYS(3, 0, 1, 0, 2)}},
    {CNTHCTL, 0, 0, 1, 2, R, {SYS(3, 3, 14, 0, 1)}},
    {CNTHCTL, 1, 0, 1, 2, R | W, {SYS(3, 3, 14, 2, 1), SYS(3, 3, 14, 2, 2), SYS(3, 3, 14, 2, 0)}},
    {SRE2, 3, 0, 1, 2, R, {SYS(3, 0, 12, 12, 5)}, "icc-sre-enable"},
    {CNTKCTL, 0, 0, 0, 1, R, {SYS(3, 3, 14, 0, 1)}},
    {CNTKCTL, 1, 0, 0, 1, R, {SYS(3, 3, 14, 0, 2)}},
    {CNTKCTL, 8, 0, 0, 1, R | W, {SYS(3, 3, 14, 3, 1), SYS(3, 3, 14, 3, 2), SYS(3, 3, 14, 3, 0)}},
    {CNTKCTL, 9, 0, 0, 1, R | W, {SYS(3, 3, 14, 2, 1), SYS(3, 3, 14, 2, 2), SYS(3, 3, 14, 2, 0)}},
    {SCTLR, 15, 0, 0, 1, R, {SYS(3, 3, 0, 0, 1)}},
    {SCTLR, 14, 0, 0, 1, W, {SYS(1, 3, 7, 4, 1)}},
    {SCTLR,
     26,
     0,
     0,
     1,
     W,
     {SYS(1, 3, 7, 11, 1), SYS(1, 3, 7, 14, 1), SYS(1, 3, 7, 10, 1), SYS(1, 3, 7, 5, 1)}},
    {SCTLR, 9, 0, 0, 1, R, {SYS(3, 3, 4, 2, 1)}},
    {PMUSERENR,
     0,
     0,
     0,
     1,
     R,
     {SYS(3, 3, 9, 12, 0), SYS(3, 3, 9, 12, 1), SYS(3, 3, 9, 13, 0), SYS(3, 3, 9, 12, 5),
      SYS(3, 3, 9, 12, 6), SYS(3, 3, 14, 15, 7)}},
};

static char buffer[4096] __attribute__((aligned(2048)));

static void hex_context(char *to, uint64_t v, unsigned digits)
{
    while (digits--)
        *to++ = "0123456789abcdef"[v >> (4 * digits) & 15];
}

static void one_access(unsigned k, uint64_t word, bool trapping, const char *where)
{
    unsigned el = rows[k].el;

    run_word_at(el, word, (uint64_t)buffer);
    /* With the MMU off all is Device memory, where DC ZVA faults once it is let through. */
    if (!trapping && word == SYS(1, 3, 7, 4, 1))
        check_taken_differs(1, el == 1 ? V_CUR_SPX : V_LOWER,
                            ESR(el == 1 ? EC_DABT_CUR : EC_DABT_LOW, 0x61), where,
                            "device-alignment");
    else if (!trapping)
        check_none(where);
    else
        check_taken_differs(rows[k].target, V_LOWER, ESR(EC_SYSREG, sys_iss(word)), where,
                            rows[k].differs);
}

static void row(unsigned k)
{
    static char where[] = "00 word 00000000";
    uint64_t control = controls[rows[k].control].word;
    uint64_t saved = run_word_at(2, MRS_WORD(control), 0), mask = BIT(rows[k].bit);

    for (unsigned on = 0; on < 2; on++) {
        for (unsigned n = 0; n < ARRAY_SIZE(rows[k].sys) && rows[k].sys[n]; n++) {
            for (unsigned access = R; access <= W; access <<= 1) {
                bool traps = on == rows[k].traps_when;
                uint64_t sys = rows[k].sys[n];
                uint64_t word = access == R ? MRS_WORD(sys) : sys;

                /* A write that is let through would change the machine below us: reads only, and
                 * SYS instructions. IMPLEMENTATION DEFINED registers are UNDEFINED anyway. */
                if (!(rows[k].access & access) || (!traps && rows[k].differs) ||
                    (!traps && access == W && FIELD(sys, 20, 19) != 1))
                    continue;
                run_word_at(2, control, on ? saved | mask : saved & ~mask);
                hex_context(where, rows[k].bit, 2);
                hex_context(where + 8, word, 8);
                context = controls[rows[k].control].name;
                one_access(k, word, traps, where);
                run_word_at(2, control, saved);
            }
        }
    }
    context = "";
}

static uint64_t do_hvc_smc(uint64_t arg)
{
    insn("hvc #1; smc #2");
    return arg;
}

static uint64_t do_two_wfe(uint64_t arg)
{
    insn("wfe; wfe");
    return arg;
}

static uint64_t smc_esr, smc_elr_word;

static void hcd_handler(struct frame *f, unsigned el, unsigned offset)
{
    if (el == 1) {
        taken.count++;
        taken.el = el;
        taken.offset = offset;
        taken.esr = f->esr;
    } else {
        smc_esr = f->esr;
        smc_elr_word = *(uint32_t *)f->elr;
        msr(hcr_el2, mrs(hcr_el2) & ~HCR_HCD);
    }
    f->elr += 4;
}

static void wfx_smc_hvc(void)
{
    static const struct {
        uint64_t hcr, word, esr;
        const char *name;
    } traps[] = {
        {HCR_TWI, 0xd503207f, ESR(EC_WFX, 0x1e00000), "TWI"},
        {HCR_TSC, 0xd4000023, ESR(EC_SMC, 1), "TSC"},
    };
    uint64_t hcr = mrs(hcr_el2);

    for (unsigned k = 0; k < ARRAY_SIZE(traps); k++) {
        msr(hcr_el2, hcr | traps[k].hcr);
        run_word_at(1, traps[k].word, 0);
        check_taken(2, V_LOWER, traps[k].esr, traps[k].name);
        msr(hcr_el2, hcr);
    }
    msr(hcr_el2, hcr | HCR_TWE);
    call_el(1, do_two_wfe, 0); /* the first finds the event of the exception return */
    check_taken_differs(2, V_LOWER, ESR(EC_WFX, 0x1e00001), "TWE", "twe");
    msr(hcr_el2, hcr | HCR_HCD | HCR_TSC);
    guest_handler = hcd_handler;
    call_el(1, do_hvc_smc, 0);
    guest_handler = 0;
    check_taken(1, V_CUR_SPX, ESR(EC_UNKNOWN, 0), "HCD: HVC at EL1 is UNDEFINED");
    check_equal(smc_esr, ESR(EC_SMC, 2), "TSC: ESR");
    check_equal(smc_elr_word, 0xd4000043, "TSC: ELR is the SMC");
    msr(hcr_el2, hcr | HCR_HCD);
    insn("hvc #1");
    check(taken.count == 1 && taken.esr == ESR(EC_UNKNOWN, 0), "HCD: HVC at EL2 is UNDEFINED");
    taken_clear();
    msr(hcr_el2, hcr);
}

/* FP accesses: CPACR_EL1.FPEN, then CPTR_EL2.TFP. 0x1e604020: FMOV D0, D1. */
static void fp(void)
{
    static const struct {
        uint64_t fpen, tfp;
        unsigned el0, el1;
    } cases[] = {{0, 0, 1, 1}, {1, 0, 1, 0}, {2, 0, 1, 1}, {3, 0, 0, 0},
                 {3, 1, 2, 2}, {0, 1, 1, 1}, {1, 1, 1, 2}};
    uint64_t cptr = mrs(cptr_el2);

    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        for (unsigned el = 0; el < 2; el++) {
            unsigned target = el ? cases[k].el1 : cases[k].el0;

            msr(cpacr_el1, cases[k].fpen << 20);
            msr(cptr_el2, cptr | cases[k].tfp << 10);
            run_word_at(el, 0x1e604020, 0);
            if (target)
                check_taken(target, target == el ? V_CUR_SPX : V_LOWER, ESR(EC_FP, 0x1e00000),
                            "FP");
            else
                check_none("FP is let through");
        }
    }
    run_word_at(2, 0x1e604020, 0);
    check_taken(2, V_CUR_SPX, ESR(EC_FP, 0x1e00000), "FP at EL2, TFP");
    msr(cptr_el2, cptr);
    msr(cpacr_el1, 3 << 20);
}

int main(void)
{
    msr(pmuserenr_el0, 0);
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++)
        row(k);
    wfx_smc_hvc();
    fp();
    return (int)failures;
}
