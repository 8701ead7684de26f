/* A run is one run however it is cut, and stops exactly where it is told to. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"
#include "cpu/code_cache.h"
#include "cpu/state.h"
#include "machine/machine.h"
#include "tests/guests.h"
#include "tests/machine/new_machine.h"
#include "tests/random.h"

#define RAM           UINT64_C(0x40000000)
#define ENTRY         (RAM + 0x80000)
#define RAM_SIZE      (UINT64_C(16) << 20)
#define TEST_CPUS_MAX 8
#define COUNTER       (RAM + 0x1000) /* of guest_mix */

/* A machine whose CPUs all start at @words. */
static struct arm_machine *create(const uint32_t *words, size_t size, unsigned cpus,
                                  bool keep_going, struct output *out)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpus = cpus,
                                      .ram_size = RAM_SIZE,
                                      .el2 = true,
                                      .semihosting = true,
                                      .no_reboot = true,
                                      .keep_going = keep_going,
                                      .console_write = keep_output,
                                      .console_ctx = out};

    memset(out, 0, sizeof(*out));
    return new_machine_of(config, words, size, ENTRY, 0x1000);
}
#define CREATE(guest, cpus, out) create(guest, sizeof(guest), cpus, false, out)

static uint64_t reg(struct arm_machine *m, unsigned cpu, const char *name)
{
    uint64_t v = 0;

    assert_true(arm_reg_read(m, cpu, name, &v));
    return v;
}

static uint64_t counter(struct arm_machine *m)
{
    uint64_t v = 0;

    assert_true(arm_mem_read(m, COUNTER, &v, 8));
    return v;
}

/* Everything that can be told apart of two runs. */
static void assert_same(struct arm_machine *a, struct arm_machine *b, unsigned cpus,
                        const struct output *out_a, const struct output *out_b)
{
    static uint8_t ram[2][1 << 16];

    assert_int_equal(arm_retired(a), arm_retired(b));
    assert_int_equal(arm_time_ns(a), arm_time_ns(b));
    assert_string_equal(out_a->text, out_b->text);
    for (unsigned c = 0; c < cpus; c++) {
        struct cpu_state_difference d;
        if (cpu_state_compare(a->cpus[c], b->cpus[c], &d, 1))
            fail_msg("cpu%u: %s[%u] is %#" PRIx64 " and %#" PRIx64, c, d.name, d.index, d.a, d.b);
        assert_int_equal(cpu_state_hash(a->cpus[c]), cpu_state_hash(b->cpus[c]));
    }
    for (uint64_t pa = RAM; pa < RAM + RAM_SIZE; pa += sizeof(ram[0])) {
        assert_true(arm_mem_read(a, pa, ram[0], sizeof(ram[0])));
        assert_true(arm_mem_read(b, pa, ram[1], sizeof(ram[1])));
        assert_memory_equal(ram[0], ram[1], sizeof(ram[0]));
    }
}

/* One CPU has nobody to wake it from the second WFE: a NOP there. */
static struct arm_machine *create_mix(unsigned cpus, struct output *out)
{
    uint32_t words[ARRAY_SIZE(guest_mix)];

    memcpy(words, guest_mix, sizeof(words));
    if (cpus == 1)
        words[18] = 0xd503201f;
    return create(words, sizeof(words), cpus, false, out);
}

/* Run @m for @total instructions in pieces: of one instruction, up to a quantum, or steps. */
static void run_cut(struct arm_machine *m, uint64_t total, uint64_t *random, unsigned cpus)
{
    uint64_t goal = arm_retired(m) + total;

    while (arm_retired(m) < goal) {
        uint64_t left = goal - arm_retired(m);
        uint64_t piece = 1 + random_next(random) % (random_next(random) % 3 ? 30 : 25000);

        if (random_next(random) % 8 == 0 && left > 40000 * cpus)
            assert_int_equal(arm_step(m, (unsigned)(random_next(random) % cpus)), ARM_STOP_LIMIT);
        else
            assert_int_equal(arm_run(m, piece < left ? piece : left), ARM_STOP_LIMIT);
    }
}

static void test_a_run_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    static struct output out[2];
    uint64_t random = test_seed(1);

    for (unsigned cpus = 1; cpus <= TEST_CPUS_MAX; cpus++) {
        uint64_t total = 400000 + random_next(&random) % 100000;
        struct arm_machine *whole = create_mix(cpus, &out[0]);
        struct arm_machine *cut = create_mix(cpus, &out[1]);

        assert_int_equal(arm_run(whole, total), ARM_STOP_LIMIT);
        run_cut(cut, total, &random, cpus);
        assert_same(whole, cut, cpus, &out[0], &out[1]);
        assert_true(counter(whole) > total / 40);
        arm_machine_free(whole);
        arm_machine_free(cut);
    }
}

static void test_exclusives_beside_a_busy_cpu_succeed_in_runs_of_one_instruction(void **state)
{
    (void)state;
    static struct output out;
    struct arm_machine *m = create_mix(2, &out);

    for (unsigned k = 0; k < 12000; k++)
        assert_int_equal(arm_run(m, 1), ARM_STOP_LIMIT);
    assert_true(counter(m) > 500);
    arm_machine_free(m);
}

/* A callback that ends the run at the @at-th event. */
struct stopper {
    struct arm_machine *m;
    uint64_t seen, at;
    uint64_t retired, pc, time_ns; /* as asked for in the callback */
    struct arm_event event;
};

static void stop_at(void *ctx, const struct arm_event *p)
{
    struct stopper *s = ctx;

    if (++s->seen != s->at)
        return;
    s->event = *p;
    s->retired = arm_retired(s->m);
    s->time_ns = arm_time_ns(s->m);
    s->pc = reg(s->m, p->cpu, "pc");
    arm_stop(s->m);
}

static int subscribe(struct arm_machine *m, enum arm_event_kind event, struct stopper *s)
{
    return arm_subscribe(
        m, &(struct arm_filter){.size = sizeof(struct arm_filter), .events = BIT(event)}, stop_at,
        s);
}

/* Address of the instruction of guest_mix that fires each event. */
static const struct {
    enum arm_event_kind event;
    unsigned word;
} places[] = {{ARM_EVENT_MEM, 6}, {ARM_EVENT_SYSREG_READ, 3}, {ARM_EVENT_MMIO, 22}};

static void test_a_stop_in_a_callback_is_before_the_next_instruction(void **state)
{
    (void)state;
    static struct output out[2];

    for (size_t k = 0; k < ARRAY_SIZE(places); k++) {
        struct stopper s = {.at = 1};
        struct arm_machine *m = create_mix(1, &out[0]);
        struct arm_machine *other = create_mix(1, &out[1]);
        struct arm_end end;

        s.m = m;
        assert_true(subscribe(m, places[k].event, &s));
        assert_int_equal(arm_run(m, 0), ARM_STOP_REQUEST);
        assert_int_equal(s.seen, 1);
        assert_int_equal(s.pc, ENTRY + 4 * places[k].word);
        assert_int_equal(s.event.pc, s.pc);
        assert_int_equal(s.event.count, s.retired);
        assert_int_equal(s.time_ns, s.retired);
        assert_int_equal(arm_retired(m), s.retired + 1);
        arm_last_end(m, &end);
        assert_int_equal(end.why, ARM_STOP_REQUEST);
        assert_int_equal(end.cpu, 0);
        assert_int_equal(end.el, 2);
        assert_int_equal(end.pc, reg(m, 0, "pc"));
        assert_int_equal(end.retired, s.retired + 1);
        assert_int_equal(end.pc, s.pc + 4);
        /* And the run goes on as if it had not been stopped. */
        assert_int_equal(arm_run(other, s.retired + 1), ARM_STOP_LIMIT);
        assert_same(m, other, 1, &out[0], &out[1]);
        arm_machine_free(m);
        arm_machine_free(other);
    }
}

/* Decoded instructions are shared by all CPUs and made once: what one CPU has to look at before its
 * next instruction is its own. */
static void test_a_stop_leaves_decoded_instructions_as_they_are(void **state)
{
    (void)state;
    static struct insn before[CODE_PAGE_INSNS + 1];
    static struct output out;

    for (size_t k = 0; k < ARRAY_SIZE(places); k++) {
        struct arm_machine *m = create_mix(1, &out);
        struct stopper s = {.m = m, .at = 1};

        assert_int_equal(arm_run(m, 100000), ARM_STOP_LIMIT);
        const struct insn *page = m->cpus[0]->page;
        memcpy(before, page, sizeof(before));
        assert_true(subscribe(m, places[k].event, &s));
        assert_int_equal(arm_run(m, 0), ARM_STOP_REQUEST);
        assert_ptr_equal(m->cpus[0]->page, page);
        assert_memory_equal(page, before, sizeof(before));
        arm_machine_free(m);
    }
}

static void test_a_stop_at_an_instruction_event_lets_just_that_one_execute(void **state)
{
    (void)state;
    static struct output out;
    struct arm_machine *m = create_mix(2, &out);
    struct stopper s = {.m = m, .at = 12345};

    assert_true(subscribe(m, ARM_EVENT_INSN, &s));
    assert_int_equal(arm_run(m, 0), ARM_STOP_REQUEST);
    assert_int_equal(s.seen, 12345);
    assert_int_equal(s.retired, 12344);
    assert_int_equal(arm_retired(m), 12345);
    arm_machine_free(m);
}

static void test_a_step_is_one_instruction_of_that_cpu(void **state)
{
    (void)state;
    static struct output out;
    struct arm_machine *m = create_mix(2, &out);
    struct arm_end end;

    for (unsigned k = 1; k <= 6; k++) {
        assert_int_equal(arm_step(m, 1), ARM_STOP_LIMIT);
        assert_int_equal(reg(m, 1, "pc"), ENTRY + 0x1000 + 4 * k);
        arm_last_end(m, &end);
        assert_int_equal(end.cpu, 1);
        assert_int_equal(end.pc, ENTRY + 0x1000 + 4 * k);
    }
    arm_machine_free(m);
}

/* Vectors at 0x60000000, where nothing is; then BRK. */
static const uint32_t guest_fault[] = {
    0xd2ac0000, 0xd51cc000, 0xd518c000, 0xd28000e0, 0xd42000e0, 0x14000000,
};

static void test_a_step_stops_at_the_vector_of_an_exception(void **state)
{
    (void)state;
    static struct output out;
    struct arm_machine *m = CREATE(guest_fault, 1, &out);

    assert_int_equal(arm_run(m, 4), ARM_STOP_LIMIT);
    assert_int_equal(arm_step(m, 0), ARM_STOP_LIMIT);
    assert_int_equal(reg(m, 0, "pc"), 0x60000200);
    assert_int_equal(reg(m, 0, "elr_el2"), ENTRY + 16);
    assert_int_equal(arm_retired(m), 4);
    arm_machine_free(m);
}

static void test_a_fault_loop_ends_the_run(void **state)
{
    (void)state;
    static struct output out;
    struct arm_machine *m = CREATE(guest_fault, 1, &out);
    struct arm_end end;

    assert_int_equal(arm_run(m, 0), ARM_STOP_FAULT_LOOP);
    assert_int_equal(arm_retired(m), 4);
    arm_last_end(m, &end);
    assert_int_equal(end.why, ARM_STOP_FAULT_LOOP);
    assert_int_equal(end.pc, 0x60000200);
    assert_int_equal(arm_run(m, 0), ARM_STOP_FAULT_LOOP);
    arm_machine_free(m);
}

static void test_a_fault_loop_that_is_kept_going_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    static struct output out[2];
    struct arm_machine *m[2];

    for (unsigned k = 0; k < 2; k++)
        m[k] = create(guest_fault, sizeof(guest_fault), 1, true, &out[k]);
    assert_int_equal(arm_run(m[0], 50000), ARM_STOP_LIMIT);
    for (unsigned k = 0; k < 50; k++)
        assert_int_equal(arm_run(m[1], 1000), ARM_STOP_LIMIT);
    assert_int_equal(arm_time_ns(m[0]), 50000);
    assert_same(m[0], m[1], 1, &out[0], &out[1]);
    for (unsigned k = 0; k < 2; k++)
        arm_machine_free(m[k]);
}

/* CPU 0 in a fault loop, CPU 1 busy: it might mend the vector. */
static void test_a_fault_loop_beside_a_cpu_that_runs_goes_on(void **state)
{
    (void)state;
    static const uint32_t guest[] = {
        0xd53800a1, 0x92401c21, 0xb5000081, /* mrs x1,mpidr_el1; and x1,x1,#255; cbnz x1,1f */
        0xd2ac0000, 0xd51cc000, 0xd42000e0, /* mov x0,#0x60000000; msr vbar_el2,x0; brk #7 */
        0x14000000,                         /* 1: b . */
    };
    static struct output out;
    struct arm_machine *m = CREATE(guest, 2, &out);

    assert_int_equal(arm_run(m, 200000), ARM_STOP_LIMIT);
    assert_int_equal(reg(m, 0, "pc"), 0x60000200);
    assert_int_equal(reg(m, 1, "pc"), ENTRY + 0x1000 + 24);
    arm_machine_free(m);
}

static void test_a_stop_asked_for_comes_before_a_limit_reached_with_it(void **state)
{
    (void)state;
    static struct output out;
    struct arm_machine *m = CREATE(guest_loop, 1, &out);
    struct stopper s = {.m = m, .at = 100};

    assert_true(subscribe(m, ARM_EVENT_INSN, &s));
    assert_int_equal(arm_run(m, 100), ARM_STOP_REQUEST);
    assert_int_equal(arm_run(m, 100), ARM_STOP_LIMIT);
    assert_int_equal(arm_retired(m), 200);
    arm_machine_free(m);
}

/* movz x0,#0x7f80,lsl #32 (TG 4K, SCALE 3, NUM 31); tlbi rvae1is,x0; b .-4 */
static const uint32_t guest_tlbi[] = {0xd2cff000, 0xd5088220, 0x17ffffff};

static struct {
    struct arm_machine *m;
    struct timespec at; /* CPU time */
} alarm_stop;

static void on_alarm(int number)
{
    (void)number;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &alarm_stop.at);
    arm_stop(alarm_stop.m);
}

/* The same operation on the TLBs of eight CPUs, in turns of many of them. */
static void test_a_stop_does_not_wait_for_a_turn_of_slow_instructions(void **state)
{
    (void)state;
    static struct output out;
    struct itimerval soon = {.it_value.tv_usec = 50000};
    struct timespec end;

    alarm_stop.m = create(guest_tlbi, sizeof(guest_tlbi), TEST_CPUS_MAX, false, &out);
    signal(SIGVTALRM, on_alarm);
    assert_int_equal(setitimer(ITIMER_VIRTUAL, &soon, NULL), 0);
    assert_int_equal(arm_run(alarm_stop.m, 0), ARM_STOP_REQUEST);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    signal(SIGVTALRM, SIG_DFL);
    assert_in_range((end.tv_sec - alarm_stop.at.tv_sec) * 1000000000 + end.tv_nsec -
                        alarm_stop.at.tv_nsec,
                    0, 50000000);
    arm_machine_free(alarm_stop.m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_is_the_same_however_it_is_cut),
        cmocka_unit_test(test_exclusives_beside_a_busy_cpu_succeed_in_runs_of_one_instruction),
        cmocka_unit_test(test_a_stop_in_a_callback_is_before_the_next_instruction),
        cmocka_unit_test(test_a_stop_leaves_decoded_instructions_as_they_are),
        cmocka_unit_test(test_a_stop_at_an_instruction_event_lets_just_that_one_execute),
        cmocka_unit_test(test_a_step_is_one_instruction_of_that_cpu),
        cmocka_unit_test(test_a_step_stops_at_the_vector_of_an_exception),
        cmocka_unit_test(test_a_fault_loop_ends_the_run),
        cmocka_unit_test(test_a_fault_loop_that_is_kept_going_is_the_same_however_it_is_cut),
        cmocka_unit_test(test_a_fault_loop_beside_a_cpu_that_runs_goes_on),
        cmocka_unit_test(test_a_stop_asked_for_comes_before_a_limit_reached_with_it),
        cmocka_unit_test(test_a_stop_does_not_wait_for_a_turn_of_slow_instructions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
