/* Two guests that send back what they receive (echo_guest.S): who gets the console's input is seen
 * (tests/hyp/console). */
#include "base/bits.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"

extern const char echo_guest[], echo_guest_end[];

static unsigned running;

static void ended(struct vm *vm, enum vm_end how)
{
    (void)vm;
    (void)how;
    print("hyp: one is off\n");
    if (__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST) == 0)
        hyp_power_off();
}

void hyp_main(const struct fdt *tree)
{
    static const struct vm_ops ops = {.ended = ended};
    size_t size = (size_t)(echo_guest_end - echo_guest);
    struct vm *vm[2];

    (void)tree;
    running = ARRAY_SIZE(vm);
    for (unsigned k = 0; k < ARRAY_SIZE(vm); k++) {
        vm[k] = vm_create(&(struct vm_config){.name = k ? "guest2" : "guest1",
                                              .ram_size = UINT64_C(2) << 20,
                                              .vcpus = 1,
                                              .ops = &ops});
        memcpy(vm_ram(vm[k], VM_RAM_BASE, size), echo_guest, size);
    }
    for (unsigned k = 0; k < ARRAY_SIZE(vm); k++)
        vm_start(vm[k], VM_RAM_BASE, 0);
}
