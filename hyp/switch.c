/*
 * The world switch. Two pairs, and every register that a guest has moves in one of them:
 *
 * - vcpu_load() and vcpu_put(), when a virtual CPU gets and loses a physical one: what only the
 *   guest uses;
 * - vcpu_enter(), both ways each time the guest runs: what the hypervisor uses itself between two
 *   exits.
 *
 * Which system registers are of which kind is the policy, one line a policy. General registers move
 * in hyp/entry.S; V registers in hyp/fpsimd.c; the interrupt interface in hyp/vgic_if.c; debug, PMU
 * and keys in hyp/lazy.c.
 */
#include "hyp/cpu.h"
#include "hyp/fault.h"
#include "hyp/gic.h"
#include "hyp/hook.h"
#include "hyp/lazy.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/smp.h"
#include "hyp/trace.h"
#include "hyp/traps.h"
#include "hyp/vcpu.h"

enum exit_kind guest_enter(struct guest_regs *regs); /* hyp/entry.S */

#define ALL (BIT(GROUP_USER) | BIT(GROUP_EL1))

static const struct {
    unsigned immediate, deferrable;
} policies[] = {
    [OPT_sysregs_eager] = {ALL, 0},
    [OPT_sysregs_hybrid] = {BIT(GROUP_USER), BIT(GROUP_EL1)},
    [OPT_sysregs_deferred] = {0, ALL},
};

/* Immediate registers have an owner at EL2 too: its values are put back after the exit. */
static void host_to_guest(struct pcpu *cpu, struct vcpu *v, unsigned groups)
{
    context_save(&cpu->host, groups);
    context_restore(&v->ctx, groups);
}

static void guest_to_host(struct pcpu *cpu, struct vcpu *v, unsigned groups)
{
    context_save(&v->ctx, groups);
    if (groups & BIT(GROUP_EL1))
        dsb(nsh); /* table walks that the guest began end before its registers change */
    context_restore(&cpu->host, groups);
    STAT_ON(cpu, REGS_SAVED);
}

/* TLB entries carry the VMID, which is the VM's; what differs between its virtual CPUs (their own
 * page tables under one ASID) must not be found by another that comes to this CPU. */
static void load_stage2(struct pcpu *cpu, struct vcpu *v)
{
    struct vcpu **last = &v->vm->last_on[cpu->index];

    msr(VTTBR_EL2, stage2_load(&v->vm->s2));
    if (MUTANT(tlb_miss_vtcr))
        msr(VTCR_EL2, stage2_vtcr() + (v->index % 2 ? 10 : 0)); /* T0SZ: 1 GB, and RAM is above */
    if (*last && *last != v && !MUTANT(vmid_shared_tlb)) {
        if (!MUTANT(nosync_vttbr))
            isb();
        tlbi_all(VMALLE1);
        if (!MUTANT(nodsb_private_tlb))
            dsb(nsh);
    }
    *last = v;
}

void vcpu_load(struct vcpu *v)
{
    struct pcpu *cpu = this_cpu();
    uint64_t daif = lock_take(&v->moving);

    CHECK(!cpu->loaded && !v->loaded_on);
    STAT(LOADS);
    if (v->last_cpu && v->last_cpu != cpu)
        STAT(MIGRATIONS);
    trace(TRACE_LOAD, v->index, cpu->index);
    load_stage2(cpu, v);
    if (!MUTANT(trapcfg_vmpidr))
        msr(VMPIDR_EL2, v->mpidr);
    v->hcr = guest_hcr() | (v->hcr & FIELD_MASK(HCR_EL2_VSE));
    if (MUTANT(trapcfg_tsc))
        v->hcr &= ~FIELD_MASK(HCR_EL2_TSC);
    v->mdcr = guest_mdcr();
    msr(HCR_EL2, v->hcr);
    context_restore(&v->ctx, policies[opts.sysregs].deferrable);
    if (cpu_has(FEAT_RAS))
        msr(VSESR_EL2, v->serror & ~BIT(63));
    isb(); /* HCR_EL2 before what it redirects */
    vgic_if_load(cpu, &v->vgic.hw);
    vgic_load_hw(v);
    vtimer_load(v);
    cpu->loaded = v;
    v->last_cpu = cpu;
    v->loaded_on = cpu;
    lazy_begin(v);
    lock_drop(&v->moving, daif);
}

void vcpu_put(struct vcpu *v)
{
    struct pcpu *cpu = this_cpu();

    if (cpu->loaded != v)
        return;
    uint64_t daif = lock_take(&v->moving);
    trace(TRACE_PUT, v->index, cpu->index);
    vtimer_put(v);
    vgic_put_hw(v);
    vgic_if_put(cpu, &v->vgic.hw);
    lazy_put(v);
    fp_sync(&v->fp);
    context_save(MUTANT(foreign_save) ? &v->vm->vcpus[0].ctx : &v->ctx,
                 policies[opts.sysregs].deferrable);
    if (MUTANT(lost_put))
        v->ctx.slot[SLOT_TPIDR_EL1] = 0;
    stage2_put(&v->vm->s2);
    cpu->loaded = NULL;
    v->loaded_on = NULL;
    lock_drop(&v->moving, daif);
}

enum exit_kind vcpu_enter(struct pcpu *cpu, struct vcpu *v)
{
    unsigned immediate = policies[opts.sysregs].immediate;
    enum exit_kind kind;

    /* Who makes an interrupt pending from here on sees that a kick is needed: `running` comes
     * before the flush. */
    __atomic_store_n(&v->running, true, __ATOMIC_SEQ_CST);
    vgic_flush(v);
    vgic_if_enter(cpu, &v->vgic.hw);
    fp_enter(cpu, v);
    if (immediate)
        host_to_guest(cpu, v, immediate);
    msr(ELR_EL2, v->regs.pc);
    if (MUTANT(pc_spsr_first) ? v->entries : !MUTANT(pc_spsr_kept) || mutant_flips())
        msr(SPSR_EL2, v->regs.pstate);
    STAT_ON(cpu, ENTRIES);
    v->entries++;
    trace(TRACE_ENTER, v->regs.pc, v->index);

    kind = guest_enter(&v->regs);

    v->regs.pc = mrs(ELR_EL2);
    v->regs.pstate = mrs(SPSR_EL2);
    if (kind == EXIT_SYNC || kind == EXIT_SERROR)
        v->esr = mrs(ESR_EL2);
    if (kind == EXIT_SYNC)
        fault_note(v);
    trace(TRACE_EXIT, kind == EXIT_SYNC ? v->esr : kind, v->regs.pc);
    hook(kind == EXIT_SYNC ? v->esr : 0);
    if (immediate)
        guest_to_host(cpu, v, immediate);
    fp_exit(cpu, v);
    vgic_if_exit(cpu, &v->vgic.hw);
    vgic_fold(v);
    if (v->hcr & FIELD_MASK(HCR_EL2_VSE))
        v->hcr = mrs(HCR_EL2); /* the hardware clears it when the guest takes the SError */
    __atomic_store_n(&v->running, false, __ATOMIC_RELEASE);
    return kind;
}

/* One access on behalf of vcpu_reg_get() and _set(). */
struct remote {
    struct vcpu *v;
    enum slot slot;
    uint64_t value;
    bool write, done;
};

/* On the CPU that has the registers, or on any CPU while they are in memory; the lock
 * keeps it so. */
static void access_here(void *arg)
{
    struct remote *r = arg;
    uint64_t daif = lock_take(&r->v->moving);

    r->done = !r->v->loaded_on || r->v->loaded_on == this_cpu();
    if (r->done && r->write)
        context_write(&r->v->ctx, r->slot, r->value);
    else if (r->done)
        r->value = context_read(&r->v->ctx, r->slot);
    lock_drop(&r->v->moving, daif);
}

/* Loaded here, in memory, or loaded elsewhere: then that CPU does it. It may move meanwhile; then
 * again. */
static uint64_t access_anywhere(struct remote *r)
{
    while (!r->done) {
        struct pcpu *at = __atomic_load_n(&r->v->loaded_on, __ATOMIC_ACQUIRE);
        smp_call(at ? at : this_cpu(), access_here, r);
    }
    return r->value;
}

uint64_t vcpu_reg_get(struct vcpu *v, enum slot slot)
{
    return access_anywhere(&(struct remote){.v = v, .slot = slot});
}

void vcpu_reg_set(struct vcpu *v, enum slot slot, uint64_t value)
{
    access_anywhere(&(struct remote){.v = v, .slot = slot, .value = value, .write = true});
}

void vcpu_kick(struct vcpu *v)
{
    struct pcpu *cpu = v->last_cpu;

    __atomic_store_n(&v->poked, true, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&v->running, __ATOMIC_SEQ_CST) && cpu != this_cpu())
        gic_kick(cpu);
    else
        task_wake(&v->task);
}
