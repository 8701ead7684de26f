// Traps by their control bits, returns that lose their way, and stage 2's registers.
//
// dies -DTVM: a write of SCTLR_EL1 at EL1 was trapped to EL2, as HCR_EL2.TVM is 1
// dies -DTID3: a read of ID_AA64PFR0_EL1 at EL1 was trapped to EL2, as HCR_EL2.TID3 is 1
// dies -DCNTHCTL: a read of CNTP_CTL_EL0 at EL1 was trapped to EL2, as CNTHCTL_EL2.EL1PCEN is 0: at
// dies -DCNTHCTL_E2H: a read of CNTPCT_EL0 at EL1 was trapped to EL2, as CNTHCTL_EL2.EL1PCTEN is 0 (as E2H lays it out)
// dies -DMDCR: a write of MDSCR_EL1 at EL1 was trapped to EL2, as MDCR_EL2.TDA is 1
// dies -DAPK: a write of APIAKeyLo_EL1 at EL1 was trapped to EL2, as HCR_EL2.APK is 0
// dies -DAPI | --cpu max: an instruction of pointer authentication at EL1 was trapped to EL2, as HCR_EL2.API is 0
// dies -DEL0CNT | --no-el2: a read of CNTVCT_EL0 at EL0 was trapped to EL1, as CNTKCTL_EL1.EL0VCTEN is 0
// dies -DEL0CTR | --no-el2: a read of CTR_EL0 at EL0 was trapped to EL1, as SCTLR_EL1.UCT is 0
// dies -DEL0DC | --no-el2: a write of DC_CVAU at EL0 was trapped to EL1, as SCTLR_EL1.UCI is 0
// dies -DEL0ZVA | --no-el2: a write of DC_ZVA at EL0 was trapped to EL1, as SCTLR_EL1.DZE is 0
// dies -DEL0DAIF | --no-el2: a read of DAIF at EL0 was trapped to EL1, as SCTLR_EL1.UMA is 0
// dies -DEL0MSR | --no-el2: a write of DAIFClr at EL0 was trapped to EL1, as SCTLR_EL1.UMA is 0
// dies -DEL0WFI | --no-el2: WFI at && (user+0) (EL0) is trapped to EL1 again and again && SCTLR_EL1.nTWI is 0
// dies -DEL0FP | --no-el2: an FP or SIMD instruction at EL0 was trapped to EL1 by CPACR_EL1.FPEN && CPACR_EL1 is 0x100000
// dies -DEL1T: VBAR_EL1+0) has no instruction && are of exceptions from EL1 with SP_EL0
// dies -DEL1TSP: the stack of EL1 was never set && by SP_EL0
// dies -DNOSKIP: as HCR_EL2.TID3 is 1 && its handler returns to the same instruction again and again
// dies -DNOSKIPABORT: stage 2 does not map the guest's IPA 0x9000000 && its handler returns to the same instruction again and again
// dies -DNESTED: (hyp+0x404) returns to itself for ever: ELR_EL2 is its own address && within its own handler
// dies -DELRLOST2: the ERET at && returns to itself for ever && has overwritten ELR_EL2 and SPSR_EL2
// dies -DS2DEVICE: a load from 0x40100001 at EL1 is not aligned && stage 2 makes it Device memory: MemAttr
// dies -DS2PS: (address size fault, stage 2) && it leads to 0x400000000, and VTCR_EL2.PS 0 allows 32 bits
// dies -DS2VTTBR: stage 2 does not map && VTTBR_EL2 is 0x40081800, which is no multiple of its table's size
// dies -DDEBUGSS | --no-el2: a software step (MDSCR_EL1.SS, SPSR.SS) at && (user+0x4) (EL0) comes to EL1, where nothing handles it
// dies -DERETX | --no-el2: a jump to 0xdeadbeef && the ERET at && went there: ELR_EL1 was 0xdeadbeef
// dies -DWILDJUMP | --no-el2: the fetch of 0x9000000 at EL1: nothing answers there && the BR X0 at && (crash+0x4) went there
// dies -DAARCH32OPC | --no-el2: an undefined instruction, e3a00001 && 32-bit Arm code (A32) && try: compile for AArch64
// dies -DX86 | --no-el2: an undefined instruction, 464c457f && the first word of an ELF file && try: give the ELF file itself
// dies -DGUEST_LOOP: BRK #0x1 at && (kernel+0) && the vector of EL1 at 0x41000200 (VBAR_EL1+0x200) has no instruction && it is a guest, of VMID 3, in which this happens
// dies -DCONDUIT | --memory 64 | code 4: HVC #0 at && (crash+0x8) (EL2), X0 0x84000008, a call of the firmware && by SMC
#include "common.inc"

    .macro el1_with_block descriptor // of stage 2, for RAM
    put hcr_el2, 0x80000001
    put vtcr_el2, 0x80003559
    adr x9, s2
    ldr x11, =\descriptor
    str x11, [x9, #8]
    msr vttbr_el2, x9
    el1
    .endm
    .global _start
    .global crash
_start:
    own_vectors
    .macro el1 spsr=0x3c5
    set vbar_el1, vectors
    set elr_el2, kernel
    put spsr_el2, \spsr
    isb
    eret
    .endm
    .macro el0
    set elr_el1, user
    msr spsr_el1, xzr
    isb
    eret
    .endm
crash:
#if defined(TVM)
    put hcr_el2, 0x84000000
    el1
kernel: msr sctlr_el1, xzr
#elif defined(CNTHCTL)
    put hcr_el2, 0x80000000
    msr cnthctl_el2, xzr
    el1
kernel: mrs x0, cntp_ctl_el0
#elif defined(CNTHCTL_E2H)
    put hcr_el2, 0x480000000
    msr cnthctl_el2, xzr
    el1
kernel: mrs x0, cntpct_el0
#elif defined(TID3)
    put hcr_el2, 0x80040000
    el1
kernel: mrs x0, id_aa64pfr0_el1
#elif defined(MDCR)
    put hcr_el2, 0x80000000
    put mdcr_el2, 0x200
    el1
kernel: msr mdscr_el1, x0
#elif defined(APK)
    put hcr_el2, 0x80000000
    el1
kernel: msr s3_0_c2_c1_0, x0
#elif defined(API)
    put hcr_el2, 0x80000000
    el1
kernel: 
    mrs x9, sctlr_el1
    orr x9, x9, #(1 << 31)
    msr sctlr_el1, x9
    isb
    paciasp
#elif defined(EL0CNT)
    el0
user: mrs x0, cntvct_el0
#elif defined(EL0CTR)
    el0
user: mrs x0, ctr_el0
#elif defined(EL0DC)
    el0
user: dc cvau, x0
#elif defined(EL0DAIF)
    el0
user: mrs x0, daif
#elif defined(EL0WFI)
    mrs x9, sctlr_el1
    bic x9, x9, #(1 << 16)
    msr sctlr_el1, x9
    set vbar_el1, back
    el0
user: wfi
    b .
    .balign 2048
back: .skip 0x400
    eret
#elif defined(EL0ZVA)
    mrs x9, sctlr_el1
    bic x9, x9, #(1 << 14)
    msr sctlr_el1, x9
    el0
user: dc zva, x0
#elif defined(EL0FP)
    put cpacr_el1, 0x100000
    el0
user: fmov d0, x0
#elif defined(EL0MSR)
    el0
user: msr daifclr, #2
    mrs x0, currentel
#elif defined(EL1T)
    set vbar_el1, spx
    put hcr_el2, 0x80000000
    set elr_el2, kernel
    put spsr_el2, 0x3c4
    isb
    eret
kernel: svc #1
    b .
    .balign 2048
spx: .skip 0x200
    eret
#elif defined(EL1TSP)
    put hcr_el2, 0x80000000
    ldr x9, =0x40200000
    msr sp_el1, x9
    el1 0x3c4
kernel: stp x29, x30, [sp, #-16]!
#elif defined(NOSKIP)   // a trapped register, not emulated and not skipped
    set vbar_el2, hyp
    put hcr_el2, 0x80040000
    el1
kernel: mrs x0, id_aa64pfr0_el1
    b .
    .balign 2048
hyp: .skip 0x400
    eret
#elif defined(NOSKIPABORT)
    set vbar_el2, hyp
    put hcr_el2, 0x80000001
    put vtcr_el2, 0x80003559
    adr x9, s2
    adr x10, s2
    ldr x11, =0x400007fd
    str x11, [x10, #8]
    msr vttbr_el2, x9
    el1
kernel: ldr x1, =0x9000000
    str w0, [x1]
    b .
    .balign 4096
s2: .skip 4096
    .balign 2048
hyp: .skip 0x400
    eret
#elif defined(NESTED)   // the handler takes an exception of its own, and its ELR is lost
    set vbar_el2, hyp
    put hcr_el2, 0x80000000
    el1
kernel: hvc #1
    b .
    .balign 2048
hyp: .skip 0x200
    mrs x1, elr_el2
    add x1, x1, #4
    msr elr_el2, x1
    eret
    .balign 128
    .skip 0x180
    brk #1
    eret
#elif defined(ELRLOST2)
    set vbar_el2, hyp
    put hcr_el2, 0x80000000
    el1
kernel: hvc #1
    b .
    .balign 2048
hyp: .skip 0x200
    eret
    .balign 128
    .skip 0x180
    svc #1
    eret
#elif defined(S2DEVICE)
    el1_with_block 0x400007c1
kernel:
    map 0x703
    mmu_on_el1
    ldr x1, =0x40100001
    ldr x0, [x1]
    .balign 4096
s2: .skip 4096
#elif defined(S2PS)
    el1_with_block 0x4000007fd
kernel:  b .
    .balign 4096
s2: .skip 4096
#elif defined(S2VTTBR)
    el1_with_block 0x400007fd
kernel:  b .
    .balign 4096
    .skip 2048
s2: .skip 4096
#elif defined(DEBUGSS)
    mrs x9, mdscr_el1
    orr x9, x9, #1
    msr mdscr_el1, x9
    msr oslar_el1, xzr
    isb
    msr daifclr, #8
    set elr_el1, user
    put spsr_el1, 0x200000
    isb
    eret
user: nop
    nop
#elif defined(ERETX)
    put elr_el1, 0xdeadbeef
    put spsr_el1, 0x3c5
    eret
#elif defined(WILDJUMP)
    ldr x0, =0x9000000
    br x0
#elif defined(AARCH32OPC)
    .inst 0xe3a00001
#elif defined(GUEST_LOOP)           // a guest without vectors, and a hypervisor that lives
    set vbar_el2, hyp
    put hcr_el2, 0x80000011         // RW, IMO, VM
    put vtcr_el2, 0x80003559
    adr x9, s2
    ldr x11, =0x400007fd
    str x11, [x9, #8]
    movk x9, #3, lsl #48
    msr vttbr_el2, x9
    ticks
    msr daifset, #2
    put vbar_el1, 0x41000000
    set elr_el2, kernel
    put spsr_el2, 0x3c5
    eret
kernel:
    brk #1
    .balign 4096
s2: .skip 4096
    .balign 2048
hyp: .skip 0x280
1:  mrs x3, s3_0_c12_c12_0
    mrs x4, cntvct_el0
    add x4, x4, #4095
    msr cntv_cval_el0, x4
    isb
    msr s3_0_c12_c12_1, x3
    eret
    .org hyp + 0x480
    b 1b
#elif defined(CONDUIT)              // and no vectors
    msr vbar_el2, xzr
    ldr w0, =0x84000008
    hvc #0
#elif defined(X86)
    .inst 0x464c457f
#endif
    b .
    park
    spaces
