// A stage-2 fault that EL2 resolves: the page is mapped, and the instruction is to be executed again. Or EL2 has done the
// access itself, and the world goes on behind it.
// case: clean
// case -DSKIPS @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DSKIPS -DINSN=ldrb @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DSKIPS -DINSN=ldrsh @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DSKIPS -DEMULATES: clean
// case -DSTORE: clean
// case -DSTORE -DSKIPS @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DSTORE -DSKIPS -DINSN=strb @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DSTORE -DSKIPS -DEMULATES: clean
// case -DSTORE -DSKIPS -DREADONLY: clean
// case -DPAIR: clean
// case -DPAIR -DSKIPS @do_eret: PC ELR_EL2 of vm1/vcpu0
// case -DPAIR -DSKIPS -DEMULATES: clean
// case -DCHANGES @changed: CLOBBER x7 of vm1/vcpu0
#ifndef INSN
#ifdef STORE
#define INSN str
#else
#define INSN ldr
#endif
#endif
#ifdef READONLY                                 // a write faults there still: it is emulated
#define DESCRIPTOR 0x4000077d
#else
#define DESCRIPTOR 0x400007fd
#endif
#include "hv.inc"

handle: // X0: frame, X1: syndrome
        lsr     x3, x1, #26
        cmp     x3, #0x24
        b.ne    1f
        adrp    x2, stage2
        ldr     x3, =DESCRIPTOR                 // Normal, 1 GiB at 2 GiB
        str     x3, [x2, #:lo12:stage2 + 16]
        dsb     ishst
#ifdef SKIPS
        ldr     x2, [x0, #FRAME_ELR]
        add     x2, x2, #4
        str     x2, [x0, #FRAME_ELR]
#endif
        adr     x2, datum
        ldr     x3, [x0, #FRAME_X(7)]
#if defined(EMULATES) && defined(STORE)
        str     w3, [x2]
#elif defined(EMULATES)
        ldr     w3, [x2]
        str     x3, [x0, #FRAME_X(7)]
#ifdef PAIR
        ldr     w3, [x2, #4]
        str     x3, [x0, #FRAME_X(9)]
#endif
#elif defined(CHANGES)
        mov     x3, #77
changed: str    x3, [x0, #FRAME_X(7)]
#endif
1:      ret

guest:
        adr     x8, datum
        mov     x9, #0x40000000
        add     x8, x8, x9                      // not mapped so far
        mov     w7, #7
        mov     w9, #9
#ifdef PAIR
        ldp     w7, w9, [x8]
#else
        INSN    w7, [x8]
#endif
        hvc     #0
        hvc     #99

        .balign 8
datum:  .quad   0x8899aabbccddeeff
