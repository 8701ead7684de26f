/* Reads that are listed are those that would be told, in order. */
#include "cpu/read_list.h"
#include "tests/machine/probe_fixture.h"

#define ROUNDS 3000 /* more reads than a list has room for */

/* At EL2, in a loop: TPIDR_EL2 and SP_EL0, and each 64th time VBAR_EL2. */
static const uint32_t guest[] = {
    0xd28246a2,
    0xd51cd042,
    0xd2800000 | ROUNDS << 5, /*  0: mov x2,#0x1235; msr tpidr_el2,x2; mov x0,#ROUNDS */
    0xd53cd043,
    0x8b030084,
    0xd5384106, /*  3: mrs x3,tpidr_el2; add x4,x4,x3; mrs x6,sp_el0 */
    0xf240141f,
    0x54000041,
    0xd53cc005, /*  6: tst x0,#63; b.ne 9; mrs x5,vbar_el2 */
    0xf1000400,
    0x54ffff21,
    0xd503207f, /*  9: subs x0,x0,#1; b.ne 3; wfi */
};

struct reads {
    struct arm_machine *m;
    unsigned told, count;
    struct arm_listed_read read[3 * ROUNDS];
};

static void add(struct reads *r, struct arm_listed_read read)
{
    assert_true(r->count < ARRAY_SIZE(r->read));
    r->read[r->count++] = read;
}

static void take(struct reads *r)
{
    size_t count;
    const struct arm_listed_read *listed = arm_take_listed(r->m, 0, &count);

    for (size_t k = 0; k < count; k++)
        add(r, listed[k]);
}

static void on_read(void *ctx, const struct arm_event *p)
{
    struct reads *r = ctx;

    take(r);
    add(r, (struct arm_listed_read){.count = p->count, .reg = p->sysreg_read.sr});
    r->told++;
}

static void ignore(void *ctx, const struct arm_event *p)
{
    (void)ctx;
    (void)p;
}

static struct arm_filter filter_of(uint64_t events, bool lists)
{
    return (struct arm_filter){
        .size = sizeof(struct arm_filter), .events = events, .els = BIT(2), .lists = lists};
}

/* What a subscriber to reads learns. @other: events that another one wants. */
static void run(struct reads *r, enum arm_engine engine, bool lists, uint64_t other)
{
    const struct arm_filter filter = filter_of(BIT(ARM_EVENT_SYSREG_READ), lists);
    const struct arm_filter others = filter_of(other, false);

    *r = (struct reads){
        .m = create_with((struct arm_config){.engine = engine}, guest, sizeof(guest))};
    assert_true(arm_subscribe(r->m, &filter, on_read, r) > 0);
    assert_true(arm_subscribe(r->m, &others, ignore, NULL) > 0);
    assert_int_equal(arm_list_reads(r->m, 0, sysreg_number(SR_TPIDR_EL2), true), lists);
    assert_int_equal(arm_run(r->m, 0), ARM_STOP_IDLE);
    take(r);
    arm_machine_free(r->m);
}

static void assert_same_reads(const struct reads *a, const struct reads *b)
{
    assert_int_equal(a->count, b->count);
    for (unsigned k = 0; k < a->count; k++) {
        assert_int_equal(a->read[k].count, b->read[k].count);
        assert_int_equal(a->read[k].reg, b->read[k].reg);
    }
}

static struct reads told, listed;

static void test_what_is_listed_is_what_would_be_told(void **state)
{
    (void)state;
    static const enum arm_engine engines[] = {ARM_ENGINE_INTERP, ARM_ENGINE_DEFAULT};

    run(&told, ARM_ENGINE_INTERP, false, 0);
    assert_int_equal(told.told, told.count);
    assert_true(told.told > 2 * ROUNDS);
    for (unsigned k = 0; k < ARRAY_SIZE(engines); k++) {
        run(&listed, engines[k], true, 0);
        assert_same_reads(&told, &listed);
        assert_int_equal(listed.told, told.told - ROUNDS); /* SP_EL0's and VBAR_EL2's alone */
    }
}

/* SP_EL0 is told often enough above that a list never fills. */
static void test_a_full_list_is_told_of(void **state)
{
    (void)state;
    struct arm_machine *m = create_with((struct arm_config){0}, guest, sizeof(guest));
    const struct arm_filter filter = filter_of(BIT(ARM_EVENT_SYSREG_READ), true);
    static const enum sysreg all[] = {SR_TPIDR_EL2, SR_SP_EL0, SR_VBAR_EL2};

    listed = (struct reads){.m = m};
    assert_true(arm_subscribe(m, &filter, on_read, &listed) > 0);
    for (unsigned k = 0; k < ARRAY_SIZE(all); k++)
        assert_true(arm_list_reads(m, 0, sysreg_number(all[k]), true));
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    take(&listed);
    run(&told, ARM_ENGINE_INTERP, false, 0);
    assert_same_reads(&told, &listed);
    assert_int_equal(listed.told, told.count / (READ_LIST_MAX + 1));
    arm_machine_free(m);
}

static void test_where_somebody_else_wants_them_all_are_told(void **state)
{
    (void)state;
    run(&told, ARM_ENGINE_INTERP, false, 0);
    run(&listed, ARM_ENGINE_DEFAULT, true, BIT(ARM_EVENT_SYSREG_READ));
    assert_same_reads(&told, &listed);
    assert_int_equal(listed.told, told.told);
    run(&listed, ARM_ENGINE_DEFAULT, true, BIT(ARM_EVENT_INSN));
    assert_same_reads(&told, &listed);
    assert_int_equal(listed.told, told.told);
}

static void test_what_is_not_there_is_not_listed(void **state)
{
    (void)state;
    struct arm_machine *m = create_with((struct arm_config){0}, guest, sizeof(guest));
    const struct arm_filter filter = filter_of(BIT(ARM_EVENT_SYSREG_READ), true);
    size_t count = 1;

    assert_null(arm_take_listed(m, 0, &count));
    assert_int_equal(count, 0);
    assert_true(arm_subscribe(m, &filter, ignore, NULL) > 0);
    assert_true(arm_list_reads(m, 0, sysreg_number(SR_TPIDR_EL2), true));
    assert_false(arm_list_reads(m, 2, sysreg_number(SR_TPIDR_EL2), true));
    assert_false(arm_list_reads(m, 0, 0, true));
    assert_false(arm_list_reads(m, 0, ARM_X(3), true));
    arm_machine_free(m);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_listed_is_what_would_be_told),
        cmocka_unit_test(test_a_full_list_is_told_of),
        cmocka_unit_test(test_where_somebody_else_wants_them_all_are_told),
        cmocka_unit_test(test_what_is_not_there_is_not_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
