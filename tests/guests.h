/* A few instructions each, to be put anywhere in RAM. */
#pragma once

#include <stdint.h>

/* Semihosting exit with code 42. */
static const uint32_t guest_exit42[] = {
    0x52800300, 0x10000061, 0xd45e0000, 0x14000000, /* mov w0,#0x18; adr x1,args; hlt; b . */
    0x00020026, 0,          42,         0,          /* args */
};

/* b . */
static const uint32_t guest_loop[] = {0x14000000};

/* wfi; b wfi */
static const uint32_t guest_idle[] = {0xd503207f, 0x17ffffff};

/* PSCI SYSTEM_OFF and SYSTEM_RESET by SMC: mov w0,#n; movk w0,#0x8400,lsl #16; smc #0; b . */
static const uint32_t guest_off[] = {0x52800100, 0x72b08000, 0xd4000003, 0x14000000};
static const uint32_t guest_reset[] = {0x52800120, 0x72b08000, 0xd4000003, 0x14000000};

/* Prints '>' on the UART, then what it receives there. */
static const uint32_t guest_echo[] = {
    0xd2a12001, 0x528007c2, 0x39000022, /* mov x1,#0x9000000; mov w2,#'>'; strb w2,[x1] */
    0xb9401822, 0x3727ffe2,             /* ldr w2,[x1,#0x18]; tbnz w2,#4: nothing there */
    0xb9400022, 0x39000022, 0x17fffffc, /* ldr w2,[x1]; strb w2,[x1]; b */
};

/* Prints A to Z on the UART, mixes the time of each into x5, and switches the machine
 * off by PSCI. */
static const uint32_t guest_alphabet[] = {
    0xd2a12001, 0x52800822, /* mov x1,#0x9000000; mov w2,#'A' */
    0x39000022, 0xd53be044,
    0x8b050485, /* 1: strb w2,[x1]; mrs x4,cntvct_el0; add x5,x4,x5,lsl #1 */
    0x11000442, 0x7101685f,
    0x54ffff6d, /* add w2,w2,#1; cmp w2,#'Z'; b.le 1b */
    0x52800100, 0x72b08000,
    0xd4000003, /* mov w0,#8; movk w0,#0x8400,lsl #16; smc #0 */
};

/* Prints 'A' on the UART, for ever. */
static const uint32_t guest_chatter[] = {
    0xd2a12001, 0x52800822, /* mov x1,#0x9000000; mov w2,#'A' */
    0x39000022, 0x17ffffff, /* 1: strb w2,[x1]; b 1b */
};

/* Prints GUEST_BOOK_BYTES times 'A' on the UART, more than a pipe holds, and switches the machine
 * off by PSCI. */
#define GUEST_BOOK_BYTES 0x40000
static const uint32_t guest_book[] = {
    0xd2a12001, 0x52800822, 0x52a00083, /* mov x1,#0x9000000; mov w2,#'A'; mov w3,#0x40000 */
    0x39000022, 0x71000463, 0x54ffffc1, /* 1: strb w2,[x1]; subs w3,w3,#1; b.ne 1b */
    0x52800100, 0x72b08000, 0xd4000003, /* mov w0,#8; movk w0,#0x8400,lsl #16; smc #0 */
};

/* Reads where nothing is, with a vector of its own that waits: to be put at a multiple of 2 KiB. */
static const uint32_t guest_abort[] = {
    [0] = 0x10000000,    0xd51cc000, /* adr x0,.; msr vbar_el2,x0 */
    0xd2a16001,          0xf9400020, /* mov x1,#0xb000000; ldr x0,[x1] */
    [0x80] = 0x14000000,             /* b . */
};

/* Each CPU adds to a shared word by LDXR and STXR, mixes the time into x5, wakes and waits. */
static const uint32_t guest_mix[] = {
    0xd2a8000a, 0x9140054a, 0xd2a1200b, 0xd53800ac, 0x92401d8c, 0xd2800005,
    0xc85f7d41, 0x91000421, 0xc8027d41, 0x8b0200c6, 0x35ffff82, /* 1: ldxr; add; stxr; cbnz 1b */
    0xd53be043, 0x8b050465, 0x910004e7, 0xf24014ff, 0x54000081, /* mrs x3,cntvct_el0; ... */
    0xd503209f, 0xd503205f, 0xd503205f,                         /* sev; wfe; wfe */
    0xf2401cff, 0x54fffe41, 0x11010584, 0x39000164, 0x17ffffef, /* strb w4,[uart]; b 1b */
};
