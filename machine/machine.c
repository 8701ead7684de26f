/* Creating, resetting and inspecting a machine. Running it is run.c. */
#include "machine/machine.h"

#include <stdlib.h>
#include <string.h>

#include "arch/cpu_models.h"
#include "base/bits.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/create.h"
#include "cpu/exception.h"
#include "cpu/interp.h"
#include "cpu/reset.h"
#include "cpu/timer.h"
#include "loader/fdt.h"
#include "loader/loader.h"
#include "machine/cpu_spec.h"
#include "machine/modules.h"

_Static_assert(ARM_CPUS_MAX <= CODE_CACHE_TLBS_MAX, "every CPU has a TLB");
_Static_assert((TIMER_COUNT + 1) * ARM_CPUS_MAX + 8 <= CLOCK_EVENTS_MAX,
               "events of every CPU's timers and PMU, and of the board");

static void firmware_call(void *ctx, struct cpu *cpu, uint16_t immediate)
{
    psci_call(ctx, cpu, immediate);
}

static bool semihosting(void *ctx, struct cpu *cpu, const struct insn *i)
{
    return semihosting_call(ctx, cpu, i);
}

static void send_event(void *ctx)
{
    struct arm_machine *m = ctx;

    for (unsigned k = 0; k < m->cpu_count; k++)
        m->cpus[k]->event = true;
}

static void tlbi_broadcast(void *ctx, const struct tlbi *op)
{
    struct arm_machine *m = ctx;

    for (unsigned k = 0; k < m->cpu_count; k++)
        tlb_invalidate(m->cpus[k]->tlb, op);
}

static void code_written(void *ctx, pa_t pa)
{
    struct arm_machine *m = ctx;

    code_cache_invalidate(m->code, &m->mem, pa, PAGE_SIZE);
}

static void remapped(void *ctx)
{
    struct arm_machine *m = ctx;

    for (unsigned k = 0; k < m->cpu_count; k++)
        tlb_flush_all(m->cpus[k]->tlb);
}

static void guest_exit(void *ctx, int code)
{
    struct arm_machine *m = ctx;

    m->exit_code = code;
    machine_stop(m, ARM_STOP_EXIT);
}

/* The GIC knows which CPU an interrupt is for, and we where that is. */
static void locate(void *ctx, struct probe *p)
{
    const struct arm_machine *m = ctx;

    cpu_locate(m->cpus[p->cpu], p);
}

/* The host is asked for the next characters before the turn is over. */
static void input_taken(void *ctx)
{
    struct arm_machine *m = ctx;

    if (!m->input_waits || !m->current || m->input_at != UINT64_MAX)
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

static const struct cpu_gic_ops gic_ops = {gic_read, gic_write, gic_implemented};

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

static void connect_gic(struct arm_machine *m, struct cpu *cpu)
{
    const struct gic_pins pins = {
        .irq = {set_irq, cpu, 0},
        .fiq = {set_fiq, cpu, 0},
        .virq = {set_virq, cpu, 0},
        .vfiq = {set_vfiq, cpu, 0},
    };
    static const unsigned timer_ppi[TIMER_COUNT] = {
        [TIMER_P] = VIRT_PPI_TIMER_PHYS,
        [TIMER_V] = VIRT_PPI_TIMER_VIRT,
        [TIMER_HP] = VIRT_PPI_TIMER_HYP,
        [TIMER_HV] = VIRT_PPI_TIMER_HYP_VIRT,
    };

    gic_connect(m->gic, cpu->index, &pins);
    for (unsigned t = 0; t < TIMER_COUNT; t++)
        cpu->timer_line[t] = gic_ppi_line(m->gic, cpu->index, timer_ppi[t]);
    cpu->pmu_line = gic_ppi_line(m->gic, cpu->index, VIRT_PPI_PMU);
    cpu->comm_line = gic_ppi_line(m->gic, cpu->index, VIRT_PPI_DCC);
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
                                             .accessing_cpu = accessing_cpu,
                                             .accessing_ctx = m,
                                             .mem = c->no_its ? NULL : &m->mem,
                                             .clock = &m->clock,
                                             .log = &m->log,
                                             .probes = &m->probes},
                        err);
    return m->gic ? 0 : -(err ? err->code : ARM_EINVAL);
}

static int create_cpus(struct arm_machine *m, const struct cpu_model *model,
                       const struct features *features, struct arm_error *err)
{
    m->code = code_cache_create();
    if (!m->code)
        return error_set(err, ARM_ENOMEM, "no memory for decoded pages");
    for (unsigned k = 0; k < m->cpu_count; k++) {
        const struct cpu_params params = {
            .index = k,
            .mpidr = m->mpidr[k],
            .model = model,
            .features = features,
            .has_el2 = m->el2,
            .code = m->code,
            .mem = &m->mem,
            .clock = &m->clock,
            .log = &m->log,
            .probes = &m->probes,
            .gic = &gic_ops,
            .gic_ctx = m->gic,
            .sre_writable = m->config.gicv,
            .cluster_cpus = m->cpu_count,
            .seed = m->config.seed,
            .periphbase = virt_memmap[VIRT_GICD].base,
            .env = {.ctx = m,
                    .firmware_call = firmware_call,
                    .semihosting = m->semihosting ? semihosting : NULL,
                    .semihosting_el0 = m->semihosting_el0,
                    .send_event = send_event,
                    .tlbi_broadcast = tlbi_broadcast,
                    .code_written = code_written,
                    .pause = &m->pause},
        };
        m->cpus[k] = cpu_create(&params);
        if (!m->cpus[k])
            return error_set(err, ARM_ENOMEM, "no memory for CPU %u", k);
        connect_gic(m, m->cpus[k]);
    }
    return 0;
}

void machine_start_cpu(struct arm_machine *m, struct cpu *cpu, uint64_t entry, uint64_t x0)
{
    cpu_reset(cpu);
    gic_reset_cpu_interface(m->gic, cpu->index);
    gic_sleep(m->gic, cpu->index, false); /* as firmware does: not all that runs here looks */
    cpu->sr[SR_CNTFRQ_EL0] = 1000000000 / TIMER_NS_PER_TICK; /* firmware's to set */
    cpu_enter_el(cpu, m->start_el);
    cpu->pc = entry;
    cpu->x[0] = x0;
    cpu->power = CPU_RUNNING;
}

/* Firmware does not let the redistributor sleep: it has to wake the CPU. */
void machine_suspend_cpu(struct arm_machine *m, struct cpu *cpu, uint64_t entry, uint64_t x0)
{
    m->resume[cpu->index].entry = entry;
    m->resume[cpu->index].x0 = x0;
    gic_sleep(m->gic, cpu->index, false);
    cpu->power = CPU_SUSPENDED;
}

void machine_resume_cpu(struct arm_machine *m, struct cpu *cpu)
{
    uint64_t saved[SR_COUNT];

    memcpy(saved, cpu->sr, sizeof(saved));
    machine_start_cpu(m, cpu, m->resume[cpu->index].entry, m->resume[cpu->index].x0);
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        if (sysreg_rows[sr].ws == WS_TIMER)
            cpu->sr[sr] = saved[sr];
    cpu_timers_changed(cpu);
}

/* Everything but the contents of RAM as after power-on; CPU 0 at the image's entry. */
static void reset(struct arm_machine *m)
{
    semihosting_reset(&m->semi);
    gic_reset(m->gic);
    virt_board_reset(&m->board);
    for (unsigned k = 0; k < m->cpu_count; k++) {
        cpu_reset(m->cpus[k]);
        m->cpus[k]->power = CPU_OFF;
    }
    machine_start_cpu(m, m->cpus[0], m->boot.pc, m->boot.x[0]);
    for (unsigned k = 1; k < 4; k++)
        m->cpus[0]->x[k] = m->boot.x[k];
    for (unsigned k = 0; k < m->blob_count; k++)
        if (m->blob_cpu[k] >= 0)
            machine_start_cpu(m, m->cpus[m->blob_cpu[k]], m->blobs[k].entry, 0);
}

static int load(struct arm_machine *m, struct arm_error *err)
{
    const struct load_request req = {
        .ram_base = virt_memmap[VIRT_RAM].base,
        .ram_size = m->config.ram_size,
        .kernel = m->kernel,
        .initrd = m->initrd,
        .append = m->append,
        .firmware_base = virt_memmap[VIRT_FLASH].base,
        .firmware_size = m->board.bios_size,
        .blobs = m->blobs,
        .blob_count = m->blob_count,
        .modules = {.modules = m->modules,
                    .count = m->module_count,
                    .domains = m->domains,
                    .domain_count = m->domain_count},
    };
    int r;

    dt_free(&m->dt);
    r = m->dtb ? dt_load(&m->dt, m->dtb, err) : virt_fdt(&m->config, &m->dt, err);
    if (r == 0)
        r = loader_load(&m->mem, &m->log, &req, &m->dt, &m->boot, err);
    return r;
}

int machine_reboot(struct arm_machine *m, struct arm_error *err)
{
    code_cache_flush(m->code, &m->mem);
    for (unsigned k = 0; k < m->cpu_count; k++)
        tlb_flush_all(m->cpus[k]->tlb);
    int r = m->bios ? virt_load_bios(&m->board, m->bios, err) : 0;
    if (r == 0)
        r = load(m, err);
    if (r == 0)
        reset(m);
    return r;
}

static char *copy(const char *s)
{
    return s ? strdup(s) : NULL;
}

/* No name is NULL. */
static int check_name(const char *what, const char *path, struct arm_error *err)
{
    if (path && !*path)
        return error_set(err, ARM_EINVAL, "%s: \"\": expected the name of a file", what);
    return 0;
}

static int check_names(const struct arm_config *c, struct arm_error *err)
{
    const struct {
        const char *what, *path;
    } names[] = {{"kernel", c->kernel},
                 {"initrd", c->initrd},
                 {"device tree", c->dtb},
                 {"firmware", c->bios}};
    int r = 0;

    for (size_t k = 0; r == 0 && k < ARRAY_SIZE(names); k++)
        r = check_name(names[k].what, names[k].path, err);
    for (unsigned k = 0; r == 0 && k < ARRAY_SIZE(c->pflash); k++)
        r = check_name("flash memory", c->pflash[k].path, err);
    for (unsigned k = 0; r == 0 && k < c->blob_count; k++)
        r = check_name("file to load", c->blobs[k].path, err);
    for (unsigned k = 0; r == 0 && k < c->module_count; k++)
        r = check_name("module", c->modules[k].path, err);
    for (unsigned k = 0; r == 0 && k < c->virtio_count; k++)
        r = check_name("disk", c->virtio[k].drive.path, err);
    return r;
}

static int copy_config(struct arm_machine *m, const struct arm_config *c, struct arm_error *err)
{
    int r = check_names(c, err);

    if (r < 0)
        return r;
    if (c->cpus < 1 || c->cpus > ARM_CPUS_MAX)
        return error_set(err, ARM_EINVAL, "%u CPUs: expected 1 to %d", c->cpus, ARM_CPUS_MAX);
    if (c->start_el > 2 || (c->start_el == 2 && !c->el2))
        return error_set(err, ARM_EINVAL, "start at EL%u: expected 1%s", c->start_el,
                         c->el2 ? " or 2" : "; this machine has no EL2");
    m->cpu_count = c->cpus;
    m->el2 = c->el2;
    m->start_el = c->start_el ? c->start_el : c->el2 ? 2 : 1;
    m->semihosting = c->semihosting;
    m->semihosting_el0 = c->semihosting_el0;
    m->no_reboot = c->no_reboot;
    m->keep_going = c->keep_going;
    m->log = c->log;
    m->console_write = c->console_write;
    m->console_ctx = c->console_ctx;
    if (c->initrd && !c->kernel)
        return error_set(err, ARM_EINVAL, "%s: an initrd is for a kernel: expected one", c->initrd);
    if (virt_has_firmware(c->bios, c->pflash)) {
        if (c->module_count)
            return error_set(err, ARM_EINVAL,
                             "%s: a module is for a hypervisor that is entered at once: expected "
                             "no firmware before it",
                             c->modules[0].path);
    } else {
        m->kernel = copy(c->kernel);
        m->initrd = copy(c->initrd);
    }
    m->append = copy(c->append);
    m->dtb = copy(c->dtb);
    m->bios = copy(c->bios);
    m->blob_count = c->blob_count;
    m->blobs = calloc(c->blob_count ? c->blob_count : 1, sizeof(*m->blobs));
    m->blob_cpu = calloc(c->blob_count ? c->blob_count : 1, sizeof(*m->blob_cpu));
    if (!m->blobs || !m->blob_cpu)
        return error_set(err, ARM_ENOMEM, "no memory for %u files", c->blob_count);
    for (unsigned k = 0; k < c->blob_count; k++) {
        if (c->blobs[k].cpu >= (int)c->cpus)
            return error_set(err, ARM_EINVAL, "%s: there is no CPU %d",
                             c->blobs[k].path ? c->blobs[k].path : "entry", c->blobs[k].cpu);
        if (c->blobs[k].data_size > sizeof(c->blobs[k].data))
            return error_set(err, ARM_EINVAL, "%u bytes of data, expected at most %zu",
                             c->blobs[k].data_size, sizeof(c->blobs[k].data));
        m->blob_cpu[k] = c->blobs[k].cpu;
        m->blobs[k].file = copy(c->blobs[k].path);
        m->blobs[k].addr = c->blobs[k].addr;
        m->blobs[k].force_raw = c->blobs[k].force_raw;
        m->blobs[k].data_size = c->blobs[k].data_size;
        memcpy(m->blobs[k].data, c->blobs[k].data, sizeof(m->blobs[k].data));
    }
    r = semihosting_init(&m->semi, c, err);
    return r < 0 ? r : machine_copy_modules(m, c, err);
}

static int create(struct arm_machine *m, const struct arm_config *c, struct arm_error *err)
{
    const struct cpu_model *model;
    struct features features;
    int r = copy_config(m, c, err);

    if (r == 0)
        r = cpu_spec_parse(c->cpu ? c->cpu : "max", &model, &features, err);
    if (r < 0)
        return r;
    set_feature(&features, FEAT_EL2, m->el2);
    m->input_at = UINT64_MAX;
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
    for (unsigned k = 0; k < m->cpu_count; k++)
        m->mpidr[k] = virt_mpidr(k);
    m->config = (struct virt_config){.cpu_count = m->cpu_count,
                                     .ram_size = c->ram_size,
                                     .el2 = m->el2,
                                     .vhe = m->el2 && has_feature(&features, FEAT_VHE),
                                     .its = !c->gic.no_its,
                                     .gicv = c->gic.gicv,
                                     .pmu = has_feature(&features, FEAT_PMUv3),
                                     .cpu_compatible = model->compatible,
                                     .seed = c->seed,
                                     .epoch_s = c->rtc_epoch_s ? c->rtc_epoch_s : VIRT_EPOCH_S,
                                     .console = c->console_write,
                                     .console_ctx = c->console_ctx,
                                     .bios = c->bios,
                                     .pflash = {c->pflash[0], c->pflash[1]},
                                     .kernel = c->kernel,
                                     .initrd = c->initrd,
                                     .append = c->append,
                                     .virtio = c->virtio,
                                     .virtio_count = c->virtio_count,
                                     .fw_cfg = c->fw_cfg,
                                     .fw_cfg_count = c->fw_cfg_count,
                                     .virtio_legacy = c->virtio_legacy,
                                     .exit = guest_exit,
                                     .exit_ctx = m};
    if ((r = create_gic(m, &c->gic, err)) < 0 ||
        (r = virt_board_create(&m->board, &m->config, &m->mem, m->gic, &m->clock, &m->log, err)) <
            0)
        return r;
    m->board_made = true;
    m->board.uart.taken = input_taken;
    m->board.uart.taken_ctx = m;
    /* What was only for the board's creation belongs to the caller. */
    m->config.bios = m->config.kernel = m->config.initrd = m->config.append = NULL;
    m->config.virtio = NULL;
    m->config.fw_cfg = NULL;
    m->config.pflash[0].path = m->config.pflash[1].path = NULL;
    if ((r = create_cpus(m, model, &features, err)) < 0 || (r = load(m, err)) < 0)
        return r;
    reset(m);
    return 0;
}

struct arm_machine *arm_machine_new(const struct arm_config *config, struct arm_error *err)
{
    struct arm_error none;
    struct arm_machine *m = calloc(1, sizeof(*m));

    if (!err)
        err = &none;
    if (!m) {
        error_set(err, ARM_ENOMEM, "no memory for a machine");
        return NULL;
    }
    m->semi.dir = -1;
    if (create(m, config, err) < 0) {
        arm_machine_free(m);
        return NULL;
    }
    return m;
}

void arm_machine_free(struct arm_machine *m)
{
    if (!m)
        return;
    for (unsigned k = 0; k < m->cpu_count; k++)
        cpu_destroy(m->cpus[k]);
    code_cache_destroy(m->code);
    if (m->board_made)
        virt_board_destroy(&m->board);
    gic_destroy(m->gic);
    physmem_destroy(&m->mem);
    dt_free(&m->dt);
    for (unsigned k = 0; m->blobs && k < m->blob_count; k++)
        free((char *)m->blobs[k].file);
    free(m->blobs);
    free(m->blob_cpu);
    machine_free_modules(m);
    input_log_free(&m->input);
    semihosting_destroy(&m->semi);
    free(m->kernel);
    free(m->initrd);
    free(m->append);
    free(m->dtb);
    free(m->bios);
    free(m);
}

int arm_exit_code(const struct arm_machine *m)
{
    return m->exit_code;
}

/* While a log is replayed, input comes from there only. */
static size_t live_input(struct arm_machine *m, int virtio, int port, const uint8_t *data,
                         size_t size)
{
    size_t taken = m->input.replays ? 0 : input_deliver(m, virtio, port, data, size);

    input_record(m, virtio, port, data, taken);
    return taken;
}

size_t arm_console_input(struct arm_machine *m, const uint8_t *data, size_t size)
{
    size_t taken = live_input(m, -1, -1, data, size);

    m->input_waits = taken < size && !m->input.replays;
    return taken;
}

bool arm_console_end(struct arm_machine *m)
{
    if (m->input.replays || m->semi.input_ended)
        return false;
    input_record_eof(m);
    return semihosting_end_input(m);
}

size_t arm_port_input(struct arm_machine *m, unsigned virtio, unsigned port, const uint8_t *data,
                      size_t size)
{
    return virtio < ARM_VIRTIO_MAX && port < ARM_PORTS_MAX
               ? live_input(m, (int)virtio, (int)port, data, size)
               : 0;
}

uint64_t arm_retired(const struct arm_machine *m)
{
    return m->retired + (m->current ? cpu_retired(m->current) - m->current->slice_start : 0);
}

uint64_t arm_time_ns(const struct arm_machine *m)
{
    return clock_now_ns(&m->clock);
}

const void *arm_device_tree(const struct arm_machine *m, size_t *size)
{
    *size = dt_size(&m->dt);
    return m->dt.blob;
}

bool arm_mem_read(struct arm_machine *m, uint64_t pa, void *buf, size_t size)
{
    return physmem_read(&m->mem, (pa_t){pa}, buf, size);
}

bool arm_mem_write(struct arm_machine *m, uint64_t pa, const void *buf, size_t size)
{
    return physmem_write(&m->mem, (pa_t){pa}, buf, size);
}

/* What is wanted decides how a CPU runs: observed memory has banks of its own. */
static void wishes_changed(struct arm_machine *m)
{
    for (unsigned k = 0; k < m->cpu_count; k++)
        cpu_context_changed(m->cpus[k]);
}

int arm_subscribe(struct arm_machine *m, const struct probe_filter *filter, probe_fn *fn, void *ctx)
{
    int handle = probe_subscribe(&m->probes, filter, fn, ctx);

    wishes_changed(m);
    return handle;
}

bool arm_unsubscribe(struct arm_machine *m, int handle)
{
    bool found = probe_unsubscribe(&m->probes, handle);

    wishes_changed(m);
    return found;
}
