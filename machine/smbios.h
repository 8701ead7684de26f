/*
 * SMBIOS structures (DSP0134 3.0) for firmware that hands them on: what the board says of itself,
 * in QEMU 7.2's words unless a user has others.
 */
#pragma once

#include "machine/virt.h"

/* Into fw_cfg, by the names that QEMU has for them; return 0, or -ARM_Exxx if the user has said
 * what cannot be. */
int virt_smbios(struct fw_cfg *fw, const struct virt_config *cfg, struct arm_error *err)
    __attribute__((warn_unused_result));
