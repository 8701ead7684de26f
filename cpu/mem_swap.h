/* Stores that others may be in the way of: of exclusives and atomics, where CPUs run at the same
 * time (cpu/parallel.h). */
#pragma once

#include "cpu/mem.h"

/*
 * Store the low @size (1, 2, 4, 8) bytes of @desired at @va if those of @expected are there, as one
 * access that nothing comes between, and a full barrier. A device is not read: it is stored to.
 * False: an exception is raised. *swapped: whether it has been stored.
 */
bool mem_swap(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
              uint64_t expected, uint64_t desired, bool *swapped);

/* Likewise of 16 bytes, the low half first. */
bool mem_swap128(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned acc,
                 const uint64_t expected[2], const uint64_t desired[2], bool *swapped);
