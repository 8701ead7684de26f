/* What the semihosting operations are made of: machine/semihosting.c has them by number,
 * machine/semihosting_io.c those that move bytes. */
#pragma once

#include "cpu/mem.h"
#include "machine/machine.h"

enum semi_result {
    SEMI_DONE,
    SEMI_FAULT, /* an exception has been taken, as by an access of the guest */
    SEMI_MORE,  /* go on at the CPU's next turn */
    SEMI_WAIT,  /* go on when console input has come */
};

/* One call: what it works on, and its arguments as they were when it began. */
struct semi {
    struct arm_machine *m;
    struct semihosting *s;
    struct cpu *cpu;
    const struct insn *i;
    struct semi_call *call;
    const uint64_t *arg;
};

static inline enum semi_result semi_answer(const struct semi *c, uint64_t value)
{
    c->cpu->x[0] = value;
    return SEMI_DONE;
}

static inline enum semi_result semi_fail(const struct semi *c, int error)
{
    c->s->error = error;
    return semi_answer(c, ~UINT64_C(0));
}

/* 0 or more is the answer, a negative errno a failure. */
static inline enum semi_result semi_answer_or_fail(const struct semi *c, int64_t value)
{
    return value < 0 ? semi_fail(c, (int)-value) : semi_answer(c, (uint64_t)value);
}

/* Guest memory, as the caller sees it; false: a fault was taken. */

static inline bool semi_load(const struct semi *c, uint64_t va, unsigned size, uint64_t *value)
{
    return mem_load(c->cpu, c->i, va, size, 0, value);
}

static inline bool semi_store(const struct semi *c, uint64_t va, unsigned size, uint64_t value)
{
    return mem_store(c->cpu, c->i, va, size, 0, value);
}

bool semi_store_bytes(const struct semi *c, uint64_t va, const void *data, size_t size);

/* Operations of these numbers. */
enum semi_result semi_writec(const struct semi *c);
enum semi_result semi_write0(const struct semi *c);
enum semi_result semi_write(const struct semi *c);
enum semi_result semi_read(const struct semi *c);
enum semi_result semi_readc(const struct semi *c);

/* Bytes of ":semihosting-features", which semi_read() reads. */
#define SEMI_FEATURES_BYTES 5
