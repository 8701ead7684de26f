// Two virtual CPUs of one VM take turns on a CPU, and one register is not switched as it should be: what hypervisors have
// forgotten. REG is the register, VALUE(x) what the guest puts into it.
// case -DREG=tpidr_el0: clean
// case -DREG=tpidr_el0 -DHIGH -DHALF @restore: LOST TPIDR_EL0 of vm1/vcpu
// case -DREG=tpidr_el0 -DHIGH: clean
// case -DREG=tpidr_el0 -DNEVER @do_eret: UNSAVED TPIDR_EL0 of vm1/vcpu
// case -DREG=tpidrro_el0 -DNO_RESTORE @do_eret: LEAK TPIDRRO_EL0 of vm1/vcpu
// case -DREG=tpidr_el1 -DOWN=0x5000: clean
// case -DREG=tpidr_el1 -DOWN=0x5000 -DTWICE @second_save: FOREIGN-SAVE TPIDR_EL1 of vm1/vcpu
// case -DREG=sp_el0 -DNO_SAVE @restore: LOST SP_EL0 of vm1/vcpu
// case -DREG=sp_el0 -DID: clean
// case -DREG=sp_el0 -DID -DELSEWHERE @restore: CLOBBER SP_EL0 of vm1/vcpu
// case -DREG=cntkctl_el1 -DLOW -DNO_SAVE @restore: LOST CNTKCTL_EL1 of vm1/vcpu
// case -DREG=cntkctl_el1 -DLOW: clean
// case -DREG=pmuserenr_el0 -DLOW -DNO_RESTORE @do_eret: LEAK PMUSERENR_EL0 of vm1/vcpu
// case -DREG=pmselr_el0 -DLOW -DNEVER @do_eret: UNSAVED PMSELR_EL0 of vm1/vcpu
// case -DREG=pmselr_el0 -DLOW: clean
// case -DREG=csselr_el1 -DLOW -DNEVER @do_eret: UNSAVED CSSELR_EL1 of vm1/vcpu
// case -DREG=apiakeylo_el1 -DNO_RESTORE @do_eret: LEAK APIAKeyLo_EL1 of vm1/vcpu
// case -DREG=apgakeyhi_el1 -DNEVER @do_eret: UNSAVED APGAKeyHi_EL1 of vm1/vcpu
// case -DREG=apgakeyhi_el1: clean
// case -DREG=dbgbvr0_el1 -DWORDS -DNEVER @do_eret: UNSAVED DBGBVR0_EL1 of vm1/vcpu
// case -DREG=dbgwvr1_el1 -DWORDS -DNO_RESTORE @do_eret: LEAK DBGWVR1_EL1 of vm1/vcpu
// case -DREG=elr_el1 -DWORDS -DNO_SAVE @restore: LOST ELR_EL1 of vm1/vcpu
// case -DREG=spsr_el1 -DLOW -DNO_SAVE @restore: LOST SPSR_EL1 of vm1/vcpu
// case -DREG=elr_el1 -DWORDS -DID: clean
// case -DREG=elr_el1 -DWORDS -DID -DCHANGED @restore: CLOBBER ELR_EL1 of vm1/vcpu
// case -DREG=elr_el1 -DWORDS -DID -DEDITED @edited: LOST ELR_EL1 of vm1/vcpu
// case -DREG=elr_el1 -DWORDS -DCHANGED @restore: CLOBBER ELR_EL1 of vm1/vcpu
// case -DREG=spsr_el1 -DLOW -DID -DCHANGED @restore: CLOBBER SPSR_EL1 of vm1/vcpu
// case -DREG=tpidr_el1 -DWORDS -DID -DCHANGED @restore: CLOBBER TPIDR_EL1 of vm1/vcpu
// case -DREG=tpidr_el1 -DWORDS -DID -DEDITED @edited: LOST TPIDR_EL1 of vm1/vcpu
// case -DREG=apiakeylo_el1 -DID -DCHANGED @restore: CLOBBER APIAKeyLo_EL1 of vm1/vcpu
// case -DREG=mdscr_el1 -DLOW -DSHIFT=13 -DID -DCHANGED: clean
// case -DREG=mdscr_el1 -DLOW -DSHIFT=13 -DID -DEDITED: clean
// case -DREG=tcr_el1 -DLOW -DSHIFT=2 -DID -DFENCE: clean
// case -DREG=tcr_el1 -DLOW -DSHIFT=2 -DID -DFENCE -DCHANGED @restore: CLOBBER TCR_EL1 of vm1/vcpu
// case -DREG=sctlr_el1 -DLOW -DSHIFT=14 -DID -DFENCE: clean
// case -DREG=sctlr_el1 -DLOW -DSHIFT=14 -DID -DFENCE -DCHANGED @restore: CLOBBER SCTLR_EL1 of vm1/vcpu
// case -DREG=cntkctl_el1 -DLOW -DSHIFT=8 -DID -DCHANGED @restore: CLOBBER CNTKCTL_EL1 of vm1/vcpu
// case -DREG=csselr_el1 -DLOW -DID -DCHANGED @restore: CLOBBER CSSELR_EL1 of vm1/vcpu
// case -DREG=esr_el1 -DLOW -DOLD @restore: STALE-RESTORE ESR_EL1 of vm1/vcpu +
// case -DREG=far_el1 -DWRONG=contextidr_el1 @restore: WRONG-SLOT FAR_EL1 of vm1/vcpu
// case -DREG=par_el1 -DTABLE_ADDRESS: clean
// case -DREG=par_el1 -DTABLE_ADDRESS -DNO_SAVE @restore: LOST PAR_EL1 of vm1/vcpu
// case -DREG=par_el1 -DTABLE_ADDRESS -DTRANSLATES @translate: LOST PAR_EL1 of vm1/vcpu +
// case -DREG=fpsr -DLOW -DNEVER @do_eret: FP-OWNER FPSR of vm1/vcpu +
// case -DREG=cntv_cval_el0 -DNO_SAVE @restore: LOST CNTV_CVAL_EL0 of vm1/vcpu
// case -DREG=cntv_ctl_el0 -DLOW -DCHANGED @restore: CLOBBER CNTV_CTL_EL0 of vm1/vcpu
// case -DREG=cntv_ctl_el0 -DLOW -DNO_RESTORE @do_eret: LEAK CNTV_CTL_EL0 of vm1/vcpu
// case -DREG=cntp_cval_el0 -DNEVER @do_eret: UNSAVED CNTP_CVAL_EL0 of vm1/vcpu
// case -DREG=sp_el1 -DSP1: clean
// case -DREG=sp_el1 -DSP1 -DNO_SAVE @restore: LOST SP_EL1 of vm1/vcpu
// case -DREG=cpacr_el1 -DLOW -DSHIFT=20: clean
// case -DREG=cpacr_el1 -DLOW -DSHIFT=20 -DNO_RESTORE @do_eret: LEAK CPACR_EL1 of vm1/vcpu
// case -DREG=pmccfiltr_el0 -DLOW -DSHIFT=29 -DNEVER @do_eret: UNSAVED PMCCFILTR_EL0 of vm1/vcpu
// case -DREG=mdccint_el1 -DLOW -DSHIFT=29 -DNO_SAVE @restore: LOST MDCCINT_EL1 of vm1/vcpu
// case -DREG=dbgbvr5_el1 -DWORDS -DNEVER @do_eret: UNSAVED DBGBVR5_EL1 of vm1/vcpu
// case -DREG=dbgwcr3_el1 -DWORDS -DNO_RESTORE @do_eret: LEAK DBGWCR3_EL1 of vm1/vcpu
// case -DREG=pmevtyper0_el0 -DLOW -DNO_RESTORE @do_eret: LEAK PMEVTYPER0_EL0 of vm1/vcpu
// case -DREG=pmevcntr1_el0 -DLOW: clean
// case -DREG=pmevcntr1_el0 -DLOW -DNO_SAVE @restore: LOST PMEVCNTR1_EL0 of vm1/vcpu
// case -DREG=pmevcntr1_el0 -DLOW -DNO_RESTORE @do_eret: LEAK PMEVCNTR1_EL0 of vm1/vcpu
// case -DREG=pmxevcntr_el0 -DLOW: clean
// case -DREG=pmxevcntr_el0 -DLOW -DNO_SAVE @restore: LOST PMEVCNTR0_EL0 of vm1/vcpu
// case -DREG=pmccntr_el0 -DCOUNTS: clean
// case -DREG=pmccntr_el0 -DCOUNTS -DCHANGED: clean
// case -DREG=pmccntr_el0 -DCOUNTS -DNEVER @do_eret: UNSAVED PMCCNTR_EL0 of vm1/vcpu
// case -DREG=pmccntr_el0 -DCOUNTS -DNO_SAVE @restore: LOST PMCCNTR_EL0 of vm1/vcpu
// case -DREG=pmccntr_el0 -DCOUNTS -DNO_RESTORE @do_eret: LEAK PMCCNTR_EL0 of vm1/vcpu
// case -DREG=pmccntr_el0 -DCOUNTS -DOLD @restore: STALE-RESTORE PMCCNTR_EL0 of vm1/vcpu +
// case -DREG=pmccntr_el0 -DCOUNTS -DWRONG=contextidr_el1 @restore: WRONG-SLOT PMCCNTR_EL0 of vm1/vcpu
// case -DREG=pmovsset_el0 -DLOW -DCLEAR=pmovsclr_el0: clean
// case -DREG=pmovsset_el0 -DLOW -DCLEAR=pmovsclr_el0 -DSTAYS @restore: CLOBBER PMOVSSET_EL0 of vm1/vcpu
// case -DREG=pmovsset_el0 -DLOW -DCLEAR=pmovsclr_el0 -DNO_SAVE @clear: LOST PMOVSSET_EL0 of vm1/vcpu
// case -DREG=pmintenset_el1 -DLOW -DCLEAR=pmintenclr_el1: clean
// case -DREG=pmintenset_el1 -DLOW -DCLEAR=pmintenclr_el1 -DSTAYS @restore: CLOBBER PMINTENSET_EL1 of vm1/vcpu
// case -DREG=pmcntenset_el0 -DLOW -DCLEAR=pmcntenclr_el0: clean
// case -DREG=pmcntenset_el0 -DLOW -DCLEAR=pmcntenclr_el0 -DSTAYS @restore: CLOBBER PMCNTENSET_EL0 of vm1/vcpu
// case -DREG=s3_4_c12_c1_1 -DGUEST=s3_0_c12_c1_1 -DLOW: clean
// case -DREG=s3_4_c12_c1_1 -DGUEST=s3_0_c12_c1_1 -DLOW -DNO_SAVE @restore: LOST VDISR_EL2 of vm1/vcpu
// case -DREG=s3_4_c12_c1_1 -DGUEST=s3_0_c12_c1_1 -DLOW -DNEVER @do_eret: UNSAVED VDISR_EL2 of vm1/vcpu
// case -DREG=tpidr_el0 -DGARBAGE @restore: LOST TPIDR_EL0 of vm1/vcpu
// case -DREG=s3_4_c12_c11_7 -DGUEST=s3_0_c4_c6_0 -DWORDS: clean
// case -DREG=s3_4_c12_c11_7 -DGUEST=s3_0_c4_c6_0 -DWORDS -DNO_SAVE @restore: LOST ICH_VMCR_EL2 of vm1/vcpu
// case -DREG=s3_4_c12_c11_7 -DGUEST=s3_0_c4_c6_0 -DWORDS -DNEVER @do_eret: UNSAVED ICH_VMCR_EL2 of vm1/vcpu
// case -DREG=s3_4_c12_c11_7 -DGUEST=s3_0_c4_c6_0 -DWORDS -DCHANGED @restore: CLOBBER ICH_VMCR_EL2 of vm1/vcpu
// case -DREG=s3_4_c12_c11_7 -DGUEST=s3_0_c4_c6_0 -DWORDS -DID: clean
// case -DREG=s3_4_c12_c11_7 -DGUEST=s3_0_c4_c6_0 -DWORDS -DID -DNO_SAVE @restore: LOST ICH_VMCR_EL2 of vm1/vcpu
#include "frame.inc"

#ifndef GUEST                                   // the guest's name of the register
#define GUEST REG
#endif
#define FRAME_OTHER FRAME_MORE
#define FRAME_REG (FRAME_MORE + 8)
#define FRAME_SECOND (FRAME_MORE + 16)

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        mov     x2, #6                          // HPMN
        msr     mdcr_el2, x2
#ifdef COUNTS
        mov     x2, #1 << 31
        msr     pmcntenset_el0, x2
        mov     x2, #1 << 6 | 1                 // LC, E
        msr     pmcr_el0, x2
#endif
        ldr     x2, =0x30080080039 | 1 << 31    // API, APK, AMO
#ifdef ID                                       // TID3
        orr     x2, x2, #1 << 18
#endif
        msr     hcr_el2, x2
        .endm
#include "hv.inc"
        .arch armv8.5-a

handle: // X0: who leaves; X3 will be who comes
#ifdef FENCE                                    // table walks of who leaves have ended
        dsb     nsh
#endif
#ifdef ID
        ldr     x4, [x0, #FRAME_ELR]
        add     x4, x4, #4
        str     x4, [x0, #FRAME_ELR]
#endif
        ldr     x3, [x0, #FRAME_OTHER]
        ldr     x7, [x0, #FRAME_X(22)]          // 4, 3, 2, 1
#ifdef TRANSLATES
        cmp     x7, #3
        b.ne    1f
translate:
        at      s1e1r, xzr
        isb
1:
#endif
        mrs     x4, contextidr_el1
        str     x4, [x0, #FRAME_SECOND]
#ifndef NEVER
        mrs     x4, REG
#ifdef OLD                                      // the first time only
        cmp     x7, #4
        b.ne    2f
#endif
#ifdef HALF
        mov     w4, w4
#endif
#ifdef GARBAGE                                  // something else is saved
        mov     x4, #5
#endif
#ifdef NO_SAVE
        b       2f
#endif
        str     x4, [x0, #FRAME_REG]
#ifdef OWN                                      // EL2 has a value of its own in it
        ldr     x4, =OWN
        msr     REG, x4
#ifdef TWICE
        isb
        mrs     x4, REG
second_save:
        str     x4, [x0, #FRAME_REG]
#endif
#endif
#ifdef EDITED
        ldr     x5, [x3, #FRAME_REG]
        add     x5, x5, #4
edited: str     x5, [x3, #FRAME_REG]
#endif
2:
#ifdef WRONG
        ldr     x4, [x3, #FRAME_SECOND]
#elif defined(ELSEWHERE)                        // what hv.inc saves there is the world's PC
        ldr     x4, [x3, #FRAME_ELR]
#else
        ldr     x4, [x3, #FRAME_REG]
#endif
#ifdef CHANGED
        orr     x4, x4, #2
#endif
#if defined(CLEAR) && !defined(STAYS)
        mov     x5, #-1
clear:  msr     CLEAR, x5
#endif
#ifndef NO_RESTORE
restore: msr    REG, x4
#endif
#endif
        ldr     x4, [x3, #FRAME_SECOND]
        msr     contextidr_el1, x4
        become  x3
        ret

guest:  // X21: a number that the other does not have
        add     x21, x21, #1
        mov     x22, #4
1:      add     x23, x21, x22
        msr     contextidr_el1, x23
#if defined(LOW)
        eor     x24, x23, x23, lsr #3
        and     x23, x24, #3
        add     x23, x23, x22
        and     x23, x23, #3
#elif defined(WORDS)
        lsl     x23, x23, #3
#elif defined(TABLE_ADDRESS)
        lsl     x23, x23, #12
#else
        add     x23, x23, #256
#endif
#ifdef HIGH
        orr     x23, x23, #1 << 40
#endif
#ifdef SHIFT
        lsl     x23, x23, #SHIFT
#endif
#ifdef CLEAR
        mov     x25, #-1
        msr     CLEAR, x25
#endif
#ifdef SP1
        mov     sp, x23
#else
        msr     GUEST, x23
#endif
#ifdef ID                                       // a register that is not the GIC's
        mrs     xzr, id_aa64pfr0_el1
#else
        hvc     #0
#endif
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
