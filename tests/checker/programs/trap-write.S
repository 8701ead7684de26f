// A guest's DBGBVR0_EL1 is saved, and its next write traps. EL2 puts what was written into the slot and into the CPU, and
// lets the guest at it some exits later only: between the two it saves what is there, which the guest could not see.
// case: clean
// case -DOTHER @do_eret: LEAK DBGBVR0_EL1 of vm1/vcpu0
// The guest's writes trap from the start (-DFIRST).
// case -DFIRST: clean
// case -DFIRST -DFORGETS @do_eret: LEAK DBGBVR0_EL1 of vm1/vcpu0
#ifdef FIRST
#define HAS_SETUP
        .macro setup
        mov     x2, #1 << 9 | 6                 // TDA, HPMN
        msr     mdcr_el2, x2
        .endm
#endif
#include "hv.inc"

handle: // X0: frame, X1: syndrome
        lsr     x2, x1, #26
        cmp     x2, #0x18                       // the MSR
        b.eq    2f
        and     x1, x1, #0xff
        mrs     x4, dbgbvr0_el1
        str     x4, [x0, #FRAME_MORE]
        msr     dbgbvr0_el1, xzr
        cbnz    x1, 1f                          // HVC #1
        mov     x4, #1 << 9 | 6                 // TDA, HPMN
        msr     mdcr_el2, x4
        ret
1:
#ifndef FORGETS
        ldr     x4, [x0, #FRAME_MORE]
        msr     dbgbvr0_el1, x4
#endif
        mov     x4, #6
        msr     mdcr_el2, x4
        ret
2:      ldr     x4, [x0, #FRAME_ELR]
        add     x4, x4, #4
        str     x4, [x0, #FRAME_ELR]
        ldr     x4, [x0, #FRAME_X(1)]
#ifdef OTHER
        mov     x4, #0x6000
#endif
        str     x4, [x0, #FRAME_MORE]
        msr     dbgbvr0_el1, x4
        ret

guest:
#ifndef FIRST
        mov     x1, #0x4000
        msr     dbgbvr0_el1, x1
        hvc     #0
#endif
        mov     x1, #0x5000
        msr     dbgbvr0_el1, x1
        hvc     #1
        mrs     x2, dbgbvr0_el1
        hvc     #99
