// The virtual timer's interrupt as seL4 has it: EL2 ends it, masks the PPI in the redistributor, and gives the virtual CPU one of its own
// without HW; the virtual CPU's call says that it is done, and the PPI is enabled again. Which PPIs are masked is the virtual CPU's, and so
// are timer and interface, which move when another one comes: at the call, and, of who is preempted in its loop, at an interrupt.
// options: --rules CLOBBER,LOST,STALE-RESTORE,FOREIGN-SAVE,WRONG-SLOT,LEAK,UNSAVED,TRAPCFG,DEFER,STALE-READ,WINDOW,PC,NOSYNC,GIC-ORDER,GIC-STATE,HANDOVER
// case: clean
// case -DIMASK: clean
// case -DPREEMPTS: clean
// case -DPREEMPTS -DIMASK: clean
// case -DOPEN: HANDOVER CNTV_CTL_EL0 of vm1/vcpu0 +
// case -DFORGETS @compare: LOST CNTV_CVAL_EL0 of vm1/vcpu0 +
#include "frame.inc"
#define OTHER (FRAME_MORE)
#define MASKED (FRAME_MORE + 8)
#define CTL (FRAME_MORE + 16)
#define CVAL (FRAME_MORE + 24)
#define LR0 (FRAME_MORE + 32)
#define AP1 (FRAME_MORE + 40)
#define VMCR (FRAME_MORE + 48)
#define PPI (1 << 27)
#define HAS_SETUP
        .macro setup
        two_worlds OTHER
        own_ppi 27
        mov     x2, #7
        msr     icc_sre_el1, x2
        isb
        msr     ich_vmcr_el2, xzr
        mov     x2, #1
        msr     ich_hcr_el2, x2
        .endm
#include "hv.inc"

handle: // X0: who leaves
        mrs     x2, isr_el1
        tbz     x2, #7, call
        mrs     x2, s3_0_c12_c12_0              // ICC_IAR1_EL1
        dsb     sy
#ifdef IMASK                                    // in the timer, as others have it
        mrs     x3, cntv_ctl_el0
        orr     x3, x3, #2
        msr     cntv_ctl_el0, x3
        isb
#elif !defined(OPEN)
        ldr     x3, =0x080b0000
        mov     w4, #PPI
        str     w4, [x3, #0x180]                // GICR_ICENABLER0
        str     w4, [x0, #MASKED]
        dsb     sy
#endif
        msr     s3_0_c12_c12_1, x2              // ICC_EOIR1_EL1
        isb
        ldr     x2, =1 << 62 | 1 << 60 | 0xa0 << 48 | 27
        msr     ich_lr0_el2, x2
#ifdef PREEMPTS
        b       switch
#else
        ret
#endif
call:   ldr     x3, =0x080b0000                 // it has seen the interrupt
        mov     w4, #PPI
        str     w4, [x3, #0x100]                // GICR_ISENABLER0
        str     wzr, [x0, #MASKED]
switch: mrs     x2, cntv_ctl_el0
        mrs     x3, cntv_cval_el0
#ifndef FORGETS
        stp     x2, x3, [x0, #CTL]
#endif
        msr     cntv_ctl_el0, xzr
        mrs     x2, ich_lr0_el2
        mrs     x3, s3_4_c12_c9_0               // ICH_AP1R0_EL2
        stp     x2, x3, [x0, #LR0]
        mrs     x2, ich_vmcr_el2
        str     x2, [x0, #VMCR]
        ldr     x0, [x0, #OTHER]
        ldp     x2, x3, [x0, #LR0]
        msr     ich_lr0_el2, x2
        msr     s3_4_c12_c9_0, x3
        ldr     x2, [x0, #VMCR]
        msr     ich_vmcr_el2, x2
        ldr     x3, =0x080b0000
        mov     w4, #PPI
        mov     w5, #0x100
        ldr     w2, [x0, #MASKED]
        cmp     w2, #0
        mov     w2, #0x180
        csel    w5, w5, w2, eq
        str     w4, [x3, x5]
        dsb     sy
        ldp     x2, x3, [x0, #CTL]
compare:
        msr     cntv_cval_el0, x3
        isb
        msr     cntv_ctl_el0, x2
        become  x0
        ret

guest:  mov     x1, #0xf0
        msr     s3_0_c4_c6_0, x1                // ICC_PMR_EL1
        mov     x1, #1
        msr     s3_0_c12_c12_7, x1              // ICC_IGRPEN1_EL1
        mov     x22, #4
1:      mrs     x1, cntvct_el0
        add     x1, x1, #50
        msr     cntv_cval_el0, x1
        mov     x2, #1
        msr     cntv_ctl_el0, x2
        isb
2:      mrs     x2, isr_el1
        tbz     x2, #7, 2b
        mrs     x2, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     cntv_ctl_el0, xzr
        msr     s3_0_c12_c12_1, x2              // ICC_EOIR1_EL1
        isb
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
