/* PSCI 1.1 (DEN0022) and SMCCC (DEN0028): functions of the firmware below us, and the same for
 * guests. */
#pragma once

#include <stdint.h>

#include "hyp/hypercalls.h"

struct vcpu;

/* clang-format off */
#define SMCCC_VERSION           0x80000000u
#define SMCCC_ARCH_FEATURES     0x80000001u
#define PSCI_VERSION            0x84000000u
#define PSCI_CPU_SUSPEND_32     0x84000001u
#define PSCI_CPU_OFF            0x84000002u
#define PSCI_CPU_ON_32          0x84000003u
#define PSCI_AFFINITY_INFO_32   0x84000004u
#define PSCI_MIGRATE_INFO_TYPE  0x84000006u
#define PSCI_SYSTEM_OFF         0x84000008u
#define PSCI_SYSTEM_RESET       0x84000009u
#define PSCI_FEATURES           0x8400000au
#define PSCI_CPU_SUSPEND_64     0xc4000001u
#define PSCI_CPU_ON_64          0xc4000003u
#define PSCI_AFFINITY_INFO_64   0xc4000004u
#define PV_TIME_FEATURES        0xc5000020u
#define PV_TIME_ST              0xc5000021u
enum {
    PSCI_SUCCESS            = 0,
    PSCI_NOT_SUPPORTED      = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED             = -3,
    PSCI_ALREADY_ON         = -4,
    PSCI_ON_PENDING         = -5,
    PSCI_INTERNAL_FAILURE   = -6,
    PSCI_INVALID_ADDRESS    = -9,
};
/* clang-format on */

/* By SMC, for us. */
uint64_t smccc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* The call that a guest has made by HVC or SMC: x0 says which; answers in x0-x3. */
void psci_call(struct vcpu *v);
