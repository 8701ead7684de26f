/* Function identifiers, arguments and return codes of PSCI 1.1 (DEN0022) and SMCCC (DEN0028). _64:
 * of a function that has two conventions, the one with 64-bit arguments. */
#pragma once

#define MPIDR_AFFINITY 0xff00ffffffu /* of MPIDR_EL1: by which PSCI, and ACPI, name a CPU */

/* clang-format off */
#define SMCCC_VERSION           0x80000000u
#define SMCCC_ARCH_FEATURES     0x80000001u
#define SMCCC_64                0x40000000u /* what tells the conventions apart */

#define PSCI_VERSION            0x84000000u
#define PSCI_CPU_SUSPEND_32     0x84000001u
#define PSCI_CPU_OFF            0x84000002u
#define PSCI_CPU_ON_32          0x84000003u
#define PSCI_AFFINITY_INFO_32   0x84000004u
#define PSCI_MIGRATE_INFO_TYPE  0x84000006u
#define PSCI_SYSTEM_OFF         0x84000008u
#define PSCI_SYSTEM_RESET       0x84000009u
#define PSCI_FEATURES           0x8400000au
#define PSCI_DEFAULT_SUSPEND_32 0x8400000cu
#define PSCI_SYSTEM_SUSPEND_32  0x8400000eu
#define PSCI_SYSTEM_RESET2_32   0x84000012u
#define PSCI_CPU_SUSPEND_64     (PSCI_CPU_SUSPEND_32 | SMCCC_64)
#define PSCI_CPU_ON_64          (PSCI_CPU_ON_32 | SMCCC_64)
#define PSCI_AFFINITY_INFO_64   (PSCI_AFFINITY_INFO_32 | SMCCC_64)
#define PSCI_MIGRATE_64         0xc4000005u

#define PV_TIME_FEATURES        0xc5000020u /* DEN0057 */
#define PV_TIME_ST              0xc5000021u

/* A 32-bit result is sign-extended where 64 bits are returned. */
#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED             (-3)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_ON_PENDING         (-5)
#define PSCI_INTERNAL_FAILURE   (-6)
#define PSCI_INVALID_ADDRESS    (-9)

/* What AFFINITY_INFO says of a CPU. */
#define PSCI_ON                 0
#define PSCI_OFF                1
#define PSCI_IS_PENDING         2
/* clang-format on */
