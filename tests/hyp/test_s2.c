/* Stage-2 faults and what else changes the tables, against a model of pages: one after the other in
 * random order, and two at once with the second at each compare-and-swap of the first. */
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

static bool resolve(struct s2_fault *f)
{
    uint64_t step = level_step(f->s, 2);

    if (no_ram || f->ipa < RAM || f->ipa - RAM >= PAGES * page)
        return false;
    f->pa = PA + align_down(f->ipa - RAM, page);
    f->level = !opts.pages && align_down(f->ipa, step) + step <= RAM + PAGES * page ? 2 : 3;
    f->attributes = stage2_attributes(S2_RAM);
    return true;
}

static enum s2_step fault(unsigned n, bool write, bool mapped)
{
    return s2_handle(&(struct s2_fault){
        .s = &s, .ipa = RAM + n * page, .write = write, .mapped = mapped, .resolve = resolve});
}

static void begin(unsigned granule, bool parallel, bool contiguous)
{
    fake_reset();
    opts.granule = granule;
    opts.s2_contiguous = contiguous;
    assert_true(s2_mode_set(parallel));
    stage2_init(&s);
    fake.sr[SR_VTTBR_EL2] = stage2_load(&s);
    page = UINT64_C(1) << s.page_log2;
}

static int setup(void **state)
{
    (void)state;
    begin(OPT_granule_4k, true, false);
    no_ram = false;
    return 0;
}

/* The entry that translates a page; NULL if there is none. */
static uint64_t *entry_at(unsigned n, unsigned *level)
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

static uint64_t desc_at(unsigned n)
{
    unsigned level;
    uint64_t *e = entry_at(n, &level);

    return e ? *e : 0;
}

/* What a walk of the hardware does to an access; false: a fault. */
static bool walk(unsigned n, bool write)
{
    unsigned level;
    uint64_t *e = entry_at(n, &level);

    if (!e || !(*e & DESC_AF))
        return false;
    return !write || *e & DESC_WRITE;
}

/* A guest's access: as many faults as it takes, which are few. */
static void touch(unsigned n, bool write)
{
    for (unsigned tries = 0; !walk(n, write); tries++) {
        assert_in_range(tries, 0, 2);
        assert_int_equal(fault(n, write, desc_at(n) != 0), S2_DONE);
    }
}

/* Contiguous groups are whole and alike; everything that is mapped is where it should be. */
static void check_tree(void)
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

static struct {
    bool logging, dirty[PAGES];
} model;

static void take_log(unsigned first, unsigned n)
{
    uint64_t got = s2_log_take(&s, RAM + first * page, n);

    for (unsigned k = 0; k < n; k++) {
        assert_int_equal(got >> k & 1, model.logging && model.dirty[first + k]);
        model.dirty[first + k] = false;
    }
}

static void toggle_log(void)
{
    if (model.logging)
        s2_log_stop(&s);
    else
        assert_true(s2_log_start(&s, RAM, PAGES * page));
    memset(model.dirty, 0, sizeof(model.dirty));
    model.logging = !model.logging;
}

static void zap(unsigned first, unsigned n)
{
    stage2_unmap(&s, RAM + first * page, n * page);
    for (unsigned k = first; k < first + n; k++)
        assert_int_equal(desc_at(k), 0);
}

static void age(unsigned first, unsigned n)
{
    s2_age(&s, RAM + first * page, n * page);
    for (unsigned k = first; k < first + n; k++)
        assert_int_equal(desc_at(k) & DESC_AF, 0);
    assert_int_equal(s2_age(&s, RAM + first * page, n * page), 0);
}

static void random_step(uint64_t random)
{
    unsigned n = 1 + (unsigned)bits(random, 15, 0) % (bit(random, 16) ? 700 : 9);
    unsigned first = (unsigned)bits(random, 31, 20) % (PAGES - n);
    bool write = bit(random, 17);

    switch (bits(random, 63, 56) % 16) {
    case 0:
        zap(first, n);
        break;
    case 1:
        age(first, n);
        break;
    case 2:
        toggle_log();
        break;
    case 3:
        take_log(first, n % 64 + 1 > PAGES - first ? 1 : n % 64 + 1);
        break;
    case 4:
        s2_collapse_range(&s, align_down(RAM + first * page, level_step(&s, 2)), level_step(&s, 2));
        break;
    default:
        for (unsigned k = first; k < first + (n > 40 ? 40 : n); k++) {
            touch(k, write);
            model.dirty[k] |= write;
        }
    }
}

static void test_faults_logs_ageing_and_zaps_agree_with_a_model_of_pages(void **state)
{
    static const unsigned granules[] = {OPT_granule_4k, OPT_granule_16k, OPT_granule_64k};
    uint64_t seed = test_seed(11);

    (void)state;
    for (unsigned variant = 0; variant < 3 * 2 * 2 * 2 * 6; variant++) {
        begin(granules[variant % 3], variant / 3 % 2, variant / 6 % 2);
        opts.pages = variant / 12 % 2;
        opts.s2_layout = variant / 24 % 2;
        opts.s2_choice = variant / 48 % 3;
        memset(&model, 0, sizeof(model));
        for (unsigned k = 0; k < 60; k++) {
            random_step(random_next(&seed));
            if (k % 10 == 9)
                check_tree();
        }
    }
    assert_int_equal(s2_waiting(), 0);
}

/* Two at once. An operation is tried once in the middle of the other. */
static struct s2_walk shared = {&s, true, NULL};

struct operation {
    const char *name;
    enum s2_step (*run)(void);
};

static enum s2_step map_page(void)
{
    return s2_map(&shared, RAM + 5 * page, PA + 5 * page, 3, stage2_attributes(S2_RAM), false);
}

static enum s2_step map_group(void)
{
    return s2_map(&shared, RAM + 7 * page, PA + 7 * page, 3, stage2_attributes(S2_RAM), true);
}

static enum s2_step map_block(void)
{
    return s2_map(&shared, RAM, PA, 2, stage2_attributes(S2_RAM), false);
}

static enum s2_step allow_read(void)
{
    return s2_allow(&shared, RAM + 5 * page, false);
}

static enum s2_step allow_write(void)
{
    return s2_allow(&shared, RAM + 5 * page, true);
}

static enum s2_step zap_page(void)
{
    return s2_zap(&shared, RAM + 5 * page, page);
}

static enum s2_step zap_some(void)
{
    return s2_zap(&shared, RAM + 3 * page, 9 * page);
}

static enum s2_step zap_block(void)
{
    return s2_zap(&shared, RAM, level_step(&s, 2));
}

static enum s2_step protect(void)
{
    return s2_clear(&shared, RAM, 20 * page, DESC_WRITE, NULL, NULL);
}

static enum s2_step make_old(void)
{
    return s2_clear(&shared, RAM + 4 * page, 3 * page, DESC_AF, NULL, NULL);
}

static enum s2_step split_all(void)
{
    return s2_split_range(&shared, RAM, level_step(&s, 2));
}

static enum s2_step collapse(void)
{
    return s2_collapse(&shared, RAM);
}

static const struct operation operations[] = {
    {"map a page", map_page},    {"map a group", map_group},    {"map a block", map_block},
    {"allow reads", allow_read}, {"allow writes", allow_write}, {"zap a page", zap_page},
    {"zap some", zap_some},      {"zap a block", zap_block},    {"protect", protect},
    {"make old", make_old},      {"split", split_all},          {"collapse", collapse},
};
#define OPERATIONS ARRAY_SIZE(operations)

/* How it begins: nothing, a page, a block, pages, contiguous pages, pages that are not alike. */
#define BEGINNINGS 6
static void prepare(unsigned beginning)
{
    begin(OPT_granule_4k, true, false);
    pcpu_count = 2;
    for (unsigned n = 0; n < 512 && beginning >= 3; n++)
        s2_map(&shared, RAM + n * page, PA + n * page, 3, stage2_attributes(S2_RAM),
               beginning == 4);
    if (beginning == 1)
        map_page();
    if (beginning == 2)
        map_block();
    if (beginning == 5) {
        protect();
        make_old();
    }
}

#define LOOKED_AT 24
struct picture {
    uint64_t desc[LOOKED_AT]; /* what of it a guest could notice */
};

static struct picture take_picture(void)
{
    struct picture p;

    for (unsigned n = 0; n < LOOKED_AT; n++) {
        uint64_t desc = desc_at(n);
        p.desc[n] = desc ? (desc & (DESC_AF | DESC_WRITE)) | DESC_VALID : 0;
    }
    return p;
}

static bool is_done(enum s2_step step)
{
    return step != S2_AGAIN;
}

static void until_done(const struct operation *op)
{
    unsigned tries = 0;
    enum s2_step step;

    do {
        s2_enter();
        step = op->run();
        s2_leave();
        s2_reap();
        assert_in_range(++tries, 1, 3);
    } while (!is_done(step));
}

static struct picture in_order(unsigned beginning, unsigned a, unsigned b)
{
    prepare(beginning);
    until_done(&operations[a]);
    until_done(&operations[b]);
    return take_picture();
}

static struct {
    const struct operation *op;
    unsigned at, points;
    bool done;
} second;

static void come_between(void)
{
    if (second.points++ != second.at)
        return;
    fake_core.race = NULL; /* not between itself */
    fake_core.cpu = 1;
    s2_enter();
    second.done = is_done(second.op->run());
    s2_leave();
    s2_reap(); /* what the first is in must survive */
    fake_core.cpu = 0;
    fake_core.race = come_between;
}

/* A page's neighbours are mapped with it if nothing is in the way. */
static bool may_lack(unsigned a, unsigned b, unsigned n, const struct picture *got)
{
    return got->desc[n] == 0 && n != 7 &&
           (operations[a].run == map_group || operations[b].run == map_group);
}

/* False: the first has not that many points. */
static bool at_once(unsigned beginning, unsigned a, unsigned b, unsigned at)
{
    struct picture first = in_order(beginning, a, b), other = in_order(beginning, b, a), got;

    prepare(beginning);
    second.op = &operations[b];
    second.at = at;
    second.points = 0;
    second.done = false;
    fake_core.race = come_between;
    until_done(&operations[a]);
    fake_core.race = NULL;
    if (!second.done)
        until_done(&operations[b]);
    got = take_picture();
    for (unsigned n = 0; n < LOOKED_AT; n++)
        if (got.desc[n] != first.desc[n] && got.desc[n] != other.desc[n] &&
            !may_lack(a, b, n, &got))
            fail_msg("beginning %u, \"%s\" at point %u of \"%s\": page %u is 0x%lx, not 0x%lx or "
                     "0x%lx",
                     beginning, operations[b].name, at, operations[a].name, n,
                     (unsigned long)got.desc[n], (unsigned long)first.desc[n],
                     (unsigned long)other.desc[n]);
    check_tree();
    s2_reap();
    assert_int_equal(s2_waiting(), 0);
    return second.points > at;
}

static void test_two_at_once_are_as_one_after_the_other_at_each_compare_and_swap(void **state)
{
    unsigned count = 0;

    (void)state;
    for (unsigned beginning = 0; beginning < BEGINNINGS; beginning++)
        for (unsigned a = 0; a < OPERATIONS; a++)
            for (unsigned b = 0; b < OPERATIONS; b++)
                for (unsigned at = 0; at < 40 && at_once(beginning, a, b, at); at++)
                    count++;
    print_message("%u interleavings\n", count);
    assert_true(count > 2000);
}

static void test_a_table_is_freed_only_when_walks_that_may_be_in_it_have_ended(void **state)
{
    (void)state;
    map_page();
    pcpu_count = 2;
    fake_core.cpu = 1;
    s2_enter();
    fake_core.cpu = 0;
    stage2_unmap(&s, RAM, level_step(&s, 2));
    assert_int_equal(s2_waiting(), 1);
    assert_int_equal(fake_core.frees, 0);
    s2_reap();
    assert_int_equal(s2_waiting(), 1);
    fake_core.cpu = 1;
    s2_leave();
    s2_enter(); /* a new one: it cannot find it any more */
    s2_reap();
    assert_int_equal(s2_waiting(), 0);
    assert_int_equal(fake_core.frees, 1);
    s2_leave();
}

static bool resolve_while_it_changes(struct s2_fault *f)
{
    bool found = resolve(f);

    s2_change_begin(f->s);
    s2_change_end(f->s);
    return found;
}

static bool resolve_before_it_changes(struct s2_fault *f)
{
    bool found = resolve(f);

    s2_change_begin(f->s);
    return found;
}

static void test_what_has_changed_since_it_was_resolved_is_not_mapped(void **state)
{
    (void)state;
    for (unsigned variant = 0; variant < 2 * 2 * 3; variant++) {
        begin(OPT_granule_4k, variant % 2, false);
        opts.s2_layout = variant / 2 % 2;
        opts.s2_choice = variant / 4;
        struct s2_fault f = {.s = &s, .ipa = RAM, .resolve = resolve_while_it_changes};
        assert_int_equal(s2_handle(&f), S2_AGAIN);
        assert_int_equal(desc_at(0), 0);
        f.resolve = resolve_before_it_changes;
        assert_int_equal(s2_handle(&f), S2_AGAIN);
        f.resolve = resolve;
        assert_int_equal(s2_handle(&f), S2_AGAIN);
        s2_change_end(&s);
        assert_int_equal(s2_handle(&f), S2_DONE);
        assert_int_not_equal(desc_at(0), 0);
    }
}

static unsigned allocated_before;

static bool resolve_and_count(struct s2_fault *f)
{
    return resolve(f);
}

static void test_the_exclusive_handler_has_its_tables_before_it_has_the_lock(void **state)
{
    (void)state;
    begin(OPT_granule_4k, false, false);
    opts.pages = OPT_pages_page;
    fault(0, false, false);
    allocated_before = fake_core.allocations;
    for (unsigned n = 512; n < PAGES; n += 512) { /* a new table each: filled up again before */
        struct s2_fault f = {.s = &s, .ipa = RAM + n * page, .resolve = resolve_and_count};
        unsigned before = this_cpu()->s2_budget.count;

        assert_int_equal(s2_handle(&f), S2_DONE);
        assert_int_equal(this_cpu()->s2_budget.count, S2_BUDGET - 1);
        assert_int_equal(fake_core.allocations - allocated_before, S2_BUDGET - before);
        allocated_before = fake_core.allocations;
    }
}

static void test_the_mode_does_not_change_once_there_is_a_guest(void **state)
{
    (void)state;
    assert_false(s2_mode_set(false));
    assert_true(s2_is_parallel());
    fake_reset();
    assert_true(s2_mode_set(false));
    assert_false(s2_is_parallel());
    assert_false(static_key_enabled(&s2_parallel));
}

static void test_no_ram_is_no_mapping_and_a_device_is_not_written_by_force(void **state)
{
    (void)state;
    no_ram = true;
    assert_int_equal(fault(0, true, false), S2_ABSENT);
    no_ram = false;
    stage2_map(&s, RAM, PA, page, S2_RAM_READONLY, false);
    assert_int_equal(fault(0, true, true), S2_DENIED);
    assert_int_equal(fault(0, false, true), S2_DONE);
}

/* Page and block: the descriptor was valid, so another CPU's TLB may hold it. */
static void
test_a_right_that_is_taken_away_is_forgotten_by_all_and_one_given_only_here(void **state)
{
    (void)state;
    opts.pages = OPT_pages_page;
    touch(0, true);
    fake.logged = 0;
    assert_true(s2_log_start(&s, RAM, PAGES * page));
    assert_true(fake.logged >= 4);
    assert_string_equal(fake.log[1].name, "VMALLS12E1IS");
    fake.logged = 0;
    touch(0, true);
    assert_string_equal(fake.log[0].name, "IPAS2E1");
    assert_string_equal(fake.log[1].name, "nsh");
    assert_string_equal(fake.log[2].name, "VMALLE1");
    s2_log_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_faults_logs_ageing_and_zaps_agree_with_a_model_of_pages, setup),
        cmocka_unit_test_setup(test_two_at_once_are_as_one_after_the_other_at_each_compare_and_swap,
                               setup),
        cmocka_unit_test_setup(test_a_table_is_freed_only_when_walks_that_may_be_in_it_have_ended,
                               setup),
        cmocka_unit_test_setup(test_what_has_changed_since_it_was_resolved_is_not_mapped, setup),
        cmocka_unit_test_setup(test_the_exclusive_handler_has_its_tables_before_it_has_the_lock,
                               setup),
        cmocka_unit_test_setup(test_the_mode_does_not_change_once_there_is_a_guest, setup),
        cmocka_unit_test_setup(test_no_ram_is_no_mapping_and_a_device_is_not_written_by_force,
                               setup),
        cmocka_unit_test_setup(
            test_a_right_that_is_taken_away_is_forgotten_by_all_and_one_given_only_here, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
