/*
 * Both engines compute the same numbers and the same FPSR: random loops of floating-point, Advanced
 * SIMD and cryptographic rows on values of every kind, in every mode of FPCR, by machines that
 * differ in their engine alone. The translator uses what the host has, and less: each program runs
 * with a random choice of the host's features.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arch/insn.h"
#include "base/bits.h"
#include "cpu/jit/jit.h"
#include "machine/machine.h"
#include "tests/machine/engines_fixture.h"
#include "tests/random.h"

#define VALUES 256 /* of 16 bytes, at DATA */

/* FPCR: what the translator computes with, too (AHP, DN), and the rest (RMode, FZ, FZ16). */
#define MODES_PLAIN UINT32_C(0x06000000)
#define MODES_ODD   UINT32_C(0x01c80000)

/* Rows that compute with V registers, less those that look at the state of the
 * system; and CRC32. */
static bool is_wanted(const struct a64_row *r)
{
    return (r->cls == A64_FP || r->feature == FEAT_CRC32) && r->jit != JIT_END &&
           !(r->facts & (BIT(FACT_LD) | BIT(FACT_ST) | BIT(FACT_DIRECT) | BIT(FACT_TRAP)));
}

/* A random word of such a row, or of @only, that spares the loop's registers. 0: none was found. */
static uint32_t word_of(uint64_t *random, const struct features *f, enum a64_op only)
{
    for (unsigned n = 0; n < 1000; n++) {
        enum a64_op op =
            only != A64_UNALLOCATED ? only : (enum a64_op)(random_next(random) % A64_UNALLOCATED);
        const struct a64_row *r = &a64_rows[op];
        if (!is_wanted(r) || a64_missing_feature(op, f) != FEAT_BASE)
            continue;
        uint32_t word = (uint32_t)random_next(random), few = 0x18 | 0x18 << 5 | 0x18 << 16;
        struct insn i;
        if (n % 4) /* registers, mostly, of few, so that results meet */
            word &= ~few;
        word = r->value | (word & ~r->mask);
        if (a64_lookup(word) != op)
            continue;
        a64_decode(word, 0, &i);
        if (!(a64_use(r, &i).x_writes & (BIT(19) | BIT(20) | BIT(21) | BIT(22) | BIT(23))))
            return word;
    }
    return 0;
}

/* LD1 to ST4, of Vt and those behind it, from x20, or x21 and by Xm or by what was transferred. */
static void emit_structure(struct program *p, uint64_t *random, uint32_t v)
{
    static const uint16_t ops[][2] = {
        {A64_LD1_x1, A64_LD1_x1_post},     {A64_LD1_x2, A64_LD1_x2_post},
        {A64_LD1_x3, A64_LD1_x3_post},     {A64_LD1_x4, A64_LD1_x4_post},
        {A64_ST1_x1, A64_ST1_x1_post},     {A64_ST1_x2, A64_ST1_x2_post},
        {A64_ST1_x3, A64_ST1_x3_post},     {A64_ST1_x4, A64_ST1_x4_post},
        {A64_LD1R, A64_LD1R_post},         {A64_LD2_mult, A64_LD2_mult_post},
        {A64_ST3_mult, A64_ST3_mult_post}, {A64_LD4_mult, A64_LD4_mult_post},
    };
    uint64_t r = random_next(random);
    bool post = r & 1, by_transfer = r & 6;
    const struct a64_row *row = &a64_rows[ops[r / 8 % ARRAY_SIZE(ops)][post]];
    uint32_t word = row->value | ((uint32_t)(r >> 32) & ~row->mask & ~UINT32_C(0x3ff)) | v;

    if (post && by_transfer)
        word |= 31 << 16;
    word |= (post ? 21u : 20u) << 5;
    if (a64_lookup(word) == (enum a64_op)(row - a64_rows))
        emit(p, word);
}

/* Vn, one of few so that results meet, gets a new value: from x20, or x21 which moves on. */
static void emit_load(struct program *p, uint64_t *random)
{
    uint32_t v = (uint32_t)random_next(random) % (random_next(random) % 4 ? 8 : 32),
             kind = (uint32_t)random_next(random) % 8;
    uint32_t offset = (uint32_t)random_next(random) % VALUES;
    static const uint32_t ldr[] = {0x3dc00280, 0xfd400280, 0xbd400280}; /* q, d, s from x20 */

    if (kind < 3)
        emit(p, ldr[kind] | offset << 10 | v);
    else if (kind == 3)
        emit(p, 0x3cc106a0 | v); /* ldr q, [x21], #16 */
    else if (kind == 4)
        emit(p, 0x3d800280 | offset << 10 | v); /* str q */
    else if (kind < 7)
        emit_structure(p, random, v);
    else
        emit(p, 0xad400280 | (offset & 63) << 15 | ((v + 1) & 31) << 10 | v); /* ldp q, q */
}

/* The body of the loop, by @only (or any row), then a new look at the values, x21
 * in their middle. */
static void make(struct program *p, uint64_t *random, const struct features *f, enum a64_op only)
{
    unsigned body = 2 + (unsigned)(random_next(random) % (random_next(random) % 2 ? 40 : 8));
    bool each = random_next(random) % 2; /* FPSR of each iteration, or of all */
    uint32_t fpcr =
        (uint32_t)random_next(random) & (FPCR_AHP | FPCR_DN | FPCR_FZ | 3u << 22 | FPCR_FZ16);

    p->size = 0;
    if (random_next(random) % 3)
        fpcr &= FPCR_DN | FPCR_AHP;             /* what the translator computes with */
    emit(p, 0x52800000 | (fpcr & 0xffff) << 5); /* mov w0, #fpcr */
    emit(p, 0x72a00000 | (fpcr >> 16) << 5);    /* movk */
    emit(p, 0xd51b4400);                        /* msr fpcr, x0 */
    emit(p, 0xd51b443f);                        /* msr fpsr, xzr */
    unsigned top = p->size;
    if (each) {
        emit(p, 0xd51b443f); /* msr fpsr, xzr */
        emit(p, 0x14000001); /* b, which makes a block begin here */
    }
    emit(p, 0x91200295); /* add x21, x20, #2048 */
    while (body--) {
        uint64_t kind = random_next(random) % 16;
        uint32_t word = word_of(random, f, random_next(random) % 2 ? only : A64_UNALLOCATED);
        if (kind < 7)
            emit_load(p, random);
        else if (kind == 7 && random_next(random) % 4 == 0)
            emit(p, 0xd53b4420 | (uint32_t)random_next(random) % 8); /* mrs x0.., fpsr */
        else if (kind == 8)
            emit(p, 0x54000040 | (uint32_t)random_next(random) % 14); /* b.cond over one */
        if (word)
            emit(p, word);
    }
    emit(p, 0xd503201f);
    if (each) {
        emit(p, 0xd53b4436); /* mrs x22, fpsr */
        emit(p, 0xcad71ed7); /* eor x23, x22, x23, ror #7 */
    }
    emit(p, 0xd1000673); /* sub x19, x19, #1 */
    emit(p, 0xb5000013 | ((top - p->size) & 0x7ffff) << 5);
    emit(p, 0x14000000 | ((0u - p->size) & 0x3ffffff));
}

/* A number of 16, 32 or 64 bits: any, or near what is special in its format. */
static uint64_t value_of(uint64_t *random, unsigned size)
{
    unsigned frac = size == 64 ? 52 : size == 32 ? 23 : 10;
    uint64_t r = random_next(random), ones = BIT(size - 1 - frac) - 1, bias = ones / 2;
    static const uint8_t exponents[] = {0, 0, 1, 2, 3};
    uint64_t sign = (r & 1) << (size - 1), frac_bits = (r >> 8) & (BIT(frac) - 1);

    switch (r >> 1 & 7) {
    case 0:
        return sign; /* zero */
    case 1:
        return sign | ones << frac | (r & 128 ? frac_bits : 0); /* NaN, infinity */
    case 2:
        return sign | (uint64_t)exponents[(r >> 4) % 5] << frac | frac_bits;
    case 3:
        return sign | (ones - 1 - (r >> 4 & 3)) << frac | frac_bits;
    case 4:
        return sign | (bias + (r >> 4 & 63) % (bias / 2)) << frac; /* a power of two */
    case 5:
        return sign | (bias + (r >> 4) % (frac < 20 ? 12 : 70)) << frac | frac_bits;
    default:
        return sign | (bias - 2 + (r >> 4 & 3)) << frac | frac_bits;
    }
}

static void fill(struct arm_machine *m, uint64_t *random)
{
    uint64_t values[2 * VALUES];

    for (unsigned k = 0; k < ARRAY_SIZE(values); k++) {
        unsigned kind = random_next(random) % 4;
        if (kind == 0)
            values[k] = random_next(random) >> random_next(random) % 64;
        else if (kind == 1)
            values[k] = value_of(random, 64);
        else if (kind == 2)
            values[k] = value_of(random, 32) | value_of(random, 32) << 32;
        else
            values[k] = value_of(random, 16) | value_of(random, 16) << 16 |
                        value_of(random, 16) << 32 | value_of(random, 16) << 48;
    }
    assert_true(arm_mem_write(m, DATA, values, sizeof(values)));
}

/* Exceptions go on behind the instruction. */
static const uint32_t vector[] = {
    0xd538403e, /* mrs x30, elr_el1 */
    0x910013de, /* add x30, x30, #4 */
    0xd518403e, /* msr elr_el1, x30 */
    0xd69f03e0, /* eret */
};

static const struct initial registers[] = {
    {"MAIR_EL1", 0xff},        {"TCR_EL1", 0x00803519}, {"TTBR0_EL1", TABLE}, {"VBAR_EL1", VECTOR},
    {"SCTLR_EL1", 0x30d0199d}, {"SP", DATA + 4096},     {"X19", 1000},        {"X20", DATA},
};

static struct arm_machine *start(const struct program *p, enum arm_engine engine, uint64_t seed)
{
    uint64_t random = seed;
    struct arm_machine *m = machine_with(p, "max", engine);

    put_vectors(m, VECTOR, vector, sizeof(vector));
    put(m, TABLE + 8, 0x40000000 | 0x701);
    fill(m, &random);
    set_random_registers(m, &random);
    for (unsigned k = 0; k < 32; k++) {
        uint64_t value[2];
        assert_true(arm_mem_read(m, DATA + 16 * k, value, sizeof(value)));
        assert_true(arm_reg_set(m, 0, ARM_V(k), value));
    }
    set_registers(m, registers, ARRAY_SIZE(registers));
    /* one time in eight FP and Advanced SIMD trap */
    if (!arm_reg_write(m, 0, "CPACR_EL1", random_next(&random) % 8 ? 3 << 20 : 0))
        fail_msg("no CPACR_EL1");
    return m;
}

static void compare(struct arm_machine *a, struct arm_machine *b)
{
    const struct cpu *x = a->cpus[0], *y = b->cpus[0];

    for (unsigned k = 0; k < 32; k++)
        if (memcmp(&x->v[k], &y->v[k], sizeof(x->v[k])) != 0)
            fail_msg("V%u: %#" PRIx64 " %#" PRIx64 " and %#" PRIx64 " %#" PRIx64, k, x->v[k].d[1],
                     x->v[k].d[0], y->v[k].d[1], y->v[k].d[0]);
    for (unsigned k = 0; k < 31; k++)
        if (x->x[k] != y->x[k])
            fail_msg("X%u: %#" PRIx64 " and %#" PRIx64, k, x->x[k], y->x[k]);
    assert_int_equal(x->fpsr, y->fpsr);
    assert_int_equal(cpu_nzcv(x), cpu_nzcv(y));
    assert_int_equal(x->pc, y->pc);
}

static void run_both(const struct program *p, uint64_t *random)
{
    uint64_t values = random_next(random), more = random_next(random);
    struct arm_machine *a = start(p, ARM_ENGINE_INTERP, values);
    struct arm_machine *b = start(p, ARM_ENGINE_JIT, values);

    if (b->jit && more % 2)
        jit_use_host(b->jit, b->jit->host & (unsigned)(more >> 1));
    if (b->jit)
        b->jit->eager = true; /* wherever a piece of the run begins a block is made, too */
    run_both_in_pieces(a, b, random, 30, 4000, compare);
    compare_memory(a, b, DATA, 16 * VALUES);
    arm_machine_free(a);
    arm_machine_free(b);
}

static struct features features_of_max(void)
{
    static const struct program p = {.words = {0x14000000}, .size = 1};
    struct arm_machine *m = start(&p, ARM_ENGINE_INTERP, 1);
    struct features f = m->cpus[0]->features;

    arm_machine_free(m);
    return f;
}

static void test_random_programs_compute_the_same_by_each_engine(void **state)
{
    (void)state;
    static struct program p;
    uint64_t seed = test_option("ARMILLARY_SEED", 1);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 60);
    struct features f = features_of_max();

    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t random = seed + n * 1000003;
        printf("ARMILLARY_SEED=%llu\n", (unsigned long long)random);
        make(&p, &random, &f, A64_UNALLOCATED);
        run_both(&p, &random);
    }
}

/* Each row in programs of its own; one in sixteen by default, which the seed chooses. */
static void test_each_row_computes_the_same_by_each_engine(void **state)
{
    (void)state;
    static struct program p;
    uint64_t seed = test_option("ARMILLARY_SEED", 1), share = test_option("ARMILLARY_SHARE", 16);
    const char *only = getenv("ARMILLARY_ROW");
    struct features f = features_of_max();

    for (unsigned op = 0; op < A64_UNALLOCATED; op++) {
        uint64_t random = seed + op * 1000003;
        if (only ? strcmp(only, a64_rows[op].name) != 0 : (op + seed) % share != 0)
            continue;
        if (!is_wanted(&a64_rows[op]) || a64_missing_feature((enum a64_op)op, &f) != FEAT_BASE)
            continue;
        printf("ARMILLARY_SEED=%llu ARMILLARY_ROW=%s\n", (unsigned long long)seed,
               a64_rows[op].name);
        for (unsigned n = 0; n < 4; n++) {
            make(&p, &random, &f, (enum a64_op)op);
            run_both(&p, &random);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs_compute_the_same_by_each_engine),
        cmocka_unit_test(test_each_row_computes_the_same_by_each_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
