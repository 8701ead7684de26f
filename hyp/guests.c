/*
 * The program that hyp.img is: guests that the boot loader's device tree describes run until all
 * are off.
 *
 * A guest is a node "xen,domain" of /chosen with its modules in it, its memory and its cpus; or, as
 * QEMU's guest-loader writes it, a module "multiboot,kernel" of /chosen itself, with the
 * "multiboot,ramdisk" that follows it in memory. What its node does not say, hyp.memory and
 * hyp.vcpus do.
 */
#include "hyp/console.h"
#include "hyp/fdt.h"
#include "hyp/guest_tree.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/opts.h"
#include "hyp/psci.h"
#include "hyp/softirq.h"
#include "hyp/vcpu.h"

#define KERNEL_OFFSET (UINT64_C(2) << 20)
#define TREE_BYTES    (UINT64_C(2) << 20) /* at the end of RAM */
#define GUESTS_MAX    VMS_MAX

struct module {
    uint64_t base, size;
};

struct guest {
    struct module kernel, ramdisk;
    const char *args;
    char name[16];
    uint64_t memory;
    unsigned vcpus;
    struct vm *vm;
};

static struct {
    struct guest guest[GUESTS_MAX];
    unsigned count, running;
} guests;

static bool module_of(const struct fdt *f, int node, const char *kind, struct module *m)
{
    return fdt_is_compatible(f, node, kind) && fdt_reg(f, node, 0, &m->base, &m->size);
}

static struct guest *add_guest(void)
{
    struct guest *g = &guests.guest[guests.count];

    if (guests.count == GUESTS_MAX) {
        print("hyp: only the first %u guests are run\n", GUESTS_MAX);
        return NULL;
    }
    *g = (struct guest){.memory = opts.memory, .vcpus = (unsigned)opts.vcpus};
    format(g->name, sizeof(g->name), "guest%u", ++guests.count);
    return g;
}

/* A node's modules; of several of a kind the last. */
static void take_modules(const struct fdt *f, int node, struct guest *g)
{
    for (int child = fdt_child(f, node); child >= 0; child = fdt_sibling(f, child)) {
        if (module_of(f, child, "multiboot,kernel", &g->kernel))
            g->args = fdt_string(f, child, "bootargs");
        module_of(f, child, "multiboot,ramdisk", &g->ramdisk);
    }
}

static void take_domain(const struct fdt *f, int node)
{
    struct guest *g = add_guest();
    uint32_t n;
    const uint8_t *memory = fdt_prop(f, node, "memory", &n);

    if (!g)
        return;
    take_modules(f, node, g);
    fdt_u32(f, node, "cpus", &g->vcpus);
    if (memory && n >= 8)
        g->memory = fdt_cells(memory, 2) << 10;
    format(g->name, sizeof(g->name), "%s", fdt_name(f, node));
}

/* Kernels of /chosen in the order of their addresses: nodes are in no useful order. */
static void take_kernels(const struct fdt *f, int chosen)
{
    uint64_t above = 0;

    for (;;) {
        struct module next = {UINT64_MAX, 0}, m;
        const char *args = NULL;

        for (int child = fdt_child(f, chosen); child >= 0; child = fdt_sibling(f, child))
            if (module_of(f, child, "multiboot,kernel", &m) && m.base >= above &&
                m.base < next.base) {
                next = m;
                args = fdt_string(f, child, "bootargs");
            }
        struct guest *g = next.base == UINT64_MAX ? NULL : add_guest();
        if (!g)
            return;
        g->kernel = next;
        g->args = args;
        above = next.base + 1;
    }
}

/* A ramdisk is the last kernel's below it. */
static void take_ramdisks(const struct fdt *f, int chosen, unsigned first)
{
    struct module m;

    for (int child = fdt_child(f, chosen); child >= 0; child = fdt_sibling(f, child)) {
        struct guest *owner = NULL;

        if (!module_of(f, child, "multiboot,ramdisk", &m))
            continue;
        for (unsigned k = first; k < guests.count; k++)
            if (guests.guest[k].kernel.base < m.base)
                owner = &guests.guest[k];
        if (owner)
            owner->ramdisk = m;
    }
}

static void find_guests(const struct fdt *f)
{
    int chosen = fdt_find(f, "/chosen");

    for (int child = chosen < 0 ? FDT_NONE : fdt_child(f, chosen); child >= 0;
         child = fdt_sibling(f, child))
        if (fdt_is_compatible(f, child, "xen,domain"))
            take_domain(f, child);
    if (chosen >= 0) {
        unsigned first = guests.count;
        take_kernels(f, chosen);
        take_ramdisks(f, chosen, first);
    }
}

/* Copy a module into the guest's RAM; false: it has not that much. */
static bool place(struct guest *g, const struct module *m, uint64_t ipa)
{
    void *to = vm_ram(g->vm, ipa, m->size);

    if (!to)
        return false;
    memcpy(to, (const void *)(uintptr_t)m->base, m->size);
    return true;
}

/* Instruction fetches of the guest may not see our stores otherwise (DDI0487 B2.2.5). */
static void to_unification(struct guest *g)
{
    uint64_t line = 4u << bits(mrs(CTR_EL0), 19, 16);

    for (uint64_t a = g->vm->ram_pa; a < g->vm->ram_pa + KERNEL_OFFSET + g->kernel.size; a += line)
        dc(civac, a);
    dsb(ish);
    ic_ialluis();
    dsb(ish);
    isb();
}

/* Kernel, ramdisk and tree into RAM, and go. */
static bool start(struct guest *g)
{
    uint64_t end = VM_RAM_BASE + g->vm->ram_size, tree = end - TREE_BYTES;
    uint64_t ramdisk = align_down(tree - g->ramdisk.size, 4096),
             kernel = VM_RAM_BASE + KERNEL_OFFSET;

    if (g->vm->ram_size < 2 * TREE_BYTES || kernel + g->kernel.size > ramdisk ||
        !place(g, &g->kernel, kernel) || !place(g, &g->ramdisk, ramdisk)) {
        print("hyp: %s: %lu bytes of kernel and ramdisk do not fit in %lu MiB\n", g->name,
              (unsigned long)(g->kernel.size + g->ramdisk.size),
              (unsigned long)(g->vm->ram_size >> 20));
        return false;
    }
    guest_tree_write(g->vm, vm_ram(g->vm, tree, TREE_BYTES), (uint32_t)TREE_BYTES, g->args,
                     g->ramdisk.size ? ramdisk : 0, g->ramdisk.size);
    to_unification(g);
    vm_start(g->vm, kernel, tree);
    return true;
}

static void guest_gone(void)
{
    if (__atomic_sub_fetch(&guests.running, 1, __ATOMIC_SEQ_CST) == 0) {
        print("hyp: no guest is left\n");
        hyp_power_off();
    }
}

static void ended(struct vm *vm, enum vm_end how)
{
    struct guest *g = vm_user(vm);

    print("hyp: %s %s\n", g->name,
          how == VM_RESET ? "starts again"
          : how == VM_OFF ? "is off"
                          : "has crashed");
    if (how != VM_RESET || !start(g))
        guest_gone();
}

static const struct vm_ops ops = {.ended = ended};

void hyp_main(const struct fdt *tree)
{
    find_guests(tree);
    guests.running = 1; /* ours, until all have begun */
    for (unsigned k = 0; k < guests.count; k++) {
        struct guest *g = &guests.guest[k];

        g->vm = vm_create(&(struct vm_config){
            .name = g->name, .ram_size = g->memory, .vcpus = g->vcpus, .ops = &ops, .user = g});
        if (!g->vm)
            print("hyp: %s: no room for %lu MiB and %u virtual CPU(s)\n", g->name,
                  (unsigned long)(g->memory >> 20), g->vcpus);
    }
    for (unsigned k = 0; k < guests.count; k++) {
        __atomic_add_fetch(&guests.running, 1, __ATOMIC_SEQ_CST);
        if (!guests.guest[k].vm || !start(&guests.guest[k]))
            guest_gone();
    }
    hosttasks_start();
    guest_gone();
}
