// What an exit has not written is read, and kept, and decides nothing; in one way it does.
// case: clean
// case -DKEEP: clean
// case -DGUARDED: clean
// case -DPERMISSION_AT: clean
// case -DFAR @far_used: UNKNOWN-READ FAR_EL2 of vm1/vcpu0
// case -DHPFAR @hpfar_used: UNKNOWN-READ HPFAR_EL2 of vm1/vcpu0
// case -DPERMISSION @hpfar_used: UNKNOWN-READ HPFAR_EL2 of vm1/vcpu0
// case -DLATER @later_used: UNKNOWN-READ FAR_EL2 of vm1/vcpu0
// case -DACCESS @access_used: UNKNOWN-READ ESR_EL2 of vm1/vcpu0
// case -DFROM=FRAME_HPFAR: clean
// case -DFROM=FRAME_HPFAR -DOLD @older_used: STALE-READ HPFAR_EL2 of vm1/vcpu0
// case -DFROM=FRAME_FAR -DOLD @older_used: STALE-READ FAR_EL2 of vm1/vcpu0
// case -DCOPIES=1: clean
// case -DCOPIES=3 @copy_used: STALE-READ ESR_EL2 of vm1/vcpu0
// case -DFROM=FRAME_HPFAR -DOLD -DSAME: clean
// case -DFROM=FRAME_HPFAR -DOLD -DREADS: clean
#include "frame.inc"

#define FRAME_FAR FRAME_MORE
#define FRAME_HPFAR (FRAME_MORE + 8)
#define FRAME_ESR (FRAME_MORE + 16)
#define UNMAPPED 0x80000000

#define HAS_SETUP
        .macro setup
        adrp    x1, stage2
        ldr     x2, [x1, #8]
        bic     x2, x2, #0x80                   // S2AP: RAM is read-only
        str     x2, [x1, #8]
        .endm

#ifdef COPIES // of ESR_EL2, one exit of so many; what decides is the copy
#define FRAME_COUNT (FRAME_MORE + 24)
#define HAS_SAVED
        .macro saved
        ldr     x4, [x0, #FRAME_COUNT]
        cbnz    x4, 7f
        mov     x4, #COPIES
        mrs     x5, esr_el2
        str     x5, [x0, #FRAME_ESR]
7:      sub     x4, x4, #1
        str     x4, [x0, #FRAME_COUNT]
        ldr     x5, [x0, #FRAME_ESR]
        lsr     x5, x5, #26
copy_used: cmp  x5, #0x24
        .endm
#endif
#include "hv.inc"

handle:
#ifdef FROM                                     // the frame, where an abort keeps what it has written
        lsr     x6, x1, #26
        cmp     x6, #0x24
        b.ne    2f
#ifdef OLD                                      // and later ones do not
        cmp     x22, #3
        b.lt    1f
#endif
        mrs     x4, far_el2
        mrs     x5, hpfar_el2
        stp     x4, x5, [x0, #FRAME_FAR]
1:
#ifdef READS                                    // but look
        mrs     x4, hpfar_el2
#endif
        ldr     x5, [x0, #FROM]
        lsr     x5, x5, #4
older_used: cbz x5, 3f
3:      ldr     x4, [x0, #FRAME_ELR]
        add     x4, x4, #4
        str     x4, [x0, #FRAME_ELR]
2:      ret
#endif
        mrs     x4, far_el2
        mrs     x5, hpfar_el2
        stp     x4, x5, [x0, #FRAME_FAR]
        str     x1, [x0, #FRAME_ESR]
        lsr     x6, x1, #26
        cmp     x6, #0x16
        b.ne    abort
#ifdef FAR                                      // at an HVC
        and     x4, x4, #0xfff
far_used: cbz   x4, 1f
1:
#elif defined(HPFAR)
        lsl     x5, x5, #8
        mov     x7, #0x1000
        add     x5, x5, x7
hpfar_used: cmp x5, x7
#elif defined(LATER)                            // from memory, long after
        mov     x5, #1000
1:      sub     x5, x5, #1
        cbnz    x5, 1b
        mrs     x7, tpidr_el1                   // something of the world
        ldr     x4, [x0, #FRAME_FAR]
later_used: tbnz x4, #3, 2f
2:
#elif defined(GUARDED)                          // the compiler's way to say "an abort, and FAR is 0"
        cmp     x6, #0x24
        ccmp    x4, #0, #0, eq
#elif defined(KEEP)
        lsr     x4, x4, #12                     // computed, and used by nobody
        str     x4, [x0, #FRAME_FAR]
#endif
        ret

abort:  // of stage 2: skip it
        ubfx    x7, x1, #16, #5                 // SRT
        tbnz    x1, #24, 3f
#ifdef ACCESS
access_used: ldr x8, [x0, x7, lsl #3]
#endif
3:      cmp     x4, #0                          // FAR is valid at all of them
        tst     x1, #0x8                        // permission fault, translation fault
#ifdef PERMISSION
        b.ne    4f
        b       5f
4:
hpfar_used: cbz x5, 5f
#else
        b.ne    5f
        cbz     x5, 5f
#endif
5:      ldr     x4, [x0, #FRAME_ELR]
        add     x4, x4, #4
        str     x4, [x0, #FRAME_ELR]
        ret

guest:  mov     x22, #3
        mov     x21, #UNMAPPED
1:      hvc     #0
        ldp     x23, x24, [x21]                 // no valid syndrome
        hvc     #0
        ldr     x23, [x21, #8]
#if defined(PERMISSION) || defined(PERMISSION_AT)
        adr     x20, vectors
        str     x23, [x20]
#endif
#if defined(FROM) && !defined(SAME)
        add     x21, x21, #0x10000
#endif
        sub     x22, x22, #1
        cbnz    x22, 1b
        hvc     #99
