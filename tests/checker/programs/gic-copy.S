// A world with the memory-mapped interface (ICC_SRE_EL1.SRE 0); and a copy of ICH_ELRSR_EL2 in memory that is used when an
// entry was given up behind the writes of list registers.
// options: --gic gicv=1
// case -DSRE: clean
// case -DENABLE=0: clean
// case @do_eret: GIC-STATE ICC_SRE_EL2 of vm1/vcpu0
// case -DSRE -DCOPY @use: STALE-READ ICH_ELRSR_EL2
// case -DSRE -DCOPY -DAGAIN: clean
// case -DSRE -DCOPY -DNOT_GIVEN_UP: clean
#include "frame.inc"

#define FRAME_ELRSR FRAME_MORE

#define HAS_SETUP
        .macro setup
#ifdef SRE
        mov     x1, #7
        msr     icc_sre_el1, x1
#else
#ifndef ENABLE
#define ENABLE 8
#endif
        mov     x1, #(1 | ENABLE)               // SRE
        msr     icc_sre_el2, x1
        isb
        mov     x1, #0
        msr     icc_sre_el1, x1
#endif
        isb
        .endm
#include "hv.inc"

handle:
#ifdef COPY
        mrs     x4, ich_elrsr_el2
        str     x4, [x0, #FRAME_ELRSR]
        ldr     x2, =1 << 62 | 1 << 60 | 40
        msr     ich_lr0_el2, x2
#ifndef NOT_GIVEN_UP
        msr     daifclr, #2                     // somebody else is to run
        isb
        msr     daifset, #2
#endif
#ifdef AGAIN
        mrs     x4, ich_elrsr_el2
        str     x4, [x0, #FRAME_ELRSR]
#endif
        ldr     x4, [x0, #FRAME_ELRSR]
use:    tbz     x4, #0, 1f
1:      msr     ich_lr0_el2, xzr
#else
        dsb     sy
#endif
        ret

guest:  mov     x22, #3
1:      hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99
