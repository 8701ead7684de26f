/* The machine's own part of a snapshot, and the order of all parts. */
#include <stdio.h>

#include "base/bits.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/late.h"
#include "cpu/state.h"
#include "machine/machine.h"
#include "machine/snapshot.h"

#define VERSION         1
#define MACHINE_VERSION 2
#define TLB_VERSION     3
#define LATE_VERSION    3

#define COUNT_MAX BIT(62) /* of instructions: no sum with a limit wraps */

/* A CPU of ours by its index, or none. */
static void cpu_ref_state(struct state_io *io, struct arm_machine *m, const char *field,
                          struct cpu **cpu)
{
    uint32_t n = *cpu ? (*cpu)->index + 1 : 0;

    state_uint(io, field, &n, sizeof(n));
    if (state_require(io, n <= m->cpu_count, field) && state_restoring(io))
        *cpu = n ? m->cpus[n - 1] : NULL;
}

static void turn_state(struct state_io *io, struct arm_machine *m)
{
    cpu_ref_state(io, m, "turn.cpu", &m->turn.cpu);
    STATE(io, m->turn.left);
    STATE(io, m->turn.fault_loop);
    STATE(io, m->turn.halted);
    state_require(io, m->turn.left <= MACHINE_TURN_MAX, "m->turn.left");
    cpu_ref_state(io, m, "last", &m->last);
    STATE(io, m->next);
    STATE(io, m->turn_rng);
    state_require(io, m->next < m->cpu_count, "m->next");
}

static void end_state(struct state_io *io, struct arm_machine *m)
{
    STATE(io, m->exit_code);
    STATE(io, m->end.why);
    STATE(io, m->end.cpu);
    STATE(io, m->end.el);
    STATE(io, m->end.pc);
    STATE(io, m->end.retired);
    state_require(io, m->end.why <= ARM_STOP_ERROR, "m->end.why");
    state_require(io, m->end.cpu < m->cpu_count && m->end.el <= 3, "m->end.cpu");
}

static void run_state(struct state_io *io, struct arm_machine *m)
{
    state_section_begin(io, "machine", MACHINE_VERSION);
    turn_state(io, m);
    for (unsigned k = 0; k < m->cpu_count; k++) {
        STATE(io, m->resume[k].entry);
        STATE(io, m->resume[k].x0);
    }
    STATE(io, m->retired);
    STATE(io, m->spent);
    state_require(io, m->retired < COUNT_MAX && m->spent < COUNT_MAX, "m->spent");
    STATE(io, m->input_waits);
    STATE(io, m->input_at);
    STATE(io, m->input.next);
    state_require(io, !m->input.replays || m->input.next <= m->input.count, "m->input.next");
    end_state(io, m);
    state_section_end(io);
}

static void time_section(struct state_io *io, struct arm_machine *m)
{
    state_section_begin(io, "time", VERSION);
    clock_time_state(io, &m->clock);
    state_section_end(io);
}

static void events_section(struct state_io *io, struct arm_machine *m)
{
    state_section_begin(io, "events", VERSION);
    clock_events_state(io, &m->clock);
    state_section_end(io);
}

static void cpu_section(struct state_io *io, struct cpu *cpu)
{
    char name[STATE_NAME_MAX];

    snprintf(name, sizeof(name), "cpu%u", cpu->index);
    state_section_begin(io, name, VERSION);
    cpu_state(io, cpu);
    state_section_end(io);
}

static void code_section(struct state_io *io, struct arm_machine *m)
{
    state_section_begin(io, "code", VERSION);
    code_cache_state(io, m->code, &m->mem);
    state_section_end(io);
}

static void late_section(struct state_io *io, struct arm_machine *m)
{
    state_section_begin(io, "late", LATE_VERSION);
    late_state(io, m->late, m->cpus);
    state_section_end(io);
}

static void tlb_section(struct state_io *io, struct cpu *cpu)
{
    const struct tlb_code code = code_cache_names(cpu->code);
    char name[STATE_NAME_MAX];

    snprintf(name, sizeof(name), "cpu%u.tlb", cpu->index);
    state_section_begin(io, name, TLB_VERSION);
    tlb_state(io, cpu->tlb, cpu->mem, &code);
    state_section_end(io);
}

static void semihosting_section(struct state_io *io, struct arm_machine *m)
{
    state_section_begin(io, "semihosting", VERSION);
    semihosting_state(io, &m->semi, m->cpu_count);
    state_section_end(io);
}

/*
 * The order is what restoring needs. CPUs look at the time and drive lines into the GIC, so that
 * comes behind them; TLBs hold addresses of RAM, which the flash devices hide and show, and of
 * decoded pages. Events come last: they are as they were, whoever has set them before.
 */
void machine_state(struct state_io *io, struct arm_machine *m)
{
    run_state(io, m);
    time_section(io, m);
    for (unsigned k = 0; k < m->cpu_count; k++)
        cpu_section(io, m->cpus[k]);
    virt_board_state(io, &m->board);
    code_section(io, m);
    if (m->late)
        late_section(io, m);
    for (unsigned k = 0; k < m->cpu_count; k++)
        tlb_section(io, m->cpus[k]);
    gic_state(io, m->gic);
    semihosting_section(io, m);
    events_section(io, m);
}
