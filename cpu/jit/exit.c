/* The ways out of a block, and what stands behind it. */
#include "cpu/execute.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/translate.h"

#define EXIT_FLOOR CODE_PAGE_INSNS /* the plain loop wants more than that left */

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
    s->flags_live = target == CODE_PAGE_INSNS || tr_peek(t, target);
}

void tr_call_c(struct x86_code *c, uintptr_t fn)
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

void tr_exec(struct tr *t, unsigned k)
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

void tr_emit_stub(struct tr *t, struct stub *s)
{
    for (unsigned k = 0; k < 3 && s->from[k]; k++)
        x86_bind(&t->c, s->from[k]);
    t->s = s->state;
    if (s->kind == STUB_EXEC) {
        tr_flags_to_cpu(t); /* JIT_FLAGS stays as it is, for who comes back */
        tr_store(t, t->s.dirty);
        tr_exec(t, s->k);
        tr_reload(t, tr_lost(t, s->reload, a64_use(tr_row(t, s->k), &t->rec[s->k]).x_writes) |
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
        tr_load_flags(t);
    tr_reload(t, t->cached & ~t->s.valid);
    t->s.valid = t->cached;
    t->s.dirty = dirty | t->written;
    x86_alu_imm(&t->c, ALU_SUB, 1, JIT_LEFT, (int32_t)retired);
    x86_alu_imm(&t->c, ALU_CMP, 1, JIT_LEFT, JIT_INSNS_MAX);
    uint8_t *back = x86_jcc(&t->c, CC_GE);
    x86_bind_to(&t->c, back, t->head);
    tr_exit(t, x86_jmp(&t->c), 0, t->first);
}
