#include "devices/pvpanic.h"

#define BAR_BYTES    16
#define PANICKED     UINT64_C(1)
#define CRASH_LOADED UINT64_C(2)

/* What it knows. */
static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    (void)f, (void)bar, (void)size;
    return offset == 0 ? PANICKED | CRASH_LOADED : 0;
}

static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct pvpanic *p = (struct pvpanic *)f;

    (void)bar, (void)size;
    if (offset || !(value & (PANICKED | CRASH_LOADED)))
        return;
    LOG(f->log, DEVICE, WARN, "pvpanic: the guest's kernel says that it %s",
        value & PANICKED ? "has panicked" : "goes on with the one that was loaded for a crash");
    if ((value & PANICKED) && p->end)
        p->end(p->ctx, p->code);
}

static const struct pci_ops ops = {.name = "pvpanic", .read = read_bar, .write = write_bar};

void pvpanic_init(struct pvpanic *p, void (*end)(void *ctx, int code), void *ctx, int code,
                  const struct arm_log *log)
{
    *p = (struct pvpanic){.end = end, .ctx = ctx, .code = code};
    pci_init(&p->function, &ops, log,
             &(struct pci_identity){.vendor = 0x1b36,
                                    .device = 0x0011,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x0880,
                                    .revision = 1});
    pci_add_bar(&p->function, 0, (struct pci_bar){.size = BAR_BYTES});
}
