/* Who is connected to whom: the GIC, the board and the CPUs of a machine. */
#include "machine/wiring.h"

#include "arch/ppi.h"
#include "base/bits.h"
#include "cpu/code_cache.h"
#include "cpu/create.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/interp.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/jit.h"
#include "cpu/late.h"
#include "cpu/refetch.h"
#include "cpu/timer.h"
#include "machine/machine.h"
#include "machine/parallel.h"

_Static_assert(ARM_CPUS_MAX <= CODE_CACHE_TLBS_MAX, "every CPU has a TLB");
_Static_assert((TIMER_COUNT + 1) * ARM_CPUS_MAX + 8 <= CLOCK_EVENTS_MAX,
               "events of every CPU's timers and PMU, and of the board");

static void firmware_call(void *ctx, struct cpu *cpu, uint16_t immediate)
{
    struct arm_machine *m = ctx;

    psci_call(m, cpu, immediate);
    for (unsigned k = 0; m->parallel && k < m->cpu_count; k++)
        parallel_wake(m, m->cpus[k]); /* the call may have started it */
}

void machine_answer_calls(struct arm_machine *m, bool on)
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        m->cpus[k]->env.firmware_call = on ? firmware_call : NULL;
}

static bool semihosting(void *ctx, struct cpu *cpu, const struct insn *i)
{
    return semihosting_call(ctx, cpu, i);
}

static void send_event(void *ctx, struct cpu *sender)
{
    struct arm_machine *m = ctx;

    cpu_lock(sender);
    for (unsigned k = 0; k < m->cpu_count; k++)
        if (!cpu_asked(m->cpus[k], CPU_ASK_EVENT))
            m->cpus[k]->event = true;
    cpu_unlock(sender);
}

static void tlbi_broadcast(void *ctx, struct cpu *sender, const struct tlbi *op)
{
    struct arm_machine *m = ctx;

    cpu_lock_alone(sender);
    for (unsigned k = 0; k < m->cpu_count; k++)
        cpu_invalidate(m->cpus[k], op);
    cpu_unlock(sender);
}

static void code_written(void *ctx, pa_t pa)
{
    struct arm_machine *m = ctx;

    if (m->parallel)
        parallel_enter_alone(m);
    code_cache_invalidate(m->code, &m->mem, pa, PAGE_SIZE);
    if (m->parallel)
        parallel_leave(m);
}

static void remapped(void *ctx)
{
    struct arm_machine *m = ctx;

    if (m->parallel)
        parallel_alone(m); /* a device's register was written, or nothing runs */
    for (unsigned k = 0; k < m->cpu_count; k++)
        tlb_flush_all(m->cpus[k]->tlb);
    if (m->current)
        m->current->irq_check = true; /* it looks for its own code again, too */
}

static void host_failed(void *ctx, const struct arm_error *why)
{
    machine_fail(ctx, why);
}

static void guest_exit(void *ctx, int code)
{
    struct arm_machine *m = ctx;

    m->exit_code = code;
    machine_stop(m, ARM_STOP_EXIT);
}

/* The GIC knows which CPU an interrupt is for, and we where that is. What is whoever's that runs is
 * nobody's between turns. */
static void locate(void *ctx, struct arm_event *p)
{
    const struct arm_machine *m = ctx;

    if (p->cpu == ARM_NO_CPU && m->current)
        p->cpu = (uint8_t)m->current->index;
    if (p->cpu == ARM_NO_CPU)
        p->count = arm_retired(m);
    else
        cpu_locate(m->cpus[p->cpu], p);
}

/* The host is asked for the next characters before the turn is over. */
static void input_taken(void *ctx)
{
    struct arm_machine *m = ctx;

    if (m->parallel || !m->input_waits || !m->current || m->input_at != UINT64_MAX)
        return;
    m->input_at =
        m->spent + cpu_retired(m->current) - m->current->slice_start + MACHINE_INPUT_INSNS;
    cpu_limit_slice(m->current, MACHINE_INPUT_INSNS);
}

static uint64_t gic_read(void *ctx, unsigned cpu, enum sysreg sr, bool virt)
{
    return gic_cpuif_read(ctx, cpu, sr, virt);
}

static void gic_write(void *ctx, unsigned cpu, enum sysreg sr, bool virt, uint64_t value)
{
    gic_cpuif_write(ctx, cpu, sr, virt, value);
}

static bool gic_implemented(void *ctx, enum sysreg sr)
{
    return gic_sysreg_implemented(ctx, sr);
}

static void gic_security(void *ctx, unsigned cpu, bool el3, bool secure_below, bool fiq_to_el3)
{
    gic_cpu_security(ctx, cpu, el3, secure_below, fiq_to_el3);
}

static const struct cpu_gic_ops gic_ops = {gic_read, gic_write, gic_implemented, gic_security};

/* The same with the machine's lock: the context is the machine. */
static uint64_t locked_read(void *ctx, unsigned cpu, enum sysreg sr, bool virt)
{
    struct arm_machine *m = ctx;

    cpu_lock(m->cpus[cpu]);
    uint64_t value = gic_cpuif_read(m->gic, cpu, sr, virt);
    cpu_unlock(m->cpus[cpu]);
    return value;
}

static void locked_write(void *ctx, unsigned cpu, enum sysreg sr, bool virt, uint64_t value)
{
    struct arm_machine *m = ctx;

    cpu_lock(m->cpus[cpu]);
    gic_cpuif_write(m->gic, cpu, sr, virt, value);
    cpu_unlock(m->cpus[cpu]);
}

static bool implemented_here(void *ctx, enum sysreg sr)
{
    struct arm_machine *m = ctx;

    return gic_sysreg_implemented(m->gic, sr);
}

static void locked_security(void *ctx, unsigned cpu, bool el3, bool secure_below, bool fiq_to_el3)
{
    struct arm_machine *m = ctx;

    cpu_lock(m->cpus[cpu]);
    gic_cpu_security(m->gic, cpu, el3, secure_below, fiq_to_el3);
    cpu_unlock(m->cpus[cpu]);
}

static const struct cpu_gic_ops locked_gic_ops = {locked_read, locked_write, implemented_here,
                                                  locked_security};

/* One function a pin: the GIC's outputs arrive here. @n is not used, the context is the CPU. */
#define PIN(name)                                                                                  \
    static void set_##name(void *ctx, unsigned n, bool level)                                      \
    {                                                                                              \
        struct cpu *cpu = ctx;                                                                     \
        (void)n;                                                                                   \
        cpu->name##_pin = level;                                                                   \
        cpu->irq_check = true;                                                                     \
    }
PIN(irq)
PIN(fiq)
PIN(virq)
PIN(vfiq)
#undef PIN

/* The same where CPUs run at the same time: the context is the machine, @n the CPU. */
#define PIN(name, NAME)                                                                            \
    static void post_##name(void *ctx, unsigned n, bool level)                                     \
    {                                                                                              \
        struct arm_machine *m = ctx;                                                               \
                                                                                                   \
        parallel_set_pin(m, m->cpus[n], PIN_##NAME, level);                                        \
    }
PIN(irq, IRQ)
PIN(fiq, FIQ)
PIN(virq, VIRQ)
PIN(vfiq, VFIQ)
#undef PIN

static void connect_gic(struct arm_machine *m, struct cpu *cpu)
{
    const unsigned n = cpu->index;
    const struct gic_pins posted = {
        .irq = {post_irq, m, n},
        .fiq = {post_fiq, m, n},
        .virq = {post_virq, m, n},
        .vfiq = {post_vfiq, m, n},
    };
    const struct gic_pins pins = {
        .irq = {set_irq, cpu, 0},
        .fiq = {set_fiq, cpu, 0},
        .virq = {set_virq, cpu, 0},
        .vfiq = {set_vfiq, cpu, 0},
    };
    static const unsigned timer_ppi[TIMER_COUNT] = {
        [TIMER_P] = PPI_TIMER_PHYS,      [TIMER_V] = PPI_TIMER_VIRT, [TIMER_HP] = PPI_TIMER_HYP,
        [TIMER_HV] = PPI_TIMER_HYP_VIRT, [TIMER_S] = PPI_TIMER_SEC,
    };

    gic_connect(m->gic, n, m->parallel ? &posted : &pins);
    for (unsigned t = 0; t < TIMER_COUNT; t++)
        cpu->timer_line[t] = gic_ppi_line(m->gic, cpu->index, timer_ppi[t]);
    cpu->pmu_line = gic_ppi_line(m->gic, cpu->index, PPI_PMU);
    cpu->comm_line = gic_ppi_line(m->gic, cpu->index, PPI_DCC);
}

static unsigned accessing_cpu(void *ctx)
{
    const struct arm_machine *m = ctx;

    return m->current ? m->current->index : 0;
}

static int create_gic(struct arm_machine *m, const struct arm_gic_config *c, struct arm_error *err)
{
    if (c->intid_bits && c->intid_bits != 16 && c->intid_bits != 24)
        return error_set(err, ARM_EINVAL, "GIC: %u INTID bits, expected 16 or 24", c->intid_bits);
    if (c->gicv > 1)
        return error_set(err, ARM_EINVAL, "GIC: %u GICVs, expected 0 or 1", c->gicv);
    if (c->no_its > 1)
        return error_set(err, ARM_EINVAL, "GIC: no-its of %u, expected 0 or 1", c->no_its);
    if (c->version != 0 && c->version != 2 && c->version != 3)
        return error_set(err, ARM_EINVAL, "GIC: version %u, expected 2 or 3", c->version);
    if (c->version == 2 && c->gicv)
        return error_set(err, ARM_EINVAL, "GIC: gicv of 1 is a GICv3's");
    if (c->gicv && !m->el2)
        return error_set(err, ARM_EINVAL, "GIC: GICV is for guests of an EL2; there is no EL2");
    m->gic = gic_create(&(struct gic_config){.cpus = m->cpu_count,
                                             .mpidr = m->mpidr,
                                             .spis = VIRT_SPI_COUNT,
                                             .lr_count = c->list_registers,
                                             .pribits = c->priority_bits,
                                             .prebits = c->preemption_bits,
                                             .id24 = c->intid_bits != 16,
                                             .v2_guests = c->gicv,
                                             .v2 = c->version == 2,
                                             .two_states = m->config.secure,
                                             .accessing_cpu = accessing_cpu,
                                             .accessing_ctx = m,
                                             .mem = m->config.its ? &m->mem : NULL,
                                             .clock = &m->clock,
                                             .log = &m->log,
                                             .probes = &m->probes},
                        err);
    if (m->gic && m->late && c->gicv)
        late_device(m->late, gic_virtual_interface(m->gic));
    return m->gic ? 0 : -(err ? err->code : ARM_EINVAL);
}

static void free_code(const struct arm_machine *m, struct code_cache *code, struct jit *jit)
{
    if (code != m->code)
        code_cache_destroy(code);
    if (jit != m->jit)
        jit_destroy(jit);
}

/* CPU @k's decoded pages and blocks. Those of CPUs that take turns are one CPU's. */
static int own_code(struct arm_machine *m, unsigned k, struct code_cache **code, struct jit **jit,
                    struct arm_error *err)
{
    if (k && !m->parallel)
        return 0;
    if (k && m->jit)
        *jit = jit_create(jit_is_eager(m->jit), true);
    *code = code_cache_create(m->jit ? &jit_engine : &interp_engine);
    if (!*code || (m->jit && !*jit)) {
        free_code(m, *code, *jit);
        return error_set(err, ARM_ENOMEM, "no memory for decoded pages");
    }
    if (k)
        code_cache_join(m->code, *code);
    else
        m->code = *code;
    return 0;
}

void machine_free_cpus(struct arm_machine *m)
{
    for (unsigned k = 0; k < m->cpu_count; k++) {
        struct code_cache *code = m->cpus[k] ? m->cpus[k]->code : m->code;
        struct jit *jit = m->cpus[k] ? m->cpus[k]->jit : m->jit;
        cpu_destroy(m->cpus[k]);
        free_code(m, code, jit);
    }
    code_cache_destroy(m->code);
    jit_destroy(m->jit);
}

static int create_cpus(struct arm_machine *m, const struct cpu_model *model,
                       const struct features *features, struct arm_error *err)
{
    for (unsigned k = 0; k < m->cpu_count; k++) {
        struct code_cache *code = m->code;
        struct jit *jit = m->jit;
        int r = own_code(m, k, &code, &jit, err);
        if (r < 0)
            return r;
        const struct cpu_params params = {
            .index = k,
            .mpidr = m->mpidr[k],
            .model = model,
            .features = features,
            .has_el2 = m->el2,
            .code = code,
            .jit = jit,
            .come = jit ? jit_come : NULL,
            .late = m->late,
            .mem = &m->mem,
            .clock = &m->clock,
            .log = &m->log,
            .probes = &m->probes,
            /* Of system registers. */
            .gic = m->config.gic_v2 ? NULL
                   : m->parallel    ? &locked_gic_ops
                                    : &gic_ops,
            .gic_ctx = m->parallel ? (void *)m : m->gic,
            .cluster_cpus = m->cpu_count,
            .seed = m->config.seed,
            .periphbase = virt_memmap[VIRT_GICD].base,
            .env = {.ctx = m,
                    .firmware_call = firmware_call,
                    .semihosting = m->semihosting ? semihosting : NULL,
                    .semihosting_el0 = m->semihosting_el0,
                    .send_event = send_event,
                    .tlbi_broadcast = tlbi_broadcast,
                    .host = &m->host,
                    .pause = &m->pause,
                    .marks = &m->marks,
                    .parallel = m->parallel ? &parallel_of_cpus : NULL,
                    .hold = &m->hold},
        };
        m->cpus[k] = cpu_create(&params);
        if (!m->cpus[k]) {
            free_code(m, code, jit);
            return error_set(err, ARM_ENOMEM, "no memory for CPU %u", k);
        }
        connect_gic(m, m->cpus[k]);
    }
    return 0;
}

/* What the parts call their machine for. */
static void connect_machine(struct arm_machine *m)
{
    m->clock.next_ns = CLOCK_NEVER;
    m->clock.progress_ns = machine_progress_ns;
    m->clock.progress_ctx = m;
    m->clock.rescheduled = machine_rescheduled;
    m->clock.rescheduled_ctx = m;
    m->probes.locate = locate;
    m->probes.locate_ctx = m;
    m->mem.code_written = code_written;
    m->mem.code_written_ctx = m;
    m->mem.remapped = remapped;
    m->mem.remapped_ctx = m;
    m->mem.probes = &m->probes;
    m->host = (struct host_failure){host_failed, m};
    m->config.host = &m->host;
    m->semi.host = &m->host;
}

/* By the Secure world's PL061. */
static void power(void *ctx, bool restart)
{
    machine_stop(ctx, restart ? ARM_STOP_RESET : ARM_STOP_POWEROFF);
}

static int create_board(struct arm_machine *m, struct arm_error *err)
{
    m->config.exit = guest_exit;
    m->config.exit_ctx = m;
    m->config.power = power;
    m->config.power_ctx = m;
    int r = virt_board_create(&m->board, &m->config, &m->mem, m->gic, &m->clock, &m->log, err);

    if (r < 0)
        return r;
    m->board_made = true;
    m->board.uart.taken = input_taken;
    m->board.uart.taken_ctx = m;
    return 0;
}

int machine_wire(struct arm_machine *m, const struct arm_gic_config *gic,
                 const struct cpu_model *model, const struct features *features,
                 struct arm_error *err)
{
    int r;

    connect_machine(m);
    for (unsigned k = 0; k < m->cpu_count; k++)
        m->mpidr[k] = virt_mpidr(k);
    if ((r = create_gic(m, gic, err)) < 0 || (r = create_board(m, err)) < 0)
        return r;
    return create_cpus(m, model, features, err);
}
