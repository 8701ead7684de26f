/*
 * What is done to a guest from outside: an SError is injected, a register of its virtual CPU is
 * read and written while it runs, it starts again, and others take its time. outside_guest.S sees
 * it and tells. Prints one line.
 */
#include "hyp/asm.h"
#include "hyp/cpu.h"
#include "hyp/hyp.h"
#include "hyp/hypercalls.h"
#include "hyp/inject.h"
#include "hyp/lib.h"
#include "hyp/mem.h"
#include "hyp/psci.h"
#include "hyp/sched.h"

extern const char outside_guest[], outside_guest_end[];

#define SYNDROME UINT64_C(0x1004c21) /* ISS of an SError, as VSESR_EL2 has it: IDS and 24 bits */
#define BEFORE   0x1111              /* TPIDR_EL1 */
#define AFTER    0x2222

static struct {
    struct vm *vm;
    struct vcpu *vcpu;
    struct task *meddler;
    uint64_t lives, stolen_ns, gets;
} trial;

static void fail(const char *what, uint64_t got, uint64_t expected)
{
    print("outside: FAIL %s: 0x%lx, expected 0x%lx\n", what, (unsigned long)got,
          (unsigned long)expected);
    hyp_power_off();
}

static void expect(const char *what, uint64_t got, uint64_t expected)
{
    if (got != expected)
        fail(what, got, expected);
}

/* EC 0x2f; what the syndrome says is FEAT_RAS's to choose, otherwise IMPLEMENTATION DEFINED. */
static void check_serror(uint64_t esr)
{
    expect("the class of an SError", esr >> 26, 0x2f);
    if (cpu_has(FEAT_RAS))
        expect("the syndrome of an SError", bits(esr, 24, 0), SYNDROME);
}

/* Others had a good part of it, if there is one CPU for both: half, but for a host that is busy
 * itself (QEMU). */
static void check_stolen(uint64_t ns, uint64_t ticks)
{
    uint64_t passed = ticks * 1000 / (mrs(CNTFRQ_EL0) / 1000000);

    trial.stolen_ns = ns;
    if (ns > passed)
        fail("more was stolen than has passed", ns, passed);
    if (pcpu_count == 1 && ns < passed / 16)
        fail("stolen time, of one CPU for two", ns, passed / 2);
}

/* The guest's functions are HYP_CALL_USER and on. */
static bool call(struct vcpu *v)
{
    struct guest_regs *r = vcpu_regs(v);
    uint64_t value = r->x[1];

    switch ((uint32_t)r->x[0] - HYP_CALL_USER + 1) {
    case 1:
        inject_serror(v, SYNDROME);
        break;
    case 2:
        expect("an SError that is masked", value, 0);
        break;
    case 3:
        check_serror(value);
        break;
    case 4:
        trial.vcpu = v;
        task_wake(trial.meddler);
        break;
    case 5:
        expect("TPIDR_EL1 as set from outside", value, AFTER);
        break;
    case 6:
        expect("TPIDR_EL1 after a reset", value, 0);
        break;
    case 7:
        check_stolen(value, r->x[2]);
        break;
    default:
        fail("an exception of the guest", value, 0);
    }
    r->x[0] = PSCI_SUCCESS;
    return true;
}

static void start(void)
{
    size_t size = (size_t)(outside_guest_end - outside_guest);

    memcpy(vm_ram(trial.vm, VM_RAM_BASE, size), outside_guest, size);
    vm_start(trial.vm, VM_RAM_BASE, trial.lives++);
}

static void ended(struct vm *vm, enum vm_end how)
{
    (void)vm;
    if (how == VM_RESET && trial.lives == 1) {
        start();
        return;
    }
    expect("how it ended", how, VM_OFF);
    expect("lives", trial.lives, 2);
    print("outside: ok cpus=%u gets=%lu stolen_us=%lu\n", pcpu_count, (unsigned long)trial.gets,
          (unsigned long)(trial.stolen_ns / 1000));
    hyp_power_off();
}

/* Names that are no register of this CPU's that moves: not ours to give. */
static void check_refused(void)
{
    static const char *const names[] = {"DBGBVR15_EL1", "HCR_EL2", "CNTVCT_EL0", "no register"};
    uint64_t value;

    for (unsigned k = 0; k < ARRAY_SIZE(names); k++)
        if (vcpu_get_sysreg(trial.vcpu, names[k], &value) ||
            vcpu_set_sysreg(trial.vcpu, names[k], 0))
            fail(names[k], 1, 0);
}

/* Reads until the guest has come by, wherever it runs, then writes; and from then on wants the CPU
 * for itself. */
static void meddle(void *arg)
{
    uint64_t value = 0;

    (void)arg;
    check_refused();
    while (trial.gets < 1000) {
        if (!vcpu_get_sysreg(trial.vcpu, "TPIDR_EL1", &value))
            fail("no TPIDR_EL1", 0, 1);
        expect("TPIDR_EL1 as the guest has it", value, BEFORE);
        trial.gets++;
    }
    if (!vcpu_set_sysreg(trial.vcpu, "TPIDR_EL1", AFTER))
        fail("TPIDR_EL1 cannot be set", 0, 1);
    for (;;)
        sched_point();
}

void hyp_main(const struct fdt *tree)
{
    static const struct vm_ops ops = {.call = call, .ended = ended};

    (void)tree;
    trial.meddler = mem_alloc(sizeof(struct task));
    task_init(trial.meddler, "meddler", mem_alloc(STACK_SIZE), meddle, NULL);
    trial.vm = vm_create(&(struct vm_config){
        .name = "guest", .ram_size = UINT64_C(2) << 20, .vcpus = 1, .ops = &ops});
    start();
}
