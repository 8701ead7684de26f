/* The event streams of the generic timers, and timers while the clock moves by itself; what else
 * they do: tests/guest/timer*.c. */
#include "cpu/timer.h"

#include "tests/cpu/sysreg_fixture.h"

#define EVNTEN   BIT(2)
#define EVNTDIR  BIT(3)
#define EVNTI(n) ((uint64_t)(n) << 4)
#define EVNTIS   BIT(17)
#define E2H_TGE  (FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE))

static uint64_t progress(void *ctx)
{
    return *(uint64_t *)ctx;
}

static void start_at(struct fixture *f, const char *model, uint64_t *time, uint64_t count)
{
    start(f, model, true, false);
    *time = count * TIMER_NS_PER_TICK;
    f->clock.progress_ns = progress;
    f->clock.progress_ctx = time;
    cpu_event_stream_ticked(f->cpu);
}

static void test_next_event_is_the_chosen_edge_of_the_chosen_bit(void **state)
{
    static const struct {
        enum sysreg sr;
        uint64_t ctl, offset, now, next; /* counts */
    } cases[] = {
        {SR_CNTKCTL_EL1, 0, 0, 100, 0},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTI(10), 0, 100, 1024},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTI(10), 0, 1023, 1024},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTI(10), 0, 1024, 3072},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTDIR | EVNTI(10), 0, 100, 2048},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTDIR | EVNTI(10), 0, 2048, 4096},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTI(10), 24, 100, 1048},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTDIR | EVNTI(10), 5000, 100, 904},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTI(0), 0, 100, 101},
        {SR_CNTKCTL_EL1, EVNTEN | EVNTIS | EVNTI(2), 0, 100, 1024},
        {SR_CNTHCTL_EL2, EVNTEN | EVNTI(10), 24, 100, 1024},
        {SR_CNTHCTL_EL2, EVNTEN | EVNTDIR | EVNTI(15), 24, 100, 65536},
    };
    struct fixture f;
    uint64_t time;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(cases); k++) {
        uint64_t next = cases[k].next ? cases[k].next * TIMER_NS_PER_TICK : CLOCK_NEVER;
        start_at(&f, "max", &time, cases[k].now);
        msr(&f, SR_CNTVOFF_EL2, cases[k].offset);
        msr(&f, cases[k].sr, cases[k].ctl);
        if (cpu_event_stream_next_ns(f.cpu) != next)
            fail_msg("case %u: %llu", k,
                     (unsigned long long)cpu_event_stream_next_ns(f.cpu) / TIMER_NS_PER_TICK);
        if (cases[k].next) {
            time = next - 1;
            assert_false(cpu_event_stream_ticked(f.cpu));
            time = next;
            assert_true(cpu_event_stream_ticked(f.cpu));
            assert_false(cpu_event_stream_ticked(f.cpu));
        }
        finish(&f);
    }
}

static void test_a_stream_ticks_only_while_it_is_on(void **state)
{
    struct fixture f;
    uint64_t time;

    (void)state;
    start_at(&f, "n1", &time, 0);
    time = 100000 * TIMER_NS_PER_TICK;
    msr(&f, SR_CNTKCTL_EL1, EVNTEN | EVNTI(10));
    assert_false(cpu_event_stream_ticked(f.cpu));
    assert_false(f.cpu->event);
    time += 4096 * TIMER_NS_PER_TICK;
    msr(&f, SR_CNTKCTL_EL1, 0);
    assert_true(f.cpu->event); /* the event register keeps it */
    assert_false(cpu_event_stream_ticked(f.cpu));
    finish(&f);
}

static void test_a_vhe_host_has_cnthctls_stream_alone(void **state)
{
    struct fixture f;
    uint64_t time;

    (void)state;
    start_at(&f, "n1", &time, 100);
    msr(&f, SR_CNTKCTL_EL1, EVNTEN | EVNTI(3));
    msr(&f, SR_HCR_EL2, E2H_TGE | FIELD_MASK(HCR_EL2_RW));
    assert_int_equal(cpu_event_stream_next_ns(f.cpu), CLOCK_NEVER);
    msr(&f, SR_CNTKCTL_EL1, EVNTEN | EVNTI(10)); /* CNTHCTL_EL2 with E2H */
    assert_int_equal(cpu_event_stream_next_ns(f.cpu), 1024 * TIMER_NS_PER_TICK);
    msr(&f, SR_HCR_EL2, FIELD_MASK(HCR_EL2_RW));
    assert_int_equal(cpu_event_stream_next_ns(f.cpu), 104 * TIMER_NS_PER_TICK);
    finish(&f);
}

/* The host's clock, for CPUs that run at the same time: some counts on between any two looks. */
static uint64_t moves_on(void *ctx)
{
    return *(uint64_t *)ctx += 3 * (uint64_t)TIMER_NS_PER_TICK;
}

static void test_a_compare_value_reached_while_it_is_written_is_not_missed(void **state)
{
    for (unsigned ahead = 0; ahead < 32; ahead++) {
        struct fixture f;
        uint64_t time;

        (void)state;
        start_at(&f, "n1", &time, 100);
        f.clock.progress_ns = moves_on;
        msr(&f, SR_CNTV_CVAL_EL0, UINT64_MAX);
        msr(&f, SR_CNTV_CTL_EL0, 1);
        msr(&f, SR_CNTV_CVAL_EL0, time / TIMER_NS_PER_TICK + ahead);
        bool pending = f.cpu->timer_level >> TIMER_V & 1;
        if (!pending && f.cpu->timer_event[TIMER_V].deadline_ns == CLOCK_NEVER)
            fail_msg("%u counts ahead: neither there nor to come", ahead);
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_event_is_the_chosen_edge_of_the_chosen_bit),
        cmocka_unit_test(test_a_stream_ticks_only_while_it_is_on),
        cmocka_unit_test(test_a_vhe_host_has_cnthctls_stream_alone),
        cmocka_unit_test(test_a_compare_value_reached_while_it_is_written_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
