/*
 * For tests/cpu/test_fp_host.c: instructions of an x86-64 host's floating-point unit, each a
 * function host_NAME_SIZE() of up to three operands and the control and status word MXCSR.
 */
#pragma once

#include "base/bits.h"
#include "cpu/fp/fp.h"

/* MXCSR: everything masked. */
#define MXCSR_MASKS  UINT32_C(0x1f80)
#define MXCSR_FLUSH  UINT32_C(0x8040) /* FTZ, DAZ */
#define MXCSR_RC_LSB 13

static inline uint32_t mxcsr_of(enum fp_rounding r, bool flush)
{
    static const uint8_t rc[] = {[FP_TIEEVEN] = 0, [FP_POSINF] = 2, [FP_NEGINF] = 1, [FP_ZERO] = 3};

    return MXCSR_MASKS | (uint32_t)rc[r] << MXCSR_RC_LSB | (flush ? MXCSR_FLUSH : 0);
}

static inline uint32_t fpsr_of(uint32_t mxcsr)
{
    static const uint32_t fpsr[] = {FPSR_IOC, 0, FPSR_DZC, FPSR_OFC, FPSR_UFC, FPSR_IXC};
    uint32_t flags = 0;

    for (unsigned k = 0; k < ARRAY_SIZE(fpsr); k++)
        flags |= bit(mxcsr, k) ? fpsr[k] : 0;
    return flags;
}

/* An operation of the host; the upper bits of the result are unspecified. @mxcsr: in and out. */
typedef uint64_t host_fn(const uint64_t in[3], uint32_t *mxcsr);

/* One asm statement, for the compiler knows no control word: operands in RAX and XMM0, XMM1, XMM2,
 * result in RAX. */
#define HOST(name, insns)                                                                          \
    static inline uint64_t host_##name(const uint64_t in[3], uint32_t *mxcsr)                      \
    {                                                                                              \
        uint64_t out = in[0];                                                                      \
        uint32_t saved;                                                                            \
                                                                                                   \
        __asm__ volatile("stmxcsr %[saved]; ldmxcsr %[mode];"                                      \
                         "movq %%rax,%%xmm0; movq %[b],%%xmm1; movq %[c],%%xmm2;" insns            \
                         "; stmxcsr %[mode]; ldmxcsr %[saved]"                                     \
                         : "+&a"(out), [mode] "+m"(*mxcsr), [saved] "=m"(saved)                    \
                         : [b] "r"(in[1]), [c] "r"(in[2])                                          \
                         : "xmm0", "xmm1", "xmm2", "cc");                                          \
        return out;                                                                                \
    }
#define HOST_SD(name, before, after)                                                               \
    HOST(name##_32, before "s" after)                                                              \
    HOST(name##_64, before "d" after)
#define TO_RAX  "; movq %%xmm0,%%rax"
#define TO_RAX1 "; movq %%xmm1,%%rax"
#define FLAGS   "; lahf; movzbl %%ah,%%eax"

HOST_SD(add, "adds", " %%xmm1,%%xmm0" TO_RAX)
HOST_SD(sub, "subs", " %%xmm1,%%xmm0" TO_RAX)
HOST_SD(mul, "muls", " %%xmm1,%%xmm0" TO_RAX)
HOST_SD(div, "divs", " %%xmm1,%%xmm0" TO_RAX)
HOST_SD(sqrt, "sqrts", " %%xmm0,%%xmm0" TO_RAX)
HOST_SD(fma, "vfmadd231s", " %%xmm2,%%xmm1,%%xmm0" TO_RAX)
HOST_SD(round, "rounds", " $4,%%xmm0,%%xmm0" TO_RAX)
HOST_SD(round_quietly, "rounds", " $12,%%xmm0,%%xmm0" TO_RAX)
HOST_SD(compare, "ucomis", " %%xmm1,%%xmm0" FLAGS)
HOST_SD(compare_signal, "comis", " %%xmm1,%%xmm0" FLAGS)
HOST_SD(eq, "cmpeqs", " %%xmm1,%%xmm0" TO_RAX)
HOST_SD(ge, "cmples", " %%xmm0,%%xmm1" TO_RAX1)
HOST_SD(gt, "cmplts", " %%xmm0,%%xmm1" TO_RAX1)
HOST(widen, "cvtss2sd %%xmm0,%%xmm0" TO_RAX)
HOST(narrow, "cvtsd2ss %%xmm0,%%xmm0" TO_RAX)
HOST(from_half, "vcvtph2ps %%xmm0,%%xmm0" TO_RAX)
HOST(to_half, "vcvtps2ph $4,%%xmm0,%%xmm0" TO_RAX)
HOST(s32_32, "cvtss2sil %%xmm0,%%eax")
HOST(s32_64, "cvtsd2sil %%xmm0,%%eax")
HOST(s64_32, "cvtss2siq %%xmm0,%%rax")
HOST(s64_64, "cvtsd2siq %%xmm0,%%rax")
HOST(s32_trunc_32, "cvttss2sil %%xmm0,%%eax")
HOST(s32_trunc_64, "cvttsd2sil %%xmm0,%%eax")
HOST(s64_trunc_32, "cvttss2siq %%xmm0,%%rax")
HOST(s64_trunc_64, "cvttsd2siq %%xmm0,%%rax")
HOST(from_s32_32, "cvtsi2ssl %%eax,%%xmm0" TO_RAX)
HOST(from_s32_64, "cvtsi2sdl %%eax,%%xmm0" TO_RAX)
HOST(from_s64_32, "cvtsi2ssq %%rax,%%xmm0" TO_RAX)
HOST(from_s64_64, "cvtsi2sdq %%rax,%%xmm0" TO_RAX)

/* From 2^63 on: less 2^63, which is exact. */
static inline uint64_t host_u64_64(const uint64_t in[3], uint32_t *mxcsr)
{
    const uint64_t first = UINT64_C(0x43e0000000000000), end = UINT64_C(0x43f0000000000000);

    if (in[0] < first || in[0] >= end)
        return host_s64_64(in, mxcsr);
    const uint64_t rest[3] = {host_sub_64((const uint64_t[]){in[0], first, 0}, mxcsr)};
    return host_s64_64(rest, mxcsr) + BIT(63);
}

static inline uint64_t host_u64_32(const uint64_t in[3], uint32_t *mxcsr)
{
    return host_u64_64((const uint64_t[]){host_widen(in, mxcsr), 0, 0}, mxcsr);
}

/* From 2^63 on: half of it with a sticky bit, then doubled, which is exact. */
static inline uint64_t from_u64(const uint64_t in[3], uint32_t *mxcsr, host_fn *from, host_fn *add)
{
    if (!bit(in[0], 63))
        return from(in, mxcsr);
    const uint64_t half = from((const uint64_t[]){in[0] >> 1 | bit(in[0], 0), 0, 0}, mxcsr);
    return add((const uint64_t[]){half, half, 0}, mxcsr);
}

static inline uint64_t host_from_u64_32(const uint64_t in[3], uint32_t *mxcsr)
{
    return from_u64(in, mxcsr, host_from_s64_32, host_add_32);
}

static inline uint64_t host_from_u64_64(const uint64_t in[3], uint32_t *mxcsr)
{
    return from_u64(in, mxcsr, host_from_s64_64, host_add_64);
}
