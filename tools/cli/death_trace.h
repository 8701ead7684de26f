/* A run's past, by running it again. */
#pragma once

#include "death_state.h"

#define DEATH_TRACE 1024 /* events that are kept; about half as many instructions */

/* The last instructions of a CPU, and their accesses to memory, before a place in its run. */
struct death_trace {
    struct arm_event ring[DEATH_TRACE]; /* ARM_EVENT_INSN, ARM_EVENT_MEM */
    unsigned cpu, count;
    struct arm_event acknowledged; /* the last ARM_EVENT_SYSREG_READ of an ICC_IAR among them */
};

/* The machine of @req before its first instruction, whose output nobody gets, but @log (NULL: nor
 * that) its lines; the caller frees it. NULL: @m's run cannot be had again (host's files and
 * devices, input), or was too long. */
struct arm_machine *death_again(struct arm_machine *m, const struct run_request *req,
                                const struct arm_log *log);

/* Before @cpu had retired @retired instructions; freed by g_free(). NULL: not to be had. */
struct death_trace *death_trace_new(const struct corpse *c, unsigned cpu, uint64_t retired);

/* How much @cpu had retired when it came to @pc for the first time. False: not known. */
bool death_find_arrival(const struct corpse *c, unsigned cpu, uint64_t pc, uint64_t *retired);

/* What @cpu does next, by a copy of the machine: of a run that cannot be had again, but goes round.
 * NULL: there is no copy of it (host's files that it writes, or folders). */
struct death_trace *death_trace_ahead(const struct corpse *c, unsigned cpu);

unsigned death_trace_length(const struct death_trace *t); /* @t may be NULL */

/* The event that is @n before the last; NULL: there are not so many. */
const struct arm_event *death_trace_back(const struct death_trace *t, unsigned n);

/* Stores to @size bytes at @pa (in one page) before @cpu had retired @retired instructions, but for
 * those of this CPU's instructions at but_from to but_to. */
struct death_stores {
    unsigned cpu;
    uint64_t retired, pa, size, but_from, but_to;
};

struct death_store {
    struct arm_event event; /* ARM_EVENT_STORE */
    uint32_t word;          /* the instruction */
};

/* The last of them. False: none, or not known. */
bool death_last_store(const struct corpse *c, const struct death_stores *of,
                      struct death_store *out);

/* The last write to the register of a device at @pa. False: none, or not known. */
bool death_last_mmio(const struct corpse *c, uint64_t pa, struct arm_event *out);

/* Does the instruction load or store by SP? Bits 9:5 of the class of loads and stores, C4.1. */
static inline bool death_is_by_sp(uint32_t word)
{
    return (word & 0x0a000000) == 0x08000000 && (word >> 5 & 31) == 31;
}

/* LDR (literal): what it loads is a constant. */
static inline bool death_is_literal(uint32_t word)
{
    return (word & 0x3b000000) == 0x18000000;
}
