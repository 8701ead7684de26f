/* Exceptions that the hypervisor lets a guest take: what the hardware does at an entry to EL1
 * (AArch64.TakeException()), through the accessors, so it is right whether the registers are in the
 * CPU or in memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

void inject_undefined(struct vcpu *v);

/* Synchronous external abort of the access that exited: data or, @fetch, instruction. */
void inject_abort(struct vcpu *v, bool fetch, uint64_t far);

/* A virtual SError; @iss is what the guest's ESR_EL1 says where the CPU has FEAT_RAS. */
void inject_serror(struct vcpu *v, uint64_t iss);
