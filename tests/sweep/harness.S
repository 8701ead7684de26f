/*
 * The probe harness of the sweeps: a supervisor at EL2 with the MMU off enters a code fragment at any EL
 * and comes back by the first exception, whatever the configuration under test looks like.
 *
 * All code that runs with a translation under test is in the 64 KiB from _start on, which every
 * configuration maps one to one. x18 to x22 belong to the harness while a fragment runs:
 * x18 offset of the EL2 vector, x19 SCTLR_EL2 and x20 HCR_EL2 of the supervisor, x21 offset of the
 * EL1 vector; x22 is zero at EL0.
 */
#include "../baremetal/start.inc"

    .arch armv8.2-a
    .section .text.start, "ax"
    .globl _start
_start:
    set_stack stack_top
    write_sysreg vbar_el2, vectors_el2
    write_sysreg vbar_el1, vectors_el1
    el2_without_traps
    isb
    clear_bss
    bl main
    b semihosting_exit

/* struct outcome: see harness.h. */
#define OUT_X0 0
#define OUT_ESR2 8
#define OUT_ELR2 16
#define OUT_FAR2 24
#define OUT_HPFAR 32
#define OUT_SPSR2 40
#define OUT_ESR1 48
#define OUT_ELR1 56
#define OUT_FAR1 64
#define OUT_VECTOR2 72
#define OUT_VECTOR1 80

/* void probe_enter(const struct probe *p): pc, spsr, x0, x1, sctlr, hcr, of the fragment. */
    .globl probe_enter
probe_enter:
    sub sp, sp, #96
    callee_saved stp, sp
    ldr x9, =supervisor_sp
    mov x10, sp
    str x10, [x9]
    ldp x9, x10, [x0]
    ldp x12, x1, [x0, #16]
    ldp x13, x14, [x0, #32]
    mov x0, x12
    mrs x19, sctlr_el2
    mrs x20, hcr_el2
    mov x18, #-1
    mov x21, #-1
    msr hcr_el2, x14
    isb
    msr elr_el2, x9
    msr spsr_el2, x10
    and x22, x10, #0xc
    ldr x2, =0x1122334455667788
    msr sctlr_el2, x13
    isb
    eret

    .macro vector1 offset
    mov x21, #\offset
    hvc #0x100
    .endm

    .macro vector2 offset
    mov x18, #\offset
    b leave
    .endm

    vector_table vectors_el1, vector1
    vector_table vectors_el2, vector2

leave:
    msr sctlr_el2, x19
    isb
    msr hcr_el2, x20
    isb
    ldr x9, =outcome
    mrs x10, esr_el2
    mrs x11, elr_el2
    stp x0, x10, [x9]
    mrs x12, far_el2
    stp x11, x12, [x9, #16]
    mrs x10, hpfar_el2
    mrs x11, spsr_el2
    stp x10, x11, [x9, #32]
    mrs x10, esr_el1
    mrs x11, elr_el1
    stp x10, x11, [x9, #48]
    mrs x12, far_el1
    stp x12, x18, [x9, #64]
    str x21, [x9, #80]
    ldr x9, =supervisor_sp
    ldr x10, [x9]
    mov sp, x10
    callee_saved ldp, sp
    add sp, sp, #96
    ret
    .ltorg

/* Fragments: address in x1, value in x2, result in x0. Each ends with an HVC, at EL0 an SVC. */
    .macro fragment name, insn:vararg
    .balign 32
    .globl frag_\name
frag_\name:
    \insn
    b frag_end
    .endm

    .macro at_fragment name, op:vararg
    .balign 32
    .globl frag_\name
frag_\name:
    \op
    isb
    mrs x0, par_el1
    b frag_end
    .endm

    .balign 64
    at_fragment S1E1R, at s1e1r, x1
    at_fragment S1E1W, at s1e1w, x1
    at_fragment S1E0R, at s1e0r, x1
    at_fragment S1E0W, at s1e0w, x1
    at_fragment S1E1RP, at s1e1rp, x1
    at_fragment S1E1WP, at s1e1wp, x1
    at_fragment S12E1R, at s12e1r, x1
    at_fragment S12E1W, at s12e1w, x1
    at_fragment S12E0R, at s12e0r, x1
    at_fragment S12E0W, at s12e0w, x1
    at_fragment S1E2R, at s1e2r, x1
    at_fragment S1E2W, at s1e2w, x1
    fragment ldr, ldr x0, [x1]
    fragment str, str x2, [x1]
    fragment ldrb, ldrb w0, [x1]
    fragment ldp, ldp x0, x3, [x1, #-8]
    fragment ldtr, ldtr x0, [x1]
    fragment sttr, sttr x2, [x1]
    fragment swp, .inst 0xf8228020 /* swp x2, x0, [x1] */
    fragment ldxr, ldxr x0, [x1]
    fragment dczva, dc zva, x1
    fragment br, br x1

    .balign 32
    .globl frag_end
frag_end:
    cbz x22, 1f
    hvc #0x10
1:  svc #0x10
    .globl frag_limit
frag_limit:

    .bss
    .balign 16
    .space 65536
stack_top:
supervisor_sp:
    .space 16
