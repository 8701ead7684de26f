#include "cpu/jit/translate.h"

#include "cpu/execute.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/pieces.h"
#include "cpu/jit/template.h"
#include "cpu/jit/vector.h"

#define JIT_DEPTH 4

/* ---- which instructions, and what is known of them ---- */

bool tr_crosses(const struct insn *i)
{
    return i->op == A64_SVC || i->op == A64_HVC || i->op == A64_SMC || a64_is(i->op, FACT_ERET);
}

/* Which functions never go on with the next record, or hardly ever. */
static bool stops(const struct insn *i)
{
    switch (i->op) {
    case A64_BRK:
    case A64_HLT:
    case A64_UDF:
    case A64_DCPS1:
    case A64_DCPS2:
    case A64_DCPS3:
    case A64_WFI:
    case A64_WFE:
    case A64_WFIT:
    case A64_WFET:
    case A64_UNALLOCATED:
        return true;
    default:
        return tr_crosses(i) || a64_rows[i->op].cls == A64_UNDEF ||
               (a64_is(i->op, FACT_INDIRECT) && a64_rows[i->op].jit == JIT_END);
    }
}

/* The calls that a block has followed. */
struct calls {
    uint16_t back[JIT_DEPTH]; /* record indexes that they return to */
    unsigned depth;
};

static bool is_in(const struct tr *t, uint64_t index)
{
    return bit(t->in[index / 64], index % 64);
}

/* The record that is executed behind instruction @i at @index, as far as the block knows. */
static unsigned next_of(const struct tr *t, const struct insn *i, unsigned index,
                        struct calls *calls)
{
    if (!tr_is_branch(i->op) || a64_is(i->op, FACT_COND))
        return index + 1;
    uint64_t target = (uint64_t)i->imm / 4;
    if (i->op == A64_RET) {
        if (i->rn != 30 || calls->depth == 0)
            return TR_OUT;
        target = calls->back[--calls->depth];
        return is_in(t, target) ? TR_OUT : (unsigned)target;
    }
    if (!a64_is(i->op, FACT_DIRECT) || target >= CODE_PAGE_INSNS || target == index ||
        is_in(t, target) || !interp_is_decoded(t->page + target))
        return TR_OUT;
    if (i->op == A64_BL) {
        if (calls->depth == JIT_DEPTH || index + 1 == CODE_PAGE_INSNS)
            return TR_OUT;
        calls->back[calls->depth++] = (uint16_t)(index + 1);
    }
    return (unsigned)target;
}

/* Records that have been executed, so that each is decoded when it first is; or all. */
static bool is_decoded(struct tr *t, unsigned index)
{
    if (t->jit->eager && !interp_is_decoded(t->page + index))
        interp_decode(t->cpu, (struct insn *)(uintptr_t)(t->page + index));
    return interp_is_decoded(t->page + index);
}

static void choose_insns(struct tr *t)
{
    struct calls calls = {.depth = 0};
    unsigned index = t->first;

    while (t->n < JIT_INSNS_MAX && index < CODE_PAGE_INSNS && !is_in(t, index) &&
           is_decoded(t, index)) {
        struct insn *i = &t->rec[t->n];
        *i = t->page[index];
        t->stops = stops(i);
        if (t->stops)
            break;
        if (a64_is(i->op, FACT_DIRECT) && (uint64_t)i->imm == t->first * 4ull)
            t->loops = true;
        unsigned next = next_of(t, i, index, &calls);
        t->in[index / 64] |= BIT(index % 64);
        t->use[t->n] = a64_use(&a64_rows[i->op], i);
        t->at[t->n] = (uint16_t)index;
        t->next[t->n++] = (uint16_t)next;
        index = next;
    }
    t->behind = index;
    if (index == t->first && t->n)
        t->loops = true;
}

/* May the block be left by instruction @k? */
static bool is_exit(const struct tr *t, unsigned k)
{
    const struct insn *i = &t->rec[k];

    return tr_is_branch(i->op) &&
           (a64_is(i->op, FACT_COND) || t->next[k] == TR_OUT || i->op == A64_RET);
}

/* Does its exec_ function but compute, from registers to registers? */
static bool is_pure(const struct a64_row *r)
{
    const uint64_t more = BIT(FACT_LD) | BIT(FACT_ST) | BIT(FACT_TRAP) | BIT(FACT_RSYS) |
                          BIT(FACT_WSYS) | BIT(FACT_BARRIER) | BIT(FACT_EXCL) | BIT(FACT_PRF);

    return r->jit != JIT_END && !(r->facts & more) && !a64_flags_read(r) && !a64_flags_written(r);
}

/* May it take an exception, or stop the run, in whose state NZCV are to be right? */
static bool shows_flags(const struct a64_row *r)
{
    return (r->jit != JIT_NATIVE && !is_pure(r)) ||
           r->facts & (BIT(FACT_LD) | BIT(FACT_ST) | BIT(FACT_TRAP)) || r->cls == A64_FP;
}

/* Behind each way out they are to be right: the run may be stopped there, or an interrupt come. */
static void find_live(struct tr *t)
{
    t->live[t->n] = true;
    for (unsigned k = t->n; k-- > 0;) {
        const struct a64_row *r = tr_row(t, k);
        bool out = t->live[k + 1] || is_exit(t, k);
        t->live[k] = a64_flags_read(r) || shows_flags(r) || (out && a64_flags_written(r) != 15);
    }
}

static void count_bits(unsigned *counts, uint64_t set)
{
    for (; set; set &= set - 1)
        counts[__builtin_ctzll(set)]++;
}

/* Those of registers @wanted that are used most get host registers, if they are used @least times.
 */
static void allocate_most(struct tr *t, const unsigned *uses, uint64_t wanted, unsigned least)
{
    for (; wanted && t->hosts < JIT_HOSTS; t->hosts++) {
        unsigned best = (unsigned)__builtin_ctzll(wanted);
        for (uint64_t rest = wanted; rest; rest &= rest - 1)
            if (uses[__builtin_ctzll(rest)] > uses[best])
                best = (unsigned)__builtin_ctzll(rest);
        if (uses[best] < least)
            return;
        wanted &= ~BIT(best);
        t->host[best] = (int8_t)tr_hosts[t->hosts];
        t->cached |= BIT(best);
    }
}

/* A site saves three instructions of an access. */
static void want_sites(struct tr *t, unsigned *uses, uint64_t *wanted)
{
    for (unsigned k = 0; k < t->n; k++) {
        if (t->site[k]) {
            uses[t->site[k]] += 3;
            *wanted |= BIT(t->site[k]);
        }
    }
}

static void allocate(struct tr *t)
{
    unsigned uses[REG_COUNT + JIT_SITES] = {0};
    uint64_t wanted = 0;

    for (unsigned k = 0; k < t->n; k++) {
        wanted |= t->use[k].x_reads | t->use[k].x_writes;
        t->written |= t->use[k].x_writes;
        count_bits(uses, t->use[k].x_reads);
        count_bits(uses, t->use[k].x_writes);
    }
    memset(t->host, -1, sizeof(t->host));
    wanted &= ~(BIT(REG_ZR) | BIT(REG_SINK));
    if (t->loops) { /* what is written may be waited for in the next round */
        count_bits(uses, t->written);
        want_sites(t, uses, &wanted);
    }
    allocate_most(t, uses, wanted, t->loops ? 1 : 2);
    for (unsigned k = 0; k < t->n; k++)
        if (t->site[k] && t->host[t->site[k]] < 0)
            t->site[k] = 0;
    t->written &= t->cached;
}

/* Does a result depend on FPCR, and no instruction change that? */
static bool uses_fpcr(const struct tr *t)
{
    bool r = false;

    for (unsigned k = 0; k < t->n; k++) {
        if (a64_is(t->rec[k].op, FACT_WFPCR))
            return false;
        r |= tr_row(t, k)->cls == A64_FP && a64_is(t->rec[k].op, FACT_RFPCR);
    }
    return r;
}

/* Likewise for V registers, where the host has what templates for them need. */
static void allocate_vectors(struct tr *t)
{
    unsigned uses[32] = {0};
    uint32_t any = 0;

    memset(t->v_host, -1, sizeof(t->v_host));
    if (!tr_has(t, HOST_AVX))
        return;
    t->uses_fpcr = uses_fpcr(t);
    for (unsigned k = 0; k < t->n; k++) {
        count_bits(uses, t->use[k].v_reads);
        count_bits(uses, t->use[k].v_writes);
        any |= t->use[k].v_reads | t->use[k].v_writes;
    }
    for (unsigned h = XMM_FIRST_HOST; any && h < XMM_COUNT; h++) {
        unsigned best = 0;
        for (unsigned v = 1; v < 32; v++)
            if (uses[v] > uses[best])
                best = v;
        if (uses[best] == 0)
            break;
        uses[best] = 0;
        t->v_host[best] = (int8_t)h;
        t->v_cached |= UINT32_C(1) << best;
    }
}

/* ---- the block ---- */

void tr_check_fp(struct tr *t, unsigned k)
{
    if (tr_row(t, k)->cls != A64_FP || t->fp_checked)
        return;
    x86_rm(&t->c, 0xf7, 0, 0, CPU_FIELD(block)); /* test */
    x86_imm32(&t->c, (int32_t)BLOCK_FP_HELD);
    tr_stub(t, STUB_TRAP, k)->from[0] = x86_jcc(&t->c, CC_NE);
    t->fp_checked = true;
}

/* The function of a row that is_pure(): what it does not touch may stay where C leaves it. */
static void emit_pure_call(struct tr *t, unsigned k)
{
    struct a64_use u = t->use[k];
    struct x86_code *c = &t->c;

    tr_save_flags(t); /* which may take registers from memory, of those that are gone then */
    tr_check_fp(t, k);
    tr_fp_leave(t);
    uint64_t gone = tr_lost(t, t->s.valid, u.x_writes), to_store = t->s.dirty & (gone | u.x_reads);
    tr_store(t, to_store);
    tr_pass_cpu(c);
    x86_mov_imm(c, RSI, (uintptr_t)(t->page + t->at[k]));
    tr_call_c(c, (uintptr_t)exec_fns[t->rec[k].op]);
    t->s.v_valid = 0;
    t->s.dirty &= ~(to_store | u.x_writes);
    t->s.valid &= ~gone;
}

static bool keeps_flags(const struct tr *t, const struct insn *i)
{
    const struct jit_template *row = t->jit->template[i->op];

    return row && row->keeps_flags && row->keeps_flags(i);
}

static bool emit_template(struct tr *t, unsigned k)
{
    const struct insn *i = &t->rec[k];
    const struct jit_template *row = t->jit->template[i->op];

    return row && row->emit(t, k, i, row->arg);
}

/* Does the template begin with EFLAGS where they are? */
static void prepare_flags(struct tr *t, unsigned k)
{
    if (!t->live[k])
        tr_flags_are(t, FLAGS_SAVED); /* or anything */
    else if (!keeps_flags(t, &t->rec[k]))
        tr_free_eflags(t);
    tr_settle_flags(t, t->use[k].x_writes);
}

/* Is SP a multiple of 16 behind instruction @k, if it was one before? */
static bool keeps_sp(const struct tr *t, unsigned k)
{
    const struct insn *i = &t->rec[k];
    uint64_t facts = tr_row(t, k)->facts & (BIT(FACT_LD) | BIT(FACT_ST));

    if (!(t->use[k].x_writes & BIT(REG_SP)))
        return true;
    return (facts || i->op == A64_ADD_imm || i->op == A64_SUB_imm) && i->rn == REG_SP &&
           i->imm % 16 == 0;
}

static void emit_insns(struct tr *t)
{
    for (unsigned k = 0; k < t->n && !t->c.full; k++) {
        t->start[k] = t->c.p;
        prepare_flags(t, k);
        if (!emit_template(t, k))
            (is_pure(tr_row(t, k)) ? emit_pure_call : tr_call_exec)(t, k);
        if (tr_row(t, k)->jit == JIT_END) /* its function may change what traps, and FPCR */
            t->fp_checked = t->fpcr_checked = t->sp_checked = false;
        t->sp_checked &= keeps_sp(t, k);
    }
}

static void emit_entry(struct tr *t)
{
    jit_emit_entry(t->jit, &t->c);
    tr_flags_are(t, FLAGS_SAVED);
    if (t->loops) {
        if (t->loop_again.known) {
            t->s.flags = FLAGS_EITHER;
            t->s.again = t->loop_again;
        }
        tr_reload(t, t->cached);
        t->s.valid = t->cached;
        t->s.dirty = t->written;
        tr_v_loop(t);
        if (t->uses_fpcr)
            tr_fp_enter(t, 0);
    }
    t->head = t->c.p;
}

static bool is_cold(enum stub_kind kind)
{
    return kind != STUB_EXIT;
}

static void emit_stubs(struct tr *t, bool hot)
{
    t->sp_checked = false;
    for (unsigned k = 0; k < t->stubs && !t->c.full; k++)
        if (is_cold(t->stub[k].kind) != hot)
            tr_emit_stub(t, &t->stub[k]);
}

static void emit(struct tr *t)
{
    emit_entry(t);
    emit_insns(t);
    if (t->stops)
        tr_stop_here(t);
    else if (t->behind == t->first)
        tr_loop(t, t->n);
    else if (t->behind != TR_OUT)
        tr_exit_here(t, t->n, t->behind);
    emit_stubs(t, true);
}

/* The rest, elsewhere, so that code that is executed lies close together. */
static void emit_cold(struct tr *t)
{
    struct jit *jit = t->jit;

    t->c = (struct x86_code){.p = jit->rw + jit->cold, .end = t->edges};
    emit_stubs(t, false);
    if (!t->c.full)
        jit->cold = (size_t)(t->c.p - jit->rw);
}

static uint8_t *align(uint8_t *p, uintptr_t to)
{
    return (uint8_t *)(((uintptr_t)p + to - 1) & ~(to - 1));
}

static struct jit_block *begin_block(struct tr *t)
{
    struct jit *jit = t->jit;
    uint8_t *p = align(jit->rw + jit->used, 16);
    struct jit_block *b = (struct jit_block *)(void *)p;

    jit_look_ahead(jit);
    t->c = (struct x86_code){.p = align(p + sizeof(*b) + sizeof(struct jit_front), 32),
                             .end = jit->rw + JIT_COLD};
    t->edges = jit->rw + jit->limit;
    if (t->c.p + 4096 > t->c.end)
        return NULL;
    /* records belong to the code cache; its function is the one thing that a block changes */
    *b = (struct jit_block){.head = (struct insn *)(uintptr_t)(t->page + t->first),
                            .first = CODE_PAGE_INSNS};
    return b;
}

static void cover(struct jit_block *b, unsigned index)
{
    if (index < b->first)
        b->first = index;
    if (index > b->last)
        b->last = index;
}

/* @code: where its code is to begin. */
static void describe(struct tr *t, uint8_t *code)
{
    const struct jit_front front = {.block = t->block, .insns = t->n + t->stops};

    memcpy(code - sizeof(front), &front, sizeof(front));
    for (unsigned k = 0; k < t->n; k++)
        cover(t->block, t->at[k]);
    if (t->stops)
        cover(t->block, t->behind);
}

/* Is there nothing that the plain loop would not do as well? */
static bool is_vain(const struct tr *t)
{
    return t->n == 0 && !(t->stops && tr_crosses(t->page + t->behind));
}

/* The code in the writable view from @from to @to. */
static struct arm_host_piece piece(const struct jit *jit, const uint8_t *from, const uint8_t *to)
{
    return (struct arm_host_piece){.bytes = from,
                                   .size = (size_t)(to - from),
                                   .address = (uintptr_t)jit->rx + (uintptr_t)(from - jit->rw)};
}

/* All its code. False: there is no room. */
static bool emit_all(struct tr *t)
{
    struct jit *jit = t->jit;
    uint8_t *code = t->c.p, *rare = jit->rw + jit->cold;

    emit(t);
    uint8_t *end = t->c.p;
    if (!t->c.full)
        emit_cold(t);
    if (t->c.full)
        return false;
    jit->used = (size_t)(end - jit->rw);
    jit->limit = (size_t)(t->edges - jit->rw);
    if (unlikely(jit->made))
        tr_tell(t, &(struct arm_host_code){.usual = piece(jit, code, end),
                                           .rare = piece(jit, rare, t->c.p)});
    return true;
}

static void publish(struct tr *t, const uint8_t *code)
{
    struct jit *jit = t->jit;
    struct code_page *page = (struct code_page *)(uintptr_t)t->page;

    t->block->next = page->blocks;
    page->blocks = t->block;
    page->ours = jit->ours;
    t->block->head->fn = (exec_fn *)(uintptr_t)(jit->rx + (code - jit->rw));
}

static void translate(struct cpu *cpu, const struct insn *i)
{
    struct tr t;

    memset(&t, 0, offsetof(struct tr, stub));
    t.jit = cpu->jit;
    t.cpu = cpu;
    t.page = cpu->page;
    t.first = (unsigned)(i - cpu->page);
    if (!is_decoded(&t, t.first))
        return;
    t.block = begin_block(&t);
    if (!t.block) {
        t.jit->full = true;
        return;
    }
    choose_insns(&t);
    if (is_vain(&t))
        return;
    if (t.loops) /* begins a line of the host's caches: the same loop, the same speed */
        t.c.p = align(t.c.p, 64);
    uint8_t *code = t.c.p;
    describe(&t, code);
    find_live(&t);
    if (t.loops)
        tr_study_loop(&t);
    allocate(&t);
    allocate_vectors(&t);
    if (emit_all(&t))
        publish(&t, code);
    else
        t.jit->full = true;
}

void jit_translate(struct cpu *cpu, const struct insn *i)
{
    if (jit_is_block(cpu->jit, i) || (interp_is_decoded(i) && stops(i) && !tr_crosses(i)))
        return;
    translate(cpu, i);
}
