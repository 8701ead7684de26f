// Values that are not what they were taken for, and loops that count.
//
// dies -DLITERAL: the fetch of 0x18007 && the LDR (literal) at && (crash+0) has loaded what stands at main && `ldr x0, =main`
// dies -DBIG_ENDIAN | --no-el2: that is 0x40080 && with its bytes in the other order && SCTLR_EL1.EE (bit 25) is 1 && clear SCTLR_EL1.EE
// dies -DCELLS | --no-el2: a load from 0x14000000000 && that is 0x40010000 with its bytes in the other order && in a device tree && REV
// dies -DSTRING | --no-el2: a load from 0x20676e6f6c206f74 at EL1 && its bytes are the text "to long "
// dies -DBEYOND | --no-el2: the fetch of 0x20676e6f6c206f74 at EL1 && its bytes are the text "to long " && to what it had loaded from 0x
// dies -DGARBAGE | --no-el2: a load from 0x123456789abcde0 at EL1 && the MMU of cpu0 is off (SCTLR_EL1.M is 0): an address is a physical one
// dies -DDELAY | --no-el2: it waits by CNTVCT_EL0 for a time that is 277777 hours away && until X1 && the counter goes at 62500000 Hz
// dies -DDELAY -DSINCE | --no-el2: it waits by CNTVCT_EL0 for a time that is 277777 hours away && until X1
// dies -DSTEPS | --no-el2: (crash+0x4) counts without an end: it goes on until X0 is 0x3e8, and has passed that && asks for exactly that value
// dies -DSTATUS | --no-el2: asks again and again for CNTV_CTL_EL0, which stays 0 && ENABLE is 0, and ISTATUS with it
// dies -DTRANSLATES | --no-el2: asks again and again for PAR_EL1, which stays 0x801 && the AT before has found no translation
// dies -DACKNOWLEDGES | --no-el2: asks again and again for ICC_IAR1_EL1: in the loop at
// lives -DDELAY -DMENDED | --no-el2
// lives -DSTEPS -DMENDED | --no-el2 | code 0
// lives -DSTEPS -DRANDOM | --no-el2
#include "common.inc"
    .global _start
    .global crash
_start:
    own_vectors
crash:
#if defined(LITERAL)
    ldr x0, main                    // was to be =main
    br x0
main:
    mov x0, #1
    off
#elif defined(BIG_ENDIAN)
    mrs x0, sctlr_el1
    orr x0, x0, #1 << 25            // EE
    msr sctlr_el1, x0
    isb
    adr x1, pointer
    ldr x2, [x1]
    ldr x3, [x2]
    .balign 8
pointer:
    .quad pointer
#elif defined(CELLS)
    adr x1, cells
    ldr x2, [x1]
    ldr x3, [x2]
    .balign 8
cells:
    .byte 0, 0, 0, 0, 0x40, 1, 0, 0 // <0x0 0x40010000>
#elif defined(STRING)
    adr x1, name
    ldr x2, [x1, #8]
    ldr x3, [x2]
    .balign 8
name:
    .ascii "that is to long for this"
#elif defined(BEYOND)
    mov x0, #2
    adr x1, jumps
    ldr x2, [x1, x0, lsl #3]
    br x2
    .balign 8
jumps:
    .quad crash
    .ascii "that is to long for this"
#elif defined(GARBAGE)
    ldr x1, =0x0123456789abcde0
    ldr x2, [x1]
#elif defined(DELAY)
    mrs x1, cntfrq_el0
#ifndef MENDED
    ldr x2, =1000000000             // seconds
    mul x1, x1, x2
#endif
    mrs x3, cntvct_el0
#ifndef SINCE
    add x1, x1, x3
#endif
1:  mrs x0, cntvct_el0
#ifdef SINCE
    sub x0, x0, x3
#endif
    cmp x0, x1
    b.lo 1b
    off
#elif defined(STEPS)
    mov x0, #1
1:
#if defined(RANDOM)                 // may be there some day
    eor x0, x0, x0, lsl #13
    eor x0, x0, x0, lsr #7
    eor x0, x0, x0, lsl #17
#elif defined(MENDED)
    add x0, x0, #3
#else
    add x0, x0, #2
#endif
    cmp x0, #1000
    b.ne 1b
    off
#elif defined(STATUS)
    put cntv_cval_el0, 0
1:  mrs x0, cntv_ctl_el0
    tbz x0, #2, 1b
    off
#elif defined(TRANSLATES)
1:  ldr x0, =0xffff000000000000
    at s1e1r, x0
    isb
    mrs x1, par_el1
    tbnz x1, #0, 1b
    off
#elif defined(ACKNOWLEDGES)
    store 0x80a0014, 0              // GICR_WAKER
    store 0x8000000, 2              // GICD_CTLR
    put s3_0_c4_c6_0, 0xf0          // ICC_PMR_EL1
    put s3_0_c12_c12_7, 1           // ICC_IGRPEN1_EL1
1:  mrs x0, s3_0_c12_c12_0          // ICC_IAR1_EL1
    cmp x0, #27
    b.ne 1b
    off
#endif
    park
