/* What is behind a guest's RAM: a range of ours, page by page in its order until pages are
 * swapped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vm;

/* Is it all RAM? */
bool memory_has(const struct vm *vm, uint64_t ipa, uint64_t size);

/* A stage-2 fault: true if the guest may try again; false: there is no RAM, or it is a fault for
 * the guest. @esr: which; @write: it needs the right to. */
bool memory_fault(struct vm *vm, uint64_t ipa, uint64_t esr, bool write);

/* Two pages change places, unnoticed by the guest: contents and mappings. False: they are not RAM,
 * or there is too much of it. */
bool memory_swap(struct vm *vm, uint64_t a, uint64_t b);

/* All in order again: the guest starts anew. */
void memory_reset(struct vm *vm);
