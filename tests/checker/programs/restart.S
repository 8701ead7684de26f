// Partitions, as Jailhouse has them: one gets the CPU when another one waits, and begins anew, with registers as of a reset; so does the
// first one when it comes back, which has not asked for it. There is one frame, the CPU's.
// case: clean
// case -DREG=tpidr_el1: clean
// case -DREG=tpidr_el1 -DSTAYS @do_eret: LEAK TPIDR_EL1 of vm2/vcpu0
// case -DREG=ttbr0_el1 -DSTAYS @do_eret: LEAK TTBR0_EL1 of vm2/vcpu0
// case -DREG=contextidr_el1 -DSTAYS -DLATER @do_eret: LEAK CONTEXTIDR_EL1 of vm1/vcpu0
// case -DPENDS: clean
// case -DLEAVES: FOREIGN-SAVE x20 of vm1/vcpu0 +
// case -DMASKS=0x345 @do_eret: PC ELR_EL2 of vm1/vcpu0 +
#include "frame.inc"
#ifndef REG
#define REG tpidr_el1
#endif
#ifndef MASKS
#define MASKS 0x3c5
#endif
#define COUNT (FRAME_MORE)
#define HAS_SETUP
        .macro setup
        ldr     x2, =0x80082019                 // TWI
        msr     hcr_el2, x2
        msr     REG, xzr
#ifdef PENDS                                    // an SGI, for who is reset and has not enabled its group
        mov     x2, #7
        msr     icc_sre_el1, x2
        isb
        ldr     x2, =1 << 62 | 1 << 60 | 0xa0 << 48 | 3
        msr     ich_lr0_el2, x2
        mov     x2, #1
        msr     ich_hcr_el2, x2
#endif
        .endm
#include "hv.inc"

handle:
        ldr     x5, [x0, #COUNT]
        add     x5, x5, #1
        str     x5, [x0, #COUNT]
#ifdef PENDS
        msr     ich_lr0_el2, xzr
#endif
        mov     x2, x0
        mov     x3, #31
1:      str     xzr, [x2], #8
        sub     x3, x3, #1
        cbnz    x3, 1b
#ifdef LEAVES                                   // one of them is not reset
        mov     x2, x20
        str     x2, [x0, #FRAME_X(20)]
#endif
        str     x5, [x0, #FRAME_X(0)]           // what PSCI calls the context
        adr     x2, guest
        str     x2, [x0, #FRAME_ELR]
        mov     x2, #MASKS
        str     x2, [x0, #FRAME_SPSR]
        ldr     x2, =0x30d00800
        msr     sctlr_el1, x2
#ifdef STAYS
#ifdef LATER
        cmp     x5, #2
        b.lo    2f
#endif
        b       3f
#endif
2:      msr     REG, xzr
3:      adrp    x2, stage2
        adrp    x3, other_stage2
        tst     x5, #1
        csel    x2, x2, x3, eq
        add     x3, x5, #1
        and     x3, x3, #1
        eor     x3, x3, #1
        add     x3, x3, #1
        orr     x2, x2, x3, lsl #48
        dsb     nsh
        msr     vttbr_el2, x2
        isb
        tlbi    vmalls12e1
        dsb     nsh
        ret

guest:  // X0: how many have begun before
        add     x20, x0, #0x100
        lsl     x21, x20, #12
        msr     REG, x21
        cmp     x0, #4
        b.eq    4f
        wfi
        b       .
4:      hvc     #99

        .section .data
        .balign 4096
other_stage2:
        .quad   0x00000000000004c5
        .quad   0x00000000400007fd
        .balign 4096
