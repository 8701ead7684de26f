/* Pointer authentication: where the code goes, what fails and how, who may. */
#include "tests/cpu/pauth_fixture.h"

static void test_a_signed_pointer_authenticates(void **state)
{
    static const enum feature *const lists[] = {pauth1, qarma5,   qarma3, epac,
                                                pauth2, constpac, fpac,   fpaccombine};
    struct fixture *f = *state;

    for (size_t n = 0; n < ARRAY_SIZE(lists); n++)
        for (unsigned k = 0; k < 256; k++) {
            const uint64_t ptr = random_pointer(f), modifier = random_next(&f->rng);
            const enum pauth_key key = (enum pauth_key)(k % KEY_COUNT);

            use(f, k & 8 ? 2 : 1, k & 4 ? TCR_TBI : TCR_48, lists[n]);
            if (k & 8)
                f->cpu->sr[SR_HCR_EL2] |= HCR_E2H;
            const uint64_t signed_ptr = pauth_add(f->cpu, ptr, modifier, key);
            assert_int_equal(bit(signed_ptr, 55), bit(ptr, 55));
            assert_int_equal(signed_ptr & MASK(47, 0), ptr & MASK(47, 0));
            assert_int_equal(authenticate(f, signed_ptr, modifier, key), ptr);
            assert_int_equal(pauth_strip(f->cpu, signed_ptr, k % KEY_COUNT >= PAUTH_DA), ptr);
        }
}

static void test_a_key_or_modifier_changes_the_code(void **state)
{
    static const enum feature *const lists[] = {pauth1, qarma5, qarma3};
    struct fixture *f = *state;

    for (size_t n = 0; n < ARRAY_SIZE(lists); n++) {
        unsigned same = 0;

        use(f, 1, TCR_48, lists[n]);
        for (unsigned k = 0; k < 400; k++) {
            const uint64_t ptr = random_pointer(f), modifier = random_next(&f->rng);
            const uint64_t a = pauth_add(f->cpu, ptr, modifier, PAUTH_IA);

            same += a == pauth_add(f->cpu, ptr, modifier ^ BIT(k % 64), PAUTH_IA);
            same += a == pauth_add(f->cpu, ptr, modifier, (enum pauth_key)(1 + k % 3));
            f->cpu->sr[key_regs[k % 2]] ^= BIT(k % 64);
            same += a == pauth_add(f->cpu, ptr, modifier, PAUTH_IA);
        }
        assert_in_range(same, 0, 2); /* 15 bits of code: 1200 / 32768 by chance */
    }
}

/* Results are remembered: inputs that come back, inputs that share a place, and inputs that differ
 * in one of the four words or in the algorithm only. */
static void test_a_code_is_always_that_of_its_inputs(void **state)
{
    struct fixture *f = *state;
    uint64_t pool[4][8];

    f->rng = test_seed((uint64_t)time(NULL));
    for (unsigned k = 0; k < 32; k++)
        pool[k / 8][k % 8] = k % 8 == 0 ? 0 : k % 8 < 4 ? BIT(k) : random_next(&f->rng);
    for (unsigned k = 0; k < 40000; k++) {
        const uint64_t r = random_next(&f->rng), x = pool[0][r & 7], y = pool[1][r >> 3 & 7],
                       hi = pool[2][r >> 6 & 7], lo = pool[3][r >> 9 & 7];
        const bool three = r >> 12 & 1;

        set_feature(&f->cpu->features, FEAT_PACQARMA5, !three);
        set_feature(&f->cpu->features, FEAT_PACQARMA3, three);
        f->cpu->sr[SR_APGAKeyHi_EL1] = hi;
        f->cpu->sr[SR_APGAKeyLo_EL1] = lo;
        assert_int_equal(pauth_generic(f->cpu, x, y),
                         qarma64(x, y, hi, lo, three ? 3 : 5, three ? 1 : 2) & MASK(63, 32));
    }
}

/* The two bits below the sign, 01 for an A key and 10 for a B key: bits 62:61, or 54:53
 * with a tag. */
static void test_without_pauth2_a_failure_leaves_an_error_code(void **state)
{
    struct fixture *f = *state;
    const uint64_t ptr = UINT64_C(0x0000123456789ab0);

    for (unsigned k = 0; k < KEY_COUNT; k++)
        for (unsigned tbi = 0; tbi < 2; tbi++) {
            const uint64_t code = k == PAUTH_IB || k == PAUTH_DB ? 2 : 1;

            use(f, 1, tbi ? TCR_TBI : TCR_48, pauth1);
            const uint64_t bad = pauth_add(f->cpu, ptr, 1, (enum pauth_key)k) ^ BIT(50);
            assert_int_equal(authenticate(f, bad, 1, (enum pauth_key)k),
                             ptr | code << (tbi ? 53 : 61));
        }
}

static void test_pauth2_keeps_the_difference_in_the_pointer(void **state)
{
    struct fixture *f = *state;
    const uint64_t ptr = UINT64_C(0xffff923456789ab0);

    use(f, 1, TCR_48, pauth2);
    const uint64_t good = pauth_add(f->cpu, ptr, 1, PAUTH_IA);
    assert_int_equal(authenticate(f, good ^ BIT(50), 1, PAUTH_IA), ptr ^ BIT(50));
    assert_int_equal(pauth_add(f->cpu, ptr ^ BIT(50), 1, PAUTH_IA), good ^ BIT(50));
}

/* Bad extension bits: the plain code has one bit inverted, FEAT_EPAC makes the code zero. */
static void test_a_pointer_with_bad_extension_is_not_signed_well(void **state)
{
    struct fixture *f = *state;
    const uint64_t ptr = UINT64_C(0x0000123456789ab0);

    use(f, 1, TCR_48, pauth1);
    assert_int_equal(pauth_add(f->cpu, ptr | BIT(50), 1, PAUTH_IA),
                     pauth_add(f->cpu, ptr, 1, PAUTH_IA) ^ BIT(62));
    use(f, 1, TCR_48, epac);
    assert_int_equal(pauth_add(f->cpu, ptr | BIT(50), 1, PAUTH_IA), ptr);
}

/* Without tags bit 63 selects the half, with FEAT_CONSTPACFIELD bit 55. */
static void test_constpacfield_selects_by_bit_55(void **state)
{
    struct fixture *f = *state;
    const uint64_t ptr = BIT(63) | 0x1000;

    use(f, 1, TCR_48, pauth2);
    assert_true(bit(pauth_add(f->cpu, ptr, 1, PAUTH_DA), 55));
    use(f, 1, TCR_48, constpac);
    assert_false(bit(pauth_add(f->cpu, ptr, 1, PAUTH_DA), 55));
}

static void expect_fault(struct fixture *f, enum pauth_key key, bool combined, unsigned el)
{
    uint64_t out;
    const uint64_t bad = pauth_add(f->cpu, 0x1230, 1, key) ^ BIT(50);

    assert_false(pauth_auth(f->cpu, &f->insn[1], bad, 1, key, combined, &out));
    assert_int_equal(f->cpu->raised.target_el, el);
    exec_take_raised(f->cpu, &f->insn[1]);
    assert_int_equal(f->cpu->ps.el, el);
    assert_int_equal(f->cpu->sr[el == 2 ? SR_ESR_EL2 : SR_ESR_EL1],
                     esr(ESR_EC_FPAC, (uint64_t)key)); /* ISS: data key, B key */
    assert_int_equal(f->cpu->sr[el == 2 ? SR_ELR_EL2 : SR_ELR_EL1], 0x4004);
}

static void test_fpac_takes_an_exception(void **state)
{
    struct fixture *f = *state;

    for (unsigned k = 0; k < KEY_COUNT; k++) {
        use(f, 1, TCR_48, fpac);
        expect_fault(f, (enum pauth_key)k, false, 1);
        use(f, 0, TCR_48, fpac);
        expect_fault(f, (enum pauth_key)k, false, 1);
        use(f, 0, TCR_48, fpac);
        f->cpu->sr[SR_HCR_EL2] |= HCR_TGE | HCR_E2H;
        expect_fault(f, (enum pauth_key)k, false, 2);
        use(f, 2, TCR_48, fpaccombine);
        expect_fault(f, (enum pauth_key)k, true, 2);
    }
}

static void test_fpac_alone_does_not_fault_combined_instructions(void **state)
{
    struct fixture *f = *state;
    uint64_t out;

    use(f, 1, TCR_48, fpac);
    const uint64_t bad = pauth_add(f->cpu, 0x1230, 1, PAUTH_IA) ^ BIT(50);
    assert_true(pauth_auth(f->cpu, &f->insn[1], bad, 1, PAUTH_IA, true, &out));
    assert_int_equal(out, BIT(50) | 0x1230);
}

static void test_hcr_api_traps_the_guest_only(void **state)
{
    static const struct {
        unsigned el;
        uint64_t hcr;
        bool traps;
    } cases[] = {
        {1, 0, true},  {1, HCR_API, false},           {0, 0, true},       {0, HCR_TGE, true},
        {2, 0, false}, {0, HCR_TGE | HCR_E2H, false}, {1, HCR_E2H, true},
    };
    struct fixture *f = *state;

    for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
        use(f, cases[k].el, TCR_48, pauth1);
        f->cpu->sr[SR_HCR_EL2] = cases[k].hcr;
        assert_int_equal(pauth_trapped(f->cpu, &f->insn[1]), cases[k].traps);
        exec_take_raised(f->cpu, &f->insn[1]);
        assert_int_equal(f->cpu->sr[SR_ESR_EL2], cases[k].traps ? esr(ESR_EC_PAC, 0) : 0);
    }
}

static void test_each_key_has_its_enable_in_the_regime_of_the_el(void **state)
{
    static const unsigned enable_bit[KEY_COUNT] = {31, 30, 27, 13};
    struct fixture *f = *state;

    for (unsigned key = 0; key < KEY_COUNT; key++)
        for (unsigned set = 0; set < KEY_COUNT; set++) {
            use(f, 1, TCR_48, pauth1);
            f->cpu->sr[SR_SCTLR_EL1] = BIT(enable_bit[set]);
            f->cpu->sr[SR_SCTLR_EL2] = 0;
            cpu_context_changed(f->cpu);
            assert_int_equal(pauth_enabled(f->cpu, (enum pauth_key)key), key == set);
            cpu_set_el_sp(f->cpu, 0, 0);
            cpu_context_changed(f->cpu);
            assert_int_equal(pauth_enabled(f->cpu, (enum pauth_key)key), key == set);
            f->cpu->sr[SR_HCR_EL2] |= HCR_TGE | HCR_E2H;
            cpu_context_changed(f->cpu);
            assert_false(pauth_enabled(f->cpu, (enum pauth_key)key));
            cpu_set_el_sp(f->cpu, 2, 1);
            cpu_context_changed(f->cpu);
            assert_false(pauth_enabled(f->cpu, (enum pauth_key)key));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signed_pointer_authenticates),
        cmocka_unit_test(test_a_key_or_modifier_changes_the_code),
        cmocka_unit_test(test_a_code_is_always_that_of_its_inputs),
        cmocka_unit_test(test_without_pauth2_a_failure_leaves_an_error_code),
        cmocka_unit_test(test_pauth2_keeps_the_difference_in_the_pointer),
        cmocka_unit_test(test_a_pointer_with_bad_extension_is_not_signed_well),
        cmocka_unit_test(test_constpacfield_selects_by_bit_55),
        cmocka_unit_test(test_fpac_takes_an_exception),
        cmocka_unit_test(test_fpac_alone_does_not_fault_combined_instructions),
        cmocka_unit_test(test_hcr_api_traps_the_guest_only),
        cmocka_unit_test(test_each_key_has_its_enable_in_the_regime_of_the_el),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
