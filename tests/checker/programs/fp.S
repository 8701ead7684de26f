// Two virtual CPUs take turns; each has numbers of its own in V0, V31, FPSR and FPCR.
// case: clean
// case -DNO_RESTORE @do_eret: FP-OWNER v0 of vm
// case -DNEW @do_eret: LEAK v0 of vm1/vcpu1
// case -DNO_FPSR @do_eret: FP-OWNER FPSR of vm
// case -DNO_FPCR @do_eret: FP-OWNER FPCR of vm
// case -DNEON @neon: LOST v0 of vm
// case -DNEON -DBEFORE: clean
// case -DNEON -DRESTORED: clean
// case -DTRAPPED -DNO_RESTORE: clean
// case -DLAZY: clean
// case -DLAZY -DNEON -DBEFORE: clean
// case -DLAZY -DOPEN @do_eret: FP-OWNER v0 of vm
#include "frame.inc"

#define FRAME_OTHER FRAME_MORE
#define FRAME_FPSR (FRAME_MORE + 8)
#define FRAME_FPCR (FRAME_MORE + 16)
#define FRAME_V 512
#define TRAP (1 << 10)                          // CPTR_EL2.TFP

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        mov     x2, #2
        str     x2, [x1, #FRAME_X(24)]          // FPSR.DZC
#ifdef TRAPPED
        mov     x2, #TRAP
        msr     cptr_el2, x2
#endif
        .endm
#include "hv.inc"

        .macro  save frame
        add     x5, \frame, #FRAME_V
        stp     q0, q31, [x5]
        mrs     x4, fpsr
        str     x4, [\frame, #FRAME_FPSR]
        mrs     x4, fpcr
        str     x4, [\frame, #FRAME_FPCR]
        .endm

        .macro  load frame
        add     x5, \frame, #FRAME_V
        ldp     q0, q31, [x5]
#ifndef NO_FPSR
        ldr     x4, [\frame, #FRAME_FPSR]
        msr     fpsr, x4
#endif
#ifndef NO_FPCR
        ldr     x4, [\frame, #FRAME_FPCR]
        msr     fpcr, x4
#endif
        .endm

handle: // X0: who leaves, or traps; X1: the syndrome
#ifdef LAZY
        lsr     x2, x1, #26
        cmp     x2, #7                          // FP is trapped: it gets the registers
        b.ne    1f
        msr     cptr_el2, xzr
        isb
        adrp    x6, owner
        add     x6, x6, :lo12:owner
        ldr     x7, [x6]
        cmp     x7, x0
        b.eq    2f
        cbz     x7, 3f
        save    x7
3:      load    x0
        str     x0, [x6]
2:      ret
1:
#endif
        ldr     x3, [x0, #FRAME_OTHER]
#if defined(NEON) && !defined(BEFORE)
#ifdef RESTORED
        adrp    x2, scratch
        str     q0, [x2, #:lo12:scratch]
#endif
neon:   movi    v0.16b, #0x55                   // a softirq
#ifdef RESTORED
        ldr     q0, [x2, #:lo12:scratch]
#endif
#endif
#if !defined(TRAPPED) && !defined(LAZY)
        save    x0
#endif
#if defined(NEON) && defined(BEFORE) && !defined(LAZY)
        movi    v0.16b, #0x55
#endif
#if !defined(TRAPPED) && !defined(LAZY)
        ldr     x7, [x0, #FRAME_X(22)]          // 4 at the first exit of each
#ifdef NEW
        adrp    x2, frame
        cmp     x0, x2
        ccmp    x7, #4, #0, eq
        b.eq    1f
#endif
#ifdef NO_RESTORE
        cmp     x7, #4
        b.ne    1f
#endif
        load    x3
1:
#endif
#ifdef LAZY
        mov     x4, #TRAP                       // unless they are its own
        adrp    x6, owner
        ldr     x7, [x6, #:lo12:owner]
        cmp     x7, x3
        csel    x4, xzr, x4, eq
#ifdef OPEN                                     // from the second exit on
        ldr     x7, [x0, #FRAME_X(22)]
        cmp     x7, #4
        csel    x4, x4, xzr, eq
#endif
        msr     cptr_el2, x4
#endif
        become  x3
        ret

guest:  // X21: a number that the other does not have
        add     x21, x21, #1
        mov     x22, #4
1:
#ifndef TRAPPED
        add     x23, x21, x22, lsl #8
        fmov    d0, x23
        add     x23, x23, #1
        fmov    d31, x23
        msr     fpsr, x24
        lsl     x23, x24, #22                   // FPCR.RMode
        msr     fpcr, x23
#endif
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 8
owner:  .quad   frame
        .balign 16
scratch: .skip  16
        .balign 4096
second: .skip   4096
