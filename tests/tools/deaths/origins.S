// Where a value came from that a CPU fails with; handlers that leave something out or behind; programs that give up.
//
// dies -DDATA | --no-el2: a call of a null function && X1 was loaded from 0x40300008 at && which nothing has written
// dies -DVTABLE | --no-el2: a call of a null function && by a pointer in X1 that was not set; X1 was loaded from 0x4009
// dies -DTLS | --no-el2: a call of a null function && X0 was read from TPIDR_EL0 at && which was never written
// dies -DFRAME | --no-el2 | code 3: ELR_EL1 was 0, written at && (handler+0x18)
// dies -DNOSAVE | --no-el2 | code 3: a store to 0xdead0000 && X0 is what the handler of an interrupt has left in it, at && (irq+0x10)
// dies -DREGLOST: X1 is what the handler of a call has left in it, at && (hyp+0x10) (EL2)
// dies -DEOI | --no-el2: is active: acknowledged, and not deactivated && ICC_EOIR1_EL1 was written as 30 last
// dies -DCVAL | --no-el2: comes again as soon as its handler returns && CNTV_CVAL_EL0 is 0x3e8 && in ticks from now? that is TVAL's
// dies -DTVAL | --no-el2: comes again as soon as its handler returns && CNTV_TVAL_EL0 was written as 0 at && (irq+0x4)
// dies -DGROUP | --no-el2: its handler reads ICC_IAR0_EL1, which has interrupts of group 0 && it is never acknowledged
// dies -DMASKS | --no-el2: PSTATE.I is 1 && the last ERET, at && (irq+0x18), had SPSR_EL1 0x3c5
// dies -DMAINTENANCE: INTID 25 (the GIC's maintenance interrupt) comes again && ICH_MISR_EL2 is 0x2: U && clear ICH_HCR_EL2.UIE
// dies -DWRONG_ESR: the handler of HVC #0 at && (kernel+0) (EL1) has not returned
// dies -DZYNQ | --no-el2: a load from 0xff00002c && a Zynq UltraScale+ has its UARTs there
// dies -DRUN_ON | --no-el2: it executes zeros at && nothing jumped there: it ran on from the instruction before
// dies -DVECTORS | --no-el2 | code 4: a load from 0x100000000 && it was overwritten, by cpu0 at && (memset+0)
// dies -DWIPED | --no-el2: it is not mapped && is 0, as cpu0 has written it last, at && (wipe+0x4)
// dies -DEXCLUSIVE | --no-el2: asks again and again for a lock && fails each time: its address is in X1, and the load's in X0
// dies -DPANIC | --no-el2: the program has given up: cpu0 stands at && (panic+0x10), called at && (check+0x18)
// dies -DASSERT | --no-el2: the program has given up && an assertion has failed
// dies -DTRAP=0x3e8 | --no-el2: BRK #0x3e8 at && __builtin_trap() of GCC
// dies -DTRAP=0x5512 | --no-el2: the undefined behaviour sanitizer
// dies -DUDF | --no-el2: an undefined instruction, 0000c11f (UDF) && compilers put it where a program should never come
// dies -DSTACKS | --no-el2 --smp 2: returns to 0: its return address && was overwritten at && (other+0): cpu0 and cpu1 use the same stack
// dies -DSLOW | --max-insns 200M --on-death=stop | code 4: stage 2 does not map the guest's IPA 0x40 && VTTBR_EL2 is 0x && its handler returns to the same instruction again and again
// dies -DSPURIOUS | --no-el2 | code 4: a call of a null function && just before it ICC_IAR1_EL1 was read as 1023 at && (irq+0x
// dies -DEXCHANGED | --no-el2: a jump to && the ERET at && (own+0x210) (EL1) went there
// dies -DEXCHANGED -DLEGAL | --no-el2: a jump to && what was saved of the two has been exchanged
// dies -DTASK | --no-el2: (task+0x4) returns to 0: nothing but 0 was written to && which X30 was loaded from && that is no stack frame
// lives -DENDS | --no-el2
// lives -DSLOW -DSKIPS | --max-insns 200M --on-death=stop
#include "common.inc"
    .global _start, crash, handler, irq, hyp, kernel, memset, wipe, lock, check, panic, assert_fail, work, other, task

    .macro to_kernel                // a guest without stage 2
    put hcr_el2, 0x80000000
    set vbar_el1, vectors
    set elr_el2, kernel
    put spsr_el2, 0x3c5
    isb
    eret
    .endm

    .macro waits_for_ticks          // what follows is where they come
    set vbar_el1, own
    ticks
1:  wfi
    b 1b
    .balign 2048
own: .skip 0x280
    .endm

    .macro taken                    // X0: the acknowledged INTID; the timer is due in @ticks
    mrs x0, s3_0_c12_c12_0
    mov x3, #1000
    msr cntv_tval_el0, x3
    .endm
_start:
    own_vectors
    adrp x9, stack
    mov sp, x9
crash:
#if defined(DATA)                   // .data that was not copied
    ldr x0, =0x40300000
    ldr x1, [x0, #8]
    blr x1
#elif defined(VTABLE)               // an object that was not constructed
    adrp x0, tables
    ldr x1, [x0]
    ldr x2, [x1, #16]
    blr x2
#elif defined(TLS)
    mrs x0, tpidr_el0
    ldr x1, [x0, #16]
    blr x1
#elif defined(SPURIOUS)             // asks for a second interrupt, and calls what is behind its table
    waits_for_ticks
irq:
    taken
    msr s3_0_c12_c12_1, x0
    mrs x0, s3_0_c12_c12_0
    adrp x1, stack
    ldr x2, [x1, x0, lsl #3]
    blr x2
#elif defined(EXCHANGED)
    set vbar_el1, own
    .balign 32
    nop
# if !defined(LEGAL)
    nop
    nop
# endif
    svc #0
    b .
    .balign 2048
own: .skip 0x200
    mrs x0, elr_el1
    mrs x1, spsr_el1
    msr elr_el1, x1
    msr spsr_el1, x0
    eret
#elif defined(TASK)                 // a switch to a task whose X30 was not saved
    adrp x0, stack
    str xzr, [x0, #16]
    b task
task:
    ldr x30, [x0, #16]
    ret
#elif defined(FRAME)                // takes ELR from another slot than it was saved to
    set vbar_el1, own
    mov x0, #0
    svc #1
    b .
    .balign 2048
own: .skip 0x200
handler:
    sub sp, sp, #48
    stp x0, x1, [sp]
    mrs x0, elr_el1
    mrs x1, spsr_el1
    stp x0, x1, [sp, #32]
    ldp x0, x1, [sp, #16]
    msr elr_el1, x0
    mov x1, #0x3c5
    msr spsr_el1, x1
    add sp, sp, #48
    eret
#elif defined(NOSAVE)               // an interrupt's handler that saves nothing
    set vbar_el1, own
    ticks
    adrp x0, stack
1:  str x2, [x0]
    add x2, x2, #1
    b 1b
    .balign 2048
own: .skip 0x200
    b .
    .balign 128
irq: taken
    msr s3_0_c12_c12_1, x0
    mov x0, #0xdead0000
    eret
#elif defined(REGLOST)
    set vbar_el2, own
    to_kernel
kernel:
    adrp x1, stack
1:  hvc #1
    str x2, [x1]
    b 1b
    .balign 2048
own: .skip 0x400
hyp: mrs x0, esr_el2
    lsr x1, x0, #26
    cmp x1, #0x16
    b.ne .
    lsl x1, x1, #52
    eret
#elif defined(SLOW)                 // a hypervisor that switches the world, takes its time, and maps nothing
    set vbar_el2, own
    adrp x9, tables
    msr vttbr_el2, x9
    put vtcr_el2, 0x80023559
    set elr_el2, kernel
    put spsr_el2, 0x3c5
enter:
    put hcr_el2, 0x80000001
    isb
    eret
kernel:
    b kernel
    .balign 2048
own: .skip 0x400
    put hcr_el2, 0x80000000
    mov x3, #1000
1:  subs x3, x3, #1
    b.ne 1b
# ifdef SKIPS                       // it goes on each time, somewhere
    mrs x9, elr_el2
    add x9, x9, #4
    msr elr_el2, x9
# endif
    b enter
#elif defined(EOI)
    waits_for_ticks
irq: taken
    mov x0, #30
    msr s3_0_c12_c12_1, x0
    eret
#elif defined(CVAL)
    set vbar_el1, own
    ldr x9, =100000
1:  subs x9, x9, #1
    b.ne 1b
    ticks
1:  wfi
    b 1b
    .balign 2048
own: .skip 0x280
irq: mrs x0, s3_0_c12_c12_0
    mov x3, #1000
    msr cntv_cval_el0, x3
    isb
    msr s3_0_c12_c12_1, x0
    eret
#elif defined(TVAL)
    waits_for_ticks
irq: mrs x0, s3_0_c12_c12_0
    msr cntv_tval_el0, xzr
    isb
    msr s3_0_c12_c12_1, x0
    eret
#elif defined(GROUP)
    waits_for_ticks
irq: mrs x0, s3_0_c12_c8_0          // ICC_IAR0_EL1
    msr s3_0_c12_c8_1, x0
    eret
#elif defined(MASKS)
    waits_for_ticks
irq: taken
    msr s3_0_c12_c12_1, x0
    mov x0, #0x3c5
    msr spsr_el1, x0
    eret
#elif defined(MAINTENANCE)          // an underflow that is asked for, and nothing to fill in
    set vbar_el2, own
    store 0x80a0014, 0
    store 0x8000000, 2
    store 0x80b0080, 0xffffffff
    store 0x80b0100, 0x02000000
    put s3_4_c12_c9_5, 0xf
    put s3_0_c4_c6_0, 0xf0
    put s3_0_c12_c12_7, 1
    put hcr_el2, 0x80000018
    put s3_4_c12_c11_0, 3           // ICH_HCR_EL2: En, UIE
    set elr_el2, kernel
    put spsr_el2, 0x345
    isb
    eret
kernel:
    wfi
    b kernel
    .balign 2048
own: .skip 0x480
hyp: mrs x0, s3_0_c12_c12_0
    msr s3_0_c12_c12_1, x0
    eret
#elif defined(WRONG_ESR)            // EL2 looks at EL1's
    set vbar_el2, own
    to_kernel
kernel:
    hvc #0
    b .
    .balign 2048
own: .skip 0x400
    mrs x0, esr_el1
    lsr x0, x0, #26
    cmp x0, #0x16
    b.ne 1f
    eret
1:  wfi
    b 1b
#elif defined(ZYNQ)
    ldr x0, =0xff000000
1:  ldr w1, [x0, #0x2c]
    tbnz w1, #4, 1b
#elif defined(RUN_ON)
    mov x0, #1
    cbz x0, crash
    .word 0
#elif defined(VECTORS)
    adrp x0, vectors
    add x0, x0, :lo12:vectors
    mov x1, #2048
memset:
    stp xzr, xzr, [x0], #16
    subs x1, x1, #16
    b.ne memset
    ldr x0, =0x100000000
    ldr x0, [x0]
#elif defined(WIPED)
    map 0x703
    mmu_on_el1
    adrp x0, pages
wipe:
    add x0, x0, #(0x100 * 8)
    str xzr, [x0]
    dsb sy
    tlbi vmalle1
    dsb sy
    isb
    ldr x1, =0x40100000
    ldr x0, [x1]
#elif defined(EXCLUSIVE)
    adrp x0, tables
    add x1, x0, #256
    mov w2, #1
lock:
    ldaxr w3, [x0]
    cbnz w3, lock
    stxr w4, w2, [x1]
    cbnz w4, lock
#elif defined(PANIC)
    mov x0, #3
    bl check
    b .
check:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    cmp x0, #2
    b.hi 1f
    ldp x29, x30, [sp], #16
    ret
1:  bl panic
panic:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    msr daifset, #15
2:  wfe
    b 2b
#elif defined(ASSERT)
    bl assert_fail
assert_fail:
    b .
#elif defined(TRAP)
    brk #TRAP
#elif defined(UDF)
    .word 0xc11f
#elif defined(STACKS)
    ldr x0, =0xc4000003
    mov x1, #1
    adr x2, second
    hvc #0
1:  bl work
    b 1b
second:
    adrp x9, stack
    mov sp, x9
1:  bl other
    b 1b
work:
    stp x29, x30, [sp, #-16]!
    mov x4, #300
1:  subs x4, x4, #1
    b.ne 1b
    ldp x29, x30, [sp], #16
    ret
other:
    stp xzr, xzr, [sp, #-16]!
    mov x4, #170
1:  subs x4, x4, #1
    b.ne 1b
    add sp, sp, #16
    ret
#elif defined(ENDS)                 // in a function of its own, whose name says nothing bad
    bl kernel
kernel:
    b .
#endif
    b .
    .balign 8
    park
    spaces
