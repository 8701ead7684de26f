/* Guest memory, a regime, and tables written by hand for the tests of the MMU. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "mmu/regime_bits.h"
#include "mmu/tlb.h"
#include "mmu/walk.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(64) << 20)

/* Descriptor bits. */
#define D_TABLE   3
#define D_BLOCK   1
#define D_PAGE    3
#define D_AF      BIT(10)
#define D_USER    BIT(6)
#define D_RO      BIT(7)
#define D_NG      BIT(11)
#define D_DBM     BIT(51)
#define D_PXN     BIT(53)
#define D_UXN     BIT(54)
#define D_ATTR(n) ((uint64_t)(n) << 2)
#define S2_R      BIT(6)
#define S2_W      BIT(7)
#define S2_NORMAL ((uint64_t)0xf << 2)

/* MAIR used everywhere: 0 Device-nGnRE, 1 Normal NC, 2 Normal WB. */
#define MAIR_TEST UINT64_C(0xff4404)

struct fixture {
    struct physmem mem;
    struct features features;
    struct regime rg;
    struct xlat x;
    struct tlb *tlb; /* NULL: translate without caches */
    uint64_t next;   /* free RAM */
    struct translation t;
    struct mmu_fault f;
};

static inline int setup(void **state)
{
    struct fixture *s = test_calloc(1, sizeof(*s));

    assert_int_equal(physmem_add_ram(&s->mem, pa(RAM_BASE), RAM_SIZE, NULL), 0);
    for (enum feature f = 0; f < FEAT_COUNT; f++)
        set_feature(&s->features, f, true);
    s->rg = (struct regime){
        .id = REGIME_EL10,
        .sctlr = SCTLR_M | SCTLR_C | SCTLR_I,
        .mair = MAIR_TEST,
        .features = &s->features,
        .pa_bits = 48,
    };
    s->next = RAM_BASE + (1 << 20);
    *state = s;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *s = *state;

    tlb_destroy(s->tlb);
    physmem_destroy(&s->mem);
    test_free(s);
    return 0;
}

/* Zeroed RAM, aligned to its size. */
static inline uint64_t alloc(struct fixture *s, uint64_t size)
{
    uint64_t a = align_up(s->next, size);

    assert_true(a + size <= RAM_BASE + RAM_SIZE);
    s->next = a + size;
    return a;
}

static inline void put(struct fixture *s, uint64_t table, unsigned index, uint64_t desc)
{
    assert_true(physmem_write(&s->mem, pa(table + index * 8), &desc, 8));
}

static inline uint64_t get(struct fixture *s, uint64_t table, unsigned index)
{
    uint64_t desc;

    assert_true(physmem_read(&s->mem, pa(table + index * 8), &desc, 8));
    return desc;
}

/* Make s->x of s->rg. */
static inline void ready(struct fixture *s)
{
    xlat_init(&s->x, &s->rg);
    if (s->tlb)
        tlb_config(s->tlb, &s->x, 0);
}

static inline bool translate(struct fixture *s, uint64_t va_, struct mmu_access a)
{
    return mmu_translate(&s->x, &s->mem, s->tlb, va(va_), &a, &s->t, &s->f);
}

static const struct mmu_access priv_read = {.kind = MMU_READ, .priv = true};
static const struct mmu_access priv_write = {.kind = MMU_WRITE, .priv = true};
static const struct mmu_access priv_exec = {.kind = MMU_EXEC, .priv = true};
static const struct mmu_access user_read = {.kind = MMU_READ};
static const struct mmu_access user_write = {.kind = MMU_WRITE};
static const struct mmu_access user_exec = {.kind = MMU_EXEC};

#define assert_maps(s, va_, acc, pa_)                                                              \
    do {                                                                                           \
        assert_true(translate((s), (va_), (acc)));                                                 \
        assert_int_equal((s)->t.pa, (pa_));                                                        \
    } while (0)

#define assert_fault(s, va_, acc, type_, level_)                                                   \
    do {                                                                                           \
        assert_false(translate((s), (va_), (acc)));                                                \
        assert_int_equal((s)->f.type, (type_));                                                    \
        assert_int_equal((s)->f.level, (level_));                                                  \
    } while (0)

/*
 * Map @ia at @level with the leaf bits @leaf (address added), building tables from @root, whose
 * first lookup is at @start; @ia_bits is the input size. Returns the address of the leaf
 * descriptor.
 */
static inline uint64_t map(struct fixture *s, uint64_t root, int start, unsigned granule,
                           unsigned ia_bits, uint64_t ia, int level, uint64_t leaf)
{
    unsigned stride = granule - 3, msb = ia_bits - 1;
    uint64_t table = root;

    for (int l = start;; l++) {
        unsigned lsb = (unsigned)(3 - l) * stride + granule;
        unsigned index = (unsigned)bits(ia, msb, lsb);

        if (l == level) {
            put(s, table, index, leaf);
            return table + index * 8;
        }
        uint64_t d = get(s, table, index);
        if (!(d & 1)) {
            d = alloc(s, BIT(granule)) | D_TABLE;
            put(s, table, index, d);
        }
        table = d & MASK(47, granule);
        msb = lsb - 1;
    }
}
