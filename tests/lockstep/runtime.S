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

#define FRAME_SIZE 816 /* struct frame of runtime.c */

    .arch armv8-a
    .section .text.start, "ax"
    .globl _start
_start:
    ldr x9, =stack_top
    mov sp, x9
    ldr x9, =vectors
    msr VBAR, x9
#if EL == 2
    mov x9, #(1 << 31)
    msr hcr_el2, x9
    mov x9, #0x33ff
    msr cptr_el2, x9
    msr hstr_el2, xzr
#else
    mov x9, #(3 << 20)
    msr cpacr_el1, x9
#endif
    isb
    bl prepare
    msr spsel, #0
    b body

    .balign 2048
vectors:
    b synchronous
    .rept 15
    .balign 128
    b unexpected
    .endr

    .balign 128
synchronous:
    sub sp, sp, #FRAME_SIZE
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
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
    stp q0, q1, [x0, #0]
    stp q2, q3, [x0, #32]
    stp q4, q5, [x0, #64]
    stp q6, q7, [x0, #96]
    stp q8, q9, [x0, #128]
    stp q10, q11, [x0, #160]
    stp q12, q13, [x0, #192]
    stp q14, q15, [x0, #224]
    stp q16, q17, [x0, #256]
    stp q18, q19, [x0, #288]
    stp q20, q21, [x0, #320]
    stp q22, q23, [x0, #352]
    stp q24, q25, [x0, #384]
    stp q26, q27, [x0, #416]
    stp q28, q29, [x0, #448]
    stp q30, q31, [x0, #480]
    mov x0, sp
    bl handle
    add x0, sp, #304
    ldp q0, q1, [x0, #0]
    ldp q2, q3, [x0, #32]
    ldp q4, q5, [x0, #64]
    ldp q6, q7, [x0, #96]
    ldp q8, q9, [x0, #128]
    ldp q10, q11, [x0, #160]
    ldp q12, q13, [x0, #192]
    ldp q14, q15, [x0, #224]
    ldp q16, q17, [x0, #256]
    ldp q18, q19, [x0, #288]
    ldp q20, q21, [x0, #320]
    ldp q22, q23, [x0, #352]
    ldp q24, q25, [x0, #384]
    ldp q26, q27, [x0, #416]
    ldp q28, q29, [x0, #448]
    ldp q30, q31, [x0, #480]
    ldp x0, x1, [sp, #288]
    msr fpcr, x0
    msr fpsr, x1
    ldp x0, x1, [sp, #256]
    msr ELR, x0
    msr SPSR, x1
    ldp x30, x0, [sp, #240]
    msr sp_el0, x0
    ldp x0, x1, [sp, #0]
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x19, [sp, #144]
    ldp x20, x21, [sp, #160]
    ldp x22, x23, [sp, #176]
    ldp x24, x25, [sp, #192]
    ldp x26, x27, [sp, #208]
    ldp x28, x29, [sp, #224]
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
