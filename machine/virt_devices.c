/* The kinds of devices that the board can have: how each is made. Where they are is
 * machine/virt_slots.c's affair. */
#include "machine/virt_devices.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "machine/virt_plug.h"

#define RNG_STREAM UINT64_C(0x766972742d726e67) /* keeps it apart from the device tree's seeds */

_Static_assert(ARM_PORTS_MAX == VIRTIO_CONSOLE_PORTS_MAX && ARM_DEVICES_MAX == VIRT_SLOTS &&
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

int virt_plug_blk(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct disk_spec spec = virt_disk_spec(&plug->what->drive, plug->cfg);
    const struct virtio_blk_config config = {
        .disk = &p->disk,
        .serial = plug->what->serial,
        .queues = plug->what->queues ? plug->what->queues : 1,
        .blocks = plug->what->blocks,
    };
    int rc = disk_open(&p->disk, &spec, plug->log, err);

    return rc ? rc : virtio_blk_init(&p->blk, plug->log, plug->mem, &config, err);
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

int virt_plug_console(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    struct virtio_port ports[VIRTIO_CONSOLE_PORTS_MAX];
    unsigned count = plug->what->port_count;

    if (count > VIRTIO_CONSOLE_PORTS_MAX)
        return error_set(err, ARM_EINVAL, "virtio console: %u ports, expected at most %d", count,
                         VIRTIO_CONSOLE_PORTS_MAX);
    for (unsigned n = 0; n < count; n++)
        ports[n] = make_port(p, plug, n);
    virtio_console_init(&p->console, plug->log, plug->mem, ports, count);
    return 0;
}

int virt_plug_rng(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    virtio_rng_init(&p->rng, plug->log, plug->mem, plug->cfg->seed ^ RNG_STREAM);
    return 0;
}

int virt_plug_balloon(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    virtio_balloon_init(&p->balloon, plug->log, plug->mem);
    return 0;
}

#define CID_FIRST 3 /* 5.10.4: those before it mean something */

int virt_plug_vsock(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    if (plug->what->cid < CID_FIRST || plug->what->cid == UINT32_MAX)
        return error_set(err, ARM_EINVAL, "virtio vsock: address %u: expected %d to %u",
                         plug->what->cid, CID_FIRST, UINT32_MAX - 1);
    virtio_vsock_init(&p->vsock, plug->log, plug->mem, plug->what->cid);
    return 0;
}

int virt_check_mac(const struct arm_wire *wire, struct arm_error *err)
{
    if (!(wire->mac[0] & 1))
        return 0;
    return error_set(err, ARM_EINVAL,
                     "a network device's address begins with %02x, that of a group: expected an "
                     "even number",
                     wire->mac[0]);
}

int virt_plug_net(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_wire *wire = &plug->what->wire;
    int rc = virt_check_mac(wire, err);

    if (rc)
        return rc;
    virtio_net_init(&p->net, plug->log, plug->mem, wire->mac, wire->send, wire->ctx);
    return 0;
}

int virt_plug_9p(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
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

int virt_plug_input(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
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

int virt_plug_gpu(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    unsigned width = plug->what->width ? plug->what->width : VIRT_PICTURE_WIDTH;
    unsigned height = plug->what->height ? plug->what->height : VIRT_PICTURE_HEIGHT;

    if (width > VIRTIO_GPU_SIDE_MAX || height > VIRTIO_GPU_SIDE_MAX)
        return error_set(err, ARM_EINVAL, "virtio gpu: %u by %u pixels, expected at most %d", width,
                         height, VIRTIO_GPU_SIDE_MAX);
    virtio_gpu_init(&p->gpu, plug->log, plug->mem, width, height, plug->cfg->host);
    display_add(&plug->board->displays, &p->gpu.source);
    return 0;
}

int virt_plug_snd(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    (void)err;
    virtio_snd_init(&p->snd, plug->log, plug->mem, plug->board->clock,
                    (unsigned)(plug->what - plug->cfg->devices));
    return 0;
}

int virt_plug_scsi(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    unsigned queues = plug->what->queues ? plug->what->queues : 1;

    if (queues > ARM_VIRTIO_SCSI_QUEUES)
        return error_set(err, ARM_EINVAL, "virtio scsi: %u queues, expected 1 to %d", queues,
                         ARM_VIRTIO_SCSI_QUEUES);
    virtio_scsi_init(&p->scsi, plug->log, plug->mem, queues);
    return 0;
}

struct virt_plugged *virt_controller_of(const struct plug *plug)
{
    unsigned n = plug->what->unit.controller;

    return n < VIRT_SLOTS ? plug->board->plugged[n] : NULL;
}

static int attach(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct arm_unit *unit = &plug->what->unit;
    struct virt_plugged *to = virt_controller_of(plug);
    bool attached = false;

    if (to && to->usb)
        return virt_usb_plug_disk(&p->usb, to->usb, plug->what, &p->unit, err);
    if (!to || (to->kind != ARM_VIRTIO_SCSI && to->kind != ARM_AHCI))
        return error_set(err, ARM_EINVAL, "a disk of device %u, which is no controller before it",
                         unit->controller);
    if (to->kind == ARM_VIRTIO_SCSI)
        attached = virtio_scsi_attach(&to->scsi, unit->target, unit->lun, &p->unit);
    else if (!unit->cdrom && plug->what->blocks.logical > DISK_BLOCK)
        return error_set(err, ARM_EINVAL, "an ATA disk with logical blocks of more than 512 bytes");
    else
        attached = !unit->lun && ahci_attach(&to->ahci, unit->target, &p->unit);
    return attached ? 0
                    : error_set(err, ARM_EINVAL, "disk %u.%u: its place is taken, or there is none",
                                unit->target, unit->lun);
}

int virt_plug_disk(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    const struct disk_spec spec = virt_disk_spec(&plug->what->drive, plug->cfg);
    bool empty = plug->what->unit.cdrom && !spec.path;
    int rc = empty ? 0 : disk_open(&p->disk, &spec, plug->log, err);

    if (!rc)
        rc = scsi_unit_init(&p->unit, empty ? NULL : &p->disk, plug->what->unit.cdrom,
                            plug->what->serial, err);
    if (!rc)
        rc = scsi_unit_set_blocks(&p->unit, &plug->what->blocks, err);
    return rc ? rc : attach(p, plug, err);
}

int virt_plug_usb_controller(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    return virt_usb_create(&p->usb, plug->board, plug->cfg,
                           (unsigned)(plug->what - plug->cfg->devices), plug->log, err);
}

int virt_plug_usb_device(struct virt_plugged *p, const struct plug *plug, struct arm_error *err)
{
    struct virt_plugged *to = virt_controller_of(plug);

    return virt_usb_plug(&p->usb, to ? to->usb : NULL, plug->what, &plug->board->host_input, err);
}

unsigned virt_vectors(const struct virt_config *cfg, const struct arm_pci_place *place,
                      unsigned count)
{
    unsigned wanted = place->vectors ? place->vectors - 1 : count;

    if (!cfg->its && !cfg->gic_v2)
        return 0;
    return wanted < PCI_VECTORS_MAX ? wanted : PCI_VECTORS_MAX;
}

static const struct {
    enum virt_place place;
    const char *name;
    int (*plug)(struct virt_plugged *, const struct plug *, struct arm_error *);
} kinds[] = {
#define DEVICE_KIND(kind, where, name, fn, text) [kind] = {VIRT_##where, name, virt_plug_##fn},
#include "base/device_kinds.def"
#undef DEVICE_KIND
};

enum virt_place virt_place_of(enum arm_device_kind kind)
{
    return kinds[kind].place;
}

const char *virt_kind_name(enum arm_device_kind kind)
{
    return kinds[kind].name;
}

int virt_plug(struct virt_plugged **out, const struct plug *plug, struct arm_error *err)
{
    const struct arm_device *what = plug->what;
    int rc;

    *out = calloc(1, sizeof(**out));
    if (!*out)
        return error_set(err, ARM_ENOMEM, "no memory for a device");
    (*out)->disk.fd = -1;
    (*out)->kind = what->kind;
    rc = kinds[what->kind].plug(*out, plug, err);
    if (rc || virt_place_of(what->kind) != VIRT_SLOT)
        return rc;
    if (what->no_event_idx)
        (*out)->virtio.offered &= ~BIT(VIRTIO_F_EVENT_IDX);
    if (what->no_indirect)
        (*out)->virtio.offered &= ~BIT(VIRTIO_F_INDIRECT_DESC);
    if (what->packed)
        (*out)->virtio.offered |= BIT(VIRTIO_F_RING_PACKED);
    if (what->access_platform)
        (*out)->virtio.offered |= BIT(VIRTIO_F_ACCESS_PLATFORM);
    return 0;
}

int virt_check_kinds(const struct virt_config *cfg, struct arm_error *err)
{
    for (unsigned i = 0; i < cfg->device_count; i++)
        if ((unsigned)cfg->devices[i].kind >= ARRAY_SIZE(kinds))
            return error_set(err, ARM_EINVAL, "device %u is of kind %u: expected at most %zu", i,
                             (unsigned)cfg->devices[i].kind, ARRAY_SIZE(kinds) - 1);
    return 0;
}

void virt_unplug(struct virt_plugged *p)
{
    if (virt_place_of(p->kind) == VIRT_SLOT)
        virtio_destroy(&p->virtio);
    if (p->kind == ARM_VGA || p->kind == ARM_BOCHS_DISPLAY)
        bochs_destroy(&p->bochs);
    if (p->kind == ARM_IVSHMEM)
        ivshmem_destroy(&p->ivshmem);
    disk_close(&p->disk);
    free(p->usb);
    free(p);
}
