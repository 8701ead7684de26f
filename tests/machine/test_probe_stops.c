/*
 * arm_stop() in every kind of event of every program of probe_programs.h: the run ends before the
 * next instruction, and goes on as the run that was not stopped.
 */
#include "tests/machine/probe_runs.h"

struct stops {
    struct arm_machine *m;
    const struct events *whole; /* of the run that was not stopped */
    enum arm_event_kind kind;
    unsigned next;    /* of `whole`, where to look for the next event */
    unsigned seen;    /* events */
    bool asked;       /* the run that goes on was asked to stop */
    uint64_t retired; /* then */
    bool between;     /* by what comes between two instructions: an interrupt */
};

static void stop(void *ctx, const struct arm_event *p)
{
    struct stops *s = ctx;

    while (s->next < s->whole->count && s->whole->e[s->next].kind != s->kind)
        s->next++;
    if (s->next == s->whole->count)
        fail_msg("%s at %#llx was not in the whole run", arm_event_name(s->kind),
                 (unsigned long long)p->pc);
    const struct arm_event *e = &s->whole->e[s->next++];
    assert_int_equal(p->kind, s->kind);
    assert_int_equal(p->cpu, e->cpu);
    assert_int_equal(p->el, e->el);
    assert_int_equal(p->pc, e->pc);
    assert_int_equal(p->count, e->count);
    if (p->cpu == ARM_NO_CPU)
        assert_int_equal(p->count, arm_retired(s->m));
    if (!s->asked)
        s->retired = arm_retired(s->m);
    s->between = p->kind == ARM_EVENT_EXCEPTION && (p->exception.vector & 0x180) == 0x80;
    s->asked = true;
    s->seen++;
    arm_stop(s->m);
}

/* How many there were. */
static unsigned stop_at_each(const struct program *program, enum arm_event_kind kind)
{
    struct stops s = {.m = program->make(), .whole = program->events, .kind = kind};
    const struct arm_filter filter = {.size = sizeof(filter), .events = BIT(kind)};
    enum arm_stop_reason why;

    assert_true(arm_subscribe(s.m, &filter, stop, &s) > 0);
    do {
        s.asked = false;
        why = arm_run(s.m, 0);
        if (s.asked && arm_retired(s.m) > s.retired + !s.between)
            fail_msg("%s: stopped %llu instructions after %s", program->name,
                     (unsigned long long)(arm_retired(s.m) - s.retired), arm_event_name(kind));
        assert_true(s.asked || why != ARM_STOP_REQUEST);
    } while (why == ARM_STOP_REQUEST);
    assert_int_equal(why, s.whole->why);
    assert_int_equal(arm_retired(s.m), s.whole->retired);
    assert_int_equal(s.seen, count_of(s.whole, kind));
    arm_machine_free(s.m);
    return s.seen;
}

/* A virtual interrupt that is taken behind an ERET, in the loop where nothing is looked at. */
static void test_a_stop_at_an_interrupt_is_before_its_first_instruction(void **state)
{
    (void)state;
    static const uint32_t code[] = {
        0xd2801200, /* mov x0, #0x90 */
        0xf2b00000, /* movk x0, #0x8000, lsl #16 */
        0xd51c1100, /* msr hcr_el2, x0 */
        0x100000e1, /* adr x1, 28 <el1> */
        0xd51c4021, /* msr elr_el2, x1 */
        0xd28000a2, /* mov x2, #0x5 */
        0xd51c4002, /* msr spsr_el2, x2 */
        0xd2a80003, /* mov x3, #0x40000000 */
        0xd518c003, /* msr vbar_el1, x3 */
        0xd69f03e0, /* eret */
        0xd503201f, /* nop */
        0x17ffffff, /* b 28 <el1> */
    };
    static const uint32_t handler[] = {0xd503201f, 0x17ffffff}; /* nop, b */
    static struct events whole;
    static const struct arm_filter filter = {.size = sizeof(filter),
                                             .events = BIT(ARM_EVENT_EXCEPTION)};
    struct arm_machine *m = create_with((struct arm_config){0}, code, sizeof(code));
    struct stops s = {.m = m, .whole = &whole, .kind = ARM_EVENT_EXCEPTION};

    assert_true(arm_mem_write(m, RAM + 0x280, handler, sizeof(handler)));
    whole.count = 1;
    whole.e[0] =
        (struct arm_event){.kind = ARM_EVENT_EXCEPTION, .el = 1, .pc = AT(10), .count = 10};
    assert_true(arm_subscribe(m, &filter, stop, &s) > 0);
    assert_int_equal(arm_run(m, 1000000), ARM_STOP_REQUEST);
    assert_true(s.between);
    assert_int_equal(s.retired, 10);
    assert_int_equal(arm_retired(m), 10);
    arm_machine_free(m);
}

#define PROBE(number, NAME, ...)                                                                   \
    static void test_a_stop_at_##NAME(void **state)                                                \
    {                                                                                              \
        (void)state;                                                                               \
        unsigned seen = 0;                                                                         \
        for (size_t k = 0; k < ARRAY_SIZE(programs); k++)                                          \
            seen += stop_at_each(&programs[k], ARM_EVENT_##NAME);                                  \
        assert_true(seen);                                                                         \
    }
#include "base/probe.def"
#undef PROBE

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stop_at_an_interrupt_is_before_its_first_instruction),
#define PROBE(number, NAME, ...) cmocka_unit_test(test_a_stop_at_##NAME),
#include "base/probe.def"
#undef PROBE
    };

    return cmocka_run_group_tests(tests, run_programs, NULL);
}
