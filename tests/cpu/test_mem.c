/* Loads and stores of a CPU: faults and their syndromes, alignment, page crossing, byte order,
 * exclusives, devices, ROM. */
#include <stdio.h>

#include "tests/cpu/mem_fixture.h"

static void test_mmu_off_is_device_memory(void **state)
{
    struct fixture *s = *state;
    uint64_t v = 0;

    assert_true(store(s, RAM_BASE + 0x5000, 8, 0, UINT64_C(0x1122334455667788)));
    assert_true(load(s, RAM_BASE + 0x5004, 4, 0, &v));
    assert_int_equal(v, 0x11223344);
    assert_false(load(s, RAM_BASE + 0x5001, 4, 0, &v));
    assert_abort(s, 2, ESR_EC_DABT_CUR, 0x21, RAM_BASE + 0x5001);
    assert_false(store(s, RAM_BASE + 0x5001, 8, 0, 0));
    assert_abort(s, 2, ESR_EC_DABT_CUR, 0x21 | BIT(6), RAM_BASE + 0x5001);
}

static void test_nothing_there_is_external_abort(void **state)
{
    struct fixture *s = *state;
    uint64_t v = 0;

    assert_false(load(s, 0x1000, 4, 0, &v));
    assert_abort(s, 2, ESR_EC_DABT_CUR, 0x10, 0x1000);
}

static void keep_line(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                      const char *line)
{
    (void)cat;
    assert_int_equal(level, ARM_LOG_GUEST);
    snprintf(ctx, 200, "%s", line);
}

/* What is accessed and from where, whatever does it: load, store, one half of either, a fetch, the
 * walk of a table. */
static void test_every_access_to_nothing_is_logged(void **state)
{
    struct fixture *s = *state;
    char line[200] = "";
    uint64_t v = 0;

    s->log =
        (struct arm_log){.sink = keep_line, .ctx = line, .level = {[ARM_LOG_CPU] = ARM_LOG_GUEST}};
    assert_false(load(s, 0x1000, 4, 0, &v));
    assert_string_equal(line, "cpu0: 0x40000000: read of 4 bytes at 0x1000: nothing is there");
    assert_false(store(s, 0x2008, 8, 0, 1));
    assert_string_equal(line, "cpu0: 0x40000000: write of 8 bytes at 0x2008: nothing is there");
    struct mmu_fault flt;
    assert_int_equal(cpu_fetch_page(s->cpu, 0x3004, &flt), FETCH_FAULT);
    assert_int_equal(flt.type, MMU_FAULT_EXTERNAL);
    assert_string_equal(line, "cpu0: 0x3004: instruction fetch at 0x3004: no RAM is there");

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL);
    map(s, TABLES, 0x11000, 0x5000 | D_NORMAL);
    write_ram(s, TABLES + 8 * 2, 0x7003); /* a level 2 table that is not in RAM */
    mmu_on(s, 1);
    assert_false(store(s, 0x10ffe, 8, 0, 1));
    assert_string_equal(line, "cpu0: 0x40000000: write of 6 bytes at 0x5000: nothing is there");
    assert_false(load(s, UINT64_C(0x80000040), 1, 0, &v));
    assert_string_equal(
        line, "cpu0: 0x40000000: table walk for 0x80000040: the level 2 table is not in RAM");
    line[0] = 0;
    assert_true(load(s, 0x10000, 8, 0, &v));
    assert_false(load(s, 0x20000, 8, 0, &v)); /* a translation fault is the guest's own affair */
    assert_string_equal(line, "");
}

static void test_device_accesses(void **state)
{
    struct fixture *s = *state;
    uint64_t v, q[2] = {0};

    assert_true(load(s, DEV_BASE + 8, 4, 0, &v));
    assert_int_equal(v, 0x1008);
    assert_int_equal(s->dev_accesses, 1);
    assert_true(store(s, DEV_BASE, 2, 0, 0xabcd1234));
    assert_int_equal(s->dev_value, 0x1234);
    assert_true(mem_load128(s->cpu, s->insn, DEV_BASE + 0x10, ACC_FP, q));
    assert_int_equal(q[0], 0x1010);
    assert_int_equal(q[1], 0x1018);
    assert_int_equal(s->dev_accesses, 4);
}

static void test_unaligned_and_crossing(void **state)
{
    struct fixture *s = *state;
    uint64_t v, target = RAM_BASE + 0x200000;

    map(s, TABLES, 0x10000, target | D_NORMAL);
    map(s, TABLES, 0x11000, (target + 0x8000) | D_NORMAL);
    mmu_on(s, 1);
    for (unsigned k = 1; k < 8; k++) {
        assert_true(store(s, 0x11000 - k, 8, 0, UINT64_C(0x0102030405060708) * k));
        assert_true(load(s, 0x11000 - k, 8, 0, &v));
        assert_int_equal(v, UINT64_C(0x0102030405060708) * k);
    }
    assert_int_equal(read_ram(s, target + 0x8000) & 0xff, (UINT64_C(0x0102030405060708) * 7) >> 56);
    s->cpu->sr[SR_SCTLR_EL1] |= BIT(1);
    cpu_context_changed(s->cpu);
    assert_true(load(s, 0x10008, 8, 0, &v));
    assert_false(load(s, 0x10001, 2, 0, &v));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x21, 0x10001);
}

static void test_store_across_into_a_fault_writes_nothing(void **state)
{
    struct fixture *s = *state;
    uint64_t target = RAM_BASE + 0x200000;

    map(s, TABLES, 0x10000, target | D_NORMAL);
    mmu_on(s, 1);
    assert_false(store(s, 0x10ffc, 8, 0, ~UINT64_C(0)));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x07 | BIT(6), 0x11000);
    assert_int_equal(read_ram(s, target + 0xff8), 0);
    assert_false(mem_probe(s->cpu, s->insn, 0x10ff8, 16, ACC_PAIR, true));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x07 | BIT(6), 0x11000);
}

static void test_permission_faults_and_unprivileged(void **state)
{
    struct fixture *s = *state;
    uint64_t v = 0;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL | D_RO);
    map(s, TABLES, 0x11000, (RAM_BASE + 0x201000) | D_NORMAL | D_USER);
    mmu_on(s, 1);
    assert_true(load(s, 0x10000, 8, 0, &v));
    assert_false(store(s, 0x10000, 8, 0, 0));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x0f | BIT(6), 0x10000);
    mmu_on(s, 1);
    assert_false(load(s, 0x10000, 8, ACC_UNPRIV, &v));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x0f, 0x10000);
    s->cpu->ps.pan = 1;
    cpu_context_changed(s->cpu);
    assert_true(store(s, 0x11000, 4, ACC_UNPRIV, 5));
    assert_false(store(s, 0x11000, 4, 0, 5));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x0f | BIT(6), 0x11000);
    mmu_on(s, 0);
    assert_true(load(s, 0x11000, 4, 0, &v));
    assert_int_equal(v, 5);
    assert_false(load(s, 0x10000, 4, 0, &v));
    assert_abort(s, 1, ESR_EC_DABT_LOW, 0x0f, 0x10000);
}

static void test_atomics_and_exclusives(void **state)
{
    struct fixture *s = *state;
    uint64_t v, q[2] = {0};
    bool pass;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL | D_RO);
    map(s, TABLES, 0x11000, (RAM_BASE + 0x201000) | D_NORMAL);
    mmu_on(s, 1);
    /* A read-modify-write: the read is allowed, the write is what faults. */
    assert_false(load(s, 0x10000, 8, ACC_ATOMIC | ACC_ALIGNED, &v) &&
                 store(s, 0x10000, 8, ACC_ATOMIC | ACC_ALIGNED, v));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x0f | BIT(6), 0x10000);
    assert_false(load(s, 0x12000, 8, ACC_ATOMIC | ACC_ALIGNED, &v));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x07, 0x12000);
    /* FEAT_LSE2: unaligned within 16 bytes. */
    assert_true(load(s, 0x11004, 8, ACC_ATOMIC | ACC_ALIGNED, &v));
    assert_false(load(s, 0x1100c, 8, ACC_ATOMIC | ACC_ALIGNED, &v));
    assert_abort(s, 1, ESR_EC_DABT_CUR, 0x21, 0x1100c);
    assert_false(load(s, 0x1100c, 8, ACC_ORDERED | ACC_ALIGNED, &v));
    s->cpu->sr[SR_SCTLR_EL1] |= BIT(6); /* nAA */
    cpu_context_changed(s->cpu);
    assert_true(load(s, 0x1100c, 8, ACC_ORDERED | ACC_ALIGNED, &v));
    assert_false(mem_load128(s->cpu, s->insn, 0x11008, ACC_EXCL | ACC_PAIR | ACC_ALIGNED, q));

    mmu_on(s, 1);
    assert_true(mem_excl_pass(s->cpu, s->insn, 0x11000, 8, &pass) && !pass);
    assert_true(mem_excl_set(s->cpu, s->insn, 0x11000, 8));
    assert_true(mem_excl_pass(s->cpu, s->insn, 0x11000, 8, &pass) && pass);
    assert_true(mem_excl_pass(s->cpu, s->insn, 0x11000, 8, &pass) && !pass);
    assert_true(mem_excl_set(s->cpu, s->insn, 0x11000, 8));
    assert_true(mem_excl_pass(s->cpu, s->insn, 0x11008, 8, &pass) && !pass);
}

static void test_big_endian_data(void **state)
{
    struct fixture *s = *state;
    uint64_t v, q[2] = {0};

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL);
    for (uint64_t a = TABLES; a < s->next + 4096; a += 8)
        write_ram(s, a, __builtin_bswap64(read_ram(s, a))); /* SCTLR.EE is of tables too */
    mmu_on(s, 1);
    s->cpu->sr[SR_SCTLR_EL1] |= BIT(25);
    cpu_context_changed(s->cpu);
    assert_true(store(s, 0x10000, 4, 0, 0x01020304));
    assert_int_equal(read_ram(s, RAM_BASE + 0x200000), 0x04030201);
    assert_true(load(s, 0x10000, 4, 0, &v));
    assert_int_equal(v, 0x01020304);
    assert_true(mem_load128(s->cpu, s->insn, 0x10000, ACC_FP, q));
    assert_int_equal(q[1], UINT64_C(0x0102030400000000));
}

static void test_stage2_abort_syndrome(void **state)
{
    struct fixture *s = *state;
    uint64_t v = 0;

    map(s, TABLES, 0x10000, UINT64_C(0x80003000) | D_NORMAL);
    s->next = S2TABLES;
    mmu_on(s, 1);
    stage2_on(s);
    assert_false(load(s, 0x10014, 4, ACC_SIGNED | ACC_64, &v));
    assert_abort(s, 2, ESR_EC_DABT_LOW, BIT(24) | 2 << 22 | BIT(21) | 7 << 16 | BIT(15) | 0x05,
                 0x10014);
    assert_int_equal(s->cpu->sr[SR_HPFAR_EL2], 0x80003 << 4);
    mmu_on(s, 1);
    s->cpu->sr[SR_HCR_EL2] |= 1;
    cpu_context_changed(s->cpu);
    assert_false(store(s, 0x10010, 8, ACC_PAIR | ACC_WB, 0));
    assert_abort(s, 2, ESR_EC_DABT_LOW, 0x05 | BIT(6), 0x10010);
}

static void test_stage1_walk_fault_at_stage2(void **state)
{
    struct fixture *s = *state;
    uint64_t v = 0;

    write_ram(s, TABLES, UINT64_C(0x80005000) | 3); /* a table that stage 2 does not map */
    s->next = S2TABLES;
    mmu_on(s, 0);
    stage2_on(s);
    assert_false(load(s, 0x8, 8, 0, &v));
    assert_abort(s, 2, ESR_EC_DABT_LOW, BIT(7) | 0x05, 0x8);
    assert_int_equal(s->cpu->sr[SR_HPFAR_EL2], 0x80005 << 4);
}

static void flush_tlb(void *ctx)
{
    tlb_flush_all(((struct fixture *)ctx)->cpu->tlb);
}

/* Flash memory: reads are RAM's, writes the device's; hidden, reads are the device's too, also
 * where they went straight to the ROM before. */
static void test_rom_in_front_of_a_device(void **state)
{
    struct fixture *s = *state;
    uint64_t v;

    assert_int_equal(physmem_add_rom(&s->mem, pa(0), 0x1000, &s->dev, NULL), 0);
    s->mem.remapped = flush_tlb;
    s->mem.remapped_ctx = s;
    memcpy(physmem_rom_changing(&s->mem, pa(0), 0, 8), "contents", 8);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(mem_load(s->cpu, s->insn, 0x4, 4, 0, &v));
        assert_int_equal(v, 0x73746e65);
    }
    assert_int_equal(s->dev_accesses, 0);
    assert_true(mem_store(s->cpu, s->insn, 0x8, 4, 0, 0x98));
    assert_int_equal(s->dev_value, 0x98);
    assert_true(mem_load(s->cpu, s->insn, 0x4, 4, 0, &v));
    assert_int_equal(v, 0x73746e65);
    physmem_hide_rom(&s->mem, pa(0), true);
    assert_true(mem_load(s->cpu, s->insn, 0x4, 4, 0, &v));
    assert_int_equal(v, 0x1004);
    assert_false(physmem_write(&s->mem, pa(0), &v, 4));
    physmem_hide_rom(&s->mem, pa(0), false);
    assert_true(mem_load(s->cpu, s->insn, 0x4, 4, 0, &v));
    assert_int_equal(v, 0x73746e65);
    assert_false(physmem_write(&s->mem, pa(0), &v, 4));
    assert_true(physmem_load(&s->mem, pa(0), "C", 1));
    assert_int_equal(*physmem_rom(&s->mem, pa(0)), 'C');
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_rom_in_front_of_a_device),
        T(test_mmu_off_is_device_memory),
        T(test_nothing_there_is_external_abort),
        T(test_every_access_to_nothing_is_logged),
        T(test_device_accesses),
        T(test_unaligned_and_crossing),
        T(test_store_across_into_a_fault_writes_nothing),
        T(test_permission_faults_and_unprivileged),
        T(test_atomics_and_exclusives),
        T(test_big_endian_data),
        T(test_stage2_abort_syndrome),
        T(test_stage1_walk_fault_at_stage2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
