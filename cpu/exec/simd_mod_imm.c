/* Advanced SIMD modified immediate. */
#include "arch/a64_form.h"
#include "cpu/exec/simd_lane.h"

/* a:b:c:d:e:f:g:h */
static inline unsigned mod_imm8(const struct insn *i)
{
    uint64_t w = (uint64_t)i->imm;

    return (unsigned)(bits(w, 18, 16) << 5 | bits(w, 9, 5));
}

/* AdvSIMDExpandImm(op, cmode, a:b:c:d:e:f:g:h) */
static inline uint64_t mod_imm(const struct insn *i)
{
    uint64_t w = (uint64_t)i->imm;

    return a64_simd_imm(bit(w, 29), (unsigned)bits(w, 15, 12), mod_imm8(i));
}

/* Both halves of V[d] = (d AND @keep) EOR @flip. */
static inline enum exec_result mod_write(struct cpu *cpu, const struct insn *i, uint64_t keep,
                                         uint64_t flip)
{
    const union vreg d = cpu->v[i->rd];
    const union vreg r = {.d = {(d.d[0] & keep) ^ flip, (d.d[1] & keep) ^ flip}};

    return simd_write(cpu, i, r, simd_datasize(i, 3), false);
}

EXEC_FUNCTION(MOVI, mod_write(cpu, i, 0, mod_imm(i)))
EXEC_FUNCTION(MVNI, mod_write(cpu, i, 0, ~mod_imm(i)))

EXEC enum exec_result exec_ORR_imm_vec(struct cpu *cpu, const struct insn *i)
{
    uint64_t imm = mod_imm(i);

    return mod_write(cpu, i, ~imm, imm);
}

EXEC_FUNCTION(BIC_imm_vec, mod_write(cpu, i, ~mod_imm(i), 0))
EXEC_FUNCTION(FMOV_imm_vec, mod_write(cpu, i, 0, mod_imm(i)))
EXEC_FUNCTION(FMOV_imm_vec_h, mod_write(cpu, i, 0, vreg_dup(1, a64_fp_imm(mod_imm8(i), 16)).d[0]))
