/* PSCI and SMCCC: functions of the firmware below us, and the same for guests. */
#pragma once

#include <stdint.h>

#include "arch/psci.h"
#include "hyp/hypercalls.h"

struct vcpu;
struct vm;

/* By SMC, for us. */
uint64_t smccc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* The call that a guest has made by HVC or SMC: x0 says which; answers in x0-x3. */
void psci_call(struct vcpu *v);

/* The virtual CPU with that affinity (Aff3 in bits 39 to 32, others zero); NULL: there is none. */
struct vcpu *psci_target(struct vm *vm, uint64_t mpidr);
