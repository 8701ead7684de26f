#include "cpu/jit/template.h"

#include <string.h>

extern const struct jit_templates jit_aes, jit_carryless, jit_crc32, jit_simd_fp, jit_simd_fused,
    jit_atomic, jit_branch, jit_dp_add, jit_dp_bits, jit_dp_cond, jit_dp_logic, jit_dp_mul,
    jit_exclusive, jit_fp, jit_fp_convert, jit_fp_fused, jit_ldst, jit_ldst_struct, jit_sha,
    jit_simd_misc, jit_simd_move, jit_simd_three, jit_sys;

static const struct jit_templates *const lists[] = {
    &jit_aes,      &jit_carryless,  &jit_crc32,       &jit_simd_fp,   &jit_simd_fused,
    &jit_atomic,   &jit_branch,     &jit_dp_add,      &jit_dp_bits,   &jit_dp_cond,
    &jit_dp_logic, &jit_dp_mul,     &jit_exclusive,   &jit_fp,        &jit_fp_convert,
    &jit_fp_fused, &jit_ldst,       &jit_ldst_struct, &jit_simd_misc, &jit_simd_move,
    &jit_sha,      &jit_simd_three, &jit_sys,
};

void jit_templates(const struct jit_template *by_op[A64_OP_COUNT], unsigned host)
{
    memset(by_op, 0, A64_OP_COUNT * sizeof(by_op[0]));
    for (unsigned k = 0; k < ARRAY_SIZE(lists); k++)
        for (unsigned n = 0; n < lists[k]->count && !(lists[k]->host & ~host); n++)
            by_op[lists[k]->rows[n].op] = &lists[k]->rows[n];
}

bool jit_keeps_flags(const struct insn *i)
{
    (void)i;
    return true;
}
