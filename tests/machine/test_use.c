/* What an instruction does with values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"

#define SP_BIT BIT(31)

static void test_kinds_and_registers_of_instructions(void **state)
{
    static const struct {
        uint32_t word;
        enum arm_insn_kind kind;
        uint32_t reads, writes, from, to;
    } rows[] = {
        {0xaa0103e0, ARM_INSN_MOVE, BIT(1), BIT(0), ARM_X(1), ARM_X(0)},          /* mov x0,x1 */
        {0x910003e1, ARM_INSN_MOVE, SP_BIT, BIT(1), ARM_SP, ARM_X(1)},            /* mov x1,sp */
        {0x2a0103e0, ARM_INSN_COMPUTE, BIT(1), BIT(0), -1U, -1U},                 /* mov w0,w1 */
        {0xaa1f03e0, ARM_INSN_COMPUTE, 0, BIT(0), -1U, -1U},                      /* mov x0,xzr */
        {0x8b020020, ARM_INSN_COMPUTE, BIT(1) | BIT(2), BIT(0), -1U, -1U},        /* add x0,x1,x2 */
        {0xf9400041, ARM_INSN_LOAD, BIT(2), BIT(1), -1U, -1U},                    /* ldr x1,[x2] */
        {0xa9bf07e0, ARM_INSN_STORE, BIT(0) | BIT(1) | SP_BIT, SP_BIT, -1U, -1U}, /* stp x0,x1 */
        {0xf8210062, ARM_INSN_ATOMIC, BIT(1) | BIT(3), BIT(2), -1U, -1U}, /* ldadd x1,x2,[x3] */
        {0xd538d081, ARM_INSN_MRS, 0, BIT(1), ARM_SYSREG(3, 0, 13, 0, 4), ARM_X(1)}, /* mrs x1 */
        {0xd518d082, ARM_INSN_MSR, BIT(2) | SP_BIT, SP_BIT, ARM_X(2),
         ARM_SYSREG(3, 0, 13, 0, 4)}, /* msr x2 */
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        struct arm_insn_use use;
        assert_true(arm_insn_uses(rows[k].word, &use));
        assert_int_equal(use.kind, rows[k].kind);
        assert_int_equal(use.reads, rows[k].reads);
        assert_int_equal(use.writes, rows[k].writes);
        assert_int_equal(use.from, rows[k].from);
        assert_int_equal(use.to, rows[k].to);
    }
}

static void test_vectors_move_too(void **state)
{
    struct arm_insn_use use;

    (void)state;
    assert_true(arm_insn_uses(0x4ea11c20, &use)); /* mov v0.16b,v1.16b */
    assert_int_equal(use.kind, ARM_INSN_MOVE);
    assert_int_equal(use.from, ARM_V(1));
    assert_int_equal(use.to, ARM_V(0));
    assert_int_equal(use.v_reads, BIT(1));
    assert_int_equal(use.v_writes, BIT(0));
}

static void test_what_is_no_instruction_uses_nothing(void **state)
{
    struct arm_insn_use use;

    (void)state;
    assert_false(arm_insn_uses(0xffffffff, &use));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_and_registers_of_instructions),
        cmocka_unit_test(test_vectors_move_too),
        cmocka_unit_test(test_what_is_no_instruction_uses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
