/* The walker's stage 2, alone and with stage 1, against tables written by hand. */
#include "tests/mmu/walk_fixture.h"

/* Stage 2 on with 4K tables of 40 bits (two concatenated level 1 tables); stage 1 off. */
static uint64_t stage2_4k(struct fixture *s)
{
    uint64_t root = alloc(s, 8192);

    s->rg.sctlr = 0;
    s->rg.hcr = HCR_VM;
    s->rg.vtcr = 24 | VTCR_SL0(1) | VTCR_PS(5);
    s->rg.vttbr = root;
    return root;
}

static void test_stage2_concatenated_root(void **state)
{
    struct fixture *s = *state;
    uint64_t root = stage2_4k(s);

    map(s, root, 1, 12, 40, BIT(39) | 0x5000, 3, TARGET | S2_R | S2_NORMAL | D_AF | D_PAGE);
    ready(s);
    assert_maps(s, BIT(39) | 0x5432, priv_read, TARGET + 0x432);
    assert_fault(s, BIT(39) | 0x5000, priv_write, MMU_FAULT_PERMISSION, 3);
    assert_true(s->f.stage2);
    assert_true(s->f.write);
    assert_false(s->f.s1ptw);
    assert_int_equal(s->f.ipa, BIT(39) | 0x5000);
    assert_fault(s, BIT(40), priv_read, MMU_FAULT_TRANSLATION, 0); /* IPA out of range */
    assert_true(s->f.stage2);
}

static void test_stage2_start_levels(void **state)
{
    struct fixture *s = *state;
    static const struct {
        unsigned tg0, granule, t0sz, sl0;
        int start; /* 4: the configuration is invalid */
    } cases[] = {
        {0, 12, 16, 2, 0}, {0, 12, 24, 1, 1}, {0, 12, 25, 1, 1}, {0, 12, 34, 1, 4},
        {0, 12, 33, 0, 2}, {0, 12, 30, 0, 2}, {0, 12, 29, 0, 4}, {0, 12, 40, 3, 3},
        {2, 14, 24, 1, 2}, {2, 14, 24, 2, 1}, {2, 14, 16, 2, 1}, {2, 14, 16, 3, 4},
        {2, 14, 40, 0, 3}, {1, 16, 24, 1, 2}, {1, 16, 16, 2, 1}, {1, 16, 40, 0, 3},
        {1, 16, 24, 3, 4}, {1, 16, 22, 2, 4},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        unsigned ia_bits = 64 - cases[k].t0sz;
        uint64_t root = alloc(s, 1 << 20), ipa_ = MASK(ia_bits - 1, cases[k].granule);

        s->rg.sctlr = 0;
        s->rg.hcr = HCR_VM;
        s->rg.vtcr = cases[k].t0sz | VTCR_SL0(cases[k].sl0) | VTCR_TG0(cases[k].tg0) | VTCR_PS(5);
        s->rg.vttbr = root;
        ready(s);
        if (cases[k].start == 4) {
            assert_fault(s, ipa_, priv_read, MMU_FAULT_TRANSLATION, 0);
            continue;
        }
        map(s, root, cases[k].start, cases[k].granule, ia_bits, ipa_, 3,
            (TARGET & ~MASK(cases[k].granule - 1, 0)) | S2_R | S2_NORMAL | D_AF | D_PAGE);
        assert_maps(s, ipa_ + 9, priv_read, (TARGET & ~MASK(cases[k].granule - 1, 0)) + 9);
    }
}

static void test_stage2_lpa2_starts_at_level_minus_1(void **state)
{
    struct fixture *s = *state;
    uint64_t root = alloc(s, 4096), ipa_ = MASK(51, 12);

    s->rg.sctlr = 0;
    s->rg.pa_bits = 52;
    s->rg.hcr = HCR_VM;
    s->rg.vtcr = 12 | VTCR_SL0(0) | VTCR_SL2 | VTCR_DS | VTCR_PS(6);
    s->rg.vttbr = root;
    map(s, root, -1, 12, 52, ipa_, 3, TARGET | S2_R | S2_NORMAL | D_AF | D_PAGE);
    ready(s);
    assert_maps(s, ipa_, priv_read, TARGET);
    assert_fault(s, 0, priv_read, MMU_FAULT_TRANSLATION, -1);
}

static void test_stage2_execute_never(void **state)
{
    struct fixture *s = *state;
    uint64_t root = stage2_4k(s);

    for (unsigned xnx = 0; xnx < 2; xnx++) {
        set_feature(&s->features, FEAT_XNX, xnx);
        for (unsigned xn = 0; xn < 4; xn++) {
            bool priv = xnx ? xn == 0 || xn == 3 : xn < 2;
            bool user = xnx ? xn == 0 || xn == 1 : xn < 2;
            map(s, root, 1, 12, 40, 0, 3,
                TARGET | S2_R | S2_NORMAL | D_AF | D_PAGE | (uint64_t)xn << 53);
            ready(s);
            assert_int_equal(translate(s, 0, priv_exec), priv);
            assert_int_equal(translate(s, 0, user_exec), user);
        }
    }
}

static void test_stage2_access_flag_and_dirty_state(void **state)
{
    struct fixture *s = *state;
    uint64_t root = stage2_4k(s);
    uint64_t desc = map(s, root, 1, 12, 40, 0, 3, TARGET | S2_R | S2_NORMAL | D_PAGE | D_DBM);

    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_ACCESS_FLAG, 3);
    s->rg.vtcr |= VTCR_HA | VTCR_HD;
    ready(s);
    assert_maps(s, 0, priv_read, TARGET);
    assert_true(get(s, desc, 0) & D_AF);
    assert_false(get(s, desc, 0) & S2_W);
    assert_maps(s, 0, priv_write, TARGET);
    assert_true(get(s, desc, 0) & S2_W);
}

/* Stage 1 in IPAs that stage 2 maps one to one with 2M blocks from RAM_BASE. */
static uint64_t both_stages(struct fixture *s, uint64_t s2_bits)
{
    uint64_t s2 = stage2_4k(s), root;

    for (uint64_t a = RAM_BASE; a < RAM_BASE + RAM_SIZE; a += UINT64_C(1) << 21)
        map(s, s2, 1, 12, 40, a, 2, a | s2_bits | D_AF | D_BLOCK);
    s->rg.sctlr = SCTLR_M | SCTLR_C | SCTLR_I;
    root = el1_4k(s);
    return root;
}

static void test_both_stages(void **state)
{
    struct fixture *s = *state;
    uint64_t root = both_stages(s, S2_R | S2_W | S2_NORMAL);

    map(s, root, 0, 12, 48, 0x7000, 3, TARGET | NORMAL | D_PAGE);
    ready(s);
    assert_maps(s, 0x7abc, priv_write, TARGET + 0xabc);
    assert_int_equal(s->t.page_shift, 12);
    assert_int_equal(s->t.s1_shift, 12);
    assert_int_equal(s->t.s2_shift, 21);
    map(s, root, 0, 12, 48, BIT(30), 1, NORMAL | D_BLOCK); /* an IPA that stage 2 does not map */
    assert_fault(s, BIT(30) + 0x1234, priv_write, MMU_FAULT_TRANSLATION, 1);
    assert_true(s->f.stage2 && !s->f.s1ptw && s->f.write);
    assert_int_equal(s->f.ipa & ~PAGE_MASK, 0x1000);
    struct mmu_access at = {.kind = MMU_READ, .priv = true, .at = true, .stage1_only = true};
    assert_maps(s, BIT(30) + 0x1234, at, 0x1234);
}

static void test_stage2_fault_on_stage1_walk(void **state)
{
    struct fixture *s = *state;
    uint64_t root = both_stages(s, S2_R | S2_W | S2_NORMAL);

    put(s, root, 0, UINT64_C(0x80001000) | D_TABLE);
    ready(s);
    assert_fault(s, 0x3000, priv_write, MMU_FAULT_TRANSLATION, 1);
    assert_true(s->f.stage2);
    assert_true(s->f.s1ptw);
    assert_int_equal(s->f.ipa, 0x80001000);
}

static void test_hardware_update_needs_stage2_write_permission(void **state)
{
    struct fixture *s = *state;
    uint64_t root = both_stages(s, S2_R | S2_NORMAL);
    uint64_t desc = map(s, root, 0, 12, 48, 0, 3, (TARGET | NORMAL | D_PAGE) & ~D_AF);

    s->rg.tcr |= TCR_HA;
    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_PERMISSION, 2);
    assert_true(s->f.s1ptw);
    assert_int_equal(s->f.ipa, desc);
    assert_false(get(s, desc, 0) & D_AF);
}

static void test_ptw_keeps_walks_off_device_memory(void **state)
{
    struct fixture *s = *state;
    uint64_t root = both_stages(s, S2_R | S2_W); /* MemAttr 0: Device-nGnRnE */

    map(s, root, 0, 12, 48, 0, 3, TARGET | NORMAL | D_PAGE);
    ready(s);
    assert_maps(s, 0, priv_read, TARGET);
    assert_int_equal(s->t.attr, 0x00);
    assert_int_equal(s->t.sh, 2);
    s->rg.hcr |= HCR_PTW;
    ready(s);
    assert_fault(s, 0, priv_read, MMU_FAULT_PERMISSION, 2);
    assert_true(s->f.s1ptw);
}

static void test_attribute_combination(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint8_t s1, memattr;
        bool fwb;
        uint8_t result;
    } cases[] = {
        {0xff, 0xf, false, 0xff}, {0xff, 0x5, false, 0x44}, {0xff, 0xa, false, 0xbb},
        {0x44, 0xf, false, 0x44}, {0x04, 0xf, false, 0x04}, {0xff, 0x1, false, 0x04},
        {0x00, 0x1, false, 0x00}, {0x0c, 0x2, false, 0x08}, {0xbb, 0xf, false, 0xbb},
        {0xff, 0x7, true, 0xff},  {0x44, 0x6, true, 0xff},  {0x04, 0x6, true, 0xff},
        {0x04, 0x7, true, 0x04},  {0xff, 0x5, true, 0x44},  {0x00, 0x5, true, 0x00},
        {0xff, 0x1, true, 0x04},  {0x00, 0x2, true, 0x08},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        uint64_t s2 = stage2_4k(s), root = el1_4k(s);
        for (uint64_t a = RAM_BASE; a < RAM_BASE + RAM_SIZE; a += UINT64_C(1) << 21)
            map(s, s2, 1, 12, 40, a, 2,
                a | S2_R | S2_W | (uint64_t)cases[k].memattr << 2 | D_AF | D_BLOCK);
        s->rg.sctlr = SCTLR_M | SCTLR_C | SCTLR_I;
        s->rg.mair = cases[k].s1;
        s->rg.hcr = HCR_VM | (cases[k].fwb ? HCR_FWB : 0);
        map(s, root, 0, 12, 48, 0, 3, TARGET | D_ATTR(0) | D_AF | D_PAGE);
        ready(s);
        assert_maps(s, 0, priv_read, TARGET);
        assert_int_equal(s->t.attr, cases[k].result);
        s->next = RAM_BASE + (1 << 20);
        memset(physmem_ram_changing(&s->mem, pa(s->next), 1 << 20), 0, 1 << 20);
    }
}

/* Random walks: with caches and without must agree, for a thousand pages mapped at random. */
static void test_caches_change_nothing(void **state)
{
    struct fixture *s = *state;
    uint64_t root = both_stages(s, S2_R | S2_W | S2_NORMAL), seed = 1;

    s->tlb = tlb_create(false);
    for (unsigned k = 0; k < 300; k++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t va_ = (seed >> 20) & MASK(27, 12);
        map(s, root, 0, 12, 48, va_, 3,
            TARGET | (seed >> 40 & 0xff) << 12 | NORMAL | D_PAGE | (seed & BIT(33) ? D_RO : 0));
    }
    ready(s);
    for (unsigned k = 0; k < 20000; k++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t va_ = (seed >> 20) & MASK(27, 0);
        struct mmu_access a = seed & BIT(60) ? priv_write : priv_read;
        struct translation t = {0};
        struct mmu_fault f = {0};
        bool cached = translate(s, va_, a);

        assert_int_equal(mmu_translate(&s->x, &s->mem, NULL, va(va_), &a, &t, &f), cached);
        if (cached)
            assert_memory_equal(&t, &s->t, sizeof(t));
        else
            assert_memory_equal(&f, &s->f, sizeof(f));
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_stage2_concatenated_root),
        T(test_stage2_start_levels),
        T(test_stage2_lpa2_starts_at_level_minus_1),
        T(test_stage2_execute_never),
        T(test_stage2_access_flag_and_dirty_state),
        T(test_both_stages),
        T(test_stage2_fault_on_stage1_walk),
        T(test_hardware_update_needs_stage2_write_permission),
        T(test_ptw_keeps_walks_off_device_memory),
        T(test_attribute_combination),
        T(test_caches_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
