#include "base/clock.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/state_io.h"

#define EVENTS 3

struct fixture {
    struct clock clock;
    struct clock_event event[EVENTS];
    unsigned fired[EVENTS];
};

static void fire(void *ctx, uint64_t now_ns)
{
    (void)now_ns;
    ++*(unsigned *)ctx;
}

static void init(struct fixture *f)
{
    *f = (struct fixture){.clock.next_ns = CLOCK_NEVER};
    for (unsigned i = 0; i < EVENTS; i++) {
        f->event[i] = (struct clock_event){.fn = fire, .ctx = &f->fired[i]};
        clock_event_add(&f->clock, &f->event[i], "timer%u", i);
    }
}

static struct state_io saved(struct fixture *f)
{
    struct state_io io;

    state_io_save(&io);
    clock_time_state(&io, &f->clock);
    clock_events_state(&io, &f->clock);
    assert_int_equal(io.error.code, 0);
    return io;
}

static struct state_io restored(const struct state_io *from, struct fixture *f)
{
    struct state_io io;

    state_io_restore(&io, from->out, from->len);
    clock_time_state(&io, &f->clock);
    clock_events_state(&io, &f->clock);
    return io;
}

static void test_armed_events_come_back_by_name(void **state)
{
    struct fixture a, b;

    (void)state;
    init(&a);
    init(&b);
    clock_run(&a.clock, 100);
    clock_event_set(&a.clock, &a.event[1], 200);
    struct state_io io = saved(&a);
    clock_event_set(&b.clock, &b.event[0], 50);
    assert_int_equal(restored(&io, &b).error.code, 0);
    assert_int_equal(b.clock.now_ns, 100);
    assert_int_equal(b.clock.next_ns, 200);
    clock_run(&b.clock, 300);
    assert_int_equal(b.fired[0], 0);
    assert_int_equal(b.fired[1], 1);
    state_io_destroy(&io);
}

static void test_an_event_that_is_not_there_is_named(void **state)
{
    struct fixture a, b;

    (void)state;
    init(&a);
    init(&b);
    clock_event_set(&a.clock, &a.event[2], 200);
    strcpy(b.event[2].name, "another");
    struct state_io io = saved(&a);
    struct state_io r = restored(&io, &b);
    assert_int_equal(r.error.code, ARM_EINVAL);
    assert_non_null(strstr(r.error.text, "timer2"));
    state_io_destroy(&io);
}

static void test_times_that_would_wrap_are_refused(void **state)
{
    struct fixture a, b;

    (void)state;
    init(&a);
    init(&b);
    clock_run(&a.clock, UINT64_C(1) << 62);
    struct state_io io = saved(&a);
    assert_int_equal(restored(&io, &b).error.code, ARM_EINVAL);
    state_io_destroy(&io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_armed_events_come_back_by_name),
        cmocka_unit_test(test_an_event_that_is_not_there_is_named),
        cmocka_unit_test(test_times_that_would_wrap_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
