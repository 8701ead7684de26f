/* The TLB alone: what each TLBI drops and what it spares. */
#include "tests/mmu/fixture.h"
#include "tests/random.h"

#define ASID(n) ((uint64_t)(n) << 48)
#define TCR_A1  BIT(22)
#define TCR_AS  BIT(36)

static uint8_t page[4096];

static int setup_tlb(void **state)
{
    setup(state);
    struct fixture *s = *state;

    s->tlb = tlb_create(false);
    assert_non_null(s->tlb);
    s->rg.tcr = 16 | 16 << 16 | TCR_AS | UINT64_C(5) << 32;
    return 0;
}

/* The context of @id, @asid, @vmid. */
static struct xlat context(struct fixture *s, enum regime_id id, unsigned asid, unsigned vmid)
{
    struct xlat x;

    s->rg.id = id;
    s->rg.ttbr0 = ASID(asid);
    s->rg.vttbr = ASID(vmid & 0xff);
    if (id == REGIME_EL2)
        s->rg.tcr &= ~TCR_AS;
    xlat_init(&x, &s->rg);
    tlb_config(s->tlb, &x, 0);
    s->rg.tcr |= TCR_AS;
    return x;
}

static struct translation leaf(unsigned shift, bool ng)
{
    return (struct translation){.pa = RAM_BASE,
                                .page_shift = (uint8_t)shift,
                                .s1_shift = (uint8_t)shift,
                                .s2_shift = 63,
                                .perms = PERM_PR | PERM_PW | PERM_UR | PERM_UW,
                                .attr = 0xff,
                                .ng = ng};
}

/* Enter @va in L2 and in the bank for EL0 or EL1 accesses. */
static void enter(struct fixture *s, const struct xlat *x, uint64_t va_, unsigned shift, bool ng,
                  bool priv)
{
    struct translation t = leaf(shift, ng);

    tlb_insert(s->tlb, x, va_, &t);
    tlb_l1_insert(tlb_bank(s->tlb, x, priv, false), va_, &t, page, true, true, 0);
    tlb_x_insert(tlb_bank(s->tlb, x, priv, false), va_, &t, page);
}

static bool in_l2(struct fixture *s, const struct xlat *x, uint64_t va_)
{
    struct translation t;

    return tlb_lookup(s->tlb, x, va_, &priv_read, &t);
}

static bool in_l1(struct fixture *s, const struct xlat *x, uint64_t va_, bool priv)
{
    const struct tlb_bank *b = tlb_bank(s->tlb, x, priv, false);
    unsigned n = (va_ >> PAGE_SHIFT) & (TLB_L1_SIZE - 1);
    bool r = b->r[n].tag == (va_ & ~PAGE_MASK), w = b->w[n].tag == (va_ & ~PAGE_MASK);
    bool fetch = b->x[n & (TLB_X_SIZE - 1)].tag == (va_ & ~PAGE_MASK);

    assert_int_equal(r, w);
    assert_int_equal(r, fetch);
    return r;
}

static void invalidate(struct fixture *s, struct tlbi op)
{
    tlb_invalidate(s->tlb, &op);
}

static struct tlbi va_op(uint64_t va_, unsigned asid)
{
    return (struct tlbi){.scope = TLBI_VA,
                         .regime = REGIME_EL10,
                         .asid = (uint16_t)asid,
                         .start = va_,
                         .end = va_ + PAGE_SIZE};
}

static void test_bank_is_found_again_and_differs_by_context(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 0), b = context(s, REGIME_EL10, 2, 0);
    struct xlat v = context(s, REGIME_EL10, 1, 7), e = context(s, REGIME_EL20, 1, 0);
    struct tlb_bank *bank = tlb_bank(s->tlb, &a, false, false);

    assert_ptr_equal(tlb_bank(s->tlb, &a, false, false), bank);
    assert_ptr_not_equal(tlb_bank(s->tlb, &b, false, false), bank);
    assert_ptr_not_equal(tlb_bank(s->tlb, &v, false, false), bank);
    assert_ptr_not_equal(tlb_bank(s->tlb, &e, false, false), bank);
    assert_ptr_not_equal(tlb_bank(s->tlb, &a, true, false), bank);
    assert_ptr_not_equal(tlb_bank(s->tlb, &a, true, true), tlb_bank(s->tlb, &a, true, false));
    assert_ptr_equal(tlb_bank(s->tlb, &a, true, false), tlb_bank(s->tlb, &b, true, false));
}

static void test_banks_are_reused_empty(void **state)
{
    struct fixture *s = *state;
    struct xlat x = context(s, REGIME_EL10, 0, 0);
    uint32_t serial = tlb_bank(s->tlb, &x, false, false)->serial;

    enter(s, &x, 0x5000, 12, true, false);
    for (unsigned asid = 1; asid <= TLB_BANKS; asid++) {
        struct xlat other = context(s, REGIME_EL10, asid, 0);
        assert_false(in_l1(s, &other, 0x5000, false));
    }
    assert_false(in_l1(s, &x, 0x5000, false));
    assert_int_not_equal(tlb_bank(s->tlb, &x, false, false)->serial, serial);
    assert_true(in_l2(s, &x, 0x5000));
}

static void test_privileged_bank_drops_ng_entries_with_the_asid(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 0), b = context(s, REGIME_EL10, 2, 0);

    enter(s, &a, 0x5000, 12, true, true);
    enter(s, &a, 0x6000, 12, false, true);
    assert_true(in_l1(s, &a, 0x5000, true));
    assert_false(in_l1(s, &b, 0x5000, true));
    assert_true(in_l1(s, &b, 0x6000, true));
    for (unsigned k = 0; k <= TLB_LISTED; k++) /* more than the list holds */
        enter(s, &b, 0x10000 + k * PAGE_SIZE, 12, true, true);
    assert_true(in_l1(s, &b, 0x10000, true));
    for (unsigned k = 0; k <= TLB_LISTED; k++)
        assert_false(in_l1(s, &a, 0x10000 + k * PAGE_SIZE, true));
}

static void test_a_privileged_bank_without_global_entries_is_one_of_each_asid(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 0), b = context(s, REGIME_EL10, 2, 0);

    for (unsigned k = 0; k <= TLB_LISTED; k++)
        enter(s, &a, 0x10000 + k * PAGE_SIZE, 12, true, true);
    assert_false(in_l1(s, &b, 0x10000, true)); /* the first change of ASID tells */
    enter(s, &b, 0x5000, 12, true, true);
    enter(s, &a, 0x6000, 12, true, true);
    assert_true(in_l1(s, &b, 0x5000, true));
    assert_false(in_l1(s, &b, 0x6000, true));
    assert_true(in_l1(s, &a, 0x6000, true));
    assert_false(in_l1(s, &a, 0x5000, true));
    tlb_invalidate(s->tlb, &(struct tlbi){.scope = TLBI_ASID, .regime = REGIME_EL10, .asid = 1});
    assert_false(in_l1(s, &a, 0x6000, true));
    assert_true(in_l1(s, &b, 0x5000, true));
}

/* Whether the bank can list what it holds or not. */
static void test_a_wide_tlbi_empties_a_bank_of_few_pages_and_of_many(void **state)
{
    struct fixture *s = *state;
    struct xlat x = context(s, REGIME_EL10, 1, 0);
    const struct tlbi op = {.scope = TLBI_VMID, .regime = REGIME_EL10};

    for (unsigned pages = 1; pages <= TLB_LISTED + 2; pages++) {
        for (unsigned k = 0; k < pages; k++)
            enter(s, &x, 0x10000 + k * PAGE_SIZE, 12, false, false);
        struct tlb_bank *bank = tlb_bank(s->tlb, &x, false, false);
        tlb_x_insert(bank, 0x5000, &(struct translation){.s1_shift = 12}, s);
        tlb_invalidate(s->tlb, &op);
        for (unsigned k = 0; k < pages; k++)
            assert_false(in_l1(s, &x, 0x10000 + k * PAGE_SIZE, false));
        assert_int_equal(bank->x[5].tag, TLB_X_EMPTY);
    }
}

static void test_tags_keep_contexts_apart(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 3), b = context(s, REGIME_EL10, 2, 3);
    struct xlat v = context(s, REGIME_EL10, 1, 4), h = context(s, REGIME_EL20, 1, 0);

    enter(s, &a, 0x5000, 12, true, false);
    enter(s, &a, 0x6000, 12, false, false);
    assert_true(in_l2(s, &a, 0x5000) && in_l2(s, &a, 0x6000));
    assert_false(in_l2(s, &b, 0x5000));
    assert_true(in_l2(s, &b, 0x6000)); /* global */
    assert_false(in_l2(s, &v, 0x5000) || in_l2(s, &v, 0x6000));
    assert_false(in_l2(s, &h, 0x5000) || in_l2(s, &h, 0x6000));
}

static void test_tlbi_va(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 0), b = context(s, REGIME_EL10, 2, 0);

    enter(s, &a, 0x5000, 12, true, false);
    enter(s, &a, 0x6000, 12, true, false);
    enter(s, &b, 0x5000, 12, true, false);
    enter(s, &a, 0x7000, 12, false, true);
    invalidate(s, va_op(0x5000, 1));
    assert_false(in_l2(s, &a, 0x5000) || in_l1(s, &a, 0x5000, false));
    assert_true(in_l2(s, &a, 0x6000) && in_l1(s, &a, 0x6000, false));
    assert_true(in_l2(s, &b, 0x5000)); /* of another ASID */
    invalidate(s, va_op(0x7000, 9));   /* global: whatever the ASID */
    assert_false(in_l2(s, &a, 0x7000) || in_l1(s, &a, 0x7000, true));
}

static void test_tlbi_vaa(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 0), b = context(s, REGIME_EL10, 2, 0);
    struct tlbi op = va_op(0x5000, 0);

    enter(s, &a, 0x5000, 12, true, false);
    enter(s, &b, 0x5000, 12, true, false);
    op.scope = TLBI_VAA;
    invalidate(s, op);
    assert_false(in_l2(s, &a, 0x5000) || in_l2(s, &b, 0x5000));
    assert_false(in_l1(s, &a, 0x5000, false) || in_l1(s, &b, 0x5000, false));
}

static void test_tlbi_va_inside_a_large_page(void **state)
{
    struct fixture *s = *state;
    struct xlat x = context(s, REGIME_EL10, 1, 0);

    static const unsigned shifts[] = {14, 16, 21, 25, 29, 30};
    for (unsigned k = 0; k < ARRAY_SIZE(shifts); k++) {
        uint64_t base = BIT(40), last = base + BIT(shifts[k]) - PAGE_SIZE;
        enter(s, &x, base, shifts[k], true, false);
        enter(s, &x, BIT(41), 12, true, false);
        invalidate(s, va_op(last, 1));
        assert_false(in_l2(s, &x, base) || in_l1(s, &x, base, false));
        assert_true(in_l2(s, &x, BIT(41)));
    }
}

/* A 2M page of stage 1 that stage 2 maps by 4K: one TLBI drops every piece. */
static void test_tlbi_va_of_a_page_in_pieces(void **state)
{
    struct fixture *s = *state;
    struct xlat x = context(s, REGIME_EL10, 1, 5);
    struct translation t = leaf(21, true);

    t.page_shift = t.s2_shift = 12;
    for (unsigned k = 0; k < 512; k += 37)
        tlb_insert(s->tlb, &x, BIT(40) + k * PAGE_SIZE, &t);
    struct tlbi op = va_op(BIT(40) + 0x123000, 1);
    op.vmid = 5;
    invalidate(s, op);
    for (unsigned k = 0; k < 512; k += 37)
        assert_false(in_l2(s, &x, BIT(40) + k * PAGE_SIZE));
}

static void test_tlbi_asid_spares_globals_and_others(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 0), b = context(s, REGIME_EL10, 2, 0);

    enter(s, &a, 0x5000, 12, true, false);
    enter(s, &a, 0x6000, 12, false, true);
    enter(s, &b, 0x5000, 12, true, false);
    invalidate(s, (struct tlbi){.scope = TLBI_ASID, .regime = REGIME_EL10, .asid = 1});
    assert_false(in_l2(s, &a, 0x5000) || in_l1(s, &a, 0x5000, false));
    assert_true(in_l2(s, &a, 0x6000) && in_l1(s, &a, 0x6000, true));
    assert_true(in_l2(s, &b, 0x5000) && in_l1(s, &b, 0x5000, false));
}

static void test_tlbi_vmall_and_all(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 3), b = context(s, REGIME_EL10, 1, 4);
    struct xlat h = context(s, REGIME_EL2, 0, 0);

    enter(s, &a, 0x5000, 12, false, true);
    enter(s, &b, 0x5000, 12, true, false);
    enter(s, &h, 0x5000, 12, false, true);
    invalidate(s, (struct tlbi){.scope = TLBI_VMID, .regime = REGIME_EL10, .vmid = 3});
    assert_false(in_l2(s, &a, 0x5000) || in_l1(s, &a, 0x5000, true));
    assert_true(in_l2(s, &b, 0x5000) && in_l1(s, &b, 0x5000, false));
    invalidate(s, (struct tlbi){.scope = TLBI_REGIME, .regime = REGIME_EL10, .stage2 = true});
    assert_false(in_l2(s, &b, 0x5000) || in_l1(s, &b, 0x5000, false));
    assert_true(in_l2(s, &h, 0x5000) && in_l1(s, &h, 0x5000, true));
    invalidate(s, (struct tlbi){.scope = TLBI_REGIME, .regime = REGIME_EL2});
    assert_false(in_l2(s, &h, 0x5000) || in_l1(s, &h, 0x5000, true));
}

static void test_tlbi_range(void **state)
{
    struct fixture *s = *state;
    struct xlat x = context(s, REGIME_EL10, 1, 0);

    static const unsigned lengths[] = {1, 3, 512, 513, 100000};
    for (unsigned k = 0; k < ARRAY_SIZE(lengths); k++) {
        uint64_t base = BIT(32), end = base + lengths[k] * PAGE_SIZE;
        enter(s, &x, base - PAGE_SIZE, 12, true, false);
        enter(s, &x, end, 12, true, false);
        enter(s, &x, end - PAGE_SIZE, 12, true, false);
        enter(s, &x, base, 12, true, false);
        struct tlbi op = va_op(base, 1);
        op.end = end;
        invalidate(s, op);
        assert_false(in_l2(s, &x, base) || in_l1(s, &x, base, false));
        assert_false(in_l2(s, &x, end - PAGE_SIZE) || in_l1(s, &x, end - PAGE_SIZE, false));
        assert_true(in_l2(s, &x, base - PAGE_SIZE) && in_l2(s, &x, end));
    }
    enter(s, &x, ~PAGE_MASK, 12, true, false); /* the very last page */
    struct tlbi op = va_op(~PAGE_MASK, 1);
    invalidate(s, op);
    assert_false(in_l2(s, &x, ~PAGE_MASK) || in_l1(s, &x, ~PAGE_MASK, false));
}

static void test_stage2_and_walk_entries(void **state)
{
    struct fixture *s = *state;
    struct xlat x = context(s, REGIME_EL10, 1, 3), y = context(s, REGIME_EL10, 1, 4);
    struct tlb_s2_entry e = {.ipa = 0x80000000, .pa = RAM_BASE, .shift = 21, .perms = PERM_PR};
    uint64_t table;
    uint8_t attrs;
    int level;

    tlb_s2_insert(s->tlb, &x, &e);
    assert_non_null(tlb_s2_lookup(s->tlb, &x, 0x80000123));
    assert_null(tlb_s2_lookup(s->tlb, &y, 0x80000123));
    assert_null(tlb_s2_lookup(s->tlb, &x, 0x80001000));
    struct tlbi op = {.scope = TLBI_IPA, .vmid = 4, .start = 0x801ff000, .end = 0x80200000};
    invalidate(s, op);
    assert_non_null(tlb_s2_lookup(s->tlb, &x, 0x80000123));
    op.vmid = 3; /* the last 4K of the 2M block */
    invalidate(s, op);
    assert_null(tlb_s2_lookup(s->tlb, &x, 0x80000123));

    e.shift = 12; /* pages are found by index, a block elsewhere or not */
    e.ipa = 0x90001000;
    tlb_s2_insert(s->tlb, &x, &e);
    op.start = 0x90000000, op.end = 0x90001000;
    invalidate(s, op);
    assert_non_null(tlb_s2_lookup(s->tlb, &x, 0x90001000));
    op.end = 0x90002000;
    invalidate(s, op);
    assert_null(tlb_s2_lookup(s->tlb, &x, 0x90001000));

    tlb_walk_insert(s->tlb, &x, &x.s1[0], 0x40000000, 0x1000, 3, 0);
    assert_true(tlb_walk_lookup(s->tlb, &x, &x.s1[0], 0x401ff000, &table, &level, &attrs));
    assert_false(tlb_walk_lookup(s->tlb, &x, &x.s1[0], 0x40200000, &table, &level, &attrs));
    op = va_op(0x40000000, 1);
    op.vmid = 3;
    op.last_level = true;
    invalidate(s, op);
    assert_true(tlb_walk_lookup(s->tlb, &x, &x.s1[0], 0x40000000, &table, &level, &attrs));
    op.last_level = false;
    invalidate(s, op);
    assert_false(tlb_walk_lookup(s->tlb, &x, &x.s1[0], 0x40000000, &table, &level, &attrs));
}

static void test_drop_writes_finds_every_alias(void **state)
{
    struct fixture *s = *state;
    struct xlat a = context(s, REGIME_EL10, 1, 0), b = context(s, REGIME_EL20, 1, 0);
    struct translation t = leaf(12, false);
    static uint8_t other[4096];

    tlb_l1_insert(tlb_bank(s->tlb, &a, true, false), 0x5000, &t, page, true, true, 0);
    tlb_l1_insert(tlb_bank(s->tlb, &b, true, false), 0x9000, &t, page, true, true, TLB_L1_ALIGNED);
    tlb_l1_insert(tlb_bank(s->tlb, &b, true, false), 0xa000, &t, other, true, true, 0);
    tlb_l1_drop_writes(s->tlb, page);
    assert_int_equal(tlb_bank(s->tlb, &a, true, false)->r[5].tag, 0x5000);
    assert_int_equal(tlb_bank(s->tlb, &a, true, false)->w[5].tag, TLB_L1_EMPTY);
    assert_int_equal(tlb_bank(s->tlb, &b, true, false)->w[9].tag, TLB_L1_EMPTY);
    assert_int_equal(tlb_bank(s->tlb, &b, true, false)->w[10].tag, 0xa000);
}

static void test_running_out_of_configurations_flushes(void **state)
{
    struct fixture *s = *state;
    struct xlat x = context(s, REGIME_EL10, 1, 0);

    enter(s, &x, 0x5000, 12, false, true);
    for (unsigned k = 0; k < 3 * TLB_CONFIGS; k++) {
        s->rg.mair = k;
        struct xlat y = context(s, REGIME_EL10, 1, 0);
        assert_true(y.config < TLB_CONFIGS);
        assert_false(in_l2(s, &y, 0x5000) || in_l1(s, &y, 0x5000, true));
    }
}

/* What a random test entered, in L2 and in one bank. */
struct entered {
    struct xlat x;
    uint64_t va;
    unsigned shift;
    bool ng, priv, live; /* live: no TLBI has named it */
};

/* Kinds of entry of a bank. */
enum side { SIDE_R, SIDE_W, SIDE_X, SIDE_COUNT };

static bool in_side(struct fixture *s, const struct entered *e, enum side side)
{
    const struct tlb_bank *b = tlb_bank(s->tlb, &e->x, e->priv, false);
    unsigned n = e->va >> PAGE_SHIFT;
    const uint64_t tags[SIDE_COUNT] = {b->r[n & (TLB_L1_SIZE - 1)].tag,
                                       b->w[n & (TLB_L1_SIZE - 1)].tag,
                                       b->x[n & (TLB_X_SIZE - 1)].tag};

    return tags[side] == e->va;
}

static bool named_by(const struct entered *e, const struct tlbi *op)
{
    if (e->x.rg.id != op->regime)
        return false;
    if (op->scope == TLBI_REGIME)
        return true;
    if (e->x.vmid != op->vmid)
        return false;
    if (op->scope == TLBI_ASID)
        return e->ng && e->x.asid == op->asid;
    if (op->scope == TLBI_VA && e->ng && e->x.asid != op->asid)
        return false;
    return op->scope == TLBI_VMID || (e->va < op->end && e->va + BIT(e->shift) > op->start);
}

/* May @a be found because of @b? In a bank only the page itself of @b is. */
static bool covers(const struct entered *b, const struct entered *a, bool in_bank)
{
    return b->live && b->x.config == a->x.config && b->x.vmid == a->x.vmid &&
           (!b->ng || b->x.asid == a->x.asid) &&
           (in_bank ? b->va == a->va && b->priv == a->priv : (b->va ^ a->va) >> b->shift == 0);
}

/* What is found must be covered by a live entry. Returns how many live ones were found in a bank.
 * @only: of the entries of this ASID, so that looking does not itself change a bank's ASID. */
static unsigned check_list(struct fixture *s, const struct entered *list, unsigned count,
                           const struct xlat *only)
{
    unsigned found = 0;

    for (unsigned k = 0; k < count; k++) {
        if (only && (list[k].x.config != only->config || list[k].x.asid != only->asid))
            continue;
        bool l2 = in_l2(s, &list[k].x, list[k].va), l1 = false;
        for (enum side side = 0; side < SIDE_COUNT; side++)
            l1 |= in_side(s, &list[k], side);
        if (list[k].live) {
            found += l1;
            continue;
        }
        for (unsigned m = 0; m < count && (l1 || l2); m++) {
            l2 &= !covers(&list[m], &list[k], false);
            l1 &= !covers(&list[m], &list[k], true);
        }
        assert_false(l2);
        assert_false(l1);
    }
    return found;
}

/* Random operations against a list: nothing that a TLBI names may be found afterwards. */
static void test_random_operations_against_a_list(void **state)
{
    struct fixture *s = *state;
    enum { N = 2048 };
    static struct entered list[N];
    static const unsigned shifts[] = {12, 12, 12, 14, 16, 21};
    uint64_t rng = test_seed(7);
    unsigned found = 0;

    for (unsigned n = 0; n < N; n++) {
        bool host = random_next(&rng) & 1;
        unsigned shift = shifts[random_next(&rng) % ARRAY_SIZE(shifts)];
        struct xlat x = context(s, host ? REGIME_EL20 : REGIME_EL10, random_next(&rng) % 4,
                                host ? 0 : random_next(&rng) % 2);
        uint64_t va_ = random_next(&rng) % 1024 << PAGE_SHIFT & ~MASK(shift - 1, 0);

        list[n] =
            (struct entered){x, va_, shift, random_next(&rng) & 1, random_next(&rng) & 1, true};
        enter(s, &x, va_, shift, list[n].ng, list[n].priv);
        if (n % 8)
            continue;
        struct tlbi op = {.scope = (enum tlbi_scope)(random_next(&rng) % TLBI_IPA),
                          .regime = x.rg.id,
                          .vmid = x.vmid,
                          .asid = random_next(&rng) % 4,
                          .start = va_ & ~MASK(13, 0)};
        op.end = op.start + (random_next(&rng) % 8 + 1) * PAGE_SIZE;
        invalidate(s, op);
        for (unsigned k = 0; k <= n; k++)
            list[k].live &= !named_by(&list[k], &op);
        found += check_list(s, list, n + 1, &x);
    }
    found += check_list(s, list, N, NULL);
    assert_true(found > 100); /* what is always empty holds nothing stale either */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_tlb, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_bank_is_found_again_and_differs_by_context),
        T(test_banks_are_reused_empty),
        T(test_privileged_bank_drops_ng_entries_with_the_asid),
        T(test_a_privileged_bank_without_global_entries_is_one_of_each_asid),
        T(test_a_wide_tlbi_empties_a_bank_of_few_pages_and_of_many),
        T(test_tags_keep_contexts_apart),
        T(test_tlbi_va),
        T(test_tlbi_vaa),
        T(test_tlbi_va_inside_a_large_page),
        T(test_tlbi_va_of_a_page_in_pieces),
        T(test_tlbi_asid_spares_globals_and_others),
        T(test_tlbi_vmall_and_all),
        T(test_tlbi_range),
        T(test_stage2_and_walk_entries),
        T(test_drop_writes_finds_every_alias),
        T(test_running_out_of_configurations_flushes),
        T(test_random_operations_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
