/* "n1", "max,-pauth,+qarma5": a CPU model and features, as --cpu takes them. */
#pragma once

#include "arch/cpu_models.h"
#include "base/error.h"

/* Return 0, or -ARM_EINVAL naming the word that is wrong and what is known. */
int cpu_spec_parse(const char *spec, const struct cpu_model **model, struct features *features,
                   struct arm_error *err) __attribute__((warn_unused_result));
