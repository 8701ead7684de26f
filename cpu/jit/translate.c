#include "cpu/jit/translate.h"

#include "cpu/execute.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/template.h"

/* Free host registers, those first that calls of C preserve; the last is JIT_LEFT. */
static const uint8_t hosts[JIT_HOSTS] = {R12, R13, R14, R15, RSI, RDI, R8, R9, R10, R11};

#define PEEK 12

/* ---- which instructions, and what is known of them ---- */

static void decode(const struct tr *t, unsigned index, struct insn *out)
{
    a64_decode(code_page_word(t->page, index), index * 4, out);
    if (a64_missing_feature(out->op, &t->cpu->features) != FEAT_BASE)
        out->op = A64_UNALLOCATED;
}

static bool ends_block(const struct insn *i)
{
    return tr_is_branch(i->op) && !a64_is(i->op, FACT_COND);
}

static void choose_insns(struct tr *t)
{
    for (t->n = 0; t->n < JIT_INSNS_MAX && t->first + t->n < CODE_PAGE_INSNS; t->n++) {
        struct insn *i = &t->rec[t->n];
        decode(t, t->first + t->n, i);
        if (tr_row(t, t->n)->jit == JIT_END || tr_row(t, t->n)->cls == A64_UNDEF)
            return;
        if (a64_is(i->op, FACT_DIRECT) && (uint64_t)i->imm == t->first * 4ull && i->op != A64_BL)
            t->loops = true;
        if (ends_block(i)) {
            t->n++;
            return;
        }
    }
}

/* Does its exec_ function but compute, from registers to registers? */
static bool is_pure(const struct a64_row *r)
{
    const uint64_t more = BIT(FACT_LD) | BIT(FACT_ST) | BIT(FACT_TRAP) | BIT(FACT_RSYS) |
                          BIT(FACT_WSYS) | BIT(FACT_BARRIER) | BIT(FACT_EXCL) | BIT(FACT_PRF);

    return !(r->facts & more) && !a64_flags_read(r) && !a64_flags_written(r);
}

/* May it take an exception, or stop the run, in whose state NZCV are to be right? */
static bool shows_flags(const struct a64_row *r)
{
    return (r->jit == JIT_CALL && !is_pure(r)) ||
           r->facts & (BIT(FACT_LD) | BIT(FACT_ST) | BIT(FACT_TRAP)) || r->cls == A64_FP;
}

bool tr_peek(const struct tr *t, uint64_t index)
{
    for (unsigned k = 0; k < PEEK && index + k < CODE_PAGE_INSNS; k++) {
        struct insn i;
        decode(t, (unsigned)index + k, &i);
        const struct a64_row *r = &a64_rows[i.op];
        if (a64_flags_read(r) || shows_flags(r) || tr_is_branch(i.op) || r->jit == JIT_END)
            return true;
        if (a64_flags_written(r) == 15)
            return false;
    }
    return true;
}

/* Behind each way out they are to be right: the run may be stopped there, or an interrupt come. */
static void find_live(struct tr *t)
{
    t->live[t->n] = true;
    for (unsigned k = t->n; k-- > 0;) {
        const struct a64_row *r = tr_row(t, k);
        bool out = t->live[k + 1] || tr_is_branch(t->rec[k].op);
        t->live[k] = a64_flags_read(r) || shows_flags(r) || (out && a64_flags_written(r) != 15);
    }
}

/* The registers used most get host registers. */
static void allocate(struct tr *t)
{
    unsigned uses[REG_COUNT] = {0}, count = t->loops ? JIT_HOSTS - 1 : JIT_HOSTS;

    for (unsigned k = 0; k < t->n; k++) {
        struct a64_use u = a64_use(tr_row(t, k), &t->rec[k]);
        t->written |= u.x_writes;
        for (unsigned g = 0; g < REG_COUNT; g++)
            uses[g] += (unsigned)((u.x_reads >> g & 1) + (u.x_writes >> g & 1));
    }
    memset(t->host, -1, sizeof(t->host));
    for (unsigned h = 0; h < count; h++) {
        unsigned best = REG_ZR;
        for (unsigned g = 0; g < REG_COUNT; g++)
            if (t->host[g] < 0 && uses[g] > uses[best] && g != REG_ZR && g != REG_SINK)
                best = g;
        if (best == REG_ZR)
            break;
        t->host[best] = (int8_t)hosts[h];
        t->cached |= BIT(best);
    }
    t->written &= t->cached;
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

static void emit_call(struct tr *t, unsigned k)
{
    uint64_t writes = a64_use(tr_row(t, k), &t->rec[k]).x_writes;

    tr_flags_to_cpu(t);
    tr_check_fp(t, k);
    tr_store(t, t->s.dirty);
    tr_exec(t, k);
    t->s.dirty = 0;
    t->s.valid &= ~tr_lost(t, t->s.valid, writes);
}

/* The function of a row that is_pure(): what it does not touch may stay where C leaves it. */
static void emit_pure_call(struct tr *t, unsigned k)
{
    struct a64_use u = a64_use(tr_row(t, k), &t->rec[k]);
    uint64_t gone = tr_lost(t, t->s.valid, u.x_writes), to_store = t->s.dirty & (gone | u.x_reads);
    struct x86_code *c = &t->c;

    tr_save_flags(t);
    tr_check_fp(t, k);
    tr_store(t, to_store);
    x86_byte(c, 0x41); /* push JIT_LEFT, which aligns the stack too */
    x86_byte(c, 0x50 | (JIT_LEFT & 7));
    x86_mov(c, 1, RDI, CPU);
    x86_mov_imm(c, RSI, (uintptr_t)(t->page + t->first + k));
    tr_call_c(c, (uintptr_t)exec_fns[t->rec[k].op]);
    x86_byte(c, 0x41);
    x86_byte(c, 0x58 | (JIT_LEFT & 7));
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
        t->s.flags = FLAGS_CPU;
    else if (!keeps_flags(t, &t->rec[k]))
        tr_save_flags(t);
}

static void emit_insns(struct tr *t)
{
    for (unsigned k = 0; k < t->n && !t->c.full; k++) {
        prepare_flags(t, k);
        if (emit_template(t, k))
            continue;
        if (is_pure(tr_row(t, k)))
            emit_pure_call(t, k);
        else
            emit_call(t, k);
    }
}

static void emit_entry(struct tr *t)
{
    struct x86_code *c = &t->c;

    x86_rm(c, ALU_CMP, 1, RSI, x86_at(RDI, (int32_t)offsetof(struct cpu, counted)));
    uint8_t *counted = x86_jcc(c, CC_E);
    x86_mov(c, 1, RBP, RDI);
    x86_rr(c, 0x8b, 1, RBX, RSI);
    x86_byte(c, 0x50); /* push: aligns the stack */
    tr_call_c(c, (uintptr_t)interp_count_upto);
    x86_byte(c, 0x58);
    x86_mov(c, 1, RDI, RBP);
    x86_bind(c, counted);
    x86_mov(c, 1, CPU, RDI);
    if (!t->loops)
        return;
    x86_load(c, JIT_LEFT, CPU_FIELD(left));
    tr_reload(t, t->cached);
    t->s.valid = t->cached;
    t->s.dirty = t->written;
    if (t->live[0])
        tr_load_flags(t);
    t->head = c->p;
}

static void emit(struct tr *t)
{
    emit_entry(t);
    emit_insns(t);
    if (!ends_block(&t->rec[t->n - 1])) {
        struct stub *s = tr_stub(t, STUB_EXIT, t->n);
        s->target = t->first + t->n;
        s->flags_live = t->live[t->n];
        t->stubs--; /* here, not behind */
        tr_emit_stub(t, s);
    }
    for (unsigned k = 0; k < t->stubs && !t->c.full; k++)
        tr_emit_stub(t, &t->stub[k]);
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

    t->c =
        (struct x86_code){.p = align(p + sizeof(*b) + sizeof(b), 32), .end = jit->rw + jit->limit};
    if (t->c.p + 4096 > t->c.end)
        return NULL;
    memcpy(t->c.p - sizeof(b), &b, sizeof(b));
    /* records belong to the code cache; its function is the one thing that a block changes */
    *b = (struct jit_block){.head = (struct insn *)(uintptr_t)(t->page + t->first),
                            .first = t->first};
    return b;
}

void jit_translate(struct cpu *cpu, const struct insn *i)
{
    struct jit *jit = cpu->jit;
    struct tr t = {.jit = jit, .cpu = cpu, .page = cpu->page, .first = (unsigned)(i - cpu->page)};

    if (jit_is_block(jit, i) || !interp_is_decoded(i))
        return;
    t.block = begin_block(&t);
    if (!t.block) {
        jit->full = true;
        return;
    }
    choose_insns(&t);
    if (t.n == 0)
        return;
    uint8_t *code = t.c.p;
    for (unsigned k = 0; k < t.n; k++) /* exec_ functions read the records */
        if (!interp_is_decoded(i + k))
            interp_decode(cpu, i + k);
    t.block->insns = t.n;
    find_live(&t);
    allocate(&t);
    emit(&t);
    if (t.c.full) {
        jit->full = true;
        return;
    }
    jit->used = (size_t)(t.c.p - jit->rw);
    jit->limit = (size_t)(t.c.end - jit->rw);
    struct code_page *page = (struct code_page *)(uintptr_t)cpu->page;
    t.block->next = page->blocks;
    page->blocks = t.block;
    t.block->head->fn = (exec_fn *)(uintptr_t)(jit->rx + (code - jit->rw));
}
