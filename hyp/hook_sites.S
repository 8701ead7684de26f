/* The hook in assembly (hyp/hook.h): the forms that a compiler cannot make for us. */
#include "hyp/patch_asm.inc"

    .arch armv8-a
    .text
    saving_thunk hook_count_saving, hook_count
    saving_thunk hook_class_saving, hook_class
    saving_thunk hook_hash_saving, hook_hash

    .balign 4
    .globl hook_by_branch_asm
hook_by_branch_asm:
    branch_if_on hook_is_count, hook_count
    branch_if_on hook_is_class, hook_class
    branch_if_off hook_is_hash, 1f
    b hook_hash
1:  ret

    /* Only x0 may change: nothing else is saved here, the thunk does it if there is need to. */
    .globl hook_by_call_asm
hook_by_call_asm:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    patched_call hook_call, 0x40030001
    ldp x29, x30, [sp], #16
    ret
