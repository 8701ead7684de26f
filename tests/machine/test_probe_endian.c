/* Accesses of big-endian data: an event has the value as the register has it, memory
 * the other way. */
#include <string.h>

#include "tests/machine/probe_fixture.h"

#define TABLE RAM
#define CROSS (DATA + 0x1ffb) /* five bytes before a page's end */

#define X2  UINT64_C(0x0102030405060708)
#define X3  UINT64_C(0xf1f2f3f4f5f6f7f8)
#define SUM ((X2 >> 32) + (X2 & MASK(31, 0))) /* what LDADD stores */

/* x1: DATA; x8: DATA + 0x100; x10: CROSS; q0: x3:x2. */
enum {
    STR8,
    STR4,
    STR2,
    STR1,
    LDR8,
    LDR4,
    LDRSH,
    STP,
    LDXP,
    STXP,
    LDXP32,
    STRQ,
    LDRQ,
    OVER,
    OVERQ,
    SWP,
    LDADD,
    CASP,
    ST2,
    LD1,
    WFI,
};

static const uint32_t code[] = {
    [STR8] = 0xf9000022,   /* str x2, [x1] */
    [STR4] = 0xb9000822,   /* str w2, [x1, #8] */
    [STR2] = 0x79001822,   /* strh w2, [x1, #12] */
    [STR1] = 0x39003822,   /* strb w2, [x1, #14] */
    [LDR8] = 0xf9400024,   /* ldr x4, [x1] */
    [LDR4] = 0xb9400824,   /* ldr w4, [x1, #8] */
    [LDRSH] = 0x79801824,  /* ldrsh x4, [x1, #12] */
    [STP] = 0xa9000d02,    /* stp x2, x3, [x8] */
    [LDXP] = 0xc87f1905,   /* ldxp x5, x6, [x8] */
    [STXP] = 0xc8270903,   /* stxp w7, x3, x2, [x8] */
    [LDXP32] = 0x887f1905, /* ldxp w5, w6, [x8] */
    [STRQ] = 0x3d800500,   /* str q0, [x8, #16] */
    [LDRQ] = 0x3dc00501,   /* ldr q1, [x8, #16] */
    [OVER] = 0xf9000142,   /* str x2, [x10] */
    [OVERQ] = 0x3d800140,  /* str q0, [x10] */
    [SWP] = 0xf8228109,    /* swp x2, x9, [x8] */
    [LDADD] = 0xb8220109,  /* ldadd w2, w9, [x8] */
    [CASP] = 0x48227d04,   /* casp x2, x3, x4, x5, [x8] */
    [ST2] = 0x4c008820,    /* st2 {v0.4s, v1.4s}, [x1] */
    [LD1] = 0x4c407504,    /* ld1 {v4.8h}, [x8] */
    [WFI] = 0xd503207f,    /* wfi */
};

static struct arm_machine *m;
static struct events events;

/* An access is one number, its high byte first in memory. */
static void assert_in_memory(const struct arm_event *e)
{
    const uint64_t second_page = align_up(e->mem.va, PAGE_SIZE);
    uint8_t value[16], ram;

    memcpy(value, e->mem.value, sizeof(value));
    for (unsigned k = 0; k < e->mem.size; k++) {
        const uint64_t va = e->mem.va + k;
        const bool first = !e->mem.pa2 || va < second_page;
        assert_true(
            arm_mem_read(m, first ? e->mem.pa + k : e->mem.pa2 + (va - second_page), &ram, 1));
        if (ram != value[e->mem.size - 1 - k])
            fail_msg("word %u: byte %u in memory is %#x", (unsigned)(e->pc - ENTRY) / 4, k, ram);
    }
}

static void keep_access(void *ctx, const struct arm_event *e)
{
    keep(ctx, e);
    if (e->pc < AT(ARRAY_SIZE(code)))
        assert_in_memory(e);
}

static void set(const char *name, uint64_t value)
{
    if (!arm_reg_write(m, 0, name, value))
        fail_msg("%s", name);
}

/* EL2 with an identity map of a gigabyte, whose table is big-endian as the data are. */
static int run_program(void **state)
{
    const uint64_t block = __builtin_bswap64(RAM | BIT(10) | UINT64_C(3) << 8 | 1);
    const uint64_t v0[] = {X2, X3};
    const struct arm_filter accesses = {.size = sizeof(accesses), .events = BIT(ARM_EVENT_MEM)};

    (void)state;
    m = create_with((struct arm_config){.cpu = "max"}, code, sizeof(code));
    assert_true(arm_mem_write(m, TABLE + 8, &block, sizeof(block)));
    set("MAIR_EL2", 0xff);
    set("TCR_EL2", 0x80823519);
    set("TTBR0_EL2", TABLE);
    set("SCTLR_EL2", BIT(25) | UINT64_C(0x30c51835));
    set("x1", DATA);
    set("x2", X2);
    set("x3", X3);
    set("x8", DATA + 0x100);
    set("x10", CROSS);
    assert_true(arm_reg_set(m, 0, ARM_V(0), v0));
    assert_true(arm_subscribe(m, &accesses, keep_access, &events) > 0);
    assert_int_equal(arm_run(m, 0), ARM_STOP_IDLE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arm_machine_free(m);
    return 0;
}

/* The @nth access of @word: its value in @size bytes. */
static void check(unsigned word, unsigned nth, unsigned size, uint64_t low, uint64_t high)
{
    const struct arm_event *e = find_nth(&events, ARM_EVENT_MEM, AT(word), nth);

    assert_int_equal(e->mem.size, size);
    assert_int_equal(e->mem.value[0], low);
    if (size > 8)
        assert_int_equal(e->mem.value[1], high);
}

static void test_a_number_is_what_the_register_has(void **state)
{
    (void)state;
    for (unsigned word = STR8; word <= LDR8; word += LDR8 - STR8)
        check(word, 0, 8, X2, 0);
    check(STR4, 0, 4, X2 & MASK(31, 0), 0);
    check(STR2, 0, 2, X2 & MASK(15, 0), 0);
    check(STR1, 0, 1, X2 & MASK(7, 0), 0);
    check(LDR4, 0, 4, X2 & MASK(31, 0), 0);
    check(LDRSH, 0, 2, X2 & MASK(15, 0), 0);
    check(STRQ, 0, 16, X2, X3);
    check(LDRQ, 0, 16, X2, X3);
}

/* The first register is at the lower address: the high half of a number that both are. */
static void test_a_pair_says_which_register_has_which_half(void **state)
{
    static const struct {
        unsigned word, reg, reg2;
    } pairs[] = {{LDXP, 6, 5}, {STXP, 2, 3}, {LDXP32, 6, 5}, {CASP, 3, 2}};

    (void)state;
    check(STP, 0, 8, X2, 0);
    check(STP, 1, 8, X3, 0);
    check(LDXP, 0, 16, X3, X2);
    check(STXP, 0, 16, X2, X3);
    check(LDXP32, 0, 8, X3, 0);
    check(CASP, 0, 16, X2, SUM << 32 | (X2 & MASK(31, 0)));
    for (unsigned k = 0; k < ARRAY_SIZE(pairs); k++) {
        const struct arm_event *e = find(&events, ARM_EVENT_MEM, AT(pairs[k].word));
        assert_int_equal(e->mem.reg, pairs[k].reg);
        assert_int_equal(e->mem.reg2, pairs[k].reg2);
    }
}

static void test_what_crosses_a_page_is_one_number(void **state)
{
    (void)state;
    check(OVER, 0, 8, X2, 0);
    check(OVERQ, 0, 16, X2, X3);
    assert_int_equal(find(&events, ARM_EVENT_MEM, AT(OVERQ))->mem.pa2, DATA + 0x2000);
}

static void test_both_halves_of_an_atomic_operation(void **state)
{
    (void)state;
    check(SWP, 0, 8, X3, 0);
    check(SWP, 1, 8, X2, 0);
    check(LDADD, 0, 4, X2 >> 32, 0);
    check(LDADD, 1, 4, SUM, 0);
}

static void test_elements_of_vectors_are_numbers_each(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 8; k++) /* v0 and v1 are alike */
        check(ST2, k, 4, (k < 4 ? X2 : X3) >> (k / 2 % 2 ? 32 : 0) & MASK(31, 0), 0);
    assert_int_equal(find(&events, ARM_EVENT_MEM, AT(LD1))->mem.kind & ARM_MEM_WRITE, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_number_is_what_the_register_has),
        cmocka_unit_test(test_a_pair_says_which_register_has_which_half),
        cmocka_unit_test(test_what_crosses_a_page_is_one_number),
        cmocka_unit_test(test_both_halves_of_an_atomic_operation),
        cmocka_unit_test(test_elements_of_vectors_are_numbers_each),
    };

    return cmocka_run_group_tests(tests, run_program, end);
}
