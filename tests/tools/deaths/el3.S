// Firmware at EL3, entered with secure=on: what `armillary qemu` says of these is in `run`.
//
// NO_NS: M names EL2, and SCR_EL3.NS is 0. NO_HCE, SMD: HVC and SMC that EL3 has switched off. TFP: of EL3 itself. SMC: a
// call of the firmware that has no handler.
#include "common.inc"
    .global _start
    .global crash

    .macro enter_el2 scr
    mov x0, #\scr
    msr scr_el3, x0
    mov x0, #0x3c9
    msr spsr_el3, x0
    adr x0, next
    msr elr_el3, x0
    isb
crash:
    eret
next:
    adr x9, vectors
    msr vbar_el2, x9
    .endm

_start:
    adr x9, vectors
    msr vbar_el3, x9
#if defined(NO_NS)
    enter_el2 0x400
#elif defined(NO_HCE)
    enter_el2 0x401
    hvc #0
#elif defined(SMD)
    enter_el2 0x581
    smc #0
#elif defined(SMC)
    enter_el2 0x501
    ldr w0, =0x84000000
    smc #0
#elif defined(TFP)
    mov x0, #0x400
    msr cptr_el3, x0
    isb
crash:
    fmov d0, xzr
#endif
    b .
    park
    .ltorg
