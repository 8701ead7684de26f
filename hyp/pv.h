/* Hypercalls of guests that know where they run: hyp/hypercalls.h has them. */
#pragma once

#include <stdint.h>

struct vcpu;

/* The call of function x[0]; returns what X0 says after. */
int64_t pv_call(struct vcpu *v, uint64_t *x);
