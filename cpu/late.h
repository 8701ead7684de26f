/*
 * Late effects: a mode in which what the manual allows to be late is late, so that a missing
 * barrier becomes a failure that one can see. Off (cpu->late is NULL) nothing asks for it.
 *
 * - A direct write of a system register with indirect readers takes effect at the CPU's next
 * context synchronization event: ISB, exception, ERET (D24.1.2, Synchronization requirements for
 * AArch64 System registers). The value waits beside its home: who reads the home indirectly sees
 * the old one, and MRS of the same register the new one. Special-purpose registers and ICC_PMR_EL1
 * are at once, as there.
 * - The PAR_EL1 of an AT is there behind such an event; MRS before it sees the old one (there, an
 * indirect write and a direct read).
 * - A TLBI takes effect at the DSB of the same CPU that covers it; those that no DSB stands
 * between, in any order. While one is on its way, or a store to a table, a CPU whose TLB loses
 * entries may walk for them at once (cpu/refetch.h).
 * - A store to a translation table is visible to walks behind a DSB; of none, if hardware updates
 *   the table's flags.
 * - A store to GICV of a GICv3 reaches the interface behind a DSB, or with the CPU's next load from
 * there (IHI0069, Observability of the effects of accesses): ICH_ registers are read without its
 * effect.
 * - A store to code that has been executed is visible to fetches after DSB, IC, DSB (where
 * CTR_EL0.DIC says that it is needed) and a context synchronization event.
 *
 * Whether each is late, or at once, follows from the seed. What is late is so for a time only, as
 * in hardware: registers and GICV until the CPU's turn ends, TLBI and tables for LATE_MAX_NS at
 * most.
 *
 * Simplified: fetches of all CPUs see the same bytes, and a DSB of any CPU shows the tables that
 * all have written, or, if it is NSH, to its own CPU's walks those that this one has. A snapshot
 * makes stores to code visible.
 */
#pragma once

#include "cpu/cpu.h"

struct device;
struct state_io;

/* In cpu->wanted, beside the events: this mode. */
#define WANTED_LATE BIT(63)

#define LATE_MAX_NS UINT64_C(400000)

/* Let a write that was late take effect. @virt: of the GIC's virtual interface. */
typedef void late_write_fn(struct cpu *cpu, enum sysreg sr, bool virt, uint64_t value);

/* For all CPUs of a machine. NULL: no memory. */
struct late *late_create(unsigned cpus, uint64_t seed, late_write_fn *write);
void late_destroy(struct late *late);
void late_state(struct state_io *io, struct late *late, struct cpu *const *cpus);

/* A CPU that is reset has nothing that is to come; the rest of a machine neither. */
void late_reset_cpu(struct cpu *cpu);
void late_reset(struct late *late, struct physmem *mem);

/* A direct write; false: it is at once, and the caller's. @replaces: the row is plain storage, of
 * which the last value counts. */
bool late_write(struct cpu *cpu, enum sysreg sr, bool virt, bool replaces, uint64_t value);

/* An instruction's result in @sr; false: likewise. */
bool late_result(struct cpu *cpu, enum sysreg sr, uint64_t value);

/* The value that @sr has for direct reads. False: nothing is on its way. */
bool late_value(const struct cpu *cpu, enum sysreg sr, uint64_t *value);

/* What has been written up to @sr, in order, takes effect: it is read, and its value is more than
 * what was written. */
void late_settle(struct cpu *cpu, enum sysreg sr);

/* A context synchronization event. Return: something has taken effect. */
bool late_synchronize(struct cpu *cpu);

/* DSB of @domain and type as in its operand; likewise. */
bool late_dsb(struct cpu *cpu, unsigned domain, unsigned type);

/* TLBI; false: it is at once. */
bool late_tlbi(struct cpu *cpu, const struct tlbi *op, bool broadcast);

/* @cpu has walked for @va of EL1&0. Pages of the last such walks, *count of them. */
void late_note_walk(struct cpu *cpu, uint64_t va);
const uint64_t *late_walked(const struct cpu *cpu, unsigned *count);

/* Is something on its way that a walk now could miss, and does the seed want one? */
bool late_refetches(struct late *late);

/* A walk reads the descriptor @raw at @pa. Return: as the walk sees it. */
uint64_t late_descriptor(struct cpu *cpu, uint64_t pa, uint64_t raw);

/* A store of @size bytes at @pa in a page that walks have read, not yet done. */
void late_store(struct cpu *cpu, uint64_t pa, unsigned size);

/* A store to a page with decoded code; false: it is at once. */
bool late_code_store(struct cpu *cpu, uint64_t pa, unsigned size);

/* @dev has stores that wait; NULL: there is none. */
void late_device(struct late *late, struct device *dev);

/* An access of @cpu to @dev. A store; false: it is at once. */
bool late_device_store(struct cpu *cpu, struct device *dev, uint64_t offset, unsigned size,
                       uint64_t value);
void late_device_load(struct cpu *cpu, struct device *dev);

/* IC: of the line at @pa, or of all. */
void late_ic(struct cpu *cpu, bool all, uint64_t pa);

/* Between two turns: that of @cpu has ended; the time is @now_ns. */
void late_turn_ended(struct cpu *cpu, uint64_t now_ns, struct cpu *const *cpus);
