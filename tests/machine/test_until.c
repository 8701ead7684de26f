/* Runs that end where they were told to; interrupts from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"
#include "tests/machine/new_machine.h"

#define ENTRY UINT64_C(0x40100000)

/* mov x0,#0; 1: add x0,x0,#1; msr tpidr_el2,x0; b 1b */
static const uint32_t counter[] = {0xd2800000, 0x91000400, 0xd51cd040, 0x17fffffe};
#define ADD (ENTRY + 4)
#define MSR (ENTRY + 8)

static struct arm_machine *create(void)
{
    const struct arm_blob blobs[] = {{.addr = ENTRY, .cpu = 0}, {.addr = ENTRY, .cpu = 1}};
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = "n1",
                                      .cpus = 2,
                                      .ram_size = UINT64_C(4) << 20,
                                      .el2 = true,
                                      .blobs = blobs,
                                      .blob_count = 2};
    struct arm_machine *m = new_machine(&config);

    assert_true(arm_mem_write(m, ENTRY, counter, sizeof(counter)));
    return m;
}

static uint64_t reg(struct arm_machine *m, unsigned cpu, const char *name)
{
    uint64_t v = 0;

    assert_true(arm_reg_read(m, cpu, name, &v));
    return v;
}

/* On CPU 0 only. */
static const struct arm_filter first_cpu = {.size = sizeof(first_cpu), .cpus = {1}};

static int until_pc(struct arm_machine *m, uint64_t pc, uint64_t max_insns)
{
    struct arm_error err = {0};
    int r = arm_run_until(m,
                          &(struct arm_until){.size = sizeof(struct arm_until),
                                              .pcs = &pc,
                                              .pc_count = 1,
                                              .where = &first_cpu,
                                              .max_insns = max_insns},
                          &err);

    if (r < 0)
        fail_msg("%s", err.text);
    return r;
}

/* CPUs that execute, in two pages: mov x0,#0; 1: add x0,x0,#1; b 2f; .org 0x1000;
 * 2: msr tpidr_el2,x0; b 1b */
#define FAR_PAGE (ENTRY + 0x1000)
static struct arm_machine *create_two_pages(void)
{
    static const uint32_t near[] = {0xd2800000, 0x91000400, 0x140003fe};
    static const uint32_t far[] = {0xd51cd040, 0x17fffc00};
    struct arm_machine *m = create();

    assert_true(arm_mem_write(m, ENTRY, near, sizeof(near)));
    assert_true(arm_mem_write(m, FAR_PAGE, far, sizeof(far)));
    return m;
}

/* Whichever way the page is come to: executed before, or not yet, and again and again. */
static void test_an_address_in_another_page_is_found_each_time(void **state)
{
    struct arm_machine *m = create_two_pages();

    (void)state;
    for (uint64_t n = 1; n < 2000; n++) {
        assert_int_equal(until_pc(m, FAR_PAGE, 0), ARM_STOP_UNTIL);
        assert_int_equal(reg(m, 0, "pc"), FAR_PAGE);
        assert_int_equal(reg(m, 0, "x0"), n);
        assert_int_equal(until_pc(m, FAR_PAGE + 4, 0), ARM_STOP_UNTIL);
        assert_int_equal(reg(m, 0, "pc"), FAR_PAGE + 4);
    }
    /* The page is as it was: the same run as one that nobody has looked at. */
    struct arm_machine *plain = create_two_pages();
    struct arm_position at = arm_machine_position(m);
    arm_run(plain, at.insns);
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        assert_int_equal(reg(m, cpu, "x0"), reg(plain, cpu, "x0"));
        assert_int_equal(reg(m, cpu, "pc"), reg(plain, cpu, "pc"));
    }
    arm_machine_free(plain);
    arm_machine_free(m);
}

static void count(void *ctx, const struct arm_event *event)
{
    (void)event;
    ++*(unsigned *)ctx;
}

static void test_a_snapshot_of_what_was_found_can_be_restored(void **state)
{
    (void)state;
    struct arm_machine *m = create();
    struct arm_error err = {0};
    struct arm_end end;

    assert_int_equal(until_pc(m, MSR, 0), ARM_STOP_UNTIL);
    struct arm_snapshot *s = arm_snapshot_take(m, &err);
    assert_non_null(s);
    assert_int_equal(until_pc(m, ADD, 0), ARM_STOP_UNTIL);
    if (arm_snapshot_restore(m, s, &err) < 0)
        fail_msg("%s", err.text);
    arm_last_end(m, &end);
    assert_int_equal(end.why, ARM_STOP_UNTIL);
    assert_int_equal(end.pc, MSR);
    arm_snapshot_free(s);
    arm_machine_free(m);
}

static void test_a_snapshot_of_before_leads_to_the_same_address_again(void **state)
{
    (void)state;
    struct arm_machine *m = create();
    struct arm_error err = {0};
    struct arm_snapshot *s = arm_snapshot_take(m, &err);

    assert_non_null(s);
    for (unsigned k = 0; k < 3; k++) {
        assert_int_equal(until_pc(m, MSR, 0), ARM_STOP_UNTIL);
        assert_int_equal(reg(m, 0, "x0"), 1);
        assert_int_equal(arm_snapshot_restore(m, s, &err), 0);
    }
    arm_snapshot_free(s);
    arm_machine_free(m);
}

static void test_a_run_ends_when_one_cpu_has_retired_so_much(void **state)
{
    (void)state;
    struct arm_machine *m = create();
    struct arm_error err = {0};
    struct arm_until until = {.size = sizeof(until), .cpu = 1, .cpu_insns = 12345};

    assert_int_equal(arm_run(m, 777), ARM_STOP_LIMIT);
    for (unsigned k = 1; k < 8; k++) {
        assert_int_equal(arm_run_until(m, &until, &err), ARM_STOP_UNTIL);
        assert_int_equal(arm_cpu_position(m, 1).insns, 12345 * k);
        assert_int_equal(arm_cpu_position(m, 0).insns + 12345 * k, arm_machine_position(m).insns);
        assert_int_equal(arm_machine_position(m).exceptions, 0);
    }
    until.max_insns = 100;
    assert_int_equal(arm_run_until(m, &until, &err), ARM_STOP_LIMIT);
    until.cpu = 2;
    assert_int_equal(arm_run_until(m, &until, &err), -ARM_EINVAL);
    assert_int_equal(arm_cpu_position(m, 2).insns, 0);
    arm_machine_free(m);
}

static void test_a_run_ends_before_the_instruction_at_an_address(void **state)
{
    (void)state;
    const struct arm_filter all = {
        .size = sizeof(all), .events = ARM_BIT(ARM_EVENT_INSN), .cpus = {1}};
    struct arm_machine *m = create();
    struct arm_end end;
    unsigned events = 0;

    assert_true(arm_subscribe(m, &all, count, &events));
    for (unsigned k = 0; k < 50; k++) {
        assert_int_equal(until_pc(m, MSR, 0), ARM_STOP_UNTIL);
        arm_last_end(m, &end);
        assert_int_equal(end.why, ARM_STOP_UNTIL);
        assert_int_equal(end.cpu, 0);
        assert_int_equal(end.pc, MSR);
        assert_int_equal(reg(m, 0, "pc"), MSR);
        assert_int_equal(reg(m, 0, "x0"), k + 1);
        assert_int_equal(reg(m, 0, "tpidr_el2"), k);
        /* Each instruction has been told of once; the one at which it stands not yet. */
        assert_int_equal(events, 3 * (k + 1) - 1);
    }
    assert_int_equal(arm_step(m, 0), ARM_STOP_LIMIT);
    assert_int_equal(reg(m, 0, "tpidr_el2"), 50);
    assert_int_equal(events, 150);
    arm_machine_free(m);
}

/* What would be an Instruction Abort is one only when the run goes on. */
static void test_a_run_ends_before_an_address_where_nothing_is(void **state)
{
    static const uint32_t jump[] = {0xd2c00021, 0xd61f0020}; /* mov x1, #1 << 32; br x1 */
    struct arm_machine *m = create();

    (void)state;
    assert_true(arm_mem_write(m, ENTRY, jump, sizeof(jump)));
    assert_int_equal(until_pc(m, UINT64_C(1) << 32, 1000), ARM_STOP_UNTIL);
    assert_int_equal(reg(m, 0, "pc"), UINT64_C(1) << 32);
    assert_int_equal(arm_cpu_position(m, 0).insns, 2);
    assert_int_equal(arm_cpu_position(m, 0).exceptions, 0);
    assert_int_equal(arm_step(m, 0), ARM_STOP_LIMIT);
    assert_int_equal(arm_cpu_position(m, 0).exceptions, 1);
    assert_int_equal(reg(m, 0, "elr_el2"), UINT64_C(1) << 32);
    arm_machine_free(m);
}

static void test_a_run_until_is_the_run_that_it_would_have_been(void **state)
{
    (void)state;
    struct arm_machine *m[2] = {create(), create()};

    for (unsigned k = 0; k < 30000; k++)
        assert_int_equal(until_pc(m[0], ADD, 0), ARM_STOP_UNTIL);
    assert_int_equal(arm_run(m[1], arm_retired(m[0])), ARM_STOP_LIMIT);
    assert_int_equal(arm_retired(m[0]), arm_retired(m[1]));
    assert_int_equal(arm_time_ns(m[0]), arm_time_ns(m[1]));
    for (unsigned cpu = 0; cpu < 2; cpu++)
        for (unsigned k = 0; k < 2; k++)
            assert_int_equal(reg(m[0], cpu, k ? "pc" : "x0"), reg(m[1], cpu, k ? "pc" : "x0"));
    assert_true(reg(m[0], 1, "x0") > 10000);
    arm_machine_free(m[0]);
    arm_machine_free(m[1]);
}

static void test_a_run_ends_behind_an_event(void **state)
{
    (void)state;
    const struct arm_filter writes = {
        .size = sizeof(writes), .events = ARM_BIT(ARM_EVENT_SYSREG_WRITE), .cpus = {2}};
    const struct arm_until until = {.size = sizeof(until), .event = &writes};
    struct arm_machine *m = create();
    struct arm_end end;

    for (unsigned k = 0; k < 5; k++) {
        assert_int_equal(arm_run_until(m, &until, NULL), ARM_STOP_UNTIL);
        arm_last_end(m, &end);
        assert_int_equal(end.cpu, 1);
        assert_int_equal(end.pc, MSR + 4);
        assert_int_equal(reg(m, 1, "tpidr_el2"), k + 1);
    }
    arm_machine_free(m);
}

/* EL2 enters EL1 by ERET, at word 8: an HVC in a loop. The vector in x2 returns. */
static const uint32_t worlds[] = {
    0x10000100, 0xd51c4020, 0xd28078a1, 0xd51c4001, /* adr, msr elr_el2, mov, msr spsr_el2 */
    0xd51cc002, 0xd69f03e0, 0xd503201f, 0xd503201f, /* msr vbar_el2,x2; eret */
    0xd4000002, 0x17ffffff,                         /* hvc #0; b -4 */
};

static void test_a_run_ends_where_worlds_meet(void **state)
{
    (void)state;
    static const uint32_t eret = 0xd69f03e0;
    struct arm_until until = {.size = sizeof(until), .where = &first_cpu};
    struct arm_machine *m = create();
    struct arm_end end;

    assert_true(arm_mem_write(m, ENTRY, worlds, sizeof(worlds)));
    assert_true(arm_mem_write(m, ENTRY + 0x1000 + 0x400, &eret, 4));
    assert_true(arm_reg_write(m, 0, "x2", ENTRY + 0x1000));
    for (unsigned k = 0; k < 4; k++) {
        until.world = k % 2 ? ARM_WORLD_HOST : ARM_WORLD_GUEST;
        assert_int_equal(arm_run_until(m, &until, NULL), ARM_STOP_UNTIL);
        arm_last_end(m, &end);
        assert_int_equal(end.cpu, 0);
        assert_int_equal(end.el, k % 2 ? 2 : 1);
        assert_int_equal(end.pc, k % 2 ? ENTRY + 0x1400 : k ? ENTRY + 0x24 : ENTRY + 0x20);
    }
    arm_machine_free(m);
}

static void test_a_run_until_nothing_ends_at_its_limit(void **state)
{
    (void)state;
    struct arm_machine *m = create();

    assert_int_equal(until_pc(m, ENTRY + 0x100, 12345), ARM_STOP_LIMIT);
    assert_int_equal(arm_retired(m), 12345);
    /* An address that the limit has led to is still to come. */
    while (reg(m, 0, "pc") != MSR)
        arm_step(m, 0);
    assert_int_equal(until_pc(m, MSR, 1), ARM_STOP_UNTIL);
    arm_machine_free(m);
}

static void test_a_run_until_with_wrong_sizes_is_refused(void **state)
{
    (void)state;
    const struct arm_filter wrong = {.size = sizeof(wrong) + 1, .events = 1};
    struct arm_machine *m = create();
    struct arm_error err = {0};

    assert_int_equal(arm_run_until(m, &(struct arm_until){.size = 0}, &err), -ARM_EINVAL);
    assert_non_null(strstr(err.text, "struct arm_until"));
    assert_int_equal(
        arm_run_until(m, &(struct arm_until){.size = sizeof(struct arm_until), .event = &wrong},
                      &err),
        -ARM_EINVAL);
    assert_non_null(strstr(err.text, "struct arm_filter"));
    for (unsigned k = 0; k < ARM_SUBSCRIBERS_MAX; k++)
        assert_true(arm_subscribe(m, &first_cpu, count, NULL));
    assert_int_equal(
        arm_run_until(m, &(struct arm_until){.size = sizeof(struct arm_until), .event = &first_cpu},
                      &err),
        -ARM_EINVAL);
    assert_non_null(strstr(err.text, "subscribers"));
    assert_int_equal(arm_retired(m), 0);
    arm_machine_free(m);
}

struct irqs {
    unsigned count;
    struct {
        uint32_t intid;
        uint64_t retired;
        uint8_t change;
    } irq[16];
    struct arm_machine *m;
};

static void keep_irq(void *ctx, const struct arm_event *event)
{
    struct irqs *i = ctx;

    assert_true(i->count < ARRAY_SIZE(i->irq));
    i->irq[i->count].intid = event->irq.intid;
    i->irq[i->count].change = event->irq.change;
    i->irq[i->count++].retired = arm_retired(i->m);
}

static const struct arm_filter irq_events = {.size = sizeof(irq_events),
                                             .events = ARM_BIT(ARM_EVENT_IRQ)};

static void test_an_interrupt_from_outside_is_pending_recorded_and_replayed(void **state)
{
    (void)state;
    struct arm_machine *m[2] = {create(), create()};
    struct irqs irqs[2] = {{.m = m[0]}, {.m = m[1]}};
    char path[] = "/tmp/armillary-test-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    for (unsigned k = 0; k < 2; k++)
        assert_true(arm_subscribe(m[k], &irq_events, keep_irq, &irqs[k]));
    assert_int_equal(arm_record(m[0], path, NULL), 0);
    arm_run(m[0], 1000);
    assert_int_equal(arm_set_irq(m[0], 0, 100, true), 0);
    arm_run(m[0], 1000);
    assert_int_equal(arm_set_irq(m[0], 0, 100, false), 0);
    assert_int_equal(arm_set_irq(m[0], 1, 20, true), 0);
    arm_run(m[0], 1000);
    assert_int_equal(arm_record_end(m[0], NULL), 0);
    assert_int_equal(irqs[0].count, 3);
    assert_int_equal(irqs[0].irq[0].intid, 100);
    assert_int_equal(irqs[0].irq[0].change, ARM_IRQ_HIGH);
    assert_int_equal(irqs[0].irq[1].change, ARM_IRQ_LOW);
    assert_int_equal(irqs[0].irq[2].intid, 20);

    assert_int_equal(arm_replay(m[1], path, NULL), 0);
    assert_int_equal(arm_run(m[1], 0), ARM_STOP_REQUEST);
    assert_int_equal(irqs[1].count, 3);
    assert_memory_equal(irqs[0].irq, irqs[1].irq, sizeof(irqs[0].irq));
    unlink(path);
    for (unsigned k = 0; k < 2; k++)
        arm_machine_free(m[k]);
}

static void test_there_is_no_wire_of_other_interrupts(void **state)
{
    (void)state;
    static const struct {
        unsigned cpu, intid;
    } none[] = {{0, 0}, {0, 15}, {2, 20}, {0, 25}, {0, 288}, {0, 1020}, {0, 8192}};
    struct arm_machine *m = create();

    for (size_t k = 0; k < ARRAY_SIZE(none); k++)
        assert_int_equal(arm_set_irq(m, none[k].cpu, none[k].intid, true), -ARM_EINVAL);
    assert_int_equal(arm_set_irq(m, 99, 287, true), 0); /* an SPI is nobody's */
    arm_machine_free(m);
}

static void keep_line(void *ctx, const char *line)
{
    unsigned hits;

    if (sscanf(line, "cpu%*u: %u L2 hits, ", &hits) == 1) /* all that is counted */
        ++*(unsigned *)ctx;
}

static void test_parts_are_described(void **state)
{
    (void)state;
    struct arm_machine *m = create();
    unsigned lines = 0;

    assert_int_equal(arm_cpu_count(m), 2);
    assert_int_equal(arm_cpu_state(m, 1), ARM_CPU_RUNNING);
    assert_int_equal(arm_cpu_state(m, 2), ARM_CPU_OFF);
    assert_true(arm_describe(m, "tlb", keep_line, &lines));
    assert_int_equal(lines, 2);
    assert_true(arm_describe(m, "gic", keep_line, &lines));
    assert_false(arm_describe(m, "flux", keep_line, &lines));
    arm_machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_of_what_was_found_can_be_restored),
        cmocka_unit_test(test_a_snapshot_of_before_leads_to_the_same_address_again),
        cmocka_unit_test(test_a_run_ends_when_one_cpu_has_retired_so_much),
        cmocka_unit_test(test_a_run_ends_before_the_instruction_at_an_address),
        cmocka_unit_test(test_a_run_ends_before_an_address_where_nothing_is),
        cmocka_unit_test(test_a_run_until_is_the_run_that_it_would_have_been),
        cmocka_unit_test(test_an_address_in_another_page_is_found_each_time),
        cmocka_unit_test(test_a_run_ends_behind_an_event),
        cmocka_unit_test(test_a_run_ends_where_worlds_meet),
        cmocka_unit_test(test_a_run_until_nothing_ends_at_its_limit),
        cmocka_unit_test(test_a_run_until_with_wrong_sizes_is_refused),
        cmocka_unit_test(test_an_interrupt_from_outside_is_pending_recorded_and_replayed),
        cmocka_unit_test(test_there_is_no_wire_of_other_interrupts),
        cmocka_unit_test(test_parts_are_described),
    };
    return cmocka_run_group_tests_name("machine/until", tests, NULL, NULL);
}
