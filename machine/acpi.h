/*
 * The board in ACPI's words (ACPI 6.4), for firmware that hands them on. Tables and values are
 * QEMU 7.2's for its `virt`, from the same rows as the device tree. Differs: the power button is a
 * line of the GPIO controller as in the device tree, not an event of a GED, which the board has
 * not; the interrupts of PCI are given by number.
 */
#pragma once

#include <glib.h>

#include "machine/virt.h"

/* Tables one behind the other, as firmware gets them: pointers are offsets, checksums zero. */
struct acpi {
    GByteArray *tables;
    GByteArray *loader; /* what firmware is to do with them */
    GArray *starts;     /* guint: where each begins that the XSDT has */
    guint dsdt;         /* where it begins */
};

#define ACPI_TPM_LOG_BYTES 0x10000

/* By which a table names an interrupt: its INTID. */
#define GSI(spi) ((uint32_t)(32 + (spi)))

/* A table; its header's revision and length are the arguments of the two. */
guint acpi_begin(struct acpi *a, const char *signature, uint8_t revision);
void acpi_end(struct acpi *a, guint start);

/* Each appends one table. */
void acpi_dsdt(struct acpi *table, const struct virt_config *cfg);
void acpi_fadt(struct acpi *a, const struct virt_config *cfg);
void acpi_madt(struct acpi *a, const struct virt_config *cfg);
void acpi_gtdt(struct acpi *a, const struct virt_config *cfg);
void acpi_mcfg(struct acpi *a, const struct virt_config *cfg);
void acpi_spcr(struct acpi *a, const struct virt_config *cfg);
void acpi_dbg2(struct acpi *a, const struct virt_config *cfg);
void acpi_iort(struct acpi *a, const struct virt_config *cfg);
void acpi_pptt(struct acpi *a, const struct virt_config *cfg);
void acpi_srat(struct acpi *a, const struct virt_config *cfg);
void acpi_slit(struct acpi *a, const struct virt_config *cfg);
void acpi_tpm2(struct acpi *a, const struct virt_config *cfg);

/* The number of 8 bytes at @at of the tables becomes the address of the TPM's log. */
void acpi_add_tpm_log(struct acpi *a, guint at);

/* What firmware does with them; return 0 or -ARM_Exxx. Files of fw_cfg: docs/specs of QEMU,
 * hw/acpi/bios-linker-loader. */
int virt_acpi(struct fw_cfg *fw, const struct virt_config *cfg, struct arm_error *err)
    __attribute__((warn_unused_result));
