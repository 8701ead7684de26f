// Interrupts that do not come: of ITS, GICv2 and GICv3, virtual ones, timers and SGIs.
//
// dies -DEOIMODE | --no-el2: INTID 27 (the virtual timer) is pending, but it is active: acknowledged, and not deactivated && ICC_DIR_EL1
// dies -DFAR | --no-el2 | code 3: cpu0 waits for the virtual timer, which is due far in the future: CNTV_CVAL_EL0 is 0xffffffffffffffff
// dies -DNEST | --no-el2: INTID 30 (the EL1 timer) is pending, but priority 0 does not preempt the running priority 0
// dies -DRD1 | --no-el2 --smp 2: cpu1: INTID 27 (the virtual timer) is pending, but it is not enabled
// dies -DSGI | --no-el2 --smp 2: cpu0 has sent SGI 1 to nobody && no CPU has affinity 0.0.0 and is in target list 0x4
// dies -DOTHERS | --no-el2: cpu0 has sent SGI 1 to nobody && IRM (bit 40) is 1, all others, and there is no other
// dies -DVIMO: virtual INTID 27 of cpu0 is pending in LR0, but HCR_EL2.IMO is 0 && try: set HCR_EL2.IMO
// dies -DVPMR: virtual INTID 27 of cpu0 is pending in LR0, but priority 0xa0 is not above the guest's PMR 0 && try: the guest writes 0xff to its ICC_PMR_EL1
// dies -DVGRP: virtual INTID 27 of cpu0 is pending in LR0, but the guest has group 0 off
// dies -DITS | --no-el2: cpu0 waits in WFI && its: INT && ignored: its collection has no MAPC
// dies -DITS -DITSOFF | --no-el2: cpu0 waits in WFI && the ITS is off (GITS_CTLR.Enabled is 0)
// dies -DITSWAIT | --no-el2: asks again and again for a device's register at 0x8080090 && the ITS is off
// dies -DGICC | --no-el2 --gic version=2: an IRQ is taken to EL1 at && nothing handles it
// dies -DGICC -DGICC_PMR | --no-el2 --gic version=2: priority 0 is not above PMR 0 of cpu0 (GICC_PMR) && of group 0 (IRQ) && try: write 0xff to GICC_PMR
// dies -DGICC -DGICC_CTLR | --no-el2 --gic version=2: group 0 is off at cpu0: GICC_CTLR.EnableGrp0 is 0 && try: set its bit in GICC_CTLR
// dies -DFIQ | --no-el2: an FIQ is taken to EL1 at && nothing handles it
// dies -DVHE_TIMER | --cpu n1: INTID 26 (the EL2 timer) is pending, but it is not enabled && at EL2 CNTP_CTL_EL0 is CNTHP_CTL_EL2, whose interrupt is this one and not 30 && write 0x4000000 to GICR_ISENABLER0
// dies -DVHE_TIMER -DVIRTUAL | --cpu n1: INTID 28 (the EL2 virtual timer) is pending, but && at EL2 CNTV_CTL_EL0 is CNTHV_CTL_EL2, whose interrupt is this one and not 27
// dies -DEL1_TIMER | --no-el2: INTID 30 (the EL1 timer) is pending && try: write 0x40000000 to GICR_ISENABLER0
// dies -DSGIR=0x00080003 | --no-el2 --gic version=2 --smp 2: cpu0 has sent SGI 3 to nobody && no CPU is in target list 0x8 && GICD_SGIR was written as 0x80003
// dies -DSGIR=0x01000003 | --no-el2 --gic version=2: cpu0 has sent SGI 3 to nobody && to all others, and there is no other
// dies -DSGIR=0x02008003 | --no-el2 --gic version=2: an IRQ is taken to EL1 && it acknowledges (GICC_IAR)
// dies -DVI: a virtual IRQ is pending for the guest of cpu0 by HCR_EL2.VI, but HCR_EL2.IMO is 0 && set HCR_EL2.IMO
// dies -DGICH: a load from 0x8030000 && a GICv2 has its virtual interface there && ICH_xxx_EL2
// dies -DSMMU: a store to 0x9050098 && an SMMUv3 is there with `armillary qemu -M virt,iommu=smmuv3`
#include "common.inc"

    .macro guest_waits hcr, lr, vmcr // at EL1, for what is in a list register
    put hcr_el2, \hcr
    put s3_4_c12_c9_5, 0xf          // ICC_SRE_EL2
    put s3_4_c12_c12_0, \lr         // ICH_LR0_EL2
    put s3_4_c12_c11_7, \vmcr       // ICH_VMCR_EL2
    put s3_4_c12_c11_0, 1           // ICH_HCR_EL2
    set elr_el2, guest
    put spsr_el2, 0x345
    isb
    eret
guest: wfi
    b guest
    .endm
    .global _start
    .global crash
_start:
    own_vectors
crash:
    .macro gic_on
    store 0x80a0014, 0
    store 0x8000000, 2
    store 0x80b0080, 0xffffffff
    store 0x80b0100, 0x08000000
    put s3_0_c4_c6_0, 0xf0
    put s3_0_c12_c12_7, 1
    .endm
#if defined(EOIMODE)
    put s3_0_c12_c12_4, 2   // ICC_CTLR.EOImode
    ticks
1:  wfi
    b 1b
#elif defined(VHE_TIMER) || defined(EL1_TIMER) // another timer's interrupt is enabled than the one that comes
# if defined(VHE_TIMER)
    put hcr_el2, 0x480000010        // RW, E2H, IMO
    isb
# endif
    gic_on
# if defined(VIRTUAL)
    store 0x80b0180, 0x08000000     // GICR_ICENABLER0
    put cntv_cval_el0, 0
    put cntv_ctl_el0, 1
# else
    put cntp_cval_el0, 0
    put cntp_ctl_el0, 1
# endif
    isb
    msr daifclr, #2
1:  wfi
    b 1b
#elif defined(VI)                     // an interrupt for a guest, as it was done before there were list registers
    put hcr_el2, 0x80000080
    put spsr_el2, 0x345
    set elr_el2, sleeps
    isb
    eret
sleeps:
    wfi
    b sleeps
#elif defined(SGIR)
    store 0x8000000, 1
    store 0x8010004, 0xf0           // GICC_PMR
    store 0x8010000, 1
    store 0x8000f00, SGIR
    msr daifclr, #2
1:  wfi
    b 1b
#elif defined(GICH)
    ldr x1, =0x8030000
    ldr w0, [x1]
#elif defined(SMMU)
    ldr x1, =0x9050000
    mov w2, #1
    str w2, [x1, #0x98]             // SMMU_CMDQ_PROD
#elif defined(FAR)
    gic_on
    mov x9, #-1
    msr cntv_cval_el0, x9
    put cntv_ctl_el0, 1
    isb
    msr daifclr, #2
1:  wfi
    b 1b
#elif defined(RD1)    // cpu1 enables in cpu0's redistributor
    ldr x0, =0xc4000003
    mov x1, #1
    adr x2, second
    mov x3, #0
    hvc #0
1:  wfi
    b 1b
second:
    set vbar_el1, vectors
    gic_on
    put cntv_cval_el0, 0
    put cntv_ctl_el0, 1
    msr daifclr, #2
2:  wfi
    b 2b
#elif defined(NEST)    // an interrupt handler waits for another of the same priority
    set vbar_el1, nest
    gic_on
    put cntv_cval_el0, 0
    put cntv_ctl_el0, 1
    isb
    msr daifclr, #2
1:  wfi
    b 1b
    .balign 2048
nest: .skip 0x280
    mrs x0, s3_0_c12_c12_0
    put cntv_ctl_el0, 0
    store 0x80b0100, 0x40000000
    put cntp_cval_el0, 0
    put cntp_ctl_el0, 1
    isb
    msr daifclr, #2
2:  wfi
    b 2b
#elif defined(VIMO)    // virtual interrupt but IMO 0
    guest_waits 0x80000000, 0x50a000000000001b, 0xf0000002
#elif defined(VPMR)
    guest_waits 0x80000018, 0x50a000000000001b, 0x00000002
#elif defined(VGRP)
    guest_waits 0x80000018, 0x40a000000000001b, 0xf0000002
#elif defined(ITS)
    gic_on
    // LPI config and pending tables, EnableLPIs; ITS enabled with queue, no MAPC
    store 0x80a0070, 0x40300000 + 0xd, x
    store 0x80a0078, 0x40310000, x
    store 0x80a0000, 1
    ldr x9, =0x40300000
    mov w10, #0xa1
    strb w10, [x9]
    ldr x9, =0x8080100
    ldr x10, =0x8100000040320000 + 0
    str x10, [x9]   // BASER0
    store 0x8080108, 0x8400000040330000, x
    store 0x8080080, 0x8000000040340000, x
# ifndef ITSOFF
    store 0x8080000, 1
# endif
    // MAPD dev 0, itt 0x40350000
    ldr x9, =0x40340000
    mov x10, #8
    str x10, [x9]
    mov x10, #4
    str x10, [x9, #8]
    ldr x10, =0x8000000040350000
    str x10, [x9, #16]
    // MAPTI dev 0, event 0 -> 8192, collection 0
    mov x10, #0xa
    str x10, [x9, #32]
    ldr x10, =8192 << 32
    str x10, [x9, #40]
    str xzr, [x9, #48]
    // INT
    mov x10, #3
    str x10, [x9, #64]
    str xzr, [x9, #72]
    store 0x8080088, 96, x
    msr daifclr, #2
1:  wfi
    b 1b
#elif defined(ITSWAIT)
    store 0x8080080, 0x8000000040340000, x
    store 0x8080088, 32, x
    ldr x9, =0x8080090
    mov x3, #32
1:  ldr x10, [x9]
    cmp x10, x3
    b.ne 1b
#elif defined(SGI)    // to nobody
    ldr x0, =0xc4000003
    mov x1, #1
    adr x2, second
    hvc #0
    store 0x80a0014, 0
    store 0x80b0100, 0xffff
    store 0x80c0014, 0
    store 0x80d0080, 0xffffffff
    store 0x80d0100, 0xffff
    store 0x8000000, 2
    put s3_0_c12_c11_5, 0x0001000004  // ICC_SGI1R: aff1 0, list bit 2
1:  wfi
    b 1b
second:
    put s3_0_c4_c6_0, 0xf0
    put s3_0_c12_c12_7, 1
    msr daifclr, #2
1:  wfi
    b 1b
#elif defined(OTHERS) // of which there are none
    put s3_0_c12_c11_5, 0x10001000000
1:  wfi
    b 1b
#elif defined(GICC)   // GICv2
    store 0x8000000, 1
    store 0x8000100, 0x08000000
# ifndef GICC_PMR
    store 0x8010004, 0xf0
# endif
# ifndef GICC_CTLR
    store 0x8010000, 1
# endif
    put cntv_cval_el0, 0
    put cntv_ctl_el0, 1
    msr daifclr, #2
1:  wfi
    b 1b
#elif defined(FIQ)
    store 0x80a0014, 0
    store 0x8000000, 3
    store 0x80b0100, 0x08000000
    put s3_0_c4_c6_0, 0xf0
    put s3_0_c12_c12_6, 1
    put cntv_cval_el0, 0
    put cntv_ctl_el0, 1
    isb
    msr daifclr, #3
    b .
#endif
    b .
#if defined(EOIMODE)
    .balign 2048
vectors:
    .skip 0x280
    mrs x3, s3_0_c12_c12_0
    mrs x4, cntvct_el0
    add x4, x4, #1000
    msr cntv_cval_el0, x4
    isb
    msr s3_0_c12_c12_1, x3
    eret
#else
    park
#endif
