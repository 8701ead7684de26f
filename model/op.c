#include "model/op.h"

#include <glib.h>
#include <string.h>

#include "arch/sysreg.h"
#include "base/bits.h"

static const struct {
    const char *name;
    uint8_t unit;
    uint8_t latency; /* enum param */
} classes[] = {
#define CLASS(name, unit, latency, meaning) {#name, UNIT_##unit, P_##latency},
#include "model/classes.def"
#undef CLASS
};

static const struct {
    const char *pattern;
    uint8_t class;
} matches[] = {
#define MATCH(pattern, class) {pattern, CLASS_##class},
#include "model/classes.def"
#undef MATCH
};

_Static_assert(PARAM_COUNT <= UINT8_MAX, "parameters are numbered in a byte");

const char *op_class_name(enum op_class c)
{
    return classes[c].name;
}

enum op_unit op_class_unit(enum op_class c)
{
    return (enum op_unit)classes[c].unit;
}

enum param op_class_latency(enum op_class c)
{
    return (enum param)classes[c].latency;
}

static enum op_class barrier_class(enum a64_op op)
{
    return op == A64_DMB ? CLASS_DMB : op == A64_DSB || op == A64_DSB_nXS ? CLASS_DSB : CLASS_ISB;
}

static enum op_class memory_class(enum a64_op op)
{
    const struct a64_row *row = &a64_rows[op];

    if (a64_is(op, FACT_LD))
        return a64_is(op, FACT_ST)          ? CLASS_ATOMIC
               : row->vectors & row->writes ? CLASS_LOAD_FP
                                            : CLASS_LOAD;
    return a64_is(op, FACT_ST) ? CLASS_STORE : CLASS_PREFETCH;
}

enum op_class op_row_class(enum a64_op op)
{
    const struct a64_row *row = &a64_rows[op];

    if (op == A64_UNALLOCATED || a64_is(op, FACT_UNDEF))
        return CLASS_CALL;
    if (a64_is(op, FACT_ERET))
        return CLASS_ERET;
    if (a64_is(op, FACT_DIRECT) || a64_is(op, FACT_INDIRECT))
        return CLASS_BRANCH;
    if (a64_is(op, FACT_BARRIER))
        return barrier_class(op);
    if (op == A64_MRS || op == A64_SYSL)
        return CLASS_MRS_PLAIN;
    if (op == A64_MSR_reg || op == A64_SYS)
        return CLASS_MSR_PLAIN;
    for (size_t k = 0; k < ARRAY_SIZE(matches); k++)
        if (g_pattern_match_simple(matches[k].pattern, row->name))
            return (enum op_class)matches[k].class;
    if (a64_is(op, FACT_LD) || a64_is(op, FACT_ST) || a64_is(op, FACT_PRF))
        return memory_class(op);
    return row->cls == A64_FP || row->vectors ? CLASS_SIMD : CLASS_ALU;
}

/* ---- system registers ---- */

enum { KIND_PLAIN, KIND_PSTATE, KIND_ID, KIND_TIMER, KIND_GIC, KIND_DEBUG };

/* By encoding (DDI0487 D17.2, "instruction encoding descriptions"): CRn is what registers are
 * about. */
static unsigned register_kind(uint16_t enc)
{
    enum sysreg sr = sysreg_lookup(enc);
    unsigned op0 = enc >> 14, op1 = (enc >> 11) & 7, crn = (enc >> 7) & 15;

    if (sr != SR_NONE && (sysreg_rows[sr].gic || !strncmp(sysreg_rows[sr].name, "IC", 2)))
        return KIND_GIC;
    if (op0 == 2 || crn == 9)
        return KIND_DEBUG;
    if (crn == 14)
        return KIND_TIMER;
    if (crn == 4 || (crn == 13 && (enc & 7) >= 2) || (op1 == 3 && crn == 13))
        return KIND_PSTATE;
    return crn == 0 && op1 != 4 ? KIND_ID : KIND_PLAIN;
}

static enum op_class read_class(uint16_t enc)
{
    static const uint8_t of[] = {CLASS_MRS_PLAIN, CLASS_MRS_PSTATE, CLASS_MRS_ID,
                                 CLASS_MRS_TIMER, CLASS_MRS_GIC,    CLASS_MRS_DEBUG};
    return (enum op_class)of[register_kind(enc)];
}

static enum op_class write_class(uint16_t enc)
{
    static const uint8_t of[] = {CLASS_MSR_PLAIN, CLASS_MSR_PSTATE, CLASS_MSR_PLAIN,
                                 CLASS_MSR_TIMER, CLASS_MSR_GIC,    CLASS_MSR_DEBUG};
    return (enum op_class)of[register_kind(enc)];
}

static enum op_class operation_class(uint16_t enc)
{
    enum sysreg sr = sysreg_lookup(enc);

    switch (sr == SR_NONE ? SYSREG_OP_NONE : sysreg_rows[sr].op) {
    case SYSREG_OP_TLBI:
        return CLASS_TLBI;
    case SYSREG_OP_AT:
        return CLASS_AT;
    case SYSREG_OP_IC:
    case SYSREG_OP_DC:
        return CLASS_CACHE_OP;
    case SYSREG_OP_DC_ZVA:
        return CLASS_ZERO;
    default:
        return CLASS_MSR_PLAIN;
    }
}

/* ---- one instruction ---- */

/* What the operands make of the row's class. */
static enum op_class class_of(enum op_class c, enum a64_op op, const struct insn *i)
{
    const uint16_t enc = (uint16_t)bits((uint64_t)i->imm, 20, 5);
    const char *name = a64_rows[op].name;

    if (op == A64_MRS)
        return read_class(enc);
    if (op == A64_MSR_reg)
        return write_class(enc);
    if (op == A64_SYS)
        return operation_class(enc);
    if (c == CLASS_MUL && i->sz && (op == A64_MADD || op == A64_MSUB))
        return CLASS_MUL_LONG;
    if (c == CLASS_DIV && i->sz)
        return CLASS_DIV_LONG;
    bool shifted = g_str_has_suffix(name, "_reg") && i->imm != 0;
    if (c == CLASS_ALU && (shifted || g_str_has_suffix(name, "_ext")))
        return CLASS_SHIFT;
    return c;
}

static void add_read(struct op *o, unsigned reg)
{
    if (o->read_count < OP_READS)
        o->reads[o->read_count++] = (uint8_t)reg;
}

static void add_write(struct op *o, unsigned reg)
{
    if (o->write_count < OP_WRITES)
        o->writes[o->write_count++] = (uint8_t)reg;
}

static unsigned general(unsigned x)
{
    return x == REG_SP ? SB_X + 31 : SB_X + x;
}

static void add_registers(struct op *o, const struct a64_use *use, const struct a64_row *row)
{
    for (uint64_t m = use->x_reads; m; m &= m - 1)
        add_read(o, general((unsigned)__builtin_ctzll(m)));
    for (uint32_t m = use->v_reads; m; m &= m - 1)
        add_read(o, SB_V + (unsigned)__builtin_ctz(m));
    if (a64_flags_read(row))
        add_read(o, SB_FLAGS);
    for (uint64_t m = use->x_writes; m; m &= m - 1)
        if (general((unsigned)__builtin_ctzll(m)) != o->base)
            add_write(o, general((unsigned)__builtin_ctzll(m)));
    for (uint32_t m = use->v_writes; m; m &= m - 1)
        add_write(o, SB_V + (unsigned)__builtin_ctz(m));
    if (a64_flags_written(row))
        add_write(o, SB_FLAGS);
}

/* What a store stores is needed when it leaves the store buffer, not when it issues. */
static void drop_store_data(struct op *o, const struct a64_row *row, const struct insn *i)
{
    unsigned base = general(i->rn), index = row->reads & ROLE_RM ? general(i->rm) : base, kept = 0;

    for (unsigned k = 0; k < o->read_count; k++)
        if (o->reads[k] == base || o->reads[k] == index)
            o->reads[kept++] = o->reads[k];
    o->read_count = (uint8_t)kept;
}

struct op op_of(uint32_t word, const uint8_t *row_classes)
{
    enum a64_op op = a64_lookup(word);
    const struct a64_row *row = &a64_rows[op];
    struct op o = {.word = word, .base = SB_COUNT};
    struct insn i = {0};

    a64_decode(word, 0, &i);
    i.op = (uint16_t)op;
    o.class = (uint8_t)class_of((enum op_class)row_classes[op], op, &i);
    o.unit = classes[o.class].unit;
    struct a64_use use = a64_use(row, &i);
    uint64_t facts = a64_facts(row, word);
    o.conditional = a64_is(op, FACT_COND);
    o.indirect = a64_is(op, FACT_INDIRECT);
    o.branch = o.indirect || a64_is(op, FACT_DIRECT);
    o.call = o.branch && a64_is(op, FACT_CALL);
    o.is_return = a64_is(op, FACT_RET);
    o.exclusive = a64_is(op, FACT_EXCL);
    o.acquire = facts >> FACT_ACQ & 1;
    o.release = facts >> FACT_REL & 1;
    o.blocks = o.class == CLASS_DIV || o.class == CLASS_DIV_LONG || o.class == CLASS_FP_DIV;
    if (a64_is(op, FACT_WB))
        o.base = (uint8_t)general(i.rn);
    if (o.class != CLASS_CALL) /* of a call to firmware: the machine's, not the core's */
        add_registers(&o, &use, row);
    if (o.class == CLASS_STORE && !o.exclusive)
        drop_store_data(&o, row, &i);
    return o;
}
