/*
 * The smallest program on libhyp.a: one guest of seven instructions with one virtual CPU, which
 * makes one hypercall.
 *
 *     armillary run --cpu n1 build/release/hyp/hypercall.img
 *     qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu max -nographic -kernel
 * .../hypercall.img
 */
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/psci.h"

/* The guest, in EL1 with its MMU off: x0 = a call of ours, x1 = 42; HVC; x0 =
 * PSCI SYSTEM_OFF; HVC. */
static const uint32_t code[] = {
    0x52800020, /*  mov  w0, #1              */
    0x72b8c000, /*  movk w0, #0xc600, lsl 16 */
    0xd2800541, /*  mov  x1, #42             */
    0xd4000002, /*  hvc  #0                  */
    0x52800100, /*  mov  w0, #8              */
    0x72b08000, /*  movk w0, #0x8400, lsl 16 */
    0xd4000002, /*  hvc  #0                  */
};

static bool call(struct vcpu *v)
{
    struct guest_regs *regs = vcpu_regs(v);

    print("the guest says %lu\n", (unsigned long)regs->x[1]);
    regs->x[0] = PSCI_SUCCESS;
    return true;
}

static void ended(struct vm *vm, enum vm_end how)
{
    (void)vm;
    print("the guest is %s\n", how == VM_OFF ? "off" : "not as it should be");
    hyp_power_off();
}

void hyp_main(const struct fdt *tree)
{
    static const struct vm_ops ops = {.call = call, .ended = ended};
    struct vm *vm = vm_create(&(struct vm_config){
        .name = "guest", .ram_size = UINT64_C(2) << 20, .vcpus = 1, .ops = &ops});

    (void)tree;
    memcpy(vm_ram(vm, VM_RAM_BASE, sizeof(code)), code, sizeof(code));
    vm_start(vm, VM_RAM_BASE, 0);
}
