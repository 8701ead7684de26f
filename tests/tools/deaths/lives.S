// Guests that look as if, and are well: nothing is said of them.
//
// lives -DPAGING | --max-insns 8M
// lives -DEMULATED | --max-insns 8M
// lives -DYIELDS | --max-insns 8M
// lives -DRETRIES | --max-insns 8M
// lives -DTICKS | --max-insns 8M
// lives -DNO_RETURN | --max-insns 8M
// lives -DHALT | --max-insns 40M --on-death=stop
#include "common.inc"
    .global _start
_start:
    mov x20, #0
#if defined(TICKS)
    set vbar_el2, table
    put hcr_el2, 0x80000010
    ticks
1:  add x20, x20, #1                // an interrupt every few instructions
    b 1b
#else
    set vbar_el2, table
    ldr x1, =0xb000000              // where nothing answers
# if defined(YIELDS)
    put hcr_el2, 0x80006000         // TWI, TWE
    set elr_el2, guest
    put spsr_el2, 0x3c5
    eret
guest:
1:  wfe
    b 1b
# elif defined(HALT)                // it has had a fault, and is done
    ldr x0, [x1]
    b .
# else
1:  ldr x0, [x1]                    // PAGING: each time another address
    b 1b
# endif
#endif
    .balign 2048
table:
#if defined(YIELDS)
    .skip 0x400
    mrs x3, elr_el2
    add x3, x3, #4
    msr elr_el2, x3
    eret
#endif
    .skip 0x200
#if defined(PAGING)
    add x1, x1, #8
    ldr x2, =0xb00fff8
    and x1, x1, x2
    mrs x3, elr_el2
    add x3, x3, #4
    msr elr_el2, x3
    eret
#elif defined(EMULATED) || defined(HALT) // a status register that is asked for ever
    mov x0, #1
    mrs x3, elr_el2
    add x3, x3, #4
    msr elr_el2, x3
    mov x3, #0
    eret
#elif defined(RETRIES)              // the same fault a thousand times, then it goes on
    add x20, x20, #1
    and x21, x20, #0x3ff
    cbnz x21, 2f
    mrs x3, elr_el2
    add x3, x3, #4
    msr elr_el2, x3
2:  eret
#elif defined(NO_RETURN)            // a program that goes on from its handler
    add x20, x20, #1
    tst x20, #1
    b.ne 3f
    ldr x1, =0xb000000
    b 1b
3:  svc #0
    b 1b
#endif
    .balign 128
#if defined(TICKS)
    mrs x3, s3_0_c12_c12_0
    mrs x4, cntvct_el0
    add x4, x4, #4
    msr cntv_cval_el0, x4
    isb
    msr s3_0_c12_c12_1, x3
    eret
#endif
