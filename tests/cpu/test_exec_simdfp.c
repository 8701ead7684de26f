/* Every AdvSIMD floating-point row against QEMU's user-mode emulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/cpu/exec_oracle.h"

static const struct oracle_row rows[] = {
#define A64(name, ...) {A64_##name, exec_##name},
#include "arch/a64_simdfp.def"
#undef A64
};

/* A negative half-precision result of FCVTZS (scalar, fixed-point) comes sign-extended to 32 bits;
 * V[d] = result zeroes all bits above the 16. */
static enum exec_result qemu_FCVTZS_fix_sca_h(struct cpu *cpu, const struct insn *i)
{
    const enum exec_result r = exec_FCVTZS_fix_sca_h(cpu, i);

    cpu->v[i->rd].s[0] = (uint32_t)sext(cpu->v[i->rd].h[0], 16);
    return r;
}

/* Where QEMU 7.2 departs from the manual: the row, and what it does instead. */
static const struct oracle_row qemu_errors[] = {
    {A64_FCVTZS_fix_sca_h, qemu_FCVTZS_fix_sca_h},
};

static void check_all(uint32_t fpcr_mask)
{
    struct oracle_row expected[ARRAY_SIZE(rows)];

    memcpy(expected, rows, sizeof(rows));
    for (size_t k = 0; k < ARRAY_SIZE(qemu_errors); k++)
        for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
            if (expected[r].op == qemu_errors[k].op)
                expected[r].fn = qemu_errors[k].fn;
    oracle_check(expected, ARRAY_SIZE(expected), fpcr_mask);
}

static void test_rows_agree_with_qemu_in_every_fpcr_mode(void **state)
{
    (void)state;
    check_all(FPCR_AHP | FPCR_DN | FPCR_FZ | FPCR_FZ16 | UINT32_C(3) << 22);
}

static void test_rows_agree_with_qemu_in_the_reset_fpcr(void **state)
{
    (void)state;
    check_all(0);
}

static void test_words_outside_the_conditions_are_undefined(void **state)
{
    struct oracle_row checked[ARRAY_SIZE(rows)];
    size_t count = 0;

    (void)state;
    /* With immh == 0 the words beside FCVTZU_fix_vec are modified immediates; QEMU 7.2 takes those
     * with op == 1 and o2 == 1 for a half-precision FMOV. */
    for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
        if (rows[r].op != A64_FCVTZU_fix_vec)
            checked[count++] = rows[r];
    oracle_check_unallocated(checked, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_agree_with_qemu_in_every_fpcr_mode),
        cmocka_unit_test(test_rows_agree_with_qemu_in_the_reset_fpcr),
        cmocka_unit_test(test_words_outside_the_conditions_are_undefined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
