/* NZCV are made again from what they were made of, late: also where that is no longer in a host's
 * register, and a function is about to be called that keeps none of those. */
#include "tests/machine/engines_fixture.h"

/* ADDS of X@n, a call, a use of NZCV, and another call before X@n is used again. Registers that are
 * used more often have those of the host's which a call keeps. */
static void of_register(struct program *p, uint32_t n)
{
    p->size = 0;
    p->at = CODE;
    for (unsigned k = 0; k < 8; k++) {
        emit(p, 0x8b140273); /* add x19, x19, x20 */
        emit(p, 0xca1602b5); /* eor x21, x21, x22 */
    }
    emit(p, 0xb1453c18 | n << 5);                 /* adds x24, x<n>, #0x14f, lsl #12 */
    emit(p, 0x5ac0041c);                          /* rev16 w28, w0 */
    emit(p, 0xda9a3352);                          /* cinv x18, x26, hs */
    emit(p, 0x5ac0168e);                          /* cls w14, w20 */
    emit(p, 0xca200241 | n << 16);                /* eon x1, x18, x<n> */
    emit(p, 0xca000022 | n << 16);                /* eor x2, x1, x<n> */
    emit(p, 0x8b000042 | n << 16);                /* add x2, x2, x<n> */
    emit(p, 0x14000000 | (-p->size & 0x3ffffff)); /* b to the first */
}

static struct arm_machine *start(const struct program *p, enum arm_engine engine)
{
    struct arm_machine *m = machine_with(p, "n1", engine);

    for (uint64_t k = 0; k < 31; k++)
        assert_true(arm_reg_set(m, 0, (uint32_t)(ARM_X(0) + k),
                                (const uint64_t[2]){(k + 1) * UINT64_C(0x9e3779b97f4a7c15), 0}));
    return m;
}

static void test_flags_are_made_again_before_a_call(void **state)
{
    (void)state;
    for (uint32_t n = 5; n < 18; n++) {
        static struct program p;
        of_register(&p, n);
        struct arm_machine *a = start(&p, ARM_ENGINE_INTERP), *b = start(&p, ARM_ENGINE_JIT_EAGER);
        for (unsigned meet = 0; meet < 4; meet++) {
            assert_int_equal(arm_run(a, 10001), arm_run(b, 10001));
            compare_registers(a, b);
        }
        arm_machine_free(a);
        arm_machine_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_are_made_again_before_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
