/* What is plugged into the board, as lines for people. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/bits.h"
#include "devices/pci_port.h"
#include "devices/usb.h"
#include "machine/virt_devices.h"

#define LINE 320

/* A text that lines are put together in. */
struct text {
    char bytes[LINE];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->bytes + t->used, sizeof(t->bytes) - t->used, format, args);
    va_end(args);
    if (n > 0)
        t->used +=
            (size_t)n < sizeof(t->bytes) - t->used ? (size_t)n : sizeof(t->bytes) - t->used - 1;
}

/* A BAR without an address was not given one, or is switched off in the command register. */
static void add_bar(struct text *t, const struct pci_function *f, unsigned n)
{
    const struct pci_bar *bar = &f->bars[n];
    uint64_t base = pci_bar_base(f, n);
    bool on = pci_get(f, PCI_COMMAND, 2) & (bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);

    if (!bar->size)
        return;
    add(t, "; BAR%u %s %#" PRIx64 " bytes", n, bar->io ? "ports" : "memory", bar->size);
    if (base && on)
        add(t, " at %#" PRIx64, base);
    else
        add(t, " %s", base ? "off" : "without an address");
}

static void describe_function(const struct pci_function *f, arm_line_fn *line, void *ctx)
{
    unsigned behind = pci_port_bus(f);
    struct text t = {.used = 0};

    add(&t, "%02x:%02x.%u %04x:%04x class %04x %s", f->port ? pci_port_bus(f->port) : 0,
        f->devfn >> 3, f->devfn & 7, (unsigned)pci_get(f, PCI_VENDOR_ID, 2),
        (unsigned)pci_get(f, PCI_DEVICE_ID, 2), (unsigned)pci_get(f, PCI_CLASS, 2), f->ops->name);
    if (behind && (pci_get(f, PCI_HEADER_TYPE, 1) & 0x7f) == 1)
        add(&t, "; bus %02x behind it", behind);
    for (unsigned n = 0; n < PCI_BARS; n++)
        add_bar(&t, f, n);
    if (f->msix.count)
        add(&t, "; MSI-X %s, %u vectors", pci_msix_enabled(f) ? "on" : "off", f->msix.count);
    line(ctx, t.bytes);
}

void virt_describe_pci(const struct virt_board *board, arm_line_fn *line, void *ctx)
{
    for (unsigned i = 0; i < board->pci.count; i++)
        describe_function(board->pci.functions[i], line, ctx);
}

static void describe_usb_device(const struct usb_device *d, unsigned bus, arm_line_fn *line,
                                void *ctx)
{
    static const char *const speeds[] = {
        [USB_FULL] = "12", [USB_LOW] = "1.5", [USB_HIGH] = "480", [USB_SUPER] = "5000"};
    struct text t = {.used = 0};
    char path[USB_PATH_MAX];

    usb_path(d, path);
    add(&t, "Device %u.%u, Port %s, Speed %s Mb/s, Product %s", bus, d->address, path,
        speeds[d->speed], d->about->name);
    line(ctx, t.bytes);
}

/* As QEMU's monitor has them: the controller by its device, and what is at it. */
void virt_describe_usb(const struct virt_board *board, arm_line_fn *line, void *ctx)
{
    for (unsigned i = 0; i < VIRT_SLOTS; i++) {
        const struct virt_usb *bus = board->plugged[i] ? board->plugged[i]->usb : NULL;
        for (unsigned k = i + 1; bus && k < VIRT_SLOTS; k++) {
            const struct virt_usb *usb = board->plugged[k] ? board->plugged[k]->usb : NULL;
            if (usb && virt_usb_controller(usb) == bus && virt_usb_device(usb))
                describe_usb_device(virt_usb_device(usb), i, line, ctx);
        }
    }
}

void virt_describe_disks(const struct virt_board *board, arm_line_fn *line, void *ctx)
{
    static const char *const modes[] = {
        [DISK_SNAPSHOT] = "writes are kept in memory",
        [DISK_READONLY] = "read-only",
        [DISK_WRITABLE] = "writable",
    };

    for (unsigned i = 0; i < VIRT_SLOTS; i++) {
        const struct disk *disk = board->plugged[i] ? virt_plugged_disk(board->plugged[i]) : NULL;
        struct text t = {.used = 0};
        if (!disk)
            continue;
        add(&t, "device %u, %s: %s (%s, %" PRIu64 " bytes), %s", i,
            virt_kind_name(board->plugged[i]->kind), disk->path, disk->image ? "qcow2" : "raw",
            disk->size, modes[disk->mode]);
        line(ctx, t.bytes);
    }
}
