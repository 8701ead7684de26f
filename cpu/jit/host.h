/* What the host's processor can do beyond x86-64 itself. */
#pragma once

enum jit_host {
    HOST_AVX = 1, /* and with it SSE4.2 and what came before */
    HOST_FMA = 2,
    HOST_AES = 4,
    HOST_PCLMUL = 8,
    HOST_BMI2 = 16,
    HOST_SHA = 32,
};

/* Bits of enum jit_host. */
unsigned jit_host(void);
