/* Fetches and decoded code, translation contexts, and the instructions about them: AT, TLBI, IC,
 * DC. */
#include "mmu/tlb_internal.h"
#include "tests/cpu/mem_fixture.h"

static enum exec_result at(struct fixture *s, enum sysreg op, uint64_t va)
{
    return sr_op_AT(s->cpu, s->insn, op, va);
}

static void test_address_translation_instructions(void **state)
{
    struct fixture *s = *state;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL | 3 << 8);
    map(s, TABLES, 0x11000, UINT64_C(0x80003000) | D_NORMAL | D_RO);
    s->next = S2TABLES;
    mmu_on(s, 1);
    assert_int_equal(at(s, SR_AT_S1E1R, 0x10123), EXEC_NEXT);
    assert_int_equal(s->cpu->sr[SR_PAR_EL1],
                     UINT64_C(0xff) << 56 | (RAM_BASE + 0x200000) | BIT(11) | BIT(9) | 3 << 7);
    assert_int_equal(at(s, SR_AT_S1E0R, 0x10123), EXEC_NEXT);
    assert_int_equal(s->cpu->sr[SR_PAR_EL1], BIT(11) | 0x0f << 1 | 1);
    assert_int_equal(at(s, SR_AT_S1E1W, 0x12000), EXEC_NEXT);
    assert_int_equal(s->cpu->sr[SR_PAR_EL1], BIT(11) | 0x07 << 1 | 1);
    stage2_on(s);
    s->cpu->ps.el = 2;
    cpu_context_changed(s->cpu);
    assert_int_equal(at(s, SR_AT_S1E1R, 0x11000), EXEC_NEXT);
    assert_int_equal(s->cpu->sr[SR_PAR_EL1] & MASK(47, 12), 0x80003000);
    assert_int_equal(at(s, SR_AT_S12E1R, 0x11000), EXEC_NEXT);
    assert_int_equal(s->cpu->sr[SR_PAR_EL1], BIT(11) | BIT(9) | 0x05 << 1 | 1);
    assert_int_equal(at(s, SR_AT_S12E1R, 0x10000), EXEC_NEXT);
    assert_int_equal(s->cpu->sr[SR_PAR_EL1] & MASK(47, 12), RAM_BASE + 0x200000);
    assert_int_equal(at(s, SR_AT_S12E1W, 0x11000), EXEC_NEXT); /* stage 1 comes first */
    assert_int_equal(s->cpu->sr[SR_PAR_EL1], BIT(11) | 0x0f << 1 | 1);
}

static void test_tlbi_makes_a_new_mapping_seen(void **state)
{
    struct fixture *s = *state;
    uint64_t v, a = RAM_BASE + 0x200000;
    static const enum sysreg ops[] = {
        SR_TLBI_VMALLE1, SR_TLBI_VAE1,   SR_TLBI_ASIDE1, SR_TLBI_VAAE1,
        SR_TLBI_VALE1,   SR_TLBI_VAALE1, SR_TLBI_RVAE1,  SR_TLBI_RVAALE1,
    };

    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++)
        write_ram(s, a + k * 0x1000, k);
    map(s, TABLES, 0x10000, a | D_NORMAL | BIT(11));
    mmu_on(s, 1);
    assert_true(load(s, 0x10000, 8, 0, &v));
    for (unsigned k = 1; k < ARRAY_SIZE(ops); k++) {
        bool range = ops[k] == SR_TLBI_RVAE1 || ops[k] == SR_TLBI_RVAALE1;
        map(s, TABLES, 0x10000, (a + k * 0x1000) | D_NORMAL | BIT(11));
        assert_true(load(s, 0x10000, 8, 0, &v));
        assert_int_equal(v, k - 1);
        assert_int_not_equal(sr_op_TLBI(s->cpu, s->insn, ops[k], 0x10 | (range ? BIT(46) : 0)),
                             EXEC_ABORT);
        assert_true(load(s, 0x10000, 8, 0, &v));
        assert_int_equal(v, k);
    }
}

/* What runs on in a page that is no longer mapped depends on where it is cut. */
static void test_a_tlbi_of_the_page_that_runs_has_it_fetched_anew(void **state)
{
    struct fixture *s = *state;
    struct mmu_fault flt;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL);
    mmu_on(s, 1);
    assert_int_equal(cpu_fetch_page(s->cpu, 0x10004, &flt), FETCH_OK);
    assert_int_equal(sr_op_TLBI(s->cpu, s->insn, SR_TLBI_VAE1, 0x20), EXEC_NEXT);
    assert_int_equal(sr_op_TLBI(s->cpu, s->insn, SR_TLBI_VAE1, 0x10), EXEC_SYNC);
}

static void test_stores_into_code_are_seen(void **state)
{
    struct fixture *s = *state;
    struct mmu_fault flt;
    uint64_t code = RAM_BASE + 0x200000;

    map(s, TABLES, 0x10000, code | D_NORMAL);
    mmu_on(s, 1);
    assert_true(store(s, 0x10000, 8, 0, UINT64_C(0xd503201fd503201f))); /* W entry in L1 */
    assert_int_equal(cpu_fetch_page(s->cpu, 0x10004, &flt), FETCH_OK);
    struct insn *rec = (struct insn *)(uintptr_t)s->cpu->page;
    assert_int_equal(s->cpu->page_va, 0x10000);
    assert_int_equal(code_page_word(rec, 1), 0xd503201f);
    assert_int_equal(code_page_pa(rec), code);
    assert_null(mem_fast(s->cpu->bank->w, 0x10000, 8));
    for (unsigned k = 0; k < 4; k++)
        rec[k].fn = interp_engine.page_end; /* as if decoded */
    assert_true(store(s, 0x10004, 4, 0, 1));
    assert_true(rec[0].fn == interp_engine.page_end && rec[1].fn == exec_decode);
    assert_true(store(s, 0x1000a, 4, 0, 1)); /* touches two */
    assert_true(rec[2].fn == exec_decode && rec[3].fn == exec_decode);
    assert_null(mem_fast(s->cpu->bank->w, 0x10000, 8));
    /* A page that is only data by now becomes fast again, and is code again when fetched. */
    s->cpu->page = s->insn;
    for (unsigned k = 0; k < 200; k++)
        assert_true(store(s, 0x10000 + 8 * k, 8, 0, k));
    assert_non_null(mem_fast(s->cpu->bank->w, 0x10000, 8));
    assert_null(cpu_fetch_fast(s->cpu, 0x10000));
    assert_int_equal(cpu_fetch_page(s->cpu, 0x10000, &flt), FETCH_OK);
    assert_null(mem_fast(s->cpu->bank->w, 0x10000, 8));
    assert_ptr_equal(s->cpu->page, rec);
}

static void test_fetch_aborts(void **state)
{
    struct fixture *s = *state;
    struct mmu_fault flt;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL | D_USER | BIT(54));
    map(s, TABLES, 0x11000, UINT64_C(0x1000) | D_NORMAL);
    mmu_on(s, 0);
    assert_int_equal(cpu_fetch_page(s->cpu, 0x10008, &flt), FETCH_FAULT);
    assert_int_equal(s->cpu->exceptions, 0); /* which is for the caller to take */
    cpu_raise(s->cpu, cpu_fetch_abort(s->cpu, 0x10008, &flt));
    exec_take_raised(s->cpu, s->insn);
    assert_int_equal(s->cpu->sr[SR_ESR_EL1], esr(ESR_EC_IABT_LOW, 0x0f));
    assert_int_equal(s->cpu->sr[SR_FAR_EL1], 0x10008);
    assert_int_equal(s->cpu->sr[SR_ELR_EL1], 0x10008);
    mmu_on(s, 1);
    assert_int_equal(cpu_fetch_page(s->cpu, 0x11000, &flt), FETCH_FAULT);
    cpu_raise(s->cpu, cpu_fetch_abort(s->cpu, 0x11000, &flt));
    exec_take_raised(s->cpu, s->insn);
    assert_int_equal(s->cpu->sr[SR_ESR_EL1], esr(ESR_EC_IABT_CUR, 0x10));
}

static void test_cache_maintenance(void **state)
{
    struct fixture *s = *state;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL | D_RO);
    map(s, TABLES, 0x11000, (RAM_BASE + 0x201000) | D_NORMAL);
    mmu_on(s, 1);
    assert_int_equal(sr_op_DC(s->cpu, s->insn, SR_DC_CIVAC, 0x10000), EXEC_NEXT);
    assert_int_equal(sr_op_DC(s->cpu, s->insn, SR_DC_IVAC, 0x10000), EXEC_ABORT);
    assert_abort(s, 1, ESR_EC_DABT_CUR, BIT(8) | BIT(6) | 0x0f, 0x10000);
    assert_int_equal(sr_op_IC(s->cpu, s->insn, SR_IC_IVAU, 0x12345), EXEC_ABORT);
    assert_abort(s, 1, ESR_EC_DABT_CUR, BIT(8) | BIT(6) | 0x07, 0x12345);
    for (unsigned k = 0; k < 24; k++)
        write_ram(s, RAM_BASE + 0x201000 + 8 * k, ~UINT64_C(0));
    assert_int_equal(sr_op_DC_ZVA(s->cpu, s->insn, SR_DC_ZVA, 0x11077), EXEC_NEXT);
    assert_int_equal(sr_op_DC_ZVA(s->cpu, s->insn, SR_DC_ZVA, 0x11040), EXEC_NEXT);
    for (unsigned k = 0; k < 24; k++)
        assert_int_equal(read_ram(s, RAM_BASE + 0x201000 + 8 * k) == 0, k >= 8 && k < 16);
    assert_int_equal(sr_op_DC_ZVA(s->cpu, s->insn, SR_DC_ZVA, 0x10077), EXEC_ABORT);
    assert_abort(s, 1, ESR_EC_DABT_CUR, BIT(6) | 0x0f, 0x10077);
}

/* Beyond the first line of a page that has been accessed before, L2 is not asked. */
static void test_the_lines_of_a_page_are_maintained_by_what_l1_holds(void **state)
{
    static const enum sysreg ops[] = {SR_DC_CVAC, SR_DC_CIVAC, SR_DC_IVAC};
    struct fixture *s = *state;
    uint64_t v;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL);
    mmu_on(s, 1);
    assert_true(load(s, 0x10000, 8, 0, &v));
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++) {
        tlb_bank_clear(s->cpu->bank);
        uint64_t hits = s->cpu->tlb->l2_hits;
        for (unsigned line = 0; line < PAGE_SIZE; line += 64)
            assert_int_equal(sr_op_DC(s->cpu, s->insn, ops[k], 0x10000 + line), EXEC_NEXT);
        assert_int_equal(s->cpu->tlb->l2_hits, hits + 1);
    }
}

/* A translation that a load would have had is not looked for again; who may not load, does not find
 * it. */
static void test_the_first_line_that_is_maintained_has_the_page_known(void **state)
{
    struct fixture *s = *state;
    uint64_t v;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL);
    map(s, TABLES, 0x11000, (RAM_BASE + 0x201000) | D_NORMAL | D_RO);
    map(s, TABLES, 0x12000, (RAM_BASE + 0x202000) | D_NORMAL | D_USER);
    mmu_on(s, 1);
    assert_int_equal(sr_op_DC(s->cpu, s->insn, SR_DC_CIVAC, 0x10000), EXEC_NEXT);
    assert_non_null(mem_fast(s->cpu->bank->r, 0x10040, 8));
    assert_int_equal(sr_op_IC(s->cpu, s->insn, SR_IC_IVAU, 0x11000), EXEC_NEXT);
    assert_non_null(mem_fast(s->cpu->bank->r, 0x11040, 8));
    assert_null(mem_fast(s->cpu->bank->w, 0x11040, 8));
    tlb_bank_clear(s->cpu->bank);
    uint64_t hits = s->cpu->tlb->l2_hits;
    assert_true(load(s, 0x10000, 8, 0, &v));
    assert_int_equal(s->cpu->tlb->l2_hits, hits + 1);
    s->cpu->ps.pan = 1;
    cpu_context_changed(s->cpu);
    assert_int_equal(sr_op_DC(s->cpu, s->insn, SR_DC_CIVAC, 0x12000), EXEC_NEXT);
    assert_null(mem_fast(s->cpu->bank->r, 0x12000, 8));
    assert_false(load(s, 0x12000, 8, 0, &v));
}

static void test_contexts_return_to_their_banks(void **state)
{
    struct fixture *s = *state;
    struct tlb_bank *el1, *el0, *el2 = s->cpu->bank;

    mmu_on(s, 1);
    el1 = s->cpu->bank;
    mmu_on(s, 0);
    el0 = s->cpu->bank;
    assert_true(el0 != el1 && el1 != el2 && el0 != el2);
    mmu_on(s, 1);
    assert_ptr_equal(s->cpu->bank, el1);
    assert_ptr_equal(s->cpu->bank_unpriv, el0);
    s->cpu->ps.uao = 1;
    cpu_context_changed(s->cpu);
    assert_ptr_equal(s->cpu->bank_unpriv, el1);
    s->cpu->ps.uao = 0;
    s->cpu->sr[SR_TTBR0_EL1] = TABLES | UINT64_C(5) << 48;
    mmu_on(s, 0);
    assert_ptr_equal(s->cpu->bank, el0); /* TTBR0 was set back: ASID 0 again */
    s->cpu->ps.el = 2;
    cpu_context_changed(s->cpu);
    assert_int_equal(s->cpu->contexts.x->rg.id, REGIME_EL2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_address_translation_instructions),
        T(test_tlbi_makes_a_new_mapping_seen),
        T(test_a_tlbi_of_the_page_that_runs_has_it_fetched_anew),
        T(test_stores_into_code_are_seen),
        T(test_fetch_aborts),
        T(test_cache_maintenance),
        T(test_the_lines_of_a_page_are_maintained_by_what_l1_holds),
        T(test_the_first_line_that_is_maintained_has_the_page_known),
        T(test_contexts_return_to_their_banks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
