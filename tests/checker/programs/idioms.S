// Ways to switch that are right and unlike hv.inc's. CELLS: general registers are on the stack of the CPU and nothing of EL1 is ever
// saved, since a cell keeps its CPU; another one gets it anew, with registers that are set. DEFERRED: who leaves is not
// put away before another virtual CPU comes; until then EL2 has SCTLR_EL1 alone. COPIED: the frame is copied between the
// stack and the virtual CPU's own place, at another depth each time.
// case -DCELLS: clean
// case -DCELLS -DKEEPS @cell_eret: UNSAVED TPIDR_EL1 of vm2/vcpu0
// case -DDEFERRED: clean
// case -DDEFERRED -DFORGETS @load: LOST TPIDR_EL1 of vm1/vcpu
// case -DDEFERRED -DNATIVE @own_sctlr: CLOBBER SCTLR_EL1 of vm1/vcpu
// case -DCOPIED: clean
// case -DCOPIED -DCHANGES @change: CLOBBER x25 of vm1/vcpu0
#include "frame.inc"

#ifdef DEFERRED
#define FRAME_OTHER FRAME_MORE
#define FRAME_TPIDR (FRAME_MORE + 8)
#define FRAME_VBAR (FRAME_MORE + 16)
#define FRAME_SCTLR (FRAME_MORE + 24)
#define OWN_SCTLR 0x30d00800

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        ldr     x2, =OWN_SCTLR
        str     x2, [x0, #FRAME_SCTLR]
        str     x2, [x1, #FRAME_SCTLR]
        msr     tpidr_el1, xzr
        msr     vbar_el1, xzr
        adr     x2, last
        str     x0, [x2]
        .endm
#include "hv.inc"

handle: // X0: who leaves. Every third call lets it go on
        dsb     nsh                             // walks of who has left
        mrs     x4, sctlr_el1
        str     x4, [x0, #FRAME_SCTLR]
        ldr     x4, =OWN_SCTLR                  // for EL2's threads
own_sctlr: msr  sctlr_el1, x4
        ldr     x3, [x0, #FRAME_OTHER]
        ldr     x4, [x0, #FRAME_X(22)]
        cmp     x4, #2
        csel    x3, x0, x3, eq
        adr     x5, last
        ldr     x6, [x5]
        cmp     x6, x3
        b.eq    1f
#ifndef FORGETS
        mrs     x4, tpidr_el1
        str     x4, [x6, #FRAME_TPIDR]
#endif
        mrs     x4, vbar_el1
        str     x4, [x6, #FRAME_VBAR]
        str     x3, [x5]
        ldr     x4, [x3, #FRAME_TPIDR]
load:   msr     tpidr_el1, x4
        ldr     x4, [x3, #FRAME_VBAR]
        msr     vbar_el1, x4
        become  x3
1:
#ifndef NATIVE
        ldr     x4, [x3, #FRAME_SCTLR]
        msr     sctlr_el1, x4
#endif
        isb
        ret

guest:  add     x1, x21, #0x1000                // 0x1000 or 0x1064
        msr     tpidr_el1, x1
        lsl     x2, x1, #11
        msr     vbar_el1, x2
        mrs     x3, sctlr_el1
        orr     x3, x3, #1 << 15                // UCT
        msr     sctlr_el1, x3
        mov     x22, #4
1:      hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
last:   .quad   0
        .balign 4096
second: .skip   4096

#else // on the stack: X0 to X30, ELR_EL2, SPSR_EL2, 272 bytes
        .arch   armv8.2-a
        .macro  push_all
        sub     sp, sp, #272
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
        pair    stp, \n
        .endr
        str     x30, [sp, #240]
        mrs     x0, elr_el2
        mrs     x1, spsr_el2
        stp     x0, x1, [sp, #248]
        .endm
        .macro  pair op, n
        .altmacro
        two     \op, \n, %(\n + 1)
        .noaltmacro
        .endm
        .macro  two op, a, b
        \op     x\a, x\b, [sp, #8 * \a]
        .endm
        .macro  pop_all
        ldp     x0, x1, [sp, #248]
        msr     elr_el2, x0
        msr     spsr_el2, x1
        ldr     x30, [sp, #240]
        .irp    n, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
        pair    ldp, \n
        .endr
        ldp     x0, x1, [sp]
        add     sp, sp, #272
        .endm

        .section .text
        .globl _start
_start: adr     x0, vectors
        msr     vbar_el2, x0
        adr     x0, hyp_stack
        mov     sp, x0
        ldr     x0, =0x80023559
        msr     vtcr_el2, x0
        ldr     x0, =0x80080019
        msr     hcr_el2, x0
        msr     cptr_el2, xzr
        adrp    x1, stage2
        orr     x1, x1, #1 << 48
new_cell: // X1: VTTBR_EL2
        msr     vttbr_el2, x1
        isb
        tlbi    vmalls12e1
        dsb     nsh
        ldr     x0, =0x30d00800
        msr     sctlr_el1, x0
#ifndef KEEPS
        msr     tpidr_el1, xzr
#endif
        msr     vbar_el1, xzr
        msr     cpacr_el1, xzr
        adr     x0, guest
        msr     elr_el2, x0
        mov     x0, #0x3c5
        msr     spsr_el2, x0
        adr     x0, hyp_stack
        mov     sp, x0
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        mov     x\n, #0
        .endr
cell_eret:
        eret

exit:   push_all
        mrs     x1, esr_el2
        and     x1, x1, #0xff
        cmp     x1, #99
        b.eq    off
#ifdef CELLS
        cmp     x1, #1
        b.ne    1f
        adr     x2, cells
        ldr     x3, [x2]
        cbnz    x3, off
        mov     x3, #1
        str     x3, [x2]
        dsb     nsh
        adrp    x1, stage2
        adrp    x2, other
        ldp     x3, x4, [x1]
        stp     x3, x4, [x2]
        dsb     nsh
        orr     x1, x2, #2 << 48
        b       new_cell
1:
#endif
#ifdef COPIED                                   // 34 words to the virtual CPU's place, and back to another depth
        adr     x0, vcpu
        mov     x2, sp
        mov     x3, #34
1:      ldr     x4, [x2], #8
        str     x4, [x0], #8
        sub     x3, x3, #1
        cbnz    x3, 1b
        add     sp, sp, #272
        adr     x0, depth
        ldr     x2, [x0]
        eor     x2, x2, #512
        str     x2, [x0]
        adr     x0, hyp_stack
        sub     x0, x0, x2
        sub     x0, x0, #272
        mov     sp, x0
        adr     x2, vcpu
        mov     x3, #34
1:      ldr     x4, [x2], #8
        str     x4, [x0], #8
        sub     x3, x3, #1
        cbnz    x3, 1b
#ifdef CHANGES
change: str     x3, [sp, #8 * 25]
#endif
#endif
        pop_all
        eret
off:    ldr     x0, =0x84000008
        smc     #0

guest:  mov     x25, #25
        mov     x26, #26
        mov     x22, #4
        mov     x1, #0x77
        msr     tpidr_el1, x1
1:      hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
#ifdef CELLS
        hvc     #1
#else
        hvc     #99
#endif

        .balign 0x800
vectors:
        .rept   8
        .balign 0x80
        b       .
        .endr
        .rept   8
        .balign 0x80
        b       exit
        .endr

        .section .data
        .balign 4096
stage2: .quad   0x00000000000004c5
        .quad   0x00000000400007fd
        .balign 4096
other:  .skip   4096
cells:  .quad   0
depth:  .quad   0
vcpu:   .skip   272
        .balign 4096
        .skip   4096
hyp_stack:
        .skip   16
#endif
