/* Creating a machine, loading, starting and resetting what runs on it. */
#include "machine/machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/host_memory.h"
#include "cpu/code_cache.h"
#include "cpu/create.h"
#include "cpu/events.h"
#include "cpu/jit/jit.h"
#include "cpu/late.h"
#include "cpu/reset.h"
#include "cpu/sysreg.h"
#include "cpu/timer.h"
#include "loader/fdt.h"
#include "loader/loader.h"
#include "machine/config.h"
#include "machine/cpu_spec.h"
#include "machine/parallel.h"
#include "machine/sized.h"
#include "machine/snapshot.h"
#include "machine/wiring.h"

void machine_start_cpu(struct arm_machine *m, struct cpu *cpu, uint64_t entry, uint64_t x0)
{
    cpu_reset(cpu);
    gic_reset_cpu_interface(m->gic, cpu->index);
    cpu->sr[SR_CNTFRQ_EL0] = 1000000000 / TIMER_NS_PER_TICK; /* firmware's to set */
    if (!m->at_el3) {
        gic_sleep(m->gic, cpu->index, false); /* as firmware does: not all that runs here looks */
        cpu_enter_el(cpu, m->start_el);
    }
    cpu->pc = entry;
    cpu->x[0] = x0;
    cpu->power = CPU_RUNNING;
    if (cpu_wants(cpu, ARM_EVENT_POWER))
        cpu_fire_here(cpu, &(struct arm_event){
                               .kind = ARM_EVENT_POWER,
                               .power = {.state = ARM_POWER_ON,
                                         .by = m->current ? (uint8_t)m->current->index : ARM_NO_CPU,
                                         .entry = entry,
                                         .context = x0}});
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
        if (sysreg_rows[sr].kept)
            cpu->sr[sr] = saved[sr];
    cpu_timers_changed(cpu);
}

/* Everything but the contents of RAM as after power-on; CPU 0 at the image's entry, and so the
 * others if that is at EL3: who holds them there is what is started. */
static void reset(struct arm_machine *m)
{
    semihosting_reset(&m->semi);
    gic_reset(m->gic);
    if (!m->at_el3)
        gic_make_nonsecure(m->gic);
    virt_board_reset(&m->board);
    for (unsigned k = 0; k < m->cpu_count; k++) {
        cpu_reset(m->cpus[k]);
        m->cpus[k]->power = CPU_OFF;
    }
    for (unsigned k = 0; k < (m->at_el3 ? m->cpu_count : 1); k++)
        machine_start_cpu(m, m->cpus[k], m->boot.pc, m->boot.x[0]);
    for (unsigned k = 1; k < 4; k++)
        m->cpus[0]->x[k] = m->boot.x[k];
    for (unsigned k = 0; k < m->blob_count; k++)
        if (m->blob_cpu[k] >= 0)
            machine_start_cpu(m, m->cpus[m->blob_cpu[k]], m->blobs[k].entry, 0);
}

/* With EL3 in the machine only what follows Linux's boot protocol is started below it. */
static bool starts_at_el3(const struct arm_machine *m)
{
    return m->config.secure && (m->firmware || !m->boot.x[0]);
}

static int load_once(struct arm_machine *m, struct arm_error *err)
{
    const struct load_request req = {
        .ram_base = virt_memmap[VIRT_RAM].base,
        .ram_size = m->config.ram_size,
        .kernel = m->kernel,
        .tree_has_memory = !m->dtb,
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

/* Whether there is PSCI, the device tree has to say before it is loaded, and what
 * is loaded decides. */
static int load(struct arm_machine *m, struct arm_error *err)
{
    int r = load_once(m, err);

    m->at_el3 = r == 0 && starts_at_el3(m);
    if (r == 0 && m->config.no_psci != m->at_el3) {
        m->config.no_psci = m->at_el3;
        r = load_once(m, err);
    }
    machine_answer_calls(m, !m->at_el3);
    return r;
}

int machine_reboot(struct arm_machine *m, struct arm_error *err)
{
    for (unsigned k = 0; k < m->cpu_count; k++) {
        if (!k || m->parallel)
            code_cache_flush(m->cpus[k]->code, &m->mem);
        tlb_flush_all(m->cpus[k]->tlb);
    }
    if (m->late)
        late_reset(m->late, &m->mem);
    int r = m->bios ? virt_load_bios(&m->board, m->bios, err) : 0;
    if (r == 0)
        r = load(m, err);
    if (r == 0)
        reset(m);
    return r;
}

#define NO_JIT "the host is not x86-64 with LZCNT, or has no memory for translated code"

/* Firmware at EL3 saves an EL1's AArch32 registers on the cores that QEMU gives that state, of
 * which max is one. */
static void give_el3(struct features *f, const struct cpu_model *model)
{
    set_feature(f, FEAT_EL3, true);
    if (model->id == MODEL_MAX)
        set_feature(f, FEAT_AA32_context, true);
}

static int create(struct arm_machine *m, const struct arm_config *c, struct arm_error *err)
{
    const struct cpu_model *model;
    struct features features;
    int r = machine_copy_config(m, c, err);

    if (r == 0)
        r = cpu_spec_parse(c->cpu ? c->cpu : "max", &model, &features, err);
    if (r < 0)
        return r;
    set_feature(&features, FEAT_EL2, m->el2);
    if (c->secure)
        give_el3(&features, model);
    if (c->parallel) {
        set_feature(&features, FEAT_LSE2, false); /* docs/decisions/077 */
        if ((r = parallel_create(m, err)) < 0)
            return r;
    }
    m->input_at = UINT64_MAX;
    if (c->late_effects && !(m->late = late_create(m->cpu_count, c->seed, cpu_sysreg_late_write)))
        return error_set(err, ARM_ENOMEM, "no memory for late effects");
    if (c->engine >= ARM_ENGINE_JIT || (c->engine == ARM_ENGINE_DEFAULT && !ARMILLARY_INTERP))
        m->jit = jit_create(c->engine == ARM_ENGINE_JIT_EAGER, c->parallel);
    if (c->engine >= ARM_ENGINE_JIT && !m->jit)
        return error_set(err, ARM_ENOTSUP, "no JIT: %s", NO_JIT);
    if (!m->jit && c->engine == ARM_ENGINE_DEFAULT && !ARMILLARY_INTERP)
        LOG(&m->log, MACHINE, WARN, "interpreted, which is slower: %s", NO_JIT);
    if (m->jit)
        jit_watch(m->jit, c->host_code, c->host_code_ctx);
    m->facts = machine_facts(c, model, &features);
    machine_describe_board(m, c, model, &features);
    r = machine_wire(m, &c->gic, model, &features, err);
    machine_forget_config(m);
    if (r < 0 || (r = load(m, err)) < 0)
        return r;
    if (m->parallel)
        physmem_never_shared(&m->mem);
    reset(m);
    return 0;
}

struct arm_machine *arm_machine_new(const struct arm_config *config, struct arm_error *err)
{
    struct arm_config known = {0};
    struct arm_error none;
    struct arm_machine *m;

    if (!err)
        err = &none;
    if (sized_copy(&known, sizeof(known), config, "struct arm_config", err) < 0)
        return NULL;
    m = host_pages(sizeof(*m));
    if (!m) {
        error_set(err, ARM_ENOMEM, "no memory for a machine");
        return NULL;
    }
    m->semi.dir = -1;
    if (create(m, &known, err) < 0) {
        arm_machine_free(m);
        return NULL;
    }
    return m;
}

void arm_machine_free(struct arm_machine *m)
{
    if (!m)
        return;
    machine_free_cpus(m);
    parallel_destroy(m->parallel);
    late_destroy(m->late);
    if (m->board_made)
        virt_board_destroy(&m->board);
    gic_destroy(m->gic);
    physmem_destroy(&m->mem);
    dt_free(&m->dt);
    input_log_free(&m->input);
    semihosting_destroy(&m->semi);
    machine_free_config(m);
    if (m->watched)
        g_hash_table_destroy(m->watched);
    free(m->facts);
    host_pages_free(m, sizeof(*m));
}
