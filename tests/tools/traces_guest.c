/*
 * What tests/tools/traces records: a small hypervisor that runs a guest with stage 2 on (VMID 5),
 * waits for its timer's interrupt, takes an exception of its own and switches the machine off.
 * Loads and stores of every size, of pairs and of vectors, exclusives and atomics; a branch that is
 * not taken; a fault that the handler steps over.
 */
#include <stdint.h>

#define MSR(name, value) __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define MRS(name)                                                                                  \
    ({                                                                                             \
        uint64_t value_;                                                                           \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)::"memory");                               \
        value_;                                                                                    \
    })
#define ISB() __asm__ volatile("isb" ::: "memory")

#define UART  0x09000000UL
#define GICD  0x08000000UL
#define GICR  0x080a0000UL
#define TIMER 26 /* the EL2 physical timer's PPI */

__attribute__((aligned(4096))) static uint64_t stage2[512];
__attribute__((aligned(16))) static uint8_t buffer[256];
static volatile unsigned interrupts, faults, exits;

__asm__(".globl _start\n"
        ".type _start, %function\n"
        "_start:\n"
        "    adrp x0, stack_top\n"
        "    add x0, x0, :lo12:stack_top\n"
        "    mov sp, x0\n"
        "    bl hyp_main\n"
        "1:  b 1b\n"
        ".size _start, . - _start\n"
        ".balign 2048\n"
        ".type vectors_el2, %function\n"
        ".globl vectors_el2\n"
        "vectors_el2:\n"
        ".macro vector to\n"
        "    .balign 128\n"
        "    stp x0, x1, [sp, #-160]!\n"
        "    stp x2, x3, [sp, #16]\n"
        "    stp x4, x5, [sp, #32]\n"
        "    stp x6, x7, [sp, #48]\n"
        "    stp x8, x9, [sp, #64]\n"
        "    stp x10, x11, [sp, #80]\n"
        "    stp x12, x13, [sp, #96]\n"
        "    stp x14, x15, [sp, #112]\n"
        "    stp x16, x17, [sp, #128]\n"
        "    stp x18, x30, [sp, #144]\n"
        "    bl \\to\n"
        "    b leave\n"
        ".endm\n"
        "    .skip 512\n"
        "    vector own_sync\n"
        "    vector own_irq\n"
        "    .balign 512\n"
        "    vector exit_sync\n"
        "    .balign 2048\n"
        "leave:\n"
        "    ldp x2, x3, [sp, #16]\n"
        "    ldp x4, x5, [sp, #32]\n"
        "    ldp x6, x7, [sp, #48]\n"
        "    ldp x8, x9, [sp, #64]\n"
        "    ldp x10, x11, [sp, #80]\n"
        "    ldp x12, x13, [sp, #96]\n"
        "    ldp x14, x15, [sp, #112]\n"
        "    ldp x16, x17, [sp, #128]\n"
        "    ldp x18, x30, [sp, #144]\n"
        "    ldp x0, x1, [sp], #160\n"
        "    eret\n"
        ".size vectors_el2, . - vectors_el2\n"
        ".bss\n"
        ".balign 16\n"
        "    .skip 4096\n"
        "guest_stack_top:\n"
        "    .skip 4096\n"
        "stack_top:\n"
        ".text\n");

static volatile uint32_t *at(uint64_t address)
{
    return (volatile uint32_t *)address;
}

static void print(const char *text)
{
    while (*text)
        *at(UART) = (uint8_t)*text++;
}

/* ---- the guest ---- */

static uint64_t add_up(uint64_t n)
{
    uint64_t sum = 0;

    while (n)
        sum += n--;
    return sum;
}

/* What nothing calls: lines that coverage has with 0. */
__attribute__((noinline, used)) uint64_t never(uint64_t n)
{
    return n * 3;
}

static void access_memory(void)
{
    __asm__ volatile("ldrb w1, [%0]\n"
                     "add w1, w1, #0x81\n"
                     "strb w1, [%0, #1]\n"
                     "strh w1, [%0, #2]\n"
                     "str w1, [%0, #4]\n"
                     "ldp w2, w3, [%0]\n"
                     "stp x2, x1, [%0, #16]\n"
                     "ldr q0, [%0, #16]\n"
                     "add v1.16b, v0.16b, v0.16b\n"
                     "stp q0, q1, [%0, #32]\n"
                     "ld1 {v2.16b, v3.16b}, [%0]\n"
                     "str d1, [%0, #72]\n"
                     "1: ldxr x4, [%0]\n"
                     "add x4, x4, #1\n"
                     "stxr w5, x4, [%0]\n"
                     "cbnz w5, 1b\n"
                     "ldadd x4, x6, [%0]\n"
                     "cmp x6, #5\n"
                     "b.eq 2f\n"
                     "csel x7, x4, x6, ne\n"
                     "2: ldrsb x8, [%0, #128]\n" ::"r"(buffer)
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "v0", "v1", "v2", "v3", "cc",
                       "memory");
}

void guest_main(void)
{
    MSR(cpacr_el1, 3UL << 20);
    ISB();
    print("guest\n");
    access_memory();
    __asm__ volatile("mov x0, %0\n hvc #1" ::"r"(add_up(10)) : "x0", "memory");
    __asm__ volatile("mov x0, #0\n hvc #2" ::: "x0", "memory");
}

/* ---- the hypervisor ---- */

static void wait_for_timer(void)
{
    *at(GICD) = 2 | 0x10;
    *at(GICR + 0x14) = 0;
    *at(GICR + 0x10080) = 0xffffffff;
    *at(GICR + 0x10100) = 1u << TIMER;
    MSR(icc_sre_el2, MRS(icc_sre_el2) | 1);
    ISB();
    MSR(icc_pmr_el1, 0xff);
    MSR(icc_igrpen1_el1, 1);
    MSR(cnthp_tval_el2, 1000000);
    MSR(cnthp_ctl_el2, 1);
    MSR(hcr_el2, MRS(hcr_el2) | 1UL << 4);
    ISB();
    __asm__ volatile("msr daifclr, #2" ::: "memory");
    while (!interrupts)
        __asm__ volatile("wfi" ::: "memory");
    __asm__ volatile("msr daifset, #2" ::: "memory");
}

void own_irq(void)
{
    uint64_t id = MRS(icc_iar1_el1);

    MSR(cnthp_ctl_el2, 0);
    interrupts++;
    MSR(icc_eoir1_el1, id);
}

void own_sync(void)
{
    faults++;
    MSR(elr_el2, MRS(elr_el2) + 4);
}

static void end(void)
{
    wait_for_timer();
    __asm__ volatile("ldr x1, [%0]" ::"r"(0xffffUL << 32) : "x1", "memory");
    print("end\n");
    __asm__ volatile("mov w0, #8\n movk w0, #0x8400, lsl #16\n smc #0" ::: "x0", "memory");
}

void exit_sync(void)
{
    exits++;
    if ((MRS(esr_el2) & 0xffff) == 2)
        end();
}

void hyp_main(void)
{
    extern char vectors_el2[], guest_stack_top[];

    stage2[0] = 0x4c1;
    stage2[1] = 0x400007fd;
    MSR(vbar_el2, vectors_el2);
    MSR(cptr_el2, 0x33ff & ~(1UL << 10));
    MSR(vtcr_el2, 0x80023559);
    MSR(vttbr_el2, (uint64_t)stage2 | 5UL << 48);
    MSR(hcr_el2, 1UL << 31 | 1);
    MSR(sp_el1, guest_stack_top);
    MSR(elr_el2, guest_main);
    MSR(spsr_el2, 0x3c5);
    ISB();
    __asm__ volatile("eret" ::: "memory");
}
