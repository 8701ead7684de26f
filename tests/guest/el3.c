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

/* Firmware asks for it, and saves these registers: both of these cores have AArch32 at EL1. */
static void aarch32(void)
{
    check_equal(mrs(id_aa64pfr0_el1) >> 4 & 0xf, 2, "EL1 has AArch32");
    msr(spsr_abt, 0x1d7);
    msr(dacr32_el2, 0x55555555);
    check_equal(mrs(spsr_abt), 0x1d7, "SPSR_abt is kept");
    check_equal(mrs(dacr32_el2), 0x55555555, "DACR32_EL2 is kept");
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

#define W_CNTPS_CTL SYS(3, 7, 14, 2, 1)

/* The Secure physical timer: whose it is, and when it fires. */
static void timer(void)
{
    scr(0);
    takes(1, MRS_WORD(W_CNTPS_CTL), 3, ESR(EC_SYSREG, sys_iss(MRS_WORD(W_CNTPS_CTL))),
          "CNTPS_CTL_EL1 from Secure EL1 without SCR_EL3.ST");
    scr(SCR_ST);
    runs(1, MRS_WORD(W_CNTPS_CTL), "CNTPS_CTL_EL1 from Secure EL1");
    scr(SCR_NS | SCR_HCE | SCR_ST);
    takes(1, MRS_WORD(W_CNTPS_CTL), 1, ESR(0, 0), "CNTPS_CTL_EL1 from Non-secure EL1");
    takes(2, MRS_WORD(W_CNTPS_CTL), 2, ESR(0, 0), "CNTPS_CTL_EL1 from EL2");
    scr(0);
    msr(cntps_cval_el1, now() + 60 * mrs(cntfrq_el0));
    msr(cntps_ctl_el1, 1);
    check_equal(mrs(cntps_ctl_el1), 1, "enabled, not yet due");
    msr(cntps_cval_el1, now() + 200000);
    uint64_t end = now() + mrs(cntfrq_el0);
    while (mrs(cntps_ctl_el1) != 5 && now() < end)
        ; /* QEMU's timers are the host's */
    check_equal(mrs(cntps_ctl_el1), 5, "due: ISTATUS");
    msr(cntps_ctl_el1, 0);
}

#define SECURE_RAM    UINT64_C(0x0e000000)
#define SECURE_UART   UINT64_C(0x09040000)
#define DFSC_EXTERNAL 0x10
#define MASK_ISV      UINT64_C(0x1ffc000)

static uint64_t load(uint64_t address)
{
    return *(volatile uint32_t *)address;
}

/* A Non-secure load from @address is a synchronous External abort. */
static void absent(uint64_t address, const char *what)
{
    taken_clear();
    scr(SCR_NS | SCR_HCE);
    call_el(2, load, address);
    taken.esr &= ~MASK_ISV; /* QEMU 7.2 has a syndrome of the instruction here */
    check_taken(2, V_CUR_SPX, ESR(EC_DABT_CUR, DFSC_EXTERNAL), what);
    if (on_qemu()) /* QEMU 7.2 does not look at SCR_EL3.EA */
        return;
    scr(SCR_NS | SCR_HCE | SCR_EA);
    call_el(2, load, address);
    check_taken(3, V_LOWER, ESR(EC_DABT_LOW, DFSC_EXTERNAL), "likewise with SCR_EL3.EA");
}

/* Secure translation tables: 1 GiB blocks, of the first one a 2 MiB one by NS. */
static uint64_t tables[2][512] __attribute__((aligned(4096)));

static void map(uint64_t *descriptor, uint64_t value)
{
    *descriptor = value;
    dsb();
    __asm__ volatile("tlbi alle3; dsb sy; isb");
}

static uint64_t par(void)
{
    isb();
    return mrs(par_el1);
}

static void spaces(void)
{
    const uint64_t block = 0x401, device = block, normal = block | 1 << 2 | 3 << 8, ns = BIT(5);

    *(volatile uint32_t *)SECURE_RAM = 0x5ec5ec;
    dsb();
    check_equal(load(SECURE_RAM), 0x5ec5ec, "EL3 has the Secure RAM");
    scr(0);
    check_equal(call_el(1, load, SECURE_RAM), 0x5ec5ec, "so has Secure EL1");
    absent(SECURE_RAM, "Secure RAM from EL2");
    absent(SECURE_UART + 0x18, "the Secure UART from EL2");
    absent(0, "flash memory from EL2");
    scr(0);

    tables[0][0] = (uint64_t)tables[1] | 3;
    tables[0][1] = BIT(30) | normal;
    tables[1][0x0e000000 >> 21] = 0x0e000000 | device;
    tables[1][0x09000000 >> 21] = 0x09000000 | device;
    dsb();
    msr(mair_el3, 0xff00);
    msr(ttbr0_el3, (uint64_t)tables[0]);
    msr(tcr_el3, BIT(31) | BIT(23) | 25 | UINT64_C(2) << 16);
    isb();
    map(&tables[1][0x0e000000 >> 21], 0x0e000000 | device);
    msr(sctlr_el3, mrs(sctlr_el3) | 1);
    isb();
    check_equal(load(SECURE_RAM), 0x5ec5ec, "through a table, NS clear");
    __asm__ volatile("at s1e3r, %0" ::"r"(SECURE_RAM));
    check_equal(par() & (BIT(0) | BIT(9)), 0, "AT S1E3R: not NS");
    map(&tables[1][0x0e000000 >> 21], 0x0e000000 | device | ns);
    taken_clear();
    load(SECURE_RAM);
    check_taken(3, V_CUR_SPX, ESR(EC_DABT_CUR, DFSC_EXTERNAL), "NS set: it is not there");
    __asm__ volatile("at s1e3r, %0" ::"r"(SECURE_RAM));
    check_equal(par() & (BIT(0) | BIT(9)), BIT(9), "AT S1E3R: NS");
    map(&tables[1][0x0e000000 >> 21], 0x0e000000 | device);
    check_equal(load(SECURE_RAM), 0x5ec5ec, "NS clear again");
    map(&tables[0][0], (uint64_t)tables[1] | 3 | BIT(63));
    taken_clear();
    load(SECURE_RAM);
    check_taken(3, V_CUR_SPX, ESR(EC_DABT_CUR, DFSC_EXTERNAL), "NSTable set: it is not there");
    msr(sctlr_el3, mrs(sctlr_el3) & ~UINT64_C(1));
    isb();
}

int main(void)
{
    returns();
    aarch32();
    calls();
    traps();
    illegal();
    spaces();
    timer();
    msr(S3_6_C12_C12_7, 1);
    check_equal(mrs(S3_6_C12_C12_7) & 1, 1, "ICC_IGRPEN1_EL3 enables Non-secure group 1");
    return (int)failures;
}
