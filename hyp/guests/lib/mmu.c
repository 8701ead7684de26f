#include "mmu.h"

#include "platform.h"
#include "report.h"

#define PT_BLOCK  (BIT(0) | BIT(10)) /* valid, accessed */
#define PT_TABLE  (BIT(0) | BIT(1))
#define PT_NORMAL (PT_BLOCK | 3 << 8) /* MAIR 0, inner shareable */
#define PT_DEVICE (PT_BLOCK | 1 << 2 | BIT(53) | BIT(54))
#define MAIR      UINT64_C(0x04ff)
/* TTBR0 of 39 bits, 4 KiB granule, write-back, inner shareable; no TTBR1; 40 bits of output. */
#define TCR   (UINT64_C(25) | 1 << 8 | 1 << 10 | 3 << 12 | BIT(23) | UINT64_C(2) << 32)
#define BLOCK (UINT64_C(2) << 20)

static uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[8][512] __attribute__((aligned(4096))); /* a GiB each that holds RAM */
static unsigned used;

static void map_ram(uint64_t at)
{
    uint64_t *entry = &level1[at >> 30 & 511];

    if ((*entry & 3) != PT_TABLE) {
        if (used == ARRAY_SIZE(level2))
            return; /* RAM that no guest reaches for */
        for (unsigned n = 0; n < 512; n++)
            level2[used][n] = (at >> 30 << 30) | n * BLOCK | PT_DEVICE;
        *entry = (uint64_t)level2[used++] | PT_TABLE;
    }
    ((uint64_t *)(*entry & UINT64_C(0xfffffffff000)))[at >> 21 & 511] = at | PT_NORMAL;
}

void mmu_make_tables(void)
{
    for (uint64_t n = 0; n < 512; n++)
        level1[n] = n << 30 | PT_DEVICE;
    for (unsigned r = 0; r < MAX_REGIONS; r++)
        for (uint64_t at = 0; at < platform.ram[r].size; at += BLOCK)
            map_ram(platform.ram[r].base + at);
    dsb();
}

void mmu_on(void)
{
    msr(mair_el1, MAIR);
    msr(tcr_el1, TCR);
    msr(ttbr0_el1, level1);
    msr(ttbr1_el1, 0);
    insn("dsb sy; tlbi vmalle1; dsb sy; isb");
    msr(sctlr_el1, SCTLR_EL1_OFF | BIT(12) | BIT(2) | BIT(0));
}
