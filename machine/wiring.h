/* Who is connected to whom: the GIC, the board and the CPUs of a machine. */
#pragma once

#include "arch/cpu_models.h"
#include "armillary.h"

/* Create the parts of @m that @m->config, @gic, @model and @features describe, and connect them.
 * Return 0 or -ARM_Exxx; in both cases what was made is freed by arm_machine_free(). */
int machine_wire(struct arm_machine *m, const struct arm_gic_config *gic,
                 const struct cpu_model *model, const struct features *features,
                 struct arm_error *err) __attribute__((warn_unused_result));

/* The CPUs, as far as they are there, with what has been made of code. */
void machine_free_cpus(struct arm_machine *m);
