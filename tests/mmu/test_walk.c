/* The walker's stage 1, against tables written by hand. */
#include "tests/mmu/walk_fixture.h"

static void test_page_of_each_granule_and_level(void **state)
{
    struct fixture *s = *state;
    static const struct {
        unsigned granule, tg0, t0sz;
        int start, level;
        unsigned shift;
    } cases[] = {
        {12, 0, 16, 0, 3, 12}, {12, 0, 16, 0, 2, 21}, {12, 0, 16, 0, 1, 30}, {12, 0, 25, 1, 3, 12},
        {12, 0, 34, 2, 2, 21}, {12, 0, 39, 2, 3, 12}, {12, 0, 48, 3, 3, 12}, {14, 2, 16, 0, 3, 14},
        {14, 2, 17, 1, 2, 25}, {14, 2, 28, 2, 3, 14}, {16, 1, 16, 1, 3, 16}, {16, 1, 22, 2, 2, 29},
        {16, 1, 47, 3, 3, 16},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        unsigned ia_bits = 64 - cases[k].t0sz;
        uint64_t target = RAM_BASE & ~MASK(cases[k].shift - 1, 0);
        uint64_t va_ = MASK(ia_bits - 1, cases[k].shift); /* the last page of the range */
        uint64_t root = alloc(s, 65536);

        s->rg.tcr = TCR_T0SZ(cases[k].t0sz) | TCR_TG0(cases[k].tg0) | TCR_EPD1 | TCR_IPS(5);
        s->rg.ttbr0 = root;
        map(s, root, cases[k].start, cases[k].granule, ia_bits, va_, cases[k].level,
            target | NORMAL | (cases[k].level == 3 ? D_PAGE : D_BLOCK));
        ready(s);
        assert_maps(s, va_ + 0x123, priv_read, target + 0x123);
        assert_int_equal(s->t.page_shift, cases[k].shift);
        assert_int_equal(s->t.attr, 0xff);
        assert_fault(s, va_ - 1, priv_read, MMU_FAULT_TRANSLATION, cases[k].level);
        assert_fault(s, BIT(ia_bits), priv_read, MMU_FAULT_TRANSLATION, 0);
    }
}

static void test_granule_that_is_not_implemented_is_4k(void **state)
{
    struct fixture *s = *state;
    uint64_t root = alloc(s, 4096), va_ = MASK(38, 12);

    set_feature(&s->features, FEAT_TGran16, false);
    s->rg.tcr = TCR_T0SZ(25) | TCR_TG0(2) | TCR_EPD1 | TCR_IPS(5);
    s->rg.ttbr0 = root;
    map(s, root, 1, 12, 39, va_, 3, RAM_BASE | NORMAL | D_PAGE);
    ready(s);
    assert_maps(s, va_ + 0x123, priv_read, RAM_BASE + 0x123);
    assert_int_equal(s->t.page_shift, 12);
}

static void test_block_where_there_is_none_is_translation_fault(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);

    put(s, root, 0, TARGET | NORMAL | D_BLOCK); /* level 0, no DS */
    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_TRANSLATION, 0);
    put(s, root, 0, 0);
    map(s, root, 0, 12, 48, 0, 3, TARGET | NORMAL | D_BLOCK); /* reserved at level 3 */
    assert_fault(s, 0, priv_read, MMU_FAULT_TRANSLATION, 3);
}

static void test_translation_fault_of_every_level(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);

    map(s, root, 0, 12, 48, 0, 3, TARGET | NORMAL | D_PAGE);
    ready(s);
    assert_fault(s, 0x1000, priv_read, MMU_FAULT_TRANSLATION, 3);
    assert_fault(s, UINT64_C(1) << 21, priv_read, MMU_FAULT_TRANSLATION, 2);
    assert_fault(s, UINT64_C(1) << 30, priv_read, MMU_FAULT_TRANSLATION, 1);
    assert_fault(s, UINT64_C(1) << 39, priv_read, MMU_FAULT_TRANSLATION, 0);
    assert_int_equal(mmu_fault_fsc(&s->f), 0x04);
    assert_false(s->f.stage2);
}

static void test_access_flag(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);
    uint64_t desc = map(s, root, 0, 12, 48, 0, 3, (TARGET | NORMAL | D_PAGE) & ~D_AF);

    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_ACCESS_FLAG, 3);
    assert_int_equal(mmu_fault_fsc(&s->f), 0x0b);
    s->rg.tcr |= TCR_HA;
    ready(s);
    assert_maps(s, 0, priv_read, TARGET);
    assert_true(get(s, desc, 0) & D_AF);
}

static void test_access_flag_stays_clear_without_permission(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);
    uint64_t desc = map(s, root, 0, 12, 48, 0, 3, (TARGET | NORMAL | D_PAGE) & ~D_AF);

    s->rg.tcr |= TCR_HA;
    ready(s);
    assert_fault(s, 0, user_read, MMU_FAULT_PERMISSION, 3);
    assert_false(get(s, desc, 0) & D_AF);
}

static void test_dirty_state(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);
    uint64_t desc = map(s, root, 0, 12, 48, 0, 3, TARGET | NORMAL | D_PAGE | D_RO | D_DBM);

    ready(s);
    assert_fault(s, 0, priv_write, MMU_FAULT_PERMISSION, 3); /* DBM means nothing without HD */
    s->rg.tcr |= TCR_HA | TCR_HD;
    ready(s);
    assert_maps(s, 0, priv_read, TARGET);
    assert_false(s->t.perms & PERM_PW); /* the first write has to come here */
    assert_true(get(s, desc, 0) & D_RO);
    struct mmu_access at = priv_write;
    at.at = true;
    assert_maps(s, 0, at, TARGET);
    assert_true(get(s, desc, 0) & D_RO);
    assert_maps(s, 0, priv_write, TARGET);
    assert_true(s->t.perms & PERM_PW);
    assert_false(get(s, desc, 0) & D_RO);
}

/* Every combination of AP, XN bits and WXN, against the table of D8.4 written as a formula. */
static void test_stage1_permissions(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);

    for (unsigned n = 0; n < 32; n++) {
        bool user = n & 1, ro = n & 2, pxn = n & 4, uxn = n & 8, wxn = n & 16;
        uint64_t d = TARGET | NORMAL | D_PAGE | (user ? D_USER : 0) | (ro ? D_RO : 0) |
                     (pxn ? D_PXN : 0) | (uxn ? D_UXN : 0);

        map(s, root, 0, 12, 48, 0, 3, d);
        s->rg.sctlr = SCTLR_M | SCTLR_C | SCTLR_I | (wxn ? SCTLR_WXN : 0);
        ready(s);
        assert_true(translate(s, 0, priv_read));
        assert_int_equal(translate(s, 0, priv_write), !ro);
        assert_int_equal(translate(s, 0, priv_exec), !pxn && !(user && !ro) && !(wxn && !ro));
        assert_int_equal(translate(s, 0, user_read), user);
        assert_int_equal(translate(s, 0, user_write), user && !ro);
        assert_int_equal(translate(s, 0, user_exec), !uxn && !(wxn && user && !ro));
    }
}

static void test_hierarchical_permissions(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);

    map(s, root, 0, 12, 48, 0, 3, TARGET | NORMAL | D_PAGE | D_USER);
    put(s, root, 0, get(s, root, 0) | BIT(61)); /* APTable<0>: nothing for EL0 */
    ready(s);
    assert_fault(s, 0, user_read, MMU_FAULT_PERMISSION, 3);
    assert_true(translate(s, 0, priv_write));
    put(s, root, 0, (get(s, root, 0) & ~BIT(61)) | BIT(62) | BIT(60)); /* read-only, UXNTable */
    assert_true(translate(s, 0, user_read));
    assert_fault(s, 0, priv_write, MMU_FAULT_PERMISSION, 3);
    assert_fault(s, 0, user_exec, MMU_FAULT_PERMISSION, 3);
    assert_true(translate(s, 0, priv_exec));
    put(s, root, 0, get(s, root, 0) | BIT(59));
    assert_fault(s, 0, priv_exec, MMU_FAULT_PERMISSION, 3);
    s->rg.tcr |= TCR_HPD0;
    ready(s);
    assert_true(translate(s, 0, user_write));
    assert_true(translate(s, 0, user_exec));
}

static void test_pan_and_epan(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);
    struct mmu_access pan = {.kind = MMU_READ, .priv = true, .pan = true};

    map(s, root, 0, 12, 48, 0, 3, TARGET | NORMAL | D_PAGE | D_USER | D_RO);
    map(s, root, 0, 12, 48, 0x1000, 3, TARGET | NORMAL | D_PAGE);
    ready(s);
    assert_fault(s, 0, pan, MMU_FAULT_PERMISSION, 3);
    assert_maps(s, 0x1000, pan, TARGET); /* executable by EL0 only counts with EPAN */
    pan.kind = MMU_EXEC;
    assert_maps(s, 0, pan, TARGET);
    pan.kind = MMU_READ;
    s->rg.sctlr |= SCTLR_EPAN;
    ready(s);
    assert_fault(s, 0x1000, pan, MMU_FAULT_PERMISSION, 3);
}

static void test_halves_epd_and_e0pd(void **state)
{
    struct fixture *s = *state;
    uint64_t low = alloc(s, 4096), high = alloc(s, 16384), top = ~UINT64_C(0) << 47;

    s->rg.tcr = TCR_T0SZ(16) | TCR_T1SZ(17) | TCR_TG1(1) | TCR_IPS(5);
    s->rg.ttbr0 = low;
    s->rg.ttbr1 = high;
    map(s, low, 0, 12, 48, 0, 3, TARGET | NORMAL | D_PAGE | D_USER);
    map(s, high, 1, 14, 47, top, 3, (TARGET + 0x4000) | NORMAL | D_PAGE);
    ready(s);
    assert_maps(s, 5, priv_read, TARGET + 5);
    assert_maps(s, top + 5, priv_read, TARGET + 0x4005);
    assert_fault(s, top - 1, priv_read, MMU_FAULT_TRANSLATION, 0);
    assert_fault(s, BIT(48), priv_read, MMU_FAULT_TRANSLATION, 0);
    s->rg.tcr |= TCR_EPD1 | TCR_E0PD0;
    ready(s);
    assert_fault(s, top, priv_read, MMU_FAULT_TRANSLATION, 0);
    assert_fault(s, 0, user_read, MMU_FAULT_TRANSLATION, 0);
    assert_maps(s, 0, priv_read, TARGET);
    assert_false(s->t.perms & PERM_UR); /* not by way of a TLB either */
}

static void test_top_byte_ignore(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s), tag = UINT64_C(0xab) << 56;

    map(s, root, 0, 12, 48, 0x1000, 3, TARGET | NORMAL | D_PAGE);
    ready(s);
    assert_fault(s, tag | 0x1000, priv_read, MMU_FAULT_TRANSLATION, 0);
    s->rg.tcr |= TCR_TBI0;
    ready(s);
    assert_maps(s, tag | 0x1000, priv_read, TARGET);
    assert_maps(s, tag | 0x1000, priv_exec, TARGET);
    assert_int_equal(xlat_canonical(&s->x, tag | 0x1000, false), 0x1000);
    s->rg.tcr |= TCR_TBID0;
    ready(s);
    assert_maps(s, tag | 0x1000, priv_read, TARGET);
    assert_fault(s, tag | 0x1000, priv_exec, MMU_FAULT_TRANSLATION, 0);
}

static void test_address_size_faults(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);

    s->rg.tcr = (s->rg.tcr & ~TCR_IPS(7)) | TCR_IPS(1); /* 36 bits */
    map(s, root, 0, 12, 48, 0, 3, BIT(36) | NORMAL | D_PAGE);
    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_ADDRESS_SIZE, 3);
    put(s, root, 1, BIT(40) | D_TABLE);
    assert_fault(s, BIT(39), priv_read, MMU_FAULT_ADDRESS_SIZE, 0);
    s->rg.ttbr0 |= BIT(36);
    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_ADDRESS_SIZE, 0);
    assert_int_equal(mmu_fault_fsc(&s->f), 0x00);
}

static void test_txsz_out_of_range_faults(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);

    map(s, root, 0, 12, 48, 0, 3, TARGET | NORMAL | D_PAGE);
    static const unsigned bad[] = {0, 11, 15, 49, 63};
    for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
        s->rg.tcr = TCR_T0SZ(bad[k]) | TCR_EPD1 | TCR_IPS(5);
        ready(s);
        assert_fault(s, 0, priv_read, MMU_FAULT_TRANSLATION, 0);
    }
    set_feature(&s->features, FEAT_TTST, false);
    s->rg.tcr = TCR_T0SZ(40) | TCR_EPD1 | TCR_IPS(5);
    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_TRANSLATION, 0);
}

static void test_table_outside_ram_is_external_abort(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);

    put(s, root, 0, UINT64_C(0x1000) | D_TABLE);
    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_EXTERNAL_WALK, 1);
    assert_int_equal(mmu_fault_fsc(&s->f), 0x15);
}

static void test_big_endian_tables(void **state)
{
    struct fixture *s = *state;
    uint64_t root = alloc(s, 4096);

    s->rg.tcr = TCR_T0SZ(25) | TCR_EPD1 | TCR_IPS(5);
    s->rg.ttbr0 = root;
    s->rg.sctlr |= SCTLR_EE;
    put(s, root, 1, __builtin_bswap64((TARGET & ~MASK(29, 0)) | NORMAL | D_BLOCK));
    ready(s);
    assert_maps(s, BIT(30) + 0x777, priv_read, (TARGET & ~MASK(29, 0)) + 0x777);
}

static void test_52_bits_with_64k(void **state)
{
    struct fixture *s = *state;
    uint64_t root = alloc(s, 65536);

    s->rg.pa_bits = 52;
    s->rg.tcr = TCR_T0SZ(12) | TCR_TG0(1) | TCR_EPD1 | TCR_IPS(6);
    s->rg.ttbr0 = root;
    /* Bits 51:48 of the output in 15:12; a level 1 block. */
    put(s, root, 1023, BIT(47) | NORMAL | D_BLOCK | UINT64_C(0xa) << 12);
    ready(s);
    assert_maps(s, BIT(52) - 1, priv_read, BIT(51) | BIT(49) | BIT(47) | MASK(41, 0));
    s->rg.tcr = (s->rg.tcr & ~TCR_IPS(7)) | TCR_IPS(5);
    ready(s);
    assert_fault(s, BIT(52) - 1, priv_read, MMU_FAULT_ADDRESS_SIZE, 1);
}

static void test_lpa2_4k_starts_at_level_minus_1(void **state)
{
    struct fixture *s = *state;
    uint64_t root = alloc(s, 4096), va_ = MASK(51, 12);

    s->rg.pa_bits = 52;
    s->rg.tcr = TCR_T0SZ(12) | TCR_EPD1 | TCR_IPS(6) | TCR_DS;
    s->rg.ttbr0 = root;
    map(s, root, -1, 12, 52, va_, 3, TARGET | D_ATTR(2) | D_AF | D_PAGE);
    ready(s);
    assert_maps(s, va_, priv_read, TARGET);
    assert_fault(s, 0, priv_read, MMU_FAULT_TRANSLATION, -1);
    assert_int_equal(mmu_fault_fsc(&s->f), 0x2b);
    /* Output bits 51:50 in 9:8, and a level 0 block. */
    map(s, root, -1, 12, 52, BIT(40), 0, BIT(49) | BIT(9) | D_ATTR(2) | D_AF | D_BLOCK);
    assert_maps(s, BIT(40) + 7, priv_read, BIT(51) | BIT(49) | 7);
}

static void test_mmu_off(void **state)
{
    struct fixture *s = *state;

    s->rg.sctlr = 0;
    ready(s);
    assert_maps(s, TARGET, user_write, TARGET);
    assert_int_equal(s->t.attr, 0x00);
    assert_maps(s, TARGET, priv_exec, TARGET);
    assert_int_equal(s->t.attr, 0x00); /* a data access may use what a fetch has entered */
    assert_fault(s, BIT(48), priv_read, MMU_FAULT_ADDRESS_SIZE, 0);
    struct mmu_access unaligned = {.kind = MMU_READ, .priv = true, .unaligned = true};
    assert_fault(s, TARGET + 1, unaligned, MMU_FAULT_ALIGNMENT, s->f.level);
    s->rg.hcr = HCR_DC; /* stage 2 on too: no tables */
    s->rg.vtcr = 25 | VTCR_SL0(1) | VTCR_PS(2);
    s->rg.vttbr = alloc(s, 4096);
    put(s, s->rg.vttbr, 1, (TARGET & ~MASK(29, 0)) | S2_R | S2_W | S2_NORMAL | D_AF | D_BLOCK);
    ready(s);
    assert_maps(s, TARGET + 1, unaligned, TARGET + 1);
    assert_int_equal(s->t.attr, 0xff);
}

static void test_el2_has_one_range_and_one_privilege(void **state)
{
    struct fixture *s = *state;
    uint64_t root = alloc(s, 4096);

    s->rg.id = REGIME_EL2;
    s->rg.tcr = 16 | UINT64_C(5) << 16;
    s->rg.ttbr0 = root;
    map(s, root, 0, 12, 48, 0, 3, TARGET | NORMAL | D_PAGE | D_USER | D_PXN);
    map(s, root, 0, 12, 48, 0x1000, 3, TARGET | NORMAL | D_PAGE | D_UXN | D_NG);
    ready(s);
    assert_maps(s, 0, priv_exec, TARGET); /* AP<1> and PXN mean nothing */
    assert_maps(s, 0x1000, priv_write, TARGET);
    assert_false(s->t.ng);
    assert_fault(s, 0x1000, priv_exec, MMU_FAULT_PERMISSION, 3);
    assert_fault(s, ~UINT64_C(0) << 48, priv_read, MMU_FAULT_TRANSLATION, 0);
    s->rg.tcr |= BIT(20); /* TBI */
    ready(s);
    assert_maps(s, UINT64_C(0x7f) << 56, priv_read, TARGET);
}

static void test_device_memory_checks_alignment_before_permission(void **state)
{
    struct fixture *s = *state;
    uint64_t root = el1_4k(s);
    struct mmu_access a = {.kind = MMU_WRITE, .priv = true, .unaligned = true};

    map(s, root, 0, 12, 48, 0, 3, TARGET | D_ATTR(0) | D_AF | D_RO | D_PAGE);
    ready(s);
    assert_fault(s, 1, a, MMU_FAULT_ALIGNMENT, 3);
    a.unaligned = false;
    assert_fault(s, 0, a, MMU_FAULT_PERMISSION, 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_page_of_each_granule_and_level),
        T(test_granule_that_is_not_implemented_is_4k),
        T(test_block_where_there_is_none_is_translation_fault),
        T(test_translation_fault_of_every_level),
        T(test_access_flag),
        T(test_access_flag_stays_clear_without_permission),
        T(test_dirty_state),
        T(test_stage1_permissions),
        T(test_hierarchical_permissions),
        T(test_pan_and_epan),
        T(test_halves_epd_and_e0pd),
        T(test_top_byte_ignore),
        T(test_address_size_faults),
        T(test_txsz_out_of_range_faults),
        T(test_table_outside_ram_is_external_abort),
        T(test_big_endian_tables),
        T(test_52_bits_with_64k),
        T(test_lpa2_4k_starts_at_level_minus_1),
        T(test_mmu_off),
        T(test_el2_has_one_range_and_one_privilege),
        T(test_device_memory_checks_alignment_before_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
