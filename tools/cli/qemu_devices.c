#include "qemu_devices.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "parse.h"
#include "properties.h"

/* The row being filled. */
static struct qemu_drive *drive(struct qemu *q)
{
    return &qemu_devices(q)->drives[qemu_devices(q)->drive_count];
}

static struct qemu_chardev *chardev(struct qemu *q)
{
    return &qemu_devices(q)->chardevs[qemu_devices(q)->chardev_count];
}

static struct qemu_device *device(struct qemu *q)
{
    return &qemu_devices(q)->devices[qemu_devices(q)->device_count];
}

#define TEXT(what, member)                                                                         \
    static bool set_##what##_##member(struct qemu *q, const char *value)                           \
    {                                                                                              \
        what(q)->member = qemu_keep(q, g_strdup(value));                                           \
        return true;                                                                               \
    }
#define FLAG(what, member)                                                                         \
    static bool set_##what##_##member(struct qemu *q, const char *value)                           \
    {                                                                                              \
        what(q)->member = property_is_on(value);                                                   \
        return true;                                                                               \
    }
TEXT(drive, id)
TEXT(drive, interface)
TEXT(drive, file)
FLAG(drive, readonly)
FLAG(drive, snapshot)
TEXT(chardev, id)
TEXT(chardev, backend)
TEXT(chardev, path)
TEXT(device, driver)
TEXT(device, drive)
TEXT(device, chardev)
TEXT(device, name)
#undef TEXT
#undef FLAG

static bool set_drive_unit(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 0, 1, &n))
        return qemu_bad("-drive unit=%s: expected 0 or 1", value);
    drive(q)->unit = (int)n;
    return true;
}

static const struct property drive_properties[] = {
    {"file", "FILE", set_drive_file},
    {"if", "pflash|none|virtio", set_drive_interface},
    {"id", "ID", set_drive_id},
    {"unit", "N", set_drive_unit},
    {"format", "raw", NULL},
    {"media", "disk", NULL},
    {"readonly", "on|off", set_drive_readonly},
    {"read-only", "on|off", set_drive_readonly},
    {"snapshot", "on|off", set_drive_snapshot},
    {"cache", "writeback|none|writethrough|directsync", NULL},
};

static const struct property chardev_properties[] = {
    {"backend", "stdio|file|null|testdev", set_chardev_backend},
    {"id", "ID", set_chardev_id},
    {"path", "FILE", set_chardev_path},
    {"mux", "off", NULL},
    {"signal", "on|off", NULL},
};

static const struct property device_properties[] = {
    {"driver",
     "loader|guest-loader|virtio-blk-device|virtio-rng-device|virtio-serial-device|virtconsole|"
     "virtserialport",
     set_device_driver},
    {"drive", "ID", set_device_drive},
    {"chardev", "ID", set_device_chardev},
    {"name", "TEXT", set_device_name},
    {"id", "ID", NULL},
};

bool qemu_drive(struct qemu *q, const char *value)
{
    if (qemu_devices(q)->drive_count == QEMU_DRIVES_MAX)
        return qemu_bad("-drive: more than %d of them", QEMU_DRIVES_MAX);
    *drive(q) = (struct qemu_drive){.interface = "virtio", .unit = -1};
    if (!properties_set(q, "drive", value, "file", drive_properties, ARRAY_SIZE(drive_properties)))
        return false;
    if (!drive(q)->file)
        return qemu_bad("-drive %s: expected file=FILE", value);
    qemu_devices(q)->drive_count++;
    return true;
}

bool qemu_chardev(struct qemu *q, const char *value)
{
    if (qemu_devices(q)->chardev_count == QEMU_CHARDEVS_MAX)
        return qemu_bad("-chardev: more than %d of them", QEMU_CHARDEVS_MAX);
    *chardev(q) = (struct qemu_chardev){0};
    if (!properties_set(q, "chardev", value, "backend", chardev_properties,
                        ARRAY_SIZE(chardev_properties)))
        return false;
    if (!chardev(q)->backend || !chardev(q)->id)
        return qemu_bad("-chardev %s: expected stdio|file|null|testdev,id=ID", value);
    if (!strcmp(chardev(q)->backend, "file") != !!chardev(q)->path)
        return qemu_bad("-chardev %s: expected path=FILE for file, and only there", value);
    qemu_devices(q)->chardev_count++;
    return true;
}

bool qemu_device(struct qemu *q, const char *value)
{
    if (qemu_devices(q)->device_count == QEMU_DEVICES_MAX)
        return qemu_bad("-device: more than %d of them", QEMU_DEVICES_MAX);
    *device(q) = (struct qemu_device){0};
    if (!properties_set(q, "device", value, "driver", device_properties,
                        ARRAY_SIZE(device_properties)))
        return false;
    qemu_devices(q)->device_count++;
    return true;
}

/* -- connecting -- */

/* Without snapshot or readonly the file is written, as QEMU does. */
static struct arm_drive arm_drive(const struct qemu_devices *d, const struct qemu_drive *drive)
{
    return (struct arm_drive){drive->file, drive->readonly                  ? ARM_DRIVE_READONLY
                                           : drive->snapshot || d->snapshot ? ARM_DRIVE_SNAPSHOT
                                                                            : ARM_DRIVE_WRITABLE};
}

static bool add_blk(struct qemu_devices *d, const struct qemu_drive *drive,
                    struct arm_config *config)
{
    const struct arm_virtio blk = {.kind = ARM_VIRTIO_BLK, .drive = arm_drive(d, drive)};

    return devices_add(&d->options, &blk, config) ||
           qemu_bad("%s: more than %d virtio devices", drive->file, ARM_VIRTIO_MAX);
}

static bool connect_blk(struct qemu_devices *d, const struct qemu_device *device,
                        struct arm_config *config)
{
    for (unsigned n = 0; device->drive && n < d->drive_count; n++)
        if (d->drives[n].id && !strcmp(d->drives[n].id, device->drive))
            return add_blk(d, &d->drives[n], config);
    return qemu_bad("-device virtio-blk-device,drive=%s: expected the id of a -drive if=none",
                    device->drive ? device->drive : "");
}

static const char *where(struct qemu *q, const struct qemu_chardev *c)
{
    return c->path ? qemu_keep(q, g_strdup_printf("file:%s", c->path)) : c->backend;
}

static bool connect_port(struct qemu *q, const struct qemu_device *device,
                         struct arm_config *config)
{
    struct qemu_devices *d = qemu_devices(q);
    struct arm_port port = {.name = device->name,
                            .console = !strcmp(device->driver, "virtconsole")};

    for (unsigned n = 0; device->chardev && n < d->chardev_count; n++) {
        const struct qemu_chardev *c = &d->chardevs[n];
        if (strcmp(c->id, device->chardev))
            continue;
        port.testdev = !strcmp(c->backend, "testdev");
        return devices_add_port(&d->options, &port, where(q, c), config) ||
               qemu_bad("-device %s: more than %d ports", device->driver, ARM_PORTS_MAX);
    }
    return qemu_bad("-device %s,chardev=%s: expected the id of a -chardev", device->driver,
                    device->chardev ? device->chardev : "");
}

static bool connect_device(struct qemu *q, const struct qemu_device *device,
                           struct arm_config *config)
{
    struct qemu_devices *d = qemu_devices(q);

    if (!strcmp(device->driver, "virtio-blk-device"))
        return connect_blk(d, device, config);
    if (!strcmp(device->driver, "virtio-rng-device"))
        return devices_add(&d->options, &(struct arm_virtio){.kind = ARM_VIRTIO_RNG}, config) ||
               qemu_bad("more than %d virtio devices", ARM_VIRTIO_MAX);
    if (!strcmp(device->driver, "virtio-serial-device"))
        return true; /* it comes with its first port */
    return connect_port(q, device, config);
}

static bool connect_pflash(const struct qemu_devices *d, const struct qemu_drive *drive,
                           struct arm_config *config)
{
    int unit = drive->unit >= 0 ? drive->unit : config->pflash[0].path ? 1 : 0;

    if (config->pflash[unit].path)
        return qemu_bad("-drive file=%s: flash memory %d is taken", drive->file, unit);
    config->pflash[unit] = arm_drive(d, drive);
    return true;
}

bool qemu_devices_connect(struct qemu *q, struct arm_config *config)
{
    struct qemu_devices *d = qemu_devices(q);

    for (unsigned n = 0; n < d->device_count; n++)
        if (!connect_device(q, &d->devices[n], config))
            return false;
    for (unsigned n = 0; n < d->drive_count; n++) {
        const struct qemu_drive *drive = &d->drives[n];
        if (!strcmp(drive->interface, "pflash") && !connect_pflash(d, drive, config))
            return false;
        if (!strcmp(drive->interface, "virtio") && !add_blk(d, drive, config))
            return false;
    }
    return true;
}
