/*
 * The facts of arch/a64.def against what the exec_ functions do. For random words of each row:
 *
 * - everything that the row does not say it reads gets another value, and nothing that comes out
 * may change but what was changed itself (exact the one way);
 * - everything that it says it reads is changed alone, until each has made a difference; everything
 *   that it says it writes has to change, every kind of access and branch to happen (exact the
 * other way);
 * - each thing that a row says is taken away from a copy of it, and the first check has to object.
 *
 * ARMILLARY_SEED repeats a run, ARMILLARY_N sets the words of each row, ARMILLARY_ROW restricts to
 * the rows whose name begins with it.
 */
#include "cpu/pauth.h"
#include "tests/cpu/facts_fixture.h"

#define FPCR_MODES 0x07c80000 /* AHP, DN, FZ, RMode, FZ16 */
#define TRIES      60000      /* words until everything that a row says has been seen */

/* What a row says. */
struct claims {
    uint64_t facts;
    uint8_t reads, writes;
};

static bool says(const struct a64_row *r, enum a64_fact f)
{
    return (r->facts >> f) & 1;
}

static const struct a64_row *true_row(uint32_t word)
{
    return &a64_rows[a64_lookup(word)];
}

/* ---- inputs ---- */

static uint64_t random_below(uint64_t *rng, uint64_t n)
{
    return random_next(rng) % n;
}

static uint64_t random_base(uint64_t *rng)
{
    uint64_t a = WINDOW + random_below(rng, WINDOW_SIZE);

    return random_below(rng, 4) ? a & ~UINT64_C(63) : a;
}

static uint64_t random_register(uint64_t *rng)
{
    return random_below(rng, 4) ? oracle_value(rng) : FILL_DWORD;
}

static bool is_memory(const struct a64_row *r)
{
    return (says(r, FACT_LD) || says(r, FACT_ST) || says(r, FACT_PRF)) && !says(r, FACT_WSYS);
}

/* A register that an access of @i takes its address from: a new value for it. */
static uint64_t random_value_of(uint64_t *rng, const struct a64_row *r, const struct insn *i,
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

static void random_free_sysregs(uint64_t *rng, struct machine_state *s)
{
    for (unsigned k = 0; k < ARRAY_SIZE(free_sysregs); k++)
        s->sr[free_sysregs[k]] = random_next(rng);
    /* Legal returns, most of the time. */
    s->sr[SR_SPSR_EL1] = (random_next(rng) & UINT64_C(0xf00003c0)) | (random_next(rng) & 1) * 5;
    s->sr[SR_SPSR_EL2] = (random_next(rng) & UINT64_C(0xf00003c0)) | (random_next(rng) & 1) * 9;
}

/* What traps and enables; a bit is set with a chance of 1/4, or clear with it. */
static void random_controls(uint64_t *rng, struct machine_state *s)
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
static void sign_base(struct bench *b, const struct insn *i, struct machine_state *s)
{
    const enum pauth_key key = i->op == A64_LDRAA ? PAUTH_DA : PAUTH_DB;

    bench_put(b, s);
    if (pauth_enabled(b->f->cpu, key))
        s->x[i->rn] = pauth_add(b->f->cpu, s->x[i->rn], 0, key);
}

/* @base: the fixture's state, from which everything that is not chosen here is taken. */
static void random_state(struct bench *b, uint64_t *rng, const struct machine_state *base,
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
static uint32_t special_word(uint64_t *rng, uint32_t word)
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

static uint32_t random_word(uint64_t *rng, enum a64_op op)
{
    uint32_t word = oracle_random_word(rng, op);

    if (word == 0 && op != A64_UDF)
        fail_msg("row %s: no allocated word found", a64_rows[op].name);
    word = special_word(rng, word);
    return a64_lookup(word) == op ? word : oracle_random_word(rng, op);
}

/* ---- the first check: nothing beyond what is said ---- */

/* @all: of rows that neither trap nor access memory, every system register can change. */
static void poison_system(uint64_t *rng, const struct a64_row *r, struct machine_state *s, bool all)
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
static void poison(uint64_t *rng, const struct a64_row *row, uint32_t word, const struct insn *i,
                   struct machine_state *s)
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
static bool same_system(const struct machine_state *a, const struct machine_state *b)
{
    struct pstate pa = a->ps, pb = b->ps;

    pa.btype = pb.btype = 0;
    return !memcmp(&pa, &pb, sizeof(pa)) && !memcmp(a->sr, b->sr, sizeof(a->sr)) &&
           a->event == b->event && a->serror_pin == b->serror_pin && a->irq_check == b->irq_check &&
           a->power == b->power && a->wait_until_ns == b->wait_until_ns &&
           a->gic_acknowledged == b->gic_acknowledged && a->rng == b->rng;
}

static bool same_monitor(const struct machine_state *a, const struct machine_state *b)
{
    return a->monitor == b->monitor &&
           (!a->monitor || (a->monitor_size == b->monitor_size && a->monitor_pa == b->monitor_pa));
}

/* EXEC_SYNC says that interrupts may have changed: no difference to the program. */
static bool same_way(const struct outcome *a, const struct outcome *b)
{
    const enum exec_result ra = a->result == EXEC_SYNC ? EXEC_NEXT : a->result,
                           rb = b->result == EXEC_SYNC ? EXEC_NEXT : b->result;

    return ra == rb && a->s.pc == b->s.pc;
}

static bool same_accesses(const struct outcome *a, const struct outcome *b)
{
    return a->accesses == b->accesses &&
           !memcmp(a->access, b->access, a->accesses * sizeof(a->access[0]));
}

static bool any_access(const struct outcome *o, bool write)
{
    for (unsigned k = 0; k < o->accesses; k++)
        if (!(o->access[k].kind & ARM_MEM_WRITE) != write)
            return true;
    return false;
}

/* What the accesses themselves say of their kind. NULL: the same as @facts. */
static const char *check_accesses(uint64_t facts, const struct outcome *o)
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
static const char *check_kind(uint64_t facts, const struct machine_state *in,
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

static bool is_memory_exception(const struct outcome *o)
{
    return o->ec == ESR_EC_DABT_LOW || o->ec == ESR_EC_DABT_CUR || o->ec == ESR_EC_SP_ALIGN;
}

/* A run that ended in an exception. */
static const char *check_exception(uint64_t facts, const struct machine_state *in,
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
static const char *check_registers(const struct a64_row *row, const struct insn *i,
                                   const struct machine_state *ia, const struct machine_state *a,
                                   const struct machine_state *ib, const struct machine_state *b)
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
static bool system_differs(const struct machine_state *ia, const struct machine_state *a,
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
static uint64_t ordering(uint32_t word)
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
static const char *check_undefined(uint64_t facts, enum a64_op op, const struct machine_state *in,
                                   const struct outcome *o)
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
static const char *check_word(struct bench *b, uint64_t *rng, const struct a64_row *row,
                              uint32_t word, const struct machine_state *in, struct outcome *a)
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

/* ---- the second check: everything that is said ---- */

/* Which facts and writes the run shows. */
static void see_run(const struct a64_row *r, const struct insn *i, const struct machine_state *in,
                    const struct outcome *o, struct claims *seen)
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
static bool made_a_difference(const struct a64_row *r, const struct insn *i,
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
static bool change_register(uint64_t *rng, const struct a64_row *r, const struct insn *i,
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

static bool change(uint64_t *rng, const struct a64_row *r, const struct insn *i,
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

static struct claims claims_of(const struct a64_row *r)
{
    struct claims c = {r->facts & (input_facts | output_facts), r->reads, r->writes};

    if (says(r, FACT_PRF))
        c.reads = 0;
    if (r == &a64_rows[A64_SYSL])
        c.writes = 0; /* no SYSL completes */
    return c;
}

static struct claims missing(struct claims all, struct claims seen)
{
    return (struct claims){all.facts & ~seen.facts, all.reads & (uint8_t)~seen.reads,
                           all.writes & (uint8_t)~seen.writes};
}

static bool none(struct claims c)
{
    return !c.facts && !c.reads && !c.writes;
}

/* Try one claimed input: run again with only that changed. */
static bool try_input(struct bench *b, uint64_t *rng, const struct a64_row *r, uint32_t word,
                      struct claims claim, const struct machine_state *in, const struct outcome *a)
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

static void see_inputs(struct bench *b, uint64_t *rng, const struct a64_row *r, uint32_t word,
                       const struct machine_state *in, const struct outcome *a,
                       struct claims wanted, struct claims *seen)
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

static void print_claims(const char *what, const struct a64_row *r, struct claims c)
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

/* ---- tests ---- */

struct suite {
    struct bench b;
    struct machine_state base;
    uint64_t seed, rng;
};

static void suite_open(struct suite *t)
{
    *t = (struct suite){0};
    t->seed = t->rng = test_seed((uint64_t)time(NULL));
    bench_open(&t->b);
    bench_get(&t->b, &t->base);
    t->base.irq_check = false;
}

static bool skipped(enum a64_op op)
{
    const char *prefix = getenv("ARMILLARY_ROW");

    return prefix && strncmp(a64_rows[op].name, prefix, strlen(prefix)) != 0;
}

/* Random words of @op until everything that its row says has been seen; at least @words. */
static bool check_row(struct suite *t, enum a64_op op, unsigned words)
{
    const struct a64_row *r = &a64_rows[op];
    const struct claims all = claims_of(r);
    struct claims seen = {0};

    for (unsigned n = 0; n < words || (n < TRIES && !none(missing(all, seen))); n++) {
        const uint32_t word = random_word(&t->rng, op);
        struct machine_state in;
        struct outcome a;
        struct insn i;
        random_state(&t->b, &t->rng, &t->base, word, &in);
        const char *why = check_word(&t->b, &t->rng, r, word, &in, &a);
        if (why) {
            print_error("%s %08x: %s\n", r->name, word, why);
            return false;
        }
        a64_decode(word, 0, &i);
        see_run(r, &i, &in, &a, &seen);
        if (!a.exception || says(r, FACT_TRAP))
            see_inputs(&t->b, &t->rng, r, word, &in, &a, missing(all, seen), &seen);
    }
    if (!none(missing(all, seen)))
        print_claims("said, but never seen", r, missing(all, seen));
    return none(missing(all, seen));
}

static void test_a_row_reads_and_writes_what_its_facts_say(void **state)
{
    struct suite t;
    unsigned bad = 0;

    (void)state;
    suite_open(&t);
    for (enum a64_op op = 0; op < A64_UNALLOCATED; op++)
        if (!skipped(op))
            bad += !check_row(&t, op, (unsigned)test_option("ARMILLARY_N", 60));
    bench_close(&t.b);
    if (bad)
        fail_msg("%u rows; ARMILLARY_SEED=%" PRIu64, bad, t.seed);
}

/* Does the first check find that @row is not the row of @op? */
static bool is_noticed(struct suite *t, enum a64_op op, const struct a64_row *row)
{
    for (unsigned n = 0; n < TRIES; n++) {
        const uint32_t word = random_word(&t->rng, op);
        struct machine_state in;
        struct outcome a;
        random_state(&t->b, &t->rng, &t->base, word, &in);
        if (check_word(&t->b, &t->rng, row, word, &in, &a))
            return true;
    }
    return false;
}

/* What no check would miss: PRF, and MULTI, which the generator makes; and what DRPS would do. */
static uint64_t unchecked(enum a64_op op)
{
    return BIT(FACT_PRF) | BIT(FACT_MULTI) | (op == A64_DRPS ? BIT(FACT_ERET) : 0);
}

static unsigned drop_each(struct suite *t, enum a64_op op)
{
    const struct a64_row *r = &a64_rows[op];
    unsigned bad = 0;

    for (unsigned k = 0; k < FACT_COUNT + 8; k++) {
        struct claims dropped = {0};
        struct a64_row row = *r;
        if (k < FACT_COUNT)
            dropped.facts = r->facts & BIT(k) & ~unchecked(op);
        else if (k < FACT_COUNT + 4)
            dropped.reads = claims_of(r).reads & (1 << (k - FACT_COUNT));
        else
            dropped.writes = claims_of(r).writes & (1 << (k - FACT_COUNT - 4));
        /* The roles of RD, WB and WS stand for these. */
        dropped.facts &= ~(BIT(FACT_RD) | BIT(FACT_WB) | BIT(FACT_WS));
        row.facts &= ~dropped.facts;
        row.reads &= (uint8_t)~dropped.reads;
        row.writes &= (uint8_t)~dropped.writes;
        if (none(dropped) || is_noticed(t, op, &row))
            continue;
        print_claims("taken away, and not noticed", r, dropped);
        bad++;
    }
    return bad;
}

static void test_whatever_is_taken_from_a_row_is_noticed(void **state)
{
    struct suite t;
    unsigned bad = 0;

    (void)state;
    suite_open(&t);
    for (enum a64_op op = 0; op < A64_UNALLOCATED; op++)
        if (!skipped(op))
            bad += drop_each(&t, op);
    bench_close(&t.b);
    if (bad)
        fail_msg("%u facts; ARMILLARY_SEED=%" PRIu64, bad, t.seed);
}

/* The run loops look at what to stop for where an instruction's result tells them to; and not at
 * each one, nor do they change what comes behind it. */
static void test_an_instruction_whose_event_asks_for_a_stop_does_not_go_on(void **state)
{
    struct arm_filter all = {.size = sizeof(all), .events = ~UINT64_C(0)};
    struct suite t;
    uint64_t stops = 0;

    (void)state;
    suite_open(&t);
    t.b.pauses = true;
    assert_true(probe_subscribe(&t.b.f->probes, &all, bench_probe, &t.b) > 0);
    for (enum a64_op op = 0; op < A64_UNALLOCATED; op++) {
        for (uint64_t n = skipped(op) ? 0 : test_option("ARMILLARY_N", 60); n; n--) {
            const uint32_t word = random_word(&t.rng, op);
            struct machine_state in;
            struct outcome o;
            random_state(&t.b, &t.rng, &t.base, word, &in);
            bench_run(&t.b, word, &in, &o);
            stops += t.b.pause;
            if (t.b.pause && o.result != EXEC_SYNC && o.result != EXEC_EXIT &&
                o.result != EXEC_ABORT)
                fail_msg("%s %08x: goes on; ARMILLARY_SEED=%" PRIu64, a64_rows[op].name, word,
                         t.seed);
        }
    }
    bench_close(&t.b);
    assert_true(stops > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_reads_and_writes_what_its_facts_say),
        cmocka_unit_test(test_whatever_is_taken_from_a_row_is_noticed),
        cmocka_unit_test(test_an_instruction_whose_event_asks_for_a_stop_does_not_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
