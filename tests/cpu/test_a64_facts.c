/*
 * The facts of arch/a64.def against what the exec_ functions do. For random words of each row:
 *
 * - everything that the row does not say it reads gets another value, and nothing that comes out
 * may change but what was changed itself (exact the one way);
 * - everything that it says it reads is changed alone, until each has made a difference; everything
 *   that it says it writes has to change, every kind of access and branch to happen (exact the
 * other way);
 * - each thing that a row says is taken away from a copy of it, and the first check has to object.
 *
 * ARMILLARY_SEED repeats a run, ARMILLARY_N sets the words of each row, ARMILLARY_ROW restricts to
 * the rows whose name begins with it.
 */
#include "tests/cpu/facts_claims.h"

struct suite {
    struct bench b;
    struct machine_state base;
    uint64_t seed, rng;
};

static void suite_open(struct suite *t)
{
    *t = (struct suite){0};
    t->seed = t->rng = test_seed((uint64_t)time(NULL));
    bench_open(&t->b);
    bench_get(&t->b, &t->base);
    t->base.irq_check = false;
}

static bool skipped(enum a64_op op)
{
    const char *prefix = getenv("ARMILLARY_ROW");

    return prefix && strncmp(a64_rows[op].name, prefix, strlen(prefix)) != 0;
}

/* Random words of @op until everything that its row says has been seen; at least @words. */
static bool check_row(struct suite *t, enum a64_op op, unsigned words)
{
    const struct a64_row *r = &a64_rows[op];
    const struct claims all = claims_of(r);
    struct claims seen = {0};

    for (unsigned n = 0; n < words || (n < TRIES && !none(missing(all, seen))); n++) {
        const uint32_t word = random_word(&t->rng, op);
        struct machine_state in;
        struct outcome a;
        struct insn i;
        random_state(&t->b, &t->rng, &t->base, word, &in);
        const char *why = check_word(&t->b, &t->rng, r, word, &in, &a);
        if (why) {
            print_error("%s %08x: %s\n", r->name, word, why);
            return false;
        }
        a64_decode(word, 0, &i);
        see_run(r, &i, &in, &a, &seen);
        if (!a.exception || says(r, FACT_TRAP))
            see_inputs(&t->b, &t->rng, r, word, &in, &a, missing(all, seen), &seen);
    }
    if (!none(missing(all, seen)))
        print_claims("said, but never seen", r, missing(all, seen));
    return none(missing(all, seen));
}

static void test_a_row_reads_and_writes_what_its_facts_say(void **state)
{
    struct suite t;
    unsigned bad = 0;

    (void)state;
    suite_open(&t);
    for (enum a64_op op = 0; op < A64_UNALLOCATED; op++)
        if (!skipped(op))
            bad += !check_row(&t, op, (unsigned)test_option("ARMILLARY_N", 60));
    bench_close(&t.b);
    if (bad)
        fail_msg("%u rows; ARMILLARY_SEED=%" PRIu64, bad, t.seed);
}

/* Does the first check find that @row is not the row of @op? */
static bool is_noticed(struct suite *t, enum a64_op op, const struct a64_row *row)
{
    for (unsigned n = 0; n < TRIES; n++) {
        const uint32_t word = random_word(&t->rng, op);
        struct machine_state in;
        struct outcome a;
        random_state(&t->b, &t->rng, &t->base, word, &in);
        if (check_word(&t->b, &t->rng, row, word, &in, &a))
            return true;
    }
    return false;
}

/* What no check would miss: PRF, and MULTI, which the generator makes; and what DRPS would do. */
static uint64_t unchecked(enum a64_op op)
{
    return BIT(FACT_PRF) | BIT(FACT_MULTI) | (op == A64_DRPS ? BIT(FACT_ERET) : 0);
}

static unsigned drop_each(struct suite *t, enum a64_op op)
{
    const struct a64_row *r = &a64_rows[op];
    unsigned bad = 0;

    for (unsigned k = 0; k < FACT_COUNT + 8; k++) {
        struct claims dropped = {0};
        struct a64_row row = *r;
        if (k < FACT_COUNT)
            dropped.facts = r->facts & BIT(k) & ~unchecked(op);
        else if (k < FACT_COUNT + 4)
            dropped.reads = claims_of(r).reads & (1 << (k - FACT_COUNT));
        else
            dropped.writes = claims_of(r).writes & (1 << (k - FACT_COUNT - 4));
        /* The roles of RD, WB and WS stand for these. */
        dropped.facts &= ~(BIT(FACT_RD) | BIT(FACT_WB) | BIT(FACT_WS));
        row.facts &= ~dropped.facts;
        row.reads &= (uint8_t)~dropped.reads;
        row.writes &= (uint8_t)~dropped.writes;
        if (none(dropped) || is_noticed(t, op, &row))
            continue;
        print_claims("taken away, and not noticed", r, dropped);
        bad++;
    }
    return bad;
}

static void test_whatever_is_taken_from_a_row_is_noticed(void **state)
{
    struct suite t;
    unsigned bad = 0;

    (void)state;
    suite_open(&t);
    for (enum a64_op op = 0; op < A64_UNALLOCATED; op++)
        if (!skipped(op))
            bad += drop_each(&t, op);
    bench_close(&t.b);
    if (bad)
        fail_msg("%u facts; ARMILLARY_SEED=%" PRIu64, bad, t.seed);
}

/* The run loops look at what to stop for where an instruction's result tells them to; and not at
 * each one, nor do they change what comes behind it. */
static void test_an_instruction_whose_event_asks_for_a_stop_does_not_go_on(void **state)
{
    struct arm_filter all = {.size = sizeof(all), .events = ~UINT64_C(0)};
    struct suite t;
    uint64_t stops = 0;

    (void)state;
    suite_open(&t);
    t.b.pauses = true;
    assert_true(probe_subscribe(&t.b.f->probes, &all, bench_probe, &t.b) > 0);
    for (enum a64_op op = 0; op < A64_UNALLOCATED; op++) {
        for (uint64_t n = skipped(op) ? 0 : test_option("ARMILLARY_N", 60); n; n--) {
            const uint32_t word = random_word(&t.rng, op);
            struct machine_state in;
            struct outcome o;
            random_state(&t.b, &t.rng, &t.base, word, &in);
            bench_run(&t.b, word, &in, &o);
            stops += t.b.pause;
            if (t.b.pause && o.result != EXEC_SYNC && o.result != EXEC_EXIT &&
                o.result != EXEC_ABORT)
                fail_msg("%s %08x: goes on; ARMILLARY_SEED=%" PRIu64, a64_rows[op].name, word,
                         t.seed);
        }
    }
    bench_close(&t.b);
    assert_true(stops > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_reads_and_writes_what_its_facts_say),
        cmocka_unit_test(test_whatever_is_taken_from_a_row_is_noticed),
        cmocka_unit_test(test_an_instruction_whose_event_asks_for_a_stop_does_not_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
