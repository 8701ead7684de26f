/*
 * Where CPU_ON and CPU_SUSPEND of psci.c enter. Which CPU this is, MPIDR_EL1 says; what was found at the
 * entry goes to its struct entry (psci.c); the rest is the library's.
 */
#include "hyp/guests/lib/layout.h"

    .arch armv8-a
    .text
    .globl psci_entry
psci_entry:
    mov x10, x0
    mrs x1, mpidr_el1
    and x1, x1, #0xffffff /* Aff2 to Aff0, as they are in the tables' mpidr */
    adrp x2, psci_entries
    add x2, x2, :lo12:psci_entries
    mov x3, #0
1:  ldr x4, [x2]
    and x4, x4, #0xffffff
    cmp x4, x1
    b.eq 2f
    add x2, x2, #64
    add x3, x3, #1
    cmp x3, #MAX_CPUS
    b.ne 1b
    b .
2:  str x10, [x2, #8]
    mrs x4, CurrentEL
    mrs x5, daif
    stp x4, x5, [x2, #16]
    mrs x4, sctlr_el1
    mrs x5, spsel
    stp x4, x5, [x2, #32]
    adrp x0, stacks
    add x0, x0, :lo12:stacks
    mov x4, #STACK_BYTES
    add x3, x3, #1
    madd x0, x3, x4, x0
    b secondary_start
