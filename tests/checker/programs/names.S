// Two virtual CPUs take turns on a CPU, each with a frame of its own, and what tells them apart: VMPIDR_EL2 where they are of
// one VM, VTTBR_EL2 where they are of two.
// case: clean
// case -DSAME @do_eret: TRAPCFG VMPIDR_EL2 of vm1/vcpu0#2
// case -DSAME -DALONE: clean
// case -DLATE=9: clean
// case -DLATE=2 @do_eret: TRAPCFG VMPIDR_EL2 of vm1/vcpu1
// case -DTABLES: clean
// case -DTABLES -DSAME @do_eret: TRAPCFG VTTBR_EL2 of vm1/vcpu0#2
// case -DOFF @do_eret: TRAPCFG HCR_EL2 of host/cpu0 +
// case -DMIDR=0: clean
// case -DMIDR=1 @msr_vpidr: TRAPCFG VPIDR_EL2 of vm1/vcpu0
#include "frame.inc"

#define FRAME_OTHER FRAME_MORE
#define FRAME_TPIDR (FRAME_MORE + 8)

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
#ifdef ALONE                                    // it takes turns with itself
        str     x0, [x0, #FRAME_OTHER]
#endif
#ifdef TABLES
        adrp    x1, stage2
        adrp    x2, other_stage2
        ldp     x3, x4, [x1]
        stp     x3, x4, [x2]
        dsb     ish
#endif
#ifdef OFF
        ldr     x1, =0x80080018
        msr     hcr_el2, x1
#endif
#ifdef MIDR
        mrs     x1, midr_el1
        msr     vpidr_el2, x1
#endif
        .endm
#include "hv.inc"

handle: // X0: who leaves
#ifdef MIDR
        mrs     x3, vpidr_el2
        add     x3, x3, #MIDR
msr_vpidr: msr  vpidr_el2, x3
        ret
#endif
        ldr     x3, [x0, #FRAME_OTHER]
        msr     tpidr_el2, x3
#ifdef TABLES
        dsb     nsh                             // walks of who has left
        mrs     x4, vmpidr_el2
        msr     vmpidr_el2, x4
#ifndef SAME
        adrp    x4, frame
        adrp    x5, stage2
        adrp    x6, other_stage2
        orr     x5, x5, #1 << 48
        orr     x6, x6, #2 << 48
        cmp     x3, x4
        csel    x5, x5, x6, eq
        msr     vttbr_el2, x5
#endif
#elif defined(LATE)                             // after so many turns both have one name
        mrs     x4, tpidr_el1
        str     x4, [x0, #FRAME_TPIDR]
        ldr     x4, [x3, #FRAME_TPIDR]
        msr     tpidr_el1, x4
        adrp    x4, frame
        cmp     x3, x4
        cset    x5, ne
        ldr     x4, [x3, #FRAME_X(22)]
        cmp     x4, #4 - LATE
        csel    x5, xzr, x5, eq
        mov     x4, #0x80000000
        orr     x4, x4, x5
        msr     vmpidr_el2, x4
#elif !defined(SAME)
        mrs     x4, vmpidr_el2
        eor     x4, x4, #1
        msr     vmpidr_el2, x4
#endif
        isb
        tlbi    vmalle1                         // what the other has translated
        dsb     nsh
        ret

guest:
        mov     x22, #4
        mov     x23, #5
#ifdef LATE
        add     x1, x21, #0x1000
        msr     tpidr_el1, x1
#endif
1:      hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
other_stage2:
        .skip   4096
