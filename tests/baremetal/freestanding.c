#include "freestanding.h"

#define SYS_EXIT                    0x18
#define ADP_Stopped_ApplicationExit 0x20026

void semihosting_exit(uint64_t code)
{
    uint64_t block[2] = {ADP_Stopped_ApplicationExit, code};
    register uint64_t x0 __asm__("x0") = SYS_EXIT;
    register uint64_t *x1 __asm__("x1") = block;

    for (;;)
        __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
}

/* The compiler may call these; volatile, so that it does not do so here. */
void *memset(void *to, int value, unsigned long size)
{
    for (volatile char *t = to; size; size--)
        *t++ = (char)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned long size)
{
    volatile char *t = to;

    for (const char *f = from; size; size--)
        *t++ = *f++;
    return to;
}
