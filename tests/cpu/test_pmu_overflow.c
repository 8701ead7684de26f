/* The performance monitors: overflows, and that counting costs nothing when nobody counts. */
#include "tests/cpu/pmu_fixture.h"

/* add x0, x0, #1; cbnz x1, .+8; nop; ldr x3, [x2]; b.al start */
static const uint32_t loop[] = {0x91000400, 0xb5000041, NOP, 0xf9400043, 0x54ffff8e};
#define LOOP_RETIRED 4 /* instructions of one turn, of which two are branches */

static void start_loop(struct fixture *s)
{
    s->cpu->x[1] = 1;
    s->cpu->x[2] = DATA;
    load(s, loop, ARRAY_SIZE(loop));
}

static void test_long_slices_count_like_short_ones(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint16_t event;
        unsigned per_turn;
    } rows[] = {{PMU_EVENT_BR_RETIRED, 2}, {PMU_EVENT_LD_RETIRED, 1}, {PMU_EVENT_INST_RETIRED, 4}};

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        count(s, 0, rows[k].event);
        start_loop(s);
        cpu_run(s->cpu, 50000 * LOOP_RETIRED);
        assert_int_equal(counted(s, 0), 50000 * rows[k].per_turn);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 0);
    }
}

static void test_an_overflow_is_signalled_by_the_instruction_that_caused_it(void **state)
{
    struct fixture *s = *state;

    count(s, 0, PMU_EVENT_LD_RETIRED);
    set(s, SR_PMINTENSET_EL1, 1);
    set(s, SR_PMEVCNTR0_EL0, 0xffffffff - 2000); /* the 2001st load overflows */
    start_loop(s);
    uint64_t before = cpu_retired(s->cpu);
    cpu_run(s->cpu, 50000);
    assert_true(s->line);
    assert_int_equal(s->line_changes, 1);
    assert_int_equal(s->line_retired - before, 2000 * LOOP_RETIRED + 3);
    assert_int_equal(get(s, SR_PMOVSSET_EL0), 1);
    set(s, SR_PMOVSCLR_EL0, 1);
    assert_false(s->line);
}

/* The wait for an overflow of what counts by time follows the EL and its chain. */
static void test_the_next_overflow_is_waited_for_where_it_can_happen(void **state)
{
    struct fixture *s = *state;
    const struct clock_event *wait = &s->cpu->pmu_event;

    count(s, 0, PMU_EVENT_INST_RETIRED);
    set(s, SR_PMEVTYPER0_EL0, FILTER_U | PMU_EVENT_INST_RETIRED); /* EL1 only */
    set(s, SR_PMEVCNTR0_EL0, 0xffffff00);
    set(s, SR_PMINTENSET_EL1, 1);
    assert_true(wait->deadline_ns == CLOCK_NEVER);
    set(s, SR_ELR_EL2, CODE);
    set(s, SR_SPSR_EL2, 0x3c5);
    run(s, ERET);
    assert_int_equal(wait->deadline_ns - s->cpu->pmu_synced, 0x100 - 1); /* from before the ERET */
    run(s, HVC);
    assert_true(wait->deadline_ns == CLOCK_NEVER);
    assert_int_equal(counted(s, 0), 0xffffff01);

    /* Only the chained counter interrupts. */
    count(s, 0, PMU_EVENT_INST_RETIRED);
    set(s, SR_PMINTENCLR_EL1, 1);
    set(s, SR_PMINTENSET_EL1, 2);
    set(s, SR_PMEVTYPER1_EL0, FILTER_NSH | PMU_EVENT_CHAIN);
    set(s, SR_PMEVCNTR0_EL0, 0xffffff00);
    assert_true(wait->deadline_ns == CLOCK_NEVER);
    set(s, SR_PMCNTENSET_EL0, 2);
    assert_int_equal(wait->deadline_ns - cpu_retired(s->cpu), 0x100);

    /* A cycle of 64. */
    set(s, SR_PMCNTENCLR_EL0, 3);
    set(s, SR_PMCR_EL0, PMCR_E | PMCR_D);
    set(s, SR_PMCCFILTR_EL0, FILTER_NSH);
    set(s, SR_PMCCNTR_EL0, 0xfffffffe);
    set(s, SR_PMINTENSET_EL1, CYCLES);
    set(s, SR_PMCNTENSET_EL0, CYCLES);
    assert_int_equal(wait->deadline_ns - cpu_retired(s->cpu), 64 + 1);
}

/* Counter 0 at its largest 32-bit value takes one more, and counter 1 may be chained to it. */
static void overflow_once(struct fixture *s, uint16_t event, uint64_t pmcr)
{
    count(s, 0, event);
    set(s, SR_PMOVSCLR_EL0, ~UINT64_C(0));
    set(s, SR_PMEVTYPER1_EL0, FILTER_NSH | PMU_EVENT_CHAIN);
    set(s, SR_PMEVCNTR1_EL0, 5);
    set(s, SR_PMEVCNTR0_EL0, 0xffffffff);
    set(s, SR_PMCR_EL0, pmcr);
    set(s, SR_PMCNTENSET_EL0, 3);
    run(s, 0x14000001); /* b .+4 */
}

static void test_counters_overflow_at_32_or_64_bits_and_chain(void **state)
{
    struct fixture *s = *state;
    static const uint16_t events[] = {PMU_EVENT_INST_RETIRED, PMU_EVENT_BR_RETIRED};

    for (unsigned k = 0; k < ARRAY_SIZE(events); k++) {
        overflow_once(s, events[k], PMCR_E);
        assert_int_equal(counted(s, 0), UINT64_C(0x100000000)); /* PMUv3p5 keeps 64 bits */
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 1);
        assert_int_equal(counted(s, 1), 6);
        overflow_once(s, events[k], PMCR_E | PMCR_LP);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 0);
        assert_int_equal(counted(s, 1), 5);
        /* CHAIN counts overflows of 32 bits only. */
        overflow_once(s, events[k], PMCR_E);
        set(s, SR_PMOVSCLR_EL0, ~UINT64_C(0));
        set(s, SR_PMCR_EL0, PMCR_E | PMCR_LP);
        set(s, SR_PMEVCNTR0_EL0, UINT64_MAX);
        set(s, SR_PMEVCNTR1_EL0, 5);
        run(s, 0x14000001);
        assert_int_equal(counted(s, 0), 0);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 1);
        assert_int_equal(counted(s, 1), 5);
        /* EL2's range has its own control. */
        set(s, SR_MDCR_EL2, MDCR_HLP | MDCR_HPME);
        overflow_once(s, events[k], PMCR_E);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 0);
        set(s, SR_MDCR_EL2, 6);
    }
    other_model(s, "n1");
    for (unsigned k = 0; k < ARRAY_SIZE(events); k++) {
        overflow_once(s, events[k], PMCR_E | PMCR_LP);
        assert_int_equal(counted(s, 0), 0);
        assert_int_equal(counted(s, 1), 6);
        assert_int_equal(get(s, SR_PMOVSSET_EL0), 1);
    }
}

/* With a counter of accesses on, an access that L1 would have served is seen; afterwards L1 serves
 * again. */
static void test_counting_accesses_does_not_outlive_the_counter(void **state)
{
    struct fixture *s = *state;

    assert_false(s->cpu->pmu_insns || s->cpu->pmu_accesses);
    count(s, 2, PMU_EVENT_LD_RETIRED);
    assert_true(s->cpu->pmu_insns && s->cpu->pmu_accesses);
    set(s, SR_PMEVTYPER2_EL0, PMU_EVENT_BR_RETIRED);
    assert_true(s->cpu->pmu_insns && !s->cpu->pmu_accesses);
    set(s, SR_PMCR_EL0, 0);
    assert_false(s->cpu->pmu_insns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_long_slices_count_like_short_ones),
        TEST(test_an_overflow_is_signalled_by_the_instruction_that_caused_it),
        TEST(test_the_next_overflow_is_waited_for_where_it_can_happen),
        TEST(test_counters_overflow_at_32_or_64_bits_and_chain),
        TEST(test_counting_accesses_does_not_outlive_the_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
