/* Loads and stores that hit in L1: cpu/exec/ldst.c and ldst_simd.c, as host code. Everything else
 * about them is done by their exec_ functions, called from behind the block. */
#include "cpu/jit/ldst.h"

#include "cpu/jit/vector.h"

/* The base's register holds the address, and does so until the access is over: a pair's second
 * register is loaded first. */
static bool is_base(const struct insn *i, const struct kind *a)
{
    return (a->mode == POST || a->mode == BASE || (a->mode == OFFSET && i->imm == 0)) &&
           !(a->load && a->pair && !a->vector && i->ra == i->rn);
}

/* Return: the register of the address, RAX or the base's. *@base: the base's, for SP. */
static enum x86_reg address(struct tr *t, const struct insn *i, const struct kind *a,
                            enum x86_reg *base_reg)
{
    struct x86_code *c = &t->c;

    if (a->mode == LITERAL) {
        x86_load(c, RAX, CPU_FIELD(page_va));
        x86_alu_imm(c, ALU_ADD, 1, RAX, (int32_t)i->imm);
        return *base_reg = RAX;
    }
    enum x86_reg base = *base_reg = tr_use(t, i->rn, RAX);
    if (is_base(i, a))
        return base;
    if (a->mode != INDEX) {
        x86_lea(c, 1, RAX, x86_at(base, (int32_t)i->imm));
        return RAX;
    }
    enum x86_reg index = tr_use(t, i->rm, RCX);
    if (!(i->mod & 1)) {
        if (i->mod & 4)
            x86_movsx(c, 4, 1, RCX, index);
        else
            x86_mov(c, 0, RCX, index);
        index = RCX;
    }
    unsigned scale = (unsigned)i->imm;
    if (scale > 3) {
        x86_mov(c, 1, RCX, index);
        x86_shift(c, SHIFT_SHL, 1, RCX, scale);
        index = RCX;
        scale = 0;
    }
    x86_lea(c, 1, RAX, (struct x86_mem){.base = base, .index = index, .scale = scale});
    return RAX;
}

/* Between XMM0 and memory, 4, 8 or 16 bytes; what is above becomes zero. */
static void load_xmm(struct x86_code *c, unsigned size, struct x86_mem m)
{
    if (size == 16)
        x86_rm_prefixed(c, 0, 0x0f10, 0, 0, m, false); /* movups */
    else if (size == 8)
        x86_rm_prefixed(c, 0xf3, 0x0f7e, 0, 0, m, false); /* movq */
    else
        x86_rm_prefixed(c, 0x66, 0x0f6e, 0, 0, m, false); /* movd */
}

static void store_xmm(struct x86_code *c, unsigned size, struct x86_mem m)
{
    if (size == 16)
        x86_rm_prefixed(c, 0, 0x0f11, 0, 0, m, false);
    else if (size == 8)
        x86_rm_prefixed(c, 0x66, 0x0fd6, 0, 0, m, false);
    else
        x86_rm_prefixed(c, 0x66, 0x0f7e, 0, 0, m, false);
}

static void load_general(struct tr *t, unsigned g, const struct kind *a, struct x86_mem m)
{
    enum x86_reg d = tr_def(t, g, RDX);

    x86_load_sized(&t->c, a->size, a->sign, a->wide, d, m);
    tr_done(t, g, d);
}

static void store_general(struct tr *t, unsigned g, const struct kind *a, struct x86_mem m)
{
    enum x86_reg v = tr_use(t, g, RDX);

    x86_to_memory(&t->c, 0x88, a->size, v, m);
}

static void move_vector(struct tr *t, unsigned v, const struct kind *a, struct x86_mem m)
{
    static const unsigned load[] = {[4] = VMOVD_LOAD, [8] = VMOVQ_LOAD, [16] = VMOVUPS_LOAD};
    static const unsigned store[] = {[4] = VMOVD_STORE, [8] = VMOVQ_STORE, [16] = VMOVUPS_STORE};

    if (a->load) {
        unsigned r = tr_v_def(t, v, XMM0);
        vex_rm(&t->c, load[a->size], r, 0, m);
        tr_v_done(t, v, r, 16);
    } else {
        vex_rm(&t->c, store[a->size], tr_v_use(t, v, XMM0, a->size), 0, m);
    }
}

/* The register(s) from or to the host's memory at @at. A pair loads its first last. */
static void move(struct tr *t, const struct insn *i, const struct kind *a, struct x86_mem at)
{
    for (unsigned k = a->pair ? 2 : 1; k-- > 0;) {
        struct x86_mem m = at;
        unsigned r = k ? i->ra : i->rd;

        m.disp += (int32_t)(k * a->size);
        if (a->vector && tr_has(t, HOST_AVX)) {
            move_vector(t, r, a, m);
        } else if (a->vector && a->load) {
            load_xmm(&t->c, a->size, m);
            store_xmm(&t->c, 16, tr_v(r));
        } else if (a->vector) {
            load_xmm(&t->c, 16, tr_v(r));
            store_xmm(&t->c, a->size, m);
        } else if (a->load) {
            load_general(t, r, a, m);
        } else {
            store_general(t, r, a, m);
        }
    }
}

static void write_back(struct tr *t, const struct insn *i)
{
    enum x86_reg n = tr_use(t, i->rn, RDX), d = tr_def(t, i->rn, RDX);

    x86_lea(&t->c, 1, d, x86_at(n, (int32_t)i->imm));
    tr_done(t, i->rn, d);
}

void ldst_check_sp(struct tr *t, enum x86_reg base, struct stub *slow, unsigned *jumps)
{
    if (t->sp_checked)
        return;
    t->sp_checked = true;
    if (base == RAX)
        base = tr_use(t, REG_SP, RDX);
    x86_test_imm(&t->c, 0, base, 15);
    slow->from[(*jumps)++] = x86_jcc(&t->c, CC_NE);
}

/* A loop that goes from pointer to pointer waits for nothing but these loads. Where the first of
 * them leads is memory like what the others lead to, mostly: a kernel's has one addend all over,
 * which is why an application's pages are not asked. */
static bool is_chase(const struct tr *t, const struct insn *i, const struct kind *a,
                     uint64_t *addend)
{
    return t->loops && a->load && a->size == 8 && !a->vector && !a->pair && !a->unpriv &&
           !a->aligned && a->mode == OFFSET && i->rd == i->rn && t->cpu->ps.el &&
           tr_likely_addend(t, t->cpu->x[i->rn] + (uint64_t)i->imm, addend);
}

static void one_access(struct tr *t, unsigned k, const struct kind *a)
{
    const struct insn *i = &t->rec[k];
    unsigned jumps = 0;
    uint64_t addend;

    tr_check_fp(t, k);
    enum x86_reg base, va = address(t, i, a, &base);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    if (a->mode != LITERAL && i->rn == REG_SP)
        ldst_check_sp(t, base, slow, &jumps);
    if (a->aligned && a->size > 1) {
        x86_test_imm(&t->c, 0, va, (int32_t)a->size - 1);
        slow->from[jumps++] = x86_jcc(&t->c, CC_NE);
    }
    if (is_chase(t, i, a, &addend)) {
        tr_find_likely(t, k, slow, jumps, va, addend);
        move(t, i, a, x86_sum(va, RDX));
    } else {
        tr_find(t, slow, jumps, va, bytes(a), how(a));
        move(t, i, a, x86_sum(va, RCX));
    }
    if (writes_back(a))
        write_back(t, i);
    if (a->aligned && !a->load) /* a later LDAR is not to be before STLR */
        tr_fence(t);
    tr_come_back(t, slow);
}

/* ---- accesses that follow each other, by one base that changes by constants only ---- */

static jit_emit_fn access;

#define GROUP_SPAN 512 /* bytes: the more, the more often they are not all in one page */

struct group {
    unsigned n;        /* how many */
    int32_t low, high; /* from the base as it is before them: first byte, behind the last one */
};

bool ldst_kind(const struct tr *t, unsigned k, struct kind *a)
{
    const struct jit_template *row = t->jit->template[t->rec[k].op];

    if (!row || row->emit != access)
        return false;
    *a = kind_of(row->arg);
    return true;
}

/* The kind of instruction @k, if it may be in a group. */
static bool groups(const struct tr *t, unsigned k, struct kind *a)
{
    return ldst_kind(t, k, a) && !a->aligned && a->mode != INDEX && a->mode != LITERAL &&
           !is_odd(&t->rec[k], a);
}

/* Room for @at to @end too. False: that would be too much. */
static bool widen(struct group *g, int32_t at, int32_t end)
{
    int32_t low = g->n && g->low < at ? g->low : at, high = g->n && g->high > end ? g->high : end;

    if (high - low > GROUP_SPAN)
        return false;
    g->low = low;
    g->high = high;
    return true;
}

/* Of instruction @first, which is a @f, and those behind it that go the same way. */
static struct group find_group(const struct tr *t, unsigned first, const struct kind *f)
{
    struct group g = {0};
    struct kind a;
    int32_t base = 0;

    for (unsigned k = first; k < t->n && groups(t, k, &a); k++) {
        const struct insn *i = &t->rec[k];
        int32_t at = base + offset(i, &a);
        if (i->rn != t->rec[first].rn || how(&a) != how(f) || a.vector != f->vector ||
            !widen(&g, at, at + (int32_t)bytes(&a)))
            break;
        g.n++;
        base += step(i, &a);
        if (loads_base(i, &a) || (i->rn == REG_SP && base % 16)) /* the next: SP alignment */
            break;
    }
    return g;
}

unsigned ldst_at_once(const struct tr *t, unsigned k, const struct kind *a)
{
    struct kind same;

    return !is_odd(&t->rec[k], a) && groups(t, k, &same) ? find_group(t, k, a).n : 1;
}

/* One by one: L1 has not all of them, or not in one page. */
static void emit_apart(struct tr *t, struct stub *s)
{
    struct kind a;

    for (unsigned k = s->k; k < s->k + s->target; k++) {
        t->sp_checked = false;
        if (groups(t, k, &a))
            one_access(t, k, &a);
    }
}

/* All of @g, looked up once. */
static void emit_group(struct tr *t, unsigned first, const struct kind *f, const struct group *g)
{
    unsigned n = t->rec[first].rn, jumps = 0;
    struct kind a;
    int32_t from = g->low;

    tr_check_fp(t, first);
    for (unsigned k = first; k < first + g->n; k++)
        tr_settle_flags(t, t->use[k].x_writes);
    enum x86_reg base = tr_use(t, n, RAX);
    x86_lea(&t->c, 1, RAX, x86_at(base, g->low));
    struct stub *apart = tr_stub(t, STUB_APART, first);
    apart->target = g->n;
    apart->warm = emit_apart;
    if (n == REG_SP)
        ldst_check_sp(t, base, apart, &jumps);
    tr_look_up(t, apart, jumps, (unsigned)(g->high - g->low), how(f));
    for (unsigned k = first; k < first + g->n && groups(t, k, &a); k++) {
        const struct insn *i = &t->rec[k];
        move(t, i, &a, x86_at(RAX, offset(i, &a) - from));
        if (writes_back(&a))
            write_back(t, i);
        from -= step(i, &a);
    }
    apart->back = t->c.p;
    t->grouped = first + g->n;
}

static bool access(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    const struct kind a = kind_of(arg);
    struct group g;

    if (is_odd(i, &a))
        return false;
    if (k < t->grouped)
        return true;
    g = find_group(t, k, &a);
    if (g.n > 1)
        emit_group(t, k, &a, &g);
    else
        one_access(t, k, &a);
    return true;
}

#define ROW(name, log2, mode, what)                                                                \
    {                                                                                              \
        A64_##name, (log2) | (mode) << MODE | (what), access, NULL                                 \
    }
#define SINGLE(name, w, log2, what)                                                                \
    ROW(name##_imm##w, log2, OFFSET, what), ROW(name##_post##w, log2, POST, what),                 \
        ROW(name##_pre##w, log2, PRE, what), ROW(name##_reg##w, log2, INDEX, what)
#define PAIR_OF(name, w, log2, what)                                                               \
    ROW(name##_off##w, log2, OFFSET, PAIR | (what)),                                               \
        ROW(name##_post##w, log2, POST, PAIR | (what)),                                            \
        ROW(name##_pre##w, log2, PRE, PAIR | (what))

#define UNPRIVILEGED(load, store, s, w, log2, wide)                                                \
    ROW(load##s##w, log2, OFFSET, LOAD | UNPRIV | (wide)), ROW(store##s##w, log2, OFFSET, UNPRIV)

#define ORDERED(name, what)                                                                        \
    ROW(name##B, 0, BASE, ALIGNED | (what)), ROW(name##H, 1, BASE, ALIGNED | (what)),              \
        ROW(name##_w, 2, BASE, ALIGNED | (what)), ROW(name##_x, 3, BASE, ALIGNED | (what) | WIDE)

/* clang-format off */
static const struct jit_template rows[] = {
    SINGLE(LDRB, , 0, LOAD),
    SINGLE(LDRH, , 1, LOAD),
    SINGLE(LDR, _w, 2, LOAD),
    SINGLE(LDR, _x, 3, LOAD | WIDE),
    SINGLE(LDRSB, _w, 0, SIGN),
    SINGLE(LDRSB, _x, 0, SIGN | WIDE),
    SINGLE(LDRSH, _w, 1, SIGN),
    SINGLE(LDRSH, _x, 1, SIGN | WIDE),
    SINGLE(LDRSW, , 2, SIGN | WIDE),
    SINGLE(STRB, , 0, 0),
    SINGLE(STRH, , 1, 0),
    SINGLE(STR, _w, 2, 0),
    SINGLE(STR, _x, 3, 0),
    SINGLE(LDR, _s, 2, LOAD | V),
    SINGLE(LDR, _d, 3, LOAD | V),
    SINGLE(LDR, _q, 4, LOAD | V),
    SINGLE(STR, _s, 2, V),
    SINGLE(STR, _d, 3, V),
    SINGLE(STR, _q, 4, V),
    PAIR_OF(LDP, _w, 2, LOAD),
    PAIR_OF(LDP, _x, 3, LOAD | WIDE),
    PAIR_OF(LDPSW, , 2, SIGN | WIDE),
    PAIR_OF(STP, _w, 2, 0),
    PAIR_OF(STP, _x, 3, 0),
    PAIR_OF(LDP, _d, 3, LOAD | V),
    PAIR_OF(STP, _d, 3, V),
    PAIR_OF(LDP, _q, 4, LOAD | V),
    PAIR_OF(STP, _q, 4, V),
    ROW(LDURB, 0, OFFSET, LOAD),
    ROW(LDURH, 1, OFFSET, LOAD),
    ROW(LDUR_w, 2, OFFSET, LOAD),
    ROW(LDUR_x, 3, OFFSET, LOAD | WIDE),
    ROW(LDURSB_w, 0, OFFSET, SIGN),
    ROW(LDURSB_x, 0, OFFSET, SIGN | WIDE),
    ROW(LDURSH_w, 1, OFFSET, SIGN),
    ROW(LDURSH_x, 1, OFFSET, SIGN | WIDE),
    ROW(LDURSW, 2, OFFSET, SIGN | WIDE),
    ROW(STURB, 0, OFFSET, 0),
    ROW(STURH, 1, OFFSET, 0),
    ROW(STUR_w, 2, OFFSET, 0),
    ROW(STUR_x, 3, OFFSET, 0),
    ROW(LDUR_d, 3, OFFSET, LOAD | V),
    ROW(STUR_d, 3, OFFSET, V),
    ROW(LDUR_q, 4, OFFSET, LOAD | V),
    ROW(STUR_q, 4, OFFSET, V),
    ROW(LDR_lit_w, 2, LITERAL, LOAD),
    ROW(LDR_lit_x, 3, LITERAL, LOAD | WIDE),
    ROW(LDRSW_lit, 2, LITERAL, SIGN | WIDE),
    UNPRIVILEGED(LDTR, STTR, B, , 0, 0),
    UNPRIVILEGED(LDTR, STTR, H, , 1, 0),
    UNPRIVILEGED(LDTR, STTR, , _w, 2, 0),
    UNPRIVILEGED(LDTR, STTR, , _x, 3, WIDE),
    ROW(LDTRSB_w, 0, OFFSET, SIGN | UNPRIV),
    ROW(LDTRSB_x, 0, OFFSET, SIGN | WIDE | UNPRIV),
    ROW(LDTRSH_w, 1, OFFSET, SIGN | UNPRIV),
    ROW(LDTRSH_x, 1, OFFSET, SIGN | WIDE | UNPRIV),
    ROW(LDTRSW, 2, OFFSET, SIGN | WIDE | UNPRIV),
    ROW(LDNP_w, 2, OFFSET, PAIR | LOAD),
    ROW(LDNP_x, 3, OFFSET, PAIR | LOAD | WIDE),
    ROW(STNP_w, 2, OFFSET, PAIR),
    ROW(STNP_x, 3, OFFSET, PAIR),
    ORDERED(LDAR, LOAD),
    ORDERED(LDLAR, LOAD),
    ORDERED(STLLR, 0),
    ORDERED(LDAPR, LOAD),
    ORDERED(STLR, 0),
};
/* clang-format on */

const struct jit_templates jit_ldst = JIT_TEMPLATES(rows);
