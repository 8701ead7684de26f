// Sixteen pages of stage 2 with the Contiguous bit.
// options: --cpu n1
// case: clean
// case -DBIT=0: clean
// case -DODD=1<<12 @odd: BBM of vm1/vcpu0
// case -DODD=1<<52 @odd: BBM of vm1/vcpu0
// case -DODD=1<<7 @odd: BBM of vm1/vcpu0
// case -DODD=1<<10: clean
// case -DODD=1<<55: clean
// case -DODD=1<<12 -DBIT=0: clean
// case -DTAKES=1 @take: BBM of vm1/vcpu0
// case -DTAKES=16: clean
// case -DTAKES=1 -DBIT=0: clean
#include "tables.inc"

#ifndef BIT
#define BIT 1
#endif

handle: // HVC #0: map them; #1: take some of them away
        and     x1, x1, #0xff
        adrp    x2, level3
        ldr     x5, =0x80000000 >> 12
        cbnz    x1, 2f
        str     xzr, [x2]
        dsb     ishst
        tlbi    vmalls12e1is
        dsb     ish
        ldr     x3, =0x401007ff | BIT << 52
        mov     x4, #16
1:      str     x3, [x2], #8
        add     x3, x3, #1 << 12
        subs    x4, x4, #1
        b.ne    1b
#ifdef ODD                                      // the last of them
        sub     x3, x3, #1 << 12
        ldr     x4, =ODD
        eor     x3, x3, x4
        str     xzr, [x2, #-8]
        dsb     ishst
        tlbi    vmalls12e1is
        dsb     ish
odd:    str     x3, [x2, #-8]
#endif
        dsb     ish
        ret
2:
#ifdef TAKES
        mov     x4, #TAKES
3:
take:   str     xzr, [x2], #8
        subs    x4, x4, #1
        b.ne    3b
        dsb     ishst
        tlbi    vmalls12e1is
        dsb     ish
#endif
        ret

guest:
        ldr     x2, =0x80000000
        ldr     x3, [x2]
        hvc     #0
        hvc     #1
        hvc     #99
