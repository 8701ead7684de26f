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
// case -DUSES=1: clean
// case -DUSES=1 -DDIRTIES=1 @back: FP-OWNER v8
// case -DUSES=1 -DDIRTIES=1 -DPUTS_BACK: clean
// case -DUSES=2 -DDIRTIES=1 @back: FP-OWNER v8
// case -DDIRTIES=1: clean
// case -DUSES=3: clean
// case -DUSES=3 -DDIRTIES=2 @back: CLOBBER SP_EL0
// case -DUSES=3 -DDIRTIES=2 -DPUTS_BACK: clean
// case -DDIRTIES=2: clean
#ifndef USES
#define USES 0                                  // 1: V8, 2: V8 by a store, 3: SP_EL0
#endif
#ifndef DIRTIES
#define DIRTIES 0                               // 1: V8, 2: SP_EL0 is the guest's
#endif
#define HAS_SETUP
        .macro setup
        own_ppi 1                               // an SGI
        .endm
#define FRAME_Q8 (FRAME_MORE + 8)
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
#if DIRTIES == 1
        fmov    x1, d8
        fmov    d8, x0
#ifdef PUTS_BACK
        fmov    d8, x1
#endif
#elif DIRTIES == 2
        mrs     x1, sp_el0
        mov     x0, #0x5555
        msr     sp_el0, x0
#ifdef PUTS_BACK
        msr     sp_el0, x1
#endif
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
        str     q8, [x0, #FRAME_Q8]
#if USES == 1 || USES == 2
        fmov    d8, x9
#elif USES == 3
        mrs     x10, sp_el0
        msr     sp_el0, x9
#endif
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
#if USES == 1
        fmov    x9, d8
#elif USES == 2
        str     d8, [sp, #-16]!
        add     sp, sp, #16
#elif USES == 3
        mrs     x9, sp_el0
#endif
#if USES == 3 || DIRTIES == 2
        mov     x9, #0x5555                     // what the guest has
        msr     sp_el0, x9
#endif
        ldr     q8, [x0, #FRAME_Q8]
        ret

guest:  mov     x0, #0x5555
        msr     sp_el0, x0
        hvc     #0
        hvc     #99

        .section .data
        .balign 4096
        .skip   4096
task_stack:
        .skip   16
