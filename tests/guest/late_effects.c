/* Runs on: n1 max; el2; here only; options --late-effects --seed 3 --gic gicv=1. */
/* Late effects: each thing that a barrier is for is seen late without it in some of many tries, and
 * in none with it. */
#include "mmu.h"
#include "vgic.h"

/* Without the ISB of msr(). */
#define write(reg, value) __asm__ volatile("msr " #reg ", %0" ::"r"((uint64_t)(value)) : "memory")

#define TRIES  64
#define VA     UINT64_C(0x1000000000)
#define OFFSET UINT64_C(0x100000000000)

#define GICV_PMR UINT64_C(0x08040004)

static uint8_t data[4096] __attribute__((aligned(4096)));
static uint32_t code[32] __attribute__((aligned(64)));
static uint64_t *root;

static void isb_if(bool barrier)
{
    if (barrier)
        isb();
}

/* Each: do it once; was the effect late? */

static bool fp_trap(bool barrier)
{
    taken_clear();
    write(cptr_el2, 0x37ff);
    isb_if(barrier);
    insn(".inst 0x9e660000"); /* fmov x0, d0 */
    bool late = taken.count == 0;
    msr(cptr_el2, 0x33ff);
    isb();
    taken_clear();
    return late;
}

static bool count_offset(bool barrier)
{
    write(cntvoff_el2, OFFSET);
    isb_if(barrier);
    bool late = mrs(cntvct_el0) < OFFSET; /* the difference is negative otherwise */
    msr(cntvoff_el2, 0);
    isb();
    return late;
}

static bool list_register(bool barrier)
{
    write(ich_lr0_el2, LR_PENDING | LR_GROUP1 | 100);
    isb_if(barrier);
    bool late = mrs(ich_elrsr_el2) & 1;
    msr(ich_lr0_el2, 0);
    isb();
    return late;
}

static bool virtual_interface(bool barrier)
{
    wr32(GICV_PMR, 0xf8);
    *(volatile uint32_t *)GICV_PMR = 0x80;
    if (barrier)
        dsb();
    return mrs(ich_vmcr_el2) >> 24 != 0x80;
}

static bool own_interface(bool barrier)
{
    wr32(GICV_PMR, 0xf8);
    *(volatile uint32_t *)GICV_PMR = 0x80;
    if (barrier)
        dsb();
    return rd32(GICV_PMR) != 0x80;
}

static bool vectors(bool barrier)
{
    static uint64_t table[256] __attribute__((aligned(2048)));
    uint64_t own = mrs(vbar_el2);

    for (unsigned k = 0; k < 16; k++) {
        uint32_t *to = (uint32_t *)table + k * 0x20;
        to[0] = 0xd1004210; /* sub x16, x16, #16: seen behind the exception */
        to[1] = 0xd69f03e0; /* eret */
    }
    dsb();
    insn("ic iallu; dsb sy; isb");
    taken_clear();
    write(vbar_el2, (uint64_t)table);
    isb_if(barrier);
    uint64_t seen;
    __asm__ volatile("mov x16, #32; hvc #0; mov %0, x16" : "=r"(seen)::"memory", "x16");
    msr(vbar_el2, own);
    isb();
    bool late = seen == 32;
    taken_clear();
    return late;
}

static bool translation(bool barrier)
{
    msr(par_el1, 1); /* F: a fault */
    isb();
    __asm__ volatile("at s1e2r, %0" ::"r"(data) : "memory");
    isb_if(barrier);
    bool late = mrs(par_el1) & 1;
    isb();
    return late;
}

static bool own_value(bool barrier)
{
    write(cntvoff_el2, OFFSET);
    isb_if(barrier);
    bool late = mrs(cntvoff_el2) != OFFSET;
    msr(cntvoff_el2, 0);
    isb();
    return late;
}

static uint64_t touch(void)
{
    taken_clear();
    (void)*(volatile uint8_t *)VA;
    uint64_t faults = taken.count;
    taken_clear();
    return faults;
}

static void forget(void)
{
    *pt_entry(root, VA, 3) = 0;
    dsb();
    __asm__ volatile("tlbi vae2, %0; dsb sy; isb" ::"r"(VA >> 12) : "memory");
}

static void map(void)
{
    *pt_entry(root, VA, 3) = (uint64_t)data | PT_NORMAL | PT_TABLE;
}

static bool tlb_maintenance(bool barrier)
{
    map();
    dsb();
    isb();
    touch();
    *pt_entry(root, VA, 3) = 0;
    dsb();
    __asm__ volatile("tlbi vae2, %0" ::"r"(VA >> 12) : "memory");
    if (barrier)
        dsb();
    bool late = !touch();
    dsb();
    isb();
    return late;
}

static bool descriptor(bool barrier)
{
    forget();
    touch();
    map();
    if (barrier) {
        dsb();
        isb();
    }
    bool late = touch();
    dsb();
    isb();
    return late;
}

static void clean(void)
{
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(code) : "memory");
}

static uint64_t run_code(void)
{
    return ((uint64_t(*)(void))code)();
}

static bool instruction(bool barrier)
{
    code[0] = 0xd2800020; /* mov x0, #1 */
    code[1] = 0xd65f03c0; /* ret */
    clean();
    run_code();
    code[0] = 0xd2800040; /* mov x0, #2 */
    if (barrier)
        clean();
    bool late = run_code() == 1;
    clean();
    return late;
}

static unsigned tries(bool (*once)(bool), bool barrier)
{
    unsigned late = 0;

    for (unsigned k = 0; k < TRIES; k++)
        late += once(barrier);
    return late;
}

static void effect(const char *name, bool (*once)(bool))
{
    unsigned without = tries(once, false);

    context = name;
    check(without > 0, ": late without the barrier");
    check(without < TRIES, ": not always, without the barrier");
    check_equal(tries(once, true), 0, ": never with it");
}

int main(void)
{
    msr(icc_sre_el2, 9); /* Enable, SRE */
    isb();
    effect("CPTR_EL2", fp_trap);
    effect("CNTVOFF_EL2", count_offset);
    effect("ICH_LR0_EL2", list_register);
    effect("GICV_PMR", virtual_interface);
    effect("VBAR_EL2", vectors);
    effect("PAR_EL1", translation);
    context = "CNTVOFF_EL2";
    check_equal(tries(own_value, false), 0, ": who reads the same register sees what was written");
    context = "GICV_PMR";
    check_equal(tries(own_interface, false), 0, ": a load from GICV is behind a store to it");
    effect("code", instruction);
    root = pt_identity(0);
    pt_entry(root, VA, 3);
    mmu_on_el2(root);
    effect("TLBI", tlb_maintenance);
    effect("descriptor", descriptor);
    return failures;
}
