/* Where a guest's interrupt controller is, as on the virt board. */
#pragma once

#define VGIC_DIST_BASE     UINT64_C(0x08000000)
#define VGIC_DIST_SIZE     UINT64_C(0x10000)
#define VGIC_CPU_BASE      UINT64_C(0x08010000) /* GICv2 guests: GICV is mapped here */
#define VGIC_CPU_SIZE      UINT64_C(0x10000)
#define VGIC_ITS_BASE      UINT64_C(0x08080000)
#define VGIC_ITS_SIZE      UINT64_C(0x20000)
#define VGIC_REDIST_BASE   UINT64_C(0x080a0000)
#define VGIC_REDIST_STRIDE UINT64_C(0x20000)
