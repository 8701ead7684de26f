/* Registers that the named cores have beside the manual: IMPLEMENTATION DEFINED ones, and what EL2
 * saves of an EL1 in AArch32. */
#include "cpu/context.h"
#include "tests/cpu/sysreg_fixture.h"

static const struct {
    enum sysreg sr;
    bool cortex, n1;          /* on a53, a57 and a72; on n1 */
    uint64_t a53, a57, other; /* after reset: of a53; of a57 and a72; of n1 */
    uint64_t writable;
} registers[] = {
    {SR_L2CTLR_EL1, true, false, 0x1000000, 0x1000000, 0, 0xffffff},
    {SR_L2ECTLR_EL1, true, false, 0, 0, 0, UINT32_MAX},
    {SR_L2ACTLR_EL1, true, false, 0x80000008, 0x10, 0, UINT32_MAX},
    {SR_CPUACTLR_EL1, true, false, 0x090ca000, 0, 0, UINT64_MAX},
    {SR_CPUECTLR_EL1, true, false, 0, 0x1b00000000, 0, UINT64_MAX},
    {SR_CPUMERRSR_EL1, true, false, 0, 0, 0, UINT64_MAX},
    {SR_L2MERRSR_EL1, true, false, 0, 0, 0, UINT64_MAX},
    {SR_CBAR_EL1, true, true, 0x8000000, 0x8000000, 0x8000000, 0},
    {SR_CPUCFR_EL1, false, true, 0, 0, 4, 0},
    {SR_N1_CPUACTLR_EL1, false, true, 0, 0, 0, UINT64_MAX},
    {SR_N1_CPUACTLR2_EL1, false, true, 0, 0, 0, UINT64_MAX},
    {SR_N1_CPUACTLR3_EL1, false, true, 0, 0, 0, UINT64_MAX},
    {SR_N1_CPUECTLR_EL1, false, true, 0, 0, 0x961563010, UINT64_MAX},
    {SR_ERXPFGF_EL1, false, true, 0, 0, 0, 0},
    {SR_ERXPFGCTL_EL1, false, true, 0, 0, 0, UINT32_MAX},
    {SR_ERXPFGCDN_EL1, false, true, 0, 0, 0, UINT32_MAX},
    {SR_CPUPWRCTLR_EL1, false, true, 0, 0, 0, UINT32_MAX},
    {SR_ATCR_EL1, false, true, 0, 0, 0, UINT32_MAX},
    {SR_ATCR_EL2, false, true, 0, 0, 0, UINT32_MAX},
    {SR_AVTCR_EL2, false, true, 0, 0, 0, UINT32_MAX},
    {SR_DACR32_EL2, true, false, 0, 0, 0, UINT32_MAX},
    {SR_IFSR32_EL2, true, false, 0, 0, 0, UINT32_MAX},
    {SR_FPEXC32_EL2, true, false, 0x700, 0x700, 0, 0x40000000},
    {SR_DBGVCR32_EL2, true, false, 0, 0, 0, 0xde},
    {SR_SPSR_irq, true, false, 0, 0, 0, UINT32_MAX},
    {SR_SPSR_abt, true, false, 0, 0, 0, UINT32_MAX},
    {SR_SPSR_und, true, false, 0, 0, 0, UINT32_MAX},
    {SR_SPSR_fiq, true, false, 0, 0, 0, UINT32_MAX},
};

static void start_model(struct fixture *f, const char *model)
{
    start(f, model, true, false);
    f->cpu->cluster_cpus = 2;
    f->cpu->periphbase = 0x8000000;
    cpu_reset(f->cpu);
    f->cpu->sr[SR_CPTR_EL2] = 0; /* FPEXC32_EL2 is an FP register */
    cpu_context_changed(f->cpu);
}

static void check_storage(struct fixture *f, enum sysreg sr, uint64_t reset, uint64_t writable)
{
    assert_int_equal(mrs(f, sr), EXEC_NEXT);
    if (f->cpu->x[3] != reset)
        fail_msg("%s: %#llx after reset", sysreg_rows[sr].name, (unsigned long long)f->cpu->x[3]);
    if (!writable)
        return;
    assert_int_not_equal(msr(f, sr, UINT64_MAX), EXEC_ABORT);
    mrs(f, sr);
    uint64_t kept = f->cpu->x[3];
    msr(f, sr, 0);
    mrs(f, sr);
    if ((kept ^ f->cpu->x[3]) != writable)
        fail_msg("%s: %#llx and %#llx", sysreg_rows[sr].name, (unsigned long long)kept,
                 (unsigned long long)f->cpu->x[3]);
}

static void test_registers_of_a_core_are_storage_on_it_and_undefined_on_others(void **state)
{
    static const char *const models[] = {"a53", "a57", "a72", "n1", "max"};
    struct fixture f;

    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(models); m++) {
        start_model(&f, models[m]);
        for (unsigned k = 0; k < ARRAY_SIZE(registers); k++) {
            enum sysreg sr = registers[k].sr;
            if (m < 3 ? registers[k].cortex : m == 3 && registers[k].n1) {
                check_storage(&f, sr,
                              m == 0   ? registers[k].a53
                              : m == 3 ? registers[k].other
                                       : registers[k].a57,
                              registers[k].writable);
            } else {
                at_el(&f, 2);
                assert_int_equal(mrs(&f, sr), EXEC_ABORT);
                assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
            }
        }
        finish(&f);
    }
}

static void test_l2ctlr_counts_the_cpus_of_the_cluster(void **state)
{
    static const unsigned expected[] = {0, 0, 1, 2, 3, 3, 3, 3, 3};
    struct fixture f;

    (void)state;
    start_model(&f, "a57");
    for (unsigned n = 1; n <= 8; n++) {
        f.cpu->cluster_cpus = n;
        msr(&f, SR_L2CTLR_EL1, UINT64_C(3) << 24);
        mrs(&f, SR_L2CTLR_EL1);
        assert_int_equal(f.cpu->x[3], (uint64_t)expected[n] << 24);
    }
    finish(&f);
}

/* ACTLR_EL2 lets EL1 write; reading needs no leave. HCR_EL2.TIDCP traps both. */
static void test_el1_accesses_are_el2s_choice(void **state)
{
    static const struct {
        const char *model;
        enum sysreg sr;
        uint64_t enable;
    } cases[] = {
        {"a57", SR_CPUACTLR_EL1, BIT(0)},   {"a57", SR_CPUECTLR_EL1, BIT(1)},
        {"a57", SR_L2CTLR_EL1, BIT(4)},     {"a57", SR_L2ECTLR_EL1, BIT(5)},
        {"a57", SR_L2ACTLR_EL1, BIT(6)},    {"n1", SR_N1_CPUACTLR2_EL1, BIT(0)},
        {"n1", SR_N1_CPUECTLR_EL1, BIT(1)}, {"n1", SR_ERXPFGCTL_EL1, BIT(5)},
        {"n1", SR_CPUPWRCTLR_EL1, BIT(7)},
    };
    struct fixture f;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        enum sysreg sr = cases[k].sr;
        start_model(&f, cases[k].model);
        at_el(&f, 1);
        assert_int_equal(mrs(&f, sr), EXEC_NEXT);
        assert_int_equal(msr(&f, sr, 0), EXEC_ABORT);
        assert_trapped(&f, 2, ESR_EC_SYS64, iss_of(sr, false));
        msr(&f, SR_ACTLR_EL2, ~cases[k].enable);
        at_el(&f, 1);
        assert_int_equal(msr(&f, sr, 0), EXEC_ABORT);
        msr(&f, SR_ACTLR_EL2, cases[k].enable);
        at_el(&f, 1);
        assert_int_equal(msr(&f, sr, 1), EXEC_NEXT);
        at_el(&f, 2);
        msr(&f, SR_HCR_EL2, FIELD_MASK(HCR_EL2_TIDCP));
        at_el(&f, 1);
        assert_int_equal(mrs(&f, sr), EXEC_ABORT);
        assert_trapped(&f, 2, ESR_EC_SYS64, iss_of(sr, true));
        assert_int_equal(msr(&f, sr, 1), EXEC_NEXT); /* EL2 itself */
        finish(&f);
    }
}

static void test_an_el1_that_is_started_below_el2_may_write_them(void **state)
{
    struct fixture f;

    (void)state;
    start_model(&f, "a72");
    cpu_enter_el(f.cpu, 1);
    assert_int_equal(msr(&f, SR_CPUECTLR_EL1, 0x40), EXEC_NEXT);
    mrs(&f, SR_CPUECTLR_EL1);
    assert_int_equal(f.cpu->x[3], 0x40);
    finish(&f);
}

static void test_fpexc32_obeys_cptr(void **state)
{
    struct fixture f;

    (void)state;
    start_model(&f, "a53");
    msr(&f, SR_CPTR_EL2, FIELD_MASK(CPTR_EL2_TFP));
    assert_int_equal(mrs(&f, SR_FPEXC32_EL2), EXEC_ABORT);
    assert_trapped(&f, 2, ESR_EC_FP, 0x1e00000);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers_of_a_core_are_storage_on_it_and_undefined_on_others),
        cmocka_unit_test(test_l2ctlr_counts_the_cpus_of_the_cluster),
        cmocka_unit_test(test_el1_accesses_are_el2s_choice),
        cmocka_unit_test(test_an_el1_that_is_started_below_el2_may_write_them),
        cmocka_unit_test(test_fpexc32_obeys_cptr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
