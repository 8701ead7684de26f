/*
 * The decoded record of one instruction, and the table of all of them (arch/a64.def).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/features.h"
#include "base/bits.h"

struct cpu;
struct insn;

/* What an exec_ function did, and where the CPU goes next. */
enum exec_result {
    EXEC_NEXT,   /* retired; continue with the next record */
    EXEC_BRANCH, /* retired; taken direct branch, the target is insn_target() */
    EXEC_JUMP,   /* retired; cpu->pc is the target */
    EXEC_SYNC,   /* retired; next in line, but interrupts or context may have changed: recheck */
    EXEC_EXIT,   /* retired; cpu->pc is the target; interrupts or context may have changed */
    EXEC_ABORT,  /* not retired: an exception stands in cpu->raised for the caller to take, or has
                    been  taken, and then cpu->pc is the vector */
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

/* Bit numbers of a row's facts. */
enum a64_fact {
#define FACT(name, text) FACT_##name,
#include "arch/a64_facts.def"
#undef FACT
    FACT_COUNT
};
_Static_assert(FACT_COUNT <= 64, "facts are bits of 64");

/* The registers that a record names, as bits. */
enum a64_role {
    ROLE_RD = 1,
    ROLE_RN = 2,
    ROLE_RM = 4,
    ROLE_RA = 8,
};

/* The texts are in it: a pointer would be relocated when a program starts, 3 * A64_OP_COUNT of
 * them. */
struct a64_row {
    char name[20];                  /* the row's identifier: "ADD_imm" */
    char mnemonic[36];              /* "add"; see a64.def for {2} */
    char pattern[56];               /* as in the table */
    uint32_t mask, value;           /* fixed bits */
    enum feature feature, feature2; /* it needs both */
    uint8_t cls;                    /* enum a64_class */
    uint8_t jit;                    /* enum a64_jit */
    uint8_t reads, writes;          /* roles */
    uint8_t vectors;                /* roles that are V registers; the others are general ones */
    uint64_t facts;                 /* BIT(FACT_xxx) */
    uint32_t acquire, release;      /* the bit of the word that says so, 0: the row's facts do */
};

/* Indexed by enum a64_op; A64_UNALLOCATED has a row of its own with a zero mask. */
extern const struct a64_row a64_rows[A64_OP_COUNT];

/**
 * a64_lookup() - the row of one instruction word, whatever features the CPU has.
 * Return: A64_UNALLOCATED if no row's fixed bits and condition match.
 */
enum a64_op a64_lookup(uint32_t word);

static inline bool a64_is(enum a64_op op, enum a64_fact f)
{
    return (a64_rows[op].facts >> f) & 1;
}

/* MOV Xd, Xm, which is ORR of XZR and a register that is not shifted; either may be XZR. */
static inline bool a64_is_register_move(enum a64_op op, const struct insn *i)
{
    return op == A64_ORR_reg && i->sz && i->imm == 0 && i->mod == 0 && i->rn == REG_ZR;
}

/* MOV Vd.16B, Vn.16B, which is ORR of a register with itself. */
static inline bool a64_is_vector_move(uint32_t word)
{
    return (word & 0xffe0fc00) == 0x4ea01c00 && bits(word, 20, 16) == bits(word, 9, 5);
}

/* The flags (N=8 Z=4 C=2 V=1) that the row reads and writes. */
static inline unsigned a64_flags_read(const struct a64_row *r)
{
    return (unsigned)(((r->facts >> FACT_RN) & 1) << 3 | ((r->facts >> FACT_RZ) & 1) << 2 |
                      ((r->facts >> FACT_RC) & 1) << 1 | ((r->facts >> FACT_RV) & 1));
}

static inline unsigned a64_flags_written(const struct a64_row *r)
{
    return (unsigned)(((r->facts >> FACT_WN) & 1) << 3 | ((r->facts >> FACT_WZ) & 1) << 2 |
                      ((r->facts >> FACT_WC) & 1) << 1 | ((r->facts >> FACT_WV) & 1));
}

/* The registers of one instruction. */
struct a64_use {
    uint64_t x_reads, x_writes; /* BIT(n): cpu->x[n], so BIT(REG_SP); never XZR nor the sink */
    uint32_t v_reads, v_writes; /* BIT(n): cpu->v[n] */
};

/* Which registers the instruction @i of row @r reads and writes if it completes. */
struct a64_use a64_use(const struct a64_row *r, const struct insn *i);

/* The row's facts, less the acquire and release that bits of @word deny. */
uint64_t a64_facts(const struct a64_row *r, uint32_t word);

/* The words of the facts column, and what they mean. */
const char *a64_fact_name(enum a64_fact f);
const char *a64_fact_text(enum a64_fact f);

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
