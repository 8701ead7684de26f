#include "mmu.h"

extern char _start[], __code_page[];

static uint64_t pool[64][512] __attribute__((aligned(4096)));
static unsigned used;
static uint64_t empty[512] __attribute__((aligned(4096)));

uint64_t *pt_new(void)
{
    if (used == ARRAY_SIZE(pool)) {
        print("no more page tables\n");
        semihosting_exit(99);
    }
    return pool[used++];
}

uint64_t *pt_entry(uint64_t *root, uint64_t va, unsigned level)
{
    uint64_t *table = root;

    for (unsigned l = 1;; l++) {
        uint64_t *entry = &table[va >> (39 - 9 * l) & 511];

        if (l == level)
            return entry;
        if ((*entry & 3) != 3)
            *entry = (uint64_t)pt_new() | 3;
        table = (uint64_t *)(*entry & 0xfffffffff000);
    }
}

static void map(uint64_t *root, uint64_t va, uint64_t pa, uint64_t size, uint64_t attr,
                unsigned min_level)
{
    while (size) {
        unsigned level = min_level;
        uint64_t step = BIT(39 - 9 * level);

        while (level < 3 && ((va | pa) % step || size < step))
            step = BIT(39 - 9 * ++level);
        *pt_entry(root, va, level) = pa | attr | (level == 3 ? PT_TABLE : 0);
        va += step;
        pa += step;
        size -= step;
    }
    dsb();
}

void pt_map(uint64_t *root, uint64_t va, uint64_t pa, uint64_t size, uint64_t attr)
{
    map(root, va, pa, size, attr, 2);
}

void pt_map_pages(uint64_t *root, uint64_t va, uint64_t pa, uint64_t size, uint64_t attr)
{
    map(root, va, pa, size, attr, 3);
}

uint64_t *pt_identity(uint64_t extra)
{
    uint64_t *root = pt_new();
    uint64_t text = (uint64_t)_start, page = (uint64_t)__code_page;

    pt_map(root, 0x08000000, 0x08000000, 0x02000000, PT_DEVICE | extra);
    pt_map(root, 0x40000000, 0x40000000, 0x10000000, PT_NORMAL | PT_USER | extra);
    pt_map_pages(root, text, text, page - text, PT_NORMAL | PT_USER | PT_RO | extra);
    pt_map_pages(root, page, page, 4096, PT_NORMAL | extra);
    pt_map_pages(root, page + 4096, page + 4096, 0x40400000 - page - 4096,
                 PT_NORMAL | PT_USER | extra);
    return root;
}

uint64_t *pt_identity_s2(void)
{
    uint64_t *root = pt_new();

    pt_map(root, 0x08000000, 0x08000000, 0x02000000, S2_DEVICE);
    pt_map(root, 0x40000000, 0x40000000, 0x10000000, S2_NORMAL);
    return root;
}

void mmu_on_el1(uint64_t *root)
{
    msr(mair_el1, MAIR_INIT);
    msr(tcr_el1, TCR_39 | TCR_39_HIGH | TCR_IPS);
    msr(ttbr0_el1, root);
    msr(ttbr1_el1, empty);
    dsb();
    insn("tlbi vmalle1; dsb sy; isb");
    msr(sctlr_el1, SCTLR_INIT | 0x1005);
}

void mmu_on_el2(uint64_t *root)
{
    msr(mair_el2, MAIR_INIT);
    msr(tcr_el2, TCR_EL2_39);
    msr(ttbr0_el2, root);
    dsb();
    insn("tlbi alle2; dsb sy; isb");
    msr(sctlr_el2, mrs(sctlr_el2) | 0x1005);
}

void mmu_on_s2(uint64_t *root, unsigned vmid)
{
    msr(vtcr_el2, VTCR_39);
    msr(vttbr_el2, (uint64_t)root | (uint64_t)vmid << 48);
    dsb();
    insn("tlbi vmalls12e1; dsb sy; isb");
    msr(hcr_el2, mrs(hcr_el2) | HCR_VM);
}
