/* Where the board's devices are: in virtio-mmio slots, on PCI, or on a controller. */
#include <stdio.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "gic/gic.h"
#include "machine/virt_devices.h"

#define SLOT_VERSION 2 /* of the state of a slot; 2: with packed queues */

static bool is_virtio(const struct virt_plugged *p)
{
    return virt_place_of(p->kind) == VIRT_SLOT;
}

/* @at[slot]: 1 + the device in it. In the order of the configuration, each takes its own slot, or
 * the last one free. */
static int assign_slots(const struct virt_config *cfg, unsigned at[VIRT_SLOTS],
                        struct arm_error *err)
{
    for (unsigned i = 0; i < cfg->device_count; i++) {
        unsigned bus = cfg->devices[i].bus, slot = bus ? bus - 1 : VIRT_SLOTS - 1;

        if (!cfg->devices[i].pci.on && virt_place_of(cfg->devices[i].kind) == VIRT_FUNCTION)
            return error_set(err, ARM_EINVAL, "device %u is one of PCI, expected a place there", i);
        if (cfg->devices[i].pci.on || virt_place_of(cfg->devices[i].kind) != VIRT_SLOT)
            continue;
        if (bus > VIRT_SLOTS)
            return error_set(err, ARM_EINVAL, "virtio-mmio-bus.%u: expected 0 to %d", slot,
                             VIRT_SLOTS - 1);
        while (!bus && slot && at[slot])
            slot--;
        if (at[slot])
            return error_set(err, ARM_EINVAL, "virtio-mmio-bus.%u: there is a device in it", slot);
        at[slot] = 1 + i;
    }
    return 0;
}

/* A virtio device becomes a function, with a message for each queue and one
 * for the configuration. One that never had a legacy interface has the modern one whatever is asked
 * for, as in QEMU. */
static int connect_pci(struct virt_plugged *p, unsigned i, const struct virt_config *cfg,
                       struct virt_board *board, const struct arm_log *log, struct arm_error *err)
{
    const struct arm_pci_place *place = &cfg->devices[i].pci;
    bool legacy = !place->no_legacy && virtio_pci_has_legacy(&p->virtio);
    bool modern = !place->no_modern || !virtio_pci_has_legacy(&p->virtio);

    if (!legacy && !modern)
        return error_set(err, ARM_EINVAL,
                         "virtio %s on PCI with neither the legacy nor the modern interface",
                         p->virtio.ops->name);
    if (cfg->devices[i].access_platform && legacy)
        return error_set(err, ARM_EINVAL,
                         "virtio %s that may be behind an IOMMU: expected no legacy interface, "
                         "which knows no such feature",
                         p->virtio.ops->name);
    virtio_pci_init(
        &p->pci,
        &(struct virtio_pci_config){.virtio = &p->virtio,
                                    .unit = VIRT_SLOTS + i,
                                    .modern = modern,
                                    .legacy = legacy,
                                    .express = virt_is_express(cfg, place),
                                    .vectors = virt_vectors(cfg, place, p->virtio.queue_count + 1)},
        log, board->clock);
    return 0;
}

struct pci_function *virt_function_of(struct virt_plugged *p)
{
    if (p->usb)
        return virt_usb_function(p->usb);
    return is_virtio(p) ? &p->pci.function : &p->function;
}

static int plug_pci(struct virt_board *board, unsigned i, const struct virt_config *cfg,
                    const struct arm_log *log, struct arm_error *err)
{
    const struct arm_pci_place *place = &cfg->devices[i].pci;
    struct virt_plugged *p = board->plugged[i];
    int devfn = virt_pci_place(board, cfg, place, err);
    int rc = devfn < 0 ? devfn : 0;

    if (!rc && virt_place_of(p->kind) == VIRT_UNIT)
        rc = error_set(err, ARM_EINVAL, "device %u is on a controller, not on PCI", i);
    if (!rc && is_virtio(p))
        rc = connect_pci(p, i, cfg, board, log, err);
    if (rc)
        return rc;
    pci_host_add(&board->pci, virt_function_of(p), virt_pci_port(board, place), (uint8_t)devfn);
    if (is_virtio(p) && cfg->devices[i].access_platform)
        p->virtio.iommu = pci_iommu(&p->pci.function);
    return 0;
}

int virt_create_slots(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                      struct gic *gic, const struct arm_log *log, struct arm_error *err)
{
    const struct virt_memmap *m = &virt_memmap[VIRT_VIRTIO_MMIO];
    unsigned at[VIRT_SLOTS] = {0};
    int rc;

    if (cfg->device_count > VIRT_SLOTS)
        return error_set(err, ARM_EINVAL, "%u devices, expected at most %d", cfg->device_count,
                         VIRT_SLOTS);
    rc = virt_check_kinds(cfg, err);
    if (!rc)
        rc = assign_slots(cfg, at, err);
    for (unsigned i = 0; !rc && i < cfg->device_count; i++)
        rc = virt_plug(&board->plugged[i],
                       &(struct plug){board, cfg, &cfg->devices[i], VIRT_SLOTS + i, mem, log}, err);
    for (unsigned i = 0; !rc && i < cfg->device_count; i++)
        if (cfg->devices[i].pci.on)
            rc = plug_pci(board, i, cfg, log, err);
    for (unsigned slot = 0; !rc && slot < VIRT_SLOTS; slot++) {
        struct virt_plugged *p = at[slot] ? board->plugged[at[slot] - 1] : NULL;
        virtio_mmio_init(&board->slots[slot], slot, log,
                         gic_spi_line(gic, VIRT_SPI_VIRTIO_MMIO + slot), board->clock,
                         cfg->virtio_legacy, p ? &p->virtio : NULL);
        rc = physmem_add_device(mem, pa(m->base + slot * m->size), m->size, &board->slots[slot].dev,
                                0, err);
    }
    return rc;
}

void virt_destroy_slots(struct virt_board *board)
{
    for (unsigned i = 0; i < VIRT_SLOTS; i++) {
        if (board->plugged[i])
            virt_unplug(board->plugged[i]);
        board->plugged[i] = NULL;
    }
}

struct disk *virt_plugged_disk(struct virt_plugged *plugged)
{
    return plugged->disk.fd >= 0 ? &plugged->disk : NULL;
}

static void slot_state(struct state_io *io, struct virt_board *board, unsigned slot)
{
    char name[STATE_NAME_MAX];
    struct device *dev = &board->slots[slot].dev;

    snprintf(name, sizeof(name), "virtio-mmio%u", slot);
    state_section_begin(io, name, SLOT_VERSION);
    dev->ops->state(io, dev);
    state_section_end(io);
}

static void testdevs_state(struct state_io *io, struct virt_plugged *p, unsigned index)
{
    char name[STATE_NAME_MAX];

    snprintf(name, sizeof(name), "testdev%u", index);
    state_section_begin(io, name, 1);
    for (unsigned n = 0; n < p->console.port_count; n++)
        testdev_state(io, &p->testdev[n]);
    state_section_end(io);
}

void virt_slots_state(struct state_io *io, struct virt_board *board)
{
    for (unsigned slot = 0; slot < VIRT_SLOTS; slot++)
        slot_state(io, board, slot);
    for (unsigned i = 0; i < VIRT_SLOTS; i++)
        if (board->plugged[i] && board->plugged[i]->kind == ARM_VIRTIO_CONSOLE)
            testdevs_state(io, board->plugged[i], i);
}

void virt_describe_virtio(const struct virt_board *board, void (*line)(void *ctx, const char *text),
                          void *ctx)
{
    for (unsigned i = 0; i < VIRT_SLOTS; i++)
        if (board->plugged[i] && is_virtio(board->plugged[i]))
            virtio_describe(&board->plugged[i]->virtio, line, ctx);
}

size_t virt_board_port_input(struct virt_board *board, unsigned device, unsigned port,
                             const uint8_t *data, size_t n)
{
    struct virt_plugged *p = device < VIRT_SLOTS ? board->plugged[device] : NULL;

    if (p && p->kind == ARM_VIRTIO_NET && port == 0)
        return virtio_net_receive(&p->net, data, n);
    if (p && (p->kind == ARM_E1000 || p->kind == ARM_E1000E) && port == 0)
        return e1000_receive(&p->e1000, data, n);
    if (p && p->kind == ARM_PCI_SERIAL && port == 0)
        return uart16550_receive(&p->pci_serial.uart, data, n);
    if (!p || p->kind != ARM_VIRTIO_CONSOLE || port >= p->console.port_count)
        return 0;
    return virtio_console_receive(&p->console, port, data, n);
}
