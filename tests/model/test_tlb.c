/* What translations cost: hits, walks, and what spares parts of them. */
#include "core_fixture.h"

struct bench {
    struct arm_core core;
    struct memory mem;
    struct tlbs tlbs;
    struct arm_model_counts n;
    uint64_t now;
};

static void begin(struct bench *b, const struct arm_core *core)
{
    memset(b, 0, sizeof(*b));
    b->core = *core;
    memory_init(&b->mem, &b->core, 1);
    tlbs_init(&b->tlbs, &b->core);
}

static void end(struct bench *b)
{
    tlbs_free(&b->tlbs);
    memory_free(&b->mem);
}

static unsigned find(struct bench *b, const struct mapping *mp)
{
    unsigned cycles = tlbs_find(&b->tlbs, &b->mem, 0, mp, false, b->now, &b->n);

    b->now += cycles + 1;
    return cycles;
}

/* Page @page of a process whose tables are at 0x100000: four levels, descriptors of neighbours side
 * by side. */
static struct mapping page(unsigned page)
{
    struct mapping mp = {.id = page + 1, .set = page, .cached = true, .step_count = 4};

    for (unsigned level = 0; level < 4; level++)
        mp.steps[level] = (struct walk_step){0x100000 + level * 0x1000, 1, level == 3};
    mp.steps[3].pa += 8 * page;
    return mp;
}

static struct arm_core walking_core(void)
{
    struct arm_core core = plain_core();

    core.v[P_dtlb_entries] = 2;
    core.v[P_tlb2_entries] = 0;
    core.v[P_walk_cache] = 0;
    core.v[P_ipa_cache] = 0;
    core.v[P_walk_start] = 5;
    core.v[P_walk_reads] = WALK_L2;
    return core;
}

static void test_a_walk_costs_its_descriptors(void **state)
{
    (void)state;
    struct arm_core core = walking_core();
    struct mapping a = page(0), c = page(1);
    struct bench b;

    begin(&b, &core);
    assert_int_equal(find(&b, &a), 5 + 4 * 100);
    assert_int_equal(find(&b, &a), 0);
    assert_int_equal(find(&b, &c), 5 + 4 * 10); /* the same lines, which L2 has now */
    assert_int_equal(b.n.walks, 2);
    assert_int_equal(b.n.walk_accesses, 8);
    assert_int_equal(b.n.tlb_misses, 2);
    end(&b);
}

static void test_a_walk_through_l1d_hits_there(void **state)
{
    (void)state;
    struct arm_core core = walking_core();
    struct mapping a = page(0), c = page(1);
    struct bench b;

    core.v[P_walk_reads] = WALK_L1D;
    core.v[P_lat_load] = 3;
    begin(&b, &core);
    assert_int_equal(find(&b, &a), 5 + 4 * 103);
    assert_int_equal(find(&b, &c), 5 + 4 * 3);
    end(&b);
}

static void test_the_walk_cache_leaves_the_last_descriptor(void **state)
{
    (void)state;
    struct arm_core core = walking_core();
    struct mapping a = page(0), c = page(1);
    struct bench b;

    core.v[P_walk_cache] = 4;
    begin(&b, &core);
    assert_int_equal(find(&b, &a), 5 + 4 * 100);
    assert_int_equal(find(&b, &c), 5 + 10);
    assert_int_equal(b.n.walk_accesses, 5);
    end(&b);
}

/* Stage 1 of three levels below stage 2 of three: 3 x (3 + 1) + 3 descriptors. */
static struct mapping nested(void)
{
    struct mapping mp = {.id = 1, .cached = true};

    for (unsigned group = 0; group < 4; group++) {
        for (unsigned level = 0; level < 3; level++)
            mp.steps[mp.step_count++] =
                (struct walk_step){0x200000 + (group * 3 + level) * 0x1000, 2, level == 2};
        if (group < 3)
            mp.steps[mp.step_count++] =
                (struct walk_step){0x100000 + group * 0x1000, 1, group == 2};
    }
    return mp;
}

static void test_two_stages_cost_a_walk_for_each_descriptor_of_the_first(void **state)
{
    (void)state;
    struct arm_core core = walking_core();
    struct mapping a = nested(), other = a;
    struct bench b;

    begin(&b, &core);
    assert_int_equal(find(&b, &a), 5 + 15 * 100);
    end(&b);
    /* Another virtual address that leads to the same: all of stage 2 is known, and the tables of
     * stage 1 down to the last. */
    core.v[P_walk_cache] = core.v[P_ipa_cache] = 8;
    begin(&b, &core);
    other.id = 2;
    assert_int_equal(find(&b, &a), 5 + 15 * 100);
    assert_int_equal(find(&b, &other), 5 + 10);
    assert_int_equal(b.n.walk_accesses, 16);
    end(&b);
}

static void test_the_second_level_has_what_the_first_has_no_room_for(void **state)
{
    (void)state;
    struct arm_core core = walking_core();
    struct mapping pages[3] = {page(0), page(1), page(2)};
    struct bench b;

    core.v[P_tlb2_entries] = 4;
    core.v[P_tlb2_ways] = 4;
    core.v[P_lat_tlb2] = 2;
    begin(&b, &core);
    for (unsigned k = 0; k < 3; k++)
        assert_true(find(&b, &pages[k]) >= 2 + 5);
    assert_int_equal(find(&b, &pages[0]), 2);
    assert_int_equal(find(&b, &pages[2]), 0);
    assert_int_equal(find(&b, &pages[1]), 2);
    assert_int_equal(b.n.walks, 3);
    end(&b);
}

static void test_a_mapping_made_again_is_another_entry(void **state)
{
    (void)state;
    struct arm_core core = walking_core();
    struct mapping a = page(0);
    struct bench b;

    begin(&b, &core);
    find(&b, &a);
    a.id = 7; /* after a TLBI */
    assert_int_equal(find(&b, &a), 5 + 4 * 10);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_walk_costs_its_descriptors),
        cmocka_unit_test(test_a_walk_through_l1d_hits_there),
        cmocka_unit_test(test_the_walk_cache_leaves_the_last_descriptor),
        cmocka_unit_test(test_two_stages_cost_a_walk_for_each_descriptor_of_the_first),
        cmocka_unit_test(test_the_second_level_has_what_the_first_has_no_room_for),
        cmocka_unit_test(test_a_mapping_made_again_is_another_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
