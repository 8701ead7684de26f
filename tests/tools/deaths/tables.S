// Tables that do not fit their registers, and stacks and programs that are overwritten, at EL1.
//
// dies -DTTBR_UNALIGNED | --no-el2 | code 4: the next instruction is not mapped there: TTBR0_EL1 is && no multiple of its table's size, 4096 bytes
// dies -DEPD | --no-el2 | code 4: the next instruction is not mapped there: TCR_EL1.EPD0 is 1
// dies -DTG64 | --no-el2 | code 4: the MMU was switched on at && with TCR_EL1.TG0 0 in place of 1 the same tables lead to memory
// dies -DLEVELS | --no-el2 | code 4: the MMU was switched on at && with TCR_EL1.T0SZ 25 in place of 16 the same tables lead to memory
// dies -DIPS | --no-el2: a load from 0xc0000000 at EL1: the address is too large && it leads to 0x4000000000, and TCR_EL1.IPS 0 allows 32 bits
// dies -DBLOCK1 | --no-el2 | code 4: the access flag && a block by bits 1:0 (01), but with the address of a table
// dies -DPXNTABLE | --no-el2 | code 4: is not permitted (stage 1): PXNTable (bit 59)
// dies -DBLOCK0 | --no-el2 | code 4: the level-0 descriptor of && has 01 in bits 1:0, which is reserved there
// dies -DPAGE_NUMBER | --no-el2 | code 4: the MMU was switched on at && that is flash memory, and not RAM && the number of a page (of 0x4009
// dies -DNO_UART | --no-el2: a store to 0x9000000 at EL1: it is not mapped && this board has the UART, a PL011, at PA 0x9000000
// dies -DTG1 | --no-el2: a load from 0xffffff8040100000 && with TCR_EL1.TG1 2 in place of 1 the same tables lead to memory
// lives -DPAGE_NUMBER -DMENDED | --no-el2 | code 0
// lives -DNO_UART -DMENDED | --no-el2 | code 0
// lives -DTG1 -DMENDED | --no-el2 | code 0
// dies -DAPTABLE | --no-el2: a store to 0x40100000 at EL1 is not permitted (stage 1): APTable[1] (bit 62): read-only
// dies -DTAG | --no-el2: a load from 0x5500000040100000 && bits 63:56 are 0x55: a tag, and TCR_EL1.TBI0 is 0 && 0x40100000 is mapped
// dies -DVATABLE | --no-el2 | code 4: the address is too large && it looks like a virtual address: tables have physical ones
// dies -DTTBR1 | --no-el2: a load from 0xffffff8040100000 && TCR_EL1.EPD1 is 1
// dies -DHIGHSMALL | --no-el2: a load from 0xffff000040100000 && TTBR1 has 39 bits of addresses
// dies -DOVERWRITES | --no-el2: the stack has grown into the translation tables: what was pushed at && (recurse+0) is the level-1 descriptor
// dies -DGUARD | --no-el2: the stack of EL1 has overflowed: && (recurse+0) pushes to 0x40100fe0 && ends at 0x40101000
// dies -DGUARDH | --no-el2: the stack of EL1 has overflowed: && (recurse+0) pushes to 0x40100fe0
// dies -DEATS | --no-el2: calls without an end at && have used up the stack of EL1, and all memory below it
// dies -DSMASH | --no-el2: (victim+0x20) returns to 0x4141414141414141: its return address on the stack, at 0x401fffe8, was overwritten at && (victim+0x10)
// dies -DRET0 | --no-el2: (victim0+0xc) returns to 0 && was overwritten at && (victim0+0x4)
// dies -DSELFMOD | --no-el2: the program was overwritten at && (crash+0x14): the store at && (crash+0x8)
#include "common.inc"

    .macro call_for_ever
    bl recurse
    b .
recurse:
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    bl recurse
    ldp x29, x30, [sp], #32
    ret
    .endm
    .global _start
    .global crash
_start:
    own_vectors
crash:
    .macro on tcr, ttbr=tables
    adrp x9, \ttbr
    msr ttbr0_el1, x9
    put mair_el1, 0x00ff
    put tcr_el1, \tcr
    isb
    mrs x9, sctlr_el1
    orr x9, x9, #1
    msr sctlr_el1, x9
    isb
    .endm
#if defined(TTBR_UNALIGNED)
    map 0x703
    adr x9, odd
    adrp x10, tables
    ldp x11, x12, [x10]
    stp x11, x12, [x9]
    msr ttbr0_el1, x9
    put mair_el1, 0xff
    put tcr_el1, 0x803519
    isb
    mrs x9, sctlr_el1
    orr x9, x9, #1
    msr sctlr_el1, x9
    isb
#elif defined(EPD)
    map 0x703
    on 0x803599
#elif defined(TG64)
    map 0x703
    on 0x807519
#elif defined(LEVELS)  // tables of level 1 but T0SZ 16
    map 0x703
    on 0x803510
#elif defined(IPS)
    map 0x703
    adrp x9, tables
    ldr x10, =0x0060004000000705
    str x10, [x9, #0x18]
    on 0x803519
    ldr x1, =0xc0000000
    ldr w0, [x1]
#elif defined(BLOCK1)  // table descriptor with 01
    map 0x703
    adrp x9, tables
    ldr x10, [x9, #8]
    and x10, x10, #~2
    str x10, [x9, #8]
    on 0x803519
#elif defined(BLOCK0)
    adrp x9, tables
    ldr x10, =0x701
    str x10, [x9]
    on 0x803510
#elif defined(PAGE_NUMBER)  // of the table, where its address should be
    map 0x703
    adrp x9, tables
    adrp x10, other
# ifndef MENDED
    lsr x9, x9, #12
# endif
    orr x9, x9, #3
    str x9, [x10]
    on 0x803510, other
    off
#elif defined(NO_UART)
    map 0x703
# ifndef MENDED
    adrp x9, tables
    str xzr, [x9]
# endif
    on 0x803519
    ldr x1, =0x9000000
    mov w0, #'H'
    str w0, [x1]
    off
#elif defined(TG1)
    map 0x703
    adrp x9, tables
    msr ttbr1_el1, x9
# ifdef MENDED
    on 0xb5193519
# else
    on 0x75193519
# endif
    ldr x1, =0xffffff8040100000
    ldr x0, [x1]
    off
#elif defined(PXNTABLE)
    map 0x703
    adrp x9, tables
    ldr x10, [x9, #8]
    orr x10, x10, #(1 << 59)
    str x10, [x9, #8]
    on 0x803519
#elif defined(APTABLE)
    map 0x703
    adrp x9, level2
    ldr x10, [x9]
    orr x10, x10, #(1 << 62)
    str x10, [x9]
    on 0x803519
    ldr x1, =0x40100000
    str x1, [x1]
#elif defined(TAG)
    map 0x703
    on 0x803519
    ldr x1, =0x5500000040100000
    ldr x0, [x1]
#elif defined(VATABLE)
    map 0x703
    adrp x9, tables
    ldr x10, [x9, #8]
    ldr x11, =0xffff800000000000
    orr x10, x10, x11
    str x10, [x9, #8]
    on 0x803519
#elif defined(TTBR1)
    map 0x703
    on 0x803519
    ldr x1, =0xffffff8040100000
    ldr x0, [x1]
#elif defined(HIGHSMALL)
    map 0x703
    adrp x9, tables
    msr ttbr1_el1, x9
    on 0xb5193519
    ldr x1, =0xffff000040100000
    ldr x0, [x1]
#elif defined(OVERWRITES)  // the stack grows into the tables
    map 0x703
    on 0x803519
    adrp x9, pages
    add x9, x9, #4096
    add x9, x9, #256
    mov sp, x9
    mov x0, #0
    call_for_ever
#elif defined(GUARD)
    map 0x703
    adrp x11, pages
    str xzr, [x11, #(256*8)]    // 0x40100000
    on 0x803519
    ldr x9, =0x40102000
    mov sp, x9
    call_for_ever
#elif defined(GUARDH)
    map 0x703
    adrp x11, pages
    str xzr, [x11, #(256*8)]    // 0x40100000
    set vbar_el1, savers
    on 0x803519
    ldr x9, =0x40102000
    mov sp, x9
    call_for_ever
    .balign 2048
savers:
    .rept 16
    sub sp, sp, #256
    stp x29, x30, [sp]
    b .
    .balign 128
    .endr
#elif defined(EATS)             // the stack grows into the program
    ldr x9, =0x40088000
    mov sp, x9
    call_for_ever
#elif defined(SMASH)
    ldr x9, =0x40200000
    mov sp, x9
    bl victim
    b .
victim:
    stp x29, x30, [sp, #-32]!
    add x0, sp, #0
    ldr x1, =0x4141414141414141
    mov x2, #8
1:  str x1, [x0], #8
    subs x2, x2, #1
    b.ne 1b
    ldp x29, x30, [sp], #32
    ret
#elif defined(RET0)
    ldr x9, =0x40200000
    mov sp, x9
    bl victim0
    b .
victim0:
    str x30, [sp, #-16]!
    str xzr, [sp]
    ldr x30, [sp], #16
    ret
#elif defined(SELFMOD)
    adr x1, 1f
    ldr w0, =0xffffffff
    str w0, [x1]
    dsb sy
    isb
1:  nop
#endif
    b .
    park
    spaces
    .balign 4096
other:  .skip 4096
    .balign 2048
    .skip 1024
odd: .skip 4096+1024
