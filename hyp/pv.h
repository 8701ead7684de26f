/* Hypercalls of guests that know where they run (hyp/psci.h, HYP_...): each returns what X0 says
 * after. */
#pragma once

#include <stdint.h>

struct vcpu;
struct vm;

/* Ours among all hypervisors: x[0] to x[3]. */
int64_t pv_uid(uint64_t *x);

/* For locks with waiters that sleep. A kick before the wait is not lost. @target NULL: no such. */
int64_t pv_wait(struct vcpu *v);
int64_t pv_kick(struct vcpu *target);

int64_t pv_entries(const struct vm *vm);
int64_t pv_unmap(struct vm *vm, uint64_t ipa, uint64_t size);
int64_t pv_swap(struct vm *vm, uint64_t a, uint64_t b);
int64_t pv_log(struct vm *vm, uint64_t what, uint64_t ipa, uint64_t pages);
int64_t pv_tidy(struct vm *vm, uint64_t what, uint64_t ipa, uint64_t size);
