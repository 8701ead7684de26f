// A virtual SError is pending at the first entry, and the world takes it; EL2 writes HCR_EL2 from a copy of its own.
// case: clean
// case -DMASKED -DCOPY: clean
// case -DCOPY @copy: LOST HCR_EL2 of vm1/vcpu0
#include "frame.inc"

#define HAS_SETUP
        .macro setup
        mrs     x1, hcr_el2
        mov     x2, #0x120                      // VSE, AMO
        orr     x1, x1, x2
        msr     hcr_el2, x1
        str     x1, [x0, #FRAME_MORE]
        .endm
#include "hv.inc"

handle:
#ifdef COPY
        ldr     x4, [x0, #FRAME_MORE]
#else
        mrs     x4, hcr_el2
        str     x4, [x0, #FRAME_MORE]
#endif
copy:   msr     hcr_el2, x4
        ret

guest:  adrp    x20, guest_vectors
        msr     vbar_el1, x20
        isb
        mov     x22, #3
#ifndef MASKED
        msr     daifclr, #4
#endif
1:      nop
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .balign 4096
guest_vectors:
        .skip   0x380
        add     x21, x21, #1
        eret
