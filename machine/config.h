/* The configuration that a machine is made from. */
#pragma once

#include "arch/cpu_models.h"
#include "armillary.h"

/* Check @c and copy what @m keeps of it. Return 0 or -ARM_Exxx; in both cases freed by
 * machine_free_config(). */
int machine_copy_config(struct arm_machine *m, const struct arm_config *c, struct arm_error *err)
    __attribute__((warn_unused_result));
void machine_free_config(struct arm_machine *m);

/* m->config, the board's description: it points into @c until machine_forget_config(), which is to
 * be called when the board is made, because that belongs to the caller. */
void machine_describe_board(struct arm_machine *m, const struct arm_config *c,
                            const struct cpu_model *model, const struct features *features);
void machine_forget_config(struct arm_machine *m);
