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
#define HYP_SWAP                0xc6008004u /* x1, x2: pages that change places in memory; the guest sees no difference */
#define HYP_LOG                 0xc6008005u /* x1: HYP_LOG_...: which pages are written; x2: IPA, x3: up to 32 pages */
#define HYP_LOG_STOP            0
#define HYP_LOG_START           1           /* all RAM; answers log2 of the bytes of a page */
#define HYP_LOG_TAKE            2           /* answers BIT(n): page n was written since it was asked for last */
#define HYP_TIDY                0xc6008006u /* x1: HYP_TIDY_...; x2, x3: RAM, size */
#define HYP_HOOK                0xc6008007u /* x1: the hook's implementation (hyp/hook.h), while all CPUs go on */
#define HYP_TIDY_AGE            0           /* answers how many bytes were accessed since the last time */
#define HYP_TIDY_COLLAPSE       1           /* answers how many blocks were made of pages */
/* clang-format on */
