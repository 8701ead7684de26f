/* clang-format off */
/*
 * Power states of virtual CPUs and of their machines, as PSCI (DEN0022) has them:
 *
 *     OFF --power_on()--> ON_PENDING --power_arrived()--> ON --power_leave()--> OFF
 *
 * A machine stops (SYSTEM_OFF, SYSTEM_RESET, a crash) by telling each virtual CPU to leave. It has ended when the last
 * one has left; no virtual CPU is switched on in between. All of it under vm->lock.
 */
/* clang-format on */
#pragma once

#include "hyp/vcpu.h"

/* CPU_ON, and its answer. */
int64_t power_on(struct vcpu *v, uint64_t entry, uint64_t x0);

/* AFFINITY_INFO of one virtual CPU: PSCI_ON, PSCI_OFF, PSCI_IS_PENDING. */
int64_t power_state(struct vcpu *v);

/* From its own task: has it been switched on? Then it begins where v->entry says, and tells. */
bool power_called(struct vcpu *v);
void power_arrived(struct vcpu *v);

/* From its own task: it is off. If it was the last one its machine has ended, and may begin again
 * in here (vm_ops.ended). */
void power_leave(struct vcpu *v);
