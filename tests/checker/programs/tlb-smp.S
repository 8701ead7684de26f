// Stage 2 changes on one CPU, and another one has used it: AT on CPU 1 stands for a guest there.
// options: --cpu n1 --smp 2
// case: clean
// case -DLOCAL @unmap_tlbi: TLB-SCOPE of vm1/vcpu0.* of this CPU only
// case -DLOCAL -DALONE: clean
// case -DLOCAL_STAGE1 @near: TLB-SCOPE of vm1/vcpu0.* of this CPU only
// case -DLOCAL_STAGE1 -DALONE: clean
// case -DNARROW_DSB @do_eret: NODSB
// case -DOTHER_MAKES @other_make: BBM +
// case -DOTHER_MAKES -DFINISHED: clean
// case -DOTHER_TLBI: clean
// case -DOTHER_TLBI -DBY_IPA: clean
#include "smp.inc"

#define HAS_SETUP
        .macro setup
        full_tables
        start_second
        wait    1
        .endm
        .macro  for_itself
#ifdef BY_IPA
        tlbi    ipas2e1, x5
        dsb     nsh
        tlbi    vmalle1
#else
        tlbi    vmalls12e1
#endif
        dsb     nsh
        .endm
#include "tables.inc"

second_cpu:
        adrp    x0, stage2
        orr     x0, x0, #1 << 48
        msr     vttbr_el2, x0
        ldr     x0, =0x80023559
        msr     vtcr_el2, x0
        ldr     x0, =0x80080019
        msr     hcr_el2, x0
        isb
#ifndef ALONE
        ldr     x0, =0x80000000
        at      s12e1r, x0
        isb
#endif
        say     1
        wait    2
#ifdef OTHER_MAKES
        adrp    x2, level3
        ldr     x4, =0x401017ff
other_make:
        str     x4, [x2]
        dsb     ish
#endif
#ifdef OTHER_TLBI                               // each CPU for itself
#ifdef BY_IPA
        ldr     x5, =0x80000000 >> 12
#endif
        for_itself
#endif
        say     3
        b       .

handle:
        ldr     x5, =0x80000000 >> 12
        adrp    x2, level3
unmap:  str     xzr, [x2]
        dsb     ishst
#ifdef OTHER_MAKES
#ifndef FINISHED
        say     2
        wait    3
#endif
#endif
#if defined(LOCAL)
unmap_tlbi:
        tlbi    ipas2e1, x5
        dsb     ish
        tlbi    vmalle1
        dsb     ish
#elif defined(OTHER_TLBI)
        for_itself
#else
        tlbi    ipas2e1is, x5
        dsb     ish
#ifdef LOCAL_STAGE1
near:   tlbi    vmalle1
#else
        tlbi    vmalle1is
#endif
#ifdef NARROW_DSB                               // does not wait for the others
        dsb     nsh
#else
        dsb     ish
#endif
#endif
#if (!defined(OTHER_MAKES) || defined(FINISHED)) && !defined(NARROW_DSB)
        say     2
        wait    3
#endif
        ret

guest:
        ldr     x2, =0x80000000
        ldr     x3, [x2]
        hvc     #0
        hvc     #99

        .section .data
        .balign 4096
flag:   .skip   4096
        .section .text
