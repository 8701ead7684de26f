/*
 * QEMU's ramfb (docs/specs of QEMU, hw/display/ramfb): a picture in RAM, whose place and shape
 * firmware writes into the file etc/ramfb of fw_cfg.
 */
#pragma once

#include "devices/display.h"
#include "devices/fw_cfg.h"

struct ramfb {
    struct display_source source; /* for display_add() */
    const struct fw_cfg *fw;
    struct physmem *mem;
};

/* It must not move afterwards. Return 0 or -ARM_Exxx. */
int ramfb_init(struct ramfb *ramfb, struct fw_cfg *fw, struct physmem *mem, struct arm_error *err)
    __attribute__((warn_unused_result));
