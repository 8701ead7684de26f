/* What the parts of the board's device tree share. */
#pragma once

#include "loader/fdt.h"
#include "machine/virt.h"

/* References between nodes; any distinct numbers do. */
enum {
    PHANDLE_CLOCK = 0x8000,
    PHANDLE_GIC,
    PHANDLE_MSI, /* ITS or GICv2m */
    PHANDLE_GPIO,
    PHANDLE_SECURE_GPIO,
    PHANDLE_SMMU,
    PHANDLE_CPU0, /* ..PHANDLE_CPU0 + VIRT_CPUS_MAX - 1 */
};

/* Cells of an interrupt specifier (arm,gic-v3 binding). */
#define GIC_SPI     0
#define GIC_PPI     1
#define EDGE_RISING 1
#define LEVEL_HIGH  4
#define SPI(n)      GIC_SPI, (n), LEVEL_HIGH

/* A number of two cells. */
#define CELLS64(v) (uint32_t)((uint64_t)(v) >> 32), (uint32_t)(v)

#define REGION(r) CELLS64(virt_memmap[r].base), CELLS64(virt_memmap[r].size)

/* Open "<stem>@<base>" with its reg; the caller ends it. */
void virt_fdt_begin(struct dt *dt, const char *stem, enum virt_region region);

/* PCIe's host bridge, and the SMMU in front of it: virt_fdt_pcie.c. */
void virt_fdt_pcie(struct dt *dt, const struct virt_config *cfg);
void virt_fdt_smmu(struct dt *dt, const struct virt_config *cfg);
