/* The first check of tests/cpu/test_a64_facts.c: nothing happens beyond what a row says. */
#pragma once

#include "tests/cpu/facts_inputs.h"

/* @all: of rows that neither trap nor access memory, every system register can change. */
static inline void poison_system(uint64_t *rng, const struct a64_row *r, struct machine_state *s,
                                 bool all)
{
    if (all && !says(r, FACT_TRAP) && !says(r, FACT_LD) && !says(r, FACT_ST)) {
        for (unsigned k = 0; k < SR_COUNT; k++)
            s->sr[k] = random_next(rng);
        s->ps.daif = random_next(rng) & 15;
        s->ps.ssbs ^= 1;
        s->ps.dit ^= 1;
    }
    random_free_sysregs(rng, s);
    s->event ^= 1;
    s->serror_pin ^= 1;
    /* Device memory: AT says so, and DC ZVA faults. */
    if (r == &a64_rows[A64_SYS])
        s->sr[SR_MAIR_EL1] = 0;
}

/* Another value for everything that @row does not say it reads. */
static inline void poison(uint64_t *rng, const struct a64_row *row, uint32_t word,
                          const struct insn *i, struct machine_state *s)
{
    const struct a64_use use = a64_use(row, i);
    const struct a64_row *r = true_row(word);

    for (unsigned k = 0; k <= REG_SP; k++)
        if (k != REG_ZR && !(use.x_reads & BIT(k)))
            s->x[k] = random_value_of(rng, r, i, k);
    for (unsigned k = 0; k < 32; k++)
        if (!(use.v_reads & BIT(k)))
            for (unsigned d = 0; d < 2; d++)
                s->v[k].d[d] = random_next(rng);
    s->nzcv ^= (unsigned)random_next(rng) & 15 & ~a64_flags_read(row);
    if (!says(row, FACT_RFPCR))
        s->fpcr ^= (uint32_t)random_next(rng) & FPCR_MODES;
    if (!says(row, FACT_RFPSR))
        s->fpsr ^= (uint32_t)random_next(rng) & ORACLE_FPSR;
    if (!says(row, FACT_EXCL))
        s->monitor ^= 1;
    if (!says(row, FACT_RSYS))
        poison_system(rng, r, s, random_below(rng, 2));
}

/* System state, less BTYPE and the monitor. */
static inline bool same_system(const struct machine_state *a, const struct machine_state *b)
{
    struct pstate pa = a->ps, pb = b->ps;

    pa.btype = pb.btype = 0;
    return !memcmp(&pa, &pb, sizeof(pa)) && !memcmp(a->sr, b->sr, sizeof(a->sr)) &&
           a->event == b->event && a->serror_pin == b->serror_pin && a->irq_check == b->irq_check &&
           a->power == b->power && a->wait_until_ns == b->wait_until_ns &&
           a->gic_acknowledged == b->gic_acknowledged && a->rng == b->rng;
}

static inline bool same_monitor(const struct machine_state *a, const struct machine_state *b)
{
    return a->monitor == b->monitor &&
           (!a->monitor || (a->monitor_size == b->monitor_size && a->monitor_pa == b->monitor_pa));
}

/* EXEC_SYNC says that interrupts may have changed: no difference to the program. */
static inline bool same_way(const struct outcome *a, const struct outcome *b)
{
    const enum exec_result ra = a->result == EXEC_SYNC ? EXEC_NEXT : a->result,
                           rb = b->result == EXEC_SYNC ? EXEC_NEXT : b->result;

    return ra == rb && a->s.pc == b->s.pc;
}

static inline bool same_accesses(const struct outcome *a, const struct outcome *b)
{
    return a->accesses == b->accesses &&
           !memcmp(a->access, b->access, a->accesses * sizeof(a->access[0]));
}

static inline bool any_access(const struct outcome *o, bool write)
{
    for (unsigned k = 0; k < o->accesses; k++)
        if (!(o->access[k].kind & ARM_MEM_WRITE) != write)
            return true;
    return false;
}

/* What the accesses themselves say of their kind. NULL: the same as @facts. */
static inline const char *check_accesses(uint64_t facts, const struct outcome *o)
{
    static const struct {
        unsigned kind;
        uint64_t facts; /* any of these */
        const char *otherwise;
    } kinds[] = {
        {ARM_MEM_EXCLUSIVE, BIT(FACT_EXCL), "is an exclusive, or is none"},
        {ARM_MEM_ORDERED, BIT(FACT_ACQ) | BIT(FACT_REL), "is ordered, or is not"},
    };

    for (unsigned n = 0; n < o->accesses; n++) {
        for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
            if (!(o->access[n].kind & kinds[k].kind) != !(facts & kinds[k].facts))
                return kinds[k].otherwise;
        if ((facts & BIT(FACT_MULTI)) && !(o->access[n].kind & ARM_MEM_PAIR))
            return "moves one register only";
    }
    return NULL;
}

/* One run alone: accesses, branches, system effects. NULL: as @facts say. */
static inline const char *check_kind(uint64_t facts, const struct machine_state *in,
                                     const struct outcome *o)
{
    const bool jump = o->result == EXEC_JUMP, branch = o->result == EXEC_BRANCH;
    const char *why = check_accesses(facts, o);

    if (why)
        return why;
    if (any_access(o, false) && !(facts & BIT(FACT_LD)))
        return "loads";
    if (any_access(o, true) && !(facts & BIT(FACT_ST)))
        return "stores";
    if (branch && !(facts & BIT(FACT_DIRECT)))
        return "branches by an offset";
    if (!branch && (facts & BIT(FACT_DIRECT)) && !(facts & BIT(FACT_COND)))
        return "does not branch";
    if (jump != !!(facts & BIT(FACT_INDIRECT)))
        return "branches to a register, or does not";
    if (jump && (o->s.ps.btype == 0) != !!(facts & BIT(FACT_RET)))
        return "sets BTYPE as a return, or not as one";
    if (o->eret != !!(facts & BIT(FACT_ERET)))
        return "returns from an exception, or does not";
    if ((jump || branch) && (facts & BIT(FACT_CALL)) && o->s.x[30] != CODE + 4)
        return "leaves no return address in X30";
    if (o->barrier != !!(facts & BIT(FACT_BARRIER)))
        return "is a barrier, or is none";
    if (!(facts & BIT(FACT_WSYS)) && !same_system(in, &o->s))
        return "writes system state";
    if (!(facts & (BIT(FACT_WSYS) | BIT(FACT_EXCL))) && !same_monitor(in, &o->s))
        return "changes the monitor";
    return NULL;
}

static inline bool is_memory_exception(const struct outcome *o)
{
    return o->ec == ESR_EC_DABT_LOW || o->ec == ESR_EC_DABT_CUR || o->ec == ESR_EC_SP_ALIGN;
}

/* A run that ended in an exception. */
static inline const char *check_exception(uint64_t facts, const struct machine_state *in,
                                          const struct outcome *o)
{
    if (!(facts & BIT(FACT_TRAP)) &&
        !(is_memory_exception(o) && (facts & (BIT(FACT_LD) | BIT(FACT_ST)))))
        return "takes an exception";
    if (memcmp(in->x, o->s.x, 31 * sizeof(in->x[0])) || memcmp(in->v, o->s.v, sizeof(in->v)))
        return "changes registers before an exception";
    return NULL;
}

/* Registers and flags of two runs, from @ia and @ib: equal where written, else as they were. */
static inline const char *check_registers(const struct a64_row *row, const struct insn *i,
                                          const struct machine_state *ia,
                                          const struct machine_state *a,
                                          const struct machine_state *ib,
                                          const struct machine_state *b)
{
    const struct a64_use use = a64_use(row, i);
    const unsigned flags = a64_flags_written(row);

    for (unsigned k = 0; k <= REG_SP; k++) {
        if (k == REG_ZR)
            continue;
        if (use.x_writes & BIT(k) ? a->x[k] != b->x[k] : a->x[k] != ia->x[k] || b->x[k] != ib->x[k])
            return use.x_writes & BIT(k) ? "a general register depends on more"
                                         : "writes another general register";
    }
    for (unsigned k = 0; k < 32; k++) {
        if (use.v_writes & BIT(k)
                ? memcmp(&a->v[k], &b->v[k], 16)
                : memcmp(&a->v[k], &ia->v[k], 16) || memcmp(&b->v[k], &ib->v[k], 16))
            return use.v_writes & BIT(k) ? "a vector register depends on more"
                                         : "writes another vector register";
    }
    if ((a->nzcv ^ b->nzcv) & flags)
        return "a flag depends on more";
    if (((a->nzcv ^ ia->nzcv) | (b->nzcv ^ ib->nzcv)) & ~flags)
        return "writes another flag";
    if (says(row, FACT_WFPCR) ? a->fpcr != b->fpcr : a->fpcr != ia->fpcr || b->fpcr != ib->fpcr)
        return "writes FPCR, or it depends on more";
    if (!says(row, FACT_WFPSR) ? a->fpsr != ia->fpsr || b->fpsr != ib->fpsr
        : says(row, FACT_RFPSR)
            ? a->fpsr != b->fpsr
            : (a->fpsr | ib->fpsr) != (b->fpsr | ia->fpsr) || (ia->fpsr & ~a->fpsr))
        return "writes FPSR, or it depends on more";
    return NULL;
}

/* Do two runs leave system state different that was the same before them? */
static inline bool system_differs(const struct machine_state *ia, const struct machine_state *a,
                                  const struct machine_state *ib, const struct machine_state *b)
{
    for (unsigned k = 0; k < SR_COUNT; k++)
        if (a->sr[k] != b->sr[k] && ia->sr[k] == ib->sr[k])
            return true;
    return a->power != b->power || a->wait_until_ns != b->wait_until_ns;
}

/* Acquire and release by the bits of the encoding classes: DDI0487 C4.1.90 "Load/store exclusive",
 * "Load/store ordered", "Compare and swap", "Atomic memory operations", "LDAPR/STLR (unscaled
 * immediate)". */
static inline uint64_t ordering(uint32_t word)
{
    bool acquire = false, release = false;

    if ((word & 0x3f000000) == 0x08000000) {
        const bool o2 = bit(word, 23), l = bit(word, 22), o1 = bit(word, 21), o0 = bit(word, 15);
        const bool swap = o1 && (o2 || !(word >> 31));
        acquire = l && (swap || o2 || o0);
        release = swap ? o0 : !l && (o2 || o0);
    } else if ((word & 0x3f200c00) == 0x38200000) {
        acquire = bit(word, 23);
        release = bit(word, 22);
    } else if ((word & 0x3f200c00) == 0x19000000) {
        acquire = bits(word, 23, 22);
        release = !acquire;
    }
    return (acquire ? BIT(FACT_ACQ) : 0) | (release ? BIT(FACT_REL) : 0);
}

/* UNDEFINED where the facts say so and, but for rows where more decides, nowhere else. */
static inline const char *check_undefined(uint64_t facts, enum a64_op op,
                                          const struct machine_state *in, const struct outcome *o)
{
    const bool undefined = o->exception && o->ec == ESR_EC_UNKNOWN;
    const bool more = op == A64_SYS || op == A64_SYSL || op == A64_MSR_reg || op == A64_MRS ||
                      op == A64_HLT || ((op == A64_HVC || op == A64_SMC) && in->ps.el > 0) ||
                      a64_rows[op].cls == A64_UNDEF;
    const bool said = facts & (BIT(FACT_UNDEF) | (in->ps.el == 0 ? BIT(FACT_NEL0) : 0));

    if (said && !undefined)
        return "is not UNDEFINED at this EL";
    return undefined && !said && !more ? "is UNDEFINED at this EL" : NULL;
}

/* @row's word executed on @in and on the same poisoned. NULL: as @row says. @a: the first run. */
static inline const char *check_word(struct bench *b, uint64_t *rng, const struct a64_row *row,
                                     uint32_t word, const struct machine_state *in,
                                     struct outcome *a)
{
    static const uint64_t order = BIT(FACT_ACQ) | BIT(FACT_REL);
    const uint64_t facts = a64_facts(row, word);
    struct machine_state poisoned = *in;
    struct outcome o;
    struct insn i;
    const char *why;

    a64_decode(word, 0, &i);
    if ((facts & order) != ordering(word))
        return "has other acquire or release semantics";
    bench_run(b, word, in, a);
    if ((why = check_undefined(facts, a64_lookup(word), in, a)))
        return why;
    poison(rng, row, word, &i, &poisoned);
    bench_run(b, word, &poisoned, &o);
    if (a->exception != o.exception)
        return "takes an exception or not, by something else";
    if (a->exception) {
        why = check_exception(facts, in, a);
        return why ? why : check_exception(facts, &poisoned, &o);
    }
    if ((why = check_kind(facts, in, a)) || (why = check_kind(facts, &poisoned, &o)))
        return why;
    if (!same_way(a, &o))
        return "goes elsewhere by something else";
    if (!same_accesses(a, &o))
        return "an access depends on more";
    if (system_differs(in, &a->s, &poisoned, &o.s))
        return "system state depends on more";
    return check_registers(row, &i, in, &a->s, &poisoned, &o.s);
}
