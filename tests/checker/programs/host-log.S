// EL2 is a host with programs at EL0 (HCR_EL2.E2H, and TGE while they run). It takes the right to write away from a page of
// its guest, as for a log of writes, and goes back to the program that has asked for that: by then no TLB may have it.
// case: clean
// case -DNO_TLBI @run_program: TLB-MISS of vm1/vcpu0
// case -DNO_TLBI -DGIVES: clean
// case -DNO_TLBI -DOTHER_STACK: clean
// case -DNEXT_TIME: clean
#include "frame.inc"
#include "host.inc"

#define HAS_SETUP
        .macro setup
        become_host
        .endm
#include "hv.inc"
        .arch armv8.2-a

handle: // X0: frame; the guest's X22 counts down from 4
        mov     x8, x30
        ldr     x7, [x0, #FRAME_X(22)]
        cmp     x7, #3
        b.ne    1f
        bl      take
1:
#ifdef NEXT_TIME                                // the program runs behind the guest's next exit
        cmp     x7, #2
        b.ne    2f
        bl      forget
2:      cmp     x7, #3
        b.eq    3f
#endif
        bl      user
3:      ret     x8

take:   adrp    x2, stage2
        mov     x3, #0x4c5                      // Device, read and write
#ifdef GIVES
        orr     x3, x3, #1 << 55                // software's
#else
        bic     x3, x3, #1 << 7
#endif
#ifdef OTHER_STACK                              // a thread that is not the one below
        mov     x4, sp
        adrp    x5, other_stack
        mov     sp, x5
#endif
        str     x3, [x2, #:lo12:stage2]
#ifdef OTHER_STACK
        mov     sp, x4
#endif
#if defined(NO_TLBI) || defined(NEXT_TIME)
        ret
#endif
forget: dsb     ishst
        tlbi    vmalls12e1is
        dsb     ish
        ret

user:   to_program
        adr     x4, program
        msr     elr_el2, x4
        mov     x4, #0x3c0                      // EL0t
        msr     spsr_el2, x4
run_program:
        eret
program:
        svc     #0
back:
        from_program
        ret

guest:  mov     x22, #4
1:      hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .balign 4096
program_vectors:
        .skip   0x400
        b       back

        .section .bss
        .balign 4096
        .skip   65536
other_stack:
        .skip   16
