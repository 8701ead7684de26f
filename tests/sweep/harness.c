#include "harness.h"

#define UART ((volatile uint32_t *)0x09000000)

struct outcome outcome;
uint64_t rng_state;

uint64_t rnd(void)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return rng_state * UINT64_C(0x2545f4914f6cdd1d);
}

void put(const char *text)
{
    for (; *text; text++)
        UART[0] = (uint8_t)*text;
}

void put_hex(uint64_t v)
{
    int shift = 60;

    while (shift && !(v >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        UART[0] = (uint8_t) "0123456789abcdef"[(v >> shift) & 15];
}

void finish(uint64_t code)
{
    uint64_t block[2] = {0x20026, code};
    register uint64_t x0 __asm__("x0") = 0x18;
    register uint64_t *x1 __asm__("x1") = block;

    for (;;)
        __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
}

/* What the compiler calls by itself. */
void *memset(void *to, int value, size_t size)
{
    for (uint8_t *p = to; size; size--)
        *p++ = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *p = to;

    for (const uint8_t *q = from; size; size--)
        *p++ = *q++;
    return to;
}
