/* Runs on: a57 max; el3. */
/* EL3: calls and returns, what is enabled below it in either Security state, routing of exceptions,
 * its traps. QEMU has one set of EL1's registers for both states too: who switches saves them. */
#include "guest.h"

#define SCR_BASE   UINT64_C(0x30430) /* API, APK, RW */
#define CPTR_TFP   BIT(10)
#define CPTR_TCPAC BIT(31)
#define W_SCR_EL3  SYS(3, 6, 1, 1, 0)
#define W_CPACR    SYS(3, 0, 1, 0, 2)
#define W_CPTR_EL2 SYS(3, 4, 1, 1, 2)
#define W_HCR_EL2  SYS(3, 4, 1, 1, 0)
#define W_SMC      0xd4000003u
#define W_HVC      0xd4000002u
#define W_WFI      0xd503207fu
#define W_FMOV     0x9e670000u /* fmov d0, x0 */

static void scr(uint64_t bits)
{
    msr(scr_el3, SCR_BASE | bits);
    isb();
}

/* Run @word at @el; it is taken to @to with @esr. */
static void takes(unsigned el, uint64_t word, unsigned to, uint64_t esr, const char *what)
{
    taken_clear();
    run_word_at(el, word, 0);
    check_taken(to, to > el ? V_LOWER : V_CUR_SPX, esr, what);
}

static void runs(unsigned el, uint64_t word, const char *what)
{
    taken_clear();
    run_word_at(el, word, 0);
    check_none(what);
}

static uint64_t where(uint64_t arg)
{
    (void)arg;
    return mrs(CurrentEL) >> 2;
}

static void returns(void)
{
    check_equal(current_el(), 3, "a reset leads to EL3");
    scr(0);
    check_equal(call_el(1, where, 0), 1, "ERET to Secure EL1 and SMC back");
    scr(SCR_NS | SCR_HCE);
    check_equal(call_el(1, where, 0), 1, "ERET to Non-secure EL1 and SMC back");
    check_equal(call_el(2, where, 0), 2, "ERET to EL2 and SMC back");
    check_equal(mrs(spsr_el3) >> 2 & 3, 2, "SPSR_EL3 says where the SMC came from");
}

static void calls(void)
{
    uint64_t undefined = ESR(0, 0);

    context = "Secure: ";
    scr(SCR_HCE);
    takes(1, W_SMC | 0x12 << 5, 3, ESR(EC_SMC, 0x12), "SMC from EL1");
    if (!on_qemu()) /* QEMU 7.2 takes it to EL2, and that in AArch32 state */
        takes(1, W_HVC, 1, undefined, "HVC from EL1 is UNDEFINED: there is no Secure EL2");
    context = "Non-secure: ";
    scr(SCR_NS);
    takes(2, W_SMC | 7 << 5, 3, ESR(EC_SMC, 7), "SMC from EL2");
    takes(1, W_HVC, 1, undefined, "HVC from EL1 without SCR_EL3.HCE");
    takes(2, W_HVC, 2, undefined, "HVC from EL2 without SCR_EL3.HCE");
    scr(SCR_NS | SCR_HCE);
    takes(1, W_HVC | 3 << 5, 2, ESR(EC_HVC, 3), "HVC from EL1");
    msr(hcr_el2, HCR_RW | HCR_TSC);
    takes(1, W_SMC, 2, ESR(EC_SMC, 0), "SMC from EL1 with HCR_EL2.TSC");
    context = "Secure: ";
    scr(0);
    takes(1, W_SMC, 3, ESR(EC_SMC, 0), "SMC from EL1: HCR_EL2.TSC does not act");
    msr(hcr_el2, HCR_RW);
    context = "";
}

static void traps(void)
{
    takes(1, MRS_WORD(W_SCR_EL3), 1, ESR(0, 0), "SCR_EL3 from EL1");
    scr(SCR_NS | SCR_HCE);
    takes(2, MRS_WORD(W_SCR_EL3), 2, ESR(0, 0), "SCR_EL3 from EL2");
    msr(cptr_el3, CPTR_TCPAC);
    takes(1, MRS_WORD(W_CPACR), 3, ESR(EC_SYSREG, sys_iss(MRS_WORD(W_CPACR))),
          "CPACR_EL1, CPTR_EL3.TCPAC");
    takes(2, MRS_WORD(W_CPTR_EL2), 3, ESR(EC_SYSREG, sys_iss(MRS_WORD(W_CPTR_EL2))),
          "CPTR_EL2, CPTR_EL3.TCPAC");
    runs(2, MRS_WORD(W_HCR_EL2), "HCR_EL2 does not trap");
    msr(cptr_el3, CPTR_TFP);
    isb();
    takes(1, W_FMOV, 3, ESR(EC_FP, 0x1e00000), "FMOV at EL1, CPTR_EL3.TFP");
    takes(3, W_FMOV, 3, ESR(EC_FP, 0x1e00000), "FMOV at EL3, CPTR_EL3.TFP");
    msr(cptr_el3, 0);
    isb();
    runs(3, W_FMOV, "FMOV at EL3");
    scr(SCR_NS | SCR_HCE | SCR_TWI);
    takes(1, W_WFI, 3, ESR(EC_WFX, 0x1e00000), "WFI at EL1, SCR_EL3.TWI");
    takes(2, W_WFI, 3, ESR(EC_WFX, 0x1e00000), "WFI at EL2, SCR_EL3.TWI");
    scr(0);
}

static void illegal(void)
{
    scr(0);
    taken_clear();
    msr(spsr_el3, SPSR_EL2H);
    __asm__ volatile("adr x9, 1f; msr elr_el3, x9; isb; eret; 1: nop" ::: "x9", "memory");
    check_taken(3, V_CUR_SPX, ESR(EC_ILLEGAL, 0), "ERET to EL2 in Secure state is illegal");
}

int main(void)
{
    returns();
    calls();
    traps();
    illegal();
    return (int)failures;
}
