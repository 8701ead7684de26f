#include "cpu/jit/host.h"

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
    return r;
#else
    return 0;
#endif
}
