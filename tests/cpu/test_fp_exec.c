/* Every row of arch/a64_fp.def against QEMU: decode, operands, results, flags. */
#include "tests/cpu/exec_oracle.h"

static const struct oracle_row rows[] = {
#define A64(name, ...) {A64_##name, exec_##name},
#include "arch/a64_fp.def"
#undef A64
};

#define FPCR_ALL (FPCR_AHP | FPCR_DN | FPCR_FZ | UINT32_C(3) << 22 | FPCR_FZ16)

/* QEMU 7.2 sets FJCVTZS's Z flag for flushed denormals: no FZ for that row. */
static uint32_t fpcr_mask(const struct oracle_row *row)
{
    return row->op == A64_FJCVTZS ? FPCR_ALL & ~FPCR_FZ : FPCR_ALL;
}

/* The rows that share a mask, each group in one program. */
static void check_rows_with(uint32_t mask)
{
    struct oracle_row some[ARRAY_SIZE(rows)];
    size_t n = 0;

    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        if (fpcr_mask(&rows[k]) == mask)
            some[n++] = rows[k];
    oracle_check(some, n, mask);
}

static void test_scalar_fp_rows_agree_with_qemu(void **state)
{
    (void)state;
    check_rows_with(FPCR_ALL);
    check_rows_with(FPCR_ALL & ~FPCR_FZ);
}

/* Neighbours of rows, some of which QEMU 7.2 executes. */
static void test_unallocated_scalar_fp_encodings(void **state)
{
    static const uint32_t words[] = {
        0x1ea02800, /* FADD, ftype 2 */
        0x3e202800, /* FADD, S = 1 */
        0x9e202800, /* FADD, M = 1 */
        0x1e209800, /* two sources, opcode 9 */
        0x1e26c000, /* one source, opcode 13 */
        0x1ee84000, /* FRINT32Z, half precision */
        0x1e224000, /* FCVT from single to single */
        0x1ee3c000, /* FCVT from half to half */
        0x1e234000, /* BFCVT, ftype 0 */
        0x9f000000, /* FMADD, M = 1 */
        0x1f800000, /* FMADD, ftype 2 */
        0x1e202001, /* FCMP, opcode2<0> set */
        0x1e206000, /* FCMP, op = 1 */
        0x1ea00400, /* FCCMP, ftype 2 */
        0x1ea00c00, /* FCSEL, ftype 2 */
        0x1e201020, /* FMOV immediate, imm5 = 1 */
        0x1ea01000, /* FMOV immediate, ftype 2 */
        0x1e020000, /* SCVTF, 64 fraction bits of a W register */
        0x1e180000, /* FCVTZS, likewise */
        0x1e0a8000, /* fixed point, rmode 1 */
        0x1e660000, /* FMOV W from D */
        0x9e260000, /* FMOV X from S */
        0x1eae0000, /* FMOV W from V.D[1] */
        0x9e7e0000, /* FJCVTZS to X */
        0x1e3e0000, /* FJCVTZS from S */
        0x1e2a0000, /* SCVTF, rmode 1 */
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(words); k++)
        if (a64_lookup(words[k]) != A64_UNALLOCATED)
            fail_msg("%08x is %s", words[k], a64_rows[a64_lookup(words[k])].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalar_fp_rows_agree_with_qemu),
        cmocka_unit_test(test_unallocated_scalar_fp_encodings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
