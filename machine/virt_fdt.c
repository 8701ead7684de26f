/*
 * The board's device tree. Names, compatibles and values are QEMU 7.2's, so that a guest sees the
 * same board; tests/machine/test_virt_fdt.c compares node by node and lists what differs on
 * purpose.
 */
#include <stdio.h>
#include <string.h>

#include "arch/ppi.h"
#include "arch/psci.h"
#include "base/bits.h"
#include "base/random.h"
#include "machine/virt_fdt.h"

#define PPI(intid) GIC_PPI, (intid)-16, ppi_flags(cfg)

#define LINUX_KEY_POWER 116

/* Bits 15:8 are the CPUs that a GICv2's PPI is wired to (arm,gic binding). */
static uint32_t ppi_flags(const struct virt_config *cfg)
{
    return LEVEL_HIGH | (cfg->gic_v2 ? ((1u << cfg->cpu_count) - 1) << 8 : 0);
}

void virt_fdt_begin(struct dt *dt, const char *stem, enum virt_region region)
{
    const struct virt_memmap *m = &virt_memmap[region];
    char name[40];

    snprintf(name, sizeof(name), "%s@%llx", stem, (unsigned long long)m->base);
    dt_begin(dt, name);
    DT_CELLS(dt, "reg", CELLS64(m->base), CELLS64(m->size));
}

/* Of a node that is the Secure world's only (Documentation of the binding arm/secure). */
static void secure_only(struct dt *dt)
{
    dt_string(dt, "status", "disabled");
    dt_string(dt, "secure-status", "okay");
}

static void begin_chosen(struct dt *dt, const char *name, enum virt_region uart, bool seeds,
                         uint64_t *state)
{
    uint64_t kaslr = random_next(state), rng[4];
    char path[40];

    for (unsigned i = 0; i < ARRAY_SIZE(rng); i++)
        rng[i] = random_next(state);
    snprintf(path, sizeof(path), "/pl011@%llx", (unsigned long long)virt_memmap[uart].base);
    dt_begin(dt, name);
    if (seeds) {
        DT_CELLS(dt, "kaslr-seed", CELLS64(kaslr));
        DT_CELLS(dt, "rng-seed", CELLS64(rng[0]), CELLS64(rng[1]), CELLS64(rng[2]),
                 CELLS64(rng[3]));
    }
    dt_string(dt, "stdout-path", path);
}

static void chosen_node(struct dt *dt, const struct virt_config *cfg)
{
    uint64_t state = cfg->seed;

    begin_chosen(dt, "chosen", VIRT_UART, !cfg->no_seeds, &state);
    dt_end(dt);
    if (!cfg->secure)
        return;
    begin_chosen(dt, "secure-chosen", VIRT_SECURE_UART, !cfg->no_seeds, &state);
    dt_end(dt);
}

static void begin_memory(struct dt *dt, uint64_t base, uint64_t size)
{
    char name[40];

    snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)base);
    dt_begin(dt, name);
    dt_string(dt, "device_type", "memory");
    DT_CELLS(dt, "reg", CELLS64(base), CELLS64(size));
}

static void memory_node(struct dt *dt, const struct virt_config *cfg)
{
    uint64_t base = virt_memmap[VIRT_RAM].base;

    if (!cfg->node_count) {
        begin_memory(dt, base, cfg->ram_size);
        dt_end(dt);
    }
    for (unsigned n = 0; n < cfg->node_count; base += cfg->nodes[n++].memory) {
        if (!cfg->nodes[n].memory)
            continue;
        begin_memory(dt, base, cfg->nodes[n].memory);
        DT_CELLS(dt, "numa-node-id", n);
        dt_end(dt);
    }
}

/* The numa binding: each distance that there is, with its two nodes. */
static void distance_node(struct dt *dt, const struct virt_config *cfg)
{
    uint32_t cells[3 * ARM_NODES_MAX * ARM_NODES_MAX], *to = cells;

    if (!cfg->distances[0])
        return;
    for (unsigned from = 0; from < cfg->node_count; from++)
        for (unsigned n = 0; n < cfg->node_count; n++) {
            *to++ = from;
            *to++ = n;
            *to++ = cfg->distances[from * cfg->node_count + n];
        }
    dt_begin(dt, "distance-map");
    dt_string(dt, "compatible", "numa-distance-map-v1");
    dt_cells(dt, "distance-matrix", cells, (unsigned)(to - cells));
    dt_end(dt);
}

static void clock_node(struct dt *dt, const struct virt_config *cfg)
{
    (void)cfg;
    dt_begin(dt, "apb-pclk");
    dt_string(dt, "compatible", "fixed-clock");
    DT_CELLS(dt, "#clock-cells", 0);
    DT_CELLS(dt, "clock-frequency", VIRT_CLOCK_HZ);
    dt_string(dt, "clock-output-names", "clk24mhz");
    DT_CELLS(dt, "phandle", PHANDLE_CLOCK);
    dt_end(dt);
}

static void psci_node(struct dt *dt, const struct virt_config *cfg)
{
    if (cfg->no_psci)
        return;
    dt_begin(dt, "psci");
    DT_STRINGS(dt, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    dt_string(dt, "method", cfg->el2 ? "smc" : "hvc");
    DT_CELLS(dt, "cpu_suspend", PSCI_CPU_SUSPEND_64);
    DT_CELLS(dt, "cpu_off", PSCI_CPU_OFF);
    DT_CELLS(dt, "cpu_on", PSCI_CPU_ON_64);
    DT_CELLS(dt, "migrate", PSCI_MIGRATE_64);
    dt_end(dt);
}

#define TIMER_PPIS PPI(PPI_TIMER_SEC), PPI(PPI_TIMER_PHYS), PPI(PPI_TIMER_VIRT), PPI(PPI_TIMER_HYP)

/* The arm,arch_timer binding: the fifth, which QEMU has from version 9 on, is for VHE hosts. */
static void timer_node(struct dt *dt, const struct virt_config *cfg)
{
    dt_begin(dt, "timer");
    DT_STRINGS(dt, "compatible", "arm,armv8-timer\0arm,armv7-timer");
    dt_empty(dt, "always-on");
    if (cfg->vhe)
        DT_CELLS(dt, "interrupts", TIMER_PPIS, PPI(PPI_TIMER_HYP_VIRT));
    else
        DT_CELLS(dt, "interrupts", TIMER_PPIS);
    dt_end(dt);
}

/* "cpu@3", "core3". Decimal, as QEMU has them. */
static void begin_numbered(struct dt *dt, const char *stem, unsigned n)
{
    char name[20];

    snprintf(name, sizeof(name), "%.8s%u", stem, n);
    dt_begin(dt, name);
}

/* Levels of the cpu-map, and how many CPUs are in one of each: the CPU tree binding, "cpu-map". The
 * last level is there if a core has more than one thread. */
static void cpu_map(struct dt *dt, const struct virt_config *cfg)
{
    const struct arm_topology t = virt_topology(cfg);
    const char *const stems[] = {"socket", "cluster", "core", "thread"};
    const uint64_t cpus[] = {(uint64_t)t.clusters * t.cores * t.threads,
                             (uint64_t)t.cores * t.threads, t.threads, 1};
    unsigned levels = t.threads > 1 ? 4 : 3;

    dt_begin(dt, "cpu-map");
    for (unsigned i = 0; i < cfg->cpu_count; i++) {
        for (unsigned level = 0; level < levels; level++)
            if (i % cpus[level] == 0)
                begin_numbered(dt, stems[level],
                               (unsigned)((level ? i % cpus[level - 1] : i) / cpus[level]));
        DT_CELLS(dt, "cpu", PHANDLE_CPU0 + i);
        for (unsigned level = levels; level--;)
            if ((i + 1) % cpus[level] == 0 || i + 1 == cfg->cpu_count)
                dt_end(dt);
    }
    dt_end(dt);
}

static void cpus_node(struct dt *dt, const struct virt_config *cfg)
{
    dt_begin(dt, "cpus");
    DT_CELLS(dt, "#address-cells", 1);
    DT_CELLS(dt, "#size-cells", 0);
    for (unsigned i = 0; i < cfg->cpu_count; i++) {
        begin_numbered(dt, "cpu@", i);
        dt_string(dt, "device_type", "cpu");
        dt_string(dt, "compatible", cfg->cpu_compatible);
        if (cfg->cpu_count > 1)
            dt_string(dt, "enable-method", "psci");
        DT_CELLS(dt, "reg", (uint32_t)bits(virt_mpidr(i), 23, 0));
        if (cfg->node_count)
            DT_CELLS(dt, "numa-node-id", virt_node_of(cfg, i));
        DT_CELLS(dt, "phandle", PHANDLE_CPU0 + i);
        dt_end(dt);
    }
    cpu_map(dt, cfg);
    dt_end(dt);
}

static void its_node(struct dt *dt)
{
    virt_fdt_begin(dt, "its", VIRT_ITS);
    dt_string(dt, "compatible", "arm,gic-v3-its");
    dt_empty(dt, "msi-controller");
    DT_CELLS(dt, "#msi-cells", 1);
    DT_CELLS(dt, "phandle", PHANDLE_MSI);
    dt_end(dt);
}

static void v2m_node(struct dt *dt)
{
    virt_fdt_begin(dt, "v2m", VIRT_GICV2M);
    dt_string(dt, "compatible", "arm,gic-v2m-frame");
    dt_empty(dt, "msi-controller");
    DT_CELLS(dt, "phandle", PHANDLE_MSI);
    dt_end(dt);
}

/*
 * The arm,gic-v3 binding has GICC and GICH in front of GICV. Differs: they are places in the map
 * only, the physical interface and its hypervisor control being system registers always.
 */
static void gic_v3_registers(struct dt *dt, const struct virt_config *cfg)
{
    dt_string(dt, "compatible", "arm,gic-v3");
    DT_CELLS(dt, "#redistributor-regions", 1);
    if (cfg->gicv)
        DT_CELLS(dt, "reg", REGION(VIRT_GICD), REGION(VIRT_GICR), REGION(VIRT_GICC),
                 REGION(VIRT_GICH), REGION(VIRT_GICV));
    else
        DT_CELLS(dt, "reg", REGION(VIRT_GICD), REGION(VIRT_GICR));
}

static void gic_v2_registers(struct dt *dt, const struct virt_config *cfg)
{
    dt_string(dt, "compatible", "arm,cortex-a15-gic");
    if (cfg->el2)
        DT_CELLS(dt, "reg", REGION(VIRT_GICD), REGION(VIRT_GICC), REGION(VIRT_GICH),
                 REGION(VIRT_GICV));
    else
        DT_CELLS(dt, "reg", REGION(VIRT_GICD), REGION(VIRT_GICC));
}

static void intc_node(struct dt *dt, const struct virt_config *cfg)
{
    char name[40];

    snprintf(name, sizeof(name), "intc@%llx", (unsigned long long)virt_memmap[VIRT_GICD].base);
    dt_begin(dt, name);
    (cfg->gic_v2 ? gic_v2_registers : gic_v3_registers)(dt, cfg);
    DT_CELLS(dt, "#interrupt-cells", 3);
    dt_empty(dt, "interrupt-controller");
    DT_CELLS(dt, "#address-cells", 2);
    DT_CELLS(dt, "#size-cells", 2);
    dt_empty(dt, "ranges");
    if (cfg->el2)
        DT_CELLS(dt, "interrupts", GIC_PPI, PPI_MAINTENANCE - 16, LEVEL_HIGH); /* of its own */
    DT_CELLS(dt, "phandle", PHANDLE_GIC);
    if (cfg->its)
        its_node(dt);
    if (cfg->gic_v2)
        v2m_node(dt);
    dt_end(dt);
}

static void pmu_node(struct dt *dt, const struct virt_config *cfg)
{
    if (!cfg->pmu)
        return;
    dt_begin(dt, "pmu");
    dt_string(dt, "compatible", "arm,armv8-pmuv3");
    DT_CELLS(dt, "interrupts", PPI(PPI_PMU));
    dt_end(dt);
}

static void begin_uart(struct dt *dt, enum virt_region region, enum virt_spi spi)
{
    virt_fdt_begin(dt, "pl011", region);
    DT_STRINGS(dt, "compatible", "arm,pl011\0arm,primecell");
    DT_CELLS(dt, "interrupts", SPI(spi));
    DT_CELLS(dt, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    DT_STRINGS(dt, "clock-names", "uartclk\0apb_pclk");
}

static void uart_node(struct dt *dt, const struct virt_config *cfg)
{
    (void)cfg;
    begin_uart(dt, VIRT_UART, VIRT_SPI_UART);
    dt_end(dt);
}

static void rtc_node(struct dt *dt, const struct virt_config *cfg)
{
    (void)cfg;
    virt_fdt_begin(dt, "pl031", VIRT_RTC);
    DT_STRINGS(dt, "compatible", "arm,pl031\0arm,primecell");
    DT_CELLS(dt, "interrupts", SPI(VIRT_SPI_RTC));
    DT_CELLS(dt, "clocks", PHANDLE_CLOCK);
    dt_string(dt, "clock-names", "apb_pclk");
    dt_end(dt);
}

static void begin_gpio(struct dt *dt, enum virt_region region, enum virt_spi spi, uint32_t phandle)
{
    virt_fdt_begin(dt, "pl061", region);
    DT_STRINGS(dt, "compatible", "arm,pl061\0arm,primecell");
    DT_CELLS(dt, "#gpio-cells", 2);
    dt_empty(dt, "gpio-controller");
    DT_CELLS(dt, "interrupts", SPI(spi));
    DT_CELLS(dt, "clocks", PHANDLE_CLOCK);
    dt_string(dt, "clock-names", "apb_pclk");
    DT_CELLS(dt, "phandle", phandle);
}

static void gpio_node(struct dt *dt, const struct virt_config *cfg)
{
    (void)cfg;
    begin_gpio(dt, VIRT_GPIO, VIRT_SPI_GPIO, PHANDLE_GPIO);
    dt_end(dt);
}

static void gpio_keys_node(struct dt *dt, const struct virt_config *cfg)
{
    (void)cfg;
    dt_begin(dt, "gpio-keys");
    dt_string(dt, "compatible", "gpio-keys");
    dt_begin(dt, "poweroff");
    dt_string(dt, "label", "GPIO Key Poweroff");
    DT_CELLS(dt, "linux,code", LINUX_KEY_POWER);
    DT_CELLS(dt, "gpios", PHANDLE_GPIO, VIRT_POWER_GPIO, 0);
    dt_end(dt);
    dt_end(dt);
}

static void fw_cfg_node(struct dt *dt, const struct virt_config *cfg)
{
    (void)cfg;
    virt_fdt_begin(dt, "fw-cfg", VIRT_FW_CFG);
    dt_string(dt, "compatible", "qemu,fw-cfg-mmio");
    dt_empty(dt, "dma-coherent");
    dt_end(dt);
}

static void begin_flash(struct dt *dt, const char *stem, uint64_t base)
{
    char name[40];

    snprintf(name, sizeof(name), "%s@%llx", stem, (unsigned long long)base);
    dt_begin(dt, name);
    dt_string(dt, "compatible", "cfi-flash");
    DT_CELLS(dt, "bank-width", 4);
}

/* With a Secure world the first bank is its. */
static void flash_node(struct dt *dt, const struct virt_config *cfg)
{
    uint64_t first = virt_memmap[VIRT_FLASH].base, second = first + FLASH_BANK_BYTES;

    begin_flash(dt, "flash", cfg->secure ? second : first);
    if (cfg->secure)
        DT_CELLS(dt, "reg", CELLS64(second), CELLS64(FLASH_BANK_BYTES));
    else
        DT_CELLS(dt, "reg", CELLS64(first), CELLS64(FLASH_BANK_BYTES), CELLS64(second),
                 CELLS64(FLASH_BANK_BYTES));
    dt_end(dt);
    if (!cfg->secure)
        return;
    begin_flash(dt, "secflash", first);
    DT_CELLS(dt, "reg", CELLS64(first), CELLS64(FLASH_BANK_BYTES));
    secure_only(dt);
    dt_end(dt);
}

static void secure_key_node(struct dt *dt, const char *name, unsigned line)
{
    dt_begin(dt, name);
    dt_string(dt, "compatible", name);
    DT_CELLS(dt, "gpios", PHANDLE_SECURE_GPIO, line, 0);
    secure_only(dt);
    dt_end(dt);
}

/* What the Secure world has beside: this one is told, and reaches none of it. */
static void secure_nodes(struct dt *dt, const struct virt_config *cfg)
{
    if (!cfg->secure)
        return;
    begin_uart(dt, VIRT_SECURE_UART, VIRT_SPI_SECURE_UART);
    secure_only(dt);
    dt_end(dt);
    begin_gpio(dt, VIRT_SECURE_GPIO, VIRT_SPI_SECURE_GPIO, PHANDLE_SECURE_GPIO);
    secure_only(dt);
    dt_end(dt);
    secure_key_node(dt, "gpio-poweroff", VIRT_SECURE_POWEROFF_GPIO);
    secure_key_node(dt, "gpio-restart", VIRT_SECURE_RESTART_GPIO);
    virt_fdt_begin(dt, "secram", VIRT_SECURE_MEM);
    dt_string(dt, "device_type", "memory");
    secure_only(dt);
    dt_end(dt);
}

static void virtio_nodes(struct dt *dt, const struct virt_config *cfg)
{
    const struct virt_memmap *m = &virt_memmap[VIRT_VIRTIO_MMIO];
    char name[40];

    (void)cfg;
    for (unsigned i = 0; i < VIRT_SLOTS; i++) {
        uint64_t base = m->base + i * m->size;
        snprintf(name, sizeof(name), "virtio_mmio@%llx", (unsigned long long)base);
        dt_begin(dt, name);
        dt_string(dt, "compatible", "virtio,mmio");
        DT_CELLS(dt, "reg", CELLS64(base), CELLS64(m->size));
        DT_CELLS(dt, "interrupts", GIC_SPI, VIRT_SPI_VIRTIO_MMIO + i, EDGE_RISING);
        dt_empty(dt, "dma-coherent");
        dt_end(dt);
    }
}

static void platform_bus_node(struct dt *dt, const struct virt_config *cfg)
{
    const struct virt_memmap *m = &virt_memmap[VIRT_PLATFORM_BUS];
    char name[40];

    if (!cfg->tpm.command)
        return;
    snprintf(name, sizeof(name), "platform-bus@%llx", (unsigned long long)m->base);
    dt_begin(dt, name);
    DT_STRINGS(dt, "compatible", "qemu,platform\0simple-bus");
    DT_CELLS(dt, "#address-cells", 1);
    DT_CELLS(dt, "#size-cells", 1);
    DT_CELLS(dt, "interrupt-parent", PHANDLE_GIC);
    DT_CELLS(dt, "ranges", 0, CELLS64(m->base), (uint32_t)m->size);
    dt_begin(dt, "tpm_tis@0");
    dt_string(dt, "compatible", "tcg,tpm-tis-mmio");
    DT_CELLS(dt, "reg", 0, TPM_TIS_BYTES);
    dt_end(dt);
    dt_end(dt);
}

static void (*const nodes[])(struct dt *dt, const struct virt_config *cfg) = {
    chosen_node,  memory_node,  distance_node,  cpus_node,     psci_node,
    timer_node,   pmu_node,     intc_node,      clock_node,    uart_node,
    rtc_node,     gpio_node,    gpio_keys_node, fw_cfg_node,   flash_node,
    virtio_nodes, secure_nodes, virt_fdt_pcie,  virt_fdt_smmu, platform_bus_node,
};

int virt_fdt(const struct virt_config *cfg, struct dt *dt, struct arm_error *err)
{
    dt_create(dt);
    dt_begin(dt, "");
    dt_string(dt, "compatible", "linux,dummy-virt");
    dt_string(dt, "model", "linux,dummy-virt");
    DT_CELLS(dt, "#address-cells", 2);
    DT_CELLS(dt, "#size-cells", 2);
    DT_CELLS(dt, "interrupt-parent", PHANDLE_GIC);
    for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++)
        nodes[i](dt, cfg);
    dt_end(dt);
    return dt_finish(dt, err);
}
