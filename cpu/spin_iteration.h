/*
 * One iteration of a loop that waits for the counter, as cpu/spin.c has seen it executed. "Late" is
 * what depends on the counter: registers as the bits of struct a64_use, flags as N=8 Z=4 C=2 V=1.
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/spin_seen.h"

#define SPIN_ACCESSES 32
#define SPIN_OPERANDS 4

struct spin_flags {
    uint64_t nf, zf, cf, vf;
};

/* An access to RAM. */
struct spin_access {
    uint8_t *host;
    unsigned size;
    bool store;
    bool late;         /* the value */
    int source;        /* of a load: the store before it that has written what it reads; -1: none */
    uint8_t bytes[16]; /* what a load without one has read */
};

/* A late instruction, and those of its operands that are not. */
struct spin_late {
    const struct insn *i;
    enum exec_result result; /* of a branch: which way it goes in the loop */
    int access;              /* -1: none */
    uint64_t x_reads, x_writes;
    unsigned flags_read, flags_written;
    unsigned operands;
    uint8_t reg[SPIN_OPERANDS];
    uint64_t value[SPIN_OPERANDS];
    unsigned fixed_flags;
    struct spin_flags flags;
};

/* From behind the read of the counter to in front of it. */
struct spin_iteration {
    const struct insn *read;
    enum sysreg counter;
    uint64_t count;  /* what was read */
    uint64_t length; /* instructions, the read included */
    uint64_t x_start[REG_COUNT];
    unsigned nzcv_start;
    uint64_t x_entry, x_written; /* read before they are written; written */
    unsigned flags_entry, flags_written;
    uint64_t x_late; /* at the end */
    unsigned flags_late;
    unsigned access_count, late_count;
    struct spin_access access[SPIN_ACCESSES];
    struct spin_late late[SPIN_STEPS];
};

/* What each late instruction has left in its destination and in the flags, for one count. */
struct spin_results {
    uint64_t count;
    uint64_t value[SPIN_STEPS];
    uint8_t nzcv[SPIN_STEPS];
};

/**
 * spin_is_steady() - with @lo and @hi all branches go the loop's way: do they with every count in
 * between?
 * Return: false if that is not so, or cannot be told.
 */
bool spin_is_steady(const struct spin_iteration *it, const struct spin_results *lo,
                    const struct spin_results *hi);
