/* Stage-2 tables of a guest of PAGES pages, and what an access finds in them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hyp/cpu.h"
#include "hyp/fake.h"
#include "hyp/opts.h"
#include "hyp/s2_desc.h"
#include "hyp/s2_fault.h"
#include "hyp/s2_free.h"
#include "hyp/s2_ops.h"
#include "tests/hyp/fake_core.h"
#include "tests/random.h"

#define PAGES 2048u
#define RAM   UINT64_C(0x40000000)
#define PA    UINT64_C(0x80000000)

static struct stage2 s;
static uint64_t page;
static bool no_ram;

static inline bool resolve(struct s2_fault *f)
{
    uint64_t step = level_step(f->s, 2);

    if (no_ram || f->ipa < RAM || f->ipa - RAM >= PAGES * page)
        return false;
    f->pa = PA + align_down(f->ipa - RAM, page);
    f->level = !opts.pages && align_down(f->ipa, step) + step <= RAM + PAGES * page ? 2 : 3;
    f->attributes = stage2_attributes(S2_RAM);
    return true;
}

static inline enum s2_step fault(unsigned n, bool write, bool mapped)
{
    return s2_handle(&(struct s2_fault){
        .s = &s, .ipa = RAM + n * page, .write = write, .mapped = mapped, .resolve = resolve});
}

static inline void begin(unsigned granule, bool parallel, bool contiguous)
{
    fake_reset();
    opts.granule = granule;
    opts.s2_contiguous = contiguous;
    assert_true(s2_mode_set(parallel));
    stage2_init(&s);
    fake.sr[SR_VTTBR_EL2] = stage2_load(&s);
    page = UINT64_C(1) << s.page_log2;
}

static inline int setup(void **state)
{
    (void)state;
    begin(OPT_granule_4k, true, false);
    no_ram = false;
    return 0;
}

/* The entry that translates a page; NULL if there is none. */
static inline uint64_t *entry_at(unsigned n, unsigned *level)
{
    uint64_t *table = s.root;

    for (*level = s.start_level;; (*level)++) {
        uint64_t *e = entry_of(&s, table, *level, RAM + n * page);

        assert_false(is_frozen(*e));
        if (!is_table(*e, *level))
            return is_leaf(*e, *level) ? e : NULL;
        table = next_table(*e);
    }
}

static inline uint64_t desc_at(unsigned n)
{
    unsigned level;
    uint64_t *e = entry_at(n, &level);

    return e ? *e : 0;
}

/* What a walk of the hardware does to an access; false: a fault. */
static inline bool walk(unsigned n, bool write)
{
    unsigned level;
    uint64_t *e = entry_at(n, &level);

    if (!e || !(*e & DESC_AF))
        return false;
    return !write || *e & DESC_WRITE;
}

/* A guest's access: as many faults as it takes, which are few. */
static inline void touch(unsigned n, bool write)
{
    for (unsigned tries = 0; !walk(n, write); tries++) {
        assert_in_range(tries, 0, 2);
        assert_int_equal(fault(n, write, desc_at(n) != 0), S2_DONE);
    }
}

/* Contiguous groups are whole and alike; everything that is mapped is where it should be. */
static inline void check_tree(void)
{
    unsigned group = contiguous_pages(&s);

    for (unsigned n = 0; n < PAGES; n++) {
        uint64_t pa, desc = desc_at(n);
        enum stage2_kind kind;

        if (!desc)
            continue;
        assert_true(stage2_lookup(&s, RAM + n * page, &pa, &kind));
        assert_int_equal(pa, PA + n * page);
        assert_int_equal(kind, S2_RAM);
        for (unsigned k = n - n % group; desc & DESC_CONTIGUOUS && k < n - n % group + group; k++)
            assert_int_equal(desc_at(k) & DESC_ATTRIBUTES & ~DESC_AF,
                             desc & DESC_ATTRIBUTES & ~DESC_AF);
    }
}
