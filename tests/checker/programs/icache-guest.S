// A guest executes a function before and after EL2 has patched it.
// options: --cpu a57
// case: clean
// case -DNO_IC @patched: ICACHE of vm1/vcpu0
// case -DNO_IC -DOTHER_LINE @patched: ICACHE of vm1/vcpu0
// case -DNO_IC -DIALLU: clean
// case -DNO_IC -DGUEST_IC: clean
// case -DNO_IC -DSAME: clean
#include "hv.inc"

handle: adr     x4, patched
        adr     x5, other
#ifdef SAME
        mov     x5, x4
#endif
        ldr     w5, [x5]
        str     w5, [x4]
        dc      cvau, x4
        dsb     ish
#ifdef OTHER_LINE
        add     x6, x4, #64
        ic      ivau, x6
#elif defined(IALLU)
        ic      iallu
#elif !defined(NO_IC)
        ic      ivau, x4
#endif
        dsb     ish
        isb
        ret

        .balign 64
other:  mov     x9, #2
        .balign 64
patched:
        mov     x9, #1
        ret
        .balign 64

guest:  bl      patched
        hvc     #0
#ifdef GUEST_IC // it has asked for the change
        adr     x4, patched
        ic      ivau, x4
        dsb     ish
        isb
#endif
        bl      patched
        hvc     #99
