/* The tweakable block cipher QARMA-64, as pointer authentication uses it. */
#pragma once

#include <stdint.h>

/**
 * qarma64() - encrypt one block: ComputePACQARMA(), DDI0487, and R. Avanzi, "The QARMA Block Cipher
 *             Family" (2017).
 * @tweak: the modifier. @w0, @k0: whitening and core key (the upper and lower half of a PAC key).
 * @rounds: 5 with S-box sigma_2 is QARMA5 (FEAT_PACQARMA5); 3 with sigma_1 is QARMA3
 *          (FEAT_PACQARMA3). At most 5.
 * @sigma: S-box, 1 or 2.
 */
uint64_t qarma64(uint64_t data, uint64_t tweak, uint64_t w0, uint64_t k0, unsigned rounds,
                 unsigned sigma);
