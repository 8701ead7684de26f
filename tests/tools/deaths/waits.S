// Interrupts that do not come, CPUs that do not start, and nothing to wait for.
//
// dies -DNO_SOURCE | --no-el2 | code 3: cpu0 waits in WFI, and there is nothing that could end it && no interrupt is enabled
// dies -DTIMER -DIMASK=3 | --no-el2 | code 3: the virtual timer of cpu0 is on, but its output is masked: CNTV_CTL_EL0.IMASK is 1
// dies -DTIMER -DNO_ENABLE | --no-el2 | code 3: INTID 27 (the virtual timer) is pending, but it is not enabled
// dies -DTIMER -DPMR=0 | --no-el2 | code 3: INTID 27 (the virtual timer) is pending, but priority 0x80 is not above PMR 0 of cpu0
// dies -DTIMER -DIGRPEN=0 | --no-el2 | code 3: INTID 27 (the virtual timer) is pending, but group 1 is off at cpu0
// dies -DTIMER -DCTLR=1 | --no-el2 | code 3: INTID 27 (the virtual timer) is pending, but group 1 is off in the distributor
// dies -DTIMER -DGROUP=0 | --no-el2 | code 3: INTID 27 (the virtual timer) is pending, but group 0 is off && make it group 1
// dies -DTIMER -DGROUP=0 -DCTLR=3 -DIGRPEN0 | --no-el2: INTID 27 (the virtual timer) is pending, but cpu0 has masked it: PSTATE.F && try: clear PSTATE.F
// dies -DTIMER -DMASKED | --no-el2: INTID 27 (the virtual timer) is pending, but cpu0 has masked it: PSTATE.I is 1
// dies -DTIMER -DAT_EL2: INTID 27 (the virtual timer) is pending, but it is routed to EL1, and cpu0 is at EL2: HCR_EL2.IMO is 0
// dies -DTIMER -DASLEEP | --no-el2 | code 3: INTID 27 (the virtual timer) is pending, but the redistributor of cpu0 sleeps
// dies -DSTART -DMPIDR=5 | --smp 2 --no-el2: the firmware refused a call, and nobody looked: PSCI CPU_ON && INVALID_PARAMETERS
// dies -DSTART -DMPIDR=1 | --no-el2: PSCI CPU_ON && the machine has 1 CPUs
// dies -DSTART -DMPIDR=1 -DENTRY=0xffff000040080000 | --smp 2 --no-el2: PSCI CPU_ON 0xc4000003(0x1, 0xffff000040080000) returned -9 (INVALID_ADDRESS) && an entry point is a physical address
// dies -DSTART -DMPIDR=1 -DUSES_VIRTUAL | --smp 2 --no-el2: a load from 0xffff000040080000 at EL1: the address is too large && the MMU of cpu1 is off
// dies -DCALLS=0xc4000004 -DMPIDR=1 | --smp 2 --no-el2: the same call of the firmware again and again: PSCI AFFINITY_INFO 0xc4000004(0x1, ...) returns 1 && (again+0xc) && nobody has started it (PSCI CPU_ON)
// dies -DCALLS=0xc4000003 -DMPIDR=0 | --smp 2 --no-el2: PSCI CPU_ON 0xc4000003(0, ...) returns -4 (ALREADY_ON), in the loop at && that is the CPU that calls
// dies -DCALLS=0xc4000004 -DMPIDR=0 | --smp 2 --no-el2: returns 0, in the loop at && the CPU of affinity 0 is on: it has not switched itself off
// lives -DCALLS=0x84000000 -DMPIDR=0 -DONCE | --no-el2
// dies -DRESETS | --no-el2: the guest resets the machine again and again && times by PSCI SYSTEM_RESET at && (reset+0xc) && each time about 2008 instructions
// dies -DRESETS | --no-el2 --on-death=stop | code 4: the guest resets the machine again and again
// lives -DRESETS | --no-el2 --max-insns 15K
// lives -DSTART -DMPIDR=1 -DENTRY=goes_on -DCHECKED | --smp 2 --no-el2
#include "common.inc"
#ifndef PMR
# define PMR 0xf0
#endif
#ifndef IGRPEN
# define IGRPEN 1
#endif
#ifndef CTLR
# define CTLR 2
#endif
#ifndef GROUP
# define GROUP 0xffffffff
#endif
#ifndef IMASK
# define IMASK 1
#endif
    .global _start
_start:
    set vbar_el1, vectors
#if defined(AT_EL2)
    set vbar_el2, vectors
#endif
#if defined(RESETS)
    mov x1, #1000
1:  subs x1, x1, #1
    b.ne 1b
    bl reset
reset:
    ldr w0, =0x84000009
    nop
    nop
    hvc #0
#elif defined(TIMER)
# ifndef ASLEEP
    store 0x80a0014, 0              // GICR_WAKER
# else
    store 0x80a0014, 2
# endif
    store 0x8000000, CTLR
    store 0x80b0080, GROUP          // GICR_IGROUPR0
    store 0x80b0418, 0x80808080     // GICR_IPRIORITYR6
# ifndef NO_ENABLE
    store 0x80b0100, 0x08000000     // GICR_ISENABLER0
# endif
    put s3_0_c4_c6_0, PMR
    put s3_0_c12_c12_7, IGRPEN
# ifdef IGRPEN0
    put s3_0_c12_c12_6, 1
# endif
    isb
    put cntv_cval_el0, 0
    put cntv_ctl_el0, IMASK
    isb
# ifndef MASKED
    msr daifclr, #2
# endif
#elif defined(CALLS)                // until the answer is one that never comes
again:
    ldr x0, =CALLS
    mov x1, #MPIDR
    mov x2, #0
    hvc #0
# if defined(ONCE)
    b .
# elif CALLS == 0xc4000004 && MPIDR == 0
    cbz x0, again
# else
    cbnz x0, again
# endif
    b .
#elif defined(START)
# ifndef ENTRY
#  define ENTRY secondary
# endif
    ldr x0, =0xc4000003
    ldr x1, =MPIDR
    ldr x2, =ENTRY
    hvc #0
# if defined(CHECKED)                // all is well, and then it waits
    cbnz x0, goes_on
1:  wfe
    b 1b
goes_on:
    b .
# endif
    adrp x1, flag
1:  ldr x0, [x1, #:lo12:flag]       // until the other one has come
    cbz x0, 1b
#endif
wait:
    wfi
    b wait
secondary:
    set vbar_el1, vectors
    ldr x1, =0xffff000040080000
    ldr x0, [x1]
    b .
    park
    .data
    .balign 8
flag: .quad 0
