/* The lock of a machine whose CPUs run at the same time, and what they tell each other. */
#include "machine/parallel.h"

#include <stdlib.h>
#include <time.h>

#include "cpu/pmu.h"
#include "cpu/timer.h"
#include "machine/parallel_state.h"

/* Looks at whether the last CPU has stopped before the thread sleeps over it. */
#define STOP_LOOKS 2000
/* The longest sleep of a CPU: a lost wake-up would cost no more. */
#define SLEEP_MAX_NS 100000000

uint64_t parallel_host_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t parallel_progress_ns(const struct arm_machine *m)
{
    return m->parallel->running ? parallel_host_ns() - m->parallel->began_ns : 0;
}

/* Sleep, without the lock, until somebody signals @c, at most until @until_ns of the machine's
 * clock. */
void parallel_sleep(struct arm_machine *m, pthread_cond_t *c, uint64_t until_ns)
{
    struct parallel *p = m->parallel;
    uint64_t now = clock_now_ns(&m->clock);
    uint64_t wait = until_ns > now ? until_ns - now : 0;
    uint64_t at = parallel_host_ns() + (wait < SLEEP_MAX_NS ? wait : SLEEP_MAX_NS);
    const struct timespec t = {(time_t)(at / 1000000000), (long)(at % 1000000000)};
    struct cpu *current = m->current;

    if (!wait)
        return;
    m->current = NULL;
    pthread_cond_timedwait(c, &p->lock, &t);
    m->current = current;
}

/* ---- the lock ---- */

/* It does not execute any more. */
static void stop_executing(struct parallel *p)
{
    if (__atomic_sub_fetch(&p->executing, 1, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_load_n(&p->wanted, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&p->gate);
        pthread_cond_signal(&p->none);
        pthread_mutex_unlock(&p->gate);
    }
}

void parallel_enter(struct parallel_cpu *c)
{
    struct parallel *p = c->m->parallel;

    if (c->depth++)
        return;
    stop_executing(p);
    pthread_mutex_lock(&p->lock);
    c->m->current = c->cpu;
    if (c->epoch != p->epoch) {
        c->epoch = p->epoch;
        cpu_recheck(c->cpu); /* what it has looked up, its own page too, may not be there */
    }
}

void parallel_exit(struct parallel_cpu *c)
{
    struct parallel *p = c->m->parallel;

    if (--c->depth)
        return;
    c->epoch = p->epoch;
    c->m->current = NULL;
    __atomic_add_fetch(&p->executing, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&p->lock);
}

static bool nobody_executes(const struct parallel *p)
{
    return __atomic_load_n(&p->executing, __ATOMIC_SEQ_CST) == 0;
}

/* Who holds the lock does not count as executing, and nobody begins to. */
void parallel_alone(struct arm_machine *m)
{
    struct parallel *p = m->parallel;

    p->epoch++;
    if (nobody_executes(p))
        return;
    __atomic_store_n(&p->wanted, true, __ATOMIC_SEQ_CST);
    for (unsigned k = 0; k < STOP_LOOKS && !nobody_executes(p); k++)
        __builtin_ia32_pause();
    if (!nobody_executes(p)) {
        pthread_mutex_lock(&p->gate);
        while (!nobody_executes(p))
            pthread_cond_wait(&p->none, &p->gate);
        pthread_mutex_unlock(&p->gate);
    }
    __atomic_store_n(&p->wanted, false, __ATOMIC_SEQ_CST);
}

/* The CPU whose thread calls; NULL: the host's side, which holds the lock. */
static struct parallel_cpu *self(const struct arm_machine *m)
{
    for (unsigned k = 0; m->parallel->running && k < m->cpu_count; k++)
        if (pthread_equal(m->parallel->cpu[k].thread, pthread_self()))
            return &m->parallel->cpu[k];
    return NULL;
}

void parallel_enter_alone(struct arm_machine *m)
{
    struct parallel_cpu *c = self(m);

    if (c)
        parallel_enter(c);
    parallel_alone(m);
}

void parallel_leave(struct arm_machine *m)
{
    struct parallel_cpu *c = self(m);

    if (c)
        parallel_exit(c);
}

/* ---- what CPUs are told ---- */

void parallel_wake(struct arm_machine *m, struct cpu *cpu)
{
    struct parallel_cpu *c = &m->parallel->cpu[cpu->index];

    if (!c->sleeps)
        return;
    c->sleeps = false;
    m->parallel->sleeping--;
    pthread_cond_signal(&c->wake);
}

void parallel_rescheduled(struct arm_machine *m)
{
    pthread_cond_signal(&m->parallel->host);
}

static void ask(struct arm_machine *m, struct cpu *cpu, unsigned what)
{
    __atomic_or_fetch(&m->parallel->cpu[cpu->index].asked, what, __ATOMIC_SEQ_CST);
    parallel_wake(m, cpu);
}

#define ASK_PINS 0x80 /* beside CPU_ASK_xxx */

void parallel_set_pin(struct arm_machine *m, struct cpu *cpu, enum parallel_pin pin, bool level)
{
    struct parallel_cpu *c = &m->parallel->cpu[cpu->index];

    c->pins = level ? c->pins | pin : c->pins & ~(unsigned)pin;
    ask(m, cpu, ASK_PINS);
}

/* Its own thread, with the lock. */
static void take_pins(const struct parallel_cpu *c)
{
    c->cpu->irq_pin = c->pins & PIN_IRQ;
    c->cpu->fiq_pin = c->pins & PIN_FIQ;
    c->cpu->virq_pin = c->pins & PIN_VIRQ;
    c->cpu->vfiq_pin = c->pins & PIN_VFIQ;
    c->cpu->irq_check = true;
}

void parallel_answer(struct parallel_cpu *c)
{
    unsigned asked = __atomic_exchange_n(&c->asked, 0, __ATOMIC_SEQ_CST);

    if (asked & CPU_ASK_TIMERS)
        cpu_timers_changed(c->cpu);
    if (asked & CPU_ASK_PMU)
        pmu_deadline(c->cpu);
    if (asked & CPU_ASK_EVENT)
        c->cpu->event = true;
    asked |= __atomic_exchange_n(&c->asked, 0, __ATOMIC_SEQ_CST); /* of its own timers */
    if (asked & ASK_PINS)
        take_pins(c);
}

static void cpus_lock(void *ctx, unsigned cpu)
{
    struct arm_machine *m = ctx;

    if (m->parallel->running)
        parallel_enter(&m->parallel->cpu[cpu]);
}

/* What has come of it for the CPU itself it sees at once. */
static void cpus_unlock(void *ctx, unsigned cpu)
{
    struct arm_machine *m = ctx;
    struct parallel_cpu *c = &m->parallel->cpu[cpu];

    if (!m->parallel->running)
        return;
    if (c->depth == 1 && __atomic_load_n(&c->asked, __ATOMIC_RELAXED) & ASK_PINS) {
        take_pins(c);
        cpu_recheck(c->cpu);
    }
    parallel_exit(c);
}

static void cpus_alone(void *ctx)
{
    parallel_alone(ctx);
}

static void cpus_ask(void *ctx, unsigned cpu, unsigned what)
{
    struct arm_machine *m = ctx;

    ask(m, m->cpus[cpu], what);
}

const struct cpu_parallel parallel_of_cpus = {cpus_lock, cpus_unlock, cpus_alone, cpus_ask};

/* ---- creation ---- */

static void log_line(void *ctx, enum arm_log_category category, enum arm_log_level level,
                     const char *line)
{
    struct parallel *p = ctx;

    pthread_mutex_lock(&p->log_lock);
    p->log.sink(p->log.ctx, category, level, line);
    pthread_mutex_unlock(&p->log_lock);
}

static void create_conditions(struct parallel *p, unsigned cpus)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->host, &monotonic);
    pthread_cond_init(&p->none, &monotonic);
    for (unsigned k = 0; k < cpus; k++)
        pthread_cond_init(&p->cpu[k].wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int parallel_create(struct arm_machine *m, struct arm_error *err)
{
    struct parallel *p = calloc(1, sizeof(*p));

    if (!p)
        return error_set(err, ARM_ENOMEM, "no memory for CPUs that run at the same time");
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->gate, NULL);
    pthread_mutex_init(&p->log_lock, NULL);
    create_conditions(p, m->cpu_count);
    p->log = m->log;
    if (m->log.sink) {
        m->log.sink = log_line;
        m->log.ctx = p;
    }
    m->parallel = p;
    return 0;
}

void parallel_destroy(struct parallel *p)
{
    free(p);
}
