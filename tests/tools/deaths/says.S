// Texts on the console that mean the end, and what goes on behind them.
//
// dies -DLINUX: the guest says that it has died: [    0.1] Kernel panic - not syncing: VFS (Linux)
// dies -DLINUX | --on-death=stop | code 5: the guest says that it has died: [    0.1] Kernel panic - not syncing: VFS (Linux)
// dies -DINIT: Attempted to kill init! exitcode=0x0000000b (Linux) && init, has ended: it has died of signal 11 (SIGSEGV
// dies -DINIT | --on-death=stop | code 5: init, has ended: it has died of signal 11 (SIGSEGV && its own report is above
// dies -DOOPS: the guest says that it has died: Unable to handle kernel NULL pointer dereference at 0x8, at hello_init+0x14/0x1000 [hello] (Linux) && an Oops
// dies -DOOPS | --on-death=stop | code 5: at hello_init+0x14/0x1000 [hello] (Linux)
// dies -DROOTWAIT: the guest says that it waits: [    0.1] Waiting for root device /dev/vda... (Linux) && rootwait is set
// lives -DROOTWAIT -DCAME
// dies -DSILENT: the program has given up: cpu0 is in && (panic+0xc), called at && (no_root+0x8) && its log has: Kernel panic - not syncing: VFS
// dies -DXEN: the guest says that it has died: (XEN) Panic on CPU 0: Could not set up DOM0 guest OS (Xen) && no kernel for its first domain
// dies -DXEN | --on-death=stop | code 5: (XEN) Panic on CPU 0: Could not set up DOM0 guest OS (Xen)
// dies -DRUST: panicked at src/main.rs:5:9: index out of bounds (a Rust program)
// dies -DCUT: the guest says that it has died: (XEN) Panic on CPU 0: (Xen)
// dies -DUBOOT | --on-death=stop | code 5: resetting ... (U-Boot)
// dies -DHYP: Kernel panic - not syncing: HYP panic: PS:000003c9 PC:0000000000001000 (Linux) && KVM itself has failed at EL2
// dies -DINITRAMFS: ALERT!  /dev/vdb1 does not exist.  Dropping to a shell! (an initial RAM disk) && has not found the root
// dies -DEDK2: ASSERT [DxeCore] a.c(12): ((BOOLEAN)(0==1)) (EDK II)
// dies -DTFA: ERROR:   BL2: Failed to load image id 5 (-2) (Trusted Firmware) && 5 BL33
// dies -DSEL4: Caught cap fault in send phase at address 0 (seL4) && there is no handler to tell of it
// dies -DZEPHYR | --on-death=stop | code 5: ZEPHYR FATAL ERROR 2: Stack overflow on CPU 0 (Zephyr) && a thread's stack is too small
// lives -DZEPHYR
// lives -DUBOOT
// lives -DLINUX | --on-death=ignore
#include "common.inc"
    .global _start
_start:
#if defined(SILENT)                   // no console, and it waits in what panic() has called
    ldr x1, =0x40100000
    mov sp, x1
    mov x29, #0
    bl no_root
no_root:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    bl panic
panic:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    bl delay
    b panic
delay:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    mov x2, #1000
4:  add x2, x2, #1
    eor x3, x3, x2
    b 4b
#endif
    adr x1, text
    ldr x2, =0x9000000
1:  ldrb w0, [x1], #1
    cbz w0, 2f
    str w0, [x2]
    b 1b
2:  ldr x0, =100000                  // it goes on a while
3:  subs x0, x0, #1
    add x3, x3, #1
    eor x4, x4, x3
    b.ne 3b
    b far
    .skip 400
far:
    eor x5, x4, x3
    b 2b
text:
#if defined(LINUX)
    .asciz "Booting\r\n[    0.1] Kernel panic - not syncing: VFS\r\nCall trace:\r\n panic+0x10\r\n"
#elif defined(INIT)
    .asciz "[    0.1] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\r\n"
#elif defined(SILENT)
    .asciz "Kernel panic - not syncing: %s"
    .asciz "Kernel panic - not syncing: VFS: no root"
#elif defined(OOPS)
    .ascii "[    0.1] Unable to handle kernel NULL pointer dereference at 0x8\r\nMem abort info:\r\n"
    .ascii "[    0.1] Internal error: Oops: 96000005 [#1] SMP\r\npstate: 60000005\r\n"
    .asciz "[    0.1] pc : hello_init+0x14/0x1000 [hello]\r\nlr : do_one_initcall+0x60/0x2c0\r\n"
#elif defined(ROOTWAIT)
    .ascii "[    0.1] Waiting for root device /dev/vda...\r\n"
# if defined(CAME)
    .ascii "[    0.2] virtio_blk virtio0: [vda] 1 512-byte logical blocks\r\n"
# endif
    .asciz ""
#elif defined(HYP)
    .asciz "[    0.1] Kernel panic - not syncing: HYP panic:\r\nPS:000003c9 PC:0000000000001000\r\n"
#elif defined(INITRAMFS)
    .asciz "ALERT!  /dev/vdb1 does not exist.  Dropping to a shell!\r\n\r\nBusyBox v1.35.0\r\n(initramfs) "
#elif defined(EDK2)
    .asciz "ASSERT [DxeCore] a.c(12): ((BOOLEAN)(0==1))\r\n"
#elif defined(TFA)
    .asciz "INFO:    BL2: Loading image id 5\r\nERROR:   BL2: Failed to load image id 5 (-2)\r\n"
#elif defined(SEL4)
    .ascii "Caught cap fault in send phase at address 0\r\nwhile trying to handle:\r\n"
    .asciz "vm fault on data at address 0x0 with status 0x92000006\r\n"
#elif defined(ZEPHYR)
    .asciz "[00:00:00.000,000] <err> os: >>> ZEPHYR FATAL ERROR 2: Stack overflow on CPU 0\r\n"
#elif defined(XEN)
    .asciz "(XEN) Panic on CPU 0:\r\n(XEN) Could not set up DOM0 guest OS\r\n(XEN) ****\r\n"
#elif defined(CUT)
    .asciz "(XEN) Panic on CPU 0:\r\n"
#elif defined(RUST)
    .asciz "thread 'main' panicked at src/main.rs:5:9:\r\nindex out of bounds\r\nnote: run with\r\n"
#else
    .asciz "resetting ...\r\n"
#endif
