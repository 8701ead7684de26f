/*
 * A kernel that has moved itself, for tests/tools/traces: linked at 0xffffff8000080000, loaded at 0x40280000, it runs
 * at 0xffffff8040280000. Both halves of its addresses have their second GiB where RAM is.
 */
.globl _start
.type _start, %function
_start:
    adrp x1, tables
    ldr x2, =0x40000701 /* a block: AF, inner shareable, index 0 */
    str x2, [x1, #8]
    mov x0, #0xff
    msr mair_el1, x0
    msr ttbr0_el1, x1
    msr ttbr1_el1, x1
    ldr x0, =(25 | 25 << 16 | 2 << 30 | 2 << 32)
    msr tcr_el1, x0
    isb
    mrs x0, sctlr_el1
    orr x0, x0, #1
    msr sctlr_el1, x0
    isb
    ldr x0, =0xffffff8000000000
    adr x1, high
    orr x0, x0, x1
    br x0
high:
    adr x0, vectors
    msr vbar_el1, x0
    bl moved_function
    ldr w0, =0x84000008
    hvc #0
    b .
.size _start, . - _start

.type moved_function, %function
moved_function:
    svc #3
    ret
.size moved_function, . - moved_function
.ltorg

.balign 2048
.globl vectors
.type vectors, %function
vectors:
    .skip 0x200
    eret
    .skip 0x600 - 4
.size vectors, . - vectors

.balign 4096
tables:
    .skip 4096
