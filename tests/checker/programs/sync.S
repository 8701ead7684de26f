// options: --gic gicv=1
// options: --rules NOSYNC,NODSB,NODSB-WALK
// case: clean
// case -DVTTBR: clean
// case -DVTTBR -DNO_ISB @tlbi: NOSYNC VTTBR_EL2
// case -DSAME -DNO_ISB: clean
// case -DAT: clean
// case -DAT -DNO_ISB @at: NOSYNC TTBR0_EL1
// case -DOTHER_AT -DNO_ISB: clean
// case -DCOUNT: clean
// case -DPAR: clean
// case -DPAR -DNO_ISB @par: NOSYNC PAR_EL1
// case -DPAR -DNO_ISB -DPUT_BACK: clean
// case -DCOUNT -DNO_ISB @count: NOSYNC CNTVOFF_EL2
// case -DVECTORS: clean
// case -DVECTORS -DNO_ISB @vectors_used: NOSYNC VBAR_EL2
// case -DLRS: clean
// case -DLRS -DNO_ISB @elrsr: NOSYNC ICH_LR1_EL2
// case -DSRE: clean
// case -DSRE -DNO_ISB @vmcr: NOSYNC ICC_SRE_EL1
// case -DTLBI: clean
// case -DTLBI -DNO_DSB @do_eret: NODSB
// case -DTLBI -DNO_DSB -DSTORES @do_eret: NODSB
// case -DTLBI -DNO_DSB -DLOCAL @do_eret: NODSB
// case -DLOCAL_TLBI -DNO_DSB -DLOCAL: clean
// case -DGICV: clean
// case -DGICV -DNO_DSB @lr_read: NODSB ICH_LR0_EL2 of vm1/vcpu0
// case -DGICV -DNO_DSB -DSRE1: clean
// case -DFPSR: clean
// case -DFPSR -DNO_ISB @fpsr_read: NOSYNC CPTR_EL2
// case -DKEY: clean
// case -DKEY -DNO_ISB @signed: NOSYNC APIAKeyLo_EL1
// case -DKEY -DNO_ISB -DOTHER_KEY: clean
// case -DKEY -DNO_ISB -DKEY_OFF: clean
// case -DWALK: clean
// case -DWALK -DNO_DSB @walk: NODSB-WALK SCTLR_EL1 of vm1/vcpu0
#define HAS_SETUP
        .macro setup
        mov     x1, #7
#if defined(GICV) && !defined(SRE1)
        mov     x1, #0
#endif
        msr     s3_0_c12_c12_5, x1              // ICC_SRE_EL1
        .endm
#include "hv.inc"

        .macro  sync
#ifndef NO_ISB
        isb
#endif
        .endm

handle: // X0: frame, X1: syndrome
#ifdef VTTBR
        dsb     nsh
        mrs     x2, vttbr_el2
        eor     x3, x2, #1 << 49
        msr     vttbr_el2, x3
        sync
tlbi:   tlbi    vmalls12e1is
        dsb     ish
        msr     vttbr_el2, x2
        isb
#endif
#ifdef SAME
        mrs     x2, vttbr_el2
        msr     vttbr_el2, x2
        tlbi    vmalls12e1is
        dsb     ish
#endif
#ifdef AT
        dsb     nsh
        mov     x2, #0x1000
        msr     ttbr0_el1, x2
        sync
at:     at      s1e1r, x0
#endif
#ifdef OTHER_AT
        dsb     nsh
        mov     x2, #0x1000
        msr     ttbr0_el1, x2
        at      s1e2r, x0
#endif
#ifdef PAR
        mrs     x3, par_el1
        at      s1e2r, x0
        sync
#ifdef PUT_BACK                                 // and nobody wants the answer
        msr     par_el1, x3
#endif
par:    mrs     x2, par_el1
        msr     par_el1, x3
#endif
#ifdef COUNT
        mov     x2, #0x1000
        msr     cntvoff_el2, x2
        sync
count:  mrs     x2, cntvct_el0
#endif
#ifdef VECTORS
        adr     x2, vectors2
        msr     vbar_el2, x2
        sync
vectors_used:
        hvc     #1
        adrp    x2, vectors
        add     x2, x2, :lo12:vectors
        msr     vbar_el2, x2
        isb
#endif
#ifdef LRS
        mov     x2, #0x60
        orr     x2, x2, #1 << 60
        msr     s3_4_c12_c12_1, x2              // ICH_LR1_EL2
        sync
elrsr:  mrs     x2, s3_4_c12_c11_5              // ICH_ELRSR_EL2
        msr     s3_4_c12_c12_1, xzr
        isb
#endif
#ifdef SRE
        mrs     x2, s3_0_c12_c12_5
        eor     x2, x2, #1
        msr     s3_0_c12_c12_5, x2
        sync
vmcr:   msr     s3_4_c12_c11_7, xzr             // ICH_VMCR_EL2
#endif
#ifdef TLBI
        tlbi    vmalls12e1is
#ifndef NO_DSB
        dsb     ish
#endif
#endif
#ifdef KEY
        mrs     x4, sctlr_el2
#ifndef KEY_OFF
        orr     x5, x4, #1 << 31                // EnIA
        msr     sctlr_el2, x5
        isb
#endif
        mrs     x6, s3_0_c2_c1_0                // APIAKeyLo_EL1
        mov     x5, #77
        msr     s3_0_c2_c1_0, x5
#ifndef NO_ISB
        isb
#endif
#ifdef OTHER_KEY
        .inst   0xdac127e8                      // pacizb x8
#else
signed: .inst   0xdac123e8                      // paciza x8
#endif
        msr     s3_0_c2_c1_0, x6
        msr     sctlr_el2, x4
        isb
#endif
#ifdef FPSR
        mov     x4, #0x400                      // TFP
        msr     cptr_el2, x4
        isb
        msr     cptr_el2, xzr
#ifndef NO_ISB
        isb
#endif
fpsr_read: mrs  x4, fpsr
#endif
#ifdef LOCAL_TLBI
        tlbi    vmalls12e1
#endif
#ifdef STORES
        dsb     ishst
#endif
#ifdef LOCAL
        dsb     nsh
#endif
#ifdef GICV
#ifndef NO_DSB
        dsb     sy
        isb
#endif
lr_read:
        mrs     x2, s3_4_c12_c12_0              // ICH_LR0_EL2
#endif
#ifdef WALK
#ifndef NO_DSB
        dsb     nsh
#endif
        mrs     x2, sctlr_el1
        eor     x2, x2, #1 << 12
walk:   msr     sctlr_el1, x2
#endif
        ret

guest:
        mov     x21, #2
1:      hvc     #0
        sub     x21, x21, #1
        cbnz    x21, 1b
        hvc     #99

        .balign 0x800
vectors2:
        .rept   16
        .balign 0x80
        eret
        .endr
