// Deferred registers: TPIDR_EL1 stays in the CPU until another world comes (HVC #0), and what EL2 does with it between (HVC
// #1) must go there; CONTEXTIDR_EL1 is saved at each exit and restored at each entry, and writes of it trap
// (HCR_EL2.TVM).
// case: clean
// case -DRELOAD: clean
// case -DLOOK: clean
// case -DCOMPARE: clean
// case -DSLOT @write: DEFER TPIDR_EL1 of vm
// case -DLIVE @write_live: DEFER CONTEXTIDR_EL1 of vm
// case -DREAD @use: STALE-READ TPIDR_EL1 of vm
// case -DTRAPPED: clean
// case -DTRAPPED -DDUAL @read_live: STALE-READ CONTEXTIDR_EL1 of vm
#include "frame.inc"

#define FRAME_A FRAME_MORE
#define FRAME_B (FRAME_MORE + 8)
#define FRAME_OTHER (FRAME_MORE + 16)
#define FRAME_SEEN (FRAME_MORE + 24)

#define HAS_SETUP
        .macro setup
        two_worlds FRAME_OTHER
        mrs     x2, hcr_el2
        orr     x2, x2, #1 << 26                // TVM
#ifdef TRAPPED
        orr     x2, x2, #1 << 30                // TRVM
#endif
        msr     hcr_el2, x2
        .endm
#include "hv.inc"

handle:
        mrs     x4, contextidr_el1
        str     x4, [x0, #FRAME_B]
#ifdef TRAPPED                                  // EL2 has the register as the other left it
        ldr     x3, [x0, #FRAME_OTHER]
        ldr     x4, [x3, #FRAME_B]
        msr     contextidr_el1, x4
#endif
        lsr     x5, x1, #26
        cmp     x5, #0x18
        b.eq    write_trapped
        tbnz    x1, #0, change                  // HVC #1
        ldr     x3, [x0, #FRAME_OTHER]
        mrs     x4, tpidr_el1
        str     x4, [x0, #FRAME_A]
        ldr     x4, [x3, #FRAME_A]
        msr     tpidr_el1, x4
        msr     tpidr_el2, x3
        mrs     x4, vmpidr_el2
        eor     x4, x4, #1
        msr     vmpidr_el2, x4
        isb
        tlbi    vmalle1                         // they share a VMID
        dsb     nsh
        mov     x0, x3
        b       restore

change: // long after the exit
        mov     x5, #1000
1:      sub     x5, x5, #1
        cbnz    x5, 1b
#if defined(SLOT) || defined(RELOAD)
#ifdef RELOAD                                   // put it, change it, load it
        mrs     x4, tpidr_el1
        str     x4, [x0, #FRAME_A]
#endif
        mov     x4, #0x5000
write:  str     x4, [x0, #FRAME_A]
#ifdef RELOAD
        ldr     x4, [x0, #FRAME_A]
        msr     tpidr_el1, x4
#endif
#elif defined(READ)
        mrs     x4, tpidr_el1                   // for something else
        ldr     x4, [x0, #FRAME_A]
use:    add     x4, x4, #1
        str     x4, [x0, #FRAME_SEEN]
#elif defined(LOOK)                             // a copy that is not used
        mrs     x4, tpidr_el1
        ldr     x4, [x0, #FRAME_A]
        str     x4, [x0, #FRAME_SEEN]
#elif defined(COMPARE)                          // has it changed since it was saved?
        mrs     x4, tpidr_el1
        ldr     x5, [x0, #FRAME_A]
        cmp     x4, x5
        b.eq    restore
#else
        mrs     x4, tpidr_el1
        add     x4, x4, #1
        msr     tpidr_el1, x4
#endif
        b       restore

write_trapped: // MSR CONTEXTIDR_EL1, Xt
        ubfx    x5, x1, #5, #5
#ifdef TRAPPED
        tbz     x1, #0, 1f                      // MRS
#ifdef DUAL
read_live: mrs  x4, contextidr_el1
#else
        ldr     x4, [x0, #FRAME_B]
#endif
        str     x4, [x0, x5, lsl #3]
        b       2f
1:
#endif
        ldr     x4, [x0, x5, lsl #3]            // FRAME_X()
#ifdef LIVE
write_live: msr contextidr_el1, x4
#else
        str     x4, [x0, #FRAME_B]
#endif
2:      ldr     x5, [x0, #FRAME_ELR]
        add     x5, x5, #4
        str     x5, [x0, #FRAME_ELR]
restore:
        ldr     x4, [x0, #FRAME_B]
        msr     contextidr_el1, x4
        ret

guest:  // X21: a number that the other does not have
        add     x21, x21, #1
        mov     x22, #4
1:      add     x23, x21, x22, lsl #8
        msr     tpidr_el1, x23
        msr     contextidr_el1, x23
#ifdef TRAPPED
        mrs     x24, contextidr_el1
#endif
        hvc     #1
        hvc     #0
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99

        .section .data
        .balign 4096
second: .skip   4096
