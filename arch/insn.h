/*
 * The decoded record of one instruction, and the table of all of them (arch/a64.def).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/features.h"

struct cpu;
struct insn;

/* What an exec_ function did, and where the CPU goes next. */
enum exec_result {
    EXEC_NEXT,   /* retired; continue with the next record */
    EXEC_BRANCH, /* retired; taken direct branch, the target is insn_target() */
    EXEC_JUMP,   /* retired; cpu->pc is the target */
    EXEC_SYNC,   /* retired; next in line, but interrupts or context may have changed: recheck */
    EXEC_EXIT,   /* retired; cpu->pc is the target; interrupts or context may have changed */
    EXEC_ABORT, /* not retired: an exception was taken before it completed; cpu->pc is the vector */
};

typedef enum exec_result exec_fn(struct cpu *cpu, const struct insn *i);

/* General register operands are indexes into cpu->x[], so that no exec_ function tests for 31. */
enum {
    REG_ZR = 31,   /* always reads as zero, never written */
    REG_SP = 32,   /* the current stack pointer */
    REG_SINK = 33, /* where a result for XZR goes; never read for its value */
    REG_COUNT = 34,
};

struct insn {
    exec_fn *fn;
    int64_t imm; /* fully expanded, see the row's form; rows with form RAW: the instruction word */
    uint16_t op; /* enum a64_op */
    uint8_t rd;  /* Rd Rt Vd Vt */
    uint8_t rn;  /* Rn Vn */
    uint8_t rm;  /* Rm Rs Vm */
    uint8_t ra;  /* Ra Rt2 Va Vt2 */
    uint8_t sz;  /* see the form */
    uint8_t mod; /* see the form */
};

/* Kinds of row: which access check comes before the instruction, and how a block ends. */
enum a64_class {
    A64_INT,   /* no check */
    A64_FP,    /* CheckFPAdvSIMDEnabled64() first */
    A64_UNDEF, /* allocated in the manual, not implemented here: UNDEFINED, and logged */
};

enum a64_jit { JIT_NATIVE, JIT_CALL, JIT_END };

enum a64_op {
#define A64(name, ...) A64_##name,
#include "arch/a64.def"
#undef A64
    A64_UNALLOCATED, /* no row matches */
    A64_OP_COUNT
};

struct a64_row {
    const char *name;               /* the row's identifier: "ADD_imm" */
    const char *mnemonic;           /* "add"; see a64.def for {2} */
    const char *pattern;            /* as in the table */
    uint32_t mask, value;           /* fixed bits */
    enum feature feature, feature2; /* it needs both */
    uint8_t cls;                    /* enum a64_class */
    uint8_t jit;                    /* enum a64_jit */
};

/* Indexed by enum a64_op; A64_UNALLOCATED has a row of its own with a zero mask. */
extern const struct a64_row a64_rows[A64_OP_COUNT];

/**
 * a64_lookup() - the row of one instruction word, whatever features the CPU has.
 * Return: A64_UNALLOCATED if no row's fixed bits and condition match.
 */
enum a64_op a64_lookup(uint32_t word);

/* A feature that the row of @op needs and @f has not; FEAT_BASE if there is none. */
enum feature a64_missing_feature(enum a64_op op, const struct features *f);

/**
 * a64_decode() - fill a record. @page_offset: of the instruction in its 4 KiB page, bytes; it is
 * added to PC-relative immediates. @fn is left alone.
 */
void a64_decode(uint32_t word, unsigned page_offset, struct insn *i);

/* The prototypes: a row without a function is a link error. Who includes exec_ functions as static
 * inline defines A64_NO_PROTOTYPES first and declares the others after them. */
#ifndef A64_NO_PROTOTYPES
#define A64(name, ...) exec_fn exec_##name;
#include "arch/a64.def"
#undef A64
#endif
exec_fn exec_UNALLOCATED;
