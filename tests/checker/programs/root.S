// A hypervisor of two VMs has to maintain the other one's translations: it makes that VM's VTTBR_EL2 current, and then
// its own again.
// case: clean
// case -DNO_RESTORE @do_eret: TRAPCFG VTTBR_EL2 of vm1/vcpu0 +
#include "frame.inc"

#define FRAME_OTHER FRAME_MORE
#define FRAME_VTTBR (FRAME_MORE + 8)

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        mrs     x2, vttbr_el2
        str     x2, [x0, #FRAME_VTTBR]
        adrp    x2, stage2_second
        orr     x2, x2, #2 << 48                // VMID 2
        str     x2, [x1, #FRAME_VTTBR]
        .endm
#include "hv.inc"

handle: // X0: who leaves; HVC #1: only the other's TLB entries
        ldr     x3, [x0, #FRAME_OTHER]
        ldr     x5, [x0, #FRAME_VTTBR]
        ldr     x4, [x3, #FRAME_VTTBR]
        dsb     nsh                             // walks of who has left
        msr     vttbr_el2, x4
        isb
        tbz     x1, #0, other
        tlbi    vmalle1
        dsb     nsh
#ifndef NO_RESTORE
        msr     vttbr_el2, x5
        isb
#endif
        ret
other:  msr     tpidr_el2, x3
        ret

guest:
        mov     x22, #4
1:      hvc     #0
        hvc     #1
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
        .balign 4096
stage2_second:
        .quad   0x00000000000004c5
        .quad   0x00000000400007fd
        .balign 4096
