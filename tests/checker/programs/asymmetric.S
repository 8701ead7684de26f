// Two worlds take turns, and neither changes CONTEXTIDR_EL1 any more: that one half of a switch leaves it out no value tells.
// case: clean
// case -DNEVER_EQUAL: clean
// case -DNO_SAVE @restore: ASYMMETRIC-SWITCH CONTEXTIDR_EL1 of vm
// case -DNO_RESTORE @do_eret: ASYMMETRIC-SWITCH CONTEXTIDR_EL1 of vm
#include "frame.inc"

#define FRAME_A FRAME_MORE
#define FRAME_OTHER (FRAME_MORE + 16)

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        mov     x2, #5                          // the same in both
        str     x2, [x0, #FRAME_A]
        str     x2, [x1, #FRAME_A]
        msr     contextidr_el1, x2
        .endm
#include "hv.inc"

handle:
        ldr     x3, [x0, #FRAME_OTHER]
        ldr     x7, [x0, #FRAME_X(22)]          // 8 down to 1
#ifndef NO_SAVE
        mrs     x4, contextidr_el1
#endif
#ifdef NO_SAVE
        cmp     x7, #3
        b.eq    1f
        mrs     x4, contextidr_el1
        str     x4, [x0, #FRAME_A]
1:      ldr     x4, [x3, #FRAME_A]
restore: msr    contextidr_el1, x4
#elif defined(NO_RESTORE)
        str     x4, [x0, #FRAME_A]
        cmp     x7, #3
        b.eq    1f
        ldr     x4, [x3, #FRAME_A]
        msr     contextidr_el1, x4
1:
#elif defined(NEVER_EQUAL)                      // who writes what is there already?
        str     x4, [x0, #FRAME_A]
        ldr     x5, [x3, #FRAME_A]
        cmp     x4, x5
        b.eq    1f
        msr     contextidr_el1, x5
1:
#else
        str     x4, [x0, #FRAME_A]
        ldr     x4, [x3, #FRAME_A]
        msr     contextidr_el1, x4
#endif
        msr     tpidr_el2, x3
        mrs     x4, vmpidr_el2
        eor     x4, x4, #1
        msr     vmpidr_el2, x4
        isb
        tlbi    vmalle1                         // they share a VMID
        dsb     nsh
        ret

guest:  mov     x22, #8
        msr     contextidr_el1, x22
1:      hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
