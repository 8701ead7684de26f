/* Random words of a row, and random inputs to run them on: for tests/cpu/test_a64_facts.c. */
#pragma once

#include "cpu/pauth.h"
#include "tests/cpu/facts_fixture.h"

#define FPCR_MODES 0x07c80000 /* AHP, DN, FZ, RMode, FZ16 */
#define TRIES      60000      /* words until everything that a row says has been seen */

/* What a row says. */
struct claims {
    uint64_t facts;
    uint8_t reads, writes;
};

static inline bool says(const struct a64_row *r, enum a64_fact f)
{
    return (r->facts >> f) & 1;
}

static inline const struct a64_row *true_row(uint32_t word)
{
    return &a64_rows[a64_lookup(word)];
}

static inline uint64_t random_below(uint64_t *rng, uint64_t n)
{
    return random_next(rng) % n;
}

static inline uint64_t random_base(uint64_t *rng)
{
    uint64_t a = WINDOW + random_below(rng, WINDOW_SIZE);

    return random_below(rng, 4) ? a & ~UINT64_C(63) : a;
}

static inline uint64_t random_register(uint64_t *rng)
{
    return random_below(rng, 4) ? oracle_value(rng) : FILL_DWORD;
}

static inline bool is_memory(const struct a64_row *r)
{
    return (says(r, FACT_LD) || says(r, FACT_ST) || says(r, FACT_PRF)) && !says(r, FACT_WSYS);
}

/* A register that an access of @i takes its address from: a new value for it. */
static inline uint64_t random_value_of(uint64_t *rng, const struct a64_row *r, const struct insn *i,
                                       unsigned reg)
{
    if (reg == REG_SP)
        return random_base(rng) & ~UINT64_C(15);
    if (is_memory(r) && reg == i->rn)
        return random_base(rng);
    if (is_memory(r) && !says(r, FACT_EXCL) && !r->acquire && reg == i->rm)
        return random_below(rng, 0x1000); /* an index */
    return random_register(rng);
}

/* System registers that decide neither about exceptions nor about memory. */
static const enum sysreg free_sysregs[] = {
    SR_APIAKeyLo_EL1, SR_APIAKeyHi_EL1, SR_APIBKeyLo_EL1, SR_APIBKeyHi_EL1, SR_APDAKeyLo_EL1,
    SR_APDAKeyHi_EL1, SR_APDBKeyLo_EL1, SR_APDBKeyHi_EL1, SR_APGAKeyLo_EL1, SR_APGAKeyHi_EL1,
    SR_TPIDR_EL0,     SR_TPIDR_EL1,     SR_TPIDR_EL2,     SR_TPIDRRO_EL0,   SR_PAR_EL1,
    SR_ELR_EL1,       SR_ELR_EL2,       SR_SPSR_EL1,      SR_SPSR_EL2,      SR_SP_EL0,
    SR_SP_EL1,        SR_SP_EL2,        SR_AFSR0_EL1,     SR_VSESR_EL2,
};

static inline void random_free_sysregs(uint64_t *rng, struct machine_state *s)
{
    for (unsigned k = 0; k < ARRAY_SIZE(free_sysregs); k++)
        s->sr[free_sysregs[k]] = random_next(rng);
    /* Legal returns, most of the time. */
    s->sr[SR_SPSR_EL1] = (random_next(rng) & UINT64_C(0xf00003c0)) | (random_next(rng) & 1) * 5;
    s->sr[SR_SPSR_EL2] = (random_next(rng) & UINT64_C(0xf00003c0)) | (random_next(rng) & 1) * 9;
}

/* What traps and enables; a bit is set with a chance of 1/4, or clear with it. */
static inline void random_controls(uint64_t *rng, struct machine_state *s)
{
    const uint64_t seldom = random_next(rng) & random_next(rng);
    const uint64_t mostly = ~(random_next(rng) & random_next(rng));
    const uint64_t pauth = BIT(13) | BIT(27) | BIT(30) | BIT(31); /* EnDB, EnDA, EnIB, EnIA */
    const uint64_t el0 = BIT(9) | BIT(14) | BIT(15) | BIT(16) | BIT(18) | BIT(26);

    s->sr[SR_HCR_EL2] = BIT(31) | (seldom & (BIT(13) | BIT(14) | BIT(19) | BIT(8) | BIT(5))) |
                        (mostly & (BIT(40) | BIT(41)));
    s->sr[SR_SCTLR_EL1] |= (mostly & (pauth | el0));
    s->sr[SR_SCTLR_EL2] |= mostly & pauth;
    s->sr[SR_CPACR_EL1] = 3 << 20;
}

/* The base of LDRAA and LDRAB as a pointer that authenticates. */
static inline void sign_base(struct bench *b, const struct insn *i, struct machine_state *s)
{
    const enum pauth_key key = i->op == A64_LDRAA ? PAUTH_DA : PAUTH_DB;

    bench_put(b, s);
    if (pauth_enabled(b->f->cpu, key))
        s->x[i->rn] = pauth_add(b->f->cpu, s->x[i->rn], 0, key);
}

/* @base: the fixture's state, from which everything that is not chosen here is taken. */
static inline void random_state(struct bench *b, uint64_t *rng, const struct machine_state *base,
                                uint32_t word, struct machine_state *s)
{
    const struct a64_row *r = true_row(word);
    struct qemu_user_state q;
    struct insn i;

    *s = *base;
    a64_decode(word, 0, &i);
    oracle_random_state(rng, FPCR_MODES, &q);
    memcpy(s->v, q.v, sizeof(s->v));
    s->nzcv = (unsigned)q.nzcv;
    s->fpcr = (uint32_t)q.fpcr;
    s->fpsr = (uint32_t)q.fpsr;
    for (unsigned k = 0; k <= REG_SP; k++)
        s->x[k] = k == REG_ZR ? 0 : random_value_of(rng, r, &i, k);
    random_free_sysregs(rng, s);
    random_controls(rng, s);
    s->ps.daif = random_next(rng) & 15;
    s->fpac = random_next(rng) & 1;
    s->event = random_next(rng) & 1;
    s->serror_pin = random_next(rng) & 1;
    if (!is_memory(r))
        s->ps.el = (uint8_t)random_below(rng, 3);
    s->ps.sp = s->ps.el > 0 && random_below(rng, 4);
    if (i.op == A64_HVC)
        s->has_el2 = s->ps.el == 2 || random_below(rng, 2);
    if (i.op == A64_HLT)
        s->x[1] = random_base(rng);
    if (i.op == A64_SYS && i.rd < REG_ZR)
        s->x[i.rd] = random_base(rng);
    if ((i.op == A64_WFET || i.op == A64_WFIT) && i.rd < REG_ZR)
        s->x[i.rd] = random_next(rng) & 1;
    if (i.op == A64_LDRAA || i.op == A64_LDRAB)
        sign_base(b, &i, s);
    s->monitor = random_next(rng) & 1;
    s->monitor_pa = s->x[i.rn];
    s->monitor_size = (uint8_t)((1u << bits(word, 31, 30)) << bit(word, 21));
}

/* MRS, MSR and SYS: half of the time one that touches more than its own register. */
static inline uint32_t special_word(uint64_t *rng, uint32_t word)
{
    static const enum sysreg reads[] = {SR_NZCV,         SR_FPCR,      SR_FPSR,
                                        SR_ICC_IAR1_EL1, SR_TPIDR_EL0, SR_RNDR},
                             writes[] = {SR_NZCV, SR_FPCR,      SR_FPSR,      SR_SPSel,
                                         SR_DAIF, SR_TPIDR_EL0, SR_TPIDR_EL1, SR_PAR_EL1,
                                         SR_PAN,  SR_SP_EL0,    SR_SSBS},
                             ops[] = {SR_DC_ZVA, SR_DC_CVAC, SR_AT_S1E1R, SR_TLBI_VAE1};
    const enum a64_op op = a64_lookup(word);
    enum sysreg sr;

    if (op == A64_MSR_reg)
        sr = writes[random_below(rng, ARRAY_SIZE(writes))];
    else if (op == A64_SYS)
        sr = ops[random_below(rng, ARRAY_SIZE(ops))];
    else if (op == A64_MRS && random_below(rng, 2))
        sr = reads[random_below(rng, ARRAY_SIZE(reads))];
    else
        return op == A64_HLT && random_below(rng, 2) ? a64_rows[op].value | 0xf000 << 5 : word;
    return (uint32_t)set_bits(word, 20, 5, sysreg_rows[sr].enc);
}

static inline uint32_t random_word(uint64_t *rng, enum a64_op op)
{
    uint32_t word = oracle_random_word(rng, op);

    if (word == 0 && op != A64_UDF)
        fail_msg("row %s: no allocated word found", a64_rows[op].name);
    word = special_word(rng, word);
    return a64_lookup(word) == op ? word : oracle_random_word(rng, op);
}
