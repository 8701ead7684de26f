// TLBI with the TTL field (FEAT_TTL): which level the descriptor is of.
// options: --cpu max
// case: clean
// case -DHINT=0: clean
// case -DHINT=4: clean
// case -DHINT=6 @unmap_tlbi: TLB-SCOPE of vm1/vcpu0
// case -DHINT=5 @unmap_tlbi: TLB-SCOPE
// case -DBLOCK -DHINT=6: clean
// case -DBLOCK -DHINT=7 @unmap_tlbi: TLB-SCOPE
// case -DSTAGE1 -DHINT=7: clean
// case -DSTAGE1 -DHINT=6 @unmap_tlbi: TLB-SCOPE
#ifdef STAGE1
#define EL2_TABLES
#endif
#include "tables.inc"

#ifndef HINT
#define HINT 7                                  // 4 KiB, level 3
#endif

handle:
        ldr     x5, =0x80000000 >> 12 | HINT << 44
#if defined(STAGE1)
        adrp    x2, el2_level3
#elif defined(BLOCK)
        adrp    x2, level2
        add     x2, x2, #8
        add     x5, x5, #512
#else
        adrp    x2, level3
#endif
        str     xzr, [x2]
        dsb     ishst
#ifdef STAGE1
unmap_tlbi:
        tlbi    vae2is, x5
        dsb     ish
        isb
#else
unmap_tlbi:
        tlbi    ipas2e1is, x5
        dsb     ish
        tlbi    vmalle1is
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
