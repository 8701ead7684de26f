/* Random loads, stores and exclusives. */
#include "tests/lockstep/gen.h"

uint64_t target(struct gen *g, unsigned aligned_percent)
{
    const uint64_t a = TARGETS + any(g, TARGETS_END - TARGETS);

    if (chance(g, aligned_percent))
        return align_down(a, 16) + (chance(g, 30) ? 8 : 0);
    if (chance(g, 30))
        return WINDOW + 0x1000 * (1 + any(g, 3)) - any(g, 70);
    return chance(g, 30) ? align_down(a, 64) + 64 - any(g, 16) : a;
}

/* FEAT_LRCPC, FEAT_LRCPC2: QEMU 7.2 does not check their alignment. */
static bool is_rcpc(enum a64_op op)
{
    return name_begins(op, "STLUR") || name_begins(op, "LDAP");
}

static bool is_ordered(enum a64_op op)
{
    return has_field(op, "001000") || is_rcpc(op);
}

/* The base register holds @address; for SP through another register, not @keep. */
static void set_base(struct gen *g, unsigned rn, unsigned keep, uint64_t address)
{
    unsigned reg = rn;

    while (reg == 31 || (rn == 31 && reg == keep))
        reg = (unsigned)any(g, 31);
    move32(g, reg, address);
    if (rn == 31)
        word(g, 0x9100001f | reg << 5); /* mov sp, reg */
}

/* The index register of a register-offset access gets a small value, extended or not as the
 * instruction wants it. Return: what it adds. */
static uint64_t set_index(struct gen *g, uint32_t w, const struct insn *i)
{
    const unsigned rm = reg_m(w), option = bits(w, 15, 13);
    uint64_t value = any(g, 512);

    if (rm == 31)
        return 0;
    if (option != 2)
        value -= 256;
    move32(g, rm, value);
    if (option & 1)                         /* LSL, SXTX: all 64 bits count */
        word(g, 0x93407c00 | rm << 5 | rm); /* sxtw */
    else
        word(g, 0xf2c00000 | (uint32_t)any(g, 65536) << 5 | rm); /* movk reg, lsl 32: ignored */
    return value << i->imm;
}

/* LDR (literal): from the words before it. */
static void emit_literal(struct gen *g, uint32_t w)
{
    const unsigned here = g->size + g->count;
    const uint64_t back = 1 + any(g, here < 0x10000 ? here : 0x10000);

    word(g, (uint32_t)set_bits(w, 23, 5, -back));
}

static unsigned aligned_percent(const struct gen *g, enum a64_op op)
{
    if (is_rcpc(op))
        return 100;
    if (is_lse(op) || is_ordered(op))
        return 85;
    return g->mmu ? 20 : 75;
}

/* An address for the row: now and then one that faults. Not across a page then (the manual leaves
 * open what has been done before); QEMU 7.2 calls every fault of an atomic a write. */
static uint64_t target_of(struct gen *g, enum a64_op op)
{
    const uint64_t page = is_lse(op) ? FAULT_READ_ONLY : any(g, FAULT_COUNT);

    if (g->mmu && chance(g, 5))
        return FAULTS + page * 0x1000 + any(g, 0x1000 / 64) * 64;
    return target(g, aligned_percent(g, op));
}

/* MSR PAN, #0 or MSR UAO, #0, or 0 for neither: set to 1 around an access. */
static uint32_t pstate_around(struct gen *g)
{
    if (!has_feature(&g->features, FEAT_UAO) || !chance(g, 6))
        return 0;
    return chance(g, 50) ? 0xd500409f : 0xd500407f;
}

void emit_memory(struct gen *g, const struct program_class *c)
{
    const enum a64_op op = op_of(g, c);
    const bool indexed = has_field(op, "option:");
    const uint32_t pstate = pstate_around(g);
    uint32_t w = word_of(g, op);
    uint64_t offset = 0;
    struct insn i;

    if (chance(g, 20))
        reload(g, a64_rows[op].cls == A64_FP);
    if (has_field(op, "imm19:")) {
        emit_literal(g, w);
        return;
    }
    while (indexed && reg_n(w) == reg_m(w))
        w = word_of(g, op);
    a64_decode(w, 0, &i);
    if (indexed)
        offset = set_index(g, w, &i);
    else if (has_field(op, "imm12:"))
        offset = (uint64_t)i.imm;
    else if (has_field(op, "imm9:") || has_field(op, "imm7:"))
        offset = i.mod == 1 ? 0 : (uint64_t)i.imm;
    set_base(g, reg_n(w), indexed ? reg_m(w) : 31, target_of(g, op) - offset);
    if (pstate)
        word(g, pstate | 1 << 8);
    word(g, w);
    if (pstate)
        word(g, pstate);
}

static bool is_exclusive(enum a64_op op)
{
    return has_field(op, "001000 0 ") && !is_lse(op);
}

bool is_exclusive_load(enum a64_op op)
{
    return is_exclusive(op) && name_begins(op, "LD");
}

bool is_scalar_memory(enum a64_op op)
{
    return a64_rows[op].cls == A64_INT && !is_exclusive(op) && !is_lse(op);
}

/* A load-exclusive and the store-exclusive of its size at the same address; sometimes CLREX or an
 * exception between them, or one of them alone. What is CONSTRAINED UNPREDICTABLE stays out: other
 * addresses or sizes, ordinary accesses in between, misaligned stores that may or may not look at
 * the monitor first. */
void emit_exclusive(struct gen *g, const struct program_class *c)
{
    const enum a64_op load_op = op_of(g, c);
    uint32_t load = word_of(g, load_op), store = 0;
    const unsigned rn = (unsigned)any(g, 31);
    const bool alone = chance(g, 20), store_only = alone && chance(g, 50);

    do
        load = (uint32_t)set_bits(word_of(g, load_op), 9, 5, rn);
    while (bits(load, 4, 0) == rn || (bit(load, 21) && bits(load, 14, 10) == rn));
    do {
        /* Load and store differ in bit 22; the rest of the registers is drawn anew. */
        store = (uint32_t)set_bits(load & ~BIT(22), 20, 16, any(g, 32));
        store = (uint32_t)set_bits(store, 4, 0, any(g, 32));
        store = (uint32_t)set_bits(store, 15, 15, any(g, 2));
        store = (uint32_t)set_bits(store, 14, 10, any(g, 32));
    } while (unpredictable(a64_lookup(store), store));
    set_base(g, rn, 31, target(g, alone && !store_only ? 50 : 100) & ~(alone ? 0 : UINT64_C(15)));
    if (store_only)
        set_base(g, rn, 31, target(g, 100) & ~UINT64_C(15));
    else
        word(g, load);
    for (unsigned k = (unsigned)any(g, 3); k > 0; k--)
        emit_dp_without(g, rn);
    if (chance(g, 8))
        word(g, 0xd503305f | (uint32_t)any(g, 16) << 8); /* clrex */
    if (chance(g, 8))
        word(g, 0x00000000); /* udf: the return from its exception clears the monitor */
    if (!alone || store_only)
        word(g, store);
}
