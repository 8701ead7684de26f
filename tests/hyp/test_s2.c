/* Stage-2 faults and what else changes the tables, one after the other in random order, against a
 * model of pages. */
#include "tests/hyp/s2_fixture.h"

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
