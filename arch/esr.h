/* ESR_ELx: exception classes and the common fields. */
#pragma once

#include <stdint.h>

enum esr_ec {
#define ESR_EC(name, value, text) ESR_EC_##name = (value),
#include "arch/esr.def"
#undef ESR_EC
};

#define ESR_IL (UINT64_C(1) << 25) /* a 32-bit instruction */

static inline uint64_t esr(enum esr_ec ec, uint64_t iss)
{
    return (uint64_t)ec << 26 | ESR_IL | iss;
}

/* What an exception class means, or "reserved". */
const char *esr_ec_text(unsigned ec);
