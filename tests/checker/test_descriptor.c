/* What a change of a descriptor asks for, and which TLBI covers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bits.h"
#include "checker/stale.h"

#define PAGE   UINT64_C(0x401007ff) /* stage 2: Normal, read and write, inner shareable, AF */
#define BLOCK  UINT64_C(0x402007fd)
#define TABLE  UINT64_C(0x40300003)
#define S1PAGE UINT64_C(0x40100f03) /* stage 1: nG, AF, inner shareable */

static const struct descriptor_place page = {.stage = 2, .level = 3, .granule_bits = 12};
static const struct descriptor_place mid = {.stage = 2, .level = 2, .granule_bits = 12};
static const struct descriptor_place host = {
    .stage = 1, .level = 3, .granule_bits = 12, .two_ranges = true};

static void test_only_what_tlbs_cannot_tell_apart_needs_a_break(void **state)
{
    static const struct {
        const struct descriptor_place *at;
        uint64_t before, after;
        enum descriptor_change change;
    } cases[] = {
        {&page, PAGE, PAGE | BIT(56), CHANGE_NONE},
        {&page, PAGE, PAGE & ~BIT(10), CHANGE_NONE},
        {&page, PAGE, PAGE | BIT(51), CHANGE_NONE},
        {&page, PAGE & ~BIT(7), PAGE, CHANGE_NONE},
        {&page, PAGE, PAGE & ~BIT(7), CHANGE_PERMISSION},
        {&page, PAGE, PAGE | BIT(54), CHANGE_PERMISSION},
        {&page, PAGE, 0, CHANGE_GONE},
        {&page, PAGE, PAGE & ~BIT(1), CHANGE_GONE}, /* reserved at level 3 */
        {&page, PAGE, PAGE + 0x1000, CHANGE_ADDRESS},
        {&page, PAGE, PAGE ^ BIT(2), CHANGE_TYPE},
        {&page, PAGE, PAGE ^ BIT(8), CHANGE_TYPE},
        {&page, PAGE, PAGE | BIT(52), CHANGE_CONTIGUOUS},
        {&mid, BLOCK, TABLE, CHANGE_SIZE},
        {&mid, TABLE, BLOCK, CHANGE_SIZE},
        {&mid, TABLE, TABLE + 0x1000, CHANGE_ADDRESS},
        {&mid, BLOCK, BLOCK | 0x1000, CHANGE_NONE}, /* below the block's address */
        {&host, S1PAGE, S1PAGE & ~BIT(11), CHANGE_GLOBAL},
        {&host, S1PAGE & ~BIT(11), S1PAGE, CHANGE_NONE},
        {&host, S1PAGE, S1PAGE | BIT(7), CHANGE_PERMISSION},
        {&host, S1PAGE | BIT(7), S1PAGE, CHANGE_NONE},
        {&host, S1PAGE, S1PAGE ^ BIT(4), CHANGE_TYPE},
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(cases); k++)
        if (descriptor_compare(cases[k].at, cases[k].before, cases[k].after, 0) != cases[k].change)
            fail_msg("case %zu: %s", k,
                     descriptor_change_text(
                         descriptor_compare(cases[k].at, cases[k].before, cases[k].after, 0)));
}

static void test_feat_bbm_lets_sizes_change(void **state)
{
    (void)state;
    assert_int_equal(descriptor_compare(&mid, BLOCK, TABLE, 1), CHANGE_SIZE);
    assert_int_equal(descriptor_compare(&mid, BLOCK | BIT(16), TABLE, 1), CHANGE_NONE);
    assert_int_equal(descriptor_compare(&mid, BLOCK, TABLE, 2), CHANGE_NONE);
    assert_int_equal(descriptor_compare(&page, PAGE, PAGE | BIT(52), 2), CHANGE_NONE);
    assert_int_equal(descriptor_compare(&page, PAGE, PAGE + 0x1000, 2), CHANGE_ADDRESS);
}

static void test_blocks_are_valid_where_the_granule_has_them(void **state)
{
    (void)state;
    for (int level = 0; level < 4; level++) {
        const struct descriptor_place k4 = {.stage = 1, .level = (int8_t)level, .granule_bits = 12};
        const struct descriptor_place k64 = {
            .stage = 1, .level = (int8_t)level, .granule_bits = 16};
        assert_int_equal(descriptor_valid(&k4, 1), level == 1 || level == 2);
        assert_int_equal(descriptor_valid(&k64, 1), level == 2);
        assert_true(descriptor_valid(&k4, 3));
        assert_false(descriptor_valid(&k4, 2));
    }
    assert_int_equal(descriptor_shift(&mid), 21);
    assert_int_equal(descriptor_shift(&page), 12);
}

#define VMID 5
#define IPA  UINT64_C(0x80001000)

static struct arm_event tlbi(unsigned regime, unsigned scope, unsigned vmid, uint64_t start)
{
    return (struct arm_event){.kind = ARM_EVENT_TLBI,
                              .tlbi = {.regime = (uint8_t)regime,
                                       .scope = (uint8_t)scope,
                                       .vmid = (uint16_t)vmid,
                                       .start = start,
                                       .end = start ? start + 0x1000 : 0}};
}

static void expect(const struct stale *r, struct arm_event p, enum coverage coverage,
                   enum miss miss)
{
    enum miss why = MISS_NONE;

    assert_int_equal(stale_coverage(r, &p, true, &why), coverage);
    assert_int_equal(why, miss);
}

static void test_stage_2_goes_by_ipa_and_then_by_vmid(void **state)
{
    struct tlb_context x = {.stage = 2, .vmid = VMID};
    struct stale r = {.context = &x, .at = page, .value = PAGE, .ia = IPA};
    struct arm_event all = tlbi(ARM_REGIME_EL10, ARM_TLBI_VMID, VMID, 0);
    struct arm_event last = tlbi(ARM_REGIME_EL10, ARM_TLBI_IPA, VMID, IPA);

    (void)state;
    expect(&r, tlbi(ARM_REGIME_EL10, ARM_TLBI_REGIME, 0, 0), COVERS_ALL, MISS_NONE);
    expect(&r, tlbi(ARM_REGIME_EL10, ARM_TLBI_IPA, VMID, IPA), COVERS_STAGE2, MISS_NONE);
    expect(&r, tlbi(ARM_REGIME_EL10, ARM_TLBI_IPA, VMID, IPA + 0x1000), COVERS_NOT, MISS_ADDRESS);
    expect(&r, tlbi(ARM_REGIME_EL10, ARM_TLBI_IPA, VMID + 1, IPA), COVERS_NOT, MISS_VMID);
    expect(&r, tlbi(ARM_REGIME_EL10, ARM_TLBI_IPA, VMID + 1, IPA + 0x1000), COVERS_NOT, MISS_NONE);
    expect(&r, tlbi(ARM_REGIME_EL2, ARM_TLBI_VA, 0, IPA), COVERS_NOT, MISS_REGIME);
    expect(&r, all, COVERS_NOT, MISS_STAGE); /* VMALLE1 */
    r.ipa_issued = true;
    expect(&r, all, COVERS_NOT, MISS_UNORDERED);
    r.ipa_issued = false;
    r.ipa_done[0] = BIT(0); /* on this CPU, which has been the only one; then not */
    expect(&r, all, COVERS_ALL, MISS_NONE);
    r.cpus[0] = BIT(0) | BIT(1);
    expect(&r, all, COVERS_ALL, MISS_NONE);
    all.tlbi.broadcast = true;
    expect(&r, all, COVERS_NOT, MISS_STAGE);
    r.ipa_done[0] |= BIT(1);
    expect(&r, all, COVERS_ALL, MISS_NONE);
    all.tlbi.broadcast = false;
    r.ipa_done[0] = 0;
    all.tlbi.stage2 = true; /* VMALLS12E1 */
    expect(&r, all, COVERS_ALL, MISS_NONE);
    last.tlbi.last_level = true;
    expect(&r, last, COVERS_STAGE2, MISS_NONE);
    r.at = mid;
    r.ia &= ~MASK(20, 0);
    r.value = TABLE;
    expect(&r, last, COVERS_NOT, MISS_LEVEL);
    r.value = BLOCK; /* any address in it */
    expect(&r, last, COVERS_STAGE2, MISS_NONE);
}

static void test_stage_1_goes_by_regime_address_and_asid(void **state)
{
    struct tlb_context x = {.stage = 1, .regime = ARM_REGIME_EL20};
    struct stale r = {.context = &x, .at = host, .value = S1PAGE, .ia = IPA, .asid = 7};
    struct arm_event p = tlbi(ARM_REGIME_EL20, ARM_TLBI_VA, 0, IPA);

    (void)state;
    expect(&r, p, COVERS_NOT, MISS_ASID);
    p.tlbi.asid = 7;
    expect(&r, p, COVERS_ALL, MISS_NONE);
    expect(&r, tlbi(ARM_REGIME_EL20, ARM_TLBI_VAA, 0, IPA), COVERS_ALL, MISS_NONE);
    expect(&r, tlbi(ARM_REGIME_EL10, ARM_TLBI_VAA, 0, IPA), COVERS_NOT, MISS_REGIME);
    expect(&r, tlbi(ARM_REGIME_EL20, ARM_TLBI_VMID, 0, 0), COVERS_ALL, MISS_NONE);
    expect(&r, tlbi(ARM_REGIME_EL10, ARM_TLBI_IPA, 0, IPA), COVERS_NOT, MISS_NONE);
    p.tlbi.scope = ARM_TLBI_ASID;
    expect(&r, p, COVERS_ALL, MISS_NONE);
    r.global = true;
    expect(&r, p, COVERS_NOT, MISS_ASID);
    expect(&r, tlbi(ARM_REGIME_EL20, ARM_TLBI_VA, 0, IPA), COVERS_ALL, MISS_NONE);
}

/* D8.7, "The Contiguous bit". */
static void test_a_group_is_as_large_as_granule_and_level_make_it(void **state)
{
    static const struct {
        uint8_t granule_bits;
        int8_t level;
        unsigned group;
    } rows[] = {{12, 0, 1},  {12, 1, 16},  {12, 2, 16}, {12, 3, 16}, {14, 1, 1},
                {14, 2, 32}, {14, 3, 128}, {16, 1, 1},  {16, 2, 32}, {16, 3, 32}};

    (void)state;
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct descriptor_place at = {
            .stage = 2, .level = rows[k].level, .granule_bits = rows[k].granule_bits};
        assert_int_equal(descriptor_group(&at), rows[k].group);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_tlbs_cannot_tell_apart_needs_a_break),
        cmocka_unit_test(test_feat_bbm_lets_sizes_change),
        cmocka_unit_test(test_blocks_are_valid_where_the_granule_has_them),
        cmocka_unit_test(test_stage_2_goes_by_ipa_and_then_by_vmid),
        cmocka_unit_test(test_stage_1_goes_by_regime_address_and_asid),
        cmocka_unit_test(test_a_group_is_as_large_as_granule_and_level_make_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
