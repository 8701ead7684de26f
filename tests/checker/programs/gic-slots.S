// EL2 keeps list registers in memory, fills them there while the world is out, and loads them from there.
// options: --rules GIC-STATE,DEFER,WRONG-SLOT,LOST,LEAK
// case: clean
// case -DDROPS @fills: DEFER ICH_LR1_EL2 of vm1/vcpu0
// case -DDROPS -DSTATE=0: clean
// case -DDROPS -DSTATE=2: clean
// case -DEARLY @fills_early: DEFER ICH_LR1_EL2 of vm1/vcpu0
// case -DEARLY -DSTATE=0: clean
// case -DEARLY -DKEPT: clean
// case -DSWAPPED: clean
// case -DOTHER @load: WRONG-SLOT ICH_LR0_EL2 of vm1/vcpu1
// case -DOTHER -DOWN_SLOTS: clean
#ifndef STATE
#define STATE 1
#endif
#define HAS_SETUP
#include "gic.inc"
#include "hv.inc"

handle: // X6 counts the calls
        add     x5, x0, #FRAME_MORE             // the count, list registers 0 and 1, those of virtual CPU 1
        ldr     x6, [x5]
        add     x6, x6, #1
        str     x6, [x5]
#ifdef EARLY                                    // while it is in the CPU
        cmp     x6, #2
        b.ne    save
        ldr     x2, =STATE << 62 | 1 << 60 | 0xa0 << 48 | 41
fills_early:
        str     x2, [x5, #16]
save:
#endif
        mrs     x2, ich_lr0_el2                 // what the world has left
        str     x2, [x5, #8]
        mrs     x2, ich_lr1_el2
        str     x2, [x5, #16]
        cmp     x6, #2
        b.eq    second_call
        b.hi    loads

        ldr     x2, =1 << 62 | 1 << 60 | 0xa0 << 48 | 40
        str     x2, [x5, #8]
loads:
        mov     x7, x5
load_from:                                      // X7
#ifdef SWAPPED
        ldr     x2, [x7, #16]
        msr     ich_lr0_el2, x2
        ldr     x2, [x7, #8]
        msr     ich_lr1_el2, x2
#else
        ldr     x2, [x7, #8]
load:   msr     ich_lr0_el2, x2
        ldr     x2, [x7, #16]
#ifndef DROPS
        msr     ich_lr1_el2, x2
#endif
#endif
        mov     x2, #1
        msr     ich_hcr_el2, x2
        ret

second_call:
#ifdef OTHER                                    // virtual CPU 1 comes, with a slot of its own or not
        ldr     x2, =0x80000001
        msr     vmpidr_el2, x2
        mov     x7, x5
#ifdef OWN_SLOTS
        add     x7, x5, #24
#endif
        b       load_from
#elif defined(EARLY)
#ifdef KEPT                                     // somewhere else too
        ldr     x2, =STATE << 62 | 1 << 60 | 0xa0 << 48 | 41
        str     x2, [x5, #16]
#endif
        b       loads
#else
        ldr     x2, =STATE << 62 | 1 << 60 | 0xa0 << 48 | 41
fills:  str     x2, [x5, #16]
        b       loads
#endif

guest:
        hvc     #0
        hvc     #0
        hvc     #0
        hvc     #99
