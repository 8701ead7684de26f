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
#define EL2_TABLES
#include "tables.inc"

handle:
        adrp    x2, el2_level3
        ldr     x3, [x2]
        eor     x4, x3, #1 << 12
        ldr     x5, =0x80000000 >> 12
#ifdef OTHER_ADDRESS
        add     x5, x5, #1
#endif
#ifndef NO_BREAK
        str     xzr, [x2]
#ifndef LATE
        dsb     ishst
#endif
#if defined(NO_TLBI)
#elif defined(REGIME)
unmap_tlbi:
        tlbi    vaae1is, x5
#else
unmap_tlbi:
        tlbi    vae2is, x5
#endif
        dsb     ish
        isb
#endif
#ifndef UNMAP
make:   str     x4, [x2]
        dsb     ish
#endif
        ret

guest:  hvc     #0
        hvc     #99
