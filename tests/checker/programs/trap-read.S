// A guest writes DBGBVR0_EL1 itself; then EL2 has another value there, and the guest's accesses trap. What they are
// emulated with is what it has left.
// options: --rules LOST,STALE-READ
// case: clean
// case -DNO_SAVE @over: LOST DBGBVR0_EL1 of vm1/vcpu0
// case -DOTHER @do_eret: STALE-READ DBGBVR0_EL1 of vm1/vcpu0
// case -DOTHER -DWRITES: clean
// case -DOTHER -DUNDEFINED: clean
#include "hv.inc"

handle: // X0: frame, X1: syndrome
        lsr     x2, x1, #26
        cmp     x2, #0x18                       // MSR, MRS
        b.eq    1f
        mrs     x4, dbgbvr0_el1
#ifndef NO_SAVE
        str     x4, [x0, #FRAME_MORE]
#endif
over:   msr     dbgbvr0_el1, xzr
        mov     x4, #1 << 9 | 6                 // TDA, HPMN
        msr     mdcr_el2, x4
        ret
1:      ldr     x4, [x0, #FRAME_ELR]
        add     x4, x4, #4
        str     x4, [x0, #FRAME_ELR]
        tbz     x1, #0, 2f
#ifndef UNDEFINED
        ldr     x4, [x0, #FRAME_MORE]
#ifdef OTHER
        mov     x4, #0x5000
#endif
        str     x4, [x0, #FRAME_X(7)]
#else
        ldr     x4, [x0, #FRAME_ELR]            // an exception in place of it
        sub     x4, x4, #4
        msr     elr_el1, x4
        ldr     x5, [x0, #FRAME_SPSR]
        msr     spsr_el1, x5
        mov     x5, #1 << 25
        msr     esr_el1, x5
        adr     x4, vectors_of_guest + 0x200
        str     x4, [x0, #FRAME_ELR]
#endif
2:      ret

guest:  adr     x1, vectors_of_guest
        msr     vbar_el1, x1
        mov     x1, #0x4000
        msr     dbgbvr0_el1, x1
        hvc     #0
#ifdef WRITES
        mov     x1, #0x5000
        msr     dbgbvr0_el1, x1
#endif
        mrs     x7, dbgbvr0_el1
        hvc     #99
        .balign 0x800
vectors_of_guest:
        .rept   16
        .balign 0x80
        hvc     #99
        .endr
