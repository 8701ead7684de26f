/* What the table of subscribers says at once, so that CPUs need not look through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/probe.h"

static void ignore(void *ctx, const struct arm_event *p)
{
    (void)ctx, (void)p;
}

/* The watch over a run wants calls of firmware everywhere: exceptions need not ask where they lead.
 */
static void test_only_who_wants_events_somewhere_is_asked_at_each_exception(void **state)
{
    struct probes ps = {0};
    const struct arm_filter everywhere = {.events = BIT(ARM_EVENT_FIRMWARE), .cpus = {BIT(1)}};
    const struct arm_filter at_el2 = {.events = BIT(ARM_EVENT_CALL), .els = BIT(2)};
    const struct arm_filter of_guests = {.events = BIT(ARM_EVENT_MEM), .worlds = ARM_WORLD_GUEST};

    (void)state;
    assert_true(probe_subscribe(&ps, &everywhere, ignore, NULL) > 0);
    assert_int_equal(ps.mask, BIT(ARM_EVENT_FIRMWARE));
    assert_int_equal(ps.placed, 0);
    int el2 = probe_subscribe(&ps, &at_el2, ignore, NULL);
    int guests = probe_subscribe(&ps, &of_guests, ignore, NULL);
    assert_int_equal(ps.placed, BIT(ARM_EVENT_CALL) | BIT(ARM_EVENT_MEM));
    assert_true(probe_unsubscribe(&ps, el2));
    assert_int_equal(ps.placed, BIT(ARM_EVENT_MEM));
    assert_true(probe_unsubscribe(&ps, guests));
    assert_int_equal(ps.placed, 0);
    assert_int_equal(ps.mask, BIT(ARM_EVENT_FIRMWARE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_who_wants_events_somewhere_is_asked_at_each_exception),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
