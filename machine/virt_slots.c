/* The board's virtio devices, in its virtio-mmio slots and on PCI. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/ahci.h"
#include "devices/e1000.h"
#include "devices/nvme.h"
#include "devices/testdev.h"
#include "devices/virtio_9p.h"
#include "devices/virtio_blk.h"
#include "devices/virtio_console.h"
#include "devices/virtio_gpu.h"
#include "devices/virtio_input.h"
#include "devices/virtio_net.h"
#include "devices/virtio_pci.h"
#include "devices/virtio_rng.h"
#include "devices/virtio_scsi.h"
#include "gic/gic.h"
#include "machine/virt.h"
#include "machine/virt_usb.h"

#define RNG_STREAM UINT64_C(0x766972742d726e67) /* keeps it apart from the device tree's seeds */

struct virt_plugged {
    enum arm_virtio_kind kind;
    struct disk disk; /* of a block device; .fd < 0: not open */
    struct scsi_unit unit;
    struct testdev testdev[ARM_PORTS_MAX];
    struct virtio_pci pci; /* if it is there */
    struct virt_usb *usb;  /* of USB; owned */
    union {
        struct virtio virtio;
        struct pci_function function; /* of what is on PCI only */
        struct virtio_blk blk;
        struct virtio_console console;
        struct virtio_rng rng;
        struct virtio_net net;
        struct virtio_9p folder;
        struct virtio_input input;
        struct virtio_gpu gpu;
        struct virtio_scsi scsi;
        struct nvme nvme;
        struct e1000 e1000;
        struct ahci ahci;
    };
};

_Static_assert(ARM_PORTS_MAX == VIRTIO_CONSOLE_PORTS_MAX && ARM_VIRTIO_MAX == VIRT_SLOTS &&
                   ARM_FRAME_MAX == VIRTIO_NET_FRAME_MAX,
               "limits that the programmer sees are those of the devices");

struct disk_spec virt_disk_spec(const struct arm_drive *drive, const struct virt_config *cfg)
{
    static const enum disk_mode modes[] = {
        [ARM_DRIVE_SNAPSHOT] = DISK_SNAPSHOT,
        [ARM_DRIVE_READONLY] = DISK_READONLY,
        [ARM_DRIVE_WRITABLE] = DISK_WRITABLE,
    };

    return (struct disk_spec){.path = drive->path,
                              .mode = modes[drive->mode],
                              .format = drive->format,
                              .host = cfg->host};
}

/* What the creation of one device needs. */
struct plug {
    struct virt_board *board;
    const struct virt_config *cfg;
    const struct arm_virtio *what;
    unsigned unit; /* on PCI, in events of DMA */
    struct physmem *mem;
    const struct arm_log *log;
};

static int plug_blk(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct disk_spec spec = virt_disk_spec(&plug->what->drive, plug->cfg);
    int rc = disk_open(&p->disk, &spec, plug->log, err);

    return rc ? rc
              : virtio_blk_init(&p->blk, plug->log, plug->mem, &p->disk, plug->what->serial, err);
}

/* A port's name is cut to what fits. */
static struct virtio_port make_port(struct virt_plugged *p, const struct plug *plug, unsigned n)
{
    const struct arm_port *from = &plug->what->ports[n];
    struct virtio_port port = {
        .is_console = from->console, .write = from->write, .write_ctx = from->ctx};

    if (from->name)
        strncpy(port.name, from->name, VIRTIO_CONSOLE_NAME_MAX);
    if (from->testdev) {
        p->testdev[n] = (struct testdev){.exit = plug->cfg->exit, .exit_ctx = plug->cfg->exit_ctx};
        port.write = testdev_write;
        port.write_ctx = &p->testdev[n];
    }
    return port;
}

static int plug_console(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    struct virtio_port ports[VIRTIO_CONSOLE_PORTS_MAX];
    unsigned count = plug->what->port_count;

    if (count < 1 || count > VIRTIO_CONSOLE_PORTS_MAX)
        return error_set(err, ARM_EINVAL, "virtio console: %u ports, expected 1 to %d", count,
                         VIRTIO_CONSOLE_PORTS_MAX);
    for (unsigned n = 0; n < count; n++)
        ports[n] = make_port(p, plug, n);
    virtio_console_init(&p->console, plug->log, plug->mem, ports, count);
    return 0;
}

static int plug_rng(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    virtio_rng_init(&p->rng, plug->log, plug->mem, plug->cfg->seed ^ RNG_STREAM);
    return 0;
}

static int plug_ahci(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    ahci_init(
        &p->ahci,
        &(struct ahci_config){.unit = plug->unit, .mem = plug->mem, .clock = plug->board->clock},
        plug->log);
    return 0;
}

static int check_mac(const struct arm_wire *wire, struct arm_error *err)
{
    if (!(wire->mac[0] & 1))
        return 0;
    return error_set(err, ARM_EINVAL,
                     "a network device's address begins with %02x, that of a group: expected an "
                     "even number",
                     wire->mac[0]);
}

static int plug_e1000(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_wire *wire = &plug->what->wire;

    e1000_init(&p->e1000,
               &(struct e1000_config){.mac = wire->mac,
                                      .send = wire->send,
                                      .send_ctx = wire->ctx,
                                      .unit = plug->unit,
                                      .mem = plug->mem,
                                      .clock = plug->board->clock},
               plug->log);
    return check_mac(wire, err);
}

static int plug_net(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_wire *wire = &plug->what->wire;
    int rc = check_mac(wire, err);

    if (rc)
        return rc;
    virtio_net_init(&p->net, plug->log, plug->mem, wire->mac, wire->send, wire->ctx);
    return 0;
}

static int plug_9p(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    static const enum folder_security securities[] = {
        [ARM_FOLDER_NONE] = FOLDER_NONE,
        [ARM_FOLDER_PASSTHROUGH] = FOLDER_PASSTHROUGH,
        [ARM_FOLDER_MAPPED] = FOLDER_MAPPED,
    };
    const struct arm_folder *from = &plug->what->folder;
    struct folder folder;
    int rc;

    if (!from->path || !from->tag || !*from->tag || strlen(from->tag) > VIRTIO_9P_TAG_MAX)
        return error_set(err, ARM_EINVAL,
                         "virtio 9p: expected a folder, and a tag of 1 to %d characters",
                         VIRTIO_9P_TAG_MAX);
    rc = folder_open(&folder, from->path, securities[from->security], from->readonly, err);
    if (!rc)
        virtio_9p_init(&p->folder, plug->log, plug->mem, &folder, from->tag);
    return rc;
}

static int plug_input(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    static const enum virtio_input_kind kinds[] = {
        [ARM_VIRTIO_KEYBOARD] = VIRTIO_INPUT_KEYBOARD,
        [ARM_VIRTIO_MOUSE] = VIRTIO_INPUT_MOUSE,
        [ARM_VIRTIO_TABLET] = VIRTIO_INPUT_TABLET,
    };

    (void)err;
    virtio_input_init(&p->input, plug->log, plug->mem, kinds[plug->what->kind]);
    host_input_add(&plug->board->host_input, &p->input.host);
    return 0;
}

#define GPU_WIDTH  1280
#define GPU_HEIGHT 800

static int plug_gpu(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    unsigned width = plug->what->width ? plug->what->width : GPU_WIDTH;
    unsigned height = plug->what->height ? plug->what->height : GPU_HEIGHT;

    if (width > VIRTIO_GPU_SIDE_MAX || height > VIRTIO_GPU_SIDE_MAX)
        return error_set(err, ARM_EINVAL, "virtio gpu: %u by %u pixels, expected at most %d", width,
                         height, VIRTIO_GPU_SIDE_MAX);
    virtio_gpu_init(&p->gpu, plug->log, plug->mem, width, height, plug->cfg->host);
    display_add(&plug->board->displays, &p->gpu.source);
    return 0;
}

static int plug_scsi(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    virtio_scsi_init(&p->scsi, plug->log, plug->mem);
    return 0;
}

static int attach(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_unit *unit = &plug->what->unit;
    struct virt_plugged *to =
        unit->controller < VIRT_SLOTS ? plug->board->plugged[unit->controller] : NULL;

    bool attached = false;

    if (to && to->usb)
        return virt_usb_plug_disk(&p->usb, to->usb, plug->what, &p->unit, err);
    if (!to || (to->kind != ARM_VIRTIO_SCSI && to->kind != ARM_AHCI))
        return error_set(err, ARM_EINVAL, "a disk of device %u, which is no controller before it",
                         unit->controller);
    if (to->kind == ARM_VIRTIO_SCSI)
        attached = virtio_scsi_attach(&to->scsi, unit->target, unit->lun, &p->unit);
    else
        attached = !unit->lun && ahci_attach(&to->ahci, unit->target, &p->unit);
    return attached ? 0
                    : error_set(err, ARM_EINVAL, "disk %u.%u: its place is taken, or there is none",
                                unit->target, unit->lun);
}

static int plug_disk(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct disk_spec spec = virt_disk_spec(&plug->what->drive, plug->cfg);
    bool empty = plug->what->unit.cdrom && !spec.path;
    int rc = empty ? 0 : disk_open(&p->disk, &spec, plug->log, err);

    if (!rc)
        rc = scsi_unit_init(&p->unit, empty ? NULL : &p->disk, plug->what->unit.cdrom,
                            plug->what->serial, err);
    return rc ? rc : attach(p, plug, err);
}

/* The USB controller that a device before this one is; NULL: it is none. */
static struct virt_usb *usb_bus(const struct plug *plug)
{
    unsigned n = plug->what->unit.controller;
    struct virt_plugged *to = n < VIRT_SLOTS ? plug->board->plugged[n] : NULL;

    return to ? to->usb : NULL;
}

static int plug_usb(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    struct virt_board *board = plug->board;

    if (plug->what->kind < ARM_USB_KEYBOARD)
        return virt_usb_create(&p->usb, board, plug->cfg,
                               (unsigned)(plug->what - plug->cfg->virtio), plug->log, err);
    return virt_usb_plug(&p->usb, usb_bus(plug), plug->what, &board->host_input, err);
}

/* Messages for a function that has a use for @count of them, if nothing else is wanted. */
static unsigned vectors_of(const struct virt_config *cfg, const struct arm_pci_place *place,
                           unsigned count)
{
    unsigned wanted = place->vectors ? place->vectors - 1 : count;

    if (!cfg->its && !cfg->gic_v2)
        return 0;
    return wanted < PCI_VECTORS_MAX ? wanted : PCI_VECTORS_MAX;
}

static int plug_nvme(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_pci_place *place = &plug->what->pci;
    const struct disk_spec spec = virt_disk_spec(&plug->what->drive, plug->cfg);
    int rc = disk_open(&p->disk, &spec, plug->log, err);

    return rc ? rc
              : nvme_init(&p->nvme,
                          &(struct nvme_config){
                              .disk = &p->disk,
                              .serial = plug->what->serial ? plug->what->serial : "armillary",
                              .unit = plug->unit,
                              .vectors = vectors_of(plug->cfg, place, NVME_QUEUES),
                              .express = place->port != 0,
                              .mem = plug->mem,
                              .clock = plug->board->clock},
                          plug->log, err);
}

/* Devices that are on PCI only, and have nothing of virtio. */
static bool is_function(enum arm_virtio_kind kind)
{
    return kind == ARM_NVME || kind == ARM_E1000 || kind == ARM_AHCI || kind == ARM_USB_XHCI ||
           kind == ARM_USB_EHCI;
}

static bool is_virtio(enum arm_virtio_kind kind)
{
    return kind < ARM_DISK;
}

static int plug_one(struct virt_plugged **out, const struct plug *plug, struct arm_error *err)
{
    static int (*const kinds[])(struct virt_plugged *, const struct plug *, struct arm_error *) = {
        [ARM_VIRTIO_BLK] = plug_blk,     [ARM_VIRTIO_CONSOLE] = plug_console,
        [ARM_VIRTIO_RNG] = plug_rng,     [ARM_VIRTIO_NET] = plug_net,
        [ARM_VIRTIO_9P] = plug_9p,       [ARM_VIRTIO_KEYBOARD] = plug_input,
        [ARM_VIRTIO_MOUSE] = plug_input, [ARM_VIRTIO_TABLET] = plug_input,
        [ARM_VIRTIO_GPU] = plug_gpu,     [ARM_VIRTIO_SCSI] = plug_scsi,
        [ARM_DISK] = plug_disk,          [ARM_USB_XHCI] = plug_usb,
        [ARM_USB_EHCI] = plug_usb,       [ARM_USB_KEYBOARD] = plug_usb,
        [ARM_USB_MOUSE] = plug_usb,      [ARM_USB_TABLET] = plug_usb,
        [ARM_NVME] = plug_nvme,          [ARM_E1000] = plug_e1000,
        [ARM_AHCI] = plug_ahci,
    };

    int rc;

    *out = calloc(1, sizeof(**out));
    if (!*out)
        return error_set(err, ARM_ENOMEM, "no memory for a device");
    (*out)->disk.fd = -1;
    (*out)->kind = plug->what->kind;
    rc = kinds[plug->what->kind](*out, plug, err);
    if (!rc && is_virtio((*out)->kind) && plug->what->no_event_idx)
        (*out)->virtio.offered &= ~BIT(VIRTIO_F_EVENT_IDX);
    if (!rc && is_virtio((*out)->kind) && plug->what->no_indirect)
        (*out)->virtio.offered &= ~BIT(VIRTIO_F_INDIRECT_DESC);
    if (!rc && is_virtio((*out)->kind) && plug->what->access_platform)
        (*out)->virtio.offered |= BIT(VIRTIO_F_ACCESS_PLATFORM);
    return rc;
}

/* @at[slot]: 1 + the device in it. In the order of the configuration, each takes its own slot, or
 * the last one free. */
static int assign_slots(const struct virt_config *cfg, unsigned at[VIRT_SLOTS],
                        struct arm_error *err)
{
    for (unsigned i = 0; i < cfg->virtio_count; i++) {
        unsigned bus = cfg->virtio[i].bus, slot = bus ? bus - 1 : VIRT_SLOTS - 1;

        if (!cfg->virtio[i].pci.on && is_function(cfg->virtio[i].kind))
            return error_set(err, ARM_EINVAL, "device %u is one of PCI, expected a place there", i);
        if (cfg->virtio[i].pci.on || !is_virtio(cfg->virtio[i].kind))
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

/* A virtio device becomes a function, with a message for each queue and one for the configuration.
 */
static int connect_pci(struct virt_plugged *p, unsigned i, const struct virt_config *cfg,
                       struct virt_board *board, const struct arm_log *log, struct arm_error *err)
{
    const struct arm_pci_place *place = &cfg->virtio[i].pci;
    bool legacy = !place->no_legacy && virtio_pci_has_legacy(&p->virtio);

    if (!legacy && place->no_modern)
        return error_set(err, ARM_EINVAL,
                         "virtio %s on PCI with neither the legacy nor the modern interface",
                         p->virtio.ops->name);
    if (cfg->virtio[i].access_platform && legacy)
        return error_set(err, ARM_EINVAL,
                         "virtio %s that may be behind an IOMMU: expected no legacy interface, "
                         "which knows no such feature",
                         p->virtio.ops->name);
    virtio_pci_init(
        &p->pci,
        &(struct virtio_pci_config){.virtio = &p->virtio,
                                    .unit = VIRT_SLOTS + i,
                                    .modern = !place->no_modern,
                                    .legacy = legacy,
                                    .express = place->port != 0,
                                    .vectors = vectors_of(cfg, place, p->virtio.queue_count + 1)},
        log, board->clock);
    return 0;
}

static struct pci_function *function_of(struct virt_plugged *p)
{
    if (p->usb)
        return virt_usb_function(p->usb);
    return is_virtio(p->kind) ? &p->pci.function : &p->function;
}

static int plug_pci(struct virt_board *board, unsigned i, const struct virt_config *cfg,
                    const struct arm_log *log, struct arm_error *err)
{
    const struct arm_pci_place *place = &cfg->virtio[i].pci;
    struct virt_plugged *p = board->plugged[i];
    int devfn = virt_pci_place(board, cfg, place, err);
    int rc = devfn < 0 ? devfn : 0;

    if (!rc && !is_virtio(p->kind) && !is_function(p->kind))
        rc = error_set(err, ARM_EINVAL, "device %u is on a controller, not on PCI", i);
    if (!rc && is_virtio(p->kind))
        rc = connect_pci(p, i, cfg, board, log, err);
    if (rc)
        return rc;
    pci_host_add(&board->pci, function_of(p), virt_pci_port(board, place), (uint8_t)devfn);
    if (is_virtio(p->kind) && cfg->virtio[i].access_platform)
        p->virtio.iommu = pci_iommu(&p->pci.function);
    return 0;
}

int virt_create_slots(struct virt_board *board, const struct virt_config *cfg, struct physmem *mem,
                      struct gic *gic, const struct arm_log *log, struct arm_error *err)
{
    const struct virt_memmap *m = &virt_memmap[VIRT_VIRTIO_MMIO];
    unsigned at[VIRT_SLOTS] = {0};
    int rc;

    if (cfg->virtio_count > VIRT_SLOTS)
        return error_set(err, ARM_EINVAL, "%u virtio devices, expected at most %d",
                         cfg->virtio_count, VIRT_SLOTS);
    rc = assign_slots(cfg, at, err);
    for (unsigned i = 0; !rc && i < cfg->virtio_count; i++)
        rc = plug_one(&board->plugged[i],
                      &(struct plug){board, cfg, &cfg->virtio[i], VIRT_SLOTS + i, mem, log}, err);
    for (unsigned i = 0; !rc && i < cfg->virtio_count; i++)
        if (cfg->virtio[i].pci.on)
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
        if (board->plugged[i]) {
            if (is_virtio(board->plugged[i]->kind))
                virtio_destroy(&board->plugged[i]->virtio);
            disk_close(&board->plugged[i]->disk);
            free(board->plugged[i]->usb);
        }
        free(board->plugged[i]);
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
    state_section_begin(io, name, 1);
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

size_t virt_board_port_input(struct virt_board *board, unsigned virtio, unsigned port,
                             const uint8_t *data, size_t n)
{
    struct virt_plugged *p = virtio < VIRT_SLOTS ? board->plugged[virtio] : NULL;

    if (p && p->kind == ARM_VIRTIO_NET && port == 0)
        return virtio_net_receive(&p->net, data, n);
    if (p && p->kind == ARM_E1000 && port == 0)
        return e1000_receive(&p->e1000, data, n);
    if (!p || p->kind != ARM_VIRTIO_CONSOLE || port >= p->console.port_count)
        return 0;
    return virtio_console_receive(&p->console, port, data, n);
}
