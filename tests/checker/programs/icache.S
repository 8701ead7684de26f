// options: --cpu a57 --smp 2
// case: clean
// case -DNO_DC @patched: ICACHE
// case -DNO_DSB1 @patched: ICACHE
// case -DNO_IC @patched: ICACHE
// case -DNO_DSB2 @patched: ICACHE
// case -DSTORES1 @patched: ICACHE
// case -DSTORES2 @patched: ICACHE
// case -DNO_ISB @patched: ICACHE
// case -DIALLU: clean
// case -DOTHER_LINE @patched: ICACHE
// case -DSAME -DNO_IC: clean
// case -DNOT_EXECUTED -DNO_IC: clean
// case -DSMP -DSECOND_ISB: clean
// case -DSMP @patched: ICACHE-SMP
// case -DSMP -DUNSAFE @patched: ICACHE
// case -DSMP -DIALLU -DSECOND_ISB @patched: ICACHE-SMP
#include "hv.inc"

handle: // X30 is saved by nobody: the first exit executes the instruction, the second patches it
        mov     x20, x30
        adrp    x2, state
        add     x2, x2, :lo12:state
        ldr     x3, [x2]
        cbnz    x3, second
        mov     x3, #1
        str     x3, [x2]
        bl      patched
#ifdef SMP
        ldr     x0, =0xc4000003                 // CPU_ON
        mov     x1, #1
        adr     x2, second_cpu
        mov     x3, #0
        smc     #0
        adrp    x2, state
        add     x2, x2, :lo12:state
1:      ldr     x3, [x2, #8]
        cbz     x3, 1b
#endif
        mov     x30, x20
        ret
second:
        adr     x4, patched
        adr     x5, jump
#ifdef UNSAFE
        adr     x5, move
#endif
#ifdef SAME
        mov     x5, x4
#endif
        ldr     w5, [x5]
        str     w5, [x4]
#ifdef OTHER_LINE
        add     x4, x4, #64
#endif
#ifndef NO_DC
        dc      cvau, x4
#endif
#ifdef STORES1
        dsb     ishst
#elif !defined(NO_DSB1)
        dsb     ish
#endif
#ifdef IALLU
        ic      iallu
#elif !defined(NO_IC)
        ic      ivau, x4
#endif
#ifdef STORES2
        dsb     ishst
#elif !defined(NO_DSB2)
        dsb     ish
#endif
#ifndef NO_ISB
        isb
#endif
#ifdef SMP
        mov     x3, #1
        str     x3, [x2, #16]
1:      ldr     x3, [x2, #24]
        cbz     x3, 1b
#elif !defined(NOT_EXECUTED)
        bl      patched
#endif
        mov     x30, x20
        ret

second_cpu:                                     // at EL2, translation off
        adrp    x2, state
        add     x2, x2, :lo12:state
        bl      patched
        mov     x3, #1
        str     x3, [x2, #8]
1:      ldr     x3, [x2, #16]
        cbz     x3, 1b
#ifdef SECOND_ISB
        isb
#endif
        bl      patched
        str     x3, [x2, #24]
2:      wfi
        b       2b

        .balign 64
patched:
        nop
        ret
        .balign 64
jump:   b       jump + 4
move:   mov     x9, #1

        .section .data
state:  .quad   0, 0, 0, 0
        .section .text

guest:  mov     x21, #2
1:      hvc     #0
        sub     x21, x21, #1
        cbnz    x21, 1b
        hvc     #99
