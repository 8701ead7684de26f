// Stage 1, at EL1.
//
// dies -DNOTHING | --no-el2 | code 4: the MMU was switched on at && the next instruction is not mapped there: no identity map
// dies -DNO_AF | --no-el2 | code 4: the access flag (AF, bit 10) is 0 in the stage-1 descriptor
// dies -DSIZE | --no-el2: it is not mapped (stage-1 translation fault, level 0) && TCR_EL1.T0SZ is 25: TTBR0 has 39 bits of addresses, and this is not among them
// dies -DSMALL | --no-el2 | code 4: the MMU was switched on at && is not among the addresses of TCR_EL1
// dies -DUNMAPPED | --no-el2: a load from 0x80001000 at EL1: it is not mapped (stage-1 translation fault, level 1) && the level-1 descriptor of stage 1
// dies -DNEVER | --no-el2: the fetch of 0x401ff000 at EL1 is not permitted (stage 1): PXN (bit 53) is 1
// dies -DREADONLY | --no-el2: a store to 0x401ff000 at EL1 is not permitted (stage 1): AP[2] (bit 7) is 1: read-only
// dies -DUNALIGNED | --no-el2: a load from 0x40100001 at EL1 is not aligned to its size && the MMU is off (SCTLR_EL1.M is 0): all memory is Device
// dies -DDEVICE | --no-el2: is not aligned to its size && it is mapped as Device memory
// dies -DVIRTUAL | --no-el2: a load from 0xffff000040080000 at EL1: the address is too large && the MMU of cpu0 is off
// dies -DNO_TLBI | --no-el2: it asks again and again for a value at 0x40100000, which stays 0 && the tables lead to PA 0x40101000 now, where there is 0x1 && a TLBI is missing && break-before-make
// lives -DNO_TLBI -DTLBI | --no-el2
// dies -DOLD | --no-el2: the tables map it now && a TLBI or an ISB is missing
// dies -DLATE | --no-el2 --late-effects --seed 1: FP or SIMD instruction at EL1 was trapped && it was written without an ISB behind it
// dies -DTABLES_GONE | --no-el2 | code 4: TTBR0_EL1 was written, as 0x40300000, at && the fetch of && is not mapped any more
#include "common.inc"
    .global _start
_start:
    set vbar_el1, vectors
#if defined(NOTHING)
    mmu_on_el1
#elif defined(NO_AF)
    map 0x303
    mmu_on_el1
#elif defined(SMALL)
    map 0x703
    mmu_on_el1 39
#elif defined(UNALIGNED)
    ldr x1, =0x40100001
    ldr x0, [x1]
#elif defined(VIRTUAL)
    ldr x1, =0xffff000040080000
    ldr x0, [x1]
#elif defined(LATE)
    put cpacr_el1, 0x300000
    fmov d0, x0
#else
    map 0x703
    adrp x11, pages
# if defined(NEVER)
    ldr x12, =0x00200000401ff703
    str x12, [x11, #4088]
# elif defined(READONLY)
    ldr x12, =0x401ff783
    str x12, [x11, #4088]
# elif defined(DEVICE)
    ldr x12, =0x401ff707
    str x12, [x11, #4088]
# elif defined(OLD)
    str xzr, [x11, #4088]
# endif
    mmu_on_el1
    ldr x1, =0x401ff001
# if defined(TABLES_GONE)
    put ttbr0_el1, 0x40300000
    isb
    tlbi vmalle1
    dsb sy
    isb
# endif
# if defined(NO_TLBI)                // a valid descriptor becomes another one
    ldr x1, =0x40100000
    ldr x0, [x1]
    ldr x12, =0x40101703
    str x12, [x11, #2048]
    dsb sy
#  if defined(TLBI)
    tlbi vmalle1
    dsb sy
#  endif
    isb
    ldr x2, =0x40101000
    mov x0, #1
    str x0, [x2]
1:  ldr x0, [x1]
    cbz x0, 1b
    b .
# elif defined(SIZE)
    ldr x1, =0x8000000000
# elif defined(UNMAPPED)
    ldr x1, =0x80001000
# endif
    and x2, x1, #~4095
# if defined(NEVER)
    br x2
# elif defined(READONLY)
    str x0, [x2]
# elif defined(OLD)
    adr x9, mend
    msr vbar_el1, x9
    ldr x0, [x2]
# else
    ldr x0, [x1]
# endif
#endif
    b .
    park
    .balign 2048
mend:
    .skip 0x200
    adrp x11, pages
    ldr x12, =0x401ff703
    str x12, [x11, #4088]
    b .
    .balign 2048
    spaces
