// options: --rules HANDOVER,LEAK-DEBUG,NOSYNC-DEBUG,LEAK
// case: clean
// case -DINTERRUPT @do_eret: HANDOVER ICC_RPR_EL1 of vm1/vcpu0
// case -DINTERRUPT -DEOI: clean
// case -DFORWARDED @do_eret: HANDOVER ICH_LR0_EL2 of vm1/vcpu0
// case -DFORWARDED -DACTIVE: clean
// case -DFORWARDED -DSOFTWARE: clean
// case -DMASK=0 @do_eret: HANDOVER ICC_PMR_EL1 of vm1/vcpu0
// case -DMASK=0x80: clean
// case -DMASK=0x80 -DPENDS @do_eret: HANDOVER ICC_PMR_EL1 of vm1/vcpu0
// case -DMASK=0x80 -DPENDS -DWIDEST=0x80: clean
// case -DMDCR=0 @do_eret: HANDOVER MDCR_EL2 of vm1/vcpu0
// case -DMDCR=7 @do_eret: HANDOVER MDCR_EL2 of vm1/vcpu0
// case -DMDCR=0x40: clean
// case -DCOUNTER=5 -DLATER=5 @do_eret: HANDOVER MDCR_EL2 of vm1/vcpu0
// case -DCOUNTER=4 -DLATER=5: clean
// case -DCOUNTER=5: clean
// case -DMDCR=4 -DCOUNTER=2 -DOWN_COUNTER=5 -DLATER=6 @do_eret: HANDOVER MDCR_EL2 of vm1/vcpu0
// case -DKEYS @unmask: HANDOVER APIAKeyLo_EL1 of vm1/vcpu0
// case -DKEYS -DOWN: clean
// case -DKEYS -DTRAPPED: clean
// case -DBREAKPOINT -DEL2_DEBUG @unmask: LEAK-DEBUG MDSCR_EL1 of vm1/vcpu0
// case -DBREAKPOINT -DEL2_DEBUG -DCLEARED: clean
// case -DBREAKPOINT -DEL2_DEBUG -DCLEARED -DNO_ISB @unmask: NOSYNC-DEBUG MDSCR_EL1
// case -DBREAKPOINT -DEL2_DEBUG -DCLEARED -DRESTORED @restore: LEAK-DEBUG MDSCR_EL1 of vm1/vcpu0
// case -DBREAKPOINT -DEL2_DEBUG -DCLEARED -DRESTORED -DMASKED: clean
// case -DBREAKPOINT -DEL2_DEBUG -DLOW: clean
// case -DBREAKPOINT -DEL2_DEBUG -DLOW -DCLEARED -DNO_ISB: clean
// case -DBREAKPOINT: clean
// case -DBREAKPOINT -DSECOND @do_eret: LEAK-DEBUG MDSCR_EL1 of vm1/vcpu1
// case -DBREAKPOINT -DSECOND -DCLEARED: clean
// case -DSECOND: clean
// case -DCOUNTERS -DSECOND -DTHEIRS=0x40 @do_eret: LEAK PMCR_EL0 of vm1/vcpu1
// case -DCOUNTERS -DSECOND -DTHEIRS=0x40 -DSTOPPED: clean
// case -DSECOND -DTHEIRS=0x40: clean
#ifndef MDCR
#define MDCR 6                                  // HPMN: all counters of this machine
#endif
#ifndef THEIRS
#define THEIRS 1 << 9                           // TDA
#endif
#ifndef WIDEST
#define WIDEST 0xf0
#endif
#define HAS_SETUP
        .macro setup
        mov     x1, #MDCR
        msr     mdcr_el2, x1
        mov     x1, #0xf
        msr     s3_4_c12_c9_5, x1               // ICC_SRE_EL2
        isb
#if defined(INTERRUPT) || defined(MASK)
        ldr     x2, =0x08000000
        mov     w1, #0x12                       // GICD_CTLR: ARE, group 1
        str     w1, [x2]
        ldr     x2, =0x080b0000
        mov     w1, #2                          // SGI 1
        str     w1, [x2, #0x80]                 // GICR_IGROUPR0
        str     w1, [x2, #0x100]                // GICR_ISENABLER0
        mov     w1, #0xa0
        strb    w1, [x2, #0x401]                // GICR_IPRIORITYR0
        mov     x1, #WIDEST
        msr     s3_0_c4_c6_0, x1                // ICC_PMR_EL1
        mov     x1, #1
        msr     s3_0_c12_c12_7, x1              // ICC_IGRPEN1_EL1
#endif
#ifdef KEYS
#ifndef TRAPPED
        ldr     x1, =0x30080080019 | 1 << 31    // HCR_EL2 with API, APK
        msr     hcr_el2, x1
#endif
        mrs     x1, sctlr_el2
        orr     x1, x1, #1 << 31                // EnIA
        msr     sctlr_el2, x1
#endif
        .endm
#include "hv.inc"

handle:
#ifdef INTERRUPT
        ldr     x2, =1 << 24 | 1
        msr     s3_0_c12_c11_5, x2              // ICC_SGI1R_EL1: to this CPU
        isb
1:      mrs     x2, s3_0_c12_c12_0              // ICC_IAR1_EL1
        cmp     x2, #1
        b.ne    1b
#ifdef EOI
        msr     s3_0_c12_c12_1, x2              // ICC_EOIR1_EL1
#endif
#endif
#ifdef FORWARDED                                // PPI 27, which was taken; it is put and loaded again
        ldr     x2, =0x080b0000
        mov     w3, #1 << 27
        str     w3, [x2, #0x300]                // GICR_ISACTIVER0
        str     w3, [x2, #0x380]                // GICR_ICACTIVER0
#ifdef ACTIVE
        str     w3, [x2, #0x300]
#endif
        ldr     x2, =2 << 62 | 1 << 61 | 1 << 60 | 27 << 32 | 27
#ifdef SOFTWARE
        bic     x2, x2, #1 << 61                // HW
#endif
        msr     s3_4_c12_c12_0, x2              // ICH_LR0_EL2
        mov     x2, #1
        msr     s3_4_c12_c11_0, x2              // ICH_HCR_EL2
#endif
#ifdef MASK
        mov     x2, #MASK
        msr     s3_0_c4_c6_0, x2                // ICC_PMR_EL1
#ifdef PENDS
        ldr     x2, =1 << 24 | 1
        msr     s3_0_c12_c11_5, x2              // ICC_SGI1R_EL1: to this CPU
        isb
#endif
#endif
#ifdef OWN_COUNTER
        mov     x2, #1 << OWN_COUNTER
        msr     pmcntenset_el0, x2
#endif
#ifdef CLEARED
        mrs     x3, mdscr_el1
        msr     mdscr_el1, xzr
#endif
#ifdef STOPPED
        msr     pmcr_el0, xzr
#endif
#ifdef EL2_DEBUG
        mov     x2, #1 << 8 | MDCR              // TDE
        msr     mdcr_el2, x2
#ifndef NO_ISB
        isb
#endif
#endif
#ifdef OWN
        msr     s3_0_c2_c1_0, x2                // APIAKeyLo_EL1
        msr     s3_0_c2_c1_1, x2
#endif
unmask: msr     daifclr, #10                    // D, I
        nop
#ifdef MASKED
        msr     daifset, #10
#endif
#ifdef RESTORED
restore: msr    mdscr_el1, x3
#endif
        msr     daifset, #10
        mov     x2, #MDCR
#ifdef LATER
        mov     x2, #LATER
#endif
#ifdef SECOND
        ldr     x3, =0x80000001
        msr     vmpidr_el2, x3
        mov     x2, #THEIRS | MDCR
#endif
        msr     mdcr_el2, x2
        ret

guest:
#ifdef COUNTERS
        mov     x2, #1 << 31
        msr     pmcntenset_el0, x2
        mov     x2, #1                          // E
        msr     pmcr_el0, x2
#endif
#ifdef COUNTER
        mov     x2, #1 << COUNTER
        msr     pmcntenset_el0, x2
#endif
#ifdef BREAKPOINT
        mov     x2, #1 << 15 | 1 << 13          // MDE, KDE
        msr     mdscr_el1, x2
        mov     x2, #0x1e3                      // E, EL1
#ifndef LOW
        orr     x2, x2, #1 << 13                // HMC: EL2 too
#endif
        msr     dbgbcr0_el1, x2
#endif
        hvc     #0
        hvc     #99
