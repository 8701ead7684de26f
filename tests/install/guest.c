/* What the examples run: a program that calls gcd() a hundred times and switches off by PSCI, and
 * functions that keep the procedure call standard or do not. */
#include <stdint.h>

__asm__(".globl _start\n"
        "_start: ldr x0, =0x48000000\n"
        "mov sp, x0\n"
        "bl run\n"
        "ldr x0, =0x84000008\n" /* SYSTEM_OFF */
        "smc #0\n"
        "b .\n"
        /* Uses X20, and does not put it back. */
        ".globl careless\n"
        "careless: add x20, x20, #1\n"
        "ret\n");

uint64_t gcd(uint64_t a, uint64_t b);
void run(void);

__attribute__((noinline)) uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void run(void)
{
    for (uint64_t k = 1; k <= 100; k++)
        gcd(360360, k);
}
