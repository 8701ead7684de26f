#include "hyp/fpsimd.h"

#include "hyp/cpu.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/sched.h"
#include "hyp/vcpu.h"

/* CPTR_EL2 has two layouts (DDI0487, CPTR_EL2): that of CPACR_EL1 with E2H, one of trap bits
 * without. SVE and SME trap in both: no guest sees them. */
static uint64_t cptr(bool trap)
{
    if (hyp_vhe)
        return trap ? 0 : FIELD_MASK(CPTR_EL2_FPEN);
    return FIELD_MASK(CPTR_EL2_RES1_7_0) | FIELD_MASK(CPTR_EL2_TZ) | FIELD_MASK(CPTR_EL2_RES1_9) |
           FIELD_MASK(CPTR_EL2_TSM) | FIELD_MASK(CPTR_EL2_RES1_13) |
           (trap ? FIELD_MASK(CPTR_EL2_TFP) : 0);
}

/* The trap is for EL2 as well, so a change that EL2 relies on needs an ISB; the ERET is one for the
 * guest. */
static void set_trap(struct pcpu *cpu, bool trap)
{
    if (cpu->fp.trapping != trap) {
        cpu->fp.trapping = trap;
        msr(CPTR_EL2, cptr(trap));
    }
}

static void allow_here(struct pcpu *cpu)
{
    if (cpu->fp.trapping) {
        set_trap(cpu, false);
        if (!MUTANT(nosync_cptr))
            isb();
    }
}

static bool is_live(const struct pcpu *cpu, const struct fp_state *s)
{
    return cpu->fp.state == s && (s->cpu == cpu || MUTANT(fp_owner_cpu));
}

/* Of the state that is live here. */
static void save(struct pcpu *cpu)
{
    if (!cpu->fp.saved) {
        if (!MUTANT(lost_fp_flag))
            fp_store(cpu->fp.state);
        cpu->fp.saved = true;
        STAT_ON(cpu, FP_SAVE);
    }
}

static void forget(struct pcpu *cpu)
{
    cpu->fp.owner = FP_FREE;
    cpu->fp.state = NULL;
}

/* Make the registers nobody's. A state that has gone to another CPU since is left alone. */
static void evict(struct pcpu *cpu)
{
    if (cpu->fp.state && is_live(cpu, cpu->fp.state)) {
        allow_here(cpu);
        if (!MUTANT(lost_fp_evict))
            save(cpu);
    }
    forget(cpu);
}

/* From here on the owner changes the registers, so memory is stale. */
static void load(struct pcpu *cpu, struct fp_state *s, enum fp_owner owner)
{
    if (is_live(cpu, s)) {
        STAT_ON(cpu, FP_REUSE);
    } else {
        evict(cpu);
        allow_here(cpu);
        if (!MUTANT(fp_owner_load) || owner != FP_GUEST)
            fp_fetch(s);
        STAT_ON(cpu, FP_LOAD);
        if (!MUTANT(pc_fp_again) || !s->cpu)
            s->cpu = cpu;
        cpu->fp.state = s;
        cpu->fp.owner = owner;
    }
    cpu->fp.saved = false;
}

/* The swap of the policies that know nothing of what the other side does. */
static void swap_in_guest(struct pcpu *cpu, struct vcpu *v)
{
    load(cpu, &v->fp, FP_GUEST);
}

static void swap_in_host(struct pcpu *cpu, struct vcpu *v)
{
    load(cpu, &v->task.fp, FP_HOST);
}

void fp_enter(struct pcpu *cpu, struct vcpu *v)
{
    if (opts.fp == OPT_fp_eager)
        swap_in_guest(cpu, v);
    if (is_live(cpu, &v->fp)) {
        if (opts.fp == OPT_fp_integrated)
            STAT_ON(cpu, FP_REUSE);
        cpu->fp.saved = false;
        set_trap(cpu, false);
    } else {
        set_trap(cpu, !MUTANT(fp_owner_trap));
    }
}

void fp_trapped(struct vcpu *v)
{
    STAT(FP_TRAP);
    swap_in_guest(this_cpu(), v);
}

void fp_exit(struct pcpu *cpu, struct vcpu *v)
{
    if (!is_live(cpu, &v->fp))
        return;
    if (opts.fp == OPT_fp_eager || opts.fp == OPT_fp_lazy)
        swap_in_host(cpu, v);
    else if (opts.fp == OPT_fp_integrated && !HYP_FP_LATE)
        save(cpu);
}

void fp_exit_late(struct vcpu *v)
{
    struct pcpu *cpu = this_cpu();

    if (HYP_FP_LATE && opts.fp == OPT_fp_integrated && is_live(cpu, &v->fp)) {
        allow_here(cpu);
        save(cpu);
    }
}

void fp_task_out(struct task *t)
{
    struct pcpu *cpu = this_cpu();

    if (is_live(cpu, &t->fp)) {
        allow_here(cpu);
        save(cpu);
    }
}

void fp_task_in(struct task *t)
{
    t->foreign_fp = !is_live(this_cpu(), &t->fp);
    fp_return_to_task(t);
}

void fp_return_to_task(struct task *t)
{
    struct pcpu *cpu = this_cpu();

    if (!t->uses_fp)
        return;
    allow_here(cpu);
    if (t->foreign_fp || !is_live(cpu, &t->fp))
        load(cpu, &t->fp, FP_HOST);
    cpu->fp.saved = false;
    t->foreign_fp = false;
}

void kernel_neon_begin(void)
{
    struct pcpu *cpu = this_cpu();

    STAT(NEON);
    if (cpu->current && is_live(cpu, &cpu->current->fp))
        cpu->current->foreign_fp = true;
    if (HYP_FP_LATE && cpu->fp.owner == FP_GUEST)
        forget(cpu);
    else if (!MUTANT(lost_fp_neon))
        evict(cpu);
    allow_here(cpu);
}

void kernel_neon_end(void)
{
}

void fp_sync(struct fp_state *s)
{
    struct pcpu *cpu = this_cpu();

    if (is_live(cpu, s)) {
        allow_here(cpu);
        save(cpu);
    }
}
