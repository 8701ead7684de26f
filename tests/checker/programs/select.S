// CSSELR_EL1 is not switched where its accesses trap, for it is seen through them alone: what a guest gets is EL2's to say, and
// what the CPU has is another's. A guest that could write it itself before has a value there.
// case: clean
// case -DOWN @do_eret: STALE-READ CSSELR_EL1 of vm1/vcpu0
#define HAS_SETUP
        .macro setup
#ifndef OWN
        bl      trap
#endif
        .endm
#include "hv.inc"

trap:   mrs     x1, hcr_el2
        orr     x1, x1, #1 << 17                // TID2
        msr     hcr_el2, x1
        ret

handle: // X0: frame, X1: syndrome
        lsr     x2, x1, #26
        cmp     x2, #0x18                       // MSR, MRS
        b.ne    trap
        ldr     x4, [x0, #FRAME_ELR]
        add     x4, x4, #4
        str     x4, [x0, #FRAME_ELR]
        mov     x4, #4
        str     x4, [x0, #FRAME_X(7)]
        ret

guest:
#ifdef OWN
        mov     x1, #2
        msr     csselr_el1, x1
#endif
        hvc     #0
        mrs     x7, csselr_el1
        hvc     #99
