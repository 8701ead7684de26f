// More ways to switch that are right. Each virtual CPU has a stack of EL2's of its own, and its frame is on that: SP_EL2 alone says who is
// the current one. System registers move in pairs of different kinds and come back in another order; V registers by ST1 and LD1 of
// four; what is put away is copied by vectors once more (-DCOPIES), or by bytes of another width; FPSR and FPCR share a doubleword
// (-DPACKED); the frame is restored from below SP, by a base that is written back (-DDESCENDS).
// case: clean
// case -DCOPIES: clean
// case -DPACKED: clean
// case -DDESCENDS: clean
// case -DCOPIES -DPACKED -DDESCENDS: clean
// case -DSWAPS @own_stack: WRONG-SLOT SP_EL0 of vm1/vcpu0
// case -DFEWER @last_eret: LEAK v31 of vm1/vcpu1 +
// case -DSTACK_STAYS @last_eret: TRAPCFG VMPIDR_EL2 of vm1/vcpu0
        .arch   armv8.2-a
        .macro  pair op, n
        .altmacro
        two     \op, \n, %(\n + 1)
        .noaltmacro
        .endm
        .macro  two op, a, b
        \op     x\a, x\b, [sp, #8 * \a]
        .endm
        .macro  quads op                        // all but the last
        \op     {v0.2d-v3.2d}, [x0], #64
        \op     {v4.2d-v7.2d}, [x0], #64
        \op     {v8.2d-v11.2d}, [x0], #64
        \op     {v12.2d-v15.2d}, [x0], #64
        \op     {v16.2d-v19.2d}, [x0], #64
        \op     {v20.2d-v23.2d}, [x0], #64
        \op     {v24.2d-v27.2d}, [x0], #64
        .endm
        .macro  down a, b
        ldp     q\a, q\b, [x0, #-32]!
        .endm
#define FRAME 1024
#define ELR 248
#define TPIDR 264
#define VBAR 272
#define SP_0 280
#define FP_STATUS 288
#define FP_CONTROL 296
#define VECTORS 320

        .section .text
        .globl _start
_start: adr     x0, vectors
        msr     vbar_el2, x0
        ldr     x0, =0x80023559
        msr     vtcr_el2, x0
        ldr     x0, =0x80080019
        msr     hcr_el2, x0
        msr     cptr_el2, xzr
        adrp    x1, stage2
        orr     x1, x1, #1 << 48
        msr     vttbr_el2, x1
        ldr     x0, =0x80000000
        msr     vmpidr_el2, x0
        ldr     x0, =0x30d00800
        msr     sctlr_el1, x0
        mov     x0, #3 << 20
        msr     cpacr_el1, x0
        isb
        tlbi    vmalls12e1
        dsb     nsh
        adrp    x0, stack1                      // the second's frame: all zero but where it begins, and who it is
        sub     x0, x0, #FRAME
        adr     x1, guest
        mov     x2, #0x3c5
        stp     x1, x2, [x0, #ELR]
        mov     x1, #100
        str     x1, [x0, #8 * 21]
        adrp    x2, sp_of_other
        str     x0, [x2, #:lo12:sp_of_other]
        adrp    x0, stack0
        sub     x0, x0, #FRAME
        mov     x2, #0x3c5
        adr     x1, guest
        stp     x1, x2, [x0, #ELR]
        mov     sp, x0
        b       load

exit:   sub     sp, sp, #FRAME
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
        pair    stp, \n
        .endr
        mrs     x0, elr_el2
        stp     x30, x0, [sp, #240]             // a pair of two kinds
        mrs     x1, spsr_el2
        mrs     x2, tpidr_el1
        stp     x1, x2, [sp, #256]
        mrs     x1, vbar_el1
        mrs     x2, sp_el0
#ifdef SWAPS
        stp     x2, x1, [sp, #VBAR]
#else
        stp     x1, x2, [sp, #VBAR]
#endif
        add     x0, sp, #VECTORS
        quads   st1
        st1     {v28.2d-v31.2d}, [x0], #64
        mrs     x1, fpsr
        mrs     x2, fpcr
#ifdef PACKED
        str     w1, [sp, #FP_STATUS]
        str     w2, [sp, #FP_STATUS + 4]
#else
        stp     x1, x2, [sp, #FP_STATUS]
#endif
        mrs     x1, esr_el2
        and     x1, x1, #0xff
        cmp     x1, #99
        b.eq    off
#ifdef COPIES                                   // to another place and back, by vectors
        mov     x0, sp
        adrp    x1, elsewhere
        mov     x2, #FRAME / 32
1:      ldp     q0, q1, [x0], #32
        stp     q0, q1, [x1], #32
        sub     x2, x2, #1
        cbnz    x2, 1b
        mov     x2, #FRAME / 8
        mov     x0, sp
1:      str     xzr, [x0], #8
        sub     x2, x2, #1
        cbnz    x2, 1b
        mov     x0, sp
        adrp    x1, elsewhere
        mov     x2, #FRAME / 16
1:      ldp     x4, x5, [x1], #16
        stp     x4, x5, [x0], #16
        sub     x2, x2, #1
        cbnz    x2, 1b
#endif
        adrp    x2, sp_of_other
        ldr     x1, [x2, #:lo12:sp_of_other]
        mov     x0, sp
#ifndef STACK_STAYS
        str     x0, [x2, #:lo12:sp_of_other]
        mov     sp, x1
#endif
        mrs     x4, vmpidr_el2
        eor     x4, x4, #1
        msr     vmpidr_el2, x4
        tlbi    vmalle1
        dsb     nsh

load:   ldr     w1, [sp, #FP_STATUS]
#ifdef PACKED
        ldr     w2, [sp, #FP_STATUS + 4]
#else
        ldr     x2, [sp, #FP_CONTROL]
#endif
        msr     fpcr, x2
        msr     fpsr, x1
        add     x0, sp, #VECTORS + 512
#ifdef DESCENDS
        .irp    n, 30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0
        .altmacro
        down    \n, %(\n + 1)
        .noaltmacro
        .endr
#else
        sub     x0, x0, #512
        quads   ld1
#ifdef FEWER
        ld1     {v28.2d-v30.2d}, [x0], #48
#else
        ld1     {v28.2d-v31.2d}, [x0], #64
#endif
#endif
        ldp     x1, x2, [sp, #VBAR]
        ldr     x3, [sp, #TPIDR]
own_stack:
        msr     sp_el0, x2
        msr     tpidr_el1, x3
        msr     vbar_el1, x1
        ldp     x30, x0, [sp, #240]
        msr     elr_el2, x0
        ldr     x1, [sp, #256]
        msr     spsr_el2, x1
        .irp    n, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
        pair    ldp, \n
        .endr
        ldp     x0, x1, [sp]
        add     sp, sp, #FRAME
last_eret:
        eret
off:    ldr     x0, =0x84000008
        smc     #0

guest:  add     x1, x21, #0x1000                // 0x1000 or 0x1064
        msr     tpidr_el1, x1
        lsl     x2, x1, #11
        msr     vbar_el1, x2
        lsl     x2, x1, #4
        msr     spsel, #0
        mov     sp, x2
        msr     spsel, #1
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        add     x2, x1, #\n
        dup     v\n\().2d, x2
        .endr
        mov     x2, #1 << 24
        msr     fpcr, x2
        lsr     x2, x1, #2
        and     x2, x2, #0x1f
        msr     fpsr, x2
        mov     x22, #4
1:      hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

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
elsewhere:
        .skip   4096
        .skip   4096
stack0: .skip   4096
stack1: .skip   16
sp_of_other:
        .quad   0
