/* Device registers. Single instructions without writeback, the only ones whose data abort tells a
 * hypervisor what they do (ESR_EL2.ISV); and writes after everything before them. */
#pragma once

#include "guest.h"

#define MMIO(bits, suffix, width)                                                                  \
    static inline uint##bits##_t rd##bits(uint64_t at)                                             \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        __asm__ volatile("ldr" suffix " %" width "0, [%1]" : "=r"(v) : "r"(at) : "memory");        \
        return v;                                                                                  \
    }                                                                                              \
    static inline void wr##bits(uint64_t at, uint##bits##_t v)                                     \
    {                                                                                              \
        __asm__ volatile("dsb sy; str" suffix " %" width "0, [%1]" ::"r"(v), "r"(at) : "memory");  \
    }
MMIO(8, "b", "w")
MMIO(32, "", "w")
MMIO(64, "", "x")
#undef MMIO
