// Slips with whose register it is, what the machine has, and who asks where it runs.
//
// dies -DTABLES_OF_EL1 | code 4: the MMU was switched on at && TTBR0_EL2 was never written, but TTBR0_EL1 was, by EL2 itself
// dies -DVECTORS_OF_EL1 | code 4: SVC #3 at && VBAR_EL2 was never written, but VBAR_EL1 was, by EL2 itself
// dies -DRETURN_OF_EL1 | code 4: the ERET at && ELR_EL2 was never written, but ELR_EL1 was, by EL2 itself
// dies -DINSN=WRITES_SCR: a write of SCR_EL3 is undefined at EL2 && this machine has no EL3: it is entered at EL2
// dies -DINSN=READS_VBAR | --no-el2: a read of VBAR_EL2 is undefined at EL1 && this machine has no EL2
// dies -DINSN=READS_EL12: a read of SCTLR_EL12 is undefined at EL2 && while HCR_EL2.E2H is 1, and it is 0
// dies -DINSN=READS_EL12 | --cpu a57: names that end in _EL12 and _EL02 need FEAT_VHE, which this CPU has not
// dies -DINSN=WRITES_MPIDR: a write of MPIDR_EL1 is undefined && MPIDR_EL1 is read-only
// dies -DINSN=READS_RNDR | --cpu n1: a read of RNDR is undefined && RNDR needs FEAT_RNG, which this CPU has not
// dies -DINSN=IRG: an undefined instruction && memory tagging (FEAT_MTE), which this machine has not && try: compile without it
// dies -DINSN=SMSTART: an undefined instruction && SMSTART or SMSTOP of SME
// dies -DINSN=SEMIHOSTING: a semihosting call that nobody answers && it is UNDEFINED without --semihosting
// dies -DBIG_ENDIAN | --no-el2 | code 4: the MMU was switched on at && SCTLR_EL1.EE (bit 25) is 1: tables and data are read big-endian
// dies -DGUEST_MMU | code 4: the fetch of && SCTLR_EL1 was written as 0x30d0199d && M is 1, so that EL1 begins with its MMU on
// dies -DMPIDR: cpu0 has parked itself at && went by MPIDR_EL1, which is 0x80000000 && bit 31 is always 1
// dies -DCURRENTEL: cpu0 has parked itself at && went by CurrentEL, which is 0x8 && entered at EL2
// dies -DFLASH_STACK: returns to 0: its stack is in flash memory && linked for another one
// dies -DVSE: an SError interrupt at EL1, taken to EL1 && EL2 has made it, by HCR_EL2.VSE
// dies -DVI: a virtual interrupt comes again && HCR_EL2.VI is 1, and EL2 never clears it
// dies -DHVC_4 | code 4: BRK #0x7 at && was left out: the handler of HVC has added 4 to ELR_EL2
// dies -DFP_IN_TRAP | code 4: the vector of EL2 at && uses FP or SIMD registers itself, which are trapped
// dies -DAPART | --no-el2 | code 4: SVC #0 at && its entries are 4 bytes apart there, and should be 128
// dies -DELSEWHERE | code 4: it executes zeros at && stage 2 leads to PA 0x42100000
// dies -DTEXT | --no-el2: it executes text at && "Hello, w..." is no code
// dies -DCPU_OFF | --no-el2: all CPUs are off: cpu0 has switched itself off (PSCI CPU_OFF, 0x84000002) at && (crash+0x4)
// lives -DTABLES_OF_EL1 -DMENDED | code 0
// lives -DVECTORS_OF_EL1 -DMENDED | code 0
// lives -DRETURN_OF_EL1 -DMENDED | code 0
// lives -DMPIDR -DMENDED | code 0
// lives -DBIG_ENDIAN -DMENDED | --no-el2 | code 0
// lives -DHVC_4 -DMENDED | code 0
// lives -DFP_IN_TRAP -DMENDED | code 0
#include "common.inc"

#define WRITES_SCR   msr s3_6_c1_c1_0, x0
#define READS_VBAR   mrs x0, vbar_el2
#define READS_EL12   mrs x0, s3_5_c1_c0_0
#define WRITES_MPIDR msr s3_0_c0_c0_5, x0
#define READS_RNDR   mrs x0, s3_3_c2_c4_0
#define IRG          .inst 0x9adf1020
#define SMSTART      .inst 0xd503437f
#define SEMIHOSTING  hlt #0xf000

    .macro drop hcr, spsr, to       // to EL1
    put hcr_el2, \hcr
    put spsr_el2, \spsr
    set elr_el2, \to
    eret
    .endm

    .macro end                      // as a machine with EL2 is switched off
    ldr w0, =0x84000008
    smc #0
    .endm

    .global _start
    .global crash
_start:
#ifndef VECTORS_OF_EL1
    own_vectors
#endif
crash:
#if defined(TABLES_OF_EL1)
    adrp x9, tables
# ifdef MENDED
    msr ttbr0_el2, x9
    put mair_el2, 0xff
    put tcr_el2, 0x80803519
# else
    msr ttbr0_el1, x9
    put mair_el1, 0xff
    put tcr_el1, 0x803519
# endif
    adrp x9, tables
    ldr x10, =0x40000701
    str x10, [x9, #8]
    isb
    mrs x9, sctlr_el2
    orr x9, x9, #1
    msr sctlr_el2, x9
    isb
    end
#elif defined(VECTORS_OF_EL1)
# ifdef MENDED
    set vbar_el2, vectors
# else
    set vbar_el1, vectors
# endif
    isb
    svc #3
#elif defined(RETURN_OF_EL1)
    put hcr_el2, 0x80000000
# ifdef MENDED
    put spsr_el2, 0x3c5
    set elr_el2, kernel
# else
    put spsr_el1, 0x3c5
    set elr_el1, kernel
# endif
    eret
kernel:
    end
#elif defined(INSN)
    mov w0, #0
    INSN
#elif defined(BIG_ENDIAN)
    map 0x703
    adrp x9, tables
    msr ttbr0_el1, x9
    put mair_el1, 0xff
    put tcr_el1, 0x803519
    isb
# ifdef MENDED
    put sctlr_el1, 0x30d01805
# else
    put sctlr_el1, 0x32d01805
# endif
    isb
    off
#elif defined(GUEST_MMU)
    put sctlr_el1, 0x30d0199d
    drop 0x80000000, 0x3c5, kernel
kernel:
    end
#elif defined(MPIDR)
    mrs x0, mpidr_el1
# ifdef MENDED
    and x0, x0, #0xffffff
# endif
    cbz x0, 1f
0:  wfe
    b 0b
1:  end
#elif defined(CURRENTEL)
    mrs x0, currentel
    lsr x0, x0, #2
    cmp x0, #3
    b.eq 1f
    b .
1:  end
#elif defined(FLASH_STACK)
    mov x0, #0x80000
    mov sp, x0
    bl 1f
    b .
1:  stp x29, x30, [sp, #-16]!
    ldp x29, x30, [sp], #16
    ret
#elif defined(VSE)
    set vbar_el1, vectors
    drop 0x80000120, 0x2c5, kernel
kernel:
    b .
#elif defined(VI)
    set vbar_el1, takes
    drop 0x80000090, 0x345, kernel
kernel:
    b .
    .balign 2048
takes:
    .skip 0x280
    mrs x1, s3_0_c12_c12_0
    msr s3_0_c12_c12_1, x1
    eret
#elif defined(HVC_4)
    set vbar_el2, hyp
    drop 0x80000000, 0x3c5, kernel
kernel:
    hvc #0
    b 1f
    brk #7
1:  end
    .balign 2048
hyp:
    .skip 0x400
    mrs x9, elr_el2
# ifndef MENDED
    add x9, x9, #4
# endif
    msr elr_el2, x9
    ldr w10, =0x84000008
    cmp w0, w10
    b.ne 2f
    smc #0
2:  eret
#elif defined(FP_IN_TRAP)
    ldr x9, =0x40100000
    mov sp, x9
    put cptr_el2, 0x37ff
    put cpacr_el1, 0x300000
    set vbar_el2, hyp
    drop 0x80000000, 0x3c5, kernel
kernel:
    fmov d0, #1.0
    hvc #0
    b .
    .balign 2048
hyp:
    .skip 0x200
    .rept 5                         // of EL2, and of EL1 at +0x400
# ifdef MENDED
    put cptr_el2, 0x33ff
# endif
    stp q0, q1, [sp, #-32]!
    ldp q0, q1, [sp], #32
    mrs x9, esr_el2
    lsr x9, x9, #26
    cmp x9, #0x16
    b.ne 3f
    end
3:  eret
    .balign 128
    .endr
#elif defined(APART)
    set vbar_el1, thumb
    svc #0
    .balign 2048
thumb:
    .rept 8
    b .
    .endr
    .skip 0x800
#elif defined(ELSEWHERE)
    adrp x9, tables
    ldr x10, =0x400007fd + 0x2000000
    adrp x11, level2
    orr x12, x11, #3
    str x12, [x9, #8]
    mov x12, #32
4:  str x10, [x11], #8
    add x10, x10, #0x200, lsl #12
    subs x12, x12, #1
    b.ne 4b
    adrp x9, tables
    msr vttbr_el2, x9
    put vtcr_el2, 0x80023559
    msr vbar_el2, xzr
    msr vbar_el1, xzr
    put spsr_el2, 0x3c5
    put elr_el2, 0x40100000
    put hcr_el2, 0x80000001
    eret
#elif defined(TEXT)
    adr x0, message
    blr x0
    b .
    .balign 4
message:
    .asciz "Hello, world"
    .balign 4
#elif defined(CPU_OFF)
    ldr w0, =0x84000002
    hvc #0
#endif
    b .
    .ltorg
#if !defined(VECTORS_OF_EL1)
    park
#else
    .balign 2048
vectors:
    .rept 16
    end
    .balign 128
    .endr
#endif
    spaces
