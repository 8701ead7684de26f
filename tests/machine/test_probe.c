/* Who wants events somewhere gets them there only, until the subscription ends. */
#include "tests/machine/probe_fixture.h"
#include "tests/machine/probe_programs.h"

/* EL2, then EL1, which calls EL2 by HVC, which waits. */
#define VECTORS 0x800
static const uint32_t guest[(VECTORS + 0x404) / 4] = {
    0xd500419f,
    0xd2a80001,
    0xd2824682, /*  0: msr pan,#1; mov x1,#RAM; mov x2,#0x1234 */
    0xd51cd042,
    0xd53cd043,
    0x91400824, /*  3: msr tpidr_el2,x2; mrs x3,tpidr_el2; add x4,x1,#DATA */
    0xa9000482,
    0xc85f7c85,
    0x08dffc86, /*  6: stp x2,x1,[x4]; ldxr x5,[x4]; ldarb w6,[x4] */
    0x3dc00087,
    0xd50c8322,
    0xd50c8422, /*  9: ldr q7,[x4]; tlbi vae2is,x2; tlbi ipas2e1,x2 */
    0xd5033a9f,
    0xd50331bf,
    0xd5033fdf, /* 12: dsb ishst; dmb oshld; isb */
    0xd50b7e24,
    0xd508751f,
    0xd2a12007, /* 15: dc civac,x4; ic iallu; mov x7,#UART */
    0x52800428,
    0x390000e8,
    0xd2b00009, /* 18: mov w8,#'!'; strb w8,[x7]; mov x9,#HCR_EL2.RW */
    0xd51c1109,
    0x100000ea,
    0xd51c402a, /* 21: msr hcr_el2,x9; adr x10,AT(29); msr elr_el2,x10 */
    0xd28078ab,
    0xd51c400b,
    0x10003ccc, /* 24: mov x11,#0x3c5; msr spsr_el2,x11; adr x12,VECTORS */
    0xd51cc00c,
    0xd69f03e0,
    0xd538d08d,                           /* 27: msr vbar_el2,x12; eret; 29: mrs x13,tpidr_el1 */
    0xd40000a2,                           /* 30: hvc #5 */
    [(VECTORS + 0x400) / 4] = 0xd503207f, /* wfi */
};

static struct arm_machine *create(void)
{
    return create_with((struct arm_config){0}, guest, sizeof(guest));
}

/* All that the guest does, as seen by a subscriber with @filter. */
static void observe(const struct arm_filter *filter, struct events *events)
{
    struct arm_machine *m = create();

    events->count = 0;
    assert_true(arm_subscribe(m, filter, keep, events) > 0);
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    arm_machine_free(m);
}

static unsigned count(const struct events *events, enum arm_event_kind event, unsigned el)
{
    unsigned n = 0;

    for (unsigned k = 0; k < events->count; k++)
        n += events->e[k].kind == event && events->e[k].el == el;
    return n;
}

static void test_a_subscriber_of_an_el_sees_what_happens_there_and_its_crossings(void **state)
{
    (void)state;
    static struct events e;
    struct arm_filter filter = everything;

    filter.els = BIT(1);
    observe(&filter, &e);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 1), 2);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 2), 0);
    assert_int_equal(count(&e, ARM_EVENT_SYSREG_READ, 1), 1);
    assert_int_equal(count(&e, ARM_EVENT_ERET, 2), 1); /* leads here */
    assert_int_equal(count(&e, ARM_EVENT_EXCEPTION, 1), 1);
    filter.els = BIT(2);
    observe(&filter, &e);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 1), 0);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 2), 29 + 1);
    assert_int_equal(count(&e, ARM_EVENT_EXCEPTION, 1), 1);
    filter.els = BIT(0);
    observe(&filter, &e);
    assert_int_equal(e.count, 0);
}

static void test_a_subscriber_of_a_cpu_or_a_world_sees_only_them(void **state)
{
    (void)state;
    static struct events e;
    struct arm_filter filter = everything;

    filter.cpus[0] = BIT(1); /* off */
    observe(&filter, &e);
    assert_int_equal(e.count, 0);
    filter.cpus[0] = BIT(0);
    filter.worlds = ARM_WORLD_GUEST; /* stage 2 is off: there is none */
    observe(&filter, &e);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 1) + count(&e, ARM_EVENT_INSN, 2), 0);
    filter.worlds = ARM_WORLD_HOST;
    observe(&filter, &e);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 1), 2);
}

static void test_a_subscription_ends_by_its_handle(void **state)
{
    (void)state;
    static struct events first, second;
    struct arm_machine *m = create();

    first.count = second.count = 0;
    int a = arm_subscribe(m, &everything, keep, &first);
    int b = arm_subscribe(m, &everything, keep, &second);
    assert_true(a > 0 && b > 0 && a != b);
    assert_int_equal(arm_run(m, 5), ARM_STOP_LIMIT);
    assert_true(arm_unsubscribe(m, a));
    assert_false(arm_unsubscribe(m, a));
    unsigned seen = first.count;
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    assert_int_equal(first.count, seen);
    assert_true(second.count > seen);
    for (int k = 0; k < ARM_SUBSCRIBERS_MAX - 1; k++)
        assert_true(arm_subscribe(m, &everything, keep, &first) > b);
    assert_int_equal(arm_subscribe(m, &everything, keep, &first), 0);
    arm_machine_free(m);
}

/* A subscriber that has enough after its first event. */
struct once {
    struct arm_machine *m;
    int handle;
    unsigned seen;
};

static void only_once(void *ctx, const struct arm_event *p)
{
    struct once *o = ctx;

    (void)p;
    o->seen++;
    assert_true(arm_unsubscribe(o->m, o->handle));
}

struct wisher {
    struct arm_machine *m;
    int handle;
    uint64_t first; /* PC of the first instruction that is told; 0: none yet */
};

static void first_told(void *ctx, const struct arm_event *p)
{
    struct wisher *w = ctx;

    w->first = w->first ? w->first : p->pc;
}

static void wish_more(void *ctx, const struct arm_event *p)
{
    const struct arm_filter insns = {.size = sizeof(insns), .events = BIT(ARM_EVENT_INSN)};
    struct wisher *w = ctx;

    if (!w->handle && p->pc == AT(3))
        w->handle = arm_subscribe(w->m, &insns, first_told, w);
}

static void test_what_a_callback_wishes_counts_from_the_next_instruction_on(void **state)
{
    (void)state;
    static const enum arm_engine engines[] = {ARM_ENGINE_INTERP, ARM_ENGINE_JIT_EAGER};
    const struct arm_filter writes = {.size = sizeof(writes),
                                      .events = BIT(ARM_EVENT_SYSREG_WRITE)};

    for (unsigned k = 0; k < ARRAY_SIZE(engines); k++) {
        struct wisher w = {
            .m = create_with((struct arm_config){.engine = engines[k]}, guest, sizeof(guest))};
        assert_true(arm_subscribe(w.m, &writes, wish_more, &w) > 0);
        assert_int_equal(arm_run(w.m, 0), ARM_STOP_IDLE);
        assert_int_equal(w.first, AT(4));
        arm_machine_free(w.m);
    }
}

static void test_a_callback_may_end_its_own_subscription(void **state)
{
    (void)state;
    static struct events all, behind;
    struct arm_machine *m = create();
    struct once once = {.m = m};

    observe(&everything, &all);
    behind.count = 0;
    once.handle = arm_subscribe(m, &everything, only_once, &once);
    assert_true(arm_subscribe(m, &everything, keep, &behind) > once.handle);
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    arm_machine_free(m);
    assert_int_equal(once.seen, 1);
    assert_int_equal(behind.count, all.count); /* the next one has missed nothing */
}

/* What a subscriber of the guest with @vmid sees of a program whose guest has VMID 5. */
static void observe_vmid(unsigned vmid, struct events *events)
{
    struct arm_filter filter = everything;
    struct arm_machine *m = create_with((struct arm_config){0}, walk_code, sizeof(walk_code));

    filter.worlds = ARM_WORLD_GUEST;
    filter.one_vmid = true;
    filter.vmid = (uint16_t)vmid;
    events->count = 0;
    assert_true(arm_subscribe(m, &filter, keep, events) > 0);
    arm_run(m, 100);
    arm_machine_free(m);
}

static void test_a_subscriber_of_a_vm_sees_it_entered_and_left(void **state)
{
    (void)state;
    static struct events e;

    observe_vmid(5, &e);
    assert_true(find(&e, ARM_EVENT_WORLD, AT(WALK_ERET))->world.enter);
    assert_true(count(&e, ARM_EVENT_WORLD, 1) > 0);
    assert_int_equal(count(&e, ARM_EVENT_INSN, 2), 0);
    observe_vmid(6, &e);
    assert_int_equal(count(&e, ARM_EVENT_WORLD, 1) + count(&e, ARM_EVENT_WORLD, 2), 0);
}

/* Watches a page from the first ISB to the third. */
struct watcher {
    struct arm_machine *m;
    unsigned barriers, stores;
    uint64_t pa;
};

static void watch(void *ctx, const struct arm_event *p)
{
    struct watcher *w = ctx;

    if (p->kind == ARM_EVENT_STORE) {
        w->stores++;
        w->pa = p->store.pa;
    } else if (++w->barriers == 1 || w->barriers == 3) {
        assert_true(arm_watch_page(w->m, AT(0x400) + 0x123, w->barriers == 1));
    }
}

static void test_stores_are_seen_while_their_page_is_watched(void **state)
{
    (void)state;
    static const uint32_t str = 0xf9000001, isb = 0xd5033fdf;
    const uint32_t code[] = {0x10008000,                /* adr x0, .+0x1000 */
                             str,        str, isb, str, /* [x0] */
                             0xf9080001,                /* str x1, [x0, #0x1000], the next page */
                             str,        isb, str, isb, str, 0x14000000};
    const struct arm_filter filter = {
        .size = sizeof(filter), .events = ARM_BIT(ARM_EVENT_STORE) | ARM_BIT(ARM_EVENT_BARRIER)};
    struct watcher w = {.m = create_with((struct arm_config){0}, code, sizeof(code))};

    assert_true(arm_subscribe(w.m, &filter, watch, &w) > 0);
    assert_false(arm_watch_page(w.m, AT(0), false));     /* nobody has */
    assert_false(arm_watch_page(w.m, 0x09000000, true)); /* a device */
    arm_run(w.m, 100);
    assert_int_equal(w.barriers, 3);
    assert_int_equal(w.stores, 3);
    assert_int_equal(w.pa, AT(0x400));
    assert_true(arm_watch_page(w.m, AT(0x400), true));
    assert_true(arm_watch_page(w.m, AT(0x400), true));
    assert_true(arm_watch_page(w.m, AT(0x400), false));
    assert_true(arm_watch_page(w.m, AT(0x400), false));
    assert_false(arm_watch_page(w.m, AT(0x400), false));
    arm_machine_free(w.m);
}

/* Of FP and SIMD, and then of all instructions. */
struct fp_follower {
    struct arm_machine *m;
    unsigned fps, insns;
    uint64_t fp_pc, first_insn;
};

static void count_insn(void *ctx, const struct arm_event *p)
{
    struct fp_follower *f = ctx;

    if (!f->insns++)
        f->first_insn = p->pc;
}

static void count_fp(void *ctx, const struct arm_event *p)
{
    static const struct arm_filter insns = {.size = sizeof(insns),
                                            .events = ARM_BIT(ARM_EVENT_INSN)};
    struct fp_follower *f = ctx;

    f->fp_pc = p->pc;
    if (!f->fps++)
        assert_true(arm_subscribe(f->m, &insns, count_insn, f) > 0);
}

static void test_who_sees_fp_used_can_follow_from_there(void **state)
{
    (void)state;
    const uint32_t code[] = {0xd503201f, 0xd503201f, 0x6f00e400, /* nop, nop, movi v0.2d, #0 */
                             0xd503201f, 0xd503201f, 0x14000000};
    const struct arm_filter filter = {.size = sizeof(filter), .events = ARM_BIT(ARM_EVENT_FP)};
    struct fp_follower f = {.m = create_with((struct arm_config){0}, code, sizeof(code))};

    assert_true(arm_subscribe(f.m, &filter, count_fp, &f) > 0);
    arm_run(f.m, 6);
    assert_int_equal(f.fps, 1);
    assert_int_equal(f.fp_pc, AT(2));
    assert_int_equal(f.first_insn, AT(3));
    assert_int_equal(f.insns, 3);
    arm_machine_free(f.m);
}

static void test_fp_that_traps_is_no_event(void **state)
{
    (void)state;
    const uint32_t code[] = {0xd2808000, /* mov x0, #0x400: CPTR_EL2.TFP */
                             0xd51c1140, /* msr cptr_el2, x0 */
                             0xd5033fdf, 0x6f00e400, 0x14000000};
    const struct arm_filter filter = {.size = sizeof(filter), .events = ARM_BIT(ARM_EVENT_FP)};
    struct fp_follower f = {.m = create_with((struct arm_config){0}, code, sizeof(code))};

    assert_true(arm_subscribe(f.m, &filter, count_fp, &f) > 0);
    arm_run(f.m, 20);
    assert_int_equal(f.fps, 0);
    arm_machine_free(f.m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_sees_fp_used_can_follow_from_there),
        cmocka_unit_test(test_fp_that_traps_is_no_event),
        cmocka_unit_test(test_stores_are_seen_while_their_page_is_watched),
        cmocka_unit_test(test_a_subscriber_of_an_el_sees_what_happens_there_and_its_crossings),
        cmocka_unit_test(test_a_subscriber_of_a_cpu_or_a_world_sees_only_them),
        cmocka_unit_test(test_a_subscription_ends_by_its_handle),
        cmocka_unit_test(test_what_a_callback_wishes_counts_from_the_next_instruction_on),
        cmocka_unit_test(test_a_callback_may_end_its_own_subscription),
        cmocka_unit_test(test_a_subscriber_of_a_vm_sees_it_entered_and_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
