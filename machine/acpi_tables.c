/* The tables that are not programs. */
#include <string.h>

#include "arch/ppi.h"
#include "arch/psci.h"
#include "base/bits.h"
#include "gic/gic.h"
#include "machine/acpi.h"
#include "machine/acpi_bytes.h"

#define NOWHERE UINT64_MAX

/* An address in memory, 5.2.3.2: registers of 8 bits. */
static void put_gas(GByteArray *to, uint64_t address)
{
    put_le(to, 4, 0x01000800);
    put_le(to, 8, address);
}

/* ---- FADT, 5.2.9 ---- */

#define FADT_BYTES            276
#define FADT_HARDWARE_REDUCED UINT32_C(0x00100000)
#define FADT_PSCI             0x1
#define FADT_PSCI_BY_HVC      0x2
enum { AT_FLAGS = 112, AT_ARM_BOOT = 129, AT_X_DSDT = 140 };

void acpi_fadt(struct acpi *a, const struct virt_config *cfg)
{
    guint start = acpi_begin(a, "FACP", 6);
    uint16_t psci = (uint16_t)(FADT_PSCI | (cfg->el2 || cfg->secure ? 0 : FADT_PSCI_BY_HVC));

    put_zeros(a->tables, FADT_BYTES - (a->tables->len - start));
    uint8_t *fadt = a->tables->data + start;
    le_put(fadt + AT_FLAGS, 4, FADT_HARDWARE_REDUCED);
    le_put(fadt + AT_ARM_BOOT, 2, psci);
    le_put(fadt + AT_X_DSDT, 8, a->dsdt);
    acpi_end(a, start);
}

/* ---- MADT, 5.2.12.14 to 5.2.12.18 ---- */

static void put_entry(GByteArray *to, uint8_t type, uint8_t bytes)
{
    put_le(to, 1, type);
    put_le(to, 1, bytes);
    put_le(to, 2, 0);
}

/* One CPU. A GICv2 has its interfaces in memory. */
static void put_gicc(GByteArray *to, const struct virt_config *cfg, unsigned n)
{
    bool virtual = cfg->gic_v2 && cfg->el2;

    put_entry(to, 11, 80);
    put_le(to, 4, n);
    put_le(to, 4, n);
    put_le(to, 4, 1); /* enabled */
    put_le(to, 4, 0);
    put_le(to, 4, cfg->pmu ? PPI_PMU : 0);
    put_le(to, 8, 0);
    put_le(to, 8, cfg->gic_v2 ? virt_memmap[VIRT_GICC].base : 0);
    put_le(to, 8, virtual ? virt_memmap[VIRT_GICV].base : 0);
    put_le(to, 8, virtual ? virt_memmap[VIRT_GICH].base : 0);
    put_le(to, 4, cfg->el2 ? PPI_MAINTENANCE : 0);
    put_le(to, 8, 0); /* redistributors are in entries of their own */
    put_le(to, 8, virt_mpidr(n) & MPIDR_AFFINITY);
    put_zeros(to, 4);
}

static void put_gic_parts(GByteArray *to, const struct virt_config *cfg)
{
    const struct virt_memmap *gicr = &virt_memmap[VIRT_GICR];

    if (cfg->gic_v2) {
        put_entry(to, 13, 24);
        put_le(to, 4, 0);
        put_le(to, 8, virt_memmap[VIRT_GICV2M].base);
        put_le(to, 4, 1); /* its registers say less than the next two */
        put_le(to, 2, GICV2M_COUNT);
        put_le(to, 2, GICV2M_FIRST);
        return;
    }
    put_entry(to, 14, 16);
    put_le(to, 8, gicr->base);
    put_le(to, 4, gicr->size);
    if (!cfg->its)
        return;
    put_entry(to, 15, 20);
    put_le(to, 4, 0);
    put_le(to, 8, virt_memmap[VIRT_ITS].base);
    put_le(to, 4, 0);
}

void acpi_madt(struct acpi *a, const struct virt_config *cfg)
{
    guint start = acpi_begin(a, "APIC", 4);

    put_zeros(a->tables, 8);
    put_entry(a->tables, 12, 24);
    put_le(a->tables, 4, 0);
    put_le(a->tables, 8, virt_memmap[VIRT_GICD].base);
    put_le(a->tables, 4, 0);
    put_le(a->tables, 4, cfg->gic_v2 ? 2 : 3);
    for (unsigned n = 0; n < cfg->cpu_count; n++)
        put_gicc(a->tables, cfg, n);
    put_gic_parts(a->tables, cfg);
    acpi_end(a, start);
}

/* ---- GTDT, 5.2.25 ---- */

#define ALWAYS_ON 4

/* All are level-sensitive and active high. */
void acpi_gtdt(struct acpi *a, const struct virt_config *cfg)
{
    guint start = acpi_begin(a, "GTDT", cfg->vhe ? 3 : 2);
    const struct {
        uint32_t gsi, flags;
    } timers[] = {
        {PPI_TIMER_SEC, 0}, {PPI_TIMER_PHYS, ALWAYS_ON}, {PPI_TIMER_VIRT, 0}, {PPI_TIMER_HYP, 0}};

    put_le(a->tables, 8, NOWHERE);
    put_le(a->tables, 4, 0);
    for (size_t k = 0; k < ARRAY_SIZE(timers); k++) {
        put_le(a->tables, 4, timers[k].gsi);
        put_le(a->tables, 4, timers[k].flags);
    }
    put_le(a->tables, 8, NOWHERE);
    put_zeros(a->tables, 8); /* no timers of the platform */
    if (cfg->vhe) {
        put_le(a->tables, 4, PPI_TIMER_HYP_VIRT);
        put_le(a->tables, 4, 0);
    }
    acpi_end(a, start);
}

/* ---- MCFG (PCI Firmware Specification 3.2, 4.1.2) ---- */

void acpi_mcfg(struct acpi *a, const struct virt_config *cfg)
{
    const struct virt_memmap *ecam =
        &virt_memmap[cfg->no_highmem ? VIRT_PCIE_ECAM : VIRT_HIGH_PCIE_ECAM];
    guint start = acpi_begin(a, "MCFG", 1);

    put_zeros(a->tables, 8);
    put_le(a->tables, 8, ecam->base);
    put_le(a->tables, 2, 0);
    put_le(a->tables, 1, 0);
    put_le(a->tables, 1, ecam->size / PCI_ECAM_BUS - 1);
    put_zeros(a->tables, 4);
    acpi_end(a, start);
}

/* ---- SPCR and DBG2 (Microsoft's specifications of these tables) ---- */

#define INTERFACE_PL011 3

void acpi_spcr(struct acpi *a, const struct virt_config *cfg)
{
    guint start = acpi_begin(a, "SPCR", 2);

    (void)cfg;
    put_le(a->tables, 4, INTERFACE_PL011);
    put_gas(a->tables, virt_memmap[VIRT_UART].base);
    put_le(a->tables, 1, 8); /* an interrupt of the GIC, not of a PC's controller */
    put_le(a->tables, 1, 0);
    put_le(a->tables, 4, GSI(VIRT_SPI_UART));
    put_le(a->tables, 1, 3); /* 9600 baud, no parity, one stop bit, RTS and CTS */
    put_le(a->tables, 1, 0);
    put_le(a->tables, 1, 1);
    put_le(a->tables, 1, 2);
    put_zeros(a->tables, 2);
    put_le(a->tables, 4, UINT32_MAX); /* it is not on PCI */
    put_zeros(a->tables, 12);
    acpi_end(a, start);
}

void acpi_dbg2(struct acpi *a, const struct virt_config *cfg)
{
    static const char name[] = "COM0";
    enum { GAS_AT = 22, SIZE_AT = 34, NAME_AT = 38, BYTES = NAME_AT + sizeof(name) };
    guint start = acpi_begin(a, "DBG2", 0);

    (void)cfg;
    put_le(a->tables, 4, 44); /* where the one device is */
    put_le(a->tables, 4, 1);
    put_le(a->tables, 1, 0);
    put_le(a->tables, 2, BYTES);
    put_le(a->tables, 1, 1);
    put_le(a->tables, 2, sizeof(name));
    put_le(a->tables, 2, NAME_AT);
    put_zeros(a->tables, 4);
    put_le(a->tables, 2, 0x8000); /* serial */
    put_le(a->tables, 2, INTERFACE_PL011);
    put_zeros(a->tables, 2);
    put_le(a->tables, 2, GAS_AT);
    put_le(a->tables, 2, SIZE_AT);
    put_gas(a->tables, virt_memmap[VIRT_UART].base);
    put_le(a->tables, 4, virt_memmap[VIRT_UART].size);
    g_byte_array_append(a->tables, (const uint8_t *)name, sizeof(name));
    acpi_end(a, start);
}

/* ---- IORT (DEN0049E.b) ---- */

enum { IORT_ITS = 0, IORT_ROOT = 2, IORT_SMMUV3 = 4 };
#define IORT_MAP_BYTES 20
#define REQUESTERS     0xffff /* of PCI, as QEMU counts them */

/* @bytes without its mappings, of which there are so many. */
static void put_node(GByteArray *to, uint8_t type, uint8_t revision, uint16_t bytes, uint32_t id,
                     unsigned maps)
{
    put_le(to, 1, type);
    put_le(to, 2, bytes + maps * IORT_MAP_BYTES);
    put_le(to, 1, revision);
    put_le(to, 4, id);
    put_le(to, 4, maps);
    put_le(to, 4, maps ? bytes : 0);
}

/* Requesters are the same numbers at the node at @node. */
static void put_map(GByteArray *to, uint32_t first, uint32_t count, uint32_t node)
{
    put_le(to, 4, first);
    put_le(to, 4, count - 1);
    put_le(to, 4, first);
    put_le(to, 4, node);
    put_le(to, 4, 0);
}

static void put_smmu(GByteArray *to, uint32_t its, bool maps)
{
    static const uint8_t lines[] = {SMMUV3_EVENTQ, SMMUV3_PRIQ, SMMUV3_GERROR, SMMUV3_CMD_SYNC};

    put_node(to, IORT_SMMUV3, 4, 68, maps, maps);
    put_le(to, 8, virt_memmap[VIRT_SMMU].base);
    put_le(to, 4, 1); /* its walks are coherent */
    put_zeros(to, 16);
    for (size_t k = 0; k < sizeof(lines); k++)
        put_le(to, 4, GSI(VIRT_SPI_SMMU + lines[k]));
    put_zeros(to, 8);
    if (maps)
        put_map(to, 0, REQUESTERS + 1, its);
}

/* @smmu, @its: where they begin. Of who goes past the SMMU the messages go to the ITS, if there is
 * one. */
static void put_root(GByteArray *to, const struct virt_config *cfg, uint32_t smmu, uint32_t its)
{
    static const struct virt_requesters all = {0, REQUESTERS + 1, true};
    const struct virt_requesters *rows = cfg->requester_count ? cfg->requesters : &all;
    unsigned count = cfg->requester_count ? cfg->requester_count : 1, maps = 0;

    for (unsigned n = 0; n < count; n++)
        maps += rows[n].smmu || cfg->its;
    put_node(to, IORT_ROOT, 3, 36, (uint32_t)cfg->its + cfg->smmu, maps);
    put_le(to, 4, 1); /* coherent, */
    put_zeros(to, 3);
    put_le(to, 1, 3);  /* and so are memory and device attributes */
    put_zeros(to, 8);  /* no ATS; segment 0 */
    put_le(to, 4, 64); /* bits of an address */
    for (unsigned n = 0; n < count; n++)
        if (rows[n].smmu || cfg->its)
            put_map(to, rows[n].first, rows[n].count, rows[n].smmu && cfg->smmu ? smmu : its);
}

/* Where what PCI does goes: through the SMMU, and its messages to the ITS. */
void acpi_iort(struct acpi *a, const struct virt_config *cfg)
{
    guint start, its, smmu;

    if (!cfg->its && !cfg->smmu)
        return;
    start = acpi_begin(a, "IORT", 3);
    put_le(a->tables, 4, 1u + cfg->its + cfg->smmu);
    put_le(a->tables, 4, 48);
    put_zeros(a->tables, 4);
    its = a->tables->len - start;
    if (cfg->its) {
        put_node(a->tables, IORT_ITS, 1, 24, 0, false);
        put_le(a->tables, 4, 1);
        put_le(a->tables, 4, 0);
    }
    smmu = a->tables->len - start;
    if (cfg->smmu)
        put_smmu(a->tables, its, cfg->its);
    put_root(a->tables, cfg, smmu, its);
    acpi_end(a, start);
}

/* ---- PPTT, 5.2.30 ---- */

#define PACKAGE 1
#define LEAF    0xa /* with a processor's number */
#define THREAD  0x4

static void put_processor(GByteArray *to, uint32_t flags, uint32_t parent, uint32_t id)
{
    put_entry(to, 0, 20);
    put_le(to, 4, flags);
    put_le(to, 4, parent);
    put_le(to, 4, id);
    put_le(to, 4, 0);
}

/* Packages of clusters of cores, and those of threads if a core has more than one. */
void acpi_pptt(struct acpi *a, const struct virt_config *cfg)
{
    const struct arm_topology t = virt_topology(cfg);
    const uint64_t in_cluster = (uint64_t)t.cores * t.threads, in_package = in_cluster * t.clusters;
    guint start = acpi_begin(a, "PPTT", 2), package = 0, cluster = 0, core = 0;

    for (unsigned n = 0; n < cfg->cpu_count; n++) {
        guint at = a->tables->len - start;
        if (n % in_package == 0) {
            package = at;
            put_processor(a->tables, PACKAGE, 0, (uint32_t)(n / in_package));
            at = a->tables->len - start;
        }
        if (n % in_cluster == 0) {
            cluster = at;
            put_processor(a->tables, 0, package, (uint32_t)(n % in_package / in_cluster));
            at = a->tables->len - start;
        }
        if (t.threads == 1) {
            put_processor(a->tables, LEAF, cluster, n);
            continue;
        }
        if (n % t.threads == 0) {
            core = at;
            put_processor(a->tables, 0, cluster, (uint32_t)(n % in_cluster / t.threads));
        }
        put_processor(a->tables, LEAF | THREAD, core, n);
    }
    acpi_end(a, start);
}

/* ---- TPM2 (TCG ACPI Specification 1.2, 7.3) ---- */

#define TPM_START_BY_MMIO 6

void acpi_tpm2(struct acpi *a, const struct virt_config *cfg)
{
    guint start;

    if (!cfg->tpm.command)
        return;
    start = acpi_begin(a, "TPM2", 4);
    put_le(a->tables, 2, 0); /* a client's platform */
    put_zeros(a->tables, 10);
    put_le(a->tables, 4, TPM_START_BY_MMIO);
    put_zeros(a->tables, 12);
    put_le(a->tables, 4, ACPI_TPM_LOG_BYTES);
    acpi_add_tpm_log(a, a->tables->len);
    put_zeros(a->tables, 8);
    acpi_end(a, start);
}
