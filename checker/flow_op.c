#include "checker/flow_op.h"

#include "arch/insn.h"
#include "base/bits.h"

static void find_move(struct flow_op *o, const struct insn *i, enum a64_op op)
{
    if (a64_is_register_move(op, i) && i->rm < 31 && i->rd < 31) {
        o->kind = FLOW_MOVE;
        o->from = i->rm;
        o->to = i->rd;
    } else if (op == A64_CSEL && i->sz && i->rd < 31) {
        o->kind = FLOW_SELECT;
        o->from = i->rn;
        o->other = i->rm;
        o->to = i->rd;
        o->condition = i->mod & 15;
    }
}

/* CCMP, CCMN. */
static bool is_conditional_compare(uint32_t word)
{
    return (word & 0x3fe00410) == 0x3a400000;
}

/* What is read for more than to compute with it. */
static uint32_t decides(const struct flow_op *o, const struct a64_row *row, const struct insn *i,
                        enum a64_op op)
{
    if (a64_is(op, FACT_ST))
        return i->rn < 31 ? (uint32_t)BIT(i->rn) : 0;
    if (a64_is(op, FACT_LD))
        return o->x_reads;
    if (a64_flags_written(row) || a64_is(op, FACT_COND) || a64_is(op, FACT_INDIRECT))
        return o->x_reads;
    return 0;
}

/* By the manual's classes of encodings: data processing of one source, PACGA, hints, branches,
 * LDRAA and LDRAB. */
static enum flow_key key_of(uint32_t word)
{
    if ((word & 0xffff0000) == 0xdac10000 && bits(word, 15, 10) < 16)
        return (enum flow_key)(KEY_IA + bits(word, 11, 10));
    if ((word & 0xffe0fc00) == 0x9ac03000)
        return KEY_GA;
    if ((word & ~UINT32_C(0xe0)) == 0xd503231f || (word & ~UINT32_C(0xc0)) == 0xd503211f)
        return bit(word, 6) ? KEY_IB : KEY_IA;
    if ((word & 0xfe000000) == 0xd6000000 && bits(word, 15, 11) == 1)
        return bit(word, 10) ? KEY_IB : KEY_IA;
    if ((word & 0xff200400) == 0xf8200400)
        return bit(word, 23) ? KEY_DB : KEY_DA;
    return KEY_NONE;
}

struct flow_op flow_op_of(uint32_t word)
{
    struct flow_op o = {.word = word, .valid = true, .kind = FLOW_COMPUTE};
    enum a64_op op = a64_lookup(word);
    const struct a64_row *row = &a64_rows[op];
    struct insn i = {0};

    a64_decode(word, 0, &i);
    i.op = (uint16_t)op;
    struct a64_use use = a64_use(row, &i);
    o.x_reads = (uint32_t)(use.x_reads & MASK(30, 0));
    o.x_writes = (uint32_t)(use.x_writes & MASK(30, 0));
    o.v_reads = use.v_reads;
    o.v_writes = use.v_writes;
    o.key = (uint8_t)key_of(word);
    o.decides = decides(&o, row, &i, op);
    o.conditional = is_conditional_compare(word);
    o.call = (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000;
    o.ret = (word & 0xfffffc1f) == 0xd65f0000;
    if (o.conditional)
        o.condition = (uint8_t)bits(word, 15, 12);
    if (a64_is(op, FACT_LD) || op == A64_MRS)
        o.kind = FLOW_LOAD;
    else if (a64_is(op, FACT_ST) || op == A64_MSR_reg)
        o.kind = FLOW_STORE;
    else
        find_move(&o, &i, op);
    if (o.ret)
        o.from = i.rn;
    if (a64_is_vector_move(word)) {
        o.kind = FLOW_MOVE;
        o.vector = true;
        o.from = i.rn;
        o.to = i.rd;
    }
    return o;
}

bool flow_condition(unsigned condition, uint64_t pstate)
{
    bool n = bit(pstate, 31), z = bit(pstate, 30), c = bit(pstate, 29), v = bit(pstate, 28);
    bool result;

    switch (condition >> 1) {
    case 0:
        result = z;
        break;
    case 1:
        result = c;
        break;
    case 2:
        result = n;
        break;
    case 3:
        result = v;
        break;
    case 4:
        result = c && !z;
        break;
    case 5:
        result = n == v;
        break;
    case 6:
        result = n == v && !z;
        break;
    default:
        return true;
    }
    return (condition & 1) ? !result : result;
}
