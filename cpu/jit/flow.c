/* Branches, and what tests NZCV. */
#include "cpu/jit/template.h"
#include "cpu/jit/translate.h"

/* ConditionHolds() after an x86 addition (C is CF) and after a subtraction (C is not CF). */
static const uint8_t after_add[16] = {CC_E, CC_NE, CC_B,  CC_AE, CC_S, CC_NS, CC_O, CC_NO,
                                      0,    0,     CC_GE, CC_L,  CC_G, CC_LE, 0,    0};
static const uint8_t after_sub[16] = {CC_E, CC_NE, CC_AE, CC_B, CC_S, CC_NS, CC_O, CC_NO,
                                      CC_A, CC_BE, CC_GE, CC_L, CC_G, CC_LE, 0,    0};

/* N != V, as bit 63 of RAX. */
static void n_xor_v(struct x86_code *c)
{
    x86_load(c, RAX, CPU_FIELD(nf));
    x86_rm(c, ALU_XOR, 1, RAX, CPU_FIELD(vf));
}

static enum x86_cc cond_of_cpu(struct x86_code *c, unsigned cond)
{
    unsigned no = cond & 1;

    switch (cond >> 1) {
    case 0: /* zf == 0 is Z */
        x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(zf), 0);
        return CC_E ^ no;
    case 1:
        x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(cf), 0);
        return CC_NE ^ no;
    case 2:
        x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(nf), 0);
        return CC_L ^ no;
    case 3:
        x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(vf), 0);
        return CC_L ^ no;
    case 4: /* C and not Z */
        x86_mov_imm(c, RAX, 0);
        x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(zf), 0);
        x86_setcc(c, CC_NE, RAX);
        x86_rm(c, ALU_AND, 1, RAX, CPU_FIELD(cf));
        return CC_NE ^ no;
    case 5:
        n_xor_v(c);
        return CC_NS ^ no;
    default: /* N == V and not Z */
        n_xor_v(c);
        x86_shift(c, SHIFT_SHR, 1, RAX, 63);
        x86_mov_imm(c, RCX, 0);
        x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(zf), 0);
        x86_setcc(c, CC_E, RCX);
        x86_alu(c, ALU_OR, 0, RAX, RCX);
        return CC_E ^ no;
    }
}

/* EFLAGS from JIT_FLAGS. */
static void restore_flags(struct tr *t, enum jit_flags kind)
{
    struct x86_code *c = &t->c;

    x86_mov(c, 0, RAX, JIT_FLAGS);
    x86_byte(c, 0x04); /* add al, 0x7f: OF */
    x86_byte(c, 0x7f);
    x86_byte(c, 0x9e); /* sahf */
    if (kind == FLAGS_SUB)
        x86_byte(c, 0xf5); /* cmc */
    t->s.flags = kind;
}

enum x86_cc tr_cond(struct tr *t, unsigned cond)
{
    if (t->s.flags == FLAGS_ADD && cond >> 1 == 4) /* which x86 has not */
        tr_flags_to_cpu(t);
    if (t->s.flags == FLAGS_SAVED)
        restore_flags(t, cond >> 1 == 4 ? FLAGS_SUB : FLAGS_ADD);
    if (t->s.flags == FLAGS_CPU)
        return cond_of_cpu(&t->c, cond);
    return (t->s.flags == FLAGS_SUB ? after_sub : after_add)[cond & 15];
}

bool tr_is_branch(enum a64_op op)
{
    return a64_is(op, FACT_DIRECT) || op == A64_BR || op == A64_BLR || op == A64_RET;
}

/* The condition of a conditional branch; @k's own test of a register needs EFLAGS. */
static enum x86_cc branch_cc(struct tr *t, const struct insn *i)
{
    struct x86_code *c = &t->c;
    enum x86_reg r;

    switch (i->op) {
    case A64_CBZ:
    case A64_CBNZ:
        r = tr_use(t, i->rd, RAX);
        x86_test(c, i->sz, r, r);
        return i->op == A64_CBZ ? CC_E : CC_NE;
    case A64_TBZ:
    case A64_TBNZ:
        r = tr_use(t, i->rd, RAX);
        if (i->mod < 31) {
            x86_test_imm(c, 0, r, (int32_t)(1u << i->mod));
            return i->op == A64_TBZ ? CC_E : CC_NE;
        }
        x86_rr(c, 0x0fba, 1, 4, r); /* bt r, imm8 */
        x86_byte(c, i->mod);
        return i->op == A64_TBZ ? CC_AE : CC_B;
    default:
        return tr_cond(t, i->op - A64_B_eq);
    }
}

/* A branch out of the page, everything being in the CPU. */
static void far_jump(struct tr *t, unsigned k)
{
    struct x86_code *c = &t->c;

    x86_mov(c, 1, RDI, CPU);
    x86_mov_imm(c, RSI, (uintptr_t)(t->page + t->first + k));
    x86_mov_imm(
        c, RAX,
        (uintptr_t)(t->rec[k].op == A64_BR || t->rec[k].op == A64_BLR || t->rec[k].op == A64_RET
                        ? jit_indirect
                        : jit_far));
    x86_rr(c, 0xff, 0, 4, RAX);
}

static void flush(struct tr *t)
{
    tr_store(t, t->s.dirty);
    if (t->loops)
        x86_store(&t->c, CPU_FIELD(left), JIT_LEFT);
}

static void link_register(struct tr *t, unsigned k)
{
    enum x86_reg r = tr_def(t, 30, RAX);

    x86_load(&t->c, RAX, CPU_FIELD(page_va));
    x86_lea(&t->c, 1, r, x86_at(RAX, (int32_t)(t->first + k + 1) * 4));
    tr_done(t, 30, r);
}

static bool is_near(const struct insn *i)
{
    return (uint64_t)i->imm < PAGE_SIZE;
}

/* Where instruction @k goes if it branches; the code does not come back. */
static void taken(struct tr *t, unsigned k)
{
    const struct insn *i = &t->rec[k];

    if (is_near(i) && (uint64_t)i->imm == t->first * 4ull && t->loops) {
        tr_loop(t, k + 1);
    } else if (is_near(i)) {
        tr_exit(t, x86_jmp(&t->c), k + 1, (unsigned)i->imm >> 2);
    } else {
        tr_flags_to_cpu(t);
        flush(t);
        far_jump(t, k);
    }
}

static bool branch(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    if (!a64_is(i->op, FACT_DIRECT)) {
        tr_flags_to_cpu(t);
        flush(t); /* the exec_ function reads and writes the rest */
        far_jump(t, k);
        return true;
    }
    if (i->op == A64_BL)
        link_register(t, k);
    if (!a64_is(i->op, FACT_COND)) {
        taken(t, k);
        return true;
    }
    enum x86_cc cc = branch_cc(t, i);
    if (is_near(i) && (uint64_t)i->imm != t->first * 4ull) {
        tr_exit(t, x86_jcc(&t->c, cc), k + 1, (unsigned)i->imm >> 2);
        return true;
    }
    uint8_t *over = x86_jcc(&t->c, cc ^ 1);
    struct jit_state s = t->s;
    taken(t, k);
    t->s = s;
    x86_bind(&t->c, over);
    return true;
}

static const struct jit_template rows[] = {
    {A64_B, 0, branch, jit_keeps_flags},
    {A64_BL, 0, branch, jit_keeps_flags},
    {A64_B_eq, 0, branch, jit_keeps_flags},
    {A64_B_ne, 0, branch, jit_keeps_flags},
    {A64_B_cs, 0, branch, jit_keeps_flags},
    {A64_B_cc, 0, branch, jit_keeps_flags},
    {A64_B_mi, 0, branch, jit_keeps_flags},
    {A64_B_pl, 0, branch, jit_keeps_flags},
    {A64_B_vs, 0, branch, jit_keeps_flags},
    {A64_B_vc, 0, branch, jit_keeps_flags},
    {A64_B_hi, 0, branch, jit_keeps_flags},
    {A64_B_ls, 0, branch, jit_keeps_flags},
    {A64_B_ge, 0, branch, jit_keeps_flags},
    {A64_B_lt, 0, branch, jit_keeps_flags},
    {A64_B_gt, 0, branch, jit_keeps_flags},
    {A64_B_le, 0, branch, jit_keeps_flags},
    {A64_B_al, 0, branch, jit_keeps_flags},
    {A64_B_nv, 0, branch, jit_keeps_flags},
    {A64_BR, 0, branch, jit_keeps_flags},
    {A64_BLR, 0, branch, jit_keeps_flags},
    {A64_RET, 0, branch, jit_keeps_flags},
    {A64_CBZ, 0, branch, NULL},
    {A64_CBNZ, 0, branch, NULL},
    {A64_TBZ, 0, branch, NULL},
    {A64_TBNZ, 0, branch, NULL},
};

const struct jit_templates jit_branch = JIT_TEMPLATES(rows);
