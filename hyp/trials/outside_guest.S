/*
 * The guest of hyp/trials/outside.c: position-independent, at the start of its RAM, x0 which life it is. It tells what
 * it sees by calls: x0 the function, x1 the value.
 */
    .arch armv8-a
    .section .rodata
    .balign 16
    .globl outside_guest, outside_guest_end

    .macro tell function
    mov w0, #\function
    movk w0, #0xc600, lsl #16
    hvc #0
    .endm

    .macro psci function, service = 0x8400
    mov w0, #\function
    movk w0, #\service, lsl #16
    hvc #0
    .endm

outside_guest:
    cbnz x0, second_life

    /* 1: an SError that is injected comes as soon as it is unmasked. */
    adr x9, vectors
    msr vbar_el1, x9
    isb
    mov x1, xzr
    mov x20, xzr
    tell 1
    mov x1, x20
    tell 2                            /* masked: nothing yet */
    msr daifclr, #4
    isb
    mov x1, x20
    tell 3

    /* 2: a register that changes from outside, while nothing leaves this loop but interrupts. */
    mov x10, #0x1111
    msr tpidr_el1, x10
    tell 4
1:  mrs x1, tpidr_el1
    cmp x1, x10
    b.eq 1b
    tell 5

    /* 3: everything starts again, but what is in memory beyond the image. */
    psci 9                            /* SYSTEM_RESET */

second_life:
    mrs x1, tpidr_el1
    tell 6

    /* 4: time that another had, while this one wanted it. */
    psci 0x21, 0xc500                 /* PV_TIME_ST */
    mov x21, x0
    ldr x22, [x21, #8]
    isb
    mrs x23, cntvct_el0
    mrs x24, cntfrq_el0
    mov x9, #20                       /* a twentieth of a second */
    udiv x24, x24, x9
2:  isb
    mrs x1, cntvct_el0
    sub x1, x1, x23
    cmp x1, x24
    b.lo 2b
    mov x2, x1
    ldr x1, [x21, #8]
    sub x1, x1, x22
    tell 7
    psci 8                            /* SYSTEM_OFF */

/* Only the SError of this EL is expected: x20 is its syndrome. */
    .balign 2048
vectors:
    .rept 7
    b unexpected
    .balign 128
    .endr
    mrs x20, esr_el1
    eret
    .balign 128
    .rept 8
    b unexpected
    .balign 128
    .endr
unexpected:
    mrs x1, esr_el1
    tell 8
    b .
outside_guest_end:
