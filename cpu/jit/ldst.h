/* Loads and stores as their templates see them. */
#pragma once

#include "cpu/exec/ldst.h"
#include "cpu/jit/template.h"
#include "cpu/jit/translate.h"

enum mode { OFFSET = LS_OFFSET, POST = LS_POST, PRE = LS_PRE, INDEX, LITERAL, BASE };

struct kind {
    unsigned size; /* bytes of one register */
    enum mode mode;
    bool load, sign, wide, pair, vector;
    bool unpriv;
    bool aligned; /* or it is for the exec_ function */
};

/* arg: log2 of the size, the mode, and these. */
enum {
    MODE = 3, /* shift */
    LOAD = 0x40,
    SIGN = 0x80 | LOAD,
    WIDE = 0x100,
    PAIR = 0x200,
    V = 0x400,
    ALIGNED = 0x800,
    UNPRIV = 0x1000,
};

static inline struct kind kind_of(unsigned arg)
{
    return (struct kind){.size = 1u << (arg & 7),
                         .mode = (enum mode)(arg >> MODE & 7),
                         .load = arg & LOAD,
                         .sign = (arg & SIGN) == SIGN,
                         .wide = arg & WIDE,
                         .pair = arg & PAIR,
                         .vector = arg & V,
                         .unpriv = arg & UNPRIV,
                         .aligned = arg & ALIGNED};
}

static inline bool writes_back(const struct kind *a)
{
    return a->mode == POST || a->mode == PRE;
}

/* What the pseudocode leaves open, and the exec_ functions choose. */
static inline bool is_odd(const struct insn *i, const struct kind *a)
{
    if (a->load && a->pair && i->rd == i->ra)
        return true;
    return a->load && !a->vector && writes_back(a) &&
           (i->rd == i->rn || (a->pair && i->ra == i->rn));
}

static inline unsigned bytes(const struct kind *a)
{
    return a->pair ? 2 * a->size : a->size;
}

static inline unsigned how(const struct kind *a)
{
    return (a->load ? TR_LOAD : TR_STORE) | (a->unpriv ? TR_UNPRIV : 0);
}

/* From the base as it is before the instruction. */
static inline int32_t offset(const struct insn *i, const struct kind *a)
{
    return a->mode == POST ? 0 : (int32_t)i->imm;
}

static inline int32_t step(const struct insn *i, const struct kind *a)
{
    return writes_back(a) ? (int32_t)i->imm : 0;
}

static inline bool loads_base(const struct insn *i, const struct kind *a)
{
    return a->load && !a->vector && (i->rd == i->rn || (a->pair && i->ra == i->rn));
}

/* CheckSPAlignment() is the slow path's, for the first access; it comes back if there is nothing to
 * check. @base: the base's register, or RAX, which it has not any more. RDX and EFLAGS go. */
void ldst_check_sp(struct tr *t, enum x86_reg base, struct stub *slow, unsigned *jumps);

/* The kind of instruction @k. False: it is not one of the templates in ldst.c. */
bool ldst_kind(const struct tr *t, unsigned k, struct kind *a);

/* The bytes that instruction @k accesses, if it is one of the templates in atomic.c; exclusive.c.
 * 0: it is not. */
unsigned tr_atomic_bytes(const struct tr *t, unsigned k);
unsigned tr_exclusive_bytes(const struct tr *t, unsigned k);

/* How many instructions from @k on, which is an @a, are looked up in L1 at once. */
unsigned ldst_at_once(const struct tr *t, unsigned k, const struct kind *a);
