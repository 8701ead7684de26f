// A guest under stage 2.
//
// dies -DNO_GUEST: stage 2 does not map the guest's IPA 0x40100000: the fetch of && the level-1 descriptor of stage 2
// dies -DGRANULE: stage 2 does not map the guest's IPA && VTCR_EL2.TG0 0 in place of 1
// dies -DLEVEL: stage 2 does not map the guest's IPA && VTCR_EL2.SL0 1 in place of 0
// dies -DSMALL: stage 2 does not map the guest's IPA && VTCR_EL2.T0SZ
// dies -DNO_AF: the access flag (AF, bit 10) is 0 in the stage-2 descriptor of 0x40100000
// dies -DREADONLY: a store to 0x40100100 at EL1 is not permitted (stage 2): S2AP
// dies -DNOWHERE: the fetch of 0x60000000 at EL1: nothing answers there && the ERET at
// dies -DAARCH32: an illegal exception return: the ERET at && M[4] is 1: AArch32
// dies -DHIGHER | --start-el 1: an illegal exception return && M names a higher EL than the one it returns from
// dies -DTGE: an illegal exception return && HCR_EL2.TGE is 1
#include "common.inc"
    .equ BLOCK, 0x40000000 + 0x7fd  // a 1 GiB block: valid, AF, inner shareable, S2AP 3, Normal
    .global _start
_start:
#if defined(HIGHER)
    set vbar_el1, vectors
    put spsr_el1, 0x3c9
    put elr_el1, 0x40100000
    eret
#else
    set vbar_el2, vectors
    set vbar_el1, vectors
    adrp x9, tables
    msr vttbr_el2, x9
# ifndef NO_GUEST
#  if defined(NO_AF)
    ldr x10, =BLOCK - 0x400
#  elif defined(READONLY)
    ldr x10, =BLOCK - 0x80
#  else
    ldr x10, =BLOCK
#  endif
    str x10, [x9, #8]
# endif
# if defined(GRANULE)
    put vtcr_el2, 0x80027559        // 64 KiB
# elif defined(LEVEL)
    put vtcr_el2, 0x80023519        // begins at level 2
# elif defined(SMALL)
    put vtcr_el2, 0x80023562        // 30 bits
# else
    put vtcr_el2, 0x80023559        // 39 bits, from level 1, 4 KiB
# endif
# if defined(TGE)
    put hcr_el2, 0x88000001
# elif defined(AARCH32)
    put hcr_el2, 0x1
# elif defined(NOWHERE)
    put hcr_el2, 0x80000000
# else
    put hcr_el2, 0x80000001
# endif
    ldr x9, =0x40100000
    ldr w10, =0xf9008020            // str x0, [x1, #0x100]
    str w10, [x9]
    mov x1, x9
# if defined(NOWHERE)
    put elr_el2, 0x60000000
# else
    put elr_el2, 0x40100000
# endif
# if defined(AARCH32)
    put spsr_el2, 0x1d3
# else
    put spsr_el2, 0x3c5
# endif
    eret
#endif
    park
    spaces
