/* The bits of SCTLR_ELx and HCR_EL2 that steer translation (DDI0487, by register name). */
#pragma once

#include <stdint.h>

#define SCTLR_M    (UINT64_C(1) << 0)
#define SCTLR_A    (UINT64_C(1) << 1)
#define SCTLR_C    (UINT64_C(1) << 2)
#define SCTLR_SA   (UINT64_C(1) << 3)
#define SCTLR_SA0  (UINT64_C(1) << 4)
#define SCTLR_NAA  (UINT64_C(1) << 6)
#define SCTLR_I    (UINT64_C(1) << 12)
#define SCTLR_WXN  (UINT64_C(1) << 19)
#define SCTLR_E0E  (UINT64_C(1) << 24)
#define SCTLR_EE   (UINT64_C(1) << 25)
#define SCTLR_EPAN (UINT64_C(1) << 57)

#define HCR_VM  (UINT64_C(1) << 0)
#define HCR_PTW (UINT64_C(1) << 2)
#define HCR_FB  (UINT64_C(1) << 9)
#define HCR_DC  (UINT64_C(1) << 12)
#define HCR_TGE (UINT64_C(1) << 27)
#define HCR_CD  (UINT64_C(1) << 32)
#define HCR_ID  (UINT64_C(1) << 33)
#define HCR_E2H (UINT64_C(1) << 34)
#define HCR_TEA (UINT64_C(1) << 37)
#define HCR_FWB (UINT64_C(1) << 46)
