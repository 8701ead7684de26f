/* The timeline of a report: its stretches, and what becomes of them when there are too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checker/account_state.h"
#include "checker/switches.h"
#include "tests/random.h"

static const struct stretch *at(const GArray *list, unsigned k)
{
    assert_true(k < list->len);
    return &g_array_index(list, struct stretch, k);
}

static void test_a_stretch_is_from_an_entry_to_an_exit(void **state)
{
    (void)state;
    struct switches *s = switches_new(2, 100);
    switches_enter(s, 1, 3, 10);
    switches_exit(s, 1, REASON_IRQ, 25);
    switches_enter(s, 1, 4, 40);

    const GArray *list = switches_of(s, 1, 70);
    assert_int_equal(list->len, 2);
    assert_int_equal(at(list, 0)->from, 10);
    assert_int_equal(at(list, 0)->to, 25);
    assert_int_equal(at(list, 0)->inside, 15);
    assert_int_equal(at(list, 0)->world, 3);
    assert_int_equal(at(list, 0)->reason, REASON_IRQ);
    assert_int_equal(at(list, 0)->passages, 1);
    assert_int_equal(at(list, 1)->to, 70);
    assert_int_equal(at(list, 1)->inside, 30);
    assert_int_equal(at(list, 1)->reason, REASON_COUNT);
    assert_int_equal(switches_of(s, 0, 70)->len, 0);
    assert_int_equal(switches_count(s), 2);
    assert_int_equal(switches_grain(s), 0);
    switches_free(s);
}

static void test_an_exit_without_an_entry_is_none(void **state)
{
    (void)state;
    struct switches *s = switches_new(1, 100);
    switches_exit(s, 0, REASON_IRQ, 25);
    assert_int_equal(switches_of(s, 0, 30)->len, 0);
    switches_enter(s, 0, 0, 30);
    switches_exit(s, 0, REASON_IRQ, 31);
    switches_exit(s, 0, REASON_FIQ, 50);
    assert_int_equal(at(switches_of(s, 0, 60), 0)->to, 31);
    switches_free(s);
}

/* What all stretches of a CPU come to, which must be in order and apart. */
static void check_lane(const GArray *list, uint64_t grain, uint64_t *passages, uint64_t *inside)
{
    *passages = *inside = 0;
    for (unsigned k = 0; k < list->len; k++) {
        const struct stretch *one = at(list, k);
        assert_true(one->from <= one->to);
        assert_true(k == 0 || at(list, k - 1)->to <= one->from);
        assert_true(one->inside <= one->to - one->from);
        if (one->passages == 1)
            assert_int_equal(one->inside, one->to - one->from);
        else
            assert_true(one->inside <= one->to - one->from && grain != 0);
        *passages += one->passages;
        *inside += one->inside;
    }
}

static void test_too_many_become_fewer_and_none_is_forgotten(void **state)
{
    (void)state;
    enum { MOST = 64, CPUS = 3 };
    uint64_t seed = test_seed(1);

    for (unsigned round = 0; round < 50; round++) {
        struct switches *s = switches_new(CPUS, MOST);
        uint64_t now = 0, entries[CPUS] = {0}, ran[CPUS] = {0};
        unsigned steps = 1 + (unsigned)(random_next(&seed) % 3000);
        for (unsigned k = 0; k < steps; k++) {
            unsigned cpu = (unsigned)(random_next(&seed) % CPUS);
            uint64_t length = random_next(&seed) % 1000;
            now += random_next(&seed) % 5000;
            switches_enter(s, cpu, (unsigned)(random_next(&seed) % 4), now);
            now += length;
            switches_exit(s, cpu, REASON_IRQ, now);
            entries[cpu]++;
            ran[cpu] += length;
        }
        uint64_t kept = 0, all = 0;
        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            uint64_t passages, inside;
            const GArray *list = switches_of(s, cpu, now);
            check_lane(list, switches_grain(s), &passages, &inside);
            assert_int_equal(passages, entries[cpu]);
            assert_int_equal(inside, ran[cpu]);
            kept += list->len;
            all += passages;
        }
        assert_true(kept <= MOST);
        assert_int_equal(all, switches_count(s));
        assert_int_equal(switches_grain(s) != 0, steps > MOST);
        switches_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stretch_is_from_an_entry_to_an_exit),
        cmocka_unit_test(test_an_exit_without_an_entry_is_none),
        cmocka_unit_test(test_too_many_become_fewer_and_none_is_forgotten),
    };

    return cmocka_run_group_tests_name("switches", tests, NULL, NULL);
}
