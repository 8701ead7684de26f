/* Two at once: a change of stage-2 tables at each compare-and-swap of another, and a walk in a
 * table that goes. */
#include "tests/hyp/s2_fixture.h"

/* An operation is tried once in the middle of the other. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_two_at_once_are_as_one_after_the_other_at_each_compare_and_swap,
                               setup),
        cmocka_unit_test_setup(test_a_table_is_freed_only_when_walks_that_may_be_in_it_have_ended,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
