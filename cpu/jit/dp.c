/* Data processing: what cpu/exec/dp_imm.c and dp_reg.c say, as host code. */
#include "cpu/exec/dp.h"
#include "cpu/jit/translate.h"

/* The second operand: a register, or a constant. */
struct operand {
    bool is_imm;
    int32_t imm;
    enum x86_reg r;
};

static struct operand constant(struct tr *t, uint64_t v, bool w)
{
    if (v == (uint64_t)(int32_t)v || (!w && v == (uint32_t)v))
        return (struct operand){.is_imm = true, .imm = (int32_t)v};
    x86_mov_imm(&t->c, RCX, v);
    return (struct operand){.r = RCX};
}

/* ShiftReg() */
static struct operand shifted(struct tr *t, const struct insn *i)
{
    static const uint8_t ops[] = {SHIFT_SHL, SHIFT_SHR, SHIFT_SAR, SHIFT_ROR};
    enum x86_reg r = tr_use(t, i->rm, RCX);

    if (i->imm == 0)
        return (struct operand){.r = r};
    x86_mov(&t->c, i->sz, RCX, r);
    x86_shift(&t->c, ops[i->mod], i->sz, RCX, (unsigned)i->imm);
    return (struct operand){.r = RCX};
}

/* ExtendReg() */
static struct operand extended(struct tr *t, const struct insn *i)
{
    enum x86_reg r = tr_use(t, i->rm, RCX);
    unsigned size = 1u << (i->mod & 3);

    if (size == 8)
        x86_mov(&t->c, 1, RCX, r);
    else if (i->mod & 4)
        x86_movsx(&t->c, size, 1, RCX, r);
    else
        x86_movzx(&t->c, size, RCX, r);
    if (i->imm)
        x86_shift(&t->c, SHIFT_SHL, 1, RCX, (unsigned)i->imm);
    return (struct operand){.r = RCX};
}

static void apply(struct tr *t, enum x86_alu op, bool w, enum x86_reg d, struct operand b)
{
    if (b.is_imm)
        x86_alu_imm(&t->c, op, w, d, b.imm);
    else
        x86_alu(&t->c, op, w, d, b.r);
}

/* Rd = Rn op @b; EFLAGS say of it what x86 does. */
static void alu(struct tr *t, enum x86_alu op, const struct insn *i, struct operand b)
{
    enum x86_reg n = tr_use(t, i->rn, RDX), d = tr_def(t, i->rd, RAX);

    if (!b.is_imm && b.r == d && n != d)
        d = RAX;
    x86_mov(&t->c, 1, d, n);
    apply(t, op, i->sz, d, b);
    tr_done(t, i->rd, d);
}

/* The same for flags alone. */
static void compare(struct tr *t, enum x86_alu op, const struct insn *i, struct operand b)
{
    enum x86_reg n = tr_use(t, i->rn, RDX);

    if (op == ALU_SUB) {
        apply(t, ALU_CMP, i->sz, n, b);
    } else if (op == ALU_AND && b.is_imm) {
        x86_test_imm(&t->c, i->sz, n, b.imm);
    } else if (op == ALU_AND) {
        x86_test(&t->c, i->sz, n, b.r);
    } else {
        x86_mov(&t->c, 1, RAX, n);
        apply(t, op, i->sz, RAX, b);
    }
}

static void alu_flags(struct tr *t, enum x86_alu op, const struct insn *i, struct operand b)
{
    if (i->rd == REG_SINK)
        compare(t, op, i, b);
    else
        alu(t, op, i, b);
    t->s.flags = op == ALU_SUB ? FLAGS_SUB : FLAGS_ADD;
}

/* Rd = Rn + @b, and EFLAGS stay. */
static void add(struct tr *t, const struct insn *i, struct operand b)
{
    enum x86_reg n = tr_use(t, i->rn, RDX), d = tr_def(t, i->rd, RAX);

    if (b.is_imm && b.imm == 0 && i->sz)
        x86_mov(&t->c, 1, d, n);
    else
        x86_lea(&t->c, i->sz, d, b.is_imm ? x86_at(n, b.imm) : x86_sum(n, b.r));
    tr_done(t, i->rd, d);
}

static void inverted(struct tr *t, enum x86_alu op, const struct insn *i, bool flags)
{
    struct operand b = shifted(t, i);

    x86_mov(&t->c, 1, RCX, b.r);
    x86_not(&t->c, i->sz, RCX);
    (flags ? alu_flags : alu)(t, op, i, (struct operand){.r = RCX});
}

/* ORR of XZR with a register that is not shifted. */
static bool is_move(const struct insn *i)
{
    return i->op == A64_ORR_reg && i->rn == REG_ZR && i->imm == 0;
}

static void move(struct tr *t, const struct insn *i)
{
    enum x86_reg m = tr_use(t, i->rm, RAX), d = tr_def(t, i->rd, RAX);

    x86_mov(&t->c, i->sz, d, m);
    tr_done(t, i->rd, d);
}

static void move_constant(struct tr *t, const struct insn *i, uint64_t v)
{
    enum x86_reg d = tr_def(t, i->rd, RAX);

    x86_mov_imm(&t->c, d, i->sz ? v : (uint32_t)v);
    tr_done(t, i->rd, d);
}

static void move_keep(struct tr *t, const struct insn *i)
{
    enum x86_reg r = tr_use(t, i->rd, RAX), d = tr_def(t, i->rd, RAX);

    x86_mov_imm(&t->c, RCX, ~(UINT64_C(0xffff) << i->mod));
    x86_mov(&t->c, 1, d, r);
    x86_alu(&t->c, ALU_AND, i->sz, d, RCX);
    if (i->imm) {
        x86_mov_imm(&t->c, RCX, (uint64_t)i->imm);
        x86_alu(&t->c, ALU_OR, i->sz, d, RCX);
    }
    tr_done(t, i->rd, d);
}

static void bitfield(struct tr *t, const struct insn *i, enum x86_shift right)
{
    enum x86_reg n = tr_use(t, i->rn, RCX), d = tr_def(t, i->rd, RAX);
    unsigned left = 63 - i->mod, back = dp_bitfield_right(i);

    if (i->imm == 0 && (i->mod == 7 || i->mod == 15 || i->mod == 31)) {
        unsigned size = (i->mod + 1u) / 8;
        if (right == SHIFT_SAR)
            x86_movsx(&t->c, size, i->sz, d, n);
        else
            x86_movzx(&t->c, size, d, n);
        tr_done(t, i->rd, d);
        return;
    }
    x86_mov(&t->c, 1, d, n);
    if (left)
        x86_shift(&t->c, SHIFT_SHL, 1, d, left);
    if (back)
        x86_shift(&t->c, right, 1, d, back);
    if (!i->sz)
        x86_mov(&t->c, 0, d, d);
    tr_done(t, i->rd, d);
}

static void bitfield_insert(struct tr *t, const struct insn *i)
{
    unsigned left = 63 - i->mod, right = dp_bitfield_right(i);
    enum x86_reg n = tr_use(t, i->rn, RCX), old;

    x86_mov(&t->c, 1, RCX, n);
    if (left)
        x86_shift(&t->c, SHIFT_SHL, 1, RCX, left);
    if (right)
        x86_shift(&t->c, SHIFT_SHR, 1, RCX, right);
    x86_mov_imm(&t->c, RAX, ~(~UINT64_C(0) << left >> right));
    old = tr_use(t, i->rd, RDX);
    x86_alu(&t->c, ALU_AND, 1, RAX, old);
    x86_alu(&t->c, ALU_OR, i->sz, RAX, RCX);
    tr_done(t, i->rd, RAX);
}

static void extract(struct tr *t, const struct insn *i)
{
    enum x86_reg hi = tr_use(t, i->rn, RCX), lo = tr_use(t, i->rm, RDX);

    x86_mov(&t->c, i->sz, RAX, lo);
    if (i->imm) { /* shrd rax, hi, lsb */
        x86_rr(&t->c, 0x0fac, i->sz, hi, RAX);
        x86_byte(&t->c, (unsigned)i->imm);
    }
    tr_done(t, i->rd, RAX);
}

/* LSLV and its like: the host takes the count modulo the width too. */
static void shift_by(struct tr *t, const struct insn *i, enum x86_shift op)
{
    enum x86_reg m = tr_use(t, i->rm, RCX), n = tr_use(t, i->rn, RDX);

    x86_mov(&t->c, 1, RCX, m);
    x86_mov(&t->c, i->sz, RAX, n);
    x86_shift_cl(&t->c, op, i->sz, RAX);
    tr_done(t, i->rd, RAX);
}

/* Ra + Rn * Rm, or minus. @extend: 0, or the operands are 32 bits, signed (1) or not (2). */
static void multiply(struct tr *t, const struct insn *i, bool subtract, unsigned extend)
{
    enum x86_reg n = tr_use(t, i->rn, RCX), m = tr_use(t, i->rm, RDX), a;

    if (extend) {
        (extend == 1 ? x86_movsx(&t->c, 4, 1, RAX, n) : x86_movzx(&t->c, 4, RAX, n));
        (extend == 1 ? x86_movsx(&t->c, 4, 1, RDX, m) : x86_movzx(&t->c, 4, RDX, m));
        m = RDX;
    } else {
        x86_mov(&t->c, 1, RAX, n);
    }
    x86_rr(&t->c, 0x0faf, i->sz, RAX, m); /* imul */
    if (i->ra != REG_ZR) {
        a = tr_use(t, i->ra, RCX);
        if (subtract) {
            x86_mov(&t->c, 1, RCX, a);
            x86_alu(&t->c, ALU_SUB, i->sz, RCX, RAX);
            tr_done(t, i->rd, RCX);
            return;
        }
        x86_alu(&t->c, ALU_ADD, i->sz, RAX, a);
    } else if (subtract) {
        x86_neg(&t->c, i->sz, RAX);
    }
    tr_done(t, i->rd, RAX);
}

/* The upper half of a product; F7 /4 and /5 leave it in RDX. */
static void multiply_high(struct tr *t, const struct insn *i, unsigned digit)
{
    enum x86_reg n = tr_use(t, i->rn, RAX), m = tr_use(t, i->rm, RCX);

    x86_mov(&t->c, 1, RAX, n);
    x86_rr(&t->c, 0xf7, 1, digit, m);
    tr_done(t, i->rd, RDX);
}

static void select_(struct tr *t, const struct insn *i)
{
    enum x86_cc cc = tr_cond(t, i->mod & 14); /* of the pair; EFLAGS hold from here */
    enum x86_reg n, m;

    if (i->mod >> 1 == 7)
        cc = CC_E; /* see below: both are Rn */
    n = tr_use(t, i->rn, RDX);
    m = i->mod >> 1 == 7 ? n : tr_use(t, i->rm, RCX);
    x86_mov(&t->c, i->mod >> 1 == 7 ? i->sz : 1, RAX, m);
    if (i->mod >> 1 != 7) {
        if (i->op == A64_CSINV || i->op == A64_CSNEG)
            x86_not(&t->c, i->sz, RAX);
        if (i->op == A64_CSINC || i->op == A64_CSNEG)
            x86_lea(&t->c, i->sz, RAX, x86_at(RAX, 1));
        x86_cmov(&t->c, i->mod & 1 ? cc ^ 1 : cc, i->sz, RAX, n);
    }
    tr_done(t, i->rd, RAX);
}

/* NZCV as EFLAGS after a subtraction or an addition. */
static void set_eflags(struct tr *t, unsigned nzcv, enum jit_flags kind)
{
    unsigned carry = (nzcv >> 1 & 1) ^ (kind == FLAGS_SUB);

    x86_mov_imm(&t->c, RAX,
                ((nzcv >> 3 & 1) << 7 | (nzcv >> 2 & 1) << 6 | carry) << 8 | (nzcv & 1));
    x86_byte(&t->c, 0x04); /* add al, 0x7f: OF */
    x86_byte(&t->c, 0x7f);
    x86_byte(&t->c, 0x9e); /* sahf */
}

static void conditional_compare(struct tr *t, const struct insn *i, enum x86_alu op, bool imm)
{
    enum jit_flags kind = op == ALU_SUB ? FLAGS_SUB : FLAGS_ADD;
    unsigned cond = i->mod & 15;
    struct operand b;
    uint8_t *no = NULL, *end;

    /* What host registers are to hold, they must hold on both ways. */
    tr_touch(t, i->rn);
    if (!imm)
        tr_touch(t, i->rm);
    if (cond >> 1 != 7)
        no = x86_jcc(&t->c, tr_cond(t, cond) ^ 1);
    enum x86_reg n = tr_use(t, i->rn, RDX);
    if (imm)
        b = (struct operand){.is_imm = true, .imm = (int32_t)i->imm};
    else
        b = (struct operand){.r = tr_use(t, i->rm, RCX)};
    if (op == ALU_SUB) {
        apply(t, ALU_CMP, i->sz, n, b);
    } else {
        x86_mov(&t->c, 1, RAX, n);
        apply(t, ALU_ADD, i->sz, RAX, b);
    }
    if (no) {
        end = x86_jmp(&t->c);
        x86_bind(&t->c, no);
        set_eflags(t, i->mod >> 4, kind);
        x86_bind(&t->c, end);
    }
    t->s.flags = kind;
}

static void address(struct tr *t, const struct insn *i)
{
    enum x86_reg d = tr_def(t, i->rd, RAX);

    x86_load(&t->c, RAX, CPU_FIELD(page_va));
    if (i->imm == (int32_t)i->imm) {
        x86_lea(&t->c, 1, d, x86_at(RAX, (int32_t)i->imm));
    } else {
        x86_mov_imm(&t->c, RCX, (uint64_t)i->imm);
        x86_lea(&t->c, 1, d, x86_sum(RAX, RCX));
    }
    tr_done(t, i->rd, d);
}

static void reverse(struct tr *t, const struct insn *i, bool w)
{
    enum x86_reg n = tr_use(t, i->rn, RAX);

    x86_mov(&t->c, 1, RAX, n);
    x86_rex(&t->c, w, 0, 0, RAX, false);
    x86_byte(&t->c, 0x0f);
    x86_byte(&t->c, 0xc8); /* bswap */
    tr_done(t, i->rd, RAX);
}

static void count_zeros(struct tr *t, const struct insn *i)
{
    enum x86_reg n = tr_use(t, i->rn, RCX);

    x86_byte(&t->c, 0xf3);
    x86_rr(&t->c, 0x0fbd, i->sz, RAX, n); /* lzcnt */
    tr_done(t, i->rd, RAX);
}

/* Adds and subtractions that set flags which nobody reads are those that set none. */
static bool add_sub(struct tr *t, const struct insn *i, bool flags)
{
    struct operand b;
    bool sub = false;

    switch (i->op) {
    case A64_SUB_imm:
    case A64_SUBS_imm:
        sub = true;
        b = constant(t, (uint64_t)i->imm, i->sz);
        break;
    case A64_ADD_imm:
    case A64_ADDS_imm:
        b = constant(t, (uint64_t)i->imm, i->sz);
        break;
    case A64_SUB_reg:
    case A64_SUBS_reg:
        sub = true;
        b = shifted(t, i);
        break;
    case A64_ADD_reg:
    case A64_ADDS_reg:
        b = shifted(t, i);
        break;
    case A64_SUB_ext:
    case A64_SUBS_ext:
        sub = true;
        b = extended(t, i);
        break;
    case A64_ADD_ext:
    case A64_ADDS_ext:
        b = extended(t, i);
        break;
    default:
        return false;
    }
    if (flags)
        alu_flags(t, sub ? ALU_SUB : ALU_ADD, i, b);
    else if (i->rd == REG_SINK)
        return true;
    else if (sub && b.is_imm)
        add(t, i, (struct operand){.is_imm = true, .imm = -b.imm});
    else if (sub)
        alu(t, ALU_SUB, i, b);
    else
        add(t, i, b);
    return true;
}

static bool logic(struct tr *t, const struct insn *i, bool flags)
{
    switch (i->op) {
    case A64_AND_imm:
    case A64_ORR_imm:
    case A64_EOR_imm:
    case A64_ANDS_imm: {
        struct operand b = constant(t, (uint64_t)i->imm, i->sz);
        if (i->op == A64_ANDS_imm && flags)
            alu_flags(t, ALU_AND, i, b);
        else
            alu(t, i->op == A64_ORR_imm ? ALU_OR : i->op == A64_EOR_imm ? ALU_XOR : ALU_AND, i, b);
        return true;
    }
    case A64_AND_reg:
        alu(t, ALU_AND, i, shifted(t, i));
        return true;
    case A64_ORR_reg:
        if (is_move(i))
            move(t, i);
        else
            alu(t, ALU_OR, i, shifted(t, i));
        return true;
    case A64_EOR_reg:
        alu(t, ALU_XOR, i, shifted(t, i));
        return true;
    case A64_ANDS_reg:
        (flags ? alu_flags : alu)(t, ALU_AND, i, shifted(t, i));
        return true;
    case A64_BIC_reg:
        inverted(t, ALU_AND, i, false);
        return true;
    case A64_BICS_reg:
        inverted(t, ALU_AND, i, flags);
        return true;
    case A64_ORN_reg:
        inverted(t, ALU_OR, i, false);
        return true;
    case A64_EON_reg:
        inverted(t, ALU_XOR, i, false);
        return true;
    default:
        return false;
    }
}

static bool moves(struct tr *t, const struct insn *i)
{
    switch (i->op) {
    case A64_MOVZ:
        move_constant(t, i, (uint64_t)i->imm);
        return true;
    case A64_MOVN:
        move_constant(t, i, ~(uint64_t)i->imm);
        return true;
    case A64_MOVK:
        move_keep(t, i);
        return true;
    case A64_ADR:
    case A64_ADRP:
        address(t, i);
        return true;
    case A64_UBFM:
        bitfield(t, i, SHIFT_SHR);
        return true;
    case A64_SBFM:
        bitfield(t, i, SHIFT_SAR);
        return true;
    case A64_BFM:
        bitfield_insert(t, i);
        return true;
    case A64_EXTR:
        extract(t, i);
        return true;
    case A64_REV_w:
        reverse(t, i, false);
        return true;
    case A64_REV_x:
        reverse(t, i, true);
        return true;
    case A64_CLZ:
        count_zeros(t, i);
        return true;
    default:
        return false;
    }
}

static bool arithmetic(struct tr *t, const struct insn *i)
{
    switch (i->op) {
    case A64_LSLV:
        shift_by(t, i, SHIFT_SHL);
        return true;
    case A64_LSRV:
        shift_by(t, i, SHIFT_SHR);
        return true;
    case A64_ASRV:
        shift_by(t, i, SHIFT_SAR);
        return true;
    case A64_RORV:
        shift_by(t, i, SHIFT_ROR);
        return true;
    case A64_MADD:
        multiply(t, i, false, 0);
        return true;
    case A64_MSUB:
        multiply(t, i, true, 0);
        return true;
    case A64_SMADDL:
        multiply(t, i, false, 1);
        return true;
    case A64_SMSUBL:
        multiply(t, i, true, 1);
        return true;
    case A64_UMADDL:
        multiply(t, i, false, 2);
        return true;
    case A64_UMSUBL:
        multiply(t, i, true, 2);
        return true;
    case A64_UMULH:
        multiply_high(t, i, 4);
        return true;
    case A64_SMULH:
        multiply_high(t, i, 5);
        return true;
    default:
        return false;
    }
}

static bool conditionals(struct tr *t, const struct insn *i)
{
    switch (i->op) {
    case A64_CSEL:
    case A64_CSINC:
    case A64_CSINV:
    case A64_CSNEG:
        select_(t, i);
        return true;
    case A64_CCMP_imm:
    case A64_CCMP_reg:
        conditional_compare(t, i, ALU_SUB, i->op == A64_CCMP_imm);
        return true;
    case A64_CCMN_imm:
    case A64_CCMN_reg:
        conditional_compare(t, i, ALU_ADD, i->op == A64_CCMN_imm);
        return true;
    default:
        return false;
    }
}

bool tr_dp(struct tr *t, unsigned k)
{
    const struct insn *i = &t->rec[k];
    bool flags = t->live[k + 1] && a64_flags_written(&a64_rows[i->op]);

    return add_sub(t, i, flags) || logic(t, i, flags) || moves(t, i) || arithmetic(t, i) ||
           conditionals(t, i);
}

bool tr_keeps_flags(const struct insn *i)
{
    switch (i->op) {
    case A64_MOVZ:
    case A64_MOVN:
    case A64_ADR:
    case A64_ADRP:
    case A64_ADD_imm:
    case A64_SUB_imm:
    case A64_CSEL:
    case A64_CSINC:
    case A64_CSINV:
    case A64_CSNEG:
    case A64_CCMP_imm:
    case A64_CCMN_imm:
    case A64_CCMP_reg:
    case A64_CCMN_reg:
        return true;
    case A64_ADD_reg:
        return i->imm == 0;
    case A64_ORR_reg:
        return is_move(i);
    default:
        return tr_is_branch(i->op) && i->op != A64_CBZ && i->op != A64_CBNZ && i->op != A64_TBZ &&
               i->op != A64_TBNZ;
    }
}
