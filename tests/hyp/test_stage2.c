/* Stage-2 tables against a model: a flat array of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hyp/cpu.h"
#include "hyp/fake.h"
#include "hyp/opts.h"
#include "hyp/stage2.h"
#include "tests/random.h"

#define MODEL_PAGES 2048

struct model {
    uint64_t pa[MODEL_PAGES]; /* 0: not mapped */
    enum stage2_kind kind[MODEL_PAGES];
    uint64_t base; /* IPA of the first */
};

static int setup(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

static void model_map(struct model *m, uint64_t first, uint64_t n, uint64_t pa,
                      enum stage2_kind kind, uint64_t page)
{
    for (uint64_t k = first; k < first + n; k++)
        if (!m->pa[k]) {
            m->pa[k] = pa + (k - first) * page;
            m->kind[k] = kind;
        }
}

static void check(struct stage2 *s, const struct model *m, uint64_t page)
{
    for (uint64_t k = 0; k < MODEL_PAGES; k++) {
        uint64_t pa = 0;
        enum stage2_kind kind = S2_RAM;
        bool found = stage2_lookup(s, m->base + k * page + 8, &pa, &kind);

        assert_int_equal(found, m->pa[k] != 0);
        if (found) {
            assert_int_equal(pa, m->pa[k] + 8);
            assert_int_equal(kind, m->kind[k]);
        }
    }
}

/* Ranges of any size, and of whole blocks, mapped and unmapped. */
static void random_round(struct stage2 *s, struct model *m, uint64_t page, bool blocks,
                         uint64_t random)
{
    uint64_t n = 1 + bits(random, 15, 0) % (bit(random, 16) ? 700 : 9);
    uint64_t first = bits(random, 31, 20) % (MODEL_PAGES - n);
    uint64_t pa =
        (UINT64_C(0x80000000) + (bit(random, 17) ? first * page : bits(random, 47, 40) * page)) |
        page;

    if (bit(random, 18) || bit(random, 19)) {
        enum stage2_kind kind = (enum stage2_kind)(bits(random, 51, 50) % 3);
        pa = align_down(pa, page);
        stage2_map(s, m->base + first * page, pa, n * page, kind, blocks);
        model_map(m, first, n, pa, kind, page);
    } else {
        stage2_unmap(s, m->base + first * page, n * page);
        memset(&m->pa[first], 0, n * sizeof(m->pa[0]));
    }
}

static void test_tables_agree_with_a_flat_model(void **state)
{
    static const unsigned granules[] = {OPT_granule_4k, OPT_granule_16k, OPT_granule_64k};
    uint64_t seed = test_seed(1);

    (void)state;
    for (unsigned g = 0; g < ARRAY_SIZE(granules); g++)
        for (unsigned blocks = 0; blocks < 2; blocks++) {
            static struct model m;
            struct stage2 s;
            uint64_t page;

            opts.granule = granules[g];
            stage2_init(&s);
            page = UINT64_C(1) << s.page_log2;
            memset(&m, 0, sizeof(m));
            m.base = align_down(UINT64_C(0x4fff0000),
                                page << (s.page_log2 - 3)); /* across a table's end */
            for (unsigned k = 0; k < 60; k++) {
                random_round(&s, &m, page, blocks, random_next(&seed));
                check(&s, &m, page);
            }
        }
}

static void test_the_root_is_concatenated_up_to_16_tables(void **state)
{
    struct stage2 s;

    (void)state;
    opts.granule = OPT_granule_4k;
    stage2_init(&s); /* 40 bits: two tables at level 1 */
    assert_int_equal(s.start_level, 1);
    assert_int_equal(s.root_tables, 2);
    opts.granule = OPT_granule_16k;
    stage2_init(&s); /* sixteen at level 2 */
    assert_int_equal(s.start_level, 2);
    assert_int_equal(s.root_tables, 16);
    opts.granule = OPT_granule_64k;
    stage2_init(&s);
    assert_int_equal(s.start_level, 2);
    assert_int_equal(s.root_tables, 1);
}

static void test_vtcr_says_the_same_as_the_tables(void **state)
{
    (void)state;
    opts.granule = OPT_granule_4k;
    assert_int_equal(VTCR_EL2_T0SZ(stage2_vtcr()), 24);
    assert_int_equal(VTCR_EL2_SL0(stage2_vtcr()), 1);
    assert_int_equal(VTCR_EL2_TG0(stage2_vtcr()), 0);
    opts.granule = OPT_granule_16k;
    assert_int_equal(VTCR_EL2_SL0(stage2_vtcr()), 1);
    assert_int_equal(VTCR_EL2_TG0(stage2_vtcr()), 2);
    opts.granule = OPT_granule_64k;
    assert_int_equal(VTCR_EL2_SL0(stage2_vtcr()), 1);
    assert_int_equal(VTCR_EL2_TG0(stage2_vtcr()), 1);
}

/* The order that DDI0487 D8.14 wants. */
static void test_unmapping_is_followed_by_dsb_tlbi_dsb_tlbi_dsb_isb(void **state)
{
    static const char *const order[] = {"ishst", "IPAS2E1IS", "ish", "VMALLE1IS", "ish", "isb"};
    struct stage2 s;
    unsigned at = 0;

    (void)state;
    stage2_init(&s);
    fake.sr[SR_VTTBR_EL2] = stage2_load(&s);
    stage2_map(&s, 0x40000000, 0x80000000, 4096, S2_RAM, true);
    fake.logged = 0;
    stage2_unmap(&s, 0x40000000, 4096);
    assert_int_equal(fake.logged, ARRAY_SIZE(order));
    for (; at < ARRAY_SIZE(order); at++)
        assert_string_equal(fake.log[at].name, order[at]);
    assert_int_equal(fake.log[1].arg, 0x40000);
}

static void test_a_block_is_split_by_break_before_make(void **state)
{
    struct stage2 s;
    uint64_t pa;
    enum stage2_kind kind;

    (void)state;
    stage2_init(&s);
    fake.sr[SR_VTTBR_EL2] = stage2_load(&s);
    stage2_map(&s, 0x40000000, 0x80000000, 2 << 20, S2_RAM, true);
    fake.logged = 0;
    stage2_unmap(&s, 0x40001000, 4096);
    assert_true(fake.logged >= 12); /* the block's TLBI, then the page's */
    assert_string_equal(fake.log[1].name, "IPAS2E1IS");
    assert_int_equal(fake.log[1].arg, 0x40000);
    assert_false(stage2_lookup(&s, 0x40001000, &pa, &kind));
    assert_true(stage2_lookup(&s, 0x40002000, &pa, &kind));
    assert_int_equal(pa, 0x80002000);
}

static void test_tlb_maintenance_for_another_guest_borrows_its_vmid(void **state)
{
    struct stage2 mine, other;

    (void)state;
    stage2_init(&mine);
    stage2_init(&other);
    fake.sr[SR_VTTBR_EL2] = stage2_load(&mine);
    stage2_load(&other);
    stage2_map(&other, 0x40000000, 0x80000000, 4096, S2_RAM, true);
    fake.logged = 0;
    stage2_unmap(&other, 0x40000000, 4096);
    assert_string_equal(fake.log[0].name, "VTTBR_EL2");
    assert_int_equal(fake.log[0].arg, stage2_vttbr(&other));
    assert_int_equal(fake.sr[SR_VTTBR_EL2], stage2_vttbr(&mine));
}

static void test_a_new_generation_empties_tlbs_and_keeps_vmids_that_are_loaded(void **state)
{
    struct stage2 s[4];
    uint64_t loaded, vttbr[4];

    (void)state;
    opts.vmids = 3;
    for (unsigned k = 0; k < 4; k++)
        stage2_init(&s[k]);
    loaded = stage2_load(&s[0]);
    for (unsigned k = 1; k < 3; k++) {
        vttbr[k] = stage2_load(&s[k]);
        stage2_put(&s[k]);
    }
    fake.logged = 0;
    vttbr[3] = stage2_load(&s[3]); /* a fourth: there are three */
    assert_true(fake.logged > 0);
    assert_string_equal(fake.log[1].name, "ALLE1IS");
    assert_int_equal(stage2_vttbr(&s[0]), loaded);
    assert_int_not_equal(vttbr[3] >> 48, loaded >> 48);
    vttbr[1] = stage2_load(&s[1]);
    assert_int_not_equal(vttbr[1] >> 48, vttbr[3] >> 48);
    assert_int_not_equal(vttbr[1] >> 48, loaded >> 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_tables_agree_with_a_flat_model, setup),
        cmocka_unit_test_setup(test_the_root_is_concatenated_up_to_16_tables, setup),
        cmocka_unit_test_setup(test_vtcr_says_the_same_as_the_tables, setup),
        cmocka_unit_test_setup(test_unmapping_is_followed_by_dsb_tlbi_dsb_tlbi_dsb_isb, setup),
        cmocka_unit_test_setup(test_a_block_is_split_by_break_before_make, setup),
        cmocka_unit_test_setup(test_tlb_maintenance_for_another_guest_borrows_its_vmid, setup),
        cmocka_unit_test_setup(test_a_new_generation_empties_tlbs_and_keeps_vmids_that_are_loaded,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
