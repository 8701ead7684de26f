// case: clean
// case -DRESULTS: clean
// case -DX19 @bad: CLOBBER x19 of vm1/vcpu0
// case -DX4: CLOBBER x4 of vm1/vcpu0
// case -DSP0: LOST SP_EL0 of vm1/vcpu0
// case -DPC: PC ELR_EL2 of vm1/vcpu0
// case -DFLAGS: PC SPSR_EL2 of vm1/vcpu0
// case -DTO_EL2 @do_eret: PC SPSR_EL2 of vm1/vcpu0
// case -DINSIDE: clean
// case -DFP_TRAPS @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DFP_TRAPS -DOPENS=7: clean
// case -DSYS_TRAPS @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DSYS_TRAPS -DOPENS=7: clean
// case -DSMC: clean
// case -DSMC -DX19: CLOBBER x19 of vm1/vcpu0
// case -DWFI: clean
// case -DWFI -DRESULTS: CLOBBER x0 of vm1/vcpu0
// case -DWFI -DSTAYS=1: clean
// case -DSMC -DSTAYS=1 @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DBTYPE @do_eret: PC SPSR_EL2 of vm1/vcpu0
// case -DLOAD -DVALUE=0 -DSTAYS=1 -DSTEPS=0x6: clean
// case -DLOAD -DVALUE=0 -DSTAYS=1 -DSTEPS=0x6 -DNO_SS @do_eret: PC SPSR_EL2 of vm1/vcpu0
// case -DLOAD -DVALUE=0 -DSTAYS=1 -DSTEPS=0x106 -DNO_SS: clean
// case -DSSBS @do_eret: PC SPSR_EL2 of vm1/vcpu0
// case -DMRS -DRT31: clean
// case -DMRS -DRT31 -DRESULTS: CLOBBER x0 of vm1/vcpu0
// case -DSERROR @do_eret: LOST HCR_EL2 of vm1/vcpu0
// case -DSERROR -DKEPT: clean
// case -DWFI -DSTAYS=4 @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DLOAD -DVALUE=0x87654321: clean
// case -DLOAD -DVALUE=0xffffffff87654321 @loaded: CLOBBER x7 of vm1/vcpu0
// case -DLOAD -DVALUE=0xffffffffffffff81 -DINSN=ldrsb -DREG=x7: clean
// case -DLOAD -DVALUE=0x81 -DINSN=ldrsb -DREG=x7 @loaded: CLOBBER x7 of vm1/vcpu0
// case -DLOAD -DVALUE=0xffffff81 -DINSN=ldrsb -DREG=w7: clean
// case -DLOAD -DVALUE=0x181 -DINSN=ldrb -DREG=w7 @loaded: CLOBBER x7 of vm1/vcpu0
// case -DLOAD -DVALUE=0 -DSTAYS=70 @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DLOAD -DVALUE=0 -DSTAYS=20: clean
// case -DLOAD -DVALUE=0 -DSTAYS=70 -DFIRST @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DLOAD -DVALUE=0 -DSTAYS=20 -DFIRST: clean
// case -DMRS: clean
// case -DMRS -DRESULTS: CLOBBER x0 of vm1/vcpu0
// case -DINJECT: clean
// case -DINJECT -DABORT: clean
// case -DINJECT -DABORT -DNO_FAR @do_eret: CLOBBER FAR_EL1 of vm1/vcpu0
// case -DLOAD -DINJECT -DABORT -DADDRESS=0x100000000: clean
// case -DLOAD -DINJECT -DABORT @do_eret: CLOBBER FAR_EL1 of vm1/vcpu0
// case -DINJECT -DABORT -DIL=0 @do_eret: CLOBBER ESR_EL1 of vm1/vcpu0
// case -DINJECT -DABORT -DEC=0x24 @do_eret: CLOBBER ESR_EL1 of vm1/vcpu0
// case -DINJECT -DABORT -DEC=0x21: clean
// case -DLOAD -DINJECT -DABORT -DADDRESS=0x100000000 -DEC=0 @do_eret: CLOBBER ESR_EL1 of vm1/vcpu0
// case -DINJECT -DABORT -DEC=0: clean
// case -DINJECT -DNO_SPAN @do_eret: CLOBBER SPSR_EL2 of vm1/vcpu0
// case -DINJECT -DNO_SPAN -DMORE=0x400000: clean
// case -DINJECT -DMORE=0x400000 @do_eret: CLOBBER SPSR_EL2 of vm1/vcpu0
// case -DINJECT -DMORE=0x100000 @do_eret: CLOBBER SPSR_EL2 of vm1/vcpu0
// case -DINJECT -DNZCV @do_eret: CLOBBER SPSR_EL2 of vm1/vcpu0
// case -DINJECT -DNZCV -DMORE=0x60000000: clean
// case -DINJECT -DABORT -DBEHIND @do_eret: CLOBBER ELR_EL1 of vm1/vcpu0
// case -DINJECT -DVECTOR=0 @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DINJECT -DVECTOR=0x400 @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DINJECT -DVECTOR=0x280 @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DINJECT -DVECTOR=0x380: clean
// case -DINJECT -DFLAGS @do_eret: CLOBBER SPSR_EL2 of vm1/vcpu0
// case -DINJECT -DNO_SPSR @do_eret: CLOBBER SPSR_EL1 of vm1/vcpu0
// case -DINJECT -DNO_ELR @do_eret: CLOBBER ELR_EL1 of vm1/vcpu0
#include "frame.inc"

#define HAS_SETUP
        .macro setup
#ifdef WFI
        ldr     x1, =0x8008201b                 // TWI too
        msr     hcr_el2, x1
#endif
#ifdef MRS
        ldr     x1, =0x80080019 | 1 << 18       // TID3
        msr     hcr_el2, x1
#endif
#ifdef FP_TRAPS
        mov     x1, #1 << 10                    // TFP
        msr     cptr_el2, x1
#endif
#ifdef SYS_TRAPS
        mov     x1, #1 << 9 | 6                 // TDA, HPMN
        msr     mdcr_el2, x1
#endif
#ifdef STEPS                                    // MDCR_EL2
        msr     oslar_el1, xzr
        mov     x1, #STEPS
        msr     mdcr_el2, x1
        mov     x1, #0x2001                     // KDE, SS
        msr     mdscr_el1, x1
        mov     x1, #0x200000                   // SS
        movk    x1, #0x1c5                      // EL1h, AIF
        str     x1, [x0, #FRAME_SPSR]
        ldr     x1, =0x100000000                // not mapped
        str     x1, [x0, #FRAME_X(8)]
#endif
#ifdef FIRST
        ldr     x1, =0x100000000
        str     x1, [x0, #FRAME_X(3)]
#endif
#ifdef NO_SPAN                                  // an exception to EL1 sets PAN
        ldr     x1, =0x30500800
        msr     sctlr_el1, x1
#endif
        adr     x1, guest_vectors
        msr     vbar_el1, x1
        .endm
#ifndef EC
#define EC 0x25                                 // a data abort from EL1
#endif
#ifndef MORE
#define MORE 0
#endif
#ifndef ADDRESS
#define ADDRESS 0x5000
#endif
#ifndef IL
#define IL 1
#endif
#ifndef VECTOR
#define VECTOR 0x200
#endif
#ifndef INSN
#define INSN ldr
#define REG w7
#endif
#include "hv.inc"

handle: // X0: frame, X1: syndrome
        ldr     x2, [x0, #FRAME_ELR]
#if defined(SMC) || defined(WFI) || defined(MRS)
        add     x2, x2, #4                      // these return to the instruction itself
#endif
#ifdef STAYS
        ldr     x3, [x0, #FRAME_MORE]
        add     x3, x3, #1
        str     x3, [x0, #FRAME_MORE]
        cmp     x3, #STAYS
        b.hi    2f
        sub     x2, x2, #4
2:
#endif
#if defined(LOAD) && !defined(INJECT)
        lsr     x3, x1, #26
        cmp     x3, #0x24
        b.ne    3f
        add     x2, x2, #4
        ldr     x3, =VALUE
loaded: str     x3, [x0, #FRAME_X(7)]
3:
#endif
#ifdef OPENS
        ldr     x3, [x0, #FRAME_MORE]
        add     x3, x3, #1
        str     x3, [x0, #FRAME_MORE]
        cmp     x3, #OPENS
        b.lo    7f
        msr     cptr_el2, xzr
#ifdef SYS_TRAPS
        mov     x3, #6
        msr     mdcr_el2, x3
#endif
7:
#endif
#ifdef TO_EL2 // what an exception at EL2 leaves in SPSR_EL2
        mov     x3, #0x3c9
        str     x3, [x0, #FRAME_SPSR]
#endif
#ifdef INSIDE // a return to EL2 that is meant so, while most registers are still the guest's
        mov     x3, #0x3c9
        msr     spsr_el2, x3
        adr     x3, 6f
        msr     elr_el2, x3
        eret
6:
#endif
#ifdef PC
        add     x2, x2, #8
#endif
        str     x2, [x0, #FRAME_ELR]
#ifdef RESULTS
        mov     x3, #77
        str     x3, [x0, #FRAME_X(0)]
        str     x3, [x0, #FRAME_X(3)]
#endif
#ifdef MRS
        mov     x3, #78
#ifdef RT31
        mov     x3, #0
#endif
        str     x3, [x0, #FRAME_X(7)]
#endif
#ifdef X19
bad:    str     xzr, [x0, #FRAME_X(19)]
#endif
#ifdef X4
        str     xzr, [x0, #FRAME_X(4)]
#endif
#ifdef NO_SS
        ldr     x3, [x0, #FRAME_SPSR]
        bic     x3, x3, #1 << 21
        str     x3, [x0, #FRAME_SPSR]
#endif
#ifdef BTYPE
        ldr     x3, [x0, #FRAME_SPSR]
        eor     x3, x3, #1 << 10
        str     x3, [x0, #FRAME_SPSR]
#endif
#ifdef SSBS
        ldr     x3, [x0, #FRAME_SPSR]
        eor     x3, x3, #1 << 12
        str     x3, [x0, #FRAME_SPSR]
#endif
#ifdef SERROR // pending at first, and masked by the guest
        mrs     x3, hcr_el2
        ldr     x4, [x0, #FRAME_X(21)]
        cmp     x4, #3
        mov     x5, #0x120                      // VSE, AMO
        orr     x5, x3, x5
        b.eq    4f
#ifdef KEPT
        b       5f
#endif
        bic     x5, x3, #1 << 8
4:      msr     hcr_el2, x5
5:
#endif
#ifdef SP0
        msr     sp_el0, x0
#endif
#ifdef INJECT // AArch64.TakeException() to EL1 from EL1h
#ifndef NO_ELR
#ifdef BEHIND
        add     x2, x2, #4
#endif
        msr     elr_el1, x2
#endif
#ifndef NO_SPSR
        ldr     x3, [x0, #FRAME_SPSR]
        msr     spsr_el1, x3
#endif
#ifdef ABORT
#define CLASS EC << 26 | 0x10                   // external
#else
#define CLASS 0
#endif
        ldr     x3, =CLASS | IL << 25
        msr     esr_el1, x3
#ifdef ABORT
#ifndef NO_FAR
        ldr     x3, =ADDRESS
        msr     far_el1, x3
#endif
#endif
        ldr     x3, =0x3c5 | MORE
#ifdef FLAGS
        mov     x3, #0x3c4                      // EL1t
#endif
        str     x3, [x0, #FRAME_SPSR]
        adr     x3, guest_vectors + VECTOR
        str     x3, [x0, #FRAME_ELR]
#elif defined(FLAGS)
        ldr     x3, [x0, #FRAME_SPSR]
        eor     x3, x3, #1 << 31
        str     x3, [x0, #FRAME_SPSR]
#endif
        ret

guest:
#ifdef FIRST                                    // not mapped: what it does before all else
        ldr     w7, [x3]
#endif
#ifdef STEPS
        ldr     w7, [x8]
#endif
        mov     x4, #4
        mov     x19, #19
        mov     x20, #20
        msr     sp_el0, x20
        mov     x5, #0x6000
        msr     far_el1, x5
        mov     x21, #3
#ifdef NZCV
        cmp     x21, #3
#endif
1:
#if defined(SYS_TRAPS)
        mrs     x1, mdscr_el1
#elif defined(FP_TRAPS)
        fmov    d0, xzr
#elif defined(SMC)
        mov     x0, #0
        smc     #0
#elif defined(WFI)
        wfi
#elif defined(LOAD)
        ldr     x8, =0x100000000                // not mapped
        INSN    REG, [x8]
#elif defined(MRS)
#ifdef RT31
        mov     x7, #0
        mrs     xzr, id_aa64pfr0_el1
#else
        mrs     x7, id_aa64pfr0_el1
#endif
#else
        hvc     #0
        nop
        nop
        nop
#endif
        sub     x21, x21, #1
        cbnz    x21, 1b
done:   hvc     #99

        .balign 0x800
guest_vectors:
        .rept   16
        .balign 0x80
        hvc     #99
        .endr
