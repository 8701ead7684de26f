// A virtual CPU is entered for the first time, behind another; registers that nobody sets are the other's.
// case: clean
// case -DLEAVES @first_eret: LEAK x25 of vm1/vcpu1
// case -DNO_ELR @first_eret: PC ELR_EL2 of vm1/vcpu1
// case -DNO_SPSR @first_eret: PC SPSR_EL2 of vm1/vcpu1
// case -DNEVER=neither: clean
// case -DNEVER=spsr_el2 @cold_eret: PC SPSR_EL2 of vm1/vcpu0 +
// case -DNEVER=spsr_el2 -DWARM @cold_eret: PC SPSR_EL2
// case -DNEVER=neither -DWARM: clean
// case -DNEVER=elr_el2 @cold_eret: PC ELR_EL2 of vm1/vcpu0 +
#ifdef NEVER                                    // of the two, since the reset
#define HAS_SETUP
        .macro setup
#ifdef WARM                                     // EL2 has returned to itself before
        adr     x1, 1f
        mov     x2, #0x3c9                      // EL2h, DAIF
        msr     elr_el2, x1
        msr     spsr_el2, x2
        eret
1:
#endif
        adrp    x1, guest
        add     x1, x1, :lo12:guest
        mov     x2, #0x3c5
        .ifnc NEVER, elr_el2
        msr     elr_el2, x1
        .endif
        .ifnc NEVER, spsr_el2
        msr     spsr_el2, x2
        .endif
        isb
        tlbi    vmalls12e1
        dsb     nsh
cold_eret:
        eret
        .endm
#endif
#include "hv.inc"

handle:
        mrs     x4, vmpidr_el2
        tbnz    x4, #0, 2f
        eor     x4, x4, #1
        msr     vmpidr_el2, x4
        adr     x4, guest
#ifndef NO_ELR
        msr     elr_el2, x4
#endif
        mov     x4, #0x3c5
#ifndef NO_SPSR
        msr     spsr_el2, x4
#endif
        isb
        tlbi    vmalle1                         // they share a VMID
        dsb     nsh
        mov     x0, #0
        .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 27, 28, 29, 30
        mov     x\n, #0
        .endr
#ifndef LEAVES
        mov     x25, #0
#endif
first_eret:
        eret
2:      ret

guest:  mov     x24, #0
        cbz     x25, 1f
        hvc     #99
1:      mov     x25, #0x2525
        hvc     #0
        hvc     #99
