// Two worlds on one CPU take turns, and each has its own value of a register of EL2 that configures what a world is or
// does. The mistakes are such as hypervisors have had: one way into a world writes less than the others.
// case -DREG=cntvoff_el2 -DA=0x100 -DB=0x100: clean
// case -DREG=cntvoff_el2 -DA=0x100 -DB=0x100 -DMOVES_ON: clean
// case -DREG=cntvoff_el2 -DA=0x100 -DB=0x200 @do_eret: TRAPCFG CNTVOFF_EL2 of vm1/vcpu
// case -DREG=cntvoff_el2 -DA=0x100 -DB=0x200 -DSKIPS @do_eret: LEAK CNTVOFF_EL2 of vm1/vcpu +
// case -DREG=cntvoff_el2 -DA=0x100 -DB=0x100 -DSKIPS: clean
// case -DREG=s3_4_c14_c0_6 -DA=0x100 -DB=0x200 -DSKIPS @do_eret: LEAK CNTPOFF_EL2 of vm1/vcpu +
// case -DREG=cnthctl_el2 -DA=3 -DB=0 -DSKIPS @do_eret: LEAK CNTHCTL_EL2 of vm1/vcpu
// case -DREG=cnthctl_el2 -DA=0 -DB=3 -DSKIPS: clean
// case -DREG=cptr_el2 -DA=0 -DB=0x400 -DSKIPS @do_eret: TRAPCFG CPTR_EL2 of vm1/vcpu
// case -DREG=cptr_el2 -DA=0x400 -DB=0 -DSKIPS: clean
// case -DREG=hstr_el2 -DA=0 -DB=1 -DSKIPS @do_eret: TRAPCFG HSTR_EL2 of vm1/vcpu
// case -DREG=vpidr_el2 -DA=0x410fd0c1 -DB=0x410fd0c2 -DSKIPS @do_eret: TRAPCFG VPIDR_EL2 of vm1/vcpu
// case -DREG=hcr_el2 -DA=0x80080019 -DB=0x8008a019: clean
// case -DREG=hcr_el2 -DA=0x80080019 -DB=0x8008a019 -DSKIPS @do_eret: TRAPCFG HCR_EL2 of vm1/vcpu
// case -DREG=hcr_el2 -DA=0x800800b9 -DB=0x80080039 -DSKIPS: TRAPCFG HCR_EL2 of vm
// case -DREG=hcr_el2 -DA=0x800800b9 -DB=0x80080039: clean
// case -DREG=hcr_el2 -DA=0x80080039 -DB=0x80080039 -DLATER=0x8008a039: clean
// case -DREG=hcr_el2 -DA=0x80080039 -DB=0x80080039 -DLATER=0x80080019 @do_eret: TRAPCFG HCR_EL2 of vm1/vcpu
// case -DREG=hcr_el2 -DA=0x80080039 -DB=0x80080039 -DLATER=0x80080038 @do_eret: TRAPCFG HCR_EL2 of vm1/vcpu +
// case -DREG=hcr_el2 -DA=0x800c0039 -DB=0x800c0039 -DLATER=0x80080039 @do_eret: TRAPCFG HCR_EL2 of vm1/vcpu
// case -DREG=hcr_el2 -DA=0x800ce039 -DB=0x800ce039 -DLATER=0x800c0039: clean
// case -DREG=hcr_el2 -DA=0x80080039 -DB=0x80080039 -DLATER=0x80000039 @do_eret: TRAPCFG HCR_EL2 of vm1/vcpu
// case -DREG=hcr_el2 -DA=0x80000019 -DB=0x80000019: clean
// case -DREG=hcr_el2 -DA=0x80440019 -DB=0x80440019: TRAPCFG HCR_EL2 of vm1/vcpu
// case -DREG=mdcr_el2 -DA=6 -DB=5 -DSKIPS @do_eret: TRAPCFG MDCR_EL2 of vm1/vcpu
// case -DREG=mdcr_el2 -DA=0x46 -DB=6 -DSKIPS: clean
// case -DREG=vsesr_el2 -DA=1 -DB=2 -DSKIPS @do_eret: TRAPCFG VSESR_EL2 of vm1/vcpu
// case -DREG=s3_4_c1_c1_4 -DA=0 -DB=4 -DSKIPS @do_eret: TRAPCFG HFGRTR_EL2 of vm1/vcpu
// case -DREG=s3_4_c3_c1_4 -DA=0 -DB=4 -DSKIPS @do_eret: TRAPCFG HDFGRTR_EL2 of vm1/vcpu
// case -DREG=vtcr_el2 -DA=0x80023559 -DB=0x80023558 -DSKIPS @do_eret: TRAPCFG VTCR_EL2 of vm1/vcpu +
#ifndef REG
#define REG cntvoff_el2
#endif
#ifndef A
#define A 0
#endif
#ifndef B
#define B 0
#endif
#include "frame.inc"

#define FRAME_OTHER FRAME_MORE
#define FRAME_REG (FRAME_MORE + 8)

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        ldr     x2, =A
        str     x2, [x0, #FRAME_REG]
        ldr     x3, =B
        str     x3, [x1, #FRAME_REG]
        msr     REG, x2
        .endm
#include "hv.inc"
        .arch armv8.6-a

handle: // X0: who leaves; X3 will be who comes
        ldr     x3, [x0, #FRAME_OTHER]
        ldr     x7, [x0, #FRAME_X(22)]          // 4, 3, 2, 1
#ifdef SKIPS                                    // the way that is taken later
        cmp     x7, #3
        b.lt    1f
#endif
        ldr     x4, [x3, #FRAME_REG]
#ifdef LATER                                    // the way that is taken once
        cmp     x7, #3
        ldr     x5, =LATER
        csel    x4, x5, x4, eq
#endif
#ifdef MOVES_ON                                 // at each entry: the time in which nobody runs is none
        add     x4, x4, #16
        str     x4, [x3, #FRAME_REG]
#endif
        msr     REG, x4
1:      msr     tpidr_el2, x3
        mrs     x4, vmpidr_el2
        eor     x4, x4, #1
        msr     vmpidr_el2, x4
        isb
        tlbi    vmalle1                         // what the other has translated
        dsb     nsh
        ret

guest:
        mov     x22, #4
1:      hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
