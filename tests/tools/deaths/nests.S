// Locks and exclusives, tables that are exchanged, interrupts within their own handler, and kernels that nobody hears.
//
// dies -DDEADLOCK | --no-el2 --smp 2: a deadlock: cpu1, which has taken it, waits itself for the one at && which cpu0 has taken
// dies -DOTHER_ADDRESS | --no-el2: the store exclusive at && fails each time: its address is in X1, and the load's in X0
// dies -DCLEARED | --no-el2: the store exclusive at && (crash+0x10) fails each time && no CLREX
// dies -DNO_IDENTITY | --no-el2 | code 4: TTBR0_EL1 was written, as 0, at && while the MMU is on, and the fetch of 0x4008 && behind it is not mapped any more
// dies -DNO_ISV: stage 2 does not map the guest's IPA 0x9000000 && ESR_EL2.ISV is 0: of STR_post_w hardware says neither register nor size
// dies -DABSENT: a system register that there is not && it is S3_0_C1_C2_0: ZCR_EL1, of FEAT_SVE
// dies -DABSENT -DREGISTER=s3_0_c15_c7_6: it is S3_0_C15_C7_6: none of our registers
// dies -DGRANULE_PARKED | --no-el2 --cpu a57: went by ID_AA64MMFR0_EL1, which is 0x1124 && A kernel of 16 or 64 KiB pages needs TGran16
// dies -DNESTED | --no-el2: INTID 27 (the virtual timer) is taken within its own handler, again and again && (push+0x8)
// dies -DNESTED -DSMALL_STACK | --no-el2 | code 4: it was overwritten, by cpu0 at && the stack has grown into it; by interrupts that are taken within their own handler
// dies -DSTACK_STAGE2: the stack has grown into the translation tables: what was pushed at && is the level-1 descriptor of stage 2 now
// dies -DNULL_STORE | --no-el2: a value at 0x10, which stays 0 && that is flash memory (0 to 0x7ffffff)
// dies -DQUIET -DDIED | --no-el2: which no console has shown: Kernel panic - not syncing: Attempted to kill the idle task! (Linux) && earlycon
// dies -DQUIET -DDIED | --no-el2 --append console=ttyS0: which no console has shown && console=ttyS0 of the command line is no console
// dies -DQUIET | --no-el2 --append console=ttyS0: the guest has said nothing: console=ttyS0 of the command line is no console && try: console=ttyAMA0
// lives -DQUIET | --no-el2 --append console=ttyAMA0
#include "common.inc"
    // stage 2 by a block of the first table, and all that an ERET to "guest" at EL1 needs
    .macro stage2_on
    set vbar_el2, stage2
    adrp x9, tables
    ldr x12, =0x400007fd
    str x12, [x9, #8]
    msr vttbr_el2, x9
    put vtcr_el2, 0x80023559
    put hcr_el2, 0x80000001
    put spsr_el2, 0x3c5
    set elr_el2, guest
    isb
    .endm
    .global _start
    .global crash
_start:
    own_vectors
    ldr x9, =stack
    mov sp, x9
crash:
#if defined(DEADLOCK)
    adr x0, locka
    adr x1, lockb
    mov w2, #1
    str w2, [x0]
    ldr w0, =0xc4000003
    mov x1, #1
    adr x2, second
    mov x3, #0
    hvc #0
    mov x4, #60000
1:  subs x4,x4,#1
    b.ne 1b
    adr x0, lockb
    bl lock
    b .
second:
    ldr x9, =stack-2048
    mov sp, x9
    adr x0, lockb
    bl lock
    adr x0, locka
    bl lock
    b .
lock:
    mov w3, #1
1:  ldaxr w2, [x0]
    cbnz w2, 1b
    stxr w4, w3, [x0]
    cbnz w4, 1b
    ret
    .balign 64
locka: .word 0
    .balign 64
lockb: .word 0
#elif defined(OTHER_ADDRESS)
    adr x0, w1
    adr x1, w2
1:  ldxr w2, [x0]
    add w2, w2, #1
    stxr w3, w2, [x1]
    cbnz w3, 1b
    off
    .balign 128
w1: .word 0
    .balign 128
w2: .word 0
#elif defined(CLEARED)
    adr x0, w1
1:  ldxr w2, [x0]
    add w2, w2, #1
    clrex
    stxr w3, w2, [x0]
    cbnz w3, 1b
    off
    .balign 128
w1: .word 0
#elif defined(NO_IDENTITY)
    map 0x703
    mmu_on_el1
    msr ttbr0_el1, xzr
    tlbi vmalle1
    dsb sy
    isb
    nop
#elif defined(NO_ISV)
    stage2_on
    eret
guest:
    ldr x0, =0x9000000
    mov w1, #'A'
    str w1, [x0], #4
    b .
    .balign 2048
stage2: .skip 0x400
    mrs x0, esr_el2
    tbz x0, #24, bad
    mrs x0, elr_el2
    add x0, x0, #4
    msr elr_el2, x0
    eret
bad: b bad
#elif defined(ABSENT)
#ifndef REGISTER
#define REGISTER zcr_el1
#endif
    mrs x0, id_aa64pfr0_el1
    msr REGISTER, x0
#elif defined(GRANULE_PARKED)
    mrs x0, id_aa64mmfr0_el1
    ubfx x0, x0, #20, #4            // TGran16
    cbz x0, 2f
    off
2:  wfe
    wfi
    b 2b
#elif defined(NESTED)
#ifdef SMALL_STACK
    adr x9, nested+0xe80
    mov sp, x9
    mov x29, #-1
#endif
    set vbar_el1, nested
    ticks
1:  b 1b
    .balign 2048
nested: .skip 0x280
    b push
    .skip 0x8c
push:
    stp x29, x30, [sp, #-256]!
    msr daifclr, #2
    ldp x29, x30, [sp], #256
    eret
#elif defined(STACK_STAGE2)
    stage2_on
    ldr x9, =tables+4096
    mov sp, x9
    mov x3, #300
    bl recurse
    eret
recurse:
    stp x29, x30, [sp, #-16]!
    subs x3, x3, #1
    b.eq 1f
    bl recurse
1:  ldp x29, x30, [sp], #16
    ret
guest: nop
    b .
    .balign 2048
stage2: .skip 0x400
    b .
#elif defined(NULL_STORE)
    mov x0, #0x10
    mov w1, #1
    str w1, [x0]
1:  ldr w2, [x0]
    cmp w2, w1
    b.ne 1b
    off
#elif defined(QUIET)
    mrs x0, cntvct_el0              // a delay, as panic() has them
1:  mrs x1, cntvct_el0
    sub x1, x1, x0
    add x2, x2, #1
    lsr x1, x1, #50
    cbz x1, 1b
#ifdef DIED
    .asciz "Kernel panic - not syncing: %s"
    .asciz "Kernel panic - not syncing: Attempted to kill the idle task!k!"
    .asciz "Kernel panic - not syncing: Attempted to kill the idle task!"
    .balign 4
#endif
#endif
    b .
    park
    .ltorg
    spaces
