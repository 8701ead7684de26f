#include "devices/pci_serial.h"

#include <stdio.h>

static struct pci_serial *to_serial(struct pci_function *f)
{
    return (struct pci_serial *)f;
}

/* Differs: of an access of more than a byte it is the first one's. */
static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    (void)bar, (void)size;
    return uart16550_read(&to_serial(f)->uart, (unsigned)offset);
}

static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    (void)bar, (void)size;
    uart16550_write(&to_serial(f)->uart, (unsigned)offset, (uint8_t)value);
}

static void level(void *ctx, bool high)
{
    pci_intx_set(ctx, high);
}

static void reset(struct pci_function *f)
{
    uart16550_reset(&to_serial(f)->uart);
}

static void state(struct state_io *io, struct pci_function *f)
{
    uart16550_state(io, &to_serial(f)->uart);
}

static const struct pci_ops ops = {
    .name = "pci-serial", .read = read_bar, .write = write_bar, .reset = reset, .state = state};

void pci_serial_init(struct pci_serial *s, unsigned unit, struct clock *clock,
                     void (*write)(void *ctx, const uint8_t *data, size_t size), void *ctx,
                     const struct arm_log *log)
{
    char name[CLOCK_NAME_MAX];

    *s = (struct pci_serial){
        .uart = {.clock = clock,
                 .write = write,
                 .write_ctx = ctx,
                 .level = level,
                 .level_ctx = &s->function},
    };
    pci_init(&s->function, &ops, log,
             &(struct pci_identity){.vendor = 0x1b36,
                                    .device = 0x0002,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x0700,
                                    .interface = 2, /* like a 16550 */
                                    .revision = 1,
                                    .pin = true});
    pci_add_bar(&s->function, 0, (struct pci_bar){.size = UART16550_REGS, .io = true});
    snprintf(name, sizeof(name), "pci-serial%u", unit);
    uart16550_init(&s->uart, name);
}
