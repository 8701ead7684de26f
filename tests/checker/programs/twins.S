// Two CPUs run virtual CPUs of one VM: two at a time, or one that goes to the other CPU and comes back.
// options: --cpu n1 --smp 2
// case: clean
// case -DSAME @do_eret: TRAPCFG VMPIDR_EL2 of vm1/vcpu0@cpu
// case -DMOVES: clean
// case -DMOVES -DFB=0 @do_eret: TLB-SCOPE HCR_EL2 of vm1/vcpu0
// case -DMOVES -DFB=0 -DFLUSHES: clean
// case -DFB=0: clean
// case -DMOVES -DSETS=hstr_el2 @do_eret: TRAPCFG HSTR_EL2 of vm1/vcpu0
// case -DMOVES -DSETS=hstr_el2 -DBOTH: clean
// case -DMOVES -DSETS=oslar_el1 @do_eret: TRAPCFG OSLSR_EL1 of vm1/vcpu0 +
// case -DMOVES -DSETS=oslar_el1 -DBOTH: clean
// case -DSETS=hstr_el2 -DFIRST @do_eret: TRAPCFG HSTR_EL2 of vm1/vcpu0
// case -DSETS=hstr_el2 -DFIRST -DBOTH: clean
// case -DDIRTY @unmap: LOST
// case -DDIRTY -DATOMIC: clean
// case -DDIRTY -DSOFTWARE: clean
#include "frame.inc"
#include "smp.inc"

#ifndef FB
#define FB 1
#endif
#define HCR 0x80080019 | FB << 9
#if defined(DIRTY) && !defined(SOFTWARE)
#define VTCR 0x80623559                         // HD, HA
#else
#define VTCR 0x80023559
#endif

#define HAS_SETUP
        .macro setup
        full_tables
        ldr     x0, =HCR
        msr     hcr_el2, x0
#ifdef DIRTY                                    // the page is read-only, with DBM
        ldr     x0, =VTCR
        msr     vtcr_el2, x0
        adrp    x1, level3
        ldr     x0, =0x000800004010077f
        str     x0, [x1]
        dsb     ish
#endif
#if defined(SETS) && !defined(FIRST)            // what is not zero on this CPU
        mov     x1, #1 << 5
        msr     SETS, x1
#endif
        start_second
#if defined(SETS) && defined(FIRST) && defined(BOTH)
        mov     x1, #1 << 5
        msr     SETS, x1
#endif
#ifndef MOVES
        wait    1                               // the other CPU's guest runs
#ifdef DIRTY
        .arch   armv8.2-a
        adrp    x2, level3
        ldr     x4, [x2]
#ifdef ATOMIC
        cas     x4, xzr, [x2]
#else
unmap:  str     xzr, [x2]
#endif
        dsb     ishst
        tlbi    vmalls12e1is
        dsb     ish
#endif
#endif
        .endm
#include "tables.inc"

second_cpu:
        set_up_second
        ldr     x0, =VTCR
        msr     vtcr_el2, x0
        ldr     x0, =HCR
        msr     hcr_el2, x0
        ldr     x0, =0x80000000
#if !defined(SAME) && !defined(MOVES)
        add     x0, x0, #1
#endif
        msr     vmpidr_el2, x0
#if defined(FIRST) || defined(BOTH)
        mov     x0, #1 << 5
        msr     SETS, x0
#endif
        msr     cptr_el2, xzr
        ldr     x0, =0x30d00800
        msr     sctlr_el1, x0
        mov     x0, #3 << 20
        msr     cpacr_el1, x0
#ifdef MOVES
        wait    1
        adrp    x0, frame
        msr     tpidr_el2, x0
#else
        begin_guest second
        mov     x1, #1                          // the guest's X21
        str     x1, [x0, #FRAME_X(21)]
#endif
        isb
        b       enter

handle: // HVC #0 on the first CPU, HVC #1 on the second
        and     x2, x1, #0xff
        cbnz    x2, 2f
        say     1
        wait    2
#ifdef FLUSHES
        tlbi    vmalle1
        dsb     nsh
#endif
        ret
2:      say     2
        b       .

guest:
#ifdef MOVES
        hvc     #0                              // to the other CPU,
        tlbi    vmalle1
        dsb     nsh
        hvc     #1                              // and back
        hvc     #99
#else
        cbnz    x21, 3f
        say     2
        hvc     #99
3:
#ifdef DIRTY
        mov     x1, #0x80000000
        ldr     x2, [x1]
#endif
        say     1
        wait    2
        hvc     #1
#endif

        data_of_second
