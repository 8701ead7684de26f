/* MRS, MSR, SYS: existence, redirection, masks, effects, and that quick paths change nothing. */
#include "cpu/sysreg_quick.h"
#include "tests/cpu/sysreg_fixture.h"
#include "tests/random.h"

static void test_reset_values(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "a57", true, true);
    assert_int_equal(f.cpu->ps.el, 2);
    assert_int_equal(f.cpu->sr[SR_SCTLR_EL2], 0x30c50830);
    assert_int_equal(f.cpu->sr[SR_HCR_EL2], BIT(31));
    assert_int_equal(f.cpu->sr[SR_CPTR_EL2], 0x33ff);
    assert_int_equal(f.cpu->sr[SR_MDCR_EL2], 6);
    assert_int_equal(f.cpu->sr[SR_VPIDR_EL2], 0x411fd070);
    assert_int_equal(f.cpu->sr[SR_VMPIDR_EL2], 0x80000001);
    assert_int_equal(f.cpu->sr[SR_ICC_SRE_EL2], 0xf);
    assert_int_equal(f.cpu->sr[SR_ID_AA64PFR0_EL1], 0x01000111);
    finish(&f);
}

static void test_el1_register_is_undefined_at_el0(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    at_el(&f, 0);
    assert_int_equal(mrs(&f, SR_SCTLR_EL1), EXEC_ABORT);
    assert_trapped(&f, 1, ESR_EC_UNKNOWN, 0);
    at_el(&f, 0);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_TGE);
    mrs(&f, SR_SCTLR_EL1);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_wrong_direction_is_undefined(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, true);
    msr(&f, SR_MIDR_EL1, 0);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    mrs(&f, SR_OSLAR_EL1);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_register_of_a_missing_feature_is_undefined(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "a57", true, false);
    mrs(&f, SR_PAN);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    mrs(&f, SR_ICC_SRE_EL2); /* no GIC connected */
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    mrs(&f, SR_DBGBVR6_EL1); /* six breakpoints: 0..5 */
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    assert_int_equal(mrs(&f, SR_DBGBVR5_EL1), EXEC_NEXT);
    assert_int_equal(f.log_lines, 0);
    finish(&f);
}

static void test_unknown_register_is_logged_once_as_a_row(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    run(&f, 0xd539f103); /* MRS X3, S3_1_C15_C1_0 */
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    assert_int_equal(f.log_lines, 1);
    assert_non_null(strstr(f.log_line, "SYSREG(S3_1_C15_C1_0, 3, 1, 15,  1, 0, RW, PE)"));
    run(&f, 0xd539f103);
    assert_int_equal(f.log_lines, 1);
    finish(&f);
}

static void test_every_stored_register_keeps_its_writable_bits(void **state)
{
    uint64_t mask[SR_COUNT], res1[SR_COUNT];
    struct fixture f;

    (void)state;
    start(&f, "max", true, false);
    sysreg_write_masks(&f.features, mask, res1);
    for (unsigned k = 0; k < SR_COUNT; k++) {
        const struct sysreg_row *row = &sysreg_rows[k];
        enum sysreg sr = (enum sysreg)k;

        if (!(row->access & SR_WRITE) || row->wr || row->gic || row->only == ONLY_GIC ||
            row->alias || row->fx || !has_feature(&f.features, (enum feature)row->feature) ||
            sysreg_min_el(row->enc) == 3)
            continue;
        at_el(&f, 2);
        msr(&f, sr, UINT64_MAX);
        mrs(&f, sr);
        if (f.cpu->x[3] != (mask[sr] | res1[sr]))
            fail_msg("%s: %#llx", row->name, (unsigned long long)f.cpu->x[3]);
        msr(&f, sr, 0);
        mrs(&f, sr);
        if (f.cpu->x[3] != res1[sr])
            fail_msg("%s: %#llx", row->name, (unsigned long long)f.cpu->x[3]);
    }
    finish(&f);
}

static void test_e2h_redirects_el1_names_at_el2(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    f.cpu->sr[SR_ESR_EL1] = 1;
    f.cpu->sr[SR_ESR_EL2] = 2;
    mrs(&f, SR_ESR_EL1);
    assert_int_equal(f.cpu->x[3], 1);
    msr(&f, SR_HCR_EL2, FIELD_MASK(HCR_EL2_E2H));
    mrs(&f, SR_ESR_EL1);
    assert_int_equal(f.cpu->x[3], 2);
    mrs(&f, SR_ESR_EL12);
    assert_int_equal(f.cpu->x[3], 1);
    msr(&f, SR_ESR_EL12, 5);
    assert_int_equal(f.cpu->sr[SR_ESR_EL1], 5);
    msr(&f, SR_CPACR_EL1, 3 << 20);
    assert_int_equal(CPTR_EL2_FPEN(f.cpu->sr[SR_CPTR_EL2]), 3);
    assert_int_equal(f.cpu->sr[SR_CPACR_EL1], 0);
    msr(&f, SR_CNTKCTL_EL1, 3);
    assert_int_equal(f.cpu->sr[SR_CNTHCTL_EL2], 3);
    mrs(&f, SR_TPIDR_EL1); /* not redirected */
    assert_int_equal(f.cpu->x[3], f.cpu->sr[SR_TPIDR_EL1]);
    finish(&f);
}

static void test_el12_names_are_undefined_without_e2h(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    mrs(&f, SR_SCTLR_EL12);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
    start(&f, "n1", true, false);
    at_el(&f, 1);
    f.cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_E2H);
    mrs(&f, SR_SCTLR_EL12);
    assert_trapped(&f, 1, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

static void test_identity_that_el1_sees_is_el2s_choice(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "a57", true, false);
    msr(&f, SR_VPIDR_EL2, 0x12345678);
    msr(&f, SR_VMPIDR_EL2, 0x80000007);
    mrs(&f, SR_MIDR_EL1);
    assert_int_equal(f.cpu->x[3], 0x411fd070);
    at_el(&f, 1);
    mrs(&f, SR_MIDR_EL1);
    assert_int_equal(f.cpu->x[3], 0x12345678);
    mrs(&f, SR_MPIDR_EL1);
    assert_int_equal(f.cpu->x[3], 0x80000007);
    finish(&f);
}

static void test_sp_el0_is_undefined_while_it_is_the_stack_pointer(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "n1", true, false);
    msr(&f, SR_SP_EL0, 0x1000);
    assert_int_equal(cpu_sp_get(f.cpu, 0), 0x1000);
    cpu_set_el_sp(f.cpu, 2, 0);
    assert_int_equal(f.cpu->x[REG_SP], 0x1000);
    mrs(&f, SR_SP_EL0);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

/* Registers whose writes another part acts on at once, or that differ on every read. */
static bool is_left_out(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    return row->access == SR_OP || row->gic || (row->fx & (SR_FX_TIMER | SR_FX_REGIME));
}

/* The quick paths of MRS and MSR do what the full checks do, whatever the controls hold. */
static void test_quick_paths_agree_with_the_checks(void **state)
{
    static const char *const models[] = {"a57", "n1", "max"};
    uint64_t rng = test_seed(1);
    struct fixture f;

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        start(&f, models[round % 3], round % 5 != 0, round & 1);
        struct cpu *cpu = f.cpu;
        for (unsigned k = 0; k < SR_COUNT; k++)
            if (f.cpu->has_el2 || sysreg_min_el(sysreg_rows[k].enc) < 2)
                cpu->sr[k] = (random_next(&rng) & cpu->sr_mask[k]) | cpu->sr_res1[k];
        struct cpu *saved = malloc(sizeof(*saved)), *slow = malloc(sizeof(*slow));
        assert_non_null(saved);
        assert_non_null(slow);
        *saved = *cpu;
        for (unsigned k = 0; k < SR_COUNT * 2; k++) {
            enum sysreg sr = (enum sysreg)(k / 2);
            unsigned el = (unsigned)(random_next(&rng) % (cpu->has_el2 ? 3 : 2));
            uint32_t word = word_of(sr, k & 1, 3);

            if (is_left_out(sr))
                continue;
            *cpu = *saved;
            at_el(&f, el);
            if (el > 0 && random_next(&rng) % 8 == 0)
                cpu_set_el_sp(cpu, el, 0);
            cpu->x[3] = random_next(&rng);
            *slow = *cpu;
            run(&f, word);
            struct cpu fast = *cpu;
            *cpu = *slow;
            memset(cpu->sr_quick, 0, sizeof(cpu->sr_quick));
            cpu->trap_epoch++;
            run(&f, word);
            if (fast.x[3] != cpu->x[3] || fast.ps.el != cpu->ps.el ||
                memcmp(fast.sr, cpu->sr, sizeof(fast.sr)))
                fail_msg("round %u: %s at EL%u, %s", round, sysreg_rows[sr].name, el,
                         k & 1 ? "read" : "written");
        }
        *cpu = *saved;
        free(saved);
        free(slow);
        finish(&f);
    }
}

/* And so does the quick path of who looks. */
static void test_a_quick_look_sees_what_a_slow_one_does(void **state)
{
    static const char *const models[] = {"a57", "n1", "max"};
    uint64_t rng = test_seed(2);
    struct fixture f;

    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        unsigned quick = 0;
        start(&f, models[round % 3], round % 5 != 0, round & 1);
        for (unsigned k = 0; k < SR_COUNT; k++)
            f.cpu->sr[k] = (random_next(&rng) & f.cpu->sr_mask[k]) | f.cpu->sr_res1[k];
        for (unsigned k = 0; k < SR_COUNT; k++) {
            uint64_t fast = 0, slow = 0;
            bool seen = cpu_sysreg_peek(f.cpu, (enum sysreg)k, &fast);
            uint32_t bits = f.cpu->sr_quick[k];
            f.cpu->sr_quick[k] = 0;
            assert_int_equal(cpu_sysreg_peek(f.cpu, (enum sysreg)k, &slow), seen);
            f.cpu->sr_quick[k] = bits;
            if (fast != slow)
                fail_msg("round %u: %s", round, sysreg_rows[k].name);
            quick += (bits & SR_STORED) != 0;
        }
        assert_true(quick > SR_COUNT / 10); /* a core without EL2 has fewest */
        finish(&f);
    }
}

static void test_clearing_hcr_rw_is_ignored_and_said_once(void **state)
{
    static const char *const models[] = {"a57", "n1", "max"};
    struct fixture f;

    (void)state;
    for (unsigned m = 0; m < ARRAY_SIZE(models); m++) {
        start(&f, models[m], true, false);
        msr(&f, SR_HCR_EL2, FIELD_MASK(HCR_EL2_RW) | FIELD_MASK(HCR_EL2_VM));
        assert_int_equal(f.log_lines, 0);
        for (unsigned k = 0; k < 2; k++) {
            msr(&f, SR_HCR_EL2, FIELD_MASK(HCR_EL2_VM));
            mrs(&f, SR_HCR_EL2);
            assert_int_equal(f.cpu->x[3], FIELD_MASK(HCR_EL2_RW) | FIELD_MASK(HCR_EL2_VM));
            assert_int_equal(f.log_lines, 1);
        }
        assert_non_null(strstr(f.log_line, "0x10000: HCR_EL2.RW written as 0"));
        finish(&f);
    }
}

static void test_rndr_follows_from_the_seed_and_clears_the_flags(void **state)
{
    struct fixture f;
    uint64_t first[4];

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        start(&f, "max", true, false);
        for (unsigned k = 0; k < 4; k++) {
            at_el(&f, k & 1 ? 0 : 2);
            cpu_set_nzcv(f.cpu, 15);
            assert_int_equal(mrs(&f, k < 2 ? SR_RNDR : SR_RNDRRS), EXEC_NEXT);
            assert_int_equal(cpu_nzcv(f.cpu), 0);
            if (round == 0)
                first[k] = f.cpu->x[3];
            assert_int_equal(f.cpu->x[3], first[k]);
            for (unsigned before = 0; before < k; before++)
                assert_int_not_equal(first[before], first[k]);
        }
        finish(&f);
    }
    start(&f, "max", true, false);
    f.cpu->rng++; /* another seed */
    mrs(&f, SR_RNDR);
    assert_int_not_equal(f.cpu->x[3], first[0]);
    assert_int_equal(f.cpu->sr[SR_ID_AA64ISAR0_EL1] >> 60, 1);
    finish(&f);
    start(&f, "n1", true, false);
    mrs(&f, SR_RNDR);
    assert_trapped(&f, 2, ESR_EC_UNKNOWN, 0);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        cmocka_unit_test(test_el1_register_is_undefined_at_el0),
        cmocka_unit_test(test_wrong_direction_is_undefined),
        cmocka_unit_test(test_register_of_a_missing_feature_is_undefined),
        cmocka_unit_test(test_unknown_register_is_logged_once_as_a_row),
        cmocka_unit_test(test_every_stored_register_keeps_its_writable_bits),
        cmocka_unit_test(test_e2h_redirects_el1_names_at_el2),
        cmocka_unit_test(test_el12_names_are_undefined_without_e2h),
        cmocka_unit_test(test_identity_that_el1_sees_is_el2s_choice),
        cmocka_unit_test(test_sp_el0_is_undefined_while_it_is_the_stack_pointer),
        cmocka_unit_test(test_clearing_hcr_rw_is_ignored_and_said_once),
        cmocka_unit_test(test_rndr_follows_from_the_seed_and_clears_the_flags),
        cmocka_unit_test(test_quick_paths_agree_with_the_checks),
        cmocka_unit_test(test_a_quick_look_sees_what_a_slow_one_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
