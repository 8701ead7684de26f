// Page tables handed about: a table's place gets another table, a table goes to another tree, a root gets another VMID or
// another life (docs/page_tables.md).
// options: --cpu n1
// case -DSWAP: clean
// case -DSWAP -DNO_BREAK @make: BBM of vm1/vcpu0
// case -DSWAP -DNO_TLBI @make: BBM of vm1/vcpu0
// case -DSWAP -DROUND=1: clean
// case -DSWAP -DROUND=2 @swap_tlbi: TLB-SCOPE of vm1/vcpu0
// case -DSWAP -DOWN: clean
// case -DSWAP -DOWN -DNO_BREAK @make: BBM
// case -DSWAP -DOWN -DNO_TLBI @make: BBM
// case -DMOVE: clean
// case -DMOVE -DNO_TLBI @do_eret: TLB-MISS
// case -DMOVE -DNO_UNLINK -DNO_TLBI: clean
// case -DMOVE -DNO_TLBI -DFILL @fill: TLB-MISS
// case -DMOVE -DFILL: clean
// case -DLEAVE -DBACK=1: clean
// case -DLEAVE -DBACK=3 @do_eret: VMID VTTBR_EL2 of vm1/vcpu0
// case -DLEAVE -DBACK=3 -DANEW: clean
// case -DLEAVE -DBACK=3 -DREFILL: clean
// case -DLEAVE -DBACK=1 -DANEW @do_eret: TLB-MISS of vm1/vcpu0
// case -DADD: clean
#ifdef OWN
#define EL2_TABLES
#endif
#ifdef LEAVE
#include "frame.inc"
#define FRAME_OTHER FRAME_MORE
#define HAS_SETUP
        .macro setup
        full_tables
        two_worlds FRAME_OTHER
        .endm
#endif
#include "tables.inc"

#ifndef ROUND
#define ROUND 1
#endif
#ifndef BACK
#define BACK 1
#endif

        .macro  enter_tree root, vmid
        adrp    x3, \root
        orr     x3, x3, #\vmid << 48
        msr     vttbr_el2, x3
        isb
        .endm

handle: // HVC #0, then #1
        and     x1, x1, #0xff
        dsb     nsh                             // walks of who has left
#if defined(SWAP)                               // the table below: another one that says the same
        cbnz    x1, 1f
        mov     x5, #0
#ifdef OWN
        adrp    x2, el2_level2
        adrp    x4, el2_level3
#else
        adrp    x2, level2
        adrp    x4, level3
#endif
        ldr     x6, [x4]
        adrp    x4, spare
        str     x6, [x4]
        orr     x4, x4, #3
        dsb     ishst
#ifndef NO_BREAK
        str     xzr, [x2]
        dsb     ish
#ifndef NO_TLBI
        ldr     x5, =0x80000000 >> 12
#ifdef OWN
swap_tlbi:
        tlbi    vae2is, x5
        dsb     ish
        isb
#else
        enter_tree stage2, ROUND
swap_tlbi:
        tlbi    ipas2e1is, x5
        dsb     ish
        tlbi    vmalle1is
        dsb     ish
        enter_tree stage2, 1
#endif
#endif
#endif
make:   str     x4, [x2]
        dsb     ish
        isb
#elif defined(MOVE)                             // the table of pages becomes one of another tree
        cbnz    x1, 1f
        adrp    x2, level2
#ifndef NO_UNLINK
        str     xzr, [x2]
        dsb     ish
#ifndef NO_TLBI
        ldr     x5, =0x80000000 >> 12
        tlbi    ipas2e1is, x5
        dsb     ish
        tlbi    vmalle1is
        dsb     ish
#endif
#endif
        adrp    x4, level3
#ifdef FILL
        ldr     x6, [x4]
fill:   str     x6, [x4, #8]
#endif
        adrp    x6, other_level2
        orr     x4, x4, #3
        str     x4, [x6]
        adrp    x7, other_stage2
        orr     x6, x6, #3
        str     x6, [x7, #16]
        dsb     ishst
        enter_tree other_stage2, 2
#elif defined(LEAVE)                            // to another VM, and back
        cbnz    x1, 1f
        ldr     x4, [x0, #FRAME_OTHER]
        msr     tpidr_el2, x4
        ldr     x5, [x0, #FRAME_X(21)]
        cbnz    x5, 2f                          // the other one leaves
        enter_tree other_stage2, 2
        ret
2:
#if defined(ANEW) || defined(REFILL)
        adrp    x2, stage2
        ldp     x4, x5, [x2]
        orr     x4, x4, #1 << 55                // a bit of software's, so that it is another value
        orr     x5, x5, #1 << 55
#ifdef ANEW
        stp     xzr, xzr, [x2]
        str     xzr, [x2, #16]
        dsb     ishst
#endif
        stp     x4, x5, [x2]
        str     xzr, [x2, #16]
        dsb     ishst
#endif
        enter_tree stage2, BACK
#else                                           // what was invalid becomes valid
        adrp    x2, level3
        ldr     x4, [x2]
        str     x4, [x2, #8]
        adrp    x6, spare
        str     x4, [x6]
        orr     x6, x6, #3
        adrp    x2, level2
        str     x6, [x2, #16]
        dsb     ishst
#endif
1:      ret

guest:
#ifndef LEAVE                                   // the other tree has no such page
        ldr     x2, =0x80000000
        ldr     x3, [x2]
#endif
        hvc     #0
#if defined(MOVE) || defined(ADD)
        ldr     x3, [x2]
#endif
        hvc     #1
        hvc     #99

        .section .data
        .balign 4096
spare:  .skip   4096
second: .skip   4096
other_level2:
        .skip   4096
        .section .text
