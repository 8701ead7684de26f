/* Entry points and vectors of the measuring guest; MMU off. */
#include "layout.h"

#define STACKS (RAM_BASE + 0x100000) /* 64 KiB a vCPU */

    .section .text.start, "ax"
    .global _start, secondary
_start: /* x0: number of vCPUs, x1: rounds */
    mov x4, x1
    mov x1, xzr
    b 1f
secondary: /* x0: this vCPU */
    mov x1, x0
1:  ldr x2, =STACKS
    add x3, x1, #1
    add x2, x2, x3, lsl #16
    mov sp, x2
    adr x2, vectors
    msr vbar_el1, x2
    isb
    msr tpidr_el1, x1
    cbnz x1, receiver
    mov x1, x4
    b measure_all

    .macro unexpected
    .balign 128
    b fault
    .endm

    .balign 2048
vectors:
    .rept 4
    unexpected
    .endr
    unexpected
    .balign 128
    b irq
    unexpected
    unexpected
    .rept 8
    unexpected
    .endr

irq:
    stp x0, x1, [sp, #-176]!
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x30, [sp, #144]
    mrs x0, tpidr_el1
    bl interrupt
    ldp x18, x30, [sp, #144]
    ldp x16, x17, [sp, #128]
    ldp x14, x15, [sp, #112]
    ldp x12, x13, [sp, #96]
    ldp x10, x11, [sp, #80]
    ldp x8, x9, [sp, #64]
    ldp x6, x7, [sp, #48]
    ldp x4, x5, [sp, #32]
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp], #176
    eret

fault:
    mrs x0, esr_el1
    ldr x1, =CONTROL_BASE
    str x0, [x1, #CONTROL_FAULT]
1:  wfi
    b 1b
