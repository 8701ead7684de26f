// Two virtual CPUs, one with 100 in X21, take turns at an HVC. An SGI that one sends to the other, or that makes room for others
// in the list registers, is forgotten.
// options: --rules GIC-STATE,LOST,LEAK
// case: clean
// case -DFORGETS @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu1
// case -DFORGETS -DDISABLES=8: clean
// case -DFORGETS -DREFILLED=2 @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu1
// case -DFORGETS -DREFILLED=4: clean
// case -DFORGETS -DSLEEPS: LOST ICH_LR0_EL2 of vm1/vcpu1
// case -DSLEEPS: clean
// case -DFORGETS -DSELF: LOST ICH_LR0_EL2 of vm1/vcpu0
// case -DSELF: clean
// case -DSPILLS: clean
// case -DSPILLS -DFORGETS @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu1
// case -DSPILLS -DFORGETS -DDISABLES=5: clean
// case -DSPILLS -DFORGETS -DREFILLED=2 @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu1
// case -DSPILLS -DFORGETS -DREFILLED=4: clean
// case -DSPILLS -DNUMBER=8200: clean
// case -DSPILLS -DNUMBER=8200 -DFORGETS @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu1
// case -DSPILLS -DNUMBER=50 -DFORGETS: clean
// case -DSPILLS -DNUMBER=50 -DPLAIN: clean
// case -DSPILLS -DNUMBER=50 -DPLAIN -DFORGETS @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu1
#include "frame.inc"
#define FRAME_OTHER FRAME_MORE
#define FRAME_LRS (FRAME_MORE + 8)              // four
#define FRAME_SPILLED (FRAME_MORE + 40)         // one that waits; 0: none
#define FRAME_COUNT (FRAME_MORE + 48)           // of SGIs that were sent to it

#ifndef NUMBER
#define NUMBER 3
#endif
#ifndef REFILLED
#define REFILLED 0                              // an enable of ICH_HCR_EL2: UIE, which asks at once and is not heard; LRENPIE
#endif
#define PENDING (1 << 62 | 1 << 60 | 0xa0 << 48)
#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        mov     x1, #7
        msr     icc_sre_el1, x1
        isb
        ldr     x1, =0xff040002                 // priority mask, VBPR1 1, VENG1
        msr     ich_vmcr_el2, x1
        mov     x1, #1 | REFILLED
        msr     ich_hcr_el2, x1
        mrs     x1, hcr_el2
        orr     x1, x1, #1 << 13                // TWI
        msr     hcr_el2, x1
        .endm
#include "hv.inc"

        .macro  list_registers what, frame      // by X2
        .irp    n, 0, 1, 2, 3
        .ifc    \what, save
        mrs     x2, s3_4_c12_c12_\n
        str     x2, [\frame, #FRAME_LRS + 8 * \n]
        .else
        ldr     x2, [\frame, #FRAME_LRS + 8 * \n]
        msr     s3_4_c12_c12_\n, x2
        .endif
        .endr
        .endm

handle: // X0: who leaves, X1: the syndrome; X3: who comes
        list_registers save, x0
        ldr     x3, [x0, #FRAME_OTHER]
        lsr     x4, x1, #26
        cmp     x4, #0x16
        b.eq    turn
        ldr     x2, [x0, #FRAME_ELR]
        add     x2, x2, #4
        str     x2, [x0, #FRAME_ELR]
        cmp     x4, #1                          // WFI
        b.eq    waits
#ifdef PLAIN
        and     x5, x1, #31 << 5                // Rt
        cmp     x5, #31 << 5
        b.eq    turn
#endif
        tbnz    x1, #31, stays                  // a Data Abort: as of a distributor
#ifdef SELF
        mov     x3, x0
#else
        ldr     x3, [x0, #FRAME_OTHER]          // ICC_SGI1R_EL1
#endif
        ldr     x4, [x3, #FRAME_COUNT]
        add     x4, x4, #1
        str     x4, [x3, #FRAME_COUNT]
        ldr     x2, =PENDING | NUMBER
#ifdef FORGETS
#ifndef SPILLS
        cmp     x4, #2
        b.eq    stays
#endif
#endif
        str     x2, [x3, #FRAME_SPILLED]
stays:  mov     x3, x0
        b       loads
waits:  ldr     x2, [x0, #FRAME_LRS]
        lsr     x2, x2, #62
        cbnz    x2, stays
        wfi                                     // nothing will wake it
        b       waits
turn:
        become  x3
loads:                                          // what waits goes into the first one that is free
        ldr     x4, [x3, #FRAME_SPILLED]
        cbz     x4, 2f
        add     x5, x3, #FRAME_LRS
        mov     x6, #4
1:      ldr     x2, [x5]
        tst     x2, #3 << 62
        b.eq    3f
        add     x5, x5, #8
        subs    x6, x6, #1
        b.ne    1b
        b       2f
3:      str     x4, [x5]
        str     xzr, [x3, #FRAME_SPILLED]
2:
#ifdef SPILLS                                   // at its third turn, what is there makes room for four others
        ldr     x4, [x3, #FRAME_X(22)]
        ldr     x5, [x3, #FRAME_X(21)]
        cmp     x4, #9
        b.ne    4f
        cmp     x5, #100
        b.ne    4f
        ldr     x2, =PENDING | NUMBER
#ifndef FORGETS
        str     x2, [x3, #FRAME_SPILLED]
#endif
        ldr     x2, =PENDING | 40
        .irp    n, 0, 1, 2, 3
        str     x2, [x3, #FRAME_LRS + 8 * \n]
        add     x2, x2, #1
        .endr
4:
#endif
        list_registers load, x3
        ret

guest:
#ifdef SELF                                     // one SGI to itself, and another, for which it waits for ever
        ldr     x1, =NUMBER << 24 | 1
        msr     s3_0_c12_c11_5, x1              // ICC_SGI1R_EL1
        mrs     x2, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     s3_0_c12_c12_1, x2              // ICC_EOIR1_EL1
        msr     s3_0_c12_c11_5, x1
        b       .
#endif
        // X22 counts turns, down
        mov     x22, #14
1:      cmp     x21, #100
        b.eq    receives
#ifdef SPILLS
        cmp     x22, #13
        b.ne    2f
#else
        and     x1, x22, #3
        cbnz    x1, 2f
#endif
        ldr     x1, =NUMBER % 16 << 24 | 2
        msr     s3_0_c12_c11_5, x1              // ICC_SGI1R_EL1
        b       2f
receives:
#ifdef SLEEPS
        cmp     x22, #8
        b.ne    4f
        wfi
4:
#endif
#ifdef DISABLES                                 // in a frame, say
        cmp     x22, #DISABLES
        b.ne    3f
        ldr     x1, =0x100000000                // not mapped
        ldr     w2, [x1]
3:
#endif
#ifdef SPILLS                                   // it is masked until others are there
        cmp     x22, #9
        b.hs    2f
#endif
        mrs     x1, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     s3_0_c12_c12_1, x1              // ICC_EOIR1_EL1
2:
#ifdef PLAIN                                    // a turn asks for nothing: an SGI for nobody
        msr     s3_0_c12_c11_5, xzr
#else
        hvc     #0
#endif
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
