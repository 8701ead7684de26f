/* Operand expansion: immediates against what they mean, forms against words an assembler made. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/a64_form.h"
#include "base/bits.h"

/* Bit @k of the pattern N:imms:immr stands for: a run of S+1 ones in elements, rotated
 * right by R. */
static bool bitmask_bit(unsigned esize, unsigned s, unsigned r, unsigned k)
{
    return (k % esize + r) % esize <= s;
}

static void test_bitmask_immediates_are_rotated_runs_of_ones(void **state)
{
    unsigned valid[2] = {0};

    (void)state;
    for (unsigned c = 0; c < 1u << 14; c++) {
        unsigned datasize = c >> 13 ? 64 : 32;
        unsigned n = (c >> 12) & 1, imms = (c >> 6) & 63, immr = c & 63;
        uint64_t wmask = 0, tmask = 0;
        if (!a64_bitmask_imm(n, imms, immr, datasize, &wmask, &tmask))
            continue;
        unsigned esize = n           ? 64
                         : imms < 32 ? 32
                         : imms < 48 ? 16
                         : imms < 56 ? 8
                         : imms < 60 ? 4
                                     : 2;
        unsigned s = imms % esize, r = immr % esize;
        for (unsigned k = 0; k < 64; k++) {
            assert_int_equal(bit(wmask, k), k < datasize && bitmask_bit(esize, s, r, k));
            assert_int_equal(bit(tmask, k), k < datasize && k % esize <= (s - r) % esize);
        }
        valid[datasize == 64]++;
    }
    /* The sum over element sizes of (size - 1) runs, each with 64 values of immr. */
    assert_int_equal(valid[1], (63 + 31 + 15 + 7 + 3 + 1) * 64);
    assert_int_equal(valid[0], (31 + 15 + 7 + 3 + 1) * 64);
}

/* VFPExpandImm: +-(16 + mantissa) / 16 * 2^e with e from -3 to 4. */
static double fp_imm_value(unsigned imm8)
{
    int e = (imm8 & 0x40) ? (int)((imm8 >> 4) & 3) - 3 : (int)((imm8 >> 4) & 3) + 1;
    double v = ldexp(16 + (imm8 & 15), e - 4);

    return imm8 & 0x80 ? -v : v;
}

static void test_fp_immediates_have_their_values(void **state)
{
    (void)state;
    for (unsigned imm8 = 0; imm8 < 256; imm8++) {
        double d = fp_imm_value(imm8);
        float f = (float)d;
        uint64_t d_bits;
        uint32_t f_bits;
        memcpy(&d_bits, &d, 8);
        memcpy(&f_bits, &f, 4);
        assert_int_equal(a64_fp_imm(imm8, 64), d_bits);
        assert_int_equal(a64_fp_imm(imm8, 32), f_bits);
        /* binary16 differs from binary32 by its exponent bias and ten fraction bits */
        uint64_t h =
            (d_bits >> 63) << 15 | (bits(d_bits, 62, 52) - 1023 + 15) << 10 | bits(d_bits, 51, 42);
        assert_int_equal(a64_fp_imm(imm8, 16), h);
    }
}

static void test_simd_immediates_expand_as_their_table_says(void **state)
{
    static const struct {
        unsigned op, cmode;
        uint64_t expected;
    } rows[] = {
        {0, 0x0, 0x000000a5000000a5},
        {0, 0x2, 0x0000a5000000a500},
        {1, 0x4, 0x00a5000000a50000},
        {0, 0x7, 0xa5000000a5000000},
        {0, 0x8, 0x00a500a500a500a5},
        {1, 0xa, 0xa500a500a500a500},
        {0, 0xc, 0x0000a5ff0000a5ff},
        {0, 0xd, 0x00a5ffff00a5ffff},
        {0, 0xe, 0xa5a5a5a5a5a5a5a5},
        {1, 0xe, 0xff00ff0000ff00ff},
        {0, 0xf, 0},
        {1, 0xf, 0},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        uint64_t expected = rows[k].expected;
        if (rows[k].cmode == 0xf)
            expected = rows[k].op ? a64_fp_imm(0xa5, 64) : a64_fp_imm(0xa5, 32) * (BIT(32) + 1);
        assert_int_equal(a64_simd_imm(rows[k].op, rows[k].cmode, 0xa5), expected);
    }
}

static void test_forms_fill_the_record(void **state)
{
    static const struct {
        uint32_t word;
        enum a64_op op;
        int64_t imm;
        uint8_t sz, mod;
    } rows[] = {
        {0x91401041, A64_ADD_imm, 0x4000, 1, 0},       /* add x1, x2, #4, lsl #12 */
        {0x12003c41, A64_AND_imm, 0xffff, 0, 0},       /* and w1, w2, #0xffff */
        {0xd2c24681, A64_MOVZ, 0x123400000000, 1, 32}, /* movz x1, #0x1234, lsl #32 */
        {0xd3441c41, A64_UBFM, 4, 1, 7},               /* ubfx x1, x2, #4, #4 */
        {0x13831041, A64_EXTR, 4, 0, 0},               /* extr w1, w2, w3, #4 */
        {0xcb832041, A64_SUB_reg, 8, 1, 2},            /* sub x1, x2, x3, asr #8 */
        {0x8b23d041, A64_ADD_ext, 4, 1, 6},            /* add x1, x2, w3, sxtw #4 */
        {0xfa451a43, A64_CCMP_imm, 5, 1, 0x31},        /* ccmp x18, #5, #3, ne */
        {0x9a83b041, A64_CSEL, 0, 1, 11},              /* csel x1, x2, x3, lt */
        {0x10ffffe1, A64_ADR, 0x10 - 4, 0, 0},         /* adr x1, . - 4 */
        {0xb0000001, A64_ADRP, 0x1000, 0, 0},          /* adrp x1, . + 0x1000 */
        {0x17ffffff, A64_B, 0x10 - 4, 0, 0},           /* b . - 4 */
        {0x54000042, A64_B_cs, 0x10 + 8, 0, 2},        /* b.cs . + 8 */
        {0xb4000041, A64_CBZ, 0x10 + 8, 1, 1},         /* cbz x1, . + 8 */
        {0xb7080041, A64_TBNZ, 0x10 + 8, 0, 33},       /* tbnz x1, #33, . + 8 */
        {0x58000041, A64_LDR_lit_x, 0x10 + 8, 0, 0},   /* ldr x1, . + 8 */
        {0x79400441, A64_LDRH_imm, 2, 1, 0},           /* ldrh w1, [x2, #2] */
        {0x3dc00441, A64_LDR_imm_q, 16, 4, 0},         /* ldr q1, [x2, #16] */
        {0xf85f8441, A64_LDR_post_x, -8, 3, 1},        /* ldr x1, [x2], #-8 */
        {0xb81fcc41, A64_STR_pre_w, -4, 2, 3},         /* str w1, [x2, #-4]! */
        {0xf85ff041, A64_LDUR_x, -1, 3, 0},            /* ldur x1, [x2, #-1] */
        {0xf8237841, A64_STR_reg_x, 3, 3, 3},          /* str x1, [x2, x3, lsl #3] */
        {0xa9bf0841, A64_STP_pre_x, -16, 3, 3},        /* stp x1, x2, [x2, #-16]! */
        {0xacc10841, A64_LDP_post_q, 32, 4, 1},        /* ldp q1, q2, [x2], #32 */
        {0x68c10841, A64_LDPSW_post, 8, 2, 1},         /* ldpsw x1, x2, [x2], #8 */
        {0xf8600c41, A64_LDRAA, -4096, 3, 3},          /* ldraa x1, [x2, #-4096]! */
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        struct insn i;
        a64_decode(rows[k].word, 0x10, &i);
        if (i.op != rows[k].op || i.imm != rows[k].imm || i.sz != rows[k].sz ||
            i.mod != rows[k].mod)
            fail_msg("%08x: %s imm %#llx sz %u mod %u", rows[k].word,
                     i.op < A64_UNALLOCATED ? a64_rows[i.op].name : "unallocated",
                     (unsigned long long)i.imm, i.sz, i.mod);
    }
}

static void test_register_31_depends_on_its_field(void **state)
{
    struct insn i;

    (void)state;
    a64_decode(0x910003ff, 0, &i); /* add sp, sp, #0 */
    assert_int_equal(i.rd, REG_SP);
    assert_int_equal(i.rn, REG_SP);
    a64_decode(0xeb1f03ff, 0, &i); /* subs xzr, xzr, xzr */
    assert_int_equal(i.rd, REG_SINK);
    assert_int_equal(i.rn, REG_ZR);
    assert_int_equal(i.rm, REG_ZR);
    a64_decode(0xf90003ff, 0, &i); /* str xzr, [sp] */
    assert_int_equal(i.rd, REG_ZR);
    a64_decode(0xf94003ff, 0, &i); /* ldr xzr, [sp] */
    assert_int_equal(i.rd, REG_SINK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bitmask_immediates_are_rotated_runs_of_ones),
        cmocka_unit_test(test_fp_immediates_have_their_values),
        cmocka_unit_test(test_simd_immediates_expand_as_their_table_says),
        cmocka_unit_test(test_forms_fill_the_record),
        cmocka_unit_test(test_register_31_depends_on_its_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
