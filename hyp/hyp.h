/* clang-format off */
/*
 * How an EL2 program uses the library. Link libhyp.a with hyp/image.ld, and write hyp_main():
 *
 *     void hyp_main(const struct fdt *tree)
 *     {
 *         struct vm *vm = vm_create(&(struct vm_config){
 *             .name = "guest", .ram_size = 64 << 20, .vcpus = 1, .ops = &my_ops});
 *
 *         memcpy(vm_ram(vm, VM_RAM_BASE, size), image, size);
 *         vm_start(vm, VM_RAM_BASE, 0);
 *     }
 *
 * It runs on CPU 0, once, with all CPUs up, the MMU on and interrupts enabled; when it returns,
 * virtual CPUs run. A virtual CPU's exits are handled by the library; what is the program's comes
 * to its callbacks, on the physical CPU and on the stack of that virtual CPU, which may block there
 * (task_block()). hyp/examples/ has a program.
 */
/* clang-format on */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fdt;
struct vm;
struct vcpu;

/* Where a guest finds things: as on the virt board, for which kernels have drivers. */
#define VM_RAM_BASE UINT64_C(0x40000000)

/* An access to guest physical memory that nothing is at. Reads put the answer into *value,
 * zero-extended. */
struct mmio {
    uint64_t ipa, value;
    uint8_t bytes; /* 1, 2, 4, 8 */
    bool write;
};

enum vm_end { VM_OFF, VM_RESET, VM_CRASHED };

struct vm_ops {
    /* A hypercall that is not the library's, function in x0: true if it was the program's. */
    bool (*call)(struct vcpu *v);
    /* An access outside RAM and the library's devices: false makes it a
     * synchronous external abort. */
    bool (*mmio)(struct vcpu *v, struct mmio *m);
    /* All virtual CPUs have stopped. After VM_RESET the program loads the guest again and calls
     * vm_start(). */
    void (*ended)(struct vm *vm, enum vm_end how);
};

struct vm_config {
    const char *name;
    uint64_t ram_size; /* bytes, rounded up to 2 MiB */
    unsigned vcpus;
    const struct vm_ops *ops; /* members may be NULL */
    void *user;
};

/* The program's own. */
void hyp_main(const struct fdt *tree);

/* NULL: no memory, or more virtual CPUs or machines than there can be. Never destroyed. */
struct vm *vm_create(const struct vm_config *config);

/* Where the hypervisor sees @size bytes of a guest's RAM, NULL if they are not all RAM. */
void *vm_ram(struct vm *vm, uint64_t ipa, uint64_t size);

/* Map more than RAM: @size bytes at @pa, multiples of a stage-2 page. */
void vm_map_device(struct vm *vm, uint64_t ipa, uint64_t pa, uint64_t size);

/* Virtual CPU 0 runs from @entry in EL1 with @x0; the others wait for PSCI CPU_ON. */
void vm_start(struct vm *vm, uint64_t entry, uint64_t x0);

/* Stop all virtual CPUs; ops->ended() follows. From any virtual CPU of it or from outside. */
void vm_stop(struct vm *vm, enum vm_end how);

/* A line of the guest's interrupt controller: SPIs 32 and up, level or edge as the guest has
 * configured it. */
void vm_set_irq(struct vm *vm, unsigned intid, bool level);

/* General registers, pc and pstate of a virtual CPU that has just exited. */
struct guest_regs {
    uint64_t x[31], pc, pstate;
};
struct guest_regs *vcpu_regs(struct vcpu *v);
struct vm *vcpu_vm(struct vcpu *v);
unsigned vcpu_index(const struct vcpu *v);
void *vm_user(struct vm *vm);

/* A system register of a virtual CPU by its manual's name ("SCTLR_EL1"), at any time, from any CPU
 * and whatever it does; false: not one that is switched. */
bool vcpu_get_sysreg(struct vcpu *v, const char *name, uint64_t *value);
bool vcpu_set_sysreg(struct vcpu *v, const char *name, uint64_t value);

unsigned vm_count(void);
struct vm *vm_by_index(unsigned index);
void hyp_status(void); /* who runs where, on the console */

/* The machine is switched off (PSCI SYSTEM_OFF). */
void hyp_power_off(void) __attribute__((noreturn));
