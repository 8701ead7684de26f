/* The DSDT: which devices there are, where, and by which interrupts. */
#include <stdio.h>

#include "base/bits.h"
#include "machine/acpi.h"
#include "machine/aml.h"

#define PCI_SLOTS     32
#define ALL_OF_IT     0xffff /* of a PCI device's address: any function */
#define NOTIFY_BUTTON 0x80

#define NAME_ROOM 16

/* Names of two or three digits, as "C00A". */
static const char *numbered(char name[NAME_ROOM], const char *format, unsigned n)
{
    snprintf(name, NAME_ROOM, format, n);
    return name;
}

static void cpus(struct aml *a, const struct virt_config *cfg)
{
    char name[NAME_ROOM];

    for (unsigned n = 0; n < cfg->cpu_count; n++) {
        aml_device(a, numbered(name, "C%03X", n));
        aml_named_string(a, "_HID", "ACPI0007");
        aml_named_integer(a, "_UID", n);
        aml_close(a);
    }
}

static void uart(struct aml *a, GByteArray *r)
{
    const struct virt_memmap *m = &virt_memmap[VIRT_UART];

    aml_device(a, "COM0");
    aml_named_string(a, "_HID", "ARMH0011");
    aml_named_integer(a, "_UID", 0);
    aml_memory32(r, m->base, m->size);
    aml_interrupt(r, GSI(VIRT_SPI_UART));
    aml_resources(a, "_CRS", r);
    aml_close(a);
}

/* Not to be shown to whoever looks at the machine's devices: _STA, 6.3.7. */
static void fw_cfg(struct aml *a, GByteArray *r)
{
    const struct virt_memmap *m = &virt_memmap[VIRT_FW_CFG];

    aml_device(a, "FWCF");
    aml_named_string(a, "_HID", "QEMU0002");
    aml_named_integer(a, "_STA", 0x0b);
    aml_named_integer(a, "_CCA", 1);
    aml_memory32(r, m->base, m->size);
    aml_resources(a, "_CRS", r);
    aml_close(a);
}

static void virtio(struct aml *a, GByteArray *r)
{
    const struct virt_memmap *m = &virt_memmap[VIRT_VIRTIO_MMIO];
    char name[NAME_ROOM];

    for (unsigned n = 0; n < VIRT_SLOTS; n++) {
        aml_device(a, numbered(name, "VR%02u", n));
        aml_named_string(a, "_HID", "LNRO0005");
        aml_named_integer(a, "_UID", n);
        aml_named_integer(a, "_CCA", 1);
        aml_memory32(r, m->base + n * m->size, m->size);
        aml_interrupt(r, GSI(VIRT_SPI_VIRTIO_MMIO + n));
        aml_resources(a, "_CRS", r);
        aml_close(a);
    }
}

/* Its line is an event, 5.6.5.3: the method of the line's number tells the button. */
static void gpio(struct aml *a, GByteArray *r)
{
    const struct virt_memmap *m = &virt_memmap[VIRT_GPIO];
    char name[NAME_ROOM];

    aml_device(a, "PWRB");
    aml_named_string(a, "_HID", "PNP0C0C");
    aml_named_integer(a, "_UID", 0);
    aml_close(a);
    aml_device(a, "GPO0");
    aml_named_string(a, "_HID", "ARMH0061");
    aml_named_integer(a, "_UID", 0);
    aml_memory32(r, m->base, m->size);
    aml_interrupt(r, GSI(VIRT_SPI_GPIO));
    aml_resources(a, "_CRS", r);
    aml_gpio_interrupt(r, "GPO0", VIRT_POWER_GPIO);
    aml_resources(a, "_AEI", r);
    aml_method(a, numbered(name, "_E%02X", VIRT_POWER_GPIO), 0);
    aml_op(a, AML_NOTIFY);
    aml_name(a, "PWRB");
    aml_integer(a, NOTIFY_BUTTON);
    aml_close(a);
    aml_close(a);
}

/* ---- PCI (PCI Firmware Specification 3.2) ---- */

/* _PRT, 6.2.13: by pin_of() of devices/pci_host.c. */
static void pci_interrupts(struct aml *a)
{
    aml_named(a, "_PRT");
    aml_package(a, PCI_SLOTS * PCI_PINS);
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
        for (unsigned pin = 0; pin < PCI_PINS; pin++) {
            aml_package(a, 4);
            aml_integer(a, slot << 16 | ALL_OF_IT);
            aml_integer(a, pin);
            aml_integer(a, 0);
            aml_integer(a, GSI(VIRT_SPI_PCIE + (slot + pin) % PCI_PINS));
            aml_close(a);
        }
    aml_close(a);
}

static void pci_windows(struct aml *a, GByteArray *r, const struct virt_config *cfg,
                        const struct virt_memmap *ecam)
{
    const struct virt_memmap *low = &virt_memmap[VIRT_PCIE_MMIO];
    const struct virt_memmap *ports = &virt_memmap[VIRT_PCIE_PIO];
    const struct virt_memmap *high = &virt_memmap[VIRT_HIGH_PCIE_MMIO];

    aml_range(r, AML_RANGE_BUS, 2, 0, ecam->size / PCI_ECAM_BUS, 0);
    aml_range(r, AML_RANGE_MEMORY, 4, low->base, low->size, 0);
    aml_range(r, AML_RANGE_IO, 4, 0, ports->size, ports->base);
    if (!cfg->no_highmem)
        aml_range(r, AML_RANGE_MEMORY, 8, high->base, high->size, 0);
    aml_resources(a, "_CRS", r);
}

static void field(struct aml *a, unsigned at, const char *name)
{
    aml_op(a, AML_DWORD_FIELD);
    aml_op(a, AML_ARG3);
    aml_integer(a, at);
    aml_name(a, name);
}

/* name |= bits */
static void or_bits(struct aml *a, const char *name, uint64_t bits)
{
    aml_op(a, AML_OR);
    aml_name(a, name);
    aml_integer(a, bits);
    aml_name(a, name);
}

static void return_arg3(struct aml *a)
{
    aml_op(a, AML_RETURN);
    aml_op(a, AML_ARG3);
}

/* 4.5.1: native hot-plug, PME, AER and the capability structure are the system's, as is what
 * else it has asked for of CONTROL. */
#define CONTROL         0x1f
#define UNKNOWN_UUID    0x04
#define UNKNOWN_VERSION 0x08
#define CONTROL_MASKED  0x10

static void pci_osc(struct aml *a)
{
    /* 33DB4D5B-1FF7-401C-9657-7441C03DD766 */
    static const uint8_t uuid[] = {0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
                                   0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66};

    aml_method(a, "_OSC", 4);
    field(a, 0, "CDW1");
    aml_if(a);
    aml_op(a, AML_EQUAL);
    aml_op(a, AML_ARG0);
    aml_buffer(a, uuid, sizeof(uuid));
    field(a, 8, "CDW3");
    aml_op(a, AML_AND);
    aml_name(a, "CDW3");
    aml_integer(a, CONTROL);
    aml_name(a, "CTRL");
    aml_if(a);
    aml_op(a, AML_NOT);
    aml_op(a, AML_EQUAL);
    aml_op(a, AML_ARG1);
    aml_integer(a, 1);
    or_bits(a, "CDW1", UNKNOWN_VERSION);
    aml_close(a);
    aml_if(a);
    aml_op(a, AML_NOT);
    aml_op(a, AML_EQUAL);
    aml_name(a, "CDW3");
    aml_name(a, "CTRL");
    or_bits(a, "CDW1", CONTROL_MASKED);
    aml_close(a);
    aml_op(a, AML_STORE);
    aml_name(a, "CTRL");
    aml_name(a, "CDW3");
    return_arg3(a);
    aml_close(a);
    aml_else(a);
    or_bits(a, "CDW1", UNKNOWN_UUID);
    return_arg3(a);
    aml_close(a);
    aml_close(a);
}

/* The configuration spaces are nobody else's memory (4.1.2). */
static void pci_reserved(struct aml *a, GByteArray *r, const struct virt_memmap *ecam)
{
    aml_device(a, "RES0");
    aml_named_string(a, "_HID", "PNP0C02");
    aml_range(r, AML_RANGE_MEMORY, 8, ecam->base, ecam->size, 0);
    aml_resources(a, "_CRS", r);
    aml_close(a);
}

static void pci(struct aml *a, GByteArray *r, const struct virt_config *cfg)
{
    const struct virt_memmap *ecam =
        &virt_memmap[cfg->no_highmem ? VIRT_PCIE_ECAM : VIRT_HIGH_PCIE_ECAM];

    aml_device(a, "PCI0");
    aml_named_string(a, "_HID", "PNP0A08");
    aml_named_string(a, "_CID", "PNP0A03");
    aml_named_integer(a, "_SEG", 0);
    aml_named_integer(a, "_BBN", 0);
    aml_named_integer(a, "_UID", 0);
    aml_named_integer(a, "_CCA", 1);
    pci_interrupts(a);
    aml_method(a, "_CBA", 0);
    aml_op(a, AML_RETURN);
    aml_integer(a, ecam->base);
    aml_close(a);
    pci_windows(a, r, cfg, ecam);
    aml_named_integer(a, "CTRL", 0);
    pci_osc(a);
    pci_reserved(a, r, ecam);
    aml_close(a);
}

static void tpm(struct aml *a, GByteArray *r, const struct virt_config *cfg)
{
    if (!cfg->tpm.command)
        return;
    aml_device(a, "TPM0");
    aml_named_string(a, "_HID", "MSFT0101");
    aml_named_string(a, "_STR", "TPM 2.0 Device");
    aml_named_integer(a, "_UID", 0);
    aml_memory32(r, virt_memmap[VIRT_PLATFORM_BUS].base, TPM_TIS_BYTES);
    aml_resources(a, "_CRS", r);
    aml_close(a);
}

void acpi_dsdt(struct acpi *table, const struct virt_config *cfg)
{
    guint start = acpi_begin(table, "DSDT", 2);
    struct aml a = {.to = table->tables};
    GByteArray *r = g_byte_array_new();

    aml_scope(&a, "\\_SB");
    cpus(&a, cfg);
    uart(&a, r);
    fw_cfg(&a, r);
    virtio(&a, r);
    pci(&a, r, cfg);
    gpio(&a, r);
    tpm(&a, r, cfg);
    aml_close(&a);
    g_byte_array_unref(r);
    acpi_end(table, start);
}
