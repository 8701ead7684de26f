/* The run queue against a model of it: CPUs whose interrupts come when they may, tasks that wait,
 * wake each other and give the CPU away at random. Nothing here runs on a task's stack: who is
 * current does what a task may do, and afterwards another may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hyp/cpu.h"
#include "hyp/fake.h"
#include "hyp/opts.h"
#include "hyp/sched.h"
#include "hyp/vcpu.h"
#include "tests/hyp/fake_core.h"
#include "tests/random.h"

#define CPUS  4
#define TASKS 12

/* What is one for each CPU, and a single word in the fake. */
struct bank {
    uint64_t cval, ctl;
    unsigned kicks; /* of fake_core.sent[], taken so far */
};

/* What the run queue must be: who waits, first come first. */
static struct model {
    enum task_state state[TASKS];
    bool pending[TASKS];
    int queue[TASKS];
    unsigned waiting;
    int current[CPUS]; /* -1: idle */
    uint64_t busy_at[CPUS];
} model;

static struct bank bank[CPUS];
static struct task tasks[TASKS], idle[CPUS];
static struct vcpu vcpus[TASKS];
static _Alignas(16) char stack[STACK_SIZE];
static uint64_t rng;
static unsigned task_count;

static void nothing(void *arg)
{
    (void)arg;
}

static uint64_t now(void)
{
    return fake.sr[SR_CNTPCT_EL0];
}

static void on(unsigned cpu)
{
    bank[fake_core.cpu].cval = fake.sr[SR_CNTHP_CVAL_EL2];
    bank[fake_core.cpu].ctl = fake.sr[SR_CNTHP_CTL_EL2];
    fake_core.cpu = cpu;
    fake.sr[SR_CNTHP_CVAL_EL2] = bank[cpu].cval;
    fake.sr[SR_CNTHP_CTL_EL2] = bank[cpu].ctl;
}

static void begin(unsigned cpus, unsigned count)
{
    fake_reset();
    memset(bank, 0, sizeof(bank));
    memset(&model, 0, sizeof(model));
    memset(tasks, 0, sizeof(tasks));
    memset(idle, 0, sizeof(idle));
    memset(vcpus, 0, sizeof(vcpus));
    pcpu_count = cpus;
    task_count = count;
    fake.sr[SR_CNTFRQ_EL0] = 1000000; /* a tick a microsecond */
    fake.sr[SR_CNTPCT_EL0] = 1000;
    for (unsigned k = 0; k < cpus; k++) {
        task_init(&idle[k], "idle", stack, nothing, NULL);
        idle[k].is_idle = true;
        idle[k].state = TASK_RUNNING;
        pcpus[k].idle = pcpus[k].current = &idle[k];
        pcpus[k].timer_armed = UINT64_MAX;
        model.current[k] = -1;
        model.busy_at[k] = now();
    }
    for (unsigned k = 0; k < count; k++) {
        task_init(&tasks[k], "task", stack, nothing, NULL);
        model.state[k] = TASK_BLOCKED;
    }
}

static int setup(void **state)
{
    (void)state;
    begin(2, TASKS);
    return 0;
}

static bool may_run(int t, unsigned cpu)
{
    return tasks[t].pinned < 0 || (unsigned)tasks[t].pinned == cpu;
}

static void model_append(int t)
{
    model.state[t] = TASK_READY;
    model.queue[model.waiting++] = t;
}

/* The CPU goes to the first that may have it. */
static void model_next(unsigned cpu)
{
    unsigned k = 0;

    while (k < model.waiting && !may_run(model.queue[k], cpu))
        k++;
    model.current[cpu] = k < model.waiting ? model.queue[k] : -1;
    if (k == model.waiting)
        return;
    model.state[model.queue[k]] = TASK_RUNNING;
    model.waiting--;
    memmove(&model.queue[k], &model.queue[k + 1], (model.waiting - k) * sizeof(model.queue[0]));
}

static void model_schedule(unsigned cpu, bool block)
{
    int t = model.current[cpu];

    if (t >= 0 && block && !model.pending[t])
        model.state[t] = TASK_BLOCKED;
    else if (t >= 0)
        model_append(t);
    if (t >= 0 && block)
        model.pending[t] = false;
    model_next(cpu);
}

/* The queue is the model's, and nobody is in two places. */
static void check(void)
{
    unsigned running = 0;

    for (unsigned c = 0; c < pcpu_count; c++) {
        const struct task *t = pcpus[c].current;

        assert_ptr_equal(t, model.current[c] < 0 ? &idle[c] : &tasks[model.current[c]]);
        if (model.current[c] >= 0)
            assert_int_equal(t->state, TASK_RUNNING);
        for (unsigned d = 0; d < c; d++)
            assert_ptr_not_equal(t, pcpus[d].current);
    }
    for (unsigned k = 0; k < task_count; k++) {
        assert_int_equal(tasks[k].state, model.state[k]);
        assert_int_equal(tasks[k].wake_pending, model.pending[k]);
        running += tasks[k].state == TASK_RUNNING;
    }
    assert_true(running <= pcpu_count);
}

static void wake(unsigned t)
{
    task_wake(&tasks[t]);
    if (model.state[t] == TASK_BLOCKED)
        model_append((int)t);
    else
        model.pending[t] = true;
}

static void block(void)
{
    model_schedule(fake_core.cpu, true);
    task_block();
}

static void yield(void)
{
    model_schedule(fake_core.cpu, false);
    task_yield();
}

/* What the CPU does between two instructions of its task: interrupts, and what comes after them in
 * the idle loop, a run loop or a host task. */
static void interrupts(unsigned cpu)
{
    struct pcpu *p = &pcpus[cpu];

    if (fake_core.sent[cpu] != bank[cpu].kicks) {
        bank[cpu].kicks = fake_core.sent[cpu];
        sched_kicked();
    }
    if ((fake.sr[SR_CNTHP_CTL_EL2] & 1) && now() >= fake.sr[SR_CNTHP_CVAL_EL2])
        sched_timer_irq();
    if (p->need_resched && (p->current->is_idle || p->current->preemptible || p->current->vcpu)) {
        model_schedule(cpu, false);
        if (p->current->is_idle)
            task_yield();
        else if (p->current->vcpu)
            sched_point();
        else
            sched_irq_exit();
    }
}

/* All wait, and nothing is in the queue for who comes after. */
static void end(void)
{
    while (model.waiting || model.current[0] >= 0 || model.current[1] >= 0 ||
           model.current[2] >= 0 || model.current[3] >= 0)
        for (unsigned c = 0; c < CPUS; c++) {
            if (c >= pcpu_count) {
                model.current[c] = -1;
                continue;
            }
            on(c);
            interrupts(c);
            if (model.current[c] >= 0)
                block();
        }
}

static void test_who_comes_first_is_served_first_and_only_where_it_may(void **state)
{
    (void)state;
    tasks[0].pinned = 1;
    for (unsigned k = 0; k < 4; k++)
        wake(k);
    on(0);
    model_schedule(0, false);
    task_yield();
    check();
    assert_ptr_equal(pcpus[0].current, &tasks[1]);
    on(1);
    model_schedule(1, false);
    task_yield();
    check();
    assert_ptr_equal(pcpus[1].current, &tasks[0]);
    end();
}

static void test_a_wake_before_the_block_is_not_lost_even_by_who_is_preempted_between(void **state)
{
    (void)state;
    tasks[0].preemptible = true;
    wake(0);
    interrupts(0);
    check();
    wake(0); /* it runs */
    wake(1);
    yield(); /* preempted, as it was about to block */
    yield();
    assert_ptr_equal(pcpus[0].current, &tasks[0]);
    block();
    check();
    assert_int_not_equal(tasks[0].state, TASK_BLOCKED);
    end();
}

static void test_a_slice_ends_by_the_timer_which_is_armed_only_while_somebody_waits(void **state)
{
    (void)state;
    begin(1, 3);
    opts.slice = 50;
    wake(0);
    interrupts(0);
    assert_int_equal(fake.sr[SR_CNTHP_CTL_EL2], 0);
    fake.sr[SR_CNTPCT_EL0] += 20;
    tasks[0].vcpu = &vcpus[0];
    wake(1);
    assert_int_equal(fake.sr[SR_CNTHP_CTL_EL2], 1);
    assert_int_equal(fake.sr[SR_CNTHP_CVAL_EL2], 1050);
    fake.sr[SR_CNTPCT_EL0] += 29;
    interrupts(0);
    assert_ptr_equal(pcpus[0].current, &tasks[0]);
    fake.sr[SR_CNTPCT_EL0] += 1;
    interrupts(0);
    check();
    assert_ptr_equal(pcpus[0].current, &tasks[1]);
    assert_int_equal(fake_core.puts, 1);
    assert_int_equal(tasks[1].stolen, 30);
    end();
}

static unsigned fired[3];

static void fire(void *arg)
{
    fired[(unsigned *)arg - fired]++;
}

static void test_timers_fire_once_at_their_time_and_not_when_disarmed(void **state)
{
    struct soft_timer t[3] = {{0}};

    (void)state;
    memset(fired, 0, sizeof(fired));
    for (unsigned k = 0; k < 3; k++) {
        t[k].fn = fire;
        t[k].arg = &fired[k];
        timer_arm(&t[k], now() + 100 - 10 * k);
    }
    assert_int_equal(fake.sr[SR_CNTHP_CVAL_EL2], now() + 80);
    timer_disarm(&t[2]);
    timer_disarm(&t[2]);
    assert_int_equal(fake.sr[SR_CNTHP_CVAL_EL2], now() + 80); /* early is no harm */
    for (unsigned k = 0; k < 200; k++) {
        interrupts(0);
        fake.sr[SR_CNTPCT_EL0]++;
    }
    assert_int_equal(fired[0], 1);
    assert_int_equal(fired[1], 1);
    assert_int_equal(fired[2], 0);
    assert_int_equal(fake.sr[SR_CNTHP_CTL_EL2], 0);
}

/* What a task may do at any time. */
static void act(unsigned cpu)
{
    uint64_t dice = random_next(&rng) % 100;

    if (model.current[cpu] < 0) /* an interrupt of a device */
        dice = dice < 80 ? 99 : 20;
    if (dice < 10)
        block();
    else if (dice < 15)
        yield();
    else if (dice < 35)
        wake((unsigned)(random_next(&rng) % task_count));
}

/* Nobody waits long, nor at all for a CPU that idles. */
static void check_progress(uint64_t step)
{
    for (unsigned k = 0; k < model.waiting; k++) {
        int t = model.queue[k];
        uint64_t waits = now() - tasks[t].waiting_since;

        assert_true(waits <= (task_count + 1) * (opts.slice + 4 * step));
        for (unsigned c = 0; c < pcpu_count; c++)
            assert_false(may_run(t, c) && waits > 3 * step && now() - model.busy_at[c] > 3 * step);
    }
}

static void storm(unsigned cpus, unsigned count, unsigned rounds)
{
    uint64_t step = 1 + random_next(&rng) % 20;

    begin(cpus, count);
    opts.slice = 20 + random_next(&rng) % 200;
    for (unsigned k = 0; k < count; k++) {
        if (random_next(&rng) % 4 == 0)
            tasks[k].pinned = (int)(random_next(&rng) % cpus);
        if (random_next(&rng) % 2)
            tasks[k].vcpu = &vcpus[k];
        else
            tasks[k].preemptible = true;
        wake(k);
    }
    for (unsigned n = 0; n < rounds; n++) {
        for (unsigned c = 0; c < cpus; c++) {
            on(c);
            interrupts(c);
            check();
            if (model.current[c] >= 0)
                model.busy_at[c] = now();
            act(c);
            check();
        }
        check_progress(step);
        fake.sr[SR_CNTPCT_EL0] += step;
    }
    end();
    check();
}

static void test_no_task_is_lost_none_is_on_two_cpus_and_none_starves(void **state)
{
    (void)state;
    rng = test_seed(1);
    for (unsigned n = 0; n < 60; n++)
        storm(1 + n % CPUS, 1 + (unsigned)(random_next(&rng) % TASKS), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_who_comes_first_is_served_first_and_only_where_it_may, setup),
        cmocka_unit_test_setup(
            test_a_wake_before_the_block_is_not_lost_even_by_who_is_preempted_between, setup),
        cmocka_unit_test_setup(
            test_a_slice_ends_by_the_timer_which_is_armed_only_while_somebody_waits, setup),
        cmocka_unit_test_setup(test_timers_fire_once_at_their_time_and_not_when_disarmed, setup),
        cmocka_unit_test_setup(test_no_task_is_lost_none_is_on_two_cpus_and_none_starves, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
