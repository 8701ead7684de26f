/*
 * DC ZVA on pages that hold zeros already, in each engine: they stay as they are, until somebody
 * has written them, by whatever address.
 */
#include "machine/machine.h"
#include "tests/machine/engines_fixture.h"

#define PAGES  8 /* of DATA; at as many pages behind them they are seen once more */
#define PAGE   UINT64_C(0x1000)
#define TABLE2 (TABLE + PAGE)
#define TABLE3 (TABLE + 2 * PAGE)

#define DC_ZVA_X1 0xd50b7421
#define B(words)  (0x14000000 | ((uint32_t)(words)&0x3ffffff))

static const struct initial registers[] = {
    {"MAIR_EL1", 0xff}, {"TCR_EL1", 0x00803519},   {"TTBR0_EL1", TABLE}, {"VBAR_EL1", VECTOR},
    {"X1", DATA},       {"SCTLR_EL1", 0x30d0199d}, {"X20", DATA},        {"X5", 0x1234567890abcdef},
};

static struct arm_machine *start(const struct program *p, enum arm_engine engine)
{
    struct arm_machine *m = machine_with(p, "n1", engine);

    put(m, TABLE + 8, TABLE2 | 3);
    put(m, TABLE2 + 8, 0x40200000 | 0x701);
    put(m, TABLE2 + 16, TABLE3 | 3);
    for (unsigned k = 0; k < 2 * PAGES; k++)
        put(m, TABLE3 + 8 * k, (DATA + PAGE * (k % PAGES)) | 0x703);
    set_registers(m, registers, ARRAY_SIZE(registers));
    return m;
}

/* Has anybody written page @n of DATA? */
static bool changed(struct arm_machine *m, unsigned n)
{
    const struct ram_bank *b = physmem_bank(&m->mem, pa(DATA));

    return page_flags(b, DATA + PAGE * n - b->base) & PAGE_CHANGED;
}

/* All lines of the pages, three times; then one page is written by its other address between two
 * lines of it, which are zeroed once more. */
static void zero_all(struct program *p)
{
    static const uint32_t words[] = {
        0xd2800073,             /* mov x19, #3 */
        0xaa1403e1,             /* mov x1, x20 */
        0xd2804004,             /* mov x4, #512: lines of 64 bytes */
        DC_ZVA_X1,  0x91010021, /* add x1, x1, #64 */
        0xf1000484,             /* subs x4, x4, #1 */
        0x54ffffa1,             /* b.ne .-12 */
        0xf1000673,             /* subs x19, x19, #1 */
        0x54ffff21,             /* b.ne .-28 */
        0x91401a81,             /* add x1, x20, #0x6000 */
        0x91403a82,             /* add x2, x20, #0xe000: the same page */
        DC_ZVA_X1,  0xf9000045, /* str x5, [x2] */
        0xf9000445,             /* str x5, [x2, #8] */
        DC_ZVA_X1,  0x91010021, /* add x1, x1, #64 */
        0xf9002445,             /* str x5, [x2, #72] */
        DC_ZVA_X1,  0xf9004845, /* str x5, [x2, #144] */
    };

    *p = (struct program){.at = CODE};
    for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
        emit(p, words[k]);
    emit(p, B(0));
}

static void test_zeros_on_zeros_leave_a_page_alone(void **state)
{
    (void)state;
    static const enum arm_engine engines[] = {ARM_ENGINE_INTERP, ARM_ENGINE_JIT,
                                              ARM_ENGINE_JIT_EAGER};
    static struct program p;
    uint64_t v[20];

    zero_all(&p);
    for (unsigned n = 0; n < ARRAY_SIZE(engines); n++) {
        struct arm_machine *m = start(&p, engines[n]);
        arm_run(m, 10000);
        for (unsigned k = 0; k < PAGES; k++)
            assert_int_equal(changed(m, k), k == 6);
        assert_true(arm_mem_read(m, DATA + 6 * PAGE, v, sizeof(v)));
        for (unsigned k = 0; k < ARRAY_SIZE(v); k++)
            assert_int_equal(v[k], k == 18 ? 0x1234567890abcdef : 0);
        arm_machine_free(m);
    }
}

/* Lines are zeroed, written and read by both addresses of their pages. */
static void make(struct program *p, uint64_t *random)
{
    static const uint32_t words[] = {
        DC_ZVA_X1,  DC_ZVA_X1, DC_ZVA_X1, 0x91010021, /* add x1, x1, #64 */
        0xf9000025,                                   /* str x5, [x1] */
        0xf9400026,                                   /* ldr x6, [x1] */
        0x8b0600e7,                                   /* add x7, x7, x6 */
    };

    *p = (struct program){.at = CODE};
    for (unsigned k = 0; k < 60; k++) {
        uint64_t r = random_next(random);
        if (r % 4 == 0)
            emit(p, 0x91400281 | (uint32_t)(r >> 8 & (2 * PAGES - 1))
                                     << 10); /* add x1, x20, #n * 0x1000 */
        else
            emit(p, words[(r >> 8) % ARRAY_SIZE(words)]);
    }
    emit(p, 0x91000281); /* add x1, x20, #0 */
    emit(p, B(-(int)p->size));
}

static void compare(struct arm_machine *a, struct arm_machine *b)
{
    compare_registers(a, b);
    compare_memory(a, b, DATA, PAGES * PAGE);
}

/* The one with blocks goes on from snapshots that are taken all the time, and back now and then. */
static void test_zeroing_is_the_same_by_each_engine_between_snapshots(void **state)
{
    (void)state;
    static struct program p;
    uint64_t seed = test_option("ARMILLARY_SEED", 1);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 100);

    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t random = seed + n * 1000003;
        printf("ARMILLARY_SEED=%llu\n", (unsigned long long)random);
        make(&p, &random);
        struct arm_machine *a = start(&p, ARM_ENGINE_INTERP);
        struct arm_machine *b = start(&p, n & 1 ? ARM_ENGINE_JIT : ARM_ENGINE_JIT_EAGER);
        for (unsigned k = 0; k < 8; k++) {
            struct arm_snapshot *s = arm_snapshot_take(b, NULL);
            assert_non_null(s);
            if (random_next(&random) & 1) {
                arm_run(b, random_next(&random) % 2000);
                assert_int_equal(arm_snapshot_restore(b, s, NULL), 0);
            }
            run_both_in_pieces(a, b, &random, 2, 2000, compare);
            arm_snapshot_free(s);
        }
        arm_machine_free(a);
        arm_machine_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeros_on_zeros_leave_a_page_alone),
        cmocka_unit_test(test_zeroing_is_the_same_by_each_engine_between_snapshots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
