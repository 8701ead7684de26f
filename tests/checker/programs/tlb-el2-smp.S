// EL2's own stage 1 on two CPUs: one tree, which both use; the first changes what the second has accessed.
// options: --cpu n1 --smp 2
// case: clean
// case -DNO_TLBI @do_eret: TLB-MISS
// case -DLOCAL @unmap_tlbi: TLB-SCOPE of vm1/vcpu0.* of this CPU only
// case -DLOCAL -DALONE: clean
// case -DLOCAL -DEACH: clean
// case -DLATE @unmap_tlbi: NODSB
// case -DBEFORE=nshst @unmap_tlbi: NODSB
// case -DBEHIND=nsh @do_eret: NODSB
// case -DBEHIND=ishst @do_eret: NODSB
// case -DMAKES: clean
// case -DMAKES -DNO_BREAK @make: BBM
// case -DMAKES -DLOCAL @unmap_tlbi: TLB-SCOPE
// case -DOTHER_MAKES @other_make: BBM +
// case -DOTHER_MAKES -DFINISHED: clean
// case -DTABLE: clean
// case -DTABLE -DLOCAL @unmap_tlbi: TLB-SCOPE
// case -DTABLE -DLEVEL @unmap_tlbi: TLB-SCOPE
// case -DOTHER_ROOT: clean
// case -DOTHER_ROOT -DNO_ALL @do_eret: VMID TTBR0_EL2
#define EL2_TABLES
#include "smp.inc"
#ifndef BEFORE
#define BEFORE ish
#endif
#ifndef BEHIND
#define BEHIND ish
#endif
#ifdef LOCAL
#define OP vae2
#elif defined(LEVEL)
#define OP vale2is
#else
#define OP vae2is
#endif

#define HAS_SETUP
        .macro setup
        full_tables
        start_second
        wait    1
        .endm
#include "tables.inc"

second_cpu:                                     // with the first one's tables
        set_up_second
#ifndef ALONE
        ldr     x1, =0xff00
        msr     mair_el2, x1
        ldr     x1, =0x80823519
        msr     tcr_el2, x1
        adrp    x1, el2_level1
        msr     ttbr0_el2, x1
        isb
        tlbi    alle2
        dsb     nsh
        ldr     x1, =0x30c51835 & ~(1 << 19)
        msr     sctlr_el2, x1
        isb
        ldr     x1, =0x80000000
        ldr     x2, [x1]
#endif
        say     1
        wait    2
        adrp    x2, el2_level3
#ifdef OTHER_MAKES
        ldr     x4, =0x40101707
other_make:
        str     x4, [x2]
        dsb     ish
#endif
#ifdef EACH
        ldr     x5, =0x80000000 >> 12
        tlbi    vae2, x5
        dsb     nsh
#endif
        say     3
        b       .

handle:
        ldr     x5, =0x80000000 >> 12
#ifdef OTHER_ROOT                               // of this CPU alone, whose TLB it is
        adrp    x2, el2_level1
        adrp    x3, other_level1
        ldp     x6, x7, [x2]
        stp     x6, x7, [x3]
        ldr     x6, [x2, #16]
        str     x6, [x3, #16]
        dsb     ish
        msr     ttbr0_el2, x3
        isb
#ifndef NO_ALL
        tlbi    alle2
        dsb     nsh
        isb
#endif
        ret
#else
#ifdef TABLE
        adrp    x2, el2_level2
#else
        adrp    x2, el2_level3
#endif
#ifndef NO_BREAK
        str     xzr, [x2]
#ifndef LATE
        dsb     BEFORE
#endif
#if defined(OTHER_MAKES) && !defined(FINISHED)
        say     2
        wait    3
#endif
#ifndef NO_TLBI
unmap_tlbi:
        tlbi    OP, x5
        dsb     BEHIND
        isb
#endif
#endif
#if defined(EACH) || defined(FINISHED)
        say     2
        wait    3
#endif
#ifdef MAKES
        ldr     x4, =0x40101707
make:   str     x4, [x2]
        dsb     ish
        isb
#endif
        ret
#endif

guest:
        hvc     #0
        hvc     #99

        data_of_second
        .section .data
        .balign 4096
other_level1:
        .skip   4096
        .section .text
