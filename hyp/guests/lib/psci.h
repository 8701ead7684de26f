/* PSCI 1.1 (DEN0022) and SMCCC (DEN0028), by the conduit of the device tree. */
#pragma once

#include "guest.h"

enum psci_function {
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_OFF = 0x84000002,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_FEATURES = 0x8400000a,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006,
    SMCCC_VERSION = 0x80000000,
    SMCCC_ARCH_FEATURES = 0x80000001,
};
#define PSCI_CPU_SUSPEND   UINT64_C(0xc4000001)
#define PSCI_CPU_ON        UINT64_C(0xc4000003)
#define PSCI_AFFINITY_INFO UINT64_C(0xc4000004)
#define PV_TIME_FEATURES   UINT64_C(0xc5000020)
#define PV_TIME_ST         UINT64_C(0xc5000021)

#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED             (-3)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_ON_PENDING         (-5)
#define PSCI_INVALID_ADDRESS    (-9)

/* AFFINITY_INFO. */
#define PSCI_ON         0
#define PSCI_OFF        1
#define PSCI_IS_PENDING 2

int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* PSCI returns 32 bits from functions of either convention: the sign is that of bit 31. */
static inline int32_t psci32(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    return (int32_t)psci(function, a, b, c);
}
