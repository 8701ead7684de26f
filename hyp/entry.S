/*
 * The only code that runs with a guest's general registers in the CPU: in at guest_enter(), out at the vectors of
 * lower ELs; and the vectors for exceptions from EL2 itself.
 */
#include "hyp/asm.h"

    .arch armv8-a

    .macro pairs op, base, a, b, rest:vararg
    \op x\a, x\b, [\base, #8 * \a]
    .ifnb \rest
    pairs \op, \base, \rest
    .endif
    .endm

    /* Moves x2 to x29 at their places in struct guest_regs. */
    .macro most_gprs op, base
    pairs \op, \base, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    .endm

    .macro push_callee
    stp x29, x30, [sp, #-96]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    .endm

    .macro pop_callee
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #96
    .endm

    .text
/*
 * unsigned guest_enter(struct guest_regs *x0): run the guest until an exception comes to EL2; returns which vector
 * (enum exit_kind). ELR_EL2 and SPSR_EL2 are the guest's already. Our callee-saved registers and x0 wait on the
 * stack, where guest_exit finds them: SP_EL2 is untouched while the guest runs.
 */
    .globl guest_enter
guest_enter:
    push_callee
    stp x0, xzr, [sp, #-16]!
    most_gprs ldp, x0
    .ifc HYP_MUTANT, wrong_slot_gpr
    ldp x21, x20, [x0, #20 * 8]
    .endif
    ldr x30, [x0, #REGS_X30]
    ldp x0, x1, [x0]
    eret
    dsb nsh                           /* nothing is speculated past the ERET */
    isb

    .macro guest_exit kind
    .balign 128
    stp x0, x1, [sp, #-16]!
    ldr x0, [sp, #16]
    mov w1, #\kind
    b guest_left
    .endm

guest_left:
    most_gprs stp, x0
    .ifc HYP_MUTANT, clobber_x18
    str xzr, [x0, #18 * 8]
    .endif
    str x30, [x0, #REGS_X30]
    ldp x2, x3, [sp], #32             /* the guest's x0 and x1; and drop guest_enter's x0 */
    stp x2, x3, [x0]
    mov w0, w1
    pop_callee
    ret

/* From EL2: an interrupt saves what C may change and goes back. FP registers are not among that: whoever wants
 * them asks hyp/fpsimd.h. */
    .macro host_irq
    .balign 128
    sub sp, sp, #192
    stp x29, x30, [sp]
    mov x29, sp
    stp x0, x1, [sp, #16]
    b host_interrupted
    .endm

host_interrupted:
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    stp x8, x9, [sp, #80]
    stp x10, x11, [sp, #96]
    stp x12, x13, [sp, #112]
    stp x14, x15, [sp, #128]
    stp x16, x17, [sp, #144]
    mrs x0, elr_el2
    mrs x1, spsr_el2
    stp x18, x0, [sp, #160]
    str x1, [sp, #176]
    bl host_irq
    ldr x1, [sp, #176]
    ldp x18, x0, [sp, #160]
    msr elr_el2, x0
    msr spsr_el2, x1
    ldp x16, x17, [sp, #144]
    ldp x14, x15, [sp, #128]
    ldp x12, x13, [sp, #112]
    ldp x10, x11, [sp, #96]
    ldp x8, x9, [sp, #80]
    ldp x6, x7, [sp, #64]
    ldp x4, x5, [sp, #48]
    .ifc HYP_MUTANT, clobber_own
    ldp x5, x4, [sp, #48]
    .endif
    ldp x2, x3, [sp, #32]
    ldp x0, x1, [sp, #16]
    ldp x29, x30, [sp]
    add sp, sp, #192
    eret

/* Anything else at EL2 is a bug of ours: all registers to the report. */
    .macro host_panic offset
    .balign 128
    sub sp, sp, #256
    stp x0, x1, [sp]
    mov w0, #\offset
    b host_failed
    .endm

host_failed:
    most_gprs stp, sp
    str x30, [sp, #240]
    mov x1, sp
    bl panic_exception

/* Kinds: enum exit_kind (hyp/vcpu.h). */
    .balign 2048
    .globl vectors
vectors:
    host_panic 0x000
    host_panic 0x080
    host_panic 0x100
    host_panic 0x180
    host_panic 0x200
    host_irq
    host_irq                          /* FIQ: no group 0 interrupts are ours, but none is worth dying for */
    host_panic 0x380
    guest_exit 0
    guest_exit 1
    guest_exit 2
    guest_exit 3
    host_panic 0x600                  /* AArch32 EL1 there is none: HCR_EL2.RW */
    host_panic 0x680
    host_panic 0x700
    host_panic 0x780

/* void task_switch(uint64_t *x0 from, uint64_t x1 to) */
    .balign 4
    .globl task_switch
task_switch:
    push_callee
    mov x2, sp
    str x2, [x0]
    mov sp, x1
    pop_callee
    ret

    .globl task_start
task_start:
    mov x29, xzr
    bl task_main

/* uint64_t smccc(x0..x3): a call of the firmware by SMC. */
    .globl smccc
smccc:
    smc #0
    ret
