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
