#include "hyp/smp.h"

#include "hyp/boot.h"
#include "hyp/gic.h"
#include "hyp/lib.h"
#include "hyp/mem.h"
#include "hyp/opts.h"
#include "hyp/psci.h"

/* boot.S: where PSCI starts a CPU, with its stack in x0. */
extern char secondary_entry[];

static struct pcpu *arriving;
static bool arrived;

struct pcpu *smp_arrive(void)
{
    return arriving;
}

void smp_arrived(struct pcpu *cpu)
{
    (void)cpu;
    __atomic_store_n(&arrived, true, __ATOMIC_RELEASE);
}

static void start(uint64_t mpidr)
{
    struct pcpu *cpu = &pcpus[pcpu_count];
    char *stack = mem_alloc(STACK_SIZE);

    cpu->index = pcpu_count;
    arriving = cpu;
    arrived = false;
    dc(civac, &arriving); /* the newcomer's caches are off until it is past that */
    dsb(sy);
    if (smccc(PSCI_CPU_ON_64, mpidr, (uint64_t)(uintptr_t)secondary_entry,
              (uint64_t)(uintptr_t)stack + STACK_SIZE)) {
        print("hyp: CPU 0x%lx does not start\n", (unsigned long)mpidr);
        return;
    }
    while (!__atomic_load_n(&arrived, __ATOMIC_ACQUIRE))
        ;
    pcpu_count++;
}

void smp_start(void)
{
    const struct fdt *f = &boot_info.tree;
    uint64_t self = mrs(MPIDR_EL1) & (MASK(39, 32) | MASK(23, 0));
    int cpus = fdt_find(f, "/cpus");

    for (int node = cpus < 0 ? FDT_NONE : fdt_child(f, cpus); node >= 0;
         node = fdt_sibling(f, node)) {
        uint32_t n;
        const uint8_t *reg = fdt_prop(f, node, "reg", &n);
        const char *type = fdt_string(f, node, "device_type");
        uint64_t mpidr = !reg ? 0 : n >= 8 ? fdt_cells(reg, 2) : n >= 4 ? fdt_cells(reg, 1) : 0;

        if (type && !strcmp(type, "cpu") && mpidr != self && pcpu_count < CPUS_MAX &&
            pcpu_count < opts.cpus)
            start(mpidr);
    }
}

/* One call at a time; more would need a queue, and nobody calls often. */
static struct {
    struct lock lock;
    void (*fn)(void *);
    void *arg;
    bool done;
} call;

void smp_call(struct pcpu *cpu, void (*fn)(void *arg), void *arg)
{
    if (cpu == this_cpu()) {
        uint64_t daif = irq_save();
        fn(arg);
        irq_restore(daif);
        return;
    }
    /* Not lock_take(): while we wait, a call to this CPU must be answered, or two callers wait for
     * each other. */
    uint32_t ticket = __atomic_fetch_add(&call.lock.next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&call.lock.owner, __ATOMIC_ACQUIRE) != ticket)
        ;
    call.fn = fn;
    call.arg = arg;
    __atomic_store_n(&call.done, false, __ATOMIC_RELEASE);
    gic_send(cpu, SGI_CALL);
    while (!__atomic_load_n(&call.done, __ATOMIC_ACQUIRE))
        ;
    __atomic_store_n(&call.lock.owner, ticket + 1, __ATOMIC_RELEASE);
}

void smp_called(void)
{
    call.fn(call.arg);
    __atomic_store_n(&call.done, true, __ATOMIC_RELEASE);
}
