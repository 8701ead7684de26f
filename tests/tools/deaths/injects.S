// Interrupts and answers that EL2 has for its guest: what it forgets of them.
//
// dies -DNO_HW: INTID 27 (the virtual timer) comes again as soon as its handler returns: EL2 has given it to its guest by a list register without HW && mask the source
// dies -DEOIMODE0: by a list register with HW, and deactivated it itself && EOImode is 0 && set ICC_CTLR_EL1.EOImode
// dies -DVEOIM: it is active: acknowledged, and not deactivated && ICH_VMCR_EL2.VEOIM is 1
// dies -DNO_IMO: it is active: acknowledged, and not deactivated && HCR_EL2.IMO is 0 (HCR_EL2 0x80000001)
// dies -DNO_FORWARD | code 3: the virtual timer was on, and was switched off at && (hyp_irq+0x && (EL2)
// dies -DNO_RESULT: cpu0 has parked itself at && (given_up+0): the branch at && went by what the HVC at && has returned; X0 is 0xc4000003 && EL2's own software
// dies -DNO_VM | --smp 2: HCR_EL2 of cpu1 is 0x80000000: VM is 0, so that EL1 has no stage 2 there, and cpu0 has it on
// dies -DANSWERS: the guest asks again and again for what its hypervisor answers for IPA 0xc0000018, and that does not change: in the loop at && (polls+0) && X10
// lives -DANSWERS -DMENDED | code 0
// lives -DWELL | code 0
// lives -DNO_HW -DMASKED | code 0
#include "common.inc"
#define HCR 0x80000001                // RW, VM
    .global _start
_start:
    ldr x1, =stack
    msr sp_el1, x1
    sub x1, x1, #2048
    mov sp, x1
    adrp x1, level1                 // stage 2 of 39 bits: RAM by one block, devices are the machine's
    ldr x2, =0x400007fd
    str x2, [x1, #8]
    ldr x2, =0x7c5
    str x2, [x1]
    bl enter_world
    mrs x1, mpidr_el1
#if defined(NO_VM)
    ldr x0, =0xc4000003
    mov x1, #1
    adr x2, second
    smc #0
#endif
    adr x1, guest
    msr elr_el2, x1
    eret
enter_world:
    set vbar_el2, hyp_vectors
    adrp x1, level1
    msr vttbr_el2, x1
    put vtcr_el2, 0x80023559        // PS 2, SH0, IRGN0, ORGN0, SL0 1, T0SZ 25
    put cnthctl_el2, 3
    put spsr_el2, 0x3c5
    put sctlr_el1, 0x30d00800
#if defined(NO_IMO)
    put hcr_el2, HCR
#else
    put hcr_el2, HCR + 0x10
#endif
#if defined(EOIMODE0)
    put s3_0_c12_c12_4, 0           // ICC_CTLR_EL1
#else
    put s3_0_c12_c12_4, 2
#endif
    store 0x80a0014, 0
    store 0x8000000, 2
    store 0x80b0080, 0xffffffff
    store 0x80b0100, 0x08000000
    put s3_0_c4_c6_0, 0xf0
    put s3_0_c12_c12_7, 1
    put s3_4_c12_c11_0, 1           // ICH_HCR_EL2.En
#if defined(VEOIM)
    put s3_4_c12_c11_7, 0xff000202  // ICH_VMCR_EL2
#else
    put s3_4_c12_c11_7, 0xff000002
#endif
    isb
    ret
second:                             // another CPU, that enters the guest's world without stage 2
    put hcr_el2, 0x80000000
    put spsr_el2, 0x3c5
    put elr_el2, 0x41000000
    eret
    .ltorg
hyp_call:
#if defined(ANSWERS)                // the status of a device that is never ready
    mrs x1, esr_el2
    lsr x1, x1, #26
    cmp x1, #0x24
    b.ne 2f
    mrs x1, elr_el2
    add x1, x1, #4
    msr elr_el2, x1
# if defined(MENDED)
    mov x10, #0
# else
    mov x10, #0x20
# endif
    eret
2:
#endif
    ldr x1, =0x84000008
    cmp x0, x1
    b.ne 1f
    smc #0
1:
#if !defined(NO_RESULT)
    mov x0, #0
#endif
    eret
hyp_irq:
    stp x9, x10, [sp, #-16]!
    mrs x9, s3_0_c12_c12_0          // ICC_IAR1_EL1
#if defined(NO_FORWARD)
    msr cntv_ctl_el0, xzr
#else
# if defined(NO_HW)
    ldr x10, =0x50a000000000001b
# else
    ldr x10, =0x70a0001b0000001b
# endif
    msr s3_4_c12_c12_0, x10         // ICH_LR0_EL2
#endif
#if defined(MASKED)
    mov x10, #3
    msr cntv_ctl_el0, x10
#endif
    msr s3_0_c12_c12_1, x9          // ICC_EOIR1_EL1
#if defined(NO_HW) || defined(NO_FORWARD)
    msr s3_0_c12_c11_1, x9          // ICC_DIR_EL1
#endif
    ldp x9, x10, [sp], #16
    eret
guest:
    set vbar_el1, guest_vectors
#if defined(ANSWERS)
    ldr x9, =0xc0000018
polls:
    ldr w10, [x9]
    tbnz w10, #5, polls
#endif
#if defined(NO_VM)
    b given_up
#elif defined(NO_RESULT)
    ldr x0, =0xc4000003
    hvc #0
    cbnz x0, given_up
#endif
    put s3_0_c4_c6_0, 0xf0
    put s3_0_c12_c12_7, 1
    put cntv_tval_el0, 500
    put cntv_ctl_el0, 1
    isb
    msr daifclr, #2
1:  wfi
    cmp x28, #3
    b.lo 1b
    ldr x0, =0x84000008
    hvc #0
given_up:
    b given_up
guest_irq:
    mrs x9, s3_0_c12_c12_0
    add x28, x28, #1
    put cntv_tval_el0, 500
    mov x9, #1
    msr cntv_ctl_el0, x9
    isb
    mov x9, #27
    msr s3_0_c12_c12_1, x9
    eret
    .balign 2048
hyp_vectors:
    .skip 0x400
    b hyp_call
    .balign 128
    b hyp_irq
    .balign 2048
guest_vectors:
    .rept 5
    b .
    .balign 128
    .endr
    b guest_irq
    .bss
    .balign 4096
level1: .skip 8192
stack:
