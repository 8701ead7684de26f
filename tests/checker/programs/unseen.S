// A guest switches debug exceptions or counters on; then its accesses trap, so that they can be restored when they are needed. But
// what it has switched on needs no access.
// options: --rules LEAK,CLOBBER,LOST,UNSAVED
// case: clean
// case -DSTAYS: clean
// case -DCLEARS @do_eret: LEAK MDSCR_EL1 of vm1/vcpu0
// case -DCLEARS -DON=0: clean
// case -DCLEARS -DON=0x1000: clean
// case -DPMU -DON=1 -DSTAYS: clean
// case -DPMU -DON=1 -DCLEARS @do_eret: LEAK PMCR_EL0 of vm1/vcpu0
// case -DPMU -DON=1 -DCLEARS -DNONE: clean
#include "hv.inc"

#ifdef PMU
#define REG pmcr_el0
#define TRAPS (1 << 5 | 1 << 6)                 // TPM, TPMCR
#else
#define REG mdscr_el1
#define TRAPS (1 << 9)                          // TDA
#endif
#ifndef ON
#define ON 0x8000                               // MDE
#endif

handle:
        mrs     x4, REG
#ifdef CLEARS
        str     x4, [x0, #FRAME_MORE]
        msr     REG, xzr
#endif
#if defined(CLEARS) || defined(STAYS)
        mrs     x5, mdcr_el2
        orr     x5, x5, #TRAPS
        msr     mdcr_el2, x5
#endif
        ret

guest:  mrs     x1, REG
        mov     x2, #ON
        orr     x1, x1, x2
#if defined(PMU) && !defined(NONE)
        mov     x2, #1
        msr     pmcntenset_el0, x2
#endif
        msr     REG, x1
        hvc     #0
        hvc     #99
