/*
 * One primitive, ITERATIONS times, at EL1 with stage 1 on (4 KiB pages for the data), then power-off.
 * Assembled once per primitive with -DPRIM_<name>. The whole process is timed from outside; the empty
 * primitive is what start-up costs.
 */
#define DATA      0x48000000
#define DATA_SIZE 0x01000000

    .section .text.start, "ax"
    .globl _start
_start:
    /* EL2: guest in AArch64, nothing trapped, HVC returns at once. */
    ldr x0, =vectors
    msr vbar_el2, x0
    mov x0, #(1 << 31)
    msr hcr_el2, x0
    mov x0, #0x33ff
    msr cptr_el2, x0
    mov x0, #3
    msr cnthctl_el2, x0

    /* Identity tables: 0..1G Device, 1G..2G in 2 MiB blocks, DATA in pages. */
    ldr x1, =l1
    mov x0, #0x401            /* block, AF, AttrIndx 0 */
    str x0, [x1]
    ldr x2, =l2
    orr x0, x2, #3
    str x0, [x1, #8]
    mov x0, #0x40000000
    ldr x3, =0x705            /* block, AF, inner shareable, AttrIndx 1 */
    mov x4, #512
1:  orr x5, x0, x3
    str x5, [x2], #8
    add x0, x0, #0x200000
    subs x4, x4, #1
    b.ne 1b
    ldr x2, =l2 + ((DATA - 0x40000000) >> 21) * 8
    ldr x6, =l3
    mov x4, #(DATA_SIZE >> 21)
1:  orr x5, x6, #3
    str x5, [x2], #8
    add x6, x6, #4096
    subs x4, x4, #1
    b.ne 1b
    ldr x6, =l3
    ldr x0, =DATA
    ldr x3, =0x707
    ldr x4, =(DATA_SIZE >> 12)
1:  orr x5, x0, x3
    str x5, [x6], #8
    add x0, x0, #4096
    subs x4, x4, #1
    b.ne 1b
    ldr x0, =0xff00
    msr mair_el1, x0
    ldr x0, =0x200803519      /* T0SZ 25, 4K, write-back inner shareable, EPD1, 40 bits */
    msr tcr_el1, x0
    msr ttbr0_el1, x1
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    ldr x0, =vectors
    msr vbar_el1, x0
    dsb sy
    ldr x0, =0x30d01805
    msr sctlr_el1, x0
    ldr x0, =run
    msr elr_el2, x0
    mov x0, #0x3c5
    msr spsr_el2, x0
    isb
    eret

    .text
    .balign 64
run:
    ldr x0, =stack_top
    mov sp, x0
    ldr x19, =ITERATIONS
    ldr x20, =DATA

    .macro loop
    .balign 64
10:
    .endm
    .macro again
    subs x19, x19, #1
    b.ne 10b
    .endm

#if defined(PRIM_empty)
#elif defined(PRIM_alu_loop)
    loop
    add x0, x0, #3
    eor x1, x1, x0
    again
#elif defined(PRIM_flags)
    loop
    adds x0, x0, x1
    adcs x2, x2, x3
    csel x4, x0, x2, hi
    ccmp x4, #5, #2, ne
    cset x5, lt
    again
#elif defined(PRIM_stream)
    mov x1, x20
    mov x3, #0
    loop
    ldr x0, [x1], #8
    str x0, [x1, #2048]
    and x1, x1, #0xffffffffffff7fff
    again
#elif defined(PRIM_chase_16k) || defined(PRIM_chase_8m)
#if defined(PRIM_chase_16k)
#define STEP  (67 * 64)
#define RANGE 0x4000
#else
#define STEP  (4096 * 1021 + 64)
#define RANGE 0x800000
#endif
    mov x1, #0                /* a cycle of pointers through the range */
    ldr x2, =STEP
    mov x5, #(RANGE / 64)
1:  add x3, x1, x2
    and x3, x3, #(RANGE - 1)
    add x4, x20, x3
    str x4, [x20, x1]
    mov x1, x3
    subs x5, x5, #1
    b.ne 1b
    mov x0, x20
    loop
    ldr x0, [x0]
    again
#elif defined(PRIM_call_ret)
    loop
    bl leaf
    again
#elif defined(PRIM_fp)
    fmov d0, #1.0
    fmov d1, #1.5
    loop
    fadd d2, d0, d1
    fmul d3, d2, d1
    fmadd d4, d0, d1, d3
    again
#elif defined(PRIM_neon)
    loop
    add v0.4s, v0.4s, v1.4s
    eor v2.16b, v2.16b, v0.16b
    zip1 v3.8h, v0.8h, v2.8h
    again
#elif defined(PRIM_svc_eret)
    loop
    svc #0
    again
#elif defined(PRIM_hvc_eret)
    loop
    hvc #0
    again
#elif defined(PRIM_mrs_msr)
    loop
    mrs x0, esr_el1
    msr tpidr_el0, x0
    again
#elif defined(PRIM_tlbi)
    lsr x1, x20, #12
    loop
    tlbi vae1, x1
    dsb ish
    isb
    ldr x0, [x20]
    again
#else
#error "no primitive chosen"
#endif
    ldr x0, =0x84000008       /* SYSTEM_OFF */
    smc #0
1:  b 1b

    .balign 64
leaf:
    ret

    .balign 2048
vectors:
    .rept 16
    .balign 128
    eret
    .endr

    .bss
    .balign 4096
l1: .space 4096
l2: .space 4096
l3: .space 4096 * (DATA_SIZE >> 21)
    .space 4096
stack_top:
