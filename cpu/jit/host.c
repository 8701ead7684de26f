#include "cpu/jit/host.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <stdbool.h>

/* GCC 12 knows no name for it. */
static bool has_sha(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}
#endif

unsigned jit_host(void)
{
#ifdef __x86_64__
    unsigned r = __builtin_cpu_supports("bmi2") ? HOST_BMI2 : 0;

    if (!__builtin_cpu_supports("avx")) /* as the operating system has it, too */
        return r;
    r |= HOST_AVX;
    r |= __builtin_cpu_supports("fma") ? HOST_FMA : 0;
    r |= __builtin_cpu_supports("aes") ? HOST_AES : 0;
    r |= __builtin_cpu_supports("pclmul") ? HOST_PCLMUL : 0;
    r |= has_sha() ? HOST_SHA : 0;
    return r;
#else
    return 0;
#endif
}
