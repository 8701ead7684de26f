/* The sweep of `armillary lab fpsimd`. */
#pragma once

#include "lab.h"
#include "lab_answers.h"

/* Under @image ("hyp") and policy @policy, an interrupt before each instruction (--quick: each
 * eighth) of a passage of a guest that uses FP. False: lab_fail(). */
bool fpsimd_sweep(const struct lab *lab, const char *image, const char *policy,
                  struct fpsimd_sweep *out, struct lab_report *r);
