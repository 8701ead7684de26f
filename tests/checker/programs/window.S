// Two worlds take turns, and in the middle of a switch EL2 takes an exception (its own HVC), whose handler changes a register
// of the group.
// case: clean
// case -DTAKEN: clean
// case -DTAKEN -DPUTS_BACK: clean
// case -DTAKEN -DCHANGES @change: WINDOW CONTEXTIDR_EL1 of vm +
// case -DTAKEN -DSAVES -DCHANGES @change: WINDOW CONTEXTIDR_EL1 of vm +
// case -DEARLY -DCHANGES: clean
// case -DSAVES -DSWITCHES: clean
#include "frame.inc"

#define FRAME_A FRAME_MORE
#define FRAME_B (FRAME_MORE + 8)
#define FRAME_OTHER (FRAME_MORE + 16)
#define FRAME_C (FRAME_MORE + 24)

#define OWN_VECTOR own_handler
#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        .endm
#include "hv.inc"

own_handler:
        stp     x4, x5, [sp, #-16]!
#ifdef SWITCHES                                 // to another thread of EL2's, which has a value of its own
        mov     x5, #0x99
        msr     contextidr_el1, x5
        adr     x5, thread
        msr     elr_el2, x5
#elif defined(PUTS_BACK)
        mrs     x4, contextidr_el1
        mov     x5, #0x99
        msr     contextidr_el1, x5
        msr     contextidr_el1, x4
#elif defined(CHANGES)
        mov     x5, #0x99
change: msr     contextidr_el1, x5
#else
        mrs     x4, contextidr_el1
#endif
        ldp     x4, x5, [sp], #16
        eret

#ifdef SWITCHES                                 // X7, X10: of who has been interrupted
thread: mrs     x4, contextidr_el1
        str     x4, [sp, #-16]!
        add     sp, sp, #16
        msr     contextidr_el1, x7
        br      x10
#endif

        .macro  window
#ifdef SWITCHES
        mrs     x7, contextidr_el1
        adr     x10, 1f
#endif
        mrs     x8, elr_el2
        mrs     x9, spsr_el2
        hvc     #5
1:      msr     elr_el2, x8
        msr     spsr_el2, x9
        .endm

handle:
        ldr     x3, [x0, #FRAME_OTHER]
        mrs     x4, tpidr_el1
        str     x4, [x0, #FRAME_A]
#ifdef SAVES
        window
#endif
        mrs     x4, contextidr_el1
        str     x4, [x0, #FRAME_B]
        mrs     x4, vbar_el1
        str     x4, [x0, #FRAME_C]
#ifdef EARLY                                    // all is saved, and nothing restored
        window
#endif
        ldr     x4, [x3, #FRAME_B]
        msr     contextidr_el1, x4
#if defined(TAKEN) && !defined(SAVES)
        window
#endif
        ldr     x4, [x3, #FRAME_A]
        msr     tpidr_el1, x4
        ldr     x4, [x3, #FRAME_C]
        msr     vbar_el1, x4
        msr     tpidr_el2, x3
        mrs     x4, vmpidr_el2
        eor     x4, x4, #1
        msr     vmpidr_el2, x4
        isb
        tlbi    vmalle1                         // they share a VMID
        dsb     nsh
        ret

guest:  // X21: a number that the other does not have
        add     x21, x21, #1
        mov     x22, #4
1:      add     x23, x21, x22, lsl #8
        msr     tpidr_el1, x23
        add     x23, x23, #1
        msr     contextidr_el1, x23
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
