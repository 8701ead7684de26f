/* Whose turn it is, how long, and what time it is meanwhile. */
#include "cpu/code_cache.h"
#include "cpu/exception.h"
#include "cpu/interp.h"
#include "cpu/timer.h"
#include "machine/machine.h"

void machine_stop(struct machine *m, enum arm_stop why)
{
    if (m->stopped)
        return;
    m->stopped = true;
    m->stop = why;
    if (m->current)
        cpu_limit_slice(m->current, 1);
}

void arm_stop(struct machine *m)
{
    m->stop_requested = true;
}

/* One retired instruction of whichever CPU runs is one nanosecond. */
uint64_t machine_progress_ns(void *ctx)
{
    const struct machine *m = ctx;

    return m->current ? cpu_retired(m->current) - m->current->slice_start : 0;
}

/* A deadline moved closer than the end of the running slice. */
void machine_rescheduled(void *ctx)
{
    struct machine *m = ctx;
    uint64_t now = clock_now_ns(&m->clock);

    if (m->current)
        cpu_limit_slice(m->current, m->clock.next_ns > now ? m->clock.next_ns - now : 1);
}

/* Can @cpu run now? Wakes it if what it waited for has come. */
static bool runnable(struct machine *m, struct cpu *cpu)
{
    switch (cpu->power) {
    case CPU_RUNNING:
        return true;
    case CPU_WFE:
        if (!cpu->event && !cpu_event_stream_ticked(cpu) && !cpu_wakeup_pending(cpu) &&
            clock_now_ns(cpu->clock) < cpu->wait_until_ns)
            return false;
        cpu->event = false;
        break;
    case CPU_WFI:
        if (!cpu_wakeup_pending(cpu) && clock_now_ns(cpu->clock) < cpu->wait_until_ns)
            return false;
        break;
    case CPU_SUSPENDED:
        if (!gic_wake_request(m->gic, cpu->index))
            return false;
        break;
    case CPU_OFF:
        return false;
    }
    cpu->power = CPU_RUNNING;
    cpu->wait_until_ns = CLOCK_NEVER;
    return true;
}

static struct cpu *pick(struct machine *m)
{
    for (unsigned k = 0; k < m->cpu_count; k++) {
        struct cpu *cpu = m->cpus[(m->turn + k) % m->cpu_count];
        if (runnable(m, cpu)) {
            m->turn = (cpu->index + 1) % m->cpu_count;
            return cpu;
        }
    }
    return NULL;
}

/* When the first waiting CPU may wake by itself or by a device. */
static uint64_t next_wakeup_ns(const struct machine *m)
{
    uint64_t next = m->clock.next_ns;

    for (unsigned k = 0; k < m->cpu_count; k++) {
        const struct cpu *cpu = m->cpus[k];
        uint64_t t = CLOCK_NEVER;

        if (cpu->power == CPU_WFE)
            t = cpu_event_stream_next_ns(cpu);
        if ((cpu->power == CPU_WFE || cpu->power == CPU_WFI) && cpu->wait_until_ns < t)
            t = cpu->wait_until_ns;
        if (t < next)
            next = t;
    }
    return next;
}

/* Another CPU may write what this one watches: its exclusive monitor opens, which is an event. */
static void end_turn(struct machine *m, struct cpu *cpu)
{
    if (m->cpu_count > 1 && cpu->excl.valid) {
        cpu->excl.valid = false;
        cpu->event = true;
    }
}

static void run_slice(struct machine *m, struct cpu *cpu, uint64_t limit)
{
    uint64_t now = m->clock.now_ns;
    uint64_t slice = MACHINE_QUANTUM;

    if (m->clock.next_ns - now < slice)
        slice = m->clock.next_ns - now;
    if (limit < slice)
        slice = limit;
    m->current = cpu;
    cpu->slice_start = cpu_retired(cpu);
    cpu->irq_check = true;
    cpu_run(cpu, slice);
    uint64_t ran = cpu_retired(cpu) - cpu->slice_start;
    m->current = NULL;
    m->retired += ran;
    /* A CPU that takes exceptions for ever (a vector it cannot fetch) retires nothing. Time passes
     * all the same, and a limit on instructions ends it. */
    if (ran == 0 && cpu->power == CPU_RUNNING)
        ran = slice;
    m->spent += ran;
    end_turn(m, cpu);
    code_cache_trim(m->code, &m->mem);
    clock_run(&m->clock, now + ran);
}

/* After a guest reset with reboots allowed: start again. False: the run is over. */
static bool reboot(struct machine *m)
{
    struct arm_error err;

    if (m->stop != ARM_STOP_RESET || m->no_reboot)
        return false;
    if (machine_reboot(m, &err) < 0) {
        LOG(&m->log, MACHINE, ERROR, "reboot: %s", err.text);
        return false;
    }
    m->stopped = false;
    return true;
}

enum arm_stop arm_run(struct machine *m, uint64_t max_insns)
{
    uint64_t goal = max_insns ? m->spent + max_insns : UINT64_MAX;

    m->stopped = false;
    for (;;) {
        if (m->stopped && !reboot(m))
            return m->stop;
        if (m->spent >= goal)
            return ARM_STOP_LIMIT;
        if (m->stop_requested) {
            m->stop_requested = false;
            return ARM_STOP_REQUEST;
        }
        if (m->poll)
            m->poll(m->poll_ctx);
        struct cpu *cpu = pick(m);
        if (cpu) {
            run_slice(m, cpu, goal - m->spent);
            continue;
        }
        uint64_t next = next_wakeup_ns(m);
        if (m->idle && m->idle(m->poll_ctx, next))
            continue;
        if (next == CLOCK_NEVER)
            return ARM_STOP_IDLE;
        clock_run(&m->clock, next);
    }
}
