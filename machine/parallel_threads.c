/* The threads of CPUs that run at the same time, and the host's side, which has made them. */
#include <sched.h>
#include <signal.h>

#include "cpu/code_cache.h"
#include "cpu/interp.h"
#include "machine/parallel_state.h"

/* Instructions between two looks at what others want, and such slices between two entries into the
 * machine, at which counts are added and limits seen. */
#define SLICE_INSNS 6000
#define SLICES      32
/* Between two looks of the host's side at input while CPUs run, and of a CPU at what nobody tells
 * it of. */
#define LOOK_NS 1000000

/* ---- a CPU's thread ---- */

/* Is there something for it to do in the machine? */
static bool wants_in(struct parallel_cpu *c)
{
    const struct arm_machine *m = c->m;

    return m->pause || c->cpu->power != CPU_RUNNING || c->cpu->fault_loop ||
           __atomic_load_n(&m->parallel->wanted, __ATOMIC_RELAXED) ||
           __atomic_load_n(&c->asked, __ATOMIC_RELAXED) ||
           clock_glance(&m->clock) <= clock_now_ns(&m->clock);
}

/* Execute for a while. With the lock, which is given back meanwhile. */
static void execute(struct parallel_cpu *c)
{
    struct arm_machine *m = c->m;
    struct cpu *cpu = c->cpu;
    uint64_t before = cpu_retired(cpu);

    cpu->irq_check = true;
    parallel_exit(c);
    for (unsigned k = 0; k < SLICES; k++) {
        cpu_run_about(cpu, SLICE_INSNS);
        if (wants_in(c))
            break;
    }
    parallel_enter(c);
    m->retired += cpu_retired(cpu) - before;
    m->spent += cpu_retired(cpu) - before;
    m->last = cpu;
    if (cpu->fault_loop) {
        parallel_alone(m);
        machine_report_fault_loop(m, cpu);
        parallel_sleep(m, &c->wake, clock_now_ns(&m->clock) + LOOK_NS);
    }
    if (code_cache_is_full(cpu->code)) {
        parallel_alone(m);
        code_cache_trim(cpu->code, &m->mem);
    }
}

/* When its own timers want it, or what it waits for is over. Nobody tells it that a semihosting
 * call can go on, or that an interrupt ends its suspension. */
static uint64_t next_wakeup_ns(const struct cpu *cpu)
{
    uint64_t next = machine_wait_ends_ns(cpu);

    for (unsigned t = 0; t < CPU_TIMERS; t++)
        if (cpu->timer_event[t].deadline_ns < next)
            next = cpu->timer_event[t].deadline_ns;
    if (cpu->power == CPU_HALTED || cpu->power == CPU_SUSPENDED) {
        uint64_t look = clock_now_ns(cpu->clock) + LOOK_NS;
        next = look < next ? look : next;
    }
    return next;
}

static void sleep_cpu(struct parallel_cpu *c)
{
    struct arm_machine *m = c->m;
    struct parallel *p = m->parallel;

    c->sleeps = true;
    if (++p->sleeping == m->cpu_count)
        pthread_cond_signal(&p->host);
    parallel_sleep(m, &c->wake, next_wakeup_ns(c->cpu));
    if (c->sleeps) { /* nobody has woken it */
        c->sleeps = false;
        p->sleeping--;
    }
}

/* A store to what its monitor watches is an event, which nobody sees: the WFE ends by itself. */
static bool watches(struct cpu *cpu)
{
    if (cpu->power != CPU_WFE || !cpu->excl_valid)
        return false;
    cpu->power = CPU_RUNNING;
    return true;
}

static void *cpu_thread(void *ctx)
{
    struct parallel_cpu *c = ctx;
    struct arm_machine *m = c->m;

    pthread_mutex_lock(&m->parallel->lock);
    c->depth = 1;
    m->current = c->cpu;
    while (!m->pause) {
        clock_fire(&m->clock, clock_now_ns(&m->clock));
        parallel_answer(c);
        if (watches(c->cpu)) {
            parallel_exit(c);
            sched_yield();
            parallel_enter(c);
        }
        if (machine_runnable(m, c->cpu))
            execute(c);
        else if (!m->pause)
            sleep_cpu(c);
    }
    m->current = NULL;
    c->depth = 0;
    pthread_mutex_unlock(&m->parallel->lock);
    return NULL;
}

/* ---- the host's side ---- */

static void wake_all(struct arm_machine *m)
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        parallel_wake(m, m->cpus[k]);
}

/* Threads of CPUs leave signals to the caller's. With the lock, which they wait for. */
static bool start_threads(struct arm_machine *m)
{
    struct parallel *p = m->parallel;
    sigset_t all, before;
    bool good = true;

    p->began_ns = parallel_host_ns();
    p->executing = p->sleeping = 0;
    p->running = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned k = 0; k < m->cpu_count; k++) {
        struct parallel_cpu *c = &p->cpu[k];
        c->m = m;
        c->cpu = m->cpus[k];
        c->started = pthread_create(&c->thread, NULL, cpu_thread, c) == 0;
        good = good && c->started;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

/* With the lock, which it gives back and takes. */
static void end_threads(struct arm_machine *m)
{
    struct parallel *p = m->parallel;

    m->pause = true;
    wake_all(m);
    pthread_mutex_unlock(&p->lock);
    for (unsigned k = 0; k < m->cpu_count; k++)
        if (p->cpu[k].started)
            pthread_join(p->cpu[k].thread, NULL);
    pthread_mutex_lock(&p->lock);
    m->clock.now_ns = clock_now_ns(&m->clock);
    p->running = false;
}

static bool all_sleep(const struct arm_machine *m)
{
    return m->parallel->sleeping == m->cpu_count;
}

/* Every CPU waits: so does the host's side, for input or the next deadline. False: neither will
 * come. */
static bool idle(struct arm_machine *m)
{
    uint64_t next = machine_next_wakeup_ns(m);

    if (m->idle && m->idle(m->host_ctx, next))
        return true;
    if (next != CLOCK_NEVER && !m->pause)
        parallel_sleep(m, &m->parallel->host, next);
    return next != CLOCK_NEVER;
}

/* Until something ends the run. */
static enum arm_stop_reason watch(struct arm_machine *m, uint64_t goal)
{
    for (;;) {
        if (m->failure.code)
            return ARM_STOP_ERROR;
        if (m->stopped)
            return m->stop;
        if (m->stop_requested)
            return ARM_STOP_REQUEST;
        if (m->spent >= goal)
            return ARM_STOP_LIMIT;
        if (m->poll)
            m->poll(m->host_ctx);
        clock_fire(&m->clock, clock_now_ns(&m->clock));
        if (!all_sleep(m) || m->pause) {
            uint64_t tick = clock_now_ns(&m->clock) + LOOK_NS;
            parallel_sleep(m, &m->parallel->host,
                           m->clock.next_ns < tick ? m->clock.next_ns : tick);
        } else if (!idle(m)) {
            return ARM_STOP_IDLE;
        } else {
            wake_all(m);
        }
    }
}

enum arm_stop_reason parallel_run(struct arm_machine *m, uint64_t goal)
{
    struct parallel *p = m->parallel;
    enum arm_stop_reason why = ARM_STOP_ERROR;
    struct arm_error err;

    pthread_mutex_lock(&p->lock);
    if (m->pause) {
        why = m->failure.code ? ARM_STOP_ERROR : ARM_STOP_REQUEST;
    } else if (start_threads(m)) {
        why = watch(m, goal);
    } else {
        (void)error_set(&err, ARM_ENOMEM, "the host has no %u threads for CPUs", m->cpu_count);
        machine_fail(m, &err);
    }
    if (p->running)
        end_threads(m);
    pthread_mutex_unlock(&p->lock);
    return why;
}
