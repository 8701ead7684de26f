/*
 * One primitive, ITERATIONS times, at EL1 with stage 1 on (4 KiB pages for the data), then power-off.
 * Assembled once per primitive with -DPRIM_<name>. The whole process is timed from outside; the empty
 * primitive is what start-up costs.
 */
#include "../tests/baremetal/start.inc"

#define DATA      0x48000000
#define DATA_SIZE 0x01000000
#define GICD      0x08000000
#define GICR      0x080a0000

#if defined(PRIM_world_switch) || defined(PRIM_stage2_fault)
#define NEEDS_STAGE2
#endif
#if defined(PRIM_asid_switch) || defined(PRIM_asid_kernel)
#define DATA_PAGE 0xf47       /* page, AF, nG, EL0 too, inner shareable, AttrIndx 1 */
#else
#define DATA_PAGE 0x707       /* page, AF, inner shareable, AttrIndx 1 */
#endif

/* The 24 registers that a world owns. */
    .macro each_pair do, area
    \do 0, sctlr_el1, cpacr_el1, \area
    \do 1, ttbr0_el1, ttbr1_el1, \area
    \do 2, tcr_el1, mair_el1, \area
    \do 3, amair_el1, contextidr_el1, \area
    \do 4, esr_el1, far_el1, \area
    \do 5, afsr0_el1, afsr1_el1, \area
    \do 6, vbar_el1, par_el1, \area
    \do 7, elr_el1, spsr_el1, \area
    \do 8, sp_el0, sp_el1, \area
    \do 9, tpidr_el0, tpidrro_el0, \area
    \do 10, tpidr_el1, cntkctl_el1, \area
    \do 11, csselr_el1, mdscr_el1, \area
    .endm
    .macro save_pair n, a, b, area
    mrs x2, \a
    mrs x3, \b
    stp x2, x3, [\area, #16 * \n]
    .endm
    .macro load_pair n, a, b, area
    ldp x2, x3, [\area, #16 * \n]
    msr \a, x2
    msr \b, x3
    .endm
    .macro world_save area
    each_pair save_pair, \area
    .endm
    .macro world_load area
    each_pair load_pair, \area
    .endm

/* `count` descriptors at `table`: the addresses from `address` on, `step` bytes apart, each with
 * `attributes`. The registers `table` and `address` go on; x4 and x5 are lost. */
    .macro map table, address, attributes, count, step
    mov x4, #\count
1:  orr x5, \address, \attributes
    str x5, [\table], #8
    add \address, \address, #\step
    subs x4, x4, #1
    b.ne 1b
    .endm

    .section .text.start, "ax"
    .globl _start
_start:
    /* EL2: guest in AArch64, nothing trapped, HVC returns at once. */
    write_sysreg vbar_el2, vectors
    el2_without_traps
    write_sysreg cnthctl_el2, 3

    /* Identity tables: 0..1G Device, 1G..2G in 2 MiB blocks, DATA in pages. */
    ldr x1, =l1
    mov x0, #0x401            /* block, AF, AttrIndx 0 */
    str x0, [x1]
    ldr x2, =l2
    orr x0, x2, #3
    str x0, [x1, #8]
    mov x0, #0x40000000
    ldr x3, =0x705            /* block, AF, inner shareable, AttrIndx 1 */
    map x2, x0, x3, 512, 0x200000
    ldr x2, =l2 + ((DATA - 0x40000000) >> 21) * 8
    ldr x6, =l3
    map x2, x6, #3, (DATA_SIZE >> 21), 4096
    ldr x6, =l3
    ldr x0, =DATA
    ldr x3, =DATA_PAGE
    map x6, x0, x3, (DATA_SIZE >> 12), 4096
    write_sysreg mair_el1, 0xff00
    write_sysreg tcr_el1, 0x200803519 /* T0SZ 25, 4K, write-back inner shareable, EPD1, 40 bits */
    msr ttbr0_el1, x1
    write_sysreg cpacr_el1, CPACR_EL1_FPEN
    write_sysreg vbar_el1, vectors
    dsb sy
    write_sysreg sctlr_el1, 0x30d01805

    /* EL2's own stage 1 is by the same tables. */
    write_sysreg mair_el2, 0xff00
    write_sysreg tcr_el2, 0x80823519
    msr ttbr0_el2, x1
    isb
    write_sysreg sctlr_el2, 0x30c51835
    isb
#ifdef NEEDS_STAGE2
    bl stage2_tables
#endif
#ifdef PRIM_world_switch
    ldr x1, =world_b
    world_save x1
#endif
#ifdef PRIM_irq
    bl gic_on
#endif
#ifdef PRIM_pauth
    mrs x0, hcr_el2
    orr x0, x0, #(1 << 41)    /* API: not trapped */
    msr hcr_el2, x0
    mrs x0, sctlr_el1
    orr x0, x0, #(1 << 31)    /* EnIA */
    msr sctlr_el1, x0
#endif
    write_sysreg elr_el2, run
    write_sysreg spsr_el2, 0x3c5
    isb
    eret

    .text
    .balign 64
run:
    set_stack stack_top
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
#elif defined(PRIM_frame)
    add sp, x20, #256
    loop
    bl framed
    again
#elif defined(PRIM_pauth)
    mov x17, x20
    mov x16, #0
    loop
    add x16, x16, #16
    pacia1716                 /* as a hint: it does nothing on a CPU without it */
    autia1716
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
#elif defined(PRIM_mrs_cntvct)
    loop
    mrs x0, cntvct_el0
    again
#elif defined(PRIM_msr_daif)
    loop
    msr daifset, #2
    msr daifclr, #2
    again
#elif defined(PRIM_asid_switch)
    adr x0, 10f               /* a process: EL0, whose SVC lets EL1 change to the other ASID */
    msr elr_el1, x0
    msr spsr_el1, xzr
    eret
    loop
    svc #0
    .irp page, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    ldr x0, [x20]
    add x20, x20, #4096
    .endr
    sub x20, x20, #65536
    again
    svc #1
#elif defined(PRIM_asid_kernel)
    mrs x1, ttbr0_el1
    mov x2, #(1 << 48)
    loop
    eor x1, x1, x2
    msr ttbr0_el1, x1
    isb
    .irp page, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    ldr x0, [x20]
    add x20, x20, #4096
    .endr
    sub x20, x20, #65536
    again
#elif defined(PRIM_world_switch)
    loop
    hvc #0
    ldr x0, [x20]
    again
#elif defined(PRIM_stage2_fault)
    loop
    ldr x0, [x20]
    hvc #0
    again
#elif defined(PRIM_irq)
    mov x1, #1                /* SGI 0 to affinity 0.0.0.0 */
    mov x2, #0
    msr daifclr, #2
    loop
    msr s3_0_c12_c11_5, x1    /* ICC_SGI1R_EL1 */
    isb
1:  cbz x2, 1b
    mov x2, #0
    again
#else
#error "no primitive chosen"
#endif
power_off:
    ldr x0, =0x84000008       /* SYSTEM_OFF */
    smc #0
1:  b 1b

    .balign 64
leaf:
    ret
framed:
    stp x29, x30, [sp, #-96]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x29, x30, [sp], #96
    ret

#ifdef NEEDS_STAGE2
/* Identity at stage 2: 0..1G Device, 1G..2G in 2 MiB blocks, the first 2 MiB of DATA in pages. */
stage2_tables:
    ldr x1, =s2_l1
    ldr x0, =0x4c5
    str x0, [x1]
    ldr x2, =s2_l2
    orr x0, x2, #3
    str x0, [x1, #8]
    mov x0, #0x40000000
    ldr x3, =0x7fd
    map x2, x0, x3, 512, 0x200000
    ldr x2, =s2_l3
    orr x0, x2, #3
    ldr x3, =s2_l2 + ((DATA - 0x40000000) >> 21) * 8
    str x0, [x3]
    ldr x0, =DATA
    ldr x3, =0x7ff
    map x2, x0, x3, 512, 4096
    write_sysreg vtcr_el2, 0x80023559 /* T0SZ 25, from level 1, write-back inner shareable, 40 bits */
    msr vttbr_el2, x1
    mrs x0, hcr_el2
    orr x0, x0, #1
    msr hcr_el2, x0
#ifdef PRIM_stage2_fault
    ldr x2, =s2_l3
    str xzr, [x2]
#endif
    dsb sy
    isb
    ret
#endif

#ifdef PRIM_irq
/* Group 1, SGI 0, everything let through. */
gic_on:
    write_sysreg s3_4_c12_c9_5, 0xf /* ICC_SRE_EL2 */
    isb
    write_sysreg s3_0_c12_c12_5, 7  /* ICC_SRE_EL1 */
    isb
    ldr x1, =GICD
    mov w0, #0x12             /* ARE, group 1 */
    str w0, [x1]
    mov w0, #0x13
    str w0, [x1]
    ldr x1, =GICR
    str wzr, [x1, #0x14]      /* GICR_WAKER */
    add x1, x1, #0x10000
    mov w0, #-1
    str w0, [x1, #0x80]       /* GICR_IGROUPR0 */
    mov w0, #1
    str w0, [x1, #0x100]      /* GICR_ISENABLER0 */
    write_sysreg s3_0_c4_c6_0, 0xff /* ICC_PMR_EL1 */
    write_sysreg s3_0_c12_c12_7, 1  /* ICC_IGRPEN1_EL1 */
    isb
    ret
#endif

/* What the primitive does at a synchronous exception from a lower EL, and at its own interrupt. */
#ifdef PRIM_asid_switch
#define LOWER_EL b change_asid
change_asid:
    mrs x0, esr_el1
    tbnz x0, #0, power_off
    mrs x0, ttbr0_el1
    eor x0, x0, #(1 << 48)
    msr ttbr0_el1, x0
    isb
    eret
#endif

#ifdef PRIM_irq
#define IRQ b take_irq
take_irq:
    mrs x2, s3_0_c12_c12_0    /* ICC_IAR1_EL1 */
    msr s3_0_c12_c12_1, x2    /* ICC_EOIR1_EL1 */
    mov x2, #1
    eret
#endif

#if defined(PRIM_world_switch)
#define LOWER_EL b change_world
change_world:
    ldr x4, =worlds
    ldp x5, x6, [x4]
    stp x6, x5, [x4]
    world_save x5
    world_load x6
    ldp x5, x6, [x4, #16]     /* VTTBR_EL2 */
    stp x6, x5, [x4, #16]
    msr vttbr_el2, x6
    mrs x5, hcr_el2
    eor x5, x5, #1            /* VM */
    msr hcr_el2, x5
    isb
    eret
    .data
    .balign 64
worlds:
    .quad world_a, world_b, s2_l1 + (1 << 48), s2_l1 + (2 << 48)
    .text
#elif defined(PRIM_stage2_fault)
#define LOWER_EL b change_map
change_map:
    mrs x2, esr_el2
    ldr x4, =s2_l3
    lsr x2, x2, #26
    cmp x2, #0x16             /* HVC: unmap */
    b.eq 1f
    mrs x2, hpfar_el2         /* stage-2 fault: map */
    lsr x2, x2, #4
    mov x3, #0x7ff
    orr x3, x3, x2, lsl #12
    and x2, x2, #511
    str x3, [x4, x2, lsl #3]
    dsb ishst
    eret
1:  str xzr, [x4]
    ldr x2, =(DATA >> 12)
    dsb ishst
    tlbi ipas2e1is, x2
    dsb ish
    tlbi vmalle1is
    dsb ish
    isb
    eret
#endif

#ifndef LOWER_EL
#define LOWER_EL eret
#endif
#ifndef IRQ
#define IRQ eret
#endif

/* Of EL1 and EL2 both: EL0 calls EL1, EL1 calls EL2. */
    .macro vector offset
    .if \offset == VECTOR_SPX_IRQ
    IRQ
    .elseif \offset == VECTOR_LOWER_SYNC
    LOWER_EL
    .else
    eret
    .endif
    .endm

    vector_table vectors, vector

    .bss
    .balign 4096
l1: .space 4096
l2: .space 4096
l3: .space 4096 * (DATA_SIZE >> 21)
s2_l1: .space 4096
s2_l2: .space 4096
s2_l3: .space 4096
world_a: .space 192
world_b: .space 192
    .balign 4096
    .space 4096
stack_top:
