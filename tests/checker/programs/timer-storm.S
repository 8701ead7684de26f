// A guest's virtual timer fires: EL2 takes the interrupt and leaves the timer as it is, so that it comes again and again. And a
// guest waits for its timer, whose control register EL2 overwrites.
// options: --rules HANDOVER,LOST,UNSAVED
// case: HANDOVER CNTV_CTL_EL0 of vm1/vcpu0
// case -DLEAVES: HANDOVER CNTV_CTL_EL0 of vm1/vcpu0
// case -DMASKS: clean
// case -DOWN @own_irq: HANDOVER CNTV_CTL_EL0 of vm1/vcpu0
// case -DOWN -DMASKS: clean
// case -DWAITS @off: LOST CNTV_CTL_EL0 of vm1/vcpu0
// case -DWAITS -DSAVES: clean
// case -DWAITS -DREADS: clean
// case -DWAITS -DMASKED: clean
// case -DWAITS -DSAVES -DIDLES @off: HANDOVER CNTV_CTL_EL0 of vm1/vcpu0
// case -DWAITS -DSAVES -DIDLES -DARMS: clean
// case -DWAITS -DSAVES -DIDLES -DARMS -DAFTER=1000: clean
// case -DWAITS -DSAVES -DIDLES -DARMS -DAFTER=70000 @sleeps: HANDOVER CNTV_CTL_EL0 of vm1/vcpu0
// case -DWAITS -DSAVES -DLONG @off: HANDOVER CNTV_CTL_EL0 of vm1/vcpu0
// case -DWAITS -DSAVES -DLONG -DTIMED @off: HANDOVER CNTV_CTL_EL0 of vm1/vcpu0
// case -DWAITS -DSAVES -DLONG -DARMS: clean
#include "frame.inc"

#define FRAME_OTHER FRAME_MORE
#define FRAME_CTL (FRAME_MORE + 8)
#define FRAME_CVAL (FRAME_MORE + 16)
#ifdef OWN
#define OWN_VECTOR own_vector
#endif
#ifndef AFTER
#define AFTER 0                                 // that much later than the world's would
#endif
#ifdef MASKED
#define ON 3
#else
#define ON 1
#endif
#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        msr     cntvoff_el2, xzr
        msr     cntv_ctl_el0, xzr
#ifdef ARMS
        own_ppi 26
#else
        own_ppi 27
#endif
        mrs     x1, hcr_el2
        orr     x1, x1, #1 << 13                // TWI
        msr     hcr_el2, x1
        .endm
#include "hv.inc"

        .macro  take                            // the timer's interrupt, with X2 and X3
#ifndef LEAVES                                  // to somebody else
        mrs     x2, s3_0_c12_c12_0              // ICC_IAR1_EL1
#ifdef MASKS
        mov     x3, #3
        msr     cntv_ctl_el0, x3
#endif
        msr     s3_0_c12_c12_1, x2              // ICC_EOIR1_EL1
        isb
#endif
        .endm

#ifdef OWN
own_vector:
        stp     x2, x3, [sp, #-16]!
own_irq: mrs    x2, s3_0_c12_c12_0
#ifdef MASKS
        mov     x3, #3
        msr     cntv_ctl_el0, x3
#endif
        msr     s3_0_c12_c12_1, x2
        isb
        ldp     x2, x3, [sp], #16
        eret
#endif

handle: // X0: who leaves
#ifdef WAITS                                    // the other one is next, for good
        ldr     x3, [x0, #FRAME_OTHER]
#ifdef SAVES
        mrs     x4, cntv_ctl_el0
        str     x4, [x0, #FRAME_CTL]
#elif defined(READS)                            // it has 32 bits at most, of which one is kept
        mrs     x4, cntv_ctl_el0
        and     x4, x4, #1
        strb    w4, [x0, #FRAME_CTL]
#endif
off:    msr     cntv_ctl_el0, xzr
        mrs     x4, cntv_cval_el0
        str     x4, [x0, #FRAME_CVAL]
        msr     cntv_cval_el0, xzr
#ifdef ARMS                                     // its own timer, which comes when the world's would
        ldr     x5, =AFTER
        add     x4, x4, x5
        msr     cnthp_cval_el2, x4
        mov     x4, #1
        msr     cnthp_ctl_el2, x4
#endif
#ifdef IDLES                                    // nobody else is to run
1:
sleeps: wfi
#ifdef ARMS
        mrs     x4, cnthp_ctl_el2
        tbz     x4, #2, 1b
        ldr     x4, [x0, #FRAME_CVAL]
        msr     cntv_cval_el0, x4
        ldr     x4, [x0, #FRAME_CTL]
        msr     cntv_ctl_el0, x4
        ldr     x4, [x0, #FRAME_ELR]
        add     x4, x4, #4
        str     x4, [x0, #FRAME_ELR]
        ret
#endif
        b       1b
#endif
        become  x3
#elif defined(OWN)
        mov     x4, #200
        msr     daifclr, #2
1:      sub     x4, x4, #1
        cbnz    x4, 1b
        msr     daifset, #2
#else
        lsr     x4, x1, #26
        cmp     x4, #0x16
        b.eq    1f
        take
1:
#endif
        ret

guest:
#ifdef WAITS
        cbnz    x21, 2f                         // the second one
#endif
        mrs     x1, cntvct_el0
        add     x1, x1, #16
        msr     cntv_cval_el0, x1
        mov     x1, #ON
        msr     cntv_ctl_el0, x1
        isb
#ifdef WAITS
        wfi
#else
        mov     x1, #2000
1:      sub     x1, x1, #1
        cbnz    x1, 1b
        hvc     #0
#endif
2:
#ifdef LONG                                     // 1 ms, with a timer of its own perhaps
#ifdef TIMED
        mov     x1, #1 << 40
        msr     cntv_cval_el0, x1
        mov     x1, #1
        msr     cntv_ctl_el0, x1
#endif
        ldr     x1, =600000
3:      sub     x1, x1, #1
        cbnz    x1, 3b
#endif
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
