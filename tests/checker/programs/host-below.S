// A host at EL1 runs a program at EL0, which calls it, and it calls EL2 to run a guest: the program goes on with the V registers that
// it had. Who puts them back, EL2 or the host behind the call, is the hypervisor's choice.
// options: --rules FP-OWNER
// case: clean
// case -DIN_HOST: clean
// case -DLEAVES: FP-OWNER v0
// case -DLEAVES -DREG=fpsr: FP-OWNER FPSR
// case -DLEAVES -DNO_FP: clean
// case -DLEAVES -DELSEWHERE: clean
// case -DSPOILS @spoils: FP-OWNER v0
#include "frame.inc"

#define FRAME_OTHER FRAME_MORE
#define FRAME_HCR (FRAME_MORE + 8)
#define FRAME_V (FRAME_MORE + 24)
#define FRAME_FPSR (FRAME_MORE + 40)

#define HAS_SETUP
        .macro setup                            // X0: the host's frame
        two_worlds FRAME_OTHER
        adr     x2, host
        str     x2, [x0, #FRAME_ELR]
        ldr     x2, =0x80000000                 // HCR_EL2.RW
        str     x2, [x0, #FRAME_HCR]
        msr     hcr_el2, x2
        ldr     x2, =0x80080019
        str     x2, [x1, #FRAME_HCR]
        .endm
#include "hv.inc"

        .macro  save, frame                     // X4 goes
        str     q0, [\frame, #FRAME_V]
        mrs     x4, fpsr
        str     x4, [\frame, #FRAME_FPSR]
        .endm
        .macro  load, frame
        ldr     q0, [\frame, #FRAME_V]
        ldr     x4, [\frame, #FRAME_FPSR]
        msr     fpsr, x4
        .endm

handle: // X0: who leaves, X3: who comes
        ldr     x3, [x0, #FRAME_OTHER]
        ldr     x6, [x3, #FRAME_HCR]            // bit 0: the guest's
        save    x0
#if defined(LEAVES) || defined(IN_HOST)
        tbz     x6, #0, 1f
#endif
        load    x3
1:
#ifdef SPOILS
        tbnz    x6, #0, 2f
        ldr     x4, [x0, #FRAME_X(1)]           // another one each time
spoils: fmov    d0, x4
2:
#endif
        msr     hcr_el2, x6
        msr     tpidr_el2, x3
        isb
        tlbi    vmalle1                         // what the other has translated
        dsb     nsh
        ret

#ifndef REG
#define USE(value) fmov d0, value
#else
#define USE(value) msr REG, value
#endif

guest:
        mov     x1, #5
1:      USE(x1)
        hvc     #0
        add     x1, x1, #1
        b       1b

host:
        adr     x1, host_vectors
        msr     vbar_el1, x1
        adrp    x1, host_stack
        mov     sp, x1
        mov     x1, #0x3c0                      // EL0
        msr     spsr_el1, x1
        adr     x1, program
        msr     elr_el1, x1
#ifdef NO_FP                                    // the program's first use would trap
        mov     x1, #1 << 20
        msr     cpacr_el1, x1
#endif
        eret

program:
        mov     x21, #4
        mov     x1, #0x11
#ifndef NO_FP
        USE(x1)
#endif
1:      svc     #0
        sub     x21, x21, #1
        cbnz    x21, 1b
        svc     #1

        .balign 0x800
host_vectors:
        .rept   8
        .balign 0x80
        b       .
        .endr
        .balign 0x80
        mrs     x2, esr_el1
        tbnz    x2, #0, 1f
        adrp    x3, host_stack
#ifdef IN_HOST
        save    x3
#endif
        hvc     #0                              // run the guest
#ifdef IN_HOST
        load    x3
#endif
#ifdef ELSEWHERE                                // another one goes on
        mrs     x2, elr_el1
        add     x2, x2, #4
        msr     elr_el1, x2
        cbz     x21, 1f
        sub     x21, x21, #1
#endif
        eret
1:      hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
host_stack:
        .skip   4096
