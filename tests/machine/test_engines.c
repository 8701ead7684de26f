/*
 * Both engines make the same run: random loops of rows that are translated, of calls and jumps, and
 * of system instructions, executed by machines that differ in their engine alone, which meet after
 * random numbers of instructions. The MMU is on; addresses are random, so that some accesses fault,
 * in the middle of a block; stores hit the code itself, which may cross pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/insn.h"
#include "base/bits.h"
#include "tests/machine/engines_fixture.h"
#include "tests/random.h"

/* Registers that the loop needs: its counter and what addresses are made of. */
static bool spares(const struct a64_row *r, const struct insn *i)
{
    return !(a64_use(r, i).x_writes & (BIT(19) | BIT(20) | BIT(22) | BIT(30)));
}

/* A random word of row @op that writes no register of the loop's; 0: not found. */
static uint32_t word_of(enum a64_op op, uint64_t *random)
{
    const struct a64_row *r = &a64_rows[op];
    struct insn i;

    for (unsigned n = 0; n < 100; n++) {
        uint32_t word = r->value | ((uint32_t)random_next(random) & ~r->mask);
        if (a64_lookup(word) != op)
            continue;
        a64_decode(word, 0, &i);
        if (spares(r, &i))
            return word;
    }
    return 0;
}

static bool is_wanted(const struct a64_row *r, bool memory)
{
    bool accesses = r->facts & (BIT(FACT_LD) | BIT(FACT_ST));

    if (r->feature != FEAT_BASE && r->feature != FEAT_LSE && r->feature != FEAT_LRCPC)
        return false;
    if (r->jit == JIT_END || r->cls == A64_UNDEF)
        return false;
    if (r->facts & (BIT(FACT_DIRECT) | BIT(FACT_INDIRECT) | BIT(FACT_RSYS) | BIT(FACT_WSYS)))
        return false;
    return accesses == memory;
}

static enum a64_op row(uint64_t *random, bool memory)
{
    for (;;) {
        enum a64_op op = (enum a64_op)(random_next(random) % A64_UNALLOCATED);
        const struct a64_row *r = &a64_rows[op];
        /* what has a template comes more often */
        if (is_wanted(r, memory) && (r->jit == JIT_NATIVE || random_next(random) % 4 == 0))
            return op;
    }
}

/* An access by x21, which is set to the data, to its end, or to the code. */
static void emit_access(struct program *p, uint64_t *random)
{
    uint32_t word = word_of(row(random, true), random);
    uint64_t where = random_next(random) % 16;

    emit(p, where == 0 ? 0xaa1603f5 : 0xaa1403f5); /* mov x21, x22 (code) or x20 (data) */
    if (where == 1)
        emit(p, 0x92800015); /* mov x21, #-1 */
    if (word)
        emit(p, (word & ~(31u << 5)) | 21u << 5);
}

/* Plain ones, by which compilers save registers and copy. */
static bool is_plain(enum a64_op op)
{
    static const char *const names[] = {"ldp", "stp", "ldr", "str", "ldur", "stur"};
    const char *name = a64_rows[op].mnemonic;

    for (unsigned k = 0; k < ARRAY_SIZE(names); k++)
        if (!strncmp(name, names[k], strlen(names[k])))
            return true;
    return false;
}

/* A word of a plain row that goes the way @fact says, with a small offset mostly. */
static uint32_t plain_word(enum a64_fact fact, unsigned base, uint64_t *random)
{
    static const uint32_t less[] = {0x3f0000, 0x3c0000, 0x1c0000, 0x0f0000, 0}; /* of offsets */
    enum a64_op op = row(random, true);

    while (!is_plain(op) || !a64_is(op, fact))
        op = row(random, true);
    uint32_t word = word_of(op, random), small = word & ~less[random_next(random) % 5];
    word = ((a64_lookup(small) == op ? small : word) & ~(31u << 5)) | base << 5;
    return a64_lookup(word) == op ? word : 0;
}

/* Several by one base, x21 or SP, near each other: in one page or two, or where RAM ends. */
static void emit_accesses(struct program *p, uint64_t *random)
{
    uint64_t r = random_next(random);
    unsigned base = r & 1 ? 31 : 21;
    uint32_t at = (uint32_t)(r >> 8) & (r & 1 ? 0xff0 : 0xfff);
    enum a64_fact fact = r & 2 ? FACT_LD : FACT_ST;

    if ((r & 0x1c) == 0) {
        emit(p, 0xd2a81015);                                       /* mov x21, #0x40800000 */
        emit(p, 0xd1000000 | (at & 0x1f0) << 10 | 21 << 5 | base); /* sub base, x21, #at */
    } else {
        emit(p, 0x91000000 | at << 10 | 20 << 5 | base); /* add base, x20, #at */
    }
    for (unsigned n = 2 + (unsigned)(r >> 32) % 7; n > 0; n--) {
        uint32_t word = plain_word(fact, base, random);
        if (word)
            emit(p, word);
    }
}

/* NZCV of x0 to x2, which change before somebody looks. */
static void emit_flags(struct program *p, uint64_t *random)
{
    static const uint32_t set[] = {
        0xf17ffc00, 0xb17ffc00, 0x71000c00, 0x31000c00, /* subs, adds rd, rn, #imm */
        0xeb000000, 0xab000000, 0x6b000000, 0x2b000000, /* subs, adds rd, rn, rm */
        0xea000000, 0x6a200000, 0xf2400c00, 0x72001c00, /* ands, bics; ands rd, rn, #imm */
        0xeb000c00, 0xba000000, 0xfa400804,             /* subs ..., lsl #3; adcs; ccmp */
    };
    static const uint32_t between[] = {
        0x91000400, 0x91000000, 0xd37df000, /* add rd, rn, #1; mov; lsl #3 */
        0xf9400280, 0xf9000280, 0xaa0003e0, /* ldr, str rd, [x20]; mov rd, x0 */
    };
    static const uint32_t get[] = {
        0xd53b4205, 0x9a010003, 0xda020003, /* mrs x5, nzcv; adc and sbc x3, ... */
        0x9a810004, 0x9a9f07e4, 0xd4000001, /* csel and cset x4; svc */
    };
    uint64_t r = random_next(random);
    uint32_t word = set[r % ARRAY_SIZE(set)] | (r >> 8) % 3 << 5;

    if ((word & 0x1f000000) != 0x11000000 && (word & 0x1f800000) != 0x12000000) /* with Rm */
        word |= (uint32_t)(r >> 16) % 3 << 16;
    if (word >> 21 != 0x7d2)
        word |= r & BIT(40) ? 31 : (uint32_t)(r >> 24) % 3;
    emit(p, word);
    for (uint64_t n = r >> 48; n % 4; n >>= 2) {
        uint64_t q = random_next(random);
        word = between[q % ARRAY_SIZE(between)];
        emit(p, word | (uint32_t)(q >> 8) % 3 |
                    (word >> 24 == 0x91 || word >> 24 == 0xd3 ? (uint32_t)(q >> 16) % 3 << 5 : 0));
    }
    word = get[(r >> 32) % ARRAY_SIZE(get)];
    emit(p, word >> 21 == 0x4d4 ? word | (r >> 44 & 15) << 12 : word);
}

static void emit_branch(struct program *p, uint64_t *random)
{
    uint32_t over = 1 + (uint32_t)random_next(random) % 6, r = (uint32_t)random_next(random);

    if (r % 3 == 0)
        emit(p, 0x54000000 | over << 5 | (r >> 8 & 15));
    else if (r % 3 == 1)
        emit(p, (r & 0x81000000) | 0x34000000 | over << 5 | (r >> 8 & 15));
    else
        emit(p, (r & 0x81f80000) | 0x36000000 | over << 5 | (r >> 8 & 15));
}

static void emit_one(struct program *p, uint64_t *random)
{
    uint32_t word = word_of(row(random, false), random);

    if (word)
        emit(p, word);
}

/* A function of its own, called, in line; the call may be indirect, and the return another. */
static void emit_call(struct program *p, uint64_t *random)
{
    unsigned kind = (unsigned)(random_next(random) % 4);

    if (kind == 0) {
        emit(p, 0x10000075); /* adr x21, .+12 */
        emit(p, 0xd63f02a0); /* blr x21 */
    } else if (kind == 1) {
        emit(p, 0x10000095); /* adr x21, .+16 */
        emit(p, 0x10000055); /* adr x21, .+8; */
        emit(p, 0xd61f02a0); /* br x21: to here first, which is x21 again */
        emit(p, 0x94000002); /* bl .+8 */
    } else {
        emit(p, 0x94000002);
    }
    unsigned over = p->size;
    emit(p, 0);
    for (uint64_t n = random_next(random) % 4; n > 0; n--)
        emit_one(p, random);
    if (kind == 2) {
        emit(p, 0xaa1e03f5); /* mov x21, x30 */
        emit(p, 0xd65f02a0); /* ret x21 */
    } else {
        emit(p, 0xd65f03c0);
    }
    p->words[over] = 0x14000000 | (p->size - over);
}

/* What executes with the count of instructions exact, ends blocks, or changes what they rely on. */
static void emit_system(struct program *p, uint64_t *random)
{
    static const uint32_t words[][2] = {
        {0xd53bd041, 0xd51bd043}, /* mrs x1, tpidr_el0; msr tpidr_el0, x3 */
        {0xd51b4202, 0xd53b4205}, /* msr nzcv, x2; mrs x5, nzcv */
        {0xd5033fdf, 0xd5033f9f}, /* isb; dsb sy */
        {0xd53be044, 0xd5033bbf}, /* mrs x4, cntvct_el0; dmb ish */
        {0xd5034fdf, 0xd5034fff}, /* msr daifset, #15; msr daifclr, #15 */
        {0xd5384246, 0xd5385207}, /* mrs x6, currentel; mrs x7, esr_el1 */
        {0xd4000001, 0xd503201f}, /* svc #0; nop */
        {0xd50b7434, 0xd503305f}, /* dc zva, x20; clrex */
        {0xd5181041, 0xd503201f}, /* msr cpacr_el1, x1: FP may trap from here */
        {0xd2a00608, 0xd5181048}, /* mov x8, #3 << 20; msr cpacr_el1, x8 */
        {0xd508871f, 0xd5033fdf}, /* tlbi vmalle1; isb */
        {0xd518d089, 0xd538d08a}, /* msr tpidr_el1, x9; mrs x10, tpidr_el1 */
        {0xd53b422b, 0xd503233f}, /* mrs x11, daif; paciasp */
        {0xd5384106, 0xd50323bf}, /* mrs x6, sp_el0; autiasp */
        {0xd5184106, 0xd51b4226}, /* msr sp_el0, x6; msr daif, x6 */
        {0xa9400e82, 0x48227e84}, /* ldp x2, x3, [x20]; casp x2, x3, x4, x5, [x20] */
        {0xa9408e82, 0x48227e84}, /* ldp x2, x3, [x20, #8]; casp x2, x3, x4, x5, [x20] */
        {0xd53b00ea, 0xd530024c}, /* mrs x10, dczid_el0; mrs x12, mdscr_el1 */
        {0xd53be32b, 0xd538c10d}, /* mrs x11, cntv_ctl_el0; mrs x13, isr_el1 */
        {0xd51be306, 0xd53be34c}, /* msr cntv_tval_el0, x6; mrs x12, cntv_cval_el0 */
        {0xd51be326, 0xd53be30a}, /* msr cntv_ctl_el0, x6; mrs x10, cntv_tval_el0 */
        {0xd50041bf, 0xd53bd060}, /* msr spsel, #1; mrs x0, tpidrro_el0 */
        {0xd538000b, 0xd53800ac}, /* mrs x11, midr_el1; mrs x12, mpidr_el1 */
        {0xd538420a, 0xd5384246}, /* mrs x10, spsel; mrs x6, currentel */
    };
    const uint32_t *w = words[random_next(random) % ARRAY_SIZE(words)];

    emit(p, w[0]);
    emit(p, w[1]);
}

static void make(struct program *p, uint64_t *random)
{
    unsigned body = 4 + (unsigned)(random_next(random) % 60);

    p->size = 0;
    p->at = CODE + (random_next(random) % 4 ? 0 : 4 * (random_next(random) % 1024));
    while (body--) {
        uint64_t kind = random_next(random) % 32;
        if (kind < 4)
            emit_branch(p, random);
        else if (kind < 12)
            emit_access(p, random);
        else if (kind == 12)
            emit_call(p, random);
        else if (kind == 13)
            emit_system(p, random);
        else if (kind < 18)
            emit_accesses(p, random);
        else if (kind < 22)
            emit_flags(p, random);
        else
            emit_one(p, random);
    }
    for (unsigned k = 0; k < 6; k++)
        emit(p, 0xd503201f); /* where the last branches lead */
    emit(p, 0xd1000673);     /* sub x19, x19, #1 */
    emit(p, 0xb5000000 | ((0u - p->size) & 0x7ffff) << 5 | 19);
    emit(p, 0x14000000 | ((0u - p->size) & 0x3ffffff));
}

/* Exceptions go on behind the instruction. */
static const uint32_t vector[] = {
    0xd5384032, /* mrs x18, elr_el1 */
    0x91001252, /* add x18, x18, #4 */
    0xd5184032, /* msr elr_el1, x18 */
    0xd69f03e0, /* eret */
};

static const struct initial registers[] = {
    {"MAIR_EL1", 0xff},        {"TCR_EL1", 0x00803519}, {"TTBR0_EL1", TABLE}, {"VBAR_EL1", VECTOR},
    {"SCTLR_EL1", 0x30d0199d}, {"CPACR_EL1", 3 << 20},  {"SP", DATA + 4096},  {"X19", 1000},
    {"X20", DATA + 2048},      {"X22", CODE},
};

static struct arm_machine *start(const struct program *p, enum arm_engine engine, uint64_t seed)
{
    uint64_t random = seed;
    struct arm_machine *m = machine_with(p, "n1", engine);

    put_vectors(m, VECTOR, vector, sizeof(vector));
    put(m, TABLE + 8, 0x40000000 | 0x701);
    set_random_registers(m, &random);
    set_registers(m, registers, ARRAY_SIZE(registers));
    return m;
}

static void compare(struct arm_machine *a, struct arm_machine *b)
{
    compare_registers(a, b);
    compare_memory(a, b, DATA, 16384);
    compare_memory(a, b, CODE, 16384);
}

static void test_random_loops_run_the_same_by_each_engine(void **state)
{
    (void)state;
    static struct program p;
    uint64_t seed = test_option("ARMILLARY_SEED", 1);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 150);

    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t random = seed + n * 1000003;
        printf("ARMILLARY_SEED=%llu\n", (unsigned long long)random);
        make(&p, &random);
        uint64_t values = random_next(&random);
        struct arm_machine *a = start(&p, ARM_ENGINE_INTERP, values);
        struct arm_machine *b = start(&p, ARM_ENGINE_JIT, values);
        run_both_in_pieces(a, b, &random, 8, 100000, compare);
        arm_machine_free(a);
        arm_machine_free(b);
    }
}

/* What ends a block is not one of its instructions, and is patched as they are. */
static void test_the_end_of_a_block_may_be_patched(void **state)
{
    static const struct {
        uint32_t before, after;
    } ends[] = {
        {0xd4000001, 0xd503201f}, /* svc #0: nop */
        {0xd4200000, 0xd4000001}, /* brk #0: svc #0 */
        {0x00000000, 0x910004a5}, /* udf #0: add x5, x5, #1 */
    };
    (void)state;

    for (unsigned k = 0; k < ARRAY_SIZE(ends); k++) {
        const struct program p = {{
                                      0x91000484,                 /* loop: add x4, x4, #1 */
                                      ends[k].before, 0xd503201f, /* nop */
                                      0xf2401c9f,                 /* tst x4, #0xff */
                                      0x54ffff81,                 /* b.ne loop */
                                      0xb90006c6,                 /* str w6, [x22, #4] */
                                      0x4a0700c6,                 /* eor w6, w6, w7 */
                                      0xd5033fdf,                 /* isb */
                                      0x17fffff8,                 /* b loop */
                                  },
                                  9,
                                  CODE};
        struct arm_machine *m[] = {start(&p, ARM_ENGINE_INTERP, 1), start(&p, ARM_ENGINE_JIT, 1)};
        for (unsigned n = 0; n < ARRAY_SIZE(m); n++) {
            assert_true(arm_reg_write(m[n], 0, "X6", ends[k].after));
            assert_true(arm_reg_write(m[n], 0, "X7", ends[k].before ^ ends[k].after));
        }
        for (unsigned meet = 0; meet < 4; meet++) {
            assert_int_equal(arm_run(m[0], 30000 + meet), arm_run(m[1], 30000 + meet));
            compare(m[0], m[1]);
        }
        arm_machine_free(m[0]);
        arm_machine_free(m[1]);
    }
}

/* The same memory is there twice, and a pointer may lead to either. */
static void test_a_chain_of_pointers_may_change_its_mapping(void **state)
{
    const uint64_t again = UINT64_C(0x40000000), block = 0x40000000 | 0x701;
    const struct program p = {{
                                  0xf9400000, /* loop: ldr x0, [x0] */
                                  0x8b000084, /* add x4, x4, x0 */
                                  0xd1000673, /* sub x19, x19, #1 */
                                  0xb5ffffb3, /* cbnz x19, loop */
                                  0x17fffffc, /* b loop */
                              },
                              5,
                              CODE};
    (void)state;

    struct arm_machine *m[] = {start(&p, ARM_ENGINE_INTERP, 1), start(&p, ARM_ENGINE_JIT, 1)};
    for (unsigned k = 0; k < ARRAY_SIZE(m); k++) {
        assert_true(arm_mem_write(m[k], TABLE + 16, &block, 8));
        for (uint64_t n = 0; n < 7; n++) {
            uint64_t to = DATA + (n + 1) % 7 * 0x1100 + (n % 3 ? again : 0);
            assert_true(arm_mem_write(m[k], DATA + n * 0x1100, &to, 8));
        }
        assert_true(arm_reg_write(m[k], 0, "X0", DATA));
    }
    for (unsigned meet = 0; meet < 4; meet++) {
        assert_int_equal(arm_run(m[0], 100000 + meet), arm_run(m[1], 100000 + meet));
        compare(m[0], m[1]);
    }
    arm_machine_free(m[0]);
    arm_machine_free(m[1]);
}

/* The child's and the parent's blocks are in memory of their own. */
static bool goes_on(struct arm_machine *a, struct arm_machine *b, uint64_t *random)
{
    for (unsigned meet = 0; meet < 4; meet++) {
        uint64_t piece = 10000 + random_next(random) % 50000;
        if (arm_run(a, piece) != arm_run(b, piece))
            return false;
        compare(a, b);
    }
    return true;
}

static void fork_in_a_run(uint64_t random)
{
    static struct program p, q;
    int status = 1;

    make(&p, &random);
    make(&q, &random);
    struct arm_machine *a = start(&p, ARM_ENGINE_INTERP, 1), *b = start(&p, ARM_ENGINE_JIT, 1);
    assert_true(goes_on(a, b, &random));
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    /* Each with code that the other has not. */
    const struct program *other = child ? &q : &p;
    for (unsigned k = 0; k < 2; k++) {
        uint64_t pc[2] = {CODE + 0x8000 + (child ? 0 : 0x4000), 0};
        assert_true(arm_mem_write(k ? b : a, pc[0], other->words, other->size * 4));
        assert_true(arm_reg_set(k ? b : a, 0, ARM_PC, pc));
    }
    bool ok = goes_on(a, b, &random);
    if (child == 0)
        _exit(!ok);
    assert_true(ok);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    arm_machine_free(a);
    arm_machine_free(b);
}

static void test_a_process_made_by_fork_goes_on_by_itself(void **state)
{
    (void)state;
    uint64_t seed = test_option("ARMILLARY_SEED", 1);

    for (uint64_t n = 0; n < 6; n++)
        fork_in_a_run(seed + n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_loops_run_the_same_by_each_engine),
        cmocka_unit_test(test_the_end_of_a_block_may_be_patched),
        cmocka_unit_test(test_a_chain_of_pointers_may_change_its_mapping),
        cmocka_unit_test(test_a_process_made_by_fork_goes_on_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
