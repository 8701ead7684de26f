// The OS Lock is written by OSLAR_EL1 and read as OSLSR_EL1.OSLK: a guest locks, and another one, or itself, comes next.
// case -DSECOND @do_eret: LEAK OSLSR_EL1 of vm1/vcpu1
// case -DSECOND -DSWITCHED: clean
// case -DSECOND -DTRAPS: clean
// case -DUNLOCKS @unlock: LOST OSLSR_EL1 of vm1/vcpu0
// case -DUNLOCKS -DRESTORES: clean
#define HAS_SETUP
        .macro setup
        msr     oslar_el1, xzr
        .endm
#include "hv.inc"

handle:
#if defined(UNLOCKS) || defined(SWITCHED)
        mrs     x4, oslsr_el1
#ifdef RESTORES
        str     x4, [x0, #FRAME_MORE]
#endif
unlock: msr     oslar_el1, xzr
#endif
#ifdef RESTORES
        ldr     x4, [x0, #FRAME_MORE]
        ubfx    x4, x4, #1, #1
        msr     oslar_el1, x4
#endif
#ifdef TRAPS
        mov     x4, #1 << 10 | 6                // TDOSA; HPMN
        msr     mdcr_el2, x4
#endif
#ifdef SECOND
        ldr     x4, =0x80000001
        msr     vmpidr_el2, x4
        tlbi    vmalle1
        dsb     nsh
#endif
        ret

guest:  mov     x2, #1
        msr     oslar_el1, x2
        hvc     #0
        hvc     #99
