// EL2 keeps a list register in memory, and reads it behind an exit only if ICH_ELRSR_EL2 does not say that it is empty: then
// it clears the state of its copy. So the copy must have been loaded.
// options: --rules GIC-STATE,DEFER,WRONG-SLOT,LOST,LEAK
// case: clean
// case -DTAKES: clean
// case -DDROPS @empties: DEFER ICH_ELRSR_EL2 of vm1/vcpu0
// case -DDROPS -DSTATE=2: clean
// case -DDROPS -DDISABLED: clean
#ifndef STATE
#define STATE 1
#endif
#define HAS_SETUP
#include "gic.inc"
#include "hv.inc"

handle: // X6 counts the calls; behind it the copy
        add     x5, x0, #FRAME_MORE
        ldr     x6, [x5]
        add     x6, x6, #1
        str     x6, [x5]
        mrs     x2, ich_elrsr_el2
        tbz     x2, #0, 1f
        ldr     x2, [x5, #8]
        and     x2, x2, #0x3fffffffffffffff
empties: str    x2, [x5, #8]
        b       2f
1:      mrs     x2, ich_lr0_el2
        str     x2, [x5, #8]
2:      msr     ich_lr0_el2, xzr
#ifdef DISABLED                                 // it is no longer wanted
        cmp     x6, #1
        b.hi    3f
#endif
        cmp     x6, #2
        b.hi    3f
        ldr     x2, =STATE << 62 | 1 << 60 | 0xa0 << 48 | 40
#ifdef DISABLED
        and     x2, x2, #0x3fffffffffffffff
#endif
        str     x2, [x5, #8]
3:      ldr     x2, [x5, #8]
#ifndef DROPS
        msr     ich_lr0_el2, x2
#endif
        mov     x2, #1
        msr     ich_hcr_el2, x2
        ret

guest:
        hvc     #0
#ifdef TAKES
        mrs     x2, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     s3_0_c12_c12_1, x2              // ICC_EOIR1_EL1
#endif
        hvc     #0
        hvc     #0
        hvc     #99
