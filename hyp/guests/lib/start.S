/*
 * The arm64 Image header, entry, vectors of EL1. CPU 0 enters at _start with the device tree's address in
 * x0 (Documentation/arch/arm64/booting of Linux), the others at secondary_start with their stack's top in x0,
 * on which their function lies.
 */
#include "layout.h"

    .arch armv8-a

    .macro pairs op, a, b, rest:vararg
    \op x\a, x\b, [sp, #8 * \a]
    .ifnb \rest
    pairs \op, \rest
    .endif
    .endm

    .section .text.header, "ax"
    .globl _start
_start:
    b start
    .long 0
    .quad 0 /* text_offset */
    /* guest.ld puts image_size here. */

    .section .text.start, "ax"
    .quad 0xa /* little-endian, 4 KiB pages, anywhere in RAM */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

start:
    mov x19, x0
    adrp x20, __image
    add x20, x20, :lo12:__image
    adrp x1, __bss
    add x1, x1, :lo12:__bss
    adrp x2, __bss_end
    add x2, x2, :lo12:__bss_end
1:  cmp x1, x2
    b.hs 2f
    stp xzr, xzr, [x1], #16
    b 1b
    /* R_AARCH64_RELATIVE rows: where, 0x403, what is added to the load address. */
2:  adrp x1, __rela
    add x1, x1, :lo12:__rela
    adrp x2, __rela_end
    add x2, x2, :lo12:__rela_end
3:  cmp x1, x2
    b.hs 4f
    ldp x3, x4, [x1], #16
    ldr x5, [x1], #8
    add x5, x5, x20
    str x5, [x3, x20]
    b 3b
4:  bl known_state
    adrp x0, stacks + STACK_BYTES
    mov sp, x0
    mov x29, xzr
    mov x0, x19
    bl boot
    b .

    .globl secondary_start
secondary_start:
    mov x19, x0
    bl known_state
    ldp x1, x0, [x19, #-16]!
    mov sp, x19
    mov x29, xzr
    blr x1
    b .

/* Registers that reset to UNKNOWN values: MMU and caches off, nothing trapped, debug off. */
known_state:
    ldr x9, =SCTLR_EL1_OFF
    msr sctlr_el1, x9
    isb
    adrp x9, vectors
    add x9, x9, :lo12:vectors
    msr vbar_el1, x9
    mov x9, #(3 << 20)
    msr cpacr_el1, x9
    msr mdscr_el1, xzr
    msr osdlr_el1, xzr
    msr oslar_el1, xzr
    msr cntkctl_el1, xzr
    msr cntv_ctl_el0, xzr
    msr contextidr_el1, xzr
    mrs x10, id_aa64pfr0_el1
    tst x10, #0xf << 24 /* GIC: is there a CPU interface of system registers? */
    b.eq 9f
    mov x9, #1
    msr s3_0_c12_c12_5, x9 /* ICC_SRE_EL1.SRE */
    isb
9:  ret

    .macro vector offset
    .balign 128
    sub sp, sp, #FRAME_BYTES
    pairs stp, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    mov x1, #\offset
    b exception
    .endm

    .text
    .balign 2048
    .globl vectors
vectors:
    .irp offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
    vector \offset
    .endr

exception:
    mrs x2, elr_el1
    mrs x3, spsr_el1
    mrs x4, esr_el1
    mrs x5, far_el1
    stp x30, x2, [sp, #240]
    stp x3, x4, [sp, #256]
    str x5, [sp, #272]
    mov x0, sp
    bl exception_entry
    ldp x30, x2, [sp, #240]
    ldr x3, [sp, #256]
    msr elr_el1, x2
    msr spsr_el1, x3
    pairs ldp, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    add sp, sp, #FRAME_BYTES
    eret

    .section .bss.stacks, "aw", @nobits
    .globl stacks
    .balign STACK_BYTES
stacks:
    .space STACK_BYTES * MAX_CPUS
