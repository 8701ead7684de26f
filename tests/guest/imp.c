/* Runs on: a57; el2 el1; smp 1 2 4. */
/* What boot code of a Cortex-A57 asks and writes beside the manual's registers, and what a
 * hypervisor saves of a guest that could be in AArch32. */
#include "guest.h"

#define CPUACTLR_EL1 s3_1_c15_c2_0
#define CPUECTLR_EL1 s3_1_c15_c2_1
#define L2CTLR_EL1   s3_1_c11_c0_2
#define L2ECTLR_EL1  s3_1_c11_c0_3
#define L2ACTLR_EL1  s3_1_c15_c0_0
#define CBAR_EL1     s3_1_c15_c3_0
#define SMPEN        BIT(6)

/* mrs() and msr() of a name that is a macro. */
#define READ(reg)         mrs(reg)
#define WRITE(reg, value) msr(reg, value)

#define KEEPS(reg, value, what)                                                                    \
    do {                                                                                           \
        WRITE(reg, value);                                                                         \
        check_differs(READ(reg), value, what, "imp");                                              \
    } while (0)

static void boot_code(void)
{
    check_equal(FIELD(READ(L2CTLR_EL1), 25, 24), cpu_count() - 1, "L2CTLR_EL1: number of CPUs");
    check_equal(READ(CBAR_EL1), 0x08000000, "CBAR_EL1: the GIC");
    KEEPS(CPUECTLR_EL1, READ(CPUECTLR_EL1) | SMPEN, "CPUECTLR_EL1.SMPEN");
    KEEPS(CPUACTLR_EL1, BIT(59), "CPUACTLR_EL1");
    KEEPS(L2ACTLR_EL1, BIT(14), "L2ACTLR_EL1");
    KEEPS(L2ECTLR_EL1, 3, "L2ECTLR_EL1");
    check_none("all of them exist");
}

#define STORES(reg, value)                                                                         \
    do {                                                                                           \
        msr(reg, value);                                                                           \
        check_equal(mrs(reg), value, #reg);                                                        \
    } while (0)

static void aarch32_context(void)
{
    STORES(dacr32_el2, 0x55555555);
    STORES(ifsr32_el2, 0x7);
    STORES(spsr_abt, 0x1d7);
    STORES(spsr_und, 0x1db);
    STORES(spsr_irq, 0x1d2);
    STORES(spsr_fiq, 0x1d1);
    msr(dbgvcr32_el2, 0xde);
    check_differs(mrs(dbgvcr32_el2), 0xde, "dbgvcr32_el2", "debug-registers");
    msr(fpexc32_el2, BIT(30));
    check_equal(mrs(fpexc32_el2) & BIT(30), BIT(30), "FPEXC32_EL2.EN");
    check_none("all of them exist");
}

static void from_el1(void)
{
    uint64_t word = SYS(3, 1, 15, 2, 1); /* MSR CPUECTLR_EL1, X0 */

    msr(actlr_el2, 0);
    run_word_at(1, word, SMPEN);
    check_taken_differs(2, V_LOWER, ESR(EC_SYSREG, sys_iss(word)), "ACTLR_EL2.CPUECTLR clear",
                        "imp");
    msr(actlr_el2, BIT(1));
    run_word_at(1, word, SMPEN);
    check_none("ACTLR_EL2.CPUECTLR set");
}

int main(void)
{
    boot_code();
    if (current_el() == 2) {
        aarch32_context();
        from_el1();
    }
    return (int)failures;
}
