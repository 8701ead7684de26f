/* Which interrupts INTIDs are (IHI0069, "INTIDs"): the first of each kind. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define INTID_PPI     16 /* those below are SGIs; both are a CPU's own */
#define INTID_SPI     32
#define INTID_SPECIAL 1020 /* 1020 to 1023 say that none is there to be taken */
#define INTID_LPI     8192

static inline bool intid_is_spi(uint64_t intid)
{
    return intid >= INTID_SPI && intid < INTID_SPECIAL;
}

static inline bool intid_is_special(uint64_t intid)
{
    return (intid & ~UINT64_C(3)) == INTID_SPECIAL;
}

static inline const char *intid_kind(uint64_t intid)
{
    return intid < INTID_PPI   ? "SGI"
           : intid < INTID_SPI ? "PPI"
           : intid < INTID_LPI ? "SPI"
                               : "LPI";
}
