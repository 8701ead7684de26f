/*
 * Entry, vectors for EL1 and EL2, and calls into lower ELs. CPU 0 starts at _start in the highest EL;
 * CPUs switched on by PSCI start at secondary_start with their struct secondary in x0. Each CPU has a
 * stack of 64 KiB an EL (and one for EL0), below the tops named here.
 */
#include "../../baremetal/start.inc"

#define FRAME_SIZE 320

    .arch armv8.2-a
    .section .text.start, "ax"
    .globl _start
_start:
    set_stack stack_top
    clear_bss
    mov x11, #0
    bl init_el
    bl main
    mov w9, #255 /* the host keeps eight bits of an exit code: 256 failures are not none */
    cmp w0, w9
    csel w0, w0, w9, ls
    b semihosting_exit

    .globl secondary_start
secondary_start:
    ldp x11, x19, [x0]
    ldr x20, [x0, #16]
    ldr x9, =stack_top
    lsl x10, x11, #16
    sub x9, x9, x10
    mov sp, x9
    bl init_el
    mov x0, x20
    blr x19
1:  wfi
    b 1b

/* Known state for the CPU with number x11, at its current EL and EL1: registers that reset to UNKNOWN
 * values or could trap. */
init_el:
    mrs x9, CurrentEL
    cmp x9, #12
    b.ne 2f
    write_sysreg vbar_el3, vectors_el3
    write_sysreg scr_el3, 0x30430 /* API, APK, RW; Secure, nothing routed or trapped */
    msr cptr_el3, xzr
    msr mdcr_el3, xzr
    write_sysreg s3_6_c12_c12_5, 9 /* ICC_SRE_EL3: SRE, Enable */
    isb
    mrs x9, id_aa64pfr0_el1
    tst x9, #0xf00
    b.ne 3f
    b 1f
2:  cmp x9, #8
    b.ne 1f
3:  write_sysreg vbar_el2, vectors_el2
    el2_without_traps
    write_sysreg sctlr_el2, 0x30c50838
    mrs x9, pmcr_el0
    ubfx x9, x9, #11, #5
    msr mdcr_el2, x9
    write_sysreg cnthctl_el2, 3
    msr cntvoff_el2, xzr
    msr vttbr_el2, xzr
    mrs x9, midr_el1
    msr vpidr_el2, x9
    mrs x9, mpidr_el1
    msr vmpidr_el2, x9
    write_sysreg s3_4_c12_c9_5, 9 /* ICC_SRE_EL2: SRE, Enable */
    isb
    ldr x9, =el1_stack_top
    sub x9, x9, x11, lsl #16
    msr sp_el1, x9
1:  write_sysreg sctlr_el1, 0x30d00818
    write_sysreg vbar_el1, vectors_el1
    write_sysreg cpacr_el1, CPACR_EL1_FPEN
    msr mdscr_el1, xzr
    msr cntkctl_el1, xzr
    msr osdlr_el1, xzr
    msr oslar_el1, xzr
    write_sysreg s3_0_c12_c12_5, 1 /* ICC_SRE_EL1 */
    isb
    ret

    .macro save el
    sub sp, sp, #FRAME_SIZE
    gprs stp, sp
    mrs x0, elr_\el
    mrs x1, spsr_\el
    stp x30, x0, [sp, #240]
    mrs x2, esr_\el
    mrs x3, far_\el
    stp x1, x2, [sp, #256]
    str x3, [sp, #272]
    .endm

    .macro restore el
    ldp x30, x0, [sp, #240]
    ldr x1, [sp, #256]
    msr elr_\el, x0
    msr spsr_\el, x1
    gprs ldp, sp
    add sp, sp, #FRAME_SIZE
    .endm

    .macro vector el, number, offset
    save \el
    mov x0, sp
    mov x1, #\number
    mov x2, #\offset
    b common_\el
    .endm

    .macro table el, number
    .globl vectors_\el
    vector_table vectors_\el, vector \el, \number,
common_\el:
    bl exception_entry
    cbnz x0, leave_call
    restore \el
    eret
    .endm

    .text
    table el1, 1
    table el2, 2
    table el3, 3

/* Address of this CPU's innermost struct of enter_el(). */
    .macro this_enter_sp reg
    mrs \reg, mpidr_el1
    and \reg, \reg, #7
    lsl \reg, \reg, #3
    ldr x10, =enter_sp
    add \reg, \reg, x10
    .endm

/*
 * uint64_t enter_el(uint64_t spsr, fn, arg, sp): run fn(arg) with SPSR's EL and SP. It comes back when
 * the exception handler says so (lower_el_done: SVC or HVC #0xfff; SMC to EL3), with the callee's x0.
 */
    .globl enter_el
enter_el:
    sub sp, sp, #112
    callee_saved stp, sp
    this_enter_sp x9
    mov x10, sp
    ldr x11, [x9]
    str x11, [sp, #96]
    str x10, [x9]
    mov x19, x1
    mov x20, x2
    mrs x9, CurrentEL
    str x9, [sp, #104]
    tst x0, #0xc
    cset x21, ne /* 1: not EL0 */
    b.eq 1f
    tbnz x0, #3, 5f
    msr sp_el1, x3
    b 2f
5:  msr sp_el2, x3
    b 2f
1:  msr sp_el0, x3
2:  adr x10, lower_el_start
    cmp x9, #8
    b.eq 3f
    b.hi 6f
    msr elr_el1, x10
    msr spsr_el1, x0
    b 4f
3:  msr elr_el2, x10
    msr spsr_el2, x0
    b 4f
6:  msr elr_el3, x10
    msr spsr_el3, x0
    lsl x21, x21, #1
4:  isb
    eret

lower_el_start:
    mov x0, x20
    blr x19
    cbz x21, 1f
    tbnz x21, #1, 2f
    hvc #0xfff
1:  svc #0xfff
2:  smc #0xfff

/* From a vector: the call is over. x1: result. */
leave_call:
    mov x0, x1
    this_enter_sp x9
    ldr x10, [x9]
    ldr x11, [x10, #104]
    mrs x12, CurrentEL
    cmp x11, x12
    b.eq 1f
    add sp, sp, #FRAME_SIZE /* the caller is above: pass it on */
    cmp x11, #12
    b.eq 2f
    hvc #0xfff
2:  smc #0xfff
1:
    mov sp, x10
    ldr x11, [sp, #96]
    str x11, [x9]
    callee_saved ldp, sp
    add sp, sp, #112
    ret

    .bss
    .balign 16
    .space 8 * 65536
stack_top:
    .space 8 * 65536
    .globl el1_stack_top
el1_stack_top:
    .space 8 * 65536
    .globl el0_stack_top
el0_stack_top:
enter_sp:
    .space 64
