// Debug exceptions whose handler changes nothing; interrupts of devices that nobody serves; where a second CPU begins.
//
// dies -DSTEP | --no-el2 --on-death=stop | code 4: a software step exception at && MDSCR_EL1.SS is 1 && set SPSR_EL1.SS
// dies -DBREAKPOINT | --no-el2 --on-death=stop | code 4: a breakpoint at && (crash+0) && its handler returns to the same
// dies -DWATCHPOINT | --no-el2 --on-death=stop | code 4: a watchpoint at && an access of 0x40100000
// dies -DCACHE | --no-el2: cache maintenance (DC or IC) of 0 at EL1: it is not mapped
// dies -DCPU_ON | --no-el2 --smp 2: cpu1: it executes zeros at 0 && by the entry point of its PSCI CPU_ON
// dies -DUART | --no-el2 --on-death=stop | code 4: INTID 33 (the UART) comes again as soon as its handler returns
// dies -DPMU | --no-el2 --on-death=stop | code 4: INTID 23 (the PMU) comes again as soon as its handler returns
// lives -DSTEP -DMENDED | --no-el2

#include "common.inc"
    .global _start
    .global crash

    .macro irqs                     // but for the distributor's own INTIDs
    store 0x80a0014, 0              // GICR_WAKER
    store 0x8000000, 2              // GICD_CTLR
    put s3_0_c4_c6_0, 0xf0          // ICC_PMR_EL1
    put s3_0_c12_c12_7, 1           // ICC_IGRPEN1_EL1
    .endm

_start:
    own_vectors
#if defined(STEP)
    msr oslar_el1, xzr
    put mdscr_el1, 0x2001           // KDE, SS
    isb
    set elr_el1, crash
    put spsr_el1, 0x2001c5          // SS
    eret
crash:
    mov x0, #1
    b .
#elif defined(BREAKPOINT) || defined(WATCHPOINT)
    msr oslar_el1, xzr
    ldr x1, =0x40100000
    set dbgbvr0_el1, crash
    msr dbgwvr0_el1, x1
#ifdef BREAKPOINT
    put dbgbcr0_el1, 0x1e3          // EL1, E
#else
    put dbgwcr0_el1, 0x1ffb         // 8 bytes, loads and stores, EL1, E
#endif
    put mdscr_el1, 0xa000           // MDE, KDE
    isb
    msr daifclr, #8
crash:
    str x0, [x1]
    b .
#elif defined(CACHE)
    map 0x703
    adrp x9, tables
    str xzr, [x9]
    mmu_on_el1
    mov x0, #0
crash:
    dc civac, x0
#elif defined(CPU_ON)
    ldr w0, =0xc4000003             // PSCI CPU_ON
    mov x1, #1
    mov x2, #0
    hvc #0
crash:
    wfi
    b crash
#elif defined(UART)
    irqs
    store 0x8000084, 0xffffffff     // GICD_IGROUPR1
    store 0x8000104, 2              // GICD_ISENABLER1
    store 0x9000038, 0x20           // UARTIMSC: TXIM
    store 0x9000000, 0x41
    msr daifclr, #2
crash:
    wfi
    b crash
#elif defined(PMU)
    irqs
    store 0x80b0080, 0xffffffff     // GICR_IGROUPR0
    store 0x80b0100, 0x00800000     // GICR_ISENABLER0
    put pmintenset_el1, 0x80000000  // the cycle counter
    put pmcntenset_el0, 0x80000000
    put pmccntr_el0, 0xfffffff0
    put pmcr_el0, 1
    isb
    msr daifclr, #2
crash:
    b crash
#endif
    .ltorg

#if defined(STEP) || defined(BREAKPOINT) || defined(WATCHPOINT) || defined(UART) || defined(PMU)
    .balign 2048
vectors:
    .skip 0x200
#ifdef MENDED
    msr mdscr_el1, xzr
#endif
    eret
    .balign 128
    mrs x0, s3_0_c12_c12_0          // ICC_IAR1_EL1
    msr s3_0_c12_c12_1, x0          // ICC_EOIR1_EL1
    eret
    .balign 2048
#else
    park
#endif
    spaces
