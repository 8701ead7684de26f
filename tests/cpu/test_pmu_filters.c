/* The performance monitors: at which EL and in whose range is counted, and what exceptions cost. */
#include "tests/cpu/pmu_fixture.h"

/* Which EL's B counts, by filter, range and prohibition; HPMN is 3. */
static const struct {
    uint64_t filter, mdcr, pmcr;
    unsigned n;
    bool counts[3];
} filters[] = {
    {0, 0, PMCR_E, 0, {true, true, false}},
    {FILTER_NSH, 0, PMCR_E, 0, {true, true, true}},
    {FILTER_P | FILTER_NSH, 0, PMCR_E, 0, {true, false, true}},
    {FILTER_U | FILTER_NSH, 0, PMCR_E, 0, {false, true, true}},
    {FILTER_P | FILTER_U, 0, PMCR_E, 0, {false, false, false}},
    {FILTER_NSH, MDCR_HPMD, PMCR_E, 0, {true, true, false}},
    {FILTER_NSH, MDCR_HPME, 0, 0, {false, false, false}},
    /* EL2's range */
    {FILTER_NSH, 0, PMCR_E, 3, {false, false, false}},
    {FILTER_NSH, MDCR_HPME, 0, 3, {true, true, true}},
    {FILTER_NSH, MDCR_HPME | MDCR_HPMD, 0, 5, {true, true, true}},
    {FILTER_P, MDCR_HPME, PMCR_E, 3, {true, false, false}},
};

static void test_filters_and_ranges_hold_for_every_kind_of_event(void **state)
{
    struct fixture *s = *state;
    static const uint16_t events[] = {PMU_EVENT_INST_RETIRED, PMU_EVENT_BR_RETIRED};

    for (unsigned e = 0; e < ARRAY_SIZE(events); e++)
        for (unsigned k = 0; k < ARRAY_SIZE(filters); k++)
            for (unsigned el = 0; el < 3; el++) {
                unsigned n = filters[k].n;
                count(s, n, events[e]);
                set(s, pmu_type_register(n), filters[k].filter | events[e]);
                set(s, SR_MDCR_EL2, filters[k].mdcr | 3);
                set(s, SR_PMCR_EL0, filters[k].pmcr);
                go_to_el(s, el);
                run(s, 0x14000001); /* b .+4 */
                go_to_el(s, 2);
                if (counted(s, n) != filters[k].counts[el])
                    fail_msg("filter %u, event %#x, EL%u: %u", k, events[e], el,
                             (unsigned)counted(s, n));
            }
}

static void test_the_cycle_counter_stops_at_el2_where_it_is_told_to(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint64_t mdcr, pmcr;
        bool counts;
    } rows[] = {
        {0, PMCR_E, true},
        {MDCR_HPMD, PMCR_E, true},
        {MDCR_HPMD, PMCR_E | PMCR_DP, false},
        {0, PMCR_E | PMCR_DP, true},
        {MDCR_HCCD, PMCR_E, false},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        go_to_el(s, 2);
        set(s, SR_PMCCFILTR_EL0, FILTER_NSH);
        set(s, SR_MDCR_EL2, rows[k].mdcr | 6);
        set(s, SR_PMCR_EL0, rows[k].pmcr);
        set(s, SR_PMCCNTR_EL0, 0);
        set(s, SR_PMCNTENSET_EL0, CYCLES);
        run(s, NOP);
        assert_int_equal(get(s, SR_PMCCNTR_EL0), rows[k].counts);
        set(s, SR_PMCNTENCLR_EL0, CYCLES);
    }
}

/* What has retired under one setting of MDCR_EL2 is counted under it. */
static void test_a_change_of_mdcr_acts_from_then_on(void **state)
{
    struct fixture *s = *state;

    count(s, 0, PMU_EVENT_INST_RETIRED);
    run(s, NOP);
    run(s, NOP);
    set(s, SR_MDCR_EL2, MDCR_HPMD | 6);
    run(s, NOP);
    assert_int_equal(counted(s, 0), 2);
}

/* Calls and returns belong to the EL they leave; the filter counts EL0, then EL1, then EL2. */
static void test_calls_and_returns_count_where_they_come_from(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint32_t word;
        unsigned from;
        uint64_t spsr;
        uint16_t event;
    } rows[] = {
        {SVC, 0, 0, PMU_EVENT_INST_RETIRED},      {SVC, 0, 0, PMU_EVENT_EXC_TAKEN},
        {HVC, 1, 0, PMU_EVENT_INST_RETIRED},      {HVC, 1, 0, PMU_EVENT_EXC_TAKEN},
        {ERET, 1, 0x3c0, PMU_EVENT_INST_RETIRED}, {ERET, 1, 0x3c0, PMU_EVENT_EXC_RETURN},
        {ERET, 2, 0x3c5, PMU_EVENT_INST_RETIRED}, {ERET, 2, 0x3c5, PMU_EVENT_EXC_RETURN},
        {ERET, 2, 0x3c0, PMU_EVENT_BR_RETIRED},   {ERET, 1, 0x3c0, PMU_EVENT_PC_WRITE_RETIRED},
    };
    static const uint64_t only[] = {FILTER_P, FILTER_U, FILTER_P | FILTER_U | FILTER_NSH};

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++)
        for (unsigned el = 0; el < 3; el++) {
            count(s, 0, rows[k].event);
            set(s, SR_PMEVTYPER0_EL0, only[el] | rows[k].event);
            set(s, rows[k].from == 2 ? SR_ELR_EL2 : SR_ELR_EL1, CODE);
            set(s, rows[k].from == 2 ? SR_SPSR_EL2 : SR_SPSR_EL1, rows[k].spsr);
            go_to_el(s, rows[k].from);
            run(s, rows[k].word);
            uint64_t n = counted(s, 0);
            if (n != (el == rows[k].from))
                fail_msg("row %u: %u at EL%u", k, (unsigned)n, el);
        }
}

/* What is trapped does not retire and takes a cycle, of the EL that it is trapped from. */
static void test_an_exception_that_is_no_call_takes_a_cycle(void **state)
{
    struct fixture *s = *state;
    static const struct {
        uint32_t word;
        unsigned retires;
    } rows[] = {
        {0xd53b9d00 /* mrs x0, pmccntr_el0 */, 0},
        {0xd503207f /* wfi */, 0},
        {0xd4000003 /* smc #0 */, 0},
        {HVC, 1},
    };

    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        count(s, 1, PMU_EVENT_INST_RETIRED);
        set(s, SR_MDCR_EL2, FIELD_MASK(MDCR_EL2_TPM) | 6);
        set(s, SR_HCR_EL2,
            FIELD_MASK(HCR_EL2_RW) | FIELD_MASK(HCR_EL2_TWI) | FIELD_MASK(HCR_EL2_TSC));
        set(s, SR_PMEVTYPER0_EL0, PMU_EVENT_CPU_CYCLES);
        set(s, SR_PMEVTYPER1_EL0, PMU_EVENT_INST_RETIRED);
        set(s, SR_PMEVCNTR0_EL0, 0);
        set(s, SR_PMCCFILTR_EL0, 0);
        set(s, SR_PMCCNTR_EL0, 0);
        set(s, SR_PMCNTENSET_EL0, CYCLES | 3);
        for (uint64_t n = 1; n < 4; n++) {
            go_to_el(s, 1);
            run(s, rows[k].word);
            assert_int_equal(s->cpu->ps.el, 2);
            assert_int_equal(get(s, SR_PMCCNTR_EL0), n);
            assert_int_equal(counted(s, 0), n);
            assert_int_equal(counted(s, 1), n * rows[k].retires);
        }
    }
}

/* The cycle that an exception takes overflows a counter like any other. */
static void test_a_lost_cycle_overflows_and_interrupts(void **state)
{
    struct fixture *s = *state;

    go_to_el(s, 2);
    set(s, SR_PMCCNTR_EL0, 0xffffffff);
    set(s, SR_PMINTENSET_EL1, CYCLES);
    set(s, SR_PMCNTENSET_EL0, CYCLES);
    set(s, SR_PMCR_EL0, PMCR_E);
    set(s, SR_MDCR_EL2, FIELD_MASK(MDCR_EL2_TPM) | 6);
    go_to_el(s, 1);
    run(s, 0xd53b9d00); /* mrs x0, pmccntr_el0 */
    assert_int_equal(get(s, SR_PMOVSSET_EL0), CYCLES);
    assert_int_equal(s->line_changes, 1);
    assert_true(s->line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_filters_and_ranges_hold_for_every_kind_of_event),
        TEST(test_the_cycle_counter_stops_at_el2_where_it_is_told_to),
        TEST(test_a_change_of_mdcr_acts_from_then_on),
        TEST(test_calls_and_returns_count_where_they_come_from),
        TEST(test_an_exception_that_is_no_call_takes_a_cycle),
        TEST(test_a_lost_cycle_overflows_and_interrupts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
