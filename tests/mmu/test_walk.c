/* The walker of both stages, against tables written by hand. */
#include "tests/mmu/fixture.h"

#define TCR_T0SZ(n) ((uint64_t)(n))
#define TCR_T1SZ(n) ((uint64_t)(n) << 16)
#define TCR_TG0(n)  ((uint64_t)(n) << 14)
#define TCR_TG1(n)  ((uint64_t)(n) << 30)
#define TCR_EPD0    BIT(7)
#define TCR_EPD1    BIT(23)
#define TCR_IPS(n)  ((uint64_t)(n) << 32)
#define TCR_TBI0    BIT(37)
#define TCR_HA      BIT(39)
#define TCR_HD      BIT(40)
#define TCR_HPD0    BIT(41)
#define TCR_TBID0   BIT(51)
#define TCR_E0PD0   BIT(55)
#define TCR_DS      BIT(59)

#define VTCR_SL0(n) ((uint64_t)(n) << 6)
#define VTCR_TG0(n) ((uint64_t)(n) << 14)
#define VTCR_PS(n)  ((uint64_t)(n) << 16)
#define VTCR_HA     BIT(21)
#define VTCR_HD     BIT(22)
#define VTCR_DS     BIT(32)
#define VTCR_SL2    BIT(33)

#define NORMAL (D_ATTR(2) | D_AF | 3 << 8)
#define TARGET (RAM_BASE + (32 << 20)) /* what leaves point to, aligned for every block used */

/* EL1&0 with one lower-half 4K table of 48 bits; the upper half is off. */
static uint64_t el1_4k(struct fixture *s)
{
    uint64_t root = alloc(s, 4096);

    s->rg.tcr = TCR_T0SZ(16) | TCR_T1SZ(16) | TCR_EPD1 | TCR_IPS(5);
    s->rg.ttbr0 = root;
    return root;
}

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

/* ---- stage 2 ---- */

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
        memset(physmem_ram(&s->mem, pa(s->next), 1 << 20), 0, 1 << 20);
    }
}

/* Random walks: with caches and without must agree, for a thousand pages mapped at random. */
static void test_caches_change_nothing(void **state)
{
    struct fixture *s = *state;
    uint64_t root = both_stages(s, S2_R | S2_W | S2_NORMAL), seed = 1;

    s->tlb = tlb_create();
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
        T(test_page_of_each_granule_and_level),
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
