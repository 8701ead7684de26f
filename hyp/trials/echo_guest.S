/* Says it is ready, then sends back what it receives, until that is a q: each guest of hyp/trials/echo.c. */
    .arch armv8-a
    .section .rodata
    .balign 16
    .globl echo_guest, echo_guest_end

echo_guest:
    mov x1, #0x09000000               /* the PL011 */
    mov w2, #0x301
    str w2, [x1, #0x30]               /* UARTCR: on, both directions */
    adr x3, ready
1:  ldrb w2, [x3], #1
    cbz w2, 2f
    str w2, [x1]
    b 1b
2:  ldr w2, [x1, #0x18]               /* UARTFR.RXFE: nothing there */
    tbnz w2, #4, 2b
    ldr w2, [x1]
    and w2, w2, #0xff
    cmp w2, #'q'
    b.eq 3f
    str w2, [x1]
    b 2b
3:  mov w0, #8                        /* SYSTEM_OFF */
    movk w0, #0x8400, lsl #16
    hvc #0
ready:
    .asciz "ready\n"
    .balign 4
echo_guest_end:
