/* Loops of random operations on the counter turn where they do executed. */
#include "tests/machine/spin_fixture.h"

#define SF(random)     ((uint32_t)(random_next(random) & 1) << 31)
#define R(rd, rn, rm)  ((uint32_t)(rd) | (uint32_t)(rn) << 5 | (uint32_t)(rm) << 16)
#define MRS_CNTVCT(rd) (0xd53be040u | (rd))

/* Make x@reg @value. */
static void emit_constant(struct program *p, unsigned reg, uint64_t value)
{
    for (unsigned k = 0; k < 4; k++)
        emit(p, (k ? 0xf2800000 : 0xd2800000) | k << 21 |
                    (uint32_t)(value >> 16 * k & 0xffff) << 5 | reg);
}

/* A value whose neighbours differ from it in much. */
static uint64_t edge(uint64_t *random)
{
    static const unsigned bits[] = {0, 8, 16, 31, 32, 63};

    return (random_next(random) % 2 ? BIT(bits[random_next(random) % ARRAY_SIZE(bits)]) : 0) +
           random_next(random) % 1000 - 500;
}

/* Of the registers whose value is known: x0 to x4, ZR, and of x7 to x10 those written so far. */
static unsigned source(uint64_t *random, unsigned temps)
{
    static const uint8_t regs[] = {0, 0, 0, 2, 3, 4, 31, 7, 8, 9, 10};

    return regs[random_next(random) % (ARRAY_SIZE(regs) - 4 + temps)];
}

static unsigned target(uint64_t *random, unsigned *temps)
{
    if (*temps < 4)
        return 7 + (*temps)++;
    return 7 + (unsigned)(random_next(random) % 4);
}

/* An instruction that computes something. */
static void emit_operation(struct program *p, uint64_t *random, unsigned *temps)
{
    static const uint32_t shifted[] = {0x0b000000, 0x4b000000, 0x2b000000, 0x6b000000, 0x2a000000,
                                       0x0a000000, 0x4a000000, 0x6a000000, 0x2a000000};
    static const uint32_t immediate[] = {0x11000000, 0x51000000, 0x31000000, 0x71000000};
    static const uint32_t accesses[] = {0xf9400000, 0xb9400000, 0xb9800000, 0x79400000, 0x79800000};
    uint32_t n = source(random, *temps), m = source(random, *temps), sf = SF(random);
    uint32_t imm = (uint32_t)random_next(random), d = target(random, temps);

    switch (random_next(random) % 10) {
    case 0:
    case 1:
        emit(p, shifted[random_next(random) % ARRAY_SIZE(shifted)] | sf | R(d, n, m) |
                    (imm & 1 ? imm >> 1 & 0x7c00 : 0));
        break;
    case 2:
        emit(p, immediate[random_next(random) % ARRAY_SIZE(immediate)] | sf | (imm & 0x1ffc00) |
                    R(d, n == 31 ? 0 : n, 0));
        break;
    case 3: /* CMP */
        emit(p, 0x6b00001f | sf | R(0, n, m));
        break;
    case 4: /* UBFM, SBFM */
        imm &= sf ? 0x3ffc00 : 0x1f7c00;
        emit(p, (imm & 0x400 ? 0x53000000u : 0x13000000u) | sf | sf >> 9 | imm | R(d, n, 0));
        break;
    case 5: /* MUL, MADD */
        emit(p, 0x1b000000 | sf | R(d, n, m) | (imm & 1 ? 31u : source(random, *temps - 1)) << 10);
        break;
    case 6: /* UMULH, UDIV */
        emit(p, imm & 1 ? 0x9bc07c00 | R(d, n, m) : 0x1ac00800 | sf | R(d, n, m));
        break;
    case 7: /* CCMP, CCMN */
        emit(p, (imm & 1 ? 0x3a400000u : 0x7a400000u) | sf | (imm & 0xf80f) | R(0, n, m));
        break;
    case 8: /* CSEL, CSINC, CSINV, CSNEG */
        emit(p, 0x1a800000 | sf | (imm & 0x4000f400) | R(d, n, m));
        break;
    case 9: /* by way of memory */
        emit(p, (imm & 1 ? 0xf9000000u : 0xb9000000u) | 16u << 10 | R(n, 20, 0));
        emit(p, accesses[random_next(random) % ARRAY_SIZE(accesses)] | (imm & 1 ? 16u : 8u) << 10 |
                    R(d, 20, 0));
        break;
    }
}

/* A loop of operations on the count: until a branch turns, or an interrupt comes. */
static void emit_random_loop(struct program *p, uint64_t *random)
{
    unsigned temps = 0;

    emit(p, MRS_CNTVCT(2));
    emit(p, 0x91000042 | (uint32_t)(random_next(random) % 400) << 10); /* add x2,x2,#n */
    emit_constant(p, 3, edge(random));
    emit_constant(p, 4, random_next(random) >> random_next(random) % 64);
    unsigned adr = p->size, n = (unsigned)(random_next(random) % 6);
    emit(p, 0);
    unsigned head = p->size;
    emit(p, MRS_CNTVCT(0));
    unsigned out = 0;
    while (n--) {
        emit_operation(p, random, &temps);
        if (!out && random_next(random) % 8 == 0) {
            out = p->size;
            emit(p, 0);
        }
    }
    emit(p, 0x6b00001f | SF(random) | R(0, source(random, temps), source(random, temps)));
    uint32_t back = (head - p->size) & 0x3fff, reg = source(random, temps);
    uint32_t b = (uint32_t)random_next(random);
    if (b % 4 == 0)
        emit(p, 0x34000000 | SF(random) | (b & 0x01000000) | (back | 0x7c000) << 5 | reg);
    else if (b % 4 == 1)
        emit(p, 0x36000000 | SF(random) | (b & 0x01f80000 & ~0x80000u) | back << 5 | reg);
    else
        emit(p, 0x54000000 | (back | 0x7c000) << 5 | b >> 28);
    if (out) /* b.cond end */
        p->words[out] = 0x54000000 | (p->size - out) << 5 | (uint32_t)(random_next(random) % 14);
    p->words[adr] = 0x10000013 | (p->size - adr) << 5; /* adr x19,end */
    emit(p, 0x8b150415);                               /* add x21,x0,x21,lsl #1 */
}

static void test_a_loop_of_random_operations_turns_where_it_does_executed(void **state)
{
    (void)state;
    static struct program p;
    uint64_t random = test_seed(2);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 40), total = 0;

    for (uint64_t n = 0; n < rounds; n++) {
        begin_program(&p, true);
        emit_constant(&p, 0, 0 - edge(&random));
        emit(&p, 0xd51ce060); /* msr cntvoff_el2,x0 */
        unsigned first = p.size;
        for (unsigned k = 0; k < 60; k++)
            emit_random_loop(&p, &random);
        end_program(&p, first);
        struct arm_machine *m = create(&p, 1, "n1"), *executed = create_observed(&p, 1, "n1");
        for (unsigned meet = 0; meet < 20; meet++) {
            uint64_t piece = 1 + random_next(&random) % 30000;
            assert_int_equal(arm_run(m, piece), ARM_STOP_LIMIT);
            assert_int_equal(arm_run(executed, piece), ARM_STOP_LIMIT);
            assert_same(m, executed);
        }
        total += skipped(m);
        arm_machine_free(m);
        arm_machine_free(executed);
    }
    assert_true(total > rounds * 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loop_of_random_operations_turns_where_it_does_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
