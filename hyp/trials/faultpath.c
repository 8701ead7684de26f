/*
 * The handlers of stage-2 faults by themselves (hyp/s2_fault.h): in each layout, with each way to
 * choose, in the mode of hyp.s2_fault, FAULTS pages that have their tables; then ranges are taken
 * away. Each is a marked stretch (hyp/mark.h) for `armillary lab tdp`. What a handler must leave
 * behind is looked at: the mapping, the lock, interrupts.
 */
#include "hyp/cpu.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/mark.h"
#include "hyp/opts.h"
#include "hyp/s2_desc.h"
#include "hyp/s2_fault.h"

#define FAULTS 64u
#define BASE   UINT64_C(0x80000000)
#define PAGE   UINT64_C(4096)

/* Keys of stretches. */
#define KEY_FAULT(layout, choice) (8 + 4 * (layout) + (choice))
#define KEY_ZAP(n)                (32 + (n))
#define WARM                      64 /* added to it while code comes into its caches */

static bool find(struct s2_fault *f)
{
    f->pa = f->ipa;
    f->level = 3;
    f->attributes = stage2_attributes(S2_RAM);
    return true;
}

static enum s2_step fault(struct stage2 *s, unsigned page)
{
    struct s2_fault f = {.s = s, .ipa = BASE + page * PAGE, .write = true, .resolve = find};

    return s2_handle(&f);
}

static bool is_mapped(struct stage2 *s, unsigned page)
{
    enum stage2_kind kind;
    uint64_t pa;

    return stage2_lookup(s, BASE + page * PAGE, &pa, &kind) && pa == BASE + page * PAGE &&
           kind == S2_RAM;
}

/* Nobody holds the lock, nobody is in the tables, interrupts are as they were. */
static bool is_at_rest(const struct stage2 *s, uint64_t daif)
{
    return s->lock.next == s->lock.owner && !s->lock.readers && !this_cpu()->s2_epoch &&
           mrs(DAIF) == daif;
}

static bool handlers(struct stage2 *s, unsigned layout, unsigned choice, unsigned warm)
{
    uint64_t daif = mrs(DAIF);
    bool ok = fault(s, 0) == S2_DONE; /* the tables */

    opts.s2_layout = layout;
    opts.s2_choice = choice;
    ok &= fault(s, 1) == S2_DONE;
    mark_begin(KEY_FAULT(layout, choice) + warm);
    for (unsigned n = 2; n < 2 + FAULTS; n++)
        ok &= fault(s, n) == S2_DONE;
    mark_end();
    ok &= is_at_rest(s, daif);
    for (unsigned n = 0; n < 2 + FAULTS; n++)
        ok &= is_mapped(s, n);
    stage2_unmap(s, BASE, 512 * PAGE);
    for (unsigned n = 0; n < 2 + FAULTS; n++)
        ok &= !is_mapped(s, n);
    /* What is stale must be found: then nothing is mapped, and the guest tries again. */
    s->changing++;
    ok &= fault(s, 3) == S2_AGAIN && !is_mapped(s, 3) && is_at_rest(s, daif);
    s->changing--;
    /* A new table, from the budget or not. */
    ok &= fault(s, 600 + 512 * (layout * 3 + choice)) == S2_DONE &&
          is_mapped(s, 600 + 512 * (layout * 3 + choice)) && is_at_rest(s, daif);
    return ok;
}

/* Of a table of pages: one, sixteen, all, which takes the table out. */
static void zap(struct stage2 *s)
{
    static const unsigned pages[] = {1, 16, 512};

    for (unsigned k = 0; k < ARRAY_SIZE(pages); k++) {
        for (unsigned n = 0; n < 512; n++)
            fault(s, n);
        mark_begin(KEY_ZAP(k));
        stage2_unmap(s, BASE, pages[k] * PAGE);
        mark_end();
    }
}

/* hyp.passes=1: the options' layout and choice; 2: both layouts, with a key; else all. */
static bool is_wanted(unsigned layout, unsigned choice, const struct opts *wanted)
{
    return wanted->passes == 1   ? layout == wanted->s2_layout && choice == wanted->s2_choice
           : wanted->passes == 2 ? choice == OPT_s2_choice_key
                                 : true;
}

void hyp_main(const struct fdt *tree)
{
    static struct stage2 s;
    struct opts wanted = opts;
    bool ok = true;

    (void)tree;
    stage2_init(&s);
    stage2_load(&s);
    for (unsigned round = opts.passes == 1; round < 2; round++)
        for (unsigned l = 0; l < 2; l++)
            for (unsigned c = 0; c < 3; c++)
                if (is_wanted(l, c, &wanted))
                    ok &= handlers(&s, l, c, round ? 0 : WARM);
    if (wanted.passes > 2)
        zap(&s);
    print("faultpath: %s faults=%u parallel=%u\n", ok ? "ok" : "FAIL", FAULTS, s2_is_parallel());
    hyp_power_off();
}
