// What those write who begin, and what experts forget.
//
// dies -DNULL_CALL: a call of a null function: BLR X9 at && (crash+0x4)
// dies -DNO_STACK: the stack of EL2 was never set: SP is 0 && (crash+0)
// dies -DNO_EOI | --no-el2: INTID 27 (the virtual timer) is pending, but it is active: acknowledged, and not deactivated && try: its handler has to end it
// dies -DSTORM | --no-el2: INTID 27 (the virtual timer) comes again as soon as its handler returns && CNTV_CTL_EL0 is 0x5
// dies -DSTORM | --no-el2 --on-death=stop | code 4: INTID 27 (the virtual timer) comes again as soon as its handler returns
// dies -DPAN | --no-el2 --cpu n1: PSTATE.PAN is 1, and AP[1] (bit 6) gives the page to EL0
// dies -DFOR_ALL | --no-el2 | code 4: AP[1]: EL0 may write it, so EL1 may not execute it
// dies -DWXN | --no-el2 | code 4: SCTLR.WXN is 1: what is writable is not executable
// dies -DBLOCK3 | --no-el2 | code 4: has 01 in bits 1:0, which is reserved there
// dies -DNO_MAIR | --no-el2: is not aligned to its size && it is mapped as Device memory (attributes 0000) && map memory as Normal (MAIR_ELx)
// dies -DZVA | --no-el2: DC ZVA of 0x40100000 at EL1 is not possible in Device memory && the MMU is off
// dies -DCHECKED | --no-el2: SCTLR_EL1.A is 1: all accesses are checked && clear SCTLR_ELx.A
// dies -DEXCLUSIVE | --no-el2: a load from 0x4010000c at EL1 is not aligned && an exclusive, atomic or ordered access
// dies -DNO_LR_EN: virtual INTID 27 of cpu0 is pending in LR0, but the virtual interface is off: ICH_HCR_EL2.En is 0 && try: set ICH_HCR_EL2.En
// dies -DTYPO | --no-el2: the firmware refused a call, and nobody looked: function 0xc4000033 && NOT_SUPPORTED
// dies -DROUTER | --no-el2: INTID 64 (a virtio-mmio device) is pending, but GICD_IROUTER64 names affinity 0.0.0.7, which no CPU has && try: write the affinity of a CPU that is on
// dies -DSPSR0: a read of SCTLR_EL1 is undefined at EL0 && it is at EL0 since the ERET at && SPSR_EL2 was 0
// dies -DCALLED: returns to itself for ever: X30 is its own address && has not saved X30
// dies -DPOLL | --no-el2: cpu0: it asks again and again for a device's register at 0x9000018 && which stays 0x90 && (crash+0x4)
// dies -DLOCK | --no-el2: cpu0: it asks again and again for a lock at && which stays 0x1 && 0 other CPU(s) are on
// dies -DFLAG | --no-el2: cpu0: it asks again and again for a value at && which stays 0: && who should write it?
// dies -DHANDLER_X30: the RET at && (f+0x4) goes into a handler, to behind its call at && (handlers+0x200) && the handler has lost X30
// dies -DSTAYS: has parked itself at && went by CurrentEL, which is 0x8 && by the ERET at && which has stayed at EL2: SPSR_EL2 was 0x3c9
// dies -DNOT_FOUND | --no-el2: cpu0 waits in WFE && armillary:   no interrupt is enabled in the GIC
#include "common.inc"
    .global _start
    .global crash
_start:
    own_vectors
crash:
#if defined(NULL_CALL)
    mov x9, #0
    blr x9
#elif defined(NO_STACK)
    stp x29, x30, [sp, #-16]!
#elif defined(NO_EOI) || defined(STORM)
    store 0x80b0418, 0x80808080
    ticks
1:  wfi
    b 1b
#elif defined(PAN)
    map 0x703
    adrp x11, pages
    ldr x12, =0x401ff743            // EL0 may read and write
    str x12, [x11, #4088]
    mmu_on_el1
    msr pan, #1
    ldr x1, =0x401ff000
    ldr x0, [x1]
#elif defined(FOR_ALL)
    map 0x743
    mmu_on_el1
#elif defined(WXN)
    map 0x703
    mrs x9, sctlr_el1
    orr x9, x9, #(1 << 19)
    msr sctlr_el1, x9
    mmu_on_el1
#elif defined(BLOCK3)
    map 0x701
    mmu_on_el1
#elif defined(NO_MAIR)
    map 0x703
    adrp x9, tables
    msr ttbr0_el1, x9
    put tcr_el1, 0x803519
    isb
    mrs x9, sctlr_el1
    orr x9, x9, #1
    msr sctlr_el1, x9
    isb
    ldr x1, =0x40100004
    ldr x0, [x1]
#elif defined(ZVA)
    ldr x1, =0x40100000
    dc zva, x1
#elif defined(CHECKED)
    map 0x703
    mrs x9, sctlr_el1
    orr x9, x9, #2
    msr sctlr_el1, x9
    mmu_on_el1
    ldr x1, =0x40100004
    ldr x0, [x1]
#elif defined(EXCLUSIVE)
    map 0x703
    mmu_on_el1
    ldr x1, =0x4010000c
    ldxr x0, [x1]
#elif defined(NO_LR_EN)
    put hcr_el2, 0x80000018         // RW, IMO, FMO
    put s3_4_c12_c9_5, 0xf
    put s3_4_c12_c12_0, 0x50a000000000001b // ICH_LR0_EL2: pending, group 1
    put s3_4_c12_c11_7, 0xf0000002  // ICH_VMCR_EL2
    set elr_el2, guest
    put spsr_el2, 0x345
    isb
    eret
guest:
    wfi
    b guest
#elif defined(TYPO)
    ldr x0, =0xc4000033             // CPU_ON is 0xc4000003
    mov x1, #1
    adr x2, crash
    hvc #0
2:  wfi
    b 2b
#elif defined(ROUTER)
    store 0x80a0014, 0
    store 0x8000000, 0x12
    store 0x8000088, 0xffffffff     // GICD_IGROUPR2
    store 0x8006200, 0x7, x         // GICD_IROUTER64
    store 0x8000108, 1
    store 0x8000208, 1              // GICD_ISPENDR2
    put s3_0_c4_c6_0, 0xf0
    put s3_0_c12_c12_7, 1
    isb
    msr daifclr, #2
3:  wfi
    b 3b
#elif defined(SPSR0)
    put hcr_el2, 0x80000000
    set vbar_el1, vectors
    set elr_el2, kernel
    msr spsr_el2, xzr
    eret
kernel:
    mrs x0, sctlr_el1
#elif defined(POLL)                 // a bit of the UART's flags that is never set
    ldr x0, =0x9000018
1:  ldr w1, [x0]
    tbz w1, #5, 1b
    b .
#elif defined(LOCK)                 // taken twice
    adr x0, word
    mov w1, #1
1:  ldaxr w2, [x0]
    cbnz w2, 1b
    stxr w3, w1, [x0]
    b 1b
#elif defined(FLAG)                 // of a CPU that was never started
    adr x0, word
1:  ldr w1, [x0]
    yield
    cbz w1, 1b
    b .
#elif defined(CALLED)
    bl function
    b .
function:                           // saves nothing, and calls another
    bl leaf
    ret
leaf:
    ret
#elif defined(HANDLER_X30)
    set vbar_el2, handlers
    bl f
    off
f:  hvc #0
    ret
g:  ret
    .balign 2048
handlers:
    .rept 4
    b .
    .balign 128
    .endr
    bl g                            // and X30 is its
    eret
#elif defined(STAYS)
    put spsr_el2, 0x3c9             // was to be 0x3c5
    set elr_el2, kernel
    eret
kernel:
    mrs x0, currentel
    cmp x0, #4
    b.ne 1f
    off
1:  b 1b
#elif defined(NOT_FOUND)            // the WFE waits for nothing that was read before it
    adr x1, crash
    ldr w1, [x1]
    ldr w2, =0xd00dfeed
    cmp w1, w2
    b.ne 1f
    off
1:  wfe
    b 1b
#endif
    b .
    .balign 8
word:
    .word 0
#if defined(NO_EOI) || defined(STORM)
    .balign 2048
vectors:
    .skip 0x280
    mrs x3, s3_0_c12_c12_0
# ifdef STORM
    msr s3_0_c12_c12_1, x3
# else
    mrs x4, cntvct_el0
    add x4, x4, #1000
    msr cntv_cval_el0, x4
    isb
# endif
    eret
#else
    park
#endif
    spaces
