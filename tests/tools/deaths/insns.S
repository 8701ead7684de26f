// Instructions, stacks and addresses.
//
// dies -DSVE | --cpu n1: an undefined instruction && an SVE instruction, which this machine has not && try: compile without it
// dies -DPAUTH | --cpu a57: an undefined instruction && FEAT_PAuth, which this CPU has not
// dies -DHVC_CALL: HVC at EL1 is undefined && HCR_EL2.HCD is 1
// dies -DSMC_CALL | --no-el2: SMC at EL1 is undefined
// dies -DFP_EL1 | --no-el2: an FP or SIMD instruction at EL1 was trapped to EL1 by CPACR_EL1.FPEN: at && (crash+0) && CPACR_EL1 is 0
// dies -DFP_EL2: an FP or SIMD instruction at EL2 was trapped to EL2 by CPTR_EL2.TFP && CPTR_EL2 is
// dies -DSP_ALIGN: SP is not a multiple of 16 at a load or store && SP 0x40100008
// dies -DSP_ALIGN -DHANDLER | code 4: SP is not a multiple of 16 at a load or store
// dies -DICC | --gic gicv=1: a read of ICC_IAR1_EL1 at EL1 was trapped to EL1 && ICC_SRE_EL1 is 0x6: SRE is 0
// dies -DICC_EL1: ICC_SRE_EL1 at EL1 was trapped to EL2 && Enable 0
// dies -DOVERFLOW -DHANDLER | code 4: the stack of EL2 leads nowhere: SP
// dies -DOVERFLOW -DSAVER | --on-death=stop --max-insns 20M | code 4: the stack of EL2 leads nowhere: SP
// dies -DNOWHERE: it executes zeros at 0x41000000: a jump to nowhere
// dies -DNOWHERE -DTO=0xb000000: the fetch of 0xb000000 at EL2: nothing answers there && the BLR X9 at && (crash+0x4) went there
// dies -DODD: a jump to 0x41000002, which is not a multiple of 4
// dies -DGIVE_UP: BRK #0x123 at
// dies -DNO_REGISTER: a system register that there is not is undefined at EL2
// dies -DADDRESS=0xb000000: a store to 0xb000000 at EL2: nothing answers there && among the devices
// dies -DADDRESS=0x100000010: a store to 0x100000010 at EL2: nothing answers there && near 0xffffffff: -1 in 32 bits, and what a configuration read gives where no PCI function is
// dies -DADDRESS=0x100000000: a store to 0x100000000 at EL2: nothing answers there && behind the end of RAM
// dies -DRETURNS | --on-death=stop --max-insns 20M | code 4: a load from 0xb000000 at EL2: nothing answers there
// dies -DRETURNS | --max-insns 8M | code 3: a load from 0xb000000 at EL2: nothing answers there
#include "common.inc"
    .global _start
    .global crash
_start:
    mrs x9, currentel
    cmp x9, #8
    b.eq 1f
    set vbar_el1, vectors
    b crash
1:  set vbar_el2, vectors
#if defined(HVC_CALL)
    put hcr_el2, 0xa0000000
# define AT_EL1
#elif defined(ICC_EL1)
    put hcr_el2, 0x80000000
    msr s3_4_c12_c9_5, xzr          // ICC_SRE_EL2
# define AT_EL1
#elif defined(ICC)
    put hcr_el2, 0x80000000
    put s3_4_c12_c9_5, 9
# define AT_EL1
#endif
#ifdef AT_EL1
    set vbar_el1, vectors
    set elr_el2, crash
    put spsr_el2, 0x3c5
    eret
#endif
crash:
#if defined(SVE)
    ptrue p0.b
#elif defined(PAUTH)
    .arch armv8.5-a
    pacda x0, x1
#elif defined(HVC_CALL)
    hvc #0
#elif defined(SMC_CALL)
    mov x0, #0
    smc #1
#elif defined(FP_EL1)
    fmov d0, x0
#elif defined(FP_EL2)
    put cptr_el2, 0x400
    isb
    fmov d0, x0
#elif defined(SP_ALIGN)
    put sctlr_el2, 0x30c50838       // SA
    isb
    ldr x9, =0x40100008
    mov sp, x9
    str x0, [sp]
#elif defined(ICC)
    msr s3_0_c12_c12_5, xzr         // ICC_SRE_EL1
    isb
    mrs x0, s3_0_c12_c12_0          // ICC_IAR1_EL1
#elif defined(ICC_EL1)
    mrs x0, s3_0_c12_c12_5
#elif defined(OVERFLOW)
    ldr x9, =0x60000000
    mov sp, x9
    str x30, [sp, #-16]!
#elif defined(NOWHERE)
# ifndef TO
#  define TO 0x41000000
# endif
    ldr x9, =TO
    blr x9
#elif defined(ODD)
    ldr x9, =0x41000002
    br x9
#elif defined(GIVE_UP)
    brk #0x123
#elif defined(NO_REGISTER)
    mrs x0, s3_7_c15_c15_7
#elif defined(ADDRESS)
    ldr x9, =ADDRESS
    str x0, [x9]
#elif defined(RETURNS)
    ldr x9, =0xb000000
    ldr x0, [x9]
#endif
    b .
#if defined(HANDLER)
    .balign 2048
vectors:
    .rept 16
    stp x29, x30, [sp, #-16]!
    b .
    .balign 128
    .endr
#elif defined(SAVER)
    .balign 2048
vectors:
    .rept 16
    sub sp, sp, #256
    stp x29, x30, [sp]
    b .
    .balign 128
    .endr
#elif defined(RETURNS)
    .balign 2048
vectors:
    .rept 16
    eret
    .balign 128
    .endr
#else
    park
#endif
