// EL2 below a host: the first world runs at EL1 without stage 2, calls by HVC for the guest to run, and gets the CPU back
// at the guest's HVC. What the two share must change hands (REG), and what EL2 configures for the guest must not
// stay for the host (CFG).
// case: clean
// case -DNO_SAVE_HOST @restore: LOST TPIDR_EL1 of host +
// case -DNO_RESTORE_HOST @do_eret: LEAK TPIDR_EL1 of host
// case -DNO_SAVE_GUEST @restore: LOST TPIDR_EL1 of vm1/vcpu0 +
// case -DNO_RESTORE_GUEST @do_eret: LEAK TPIDR_EL1 of vm1/vcpu0
// case -DNEVER @do_eret: UNSAVED TPIDR_EL1 of
// case -DREG=contextidr_el1 -DNO_RESTORE_HOST @do_eret: LEAK CONTEXTIDR_EL1 of host
// case -DREG=cntkctl_el1: clean
// case -DREG=cntkctl_el1 -DNO_SAVE_HOST @restore: LOST CNTKCTL_EL1 of host +
// case -DREG=cntkctl_el1 -DNO_RESTORE_HOST @do_eret: LEAK CNTKCTL_EL1 of host
// case -DREG=cntkctl_el1 -DNO_RESTORE_GUEST @do_eret: LEAK CNTKCTL_EL1 of vm1/vcpu0
// case -DREG=tcr_el1 -DNO_SAVE_HOST @restore: LOST TCR_EL1 of host +
// case -DREG=mair_el1 -DNO_RESTORE_HOST @do_eret: LEAK MAIR_EL1 of host +
// case -DREG=csselr_el1 -DNO_SAVE_HOST @restore: LOST CSSELR_EL1 of host +
// case -DREG=tpidrro_el0 -DNO_RESTORE_HOST @do_eret: LEAK TPIDRRO_EL0 of host
// case -DCFG=cntvoff_el2 -DG=0x1000 -DH=0: clean
// case -DCFG=cntvoff_el2 -DG=0x1000 -DH=0 -DSTAYS @do_eret: LEAK CNTVOFF_EL2 of host
// case -DCFG=mdcr_el2 -DG=5 -DH=6 -DSTAYS @do_eret: TRAPCFG MDCR_EL2 of host
// case -DCFG=mdcr_el2 -DG=5 -DH=6: clean
// case -DCFG=mdcr_el2 -DG=5 -DH=6 -DBACK=15 @do_eret: HANDOVER MDCR_EL2 of host
// case -DCFG=vpidr_el2 -DG=0x410fd0c1 -DH=0x410fd0c2 -DSTAYS @do_eret: TRAPCFG VPIDR_EL2 of host
// case -DCFG=hstr_el2 -DG=1 -DH=0 -DSTAYS @do_eret: TRAPCFG HSTR_EL2 of host
// case -DREG=cntv_cval_el0 -DNO_RESTORE_HOST: clean
// case -DPROTECTED: clean
// case -DPROTECTED -DREG=cntv_cval_el0 -DNO_RESTORE_HOST: clean
// case -DPROTECTED -DNO_RESTORE_HOST @do_eret: LEAK TPIDR_EL1 of host
// PROTECTED: the host has a stage 2 too, from its first entry; but it has its interrupts itself, and VMID 0.
#ifndef REG
#define REG tpidr_el1
#endif
#ifndef CFG
#define CFG cntvoff_el2
#define G 0
#define H 0
#endif
#include "frame.inc"

#define FRAME_OTHER FRAME_MORE
#define FRAME_REG (FRAME_MORE + 8)
#define FRAME_CFG (FRAME_MORE + 16)
#define FRAME_HCR (FRAME_MORE + 24)
#define FRAME_VTTBR (FRAME_MORE + 32)

#define HAS_SETUP
        .macro setup                            // X0: the host's frame
        two_worlds FRAME_OTHER
        adr     x2, host
        str     x2, [x0, #FRAME_ELR]
        ldr     x2, =0x80000000                 // HCR_EL2.RW
#ifdef PROTECTED
        add     x2, x2, #1
        adrp    x4, host_stage2
        str     x4, [x0, #FRAME_VTTBR]
        adrp    x4, stage2
        orr     x4, x4, #1 << 48
        str     x4, [x1, #FRAME_VTTBR]
        ldr     x4, [x0, #FRAME_VTTBR]
        msr     vttbr_el2, x4
#endif
        str     x2, [x0, #FRAME_HCR]
        msr     hcr_el2, x2
        ldr     x2, =0x80080019
        str     x2, [x1, #FRAME_HCR]
        ldr     x2, =H
        str     x2, [x0, #FRAME_CFG]
        msr     CFG, x2
#ifdef BACK                                     // the host has that at first, and gets this
        ldr     x2, =BACK
        str     x2, [x0, #FRAME_CFG]
#endif
        ldr     x2, =G
        str     x2, [x1, #FRAME_CFG]
        .endm
#include "hv.inc"
        .arch armv8.5-a

handle: // X0: who leaves; X3 will be who comes
        ldr     x3, [x0, #FRAME_OTHER]
        ldr     x7, [x0, #FRAME_X(22)]          // 4, 3, 2, 1
        ldr     x6, [x3, #FRAME_HCR]            // IMO: the guest's
#ifdef PROTECTED
        dsb     nsh
        ldr     x4, [x3, #FRAME_VTTBR]
        msr     vttbr_el2, x4
#endif
#ifndef NEVER
#ifdef NO_SAVE_HOST
        cmp     x7, #3
        b.gt    1f
        tbnz    x6, #4, 2f
1:
#endif
#ifdef NO_SAVE_GUEST
        cmp     x7, #3
        b.gt    1f
        tbz     x6, #4, 2f
1:
#endif
        mrs     x4, REG
        str     x4, [x0, #FRAME_REG]
2:
#ifdef NO_RESTORE_HOST
        cmp     x7, #3
        b.gt    1f
        tbz     x6, #4, 3f
1:
#endif
#ifdef NO_RESTORE_GUEST
        cmp     x7, #3
        b.gt    1f
        tbnz    x6, #4, 3f
1:
#endif
        ldr     x4, [x3, #FRAME_REG]
restore: msr    REG, x4
3:
#endif
#ifdef STAYS                                    // the host gets what the guest had
        cmp     x7, #3
        b.gt    4f
        tbz     x6, #4, 5f
4:
#endif
        ldr     x4, [x3, #FRAME_CFG]
        msr     CFG, x4
5:      msr     hcr_el2, x6
        msr     tpidr_el2, x3
        isb
        tlbi    vmalle1                         // what the other has translated
        dsb     nsh
        ret

host:
guest:  // X21: a number that the other does not have
        add     x21, x21, #1
        mov     x22, #4
1:      add     x23, x21, x22
        add     x23, x23, #256
        msr     REG, x23
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
host_stage2:
        .quad   0x00000000000004c5
        .quad   0x00000000400007fd
        .balign 4096
