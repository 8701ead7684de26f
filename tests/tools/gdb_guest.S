// A hypervisor of one page with a guest below it, for gdb to look at (tests/tools/gdb). CPU 1 counts for ever; CPU 0
// enters the guest, which calls, touches what stage 2 does not map, and asks to be switched off.
    .text
    .global _start
_start:
    adrp x0, vectors
    add x0, x0, :lo12:vectors
    msr vbar_el2, x0
    isb
    mov x0, #3                 // PSCI CPU_ON
    movk x0, #0xc400, lsl #16
    mov x1, #1
    adrp x2, second
    add x2, x2, :lo12:second
    mov x3, #0
    smc #0
    bl guest_enter
    b .

guest_enter:
    adrp x0, stage2
    msr vttbr_el2, x0
    mov x1, #0                  // VTCR_EL2: RES1, 40 bits of PA, 4 GiB of IPA from level 1
    movk x1, #0x8002, lsl #16
    orr x1, x1, #(1 << 6)
    orr x1, x1, #32
    msr vtcr_el2, x1
first_hcr:
    mov x1, #(1 << 31)          // RW
    orr x1, x1, #1              // VM
    msr hcr_el2, x1
    mov x1, #0x3c5              // EL1h, masked
    msr spsr_el2, x1
    adrp x1, guest
    add x1, x1, :lo12:guest
    msr elr_el2, x1
    isb
enter:
    eret

    .balign 0x800
vectors:
    .org vectors + 0x400
lower_sync:
    mrs x9, esr_el2
    lsr x10, x9, #26
    cmp x10, #0x16              // HVC
    b.ne fault
    and x10, x9, #0xffff
    cmp x10, #2
    b.eq off
    mrs x11, hcr_el2
    orr x11, x11, #(1 << 13)    // TWI
second_hcr:
    msr hcr_el2, x11
back:
    eret
fault:
    mrs x11, elr_el2
    add x11, x11, #4
    msr elr_el2, x11
    eret
off:
    mov x0, #8                 // PSCI SYSTEM_OFF
    movk x0, #0x8400, lsl #16
    smc #0
    b .
    .org vectors + 0x800

guest:
    mov x0, #7
    hvc #1
after_call:
    mov x1, #0x09000000         // not mapped at stage 2
touch:
    ldr w2, [x1]
after_touch:
    adrp x3, counter
    add x3, x3, :lo12:counter
1:  ldr x4, [x3]
    cmp x4, #100
    b.lo 1b
    mov x5, #5
    str x5, [x3, #8]
stored:
    hvc #2

second:
    adrp x3, counter
    add x3, x3, :lo12:counter
    mov x4, #0
count:
    add x4, x4, #1
    str x4, [x3]
    b count

    .data
    .balign 4096
    .global counter
counter:
    .quad 0, 0
    .balign 4096
stage2:
    .quad 0
    .quad 0x40000000 | 0x7fd    // a block of 1 GiB, normal memory
    .fill 510, 8, 0
