// Two virtual CPUs of one VM take turns on a CPU, and with them a timer: its control register is to come last, behind
// what it compares.
// case -DTIMER=v: clean
// case -DTIMER=v -DEARLY @on: WINDOW CNTV_CTL_EL0 of vm1/vcpu
// case -DTIMER=v -DEARLY -DAGAIN @on: WINDOW CNTV_CTL_EL0 of vm1/vcpu
// case -DTIMER=v -DEARLY -DOFF: clean
// case -DTIMER=v -DEARLY -DMASKED: clean
// case -DTIMER=v -DOFFSET @do_eret: TRAPCFG CNTVOFF_EL2 of vm1/vcpu
// case -DTIMER=v -DOFFSET -DLATE @on: WINDOW CNTV_CTL_EL0 of vm1/vcpu +
// case -DTIMER=v -DOFFSET -DSTANDS: clean
// case -DTIMER=v -DOFFSET -DSTANDS -DLATE @on: WINDOW CNTV_CTL_EL0 of vm1/vcpu
// case -DTIMER=p: clean
// case -DTIMER=p -DEARLY @on: WINDOW CNTP_CTL_EL0 of vm1/vcpu
#include "frame.inc"

#define NAME_(x, y) cnt##x##_##y
#define NAME(x, y) NAME_(x, y)
#define CTL NAME(TIMER, ctl_el0)
#define CVAL NAME(TIMER, cval_el0)
#define FRAME_OTHER FRAME_MORE
#define FRAME_CTL (FRAME_MORE + 8)
#define FRAME_CVAL (FRAME_MORE + 16)
#define FRAME_OFFSET (FRAME_MORE + 24)
#ifdef MASKED
#define ON 3
#elif defined(OFF)
#define ON 0
#else
#define ON 1
#endif

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        mov     x2, #3                          // the physical timer too
        msr     cnthctl_el2, x2
#ifdef OFFSET
        mov     x2, #0x1000
        str     x2, [x1, #FRAME_OFFSET]
#endif
        msr     cntvoff_el2, xzr
        .endm
#include "hv.inc"

handle: // X0: who leaves; X3 will be who comes
        ldr     x3, [x0, #FRAME_OTHER]
        mrs     x4, CTL
        str     x4, [x0, #FRAME_CTL]
        msr     CTL, xzr
        mrs     x4, CVAL
        str     x4, [x0, #FRAME_CVAL]
        ldr     x4, [x3, #FRAME_CTL]
        ldr     x5, [x3, #FRAME_CVAL]
        ldr     x6, [x3, #FRAME_OFFSET]
#ifdef STANDS                                   // its time has stood still while it was out
        add     x6, x6, #0x10
        str     x6, [x3, #FRAME_OFFSET]
#endif
#ifndef LATE
        msr     cntvoff_el2, x6
#endif
#ifdef EARLY
on:     msr     CTL, x4
        msr     CVAL, x5
#ifdef AGAIN
        msr     CTL, x4
#endif
#else
        msr     CVAL, x5
        isb
on:     msr     CTL, x4
#endif
#ifdef LATE
        msr     cntvoff_el2, x6
#endif
        become  x3
        ret

guest:  // X21: a number that the other does not have
        movz    x22, #0x4000, lsl #32           // much later
1:      add     x22, x22, x21, lsl #20
        msr     CVAL, x22
        mov     x23, #ON
        msr     CTL, x23
        hvc     #0
        add     x21, x21, #1
        tbz     x21, #2, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
