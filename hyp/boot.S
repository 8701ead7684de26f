/*
 * Entry: an arm64 Image (Linux, Documentation/arm64/booting.rst), at EL2, MMU off, x0 the device tree. It can be
 * anywhere: the image relocates itself. Other CPUs come in at secondary_entry by PSCI CPU_ON.
 */
#include "hyp/asm.h"

    .arch armv8-a
    .section .text.head, "ax"
    .globl _start
_start:
    b begin
    .long 0
    .quad 0                           /* text_offset; image_size follows, from hyp/image.ld */
    .section .text.start, "ax"
    .quad 0xa                         /* little-endian, 4K pages, anywhere */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0
begin:
    mrs x9, CurrentEL
    cmp x9, #8
    b.ne not_el2
    mov x19, x0

    /* Relocations are all R_AARCH64_RELATIVE: word at r_offset = r_addend, both as linked. */
    adr x9, _start
    ldr x10, =IMAGE_BASE
    sub x10, x9, x10
    adrp x11, __rela_start
    add x11, x11, :lo12:__rela_start
    adrp x12, __rela_end
    add x12, x12, :lo12:__rela_end
2:  cmp x11, x12
    b.hs 3f
    ldp x13, x14, [x11]
    ldr x15, [x11, #16]
    add x11, x11, #24
    cmp w14, #1027
    b.ne 2b
    add x15, x15, x10
    str x15, [x13, x10]
    b 2b

3:  adrp x9, __bss_start
    adrp x10, __image_end
4:  stp xzr, xzr, [x9], #16
    cmp x9, x10
    b.lo 4b

    /* We wrote with the caches off: no line of the image may be older than memory. */
    adrp x9, __image
    mrs x11, ctr_el0
    ubfx x11, x11, #16, #4
    mov x12, #4
    lsl x12, x12, x11
5:  dc ivac, x9
    add x9, x9, x12
    cmp x9, x10
    b.lo 5b
    dsb sy

    adrp x9, boot_stack + STACK_SIZE
    mov sp, x9
    mov x29, xzr
    mov x0, x19
    bl boot_main                      /* returns with the registers of mmu_on ready in memory */
    adrp x0, boot_regs
    add x0, x0, :lo12:boot_regs
    bl mmu_on
    bl hyp_boot
    b .

not_el2:
    wfe
    b not_el2

    .globl secondary_entry
secondary_entry:                      /* x0: its struct pcpu's stack top */
    mov x20, x0
    adrp x0, boot_regs
    add x0, x0, :lo12:boot_regs
    bl mmu_on
    mov sp, x20
    mov x29, xzr
    bl hyp_secondary
    b .

/* x0: struct boot_regs (hyp/boot.c). The tables map this code where it is. */
mmu_on:
    ldp x9, x10, [x0]
    msr hcr_el2, x9
    isb
    ldp x11, x12, [x0, #16]
    ldp x13, x14, [x0, #32]
    msr mair_el2, x10
    msr tcr_el2, x11
    msr ttbr0_el2, x12
    msr vbar_el2, x14
    tlbi alle2
    ic iallu
    dsb nsh
    isb
    msr sctlr_el2, x13
    isb
    ret

    .bss
    .balign 4096
boot_stack:
    .space STACK_SIZE
