#include "qemu_connect.h"

#include <glib.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"
#include "qemu_blocks.h"

/* The slot that bus=virtio-mmio-bus.N asks for: 1 + N, 0 if none is; false, and a message. */
static bool parse_bus(const struct qemu_device *device, unsigned *bus)
{
    static const char stem[] = "virtio-mmio-bus.";
    uint64_t n = 0;

    *bus = 0;
    if (!device->on)
        return true;
    if (!g_str_has_prefix(device->on, stem) ||
        !parse_number(device->on + sizeof(stem) - 1, 0, ARM_DEVICES_MAX - 1, &n))
        return qemu_bad("-device %s,bus=%s: expected virtio-mmio-bus.0 to .%d",
                        device->driver->name, device->on, ARM_DEVICES_MAX - 1);
    *bus = 1 + (unsigned)n;
    return true;
}

/* On its bus; @device NULL: a disk of if=virtio, which is on PCI. */
static bool place(struct qemu *q, const struct qemu_device *device, struct arm_device *virtio)
{
    g_autofree char *what = g_strdup_printf("-device %s", device ? device->driver->name : "");

    if (!device || qemu_is_on_pci(device->driver))
        return qemu_pci_place(q, device, device ? what : "-drive if=virtio", &virtio->pci);
    return parse_bus(device, &virtio->bus);
}

static bool add_virtio(struct qemu *q, const struct qemu_device *device, struct arm_device virtio)
{
    if (!place(q, device, &virtio))
        return false;
    if (device) {
        virtio.no_event_idx = device->no_event_idx;
        virtio.no_indirect = device->no_indirect;
        virtio.packed = device->packed;
        virtio.access_platform = device->access_platform;
        virtio.boot = device->boot;
    }
    return devices_add(&q->devices.options, &virtio, &q->req.config) ||
           qemu_bad("more than %d devices", ARM_DEVICES_MAX);
}

bool qemu_add_blk(struct qemu *q, const struct qemu_device *device, const struct qemu_drive *drive)
{
    return add_virtio(
        q, device,
        (struct arm_device){.kind = ARM_VIRTIO_BLK,
                            .drive = qemu_arm_drive(&q->devices, drive),
                            .blocks = device ? device->blocks : (struct arm_blocks){0},
                            .queues = qemu_queues(q, device),
                            .serial = device ? device->serial : drive->serial});
}

bool qemu_connect_blk(struct qemu *q, const struct qemu_device *device)
{
    const struct qemu_drive *drive = qemu_drive_of(q, device);

    return drive && qemu_add_blk(q, device, drive);
}

static bool connect_net(struct qemu *q, const struct qemu_device *device, enum arm_device_kind kind)
{
    g_autofree char *what = g_strdup_printf("-device %s", device->driver->name);
    struct arm_device virtio = {0};

    return qemu_net_plug(q, what, device->netdev, device->mac, q->req.config.device_count,
                         &virtio) &&
           (virtio.kind = kind, add_virtio(q, device, virtio));
}

bool qemu_connect_net(struct qemu *q, const struct qemu_device *device)
{
    return connect_net(q, device, ARM_VIRTIO_NET);
}

bool qemu_connect_e1000(struct qemu *q, const struct qemu_device *device)
{
    if (strcmp(device->driver->name, "e1000") != 0)
        qemu_note(q, "-device %s: it is an e1000 (82540EM), with that one's numbers",
                  device->driver->name);
    return connect_net(q, device, ARM_E1000);
}

bool qemu_connect_e1000e(struct qemu *q, const struct qemu_device *device)
{
    return connect_net(q, device, ARM_E1000E);
}

bool qemu_connect_smmu(struct qemu *q, const struct qemu_device *device)
{
    (void)device;
    q->req.config.smmu = true;
    return true;
}

bool qemu_connect_p9(struct qemu *q, const struct qemu_device *device)
{
    struct arm_device virtio = {.kind = ARM_VIRTIO_9P};

    return qemu_folder_plug(q, device->driver->name, device->fsdev, device->tag, &virtio.folder) &&
           (!virtio.folder.path || add_virtio(q, device, virtio));
}

bool qemu_connect_rng(struct qemu *q, const struct qemu_device *device)
{
    const struct qemu_devices *d = &q->devices;
    bool found = !device->rng;

    for (unsigned n = 0; n < d->object_count; n++)
        found |= device->rng && !strcmp(d->objects[n].id, device->rng);
    if (!found)
        return qemu_bad("-device %s,rng=%s: expected the id of an -object rng-random",
                        device->driver->name, device->rng);
    return add_virtio(q, device, (struct arm_device){.kind = ARM_VIRTIO_RNG});
}

bool qemu_connect_balloon(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device, (struct arm_device){.kind = ARM_VIRTIO_BALLOON});
}

bool qemu_connect_vsock(struct qemu *q, const struct qemu_device *device)
{
    if (!device->cid)
        return qemu_bad("-device %s: expected guest-cid=N", device->driver->name);
    qemu_note(q, "-device %s: nobody at the host listens or calls: each connection is reset",
              device->driver->name);
    return add_virtio(q, device, (struct arm_device){.kind = ARM_VIRTIO_VSOCK, .cid = device->cid});
}

bool qemu_connect_ramfb(struct qemu *q, const struct qemu_device *device)
{
    if (q->req.config.ramfb)
        return qemu_bad("-device %s: expected one of them", device->driver->name);
    return q->req.config.ramfb = true;
}

bool qemu_connect_gpu(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device,
                      (struct arm_device){.kind = ARM_VIRTIO_GPU,
                                          .width = device->width,
                                          .height = device->height});
}

/* UTM's QEMU has them as one device: firmware finds the former, the guest's driver the latter. */
bool qemu_connect_ramfb_gpu(struct qemu *q, const struct qemu_device *device)
{
    return qemu_connect_ramfb(q, device) && qemu_connect_gpu(q, device);
}

bool qemu_connect_gpu_gl(struct qemu *q, const struct qemu_device *device)
{
    qemu_note(q,
              "-device %s: there is no GL: it is a virtio-gpu of two dimensions, and its driver "
              "does without",
              device->driver->name);
    return qemu_connect_gpu(q, device);
}

bool qemu_connect_bochs(struct qemu *q, const struct qemu_device *device)
{
    bool vga = !strcmp(device->driver->name, "VGA");

    return add_virtio(q, device,
                      (struct arm_device){.kind = vga ? ARM_VGA : ARM_BOCHS_DISPLAY,
                                          .width = device->width,
                                          .height = device->height,
                                          .vram_mib = device->vram_mib});
}

bool qemu_connect_edu(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device, (struct arm_device){.kind = ARM_EDU});
}

bool qemu_connect_ivshmem(struct qemu *q, const struct qemu_device *device)
{
    const struct qemu_backend *b = device->memdev ? qemu_find_backend(q, device->memdev) : NULL;
    struct arm_device what = {.kind = ARM_IVSHMEM};

    if (!b)
        return qemu_bad("-device ivshmem-plain,memdev=%s: expected the id of an -object "
                        "memory-backend-file or memory-backend-ram",
                        device->memdev ? device->memdev : "");
    what.shared_bytes = b->size;
    what.shared_path = b->share ? b->path : NULL;
    if (what.shared_path)
        qemu_note(
            q,
            "-device ivshmem-plain: what others write into %s is seen at once, and no two runs "
            "need be the same",
            what.shared_path);
    else
        qemu_note(q,
                  "-device ivshmem-plain: its memory is no file with share=on: nobody else has it");
    return add_virtio(q, device, what);
}

bool qemu_connect_pvpanic(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device,
                      (struct arm_device){.kind = ARM_PVPANIC, .panic = q->process.panic});
}

bool qemu_connect_i6300esb(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device,
                      (struct arm_device){.kind = ARM_I6300ESB, .watchdog = q->process.watchdog});
}

bool qemu_connect_pci_testdev(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device, (struct arm_device){.kind = ARM_PCI_TESTDEV});
}

bool qemu_connect_keyboard(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device, (struct arm_device){.kind = ARM_VIRTIO_KEYBOARD});
}

bool qemu_connect_mouse(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device, (struct arm_device){.kind = ARM_VIRTIO_MOUSE});
}

bool qemu_connect_tablet(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device, (struct arm_device){.kind = ARM_VIRTIO_TABLET});
}

/* The one namespace of a controller that has no drive= itself; NULL: none names it. Without bus= it
 * is that of the last controller before it. */
static const struct qemu_device *namespace_of(const struct qemu *q, const struct qemu_device *nvme)
{
    const struct qemu_devices *d = &q->devices;
    const struct qemu_device *last = NULL;

    for (unsigned n = 0; n < d->device_count; n++) {
        const struct qemu_device *ns = &d->devices[n];
        if (!strcmp(ns->driver->name, "nvme"))
            last = ns;
        if (strcmp(ns->driver->name, "nvme-ns") != 0)
            continue;
        if (ns->on ? nvme->id && !strcmp(ns->on, nvme->id) : last == nvme)
            return ns;
    }
    return NULL;
}

/* A controller takes it. */
bool qemu_connect_nvme_ns(struct qemu *q, const struct qemu_device *device)
{
    unsigned same = 0, controllers = 0;

    for (unsigned n = 0; n < q->devices.device_count; n++) {
        const struct qemu_device *other = &q->devices.devices[n];
        bool nvme = !strcmp(other->driver->name, "nvme");
        controllers += nvme && !other->drive && namespace_of(q, other) == device;
        same += !nvme && other->driver == device->driver && g_strcmp0(other->on, device->on) == 0;
    }
    if (same > 1)
        return qemu_bad("-device nvme-ns: more than one of a controller is not offered: it has one "
                        "namespace");
    return controllers ||
           qemu_bad("-device nvme-ns: expected a -device nvme without drive= before it, "
                    "whose id bus= names");
}

bool qemu_connect_nvme(struct qemu *q, const struct qemu_device *device)
{
    const struct qemu_device *ns = device->drive ? NULL : namespace_of(q, device);
    const struct qemu_drive *drive = qemu_drive_of(q, ns ? ns : device);

    if (!drive)
        return false;
    if (!device->serial)
        return qemu_bad("-device nvme: expected serial=TEXT");
    return add_virtio(q, device,
                      (struct arm_device){.kind = ARM_NVME,
                                          .drive = qemu_arm_drive(&q->devices, drive),
                                          .blocks = (ns ? ns : device)->blocks,
                                          .serial = device->serial});
}

bool qemu_connect_ahci(struct qemu *q, const struct qemu_device *device)
{
    qemu_add_bus(q, device, ARM_AHCI);
    return add_virtio(q, device, (struct arm_device){.kind = ARM_AHCI});
}

bool qemu_connect_sdhci(struct qemu *q, const struct qemu_device *device)
{
    qemu_add_bus(q, device, ARM_SDHCI);
    return add_virtio(q, device, (struct arm_device){.kind = ARM_SDHCI});
}

bool qemu_connect_hda(struct qemu *q, const struct qemu_device *device)
{
    bool ich9 = !strcmp(device->driver->name, "ich9-intel-hda");

    qemu_add_bus(q, device, ARM_HDA_ICH6);
    return add_virtio(q, device, (struct arm_device){.kind = ich9 ? ARM_HDA_ICH9 : ARM_HDA_ICH6});
}

bool qemu_connect_scsi(struct qemu *q, const struct qemu_device *device)
{
    qemu_add_bus(q, device, ARM_VIRTIO_SCSI);
    return add_virtio(
        q, device, (struct arm_device){.kind = ARM_VIRTIO_SCSI, .queues = qemu_queues(q, device)});
}

bool qemu_connect_ehci(struct qemu *q, const struct qemu_device *device)
{
    qemu_add_bus(q, device, QEMU_USB);
    return add_virtio(q, device, (struct arm_device){.kind = ARM_USB_EHCI});
}

bool qemu_connect_xhci(struct qemu *q, const struct qemu_device *device)
{
    qemu_add_bus(q, device, QEMU_USB);
    return add_virtio(q, device, (struct arm_device){.kind = ARM_USB_XHCI});
}

bool qemu_connect_serial(struct qemu *q, const struct qemu_device *device)
{
    struct qemu_devices *d = &q->devices;
    struct arm_device virtio = {.kind = ARM_VIRTIO_CONSOLE,
                                .no_event_idx = device->no_event_idx,
                                .no_indirect = device->no_indirect,
                                .packed = device->packed,
                                .access_platform = device->access_platform};

    if (d->serial || d->options.has_console)
        return qemu_bad("-device %s: expected one of them, before its ports", device->driver->name);
    d->serial = device;
    return place(q, device, &virtio) &&
           (devices_add_console(&d->options, &virtio, &q->req.config) ||
            qemu_bad("more than %d devices", ARM_DEVICES_MAX));
}

bool qemu_connect_snd(struct qemu *q, const struct qemu_device *device)
{
    return add_virtio(q, device, (struct arm_device){.kind = ARM_VIRTIO_SND});
}

bool qemu_connect_pci_serial(struct qemu *q, const struct qemu_device *device)
{
    struct arm_device what = {.kind = ARM_PCI_SERIAL};
    bool testdev = false;
    const char *where = device->chardev ? qemu_chardev_where(q, device->chardev, &testdev) : NULL;

    if (!where || testdev)
        return qemu_bad("-device pci-serial,chardev=%s: expected the id of a -chardev%s",
                        device->chardev ? device->chardev : "",
                        testdev ? " that is no testdev" : "");
    return place(q, device, &what) &&
           (devices_add_serial(&q->devices.options, &what, where, &q->req.config) ||
            qemu_bad("-device pci-serial: more than %d of them", DEVICE_SERIALS_MAX));
}

/* The bus of a virtio-serial-device is called after its id. */
static bool is_serial_bus(const struct qemu_devices *d, const char *bus)
{
    const char *id = d->serial && d->serial->id ? d->serial->id : "virtio-serial-bus";
    size_t length = strlen(id);

    return !strncmp(bus, id, length) && (!bus[length] || !strcmp(bus + length, ".0"));
}

bool qemu_connect_port(struct qemu *q, const struct qemu_device *device)
{
    struct arm_port port = {.name = device->name,
                            .console = !strcmp(device->driver->name, "virtconsole")};
    const char *where;

    if (device->on && !is_serial_bus(&q->devices, device->on))
        return qemu_bad("-device %s,bus=%s: expected the bus of the virtio-serial",
                        device->driver->name, device->on);
    if (!device->chardev) {
        qemu_note(q, "-device %s: it is connected to nothing", device->driver->name);
        where = "null";
    } else if (!(where = qemu_chardev_where(q, device->chardev, &port.testdev))) {
        return qemu_bad("-device %s,chardev=%s: expected the id of a -chardev",
                        device->driver->name, device->chardev);
    }
    return devices_add_port(&q->devices.options, &port, where, &q->req.config) ||
           qemu_bad("-device %s: more than %d ports", device->driver->name, ARM_PORTS_MAX);
}
