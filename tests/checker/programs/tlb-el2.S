// options: --cpu n1
// case: clean
// case -DNO_BREAK @make: BBM
// case -DNO_TLBI @make: BBM
// case -DUNMAP: clean
// case -DUNMAP -DNO_TLBI @do_eret: TLB-MISS
// case -DUNMAP -DREGIME @unmap_tlbi: TLB-SCOPE
// case -DUNMAP -DOTHER_ADDRESS @unmap_tlbi: TLB-SCOPE
// case -DREGIME @unmap_tlbi: TLB-SCOPE
// case -DLATE @unmap_tlbi: NODSB
// case -DUNMAP -DLATE @unmap_tlbi: NODSB
// case -DUNMAP -DNO_DSB @do_eret: NODSB
// case -DUNMAP -DSTAGE2 @do_eret: TLB-MISS
// case -DUNMAP -DALL: clean
// case -DUNMAP -DLEVEL: clean
// case -DTABLE -DUNMAP: clean
// case -DTABLE -DUNMAP -DNO_TLBI @do_eret: TLB-MISS
// case -DTABLE -DUNMAP -DLEVEL @unmap_tlbi: TLB-SCOPE
// case -DTABLE: clean
// case -DTABLE -DNO_BREAK @make: BBM
// case -DTABLE -DREUSE -DNO_TLBI @reuse: TLB-MISS
// case -DSPLIT: clean
// case -DSPLIT -DNO_BREAK @make: BBM
// case -DGROUP: clean
// case -DGROUP -DODD=1<<12 @odd: BBM
// case -DGROUP -DODD=1<<54 @odd: BBM
// case -DGROUP -DODD=1<<10: clean
// case -DCHANGE=0x80 -DNO_BREAK @do_eret: TLB-MISS
// case -DCHANGE=0x4 -DNO_BREAK @make: BBM
// case -DCHANGE=0x100 -DNO_BREAK @make: BBM
// case -DCHANGE=0x80000000000000 -DNO_BREAK: clean
// case -DCHANGE=0x80 -DNO_BREAK -DRELAX: clean
#define EL2_TABLES
#ifdef SPLIT
#define BLOCK
#endif
#include "tables.inc"

#ifndef CHANGE
#define CHANGE 1 << 12
#endif

#ifndef ODD
#define ODD 0
#endif

#ifdef GROUP // sixteen pages with the Contiguous bit, where the first of them was alone
handle:
        adrp    x2, el2_level3
        ldr     x3, [x2]
        str     xzr, [x2]
        dsb     ishst
        ldr     x5, =0x80000000 >> 12
        tlbi    vae2is, x5
        dsb     ish
        orr     x3, x3, #1 << 52
        ldr     x4, =ODD                        // the last of them
        mov     x5, #15
1:      str     x3, [x2], #8
        add     x3, x3, #1 << 12
        subs    x5, x5, #1
        b.ne    1b
        eor     x3, x3, x4
odd:    str     x3, [x2]
        dsb     ish
        isb
        ret
#else
handle:
#if defined(TABLE) || defined(SPLIT)
        adrp    x2, el2_level2
#else
        adrp    x2, el2_level3
#endif
        ldr     x5, =0x80000000 >> 12
#ifdef SPLIT
        add     x2, x2, #8
        add     x5, x5, #512
        adrp    x4, el2_level3
        orr     x4, x4, #3
#elif defined(TABLE)
        ldr     x4, =0x40000705
#else
        ldr     x3, [x2]
        ldr     x4, =CHANGE
        eor     x4, x3, x4
#endif
#ifdef OTHER_ADDRESS
        add     x5, x5, #1
#endif
#ifndef NO_BREAK
        str     xzr, [x2]
#ifndef LATE
        dsb     ishst
#endif
#if defined(NO_TLBI)
#elif defined(STAGE2)
        tlbi    ipas2e1is, x5
        dsb     ish
        tlbi    vmalle1is
#elif defined(ALL)
        tlbi    alle2is
#elif defined(LEVEL)
unmap_tlbi:
        tlbi    vale2is, x5
#elif defined(REGIME)
unmap_tlbi:
        tlbi    vaae1is, x5
#else
unmap_tlbi:
        tlbi    vae2is, x5
#endif
#ifndef NO_DSB
        dsb     ish
#endif
        isb
#endif
#ifdef REUSE
        adrp    x7, el2_level3
        ldr     x3, =0x40100707
reuse:  str     x3, [x7, #16]
#endif
#ifndef UNMAP
make:   str     x4, [x2]
        dsb     ish
#endif
        ret
#endif

guest:  hvc     #0
        hvc     #99
