/* The order in which firmware is to try devices: fw_cfg's file bootorder, with a device's path in
 * each line, as Open Firmware writes them (QEMU's `bootindex`). */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "devices/usb.h"
#include "machine/virt_devices.h"

#define BOOT_FILE "bootorder"
/* QEMU's host bridge has no address in a path, and this is what it prints. */
#define PCI_ROOT "/pci@ffffffffffffffff"

/* By kind: what a function is called, and what of it is booted. NULL: nothing of such a device. */
static const struct {
    enum arm_device_kind kind;
    const char *function, *media;
} names[] = {
    {ARM_VIRTIO_BLK, "scsi", "/disk@0,0"},
    {ARM_VIRTIO_NET, "ethernet", "/ethernet-phy@0"},
    {ARM_E1000, "ethernet", "/ethernet-phy@0"},
    {ARM_E1000E, "ethernet", "/ethernet-phy@0"},
    {ARM_NVME, "pci1b36,0010", "/namespace@1,0"},
    {ARM_VIRTIO_SCSI, "scsi", NULL},
    {ARM_AHCI, "pci8086,2922", NULL},
    {ARM_USB_XHCI, "usb", NULL},
    {ARM_USB_EHCI, "usb", NULL},
};

static const char *function_name(enum arm_device_kind kind, const char **media)
{
    for (size_t k = 0; k < ARRAY_SIZE(names); k++)
        if (names[k].kind == kind) {
            *media = names[k].media;
            return names[k].function;
        }
    return NULL;
}

static void put_address(GString *to, const char *name, uint8_t devfn)
{
    g_string_append_printf(to, "/%s@%x", name, devfn >> 3);
    if (devfn & 7)
        g_string_append_printf(to, ",%x", devfn & 7u);
}

static void put_function(GString *to, const char *name, const struct pci_function *f)
{
    if (!f->port)
        g_string_append(to, PCI_ROOT);
    else
        put_function(to, "pci-bridge", f->port);
    put_address(to, name, f->devfn);
}

static void put_slot(GString *to, const struct virt_board *board, const struct virt_plugged *p)
{
    uint64_t at = virt_memmap[VIRT_VIRTIO_MMIO].base;

    for (unsigned slot = 0; slot < VIRT_SLOTS - 1 && board->slots[slot].virtio != &p->virtio;
         slot++)
        at += virt_memmap[VIRT_VIRTIO_MMIO].size;
    g_string_append_printf(to, "/virtio-mmio@%016" PRIx64, at);
}

/* A device that is not on another's bus. */
static const char *put_device(GString *to, struct virt_board *board, const struct arm_device *what,
                              struct virt_plugged *p)
{
    const char *media = NULL, *name = function_name(what->kind, &media);

    if (name && what->pci.on)
        put_function(to, name, virt_function_of(p));
    else if (name)
        put_slot(to, board, p);
    return media;
}

static void put_hubs(GString *to, const struct usb_device *hub)
{
    if (!hub)
        return;
    put_hubs(to, hub->hub);
    g_string_append_printf(to, "/hub@%u", hub->port);
}

static void put_usb_disk(GString *to, const struct usb_device *disk)
{
    put_hubs(to, disk->hub);
    g_string_append_printf(to, "/storage@%u/channel@0/disk@0,0", disk->port);
}

/* A disk on the bus of the controller @on. */
static void put_unit(GString *to, const struct arm_unit *unit, struct virt_plugged *p,
                     const struct virt_plugged *on)
{
    if (on->kind == ARM_AHCI)
        g_string_append_printf(to, "/drive@%x/disk@0", unit->target);
    else if (on->kind == ARM_VIRTIO_SCSI)
        g_string_append_printf(to, "/channel@0/disk@%x,%x", unit->target, unit->lun);
    else
        put_usb_disk(to, virt_usb_device(p->usb));
}

static void put_line(GString *to, struct virt_board *board, const struct virt_config *cfg,
                     unsigned i)
{
    const struct arm_device *what = &cfg->devices[i];
    struct virt_plugged *p = board->plugged[i];
    const char *media = NULL;

    if (what->kind != ARM_DISK && (!function_name(what->kind, &media) || !media))
        return; /* nothing of it is booted */
    if (to->len)
        g_string_append_c(to, '\n');
    if (what->kind == ARM_DISK) {
        unsigned n = what->unit.controller;
        while (cfg->devices[n].kind == ARM_USB_HUB)
            n = cfg->devices[n].unit.controller;
        (void)put_device(to, board, &cfg->devices[n], board->plugged[n]);
        put_unit(to, &what->unit, p, board->plugged[n]);
    } else if ((media = put_device(to, board, what, p))) {
        g_string_append(to, media);
    }
}

/* Two devices of one place: in the order of the configuration. */
static int next_after(const struct virt_config *cfg, uint64_t *place)
{
    uint64_t best = UINT64_MAX;
    int at = -1;

    for (unsigned i = 0; i < cfg->device_count; i++) {
        uint64_t mine = (uint64_t)cfg->devices[i].boot << 8 | i;
        if (cfg->devices[i].boot && mine > *place && mine < best) {
            best = mine;
            at = (int)i;
        }
    }
    *place = best;
    return at;
}

int virt_boot_order(struct virt_board *board, const struct virt_config *cfg, struct arm_error *err)
{
    GString *order = g_string_new(NULL);
    uint64_t place = 0;
    int rc = 0;

    for (int i; (i = next_after(cfg, &place)) >= 0;)
        put_line(order, board, cfg, (unsigned)i);
    if (order->len) /* with its terminating zero */
        rc = fw_cfg_add_file(&board->fw_cfg, BOOT_FILE, order->str, (uint32_t)order->len + 1, err);
    g_string_free(order, TRUE);
    return rc;
}
