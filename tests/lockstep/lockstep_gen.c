/*
 * Random A64 programs for tests/lockstep/run: writes assembly source that is linked with runtime.S.
 *
 *   lockstep_gen MODEL MMU SEED N [CLASS:ITEM]
 *
 * MODEL: of arch/cpu_models.def. MMU: 1 or 0, see runtime.c. N items of each class below. With
 * CLASS:ITEM the program stops before that item and prints all state; no other word moves.
 *
 * An item is a few words with one entry and one exit: an instruction of a row of arch/a64.def with
 * random operands, after what makes its address if it has one. A symbol class_item is at each, so
 * that `objdump --disassemble=class_item` shows it. Checkpoints are supervisor calls every 64
 * items.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cpu_models.h"
#include "arch/insn.h"
#include "base/bits.h"
#include "tests/cpu/oracle_random.h"
#include "tests/lockstep/layout.h"

#define ITEMS_PER_CHECKPOINT 64
#define ITEM_WORDS_MAX       40

struct gen {
    uint64_t rng;
    struct features features;
    bool mmu;
    unsigned size;                  /* words emitted before this item */
    unsigned count;                 /* words of this item */
    uint32_t words[ITEM_WORDS_MAX]; /* of this item */
};

struct program_class {
    const char *name;
    const enum a64_op *ops;
    size_t op_count;
    bool (*wanted)(enum a64_op op); /* NULL: all of them */
    void (*emit)(struct gen *g, const struct program_class *c);
    bool memory; /* it stores to the window */
};

static const enum a64_op dp_ops[] = {
#define A64(name, ...) A64_##name,
#include "arch/a64_dp.def"
#undef A64
};
static const enum a64_op branch_ops[] = {
#define A64(name, ...) A64_##name,
#include "arch/a64_branch.def"
#undef A64
};
static const enum a64_op ldst_ops[] = {
#define A64(name, ...) A64_##name,
#include "arch/a64_ldst.def"
#undef A64
};
static const enum a64_op fp_ops[] = {
#define A64(name, ...) A64_##name,
#include "arch/a64_fp.def"
#undef A64
};
static const enum a64_op simd_ops[] = {
#define A64(name, ...) A64_##name,
#include "arch/a64_simd.def"
#undef A64
};
static const enum a64_op simdfp_ops[] = {
#define A64(name, ...) A64_##name,
#include "arch/a64_simdfp.def"
#undef A64
};
static const enum a64_op crypto_ops[] = {
#define A64(name, ...) A64_##name,
#include "arch/a64_crypto.def"
#undef A64
};

/* Rows that are not generated. */
static const struct {
    enum a64_op op;
    const char *why;
} exclusions[] = {
    {A64_UDF, "nothing but an exception"},
    {A64_FCVTZS_fix_sca_h,
     "QEMU 7.2 writes 32 bits of a negative result to Hd; test_exec_simdfp.c"},
    {A64_FJCVTZS, "QEMU 7.2 sets Z for a denormal that FPCR.FZ flushes; tests/cpu/test_fp_exec.c"},
};

static bool excluded(enum a64_op op)
{
    const struct a64_row *row = &a64_rows[op];

    /* Pointer authentication: QEMU 7.2 has its own IMPDEF algorithm; tests/cpu/test_pauth.c. */
    if (row->cls == A64_UNDEF || row->feature == FEAT_PAuth)
        return true;
    for (unsigned k = 0; k < ARRAY_SIZE(exclusions); k++)
        if (exclusions[k].op == op)
            return true;
    return false;
}

static uint64_t any(struct gen *g, uint64_t below)
{
    return random_next(&g->rng) % below;
}

static bool chance(struct gen *g, unsigned percent)
{
    return any(g, 100) < percent;
}

static bool name_begins(enum a64_op op, const char *prefix)
{
    return strncmp(a64_rows[op].name, prefix, strlen(prefix)) == 0;
}

/* Does the row's pattern have field @name, as "imm9:"? */
static bool has_field(enum a64_op op, const char *name)
{
    return strstr(a64_rows[op].pattern, name) != NULL;
}

static unsigned reg_n(uint32_t word)
{
    return (unsigned)bits(word, 9, 5);
}

static unsigned reg_m(uint32_t word)
{
    return (unsigned)bits(word, 20, 16);
}

/* Load and store encodings that are CONSTRAINED UNPREDICTABLE because of the registers they name.
 */
static bool unpredictable(enum a64_op op, uint32_t word)
{
    const unsigned rt = bits(word, 4, 0), rn = reg_n(word), rt2 = bits(word, 14, 10);
    const unsigned rs = reg_m(word);
    const bool pair = has_field(op, "t2:") || has_field(op, "t2w:");
    const bool load_pair = pair && (name_begins(op, "LDP") || name_begins(op, "LDN") ||
                                    name_begins(op, "LDX") || name_begins(op, "LDAX"));
    const bool status = name_begins(op, "ST") && has_field(op, "Rsw:");
    struct insn i;

    if (load_pair && rt == rt2)
        return true;
    if (status)
        return rs == rt || (rs == rn && rn != 31) || (pair && rs == rt2);
    if (!has_field(op, "imm9:") && !has_field(op, "imm7:"))
        return false;
    a64_decode(word, 0, &i);
    return i.mod != 0 && a64_rows[op].cls == A64_INT && rn != 31 &&
           (rn == rt || (pair && rn == rt2));
}

/* A random word of a row. */
static uint32_t word_of(struct gen *g, enum a64_op op)
{
    for (;;) {
        uint32_t word = a64_rows[op].value | ((uint32_t)random_next(&g->rng) & ~a64_rows[op].mask);
        if (a64_lookup(word) == op && !unpredictable(op, word))
            return word;
    }
}

/* A random row of a class; seldom one that the model does not have. */
static enum a64_op op_of(struct gen *g, const struct program_class *c)
{
    for (unsigned tries = 0;; tries++) {
        enum a64_op op = c->ops[any(g, c->op_count)];
        if (excluded(op) || (c->wanted && !c->wanted(op)))
            continue;
        if (a64_missing_feature(op, &g->features) == FEAT_BASE || chance(g, 3) || tries > 1000)
            return op;
    }
}

static void word(struct gen *g, uint32_t w)
{
    if (g->count == ITEM_WORDS_MAX)
        abort();
    g->words[g->count++] = w;
}

/* MOVZ and MOVK of a 32-bit value; register 31: nothing. */
static void move32(struct gen *g, unsigned reg, uint64_t value)
{
    if (reg == 31)
        return;
    word(g, 0xd2800000 | (uint32_t)bits(value, 15, 0) << 5 | reg);
    word(g, 0xf2a00000 | (uint32_t)bits(value, 31, 16) << 5 | reg);
}

/* Reload a general register (from anywhere in the pool) or a vector register. */
static void reload(struct gen *g, bool vector)
{
    const unsigned address = (unsigned)any(g, 31), reg = (unsigned)any(g, vector ? 32 : 31);

    move32(g, address, POOL + any(g, POOL_COUNT) * 16);
    word(g, (vector ? 0x3dc00000 : 0xf9400000) | address << 5 | reg);
}

static void emit_dp(struct gen *g, const struct program_class *c)
{
    if (chance(g, 15))
        reload(g, false);
    word(g, word_of(g, op_of(g, c)));
}

#define FPCR_MODES 0x07c80000 /* AHP, DN, FZ, RMode, FZ16 */

static void emit_vector(struct gen *g, const struct program_class *c)
{
    for (unsigned k = (unsigned)any(g, 3); k > 0; k--)
        reload(g, true);
    if (chance(g, 10))
        reload(g, false);
    if (chance(g, 5)) {
        const unsigned reg = (unsigned)any(g, 31);
        move32(g, reg, chance(g, 40) ? 0 : random_next(&g->rng) & FPCR_MODES);
        word(g, 0xd51b4400 | reg); /* msr fpcr */
    }
    if (chance(g, 2))
        word(g, 0xd51b443f); /* msr fpsr, xzr */
    word(g, word_of(g, op_of(g, c)));
}

/* An address for an access: aligned, anywhere, near a multiple of 16 bytes, or near a page's end.
 */
static uint64_t target(struct gen *g, unsigned aligned_percent)
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

static bool is_lse(enum a64_op op)
{
    return a64_rows[op].feature == FEAT_LSE;
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

static void emit_memory(struct gen *g, const struct program_class *c)
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

static bool is_exclusive_load(enum a64_op op)
{
    return is_exclusive(op) && name_begins(op, "LD");
}

static bool is_scalar_memory(enum a64_op op)
{
    return a64_rows[op].cls == A64_INT && !is_exclusive(op) && !is_lse(op);
}

static bool is_vector(enum a64_op op)
{
    return a64_rows[op].cls == A64_FP;
}

/* A word of a register row that leaves two registers alone. */
static uint32_t dp_without(struct gen *g, unsigned keep, unsigned keep2)
{
    static const struct program_class dp = {.ops = dp_ops, .op_count = ARRAY_SIZE(dp_ops)};
    uint32_t w;

    do
        w = word_of(g, op_of(g, &dp));
    while (bits(w, 4, 0) == keep || bits(w, 4, 0) == keep2);
    return w;
}

static void emit_dp_without(struct gen *g, unsigned keep)
{
    word(g, dp_without(g, keep, keep));
}

/* A load-exclusive and the store-exclusive of its size at the same address; sometimes CLREX or an
 * exception between them, or one of them alone. What is CONSTRAINED UNPREDICTABLE stays out: other
 * addresses or sizes, ordinary accesses in between, misaligned stores that may or may not look at
 * the monitor first. */
static void emit_exclusive(struct gen *g, const struct program_class *c)
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

static bool is_conditional_or_direct(enum a64_op op)
{
    return has_field(op, "imm26:") || has_field(op, "imm19:") || has_field(op, "imm14:");
}

/* @w with its offset replaced; @distance in instructions. */
static uint32_t branch_by(enum a64_op op, uint32_t w, int distance)
{
    const uint64_t d = (uint64_t)(int64_t)distance;

    if (has_field(op, "imm26:"))
        return (uint32_t)set_bits(w, 25, 0, d);
    return (uint32_t)(has_field(op, "imm19:") ? set_bits(w, 23, 5, d) : set_bits(w, 18, 5, d));
}

#define ADR(reg, distance) (0x10000000 | ((uint32_t)(distance)&0x7ffff) << 5 | (reg))

/* Over a few words; backwards once; or through a register. */
static void emit_branch(struct gen *g, const struct program_class *c)
{
    const enum a64_op op = op_of(g, c);
    const uint32_t w = word_of(g, op);
    const unsigned skip = (unsigned)any(g, 4);
    const unsigned kind = (unsigned)any(g, 4);

    if (chance(g, 20))
        reload(g, false);
    if (kind == 0) { /* br, blr, ret */
        static const uint32_t words[] = {0xd61f0000, 0xd63f0000, 0xd65f0000};
        const unsigned reg = (unsigned)any(g, 31);
        word(g, ADR(reg, skip + 2));
        word(g, words[any(g, 3)] | reg << 5);
    } else if (kind == 1) { /* b 2f; 1: ...; b 3f; 2: ...; <w> 1b; 3: */
        word(g, 0x14000003);
        emit_dp_without(g, 32);
        word(g, 0x14000003);
        emit_dp_without(g, 32);
        word(g, branch_by(op, w, -3));
        return;
    } else {
        word(g, branch_by(op, w, (int)skip + 1));
    }
    for (unsigned k = 0; k < skip; k++)
        emit_dp_without(g, 32);
}

/* A subroutine of one instruction is called, replaced, and called again. */
static void emit_code(struct gen *g, const struct program_class *c)
{
    const unsigned address = (unsigned)any(g, 29), data = address + 1;

    (void)c;
    word(g, 0x14000003); /* b over the subroutine */
    word(g, dp_without(g, address, 30));
    word(g, 0xd65f03c0); /* ret */
    word(g, ADR(address, -2));
    if (chance(g, 80))
        word(g, 0xd63f0000 | address << 5); /* blr */
    move32(g, data, dp_without(g, address, 30));
    word(g, 0xb9000000 | address << 5 | data); /* str w, [x] */
    word(g, 0xd50b7b20 | address);             /* dc cvau */
    word(g, 0xd5033b9f);                       /* dsb ish */
    word(g, 0xd50b7520 | address);             /* ic ivau */
    word(g, 0xd5033b9f);
    word(g, 0xd5033fdf); /* isb */
    word(g, 0xd63f0000 | address << 5);
}

/* System instructions: what each template's Rt or operand bits may be. */
static const struct {
    uint32_t value, random; /* random bits */
    enum feature feature;
    enum { PLAIN, FLAGS, FPCR, ADDRESS, ZERO_BLOCK } operand;
} sys_templates[] = {
    {0xd53b4200, 31, FEAT_BASE, PLAIN},      /* mrs nzcv */
    {0xd51b4200, 31, FEAT_BASE, PLAIN},      /* msr nzcv */
    {0xd53b4400, 31, FEAT_BASE, PLAIN},      /* mrs fpcr */
    {0xd51b4400, 31, FEAT_BASE, FPCR},       /* msr fpcr */
    {0xd53b4420, 31, FEAT_BASE, PLAIN},      /* mrs fpsr */
    {0xd51b4420, 31, FEAT_BASE, FLAGS},      /* msr fpsr */
    {0xd53bd040, 31, FEAT_BASE, PLAIN},      /* mrs tpidr_el0 */
    {0xd51bd040, 31, FEAT_BASE, PLAIN},      /* msr tpidr_el0 */
    {0xd53bd060, 31, FEAT_BASE, PLAIN},      /* mrs tpidrro_el0 */
    {0xd51bd060, 31, FEAT_BASE, PLAIN},      /* msr tpidrro_el0 */
    {0xd5384240, 31, FEAT_BASE, PLAIN},      /* mrs currentel */
    {0xd53b4220, 31, FEAT_BASE, PLAIN},      /* mrs daif */
    {0xd5384200, 31, FEAT_BASE, PLAIN},      /* mrs spsel */
    {0xd53b42a0, 31, FEAT_DIT, PLAIN},       /* mrs dit */
    {0xd503415f, 0x100, FEAT_DIT, PLAIN},    /* msr dit, #n */
    {0xd500401f, 0, FEAT_FlagM, PLAIN},      /* cfinv */
    {0xd500403f, 0, FEAT_FlagM2, PLAIN},     /* xaflag */
    {0xd500405f, 0, FEAT_FlagM2, PLAIN},     /* axflag */
    {0xd503305f, 0xf00, FEAT_BASE, PLAIN},   /* clrex */
    {0xd503309f, 0xf00, FEAT_BASE, PLAIN},   /* dsb */
    {0xd50330bf, 0xf00, FEAT_BASE, PLAIN},   /* dmb */
    {0xd50330df, 0xf00, FEAT_BASE, PLAIN},   /* isb */
    {0xd50330ff, 0, FEAT_SB, PLAIN},         /* sb */
    {0xd503201f, 0, FEAT_BASE, PLAIN},       /* nop */
    {0xd503203f, 0, FEAT_BASE, PLAIN},       /* yield */
    {0xd503209f, 0x20, FEAT_BASE, PLAIN},    /* sev, sevl */
    {0xd503229f, 0, FEAT_BASE, PLAIN},       /* csdb */
    {0xd503241f, 0xc0, FEAT_BASE, PLAIN},    /* bti */
    {0xd503281f, 0x7e0, FEAT_BASE, PLAIN},   /* hints nobody has */
    {0xd50b7a20, 31, FEAT_BASE, ADDRESS},    /* dc cvac */
    {0xd50b7b20, 31, FEAT_BASE, ADDRESS},    /* dc cvau */
    {0xd50b7e20, 31, FEAT_BASE, ADDRESS},    /* dc civac */
    {0xd5087620, 31, FEAT_BASE, ADDRESS},    /* dc ivac */
    {0xd50b7c20, 31, FEAT_DPB, ADDRESS},     /* dc cvap */
    {0xd50b7520, 31, FEAT_BASE, ADDRESS},    /* ic ivau */
    {0xd50b7420, 31, FEAT_BASE, ZERO_BLOCK}, /* dc zva */
};

static void emit_sys(struct gen *g, const struct program_class *c)
{
    const unsigned n = (unsigned)any(g, ARRAY_SIZE(sys_templates));
    const uint32_t w =
        sys_templates[n].value | ((uint32_t)random_next(&g->rng) & sys_templates[n].random);
    const unsigned rt = bits(w, 4, 0);

    (void)c;
    if (chance(g, 30))
        emit_dp_without(g, 32);
    if (!has_feature(&g->features, sys_templates[n].feature) &&
        sys_templates[n].feature != FEAT_BASE && !chance(g, 10))
        return;
    switch (sys_templates[n].operand) {
    case PLAIN:
        break;
    case FLAGS:
        move32(g, rt, random_next(&g->rng) & 0x0800009f);
        break;
    case FPCR: /* The trap enables, Len and Stride are not ours to compare. */
        move32(g, rt, random_next(&g->rng) & FPCR_MODES);
        break;
    case ZERO_BLOCK: /* A fault on Device memory; QEMU 7.2 does not check. */
        if (!g->mmu)
            return;
        if (rt == 31)
            return;
        move32(g, rt, target(g, 50));
        break;
    case ADDRESS:
        if (rt == 31)
            return;
        move32(g, rt, target(g, 50));
        break;
    }
    word(g, w);
}

static void emit_mixed(struct gen *g, const struct program_class *c);

static const struct program_class classes[] = {
    {"dp", dp_ops, ARRAY_SIZE(dp_ops), NULL, emit_dp, false},
    {"branch", branch_ops, ARRAY_SIZE(branch_ops), is_conditional_or_direct, emit_branch, false},
    {"ldst", ldst_ops, ARRAY_SIZE(ldst_ops), is_scalar_memory, emit_memory, true},
    {"exclusive", ldst_ops, ARRAY_SIZE(ldst_ops), is_exclusive_load, emit_exclusive, true},
    {"lse", ldst_ops, ARRAY_SIZE(ldst_ops), is_lse, emit_memory, true},
    {"vldst", ldst_ops, ARRAY_SIZE(ldst_ops), is_vector, emit_memory, true},
    {"fp", fp_ops, ARRAY_SIZE(fp_ops), NULL, emit_vector, false},
    {"simd", simd_ops, ARRAY_SIZE(simd_ops), NULL, emit_vector, false},
    {"simdfp", simdfp_ops, ARRAY_SIZE(simdfp_ops), NULL, emit_vector, false},
    {"crypto", crypto_ops, ARRAY_SIZE(crypto_ops), NULL, emit_vector, false},
    {"code", NULL, 0, NULL, emit_code, false},
    {"sys", NULL, 0, NULL, emit_sys, true},
    {"mixed", NULL, 0, NULL, emit_mixed, true},
};

static void emit_mixed(struct gen *g, const struct program_class *c)
{
    const struct program_class *other = &classes[any(g, ARRAY_SIZE(classes) - 1)];

    (void)c;
    other->emit(g, other);
}

static void print_quads(const uint64_t *v, unsigned count)
{
    for (unsigned k = 0; k < count; k++)
        printf("%s0x%" PRIx64 "%s", k % 4 ? ", " : " .quad ", v[k],
               k % 4 == 3 || k == count - 1 ? "\n" : "");
}

/* struct class_state of runtime.c */
static void print_class_state(const struct program_class *c, struct gen *g)
{
    uint64_t x[32], v[64];
    const uint64_t flags[3] = {any(g, 16), random_next(&g->rng) & FPCR_MODES, 0};

    for (unsigned k = 0; k < ARRAY_SIZE(x); k++)
        x[k] = oracle_value(&g->rng);
    for (unsigned k = 0; k < ARRAY_SIZE(v); k++)
        v[k] = oracle_value(&g->rng);
    printf(" .quad name_%s, %d, 0x%" PRIx64 "\n", c->name, c->memory, random_next(&g->rng));
    print_quads(x, ARRAY_SIZE(x));
    print_quads(flags, ARRAY_SIZE(flags));
    print_quads(v, ARRAY_SIZE(v));
}

static void print_data(struct gen *g)
{
    printf(" .section .rodata\n");
    for (unsigned k = 0; k < ARRAY_SIZE(classes); k++)
        printf("name_%s: .asciz \"%s\"\n", classes[k].name, classes[k].name);
    printf(" .balign 8\n .globl class_states\nclass_states:\n");
    for (unsigned k = 0; k < ARRAY_SIZE(classes); k++)
        print_class_state(&classes[k], g);
    printf(" .section .pool, \"a\"\n");
    for (unsigned k = 0; k < POOL_COUNT; k++) {
        static const unsigned sizes[] = {16, 32, 64, 0, 0};
        const unsigned size = sizes[k % ARRAY_SIZE(sizes)];
        uint64_t pair[2];
        for (unsigned half = 0; half < 2; half++)
            pair[half] = size ? oracle_fp_lanes(&g->rng, size) : oracle_value(&g->rng);
        print_quads(pair, 2);
    }
}

static void print_call(struct gen *g, unsigned call)
{
    printf(" svc #%u\n", call);
    g->size++;
}

static void print_item(struct gen *g, bool stop)
{
    if (g->count == 0)
        word(g, 0xd503201f);
    if (stop)
        g->words[0] = 0xd4000001 | CALL_STOP << 5;
    for (unsigned k = 0; k < g->count; k++)
        printf(" .inst 0x%08x\n", g->words[k]);
    g->size += g->count;
}

/* @stop: item to stop at, or -1. */
static void print_class(struct gen *g, const struct program_class *c, unsigned items, long stop)
{
    print_call(g, CALL_START);
    for (unsigned k = 0; k < items; k++) {
        if (k % ITEMS_PER_CHECKPOINT == 0)
            print_call(g, CALL_CHECKPOINT);
        printf("%s_%u:\n", c->name, k);
        g->count = 0;
        c->emit(g, c);
        print_item(g, (long)k == stop);
    }
    print_call(g, (long)items == stop ? CALL_STOP : CALL_CHECKPOINT);
}

static int usage(const char *what)
{
    fprintf(stderr, "lockstep_gen: %s\nusage: lockstep_gen MODEL MMU SEED N [CLASS:ITEM]\n", what);
    return 2;
}

int main(int argc, char **argv)
{
    const struct cpu_model *model = argc < 5 ? NULL : cpu_model_find(argv[1]);
    char stop_class[32] = "";
    long stop_item = -1;

    if (!model)
        return usage("no such CPU model, or too few arguments");
    if (argc > 5 && sscanf(argv[5], "%31[a-z]:%ld", stop_class, &stop_item) != 2)
        return usage("CLASS:ITEM is a class and a number");
    const unsigned items = (unsigned)strtoul(argv[4], NULL, 0);
    struct gen g = {.rng = strtoull(argv[3], NULL, 0),
                    .features = cpu_model_features(model),
                    .mmu = argv[2][0] == '1'};
    for (const char *c = argv[1]; *c; c++) /* another program for each configuration */
        g.rng = g.rng * 31 + (uint64_t)*c + g.mmu;
    printf(" .arch armv8-a\n");
    print_data(&g);
    printf(" .text\n .globl body\nbody:\n");
    for (unsigned k = 0; k < ARRAY_SIZE(classes); k++)
        print_class(&g, &classes[k], items,
                    strcmp(classes[k].name, stop_class) == 0 ? stop_item : -1);
    print_call(&g, CALL_FINISH);
    return 0;
}
