// EL2's tables are each CPU's own, and so is the stack, which has the same address in all. Two CPUs are interrupted at the same
// instruction, the second one while the first is in its handler: each goes on with its own registers.
// options: --cpu n1 --smp 2
// case: clean
// case -DSPOILS @back: CLOBBER x9
#include "smp.inc"
#define EL2_TABLES
#define HAS_SETUP
        .macro setup
        full_tables
        own_ppi 1                               // an SGI
        start_second
        wait    1
        mov     x9, #0
        ldr     x10, =1 << 24 | 1               // to this CPU
        bl      work
        .endm
#define OWN_VECTOR own_vector
#include "tables.inc"

work:   ldr     x0, =0x80000800
        mov     sp, x0
        msr     s3_0_c12_c11_5, x10             // ICC_SGI1R_EL1
        isb
        msr     daifclr, #2
        nop
        nop
        msr     daifset, #2
        adrp    x0, hyp_stack
        mov     sp, x0
        ret

own_vector:
        stp     x0, x1, [sp, #-32]!
        stp     x7, x8, [sp, #16]
        mrs     x0, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     s3_0_c12_c12_1, x0              // ICC_EOIR1_EL1
        cbnz    x9, 2f
        say     2
        wait    3
#ifdef SPOILS
        mov     x9, #2
#endif
        ldp     x7, x8, [sp, #16]
        ldp     x0, x1, [sp], #32
back:   eret
2:      say     3
        b       .

second_cpu:
        adrp    x0, vectors
        add     x0, x0, :lo12:vectors
        msr     vbar_el2, x0
        adrp    x1, second_level1
        ldr     x2, =0x401                      // as el2_level1 has it
        str     x2, [x1]
        ldr     x2, =0x40000705
        str     x2, [x1, #8]
        adrp    x2, second_level2
        orr     x3, x2, #3
        str     x3, [x1, #16]
        adrp    x3, second_level3
        orr     x4, x3, #3
        str     x4, [x2]
        ldr     x4, =0x40101707
        str     x4, [x3]
        msr     ttbr0_el2, x1
        ldr     x1, =0xff00
        msr     mair_el2, x1
        ldr     x1, =0x80823519
        msr     tcr_el2, x1
        dsb     ish
        isb
        ldr     x1, =0x30c51835 & ~(1 << 19)
        msr     sctlr_el2, x1
        isb
        ldr     x1, =0x80000018                 // RW, IMO, FMO
        msr     hcr_el2, x1
        own_ppi 1, 0x080d0000
        say     1
        wait    2
        mov     x9, #1
        ldr     x10, =1 << 24 | 2
        bl      work
        b       .

handle: ret
guest:  hvc     #99

        .section .data
        .balign 4096
flag:   .skip   4096
second_level1:
        .skip   4096
second_level2:
        .skip   4096
second_level3:
        .skip   4096
