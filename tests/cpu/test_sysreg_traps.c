/* Which control traps which register or instruction, to which EL and with which syndrome. */
#include "tests/cpu/sysreg_fixture.h"

/* One control, the register and direction it traps, from which EL to which. */
static const struct trap_case {
    enum sysreg control;
    uint64_t value;
    enum sysreg sr;
    bool read;
    unsigned from, to;
} trap_cases[] = {
    {SR_HCR_EL2, BIT(26), SR_SCTLR_EL1, false, 1, 2},
    {SR_HCR_EL2, BIT(30), SR_TTBR0_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(16), SR_REVIDR_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(17), SR_CTR_EL0, true, 1, 2},
    {SR_HCR_EL2, BIT(17), SR_CSSELR_EL1, false, 1, 2},
    {SR_HCR_EL2, BIT(18), SR_ID_AA64PFR0_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(18), SR_MVFR0_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(49), SR_CCSIDR_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(21), SR_ACTLR_EL1, false, 1, 2},
    {SR_HCR_EL2, BIT(22), SR_DC_CISW, false, 1, 2},
    {SR_HCR_EL2, BIT(23), SR_DC_CIVAC, false, 1, 2},
    {SR_HCR_EL2, BIT(24), SR_IC_IVAU, false, 1, 2},
    {SR_HCR_EL2, BIT(25), SR_TLBI_VAE1IS, false, 1, 2},
    {SR_HCR_EL2, BIT(25), SR_TLBI_VAE1ISNXS, false, 1, 2},
    {SR_HCR_EL2, BIT(54), SR_TLBI_VAE1IS, false, 1, 2},
    {SR_HCR_EL2, BIT(55), SR_TLBI_VAE1OS, false, 1, 2},
    {SR_HCR_EL2, BIT(28), SR_DC_ZVA, false, 1, 2},
    {SR_HCR_EL2, BIT(35), SR_LORID_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(36), SR_ERRIDR_EL1, true, 1, 2},
    {SR_HCR_EL2, 0, SR_APIAKeyLo_EL1, true, 1, 2},
    {SR_HCR_EL2, 0, SR_SCXTNUM_EL1, true, 1, 2},
    {SR_HCR_EL2, BIT(3), SR_ICC_SGI1R_EL1, false, 1, 2},
    {SR_HCR_EL2, BIT(4), SR_ICC_SGI0R_EL1, false, 1, 2},
    {SR_CPTR_EL2, BIT(31), SR_CPACR_EL1, true, 1, 2},
    {SR_MDCR_EL2, BIT(9), SR_MDSCR_EL1, true, 1, 2},
    {SR_MDCR_EL2, BIT(8), SR_OSLAR_EL1, false, 1, 2},
    {SR_MDCR_EL2, BIT(10), SR_OSLSR_EL1, true, 1, 2},
    {SR_MDCR_EL2, BIT(11), SR_MDRAR_EL1, true, 1, 2},
    {SR_MDCR_EL2, BIT(6) | 6, SR_PMCCNTR_EL0, true, 1, 2},
    {SR_MDCR_EL2, BIT(5) | 6, SR_PMCR_EL0, true, 1, 2},
    {SR_MDCR_EL2, 2, SR_PMEVCNTR2_EL0, true, 1, 2},
    {SR_CNTHCTL_EL2, 2, SR_CNTPCT_EL0, true, 1, 2},
    {SR_CNTHCTL_EL2, 1, SR_CNTP_CTL_EL0, false, 1, 2},
    {SR_CNTHCTL_EL2, BIT(13) | 3, SR_CNTV_CTL_EL0, true, 1, 2},
    {SR_CNTHCTL_EL2, BIT(14) | 3, SR_CNTVCT_EL0, true, 1, 2},
    {SR_ICC_SRE_EL2, 7, SR_ICC_SRE_EL1, true, 1, 2},
    {SR_ICH_HCR_EL2, BIT(10), SR_ICC_PMR_EL1, true, 1, 2},
    {SR_ICH_HCR_EL2, BIT(11), SR_ICC_IAR0_EL1, true, 1, 2},
    {SR_ICH_HCR_EL2, BIT(12), SR_ICC_IAR1_EL1, true, 1, 2},
    {SR_ICH_HCR_EL2, BIT(14), SR_ICC_DIR_EL1, false, 1, 2},
    {SR_HFGRTR_EL2, BIT(33), SR_TPIDR_EL1, true, 1, 2},
    {SR_HFGWTR_EL2, BIT(38), SR_VBAR_EL1, false, 1, 2},
    {SR_HFGITR_EL2, BIT(29), SR_TLBI_VAE1IS, false, 1, 2},
    {SR_HFGITR_EL2, BIT(29), SR_TLBI_VAE1ISNXS, false, 1, 2},
    {SR_HDFGRTR_EL2, BIT(15), SR_PMCCNTR_EL0, true, 1, 2},
    {SR_HDFGWTR_EL2, BIT(8), SR_OSLAR_EL1, false, 1, 2},
    {SR_SCTLR_EL1, 0, SR_CTR_EL0, true, 0, 1},
    {SR_SCTLR_EL1, 0, SR_DC_CVAU, false, 0, 1},
    {SR_SCTLR_EL1, 0, SR_DC_ZVA, false, 0, 1},
    {SR_SCTLR_EL1, 0, SR_DAIF, true, 0, 1},
    {SR_CNTKCTL_EL1, 0, SR_CNTVCT_EL0, true, 0, 1},
    {SR_CNTKCTL_EL1, 0, SR_CNTP_CVAL_EL0, true, 0, 1},
    {SR_CNTKCTL_EL1, 0, SR_CNTFRQ_EL0, true, 0, 1},
    {SR_PMUSERENR_EL0, 0, SR_PMCCNTR_EL0, true, 0, 1},
    {SR_PMUSERENR_EL0, BIT(2), SR_PMCCNTR_EL0, false, 0, 1},
    {SR_PMUSERENR_EL0, BIT(1), SR_PMSELR_EL0, false, 0, 1},
    {SR_MDSCR_EL1, BIT(12), SR_MDCCSR_EL0, true, 0, 1},
    {SR_HFGRTR_EL2, BIT(35), SR_TPIDR_EL0, true, 0, 2},
    {SR_MDCR_EL2, BIT(9), SR_MDCCSR_EL0, true, 0, 2},
};

static void test_each_control_traps_with_the_exact_syndrome(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, true);
    for (unsigned k = 0; k < ARRAY_SIZE(trap_cases); k++) {
        const struct trap_case *c = &trap_cases[k];
        bool by_default = c->value == 0 && c->control == SR_HCR_EL2;

        allow_all(&f);
        at_el(&f, c->from);
        if (cpu_sysreg_trap_el(f.cpu, c->sr, c->read ? SR_READ : SR_WRITE, false))
            fail_msg("case %u: %s traps without its control", k, sysreg_rows[c->sr].name);
        *(c->control == SR_ICH_HCR_EL2 ? &f.ich_hcr : &f.cpu->sr[c->control]) = c->value;
        if (by_default)
            f.cpu->sr[SR_HCR_EL2] = FIELD_MASK(HCR_EL2_RW);
        if (c->read)
            mrs(&f, c->sr);
        else
            msr(&f, c->sr, 0);
        if (f.cpu->ps.el != c->to)
            fail_msg("case %u: %s does not trap", k, sysreg_rows[c->sr].name);
        assert_trapped(&f, c->to, ESR_EC_SYS64, iss_of(c->sr, c->read));
        if (c->to != 1)
            continue;
        /* HCR_EL2.TGE sends it to EL2 instead. */
        at_el(&f, 0);
        f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TGE);
        if (c->read)
            mrs(&f, c->sr);
        else
            msr(&f, c->sr, 0);
        assert_trapped(&f, 2, ESR_EC_SYS64, iss_of(c->sr, c->read));
    }
    finish(&f);
}

/* An allowed access is not checked again, until a control changes by an instruction. */
static void test_change_of_a_control_is_noticed(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    allow_all(&f);
    for (unsigned k = 0; k < 2; k++) {
        at_el(&f, 1);
        assert_int_equal(mrs(&f, SR_ESR_EL1), EXEC_NEXT);
        assert_int_equal(mrs(&f, SR_ESR_EL1), EXEC_NEXT);
        cpu_set_el_sp(f.cpu, 2, 1);
        if (k == 0)
            msr(&f, SR_HFGRTR_EL2, FIELD_MASK(HFGRTR_EL2_ESR_EL1));
        else
            msr(&f, SR_HCR_EL2, FIELD_MASK(HCR_EL2_TRVM));
        cpu_set_el_sp(f.cpu, 1, 1);
        mrs(&f, SR_ESR_EL1);
        assert_trapped(&f, 2, ESR_EC_SYS64, iss_of(SR_ESR_EL1, true));
        allow_all(&f);
    }
    finish(&f);
}

static void test_host_el0_obeys_el2_controls_only(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    allow_all(&f);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE) | BIT(17) | BIT(18);
    f.cpu->sr[SR_SCTLR_EL1] = 0;
    f.cpu->sr[SR_SCTLR_EL2] = FIELD_MASK(SCTLR_EL2_UCT);
    f.cpu->sr[SR_HFGRTR_EL2] = UINT64_MAX;
    f.cpu->sr[SR_CNTKCTL_EL1] = 0;
    f.cpu->sr[SR_CNTHCTL_EL2] = 1;
    at_el(&f, 0);
    assert_int_equal(mrs(&f, SR_CTR_EL0), EXEC_NEXT);
    assert_int_equal(mrs(&f, SR_CNTPCT_EL0), EXEC_NEXT);
    mrs(&f, SR_CNTVCT_EL0);
    assert_trapped(&f, 2, ESR_EC_SYS64, iss_of(SR_CNTVCT_EL0, true));
    /* The EL1 timers' names mean EL2's. */
    at_el(&f, 0);
    f.cpu->sr[SR_CNTHCTL_EL2] = 0x300;
    f.cpu->sr[SR_CNTHP_CVAL_EL2] = 77;
    assert_int_equal(mrs(&f, SR_CNTP_CVAL_EL0), EXEC_NEXT);
    assert_int_equal(f.cpu->x[3], 77);
    finish(&f);
}

static void test_id_space(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    at_el(&f, 1);
    f.cpu->x[3] = 1;
    assert_int_equal(run(&f, 0xd53807e3), EXEC_NEXT); /* S3_0_C0_C7_7, reserved */
    assert_int_equal(f.cpu->x[3], 0);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TID3);
    run(&f, 0xd53807e3);
    assert_int_equal(f.cpu->ps.el, 2);
    assert_int_equal(f.cpu->sr[SR_ESR_EL2] >> 26, ESR_EC_SYS64);
    /* FEAT_IDST: EL0 is trapped rather than UNDEFINED. */
    at_el(&f, 0);
    mrs(&f, SR_ID_AA64PFR0_EL1);
    assert_trapped(&f, 1, ESR_EC_SYS64, iss_of(SR_ID_AA64PFR0_EL1, true));
    finish(&f);
    start(&f, "n1", true, false);
    at_el(&f, 0);
    mrs(&f, SR_ID_AA64PFR0_EL1);
    assert_trapped(&f, 1, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_tidcp_traps_the_implementation_defined_space_from_el1(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    at_el(&f, 1);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TIDCP);
    run(&f, 0xd539f103); /* MRS X3, S3_1_C15_C1_0 */
    assert_trapped(&f, 2, ESR_EC_SYS64, 3 << 20 | 1 << 14 | 15 << 10 | 3 << 5 | 1 << 1 | 1);
    finish(&f);
}

static void test_icc_names_the_virtual_interface_as_hcr_says(void **state)
{
    static const struct {
        uint64_t hcr;
        enum sysreg sr;
        bool virtual;
    } cases[] = {
        {0, SR_ICC_IAR1_EL1, false},      {BIT(4), SR_ICC_IAR1_EL1, true},
        {BIT(3), SR_ICC_IAR1_EL1, false}, {BIT(3), SR_ICC_IAR0_EL1, true},
        {BIT(4), SR_ICC_IAR0_EL1, false}, {BIT(3), SR_ICC_PMR_EL1, true},
        {BIT(4), SR_ICC_PMR_EL1, true},   {0, SR_ICC_PMR_EL1, false},
    };
    struct fixture f;

    (void)state;
    start(&f, "n1", true, true);
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        allow_all(&f);
        f.cpu->sr[SR_HCR_EL2] |= cases[k].hcr;
        at_el(&f, 1);
        assert_int_equal(mrs(&f, cases[k].sr), EXEC_SYNC);
        assert_int_equal(f.last_virtual, cases[k].virtual);
        at_el(&f, 2);
        mrs(&f, cases[k].sr);
        assert_false(f.last_virtual);
        assert_int_equal(f.last_gic, cases[k].sr);
    }
    mrs(&f, SR_ICH_LR15_EL2);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_fp_registers_trap_like_fp_instructions(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    allow_all(&f);
    at_el(&f, 1); /* CPACR_EL1 is zero */
    mrs(&f, SR_FPCR);
    assert_trapped(&f, 1, ESR_EC_FP, 0x1e00000);
    at_el(&f, 0);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TGE);
    mrs(&f, SR_FPCR);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    allow_all(&f);
    at_el(&f, 1);
    f.cpu->sr[SR_CPACR_EL1] = 3 << 20;
    assert_int_equal(mrs(&f, SR_FPCR), EXEC_NEXT);
    f.cpu->sr[SR_CPTR_EL2] = BIT(10);
    mrs(&f, SR_FPCR);
    assert_trapped(&f, 2, ESR_EC_FP, 0x1e00000);
    /* E2H: FPEN instead; 0b01 traps only EL0 of the host. */
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_E2H);
    f.cpu->sr[SR_CPTR_EL2] = 1 << 20;
    assert_false(cpu_fp_would_trap(f.cpu));
    at_el(&f, 0);
    assert_false(cpu_fp_would_trap(f.cpu));
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TGE);
    assert_true(cpu_fp_would_trap(f.cpu));
    f.cpu->sr[SR_CPTR_EL2] = 2 << 20;
    at_el(&f, 2);
    assert_true(cpu_fp_would_trap(f.cpu));
    finish(&f);
}

static void test_daif_immediate_from_el0_traps_with_the_instructions_fields(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    allow_all(&f);
    f.cpu->sr[SR_SCTLR_EL1] = 0;
    at_el(&f, 0);
    run(&f, 0xd50342df); /* MSR DAIFSet, #2 */
    assert_trapped(&f, 1, ESR_EC_SYS64, 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 2 << 1);
    finish(&f);
}

static void test_wfx_traps(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    allow_all(&f);
    at_el(&f, 0);
    assert_int_equal(run(&f, 0xd503207f), EXEC_SYNC);
    assert_int_equal(f.cpu->power, CPU_WFI);
    f.cpu->sr[SR_SCTLR_EL1] = 0;
    run(&f, 0xd503207f);
    assert_trapped(&f, 1, ESR_EC_WFX, 0x1e00000);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TWE);
    f.cpu->event = true;
    assert_int_equal(run(&f, 0xd503205f), EXEC_NEXT); /* the event ends it */
    run(&f, 0xd503205f);
    assert_trapped(&f, 2, ESR_EC_WFX, 0x1e00001);
    finish(&f);
}

static void test_calls(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    allow_all(&f);
    at_el(&f, 0);
    assert_int_equal(run(&f, 0xd4000021 | 0x1234 << 5), EXEC_EXIT); /* SVC */
    assert_int_equal(f.cpu->sr[SR_ESR_EL1], 0x56000000 | 0x1235);
    assert_int_equal(f.cpu->sr[SR_ELR_EL1], CODE_VA + 4);
    assert_int_equal(run(&f, 0xd4000002), EXEC_EXIT); /* HVC from EL1 */
    assert_int_equal(f.cpu->ps.el, 2);
    assert_int_equal(f.cpu->sr[SR_ELR_EL2], CODE_VA + 4);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_HCD);
    run(&f, 0xd4000002);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TSC);
    at_el(&f, 1);
    run(&f, 0xd4000063); /* SMC #3 */
    assert_trapped(&f, 2, ESR_EC_SMC64, 3);
    f.cpu->sr[SR_HFGITR_EL2] = BIT(53);
    at_el(&f, 1);
    run(&f, 0xd4000021);
    assert_trapped(&f, 2, ESR_EC_SVC64, 1);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_control_traps_with_the_exact_syndrome),
        cmocka_unit_test(test_change_of_a_control_is_noticed),
        cmocka_unit_test(test_host_el0_obeys_el2_controls_only),
        cmocka_unit_test(test_id_space),
        cmocka_unit_test(test_tidcp_traps_the_implementation_defined_space_from_el1),
        cmocka_unit_test(test_icc_names_the_virtual_interface_as_hcr_says),
        cmocka_unit_test(test_fp_registers_trap_like_fp_instructions),
        cmocka_unit_test(test_daif_immediate_from_el0_traps_with_the_instructions_fields),
        cmocka_unit_test(test_wfx_traps),
        cmocka_unit_test(test_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
