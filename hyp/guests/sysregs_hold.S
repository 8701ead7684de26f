/* void hold_registers(in, out, loops): X1 to X30 and NZCV (in[0]) from `in`, a loop that changes none of
 * them, then to `out`. */
    .arch armv8-a

#define FRAME 368
#define KEPT  256
#define OUT   352

    .macro pairs op, base, at, first, a, b, rest:vararg
    \op x\a, x\b, [\base, #\at + 8 * (\a - \first)]
    .ifnb \rest
    pairs \op, \base, \at, \first, \rest
    .endif
    .endm

    .macro one_to_thirty op, base
    pairs \op, \base, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    .endm

    .text
    .globl hold_registers
hold_registers:
    sub sp, sp, #FRAME
    pairs stp, sp, KEPT, 19, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    stp x1, x2, [sp, #OUT]
    ldr x1, [x0]
    msr nzcv, x1
    one_to_thirty ldp, x0
    ldr x0, [sp, #OUT + 8]
1:  sub x0, x0, #1
    cbnz x0, 1b
    one_to_thirty stp, sp
    mrs x0, nzcv
    str x0, [sp]
    ldr x1, [sp, #OUT]
    mov x2, #31
    mov x3, sp
2:  ldr x0, [x3], #8
    str x0, [x1], #8
    sub x2, x2, #1
    cbnz x2, 2b
    pairs ldp, sp, KEPT, 19, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    add sp, sp, #FRAME
    ret
