/* Caches, the stream prefetcher, miss buffers and other CPUs' lines. */
#include "core_fixture.h"

#include <stdio.h>

#include "../random.h"

#define LINE UINT64_C(64)

struct bench {
    struct arm_core core;
    struct memory mem;
    struct arm_model_counts n;
    uint64_t now;
};

static void begin(struct bench *b, const struct arm_core *core, unsigned cpus)
{
    memset(b, 0, sizeof(*b));
    b->core = *core;
    memory_init(&b->mem, &b->core, cpus);
}

static void end(struct bench *b)
{
    memory_free(&b->mem);
}

/* A load behind all others. */
static unsigned load(struct bench *b, uint64_t pa)
{
    unsigned cycles = memory_load(&b->mem, 0, pa, b->now, &b->n);

    b->now += cycles + 1;
    return cycles;
}

static void test_a_line_comes_from_as_near_as_it_is(void **state)
{
    (void)state;
    struct arm_core core = plain_core(); /* L1D 32 KiB in 4 ways: 128 sets */
    struct bench b;

    begin(&b, &core, 1);
    assert_int_equal(load(&b, 0x40000000), 100);
    assert_int_equal(load(&b, 0x40000038), 0);
    assert_int_equal(load(&b, 0x40000040), 100);
    for (unsigned way = 1; way <= 4; way++)
        load(&b, 0x40000000 + way * 128 * LINE);
    assert_int_equal(load(&b, 0x40000000), 10); /* no longer in L1D, still in L2 */
    assert_int_equal(b.n.l1d_accesses, 8);
    assert_int_equal(b.n.l1d_misses, 7);
    assert_int_equal(b.n.l2_accesses, 7);
    assert_int_equal(b.n.l2_misses, 6);
    end(&b);
}

static void test_the_least_recently_used_line_goes(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct bench b;

    begin(&b, &core, 1);
    for (unsigned way = 0; way < 4; way++)
        load(&b, way * 128 * LINE);
    load(&b, 0);
    load(&b, 4 * 128 * LINE); /* instead of 1 */
    assert_int_equal(load(&b, 0), 0);
    assert_int_equal(load(&b, 2 * 128 * LINE), 0);
    assert_int_equal(load(&b, 1 * 128 * LINE), 10);
    end(&b);
}

static void test_a_line_more_than_there_are_ways_in_turn_always_misses(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct bench b;

    begin(&b, &core, 1);
    for (unsigned k = 0; k < 100; k++)
        load(&b, (k % 5) * 128 * LINE);
    assert_int_equal(b.n.l1d_misses, 100);
    end(&b);
}

/* LRU is a stack: with the same sets, what hits in fewer ways hits in more. */
static void test_more_ways_never_miss_more_often(void **state)
{
    (void)state;
    uint64_t seed = test_seed(1), misses = UINT64_MAX;

    for (unsigned ways = 1; ways <= 16; ways *= 2) {
        struct arm_core core = plain_core();
        struct bench b;
        uint64_t random = seed;
        core.v[P_l1d_ways] = ways;
        core.v[P_l1d_size] = 2 * ways; /* 32 sets */
        begin(&b, &core, 1);
        for (unsigned k = 0; k < 20000; k++)
            load(&b, random_next(&random) % 2048 * (random_next(&random) % 3) * LINE);
        assert_true(b.n.l1d_misses <= misses);
        misses = b.n.l1d_misses;
        end(&b);
    }
    assert_true(misses < 20000);
}

static void test_a_line_on_its_way_is_waited_for_as_long_as_it_takes(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct bench b;

    begin(&b, &core, 1);
    assert_int_equal(memory_load(&b.mem, 0, 0x1000, 1000, &b.n), 100);
    assert_int_equal(memory_load(&b.mem, 0, 0x1008, 1030, &b.n), 70);
    assert_int_equal(memory_load(&b.mem, 0, 0x1010, 1100, &b.n), 0);
    assert_int_equal(b.n.l1d_misses, 1);
    end(&b);
}

static void test_a_miss_waits_for_a_buffer(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct bench b;

    core.v[P_miss_buffers] = 2;
    begin(&b, &core, 1);
    assert_int_equal(memory_load(&b.mem, 0, 0x1000, 0, &b.n), 100);
    assert_int_equal(memory_load(&b.mem, 0, 0x2000, 10, &b.n), 100);
    assert_int_equal(memory_load(&b.mem, 0, 0x3000, 20, &b.n), 180); /* from 100 on */
    end(&b);
}

/* Misses of @lines loads, a line each, up or down within a page, in cycles far from each other. */
static unsigned walk_misses(unsigned prefetcher, bool down, struct arm_model_counts *n)
{
    struct arm_core core = plain_core();
    struct bench b;

    core.v[P_prefetcher] = prefetcher;
    core.v[P_prefetch_after] = 3;
    core.v[P_prefetch_ahead] = 4;
    begin(&b, &core, 1);
    for (unsigned k = 0; k < 64; k++) {
        load(&b, 0x10000 + (down ? 63 - k : k) * LINE);
        b.now += 1000;
    }
    *n = b.n;
    end(&b);
    return (unsigned)b.n.l1d_misses;
}

static void test_an_ascending_prefetcher_helps_forwards_and_not_backwards(void **state)
{
    (void)state;
    struct arm_model_counts n;

    assert_int_equal(walk_misses(PREFETCH_NONE, false, &n), 64);
    assert_int_equal(n.prefetches, 0);
    assert_int_equal(walk_misses(PREFETCH_ASCENDING, false, &n), 3); /* which make the stream */
    assert_int_equal(n.prefetches, 61);
    assert_int_equal(n.prefetch_useful, 61);
    assert_int_equal(n.prefetch_late, 0);
    assert_int_equal(walk_misses(PREFETCH_ASCENDING, true, &n), 64);
    assert_int_equal(n.prefetches, 0);
    assert_int_equal(walk_misses(PREFETCH_BOTH, true, &n), 3);
    assert_int_equal(walk_misses(PREFETCH_BOTH, false, &n), 3);
}

static void test_a_prefetcher_that_is_too_slow_is_late(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct bench b;

    core.v[P_prefetcher] = PREFETCH_ASCENDING;
    core.v[P_prefetch_after] = 2;
    core.v[P_prefetch_ahead] = 1;
    begin(&b, &core, 1);
    assert_int_equal(load(&b, 0), 100);
    assert_int_equal(load(&b, LINE), 100);    /* at 101: line 2 is asked for, there at 201 */
    assert_int_equal(load(&b, 2 * LINE), 0);  /* at 202: line 3, there at 302 */
    assert_int_equal(load(&b, 3 * LINE), 99); /* at 203 */
    assert_int_equal(b.n.prefetch_useful, 2);
    assert_int_equal(b.n.prefetch_late, 1);
    end(&b);
}

static void test_a_prefetcher_does_not_leave_the_page(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct bench b;

    core.v[P_prefetcher] = PREFETCH_ASCENDING;
    begin(&b, &core, 1);
    for (unsigned k = 0; k < 64; k++)
        load(&b, 0x10000 + k * LINE);
    assert_int_equal(load(&b, 0x11000), 100);
    end(&b);
}

static void test_a_store_takes_the_line_from_another_cpu(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct bench b;

    core.v[P_lat_snoop] = 33;
    begin(&b, &core, 2);
    assert_int_equal(memory_store(&b.mem, 0, 0x1000, 0, &b.n), 100);
    assert_int_equal(memory_load(&b.mem, 1, 0x1000, 1000, &b.n), 33);  /* from CPU 0, shared now */
    assert_int_equal(memory_load(&b.mem, 0, 0x1000, 2000, &b.n), 0);   /* which has it still */
    assert_int_equal(memory_store(&b.mem, 0, 0x1000, 3000, &b.n), 33); /* taken from CPU 1 */
    assert_int_equal(memory_store(&b.mem, 0, 0x1000, 4000, &b.n), 0);  /* owned */
    assert_int_equal(memory_load(&b.mem, 1, 0x1000, 5000, &b.n), 33);
    assert_int_equal(b.n.snoops, 3);
    end(&b);
}

static void test_lines_behind_the_one_in_use_are_fetched(void **state)
{
    (void)state;
    struct arm_core core = plain_core();
    struct bench b;

    core.v[P_fetch_ahead] = 1;
    begin(&b, &core, 1);
    assert_int_equal(memory_fetch(&b.mem, 0, 0x1000, 0, &b.n), 100);
    assert_int_equal(memory_fetch(&b.mem, 0, 0x1040, 30, &b.n), 70);
    assert_int_equal(memory_fetch(&b.mem, 0, 0x1080, 500, &b.n), 0);
    assert_int_equal(b.n.l1i_misses, 1);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_comes_from_as_near_as_it_is),
        cmocka_unit_test(test_the_least_recently_used_line_goes),
        cmocka_unit_test(test_a_line_more_than_there_are_ways_in_turn_always_misses),
        cmocka_unit_test(test_more_ways_never_miss_more_often),
        cmocka_unit_test(test_a_line_on_its_way_is_waited_for_as_long_as_it_takes),
        cmocka_unit_test(test_a_miss_waits_for_a_buffer),
        cmocka_unit_test(test_an_ascending_prefetcher_helps_forwards_and_not_backwards),
        cmocka_unit_test(test_a_prefetcher_that_is_too_slow_is_late),
        cmocka_unit_test(test_a_prefetcher_does_not_leave_the_page),
        cmocka_unit_test(test_a_store_takes_the_line_from_another_cpu),
        cmocka_unit_test(test_lines_behind_the_one_in_use_are_fetched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
