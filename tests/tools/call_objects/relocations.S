/* Every relocation that `armillary call` applies. all() returns a bit for each part that came out wrong. */
    .arch armv8-a
    .macro check bit, a, b
    cmp \a, \b
    cset x9, ne
    orr x10, x10, x9, lsl #\bit
    .endm

    .text
    .globl all
    .type all, %function
all:
    stp x29, x30, [sp, #-16]!
    mov x10, #0
    adrp x1, number                        /* ADR_PREL_PG_HI21, ADD_ABS_LO12_NC */
    add x1, x1, :lo12:number
    adrp x2, :pg_hi21_nc:number            /* ADR_PREL_PG_HI21_NC, LDST64_ABS_LO12_NC */
    ldr x3, [x2, :lo12:number]
    ldr x4, =0x1122334455667788
    check 0, x3, x4
    ldr w3, [x2, :lo12:number]             /* LDST32 */
    check 1, w3, w4
    ldrh w3, [x2, :lo12:number]            /* LDST16 */
    mov w5, #0x7788
    check 2, w3, w5
    ldrb w3, [x2, :lo12:number]            /* LDST8 */
    mov w5, #0x88
    check 3, w3, w5
    ldr q0, [x2, :lo12:number]             /* LDST128 */
    umov x3, v0.d[0]
    check 4, x3, x4
    movz x3, #:abs_g3:number               /* MOVW_UABS_G3 */
    movk x3, #:abs_g2_nc:number            /* G2_NC */
    movk x3, #:abs_g1_nc:number            /* G1_NC */
    movk x3, #:abs_g0_nc:number            /* G0_NC */
    check 5, x3, x1
    movz x3, #:abs_g2:number               /* G2 */
    movk x3, #:abs_g1_nc:number
    movk x3, #:abs_g0_nc:number
    check 6, x3, x1
    movz x3, #:abs_g1:number               /* G1 */
    movk x3, #:abs_g0_nc:number
    check 7, x3, x1
    movz x3, #:abs_g0:small                /* G0 */
    mov x5, #0x1234
    check 8, x3, x5
    ldr x3, number                         /* LD_PREL_LO19 */
    check 9, x3, x4
    adr x3, number                         /* ADR_PREL_LO21 */
    check 10, x3, x1
    adrp x3, :got:number                   /* ADR_GOT_PAGE, LD64_GOT_LO12_NC */
    ldr x3, [x3, :got_lo12:number]
    check 11, x3, x1
    adrp x3, _GLOBAL_OFFSET_TABLE_         /* LD64_GOTPAGE_LO15 */
    ldr x3, [x3, :gotpage_lo15:number]
    check 12, x3, x1
    adrp x6, words
    add x6, x6, :lo12:words
    ldr x3, [x6]                           /* ABS64 */
    check 13, x3, x1
    ldr w3, [x6, #8]                       /* ABS32 */
    check 14, x3, x1
    ldrh w3, [x6, #12]                     /* ABS16 */
    check 15, x3, x5
    ldr x3, [x6, #16]                      /* PREL64 */
    add x7, x6, #16
    add x3, x3, x7
    check 16, x3, x1
    ldrsw x3, [x6, #24]                    /* PREL32 */
    add x7, x6, #24
    add x3, x3, x7
    check 17, x3, x1
    ldrsh x3, [x6, #28]                    /* PREL16 */
    add x7, x6, #28
    add x3, x3, x7
    check 18, x3, x1
    mov x11, #0
    bl far                                 /* CALL26 */
    check 19, x11, #1
    adr x12, 1f
    b far_jump                             /* JUMP26 */
1:  check 20, x11, #2
    adr x12, 2f
    tbz xzr, #0, far_jump                  /* TSTBR14 */
2:  check 21, x11, #3
    adr x12, 3f
    cmp xzr, xzr
    b.eq far_jump                          /* CONDBR19 */
3:  check 22, x11, #4
    mov x0, x10
    ldp x29, x30, [sp], #16
    ret
    .size all, . - all

    .section .text.far, "ax"
    .globl far, far_jump
far:
    add x11, x11, #1
    ret
far_jump:
    add x11, x11, #1
    br x12

    .data
    .balign 16
    .globl number, small
number:
    .xword 0x1122334455667788, 0
    .section .data.words, "aw"
    .balign 16
    .globl words
words:
    .xword number
    .word number
    .hword small, 0
    .xword number - .
    .word number - .
    .hword number - .
