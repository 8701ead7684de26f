/* What the comparisons with the host's floating-point unit share: a result, and how a difference is
 * told. ARMILLARY_SEED repeats a run, ARMILLARY_FP_N sets the cases of each row. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tests/cpu/fp_host_insns.h"
#include "tests/cpu/fp_operands.h"

static const char *const mode_names[] = {"nearest", "up", "down", "zero", "tie away", "odd"};

static inline uint32_t fpcr_of(enum fp_rounding r, bool flush)
{
    return (uint32_t)r << 22 | (flush ? FPCR_FZ : 0);
}

static inline uint64_t exponent_mask(enum fp_size n)
{
    return MASK(n - 2, n - 1 - fp_exponent_bits(n));
}

static inline bool is_nan(enum fp_size n, uint64_t v)
{
    return zext(v, n - 1) > exponent_mask(n);
}

struct outcome {
    uint64_t value;
    uint32_t fpsr;
};

static inline void explain(const char *name, enum fp_rounding r, bool flush, const uint64_t in[3],
                           struct outcome ours, struct outcome host)
{
    print_error("%s: round to %s%s, %016" PRIx64 " %016" PRIx64 " %016" PRIx64
                "\n  ours %016" PRIx64 " fpsr %02" PRIx32 "\n  host %016" PRIx64 " fpsr %02" PRIx32
                "\n",
                name, mode_names[r], flush ? ", flush" : "", in[0], in[1], in[2], ours.value,
                ours.fpsr, host.value, host.fpsr);
}

/* Cases of a row. */
static inline uint64_t row_cases(void)
{
    return test_option("ARMILLARY_FP_N", 1 << 14);
}
