/* Reports of what cannot go on, hyp.passes says which: 1, a guest that jumps to nowhere; 2, a panic
 * of the hypervisor; 3, an exception in it; 4, one with a frame pointer that points nowhere
 * (tests/hyp/crash). */
#include "base/bits.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/opts.h"
#include "hyp/panic.h"

extern const char crash_guest[], crash_guest_end[], crash_in_start[], crash_in_outer[];

static unsigned long in_guest(const char *label)
{
    return (unsigned long)(VM_RAM_BASE + (uint64_t)(label - crash_guest));
}

static void ended(struct vm *vm, enum vm_end how)
{
    (void)vm;
    print("crash: expected from 0x%lx\n", in_guest(crash_in_outer));
    print("crash: expected from 0x%lx\n", in_guest(crash_in_start));
    print("crash: the guest %s\n", how == VM_CRASHED ? "has crashed" : "is off");
    hyp_power_off();
}

/* Not inlined, and something is done after the call: each is a frame. */
static __attribute__((noinline)) uint64_t crash_inner(void)
{
    if (opts.passes == 2)
        panic("as asked for, by %u", 2u);
    if (opts.passes == 4)
        __asm__ volatile("mov x29, %0\n\tbrk #4" ::"r"(UINT64_C(0xfffffffffffffff0)) : "x29");
    __asm__ volatile("mov x20, #0x1234\n\tbrk #3" ::: "x20");
    return 0;
}

static __attribute__((noinline)) uint64_t crash_outer(void)
{
    return crash_inner() + 1;
}

static void run_guest(void)
{
    static const struct vm_ops ops = {.ended = ended};
    struct vm *vm = vm_create(&(struct vm_config){
        .name = "guest", .ram_size = UINT64_C(2) << 20, .vcpus = 1, .ops = &ops});
    size_t size = (size_t)(crash_guest_end - crash_guest);

    memcpy(vm_ram(vm, VM_RAM_BASE, size), crash_guest, size);
    vm_start(vm, VM_RAM_BASE, 0);
}

void hyp_main(const struct fdt *tree)
{
    (void)tree;
    if (opts.passes == 1)
        run_guest();
    else
        print("%lu\n", (unsigned long)crash_outer());
}
