/* For hooks.c: its implementations where only x0, x16, x17 and x30 may change. */
#include "hyp/patch_asm.inc"

    .arch armv8-a
    .text
    .irp k, 0, 1, 2, 3, 4, 5, 6, 7
    saving_thunk hooks_saving_\k, hooks_does_\k
    .endr
