/* LD1 and ST1 of whole registers, and LD1R, where all of it is in L1: memory has one register
 * behind the other. What has its elements elsewhere (cpu/exec/ldst_struct.c) is C. */
#include "cpu/jit/ldst.h"
#include "cpu/jit/simd.h"

enum { REGISTERS = 7 }; /* arg: so many, and LOAD */

static bool is_post(const struct insn *i)
{
    return bit((uint64_t)i->imm, 23);
}

/* Where @bytes are: at the base, of which *@slow is told. */
static struct x86_mem find(struct tr *t, unsigned k, const struct insn *i, unsigned bytes,
                           unsigned a, struct stub **slow)
{
    unsigned jumps = 0;

    tr_check_fp(t, k);
    if (is_post(i))
        tr_touch(t, i->rm);
    enum x86_reg base = tr_use(t, i->rn, RAX);
    *slow = tr_stub(t, STUB_EXEC, k);
    if (i->rn == REG_SP)
        ldst_check_sp(t, base, *slow, &jumps);
    tr_find(t, *slow, jumps, base, bytes, a);
    return x86_sum(base, RCX);
}

/* Post-indexing by Xm, or by the @bytes transferred where Rm is 31. */
static void write_back(struct tr *t, const struct insn *i, unsigned bytes)
{
    if (!is_post(i))
        return;
    enum x86_reg n = tr_use(t, i->rn, RAX), d = tr_def(t, i->rn, RAX);
    if (i->rm == REG_ZR)
        x86_lea(&t->c, 1, d, x86_at(n, (int32_t)bytes));
    else
        x86_lea(&t->c, 1, d, x86_sum(n, tr_use(t, i->rm, RDX)));
    tr_done(t, i->rn, d);
}

static bool multiple(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    const unsigned size = simd_is_full(i) ? 16 : 8, count = arg & REGISTERS;
    const bool load = arg & LOAD;
    struct x86_code *c = &t->c;
    struct stub *slow;
    struct x86_mem m = find(t, k, i, count * size, load ? TR_LOAD : TR_STORE, &slow);

    for (unsigned n = 0; n < count; n++, m.disp += (int32_t)size) {
        unsigned v = (i->rd + n) % 32;
        if (load) {
            unsigned r = tr_v_def(t, v, XMM0);
            vex_rm(c, size == 16 ? VMOVUPS_LOAD : VMOVQ_LOAD, r, 0, m);
            tr_v_done(t, v, r, 16);
        } else {
            vex_rm(c, size == 16 ? VMOVUPS_STORE : VMOVQ_STORE, tr_v_use(t, v, XMM0, size), 0, m);
        }
    }
    write_back(t, i, count * size);
    tr_come_back(t, slow);
    return true;
}

static bool replicate(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    const unsigned element = (unsigned)bits((uint64_t)i->imm, 11, 10), size = 1u << element;
    struct stub *slow;
    struct x86_mem m = find(t, k, i, size, TR_LOAD, &slow);
    unsigned d = tr_v_def(t, i->rd, XMM0);

    (void)arg;
    x86_load_sized(&t->c, size, false, 0, RDX, m);
    vex_rr(&t->c, VMOVD_LOAD | VEX_W1, d, 0, RDX);
    simd_dup(&t->c, d, d, element, 0);
    tr_v_done(t, i->rd, d, simd_is_full(i) ? 16 : 8);
    write_back(t, i, size);
    tr_come_back(t, slow);
    return true;
}

#define ROW(name, arg, emit)                                                                       \
    {A64_##name, (arg), emit, NULL},                                                               \
    {                                                                                              \
        A64_##name##_post, (arg), emit, NULL                                                       \
    }
#define ROWS(n) ROW(LD1_x##n, (n) | LOAD, multiple), ROW(ST1_x##n, (n), multiple)

static const struct jit_template rows[] = {
    ROWS(1), ROWS(2), ROWS(3), ROWS(4), ROW(LD1R, 0, replicate),
};

const struct jit_templates jit_ldst_struct = JIT_HOST_TEMPLATES(rows, HOST_AVX);
