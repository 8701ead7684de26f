/* What instruction words are to the model. */
#include "core_fixture.h"

static uint8_t classes[A64_OP_COUNT];

static int setup(void **state)
{
    (void)state;
    for (unsigned k = 0; k < A64_OP_COUNT; k++)
        classes[k] = (uint8_t)op_row_class((enum a64_op)k);
    return 0;
}

static void test_words_have_the_classes_that_a_guide_would_put_them_in(void **state)
{
    (void)state;
    static const struct {
        uint32_t word;
        enum op_class class;
    } words[] = {
        {0x8b020020, CLASS_ALU},        /* add x0, x1, x2 */
        {0x8b020c20, CLASS_SHIFT},      /* add x0, x1, x2, lsl #3 */
        {0x8b22c020, CLASS_SHIFT},      /* add x0, x1, w2, sxtw */
        {0xaa0203e0, CLASS_ALU},        /* mov x0, x2 */
        {0x1b027c20, CLASS_MUL},        /* mul w0, w1, w2 */
        {0x9b027c20, CLASS_MUL_LONG},   /* mul x0, x1, x2 */
        {0x9bc27c20, CLASS_MUL_LONG},   /* umulh x0, x1, x2 */
        {0x9b227c20, CLASS_MUL},        /* smull x0, w1, w2 */
        {0x1ac20c20, CLASS_DIV},        /* sdiv w0, w1, w2 */
        {0x9ac20820, CLASS_DIV_LONG},   /* udiv x0, x1, x2 */
        {0x1ac24020, CLASS_CRC},        /* crc32b w0, w1, w2 */
        {0xf9400020, CLASS_LOAD},       /* ldr x0, [x1] */
        {0x3dc00020, CLASS_LOAD_FP},    /* ldr q0, [x1] */
        {0xf9000020, CLASS_STORE},      /* str x0, [x1] */
        {0xf8200020, CLASS_ATOMIC},     /* ldadd x0, x0, [x1] */
        {0xc8007c22, CLASS_STORE},      /* stxr w0, x2, [x1] */
        {0xc85f7c20, CLASS_LOAD},       /* ldxr x0, [x1] */
        {0xf9800020, CLASS_PREFETCH},   /* prfm pldl1keep, [x1] */
        {0x1e622820, CLASS_FP_ADD},     /* fadd d0, d1, d2 */
        {0x1e620820, CLASS_FP_MUL},     /* fmul d0, d1, d2 */
        {0x1f420c20, CLASS_FP_FMA},     /* fmadd d0, d1, d2, d3 */
        {0x1e621820, CLASS_FP_DIV},     /* fdiv d0, d1, d2 */
        {0x1e604020, CLASS_FP_SIMPLE},  /* fmov d0, d1 */
        {0x9e660020, CLASS_TRANSFER},   /* fmov x0, d1 */
        {0x4e083c20, CLASS_TRANSFER},   /* mov x0, v1.d[0] */
        {0x4ea28420, CLASS_SIMD},       /* add v0.4s, v1.4s, v2.4s */
        {0x4ea29c20, CLASS_SIMD_MUL},   /* mul v0.4s, v1.4s, v2.4s */
        {0x4e284820, CLASS_CRYPTO},     /* aese v0.16b, v1.16b */
        {0xd65f03c0, CLASS_BRANCH},     /* ret */
        {0xd50b7420, CLASS_ZERO},       /* dc zva, x0 */
        {0xd50b7b20, CLASS_CACHE_OP},   /* dc cvau, x0 */
        {0xd508831f, CLASS_TLBI},       /* tlbi vmalle1is */
        {0xd5087800, CLASS_AT},         /* at s1e1r, x0 */
        {0xd50342df, CLASS_MSR_PSTATE}, /* msr daifset, #2 */
        {0xd503207f, CLASS_WAIT},       /* wfi */
        {0xd503305f, CLASS_ALU},        /* clrex */
        {0xdac10020, CLASS_PAUTH},      /* pacia x0, x1 */
    };

    for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
        struct op o = op_of(words[k].word, classes);
        if (o.class != words[k].class)
            fail_msg("%08x (%s) is %s, expected %s", words[k].word,
                     a64_rows[a64_lookup(words[k].word)].name,
                     op_class_name((enum op_class)o.class), op_class_name(words[k].class));
    }
}

/* Every row that has to do with memory, branches or barriers is in a class of that kind, and every
 * class has a row or a register. */
static void test_classes_agree_with_the_facts_of_the_rows(void **state)
{
    (void)state;
    bool used[CLASS_COUNT] = {false};

    for (unsigned k = 0; k < A64_UNALLOCATED; k++) {
        enum a64_op op = (enum a64_op)k;
        const struct a64_row *row = &a64_rows[op];
        enum op_unit unit = op_class_unit((enum op_class)classes[op]);
        used[classes[op]] = true;
        if (a64_is(op, FACT_UNDEF) || op == A64_HLT || op == A64_SYS)
            continue;
        bool memory = a64_is(op, FACT_LD) || a64_is(op, FACT_ST) || a64_is(op, FACT_PRF);
        bool branch = a64_is(op, FACT_DIRECT) || a64_is(op, FACT_INDIRECT);
        if (memory != (unit == UNIT_LOAD || unit == UNIT_STORE) ||
            branch != (unit == UNIT_BRANCH) || (a64_is(op, FACT_BARRIER) && unit != UNIT_SYSTEM) ||
            (unit == UNIT_FP && row->cls != A64_FP))
            fail_msg("%s is %s", row->name, op_class_name((enum op_class)classes[op]));
    }
    for (unsigned k = 0; k < CLASS_COUNT; k++)
        if (!used[k] && op_class_unit((enum op_class)k) != UNIT_SYSTEM && k != CLASS_MUL_LONG &&
            k != CLASS_DIV_LONG && k != CLASS_SHIFT && k != CLASS_ZERO)
            fail_msg("no row is %s", op_class_name((enum op_class)k));
}

static void test_registers_are_those_that_the_instruction_names(void **state)
{
    (void)state;
    struct op o = op_of(0xa9c10fe2 /* ldp x2, x3, [sp, #16]! */, classes);

    assert_int_equal(o.read_count, 1);
    assert_int_equal(o.reads[0], 31); /* SP */
    assert_int_equal(o.base, 31);
    assert_int_equal(o.write_count, 2);
    o = op_of(0xeb02003f /* cmp x1, x2 */, classes);
    assert_int_equal(o.write_count, 1);
    assert_int_equal(o.writes[0], SB_FLAGS);
    o = op_of(0xf9000020 /* str x0, [x1] */, classes);
    assert_int_equal(o.read_count, 1);
    assert_int_equal(o.reads[0], 1); /* what is stored may come later */
    o = op_of(0x9a820020 /* csel x0, x1, x2, eq */, classes);
    assert_int_equal(o.read_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_have_the_classes_that_a_guide_would_put_them_in),
        cmocka_unit_test(test_classes_agree_with_the_facts_of_the_rows),
        cmocka_unit_test(test_registers_are_those_that_the_instruction_names),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
