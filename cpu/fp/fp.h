/*
 * IEEE 754 arithmetic as the Arm pseudocode defines it, in integers: bit-exact in every rounding
 * mode, with the FPSR bits, NaN rules, FZ/FZ16/DN/AHP of FPCR. Pure functions of their arguments
 * (fp_host.h: some take the host's floating point where that cannot be told from the integers).
 * (Source: the FPxxx() functions of DDI0487, J1.3 "shared/functions/float".)
 *
 * Values travel in the low N bits of a uint64_t, upper bits zero. N is 16, 32 or 64 (FP_16/32/64).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum fp_size { FP_16 = 16, FP_32 = 32, FP_64 = 64 };

/* FPRounding; the first four as FPCR.RMode encodes them. */
enum fp_rounding {
    FP_TIEEVEN,
    FP_POSINF,
    FP_NEGINF,
    FP_ZERO,
    FP_TIEAWAY,
    FP_ODD,
};

/* FPCR fields as bits of the register. */
#define FPCR_AHP      (UINT32_C(1) << 26)
#define FPCR_DN       (UINT32_C(1) << 25)
#define FPCR_FZ       (UINT32_C(1) << 24)
#define FPCR_RMODE(c) ((enum fp_rounding)(((c) >> 22) & 3))
#define FPCR_FZ16     (UINT32_C(1) << 19)

/* FPSR cumulative bits. */
#define FPSR_IOC (UINT32_C(1) << 0)
#define FPSR_DZC (UINT32_C(1) << 1)
#define FPSR_OFC (UINT32_C(1) << 2)
#define FPSR_UFC (UINT32_C(1) << 3)
#define FPSR_IXC (UINT32_C(1) << 4)
#define FPSR_IDC (UINT32_C(1) << 7)
#define FPSR_QC  (UINT32_C(1) << 27)

/* The control word in, the cumulative bits or'ed out. */
struct fp_env {
    uint32_t fpcr;
    uint32_t fpsr;
};

uint64_t fp_add(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_sub(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_mul(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_mulx(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_div(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_sqrt(struct fp_env *e, enum fp_size n, uint64_t a);
/* FPMulAdd(addend, a, b): one rounding. Negate operands with fp_neg() first for
 * FMSUB and friends. */
uint64_t fp_muladd(struct fp_env *e, enum fp_size n, uint64_t addend, uint64_t a, uint64_t b);
/* FPMulAddH(): 32-bit addend, 16-bit a and b (FEAT_FHM). */
uint64_t fp_muladdh(struct fp_env *e, uint64_t addend, uint64_t a, uint64_t b);
uint64_t fp_max(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_min(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_maxnm(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_minnm(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
uint64_t fp_neg(enum fp_size n, uint64_t a);
uint64_t fp_abs(enum fp_size n, uint64_t a);
uint64_t fp_default_nan(enum fp_size n);

/* FPCompare(): NZCV in bits 3..0. */
unsigned fp_compare(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b, bool signal_nans);
bool fp_eq(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
bool fp_ge(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);
bool fp_gt(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b);

uint64_t fp_recpe(struct fp_env *e, enum fp_size n, uint64_t a);  /* FPRecipEstimate() */
uint64_t fp_rsqrte(struct fp_env *e, enum fp_size n, uint64_t a); /* FPRSqrtEstimate() */
uint64_t fp_recps(struct fp_env *e, enum fp_size n, uint64_t a,
                  uint64_t b); /* FPRecipStepFused() */
uint64_t fp_rsqrts(struct fp_env *e, enum fp_size n, uint64_t a,
                   uint64_t b);                                  /* FPRSqrtStepFused() */
uint64_t fp_recpx(struct fp_env *e, enum fp_size n, uint64_t a); /* FPRecpX() */
uint32_t fp_u32_recpe(uint32_t a);                               /* UnsignedRecipEstimate() */
uint32_t fp_u32_rsqrte(uint32_t a);                              /* UnsignedRSqrtEstimate() */

/* FPRoundInt(): @exact raises IXC (FRINTX). */
uint64_t fp_round_int(struct fp_env *e, enum fp_size n, uint64_t a, enum fp_rounding r, bool exact);
/* FPRoundIntN(): FRINT32/64 X/Z; @int_bits 32 or 64. */
uint64_t fp_round_int_n(struct fp_env *e, enum fp_size n, uint64_t a, enum fp_rounding r,
                        unsigned int_bits);
/* FPToFixed(): saturated to @int_bits (16, 32, 64) with @fbits fraction bits;
 * zero above int_bits. */
uint64_t fp_to_fixed(struct fp_env *e, enum fp_size n, uint64_t a, unsigned fbits, bool is_unsigned,
                     enum fp_rounding r, unsigned int_bits);
/* FPToFixedJS(): 32-bit result modulo 2^32; *z is the Z flag of FJCVTZS. */
uint32_t fp_to_fixed_js(struct fp_env *e, uint64_t a, bool *z);
/* FixedToFP(): @value is @int_bits wide (16, 32, 64). */
uint64_t fp_from_fixed(struct fp_env *e, enum fp_size n, uint64_t value, unsigned int_bits,
                       unsigned fbits, bool is_unsigned, enum fp_rounding r);
/* FPConvert() between sizes; half precision obeys AHP. @r: FPRoundingMode(fpcr), or FP_ODD for
 * FCVTXN. */
uint64_t fp_convert(struct fp_env *e, enum fp_size to, enum fp_size from, uint64_t a,
                    enum fp_rounding r);
/* FPConvertBF(): binary32 to BFloat16. */
uint16_t fp_convert_bf(struct fp_env *e, uint32_t a);
/* BFMulAddH() / BFDotAdd(): see DDI0487 (FEAT_BF16); a, b are BFloat16. */
uint32_t fp_bf_muladdh(struct fp_env *e, uint32_t addend, uint16_t a, uint16_t b);
uint32_t fp_bf_dotadd(struct fp_env *e, uint32_t addend, uint16_t a1, uint16_t a2, uint16_t b1,
                      uint16_t b2);
