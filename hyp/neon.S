/* All V registers, FPCR and FPSR as a function of a seed. */
    .arch armv8-a
    .altmacro

    .macro every m
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \m \n
    .endr
    .endm

    .macro fill_one n
    add x2, x0, #\n
    mul x3, x2, x1
    fmov d\n, x2
    mov v\n\().d[1], x3
    .endm

    .macro verify_one n
    add x2, x0, #\n
    mul x3, x2, x1
    fmov x4, d\n
    eor x4, x4, x2
    orr x5, x5, x4
    mov x4, v\n\().d[1]
    eor x4, x4, x3
    orr x5, x5, x4
    .endm

    .macro constants
    movz x1, #0x7c15
    movk x1, #0x7f4a, lsl #16
    movk x1, #0x79b9, lsl #32
    movk x1, #0x9e37, lsl #48
    and x6, x0, #3
    lsl x6, x6, #22                   /* FPCR.RMode */
    and x7, x0, #0x1f                 /* FPSR.IOC and its neighbours */
    .endm

    .text
    .globl neon_fill
neon_fill:
    constants
    every fill_one
    msr fpcr, x6
    msr fpsr, x7
    ret

/* Zero if all is as filled. */
    .globl neon_verify
neon_verify:
    constants
    mov x5, xzr
    every verify_one
    mrs x4, fpcr
    eor x4, x4, x6
    orr x5, x5, x4
    mrs x4, fpsr
    eor x4, x4, x7
    orr x0, x5, x4
    ret
