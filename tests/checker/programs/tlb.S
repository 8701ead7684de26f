// options: --cpu n1
// case: clean
// case -DNO_BREAK @make: BBM of vm1/vcpu0
// case -DNO_TLBI @make: BBM
// case -DNO_DSB @make: NODSB
// case -DLATE @unmap_tlbi: NODSB
// case -DNO_COMBINED @unmap_tlbi: TLB-SCOPE
// case -DSTAGE1_ONLY @unmap_tlbi: TLB-SCOPE
// case -DOTHER_ADDRESS @unmap_tlbi: TLB-SCOPE
// case -DOTHER_VMID @unmap_tlbi: TLB-SCOPE
// case -DLEVEL: clean
// case -DALL: clean
// case -DUNMAP: clean
// case -DUNMAP -DNO_TLBI @do_eret: TLB-MISS of vm1/vcpu0
// case -DUNMAP -DOTHER_VMID @unmap_tlbi: TLB-SCOPE
// case -DCHANGE=0x400: clean
// case -DCHANGE=0x80000000000000: clean
// case -DCHANGE=0x8000000000000 -DNO_BREAK: clean
// case -DCHANGE=0x80 -DNO_BREAK @do_eret: TLB-MISS
// case -DCHANGE=0x4 -DNO_BREAK @make: BBM
// case -DCHANGE=0x100 -DNO_BREAK @make: BBM
// case -DCHANGE=0x10000000000000 -DNO_BREAK @make: BBM
// case -DTABLE: clean
// case -DTABLE -DLEVEL @unmap_tlbi: TLB-SCOPE
// case -DTABLE -DNO_TLBI @make: BBM
// case -DTABLE -DREUSE: clean
// case -DTABLE -DREUSE -DNO_TLBI @reuse: TLB-MISS
// case -DTABLE -DNO_BREAK @make: BBM
// case -DTABLE -DUNMAP: clean
// case -DTABLE -DUNMAP -DNO_TLBI @do_eret: TLB-MISS
// case -DTABLE -DUNMAP -DLEVEL @unmap_tlbi: TLB-SCOPE
// case -DTABLE -DUNMAP -DOTHER_ADDRESS @do_eret: TLB-MISS
// case -DSPLIT: clean
// case -DSPLIT -DNO_BREAK @make: BBM
// case -DSPLIT -DNO_TLBI @make: BBM
// case -DUNUSED -DNO_BREAK: clean
// case -DUNMAP -DLATE @unmap_tlbi: NODSB
// case -DUNMAP -DNEAR @unmap_tlbi: NODSB
// case -DUNMAP -DNO_LAST_DSB @do_eret: NODSB
// case -DUNMAP -DREGIME @unmap_tlbi: TLB-SCOPE
// case -DUNMAP -DREVERSED @unmap_tlbi: TLB-SCOPE
// case -DUNMAP -DNO_BETWEEN @combined_tlbi: NODSB
// case -DUNMAP -DSTAGE1_ONLY @unmap_tlbi: TLB-SCOPE
// case -DUNMAP -DALL -DNO_LAST_DSB @do_eret: NODSB
// case -DUNMAP -DTWICE: clean
// case -DSAME -DNO_BREAK: clean
#ifdef SPLIT
#define BLOCK
#endif
#include "tables.inc"

#ifndef CHANGE
#define CHANGE 1 << 12                          // the output address
#endif
#if defined(TABLE) || defined(SPLIT)
#define WHERE level2
#else
#define WHERE level3
#endif

handle:
        adrp    x2, WHERE
        ldr     x3, [x2]
        ldr     x5, =0x80000000 >> 12
#ifdef SPLIT                                    // of the block of 2 MiB behind it
        add     x2, x2, #8
        add     x5, x5, #512
        adrp    x4, level3
        orr     x4, x4, #3
#elif defined(SAME)
        mov     x4, x3
#elif defined(TABLE)
        ldr     x4, =0x400007fd                 // a block of 2 MiB instead
#else
        ldr     x4, =CHANGE
        eor     x4, x3, x4
#endif
#ifdef UNUSED                                   // nobody has run since this one became valid
        add     x2, x2, #8
        str     x3, [x2]
        dsb     ishst
#endif
#ifndef NO_BREAK
unmap:  str     xzr, [x2]
#ifdef NEAR
        dsb     nshst                           // for this CPU only
#elif !defined(LATE)
        dsb     ishst
#endif
        mrs     x6, vttbr_el2
#if defined(OTHER_VMID)
        eor     x7, x6, #1 << 49
        msr     vttbr_el2, x7
        isb
#endif
#ifdef OTHER_ADDRESS
        add     x5, x5, #1
#endif
#if defined(NO_TLBI)
#elif defined(REGIME)
unmap_tlbi:
        tlbi    vae2is, x5
#elif defined(REVERSED)                         // what is of both stages first
        tlbi    vmalle1is
        dsb     ish
unmap_tlbi:
        tlbi    ipas2e1is, x5
#elif defined(ALL)
unmap_tlbi:
        tlbi    vmalls12e1is
#elif defined(STAGE1_ONLY)
unmap_tlbi:
        tlbi    vmalle1is
#elif defined(LEVEL)
unmap_tlbi:
        tlbi    ipas2le1is, x5
#else
unmap_tlbi:
        tlbi    ipas2e1is, x5
#endif
#if !defined(NO_DSB) && !defined(NO_BETWEEN) && !(defined(ALL) && defined(NO_LAST_DSB))
        dsb     ish
#endif
#if !defined(NO_TLBI) && !defined(NO_COMBINED) && !defined(ALL) && !defined(NO_DSB) && !defined(REVERSED)
combined_tlbi:
        tlbi    vmalle1is
#ifndef NO_LAST_DSB
        dsb     ish
#endif
#endif
#ifdef TWICE                                    // once more does no harm
        tlbi    vmalls12e1is
        dsb     ish
#endif
#ifdef NO_DSB
        dsb     ish
        tlbi    vmalle1is
#endif
        msr     vttbr_el2, x6
        isb
#endif
#ifdef REUSE
        adrp    x7, level3
reuse:  str     x3, [x7, #16]
#endif
#ifndef UNMAP
make:   str     x4, [x2]
        dsb     ish
#endif
        ret

guest:
        ldr     x2, =0x80000000
        ldr     x3, [x2]
#ifdef BLOCK
        add     x2, x2, #2 << 20
        ldr     x3, [x2]
#endif
        hvc     #0
        hvc     #99
