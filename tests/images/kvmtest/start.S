/* Entry points and vectors of the measuring guest; MMU off. */
#include "../../baremetal/start.inc"
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

    .macro vector offset
    .if \offset == VECTOR_SPX_IRQ
    b irq
    .else
    b fault
    .endif
    .endm

    vector_table vectors, vector

irq:
    sub sp, sp, #160
    caller_saved stp, sp
    mrs x0, tpidr_el1
    bl interrupt
    caller_saved ldp, sp
    add sp, sp, #160
    eret

fault:
    mrs x0, esr_el1
    ldr x1, =CONTROL_BASE
    str x0, [x1, #CONTROL_FAULT]
1:  wfi
    b 1b
