/*
 * Entry and vectors of a lockstep program. It runs at the EL it is entered at (EL: 1 or 2), on SP_EL0,
 * so that its stack pointer is a register like any other; exceptions come to the current EL with SP0
 * and have a stack of their own. Any other exception ends it.
 */
#include "layout.h"

#if EL == 2
#define VBAR vbar_el2
#define ELR  elr_el2
#define SPSR spsr_el2
#define ESR  esr_el2
#define FAR  far_el2
#else
#define VBAR vbar_el1
#define ELR  elr_el1
#define SPSR spsr_el1
#define ESR  esr_el1
#define FAR  far_el1
#endif

#include "../baremetal/start.inc"

#define FRAME_SIZE 816 /* struct frame of runtime.c */

    .arch armv8-a
    .section .text.start, "ax"
    .globl _start
_start:
    set_stack stack_top
    write_sysreg VBAR, vectors
#if EL == 2
    el2_without_traps
#else
    write_sysreg cpacr_el1, CPACR_EL1_FPEN
#endif
    isb
    bl prepare
    msr spsel, #0
    b body

    .macro vector offset
    .if \offset == VECTOR_SP0_SYNC
    b synchronous
    .else
    b unexpected
    .endif
    .endm

    vector_table vectors, vector

    .balign 128
synchronous:
    sub sp, sp, #FRAME_SIZE
    gprs stp, sp
    mrs x0, sp_el0
    stp x30, x0, [sp, #240]
    mrs x0, ELR
    mrs x1, SPSR
    stp x0, x1, [sp, #256]
    mrs x0, ESR
    mrs x1, FAR
    stp x0, x1, [sp, #272]
    mrs x0, fpcr
    mrs x1, fpsr
    stp x0, x1, [sp, #288]
    add x0, sp, #304
    vregs stp, x0
    mov x0, sp
    bl handle
    add x0, sp, #304
    vregs ldp, x0
    ldp x0, x1, [sp, #288]
    msr fpcr, x0
    msr fpsr, x1
    ldp x0, x1, [sp, #256]
    msr ELR, x0
    msr SPSR, x1
    ldp x30, x0, [sp, #240]
    msr sp_el0, x0
    gprs ldp, sp
    add sp, sp, #FRAME_SIZE
    eret

unexpected:
    msr spsel, #1
    ldr x0, =stack_top
    mov sp, x0
    mrs x0, ESR
    mrs x1, ELR
    mrs x2, FAR
    b report_unexpected

    /* void set_mmu(uint64_t ttbr0, uint64_t tcr, uint64_t mair, uint64_t sctlr) */
    .globl set_mmu
set_mmu:
#if EL == 2
    msr ttbr0_el2, x0
    msr tcr_el2, x1
    msr mair_el2, x2
    isb
    tlbi alle2
    dsb sy
    msr sctlr_el2, x3
#else
    msr ttbr0_el1, x0
    msr tcr_el1, x1
    msr mair_el1, x2
    isb
    tlbi vmalle1
    dsb sy
    msr sctlr_el1, x3
#endif
    isb
    ret

    .bss
    .balign 16
    .space 65536
stack_top:
