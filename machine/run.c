/* Whose turn it is, how long, and what time it is meanwhile. */
#include <inttypes.h>

#include "arch/esr.h"
#include "base/bits.h"
#include "base/random.h"
#include "cpu/code_cache.h"
#include "cpu/exception.h"
#include "cpu/interp.h"
#include "cpu/interrupt.h"
#include "cpu/late.h"
#include "cpu/timer.h"
#include "machine/machine.h"
#include "machine/parallel.h"

void machine_stop(struct arm_machine *m, enum arm_stop_reason why)
{
    if (m->stopped)
        return;
    m->stopped = true;
    m->stop = why;
    m->pause = true;
}

void machine_fail(struct arm_machine *m, const struct arm_error *why)
{
    if (!m->failure.code)
        m->failure = *why;
    machine_stop(m, ARM_STOP_ERROR);
    m->pause = true;
}

void arm_last_error(const struct arm_machine *m, struct arm_error *err)
{
    *err = m->failure;
}

void arm_stop(struct arm_machine *m)
{
    m->stop_requested = true;
    m->pause = true;
}

/* One retired instruction of whichever CPU runs is one nanosecond. */
uint64_t machine_progress_ns(void *ctx)
{
    const struct arm_machine *m = ctx;

    if (m->parallel)
        return parallel_progress_ns(m);
    return m->current ? cpu_retired(m->current) - m->current->slice_start : 0;
}

/* A deadline moved closer than the end of the running slice. */
void machine_rescheduled(void *ctx)
{
    struct arm_machine *m = ctx;

    if (m->parallel) {
        parallel_rescheduled(m);
        return;
    }
    uint64_t now = clock_now_ns(&m->clock);
    if (m->current)
        cpu_limit_slice(m->current, m->clock.next_ns > now ? m->clock.next_ns - now : 1);
}

bool machine_runnable(struct arm_machine *m, struct cpu *cpu)
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
        machine_resume_cpu(m, cpu);
        break;
    case CPU_HALTED:
        return semihosting_ready(m, cpu->index); /* cpu_run() goes on with it */
    case CPU_OFF:
        return false;
    }
    cpu->power = CPU_RUNNING;
    cpu->wait_until_ns = CLOCK_NEVER;
    return true;
}

/* Input from the host. */
static void poll(struct arm_machine *m)
{
    m->input_at = UINT64_MAX;
    if (m->poll)
        m->poll(m->host_ctx);
}

/* The first CPU from number @first on that can run; NULL: every one waits. */
static struct cpu *next_runnable(struct arm_machine *m, unsigned first)
{
    for (unsigned k = 0; k < m->cpu_count; k++) {
        struct cpu *cpu = m->cpus[(first + k) % m->cpu_count];
        if (machine_runnable(m, cpu))
            return cpu;
    }
    return NULL;
}

/* Half of the turns are short ones. Drawn only when somebody can run: how often we ask while all
 * wait is the host's matter. */
static struct turn draw_turn(struct arm_machine *m)
{
    uint64_t r = random_next(&m->turn_rng);
    unsigned longest = bit(r, 63) ? MACHINE_TURN_MAX : 500;

    return (struct turn){.cpu = next_runnable(m, (unsigned)bits(r, 15, 0) % m->cpu_count),
                         .left = 1 + bits(r, 47, 16) % longest};
}

/* False: every CPU waits. */
static bool begin_turn(struct arm_machine *m)
{
    poll(m);
    struct cpu *cpu = next_runnable(m, m->next);
    if (!cpu)
        return false;
    m->turn = m->turns_drawn ? draw_turn(m) : (struct turn){.cpu = cpu, .left = MACHINE_QUANTUM};
    m->next = (m->turn.cpu->index + 1) % m->cpu_count;
    return true;
}

uint64_t machine_wait_ends_ns(const struct cpu *cpu)
{
    uint64_t t = CLOCK_NEVER;

    if (cpu->power == CPU_WFE)
        t = cpu_event_stream_next_ns(cpu);
    if ((cpu->power == CPU_WFE || cpu->power == CPU_WFI) && cpu->wait_until_ns < t)
        t = cpu->wait_until_ns;
    return t;
}

uint64_t machine_next_wakeup_ns(const struct arm_machine *m)
{
    uint64_t next = m->clock.next_ns;

    for (unsigned k = 0; k < m->cpu_count; k++) {
        uint64_t t = machine_wait_ends_ns(m->cpus[k]);
        if (t < next)
            next = t;
    }
    return next;
}

/* Another CPU may write what this one watches: its exclusive monitor opens, which is an event. */
static void end_turn(struct arm_machine *m)
{
    struct cpu *cpu = m->turn.cpu;

    if (m->cpu_count > 1 && cpu->excl_valid) {
        cpu->excl_valid = false;
        cpu->event = true;
    }
    m->turn.cpu = NULL;
    if (m->late) {
        m->current = cpu; /* whose stores reach the GIC */
        late_turn_ended(cpu, m->clock.now_ns, m->cpus);
        m->current = NULL;
    }
    code_cache_trim(m->code, &m->mem);
}

/* Is every CPU off, or in a fault loop that no interrupt can end? */
static bool nothing_can_help(const struct arm_machine *m)
{
    for (unsigned k = 0; k < m->cpu_count; k++) {
        const struct cpu *cpu = m->cpus[k];
        if (cpu->power != CPU_OFF && !(cpu->fault_loop && cpu_interrupts_masked(cpu)))
            return false;
    }
    return true;
}

/* Said once for each place. */
static void log_fault_loop(struct arm_machine *m, struct cpu *cpu)
{
    static const uint16_t of[][3] = {[1] = {SR_ESR_EL1, SR_FAR_EL1, SR_VBAR_EL1},
                                     {SR_ESR_EL2, SR_FAR_EL2, SR_VBAR_EL2},
                                     {SR_ESR_EL3, SR_FAR_EL3, SR_VBAR_EL3}};
    const uint16_t *sr = of[cpu->ps.el ? cpu->ps.el : 1];
    uint64_t esr = cpu->sr[sr[0]];

    if (cpu->fault_loop_said == cpu->pc + 1)
        return;
    cpu->fault_loop_said = cpu->pc + 1;
    LOG(&m->log, CPU, WARN,
        "cpu%u: the same exception again and again at EL%u, no instruction retires: PC %#" PRIx64
        ", ESR_EL%u %#" PRIx64 " (%s), FAR %#" PRIx64 ", VBAR %#" PRIx64,
        cpu->index, cpu->ps.el, cpu->pc, cpu->ps.el, esr, esr_ec_text((unsigned)bits(esr, 31, 26)),
        cpu->sr[sr[1]], cpu->sr[sr[2]]);
}

void machine_report_fault_loop(struct arm_machine *m, struct cpu *cpu)
{
    log_fault_loop(m, cpu);
    if (!m->keep_going && nothing_can_help(m))
        machine_stop(m, ARM_STOP_FAULT_LOOP);
}

/* Run the turn's CPU for at most @insns; returns what has retired. */
static uint64_t run_cpu(struct arm_machine *m, uint64_t insns, bool step)
{
    struct cpu *cpu = m->turn.cpu;

    m->current = cpu;
    cpu->slice_start = cpu_retired(cpu);
    cpu->irq_check = true;
    if (step)
        cpu_run_step(cpu);
    else
        cpu_run(cpu, insns);
    uint64_t ran = cpu_retired(cpu) - cpu->slice_start;
    m->current = NULL;
    m->retired += ran;
    if (cpu->fault_loop) {
        m->turn.fault_loop = true;
        machine_report_fault_loop(m, cpu);
    }
    m->turn.halted = cpu->power == CPU_HALTED;
    return ran;
}

/* The turn goes on for at most @limit instructions. A fault loop retires none, nor does a piece of
 * a long semihosting call: time passes all the same, so that an interrupt or another CPU may end
 * it, and counts against limits. */
static void run_slice(struct arm_machine *m, uint64_t limit, bool step)
{
    uint64_t now = m->clock.now_ns;
    uint64_t slice = m->clock.next_ns > now ? m->clock.next_ns - now : 0;

    if (m->turn.left < slice)
        slice = m->turn.left;
    if (limit < slice)
        slice = limit;
    uint64_t ran = slice;

    if (slice && !m->turn.halted && (step || !m->turn.fault_loop))
        ran = run_cpu(m, slice, step);
    m->spent += ran;
    m->turn.left -= ran;
    bool waits = m->turn.cpu->power != CPU_RUNNING && !m->turn.halted;
    if (m->turn.left == 0 || waits || m->clock.next_ns <= now + ran)
        end_turn(m);
    clock_run(&m->clock, now + ran);
}

/* After a guest reset with reboots allowed: start again. False: the run is over. */
static bool reboot(struct arm_machine *m)
{
    struct arm_error err = {0};

    if (m->stop != ARM_STOP_RESET || m->no_reboot)
        return false;
    if (machine_reboot(m, &err) < 0) {
        struct arm_error why;
        (void)error_set(&why, err.code, "the guest has reset the machine: %s", err.text);
        machine_fail(m, &why);
        return false;
    }
    physmem_forget_files(&m->mem);
    m->stopped = false;
    m->pause = m->stop_requested;
    m->turn.cpu = NULL;
    return true;
}

/* Every CPU waits: until the next deadline, or until the host has something. */
static bool idle(struct arm_machine *m)
{
    uint64_t next = machine_next_wakeup_ns(m);

    if (m->idle && m->idle(m->host_ctx, next))
        return true;
    if (next != CLOCK_NEVER)
        clock_run(&m->clock, next);
    return next != CLOCK_NEVER;
}

/* Steps that @cpu has made. */
static uint64_t progress(const struct cpu *cpu)
{
    return cpu_retired(cpu) + cpu->exceptions;
}

/* Until a stop, until @goal of m->spent, or until @step has made one (NULL: nobody). */
static enum arm_stop_reason run(struct arm_machine *m, uint64_t goal, const struct cpu *step)
{
    for (;;) {
        if (m->failure.code)
            return ARM_STOP_ERROR;
        if (m->stopped && !reboot(m))
            return m->failure.code ? ARM_STOP_ERROR : m->stop;
        if (m->stop_requested)
            return ARM_STOP_REQUEST;
        if (m->spent >= goal)
            return ARM_STOP_LIMIT;
        if (m->counted && cpu_retired(m->counted) >= m->counted_goal)
            return ARM_STOP_UNTIL;
        uint64_t until = UINT64_MAX;
        if (m->input.replays) {
            bool ends;
            if (input_replay(m, &until, &ends) < 0)
                return ARM_STOP_DIVERGED;
            if (ends)
                return ARM_STOP_REQUEST;
        }
        if (m->spent >= m->input_at)
            poll(m); /* which pauses a turn like a limit, and does not end it */
        if (!m->turn.cpu && !begin_turn(m)) {
            if (!idle(m))
                return ARM_STOP_IDLE;
            continue;
        }
        if (m->input_at - m->spent < until)
            until = m->input_at - m->spent;
        if (m->turn.cpu == m->counted && m->counted_goal - cpu_retired(m->counted) < until)
            until = m->counted_goal - cpu_retired(m->counted);
        struct cpu *cpu = m->turn.cpu;
        uint64_t done = progress(cpu);
        m->last = cpu;
        run_slice(m, until < goal - m->spent ? until : goal - m->spent, cpu == step);
        if (cpu == step && progress(cpu) != done)
            goal = m->spent;
    }
}

/* CPUs that run at the same time stop for the guest's reset. */
static enum arm_stop_reason run_parallel(struct arm_machine *m, uint64_t goal)
{
    for (;;) {
        enum arm_stop_reason why = parallel_run(m, goal);
        if (!m->stopped || !reboot(m))
            return m->failure.code ? ARM_STOP_ERROR : why;
    }
}

static enum arm_stop_reason run_from_stop(struct arm_machine *m, uint64_t goal,
                                          const struct cpu *step)
{
    physmem_forget_files(&m->mem);
    m->stopped = false;
    m->pause = m->stop_requested;
    enum arm_stop_reason why = m->parallel ? run_parallel(m, goal) : run(m, goal, step);
    if (why == ARM_STOP_REQUEST)
        m->stop_requested = false;
    const struct cpu *cpu = m->last ? m->last : m->cpus[0];
    m->end = (struct arm_end){why, cpu->index, cpu->ps.el, cpu->pc, m->retired};
    return why;
}

enum arm_stop_reason arm_run(struct arm_machine *m, uint64_t max_insns)
{
    return run_from_stop(m, max_insns ? m->spent + max_insns : UINT64_MAX, NULL);
}

enum arm_stop_reason arm_step(struct arm_machine *m, unsigned cpu)
{
    CHECK(cpu < m->cpu_count);
    if (m->parallel)
        return ARM_STOP_ERROR;
    return run_from_stop(m, UINT64_MAX, m->cpus[cpu]);
}

void arm_last_end(const struct arm_machine *m, struct arm_end *end)
{
    *end = m->end;
}
