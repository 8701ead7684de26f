/* What a TLB would hold an entry of: pages and blocks, whose they are, and which TLBI ends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bits.h"
#include "model/mapping.h"

#define RAM    UINT64_C(0x40000000)
#define TABLES (RAM + 0x400000)
#define BLOCK  UINT64_C(0x705) /* AF, inner shareable, AttrIndx 1 */
#define PAGE   UINT64_C(0x707)
#define NG     UINT64_C(0x800)

static void put(struct arm_machine *m, uint64_t table, unsigned index, uint64_t descriptor)
{
    assert_true(arm_mem_write(m, table + 8 * index, &descriptor, sizeof(descriptor)));
}

static void set(struct arm_machine *m, const char *name, uint64_t value)
{
    if (!arm_reg_write(m, 0, name, value))
        fail_msg("%s", name);
}

/* Tables of three levels at @tables (39 bits): RAM's first 2 MiB in pages, the next as a block,
 * both with @bits set. */
static void make_tables(struct arm_machine *m, uint64_t tables, uint64_t page, uint64_t block)
{
    put(m, tables, 1, (tables + 0x1000) | 3);
    put(m, tables + 0x1000, 0, (tables + 0x2000) | 3);
    put(m, tables + 0x1000, 1, (RAM + 0x200000) | block);
    put(m, tables + 0x1000, 2, (RAM + 0x400000) | block);
    for (unsigned k = 0; k < 512; k++)
        put(m, tables + 0x2000, k, (RAM + 0x1000 * k) | page);
}

static struct arm_machine *machine(void)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpus = 1,
                                      .ram_size = UINT64_C(16) << 20,
                                      .el2 = true,
                                      .blobs = &(struct arm_blob){.addr = RAM, .cpu = 0},
                                      .blob_count = 1};
    struct arm_error err = {0};
    struct arm_machine *m = arm_machine_new(&config, &err);

    if (!m)
        fail_msg("%s", err.text);
    return m;
}

static void turn_el2_on(struct arm_machine *m)
{
    make_tables(m, TABLES, PAGE, BLOCK);
    set(m, "MAIR_EL2", 0xff00);
    set(m, "TCR_EL2", UINT64_C(0x80803500) | 25);
    set(m, "TTBR0_EL2", TABLES);
    set(m, "SCTLR_EL2", UINT64_C(0x30c51835) | 1 | 4 | 1 << 12);
}

/* EL1's stage 1 with pages that are not global, with @asid. */
static void turn_el1_on(struct arm_machine *m, uint64_t asid)
{
    make_tables(m, TABLES + 0x10000, PAGE | NG, BLOCK);
    set(m, "MAIR_EL1", 0xff00);
    set(m, "TCR_EL1", UINT64_C(0x500803500) | 25 | 1 << 23);
    set(m, "TTBR0_EL1", (TABLES + 0x10000) | asid << 48);
    set(m, "SCTLR_EL1", UINT64_C(0x30d01805) | 1 | 4 | 1 << 12);
}

static const struct mapping *at(struct mappings *ms, unsigned el, uint64_t va)
{
    return mappings_find(ms, 0, el, va, ARM_ACCESS_READ);
}

static void test_a_page_and_a_block_are_one_entry_each(void **state)
{
    (void)state;
    struct arm_machine *m = machine();

    turn_el2_on(m);
    struct mappings *ms = mappings_new(m);
    const struct mapping *page = at(ms, 2, RAM + 0x1000), *block = at(ms, 2, RAM + 0x200000);
    assert_ptr_equal(at(ms, 2, RAM + 0x1ff8), page);
    assert_ptr_not_equal(at(ms, 2, RAM + 0x2000), page);
    assert_ptr_equal(at(ms, 2, RAM + 0x3ff000), block);
    assert_true(page->cached && block->cached);
    assert_int_equal(page->step_count, 3);
    assert_int_equal(block->step_count, 2);
    for (unsigned k = 0; k < 3; k++) {
        assert_int_equal(page->steps[k].leaf, k == 2);
        assert_int_equal(page->steps[k].stage, 1);
    }
    assert_int_equal(page->steps[2].pa, TABLES + 0x2000 + 8);
    mappings_free(ms);
    arm_machine_free(m);
}

static void test_with_the_mmu_off_there_is_nothing_to_walk_and_data_is_not_cached(void **state)
{
    (void)state;
    struct arm_machine *m = machine();
    struct mappings *ms = mappings_new(m);
    const struct mapping *all = at(ms, 2, RAM);

    assert_ptr_equal(at(ms, 2, RAM + 0x800000), all);
    assert_int_equal(all->step_count, 0);
    assert_false(all->cached);
    set(m, "SCTLR_EL2", UINT64_C(0x30c50830) | 1 << 12);
    mappings_changed(ms, 0);
    assert_true(mappings_find(ms, 0, 2, RAM, ARM_ACCESS_EXECUTE)->cached);
    assert_false(at(ms, 2, RAM)->cached);
    mappings_free(ms);
    arm_machine_free(m);
}

static void test_pages_that_are_not_global_belong_to_an_asid(void **state)
{
    (void)state;
    struct arm_machine *m = machine();

    turn_el1_on(m, 5);
    struct mappings *ms = mappings_new(m);
    uint32_t page = at(ms, 1, RAM)->id, block = at(ms, 1, RAM + 0x200000)->id;
    set(m, "TTBR0_EL1", (TABLES + 0x10000) | UINT64_C(6) << 48);
    mappings_changed(ms, 0);
    assert_int_not_equal(at(ms, 1, RAM)->id, page);
    assert_int_equal(at(ms, 1, RAM + 0x200000)->id, block);
    set(m, "TTBR0_EL1", (TABLES + 0x10000) | UINT64_C(5) << 48);
    mappings_changed(ms, 0);
    assert_int_equal(at(ms, 1, RAM)->id, page);
    mappings_free(ms);
    arm_machine_free(m);
}

static void invalidate(struct mappings *ms, unsigned regime, unsigned scope, uint16_t asid,
                       uint64_t start, uint64_t end)
{
    const struct arm_event e = {.kind = ARM_EVENT_TLBI,
                                .tlbi = {.regime = (uint8_t)regime,
                                         .scope = (uint8_t)scope,
                                         .asid = asid,
                                         .start = start,
                                         .end = end}};
    mappings_invalidate(ms, &e);
}

static void test_a_tlbi_ends_what_it_names_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        unsigned regime, scope;
        uint16_t asid;
        uint64_t start, end;
        bool page, block, el2; /* ended */
    } tlbis[] = {
        {ARM_REGIME_EL10, ARM_TLBI_VA, 5, RAM, RAM + 0x1000, true, false, false},
        {ARM_REGIME_EL10, ARM_TLBI_VA, 6, RAM, RAM + 0x1000, false, false, false},
        {ARM_REGIME_EL10, ARM_TLBI_VAA, 0, RAM, RAM + 0x1000, true, false, false},
        {ARM_REGIME_EL10, ARM_TLBI_VA, 9, RAM + 0x3ff000, RAM + 0x400000, false, true, false},
        {ARM_REGIME_EL10, ARM_TLBI_ASID, 5, 0, 0, true, false, false},
        {ARM_REGIME_EL10, ARM_TLBI_REGIME, 0, 0, 0, true, true, false},
        {ARM_REGIME_EL2, ARM_TLBI_REGIME, 0, 0, 0, false, false, true},
        {ARM_REGIME_EL2, ARM_TLBI_VA, 0, RAM, RAM + 0x1000, false, false, true},
    };
    struct arm_machine *m = machine();

    turn_el2_on(m);
    turn_el1_on(m, 5);
    struct mappings *ms = mappings_new(m);
    for (size_t k = 0; k < ARRAY_SIZE(tlbis); k++) {
        uint32_t page = at(ms, 1, RAM)->id, block = at(ms, 1, RAM + 0x200000)->id;
        uint32_t el2 = at(ms, 2, RAM)->id;
        invalidate(ms, tlbis[k].regime, tlbis[k].scope, tlbis[k].asid, tlbis[k].start,
                   tlbis[k].end);
        assert_int_equal(at(ms, 1, RAM)->id != page, tlbis[k].page);
        assert_int_equal(at(ms, 1, RAM + 0x200000)->id != block, tlbis[k].block);
        assert_int_equal(at(ms, 2, RAM)->id != el2, tlbis[k].el2);
    }
    mappings_free(ms);
    arm_machine_free(m);
}

/* Stage 2 as stage 1's tables are: AF, inner shareable, read and write, Normal write-back. */
#define S2 UINT64_C(0x7fc)

static void test_both_stages_are_walked_in_groups(void **state)
{
    (void)state;
    struct arm_machine *m = machine();

    make_tables(m, TABLES + 0x20000, S2 | 3, S2 | 1);
    turn_el1_on(m, 5);
    set(m, "VTTBR_EL2", (TABLES + 0x20000) | UINT64_C(3) << 48);
    set(m, "VTCR_EL2", UINT64_C(0x80023540) | 25); /* 39 bits, from level 1 */
    set(m, "HCR_EL2", UINT64_C(1) << 31 | 1);
    struct mappings *ms = mappings_new(m);
    const struct mapping *page = at(ms, 1, RAM);
    /* A stage-1 table is in a block of stage 2: two descriptors each; the page itself has three. */
    assert_int_equal(page->step_count, 3 * (2 + 1) + 3);
    for (unsigned k = 0; k < 9; k++) {
        assert_int_equal(page->steps[k].stage, k % 3 == 2 ? 1 : 2);
        assert_int_equal(page->steps[k].leaf, k % 3 == 1 || k == 8);
    }
    assert_true(page->steps[11].leaf && !page->steps[10].leaf && !page->steps[9].leaf);
    assert_true(page->cached);
    uint32_t id = page->id;
    invalidate(ms, ARM_REGIME_EL10, ARM_TLBI_VMID, 0, 0, 0); /* of VMID 0 */
    assert_int_equal(at(ms, 1, RAM)->id, id);
    mappings_free(ms);
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_and_a_block_are_one_entry_each),
        cmocka_unit_test(test_with_the_mmu_off_there_is_nothing_to_walk_and_data_is_not_cached),
        cmocka_unit_test(test_pages_that_are_not_global_belong_to_an_asid),
        cmocka_unit_test(test_a_tlbi_ends_what_it_names_and_nothing_else),
        cmocka_unit_test(test_both_stages_are_walked_in_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
