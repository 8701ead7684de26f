// With HCR_EL2.E2H set EL2's names of EL1 mean its own registers: a world's CONTEXTIDR_EL1 is saved and restored by the
// names that mean it, and by the one that does not.
// case: clean
// case -DREAD @save: ALIAS CONTEXTIDR_EL1
// case -DWRITE @restore: ALIAS CONTEXTIDR_EL1 of vm1/vcpu0
#include "frame.inc"

#define CONTEXTIDR_EL12 s3_5_c13_c0_1

#define HAS_SETUP
        .macro setup
        mrs     x1, hcr_el2
        orr     x1, x1, #1 << 34                // E2H
        msr     hcr_el2, x1
        isb
        mov     x1, #7
        msr     contextidr_el1, x1              // EL2's own
        .endm
#include "hv.inc"

handle:
#ifdef READ
save:   mrs     x4, contextidr_el1
#else
        mrs     x4, CONTEXTIDR_EL12
#endif
        str     x4, [x0, #FRAME_MORE]
        mov     x5, #0
        msr     CONTEXTIDR_EL12, x5             // while EL2 does something else
        ldr     x4, [x0, #FRAME_MORE]
#ifdef WRITE
restore: msr    contextidr_el1, x4
        msr     CONTEXTIDR_EL12, x4             // and right as well: the value is not the evidence
#else
        msr     CONTEXTIDR_EL12, x4
#endif
        ret

guest:  mov     x22, #4
1:      add     x23, x22, #0x100
        msr     contextidr_el1, x23
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99
