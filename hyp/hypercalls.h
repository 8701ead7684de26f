/* Hypercalls that are ours: in SMCCC's range of vendor-specific hypervisor services (DEN0028).
 * Pages and CPUs are named as the guest does: by IPA, by MPIDR_EL1. */
#pragma once

/* clang-format off */
#define HYP_UID                 0x8600ff01u /* SMCCC "Call UID": HYP_UID_0..3 in w0-w3 */
#define HYP_UID_0               0x6d6c6c41u
#define HYP_UID_1               0x7261796cu
#define HYP_UID_2               0x70796820u
#define HYP_UID_3               0x00000001u
#define HYP_PV_WAIT             0xc6008000u /* sleep until kicked (0) or an interrupt is pending (1); a kick is kept */
#define HYP_PV_KICK             0xc6008001u /* x1: whom */
#define HYP_ENTRIES             0xc6008002u /* how often the guest's virtual CPUs were entered so far */
#define HYP_UNMAP               0xc6008003u /* x1, x2: RAM, size: the contents stay, the next access faults */
#define HYP_NULL                0xc6000000u /* does nothing: what a round trip costs */
#define HYP_CALL_USER           0xc6000001u /* to HYP_PV_WAIT: the program's own (struct vm_ops) */
/* clang-format on */
