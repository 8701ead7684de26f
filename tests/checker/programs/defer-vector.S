// EL2 injects an exception, whose return address it has from where it keeps the world's PC. The first instruction at the vector traps
// too, and is executed again: that is no second injection, and what was saved there then is no lost ELR_EL1.
// options: --rules DEFER
// case: clean
// case -DTWICE -DSLOT @lost: DEFER ELR_EL1 of vm1/vcpu0
// case -DTWICE: clean
#define HAS_SETUP
        .macro setup
        mov     x1, #1 << 10                    // TFP
        msr     cptr_el2, x1
        .endm
#include "hv.inc"

handle:
        lsr     x2, x1, #26
        cmp     x2, #7
        b.ne    inject
        msr     cptr_el2, xzr                   // FP: the instruction again
        ret
inject:
#ifdef TWICE                                    // by HVC #1 from the handler
        tbz     x1, #0, 1f
        ldr     x4, [x0, #FRAME_ELR]
#ifdef SLOT
lost:   str     x4, [x0, #FRAME_MORE]
#else
        msr     elr_el1, x4
#endif
        b       2f
1:
#endif
        ldr     x4, [x0, #FRAME_ELR]
        str     x4, [x0, #FRAME_MORE]
        ldr     x4, [x0, #FRAME_MORE]
        ldr     x4, [x0, #FRAME_ELR]
        msr     elr_el1, x4
#ifdef TWICE
        ldr     x4, [x0, #FRAME_MORE]
        msr     elr_el1, x4
#endif
2:      ldr     x4, [x0, #FRAME_SPSR]
        msr     spsr_el1, x4
        mrs     x4, vbar_el1
        add     x4, x4, #0x200
        str     x4, [x0, #FRAME_ELR]
        ret

guest:
        adr     x0, guest_vectors
        msr     vbar_el1, x0
        isb
        mov     x19, #0
        hvc     #0

        .balign 0x800
guest_vectors:
        .skip   0x200
        fmov    d0, x0
        add     x19, x19, #1
#ifdef TWICE
        cmp     x19, #2
        b.eq    1f
        nop
        hvc     #1
1:
#endif
        hvc     #99
