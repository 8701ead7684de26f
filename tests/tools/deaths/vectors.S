// Vectors that do not work.
//
// dies -DWRONG | code 4: the vector of EL2 at 0x30000200 (VBAR_EL2+0x200) cannot be fetched && VBAR_EL2 is 0x30000000, written at
// dies -DUNSET | code 4: the vector of EL2 at 0x200 (VBAR_EL2+0x200) has no instruction && VBAR_EL2 was never written, it is 0
// dies -DUNSET | --no-el2 | code 4: the vector of EL1 at 0x200 && VBAR_EL1 was never written
// dies -DUNALIGNED | code 4: VBAR_EL2+0x200) has no instruction && which is no multiple of 2048
// dies -DGARBAGE | code 4: VBAR_EL2+0x200) has no instruction && VBAR_EL2 is
// dies -DFIRST | code 4: an undefined instruction, 00000001 && VBAR_EL2 was never written
#include "common.inc"
    .global _start
_start:
#if defined(WRONG)
    put vbar_el2, 0x30000000
#elif defined(UNALIGNED)
    adr x9, table
    add x9, x9, #0x80
    msr vbar_el2, x9
#elif defined(GARBAGE)
    put vbar_el2, 0x41000000
#endif
#ifdef FIRST
    .inst 1
#else
    svc #0
#endif
    b .
    .balign 2048
table:
    .skip 0x280
    b .
