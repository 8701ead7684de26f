/* The ways out of a block, and what stands behind it. */
#include "cpu/jit/pieces.h"
#include "cpu/jit/translate.h"
#include "cpu/jit/vector.h"

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

void tr_come_back(struct tr *t, struct stub *slow)
{
    slow->back = t->c.p;
    slow->reload = t->s.valid;
}

void tr_leave_if(struct tr *t, struct stub *slow, unsigned *jumps, size_t offset, uint32_t bits)
{
    x86_test_mem_imm(&t->c, tr_cpu(offset), (int32_t)bits);
    slow->from[(*jumps)++] = x86_jcc(&t->c, CC_NE);
}

void tr_leave_if_wanted(struct tr *t, struct stub *slow, unsigned *jumps, enum arm_event_kind event)
{
    unsigned n = (unsigned)event;

    tr_leave_if(t, slow, jumps, offsetof(struct cpu, wanted) + n / 32 * 4, 1u << n % 32);
}

void tr_exit(struct tr *t, uint8_t *jump, unsigned retired, unsigned target)
{
    struct stub *s = tr_stub(t, STUB_EXIT, retired);

    s->from[0] = jump;
    s->target = target;
}

void tr_call_c(struct x86_code *c, uintptr_t fn)
{
    x86_mov_imm(c, RAX, fn);
    x86_rr(c, 0xff, 0, 2, RAX);
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

static const struct insn *record(const struct tr *t, unsigned k)
{
    return t->page + t->at[k];
}

void tr_exec(struct tr *t, unsigned k)
{
    bool exact = tr_row(t, k)->jit == JIT_END;

    x86_mov_imm(&t->c, RSI, (uintptr_t)record(t, k));
    x86_mov_imm(&t->c, RDX, (uintptr_t)t->block);
    x86_lea(&t->c, 1, RCX, x86_at(RSI, -(int32_t)(k * sizeof(struct insn))));
    call_to(&t->c, exact ? t->jit->exec_exact : t->jit->exec);
}

void tr_call_exec(struct tr *t, unsigned k)
{
    uint64_t writes = t->use[k].x_writes;

    tr_save_flags(t);
    tr_check_fp(t, k);
    tr_fp_leave(t);
    tr_store(t, t->s.dirty);
    tr_exec(t, k);
    t->s.dirty = 0;
    t->s.v_valid = 0;
    t->s.valid &= ~tr_lost(t, t->s.valid, writes);
    if (a64_flags_written(tr_row(t, k)))
        tr_flags_are(t, FLAGS_CPU);
}

void tr_settle(struct tr *t)
{
    tr_save_flags(t);
    tr_fp_leave(t);
    tr_store(t, t->s.dirty);
    t->s.dirty = 0;
}

static void count(struct tr *t, unsigned retired)
{
    x86_alu_imm(&t->c, ALU_SUB, 1, JIT_LEFT, (int32_t)retired);
}

static void pause_at(struct tr *t, unsigned index)
{
    x86_mov_imm(&t->c, RSI, (uintptr_t)(t->page + index));
    jump_to(&t->c, t->jit->pause);
}

/* A jump to @target that jit_link() may change, and elsewhere what to do until then; there @pause
 * leads too, if it is a jump. */
static void follow(struct tr *t, const struct insn *target, uint8_t *pause)
{
    struct x86_code *c = &t->c;
    struct jit_edge *edge =
        (struct jit_edge *)(void *)(((uintptr_t)t->edges - sizeof(*edge)) & ~UINT64_C(7));
    if ((uint8_t *)edge < t->jit->rw + t->jit->cold) {
        c->full = true;
        return;
    }
    t->edges = (uint8_t *)edge;
    *edge = (struct jit_edge){.target = target, .jump = x86_jmp(c)};
    struct stub *s = tr_stub(t, STUB_EDGE, 0);
    s->from[0] = pause;
    s->edge = edge;
}

static void emit_edge(struct tr *t, const struct stub *s)
{
    struct x86_code *c = &t->c;

    if (s->from[0]) {
        x86_mov_imm(c, RSI, (uintptr_t)s->edge->target);
        jump_to(c, t->jit->pause);
    }
    s->edge->unlinked = c->p;
    x86_bind(c, s->edge->jump);
    x86_mov_imm(c, RSI, (uintptr_t)s->edge);
    jump_to(c, t->jit->follow);
}

/* A block that might not fit is left to jit_arrive(), too. */
void tr_arrive(struct tr *t, unsigned retired, const struct insn *i)
{
    struct x86_code *c = &t->c;

    count(t, retired);
    uint8_t *miss = x86_jcc(c, CC_L);
    jit_search(t->jit, c);
    x86_bind(c, miss);
    x86_mov(c, 1, RDX, RDI);
    x86_mov_imm(c, RSI, (uintptr_t)i);
    jump_to(c, t->jit->arrive);
}

/* The records of the page that the bank of now fetches at @va; NULL: it has none. */
static const struct insn *fetched(const struct tr *t, uint64_t va)
{
    const struct tlb_x_entry *e = &t->cpu->bank->x[(va >> PAGE_SHIFT) & (TLB_X_SIZE - 1)];

    return e->tag == (va & ~PAGE_MASK) ? ((const struct code_page *)e->page)->insn : NULL;
}

/* @r = cpu->page_va + @offset. RAX goes. */
static void behind_page(struct x86_code *c, enum x86_reg r, int64_t offset)
{
    x86_load(c, r, CPU_FIELD(page_va));
    if (offset == (int32_t)offset) {
        x86_alu_imm(c, ALU_ADD, 1, r, (int32_t)offset);
    } else {
        x86_mov_imm(c, RAX, (uint64_t)offset);
        x86_alu(c, ALU_ADD, 1, r, RAX);
    }
}

/* The bank is asked each time whether that page is still there, at the one place where it can be.
 * Elsewhere this code may run too, by another address of its page: then the tag is another. */
void tr_arrive_at(struct tr *t, unsigned retired, int64_t offset)
{
    struct x86_code *c = &t->c;
    uint64_t va = t->cpu->page_va + (uint64_t)offset;
    const struct insn *page = fetched(t, va);
    int32_t x = (int32_t)(offsetof(struct tlb_bank, x) +
                          sizeof(struct tlb_x_entry) * ((va >> PAGE_SHIFT) & (TLB_X_SIZE - 1)));
    uint8_t *miss[3];

    if (!page) {
        behind_page(c, RDI, offset);
        tr_arrive(t, retired, NULL);
        return;
    }
    count(t, retired);
    miss[0] = x86_jcc(c, CC_L);
    behind_page(c, RDX, offset & ~(int64_t)PAGE_MASK);
    x86_load(c, RCX, CPU_FIELD(bank));
    x86_rm(c, ALU_CMP, 1, RDX, x86_at(RCX, x + (int32_t)offsetof(struct tlb_x_entry, tag)));
    miss[1] = x86_jcc(c, CC_NE);
    x86_mov_imm(c, RAX, (uintptr_t)page);
    x86_rm(c, ALU_CMP, 1, RAX, x86_at(RCX, x + (int32_t)offsetof(struct tlb_x_entry, page)));
    miss[2] = x86_jcc(c, CC_NE);
    x86_store(c, CPU_FIELD(page_va), RDX);
    x86_store(c, CPU_FIELD(page), RAX);
    follow(t, page + ((va & PAGE_MASK) >> 2), NULL);
    for (unsigned k = 0; k < 3; k++)
        x86_bind(c, miss[k]);
    behind_page(c, RDI, offset);
    jump_to(c, t->jit->search);
}

void tr_exit_here(struct tr *t, unsigned retired, unsigned target)
{
    struct x86_code *c = &t->c;

    tr_settle(t);
    if (target == CODE_PAGE_INSNS) {
        tr_arrive_at(t, retired, PAGE_SIZE);
        return;
    }
    count(t, retired);
    follow(t, t->page + target, x86_jcc(c, CC_L));
}

void tr_stop_here(struct tr *t)
{
    const struct insn *i = t->page + t->behind;

    tr_settle(t);
    count(t, t->n);
    x86_mov_imm(&t->c, RSI, (uintptr_t)i);
    jump_to(&t->c, tr_crosses(i) ? jit_crossing(t->jit, i->op) : t->jit->record);
}

/* EFLAGS: V and, as after a subtraction, C. */
static void unordered(struct x86_code *c)
{
    x86_byte(c, 0xb0); /* mov al, 0x80 */
    x86_byte(c, 0x80);
    x86_byte(c, 0x2c); /* sub al, 1 */
    x86_byte(c, 1);
}

static void emit_exec(struct tr *t, struct stub *s)
{
    struct a64_use use = t->use[s->k];

    if (s->warm)
        s->warm(t, s);
    tr_save_flags(t);
    tr_fp_leave(t);
    tr_store(t, t->s.dirty);
    tr_exec(t, s->k);
    if (s->state.fp_ready)
        tr_fp_restart(t);
    tr_reload(t, tr_lost(t, s->reload, use.x_writes) | (s->reload & ~s->state.valid));
    tr_v_reload(t, s->state.v_valid | ((use.v_reads | use.v_writes) & t->v_cached));
    if (s->unordered)
        unordered(&t->c);
    jump_to(&t->c, s->back);
}

/* Before instruction @s->k, which is @piece's. */
static void emit_leave(struct tr *t, const struct stub *s, const uint8_t *piece)
{
    tr_settle(t);
    count(t, s->k);
    x86_mov_imm(&t->c, RSI, (uintptr_t)record(t, s->k));
    jump_to(&t->c, piece);
}

/* A RET that does not go where its BL says. */
static void emit_jump(struct tr *t, const struct stub *s)
{
    enum x86_reg r = tr_use(t, t->rec[s->k].rn, RDI);

    x86_mov(&t->c, 1, RDX, r);
    tr_settle(t);
    x86_mov(&t->c, 1, RDI, RDX);
    tr_arrive(t, s->k + 1, record(t, s->k));
}

void tr_emit_stub(struct tr *t, struct stub *s)
{
    for (unsigned k = 0; k < STUB_JUMPS && s->from[k]; k++)
        x86_bind(&t->c, s->from[k]);
    t->s = s->state;
    s->code = t->c.p;
    switch (s->kind) {
    case STUB_EXEC:
        emit_exec(t, s);
        break;
    case STUB_EXIT:
        tr_exit_here(t, s->k, s->target);
        break;
    case STUB_TRAP:
        emit_leave(t, s, t->jit->trap);
        break;
    case STUB_ONE:
        emit_leave(t, s, t->jit->one);
        break;
    case STUB_PAUSE:
        tr_settle(t);
        pause_at(t, t->first);
        break;
    case STUB_JUMP:
        emit_jump(t, s);
        break;
    case STUB_APART:
        s->warm(t, s);
        jump_to(&t->c, s->back);
        break;
    case STUB_SYNC:
        tr_settle(t);
        count(t, s->k + 1);
        pause_at(t, t->at[s->k] + 1u);
        break;
    case STUB_EDGE:
        emit_edge(t, s);
        break;
    }
}
