#include "cpu/jit/translate.h"

#include "cpu/execute.h"
#include "cpu/interp_plain.h"

/* Free host registers, those first that calls of C preserve; the last is JIT_LEFT. */
static const uint8_t hosts[JIT_HOSTS] = {R12, R13, R14, R15, RSI, RDI, R8, R9, R10, R11};
#define CALLEE_SAVED (BIT(R12) | BIT(R13) | BIT(R14) | BIT(R15))

#define EXIT_FLOOR CODE_PAGE_INSNS /* the plain loop wants more than that left */
#define PEEK       12

/* ---- which instructions, and what is known of them ---- */

static const struct a64_row *row_of(const struct tr *t, unsigned k)
{
    return &a64_rows[t->rec[k].op];
}

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
        if (row_of(t, t->n)->jit == JIT_END || row_of(t, t->n)->cls == A64_UNDEF)
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

/* Does anybody read NZCV from record @index on before they are written? */
static bool peek(const struct tr *t, uint64_t index)
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
        const struct a64_row *r = row_of(t, k);
        bool out = t->live[k + 1] || tr_is_branch(t->rec[k].op);
        t->live[k] = a64_flags_read(r) || shows_flags(r) || (out && a64_flags_written(r) != 15);
    }
}

/* The registers used most get host registers. */
static void allocate(struct tr *t)
{
    unsigned uses[REG_COUNT] = {0}, count = t->loops ? JIT_HOSTS - 1 : JIT_HOSTS;

    for (unsigned k = 0; k < t->n; k++) {
        struct a64_use u = a64_use(row_of(t, k), &t->rec[k]);
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

/* ---- registers and flags ---- */

enum x86_reg tr_use(struct tr *t, unsigned g, enum x86_reg scratch)
{
    if (g == REG_ZR) {
        x86_mov_imm(&t->c, scratch, 0);
        return scratch;
    }
    enum x86_reg r = t->host[g] < 0 ? scratch : (enum x86_reg)t->host[g];
    if (t->host[g] < 0 || !(t->s.valid >> g & 1))
        x86_load(&t->c, r, tr_x(g));
    t->s.valid |= BIT(g) & t->cached;
    return r;
}

void tr_touch(struct tr *t, unsigned g)
{
    if (g != REG_ZR && t->host[g] >= 0)
        (void)tr_use(t, g, RAX);
}

enum x86_reg tr_def(const struct tr *t, unsigned g, enum x86_reg scratch)
{
    return t->host[g] < 0 ? scratch : (enum x86_reg)t->host[g];
}

void tr_done(struct tr *t, unsigned g, enum x86_reg r)
{
    if (g == REG_SINK || g == REG_ZR)
        return;
    if (t->host[g] < 0) {
        x86_store(&t->c, tr_x(g), r);
        return;
    }
    x86_mov(&t->c, 1, (enum x86_reg)t->host[g], r);
    t->s.valid |= BIT(g);
    t->s.dirty |= BIT(g);
}

void tr_store(struct tr *t, uint64_t set)
{
    for (; set; set &= set - 1) {
        unsigned g = (unsigned)__builtin_ctzll(set);
        x86_store(&t->c, tr_x(g), (enum x86_reg)t->host[g]);
    }
}

static void reload(struct tr *t, uint64_t set)
{
    for (; set; set &= set - 1) {
        unsigned g = (unsigned)__builtin_ctzll(set);
        x86_load(&t->c, (enum x86_reg)t->host[g], tr_x(g));
    }
}

/* Those of @set that a call of C that writes guest registers @writes leaves in their places. */
static uint64_t lost(const struct tr *t, uint64_t set, uint64_t writes)
{
    uint64_t r = set & writes;

    for (uint64_t rest = set; rest; rest &= rest - 1) {
        unsigned g = (unsigned)__builtin_ctzll(rest);
        if (!(CALLEE_SAVED >> t->host[g] & 1))
            r |= BIT(g);
    }
    return r;
}

/* JIT_FLAGS is what LAHF leaves in AX, SF ZF - AF - PF 1 CF above, and V below. */
void tr_save_flags(struct tr *t)
{
    struct x86_code *c = &t->c;

    if (t->s.flags != FLAGS_ADD && t->s.flags != FLAGS_SUB)
        return;
    if (t->s.flags == FLAGS_SUB)
        x86_byte(c, 0xf5); /* cmc */
    x86_byte(c, 0x9f);     /* lahf */
    x86_setcc(c, CC_O, RAX);
    x86_mov(c, 0, JIT_FLAGS, RAX);
    t->s.flags = FLAGS_SAVED;
}

void tr_flags_to_cpu(struct tr *t)
{
    struct x86_code *c = &t->c;

    tr_save_flags(t);
    if (t->s.flags == FLAGS_CPU)
        return;
    x86_mov(c, 1, RCX, JIT_FLAGS);
    x86_shift(c, SHIFT_SHL, 1, RCX, 48); /* SF to bit 63 */
    x86_store(c, CPU_FIELD(nf), RCX);
    x86_mov(c, 0, RCX, JIT_FLAGS);
    x86_not(c, 0, RCX);
    x86_alu_imm(c, ALU_AND, 0, RCX, 0x4000);
    x86_store(c, CPU_FIELD(zf), RCX);
    x86_mov(c, 0, RCX, JIT_FLAGS);
    x86_shift(c, SHIFT_SHR, 0, RCX, 8);
    x86_alu_imm(c, ALU_AND, 0, RCX, 1);
    x86_store(c, CPU_FIELD(cf), RCX);
    x86_mov(c, 1, RCX, JIT_FLAGS);
    x86_shift(c, SHIFT_SHL, 1, RCX, 63);
    x86_store(c, CPU_FIELD(vf), RCX);
    t->s.flags = FLAGS_CPU;
}

/* JIT_FLAGS from the CPU. */
static void load_flags(struct tr *t)
{
    struct x86_code *c = &t->c;

    x86_load(c, JIT_FLAGS, CPU_FIELD(nf));
    x86_shift(c, SHIFT_SHR, 1, JIT_FLAGS, 63);
    x86_shift(c, SHIFT_SHL, 0, JIT_FLAGS, 15);
    x86_mov_imm(c, RCX, 0);
    x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(zf), 0);
    x86_setcc(c, CC_E, RCX);
    x86_shift(c, SHIFT_SHL, 0, RCX, 14);
    x86_alu(c, ALU_OR, 0, JIT_FLAGS, RCX);
    x86_load(c, RCX, CPU_FIELD(cf));
    x86_shift(c, SHIFT_SHL, 0, RCX, 8);
    x86_alu(c, ALU_OR, 0, JIT_FLAGS, RCX);
    x86_load(c, RCX, CPU_FIELD(vf));
    x86_shift(c, SHIFT_SHR, 1, RCX, 63);
    x86_alu(c, ALU_OR, 0, JIT_FLAGS, RCX);
    t->s.flags = FLAGS_SAVED;
}

/* ---- what is rare ---- */

struct stub *tr_stub(struct tr *t, enum stub_kind kind, unsigned k)
{
    if (t->stubs == JIT_STUBS) {
        t->c.full = true;
        return &t->stub[JIT_STUBS]; /* of no use */
    }
    struct stub *s = &t->stub[t->stubs++];
    *s = (struct stub){.kind = kind, .k = k, .state = t->s};
    return s;
}

void tr_exit(struct tr *t, uint8_t *jump, unsigned retired, unsigned target)
{
    struct stub *s = tr_stub(t, STUB_EXIT, retired);

    s->from[0] = jump;
    s->target = target;
    s->flags_live = target == CODE_PAGE_INSNS || peek(t, target);
}

static void call_c(struct x86_code *c, uintptr_t fn)
{
    x86_mov_imm(c, RAX, fn);
    x86_rr(c, 0xff, 0, 2, RAX);
}

static void jump_c(struct x86_code *c, uintptr_t fn)
{
    x86_mov_imm(c, RAX, fn);
    x86_rr(c, 0xff, 0, 4, RAX);
}

static void jump_to(struct x86_code *c, const uint8_t *target)
{
    uint8_t *d = x86_jmp(c);

    x86_bind_to(c, d, target);
}

static void call_to(struct x86_code *c, const uint8_t *target)
{
    x86_byte(c, 0xe8);
    x86_imm32(c, 0);
    x86_bind_to(c, c->p - 4, target);
}

/* Call the exec_ function of instruction @k, everything being in the CPU; @left: JIT_LEFT is. */
static void exec(struct tr *t, unsigned k)
{
    if (t->loops)
        x86_store(&t->c, CPU_FIELD(left), JIT_LEFT);
    x86_mov_imm(&t->c, RSI, (uintptr_t)(t->page + t->first + k));
    x86_mov_imm(&t->c, RDX, (uintptr_t)t->block);
    call_to(&t->c, t->jit->exec);
    if (t->loops)
        x86_load(&t->c, JIT_LEFT, CPU_FIELD(left));
}

/* @retired instructions are to be taken off the count. */
static void count(struct tr *t, unsigned retired)
{
    if (t->loops) {
        x86_alu_imm(&t->c, ALU_SUB, 1, JIT_LEFT, (int32_t)retired);
        x86_store(&t->c, CPU_FIELD(left), JIT_LEFT);
    } else if (retired) {
        x86_alu_mem_imm(&t->c, ALU_SUB, 1, CPU_FIELD(left), (int32_t)retired);
    }
}

/* On to @target by an edge of its own. */
static void follow(struct tr *t, const struct insn *target)
{
    struct x86_code *c = &t->c;
    struct jit_edge *edge =
        (struct jit_edge *)(void *)(((uintptr_t)c->end - sizeof(*edge)) & ~UINT64_C(7));
    if ((uint8_t *)edge < c->p + 64) {
        c->full = true;
        return;
    }
    c->end = (uint8_t *)edge;
    *edge = (struct jit_edge){.target = target, .jump = c->p};
    x86_mov_imm(c, RDX, (uintptr_t)edge);
    jump_to(c, t->jit->follow);
}

/* Go on with record @index, everything being in the CPU. */
static void leave_for(struct tr *t, unsigned retired, unsigned index)
{
    struct x86_code *c = &t->c;
    const struct insn *target = t->page + index;

    count(t, retired);
    x86_mov_imm(c, RSI, (uintptr_t)target);
    x86_store(c, CPU_FIELD(counted), RSI);
    x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(left), EXIT_FLOOR);
    uint8_t *pause = x86_jcc(c, CC_LE);
    if (t->s.flags == FLAGS_CPU)
        x86_bind_to(c, pause, t->jit->pause);
    x86_mov(c, 1, RDI, CPU);
    if (index == CODE_PAGE_INSNS || index == t->first)
        x86_jmp_at(c, RSI);
    else
        follow(t, target);
    if (t->s.flags != FLAGS_CPU) {
        x86_bind(c, pause);
        tr_flags_to_cpu(t);
        jump_to(c, t->jit->pause);
    }
}

static void emit_stub(struct tr *t, struct stub *s)
{
    for (unsigned k = 0; k < 3 && s->from[k]; k++)
        x86_bind(&t->c, s->from[k]);
    t->s = s->state;
    if (s->kind == STUB_EXEC) {
        tr_flags_to_cpu(t); /* JIT_FLAGS stays as it is, for who comes back */
        tr_store(t, t->s.dirty);
        exec(t, s->k);
        reload(t, lost(t, s->reload, a64_use(row_of(t, s->k), &t->rec[s->k]).x_writes) |
                      (s->reload & ~s->state.valid));
        jump_to(&t->c, s->back);
        return;
    }
    if (s->flags_live || s->kind == STUB_TRAP)
        tr_flags_to_cpu(t);
    else
        tr_save_flags(t);
    tr_store(t, t->s.dirty);
    if (s->kind == STUB_EXIT) {
        leave_for(t, s->k, s->target);
    } else {
        count(t, s->k);
        x86_mov(&t->c, 1, RDI, CPU);
        x86_mov_imm(&t->c, RSI, (uintptr_t)(t->page + t->first + s->k));
        x86_store(&t->c, CPU_FIELD(counted), RSI);
        jump_c(&t->c, (uintptr_t)interp_plain_fn(t->rec[s->k].op));
    }
}

void tr_loop(struct tr *t, unsigned retired)
{
    uint64_t dirty = t->s.dirty;

    tr_save_flags(t);
    if (t->live[0] && t->s.flags == FLAGS_CPU)
        load_flags(t);
    reload(t, t->cached & ~t->s.valid);
    t->s.valid = t->cached;
    t->s.dirty = dirty | t->written;
    x86_alu_imm(&t->c, ALU_SUB, 1, JIT_LEFT, (int32_t)retired);
    x86_alu_imm(&t->c, ALU_CMP, 1, JIT_LEFT, JIT_INSNS_MAX);
    uint8_t *back = x86_jcc(&t->c, CC_GE);
    x86_bind_to(&t->c, back, t->head);
    tr_exit(t, x86_jmp(&t->c), 0, t->first);
}

/* ---- the block ---- */

void tr_check_fp(struct tr *t, unsigned k)
{
    if (row_of(t, k)->cls != A64_FP || t->fp_checked)
        return;
    x86_rm(&t->c, 0xf7, 0, 0, CPU_FIELD(block)); /* test */
    x86_imm32(&t->c, (int32_t)BLOCK_FP_HELD);
    tr_stub(t, STUB_TRAP, k)->from[0] = x86_jcc(&t->c, CC_NE);
    t->fp_checked = true;
}

static void emit_call(struct tr *t, unsigned k)
{
    uint64_t writes = a64_use(row_of(t, k), &t->rec[k]).x_writes;

    tr_flags_to_cpu(t);
    tr_check_fp(t, k);
    tr_store(t, t->s.dirty);
    exec(t, k);
    t->s.dirty = 0;
    t->s.valid &= ~lost(t, t->s.valid, writes);
}

/* The function of a row that is_pure(): what it does not touch may stay where C leaves it. */
static void emit_pure_call(struct tr *t, unsigned k)
{
    struct a64_use u = a64_use(row_of(t, k), &t->rec[k]);
    uint64_t gone = lost(t, t->s.valid, u.x_writes), to_store = t->s.dirty & (gone | u.x_reads);
    struct x86_code *c = &t->c;

    tr_save_flags(t);
    tr_check_fp(t, k);
    tr_store(t, to_store);
    x86_byte(c, 0x41); /* push JIT_LEFT, which aligns the stack too */
    x86_byte(c, 0x50 | (JIT_LEFT & 7));
    x86_mov(c, 1, RDI, CPU);
    x86_mov_imm(c, RSI, (uintptr_t)(t->page + t->first + k));
    call_c(c, (uintptr_t)exec_fns[t->rec[k].op]);
    x86_byte(c, 0x41);
    x86_byte(c, 0x58 | (JIT_LEFT & 7));
    t->s.dirty &= ~(to_store | u.x_writes);
    t->s.valid &= ~gone;
}

/* Does the template begin with EFLAGS where they are? */
static void prepare_flags(struct tr *t, unsigned k)
{
    if (!t->live[k])
        t->s.flags = FLAGS_CPU;
    else if (!tr_keeps_flags(&t->rec[k]))
        tr_save_flags(t);
}

static void emit_insns(struct tr *t)
{
    for (unsigned k = 0; k < t->n && !t->c.full; k++) {
        prepare_flags(t, k);
        if (tr_branch(t, k))
            continue;
        if (tr_dp(t, k) || tr_ldst(t, k))
            continue;
        if (is_pure(row_of(t, k)))
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
    call_c(c, (uintptr_t)interp_count_upto);
    x86_byte(c, 0x58);
    x86_mov(c, 1, RDI, RBP);
    x86_bind(c, counted);
    x86_mov(c, 1, CPU, RDI);
    if (!t->loops)
        return;
    x86_load(c, JIT_LEFT, CPU_FIELD(left));
    reload(t, t->cached);
    t->s.valid = t->cached;
    t->s.dirty = t->written;
    if (t->live[0])
        load_flags(t);
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
        emit_stub(t, s);
    }
    for (unsigned k = 0; k < t->stubs && !t->c.full; k++)
        emit_stub(t, &t->stub[k]);
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
