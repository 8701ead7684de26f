/* What debug.c sets breakpoints on and steps through. */
    .arch armv8-a
    .text

/* 64 instructions, each of which may have a breakpoint. */
    .globl debug_targets
debug_targets:
    .rept 64
    nop
    .endr
    ret

/* Stepped from debug_step_first to debug_step_end, where the handler turns stepping off; x0: how often
 * the loop runs, x1: a doubleword to add to. PSCI_VERSION by HVC or SMC, as x2 says. */
    .globl debug_steps, debug_step_first, debug_step_loop, debug_step_call, debug_step_smc, debug_step_past, debug_step_end
debug_steps:
    mov x5, x0
    mov x6, x1
    mov x7, x2
    msr daifclr, #8
debug_step_first:
    nop
debug_step_loop:
    ldr x3, [x6]
    add x3, x3, #1
    str x3, [x6]
    subs x5, x5, #1
    b.ne debug_step_loop
    mov w0, #0x84000000
    cbnz x7, debug_step_smc
debug_step_call:
    hvc #0
    b debug_step_past
debug_step_smc:
    smc #0
debug_step_past:
    yield
debug_step_end:
    msr daifset, #8
    ret
