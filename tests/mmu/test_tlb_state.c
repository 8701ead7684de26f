/* A TLB comes back with everything that it held, in memory that lies elsewhere. */
#include <string.h>

#include "base/state_io.h"
#include "mmu/tlb_internal.h"
#include "tests/mmu/fixture.h"
#include "tests/random.h"

#define PAGES    64
#define CONTEXTS 12

/* What stands for decoded pages: the address of their number. */
struct code {
    uint64_t pa[PAGES];
};

static uint64_t pa_of(void *page)
{
    return *(const uint64_t *)page;
}

static void *page_at(void *ctx, uint64_t pa)
{
    struct code *code = ctx;

    return pa - RAM_BASE < PAGES * PAGE_SIZE ? &code->pa[(pa - RAM_BASE) / PAGE_SIZE] : NULL;
}

struct machine {
    struct physmem mem;
    struct code code;
    struct tlb_code names;
    struct tlb *tlb;
};

static void make(struct machine *m)
{
    struct arm_error err;

    *m = (struct machine){.names = {pa_of, page_at, &m->code}, .tlb = tlb_create(false)};
    assert_non_null(m->tlb);
    assert_int_equal(physmem_add_ram(&m->mem, pa(RAM_BASE), PAGES * PAGE_SIZE, &err), 0);
    for (unsigned n = 0; n < PAGES; n++)
        m->code.pa[n] = RAM_BASE + n * PAGE_SIZE;
}

static void unmake(struct machine *m)
{
    tlb_destroy(m->tlb);
    physmem_destroy(&m->mem);
}

static struct xlat context(struct fixture *s, struct machine *m, unsigned n)
{
    struct xlat x;

    s->rg.id = n % 3 == 2 ? REGIME_EL20 : REGIME_EL10;
    s->rg.tcr = 16 | 16 << 16 | UINT64_C(5) << 32 | (n & 4 ? BIT(37) : 0);
    s->rg.ttbr0 = (uint64_t)(n / 2) << 48;
    s->rg.vttbr = (uint64_t)(n % 2) << 48;
    xlat_init(&x, &s->rg);
    tlb_config(m->tlb, &x, 0);
    return x;
}

static void insert(struct machine *m, const struct xlat *x, uint64_t *seed)
{
    static const uint8_t shifts[] = {12, 12, 12, 16, 21, 30};
    uint64_t va_ = (random_next(seed) % 5000) << PAGE_SHIFT, page = random_next(seed) % PAGES;
    uint8_t shift = shifts[random_next(seed) % 6];
    struct translation t = {.pa = RAM_BASE + page * PAGE_SIZE,
                            .page_shift = shift,
                            .s1_shift = shift,
                            .s2_shift = 63,
                            .perms = (uint8_t)(random_next(seed) % 128),
                            .attr = 0xff,
                            .guarded = random_next(seed) & 1,
                            .ng = random_next(seed) & 1};
    struct tlb_bank *b = tlb_bank(m->tlb, x, random_next(seed) & 1, random_next(seed) & 1);
    struct ram_bank *ram = &m->mem.banks[0];

    tlb_insert(m->tlb, x, va_, &t);
    tlb_l1_insert(b, va_, &t, ram->host + page * PAGE_SIZE, random_next(seed) % 4,
                  random_next(seed) & 1, random_next(seed) & 1 ? TLB_L1_ALIGNED : 0);
    tlb_x_insert(b, va_, &t, &m->code.pa[page]);
    tlb_s2_insert(m->tlb, x,
                  &(struct tlb_s2_entry){.ipa = va_, .pa = t.pa, .shift = shift, .level = 2});
    tlb_walk_insert(m->tlb, x, &x->s1[0], va_, t.pa, 3, 0);
}

static void invalidate(struct machine *m, const struct xlat *x, uint64_t *seed)
{
    uint64_t va_ = (random_next(seed) % 5000) << PAGE_SHIFT;
    enum tlbi_scope scope = (enum tlbi_scope)(random_next(seed) % (TLBI_IPA + 1));

    if (random_next(seed) % 8)
        scope = TLBI_VA;
    tlb_invalidate(m->tlb, &(struct tlbi){.scope = scope,
                                          .regime = x->rg.id,
                                          .vmid = x->vmid,
                                          .asid = x->asid,
                                          .start = va_,
                                          .end = va_ + PAGE_SIZE});
}

static void act(struct fixture *s, struct machine *m, uint64_t *seed, unsigned times)
{
    while (times--) {
        struct xlat x = context(s, m, (unsigned)(random_next(seed) % CONTEXTS));
        if (random_next(seed) % 50 == 0)
            invalidate(m, &x, seed);
        else
            insert(m, &x, seed);
    }
}

static struct state_io saved(struct machine *m)
{
    struct state_io io;

    state_io_save(&io);
    tlb_state(&io, m->tlb, &m->mem, &m->names);
    assert_int_equal(io.error.code, 0);
    return io;
}

static void assert_same(struct machine *a, struct machine *b)
{
    struct state_io io = saved(a), cmp;

    state_io_compare(&cmp, io.out, io.len);
    tlb_state(&cmp, b->tlb, &b->mem, &b->names);
    assert_string_equal(cmp.error.text, "");
    state_io_destroy(&io);
}

static void restore(struct machine *m, const struct state_io *from)
{
    struct state_io io;

    state_io_restore(&io, from->out, from->len);
    tlb_state(&io, m->tlb, &m->mem, &m->names);
    assert_string_equal(io.error.text, "");
}

/* What was restored acts as what was saved, for ever. */
static void test_a_restored_tlb_goes_on_as_the_other_does(void **state)
{
    struct fixture *s = *state;
    struct machine a, b;
    uint64_t seed = test_seed(3);

    make(&a);
    make(&b);
    act(s, &b, &seed, 3000); /* what it held must not matter */
    for (unsigned round = 0; round < 10; round++) {
        act(s, &a, &seed, 2000);
        struct state_io io = saved(&a);
        restore(&b, &io);
        state_io_destroy(&io);
        assert_same(&a, &b);
        uint64_t same = seed;
        act(s, &a, &seed, 500);
        act(s, &b, &same, 500);
        assert_same(&a, &b);
    }
    unmake(&a);
    unmake(&b);
}

static void test_entries_for_stores_know_what_a_snapshot_shares(void **state)
{
    struct fixture *s = *state;
    struct machine m;
    struct ram_contents c;
    struct arm_error err;
    struct translation t = {.pa = RAM_BASE, .page_shift = 12, .s1_shift = 12, .perms = 127};

    make(&m);
    struct xlat x = context(s, &m, 0);
    struct tlb_bank *b = tlb_bank(m.tlb, &x, true, false);
    tlb_l1_insert(b, 0x5000, &t, m.mem.banks[0].host, true, true, 0);
    assert_int_equal(b->w[5].tag, 0x5000);
    ram_changing(&m.mem.banks[0], 0);
    assert_int_equal(physmem_take(&m.mem, false, &c, &err), 0);
    tlb_share_writes(m.tlb);
    assert_int_equal(b->w[5].tag, 0x5000 | TLB_L1_SHARED);
    assert_int_equal(b->r[5].tag, 0x5000);
    tlb_l1_drop_writes(m.tlb, m.mem.banks[0].host);
    assert_int_equal(b->w[5].tag, TLB_L1_EMPTY);
    ram_contents_destroy(&c);
    unmake(&m);
}

/* Each byte in turn is another one: it is refused, or it is a TLB that can be used. */
static void test_no_saved_tlb_can_do_harm(void **state)
{
    struct fixture *s = *state;
    struct machine a, b;
    uint64_t seed = test_seed(4);

    make(&a);
    make(&b);
    act(s, &a, &seed, 40);
    struct state_io io = saved(&a);
    for (unsigned round = 0; round < 4000; round++) {
        size_t at = random_next(&seed) % io.len;
        uint8_t was = io.out[at];
        struct state_io r;
        io.out[at] = (uint8_t)random_next(&seed);
        state_io_restore(&r, io.out, io.len);
        tlb_state(&r, b.tlb, &b.mem, &b.names);
        if (!state_failed(&r))
            act(s, &b, &seed, 3);
        io.out[at] = was;
    }
    state_io_destroy(&io);
    unmake(&a);
    unmake(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_restored_tlb_goes_on_as_the_other_does, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_entries_for_stores_know_what_a_snapshot_shares, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_no_saved_tlb_can_do_harm, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
