/*
 * Loops that go through memory by steady steps, in both engines: pages follow each other, are
 * mapped out of order, missing, or not to be written, and change between two loops; or without the
 * MMU, where data is Device memory, all accesses of which are to be aligned. What faults tells of
 * the flags that it finds there.
 */
#include "arch/insn.h"
#include "tests/machine/engines_fixture.h"
#include "tests/random.h"

#define PAGES  16
#define PAGE   UINT64_C(0x1000)
#define TABLE2 (TABLE + PAGE)
#define TABLE3 (TABLE + 2 * PAGE)

static const uint32_t accesses[] = {
    0xf8408425, /* ldr x5, [x1], #8 */
    0xf9040025, /* str x5, [x1, #2048] */
    0xa8c11845, /* ldp x5, x6, [x2], #16 */
    0xa8bf1466, /* stp x6, x5, [x3], #-16 */
    0x38646827, /* ldrb w7, [x1, x4] */
    0xb8247847, /* str w7, [x2, x4, lsl #2] */
    0x3dc00860, /* ldr q0, [x3, #32] */
    0xa93c1c66, /* stp x6, x7, [x3, #-64] */
    0xf8410c68, /* ldr x8, [x3, #16]! */
    0xb80f0c45, /* str w5, [x2, #240]! */
    0xf85fd029, /* ldur x9, [x1, #-3] */
    0xf9402285, /* ldr x5, [x20, #64] */
    0xf840082a, /* ldtr x10, [x1] */
    0x78246826, /* strh w6, [x1, x4] */
};

/* Atomics, one and two of them that find or lose what they compare with; an address twice, and an
 * index that is made of others. */
static const uint32_t twos[][2] = {
    {0xf9400025, 0xc8a57c26}, /* ldr x5, [x1]; cas x5, x6, [x1] */
    {0x39400046, 0x08e67c45}, /* ldrb w6, [x2]; casab w6, w5, [x2] */
    {0x48e5fe89, 0x88a57c68}, /* casalh w5, w9, [x20]; cas w5, w8, [x3] */
    {0xf8250027, 0x38258047}, /* ldadd x5, x7, [x1]; swpb w5, w7, [x2] */
    {0x78261028, 0xc85f7c25}, /* ldclrh w6, w8, [x1]; ldxr x5, [x1] */
    {0xc85f7c25, 0xc8067c27}, /* ldxr x5, [x1]; stxr w6, x7, [x1] */
    {0x885ffc65, 0x8806fc65}, /* ldaxr w5, [x3]; stlxr w6, w5, [x3] */
    {0x085f7c45, 0x48067e85}, /* ldxrb w5, [x2]; stxrh w6, w5, [x20] */
    {0xc85f7e88, 0xc8097e86}, /* ldxr x8, [x20]; stxr w9, x6, [x20] */
    {0xc8067c27, 0xd5033f5f}, /* stxr w6, x7, [x1]; clrex */
    {0xf8647825, 0xf8247825}, /* ldr x5, [x1, x4, lsl #3]; str x5, [x1, x4, lsl #3] */
    {0xf9400c45, 0xf9000c46}, /* ldr x5, [x2, #24]; str x6, [x2, #24] */
    {0x93407e64, 0xcb0f0084}, /* sxtw x4, w19; sub x4, x4, x15 */
    {0xaa1303e4, 0x8b0f0084}, /* mov x4, x19; add x4, x4, x15 */
};

/* What becomes of the addresses, who looks at the flags, and what leaves. */
static const uint32_t others[] = {
    0x9270f821, /* and x1, x1, #0xffffffffffff7fff */
    0x91006084, /* add x4, x4, #24 */
    0x92402c84, /* and x4, x4, #0xfff */
    0xd100a063, /* sub x3, x3, #40 */
    0x91001021, /* add x1, x1, #4 */
    0x9a8680ab, /* csel x11, x5, x6, hi */
    0x9a05018c, /* adc x12, x12, x5 */
    0xfa46b0a3, /* ccmp x5, x6, #3, lt */
    0x8b0501ad, /* add x13, x13, x5 */
    0x8b040042, /* add x2, x2, x4 */
    0xaa1403e2, /* mov x2, x20 */
    0xf27c1c3f, /* tst x1, #0xff0 */
    0xb4000047, /* cbz x7, .+8 */
    0x54000046, /* b.vs .+8 */
    0xd51bd045, /* msr tpidr_el0, x5 */
};

/* The last comparison, and the branch back: 19 bits of words at bit 5. */
static const uint32_t ends[][2] = {
    {0xf1000673, 0x54000001},                           /* subs x19, x19, #1; b.ne */
    {0xf1000673, 0x54000001}, {0xeb02003f, 0x54000001}, /* cmp x1, x2; b.ne */
    {0xeb0f01ce, 0x54000001},                           /* subs x14, x14, x15; b.ne */
    {0xb1000673, 0x54000005},                           /* adds x19, x19, #1; b.pl */
    {0xd1000673, 0xb5000013},                           /* sub x19, x19, #1; cbnz x19 */
};

/* Pages change places, two and two. */
static const uint32_t begin[] = {
    0xf94002a8, /* ldr x8, [x21] */
    0xd2740108, /* eor x8, x8, #0x1000 */
    0xf90002a8, /* str x8, [x21] */
    0xd508871f, /* tlbi vmalle1 */
    0xd5033f9f, /* dsb sy */
    0xd5033fdf, /* isb */
    0x91000281, /* add x1, x20, #0 */
    0x91401282, /* add x2, x20, #0x4000 */
    0x91401e83, /* add x3, x20, #0x7000 */
    0xd2802593, /* mov x19, #300 */
    0xd2800004, /* mov x4, #0 */
};

static void make(struct program *p, uint64_t *random)
{
    unsigned body = 1 + (unsigned)(random_next(random) % 12);
    const uint32_t *end = ends[random_next(random) % ARRAY_SIZE(ends)];

    p->size = 0;
    p->at = CODE;
    for (unsigned k = 0; k < ARRAY_SIZE(begin); k++)
        emit(p, begin[k]);
    unsigned head = p->size;
    while (body--) {
        uint64_t r = random_next(random);
        if ((r & 7) == 7) {
            const uint32_t *two = twos[(r >> 8) % ARRAY_SIZE(twos)];
            emit(p, two[0]);
            emit(p, two[1]);
            continue;
        }
        emit(p, r & 3 ? accesses[(r >> 8) % ARRAY_SIZE(accesses)]
                      : others[(r >> 8) % ARRAY_SIZE(others)]);
    }
    emit(p, end[0]);
    emit(p, end[1] | ((head - p->size) & 0x7ffff) << 5);
    for (uint64_t n = random_next(random) % 4; n > 0; n--) { /* and what may be in its block */
        uint64_t r = random_next(random);
        emit(p, r & 1 ? accesses[(r >> 8) % ARRAY_SIZE(accesses)]
                      : ends[(r >> 8) % ARRAY_SIZE(ends)][0]);
    }
    emit(p, 0x14000000 | ((0u - p->size) & 0x3ffffff));
}

/* Where it was and which flags there were goes into X16; then on behind the instruction. */
static const uint32_t vector[] = {
    0xd5384012, /* mrs x18, spsr_el1 */
    0xca120210, /* eor x16, x16, x18 */
    0xd5386012, /* mrs x18, far_el1 */
    0x8b120210, /* add x16, x16, x18 */
    0x93d01e10, /* ror x16, x16, #7 */
    0xd5384032, /* mrs x18, elr_el1 */
    0x91001252, /* add x18, x18, #4 */
    0xd5184032, /* msr elr_el1, x18 */
    0xd69f03e0, /* eret */
};

static const struct initial registers[] = {
    {"MAIR_EL1", 0xff},
    {"TCR_EL1", 0x00803519},
    {"TTBR0_EL1", TABLE},
    {"VBAR_EL1", VECTOR},
    {"SCTLR_EL1", 0x30d0199d},
    {"CPACR_EL1", 3 << 20},
    {"X14", 1000},
    {"X15", 1},
    {"X20", DATA},
    {"X21", TABLE3 + 3 * 8},
};

static const struct initial without_mmu = {"SCTLR_EL1", 0x30d0199c};

/* Code is mapped as it is; of the data page 5 is missing, and page 9 is not to be written. */
static struct arm_machine *start(const struct program *p, enum arm_engine engine, uint64_t seed)
{
    uint64_t random = seed;
    struct arm_machine *m = machine_with(p, "n1", engine);

    put_vectors(m, VECTOR, vector, sizeof(vector));
    put(m, TABLE + 8, TABLE2 | 3);
    put(m, TABLE2 + 8, 0x40200000 | 0x701);
    put(m, TABLE2 + 16, TABLE3 | 3);
    for (unsigned k = 0; k < PAGES; k++)
        put(m, TABLE3 + 8 * k,
            (DATA + PAGE * (k * 5 % PAGES)) | (k == 5   ? 0
                                               : k == 9 ? 0x783
                                                        : 0x703));
    for (unsigned k = 0; k < 2048; k++)
        put(m, DATA + 8 * k, random_next(&random));
    set_registers(m, registers, ARRAY_SIZE(registers));
    if (seed % 4 == 0)
        set_registers(m, &without_mmu, 1);
    return m;
}

static void compare(struct arm_machine *a, struct arm_machine *b)
{
    compare_registers(a, b);
    compare_memory(a, b, DATA, PAGES * PAGE);
}

static void test_loops_through_memory_run_the_same_by_each_engine(void **state)
{
    (void)state;
    static struct program p;
    uint64_t seed = test_option("ARMILLARY_SEED", 1);
    uint64_t rounds = test_option("ARMILLARY_ROUNDS", 300);

    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t random = seed + n * 1000003;
        printf("ARMILLARY_SEED=%llu\n", (unsigned long long)random);
        make(&p, &random);
        struct arm_machine *a = start(&p, ARM_ENGINE_INTERP, random);
        struct arm_machine *b = start(&p, ARM_ENGINE_JIT, random);
        run_both_in_pieces(a, b, &random, 6, 20000, compare);
        arm_machine_free(a);
        arm_machine_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loops_through_memory_run_the_same_by_each_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
