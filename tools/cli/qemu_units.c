#include "qemu_units.h"

#include <glib.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"
#include "qemu_connect.h"

/* By kind: what QEMU calls a bus whose controller has no id, and how many places there are. */
static const struct kind {
    enum arm_device_kind kind;
    const char *stem;
    unsigned targets, luns;
} kinds[] = {
    {ARM_VIRTIO_SCSI, "scsi", 256, 64}, {QEMU_USB, "usb-bus", 0, 0}, {ARM_AHCI, "ide", 6, 1},
    {ARM_HDA_ICH6, "hda", 4, 1},        {ARM_SDHCI, "sd-bus", 1, 1},
};

static const struct kind *kind_of(enum arm_device_kind kind)
{
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
        if (kinds[k].kind == kind)
            return &kinds[k];
    return NULL;
}

void qemu_add_bus(struct qemu *q, const struct qemu_device *device, enum arm_device_kind kind)
{
    struct qemu_units *u = &q->devices.units;

    u->buses[u->bus_count++] =
        (struct qemu_bus){device->id && kind != ARM_SDHCI ? device->id : kind_of(kind)->stem, kind,
                          q->req.config.device_count};
}

struct qemu_drive *qemu_drive_of(struct qemu *q, const struct qemu_device *device)
{
    struct qemu_devices *d = &q->devices;

    for (unsigned n = 0; device->drive && n < d->drive_count; n++)
        if (d->drives[n].id && !strcmp(d->drives[n].id, device->drive))
            return &d->drives[n];
    qemu_bad("-device %s,drive=%s: expected the id of a -drive if=none", device->driver->name,
             device->drive ? device->drive : "");
    return NULL;
}

const struct qemu_bus *qemu_find_bus(struct qemu *q, const struct qemu_device *device,
                                     enum arm_device_kind kind, int *n)
{
    const struct qemu_units *u = &q->devices.units;

    *n = -1;
    for (unsigned k = 0; k < u->bus_count; k++) {
        const struct qemu_bus *bus = &u->buses[k];
        size_t length = strlen(bus->id);
        uint64_t number;
        if (bus->kind != kind)
            continue;
        if (!device->on || !strcmp(device->on, bus->id))
            return bus;
        if (g_str_has_prefix(device->on, bus->id) && device->on[length] == '.' &&
            parse_number(device->on + length + 1, 0, 255, &number)) {
            *n = (int)number;
            return bus;
        }
    }
    qemu_bad("-device %s%s%s: expected the bus of a %s controller before it", device->driver->name,
             device->on ? ",bus=" : "", device->on ? device->on : "", kind_of(kind)->stem);
    return NULL;
}

static bool is_taken(const struct qemu_units *u, const struct arm_unit *unit)
{
    for (unsigned k = 0; k < u->taken_count; k++)
        if (u->taken[k].controller == unit->controller && u->taken[k].target == unit->target &&
            u->taken[k].lun == unit->lun)
            return true;
    return false;
}

/* A place that was asked for, or the first target that is free. */
static bool take_place(struct qemu *q, const struct qemu_device *device, const struct kind *kind,
                       const char *target, struct arm_unit *unit)
{
    struct qemu_units *u = &q->devices.units;
    uint64_t n = 0, lun = 0;

    if ((target && !parse_number(target, 0, kind->targets - 1, &n)) ||
        (device->lun && !parse_number(device->lun, 0, kind->luns - 1, &lun)))
        return qemu_bad("-device %s: expected target 0 to %u and lun 0 to %u", device->driver->name,
                        kind->targets - 1, kind->luns - 1);
    unit->target = (unsigned)n;
    unit->lun = (unsigned)lun;
    while (!target && is_taken(u, unit) && unit->target < kind->targets - 1)
        unit->target++;
    if (is_taken(u, unit) || u->taken_count == ARM_DEVICES_MAX)
        return qemu_bad("-device %s: target %u, lun %u is taken", device->driver->name,
                        unit->target, unit->lun);
    u->taken[u->taken_count++] = *unit;
    return true;
}

bool qemu_add_disk(struct qemu *q, const struct qemu_device *device, struct arm_device disk)
{
    bool none = disk.unit.cdrom && !device->drive;

    disk.boot = device->boot;
    disk.blocks = device->blocks;
    struct qemu_drive *drive = none ? NULL : qemu_drive_of(q, device);

    if (!drive && !none)
        return false;
    if (drive) {
        if (disk.unit.cdrom)
            drive->is_cdrom = true;
        disk.drive = qemu_arm_drive(&q->devices, drive);
        disk.serial = device->serial ? device->serial : drive->serial;
    }
    return devices_add(&q->devices.options, &disk, &q->req.config) ||
           qemu_bad("more than %d devices", ARM_DEVICES_MAX);
}

bool qemu_connect_scsi_unit(struct qemu *q, const struct qemu_device *device)
{
    struct arm_device disk = {.kind = ARM_DISK,
                              .unit.cdrom = !strcmp(device->driver->name, "scsi-cd")};
    int n;
    const struct qemu_bus *bus = qemu_find_bus(q, device, ARM_VIRTIO_SCSI, &n);

    if (!bus)
        return false;
    disk.unit.controller = bus->controller;
    return take_place(q, device, kind_of(bus->kind), device->scsi_id, &disk.unit) &&
           qemu_add_disk(q, device, disk);
}

/* A port is a bus of its own, with one place. */
bool qemu_connect_ide_unit(struct qemu *q, const struct qemu_device *device)
{
    struct arm_device disk = {.kind = ARM_DISK,
                              .unit.cdrom = !strcmp(device->driver->name, "ide-cd")};
    int n;
    const struct qemu_bus *bus = qemu_find_bus(q, device, ARM_AHCI, &n);
    g_autofree char *port = n >= 0 ? g_strdup_printf("%d", n) : NULL;

    if (!bus)
        return false;
    disk.unit.controller = bus->controller;
    return take_place(q, device, kind_of(bus->kind), port, &disk.unit) &&
           qemu_add_disk(q, device, disk);
}

/* Each controller has one slot: the first that is empty, as all their buses have one name. */
bool qemu_connect_sd_card(struct qemu *q, const struct qemu_device *device)
{
    const struct qemu_units *u = &q->devices.units;
    struct arm_device card = {.kind = ARM_SD_CARD};
    int n;
    const struct qemu_bus *bus = qemu_find_bus(q, device, ARM_SDHCI, &n);

    for (unsigned k = 0; bus && k < u->bus_count; k++) {
        card.unit.controller = u->buses[k].controller;
        if (u->buses[k].kind == ARM_SDHCI && !is_taken(u, &card.unit))
            break;
    }
    return bus && take_place(q, device, kind_of(bus->kind), "0", &card.unit) &&
           qemu_add_disk(q, device, card);
}

bool qemu_connect_hda_codec(struct qemu *q, const struct qemu_device *device)
{
    static const struct {
        const char *name;
        enum arm_device_kind kind;
    } codecs[] = {{"hda-output", ARM_HDA_OUTPUT},
                  {"hda-duplex", ARM_HDA_DUPLEX},
                  {"hda-micro", ARM_HDA_MICRO}};
    struct arm_device codec = {0};
    int n;
    const struct qemu_bus *bus = qemu_find_bus(q, device, ARM_HDA_ICH6, &n);

    if (!bus)
        return false;
    for (size_t k = 0; k < G_N_ELEMENTS(codecs); k++)
        if (!strcmp(codecs[k].name, device->driver->name))
            codec.kind = codecs[k].kind;
    codec.unit.controller = bus->controller;
    return take_place(q, device, kind_of(bus->kind), device->cad, &codec.unit) &&
           (devices_add(&q->devices.options, &codec, &q->req.config) ||
            qemu_bad("more than %d devices", ARM_DEVICES_MAX));
}
