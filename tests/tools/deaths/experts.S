// What experts forget, and where programs for other boards end.
//
// dies -DHVC | --max-insns 40M --on-death=stop | code 4: HVC #0 at && (crash+0x4) (EL2) comes to EL2, where nothing handles it && a machine with EL2 reaches by SMC
// dies -DSMC | --no-el2: SMC at EL1 is undefined: at && /psci method says
// dies -DTSC: SMC #0 at && (kernel+0x4) (EL1) comes to EL2, where nothing handles it && it is trapped: HCR_EL2 is 0x80080000
// dies -DTWI: WFI at && (kernel+0) (EL1) is trapped to EL2 again and again: the handler returns to it && add 4 to ELR_EL2
// dies -DEL0SVC | --no-el2: SVC #0 at && (user+0) (EL0) comes to EL1, where nothing handles it && VBAR_EL1+0x400 only stops
// dies -DUNHANDLED | --no-el2: an IRQ is taken to EL1 at && nothing handles it && INTID 27 (the virtual timer) is in hand
// dies -DGICV2 | --no-el2: a store to 0x8010000 && a GICv2 has its CPU interface there, and this machine has a GICv3
// dies -DGICR | --no-el2 --gic version=2: a load from 0x80a0014 && a GICv3 has its redistributors there, and this machine has a GICv2
// dies -DRASPI | --no-el2: asks again and again for a device's register at 0x3f201018 && a Raspberry Pi 2 or 3 has its devices there
// dies -DSPEAKS=0x30890040 | --no-el2: the guest has said nothing: what it writes to 0x30890040 is lost: an i.MX 8M has its UARTs there && try: a driver for the PL011
// dies -DSPEAKS=0x1c090000 | --no-el2: the guest has said nothing: what it writes to 0x1c090000 is lost: Arm's FVPs and Versatile Express
// lives -DSPEAKS=0x10000000 | --no-el2
// dies -DSPEAKS=0x60000000 | --no-el2: a store to 0x60000000 && QEMU's sbsa-ref has its UARTs there; this board has its UART, a PL011, at 0x9000000
// dies -DSPEAKS=0x70006000 | --no-el2: a store to 0x70006000 && a Tegra X1 has its UARTs there
// dies -DSPEAKS=0xc81004c0 | --no-el2: a store to 0xc81004c0 && an Amlogic S905 has its UARTs there
// dies -DRASPI4 | --no-el2: a load from 0xfe201018 && a Raspberry Pi 4 has its devices there && a PL011, at 0x9000000
// dies -DTABLE | --no-el2: nothing answers where its table of level 2 should be && the level-1 descriptor of stage 1 && PA 0x90000000 is behind
// dies -DBTI | --no-el2 --cpu max: an indirect jump at EL1 to && which is no BTI && the page is guarded
// dies -DPAC | --no-el2 --cpu max: a signed pointer is not what was signed: authentication failed at && key APIA
// dies -DELR0 | code 4: it executes zeros at 0 && went there: ELR_EL2 was 0
// dies -DHANDLER | --no-el2: it executes zeros at 0 && (wrong+0x204) (EL1) went there: ELR_EL1 was 0
// dies -DIRQ | --no-el2 | code 4: VBAR_EL1+0x280) has no instruction: an IRQ came && VBAR_EL1 is 0, written at
// dies -DSTANDS | --max-insns 40M --on-death=stop | code 4: a load from 0x100000000 && its handler has stopped at
// dies -DHANG | --max-insns 40M --on-death=stop | code 4: a load from 0x100000000 && its handler has stopped at && (hang+0)
#include "common.inc"
    .global _start
    .global crash
_start:
    own_vectors
crash:
#if defined(SMC)                    // PSCI's conduit is HVC without EL2
    ldr w0, =0x84000008
    smc #0
#elif defined(HVC)                  // and SMC with it
    ldr w0, =0x84000008
    hvc #0
#elif defined(TSC)
    put hcr_el2, 0x80080000
    set vbar_el1, vectors
    set elr_el2, kernel
    put spsr_el2, 0x3c5
    eret
kernel:
    ldr w0, =0x84000008
    smc #0
#elif defined(TWI)
    put hcr_el2, 0x80002000
    set vbar_el2, again
    set elr_el2, kernel
    put spsr_el2, 0x3c5
    eret
kernel:
    wfi
    b kernel
    .balign 2048
again: .skip 0x400
    eret
#elif defined(GICR)
    ldr x1, =0x80a0014
    ldr w0, [x1]
#elif defined(GICV2)
    ldr x1, =0x8010000
    mov w0, #1
    str w0, [x1]
#elif defined(RASPI)
    ldr x1, =0x3f201000
1:  ldr w0, [x1, #0x18]
    tbnz w0, #5, 1b
    mov w0, #'A'
    str w0, [x1]
    b .
#elif defined(SPEAKS)               // to another board's UART, in the window of PCI, and is done
    ldr x0, =SPEAKS
    mov w1, #'A'
    str w1, [x0]
    b .
#elif defined(RASPI4)
    ldr x1, =0xfe201000
    ldr w0, [x1, #0x18]
#elif defined(TABLE)
    map 0x703
    adrp x9, tables
    ldr x10, =0x90000003
    str x10, [x9, #16]
    mmu_on_el1
    ldr x1, =0x80000000
    ldr x0, [x1]
#elif defined(BTI)
    map 0x4000000000703
    mrs x9, sctlr_el1
    orr x9, x9, #(1 << 35)
    orr x9, x9, #(1 << 36)
    msr sctlr_el1, x9
    mmu_on_el1
    bti c
    adr x1, 2f
    blr x1
2:  nop
    b .
#elif defined(PAC)
    map 0x703
    mrs x9, sctlr_el1
    orr x9, x9, #(1 << 31)
    msr sctlr_el1, x9
    mmu_on_el1
    adr x30, crash
    mov x9, #64
    paciasp
    mov sp, x9
    autiasp
    ret
#elif defined(ELR0)
    put hcr_el2, 0x80000000
    put spsr_el2, 0x3c5
    eret
#elif defined(UNHANDLED)            // an interrupt whose vector only stops
    ticks
    b .
#elif defined(STANDS)               // said at once, not when a limit comes
    ldr x1, =0x100000000
    ldr x0, [x1]
#elif defined(HANG)                 // likewise, away from the vectors
    set vbar_el2, stops
    ldr x1, =0x100000000
    ldr x0, [x1]
    .balign 2048
stops: .skip 0x200
    b hang
    .skip 0x400
hang: b .
#elif defined(IRQ)
    put vbar_el1, 0
    ticks
    b .
#elif defined(HANDLER)              // that clobbers ELR
    set vbar_el1, wrong
    svc #0
    b .
    .balign 2048
wrong: .skip 0x200
    msr elr_el1, xzr
    eret
#elif defined(EL0SVC)
    set elr_el1, user
    put spsr_el1, 0
    eret
user: svc #0
    b .
#endif
    b .
    .balign 8
word:
    .quad 0
    park
    spaces
