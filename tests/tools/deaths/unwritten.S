// Registers that nobody has written, and addresses that are none before the MMU is on.
//
// dies -DLOW | --no-el2 | code 4: the MMU was switched on at && not mapped there: TTBR0_EL1 was never written on cpu0, it is 0
// dies -DSIZE | --no-el2 | code 4: the MMU was switched on at && not mapped there: TCR_EL1 was never written on cpu0, it is 0
// dies -DHIGH | --no-el2: the fetch of 0xffffff8040080000 at EL1 && TTBR1_EL1 was never written on cpu0, it is 0
// dies -DSECOND | --no-el2 --smp 2: cpu1: the MMU was switched on at && TTBR0_EL1 was never written on cpu1, it is 0
// dies -DHIGH_OF_EL2: the fetch of 0xffffff8040080000 at EL2 && EL2 without HCR_EL2.E2H has low addresses only
// dies -DGUEST -DNO_VTTBR: stage 2 does not map the guest's IPA && VTTBR_EL2 was never written on cpu0, it is 0
// dies -DGUEST -DNO_VTCR: stage 2 does not map the guest's IPA && VTCR_EL2 was never written on cpu0
// dies -DGUEST -DSTACK_OF_GUEST: the stack of EL1 was never set && by SP_EL1
// dies -DMMU_OF_EL1: the fetch of 0xffff000040080000 at EL2 && EL2 has switched on the MMU of EL1 (SCTLR_EL1.M), at && its own is off
// dies -DVECTORS | --no-el2 | code 4: SVC #0 at && VBAR_EL1 is 0xffff000040080000: a virtual address, and the MMU is off
// dies -DSTACK_OF_EL0 | --no-el2: the stack of EL0 was never set && by SP_EL0;
#include "common.inc"
    .global _start
_start:
    own_vectors
#if defined(LOW)
    put tcr_el1, 0x803519
    b on
#elif defined(SIZE)
    map 0x703
    adrp x9, tables
    msr ttbr0_el1, x9
    b on
#elif defined(HIGH)
    map 0x703
    mmu_on_el1
    put tcr_el1, 0x80193519         // EPD1 0, T1SZ 25
    isb
    ldr x0, =0xffffff8040080000
    br x0
#elif defined(SECOND)
    map 0x703
    mmu_on_el1
    ldr x0, =0xc4000003             // CPU_ON
    mov x1, #1
    adr x2, second
    hvc #0
1:  wfe
    b 1b
second:
    set vbar_el1, vectors
    b on
#elif defined(HIGH_OF_EL2)
    map 0x703
    adrp x9, tables
    msr ttbr0_el2, x9
    put mair_el2, 0xff
    put tcr_el2, 0x80823519
    isb
    mrs x9, sctlr_el2
    orr x9, x9, #1
    msr sctlr_el2, x9
    isb
    ldr x0, =0xffffff8040080000
    br x0
#elif defined(GUEST)
    adrp x9, tables
    ldr x10, =0x400007fd            // a 1 GiB block
    str x10, [x9, #8]
# ifndef NO_VTTBR
    msr vttbr_el2, x9
# endif
# ifndef NO_VTCR
    put vtcr_el2, 0x80023559
# endif
    put spsr_el2, 0x3c5
    set elr_el2, guest
    put hcr_el2, 0x80000001
    eret
guest:
    sub sp, sp, #32
    str x30, [sp, #40]              // past the end of all addresses, to 8
    b .
#elif defined(MMU_OF_EL1)
    map 0x703
    mmu_on_el1
    ldr x0, =0xffff000040080000
    br x0
#elif defined(VECTORS)
    put vbar_el1, 0xffff000040080000
    svc #0
#elif defined(STACK_OF_EL0)
    set elr_el1, user
    msr spsr_el1, xzr
    eret
user:
    stp x29, x30, [sp, #-16]!
#endif
    b .
#if defined(LOW) || defined(SIZE) || defined(SECOND)
on: isb
    mrs x9, sctlr_el1
    orr x9, x9, #1
    msr sctlr_el1, x9
    isb
    b .
#endif
    .ltorg
    park
    spaces
