/* Short blocks, most of whose registers are named once: random data processing by both engines. */
#include <inttypes.h>
#include <stdio.h>

#include "arch/insn.h"
#include "cpu/jit/jit.h"
#include "machine/machine.h"
#include "tests/machine/engines_fixture.h"

/* What the end of a block needs. */
#define NEXT 28u

static bool is_wanted(enum a64_op op)
{
    const struct a64_row *r = &a64_rows[op];
    const uint64_t others = BIT(FACT_LD) | BIT(FACT_ST) | BIT(FACT_TRAP) | BIT(FACT_RSYS) |
                            BIT(FACT_WSYS) | BIT(FACT_DIRECT) | BIT(FACT_INDIRECT) | BIT(FACT_PRF);

    return r->feature == FEAT_BASE && r->cls == A64_INT && r->jit == JIT_NATIVE &&
           !(r->facts & others);
}

/* Of a random row; registers are often the same ones. */
static uint32_t random_word(uint64_t *random)
{
    for (;;) {
        enum a64_op op = (enum a64_op)(random_next(random) % A64_UNALLOCATED);
        const struct a64_row *r = &a64_rows[op];
        uint64_t v = random_next(random), few = random_next(random);
        uint32_t word = (uint32_t)v;
        struct insn i;

        if (!is_wanted(op))
            continue;
        if (few & 1)
            word &= ~(uint32_t)(0x1c | 0x1c << 5 | 0x1c << 16); /* x0 to x3 */
        word = r->value | (word & ~r->mask);
        if (a64_lookup(word) != op)
            continue;
        a64_decode(word, 0, &i);
        if (!(a64_use(r, &i).x_writes & BIT(NEXT)))
            return word;
    }
}

/* A shift by a constant, which is a bit field that goes to an end of its register. */
static uint32_t random_shift(uint64_t *random)
{
    uint64_t r = random_next(random);
    uint32_t by = (uint32_t)r % 32, regs = (uint32_t)(r >> 8) & 0x63;
    static const uint32_t right[] = {0xd340fc00, 0x53007c00, 0x9340fc00, 0x13007c00};

    if (r & BIT(40)) /* to the left, of 64 bits or 32 */
        return regs | (r & BIT(41) ? 0xd3400000 | ((64 - by) & 63) << 16 | (63 - by) << 10
                                   : 0x53000000 | ((32 - by) & 31) << 16 | (31 - by) << 10);
    return regs | right[r >> 42 & 3] | by << 16;
}

/* C is looked at where it has to be made again, and nobody looks behind that. */
static void emit_carry(struct program *p, uint64_t *random)
{
    static const uint32_t set[] = {
        0xeb010000, 0xab010000, 0x6b010000, 0x2b010000, /* subs, adds x0, x0, x1 */
        0xf1000c00, 0xb1000c00, 0x71000c00, 0x31000c00, /* subs, adds x0, x0, #3 */
    };
    static const uint32_t get[] = {0x9a030042, 0xda030042, 0x9a832042, 0x9a833442}; /* adc, csel */
    uint64_t r = random_next(random);

    emit(p, set[r % ARRAY_SIZE(set)]);
    emit(p, random_shift(random) | 2); /* to x2 or x3 */
    emit(p, get[r >> 8 & 3]);
    emit(p, set[r >> 16 & 7]);
}

static void make(struct program *p, uint64_t *random)
{
    p->size = 0;
    p->at = CODE;
    while (p->size < WORDS - 16) {
        for (uint64_t n = 1 + random_next(random) % 8; n > 0; n--)
            emit(p, n % 4 ? random_word(random) : random_shift(random));
        if (random_next(random) % 8 == 0)
            emit_carry(p, random);
        emit(p, 0x10000040 | NEXT);      /* adr x28, .+8 */
        emit(p, 0xd61f0000 | NEXT << 5); /* br x28 */
    }
    emit(p, 0x14000000 | ((0u - p->size) & 0x3ffffff));
}

static struct arm_machine *start(const struct program *p, enum arm_engine engine, uint64_t seed)
{
    uint64_t random = seed;
    struct arm_machine *m = machine_with(p, "n1", engine);

    set_random_registers(m, &random);
    return m;
}

static void test_short_blocks_compute_the_same_by_each_engine(void **state)
{
    (void)state;
    static struct program p;
    uint64_t seed = test_option("ARMILLARY_SEED", 1);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 40);

    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t random = seed + n * 1000003;
        printf("ARMILLARY_SEED=%" PRIu64 "\n", random);
        make(&p, &random);
        uint64_t values = random_next(&random), host = random_next(&random);
        struct arm_machine *a = start(&p, ARM_ENGINE_INTERP, values);
        struct arm_machine *b = start(&p, ARM_ENGINE_JIT_EAGER, values);
        if (b->jit && host % 2)
            jit_use_host(b->jit, b->jit->host & (unsigned)(host >> 1));
        run_both_in_pieces(a, b, &random, 20, 6000, compare_registers);
        arm_machine_free(a);
        arm_machine_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_blocks_compute_the_same_by_each_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
