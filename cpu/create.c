#include "cpu/create.h"

#include <stdlib.h>

#include "base/random.h"
#include "cpu/code_cache.h"
#include "cpu/context.h"
#include "cpu/late.h"
#include "cpu/pmu.h"
#include "cpu/pstate.h"
#include "cpu/timer.h"
#include "cpu/world.h"

static const _Atomic bool never_paused;

#define RNDR_STREAM UINT64_C(0x72646e7264727273) /* keeps it apart from the board's streams */

/* Each CPU has numbers of its own. They go on over a reset. */
static uint64_t rng_state(uint64_t seed, unsigned index)
{
    uint64_t stream = seed ^ RNDR_STREAM, state = 0;

    for (unsigned k = 0; k <= index; k++)
        state = random_next(&stream);
    return state;
}

struct cpu *cpu_create(const struct cpu_params *p)
{
    struct cpu *cpu = aligned_alloc(64, align_up(sizeof(*cpu), 64));

    if (!cpu)
        return NULL;
    *cpu = (struct cpu){
        .index = p->index,
        .mpidr = p->mpidr,
        .model = p->model,
        .features = *p->features,
        .has_el2 = p->has_el2,
        .el2_enabled = p->has_el2,
        .power = CPU_OFF,
        .wait_until_ns = CLOCK_NEVER,
        .code = p->code,
        .jit = p->jit,
        .come = p->come,
        .late = p->late,
        .wanted = p->late ? WANTED_LATE : 0,
        .mem = p->mem,
        .clock = p->clock,
        .log = p->log,
        .probes = p->probes,
        .gic = p->gic,
        .gic_ctx = p->gic_ctx,
        .cluster_cpus = p->cluster_cpus,
        .periphbase = p->periphbase,
        .rng = rng_state(p->seed, p->index),
        .env = p->env,
    };
    if (!cpu->env.pause)
        cpu->env.pause = &never_paused;
    cpu->tlb = tlb_create(p->late != NULL);
    cpu_timers_create(cpu);
    cpu_pmu_create(cpu);
    if (!cpu->tlb) {
        cpu_destroy(cpu);
        return NULL;
    }
    code_cache_attach(cpu->code, cpu->tlb);
    return cpu;
}

void cpu_destroy(struct cpu *cpu)
{
    if (!cpu)
        return;
    code_cache_detach(cpu->code, cpu->tlb);
    tlb_destroy(cpu->tlb);
    free(cpu->listed);
    free(cpu);
}

/* What an EL3 that wants nothing leaves behind: Non-secure state, nothing trapped or routed. */
static void leave_el3(struct cpu *cpu)
{
    cpu->sr[SR_SCR_EL3] = (SCR_OPEN & cpu->sr_mask[SR_SCR_EL3]) | cpu->sr_res1[SR_SCR_EL3];
}

void cpu_enter_el(struct cpu *cpu, unsigned el)
{
    if (cpu->ps.el == 3 && el < 3)
        leave_el3(cpu);
    if (cpu->has_el2 && el < 2) {
        /* What an EL2 that wants nothing leaves behind: AArch64 at EL1, nothing trapped. */
        cpu->sr[SR_HCR_EL2] = FIELD_MASK(HCR_EL2_RW);
        if (cpu_has(cpu, FEAT_PAuth))
            cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_APK) | FIELD_MASK(HCR_EL2_API);
        if (cpu_has(cpu, FEAT_CSV2_2))
            cpu->sr[SR_HCR_EL2] |= FIELD_MASK(HCR_EL2_EnSCXT);
        cpu->sr[SR_CNTHCTL_EL2] = 3; /* EL1PCTEN, EL1PCEN */
        cpu->sr[SR_ACTLR_EL2] = cpu->sr_mask[SR_ACTLR_EL2];
    }
    cpu_set_el_sp(cpu, el, 1);
    cpu_follow_scr(cpu);
    cpu->ps.daif = 15;
    cpu_context_changed(cpu);
}
