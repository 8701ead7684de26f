/*
 * cpu/fp against QEMU: every function, size, rounding mode, FZ, DN, FZ16 and AHP. Each row below
 * names an instruction and the call that computes the same. ARMILLARY_SEED repeats a run,
 * ARMILLARY_FP_N sets the cases of each row, ARMILLARY_ROW restricts to the rows that begin with
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "tests/cpu/fp_operands.h"
#include "tests/cpu/fp_reference.h"

struct op;
/* What V0 or X0 becomes, in op->result bits. */
typedef uint64_t eval_fn(const struct op *op, struct fp_env *e, const uint64_t *in, uint64_t *nzcv);

struct op {
    const char *text; /* operands in V1/X1, V2, V3/V0; result in V0, or X0 if to_gpr */
    eval_fn *eval;
    uint8_t size[3]; /* bits of each operand; 0: unused */
    uint8_t result;  /* bits of the result; 0: only flags */
    bool to_gpr, integer_operand;
    union {
        uint64_t (*one)(struct fp_env *e, enum fp_size n, uint64_t a);
        uint64_t (*two)(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
        bool (*test)(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
        uint32_t (*u32)(uint32_t a);
    } fn;
    enum fp_rounding r; /* BY_FPCR: FPRoundingMode(FPCR) */
    bool flag;          /* exact, unsigned, or signal_nans */
    uint8_t bits;       /* of an integer */
    uint8_t fbits;
};

#define BY_FPCR ((enum fp_rounding)(FP_ODD + 1))

static enum fp_rounding rounding(const struct op *op, const struct fp_env *e)
{
    return op->r == BY_FPCR ? FPCR_RMODE(e->fpcr) : op->r;
}

/* eval_<name>(): one expression of op, e, in and nzcv. */
#define EVAL(name, ...)                                                                            \
    static uint64_t eval_##name(const struct op *op, struct fp_env *e, const uint64_t *in,         \
                                uint64_t *nzcv)                                                    \
    {                                                                                              \
        (void)op, (void)e, (void)nzcv;                                                             \
        return __VA_ARGS__;                                                                        \
    }

EVAL(one, op->fn.one(e, op->size[0], in[0]))
EVAL(two, op->fn.two(e, op->size[0], in[0], in[1]))
EVAL(test, op->fn.test(e, op->size[0], in[0], in[1]) ? zext(~UINT64_C(0), op->result) : 0)
EVAL(u32, op->fn.u32((uint32_t)in[0]))
EVAL(compare, (*nzcv = fp_compare(e, op->size[0], in[0], in[1], op->flag), 0))
EVAL(muladd, fp_muladd(e, op->size[0], in[2], in[0], in[1]))
EVAL(muladdh, fp_muladdh(e, in[2], in[0], in[1]))
EVAL(round_int, fp_round_int(e, op->size[0], in[0], rounding(op, e), op->flag))
EVAL(round_int_n, fp_round_int_n(e, op->size[0], in[0], rounding(op, e), op->bits))
EVAL(to_fixed, fp_to_fixed(e, op->size[0], in[0], op->fbits, op->flag, op->r, op->bits))
EVAL(from_fixed,
     fp_from_fixed(e, op->result, in[0], op->bits, op->fbits, op->flag, rounding(op, e)))
EVAL(convert, fp_convert(e, op->result, op->size[0], in[0], rounding(op, e)))
EVAL(bfcvt, fp_convert_bf(e, (uint32_t)in[0]))
EVAL(bfmlal, fp_bf_muladdh(e, (uint32_t)in[2], (uint16_t)in[0], (uint16_t)in[1]))
EVAL(bfdot, fp_bf_dotadd(e, (uint32_t)in[2], (uint16_t)in[0], (uint16_t)(in[0] >> 16),
                         (uint16_t)in[1], (uint16_t)(in[1] >> 16)))

static uint64_t eval_js(const struct op *op, struct fp_env *e, const uint64_t *in, uint64_t *nzcv)
{
    bool z;
    const uint32_t r = fp_to_fixed_js(e, in[0], &z);

    (void)op;
    *nzcv = z ? 4 : 0;
    return r;
}

/* clang-format off */
/* Rows for the three sizes: ROW(letter of the V registers, bits, ...). */
#define HSD(ROW, ...) ROW("h", 16, __VA_ARGS__) ROW("s", 32, __VA_ARGS__) ROW("d", 64, __VA_ARGS__)
#define SD(ROW, ...)  ROW("s", 32, __VA_ARGS__) ROW("d", 64, __VA_ARGS__)

#define ONE(V, n, insn, f) \
    {.text = insn " " V "0," V "1", .eval = eval_one, .size = {n}, .result = n, .fn.one = f},
#define TWO(V, n, insn, f) \
    {.text = insn " " V "0," V "1," V "2", .eval = eval_two, .size = {n, n}, .result = n, .fn.two = f},
#define TEST(V, n, insn, f) \
    {.text = insn " " V "0," V "1," V "2", .eval = eval_test, .size = {n, n}, .result = n, .fn.test = f},
#define COMPARE(V, n, insn, signal) \
    {.text = insn " " V "1," V "2", .eval = eval_compare, .size = {n, n}, .flag = signal},
#define MULADD(V, n, insn) \
    {.text = insn " " V "0," V "1," V "2," V "3", .eval = eval_muladd, .size = {n, n, n}, .result = n},
#define ROUND(V, n, insn, mode, exact) \
    {.text = insn " " V "0," V "1", .eval = eval_round_int, .size = {n}, .result = n, .r = mode, .flag = exact},
#define ROUND_N(V, n, insn, mode, int_bits) \
    {.text = insn " " V "0," V "1", .eval = eval_round_int_n, .size = {n}, .result = n, .r = mode, .bits = int_bits},
/* Floating point to integer or fixed point. */
#define TO_ONE(V, n, insn, R, int_bits, mode, uns, point, k) \
    {.text = insn " " R "0," V "1" point, .eval = eval_to_fixed, .size = {n}, .result = int_bits, .to_gpr = (int_bits) > 16, \
     .r = mode, .flag = uns, .bits = int_bits, .fbits = k},
#define TO_INT(V, n, insn, mode) \
    TO_ONE(V, n, insn "s", "w", 32, mode, false, "", 0) \
    TO_ONE(V, n, insn "u", "w", 32, mode, true, "", 0) \
    TO_ONE(V, n, insn "s", "x", 64, mode, false, "", 0) \
    TO_ONE(V, n, insn "u", "x", 64, mode, true, "", 0)
#define TO_FIX(V, n, R, int_bits, k) \
    TO_ONE(V, n, "fcvtzs", R, int_bits, FP_ZERO, false, ",#" #k, k) \
    TO_ONE(V, n, "fcvtzu", R, int_bits, FP_ZERO, true, ",#" #k, k)
/* 16-bit integers exist in V registers only. */
#define TO_H(insn, mode, uns) TO_ONE("h", 16, insn, "h", 16, mode, uns, "", 0)
#define FROM_ONE(V, n, insn, R, int_bits, uns, point, k) \
    {.text = insn " " V "0," R "1" point, .eval = eval_from_fixed, .size = {int_bits}, .result = n, .integer_operand = true, \
     .r = BY_FPCR, .flag = uns, .bits = int_bits, .fbits = k},
#define FROM_INT(V, n, R, int_bits) \
    FROM_ONE(V, n, "scvtf", R, int_bits, false, "", 0) \
    FROM_ONE(V, n, "ucvtf", R, int_bits, true, "", 0)
#define FROM_FIX(V, n, R, int_bits, k) \
    FROM_ONE(V, n, "scvtf", R, int_bits, false, ",#" #k, k) \
    FROM_ONE(V, n, "ucvtf", R, int_bits, true, ",#" #k, k)
#define CONVERT(insn, to, from, mode) \
    {.text = insn, .eval = eval_convert, .size = {from}, .result = to, .r = mode},

static const struct op ops[] = {
    HSD(TWO, "fadd", fp_add)
    HSD(TWO, "fsub", fp_sub)
    HSD(TWO, "fmul", fp_mul)
    HSD(TWO, "fmulx", fp_mulx)
    HSD(TWO, "fdiv", fp_div)
    HSD(TWO, "fmax", fp_max)
    HSD(TWO, "fmin", fp_min)
    HSD(TWO, "fmaxnm", fp_maxnm)
    HSD(TWO, "fminnm", fp_minnm)
    HSD(TWO, "frecps", fp_recps)
    HSD(TWO, "frsqrts", fp_rsqrts)
    HSD(ONE, "fsqrt", fp_sqrt)
    HSD(ONE, "frecpe", fp_recpe)
    HSD(ONE, "frsqrte", fp_rsqrte)
    HSD(ONE, "frecpx", fp_recpx)
    HSD(TEST, "fcmeq", fp_eq)
    HSD(TEST, "fcmge", fp_ge)
    HSD(TEST, "fcmgt", fp_gt)
    HSD(COMPARE, "fcmp", false)
    HSD(COMPARE, "fcmpe", true)
    HSD(MULADD, "fmadd")
    {.text = "fmlal v0.2s,v1.2h,v2.2h", .eval = eval_muladdh, .size = {16, 16, 32}, .result = 32},
    HSD(ROUND, "frintn", FP_TIEEVEN, false)
    HSD(ROUND, "frintp", FP_POSINF, false)
    HSD(ROUND, "frintm", FP_NEGINF, false)
    HSD(ROUND, "frintz", FP_ZERO, false)
    HSD(ROUND, "frinta", FP_TIEAWAY, false)
    HSD(ROUND, "frintx", BY_FPCR, true)
    HSD(ROUND, "frinti", BY_FPCR, false)
    SD(ROUND_N, "frint32z", FP_ZERO, 32)
    SD(ROUND_N, "frint32x", BY_FPCR, 32)
    SD(ROUND_N, "frint64z", FP_ZERO, 64)
    SD(ROUND_N, "frint64x", BY_FPCR, 64)
    HSD(TO_INT, "fcvtn", FP_TIEEVEN)
    HSD(TO_INT, "fcvta", FP_TIEAWAY)
    HSD(TO_INT, "fcvtp", FP_POSINF)
    HSD(TO_INT, "fcvtm", FP_NEGINF)
    HSD(TO_INT, "fcvtz", FP_ZERO)
    HSD(TO_FIX, "w", 32, 1)
    HSD(TO_FIX, "w", 32, 17)
    HSD(TO_FIX, "w", 32, 32)
    HSD(TO_FIX, "x", 64, 1)
    HSD(TO_FIX, "x", 64, 33)
    HSD(TO_FIX, "x", 64, 64)
    TO_H("fcvtns", FP_TIEEVEN, false)
    TO_H("fcvtnu", FP_TIEEVEN, true)
    TO_H("fcvtas", FP_TIEAWAY, false)
    TO_H("fcvtau", FP_TIEAWAY, true)
    TO_H("fcvtps", FP_POSINF, false)
    TO_H("fcvtmu", FP_NEGINF, true)
    TO_H("fcvtzs", FP_ZERO, false)
    TO_H("fcvtzu", FP_ZERO, true)
    TO_ONE("h", 16, "fcvtzs", "h", 16, FP_ZERO, false, ",#9", 9)
    TO_ONE("h", 16, "fcvtzu", "h", 16, FP_ZERO, true, ",#16", 16)
    HSD(FROM_INT, "w", 32)
    HSD(FROM_INT, "x", 64)
    HSD(FROM_FIX, "w", 32, 1)
    HSD(FROM_FIX, "w", 32, 20)
    HSD(FROM_FIX, "w", 32, 32)
    HSD(FROM_FIX, "x", 64, 1)
    HSD(FROM_FIX, "x", 64, 25)
    HSD(FROM_FIX, "x", 64, 64)
    FROM_INT("h", 16, "h", 16)
    FROM_ONE("h", 16, "scvtf", "h", 16, false, ",#15", 15)
    FROM_ONE("h", 16, "ucvtf", "h", 16, true, ",#16", 16)
    {.text = "fjcvtzs w0,d1", .eval = eval_js, .size = {64}, .result = 32, .to_gpr = true},
    CONVERT("fcvt h0,s1", 16, 32, BY_FPCR)
    CONVERT("fcvt h0,d1", 16, 64, BY_FPCR)
    CONVERT("fcvt s0,h1", 32, 16, BY_FPCR)
    CONVERT("fcvt s0,d1", 32, 64, BY_FPCR)
    CONVERT("fcvt d0,h1", 64, 16, BY_FPCR)
    CONVERT("fcvt d0,s1", 64, 32, BY_FPCR)
    CONVERT("fcvtxn s0,d1", 32, 64, FP_ODD)
    {.text = "bfcvt h0,s1", .eval = eval_bfcvt, .size = {32}, .result = 16},
    {.text = "bfmlalb v0.4s,v1.8h,v2.8h", .eval = eval_bfmlal, .size = {16, 16, 32}, .result = 32},
    {.text = "bfdot v0.2s,v1.4h,v2.4h", .eval = eval_bfdot, .size = {32, 32, 32}, .result = 32},
    {.text = "urecpe v0.2s,v1.2s", .eval = eval_u32, .size = {32}, .result = 32,
     .integer_operand = true, .fn.u32 = fp_u32_recpe},
    {.text = "ursqrte v0.2s,v1.2s", .eval = eval_u32, .size = {32}, .result = 32,
     .integer_operand = true, .fn.u32 = fp_u32_rsqrte},
};
/* clang-format on */

/* FZ is set and V1 holds a positive denormal. */
static bool is_flushed(const struct fp_case *c)
{
    return (c->fpcr & FPCR_FZ) && c->in[0] != 0 && bits(c->in[0], 63, 52) == 0;
}

/* QEMU 7.2 differs from the manual here; each row says how. */
static const struct known {
    const char *text; /* op.text begins with this */
    const char *why;
    bool (*is)(const struct fp_case *c);
} known_differences[] = {
    {"fjcvtzs", "FPToFixedJS(): Z is 0 for a flushed denormal, QEMU has 1", is_flushed},
    {NULL, NULL, NULL},
};

static bool is_known(const struct op *op, const struct fp_case *c)
{
    for (const struct known *k = known_differences; k->text; k++)
        if (strncmp(op->text, k->text, strlen(k->text)) == 0 && k->is(c))
            return true;
    return false;
}

static uint32_t random_fpcr(uint64_t *rng)
{
    static const uint32_t controls[] = {FPCR_AHP, FPCR_DN, FPCR_FZ, FPCR_FZ16};
    uint32_t fpcr = (uint32_t)fp_pick(rng, 4) << 22;

    for (unsigned k = 0; k < ARRAY_SIZE(controls); k++)
        if (fp_pick(rng, 3) == 0)
            fpcr |= controls[k];
    return fpcr;
}

/* An addend that nearly cancels the product of the two others. */
static uint64_t cancelling_addend(uint64_t *rng, enum fp_size n, const uint64_t *in)
{
    struct fp_env e = {0};
    const uint64_t product = fp_neg(n, fp_mul(&e, n, in[0], in[1]));

    return zext(product + (uint64_t)fp_pick(rng, 5) - 2, n);
}

static void make_case(uint64_t *rng, size_t index, struct fp_case *c)
{
    const struct op *op = &ops[index];

    *c = (struct fp_case){.fpcr = random_fpcr(rng), .op = index};
    for (unsigned k = 0; k < 3 && op->size[k]; k++)
        c->in[k] = op->integer_operand
                       ? fp_random_integer(rng, op->size[k])
                       : fp_random_operand(rng, op->size[k], k ? c->in[k - 1] : random_next(rng));
    if (op->size[2] && op->size[2] == op->size[0] && fp_pick(rng, 3) == 0)
        c->in[2] = cancelling_addend(rng, op->size[2], c->in);
}

/* Does cpu/fp agree with the reference's results in @c? */
static bool agrees(const struct op *op, const struct fp_case *c, struct fp_case *ours)
{
    struct fp_env e = {.fpcr = (uint32_t)c->fpcr};

    *ours = *c;
    ours->nzcv = 0;
    ours->out = op->eval(op, &e, c->in, &ours->nzcv);
    ours->fpsr = e.fpsr;
    return ours->fpsr == c->fpsr && ours->nzcv == c->nzcv && ours->out == zext(c->out, op->result);
}

static void explain(const struct op *op, const struct fp_case *ours, const struct fp_case *theirs)
{
    print_error("%s: fpcr %08lx, %016lx %016lx %016lx\n  ours %016lx nzcv %lx fpsr %02lx\n"
                "  qemu %016lx nzcv %lx fpsr %02lx\n",
                op->text, ours->fpcr, ours->in[0], ours->in[1], ours->in[2], ours->out, ours->nzcv,
                ours->fpsr, zext(theirs->out, op->result), theirs->nzcv, theirs->fpsr);
}

static size_t check_cases(const struct fp_case *cases, size_t n)
{
    size_t bad = 0, bad_in_row = 0;

    for (size_t k = 0; k < n; k++) {
        const struct op *op = &ops[cases[k].op];
        struct fp_case ours;

        if (k > 0 && cases[k].op != cases[k - 1].op)
            bad_in_row = 0;
        if (agrees(op, &cases[k], &ours) || is_known(op, &cases[k]))
            continue;
        bad++;
        if (bad_in_row++ < 3)
            explain(op, &ours, &cases[k]);
    }
    return bad;
}

static void test_every_operation_agrees_with_qemu(void **state)
{
    const uint64_t seed = test_seed((uint64_t)time(NULL));
    const size_t per_row = (size_t)test_option("ARMILLARY_FP_N", 2000);
    const char *prefix = getenv("ARMILLARY_ROW");
    struct fp_case *cases = calloc(ARRAY_SIZE(ops) * per_row, sizeof(*cases));
    struct fp_insn insns[ARRAY_SIZE(ops)];
    char why[QEMU_USER_WHY];
    uint64_t rng = seed;
    size_t n = 0;

    (void)state;
    assert_non_null(cases);
    for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
        insns[k] = (struct fp_insn){ops[k].text, ops[k].to_gpr};
        if (prefix && strncmp(ops[k].text, prefix, strlen(prefix)) != 0)
            continue;
        for (size_t c = 0; c < per_row; c++)
            make_case(&rng, k, &cases[n++]);
    }
    if (!fp_reference_run(insns, cases, n, why))
        fail_msg("%s", why);
    const size_t bad = check_cases(cases, n);
    free(cases);
    if (bad)
        fail_msg("%zu of %zu cases differ from QEMU; ARMILLARY_SEED=%lu", bad, n, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_agrees_with_qemu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
