/* Runs on: a57 n1 max; el2 el1. */
/* Synchronous exceptions of each kind arrive at the right vector with the right syndrome. */
#include "guest.h"

static uint64_t do_svc(uint64_t arg)
{
    insn("svc #0x123");
    return arg + 1;
}

static uint64_t do_brk(uint64_t arg)
{
    insn("brk #0x77");
    return arg + 1;
}

static uint64_t do_udf(uint64_t arg)
{
    insn("udf #5");
    return arg + 1;
}

static uint64_t do_hvc(uint64_t arg)
{
    insn("hvc #0x55");
    return arg;
}

static uint64_t do_smc(uint64_t arg)
{
    insn("smc #0x66");
    return arg;
}

static uint64_t do_eret(uint64_t arg)
{
    insn("eret");
    return arg;
}

static uint64_t do_wfi(uint64_t arg)
{
    insn("wfi");
    return arg;
}

static uint64_t do_mrs_sctlr(uint64_t arg)
{
    insn("mrs x3, sctlr_el1");
    return arg;
}

static uint64_t do_mrs_hcr(uint64_t arg)
{
    insn("mrs x3, hcr_el2");
    return arg;
}

static uint64_t do_midr(uint64_t arg)
{
    insn("mrs x3, midr_el1");
    return arg;
}

static uint64_t do_unknown_sysreg(uint64_t arg)
{
    insn("mrs x3, s3_3_c15_c9_7");
    return arg;
}

static uint64_t do_daif(uint64_t arg)
{
    insn("msr daifset, #2");
    return arg;
}

static uint64_t do_spsel(uint64_t arg)
{
    insn("msr spsel, #0");
    return arg;
}

static uint64_t do_pc_align(uint64_t arg)
{
    uint64_t lr;

    __asm__ volatile("adr %0, 1f; sub %0, %0, #2; br %0; 1: nop; nop" : "=r"(lr)::"memory");
    return arg;
}

static uint64_t do_sp_align(uint64_t arg)
{
    __asm__ volatile("mov x9, sp; add x10, x9, #4; mov sp, x10; ldr x11, [sp]; mov sp, x9" ::
                         : "x9", "x10", "x11", "memory");
    return arg;
}

/* At EL1 and EL2 with SP_EL0, so that the handler has an aligned one. */
static uint64_t do_sp_align_el1(uint64_t arg)
{
    __asm__ volatile("msr spsel, #0; mov x9, sp; sub x10, x9, #8; mov sp, x10; ldr x11, [sp];"
                     "mov sp, x9; msr spsel, #1" ::
                         : "x9", "x10", "x11", "memory");
    return arg;
}

static uint64_t do_hint(uint64_t arg)
{
    insn("hint #0x7f; yield; nop; sev; sevl; wfe");
    return arg;
}

/* DCPS1 and HLT are UNDEFINED outside Debug state (HLT #0xf000 is semihosting). */
static uint64_t do_hlt(uint64_t arg)
{
    insn("hlt #1");
    return arg;
}

static uint64_t do_dcps(uint64_t arg)
{
    insn("dcps1");
    return arg;
}

#define UNDEF ESR(EC_UNKNOWN, 0)
/* Instructions at EL0 and EL1: where each goes (0: no exception) and its syndrome. "smc" depends on
 * the board. */
static const struct {
    uint64_t (*fn)(uint64_t);
    const char *name;
    unsigned el0_target;
    uint64_t el0_esr;
    unsigned el1_target; /* on a machine with EL2 */
    uint64_t el1_esr;
    const char *differs; /* row of docs/divergences.md */
} rows[] = {
    {do_svc, "SVC", 1, ESR(EC_SVC, 0x123), 1, ESR(EC_SVC, 0x123)},
    {do_brk, "BRK", 1, ESR(EC_BRK, 0x77), 1, ESR(EC_BRK, 0x77)},
    {do_udf, "UDF", 1, UNDEF, 1, UNDEF},
    {do_hvc, "HVC", 1, UNDEF, 2, ESR(EC_HVC, 0x55)},
    {do_smc, "SMC", 1, UNDEF, 0, 0},
    {do_eret, "ERET", 1, UNDEF, 0, 0},
    {do_wfi, "WFI", 1, ESR(EC_WFX, 0x1e00000), 0, 0},
    {do_mrs_sctlr, "MRS SCTLR_EL1", 1, UNDEF, 0, 0},
    {do_mrs_hcr, "MRS HCR_EL2", 1, UNDEF, 1, UNDEF},
    {do_midr, "MRS MIDR_EL1", 1, ESR(EC_SYSREG, 0), 0, 0},
    {do_unknown_sysreg, "MRS of an unallocated register", 1, UNDEF, 1, UNDEF},
    {do_daif, "MSR DAIFSet", 1, ESR(EC_SYSREG, 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 2 << 1), 0,
     0, "daif-trap-iss"},
    {do_spsel, "MSR SPSel", 1, UNDEF, 0, 0},
    {do_pc_align, "PC alignment", 1, ESR(EC_PC_ALIGN, 0), 1, ESR(EC_PC_ALIGN, 0)},
    {do_sp_align, "SP alignment", 1, ESR(EC_SP_ALIGN, 0), 0, 0, "sp-alignment"},
    {do_hint, "hints", 0, 0, 0, 0},
    {do_hlt, "HLT", 1, UNDEF, 1, UNDEF},
    {do_dcps, "DCPS1", 1, UNDEF, 1, UNDEF},
};

static bool runs_at_el1(uint64_t (*fn)(uint64_t))
{
    return fn != do_sp_align && fn != do_smc && fn != do_eret && fn != do_wfi && fn != do_spsel;
}

static void expect(unsigned from, unsigned target, uint64_t esr, const char *name,
                   const char *differs)
{
    if (target == 0)
        check_none(name);
    else
        check_taken_differs(target, target == from ? V_CUR_SPX : V_LOWER, esr, name, differs);
}

static void table(unsigned el)
{
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        context = "from EL0: ";
        call_el(0, rows[k].fn, 0);
        if (rows[k].fn == do_midr) { /* FEAT_IDST: EC 0x18 */
            bool idst = FIELD(mrs(s3_0_c0_c7_2), 39, 36)
            != 0;

            check_taken(1, V_LOWER,
                        idst ? ESR(EC_SYSREG, sys_iss(MRS_WORD(SYS(3, 0, 0, 0, 0)) | 3)) : UNDEF,
                        rows[k].name);
            continue;
        }
        expect(0, rows[k].el0_target, rows[k].el0_esr, rows[k].name, rows[k].differs);
    }
    for (unsigned k = 0; el == 2 && k < ARRAY_SIZE(rows); k++) {
        if (!runs_at_el1(rows[k].fn))
            continue;
        context = "from EL1: ";
        call_el(1, rows[k].fn, 0);
        expect(1, rows[k].el1_target, rows[k].el1_esr, rows[k].name, rows[k].differs);
    }
}

/* With HCR_EL2.TGE all that EL0 would take to EL1 goes to EL2. */
static void with_tge(void)
{
    msr(hcr_el2, mrs(hcr_el2) | HCR_TGE);
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        if (rows[k].fn == do_midr)
            continue;
        context = "from EL0 with TGE: ";
        call_el(0, rows[k].fn, 0);
        /* Traps by SCTLR_EL1 keep their class. */
        expect(0, rows[k].el0_target ? 2 : 0, rows[k].el0_esr, rows[k].name, rows[k].differs);
    }
    msr(hcr_el2, mrs(hcr_el2) & ~HCR_TGE);
}

static void current_sp0(unsigned el)
{
    uint64_t scratch[32];
    uint64_t top = (uint64_t)&scratch[32] & ~UINT64_C(15);

    __asm__ volatile("msr spsel, #0; mov sp, %0; udf #1; msr spsel, #1" ::"r"(top) : "memory");
    check_taken(el, V_CUR_SP0, UNDEF, "UDF with SP_EL0");
    __asm__ volatile("msr spsel, #0; svc #9; msr spsel, #1" ::: "memory");
    check_taken(el, V_CUR_SP0, ESR(EC_SVC, 9), "SVC with SP_EL0");
}

/* What SPSR and ELR say of the interrupted context. */
static void saved_state(unsigned el)
{
    uint64_t pc;

    __asm__ volatile("msr daifclr, #15; mov x9, #0x60000000; msr nzcv, x9; adr %0, 1f; svc #1; 1: "
                     "msr daifset, #15"
                     : "=r"(pc)::"x9", "cc", "memory");
    check_equal(taken.elr, pc, "SVC: ELR is the next instruction");
    check_equal(taken.spsr & 0xf00003df, 0x60000001 | el << 2, "SPSR: NZCV, DAIF, EL, SP");
    __asm__ volatile("adr %0, 1f; 1: brk #1" : "=r"(pc)::"memory");
    check_equal(taken.elr, pc, "BRK: ELR is the instruction");
    taken_clear();
    __asm__ volatile("adr %0, 1f; sub %0, %0, #2; mov x9, %0; br x9; nop; 1: nop; nop"
                     : "=r"(pc)::"x9", "memory");
    check_equal(taken.elr, pc, "PC alignment: ELR");
    check_equal(taken.far, pc, "PC alignment: FAR");
    check_taken(el, V_CUR_SPX, ESR(EC_PC_ALIGN, 0), "PC alignment");
}

int main(void)
{
    unsigned el = current_el();

    check_equal(call_el(0, do_brk, 41), 42, "EL0 returns its value");
    check_taken(1, V_LOWER, ESR(EC_BRK, 0x77), "BRK at EL0");
    insn("svc #0x42");
    check_taken(el, V_CUR_SPX, ESR(EC_SVC, 0x42), "SVC at the same EL");
    insn("brk #0x1234");
    check_taken(el, V_CUR_SPX, ESR(EC_BRK, 0x1234), "BRK at the same EL");
    insn("udf #0");
    check_taken(el, V_CUR_SPX, UNDEF, "UDF at the same EL");
    insn("mrs x3, s3_0_c15_c9_7");
    check_taken(el, V_CUR_SPX, UNDEF, "unallocated register at the same EL");
    if (el == 2) {
        insn("hvc #0x31");
        check_taken(2, V_CUR_SPX, ESR(EC_HVC, 0x31), "HVC at EL2");
    }
    msr(sp_el0, 0x40300000);
    do_sp_align_el1(0);
    check_taken_differs(el, V_CUR_SP0, ESR(EC_SP_ALIGN, 0), "SP alignment at the same EL",
                        "sp-alignment");
    current_sp0(el);
    saved_state(el);
    table(el);
    if (el == 2)
        with_tge();
    context = "";
    return (int)failures;
}
