// Texts on the console that mean the end, and what goes on behind them.
//
// dies -DLINUX: the guest says that it has died: [    0.1] Kernel panic - not syncing: VFS (Linux)
// dies -DLINUX | --on-death=stop | code 5: the guest says that it has died: [    0.1] Kernel panic - not syncing: VFS (Linux)
// dies -DXEN | --on-death=stop | code 5: (XEN) Panic on CPU 0: (Xen)
// dies -DUBOOT | --on-death=stop | code 5: resetting ... (U-Boot)
// lives -DUBOOT
// lives -DLINUX | --on-death=ignore
#include "common.inc"
    .global _start
_start:
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
    .asciz "Booting\r\n[    0.1] Kernel panic - not syncing: VFS\r\n"
#elif defined(XEN)
    .asciz "(XEN) Panic on CPU 0:\r\n"
#else
    .asciz "resetting ...\r\n"
#endif
