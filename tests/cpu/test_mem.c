/* Loads, stores and fetches of a CPU: faults and their syndromes, alignment, page crossing,
 * devices, coherence with decoded code; AT, TLBI, DC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "arch/esr.h"
#include "base/device.h"
#include "cpu/abort.h"
#include "cpu/context.h"
#include "cpu/create.h"
#include "cpu/mem.h"
#include "cpu/reset.h"
#include "cpu/sysreg.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(16) << 20)
#define DEV_BASE UINT64_C(0x09000000)
#define TABLES   (RAM_BASE + 0x100000)
#define S2TABLES (RAM_BASE + 0x180000)
#define CODE_VA  UINT64_C(0x40000000)

#define D_AF     BIT(10)
#define D_NORMAL (BIT(2) | D_AF) /* MAIR index 1 */
#define D_USER   BIT(6)
#define D_RO     BIT(7)

struct fixture {
    struct cpu *cpu;
    struct physmem mem;
    struct clock clock;
    struct log log;
    struct probes probes;
    struct code_cache *code;
    struct features features;
    struct device dev;
    unsigned dev_accesses;
    uint64_t dev_value;
    struct insn insn[2];
    uint64_t next;
};

static uint64_t dev_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct fixture *s = (struct fixture *)((char *)dev - offsetof(struct fixture, dev));

    (void)size;
    s->dev_accesses++;
    return 0x1000 + offset;
}

static void dev_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct fixture *s = (struct fixture *)((char *)dev - offsetof(struct fixture, dev));

    (void)offset;
    (void)size;
    s->dev_accesses++;
    s->dev_value = value;
}

static const struct reg_row dev_rows[] = {
    {"ALL", 0, 0x1000, 15, dev_read, dev_write},
    {0},
};
static const struct device_ops dev_ops = {.name = "test", .regs = dev_rows};

static int setup(void **state)
{
    struct fixture *s = test_calloc(1, sizeof(*s));
    const struct cpu_model *model = cpu_model_find("max");

    s->features = cpu_model_features(model);
    s->code = code_cache_create();
    s->dev = (struct device){&dev_ops, &s->log};
    s->clock.next_ns = CLOCK_NEVER;
    assert_int_equal(physmem_add_ram(&s->mem, pa(RAM_BASE), RAM_SIZE, NULL), 0);
    assert_int_equal(physmem_add_device(&s->mem, pa(DEV_BASE), 0x1000, &s->dev, 0, NULL), 0);
    s->cpu = cpu_create(&(struct cpu_params){.model = model,
                                             .features = &s->features,
                                             .has_el2 = true,
                                             .code = s->code,
                                             .mem = &s->mem,
                                             .clock = &s->clock,
                                             .log = &s->log,
                                             .probes = &s->probes});
    assert_non_null(s->cpu);
    cpu_reset(s->cpu);
    s->cpu->page = s->insn;
    s->cpu->counted = s->insn;
    s->cpu->page_va = CODE_VA;
    s->insn[0].rd = 7;
    s->next = TABLES;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *s = *state;

    cpu_destroy(s->cpu);
    code_cache_destroy(s->code);
    physmem_destroy(&s->mem);
    test_free(s);
    return 0;
}

static uint64_t read_ram(struct fixture *s, uint64_t a)
{
    uint64_t v = 0;

    assert_true(physmem_read(&s->mem, pa(a), &v, 8));
    return v;
}

static void write_ram(struct fixture *s, uint64_t a, uint64_t v)
{
    assert_true(physmem_write(&s->mem, pa(a), &v, 8));
}

static void map(struct fixture *s, uint64_t root, uint64_t ia, uint64_t leaf)
{
    uint64_t table = root;

    for (unsigned lsb = 30; lsb > 12; lsb -= 9) { /* 39 bits: levels 1, 2 */
        uint64_t entry = table + bits(ia, lsb + 8, lsb) * 8;
        if (!read_ram(s, entry)) {
            s->next += 4096;
            write_ram(s, entry, s->next | 3);
        }
        table = read_ram(s, entry) & MASK(47, 12);
    }
    write_ram(s, table + bits(ia, 20, 12) * 8, leaf | 3);
}

/* EL1 (or EL0) with tables for 39 bits; one page of code. */
static void mmu_on(struct fixture *s, unsigned el)
{
    uint64_t *sr = s->cpu->sr;

    sr[SR_TTBR0_EL1] = TABLES;
    sr[SR_TCR_EL1] = 25 | BIT(23) | UINT64_C(2) << 32;
    sr[SR_MAIR_EL1] = 0xff00;
    sr[SR_SCTLR_EL1] = 1 | BIT(2) | BIT(12);
    sr[SR_HCR_EL2] = BIT(31);
    s->cpu->ps.el = (uint8_t)el;
    s->cpu->ps.pan = 0;
    cpu_context_changed(s->cpu);
}

static bool load(struct fixture *s, uint64_t va, unsigned size, unsigned acc, uint64_t *v)
{
    return mem_load(s->cpu, s->insn, va, size, acc, v);
}

static bool store(struct fixture *s, uint64_t va, unsigned size, unsigned acc, uint64_t v)
{
    return mem_store(s->cpu, s->insn, va, size, acc, v);
}

/* The abort just taken to EL1 or EL2. */
static void assert_abort(struct fixture *s, unsigned el, unsigned ec, uint64_t iss, uint64_t far)
{
    uint64_t esr_value = s->cpu->sr[el == 2 ? SR_ESR_EL2 : SR_ESR_EL1];

    assert_int_equal(s->cpu->ps.el, el);
    assert_int_equal(esr_value, esr(ec, iss));
    assert_int_equal(s->cpu->sr[el == 2 ? SR_FAR_EL2 : SR_FAR_EL1], far);
    assert_int_equal(s->cpu->sr[el == 2 ? SR_ELR_EL2 : SR_ELR_EL1], CODE_VA);
}

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

/* Stage 2 maps RAM by 2M at IPA 0x40000000 read-write except the page asked for. */
static void stage2_on(struct fixture *s)
{
    uint64_t *sr = s->cpu->sr;

    for (uint64_t a = RAM_BASE; a < RAM_BASE + 0x400000; a += 4096)
        map(s, S2TABLES, a, a | 0xff << 2 | D_AF | 3 << 6);
    sr[SR_VTCR_EL2] = 25 | BIT(6) | 2 << 16;
    sr[SR_VTTBR_EL2] = S2TABLES | UINT64_C(7) << 48;
    sr[SR_HCR_EL2] = BIT(31) | 1;
    cpu_context_changed(s->cpu);
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
        assert_int_equal(sr_op_TLBI(s->cpu, s->insn, ops[k], 0x10 | (range ? BIT(46) : 0)),
                         EXEC_NEXT);
        assert_true(load(s, 0x10000, 8, 0, &v));
        assert_int_equal(v, k);
    }
}

static void test_stores_into_code_are_seen(void **state)
{
    struct fixture *s = *state;
    uint64_t code = RAM_BASE + 0x200000;

    map(s, TABLES, 0x10000, code | D_NORMAL);
    mmu_on(s, 1);
    assert_true(store(s, 0x10000, 8, 0, UINT64_C(0xd503201fd503201f))); /* W entry in L1 */
    assert_true(cpu_fetch_page(s->cpu, 0x10004));
    struct insn *rec = (struct insn *)(uintptr_t)s->cpu->page;
    assert_int_equal(s->cpu->page_va, 0x10000);
    assert_int_equal(code_page_word(rec, 1), 0xd503201f);
    assert_int_equal(code_page_pa(rec), code);
    assert_null(mem_fast(s->cpu->bank->w, 0x10000, 8));
    for (unsigned k = 0; k < 4; k++)
        rec[k].fn = exec_page_end; /* as if decoded */
    assert_true(store(s, 0x10004, 4, 0, 1));
    assert_true(rec[0].fn == exec_page_end && rec[1].fn == exec_decode);
    assert_true(store(s, 0x1000a, 4, 0, 1)); /* touches two */
    assert_true(rec[2].fn == exec_decode && rec[3].fn == exec_decode);
    assert_null(mem_fast(s->cpu->bank->w, 0x10000, 8));
    /* A page that is only data by now becomes fast again, and is code again when fetched. */
    s->cpu->page = s->insn;
    for (unsigned k = 0; k < 200; k++)
        assert_true(store(s, 0x10000 + 8 * k, 8, 0, k));
    assert_non_null(mem_fast(s->cpu->bank->w, 0x10000, 8));
    assert_null(context_fetch_fast(s->cpu, 0x10000));
    assert_true(cpu_fetch_page(s->cpu, 0x10000));
    assert_null(mem_fast(s->cpu->bank->w, 0x10000, 8));
    assert_ptr_equal(s->cpu->page, rec);
}

static void test_fetch_aborts(void **state)
{
    struct fixture *s = *state;

    map(s, TABLES, 0x10000, (RAM_BASE + 0x200000) | D_NORMAL | D_USER | BIT(54));
    map(s, TABLES, 0x11000, UINT64_C(0x1000) | D_NORMAL);
    mmu_on(s, 0);
    assert_false(cpu_fetch_page(s->cpu, 0x10008));
    assert_int_equal(s->cpu->sr[SR_ESR_EL1], esr(ESR_EC_IABT_LOW, 0x0f));
    assert_int_equal(s->cpu->sr[SR_FAR_EL1], 0x10008);
    assert_int_equal(s->cpu->sr[SR_ELR_EL1], 0x10008);
    mmu_on(s, 1);
    assert_false(cpu_fetch_page(s->cpu, 0x11000));
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
    memcpy(physmem_rom(&s->mem, pa(0)), "contents", 8);
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
        T(test_device_accesses),
        T(test_unaligned_and_crossing),
        T(test_store_across_into_a_fault_writes_nothing),
        T(test_permission_faults_and_unprivileged),
        T(test_atomics_and_exclusives),
        T(test_big_endian_data),
        T(test_stage2_abort_syndrome),
        T(test_stage1_walk_fault_at_stage2),
        T(test_address_translation_instructions),
        T(test_tlbi_makes_a_new_mapping_seen),
        T(test_stores_into_code_are_seen),
        T(test_fetch_aborts),
        T(test_cache_maintenance),
        T(test_contexts_return_to_their_banks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
