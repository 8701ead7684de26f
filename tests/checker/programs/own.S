// Two worlds on one CPU take turns: their TPIDR_EL1, CONTEXTIDR_EL1 and V8 are switched by `handle`, in one way that is
// right and in some that are not.
// case: clean
// case -DEMULATE: clean
// case -DLEFT_ZERO: clean
// case -DNO_SAVE @restore_a: LOST TPIDR_EL1 of vm
// case -DNO_RESTORE @do_eret: LEAK TPIDR_EL1 of vm
// case -DNEVER @do_eret: UNSAVED TPIDR_EL1 of vm
// case -DFOREIGN @late_save: FOREIGN-SAVE TPIDR_EL1 of vm +
// case -DWRONG_WORLD @restore_a: WRONG-SLOT TPIDR_EL1 of vm
// case -DWRONG_REGISTER @restore_a: WRONG-SLOT TPIDR_EL1 of vm
// case -DWRONG_SAVE @save_b: WRONG-SLOT TPIDR_EL1 of vm
// case -DCLOBBER_A @clobber: CLOBBER TPIDR_EL1 of vm
// case -DSTALE @restore_a: STALE-RESTORE TPIDR_EL1 of vm
// case -DWFI: clean
// case -DWFI -DOVERWRITTEN @overwrite: LOST TPIDR_EL1 of vm
// case -DOVERWRITTEN: clean
// case -DNO_FP @do_eret: FP-OWNER v8 of vm
// case -DNO_TRAPS @do_eret: TRAPCFG MDCR_EL2 of vm
#include "frame.inc"

#define FRAME_A FRAME_MORE
#define FRAME_B (FRAME_MORE + 8)
#define FRAME_OTHER (FRAME_MORE + 16)
#define FRAME_OLD (FRAME_MORE + 24)
#define FRAME_MDCR (FRAME_MORE + 32)
#define FRAME_V 512

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        mov     x2, #0x26                       // TPMCR in one, HPMN 6
        str     x2, [x1, #FRAME_MDCR]
        mov     x2, #0x46                       // TPM in the other
        str     x2, [x0, #FRAME_MDCR]
        msr     mdcr_el2, x2
#ifdef WFI
        mrs     x2, hcr_el2
        orr     x2, x2, #1 << 13                // TWI
        msr     hcr_el2, x2
#endif
#ifdef LEFT_ZERO // the first world makes it zero; nobody switches it, and the second one has zero too
        mov     x2, #9
        msr     afsr1_el1, x2
#endif
        .endm
#include "hv.inc"

handle: // X0: who leaves; X3 will be who comes
        ldr     x3, [x0, #FRAME_OTHER]
#ifdef WFI
        ldr     x4, [x0, #FRAME_ELR]
        add     x4, x4, #4
        str     x4, [x0, #FRAME_ELR]
#endif
#ifdef EMULATE
        ldr     x2, [x3, #FRAME_A]              // of a world whose copy in memory is the truth
        add     x2, x2, #0
        str     x2, [x3, #FRAME_A]
#endif
        ldr     x7, [x0, #FRAME_X(22)]          // 4, 3, 2, 1: some do it right at first
#ifndef NEVER
#ifdef FOREIGN
        cmp     x7, #3
        b.lt    1f
#endif
#ifndef NO_SAVE
        mrs     x4, tpidr_el1
#ifdef STALE
        str     x4, [x0, #FRAME_OLD]
        ldr     x5, [x0, #FRAME_A]
        cbnz    x5, 1f
#endif
save_a: str     x4, [x0, #FRAME_A]
1:
#endif
#endif
#ifdef OVERWRITTEN                              // a call may ask for it
        mov     x4, #0x5000
overwrite: str  x4, [x0, #FRAME_A]
#endif
        mrs     x4, contextidr_el1
#ifdef WRONG_SAVE
save_b: str     x4, [x0, #FRAME_A]
#endif
        str     x4, [x0, #FRAME_B]
        add     x5, x0, #FRAME_V
        str     q8, [x5]
#ifndef NEVER
#if defined(WRONG_WORLD)
        ldr     x4, [x0, #FRAME_A]
#elif defined(WRONG_REGISTER)
        ldr     x4, [x3, #FRAME_B]
#else
        ldr     x4, [x3, #FRAME_A]
#endif
#ifdef CLOBBER_A
        mov     x4, #0x77
clobber: msr    tpidr_el1, x4
#elif !defined(NO_RESTORE)
restore_a: msr  tpidr_el1, x4
#endif
#endif
#ifdef FOREIGN
        mrs     x4, tpidr_el1
        cmp     x7, #3
        b.ge    2f
late_save: str  x4, [x0, #FRAME_A]
2:
#endif
        ldr     x4, [x3, #FRAME_B]
        msr     contextidr_el1, x4
#ifdef NO_FP
        cmp     x7, #3
        b.le    4f
#endif
        add     x5, x3, #FRAME_V
        ldr     q8, [x5]
4:
#ifdef NO_TRAPS
        cmp     x7, #3
        b.lt    3f
#endif
        ldr     x4, [x3, #FRAME_MDCR]
        msr     mdcr_el2, x4
3:
        become  x3
        ret

guest:  // X21: a number that the other does not have
#ifdef LEFT_ZERO
        msr     afsr1_el1, xzr
#endif
        add     x21, x21, #1
        mov     x22, #4
1:      add     x23, x21, x22, lsl #8
        msr     tpidr_el1, x23
        add     x23, x23, #1
        msr     contextidr_el1, x23
        add     x23, x23, #1
        fmov    d8, x23
#ifdef WFI
        wfi
#else
        hvc     #0
#endif
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
