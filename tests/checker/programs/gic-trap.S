// A guest whose accesses to the GIC's CPU interface trap: EL2 emulates them in ICH_VMCR_EL2, the active priorities and a
// list register, or keeps all of it itself.
// options: --rules GIC-STATE,LOST,LEAK,HANDOVER,CLOBBER
// case: clean
// case -DITSELF: clean
// case -DPMR=0 @do_eret: GIC-STATE ICH_VMCR_EL2 of vm1/vcpu0
// case -DPMR=4 @written: GIC-STATE ICH_VMCR_EL2 of vm1/vcpu0
// case -DBPR=21 @written: GIC-STATE ICH_VMCR_EL2 of vm1/vcpu0
// case -DRAISES=21 @do_eret: GIC-STATE ICH_AP1R0_EL2 of vm1/vcpu0 +
// case -DNEVER @do_eret: GIC-STATE ICH_AP1R0_EL2 of vm1/vcpu0
// case -DKEEPS @do_eret: GIC-STATE ICH_AP1R0_EL2 of vm1/vcpu0
// case -DSTAYS @ended: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0 +
#ifndef PMR
#define PMR 8                                   // bits of it that are written
#endif
#ifndef BPR
#define BPR 18                                  // where ICC_BPR1_EL1 goes to
#endif
#ifndef RAISES
#define RAISES 20                               // the bit of priority 0xa0
#endif
#define PENDING (1 << 62 | 1 << 60 | 0xa0 << 48 | 40)
#define HAS_SETUP
        .macro setup
        mov     x1, #7
        msr     icc_sre_el1, x1
        isb
#ifdef ITSELF
        ldr     x1, =0xff040002
#else
        ldr     x1, =0x00040000
#endif
        msr     ich_vmcr_el2, x1
        mov     x1, #1 | 7 << 10                // En, TC, TALL0, TALL1
        msr     ich_hcr_el2, x1
        .endm
#include "hv.inc"
#define ISS(crn, crm, op2, reads) (1 << 25 | 3 << 20 | (op2) << 17 | (crn) << 10 | 1 << 5 | (crm) << 1 | (reads))

        .macro  on iss, label
        ldr     x4, =\iss
        cmp     x3, x4
        b.eq    \label
        .endm

handle: // an access is by X1, and its value is in X5
        lsr     x4, x1, #26
        cmp     x4, #0x18
        b.ne    call
        ldr     x2, [x0, #FRAME_ELR]
        add     x2, x2, #4
        str     x2, [x0, #FRAME_ELR]
        and     x3, x1, #0x3ffffff
        ldr     x5, [x0, #FRAME_X(1)]
        mrs     x6, ich_vmcr_el2
        mrs     x7, ich_lr0_el2
        mrs     x8, s3_4_c12_c9_0               // ICH_AP1R0_EL2
        on      ISS(4, 6, 0, 0), pmr
        on      ISS(12, 12, 3, 0), bpr
        on      ISS(12, 12, 7, 0), enable
        on      ISS(12, 12, 0, 1), acknowledge
        on      ISS(12, 12, 1, 0), end
        ret
call:                                           // an interrupt for it
        ldr     x7, =PENDING
        msr     ich_lr0_el2, x7
        ret
#ifdef ITSELF
pmr:
bpr:
enable: ret
acknowledge:
        mov     x5, #40
        str     x5, [x0, #FRAME_X(1)]
        msr     ich_lr0_el2, xzr
        ret
end:    ret
#else
pmr:
        .if     PMR
        bfi     x6, x5, #24, #PMR
        .endif
        b       write
bpr:    bfi     x6, x5, #BPR, #3
        b       write
enable: bfi     x6, x5, #1, #1
write:
        .if     PMR
written:
        msr     ich_vmcr_el2, x6
        .else
        mrs     x4, ich_vmcr_el2
        cmp     x4, x6
        b.eq    1f
        msr     ich_vmcr_el2, x6
1:
        .endif
        ret
acknowledge:
        mov     x5, #40
        str     x5, [x0, #FRAME_X(1)]
        eor     x7, x7, #3 << 62
        msr     ich_lr0_el2, x7
#ifndef NEVER
        orr     x8, x8, #1 << RAISES
        msr     s3_4_c12_c9_0, x8
#endif
        ret
end:
#ifndef KEEPS
        sub     x4, x8, #1
        and     x8, x8, x4
        msr     s3_4_c12_c9_0, x8
#endif
#ifdef STAYS
ended:  msr     ich_lr0_el2, x7
#else
        msr     ich_lr0_el2, xzr
#endif
        ret
#endif

guest:
        mov     x1, #1
        msr     s3_0_c12_c12_7, x1              // ICC_IGRPEN1_EL1
        mov     x1, #0xb8
        msr     s3_0_c4_c6_0, x1                // ICC_PMR_EL1
        mov     x1, #4
        msr     s3_0_c12_c12_3, x1              // ICC_BPR1_EL1
        mov     x22, #4
1:      hvc     #0
        mrs     x1, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     s3_0_c12_c12_1, x1              // ICC_EOIR1_EL1
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99
