// An SGI that the guest has acknowledged and ended comes again, though nobody has sent it; and one that is pending gets another
// group or priority, though nobody has written that.
// Between, the guest leaves by its first use of V registers.
// options: --rules GIC-ORDER,GIC-STATE,LOST,LEAK
// case: clean
// case -DAGAIN @again: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DAGAIN -DASKED: clean
// case -DAGAIN -DNUMBER=40: clean
// case -DSTAYS: clean
// case -DSTAYS -DCHANGE=1<<60 @again: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DSTAYS -DCHANGE=1<<55 @again: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DSTAYS -DCHANGE=1<<55 -DASKED: clean
// case -DSTAYS -DCHANGE=1<<55 -DNUMBER=40: clean
// case -DGROUPS: clean
// case -DGROUPS -DGROUP=0 @filled: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DGROUPS -DGROUP=0 -DNUMBER=40: clean
#ifndef NUMBER
#define NUMBER 3
#endif
#ifndef CHANGE
#define CHANGE 0
#endif
#ifndef GROUP
#define GROUP 1
#endif
#define PENDING (1 << 62 | GROUP << 60 | 0x20 << 48 | NUMBER)
#include "gic.inc"
#define HAS_SETUP
#include "frame.inc"
#include "hv.inc"

handle: // X1: the syndrome
        lsr     x2, x1, #26
        cmp     x2, #0x16
        b.eq    first
        cmp     x2, #7                          // what else traps is ICC_SGI1R_EL1
        b.ne    2f
        mrs     x2, ich_lr0_el2
#if defined(AGAIN) || defined(STAYS)
        ldr     x2, =PENDING ^ (CHANGE)
again:  msr     ich_lr0_el2, x2
#endif
        msr     cptr_el2, xzr
        ret
2:      ldr     x3, [x0, #FRAME_ELR]
        add     x3, x3, #4
        str     x3, [x0, #FRAME_ELR]
        ret
first:
        mov     x2, #1 << 10                    // TFP
        msr     cptr_el2, x2
        mov     x2, #1
        msr     ich_hcr_el2, x2
        ldr     x2, =PENDING
filled: msr     ich_lr0_el2, x2
        ret

guest:
#ifdef GROUPS                                   // GICR_IGROUPR0, in a frame that is not mapped
        ldr     x1, =0x100000080
        mov     w2, #-1
        str     w2, [x1]
#endif
        hvc     #0
#ifdef AGAIN
        mrs     x1, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     s3_0_c12_c12_1, x1              // ICC_EOIR1_EL1
        isb
#endif
#ifdef ASKED
        mov     x1, #1 << 24
        msr     s3_0_c12_c11_5, x1              // ICC_SGI1R_EL1
#endif
        fmov    d0, xzr
        hvc     #99
