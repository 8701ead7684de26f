/* Registers and single instructions, for bare-metal programs in C. */
#pragma once

#include <stdint.h>

/* Those of every version; what a CPU model lacks is asked of its ID registers. */
__asm__(".arch armv8.7-a+sve");

#define BIT(n)           (UINT64_C(1) << (n))
#define FIELD(v, hi, lo) (((v) >> (lo)) & (BIT((hi) - (lo) + 1) - 1))
#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))

#define mrs(reg)                                                                                   \
    ({                                                                                             \
        uint64_t v_;                                                                               \
        __asm__ volatile("mrs %0, " #reg : "=r"(v_)::"memory");                                    \
        v_;                                                                                        \
    })
#define msr(reg, value)                                                                            \
    __asm__ volatile("msr " #reg ", %0\n\tisb" ::"r"((uint64_t)(value)) : "memory")
#define insn(text) __asm__ volatile(text ::: "memory")
#define isb()      insn("isb")
#define dsb()      insn("dsb sy")
