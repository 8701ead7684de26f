// A virtual CPU is switched on by another one (PSCI CPU_ON), switches itself off, and is switched on again: it begins as
// the call says, whatever it has left.
// case: clean
// case -DCONTEXT: CLOBBER x0 of vm1/vcpu1
// case -DCONTEXT -DCALLS=1 @do_eret: CLOBBER x0 of vm1/vcpu1
// case -DENTRY=4 @do_eret: PC ELR_EL2 of vm1/vcpu1
// case -DMASKS=0x345 @do_eret: PC SPSR_EL2 of vm1/vcpu1
// case -DMASKS=0x1c5: clean
// case -DKEEPS @do_eret: CLOBBER SCTLR_EL1 of vm1/vcpu1
// case -DKEEPS -DCALLS=1: clean
// case -DDENIES: clean
// case -DIS_ON: clean
// case -DIS_ON -DOVERWRITES @do_eret: PC ELR_EL2 of vm1/vcpu1
// case -DIS_ON -DOVERWRITES -DZEROES @do_eret: PC ELR_EL2 of vm1/vcpu1
#ifndef ENTRY
#define ENTRY 0
#endif
#ifndef MASKS
#define MASKS 0x3c5
#endif
#ifndef CALLS
#define CALLS 2
#endif
#include "frame.inc"
#define FRAME_SCTLR FRAME_MORE
#define FRAME_DENIED (FRAME_MORE + 8)
#define FRAME_CALLED (FRAME_MORE + 16)
#define HAS_SETUP
        .macro setup
        add     x1, x0, #4096
        ldr     x2, =0x30d00800
        str     x2, [x1, #FRAME_SCTLR]
        .endm
#include "hv.inc"

handle: // X0: frame
        adrp    x5, frame
        add     x6, x5, #4096
        ldr     w2, [x0, #FRAME_X(0)]
        mrs     x7, sctlr_el1
        str     x7, [x0, #FRAME_SCTLR]
        tbz     w2, #0, off
#ifdef IS_ON
        ldr     x3, [x5, #FRAME_CALLED]
        add     x4, x3, #1
        str     x4, [x5, #FRAME_CALLED]
#ifndef OVERWRITES
        mov     x4, #-4                         // ALREADY_ON
        cbz     x3, 1f
        str     x4, [x0, #FRAME_X(0)]
        ret
1:
#endif
#ifdef ZEROES                                   // so that it is as behind a reset
        .irp    n, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
        stp     xzr, xzr, [x6, #FRAME_X(\n)]
        .endr
        str     xzr, [x6, #FRAME_X(30)]
#endif
#endif
        ldr     x3, [x0, #FRAME_X(2)]
        add     x3, x3, #ENTRY
        str     x3, [x6, #FRAME_ELR]
        ldr     x3, [x0, #FRAME_X(3)]
#ifndef CONTEXT
        str     x3, [x6, #FRAME_X(0)]
#endif
        mov     x3, #MASKS
        str     x3, [x6, #FRAME_SPSR]
        ldr     x7, =0x30d00800
#ifdef KEEPS
        ldr     x7, [x6, #FRAME_SCTLR]
#endif
        str     xzr, [x0, #FRAME_X(0)]
        b       1f
off:
#ifdef DENIES                                   // once: it returns
        ldr     x2, [x5, #FRAME_DENIED]
        add     x2, x2, #1
        str     x2, [x5, #FRAME_DENIED]
        mov     x3, #-3
        str     x3, [x0, #FRAME_X(0)]
        cmp     x2, #1
        b.ne    2f
        ret
2:
#endif
        mov     x6, x5
        ldr     x7, [x6, #FRAME_SCTLR]
1:      dsb     nsh                             // walks that the one of before has begun
        msr     sctlr_el1, x7
        become  x6
        ret

guest:  mov     x21, #CALLS
1:      ldr     x0, =0xc4000003                 // CPU_ON
        mov     x1, #1
        adr     x2, entry
        mov     x3, #0x55
        hvc     #0
        sub     x21, x21, #1
        cbnz    x21, 1b
        hvc     #99

entry:  nop
        mrs     x1, sctlr_el1
        orr     x1, x1, #1 << 12                // I
        msr     sctlr_el1, x1
#ifdef IS_ON
2:      mov     x0, #4                          // a turn for the other one
#else
2:      ldr     x0, =0x84000002                 // CPU_OFF
#endif
        hvc     #0
        b       2b
