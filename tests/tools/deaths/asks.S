// What a guest asks of EL2 in vain, and programs that park themselves.
//
// dies -DVECTOR: stage 2 does not map the guest's IPA 0x200 && it is the vector of EL1 (VBAR_EL1+0x200) for SVC #0 at && (guest+0) && VBAR_EL1 is 0, and was never written
// dies -DUART: a store to 0x9000000 at EL1 && this board has the UART, a PL011, at PA 0x9000000
// dies -DUNKNOWN: the handler of HVC #2 at && (guest+0x8) (EL1) has not returned: cpu0 has stopped at && (unknown+0)
// dies -DOWN: INTID 27 (the virtual timer) is pending, but group 1 is off at cpu0 && HCR_EL2.IMO is 1: what the guest writes to ICC_xxx is its virtual interface's
// dies -DTREE | --no-el2: cpu0 has parked itself at && (hang+0x4) && went by the value at 0, read as 0 at && that is flash memory, and empty
// dies -DSPIN_TABLE | --no-el2: cpu0 has parked itself at && went by MPIDR_EL1, which is 0x80000000 && mask it
// dies -DSTALE | --no-el2: went by the value at 0x40100000, read at && from PA 0x40100000, and the tables lead to PA 0x40101000 && a TLBI is missing
// dies -DSKIPS | --no-el2: went there: ELR_EL1 was && (skip+0x8): its handler goes on behind what has failed (ELR_EL1 + 4), and
// dies -DTYPED | --no-el2: cpu0 waits in WFI && enabled are INTIDs 33 && write 0x10 (RXIM) to UARTIMSC
// dies -DPRIORITY | --no-el2: is not above PMR 0 && try: write 0xff to ICC_PMR_EL1
// dies -DMASKED | --no-el2: PSTATE.I is 1 at EL1 && try: clear PSTATE.I where interrupts may come
// dies -DGROUP | --no-el2: ICC_IGRPEN1_EL1 is 0 && try: write 1 to ICC_IGRPEN1_EL1
// lives -DUNKNOWN -DMENDED | code 0
// lives -DSPIN_TABLE -DMENDED | --no-el2 | code 0
// lives -DSTALE -DMENDED | --no-el2 | code 0
// lives -DTREE -DMENDED | --no-el2 | code 0
#include "common.inc"

    .macro enter hcr
    adrp x9, tables
    ldr x10, =0x400007fd            // RAM; no devices
    str x10, [x9, #8]
# ifdef OWN
    ldr x10, =0x4c5
    str x10, [x9]
# endif
    msr vttbr_el2, x9
    put vtcr_el2, 0x80023559
    put spsr_el2, 0x3c5
    set elr_el2, guest
    put hcr_el2, \hcr
    eret
    .endm

    .macro timer                    // is due
    store 0x80a0014, 0
    store 0x8000000, 2
    store 0x80b0080, 0xffffffff
    store 0x80b0100, 0x08000000
    put cntv_cval_el0, 0
    put cntv_ctl_el0, 1
    .endm

    .global _start
    .global guest
    .global hang
    .global unknown
    .global skip
_start:
#if defined(VECTOR)
    set vbar_el2, vectors
    enter 0x80000001
guest:
    svc #0
#elif defined(UART)
    own_vectors
    enter 0x80000001
guest:
    ldr x0, =0x9000000
    str w0, [x0]
#elif defined(UNKNOWN)
    set vbar_el2, handlers
    enter 0x80000001
guest:
    mov x0, #0
    hvc #1
    hvc #2
    b .
handle:
    mrs x1, esr_el2
    and x1, x1, #0xffff
    cmp x1, #1
    b.ne unknown
    eret
unknown:
# ifdef MENDED
    ldr w0, =0x84000008
    smc #0
# endif
    b .
    .balign 2048
handlers:
    .skip 0x400
    b handle
    .skip 0x400
#elif defined(OWN)
    own_vectors
    timer
    enter 0x80000011
guest:
    put s3_0_c4_c6_0, 0xf0
    put s3_0_c12_c12_7, 1
1:  wfi
    b 1b
#elif defined(TREE)
# ifdef MENDED
    mov x0, #0x40000000
# endif
    ldr w1, [x0]
    ldr w2, =0xedfe0dd0
    cmp w1, w2
    b.ne hang
    off
hang:
    wfi
    b hang
#elif defined(SPIN_TABLE)
    mrs x0, mpidr_el1
# ifdef MENDED
    and x0, x0, #0xff
# endif
    cbnz x0, hang
    off
hang:
    wfe
    adr x1, release
    ldr x2, [x1]
    cbz x2, hang
    br x2
    .balign 8
release: .quad 0
#elif defined(STALE)
    store 0x40100000, 1
    store 0x40101000, 2
    map 0x703
    mmu_on_el1
    ldr x1, =0x40100000
    ldr w0, [x1]
    adrp x11, pages
    ldr x12, =0x40101703
    str x12, [x11, #0x800]
    dsb ish
# ifdef MENDED
    tlbi vmalle1
    dsb ish
    isb
# endif
    ldr w0, [x1]
    cmp w0, #2
    b.ne hang
    off
hang:
    wfi
    b hang
#elif defined(SKIPS)
    set vbar_el1, skips
    ldr x0, =0x80000
    br x0
skip:
    mrs x0, elr_el1
    add x0, x0, #4
    msr elr_el1, x0
    eret
    .balign 2048
skips:
    .rept 16
    b skip
    .balign 128
    .endr
#elif defined(TYPED)
    store 0x8000104, 2
1:  wfi
    b 1b
#else
    own_vectors
    timer
# ifndef PRIORITY
    put s3_0_c4_c6_0, 0xf0
# endif
# ifndef GROUP
    put s3_0_c12_c12_7, 1
# endif
# ifndef MASKED
    msr daifclr, #2
# endif
1:  wfi
    b 1b
#endif
    b .
    .ltorg
    park
    spaces
