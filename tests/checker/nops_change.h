/* What nops.c makes of an instruction, in place of leaving it out: the slips that hypervisors'
 * histories have. */
#ifndef ARMILLARY_TESTS_CHECKER_NOPS_CHANGE_H
#define ARMILLARY_TESTS_CHECKER_NOPS_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOP UINT32_C(0xd503201f)

struct change {
    const char *name, *what;
    uint32_t (*of)(uint32_t w); /* the instruction in the place of w; w: none */
};

extern const struct change changes[];
extern const unsigned change_count;

bool is_write(uint32_t w); /* MSR of a register */

/* As a row names it: `msr TPIDR_EL1`. */
void describe(uint32_t w, char *buf, size_t size);

#endif
