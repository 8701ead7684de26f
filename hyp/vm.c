/* Machines and virtual CPUs: their creation, and the loop that each virtual CPU's task runs. */
#include "hyp/asm.h"
#include "hyp/console.h"
#include "hyp/cpu.h"
#include "hyp/gic.h"
#include "hyp/lib.h"
#include "hyp/mem.h"
#include "hyp/memory.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/power.h"
#include "hyp/psci.h"
#include "hyp/vcpu.h"
#include "hyp/vgic_frames.h"
#include "hyp/vits.h"

_Static_assert(offsetof(struct vcpu, regs) == 0 && offsetof(struct guest_regs, x) == REGS_X0 &&
                   offsetof(struct guest_regs, x[30]) == REGS_X30,
               "hyp/entry.S");

static struct {
    struct vm *vm[VMS_MAX];
    unsigned count;
} vms;

#define PSTATE_EL1H_MASKED UINT64_C(0x3c5)

/* Is something else to be done before the guest can run? */
static bool must_leave(const struct pcpu *cpu, const struct vcpu *v)
{
    return cpu->need_resched || v->stopping;
}

/* Once round the loop: into the guest and out, and what the exit wants. */
static void run_once(struct vcpu *v)
{
    enum exit_kind kind = EXIT_IRQ;
    bool ran = false;

    irq_disable();
    struct pcpu *cpu =
        this_cpu(); /* until interrupts are enabled: then another may take the task */
    if (!must_leave(cpu, v)) {
        if (cpu->loaded != v)
            vcpu_load(v);
        kind = vcpu_enter(cpu, v);
        ran = true;
    }
    irq_enable(); /* a pending interrupt is taken here, at EL2 */
    if (HYP_FP_LATE && ran)
        fp_exit_late(v);
    if (ran)
        vcpu_handle_exit(v, kind);
    sched_point();
}

static void update_stolen_time(struct vcpu *v)
{
    uint64_t hz;

    if (!v->pv_time_ipa)
        return;
    hz = mrs(CNTFRQ_EL0);
    v->vm->pv_time[8 * v->index + 1] =
        v->task.stolen / hz * 1000000000 + v->task.stolen % hz * 1000000000 / hz;
}

static void reset_vcpu(struct vcpu *v)
{
    memset(&v->regs, 0, sizeof(v->regs));
    v->regs.pc = v->entry;
    v->regs.pstate = PSTATE_EL1H_MASKED;
    v->regs.x[0] = v->entry_x0;
    v->hcr = 0;
    v->serror = 0;
    v->ctx.live = 0;
    context_reset(&v->ctx);
    memset(&v->fp, 0, sizeof(v->fp));
    vtimer_init(v);
}

static void loop(void *arg)
{
    struct vcpu *v = arg;

    for (;;) {
        if (v->power != POWER_ON || v->stopping)
            vcpu_off(v);
        update_stolen_time(v);
        run_once(v);
    }
}

/* The registers are nobody's any more: not put, so that nothing stale is saved over what a reset
 * writes. */
static void drop(struct vcpu *v)
{
    uint64_t daif = irq_save();

    vcpu_put(v);
    irq_restore(daif);
}

void vcpu_off(struct vcpu *v)
{
    drop(v);
    console_waits(v);
    power_leave(v);
    while (!power_called(v))
        task_block();
    reset_vcpu(v);
    power_arrived(v);
}

void vm_start(struct vm *vm, uint64_t entry, uint64_t x0)
{
    vm->cntvoff = mrs(CNTPCT_EL0);
    memory_reset(vm);
    vgic_init(vm);
    for (unsigned k = 0; k < vm->vcpu_count; k++)
        vgic_init_cpu(&vm->vcpus[k]);
    power_on(&vm->vcpus[0], entry, x0);
}

static void init_vcpu(struct vm *vm, unsigned index)
{
    struct vcpu *v = &vm->vcpus[index];
    char name[16];

    v->vm = vm;
    v->index = index;
    v->mpidr = BIT(31) | index;
    format(name, sizeof(name), "%s/%u", vm->name, index);
    task_init(&v->task, name, mem_alloc(STACK_SIZE), loop, v);
    v->task.vcpu = v;
    v->vtimer.soft.arg = v;
    if (opts.pin)
        v->task.pinned = (int)((vm->index + index) % pcpu_count);
}

#define RAM_STEP (UINT64_C(2) << 20)

struct vm *vm_create(const struct vm_config *c)
{
    struct vm *vm;

    if (vms.count == VMS_MAX || !c->vcpus || c->vcpus > VCPUS_MAX)
        return NULL;
    vm = mem_alloc(sizeof(*vm));
    format(vm->name, sizeof(vm->name), "%s", c->name);
    vm->index = vms.count;
    vm->ram_size = align_up(c->ram_size, RAM_STEP);
    vm->ram_pa = mem_alloc_ram(vm->ram_size);
    if (!vm->ram_pa)
        return NULL;
    vm->ops = c->ops ? *c->ops : (struct vm_ops){NULL, NULL, NULL};
    vm->user = c->user;
    stage2_init(&vm->s2);
    if (opts.its && !opts.gicv)
        vm->vgic.its = mem_alloc(sizeof(struct vits));
    vm->pv_time = mem_alloc(UINT64_C(1) << vm->s2.page_log2);
    vm->vcpu_count = c->vcpus;
    vm->vcpus = mem_alloc(sizeof(struct vcpu) * c->vcpus);
    for (unsigned k = 0; k < c->vcpus; k++)
        init_vcpu(vm, k);
    if (opts.gicv && gic_frames.gicv)
        vm_map_device(vm, VGIC_CPU_BASE, gic_frames.gicv, VGIC_CPU_SIZE);
    if (opts.s2 == OPT_s2_full)
        stage2_map(&vm->s2, VM_RAM_BASE, vm->ram_pa, vm->ram_size, S2_RAM, !opts.pages);
    vms.vm[vms.count++] = vm;
    return vm;
}

void vm_map_device(struct vm *vm, uint64_t ipa, uint64_t pa, uint64_t size)
{
    stage2_map(&vm->s2, ipa, pa, size, S2_DEVICE, true);
}

void vm_set_irq(struct vm *vm, unsigned intid, bool level)
{
    if (intid >= VGIC_PRIVATE)
        vgic_set_line(&vm->vcpus[0], intid, level);
}

void vm_input(struct vm *vm, char c)
{
    vpl011_receive(vm, c);
}

struct guest_regs *vcpu_regs(struct vcpu *v)
{
    return &v->regs;
}

struct vm *vcpu_vm(struct vcpu *v)
{
    return v->vm;
}

unsigned vcpu_index(const struct vcpu *v)
{
    return v->index;
}

void *vm_user(struct vm *vm)
{
    return vm->user;
}

bool vcpu_get_sysreg(struct vcpu *v, const char *name, uint64_t *value)
{
    enum slot slot = context_slot_by_name(name);

    if (!context_has(slot))
        return false;
    *value = vcpu_reg_get(v, slot);
    return true;
}

bool vcpu_set_sysreg(struct vcpu *v, const char *name, uint64_t value)
{
    enum slot slot = context_slot_by_name(name);

    if (!context_has(slot))
        return false;
    vcpu_reg_set(v, slot, value);
    return true;
}

unsigned vm_count(void)
{
    return vms.count;
}

struct vm *vm_by_index(unsigned index)
{
    return vms.vm[index];
}

void hyp_status(void)
{
    for (unsigned k = 0; k < vms.count; k++)
        for (unsigned n = 0; n < vms.vm[k]->vcpu_count; n++) {
            struct vcpu *v = &vms.vm[k]->vcpus[n];
            print("hyp: %s: %s, pc 0x%lx, last on CPU %u\n", v->task.name,
                  v->power != POWER_ON            ? "off"
                  : v->task.state == TASK_RUNNING ? "running"
                  : v->task.state == TASK_READY   ? "waiting for a CPU"
                                                  : "asleep",
                  (unsigned long)v->regs.pc, v->last_cpu ? v->last_cpu->index : 0);
        }
}

void hyp_power_off(void)
{
    if (opts.stats)
        stats_print();
    if (opts.stats && opts.hook)
        hook_print();
    smccc(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        wfi();
}
