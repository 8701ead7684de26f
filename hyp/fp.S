/* V registers, FPSR and FPCR to and from a struct fp_state (hyp/fpsimd.h), x0. They always move together: FPSR and
 * FPCR are as much the owner's as V0. */
#include "hyp/asm.h"

    .arch armv8-a

    .macro low_v op
    .irp n, 0, 2, 4, 6, 8, 10, 12, 14
    pair \op, \n, %(\n + 1)
    .endr
    .endm
    .macro high_v op
    .irp n, 16, 18, 20, 22, 24, 26, 28, 30
    pair \op, \n, %(\n + 1)
    .endr
    .endm
    .altmacro
    .macro pair op, a, b
    \op q\a, q\b, [x0, #16 * \a]
    .endm

    .macro let_interrupts_in
    msr daifclr, #2
    isb
    msr daifset, #2
    .endm

    .text
    .globl fp_store
fp_store:
    low_v stp
    .ifc HYP_MUTANT, window_put
    let_interrupts_in
    .endif
    high_v stp
    mrs x1, fpsr
    mrs x2, fpcr
    .ifc HYP_MUTANT, lost_fpsr
    ldr x1, [x0, #512]
    .endif
    add x0, x0, #512
    stp x1, x2, [x0]
    ret

    .globl fp_fetch
fp_fetch:
    low_v ldp
    .ifc HYP_MUTANT, window_load
    let_interrupts_in
    .endif
    high_v ldp
    .ifc HYP_MUTANT, wrong_slot_fp
    ldp q9, q8, [x0, #16 * 8]
    .endif
    add x0, x0, #512
    ldp x1, x2, [x0]
    msr fpsr, x1
    msr fpcr, x2
    ret
