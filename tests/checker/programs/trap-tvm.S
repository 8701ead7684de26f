// A guest's writes of TCR_EL1 trap (HCR_EL2.TVM), and go to its slot. On each way back EL2 switches table walks off by EPD0 and
// EPD1 while it restores, as for errata of speculative translations, and writes the guest's own value last.
// case: clean
// case -DNO_LAST @walks_off: CLOBBER TCR_EL1 of vm1/vcpu0
// EL2 forgets the write.
// case -DDROPS @do_eret: LOST TCR_EL1 of vm1/vcpu0
// EL2 does not let it have HA and HD: that is what it gets each time.
// case -DKEEPS: clean
#define HAS_SETUP
        .macro setup
        ldr     x2, =0x80080039 | 1 << 26       // TVM
        msr     hcr_el2, x2
        .endm
#include "hv.inc"

handle: // X0: frame, X1: syndrome
        dsb     nsh                             // of its table walks
        lsr     x2, x1, #26
        cmp     x2, #0x18                       // the MSR
        mrs     x4, tcr_el1
        b.ne    1f
        ldr     x5, [x0, #FRAME_ELR]
        add     x5, x5, #4
        str     x5, [x0, #FRAME_ELR]
#ifndef DROPS
        ldr     x4, [x0, #FRAME_X(1)]
#endif
#ifdef KEEPS
        and     x4, x4, #~(3 << 39)
#endif
1:      str     x4, [x0, #FRAME_MORE]
        ldr     x4, [x0, #FRAME_MORE]
        orr     x5, x4, #1 << 23                // EPD1
        orr     x5, x5, #1 << 7                 // EPD0
walks_off:
        msr     tcr_el1, x5
        isb
#ifndef NO_LAST
        msr     tcr_el1, x4
#endif
        ret

guest:  hvc     #0
        ldr     x1, =3 << 39 | 25
        msr     tcr_el1, x1
        hvc     #0
        mov     x1, #16
        msr     tcr_el1, x1
        mrs     x2, tcr_el1
        hvc     #99
