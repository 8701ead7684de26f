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

static uint64_t eval_one(const struct op *op, struct fp_env *e, const uint64_t *in, uint64_t *nzcv)
{
    (void)nzcv;
    return op->fn.one(e, op->size[0], in[0]);
}

static uint64_t eval_two(const struct op *op, struct fp_env *e, const uint64_t *in, uint64_t *nzcv)
{
    (void)nzcv;
    return op->fn.two(e, op->size[0], in[0], in[1]);
}

static uint64_t eval_test(const struct op *op, struct fp_env *e, const uint64_t *in, uint64_t *nzcv)
{
    (void)nzcv;
    return op->fn.test(e, op->size[0], in[0], in[1]) ? zext(~UINT64_C(0), op->result) : 0;
}

static uint64_t eval_u32(const struct op *op, struct fp_env *e, const uint64_t *in, uint64_t *nzcv)
{
    (void)e;
    (void)nzcv;
    return op->fn.u32((uint32_t)in[0]);
}

static uint64_t eval_compare(const struct op *op, struct fp_env *e, const uint64_t *in,
                             uint64_t *nzcv)
{
    *nzcv = fp_compare(e, op->size[0], in[0], in[1], op->flag);
    return 0;
}

static uint64_t eval_muladd(const struct op *op, struct fp_env *e, const uint64_t *in,
                            uint64_t *nzcv)
{
    (void)nzcv;
    return fp_muladd(e, op->size[0], in[2], in[0], in[1]);
}

static uint64_t eval_muladdh(const struct op *op, struct fp_env *e, const uint64_t *in,
                             uint64_t *nzcv)
{
    (void)op;
    (void)nzcv;
    return fp_muladdh(e, in[2], in[0], in[1]);
}

static uint64_t eval_round_int(const struct op *op, struct fp_env *e, const uint64_t *in,
                               uint64_t *nzcv)
{
    (void)nzcv;
    return fp_round_int(e, op->size[0], in[0], rounding(op, e), op->flag);
}

static uint64_t eval_round_int_n(const struct op *op, struct fp_env *e, const uint64_t *in,
                                 uint64_t *nzcv)
{
    (void)nzcv;
    return fp_round_int_n(e, op->size[0], in[0], rounding(op, e), op->bits);
}

static uint64_t eval_to_fixed(const struct op *op, struct fp_env *e, const uint64_t *in,
                              uint64_t *nzcv)
{
    (void)nzcv;
    return fp_to_fixed(e, op->size[0], in[0], op->fbits, op->flag, op->r, op->bits);
}

static uint64_t eval_from_fixed(const struct op *op, struct fp_env *e, const uint64_t *in,
                                uint64_t *nzcv)
{
    (void)nzcv;
    return fp_from_fixed(e, op->result, in[0], op->bits, op->fbits, op->flag, rounding(op, e));
}

static uint64_t eval_js(const struct op *op, struct fp_env *e, const uint64_t *in, uint64_t *nzcv)
{
    bool z;
    const uint32_t r = fp_to_fixed_js(e, in[0], &z);

    (void)op;
    *nzcv = z ? 4 : 0;
    return r;
}

static uint64_t eval_convert(const struct op *op, struct fp_env *e, const uint64_t *in,
                             uint64_t *nzcv)
{
    (void)nzcv;
    return fp_convert(e, op->result, op->size[0], in[0], rounding(op, e));
}

static uint64_t eval_bfcvt(const struct op *op, struct fp_env *e, const uint64_t *in,
                           uint64_t *nzcv)
{
    (void)op;
    (void)nzcv;
    return fp_convert_bf(e, (uint32_t)in[0]);
}

static uint64_t eval_bfmlal(const struct op *op, struct fp_env *e, const uint64_t *in,
                            uint64_t *nzcv)
{
    (void)op;
    (void)nzcv;
    return fp_bf_muladdh(e, (uint32_t)in[2], (uint16_t)in[0], (uint16_t)in[1]);
}

static uint64_t eval_bfdot(const struct op *op, struct fp_env *e, const uint64_t *in,
                           uint64_t *nzcv)
{
    (void)op;
    (void)nzcv;
    return fp_bf_dotadd(e, (uint32_t)in[2], (uint16_t)in[0], (uint16_t)(in[0] >> 16),
                        (uint16_t)in[1], (uint16_t)(in[1] >> 16));
}

/* Rows for the three sizes; @V is the letter of the registers. */
#define HSD(ROW, ...) ROW("h", 16, __VA_ARGS__) ROW("s", 32, __VA_ARGS__) ROW("d", 64, __VA_ARGS__)
#define SD(ROW, ...)  ROW("s", 32, __VA_ARGS__) ROW("d", 64, __VA_ARGS__)

#define ONE(V, n, insn, f)                                                                         \
    {.text = insn " " V "0," V "1", .eval = eval_one, .size = {n}, .result = n, .fn.one = f},
#define TWO(V, n, insn, f)                                                                         \
    {.text = insn " " V "0," V "1," V "2",                                                         \
     .eval = eval_two,                                                                             \
     .size = {n, n},                                                                               \
     .result = n,                                                                                  \
     .fn.two = f},
#define TEST(V, n, insn, f)                                                                        \
    {.text = insn " " V "0," V "1," V "2",                                                         \
     .eval = eval_test,                                                                            \
     .size = {n, n},                                                                               \
     .result = n,                                                                                  \
     .fn.test = f},
#define COMPARE(V, n, insn, signal)                                                                \
    {.text = insn " " V "1," V "2", .eval = eval_compare, .size = {n, n}, .flag = signal},
#define MULADD(V, n, insn)                                                                         \
    {.text = insn " " V "0," V "1," V "2," V "3",                                                  \
     .eval = eval_muladd,                                                                          \
     .size = {n, n, n},                                                                            \
     .result = n},
#define ROUND(V, n, insn, mode, exact)                                                             \
    {.text = insn " " V "0," V "1",                                                                \
     .eval = eval_round_int,                                                                       \
     .size = {n},                                                                                  \
     .result = n,                                                                                  \
     .r = mode,                                                                                    \
     .flag = exact},
#define ROUND_N(V, n, insn, mode, int_bits)                                                        \
    {.text = insn " " V "0," V "1",                                                                \
     .eval = eval_round_int_n,                                                                     \
     .size = {n},                                                                                  \
     .result = n,                                                                                  \
     .r = mode,                                                                                    \
     .bits = int_bits},
#define TO_INT_ONE(V, n, insn, R, int_bits, mode, uns)                                             \
    {.text = insn " " R "0," V "1",                                                                \
     .eval = eval_to_fixed,                                                                        \
     .size = {n},                                                                                  \
     .result = int_bits,                                                                           \
     .to_gpr = true,                                                                               \
     .r = mode,                                                                                    \
     .flag = uns,                                                                                  \
     .bits = int_bits},
#define TO_INT(V, n, insn, mode)                                                                   \
    TO_INT_ONE(V, n, insn "s", "w", 32, mode, false)                                               \
    TO_INT_ONE(V, n, insn "u", "w", 32, mode, true)                                                \
    TO_INT_ONE(V, n, insn "s", "x", 64, mode, false)                                               \
    TO_INT_ONE(V, n, insn "u", "x", 64, mode, true)
#define TO_FIX_ONE(V, n, insn, R, int_bits, k, uns)                                                \
    {.text = insn " " R "0," V "1,#" #k,                                                           \
     .eval = eval_to_fixed,                                                                        \
     .size = {n},                                                                                  \
     .result = int_bits,                                                                           \
     .to_gpr = true,                                                                               \
     .r = FP_ZERO,                                                                                 \
     .flag = uns,                                                                                  \
     .bits = int_bits,                                                                             \
     .fbits = k},
#define TO_FIX(V, n, R, int_bits, k)                                                               \
    TO_FIX_ONE(V, n, "fcvtzs", R, int_bits, k, false)                                              \
    TO_FIX_ONE(V, n, "fcvtzu", R, int_bits, k, true)
/* 16-bit integers exist in V registers only. */
#define TO_H(insn, mode, uns)                                                                      \
    {.text = insn " h0,h1",                                                                        \
     .eval = eval_to_fixed,                                                                        \
     .size = {16},                                                                                 \
     .result = 16,                                                                                 \
     .r = mode,                                                                                    \
     .flag = uns,                                                                                  \
     .bits = 16},
#define FROM_INT_ONE(V, n, insn, R, int_bits, uns)                                                 \
    {.text = insn " " V "0," R "1",                                                                \
     .eval = eval_from_fixed,                                                                      \
     .size = {int_bits},                                                                           \
     .result = n,                                                                                  \
     .integer_operand = true,                                                                      \
     .r = BY_FPCR,                                                                                 \
     .flag = uns,                                                                                  \
     .bits = int_bits},
#define FROM_INT(V, n, R, int_bits)                                                                \
    FROM_INT_ONE(V, n, "scvtf", R, int_bits, false)                                                \
    FROM_INT_ONE(V, n, "ucvtf", R, int_bits, true)
#define FROM_FIX_ONE(V, n, insn, R, int_bits, k, uns)                                              \
    {.text = insn " " V "0," R "1,#" #k,                                                           \
     .eval = eval_from_fixed,                                                                      \
     .size = {int_bits},                                                                           \
     .result = n,                                                                                  \
     .integer_operand = true,                                                                      \
     .r = BY_FPCR,                                                                                 \
     .flag = uns,                                                                                  \
     .bits = int_bits,                                                                             \
     .fbits = k},
#define FROM_FIX(V, n, R, int_bits, k)                                                             \
    FROM_FIX_ONE(V, n, "scvtf", R, int_bits, k, false)                                             \
    FROM_FIX_ONE(V, n, "ucvtf", R, int_bits, k, true)
#define CONVERT(insn, to, from, mode)                                                              \
    {.text = insn, .eval = eval_convert, .size = {from}, .result = to, .r = mode},

/* clang-format off */
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
    {.text = "fcvtzs h0,h1,#9", .eval = eval_to_fixed, .size = {16}, .result = 16, .r = FP_ZERO,
     .bits = 16, .fbits = 9},
    {.text = "fcvtzu h0,h1,#16", .eval = eval_to_fixed, .size = {16}, .result = 16, .r = FP_ZERO,
     .flag = true, .bits = 16, .fbits = 16},
    HSD(FROM_INT, "w", 32)
    HSD(FROM_INT, "x", 64)
    HSD(FROM_FIX, "w", 32, 1)
    HSD(FROM_FIX, "w", 32, 20)
    HSD(FROM_FIX, "w", 32, 32)
    HSD(FROM_FIX, "x", 64, 1)
    HSD(FROM_FIX, "x", 64, 25)
    HSD(FROM_FIX, "x", 64, 64)
    FROM_INT_ONE("h", 16, "scvtf", "h", 16, false)
    FROM_INT_ONE("h", 16, "ucvtf", "h", 16, true)
    FROM_FIX_ONE("h", 16, "scvtf", "h", 16, 15, false)
    FROM_FIX_ONE("h", 16, "ucvtf", "h", 16, 16, true)
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

/* Rounding to nearest takes the host's arithmetic (cpu/fp/fp_host.h); a fused operation does not.
 */
static void check_sum_and_product(uint64_t *rng, enum fp_size n)
{
    const uint64_t one = n == FP_64 ? UINT64_C(0x3ff) << 52 : 0x7f << 23;
    const uint64_t a = fp_random_operand(rng, n, one), b = fp_random_operand(rng, n, a);
    const uint64_t zero = (a ^ b) & BIT(n - 1);
    struct fp_env sum = {0}, product = {0}, fused_sum = {0}, fused_product = {0};

    if (fp_compare(&(struct fp_env){0}, n, a, b, false) == 3)
        return; /* NaNs: the operands' order decides */
    assert_int_equal(fp_add(&sum, n, a, b), fp_muladd(&fused_sum, n, b, a, one));
    assert_int_equal(sum.fpsr, fused_sum.fpsr);
    assert_int_equal(fp_mul(&product, n, a, b), fp_muladd(&fused_product, n, zero, a, b));
    assert_int_equal(product.fpsr, fused_product.fpsr);
}

static void test_sums_and_products_equal_fused_ones(void **state)
{
    const uint64_t seed = test_seed((uint64_t)time(NULL));
    const uint64_t count = 50 * test_option("ARMILLARY_FP_N", 2000);
    uint64_t rng = seed;

    (void)state;
    for (uint64_t k = 0; k < count; k++) {
        check_sum_and_product(&rng, FP_32);
        check_sum_and_product(&rng, FP_64);
    }
}

/* 2^-126 * (1 - 2^-24) rounds up to 2^-126, but was tiny before. */
static void test_tininess_is_detected_before_rounding(void **state)
{
    struct fp_env e = {0};

    (void)state;
    assert_int_equal(fp_mul(&e, FP_32, 0x00800000, 0x3f7fffff), 0x00800000);
    assert_int_equal(e.fpsr, FPSR_UFC | FPSR_IXC);
}

/* (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24, which a rounded product has lost. */
static void test_fused_multiply_add_rounds_once(void **state)
{
    struct fp_env e = {0};

    (void)state;
    assert_int_equal(fp_muladd(&e, FP_32, 0xbf801000, 0x3f800800, 0x3f800800), 0x33800000);
    assert_int_equal(e.fpsr, 0);
}

/* FPMulAdd(): unlike a quiet NaN in general, this one is an invalid operation. */
static void test_inf_times_zero_plus_quiet_nan_is_invalid(void **state)
{
    struct fp_env e = {0};

    (void)state;
    assert_int_equal(fp_muladd(&e, FP_32, 0x7fc12345, 0x7f800000, 0), 0x7fc00000);
    assert_int_equal(e.fpsr, FPSR_IOC);
}

static void test_flushed_half_operands_leave_no_flag(void **state)
{
    struct fp_env half = {.fpcr = FPCR_FZ16 | FPCR_FZ}, single = half;

    (void)state;
    assert_int_equal(fp_add(&half, FP_16, 0x8001, 0x8001), 0x8000);
    assert_int_equal(half.fpsr, 0);
    assert_int_equal(fp_add(&single, FP_32, 0x80000001, 0x80000001), 0x80000000);
    assert_int_equal(single.fpsr, FPSR_IDC);
}

static void test_alternative_half_has_no_infinity(void **state)
{
    struct fp_env e = {.fpcr = FPCR_AHP};

    (void)state;
    assert_int_equal(fp_convert(&e, FP_16, FP_32, 0x48000000, FP_TIEEVEN), 0x7fff); /* 2^17 */
    assert_int_equal(e.fpsr, FPSR_IOC);
    assert_int_equal(fp_convert(&e, FP_32, FP_16, 0x7c00, FP_TIEEVEN), 0x47800000); /* 2^16 */
}

static void test_rounding_to_odd_does_not_overflow_to_infinity(void **state)
{
    struct fp_env e = {0};

    (void)state;
    assert_int_equal(fp_convert(&e, FP_32, FP_64, 0x7e37e43c8800759c, FP_ODD), 0x7f7fffff);
    assert_int_equal(e.fpsr, FPSR_OFC | FPSR_IXC);
}

/* BFAdd() rounds to odd and leaves no flags: 1 + 2^-40. */
static void test_bfloat16_dot_product_rounds_to_odd(void **state)
{
    struct fp_env e = {.fpcr = 3 << 22};

    (void)state;
    assert_int_equal(fp_bf_dotadd(&e, 0x3f800000, 0x3580, 0, 0x3580, 0), 0x3f800001);
    assert_int_equal(e.fpsr, 0);
}

/* FPToFixedJS(): Z says that the conversion was exact and not of -0; see known_differences. */
static void test_javascript_conversion_sets_z_only_if_exact(void **state)
{
    static const struct {
        uint64_t a;
        uint32_t fpcr, result;
        bool z;
        uint32_t fpsr;
    } cases[] = {
        {0x0000000000000000, 0, 0, true, 0},
        {0x8000000000000000, 0, 0, false, 0},
        {0xc000000000000000, 0, 0xfffffffe, true, 0},
        {0x3ff8000000000000, 0, 1, false, FPSR_IXC},
        {0x41f0000000100000, 0, 1, false, FPSR_IOC}, /* 2^32 + 1 */
        {0x0000000000000001, FPCR_FZ, 0, false, FPSR_IDC},
        {0x0000000000000001, 0, 0, false, FPSR_IXC},
        {0x7ff0000000000000, 0, 0, false, FPSR_IOC},
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
        struct fp_env e = {.fpcr = cases[k].fpcr};
        bool z;

        assert_int_equal(fp_to_fixed_js(&e, cases[k].a, &z), cases[k].result);
        assert_int_equal(z, cases[k].z);
        assert_int_equal(e.fpsr, cases[k].fpsr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_agrees_with_qemu),
        cmocka_unit_test(test_sums_and_products_equal_fused_ones),
        cmocka_unit_test(test_tininess_is_detected_before_rounding),
        cmocka_unit_test(test_fused_multiply_add_rounds_once),
        cmocka_unit_test(test_inf_times_zero_plus_quiet_nan_is_invalid),
        cmocka_unit_test(test_flushed_half_operands_leave_no_flag),
        cmocka_unit_test(test_alternative_half_has_no_infinity),
        cmocka_unit_test(test_rounding_to_odd_does_not_overflow_to_infinity),
        cmocka_unit_test(test_bfloat16_dot_product_rounds_to_odd),
        cmocka_unit_test(test_javascript_conversion_sets_z_only_if_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
