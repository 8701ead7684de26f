/* Calls and data that nobody defines, and ways not to return. */
    .arch armv8-a
    .text
    .globl calls
    .type calls, %function
calls:
    str x30, [sp, #-16]!
    mov x1, #5
    bl outside
    adrp x2, datum
    str x0, [x2, :lo12:datum]
    str w0, [x0, #4]
    dsb ish
    msr tpidr_el2, x0
    isb
    ldr x30, [sp], #16
    ret
    .size calls, . - calls

    .globl faults, spins, waits
faults:
    mov x0, #0
    ldr x0, [x0]
    ret
spins:
    b spins
waits:
    wfi
    b waits
