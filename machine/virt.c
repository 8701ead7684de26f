#include "machine/virt.h"

#include <string.h>

#include "base/bits.h"
#include "gic/gic.h"

#define POWER_PRESS_NS UINT64_C(100000000)

const struct virt_memmap virt_memmap[VIRT_REGION_COUNT] = {
    [VIRT_FLASH] = {0x00000000, 0x08000000},
    [VIRT_GICD] = {0x08000000, 0x00010000},
    [VIRT_GICC] = {0x08010000, 0x00010000},
    [VIRT_GICV2M] = {0x08020000, 0x00001000},
    [VIRT_GICH] = {0x08030000, 0x00010000},
    [VIRT_GICV] = {0x08040000, 0x00010000},
    [VIRT_ITS] = {0x08080000, 0x00020000},
    [VIRT_GICR] = {0x080a0000, 0x00f60000},
    [VIRT_UART] = {0x09000000, 0x00001000},
    [VIRT_RTC] = {0x09010000, 0x00001000},
    [VIRT_FW_CFG] = {0x09020000, FW_CFG_BYTES},
    [VIRT_GPIO] = {0x09030000, 0x00001000},
    [VIRT_SECURE_UART] = {0x09040000, 0x00001000}, /* of the Secure world, like the next */
    [VIRT_SMMU] = {0x09050000, SMMUV3_BYTES},
    [VIRT_SECURE_GPIO] = {0x090b0000, 0x00001000},
    [VIRT_VIRTIO_MMIO] = {0x0a000000, 0x00000200}, /* 32 of them */
    [VIRT_PLATFORM_BUS] = {0x0c000000, 0x02000000},
    [VIRT_SECURE_MEM] = {0x0e000000, 0x01000000},
    [VIRT_PCIE_MMIO] = {0x10000000, 0x2eff0000},
    [VIRT_PCIE_PIO] = {0x3eff0000, 0x00010000},
    [VIRT_PCIE_ECAM] = {0x3f000000, 0x01000000},
    [VIRT_RAM] = {0x40000000, UINT64_C(255) << 30},
    [VIRT_HIGH_PCIE_ECAM] = {UINT64_C(0x4010000000), 0x10000000},
    [VIRT_HIGH_PCIE_MMIO] = {UINT64_C(0x8000000000), UINT64_C(512) << 30},
};

_Static_assert(VIRT_CPUS_MAX *GICR_WINDOW_BYTES <= 0x00f60000, "redistributors fit their region");

uint64_t virt_mpidr(unsigned index)
{
    return BIT(31) | (uint64_t)(index / 16) << 8 | index % 16;
}

unsigned virt_node_of(const struct virt_config *cfg, unsigned cpu)
{
    for (unsigned n = 0; n < cfg->node_count; n++)
        if (cfg->nodes[n].cpus >> cpu & 1)
            return n;
    return 0;
}

static void power_released(void *ctx, uint64_t now_ns)
{
    struct virt_board *board = ctx;

    (void)now_ns;
    pl061_set_input(&board->gpio, VIRT_POWER_GPIO, false);
}

void virt_board_power_button(struct virt_board *board)
{
    pl061_set_input(&board->gpio, VIRT_POWER_GPIO, true);
    clock_event_set(board->clock, &board->power_released,
                    clock_now_ns(board->clock) + POWER_PRESS_NS);
}

static int map_all(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                   struct gic *gic, struct arm_error *err)
{
    const struct {
        enum virt_region region;
        struct device *dev;
    } devices[] = {
        {VIRT_GICD, gic_distributor(gic)},
        {VIRT_ITS, gic_its(gic)},
        {VIRT_UART, &board->uart.dev},
        {VIRT_RTC, &board->rtc.dev},
        {VIRT_FW_CFG, &board->fw_cfg.dev},
        {VIRT_GPIO, &board->gpio.dev},
        {VIRT_GICC, gic_physical_interface(gic)},
        {VIRT_GICV2M, gic_message_frame(gic)},
        {VIRT_GICH, cfg->el2 ? gic_hypervisor_control(gic) : NULL},
        {VIRT_GICV, cfg->el2 ? gic_virtual_interface(gic) : NULL},
    };
    int rc = physmem_add_ram(mem, pa(virt_memmap[VIRT_RAM].base), cfg->ram_size, err);

    for (unsigned i = 0; !rc && i < ARRAY_SIZE(devices); i++) {
        const struct virt_memmap *m = &virt_memmap[devices[i].region];
        if (devices[i].dev)
            rc = physmem_add_device(mem, pa(m->base), m->size, devices[i].dev, 0, err);
    }
    for (unsigned cpu = 0; !rc && !cfg->gic_v2 && cpu < cfg->cpu_count; cpu++)
        rc = physmem_add_device(mem,
                                pa(virt_memmap[VIRT_GICR].base + (uint64_t)cpu * GICR_WINDOW_BYTES),
                                GICR_WINDOW_BYTES, gic_redistributor(gic, cpu), 0, err);
    return rc;
}

static int check_config(const struct virt_config *cfg, struct arm_error *err)
{
    if (cfg->cpu_count < 1 || cfg->cpu_count > VIRT_CPUS_MAX)
        return error_set(err, ARM_EINVAL, "%u CPUs, expected 1 to %d", cfg->cpu_count,
                         VIRT_CPUS_MAX);
    if (cfg->ram_size > virt_memmap[VIRT_RAM].size)
        return error_set(err, ARM_EINVAL, "%llu MiB of RAM, expected at most %llu",
                         (unsigned long long)(cfg->ram_size >> 20),
                         (unsigned long long)(virt_memmap[VIRT_RAM].size >> 20));
    return 0;
}

/* The first place of the platform bus. */
static int create_tpm(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                      const struct arm_log *log, struct arm_error *err)
{
    if (!cfg->tpm.command)
        return 0;
    tpm_tis_init(&board->tpm, log, cfg->tpm.command, cfg->tpm.ctx);
    return physmem_add_device(mem, pa(virt_memmap[VIRT_PLATFORM_BUS].base), TPM_TIS_BYTES,
                              &board->tpm.dev, 0, err);
}

int virt_board_create(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                      struct gic *gic, struct clock *clock, const struct arm_log *log,
                      struct arm_error *err)
{
    int rc = check_config(cfg, err);

    for (unsigned i = 0; i < VIRT_FLASHES; i++)
        board->pflash[i].fd = -1;
    if (!rc)
        rc = fw_cfg_init(&board->fw_cfg, log, mem, clock, err);
    if (rc)
        return rc;
    pl011_init(&board->uart, log, gic_spi_line(gic, VIRT_SPI_UART), clock, VIRT_CLOCK_HZ,
               cfg->console, cfg->console_ctx);
    pl031_init(&board->rtc, log, gic_spi_line(gic, VIRT_SPI_RTC), clock, cfg->epoch_s);
    pl061_init(&board->gpio, log, gic_spi_line(gic, VIRT_SPI_GPIO));
    board->clock = clock;
    board->mem = mem;
    board->power_released = (struct clock_event){.fn = power_released, .ctx = board};
    clock_event_add(clock, &board->power_released, "power-button");
    rc = virt_describe_to_firmware(&board->fw_cfg, cfg, err);
    if (!rc)
        rc = map_all(board, cfg, mem, gic, err);
    if (!rc)
        rc = virt_create_secure(board, cfg, mem, gic, clock, log, err);
    if (!rc)
        rc = virt_create_flash(board, cfg, mem, log, err);
    if (!rc)
        rc = virt_create_pci(board, cfg, gic, log, err);
    if (!rc)
        rc = virt_create_slots(board, cfg, mem, gic, log, err);
    if (!rc)
        rc = virt_boot_order(board, cfg, err);
    if (!rc)
        rc = create_tpm(board, cfg, mem, log, err);
    if (!rc && cfg->ramfb)
        rc = ramfb_init(&board->ramfb, &board->fw_cfg, mem, err);
    if (!rc && cfg->ramfb) /* behind those that a driver of its own shows pictures on */
        display_add(&board->displays, &board->ramfb.source);
    if (!rc) /* the last ones, so that the search for a device meets them last */
        rc = virt_map_pci(board, mem, err);
    if (rc)
        virt_board_destroy(board);
    return rc;
}

void virt_board_destroy(struct virt_board *board)
{
    virt_destroy_slots(board);
    virt_destroy_flash(board);
    fw_cfg_destroy(&board->fw_cfg);
}

void virt_board_reset(struct virt_board *board)
{
    struct device *const devices[] = {&board->uart.dev,        &board->rtc.dev,
                                      &board->gpio.dev,        &board->fw_cfg.dev,
                                      &board->secure_uart.dev, &board->secure_gpio.dev,
                                      &board->flash[0].dev,    &board->flash[1].dev,
                                      &board->smmu.dev,        &board->tpm.dev};

    for (unsigned i = 0; i < VIRT_SLOTS; i++)
        board->slots[i].dev.ops->reset(&board->slots[i].dev);
    pci_host_reset(&board->pci);
    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
        if (devices[i]->ops) /* the board has it */
            devices[i]->ops->reset(devices[i]);
}
