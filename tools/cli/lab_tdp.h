/* What keeping two handlers costs, for `armillary lab tdp`. */
#pragma once

#include "lab.h"
#include "lab_answers.h"

#define TDP_IMAGE "trial-faultpath.img"
#define TDP_ELF   "trial-faultpath.elf"

/* Functions of a layout, decided by a key; NULL-ended. */
const char *const *tdp_functions(unsigned layout);

/* Lines of hyp/s2_fault.c that a layout's code is made of. False: lab_fail(). */
bool tdp_lines(const struct lab *lab, unsigned layout, unsigned *lines, struct lab_report *r);

/* Each instruction (--quick: each eighth) of a layout's code as a NOP, and whether the trial
 * notices in either mode. False: lab_fail(). */
bool tdp_mutants(const struct lab *lab, unsigned layout, struct tdp_mutants *out,
                 struct lab_report *r);
