/* What the board has for its Secure world alone: RAM, a second PL011, and a PL061 whose outputs
 * switch the machine off or start it again. */
#include "gic/gic.h"
#include "machine/virt.h"

static void driven(void *ctx, uint8_t levels)
{
    const struct virt_config *cfg = ctx;

    if (levels & (1u << VIRT_SECURE_POWEROFF_GPIO))
        cfg->power(cfg->power_ctx, false);
    else if (levels & (1u << VIRT_SECURE_RESTART_GPIO))
        cfg->power(cfg->power_ctx, true);
}

int virt_create_secure(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                       struct gic *gic, struct clock *clock, const struct arm_log *log,
                       struct arm_error *err)
{
    const struct virt_memmap *ram = &virt_memmap[VIRT_SECURE_MEM];
    const struct virt_memmap *uart = &virt_memmap[VIRT_SECURE_UART];
    const struct virt_memmap *gpio = &virt_memmap[VIRT_SECURE_GPIO];

    if (!cfg->secure)
        return 0;
    pl011_init(&board->secure_uart, log, gic_spi_line(gic, VIRT_SPI_SECURE_UART), clock,
               VIRT_CLOCK_HZ, cfg->secure_console, cfg->secure_console_ctx);
    pl061_init(&board->secure_gpio, log, gic_spi_line(gic, VIRT_SPI_SECURE_GPIO));
    board->secure_gpio.driven = driven;
    board->secure_gpio.driven_ctx = (void *)cfg;
    int rc = physmem_add_ram(mem, pa(ram->base), ram->size, err);
    if (!rc)
        rc = physmem_add_device(mem, pa(uart->base), uart->size, &board->secure_uart.dev, 0, err);
    if (!rc)
        rc = physmem_add_device(mem, pa(gpio->base), gpio->size, &board->secure_gpio.dev, 0, err);
    physmem_make_secure(mem, pa(ram->base));
    physmem_make_secure(mem, pa(uart->base));
    physmem_make_secure(mem, pa(gpio->base));
    return rc;
}
