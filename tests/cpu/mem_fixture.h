/* A CPU with RAM, one device and tables written by hand, for the tests of its
 * accesses to memory. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/cpu_models.h"
#include "arch/esr.h"
#include "base/device.h"
#include "cpu/abort.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/create.h"
#include "cpu/exception.h"
#include "cpu/fetch.h"
#include "cpu/interp_plain.h"
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
    struct arm_log log;
    struct probes probes;
    struct code_cache *code;
    struct features features;
    struct device dev;
    unsigned dev_accesses;
    uint64_t dev_value;
    struct insn insn[2];
    uint64_t next;
};

static inline uint64_t dev_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct fixture *s = (struct fixture *)((char *)dev - offsetof(struct fixture, dev));

    (void)size;
    s->dev_accesses++;
    return 0x1000 + offset;
}

static inline void dev_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
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

static inline int setup(void **state)
{
    struct fixture *s = test_calloc(1, sizeof(*s));
    const struct cpu_model *model = cpu_model_find("max");

    s->features = cpu_model_features(model);
    s->code = code_cache_create(&interp_engine);
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

static inline int teardown(void **state)
{
    struct fixture *s = *state;

    cpu_destroy(s->cpu);
    code_cache_destroy(s->code);
    physmem_destroy(&s->mem);
    test_free(s);
    return 0;
}

static inline uint64_t read_ram(struct fixture *s, uint64_t a)
{
    uint64_t v = 0;

    assert_true(physmem_read(&s->mem, pa(a), &v, 8));
    return v;
}

static inline void write_ram(struct fixture *s, uint64_t a, uint64_t v)
{
    assert_true(physmem_write(&s->mem, pa(a), &v, 8));
}

static inline void map(struct fixture *s, uint64_t root, uint64_t ia, uint64_t leaf)
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
static inline void mmu_on(struct fixture *s, unsigned el)
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

static inline bool load(struct fixture *s, uint64_t va, unsigned size, unsigned acc, uint64_t *v)
{
    return mem_load(s->cpu, s->insn, va, size, acc, v);
}

static inline bool store(struct fixture *s, uint64_t va, unsigned size, unsigned acc, uint64_t v)
{
    return mem_store(s->cpu, s->insn, va, size, acc, v);
}

/* The abort just raised, which nobody has taken yet, is for EL1 or EL2: take it. */
static inline void assert_abort(struct fixture *s, unsigned el, unsigned ec, uint64_t iss,
                                uint64_t far)
{
    assert_int_equal(s->cpu->raised.target_el, el);
    exec_take_raised(s->cpu, s->insn);
    assert_int_equal(s->cpu->ps.el, el);
    assert_int_equal(s->cpu->sr[el == 2 ? SR_ESR_EL2 : SR_ESR_EL1], esr(ec, iss));
    assert_int_equal(s->cpu->sr[el == 2 ? SR_FAR_EL2 : SR_FAR_EL1], far);
    assert_int_equal(s->cpu->sr[el == 2 ? SR_ELR_EL2 : SR_ELR_EL1], CODE_VA);
}

/* Stage 2 maps RAM by 2M at IPA 0x40000000 read-write except the page asked for. */
static inline void stage2_on(struct fixture *s)
{
    uint64_t *sr = s->cpu->sr;

    for (uint64_t a = RAM_BASE; a < RAM_BASE + 0x400000; a += 4096)
        map(s, S2TABLES, a, a | 0xff << 2 | D_AF | 3 << 6);
    sr[SR_VTCR_EL2] = 25 | BIT(6) | 2 << 16;
    sr[SR_VTTBR_EL2] = S2TABLES | UINT64_C(7) << 48;
    sr[SR_HCR_EL2] = BIT(31) | 1;
    cpu_context_changed(s->cpu);
}
