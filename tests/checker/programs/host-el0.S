// EL2 is a host with a program of its own at EL0 (HCR_EL2.E2H, and TGE while the program runs), which it runs between
// an exit of the guest and the next entry. The program may not find the guest's registers, nor the guest the program's.
// case: clean
// case -DLEAVES @run_program: LEAK TPIDR_EL0 of vm1/vcpu0
// case -DLEAVES -DREG=tpidrro_el0 @run_program: LEAK TPIDRRO_EL0 of vm1/vcpu0
// case -DLEAVES -DREG=tpidr_el1: clean
// case -DKEEPS @do_eret: LEAK TPIDR_EL0 of vm1/vcpu0
// case -DCOMES_BACK: clean
// case -DCOMES_BACK -DSPOILT @spoils: CLOBBER TPIDR_EL0
// case -DCOMES_BACK -DSPOILT -DREG=tpidrro_el0 @spoils: CLOBBER TPIDRRO_EL0
// case -DCOMES_BACK -DSPOILT -DELSEWHERE: clean
// case -DCOMES_BACK -DSPOILT -DSIGNS -DREG=apiakeylo_el1 @spoils: CLOBBER APIAKeyLo_EL1
// case -DCOMES_BACK -DSIGNS -DREG=apiakeylo_el1: clean
// case -DCOMES_BACK -DSPOILT -DREG=apiakeylo_el1: clean
// case -DCOMES_BACK -DSPOILT -DSIGNS -DASKS -DREG=apiakeylo_el1: clean
// case -DSIGNS -DREG=apiakeylo_el1 -DLEAVES @run_program: LEAK APIAKeyLo_EL1 of vm1/vcpu0
// case -DREG=apiakeylo_el1 -DLEAVES: clean
// case -DVECTORS -DCOMES_BACK: clean
// case -DVECTORS -DCOMES_BACK -DSPOILT @spoils: FP-OWNER v7
// case -DVECTORS -DCOMES_BACK -DSPOILT -DELSEWHERE: clean
// case -DVECTORS -DCOMES_BACK -DSPOILT -DTRAPPED: clean
// case -DVECTORS: clean
// case -DVECTORS -DLEAVES @run_program: LEAK
// case -DVECTORS -DLEAVES -DTRAPPED: clean
// case -DVECTORS -DTRAPPED -DLATE: clean
// case -DVECTORS -DTRAPPED -DLATE -DSTAYS @late: FP-OWNER v7 of vm1/vcpu0
#include "frame.inc"
#include "host.inc"

#ifndef REG
#define REG tpidr_el0
#endif

#define HAS_SETUP
        .macro setup
        become_host
        mov     x1, #3 << 20                    // FPEN
        msr     cptr_el2, x1
        msr     s3_5_c1_c0_2, x1               // CPACR_EL12
        mrs     x1, hcr_el2
        orr     x1, x1, #3 << 40                // APK and API
        msr     hcr_el2, x1
#ifdef SIGNS
        mrs     x1, sctlr_el2
        orr     x1, x1, #1 << 31                // EnIA
        msr     sctlr_el2, x1
#endif
        .endm
#include "hv.inc"
        .arch armv8.3-a

handle: // X0: frame
#ifdef LATE                                     // V7 is saved behind the program
#elif defined(VECTORS)
        str     q7, [x0, #FRAME_MORE + 8]
#ifdef SPOILT
spoils: dup     v7.2d, x22
#elif !defined(LEAVES)
        movi    v7.2d, #0
#endif
#else
        mrs     x4, REG
        str     x4, [x0, #FRAME_MORE]
#ifndef LEAVES
        mov     x4, #0x5555
#ifdef SPOILT                                   // another value each time
        cbz     x22, 1f
        add     x4, x4, x22
1:
#endif
spoils: msr     REG, x4
#endif
#endif
#ifdef TRAPPED                                  // for EL0: its first use would restore the program's
        mov     x4, #1 << 20
        msr     cptr_el2, x4
#endif
        to_program
        adr     x4, program
#ifdef COMES_BACK                               // behind its call, where it was the last time
        adrp    x5, begun
        ldr     x3, [x5, #:lo12:begun]
        str     x4, [x5, #:lo12:begun]
        cbz     x3, 1f
        adr     x4, program_goes_on
#ifdef ELSEWHERE
        add     x4, x4, #4
#endif
1:
#endif
        msr     elr_el2, x4
        mov     x4, #0x3c0                      // EL0t
        msr     spsr_el2, x4
run_program:
        eret
program:
        svc     #0
program_goes_on:
        nop
        svc     #0
back:
#ifdef ASKS                                     // for other keys, by its first call
        ldr     x4, [x0, #FRAME_MORE + 16]
        add     x5, x4, #1
        str     x5, [x0, #FRAME_MORE + 16]
        cbnz    x4, 1f
        mov     x4, #0x7777
        msr     REG, x4
        eret
1:
#endif
        from_program
#ifdef TRAPPED
        mov     x4, #3 << 20
        msr     cptr_el2, x4
        isb
#endif
#ifdef LATE
        str     q7, [x0, #FRAME_MORE + 8]
late:   movi    v7.2d, #0
#endif
#ifdef VECTORS
#ifndef STAYS
        ldr     q7, [x0, #FRAME_MORE + 8]
#endif
#elif !defined(KEEPS)
        ldr     x4, [x0, #FRAME_MORE]
        msr     REG, x4
#endif
        ret

guest:  mov     x22, #4
1:      add     x23, x22, #0x120
#ifdef VECTORS
        dup     v7.2d, x23
#else
        msr     REG, x23
#endif
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .balign 4096
program_vectors:
        .skip   0x400
        b       back
        .balign 4096

        .section .data
        .balign 8
begun:  .quad   0
