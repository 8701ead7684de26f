/* Data processing, register: DDI0487 C4.1.89, without CRC32 (crc32.c) and pointer authentication
 * (pauth_insn.c). Compiled a second time into the interpreter. */
#include "cpu/exec.h"
#include "cpu/exec/dp.h"

/* ShiftReg(): Rm by a constant. The upper half of a 32-bit result is whatever; callers cut it. */
static inline uint64_t dp_shifted(const struct cpu *cpu, const struct insn *i)
{
    uint64_t v = cpu->x[i->rm];
    unsigned n = (unsigned)i->imm;

    if (n == 0)
        return v;
    switch (i->mod) {
    case 0:
        return v << n;
    case 1:
        return i->sz ? v >> n : (uint32_t)v >> n;
    case 2:
        return i->sz ? (uint64_t)((int64_t)v >> n) : (uint64_t)((int64_t)(int32_t)v >> n);
    default:
        return i->sz ? ror64(v, n) : ror32((uint32_t)v, n);
    }
}

/* ExtendReg(): Rm, its low 8 << option<1:0> bits, sign if option<2>, then shifted left. */
static inline uint64_t dp_extended(const struct cpu *cpu, const struct insn *i)
{
    uint64_t v = cpu->x[i->rm];
    unsigned width = 8u << (i->mod & 3);

    v = i->mod & 4 ? sext(v, width) : zext(v, width);
    return v << i->imm;
}

/* AddWithCarry() with PSTATE.C, at the instruction's width. */
static inline uint64_t dp_adcs(struct cpu *cpu, const struct insn *i, uint64_t b)
{
    uint64_t a = cpu->x[i->rn];

    return i->sz ? dp_add_carry64(cpu, a, b, cpu->cf) : dp_add_carry32(cpu, a, b, cpu->cf);
}

EXEC_STATEMENT(AND_reg, dp_write(cpu, i, cpu->x[i->rn] & dp_shifted(cpu, i)))
EXEC_STATEMENT(BIC_reg, dp_write(cpu, i, cpu->x[i->rn] & ~dp_shifted(cpu, i)))
EXEC_STATEMENT(ORR_reg, dp_write(cpu, i, cpu->x[i->rn] | dp_shifted(cpu, i)))
EXEC_STATEMENT(ORN_reg, dp_write(cpu, i, cpu->x[i->rn] | ~dp_shifted(cpu, i)))
EXEC_STATEMENT(EOR_reg, dp_write(cpu, i, cpu->x[i->rn] ^ dp_shifted(cpu, i)))
EXEC_STATEMENT(EON_reg, dp_write(cpu, i, cpu->x[i->rn] ^ ~dp_shifted(cpu, i)))
EXEC_STATEMENT(ANDS_reg, cpu->x[i->rd] = dp_logic_flags(cpu, i, cpu->x[i->rn] & dp_shifted(cpu, i)))
EXEC_STATEMENT(BICS_reg,
               cpu->x[i->rd] = dp_logic_flags(cpu, i, cpu->x[i->rn] & ~dp_shifted(cpu, i)))
EXEC_STATEMENT(ADD_reg, dp_write(cpu, i, cpu->x[i->rn] + dp_shifted(cpu, i)))
EXEC_STATEMENT(ADDS_reg, cpu->x[i->rd] = dp_adds(cpu, i, cpu->x[i->rn], dp_shifted(cpu, i)))
EXEC_STATEMENT(SUB_reg, dp_write(cpu, i, cpu->x[i->rn] - dp_shifted(cpu, i)))
EXEC_STATEMENT(SUBS_reg, cpu->x[i->rd] = dp_subs(cpu, i, cpu->x[i->rn], dp_shifted(cpu, i)))
EXEC_STATEMENT(ADD_ext, dp_write(cpu, i, cpu->x[i->rn] + dp_extended(cpu, i)))
EXEC_STATEMENT(ADDS_ext, cpu->x[i->rd] = dp_adds(cpu, i, cpu->x[i->rn], dp_extended(cpu, i)))
EXEC_STATEMENT(SUB_ext, dp_write(cpu, i, cpu->x[i->rn] - dp_extended(cpu, i)))
EXEC_STATEMENT(SUBS_ext, cpu->x[i->rd] = dp_subs(cpu, i, cpu->x[i->rn], dp_extended(cpu, i)))
EXEC_STATEMENT(ADC, dp_write(cpu, i, cpu->x[i->rn] + cpu->x[i->rm] + cpu->cf))
EXEC_STATEMENT(ADCS, cpu->x[i->rd] = dp_adcs(cpu, i, cpu->x[i->rm]))
EXEC_STATEMENT(SBC, dp_write(cpu, i, cpu->x[i->rn] + ~cpu->x[i->rm] + cpu->cf))
EXEC_STATEMENT(SBCS, cpu->x[i->rd] = dp_adcs(cpu, i, ~cpu->x[i->rm]))

EXEC enum exec_result exec_RMIF(struct cpu *cpu, const struct insn *i)
{
    uint32_t w = (uint32_t)i->imm;
    unsigned mask = w & 15;
    unsigned rotated = (unsigned)ror64(cpu->x[i->rn], (unsigned)bits(w, 20, 15)) & 15;

    cpu_set_nzcv(cpu, (cpu_nzcv(cpu) & ~mask) | (rotated & mask));
    return EXEC_NEXT;
}

/* SETF8, SETF16: N and Z of the low @width bits, V from the bit above; C stays. */
static inline enum exec_result dp_setf(struct cpu *cpu, const struct insn *i, unsigned width)
{
    uint64_t v = cpu->x[i->rn];

    cpu->nf = v << (64 - width);
    cpu->zf = zext(v, width);
    cpu->vf = (v << (63 - width)) ^ (v << (64 - width));
    return EXEC_NEXT;
}

EXEC_FUNCTION(SETF8, dp_setf(cpu, i, 8))
EXEC_FUNCTION(SETF16, dp_setf(cpu, i, 16))

static inline enum exec_result dp_ccmp(struct cpu *cpu, const struct insn *i, uint64_t b)
{
    if (cond_holds(cpu, i->mod & 15))
        (void)dp_subs(cpu, i, cpu->x[i->rn], b);
    else
        cpu_set_nzcv(cpu, i->mod >> 4);
    return EXEC_NEXT;
}

static inline enum exec_result dp_ccmn(struct cpu *cpu, const struct insn *i, uint64_t b)
{
    if (cond_holds(cpu, i->mod & 15))
        (void)dp_adds(cpu, i, cpu->x[i->rn], b);
    else
        cpu_set_nzcv(cpu, i->mod >> 4);
    return EXEC_NEXT;
}

EXEC_FUNCTION(CCMP_reg, dp_ccmp(cpu, i, cpu->x[i->rm]))
EXEC_FUNCTION(CCMP_imm, dp_ccmp(cpu, i, (uint64_t)i->imm))
EXEC_FUNCTION(CCMN_reg, dp_ccmn(cpu, i, cpu->x[i->rm]))
EXEC_FUNCTION(CCMN_imm, dp_ccmn(cpu, i, (uint64_t)i->imm))
EXEC_STATEMENT(CSEL, dp_write(cpu, i, cond_holds(cpu, i->mod) ? cpu->x[i->rn] : cpu->x[i->rm]))
EXEC_STATEMENT(CSINC, dp_write(cpu, i, cond_holds(cpu, i->mod) ? cpu->x[i->rn] : cpu->x[i->rm] + 1))
EXEC_STATEMENT(CSINV, dp_write(cpu, i, cond_holds(cpu, i->mod) ? cpu->x[i->rn] : ~cpu->x[i->rm]))
EXEC_STATEMENT(CSNEG, dp_write(cpu, i, cond_holds(cpu, i->mod) ? cpu->x[i->rn] : 0 - cpu->x[i->rm]))

EXEC enum exec_result exec_UDIV(struct cpu *cpu, const struct insn *i)
{
    uint64_t n = cpu->x[i->rn], m = cpu->x[i->rm];

    if (i->sz)
        cpu->x[i->rd] = m == 0 ? 0 : n / m;
    else
        cpu->x[i->rd] = (uint32_t)m == 0 ? 0 : (uint32_t)n / (uint32_t)m;
    return EXEC_NEXT;
}

/* Rounds towards zero; the most negative number by -1 is itself: negate instead of dividing. */
EXEC enum exec_result exec_SDIV(struct cpu *cpu, const struct insn *i)
{
    uint64_t n = i->sz ? cpu->x[i->rn] : sext(cpu->x[i->rn], 32);
    uint64_t m = i->sz ? cpu->x[i->rm] : sext(cpu->x[i->rm], 32);

    if (m == 0)
        cpu->x[i->rd] = 0;
    else
        dp_write(cpu, i, m == ~UINT64_C(0) ? 0 - n : (uint64_t)((int64_t)n / (int64_t)m));
    return EXEC_NEXT;
}

EXEC_STATEMENT(LSLV, dp_write(cpu, i, cpu->x[i->rn] << (cpu->x[i->rm] & (i->sz ? 63 : 31))))

EXEC enum exec_result exec_LSRV(struct cpu *cpu, const struct insn *i)
{
    uint64_t m = cpu->x[i->rm];

    cpu->x[i->rd] = i->sz ? cpu->x[i->rn] >> (m & 63) : (uint32_t)cpu->x[i->rn] >> (m & 31);
    return EXEC_NEXT;
}

EXEC enum exec_result exec_ASRV(struct cpu *cpu, const struct insn *i)
{
    uint64_t n = i->sz ? cpu->x[i->rn] : sext(cpu->x[i->rn], 32);

    dp_write(cpu, i, (uint64_t)((int64_t)n >> (cpu->x[i->rm] & (i->sz ? 63 : 31))));
    return EXEC_NEXT;
}

EXEC enum exec_result exec_RORV(struct cpu *cpu, const struct insn *i)
{
    uint64_t n = cpu->x[i->rn];
    unsigned m = cpu->x[i->rm] & 63;

    cpu->x[i->rd] = i->sz ? ror64(n, m) : ror32((uint32_t)n, m);
    return EXEC_NEXT;
}

EXEC enum exec_result exec_RBIT(struct cpu *cpu, const struct insn *i)
{
    uint64_t v = cpu->x[i->rn];

    v = (v >> 1 & UINT64_C(0x5555555555555555)) | (v & UINT64_C(0x5555555555555555)) << 1;
    v = (v >> 2 & UINT64_C(0x3333333333333333)) | (v & UINT64_C(0x3333333333333333)) << 2;
    v = (v >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (v & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
    v = __builtin_bswap64(v);
    cpu->x[i->rd] = i->sz ? v : v >> 32;
    return EXEC_NEXT;
}

EXEC enum exec_result exec_REV16(struct cpu *cpu, const struct insn *i)
{
    uint64_t v = cpu->x[i->rn], m = UINT64_C(0x00ff00ff00ff00ff);

    dp_write(cpu, i, (v >> 8 & m) | (v & m) << 8);
    return EXEC_NEXT;
}

EXEC_STATEMENT(REV_w, cpu->x[i->rd] = __builtin_bswap32((uint32_t)cpu->x[i->rn]))
EXEC_STATEMENT(REV32, cpu->x[i->rd] = ror64(__builtin_bswap64(cpu->x[i->rn]), 32))
EXEC_STATEMENT(REV_x, cpu->x[i->rd] = __builtin_bswap64(cpu->x[i->rn]))

/* CountLeadingZeroBits() of the low 32 or 64 bits. */
static inline uint64_t dp_clz(uint64_t v, bool sf)
{
    if (sf)
        return v == 0 ? 64 : (unsigned)__builtin_clzll(v);
    return (uint32_t)v == 0 ? 32 : (unsigned)__builtin_clz((uint32_t)v);
}

EXEC_STATEMENT(CLZ, cpu->x[i->rd] = dp_clz(cpu->x[i->rn], i->sz))

/* CountLeadingSignBits(): the sign bit itself is not counted. */
EXEC enum exec_result exec_CLS(struct cpu *cpu, const struct insn *i)
{
    uint64_t v = i->sz ? cpu->x[i->rn] : sext(cpu->x[i->rn], 32);

    cpu->x[i->rd] = dp_clz(v ^ (uint64_t)((int64_t)v >> 1), i->sz) - 1;
    return EXEC_NEXT;
}

EXEC_STATEMENT(MADD, dp_write(cpu, i, cpu->x[i->ra] + cpu->x[i->rn] * cpu->x[i->rm]))
EXEC_STATEMENT(MSUB, dp_write(cpu, i, cpu->x[i->ra] - cpu->x[i->rn] * cpu->x[i->rm]))
EXEC_STATEMENT(SMADDL,
               cpu->x[i->rd] = cpu->x[i->ra] + sext(cpu->x[i->rn], 32) * sext(cpu->x[i->rm], 32))
EXEC_STATEMENT(SMSUBL,
               cpu->x[i->rd] = cpu->x[i->ra] - sext(cpu->x[i->rn], 32) * sext(cpu->x[i->rm], 32))
EXEC_STATEMENT(UMADDL, cpu->x[i->rd] = cpu->x[i->ra] +
                                       (cpu->x[i->rn] & UINT32_MAX) * (cpu->x[i->rm] & UINT32_MAX))
EXEC_STATEMENT(UMSUBL, cpu->x[i->rd] = cpu->x[i->ra] -
                                       (cpu->x[i->rn] & UINT32_MAX) * (cpu->x[i->rm] & UINT32_MAX))

EXEC enum exec_result exec_SMULH(struct cpu *cpu, const struct insn *i)
{
    __extension__ typedef __int128 int128;
    int128 p = (int128)(int64_t)cpu->x[i->rn] * (int64_t)cpu->x[i->rm];

    cpu->x[i->rd] = (uint64_t)(p >> 64);
    return EXEC_NEXT;
}

EXEC enum exec_result exec_UMULH(struct cpu *cpu, const struct insn *i)
{
    __extension__ typedef unsigned __int128 uint128;

    cpu->x[i->rd] = (uint64_t)((uint128)cpu->x[i->rn] * cpu->x[i->rm] >> 64);
    return EXEC_NEXT;
}

EXEC_FUNCTION(UDF, exec_undefined(cpu, i))
