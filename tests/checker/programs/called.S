// EL2 runs its guest by a function, run(), which returns when the guest has left: X19 to X30 are its caller's.
// case: clean
// case -DNO_SAVE @do_x22: LOST x23
// case -DNO_RESTORE @out: LEAK x23
// case -DEXCHANGES @restore: WRONG-SLOT x23
// case -DBEHIND @restore: WRONG-SLOT x23
// case -DSPOILS_LINK: LOST x30
// case -DRESULT: clean
// case -DFORGETS_ALL: clean
// case -DHELPS: clean
// case -DHELPS -DNO_RESTORE @out: LEAK x23
#include "hv.inc"

        .macro at_home op
        \op     x19, x20, [x2]
        \op     x21, x22, [x2, #16]
        \op     x25, x26, [x2, #48]
        \op     x27, x28, [x2, #64]
        .endm

run:    adrp    x2, own
        add     x2, x2, :lo12:own
        at_home stp
#ifdef EXCHANGES
        stp     x24, x23, [x2, #32]
#elif !defined(NO_SAVE)
        stp     x23, x24, [x2, #32]
#endif
        stp     x29, x30, [x2, #80]
        mov     x3, #1
        str     x3, [x2, #96]
        b       enter

handle: adrp    x2, own
        add     x2, x2, :lo12:own
        ldr     x3, [x2, #96]
        cbz     x3, main
        str     xzr, [x2, #96]
#ifdef HELPS                                    // it calls others before it puts back what is its caller's
        bl      help
        adrp    x2, own
        add     x2, x2, :lo12:own
#endif
#ifndef FORGETS_ALL                             // another convention: its caller keeps nothing in registers
        at_home ldp
#ifdef BEHIND
restore: ldp    x23, x24, [x2, #48]
#elif !defined(NO_RESTORE)
restore: ldp    x23, x24, [x2, #32]
#endif
#endif
#ifdef RESULT                                   // another one: it has a second result
        mov     x19, x0
#endif
#ifdef SPOILS_LINK
        adr     x30, 2f                         // out of what hv.inc calls
        ret
2:      ldr     x3, [x2, #104]
        add     x3, x3, #1
        str     x3, [x2, #104]
        adr     x4, lost
        cmp     x3, #2
        b.ne    1f
        str     x4, [x2, #88]
1:
#endif
        ldp     x29, x30, [x2, #80]
out:    ret

lost:   ldr     x0, =0x84000008                 // SYSTEM_OFF
        smc     #0

help:   ret

main:   adr     x29, main
        ldr     x19, =0x1900190019
        ldr     x20, =0x2000200020
        ldr     x21, =0x2100210021
        ldr     x22, =0x2200220022
        ldr     x23, =0x2300230023
        ldr     x24, =0x2400240024
        ldr     x25, =0x2500250025
        ldr     x26, =0x2600260026
        ldr     x27, =0x2700270027
        ldr     x28, =0x2800280028
1:      add     x23, x23, #3
        add     x25, x25, #2
        bl      run
        b       1b

guest:  mov     x22, #4
        mov     x23, #5
1:      hvc     #0
        add     x23, x23, #1
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 16
own:    .skip   112
