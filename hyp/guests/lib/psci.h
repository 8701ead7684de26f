/* PSCI 1.1 (DEN0022) and SMCCC (DEN0028), by the conduit of the device tree. */
#pragma once

#include "arch/psci.h"
#include "guest.h"

int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* PSCI returns 32 bits from functions of either convention: the sign is that of bit 31. */
static inline int32_t psci32(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    return (int32_t)psci(function, a, b, c);
}
