#include "psci.h"

#include "platform.h"

int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;

/* SMCCC 1.0 lets a call change X4 to X17. */
#define CALL(conduit)                                                                              \
    __asm__ volatile(conduit " #0"                                                                 \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                      \
                     :                                                                             \
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",      \
                       "x15", "x16", "x17", "memory")
    if (platform.smc)
        CALL("smc");
    else
        CALL("hvc");
#undef CALL
    return (int64_t)x0;
}
