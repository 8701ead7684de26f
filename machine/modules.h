/* Boot modules and domains of the configuration, kept for a reboot. */
#pragma once

#include "armillary.h"

/* Return 0 or -ARM_Exxx; in both cases freed by machine_free_modules(). */
int machine_copy_modules(struct arm_machine *m, const struct arm_config *c, struct arm_error *err)
    __attribute__((warn_unused_result));
void machine_free_modules(struct arm_machine *m);
