#include "hyp/sched.h"

#include "hyp/gic.h"
#include "hyp/lib.h"
#include "hyp/opts.h"
#include "hyp/vcpu.h"

/* Everything of tasks but what only the task itself touches. */
static struct {
    struct lock lock;
    struct task *head, *tail; /* ready, in order */
} queue;

static uint64_t now(void)
{
    return mrs(CNTPCT_EL0);
}

uint64_t sched_ticks(uint64_t us)
{
    return us * mrs(CNTFRQ_EL0) / 1000000;
}

static void append(struct task *t)
{
    t->next = NULL;
    if (queue.tail)
        queue.tail->next = t;
    else
        queue.head = t;
    queue.tail = t;
    t->state = TASK_READY;
    t->waiting_since = now();
}

static bool may_run(const struct task *t, const struct pcpu *cpu)
{
    return t->pinned < 0 || (unsigned)t->pinned == cpu->index;
}

/* The first that may run here; out of the queue if @take. */
static struct task *first_for(struct pcpu *cpu, bool take)
{
    struct task *before = NULL;

    for (struct task *t = queue.head; t; before = t, t = t->next) {
        if (!may_run(t, cpu))
            continue;
        if (take) {
            if (before)
                before->next = t->next;
            else
                queue.head = t->next;
            if (queue.tail == t)
                queue.tail = before;
        }
        return t;
    }
    return NULL;
}

void task_init(struct task *t, const char *name, void *stack, void (*run)(void *), void *arg)
{
    uint64_t *sp = (uint64_t *)((char *)stack + STACK_SIZE) - 12;

    format(t->name, sizeof(t->name), "%s", name);
    memset(sp, 0, 12 * sizeof(*sp));
    sp[1] = (uint64_t)(uintptr_t)task_start; /* X30, as task_switch() pops it */
    t->sp = (uint64_t)(uintptr_t)sp;
    t->run = run;
    t->arg = arg;
    t->pinned = -1;
    t->state = TASK_BLOCKED;
}

static void program_timer(struct pcpu *cpu)
{
    uint64_t at = UINT64_MAX;

    for (struct soft_timer *t = cpu->timers; t; t = t->next)
        if (t->at < at)
            at = t->at;
    if (!cpu->current->is_idle && first_for(cpu, false) && cpu->current->slice_end < at)
        at = cpu->current->slice_end;
    if (at == cpu->timer_armed)
        return;
    cpu->timer_armed = at;
    if (at != UINT64_MAX) {
        msr(CNTHP_CVAL_EL2, at);
        msr(CNTHP_CTL_EL2, 1);
    } else {
        msr(CNTHP_CTL_EL2, 0);
    }
}

/* An idle CPU that has not been called yet, and may. */
static struct pcpu *idle_for(const struct task *t)
{
    for (unsigned k = 0; k < pcpu_count; k++) {
        struct pcpu *cpu = &pcpus[k];

        if (cpu->current && cpu->current->is_idle && !cpu->need_resched && may_run(t, cpu))
            return cpu;
    }
    return NULL;
}

/* This one, or else the first that may. */
static struct pcpu *busy_for(const struct task *t)
{
    if (may_run(t, this_cpu()))
        return this_cpu();
    for (unsigned k = 0; k < pcpu_count; k++)
        if (pcpus[k].current && may_run(t, &pcpus[k]))
            return &pcpus[k];
    return NULL;
}

static bool call_idle(const struct task *t)
{
    struct pcpu *cpu = idle_for(t);

    if (!cpu)
        return false;
    cpu->need_resched = true;
    if (cpu != this_cpu())
        gic_kick(cpu);
    return true;
}

/* Somebody takes it: an idle CPU at once; else one at the end of its slice, for which its timer is
 * armed only now that somebody waits. */
static void poke(const struct task *t)
{
    struct pcpu *cpu;

    if (call_idle(t))
        return;
    cpu = busy_for(t);
    if (cpu == this_cpu())
        program_timer(cpu);
    else if (cpu)
        gic_kick(cpu);
}

void task_wake(struct task *t)
{
    uint64_t daif = lock_take(&queue.lock);

    if (t->state == TASK_BLOCKED) {
        append(t);
        poke(t);
    } else {
        t->wake_pending = true;
    }
    lock_drop(&queue.lock, daif);
}

/* With the queue's lock held, which the task that runs next gives back (finish()). */
static void switch_to(struct pcpu *cpu, struct task *next)
{
    struct task *prev = cpu->current;

    cpu->need_resched = false;
    if (next == prev) {
        prev->state = TASK_RUNNING;
        return;
    }
    STAT(SWITCHES);
    fp_task_out(prev);
    if (prev->vcpu)
        vcpu_put(prev->vcpu);
    next->state = TASK_RUNNING;
    next->stolen += now() - next->waiting_since;
    cpu->current = next;
    task_switch(&prev->sp, next->sp);
}

/* The current task is the one that task_switch() came back to. */
static void finish(void)
{
    struct pcpu *cpu = this_cpu();

    cpu->current->slice_end = now() + sched_ticks(opts.slice);
    program_timer(cpu);
    fp_task_in(cpu->current);
}

static void schedule(bool block)
{
    uint64_t daif = lock_take(&queue.lock);
    struct pcpu *cpu = this_cpu();
    struct task *t = cpu->current;

    if (block && t->wake_pending) {
        t->wake_pending = false;
        block = false;
    }
    if (block)
        t->state = TASK_BLOCKED;
    else if (!t->is_idle)
        append(t);
    struct task *next = first_for(cpu, true);
    if (t->state == TASK_READY && next != t)
        call_idle(t); /* one that may not take who comes before it in the queue */
    switch_to(cpu, next ? next : cpu->idle);
    finish();
    lock_drop(&queue.lock, daif);
}

void task_block(void)
{
    schedule(true);
}

void task_yield(void)
{
    schedule(false);
}

void sched_point(void)
{
    if (this_cpu()->need_resched)
        schedule(false);
}

void sched_irq_exit(void)
{
    struct pcpu *cpu = this_cpu();

    if (cpu->need_resched && cpu->current->preemptible)
        schedule(false);
    fp_return_to_task(this_cpu()->current);
}

/* Where task_start() goes, with the lock that switch_to() left held. */
void task_main(void)
{
    finish();
    lock_drop(&queue.lock, 0);
    struct task *t = this_cpu()->current;
    t->run(t->arg);
    task_block();
    __builtin_unreachable();
}

void sched_idle(void)
{
    for (;;) {
        irq_disable();
        if (!this_cpu()->need_resched)
            wfi(); /* an interrupt ends it though masked */
        irq_enable();
        isb();
        schedule(false);
    }
}

/* With the lock held. */
static void unlink_timer(struct pcpu *cpu, struct soft_timer *t)
{
    struct soft_timer **at = &cpu->timers;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->cpu = NULL;
}

void timer_arm(struct soft_timer *t, uint64_t at)
{
    uint64_t daif = lock_take(&queue.lock);
    struct pcpu *cpu = this_cpu();

    if (t->cpu)
        unlink_timer(t->cpu, t);
    t->at = at;
    t->cpu = cpu;
    t->next = cpu->timers;
    cpu->timers = t;
    program_timer(cpu);
    lock_drop(&queue.lock, daif);
}

void timer_disarm(struct soft_timer *t)
{
    uint64_t daif = lock_take(&queue.lock);

    if (t->cpu)
        unlink_timer(t->cpu, t);
    lock_drop(&queue.lock, daif);
}

static struct soft_timer *take_due(struct pcpu *cpu)
{
    uint64_t daif = lock_take(&queue.lock);
    struct soft_timer *t = cpu->timers;

    while (t && t->at > now())
        t = t->next;
    if (t)
        unlink_timer(cpu, t);
    lock_drop(&queue.lock, daif);
    return t;
}

void sched_timer_irq(void)
{
    struct pcpu *cpu = this_cpu();
    struct soft_timer *t;

    msr(CNTHP_CTL_EL2, 0);
    cpu->timer_armed = UINT64_MAX;
    while ((t = take_due(cpu)))
        t->fn(t->arg);
    uint64_t daif = lock_take(&queue.lock);
    if (now() >= cpu->current->slice_end && first_for(cpu, false))
        cpu->need_resched = true;
    else
        program_timer(cpu);
    lock_drop(&queue.lock, daif);
}

void sched_kicked(void)
{
    uint64_t daif = lock_take(&queue.lock);
    struct pcpu *cpu = this_cpu();

    if (cpu->current->is_idle && first_for(cpu, false))
        cpu->need_resched = true;
    program_timer(cpu);
    lock_drop(&queue.lock, daif);
}
