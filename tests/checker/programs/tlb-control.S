// Registers whose value TLBs may hold change while they are in use: EL2's own with its translation on, and VTCR_EL2 of a
// VMID that has run.
// options: --cpu n1
// case: clean
// case -DREG=ttbr0_el2: clean
// case -DREG=ttbr0_el2 -DNO_TLBI @do_eret: VMID TTBR0_EL2 of vm1/vcpu0
// case -DREG=ttbr0_el2 -DEARLY @do_eret: VMID TTBR0_EL2 of vm1/vcpu0
// case -DREG=ttbr0_el2 -DOTHER_TLBI @do_eret: VMID TTBR0_EL2 of vm1/vcpu0
// case -DREG=ttbr0_el2 -DSAME -DNO_TLBI: clean
// case -DREG=ttbr0_el2 -DASID @change: VMID TTBR0_EL2
// case -DREG=tcr_el2 -DBITS=0x300: clean
// case -DREG=tcr_el2 -DBITS=0x300 -DNO_TLBI @do_eret: TLB-MISS TCR_EL2 of vm1/vcpu0
// case -DREG=mair_el2 -DBITS=0x4400: clean
// case -DREG=mair_el2 -DBITS=0x4400 -DNO_TLBI @do_eret: TLB-MISS MAIR_EL2 of vm1/vcpu0
// case -DREG=vtcr_el2 -DBITS=0x200 -DSTAGE2: clean
// case -DREG=vtcr_el2 -DBITS=0x200 -DNO_TLBI @do_eret: TLB-MISS VTCR_EL2 of vm1/vcpu0
// case -DREG=hcr_el2 -DBITS=4 -DNO_TLBI @do_eret: TLB-MISS HCR_EL2 of vm1/vcpu0
// case -DREG=hcr_el2 -DBITS=4 -DSTAGE2: clean
// case -DREG=hcr_el2 -DBITS=0x2000 -DNO_TLBI: clean
#define EL2_TABLES
#include "tables.inc"

#ifndef REG
#define REG ttbr0_el2
#define SAME
#endif

handle:
        adrp    x1, el2_level1
        adrp    x2, el2_copy
        ldp     x4, x5, [x1]
        stp     x4, x5, [x2]
        ldr     x4, [x1, #16]
        str     x4, [x2, #16]
        dsb     ish
#ifdef EARLY                                    // before there is anything to forget
        tlbi    alle2
        dsb     nsh
        isb
#endif
        mrs     x3, REG
#if defined(BITS)
        ldr     x4, =BITS
        eor     x3, x3, x4
#elif !defined(SAME)
        mov     x3, x2
#endif
#ifdef ASID
        orr     x3, x3, #1 << 48
#endif
change: msr     REG, x3
        isb
#if defined(STAGE2)
        tlbi    vmalls12e1
        dsb     nsh
#elif defined(OTHER_TLBI)                       // of one address
        ldr     x4, =0x80000000 >> 12
        tlbi    vae2, x4
        dsb     nsh
#elif !defined(NO_TLBI) && !defined(EARLY)
        tlbi    alle2
        dsb     nsh
        isb
#endif
        ret

guest:  hvc     #0
        hvc     #99

        .section .data
        .balign 4096
el2_copy:
        .skip   4096
        .section .text
