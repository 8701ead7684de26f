// EL2 is interrupted, and goes on: its registers and PSTATE are as they were, whatever its handler does. A handler of a BRK may
// change what the program has, and that of an interrupt may let it go on elsewhere.
// case: clean
// case -DSPOILS @back: CLOBBER x9
// case -DFLAGS @back: PC SPSR_EL2
// case -DMASKS @back: PC SPSR_EL2
// case -DSPOILS -DELSEWHERE: clean
// case -DSPOILS -DBREAKS: clean
// case -DSWITCHES: clean
// case -DSWITCHES -DSPOILS @back: CLOBBER x9
#define HAS_SETUP
        .macro setup
        own_ppi 1                               // an SGI
        .endm
#define OWN_VECTOR own_vector
#include "hv.inc"

own_vector:
        stp     x0, x1, [sp, #-32]!
        mrs     x0, elr_el2
        mrs     x1, spsr_el2
        stp     x0, x1, [sp, #16]
#ifndef BREAKS
        mrs     x0, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     s3_0_c12_c12_1, x0              // ICC_EOIR1_EL1
#endif
#ifdef SWITCHES                                 // to another task of EL2's, which is interrupted too, and back
        mov     x1, sp
        adrp    x0, task_stack
        mov     sp, x0
        str     x1, [sp, #-16]!
        ldr     x0, =1 << 24 | 1
        adr     x1, inner
        msr     vbar_el2, x1
        msr     s3_0_c12_c11_5, x0
        isb
        msr     daifclr, #2
        nop
        msr     daifset, #2
        adrp    x1, vectors
        add     x1, x1, :lo12:vectors
        msr     vbar_el2, x1
        ldr     x1, [sp], #16
        mov     sp, x1
#endif
        ldp     x0, x1, [sp, #16]
#ifdef SPOILS
        add     x9, x9, #1
#endif
#ifdef FLAGS
        eor     x1, x1, #1 << 30
#endif
#ifdef MASKS
        eor     x1, x1, #1 << 7
#endif
#ifdef BREAKS
        add     x0, x0, #4
#endif
#ifdef ELSEWHERE
        adr     x0, elsewhere
#endif
        msr     elr_el2, x0
        msr     spsr_el2, x1
        ldp     x0, x1, [sp], #32
back:   eret

        .balign 0x800
inner:  .skip   0x280
        stp     x0, x1, [sp, #-16]!
        mrs     x0, s3_0_c12_c12_0
        msr     s3_0_c12_c12_1, x0
        ldp     x0, x1, [sp], #16
        eret

handle: mov     x9, #9
        mov     x2, #0
        mov     x3, #0
        mov     x4, #0
#ifdef BREAKS
        brk     #1
#else
        ldr     x2, =1 << 24 | 1
        msr     s3_0_c12_c11_5, x2              // ICC_SGI1R_EL1: to this CPU
        isb
        msr     daifclr, #2
        nop
        nop
        msr     daifset, #2
#endif
elsewhere:
        ret

guest:  hvc     #0
        hvc     #99

        .section .data
        .balign 4096
        .skip   4096
task_stack:
        .skip   16
