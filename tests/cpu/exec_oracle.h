/*
 * Rows of arch/a64.def against QEMU: for each row, random words of it with random registers are
 * executed by exec_<row>() on a struct cpu in memory and by tests/cpu/qemu_user.h, and every
 * register, NZCV, FPCR and FPSR is compared. For rows that touch registers only.
 *
 *   static const struct oracle_row rows[] = {
 *   #define A64(name, ...) {A64_##name, exec_##name},
 *   #include "arch/a64_simd.def"
 *   #undef A64
 *   };
 *   static void test_rows_agree_with_qemu(void **state)
 *   {
 *       (void)state;
 *       oracle_check(rows, ARRAY_SIZE(rows), 0);
 *   }
 *
 * ARMILLARY_SEED repeats a run, ARMILLARY_N sets the cases of each row, ARMILLARY_ROW restricts to
 * the rows whose name begins with it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "arch/insn.h"
#include "cpu/cpu.h"
#include "tests/cpu/oracle_random.h"
#include "tests/cpu/qemu_user.h"

/* The cumulative bits of FPSR. */
#define ORACLE_FPSR (FPSR_QC | FPSR_IDC | FPSR_IXC | FPSR_UFC | FPSR_OFC | FPSR_DZC | FPSR_IOC)

struct oracle_row {
    enum a64_op op;
    exec_fn *fn;
};

/* Half of the vector registers come from a few values, so that lanes meet their equals. In half of
 * the states all hold floating-point lanes of one size. */
static inline void oracle_random_state(uint64_t *rng, uint32_t fpcr_mask, struct qemu_user_state *s)
{
    const unsigned sizes[] = {0, 0, 0, 16, 32, 64};
    const unsigned fp = sizes[random_next(rng) % ARRAY_SIZE(sizes)];
    uint64_t pool[4];

    *s = (struct qemu_user_state){0};
    for (unsigned k = 0; k < ARRAY_SIZE(pool); k++)
        pool[k] = fp ? oracle_fp_lanes(rng, fp) : oracle_value(rng);
    for (unsigned k = 0; k < 31; k++)
        s->x[k] = oracle_value(rng);
    s->sp = oracle_value(rng);
    s->nzcv = random_next(rng) & 15;
    s->fpcr = random_next(rng) & fpcr_mask;
    s->fpsr = random_next(rng) & random_next(rng) & random_next(rng) & ORACLE_FPSR;
    for (unsigned k = 0; k < 64; k++) {
        uint64_t r = random_next(rng);
        s->v[k / 2][k % 2] = r & 1 ? pool[(r >> 1) % ARRAY_SIZE(pool)]
                             : fp  ? oracle_fp_lanes(rng, fp)
                                   : oracle_value(rng);
    }
}

/* A random word with the fixed bits of @op. */
static inline uint32_t oracle_near_word(uint64_t *rng, enum a64_op op)
{
    return a64_rows[op].value | ((uint32_t)random_next(rng) & ~a64_rows[op].mask);
}

/* A random word of @op; 0 if none was met in many tries. */
static inline uint32_t oracle_random_word(uint64_t *rng, enum a64_op op)
{
    for (unsigned tries = 0; tries < 100000; tries++) {
        uint32_t word = a64_rows[op].value | ((uint32_t)random_next(rng) & ~a64_rows[op].mask);
        if (a64_lookup(word) == op)
            return word;
    }
    return 0;
}

/* What exec_<row>() makes of @in. */
static inline void oracle_execute(struct cpu *cpu, exec_fn *fn, uint32_t word,
                                  const struct qemu_user_state *in, struct qemu_user_state *out)
{
    struct insn i;

    memcpy(cpu->x, in->x, sizeof(in->x));
    cpu->x[REG_ZR] = 0;
    cpu->x[REG_SP] = in->sp;
    cpu_set_nzcv(cpu, (unsigned)in->nzcv);
    cpu->fpcr = (uint32_t)in->fpcr;
    cpu->fpsr = (uint32_t)in->fpsr;
    memcpy(cpu->v, in->v, sizeof(in->v));
    a64_decode(word, 0, &i);
    assert_int_equal(fn(cpu, &i), EXEC_NEXT);

    *out = (struct qemu_user_state){
        .sp = cpu->x[REG_SP], .nzcv = cpu_nzcv(cpu), .fpcr = cpu->fpcr, .fpsr = cpu->fpsr};
    memcpy(out->x, cpu->x, sizeof(out->x));
    memcpy(out->v, cpu->v, sizeof(out->v));
}

static inline void oracle_explain(enum a64_op op, uint32_t word, const struct qemu_user_state *in,
                                  const struct qemu_user_state *ours,
                                  const struct qemu_user_state *theirs)
{
    print_error("%s %08x%s\n", a64_rows[op].name, word,
                theirs->undefined ? ": UNDEFINED for QEMU" : "");
    for (unsigned k = 0; k < 31; k++)
        if (ours->x[k] != theirs->x[k])
            print_error("  x%u: was %016lx, ours %016lx, qemu %016lx\n", k, in->x[k], ours->x[k],
                        theirs->x[k]);
    for (unsigned k = 0; k < 32; k++)
        if (memcmp(ours->v[k], theirs->v[k], 16) != 0)
            print_error("  v%u: was %016lx_%016lx, ours %016lx_%016lx, qemu %016lx_%016lx\n", k,
                        in->v[k][1], in->v[k][0], ours->v[k][1], ours->v[k][0], theirs->v[k][1],
                        theirs->v[k][0]);
    print_error("  ours sp %lx nzcv %lx fpcr %lx fpsr %lx\n  qemu sp %lx nzcv %lx fpcr %lx fpsr "
                "%lx (fpcr was %lx)\n",
                ours->sp, ours->nzcv, ours->fpcr, ours->fpsr, theirs->sp, theirs->nzcv,
                theirs->fpcr, theirs->fpsr, in->fpcr);
    static const unsigned fields[] = {0, 5, 16}; /* Vd, Vn, Vm where the row has them */
    for (unsigned f = 0; f < ARRAY_SIZE(fields); f++) {
        unsigned k = (unsigned)bits(word, fields[f] + 4, fields[f]);
        print_error("  operand v%u was %016lx_%016lx\n", k, in->v[k][1], in->v[k][0]);
    }
}

/* @n cases on both sides: words[k] belongs to row ops[k]. Return: how many differ. */
static inline size_t oracle_compare(const enum a64_op *ops, exec_fn *const *fns,
                                    const uint32_t *words, size_t n,
                                    const struct qemu_user_state *in, struct qemu_user_state *out)
{
    char why[QEMU_USER_WHY];
    struct cpu *cpu = calloc(1, sizeof(*cpu));
    size_t bad = 0, bad_in_row = 0;

    assert_non_null(cpu);
    memset(&cpu->features, 0xff, sizeof(cpu->features));
    if (!run_on_qemu_user(words, n, in, out, why))
        fail_msg("%s", why);
    for (size_t k = 0; k < n; k++) {
        struct qemu_user_state ours;

        oracle_execute(cpu, fns[k], words[k], &in[k], &ours);
        bad_in_row = k > 0 && ops[k] == ops[k - 1] ? bad_in_row : 0;
        if (memcmp(&ours, &out[k], sizeof(ours)) == 0)
            continue;
        bad++;
        if (bad_in_row++ < 2)
            oracle_explain(ops[k], words[k], &in[k], &ours, &out[k]);
    }
    free(cpu);
    return bad;
}

/**
 * oracle_check() - compare random cases of @count rows; fails the cmocka test if any differs.
 * @fpcr_mask: FPCR bits to set at random.
 */
static inline void oracle_check(const struct oracle_row *rows, size_t count, uint32_t fpcr_mask)
{
    uint64_t seed = test_seed((uint64_t)time(NULL)), rng = seed;
    size_t per_row = (size_t)test_option("ARMILLARY_N", 40), max = count * per_row, n = 0;
    const char *prefix = getenv("ARMILLARY_ROW");
    enum a64_op *ops = calloc(max, sizeof(*ops));
    exec_fn **fns = calloc(max, sizeof(*fns));
    uint32_t *words = calloc(max, sizeof(*words));
    struct qemu_user_state *in = calloc(max, sizeof(*in)), *out = calloc(max, sizeof(*out));

    assert_true(ops && fns && words && in && out);
    for (size_t r = 0; r < count; r++) {
        if (prefix && strncmp(a64_rows[rows[r].op].name, prefix, strlen(prefix)) != 0)
            continue;
        for (size_t k = 0; k < per_row; k++, n++) {
            ops[n] = rows[r].op;
            fns[n] = rows[r].fn;
            words[n] = oracle_random_word(&rng, rows[r].op);
            if (words[n] == 0)
                fail_msg("row %s: no allocated word found", a64_rows[rows[r].op].name);
            oracle_random_state(&rng, fpcr_mask, &in[n]);
        }
    }
    size_t bad = oracle_compare(ops, fns, words, n, in, out);
    free(ops);
    free(fns);
    free(words);
    free(in);
    free(out);
    if (bad)
        fail_msg("%zu of %zu cases differ from QEMU; ARMILLARY_SEED=%lu", bad, n, seed);
}

/**
 * oracle_check_unallocated() - the other side of the rows' conditions: words that have a row's
 * fixed bits but belong to no row must be UNDEFINED for QEMU, too.
 */
static inline void oracle_check_unallocated(const struct oracle_row *rows, size_t count)
{
    uint64_t seed = test_seed((uint64_t)time(NULL)), rng = seed;
    size_t tries = (size_t)test_option("ARMILLARY_N", 40), n = 0, bad = 0;
    uint32_t *words = calloc(count * tries, sizeof(*words));
    struct qemu_user_state *states = calloc(count * tries, sizeof(*states));
    char why[QEMU_USER_WHY];

    assert_true(words && states);
    for (size_t k = 0; k < count * tries; k++) {
        uint32_t word = oracle_near_word(&rng, rows[k % count].op);
        if (a64_lookup(word) == A64_UNALLOCATED)
            words[n++] = word;
    }
    if (!run_on_qemu_user(words, n, states, states, why))
        fail_msg("%s", why);
    for (size_t k = 0; k < n; k++)
        if (!states[k].undefined && bad++ < 20)
            print_error("%08x: no row has it, but QEMU executes it\n", words[k]);
    free(words);
    free(states);
    if (bad)
        fail_msg("%zu of %zu words; ARMILLARY_SEED=%lu", bad, n, seed);
}
