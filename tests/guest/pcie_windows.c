/* Runs on: a57 max; el2 el1. */
/* PCIe windows of the board where no device is: reads are ones, writes are lost, nothing aborts. */
#include "mmu.h"

/* Windows, at a place where QEMU has no device either. */
static const struct window {
    uint64_t at;
    const char *name;
    bool qemu; /* QEMU's board has it as it is run here */
} windows[] = {
    {UINT64_C(0x10000000), "MMIO, first", true},
    {UINT64_C(0x3efeffe0), "MMIO, last", true},
    {UINT64_C(0x3eff0000), "I/O ports, first", true},
    {UINT64_C(0x3effffe0), "I/O ports, last", true},
    {UINT64_C(0x3f008000), "ECAM of 16 MiB, second device", false},
    {UINT64_C(0x3fffffe0), "ECAM of 16 MiB, last", false},
    {UINT64_C(0x401ffff000), "ECAM, last function", true},
    {UINT64_C(0x401fffffe0), "ECAM, last", true},
    {UINT64_C(0x8000000000), "high MMIO, first", true},
    {UINT64_C(0xffffffffe0), "high MMIO, last", true},
};

#define LOAD(size, text)                                                                           \
    static uint64_t load_##size(uint64_t at)                                                       \
    {                                                                                              \
        uint64_t v = 0;                                                                            \
        __asm__ volatile(text : "=r"(v) : "r"(at) : "memory");                                     \
        return v;                                                                                  \
    }
LOAD(1, "ldrb %w0, [%1]")
LOAD(2, "ldrh %w0, [%1]")
LOAD(4, "ldr %w0, [%1]")
LOAD(8, "ldr %0, [%1]")
LOAD(acquire, "ldar %w0, [%1]")

static uint64_t load_16(uint64_t at)
{
    uint64_t lo = 0, hi = 0;

    __asm__ volatile("ldp %0, %1, [%2]" : "=&r"(lo), "=&r"(hi) : "r"(at) : "memory");
    return lo & hi;
}

static uint64_t load_vector(uint64_t at)
{
    uint64_t lo, hi;

    __asm__ volatile("ldr q0, [%2]\n\tmov %0, v0.d[0]\n\tmov %1, v0.d[1]"
                     : "=&r"(lo), "=&r"(hi)
                     : "r"(at)
                     : "memory", "v0");
    return lo & hi;
}

static void stores(uint64_t at)
{
    __asm__ volatile("strb wzr, [%0]\n\tstrh wzr, [%0]\n\tstr wzr, [%0]\n\tstr xzr, [%0]\n\t"
                     "stp xzr, xzr, [%0]\n\tstlr wzr, [%0]" ::"r"(at)
                     : "memory");
}

static const struct {
    uint64_t (*load)(uint64_t at);
    uint64_t ones;
} loads[] = {
    {load_1, 0xff},
    {load_2, 0xffff},
    {load_4, 0xffffffff},
    {load_8, ~UINT64_C(0)},
    {load_16, ~UINT64_C(0)},
    {load_vector, ~UINT64_C(0)},
    {load_acquire, 0xffffffff},
};

static void check_window(const struct window *w, uint64_t at)
{
    uint64_t before = taken.count;

    print(w->name);
    print("\n");
    stores(at);
    for (unsigned i = 0; i < ARRAY_SIZE(loads); i++)
        check_equal(loads[i].load(at), loads[i].ones, "a load finds ones");
    check_equal(taken.count - before, 0, "no exception");
}

/* Without alignment to the size, where that is allowed: Normal memory, which it is
 * not in earnest. */
static void unaligned(void)
{
    const uint64_t va = UINT64_C(0x2000000000);
    uint64_t *root = pt_identity(0), before;

    pt_map_pages(root, va, UINT64_C(0x10000000), 0x2000,
                 PT_VALID | PT_ATTR(2) | PT_AF | PT_PXN | PT_UXN);
    if (current_el() == 2)
        mmu_on_el2(root);
    else
        mmu_on_el1(root);
    before = taken.count;
    for (unsigned k = 1; k < 8; k++) {
        __asm__ volatile("str xzr, [%0]" ::"r"(va + 0x1000 - k) : "memory");
        check_equal(load_8(va + 0x1000 - k), ~UINT64_C(0), "an unaligned load across pages");
        check_equal(load_2(va + k), 0xffff, "an unaligned load");
    }
    check_equal(taken.count - before, 0, "no exception");
}

int main(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(windows); i++)
        if (windows[i].qemu || !on_qemu())
            check_window(&windows[i], windows[i].at);
    unaligned();
    return (int)failures;
}
