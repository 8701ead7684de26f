/* Going over a run in both directions: what was is the same again. */
#include <glib.h>

#include "tests/machine/snapshot_fixture.h"
#include "timeline.h"

#define POINTS 24

/* How the timelines of the tests are: with one machine that goes back itself, or with two. */
static bool alone;
static unsigned few; /* points before somebody goes back; 0: all */

/* A timeline of @cpus CPUs that execute @words, with points close together. */
static struct timeline *open_words_at(unsigned cpus, const uint32_t *words, size_t size,
                                      struct output *out, uint64_t interval, uint64_t interval_ns)
{
    static struct arm_blob blobs[CPUS_MAX];
    static struct arm_config machine; /* as long as the timeline */
    struct arm_error err = {0};

    write_file(program, words, size);
    for (unsigned k = 0; k < cpus; k++)
        blobs[k] = (struct arm_blob){
            .path = program, .addr = ENTRY + 0x1000 * k, .force_raw = true, .cpu = (int)k};
    memset(out, 0, sizeof(*out));
    machine = (struct arm_config){.size = sizeof(machine),
                                  .cpu = "max",
                                  .cpus = cpus,
                                  .ram_size = RAM_SIZE,
                                  .el2 = true,
                                  .no_reboot = true,
                                  .blobs = blobs,
                                  .blob_count = cpus,
                                  .console_write = keep_output,
                                  .console_ctx = out};
    struct timeline *t = timeline_new(&(struct timeline_config){.machine = &machine,
                                                                .interval = interval,
                                                                .interval_ns = interval_ns,
                                                                .snapshots = few ? 64 : 8,
                                                                .few = few,
                                                                .later = alone,
                                                                .alone = alone},
                                      &err);
    if (!t || (alone && !timeline_begin(t)))
        fail_msg("%s", err.text);
    return t;
}

static struct timeline *open_words(unsigned cpus, const uint32_t *words, size_t size,
                                   struct output *out)
{
    return open_words_at(cpus, words, size, out, 50000, 0);
}

static struct timeline *open_mix_at(unsigned cpus, struct output *out, uint64_t interval,
                                    uint64_t interval_ns)
{
    uint32_t words[ARRAY_SIZE(guest_mix)];

    memcpy(words, guest_mix, sizeof(words));
    if (cpus == 1)
        words[18] = 0xd503201f; /* nobody would wake it from the second WFE */
    return open_words_at(cpus, words, sizeof(words), out, interval, interval_ns);
}

static struct timeline *open_mix(unsigned cpus, struct output *out)
{
    return open_mix_at(cpus, out, 50000, 0);
}

/* How the last run ended is none of the state that is compared. */
static struct arm_machine *machine_of(struct timeline *t)
{
    struct arm_machine *m = timeline_machine(t);

    m->end = (struct arm_end){0};
    return m;
}

static void go(struct timeline *t, struct arm_position to)
{
    assert_int_equal(timeline_goto(t, to), TIMELINE_THERE);
    assert_int_equal(position_compare(timeline_here(t), to), 0);
}

static void test_any_point_is_the_same_from_both_sides(void **state)
{
    uint64_t random = test_seed(3);
    static struct output out;

    (void)state;
    for (unsigned cpus = 1; cpus <= CPUS_MAX; cpus++) {
        struct timeline *t = open_mix(cpus, &out);
        struct arm_snapshot *was[POINTS];
        struct arm_position at[POINTS] = {{0, 0}};
        for (unsigned k = 0; k < POINTS; k++) {
            at[k].insns = (k ? at[k - 1].insns : 0) + 1 + random_next(&random) % 60000;
            at[k].exceptions = 0;
            go(t, at[k]);
            was[k] = take(machine_of(t));
        }
        size_t shown = out.size;
        assert_true(shown > 0);
        for (unsigned k = 0; k < 3 * POINTS; k++) {
            unsigned n = k < POINTS ? POINTS - 1 - k : (unsigned)(random_next(&random) % POINTS);
            go(t, at[n]);
            assert_is(machine_of(t), was[n]);
        }
        assert_int_equal(out.size, shown); /* nothing is printed twice */
        assert_true(timeline_snapshots(t) <= 8 + 64);
        for (unsigned k = 0; k < POINTS; k++)
            arm_snapshot_free(was[k]);
        timeline_free(t);
    }
}

/* Where the run has cost the host little there is little to execute again, whatever its length. */
static void test_points_may_be_as_far_apart_as_the_run_is_cheap(void **state)
{
    static const uint64_t intervals_ns[] = {0, 3600 * UINT64_C(1000000000)};
    static struct output out;
    unsigned kept[2];

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct timeline *t = open_mix_at(1, &out, 10000, intervals_ns[k]);
        go(t, (struct arm_position){200000, 0});
        kept[k] = timeline_snapshots(t);
        go(t, (struct arm_position){50000, 0}); /* from the start, if need be */
        timeline_free(t);
    }
    assert_true(kept[0] >= 19);
    assert_int_equal(kept[1], 1);
}

/* Until somebody goes back they lie the farther apart the farther away they are; on the way back
 * the others are made. */
static void test_few_points_are_kept_until_somebody_goes_back(void **state)
{
    static struct output out;

    (void)state;
    few = 6;
    struct timeline *t = open_mix_at(1, &out, 10000, 0);
    few = 0;
    go(t, (struct arm_position){390000, 0});
    struct arm_snapshot *was = take(machine_of(t));
    go(t, (struct arm_position){600000, 0});
    assert_true(timeline_snapshots(t) <= 6);
    uint64_t work = timeline_work(t);
    assert_int_equal(timeline_prepare(t), TIMELINE_THERE);
    assert_true(timeline_snapshots(t) <= 12);
    assert_int_equal(timeline_back(t, 0), TIMELINE_THERE);
    assert_true(timeline_work(t) - work < 2 * 10000 + 8 * TIMELINE_WORK_SNAPSHOT);
    go(t, (struct arm_position){390000, 0});
    assert_is(machine_of(t), was);
    arm_snapshot_free(was);
    go(t, (struct arm_position){590000, 0});
    assert_true(timeline_snapshots(t) > 10);
    timeline_free(t);
}

/* A short run has few pages to copy for, and a long one gaps that double. */
static void test_points_grow_as_the_logarithm_of_the_run(void **state)
{
    static struct output out;

    (void)state;
    few = 12;
    struct timeline *t = open_mix_at(1, &out, 10000, 0);
    few = 0;
    go(t, (struct arm_position){65000, 0});
    assert_int_equal(timeline_snapshots(t), 2);
    go(t, (struct arm_position){600000, 0});
    assert_in_range(timeline_snapshots(t), 4, 5);
    timeline_free(t);
}

/* So that the step itself executes next to nothing again. */
static void test_what_is_prepared_for_a_step_back_moves_nothing(void **state)
{
    static struct output out;
    struct timeline *t = open_mix(1, &out);

    (void)state;
    go(t, (struct arm_position){140000, 0});
    struct arm_snapshot *before = take(machine_of(t));
    assert_int_equal(timeline_step(t, 0), TIMELINE_THERE);
    struct arm_position here = timeline_here(t);
    struct arm_snapshot *was = take(machine_of(t));
    size_t shown = out.size;
    for (unsigned k = 0; k < 2; k++) {
        assert_int_equal(timeline_prepare(t), TIMELINE_THERE);
        assert_int_equal(position_compare(timeline_here(t), here), 0);
        assert_false(timeline_in_past(t));
        assert_is(machine_of(t), was);
    }
    assert_int_equal(out.size, shown);
    uint64_t work = timeline_work(t);
    assert_int_equal(timeline_back(t, 0), TIMELINE_THERE);
    assert_is(machine_of(t), before);
    assert_true(timeline_work(t) - work < TIMELINE_WORK_SNAPSHOT + 10000);
    arm_snapshot_free(before);
    arm_snapshot_free(was);
    timeline_free(t);
}

static void test_a_step_back_undoes_a_step(void **state)
{
    uint64_t random = test_seed(4);
    static struct output out;

    (void)state;
    for (unsigned cpus = 1; cpus <= CPUS_MAX; cpus++)
        for (unsigned cpu = 0; cpu < cpus; cpu += cpus - 1 + !(cpus - 1)) {
            struct timeline *t = open_mix(cpus, &out);
            struct arm_snapshot *was[POINTS + 1];
            go(t, (struct arm_position){100000 + random_next(&random) % 50000, 0});
            /* Where a step of this CPU has just been made. */
            assert_int_equal(timeline_step(t, cpu), TIMELINE_THERE);
            was[0] = take(machine_of(t));
            for (unsigned k = 1; k <= POINTS; k++) {
                assert_int_equal(timeline_step(t, cpu), TIMELINE_THERE);
                was[k] = take(machine_of(t));
            }
            for (unsigned k = POINTS; k-- > 0;) {
                assert_int_equal(timeline_back(t, cpu), TIMELINE_THERE);
                assert_is(machine_of(t), was[k]);
            }
            for (unsigned k = 1; k <= POINTS; k++) {
                assert_int_equal(timeline_step(t, cpu), TIMELINE_THERE);
                assert_is(machine_of(t), was[k]);
            }
            for (unsigned k = 0; k <= POINTS; k++)
                arm_snapshot_free(was[k]);
            timeline_free(t);
        }
}

/* SVC retires and takes an exception: one step, which counts as both. */
static void test_a_step_back_undoes_a_call(void **state)
{
    static uint32_t words[0xa00 / 4 + 1] = {
        0x10004000, /* adr x0, . + 0x800 */
        0xd51cc000, /* msr vbar_el2, x0 */
        0xd4000001, /* svc #0 */
        0x17ffffff, /* b . - 4 */
    };
    static struct output out;
    struct arm_snapshot *was[POINTS];

    (void)state;
    words[0xa00 / 4] = 0xd69f03e0; /* eret */
    struct timeline *t = open_words(1, words, sizeof(words), &out);
    for (unsigned k = 0; k < POINTS; k++) {
        was[k] = take(machine_of(t));
        assert_int_equal(timeline_step(t, 0), TIMELINE_THERE);
    }
    for (unsigned k = POINTS; k-- > 0;) {
        assert_int_equal(timeline_back(t, 0), TIMELINE_THERE);
        assert_is(machine_of(t), was[k]);
        arm_snapshot_free(was[k]);
    }
    timeline_free(t);
}

static void test_before_the_first_step_there_is_none(void **state)
{
    static struct output out;
    struct timeline *t = open_mix(1, &out);

    (void)state;
    assert_int_equal(timeline_back(t, 0), TIMELINE_START);
    assert_int_equal(timeline_step(t, 0), TIMELINE_THERE);
    assert_int_equal(timeline_back(t, 0), TIMELINE_THERE);
    assert_int_equal(timeline_here(t).insns, 0);
    assert_int_equal(timeline_back(t, 0), TIMELINE_START);
    timeline_free(t);
}

/* What is told of a stretch, event by event. */
struct told {
    struct timeline *t;
    unsigned count;
    uint64_t last; /* instructions before the last one */
};

static void tell(void *ctx, const struct arm_event *event)
{
    struct told *told = ctx;
    uint64_t now = arm_machine_position(timeline_machine(told->t)).insns;

    assert_int_equal(event->kind, ARM_EVENT_INSN);
    assert_true(now >= told->last);
    told->last = now;
    told->count++;
}

static void test_a_stretch_is_told_exactly_and_its_work_is_counted(void **state)
{
    const struct arm_filter insns = {.size = sizeof(insns), .events = ARM_BIT(ARM_EVENT_INSN)};
    static struct output out;
    struct timeline *t = open_mix(1, &out);
    struct arm_position from, to;

    (void)state;
    go(t, (struct arm_position){170000, 0});
    to = timeline_here(t);
    for (unsigned k = 0; k < 2; k++) {
        struct told told = {.t = t};
        uint64_t work = timeline_work(t);
        assert_int_equal(timeline_tell(t, to, 1000, &insns, tell, &told, &from), TIMELINE_THERE);
        assert_int_equal(from.insns, to.insns - 1000);
        assert_int_equal(position_compare(timeline_here(t), to), 0);
        assert_in_range(told.count, 1000 - 100, 1000); /* an exception may end one */
        assert_in_range(told.last, to.insns - 100, to.insns);
        assert_in_range(timeline_work(t) - work, 1000 * TIMELINE_WORK_OBSERVED, 2000000);
    }
    timeline_free(t);
}

/* A search that may work no more ends where it began, and says how far it has looked. */
static void test_a_search_that_is_not_allowed_more_ends(void **state)
{
    const struct timeline_quest never = {
        .filter = {.size = sizeof(struct arm_filter), .events = ARM_BIT(ARM_EVENT_POWER)}};
    static struct output out;
    struct timeline *t = open_mix(1, &out);
    struct arm_position here;

    (void)state;
    go(t, (struct arm_position){400000, 0});
    here = timeline_here(t);
    timeline_allow(t, timeline_work(t) + 150000);
    assert_int_equal(timeline_last(t, &never, 1, NULL), TIMELINE_TIRED);
    assert_int_equal(position_compare(timeline_here(t), here), 0);
    assert_in_range(timeline_looked(t).insns, 1, here.insns - 1);
    timeline_allow(t, 0);
    assert_int_equal(timeline_last(t, &never, 1, NULL), TIMELINE_START);
    timeline_free(t);
}

/* Forwards @POINTS times, and back: the same places in reverse. */
static void both_ways(struct timeline *t, const struct timeline_quest *q, unsigned count)
{
    struct arm_position at[POINTS];
    unsigned which[POINTS], again;

    go(t, (struct arm_position){70000, 0});
    for (unsigned k = 0; k < POINTS; k++) {
        assert_int_equal(timeline_next(t, q, count, 0, &which[k]), TIMELINE_THERE);
        at[k] = timeline_here(t);
        assert_true(k == 0 || position_compare(at[k - 1], at[k]) < 0);
    }
    if (!q->pc_count)
        assert_int_equal(timeline_last(t, q, count, &again), TIMELINE_THERE);
    assert_int_equal(position_compare(timeline_here(t), at[POINTS - 1]), 0);
    for (unsigned k = POINTS - 1; k-- > 0;) {
        assert_int_equal(timeline_previous(t, q, count, &again), TIMELINE_THERE);
        assert_int_equal(position_compare(timeline_here(t), at[k]), 0);
        /* On two CPUs both may be at the same place. */
        assert_true(again == which[k] || arm_cpu_count(timeline_machine(t)) > 1);
    }
    for (unsigned k = 1; k < POINTS; k++) {
        assert_int_equal(timeline_next(t, q, count, 0, &again), TIMELINE_THERE);
        assert_int_equal(position_compare(timeline_here(t), at[k]), 0);
    }
}

static bool is_third(void *ctx, const struct arm_event *event)
{
    (void)ctx;
    return event->sysreg_read.value % 3 == 0;
}

static void test_events_are_found_from_both_sides(void **state)
{
    static struct output out;

    (void)state;
    for (unsigned cpus = 1; cpus <= CPUS_MAX; cpus++) {
        struct timeline *t = open_mix(cpus, &out);
        const struct timeline_quest q = {
            .filter = {.size = sizeof(struct arm_filter), .events = ARM_BIT(ARM_EVENT_SYSREG_READ)},
            .match = is_third};
        both_ways(t, &q, 1);
        timeline_free(t);
    }
}

static void test_stretches_without_a_write_are_not_executed(void **state)
{
    static const uint32_t once[] = {
        0xd518d080,             /* msr tpidr_el1, x0 */
        0xd2a00201,             /* mov x1, #0x100000 */
        0xd1000421, 0xb5ffffe1, /* 1: sub x1, x1, #1; cbnz x1, 1b */
        0xd518d081, 0x17fffffc, /* msr tpidr_el1, x1; b to the mov */
    };
    const uint32_t tpidr = arm_reg_number("TPIDR_EL1");
    const struct timeline_quest q = {
        .filter = {.size = sizeof(struct arm_filter), .events = ARM_BIT(ARM_EVENT_SYSREG_WRITE)},
        .sysreg = tpidr};
    static struct output out;
    struct timeline *t = open_words(1, once, sizeof(once), &out);

    (void)state;
    go(t, (struct arm_position){9000000, 0});
    /* Once somebody has looked for it: what comes then. */
    assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_THERE);
    assert_int_equal(timeline_here(t).insns, 4 * (2 * 0x100000 + 3));
    go(t, (struct arm_position){18800000, 0});
    uint64_t work = timeline_work(t);
    assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_THERE);
    assert_int_equal(timeline_here(t).insns, 8 * (2 * 0x100000 + 3));
    assert_true(timeline_work(t) - work < 0x200000 + 20 * TIMELINE_WORK_SNAPSHOT);
    for (uint64_t k = 7; k > 0; k--) {
        assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_THERE);
        assert_int_equal(timeline_here(t).insns, k * (2 * 0x100000 + 3));
    }
    assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_THERE);
    assert_int_equal(timeline_here(t).insns, 1);
    assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_START);
    assert_int_equal(timeline_here(t).insns, 1);
    assert_int_equal(timeline_next(t, &q, 1, 0, NULL), TIMELINE_THERE);
    assert_int_equal(timeline_here(t).insns, 2 * 0x100000 + 3);
    timeline_free(t);
}

/* Backwards from @from to the first of all, each of a guest's entries and exits. */
static void expect_crossings(struct timeline *t, uint64_t from, uint64_t last_entry)
{
    const struct timeline_quest q = {
        .filter = {.size = sizeof(struct arm_filter), .events = ARM_BIT(ARM_EVENT_WORLD)}};

    assert_int_equal(timeline_goto(t, (struct arm_position){from, 0}), TIMELINE_THERE);
    for (uint64_t entry = last_entry; entry > 9; entry -= 2 * 0xffff + 4) {
        assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_THERE);
        assert_int_equal(timeline_here(t).insns, entry);
        assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_THERE);
        assert_int_equal(timeline_here(t).insns, entry - 1);
    }
    assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_THERE);
    assert_int_equal(timeline_here(t).insns, 9);
    assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_START);
}

/* Nobody need be told of crossings before somebody looks for one: what the points of before then do
 * not know is looked through. */
static void test_crossings_are_counted_once_somebody_looks_for_one(void **state)
{
    static uint32_t words[0xc00 / 4 + 1] = {
        0x10004000, 0xd51cc000, /* adr x0, . + 0x800; msr vbar_el2, x0 */
        0x100000e0, 0xd51c4020, /* adr x0, guest; msr elr_el2, x0 */
        0xd28078a0, 0xd51c4000, /* mov x0, #0x3c5; msr spsr_el2, x0 */
        0xd2b00001, 0xd51c1101, /* mov x1, #0x80000000; msr hcr_el2, x1 */
        0xd69f03e0,             /* eret */
        0xd29fffe3,             /* guest: mov x3, #0xffff */
        0xf1000463, 0x54ffffe1, /* 1: subs x3, x3, #1; b.ne 1b */
        0xd4000002, 0x17fffffc, /* hvc #0; b guest */
    };
    const uint64_t first = 9 + 2 * 0xffff + 3, round = 2 * 0xffff + 4;
    static struct output out;

    (void)state;
    words[0xc00 / 4] = 0xd69f03e0; /* eret */
    for (few = 0; few <= 6; few += 6) {
        struct timeline *t = open_words(1, words, sizeof(words), &out);
        assert_int_equal(timeline_goto(t, (struct arm_position){1000000, 0}), TIMELINE_THERE);
        bool told = timeline_live(t)->probes.mask & ARM_BIT(ARM_EVENT_WORLD);
        assert_int_equal(told, !alone);
        expect_crossings(t, 1000000, first + 6 * round);
        expect_crossings(t, 2000000, first + 14 * round);
        uint64_t work = timeline_work(t);
        expect_crossings(t, 2000000, first + 14 * round);
        assert_true(timeline_work(t) - work < 2 * TIMELINE_WORK_SNAPSHOT * 15 * 6);
        timeline_free(t);
    }
    few = 0;
}

static void test_instructions_and_stores_are_found_from_both_sides(void **state)
{
    static struct output out;

    (void)state;
    for (unsigned cpus = 1; cpus <= 2; cpus++) {
        struct timeline *t = open_mix(cpus, &out);
        const uint64_t pcs[] = {ENTRY + 4 * 11, ENTRY + 4 * 13};
        const struct timeline_quest q[] = {
            {.pcs = pcs, .pc_count = 2},
            {.filter = {.size = sizeof(struct arm_filter), .events = ARM_BIT(ARM_EVENT_STORE)},
             .watch = true,
             .pa = RAM + 0x1000}};
        both_ways(t, q, 1);
        both_ways(t, q, 2);
        timeline_free(t);
    }
}

static void test_a_search_that_finds_nothing_stays_or_ends(void **state)
{
    static struct output out;
    struct timeline *t = open_mix(1, &out);
    const struct timeline_quest q = {
        .filter = {.size = sizeof(struct arm_filter), .events = ARM_BIT(ARM_EVENT_WORLD)}};

    (void)state;
    go(t, (struct arm_position){300000, 0});
    assert_int_equal(timeline_previous(t, &q, 1, NULL), TIMELINE_START);
    assert_int_equal(timeline_here(t).insns, 300000);
    assert_int_equal(timeline_next(t, &q, 1, 400000, NULL), TIMELINE_END);
    assert_int_equal(timeline_here(t).insns, 400000);
    timeline_free(t);
}

static void test_typed_text_comes_again_where_it_came(void **state)
{
    static struct output out;
    struct timeline *t = open_words(1, guest_echo, sizeof(guest_echo), &out);
    struct arm_snapshot *was;
    char text[100];

    (void)state;
    for (unsigned k = 0; k < sizeof(text); k++)
        text[k] = (char)('a' + k % 26);
    go(t, (struct arm_position){60000, 0});
    timeline_type(t, text, sizeof(text));
    go(t, (struct arm_position){200000, 0});
    timeline_type(t, "!", 1);
    go(t, (struct arm_position){400000, 0});
    was = take(machine_of(t));
    assert_int_equal(out.size, 1 + sizeof(text) + 1);
    assert_memory_equal(out.text + 1, text, sizeof(text));
    go(t, (struct arm_position){30000, 0});
    go(t, (struct arm_position){399999, 0});
    go(t, (struct arm_position){30000, 0});
    for (unsigned k = 40000; k < 400000; k += 36000) /* step by step in the second machine */
        go(t, (struct arm_position){k, 0});
    go(t, (struct arm_position){399990, 0});
    for (unsigned k = 0; k < 10; k++)
        timeline_step(t, 0);
    assert_is(machine_of(t), was);
    assert_int_equal(out.size, 1 + sizeof(text) + 1);
    arm_snapshot_free(was);
    timeline_free(t);
}

/* Its second page is in the file alone once it is written, as the file is large; then the file is
 * another one. */
static void test_a_file_that_changes_takes_the_past_and_nothing_else(void **state)
{
    static uint32_t words[32768] = {0x10008000, 0xf9000001, /* adr x0, .+0x1000; 1: str x1, [x0]; */
                                    0x91000421, 0x17fffffe}; /* add x1, x1, #1; b 1b */
    static struct output out;
    const struct arm_position here = {10000, 0}, begin = {1, 0}, later = {20002, 0};
    uint64_t x1 = 0;

    (void)state;
    if (!alone)
        return;
    struct timeline *t = open_words(1, words, sizeof(words), &out);
    assert_int_equal(timeline_goto(t, here), TIMELINE_THERE);
    assert_int_equal(timeline_goto(t, begin), TIMELINE_THERE);
    assert_int_equal(timeline_goto(t, here), TIMELINE_THERE);
    timeline_free(t);
    t = open_words(1, words, sizeof(words), &out);
    assert_int_equal(timeline_goto(t, here), TIMELINE_THERE);
    assert_int_equal(truncate(program, 100), 0);
    assert_int_equal(timeline_goto(t, begin), TIMELINE_ERROR);
    assert_non_null(strstr(timeline_error(t), "a file that was loaded has changed"));
    assert_false(timeline_in_past(t));
    assert_int_equal(timeline_here(t).insns, here.insns);
    assert_int_equal(timeline_goto(t, later), TIMELINE_THERE);
    assert_true(arm_reg_read(timeline_machine(t), 0, "x1", &x1));
    assert_int_equal(x1, 6667);
    timeline_free(t);
}

static void test_an_end_is_said_and_can_be_left_backwards(void **state)
{
    static struct output out;
    struct timeline *t = open_words(1, guest_alphabet, sizeof(guest_alphabet), &out);

    (void)state;
    assert_int_equal(timeline_goto(t, (struct arm_position){100000, 0}), TIMELINE_END);
    assert_int_equal(timeline_end(t), ARM_STOP_POWEROFF);
    struct arm_position end = timeline_here(t);
    assert_int_equal(timeline_step(t, 0), TIMELINE_END);
    assert_int_equal(timeline_back(t, 0), TIMELINE_THERE);
    assert_int_equal(timeline_here(t).insns, end.insns - 1);
    assert_int_equal(timeline_back(t, 0), TIMELINE_THERE);
    assert_int_equal(timeline_step(t, 0), TIMELINE_THERE);
    assert_int_equal(timeline_goto(t, end), TIMELINE_THERE);
    assert_int_equal(timeline_step(t, 0), TIMELINE_END);
    assert_int_equal(out.size, 26);
    timeline_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_point_is_the_same_from_both_sides),
        cmocka_unit_test(test_points_may_be_as_far_apart_as_the_run_is_cheap),
        cmocka_unit_test(test_few_points_are_kept_until_somebody_goes_back),
        cmocka_unit_test(test_points_grow_as_the_logarithm_of_the_run),
        cmocka_unit_test(test_what_is_prepared_for_a_step_back_moves_nothing),
        cmocka_unit_test(test_a_step_back_undoes_a_step),
        cmocka_unit_test(test_a_step_back_undoes_a_call),
        cmocka_unit_test(test_before_the_first_step_there_is_none),
        cmocka_unit_test(test_a_stretch_is_told_exactly_and_its_work_is_counted),
        cmocka_unit_test(test_a_search_that_is_not_allowed_more_ends),
        cmocka_unit_test(test_events_are_found_from_both_sides),
        cmocka_unit_test(test_stretches_without_a_write_are_not_executed),
        cmocka_unit_test(test_crossings_are_counted_once_somebody_looks_for_one),
        cmocka_unit_test(test_instructions_and_stores_are_found_from_both_sides),
        cmocka_unit_test(test_a_search_that_finds_nothing_stays_or_ends),
        cmocka_unit_test(test_typed_text_comes_again_where_it_came),
        cmocka_unit_test(test_a_file_that_changes_takes_the_past_and_nothing_else),
        cmocka_unit_test(test_an_end_is_said_and_can_be_left_backwards),
    };

    int failed = cmocka_run_group_tests_name("two machines", tests, make_names, NULL);
    alone = true;
    return failed + cmocka_run_group_tests_name("one machine", tests, NULL, remove_names);
}
