/* Sizes of physical addresses as ID_AA64MMFR0_EL1.PARange, TCR_ELx.{IPS,PS} and VTCR_EL2.PS encode
 * them. */
#pragma once

#include <stdint.h>

/* AArch64.PhysicalAddressSize(), bits. CU-choice: reserved values act as the largest. */
static inline unsigned pa_size_bits(unsigned encoding)
{
    static const uint8_t bits_of[] = {32, 36, 40, 42, 44, 48, 52};

    return bits_of[encoding < sizeof(bits_of) ? encoding : sizeof(bits_of) - 1];
}
