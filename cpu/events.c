#include "cpu/events.h"

#include "cpu/exception_info.h"
#include "cpu/regime.h"
#include "cpu/world.h"

_Static_assert((unsigned)ARM_REGIME_EL10 == (unsigned)REGIME_EL10 &&
                   (unsigned)ARM_REGIME_EL2 == (unsigned)REGIME_EL2 &&
                   (unsigned)ARM_REGIME_EL20 == (unsigned)REGIME_EL20,
               "an event tells regimes by our numbers");

void cpu_locate(const struct cpu *cpu, struct arm_event *p)
{
    p->cpu = (uint8_t)cpu->index;
    p->el = cpu->ps.el;
    p->guest = cpu_in_guest(cpu);
    p->vmid = p->guest ? regime_vmid(&cpu->contexts.x->rg) : 0;
    p->count = cpu_retired(cpu);
    p->pc = cpu->pc;
}

/* Most of all events; cpu_wants() has been asked just before each. */
#define ASKED_FIRST                                                                                \
    (BIT(ARM_EVENT_INSN) | BIT(ARM_EVENT_MEM) | BIT(ARM_EVENT_SYSREG_READ) |                       \
     BIT(ARM_EVENT_SYSREG_WRITE))

void cpu_fire_here(struct cpu *cpu, struct arm_event *p)
{
    cpu_locate(cpu, p);
    if (likely(bit(ASKED_FIRST, p->kind)))
        probe_fire_wanted(cpu->probes, p);
    else
        probe_fire(cpu->probes, p);
    if (*cpu->env.pause)
        cpu_recheck(cpu);
}

void cpu_fire_insn(struct cpu *cpu, const struct insn *i, struct arm_event *p)
{
    cpu_count_upto(cpu, i);
    cpu->pc = insn_pc(cpu, i);
    cpu_fire_here(cpu, p);
}

static void fire(struct cpu *cpu, const struct insn *i, struct arm_event *p)
{
    if (i)
        cpu_fire_insn(cpu, i, p);
    else
        cpu_fire_here(cpu, p);
}

void cpu_tell_hwreg(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t before,
                    unsigned cause)
{
    struct arm_event p = {.kind = ARM_EVENT_HWREG,
                          .hwreg = {.sr = sysreg_number(sr),
                                    .before = before,
                                    .after = cpu->sr[sr],
                                    .cause = (uint8_t)cause}};

    if (cpu_wants(cpu, ARM_EVENT_HWREG) && before != p.hwreg.after)
        fire(cpu, i, &p);
}

/* Worlds are what EL2 enters and what leaves for it; with TGE there is none below it but its own
 * EL0. */
static struct arm_event world_event(const struct cpu *cpu)
{
    struct regime rg;

    cpu_regime(cpu, REGIME_EL10, &rg);
    return (struct arm_event){.kind = ARM_EVENT_WORLD,
                              .world = {.vmid = regime_vmid(&rg),
                                        .vttbr = cpu->sr[SR_VTTBR_EL2],
                                        .vmpidr = cpu->sr[SR_VMPIDR_EL2],
                                        .hcr = cpu->sr[SR_HCR_EL2]}};
}

static bool has_worlds(const struct cpu *cpu)
{
    return cpu->el2_enabled && !HCR_EL2_TGE(cpu->sr[SR_HCR_EL2]);
}

void cpu_tell_exception(struct cpu *cpu, const struct exception *e, uint64_t vector, uint64_t spsr)
{
    bool syndrome = e->type == VECTOR_SYNC || e->type == VECTOR_SERROR;
    struct arm_event p = {.kind = ARM_EVENT_EXCEPTION,
                          .exception = {.target_el = (uint8_t)e->target_el,
                                        .vector = (uint16_t)vector,
                                        .esr = syndrome ? e->esr : 0,
                                        .far_written = e->far_valid,
                                        .far = e->far_valid ? e->far : 0,
                                        .hpfar_written = e->hpfar_valid,
                                        .hpfar = e->hpfar_valid ? e->hpfar : 0,
                                        .spsr = spsr}};

    cpu->pc = e->ret;
    if (cpu_wants(cpu, ARM_EVENT_EXCEPTION))
        cpu_fire_here(cpu, &p);
    if (!cpu_wants(cpu, ARM_EVENT_WORLD) || e->target_el != 2 || cpu->ps.el >= 2 ||
        !has_worlds(cpu))
        return;
    p = world_event(cpu);
    p.world.el = cpu->ps.el;
    p.world.target = (cpu->sr[SR_VBAR_EL2] & ~UINT64_C(0x7ff)) + vector;
    p.world.vector = (uint16_t)vector;
    p.world.esr = syndrome ? e->esr : 0;
    cpu_fire_here(cpu, &p);
}

void cpu_tell_return(struct cpu *cpu, const struct insn *i, uint64_t pc, uint64_t spsr, bool legal)
{
    unsigned el = legal ? (unsigned)bits(spsr, 3, 2) : cpu->ps.el;

    CPU_FIRE(cpu, i, ERET, eret, .target = pc, .spsr = spsr, .target_el = (uint8_t)el,
             .legal = legal);
    if (!cpu_wants(cpu, ARM_EVENT_WORLD) || cpu->ps.el != 2 || el >= 2 || !has_worlds(cpu))
        return;
    struct arm_event p = world_event(cpu);
    p.world.enter = true;
    p.world.el = (uint8_t)el;
    p.world.target = pc;
    cpu_fire_insn(cpu, i, &p);
}

/* Who a walk's steps are told to. */
struct walk_watch {
    struct cpu *cpu;
    const struct insn *i;
};

static void tell_step(void *ctx, const struct xlat *x, const struct mmu_step *s)
{
    const struct walk_watch *w = ctx;
    struct arm_event p = {.kind = ARM_EVENT_WALK,
                          .walk = {.stage = s->stage2 ? 2 : 1,
                                   .level = (uint8_t)s->level,
                                   .regime = (uint8_t)x->rg.id,
                                   .vmid = x->vmid,
                                   .asid = s->stage2 ? 0 : x->asid,
                                   .ia = s->ia,
                                   .table = s->walk,
                                   .ipa = s->ipa,
                                   .pa = s->pa,
                                   .value = s->before,
                                   .after = s->after}};

    fire(w->cpu, w->i, &p);
}

static uint64_t read_late(void *ctx, uint64_t pa, uint64_t raw)
{
    const struct walk_watch *w = ctx;

    return late_descriptor(w->cpu, pa, raw);
}

bool cpu_walk_watched(struct cpu *cpu, const struct insn *i, const struct xlat *x, struct tlb *tlb,
                      uint64_t address, const struct mmu_access *a, struct translation *t,
                      struct mmu_fault *flt)
{
    struct walk_watch w = {cpu, i};
    const struct mmu_watcher watcher = {.read = cpu->late ? read_late : NULL,
                                        .step = cpu_wants(cpu, ARM_EVENT_WALK) ? tell_step : NULL,
                                        .ctx = &w};
    struct mmu_access watched = *a;
    watched.watcher = &watcher;
    if (cpu->late && x->rg.id == REGIME_EL10)
        late_note_walk(cpu, address);
    return mmu_translate(x, cpu->mem, tlb, va(address), &watched, t, flt);
}
