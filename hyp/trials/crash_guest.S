/* Two calls deep, with frame records, to an address that nothing is at: the guest of hyp/trials/crash.c. */
    .arch armv8-a
    .section .rodata
    .balign 16
    .globl crash_guest, crash_guest_end, crash_in_start, crash_in_outer

crash_guest:
    mov x0, #0x40000000
    add sp, x0, #0x10000
    mov x29, #0
    mov x30, #0
    mov x19, #0x5678
    bl outer
crash_in_start:
    b .
outer:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    bl inner
crash_in_outer:
    b .
inner:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    mov x1, #0xdead0000
    blr x1
    b .
    .balign 4
crash_guest_end:
