/* A guest of the hypervisor core, entered as an arm64 Image in EL1. Each virtual CPU has a stack of 16 KiB. */
    .arch armv8.3-a
    .section .text.start, "ax"
    .globl _start
_start:
    b begin
    .long 0
    .quad 0
    .quad 0x100000
    .quad 0xa
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0
begin:
    mov x19, x0
    adrp x9, __bss_start
    adrp x10, __bss_end
1:  stp xzr, xzr, [x9], #16
    cmp x9, x10
    b.lo 1b
    mov x20, #0
    adrp x21, boot_main
    add x21, x21, :lo12:boot_main
    b common

    .globl secondary_start                /* x0: its number */
secondary_start:
    mov x20, x0
    adrp x21, secondary_main
    add x21, x21, :lo12:secondary_main
    b common

    .globl life_start                     /* the spare one: x0 is a context, MPIDR says which it is */
life_start:
    mov x19, x0
    mrs x20, mpidr_el1
    and x20, x20, #0xff
    adrp x21, life
    add x21, x21, :lo12:life
common:
    adrp x9, stacks
    add x10, x20, #1
    add x9, x9, x10, lsl #14
    mov sp, x9
    adrp x9, vectors
    add x9, x9, :lo12:vectors
    msr vbar_el1, x9
    mov x9, #3 << 20
    msr cpacr_el1, x9
    /* Device memory below 1 GiB, RAM above, one to one. */
    ldr x9, =0xff04
    msr mair_el1, x9
    ldr x9, =(25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32)
    msr tcr_el1, x9
    adrp x9, table
    msr ttbr0_el1, x9
    tlbi vmalle1
    dsb nsh
    isb
    ldr x9, =0x30d01805                   /* M, C, I; RES1 */
    msr sctlr_el1, x9
    isb
    mov x0, x19
    mov x29, xzr
    blr x21
    b .

    .macro vector kind
    .balign 128
    sub sp, sp, #272
    stp x0, x1, [sp]
    mov x0, #\kind
    b common_vector
    .endm

common_vector:
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x2, elr_el1
    mrs x3, spsr_el1
    stp x30, x2, [sp, #240]
    str x3, [sp, #256]
    mov x1, sp
    bl exception
    ldp x30, x2, [sp, #240]
    ldr x3, [sp, #256]
    msr elr_el1, x2
    msr spsr_el1, x3
    ldp x28, x29, [sp, #224]
    ldp x26, x27, [sp, #208]
    ldp x24, x25, [sp, #192]
    ldp x22, x23, [sp, #176]
    ldp x20, x21, [sp, #160]
    ldp x18, x19, [sp, #144]
    ldp x16, x17, [sp, #128]
    ldp x14, x15, [sp, #112]
    ldp x12, x13, [sp, #96]
    ldp x10, x11, [sp, #80]
    ldp x8, x9, [sp, #64]
    ldp x6, x7, [sp, #48]
    ldp x4, x5, [sp, #32]
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp]
    add sp, sp, #272
    eret

    .balign 2048
vectors:
    vector 0
    vector 1
    vector 2
    vector 3
    vector 0
    vector 1
    vector 2
    vector 3
    .fill 1024, 1, 0

    .globl call
call:                                     /* uint64_t call(x0, x1, x2, x3): HVC */
    hvc #0
    ret

    .section .data, "aw"
    .balign 4096
table:                                    /* blocks of 1 GiB; read and write, EL1; execute in RAM */
    .quad 0x00000000 | 1 << 10 | 1 | (3 << 53)
    .quad 0x40000000 | 1 << 10 | 3 << 8 | 1 << 2 | 1
    .fill 510, 8, 0

    .bss
    .balign 4096
stacks:
    .space 8 * 16384
