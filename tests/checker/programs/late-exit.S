// A guest leaves behind writes that may be late (docs/sweeps.md): the exit makes them its values.
// options: --cpu n1 --late-effects
// case -DREG=contextidr_el1: clean
// case -DREG=mdscr_el1: clean
// case -DREG=dbgbvr0_el1: clean
// case -DREG=contextidr_el1 -DSPOILS @spoils: LOST CONTEXTIDR_EL1 of vm1/vcpu0
#include "hv.inc"

handle:
#ifdef SPOILS
spoils: msr     REG, xzr
#endif
        ret

guest:  mov     x2, #0x1000
1:      msr     REG, x2                         // and no ISB
        hvc     #0
        add     x2, x2, #0x1000
        tbz     x2, #16, 1b
        hvc     #99
