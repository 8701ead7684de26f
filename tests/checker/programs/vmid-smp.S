// VMIDs begin anew on one CPU, with TLBI for all, while another one runs a guest: what that guest translates behind it
// has the VMID of before, and the CPU comes to another VM that has been given it.
// options: --cpu n1 --smp 2
// case: clean
// case -DNO_FLUSH @do_eret: VMID VTTBR_EL2 of vm2/vcpu0
// case -DNO_FLUSH -DOUTSIDE: clean
// case -DNO_FLUSH -DKEEPS: clean
#include "frame.inc"
#include "smp.inc"
#define HAS_SETUP
        .macro setup
        full_tables
        start_second
        wait    1
        tlbi    alle1is                         // a new generation of VMIDs
        dsb     ish
        say     2
        wait    3
        ldr     x0, =0x84000008                 // SYSTEM_OFF
        smc     #0
        .endm
#include "tables.inc"

second_cpu:
        set_up_second
        ldr     x0, =0x80023559
        msr     vtcr_el2, x0
        ldr     x0, =0x80080019
        msr     hcr_el2, x0
        ldr     x0, =0x80000000
        msr     vmpidr_el2, x0
        msr     cptr_el2, xzr
        ldr     x0, =0x30d00800
        msr     sctlr_el1, x0
        begin_guest second
        isb
        b       enter

handle: // of the second CPU: HVC #0, and then #1
        dsb     nsh                             // walks of who has left
        and     x2, x1, #0xff
        cbnz    x2, 2f
#ifdef OUTSIDE
        say     1
        wait    2
#endif
#ifndef KEEPS                                   // the VM has taken its VMID along
        adrp    x2, other_stage2
        orr     x2, x2, #1 << 48
        msr     vttbr_el2, x2
        isb
#endif
#ifndef NO_FLUSH
        tlbi    vmalls12e1
        dsb     nsh
#endif
        ret
2:      say     3
        b       .

guest:
#ifndef OUTSIDE
        say     1
        wait    2
#endif
        hvc     #0
        hvc     #1

        data_of_second
