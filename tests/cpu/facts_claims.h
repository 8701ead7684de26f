/* The second check of tests/cpu/test_a64_facts.c: everything that a row says happens. */
#pragma once

#include "tests/cpu/facts_checks.h"

/* Which facts and writes the run shows. */
static inline void see_run(const struct a64_row *r, const struct insn *i,
                           const struct machine_state *in, const struct outcome *o,
                           struct claims *seen)
{
    const struct machine_state *s = &o->s;

    if (o->exception) {
        seen->facts |= is_memory_exception(o) && r->jit != JIT_END ? 0 : BIT(FACT_TRAP);
        return;
    }
    for (enum a64_role role = ROLE_RD; role <= ROLE_RA; role <<= 1) {
        struct a64_row only = *r;
        only.facts &= MASK(FACT_LIST, FACT_T2) | BIT(FACT_VM4);
        only.writes &= role;
        const struct a64_use use = a64_use(&only, i);
        bool all = use.x_writes || use.v_writes;
        for (unsigned k = 0; k <= REG_SP; k++)
            all = all && !((use.x_writes & BIT(k)) && s->x[k] == in->x[k]);
        for (unsigned k = 0; k < 32; k++)
            all = all && !((use.v_writes & BIT(k)) && !memcmp(&s->v[k], &in->v[k], 16));
        if (all)
            seen->writes |= (uint8_t)role;
    }
    const unsigned flags = s->nzcv ^ in->nzcv;
    seen->facts |= flags & 8 ? BIT(FACT_WN) : 0;
    seen->facts |= flags & 4 ? BIT(FACT_WZ) : 0;
    seen->facts |= flags & 2 ? BIT(FACT_WC) : 0;
    seen->facts |= flags & 1 ? BIT(FACT_WV) : 0;
    seen->facts |= any_access(o, false) ? BIT(FACT_LD) : 0;
    seen->facts |= any_access(o, true) ? BIT(FACT_ST) : 0;
    seen->facts |=
        s->monitor != in->monitor || s->monitor_pa != in->monitor_pa ? BIT(FACT_EXCL) : 0;
    seen->facts |= s->x[17] != in->x[17] ? BIT(FACT_WX17) | BIT(FACT_WCALL) : 0;
    seen->facts |= s->x[30] != in->x[30] ? BIT(FACT_WX30) : 0;
    seen->facts |= s->x[REG_SP] != in->x[REG_SP] ? BIT(FACT_WSP) : 0;
    seen->facts |= s->fpcr != in->fpcr ? BIT(FACT_WFPCR) : 0;
    seen->facts |= s->fpsr != in->fpsr ? BIT(FACT_WFPSR) : 0;
    seen->facts |= same_system(in, s) && same_monitor(in, s) ? 0 : BIT(FACT_WSYS);
    seen->facts |= o->result == EXEC_BRANCH ? BIT(FACT_DIRECT) : BIT(FACT_COND);
}

/* Do the runs from @ia and @ib, which differ in one thing, differ in more? What was changed and is
 * not written differs anyway. */
static inline bool made_a_difference(const struct a64_row *r, const struct insn *i,
                                     const struct machine_state *ia, const struct outcome *a,
                                     const struct machine_state *ib, const struct outcome *b)
{
    const struct machine_state *sa = &a->s, *sb = &b->s;
    const struct a64_use use = a64_use(r, i);

    if (!same_way(a, b) || a->exception != b->exception || !same_accesses(a, b) ||
        system_differs(ia, sa, ib, sb))
        return true;
    for (unsigned k = 0; k <= REG_SP; k++)
        if (sa->x[k] != sb->x[k] && ((use.x_writes & BIT(k)) || ia->x[k] == ib->x[k]))
            return true;
    for (unsigned k = 0; k < 32; k++)
        if (memcmp(&sa->v[k], &sb->v[k], 16) &&
            ((use.v_writes & BIT(k)) || !memcmp(&ia->v[k], &ib->v[k], 16)))
            return true;
    return ((sa->nzcv ^ sb->nzcv) & (a64_flags_written(r) | ~(ia->nzcv ^ ib->nzcv))) ||
           (sa->fpsr != sb->fpsr && (says(r, FACT_WFPSR) || ia->fpsr == ib->fpsr)) ||
           (sa->fpcr != sb->fpcr && (says(r, FACT_WFPCR) || ia->fpcr == ib->fpcr));
}

/* Change what @claim of @r says is read, and nothing that another one reads. False: not with this
 * word. */
static inline bool change_register(uint64_t *rng, const struct a64_row *r, const struct insn *i,
                                   struct claims claim, struct machine_state *s)
{
    static const uint64_t sets = MASK(FACT_LIST, FACT_T2) | BIT(FACT_VM4);
    struct a64_row only = *r, others = *r;

    only.facts = (r->facts & sets) | claim.facts;
    only.reads = claim.reads;
    others.facts &= ~claim.facts;
    others.reads &= (uint8_t)~claim.reads;
    const struct a64_use use = a64_use(&only, i), other = a64_use(&others, i);
    const uint64_t x = use.x_reads & ~other.x_reads;
    const uint32_t v = use.v_reads & ~other.v_reads;

    if (x) { /* the last one: of T2 and the like all are needed to reach it */
        const unsigned k = 63 - (unsigned)__builtin_clzll(x);
        s->x[k] = random_below(rng, 2) ? random_value_of(rng, r, i, k) : s->x[k] ^ BIT(6);
    } else if (v) {
        const unsigned first = r->vectors & claim.reads & ROLE_RN   ? i->rn
                               : r->vectors & claim.reads & ROLE_RD ? i->rd
                                                                    : 0;
        unsigned k = 31;
        while (!(v & BIT((first + k) & 31)))
            k--;
        s->v[(first + k) & 31].d[0] = random_below(rng, 2) ? random_next(rng) : oracle_value(rng);
        if (random_below(rng, 2))
            s->v[(first + k) & 31].d[1] = oracle_value(rng);
    }
    return x || v;
}

static inline bool change(uint64_t *rng, const struct a64_row *r, const struct insn *i,
                          struct claims claim, struct machine_state *s)
{
    static const uint64_t flags[4] = {BIT(FACT_RV), BIT(FACT_RC), BIT(FACT_RZ), BIT(FACT_RN)};

    for (unsigned k = 0; k < 4; k++)
        if (claim.facts == flags[k]) {
            s->nzcv ^= 1u << k;
            return true;
        }
    if (claim.facts == BIT(FACT_RFPCR))
        s->fpcr ^= (uint32_t)random_next(rng) & FPCR_MODES;
    else if (claim.facts == BIT(FACT_RFPSR))
        s->fpsr ^= (uint32_t)random_next(rng) & ORACLE_FPSR;
    else if (claim.facts == BIT(FACT_RSYS))
        poison_system(rng, r, s, random_below(rng, 2));
    else if (claim.facts == BIT(FACT_EXCL))
        s->monitor ^= 1;
    else
        return change_register(rng, r, i, claim, s);
    return true;
}

/* Facts that are found by changing an input; and by what happens. The rest are parts of these
 * (T2...), or follow (RD is the role's read). */
static const uint64_t input_facts =
    MASK(FACT_RV, FACT_RN) | BIT(FACT_RX16) | BIT(FACT_RX17) | BIT(FACT_RX30) | BIT(FACT_RSP) |
    BIT(FACT_RCALL) | BIT(FACT_RFPCR) | BIT(FACT_RFPSR) | BIT(FACT_RSYS) | BIT(FACT_EXCL);
static const uint64_t output_facts =
    MASK(FACT_WV, FACT_WN) | BIT(FACT_LD) | BIT(FACT_ST) | BIT(FACT_EXCL) | BIT(FACT_WX17) |
    BIT(FACT_WX30) | BIT(FACT_WSP) | BIT(FACT_WCALL) | BIT(FACT_WFPCR) | BIT(FACT_WFPSR) |
    BIT(FACT_WSYS) | BIT(FACT_DIRECT) | BIT(FACT_COND) | BIT(FACT_TRAP);

static inline struct claims claims_of(const struct a64_row *r)
{
    struct claims c = {r->facts & (input_facts | output_facts), r->reads, r->writes};

    if (says(r, FACT_PRF))
        c.reads = 0;
    if (r == &a64_rows[A64_SYSL])
        c.writes = 0; /* no SYSL completes */
    return c;
}

static inline struct claims missing(struct claims all, struct claims seen)
{
    return (struct claims){all.facts & ~seen.facts, all.reads & (uint8_t)~seen.reads,
                           all.writes & (uint8_t)~seen.writes};
}

static inline bool none(struct claims c)
{
    return !c.facts && !c.reads && !c.writes;
}

/* Try one claimed input: run again with only that changed. */
static inline bool try_input(struct bench *b, uint64_t *rng, const struct a64_row *r, uint32_t word,
                             struct claims claim, const struct machine_state *in,
                             const struct outcome *a)
{
    struct machine_state changed = *in;
    struct outcome o;
    struct insn i;

    a64_decode(word, 0, &i);
    if (!change(rng, r, &i, claim, &changed))
        return false;
    bench_run(b, word, &changed, &o);
    return made_a_difference(r, &i, in, a, &changed, &o);
}

static inline void see_inputs(struct bench *b, uint64_t *rng, const struct a64_row *r,
                              uint32_t word, const struct machine_state *in,
                              const struct outcome *a, struct claims wanted, struct claims *seen)
{
    for (unsigned k = 0; k < FACT_COUNT; k++)
        if ((wanted.facts & input_facts & BIT(k)) &&
            try_input(b, rng, r, word, (struct claims){.facts = BIT(k)}, in, a))
            seen->facts |= BIT(k);
    for (enum a64_role role = ROLE_RD; role <= ROLE_RA; role <<= 1)
        if ((wanted.reads & role) &&
            try_input(b, rng, r, word, (struct claims){.reads = (uint8_t)role}, in, a))
            seen->reads |= (uint8_t)role;
}

static inline void print_claims(const char *what, const struct a64_row *r, struct claims c)
{
    static const char *const roles[] = {"rd", "rn", "rm", "ra"};

    print_error("%s: %s:", r->name, what);
    for (unsigned k = 0; k < FACT_COUNT; k++)
        if (c.facts & BIT(k))
            print_error(" %s", a64_fact_name((enum a64_fact)k));
    for (unsigned k = 0; k < 4; k++) {
        if (c.reads & (1 << k))
            print_error(" reads-%s", roles[k]);
        if (c.writes & (1 << k))
            print_error(" writes-%s", roles[k]);
    }
    print_error("\n");
}
