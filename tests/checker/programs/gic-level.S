// The guest's virtual timer is a level: when the guest has ended its interrupt and the timer asks still, it is pending again. With
// the list register's HW the GIC sees to that; else EL2 deactivates the physical one, or looks at the timer itself.
// options: --rules GIC-STATE,LOST,LEAK,HANDOVER
// case: clean
// case -DSOFTWARE @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu0
// case -DSOFTWARE -DRESAMPLES: clean
// case -DSOFTWARE -DENDS: clean
// case -DSOFTWARE -DMASKS: clean
// case -DSOFTWARE -DDISABLES: clean
#define HAS_SETUP
        .macro setup
        mov     x1, #7
        msr     icc_sre_el1, x1
        isb
        ldr     x1, =0xff040002                 // priority mask, VBPR1 1, VENG1
        msr     ich_vmcr_el2, x1
        mov     x1, #1
        msr     ich_hcr_el2, x1
        mov     x1, #2                          // EOImode: ICC_EOIR1_EL1 only drops the priority
        msr     s3_0_c12_c12_4, x1
        msr     cntvoff_el2, xzr
        msr     cntv_ctl_el0, xzr
        own_ppi 27
        .endm
#include "hv.inc"
#define TIMER (1 << 62 | 1 << 60 | 0xa0 << 48 | 27)

handle:
        lsr     x2, x1, #26
        cmp     x2, #0x24
        b.ne    1f
        ldr     x2, [x0, #FRAME_ELR]            // of a frame, say
        add     x2, x2, #4
        str     x2, [x0, #FRAME_ELR]
        ret
1:      mrs     x2, s3_0_c12_c12_0              // ICC_IAR1_EL1
        cmp     x2, #27
        b.ne    2f
        msr     s3_0_c12_c12_1, x2              // ICC_EOIR1_EL1
#ifdef SOFTWARE
        ldr     x3, =TIMER
#ifdef ENDS                                     // at once, and the timer is masked
        msr     s3_0_c12_c11_1, x2              // ICC_DIR_EL1
        mov     x4, #3
        msr     cntv_ctl_el0, x4
#endif
#else
        ldr     x3, =TIMER | 1 << 61 | 27 << 32 // HW
#endif
        msr     ich_lr0_el2, x3
        ret
2:
#ifdef RESAMPLES
        mrs     x2, ich_lr0_el2
        lsr     x2, x2, #62
        cbnz    x2, 3f
        mrs     x2, cntv_ctl_el0
        cmp     x2, #5
        b.ne    3f
        ldr     x3, =TIMER
        msr     ich_lr0_el2, x3
3:
#endif
        ret

guest:  // its timer's time has come
        msr     cntv_cval_el0, xzr
        mov     x1, #1
        msr     cntv_ctl_el0, x1
        isb
        mov     x22, #12
1:      mrs     x1, s3_0_c12_c12_0              // ICC_IAR1_EL1
        cmp     x1, #27
        b.ne    2f
        msr     s3_0_c12_c12_1, x1
2:
#ifdef MASKS                                    // as a handler does
        mov     x1, #3
        msr     cntv_ctl_el0, x1
#endif
#ifdef DISABLES                                 // in a frame of the redistributor
        cmp     x22, #10
        b.ne    3f
        ldr     x1, =0x100000000                // not mapped
        ldr     w2, [x1]
3:
#endif
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99
