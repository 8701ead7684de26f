/* The storm's implementations and its sites in assembly. */
#include "hyp/patch_asm.inc"

    .arch armv8-a
    .text
    .balign 4
    .globl storm_plain
storm_plain:
    ret

    .globl storm_frugal
storm_frugal:                         /* changes x0 and x16 */
    mov x16, #1
    orr x0, x0, x16, lsl #32
    ret

    .globl storm_greedy
storm_greedy:                         /* changes all that a function may */
    mov x16, #3
    orr x0, x0, x16, lsl #32
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18
    mov x\n, #-\n
    .endr
    ret

    saving_thunk storm_greedy_saving, storm_greedy

    /* Bits 0 to 3: four sites, in both directions. */
    .globl storm_branches_asm
storm_branches_asm:
    mov x0, #0
    branch_if_off storm_key, 1f
    orr x0, x0, #1
1:  branch_if_on storm_key, 2f
    b 3f
2:  orr x0, x0, #2
3:  branch_if_off storm_key, 4f
    orr x0, x0, #4
4:  branch_if_on storm_key, 5f
    ret
5:  orr x0, x0, #8
    ret

    .macro fill
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18
    add x\n, x0, #\n
    .endr
    .endm

    .macro verify
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18
    sub x17, x\n, #\n
    cmp w17, w0
    b.ne lost
    .endr
    .endm

    /* Every register that the site wants kept is live across it. */
    .globl storm_call_asm
storm_call_asm:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    fill
    patched_call storm_call, 0x40030001
    verify
    ldp x29, x30, [sp], #16
    ret
lost:
    mov x0, #-1
    ldp x29, x30, [sp], #16
    ret

    /* Nothing but x0 is needed back: the site takes any function itself. */
    .globl storm_inline_asm
storm_inline_asm:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    patched_call storm_call, 0x4007ffff
    ldp x29, x30, [sp], #16
    ret
