/* Runs on: max; el2; here only. */
/* FEAT_FGT: each bit of HFGRTR_EL2, HFGWTR_EL2, HDFGRTR_EL2, HDFGWTR_EL2 and HFGITR_EL2 traps its
 * instruction alone, and all the others do not trap it. QEMU 7.2 has no FEAT_FGT. */
#include "guest.h"

enum { R = 1, W = 2, E0 = 4 }; /* reads, writes, from EL0 too */
enum set { HFG, HDFG, HFGI };

/* X(instruction that reads the register, or the operation, set, bit, accesses). The write of a
 * register is its read with another bit. */
#define ROWS(X)                                                                                    \
    X("mrs x0, afsr0_el1", HFG, 0, R | W)                                                          \
    X("mrs x0, afsr1_el1", HFG, 1, R | W)                                                          \
    X("mrs x0, aidr_el1", HFG, 2, R)                                                               \
    X("mrs x0, amair_el1", HFG, 3, R | W)                                                          \
    X("mrs x0, apdakeylo_el1", HFG, 4, R | W)                                                      \
    X("mrs x0, apdakeyhi_el1", HFG, 4, R | W)                                                      \
    X("mrs x0, apdbkeylo_el1", HFG, 5, R | W)                                                      \
    X("mrs x0, apgakeyhi_el1", HFG, 6, R | W)                                                      \
    X("mrs x0, apiakeylo_el1", HFG, 7, R | W)                                                      \
    X("mrs x0, apibkeyhi_el1", HFG, 8, R | W)                                                      \
    X("mrs x0, ccsidr_el1", HFG, 9, R)                                                             \
    X("mrs x0, clidr_el1", HFG, 10, R)                                                             \
    X("mrs x0, contextidr_el1", HFG, 11, R | W)                                                    \
    X("mrs x0, cpacr_el1", HFG, 12, R | W)                                                         \
    X("mrs x0, csselr_el1", HFG, 13, R | W)                                                        \
    X("mrs x0, ctr_el0", HFG, 14, R | E0)                                                          \
    X("mrs x0, dczid_el0", HFG, 15, R | E0)                                                        \
    X("mrs x0, esr_el1", HFG, 16, R | W)                                                           \
    X("mrs x0, far_el1", HFG, 17, R | W)                                                           \
    X("mrs x0, isr_el1", HFG, 18, R)                                                               \
    X("mrs x0, lorc_el1", HFG, 19, R | W)                                                          \
    X("mrs x0, lorea_el1", HFG, 20, R | W)                                                         \
    X("mrs x0, lorid_el1", HFG, 21, R)                                                             \
    X("mrs x0, lorn_el1", HFG, 22, R | W)                                                          \
    X("mrs x0, lorsa_el1", HFG, 23, R | W)                                                         \
    X("mrs x0, mair_el1", HFG, 24, R | W)                                                          \
    X("mrs x0, midr_el1", HFG, 25, R)                                                              \
    X("mrs x0, mpidr_el1", HFG, 26, R)                                                             \
    X("mrs x0, par_el1", HFG, 27, R | W)                                                           \
    X("mrs x0, revidr_el1", HFG, 28, R)                                                            \
    X("mrs x0, sctlr_el1", HFG, 29, R | W)                                                         \
    X("mrs x0, scxtnum_el1", HFG, 30, R | W)                                                       \
    X("mrs x0, scxtnum_el0", HFG, 31, R | W | E0)                                                  \
    X("mrs x0, tcr_el1", HFG, 32, R | W)                                                           \
    X("mrs x0, tpidr_el1", HFG, 33, R | W)                                                         \
    X("mrs x0, tpidrro_el0", HFG, 34, R | W)                                                       \
    X("mrs x0, tpidr_el0", HFG, 35, R | W | E0)                                                    \
    X("mrs x0, ttbr0_el1", HFG, 36, R | W)                                                         \
    X("mrs x0, ttbr1_el1", HFG, 37, R | W)                                                         \
    X("mrs x0, vbar_el1", HFG, 38, R | W)                                                          \
    X("mrs x0, s3_0_c12_c12_6", HFG, 39, R | W)                                                    \
    X("mrs x0, s3_0_c12_c12_7", HFG, 39, R | W)                                                    \
    X("mrs x0, erridr_el1", HFG, 40, R)                                                            \
    X("mrs x0, errselr_el1", HFG, 41, R | W)                                                       \
    X("mrs x0, erxfr_el1", HFG, 42, R)                                                             \
    X("mrs x0, erxctlr_el1", HFG, 43, R | W)                                                       \
    X("mrs x0, erxstatus_el1", HFG, 44, R | W)                                                     \
    X("mrs x0, erxmisc0_el1", HFG, 45, R | W)                                                      \
    X("mrs x0, erxaddr_el1", HFG, 49, R | W)                                                       \
    X("mrs x0, dbgbcr0_el1", HDFG, 0, R | W)                                                       \
    X("mrs x0, dbgbvr3_el1", HDFG, 1, R | W)                                                       \
    X("mrs x0, dbgwcr1_el1", HDFG, 2, R | W)                                                       \
    X("mrs x0, dbgwvr0_el1", HDFG, 3, R | W)                                                       \
    X("mrs x0, mdscr_el1", HDFG, 4, R | W)                                                         \
    X("mrs x0, dbgclaimset_el1", HDFG, 5, R | W)                                                   \
    X("mrs x0, dbgclaimclr_el1", HDFG, 5, R | W)                                                   \
    X("mrs x0, dbgauthstatus_el1", HDFG, 6, R)                                                     \
    X("mrs x0, dbgprcr_el1", HDFG, 7, R | W)                                                       \
    X("msr oslar_el1, x0", HDFG, 8, W)                                                             \
    X("mrs x0, oslsr_el1", HDFG, 9, R)                                                             \
    X("mrs x0, oseccr_el1", HDFG, 10, R | W)                                                       \
    X("mrs x0, pmevcntr0_el0", HDFG, 12, R | W | E0)                                               \
    X("mrs x0, pmxevcntr_el0", HDFG, 12, R | W | E0)                                               \
    X("mrs x0, pmevtyper1_el0", HDFG, 13, R | W | E0)                                              \
    X("mrs x0, pmccfiltr_el0", HDFG, 14, R | W | E0)                                               \
    X("mrs x0, pmccntr_el0", HDFG, 15, R | W | E0)                                                 \
    X("mrs x0, pmcntenset_el0", HDFG, 16, R | W | E0)                                              \
    X("mrs x0, pmcntenclr_el0", HDFG, 16, R | W)                                                   \
    X("mrs x0, pmintenset_el1", HDFG, 17, R | W)                                                   \
    X("mrs x0, pmintenclr_el1", HDFG, 17, R | W)                                                   \
    X("mrs x0, pmovsclr_el0", HDFG, 18, R | W | E0)                                                \
    X("mrs x0, pmovsset_el0", HDFG, 18, R | W)                                                     \
    X("mrs x0, pmselr_el0", HDFG, 19, R | W | E0)                                                  \
    X("msr pmswinc_el0, x0", HDFG, 20, W | E0)                                                     \
    X("mrs x0, pmcr_el0", HDFG, 21, W)                                                             \
    X("mrs x0, s3_0_c9_c14_6", HDFG, 22, R)                                                        \
    X("mrs x0, pmuserenr_el0", HDFG, 57, R | W)                                                    \
    X("mrs x0, pmceid0_el0", HDFG, 58, R | E0)                                                     \
    X("ic ialluis", HFGI, 0, W)                                                                    \
    X("ic iallu", HFGI, 1, W)                                                                      \
    X("ic ivau, x0", HFGI, 2, W | E0)                                                              \
    X("dc ivac, x0", HFGI, 3, W)                                                                   \
    X("dc isw, x0", HFGI, 4, W)                                                                    \
    X("dc csw, x0", HFGI, 5, W)                                                                    \
    X("dc cisw, x0", HFGI, 6, W)                                                                   \
    X("dc cvau, x0", HFGI, 7, W | E0)                                                              \
    X("dc cvap, x0", HFGI, 8, W | E0)                                                              \
    X("dc cvadp, x0", HFGI, 9, W | E0)                                                             \
    X("dc civac, x0", HFGI, 10, W | E0)                                                            \
    X("dc zva, x0", HFGI, 11, W | E0)                                                              \
    X("at s1e1r, x0", HFGI, 12, W)                                                                 \
    X("at s1e1w, x0", HFGI, 13, W)                                                                 \
    X("at s1e0r, x0", HFGI, 14, W)                                                                 \
    X("at s1e0w, x0", HFGI, 15, W)                                                                 \
    X("at s1e1rp, x0", HFGI, 16, W)                                                                \
    X("at s1e1wp, x0", HFGI, 17, W)                                                                \
    X("tlbi vmalle1os", HFGI, 18, W)                                                               \
    X("tlbi vae1os, x0", HFGI, 19, W)                                                              \
    X("tlbi aside1os, x0", HFGI, 20, W)                                                            \
    X("tlbi vaae1os, x0", HFGI, 21, W)                                                             \
    X("tlbi vale1os, x0", HFGI, 22, W)                                                             \
    X("tlbi vaale1os, x0", HFGI, 23, W)                                                            \
    X("tlbi rvae1os, x0", HFGI, 24, W)                                                             \
    X("tlbi rvaae1os, x0", HFGI, 25, W)                                                            \
    X("tlbi rvale1os, x0", HFGI, 26, W)                                                            \
    X("tlbi rvaale1os, x0", HFGI, 27, W)                                                           \
    X("tlbi vmalle1is", HFGI, 28, W)                                                               \
    X("tlbi vae1is, x0", HFGI, 29, W)                                                              \
    X("tlbi aside1is, x0", HFGI, 30, W)                                                            \
    X("tlbi vaae1is, x0", HFGI, 31, W)                                                             \
    X("tlbi vale1is, x0", HFGI, 32, W)                                                             \
    X("tlbi vaale1is, x0", HFGI, 33, W)                                                            \
    X("tlbi rvae1is, x0", HFGI, 34, W)                                                             \
    X("tlbi rvaae1is, x0", HFGI, 35, W)                                                            \
    X("tlbi rvale1is, x0", HFGI, 36, W)                                                            \
    X("tlbi rvaale1is, x0", HFGI, 37, W)                                                           \
    X("tlbi rvae1, x0", HFGI, 38, W)                                                               \
    X("tlbi rvaae1, x0", HFGI, 39, W)                                                              \
    X("tlbi rvale1, x0", HFGI, 40, W)                                                              \
    X("tlbi rvaale1, x0", HFGI, 41, W)                                                             \
    X("tlbi vmalle1", HFGI, 42, W)                                                                 \
    X("tlbi vae1, x0", HFGI, 43, W)                                                                \
    X("tlbi aside1, x0", HFGI, 44, W)                                                              \
    X("tlbi vaae1, x0", HFGI, 45, W)                                                               \
    X("tlbi vale1, x0", HFGI, 46, W)                                                               \
    X("tlbi vaale1, x0", HFGI, 47, W)                                                              \
    X("cfp rctx, x0", HFGI, 48, W | E0)                                                            \
    X("dvp rctx, x0", HFGI, 49, W | E0)                                                            \
    X("cpp rctx, x0", HFGI, 50, W | E0)                                                            \
    X("dc cvac, x0", HFGI, 54, W | E0)

#define WORD(text, ...) text "\n"
__asm__(".pushsection .rodata\n.balign 4\nfgt_words:\n.arch armv8.7-a+predres\n" ROWS(
    WORD) ".popsection");
extern const uint32_t fgt_words[];

#define ROW(text, set, bit, access) {text, set, bit, access},
static const struct row {
    const char *text;
    enum set set;
    unsigned bit, access;
} rows[] = {ROWS(ROW)};

#define HFGITR SYS(3, 4, 1, 1, 6)
static const uint64_t controls[][2] = {
    [HFG] = {SYS(3, 4, 1, 1, 4), SYS(3, 4, 1, 1, 5)},
    [HDFG] = {SYS(3, 4, 3, 1, 4), SYS(3, 4, 3, 1, 5)},
    [HFGI] = {HFGITR, HFGITR},
};

#define HCR_OPEN (HCR_RW | UINT64_C(3) << 40 | BIT(53)) /* APK, API, EnSCXT */
#define DC_ZVA   0xd50b7420

static char buffer[4096] __attribute__((aligned(4096)));

static void set_control(uint64_t control, uint64_t value)
{
    run_word_at(2, control, value);
}

/* From EL0 the way back is an exception that EL1 takes, with registers that others of the bits
 * trap: there the other half of the check is that without bits nothing happens. */
static void access(const struct row *r, uint32_t word, unsigned el, bool write)
{
    uint64_t control = controls[r->set][write], arg = (uint64_t)buffer;
    bool write_only = !(r->access & R) && r->set != HFGI;

    context = el ? "EL1: " : "EL0: ";
    if (write_only)
        arg = 0;
    else if (write && r->set != HFGI)
        arg = run_word_at(el, MRS_WORD(word), 0);
    set_control(control, BIT(r->bit));
    run_word_at(el, word, arg);
    check_taken(2, V_LOWER, ESR(EC_SYSREG, sys_iss(word)), r->text);
    set_control(control, el && word != DC_ZVA ? ~BIT(r->bit) : 0);
    run_word_at(el, word, arg);
    set_control(control, 0);
    if (word == DC_ZVA) /* which faults on Device memory, at EL1: the MMU is off */
        taken_clear();
    else
        check_none(r->text);
}

static void one_row(unsigned k)
{
    const struct row *r = &rows[k];

    for (unsigned el = !(r->access & E0); el < 2; el++) {
        if (r->access & R)
            access(r, fgt_words[k], el, false);
        if (r->access & W)
            access(r, r->set == HFGI ? fgt_words[k] : fgt_words[k] & ~(uint32_t)BIT(21), el, true);
    }
}

/* A trapped SVC has not been executed: it is where it returns to. */
static uint64_t svc_esr, svc_elr_word;

static void svc_handler(struct frame *f, unsigned el, unsigned offset)
{
    taken.count++;
    taken.el = el;
    taken.offset = offset;
    svc_esr = f->esr;
    svc_elr_word = *(uint32_t *)f->elr;
    f->elr += 4;
}

static void calls(void)
{
    static const uint32_t erets[] = {0xd69f03e0, 0xd69f0bff, 0xd69f0fff};
    static const uint64_t iss[] = {0, 2, 3};

    for (unsigned el = 0; el < 2; el++) {
        context = el ? "EL1: " : "EL0: ";
        set_control(HFGITR, BIT(52 + el));
        guest_handler = svc_handler;
        run_word_at(el, 0xd40000a1, 0);
        guest_handler = 0;
        check_equal(taken.count << 8 | taken.el, 0x102, "SVC: taken to EL2");
        check_equal(svc_esr, ESR(EC_SVC, 5), "SVC: ESR");
        check_equal(svc_elr_word, 0xd40000a1, "SVC: ELR is the SVC");
        taken_clear();
        set_control(HFGITR, BIT(53 - el));
        run_word_at(el, 0xd40000a1, 0);
        check_equal(taken.el, 1, "SVC: not trapped by the other EL's bit");
        taken_clear();
    }
    for (unsigned k = 0; k < ARRAY_SIZE(erets); k++) {
        set_control(HFGITR, BIT(51));
        run_word_at(1, erets[k], 0);
        check_taken(2, V_LOWER, ESR(EC_ERET, iss[k]), "ERET, ERETAA, ERETAB");
    }
    set_control(HFGITR, 0);
    context = "";
}

/* HCRX_EL2.FGTnXS frees the nXS forms; HCR_EL2's trap does not care.
 * 0xd508971f: TLBI VMALLE1NXS. */
static void nxs(void)
{
    const uint32_t word = 0xd508971f;

    set_control(HFGITR, BIT(42));
    run_word_at(1, word, 0);
    check_taken(2, V_LOWER, ESR(EC_SYSREG, sys_iss(word)), "TLBI VMALLE1NXS");
    msr(s3_4_c1_c2_2, BIT(4));
    run_word_at(1, word, 0);
    check_none("TLBI VMALLE1NXS with FGTnXS");
    msr(hcr_el2, HCR_OPEN | BIT(25));
    run_word_at(1, word, 0);
    check_taken(2, V_LOWER, ESR(EC_SYSREG, sys_iss(word)), "TLBI VMALLE1NXS with TTLB");
    msr(hcr_el2, HCR_OPEN);
    msr(s3_4_c1_c2_2, 0);
    set_control(HFGITR, 0);
}

int main(void)
{
    if (!FIELD(mrs(id_aa64mmfr0_el1), 59, 56)) {
        note("no FEAT_FGT");
        return 1;
    }
    msr(hcr_el2, HCR_OPEN);
    /* UMA, EnRCTX, DZE, UCT, UCI for EL0; not TSCXT. */
    msr(sctlr_el1, (SCTLR_INIT & ~BIT(20)) | BIT(9) | BIT(10) | BIT(14) | BIT(15) | BIT(26));
    msr(pmuserenr_el0, 15);
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++)
        one_row(k);
    calls();
    nxs();
    /* Not for EL0 of a host. */
    context = "host: ";
    msr(hcr_el2, HCR_OPEN | HCR_E2H | HCR_TGE);
    set_control(controls[HFG][0], ~UINT64_C(0));
    run_word_at(0, 0xd53bd040, 0); /* mrs x0, tpidr_el0 */
    check_none("TPIDR_EL0");
    set_control(controls[HFG][0], 0);
    msr(hcr_el2, HCR_OPEN);
    return (int)failures;
}
