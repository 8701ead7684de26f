#include "qemu_devices.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "fat.h"
#include "parse.h"
#include "qemu.h"

/* The rows being filled. */
static struct qemu_drive *drive(struct qemu *q)
{
    return &q->devices.drives[q->devices.drive_count];
}

static struct qemu_object *object(struct qemu *q)
{
    return &q->devices.objects[q->devices.object_count];
}

static struct qemu_device *device(struct qemu *q)
{
    return &q->devices.devices[q->devices.device_count];
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
TEXT(drive, format)
TEXT(drive, serial)
FLAG(drive, readonly)
FLAG(drive, snapshot)
TEXT(object, driver)
TEXT(object, id)
TEXT(device, id)
TEXT(device, drive)
TEXT(device, chardev)
TEXT(device, name)
TEXT(device, rng)
TEXT(device, netdev)
TEXT(device, mac)
TEXT(device, on)
TEXT(device, serial)
TEXT(device, fsdev)
TEXT(device, tag)
#undef TEXT
#undef FLAG

/* ---- -drive ---- */

/* [16:][rw:]DIRECTORY. What is not writable with QEMU is not here. */
static bool set_directory(struct qemu *q, const char *value)
{
    const char *end = value, *colon;
    bool writable = false;

    for (; (colon = strchr(end, ':')); end = colon + 1) {
        if (!strncmp(end, "rw:", 3))
            writable = true;
        else if (strncmp(end, "16:", 3))
            break;
    }
    if (g_str_has_prefix(end, "floppy:") || g_str_has_prefix(end, "32:") ||
        g_str_has_prefix(end, "12:"))
        return qemu_bad("-drive file=fat:%s is not offered: it is a disk with FAT16", value);
    drive(q)->readonly |= !writable;
    drive(q)->directory = qemu_keep(q, g_strdup(end));
    return true;
}

/* A path, or a word and a colon for what QEMU can open besides files. */
static bool set_drive_file(struct qemu *q, const char *value)
{
    static const char *const protocols[] = {
        "nbd:",  "ssh:", "http:", "https:",  "rbd:",     "iscsi:",
        "json:", "nfs:", "ftp:",  "gluster", "blkdebug:"};

    if (g_str_has_prefix(value, "fat:"))
        return set_directory(q, value + strlen("fat:"));
    for (size_t k = 0; k < G_N_ELEMENTS(protocols); k++)
        if (g_str_has_prefix(value, protocols[k]))
            return qemu_bad("-drive file=%s is not offered: expected a file of this host", value);
    drive(q)->file = qemu_keep(q, g_strdup(value));
    return true;
}

static bool set_drive_unit(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 0, QEMU_DRIVES_MAX, &n))
        return qemu_bad("-drive index=%s: expected a number, 0 to %d", value, QEMU_DRIVES_MAX);
    drive(q)->unit = (int)n;
    return true;
}

static bool set_drive_media(struct qemu *q, const char *value)
{
    drive(q)->is_cdrom = !strcmp(value, "cdrom");
    return true;
}

static bool set_drive_dir(struct qemu *q, const char *value)
{
    drive(q)->directory = qemu_keep(q, g_strdup(value));
    return true;
}

static bool set_drive_rw(struct qemu *q, const char *value)
{
    drive(q)->readonly = !property_is_on(value);
    return true;
}

/* How QEMU's host side caches, waits and fails is not seen by the guest: a flush is on stable
 * storage here unless the drive is a snapshot. */
static const struct property drive_properties[] = {
    {"file", "FILE", set_drive_file, NULL},
    {"if", "pflash|none|virtio", set_drive_interface, NULL},
    {"id", "ID", set_drive_id, NULL},
    {"unit", "N", set_drive_unit, NULL},
    {"index", "N", set_drive_unit, NULL},
    {"bus", "0", NULL, NULL},
    {"format", "raw|qcow2|FORMAT", set_drive_format, NULL},
    {"driver", "raw|qcow2|FORMAT", set_drive_format, NULL},
    {"serial", "TEXT", set_drive_serial, NULL},
    {"media", "disk|cdrom", set_drive_media, NULL},
    {"readonly", "on|off", set_drive_readonly, NULL},
    {"read-only", "on|off", set_drive_readonly, NULL},
    {"auto-read-only", "on|off", NULL, NULL},
    {"snapshot", "on|off", set_drive_snapshot, NULL},
    {"cache", "writeback|none|writethrough|directsync|unsafe", NULL, NULL},
    {"cache.direct", "on|off", NULL, NULL},
    {"cache.writeback", "on|off", NULL, NULL},
    {"cache.no-flush", "on|off", NULL, NULL},
    {"aio", "threads|native|io-uring|io_uring", NULL, NULL},
    {"discard", "ignore|off|unmap|on", NULL, NULL},
    {"detect-zeroes", "on|off|unmap", NULL, NULL},
    {"werror", "ignore|stop|report|enospc", NULL, NULL},
    {"rerror", "ignore|stop|report", NULL, NULL},
    {"copy-on-read", "off", NULL, NULL},
    {"file.filename", "FILE", set_drive_file, NULL},
    {"file.driver", "file|vvfat", NULL, NULL},
    {"file.locking", "on|off|auto", NULL, NULL},
    {"file.dir", "DIRECTORY", set_drive_dir, NULL},
    {"file.rw", "on|off", set_drive_rw, NULL},
    {"file.fat-type", "16", NULL, NULL},
};

static bool begin_drive(struct qemu *q, const char *interface, int unit)
{
    if (q->devices.drive_count == QEMU_DRIVES_MAX)
        return qemu_bad("-drive: more than %d of them", QEMU_DRIVES_MAX);
    *drive(q) = (struct qemu_drive){.interface = interface, .unit = unit};
    return true;
}

bool qemu_drive(struct qemu *q, const char *option, const char *value)
{
    if (properties_want_help(value)) {
        properties_print("drive", drive_properties, G_N_ELEMENTS(drive_properties));
        q->answered = true;
        return true;
    }
    if (!begin_drive(q, "virtio", -1) ||
        !properties_set(q, option, value, "file", drive_properties, G_N_ELEMENTS(drive_properties)))
        return false;
    if (!drive(q)->file && !drive(q)->directory)
        return qemu_bad("-drive %s: expected file=FILE", value);
    q->devices.drive_count++;
    return true;
}

/* The shorthands take a file name as it is, commas and all. */
static bool short_drive(struct qemu *q, const char *interface, int unit, bool is_cdrom,
                        const char *value)
{
    if (!begin_drive(q, interface, unit) || !set_drive_file(q, value))
        return false;
    drive(q)->is_cdrom = is_cdrom;
    q->devices.drive_count++;
    return true;
}

bool qemu_hard_disk(struct qemu *q, const char *option, const char *value)
{
    return short_drive(q, "virtio", option[strlen(option) - 1] - 'a', false, value);
}

bool qemu_cdrom(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    return short_drive(q, "virtio", 2, true, value);
}

bool qemu_pflash(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    return short_drive(q, "pflash", -1, false, value);
}

/* ---- -object ---- */

static const struct property object_properties[] = {
    {"qom-type", "rng-random|rng-builtin|iothread", set_object_driver, NULL},
    {"id", "ID", set_object_id, NULL},
    {"filename", "FILE", NULL, "what the guest is given follows from -seed, not from that file"},
    {"poll-max-ns", "N", NULL, NULL}, /* of an iothread: devices have no threads here */
};

bool qemu_object(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *driver = properties_find(value, "qom-type", "qom-type");
    g_autofree char *what = g_strdup_printf("-object %s", driver ? driver : value);

    if (properties_want_help(value)) {
        if (is_help(value))
            printf("List of user creatable objects:\n  filter-dump\n  iothread\n  "
                   "memory-backend-file\n  "
                   "memory-backend-memfd\n  memory-backend-ram\n  rng-builtin\n  rng-random\n");
        else
            properties_print(driver, object_properties, G_N_ELEMENTS(object_properties));
        q->answered = true;
        return true;
    }
    if (driver && g_str_has_prefix(driver, "memory-backend-"))
        return qemu_memory_backend(q, value);
    if (driver && !strcmp(driver, "filter-dump"))
        return qemu_filter_dump(q, value);
    if (!driver || !properties_accept(object_properties[0].accepts, driver))
        return qemu_refuse("object", driver ? driver : "", what, object_properties[0].accepts);
    if (q->devices.object_count == QEMU_OBJECTS_MAX)
        return qemu_bad("-object: more than %d of them", QEMU_OBJECTS_MAX);
    *object(q) = (struct qemu_object){0};
    if (!properties_set(q, option, value, "qom-type", object_properties,
                        G_N_ELEMENTS(object_properties)))
        return false;
    if (!object(q)->id)
        return qemu_bad("-object %s: expected id=ID", value);
    q->devices.object_count++;
    return true;
}

/* ---- -device ---- */

typedef bool connect_fn(struct qemu *q, const struct qemu_device *device);
static connect_fn connect_blk, connect_rng, connect_serial, connect_port, connect_net, connect_9p;

static bool set_event_idx(struct qemu *q, const char *value)
{
    device(q)->no_event_idx = !property_is_on(value);
    return true;
}

static bool set_indirect(struct qemu *q, const char *value)
{
    device(q)->no_indirect = !property_is_on(value);
    return true;
}

/* What every virtio device has. The features are what these devices offer. */
#define VIRTIO_PROPERTIES                                                                          \
    {"id", "ID", set_device_id, NULL}, {"bus", "BUS", set_device_on, NULL},                        \
        {"event-idx", "on|off", set_event_idx, NULL},                                              \
        {"indirect-desc", "on|off", set_indirect, NULL}, {"packed", "off", NULL, NULL},            \
    {                                                                                              \
        "iommu-platform", "off", NULL, NULL                                                        \
    }

static const struct property blk_properties[] = {
    {"drive", "ID", set_device_drive, NULL},
    VIRTIO_PROPERTIES,
    {"serial", "TEXT", set_device_serial, NULL},
    {"scsi", "off", NULL, NULL},
    {"bootindex", "N", NULL, "firmware is told of no boot order"},
    {"num-queues", "1", NULL, NULL},
    {"write-cache", "on|auto", NULL, NULL},
    {"config-wce", "off", NULL, NULL},
    {"logical-block-size", "512", NULL, NULL},
    {"physical-block-size", "512", NULL, NULL},
};

/* What is off is not offered to the driver; QEMU's device offers it. */
static const struct property net_properties[] = {
    {"netdev", "ID", set_device_netdev, NULL},
    {"mac", "MAC", set_device_mac, NULL},
    VIRTIO_PROPERTIES,
    {"status", "on", NULL, NULL},
    {"mq", "off", NULL, NULL},
    {"csum", "off", NULL, NULL},
    {"gso", "off", NULL, NULL},
    {"mrg-rxbuf", "off", NULL, NULL},
    {"ctrl-vq", "off", NULL, NULL},
    {"guest-csum", "off", NULL, NULL},
    {"guest-tso4", "off", NULL, NULL},
    {"guest-tso6", "off", NULL, NULL},
    {"host-tso4", "off", NULL, NULL},
    {"host-tso6", "off", NULL, NULL},
    {"bootindex", "N", NULL, "firmware is told of no boot order"},
};

static const struct property rng_properties[] = {
    {"rng", "ID", set_device_rng, NULL},
    VIRTIO_PROPERTIES,
    {"max-bytes", "N", NULL, "entropy comes without a limit"},
    {"period", "N", NULL, NULL},
};

static const struct property p9_properties[] = {
    {"fsdev", "ID", set_device_fsdev, NULL},
    {"mount-tag", "TAG", set_device_tag, NULL},
    VIRTIO_PROPERTIES,
};

static const struct property serial_properties[] = {VIRTIO_PROPERTIES};

static const struct property pcie_port_properties[] = {
    {"id", "ID", set_device_id, NULL},
    {"bus", "BUS", set_device_on, NULL},
};

static const struct property port_properties[] = {
    {"chardev", "ID", set_device_chardev, NULL},
    {"name", "TEXT", set_device_name, NULL},
    {"id", "ID", set_device_id, NULL},
    {"bus", "BUS", set_device_on, NULL},
};

static const struct qemu_driver {
    const char *name, *bus, *title; /* as QEMU's list has it, under this title */
    const char *alias;              /* QEMU's other name for it, or NULL */
    const struct property *properties;
    size_t count;
    connect_fn *connect; /* NULL: it is a loader's */
} drivers[] = {
#define DRIVER(name, bus, title, alias, table, connect)                                            \
    {                                                                                              \
        name, bus, title, alias, table, G_N_ELEMENTS(table), connect                               \
    }
#define PCI "PCI"
    DRIVER("pcie-root-port", PCI, "Controller/Bridge/Hub", NULL, pcie_port_properties,
           qemu_pci_connect_port),
    DRIVER("virtio-blk-pci", PCI, "Storage", "virtio-blk", blk_properties, connect_blk),
    DRIVER("virtio-blk-device", "virtio-bus", "Storage", NULL, blk_properties, connect_blk),
    DRIVER("virtio-9p-pci", PCI, "Storage", "virtio-9p", p9_properties, connect_9p),
    DRIVER("virtio-9p-device", "virtio-bus", "Storage", NULL, p9_properties, connect_9p),
    DRIVER("virtio-net-pci", PCI, "Network", "virtio-net", net_properties, connect_net),
    DRIVER("virtio-net-device", "virtio-bus", "Network", NULL, net_properties, connect_net),
    DRIVER("virtconsole", "virtio-serial-bus", "Input", NULL, port_properties, connect_port),
    DRIVER("virtio-serial-pci", PCI, "Input", "virtio-serial", serial_properties, connect_serial),
    DRIVER("virtio-serial-device", "virtio-bus", "Input", NULL, serial_properties, connect_serial),
    DRIVER("virtserialport", "virtio-serial-bus", "Input", NULL, port_properties, connect_port),
    DRIVER("virtio-rng-pci", PCI, "Misc", "virtio-rng", rng_properties, connect_rng),
    DRIVER("virtio-rng-device", "virtio-bus", "Misc", NULL, rng_properties, connect_rng),
#undef DRIVER
    {"guest-loader", NULL, "Misc", NULL, NULL, 0, NULL},
    {"loader", NULL, "Misc", NULL, NULL, 0, NULL},
};

static void print_drivers(void)
{
    for (size_t k = 0; k < G_N_ELEMENTS(drivers); k++) {
        if (!k || strcmp(drivers[k].title, drivers[k - 1].title))
            printf("%s%s devices:\n", k ? "\n" : "", drivers[k].title);
        printf("name \"%s\"", drivers[k].name);
        if (drivers[k].bus)
            printf(", bus %s", drivers[k].bus);
        if (drivers[k].alias)
            printf(", alias \"%s\"", drivers[k].alias);
        printf("\n");
    }
}

static bool is_on_pci(const struct qemu_driver *driver)
{
    return driver->bus && !strcmp(driver->bus, PCI);
}

/* QEMU has names of their own for what disable-legacy and disable-modern say. */
static const struct {
    const char *suffix, *no_legacy;
} interfaces[] = {{"-non-transitional", "on"}, {"-transitional", "off"}};

static bool is_called(const struct qemu_driver *driver, const char *name, const char **no_legacy)
{
    *no_legacy = NULL;
    if (!strcmp(driver->name, name) || (driver->alias && !strcmp(driver->alias, name)))
        return true;
    for (size_t k = 0; is_on_pci(driver) && k < G_N_ELEMENTS(interfaces); k++)
        if (g_str_has_prefix(name, driver->name) &&
            !strcmp(name + strlen(driver->name), interfaces[k].suffix)) {
            *no_legacy = interfaces[k].no_legacy;
            return true;
        }
    return false;
}

static const struct qemu_driver *find_driver(const char *name, const char **no_legacy)
{
    for (size_t k = 0; k < G_N_ELEMENTS(drivers); k++)
        if (is_called(&drivers[k], name, no_legacy))
            return &drivers[k];
    return NULL;
}

/* Room for the driver's own name, its properties and those of its bus; the end of what is there. */
static struct property *append(struct property *to, const struct property *table, size_t count)
{
    memcpy(to, table, count * sizeof(*table));
    return to + count;
}

static bool set_driver(struct qemu *q, const char *value)
{
    (void)q, (void)value; /* find_driver() has */
    return true;
}

/* All properties of the driver; g_free() them. */
static struct property *properties_of(const struct qemu_driver *driver, size_t *count)
{
    struct property *all =
        g_new0(struct property, 1 + driver->count + qemu_pci_property_count +
                                    qemu_virtio_pci_property_count + qemu_port_property_count);
    struct property *end = append(all, &(struct property){"driver", "NAME", set_driver, NULL}, 1);

    end = append(end, driver->properties, driver->count);
    if (is_on_pci(driver)) {
        bool port = driver->connect == qemu_pci_connect_port;
        end = append(end, qemu_pci_properties, qemu_pci_property_count);
        end = append(end, port ? qemu_port_properties : qemu_virtio_pci_properties,
                     port ? qemu_port_property_count : qemu_virtio_pci_property_count);
    }
    *count = (size_t)(end - all);
    return all;
}

static bool no_driver(const char *name)
{
    g_autofree char *what = g_strdup_printf("-device %s", name);
    GString *known = g_string_new(NULL);

    for (size_t k = 0; k < G_N_ELEMENTS(drivers); k++)
        g_string_append_printf(known, "%s%s", k ? "|" : "", drivers[k].name);
    qemu_refuse("device", name, what, known->str);
    g_string_free(known, TRUE);
    return false;
}

bool qemu_device_default(struct qemu *q, const char *word)
{
    struct qemu_devices *d = &q->devices;
    g_autofree char *name = g_strndup(word, strcspn(word, "."));
    bool known = false;

    for (size_t k = 0; k < G_N_ELEMENTS(drivers); k++)
        known |= !strcmp(drivers[k].name, name);
    if (!known) {
        qemu_note(q, "-global %s: there is no %s: it changes nothing", word, name);
        return true;
    }
    if (d->default_count == QEMU_DEFAULTS_MAX)
        return qemu_bad("-global: more than %d of them", QEMU_DEFAULTS_MAX);
    d->defaults[d->default_count++] = qemu_keep(q, g_strdup(word));
    return true;
}

/* What -global says of the driver, before what the device says itself. */
static bool set_defaults(struct qemu *q, const struct qemu_driver *driver,
                         const struct property *table, size_t count)
{
    size_t length = strlen(driver->name);
    bool good = true;

    for (unsigned k = 0; k < q->devices.default_count; k++) {
        const char *word = q->devices.defaults[k];
        if (!strncmp(word, driver->name, length) && word[length] == '.')
            good &= properties_set(q, "device", word + length + 1, NULL, table, count);
    }
    return good;
}

static bool set_device(struct qemu *q, const char *value, const struct qemu_driver *driver,
                       const char *no_legacy)
{
    size_t count;
    g_autofree struct property *table = properties_of(driver, &count);

    *device(q) = (struct qemu_device){.driver = driver, .pci.no_legacy = no_legacy};
    return set_defaults(q, driver, table, count) &&
           properties_set(q, "device", value, "driver", table, count);
}

static void print_driver(const char *name, const struct qemu_driver *driver)
{
    size_t count;
    g_autofree struct property *table = properties_of(driver, &count);

    properties_print(name, table + 1, count - 1);
}

bool qemu_device(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *name = properties_find(value, "driver", "driver");

    (void)option;
    if (is_help(value)) {
        print_drivers();
        q->answered = true;
        return true;
    }
    if (!name)
        return qemu_bad("-device %s: expected a driver; `-device help` lists them", value);
    const char *no_legacy;
    const struct qemu_driver *driver = find_driver(name, &no_legacy);
    if (!driver)
        return no_driver(name);
    if (!driver->connect)
        return qemu_loader(q, name, value);
    if (properties_want_help(value)) {
        print_driver(name, driver);
        q->answered = true;
        return true;
    }
    if (q->devices.device_count == QEMU_DEVICES_MAX)
        return qemu_bad("-device: more than %d of them", QEMU_DEVICES_MAX);
    if (!set_device(q, value, driver, no_legacy))
        return false;
    q->devices.device_count++;
    return true;
}

/* ---- connecting ---- */

/* Without snapshot or readonly the file is written, as QEMU does. */
static struct arm_drive arm_drive(const struct qemu_devices *d, const struct qemu_drive *drive)
{
    struct arm_drive to = {
        .path = drive->file, .mode = ARM_DRIVE_WRITABLE, .format = drive->format};

    if (drive->readonly || drive->is_cdrom)
        to.mode = ARM_DRIVE_READONLY;
    else if (drive->snapshot || d->snapshot)
        to.mode = ARM_DRIVE_SNAPSHOT;
    return to;
}

/* The slot that bus=virtio-mmio-bus.N asks for: 1 + N, 0 if none is; false, and a message. */
static bool parse_bus(const struct qemu_device *device, unsigned *bus)
{
    static const char stem[] = "virtio-mmio-bus.";
    uint64_t n = 0;

    *bus = 0;
    if (!device->on)
        return true;
    if (!g_str_has_prefix(device->on, stem) ||
        !parse_number(device->on + sizeof(stem) - 1, 0, ARM_VIRTIO_MAX - 1, &n))
        return qemu_bad("-device %s,bus=%s: expected virtio-mmio-bus.0 to .%d",
                        device->driver->name, device->on, ARM_VIRTIO_MAX - 1);
    *bus = 1 + (unsigned)n;
    return true;
}

/* On its bus; @device NULL: a disk of if=virtio, which is on PCI. */
static bool place(struct qemu *q, const struct qemu_device *device, struct arm_virtio *virtio)
{
    g_autofree char *what = g_strdup_printf("-device %s", device ? device->driver->name : "");

    if (!device || is_on_pci(device->driver))
        return qemu_pci_place(q, device, device ? what : "-drive if=virtio", &virtio->pci);
    return parse_bus(device, &virtio->bus);
}

static bool add_virtio(struct qemu *q, const struct qemu_device *device, struct arm_virtio virtio)
{
    if (!place(q, device, &virtio))
        return false;
    if (device) {
        virtio.no_event_idx = device->no_event_idx;
        virtio.no_indirect = device->no_indirect;
    }
    return devices_add(&q->devices.options, &virtio, &q->req.config) ||
           qemu_bad("more than %d virtio devices", ARM_VIRTIO_MAX);
}

static bool add_blk(struct qemu *q, const struct qemu_device *device,
                    const struct qemu_drive *drive)
{
    return add_virtio(q, device,
                      (struct arm_virtio){.kind = ARM_VIRTIO_BLK,
                                          .drive = arm_drive(&q->devices, drive),
                                          .serial = device ? device->serial : drive->serial});
}

static bool connect_blk(struct qemu *q, const struct qemu_device *device)
{
    const struct qemu_devices *d = &q->devices;

    for (unsigned n = 0; device->drive && n < d->drive_count; n++)
        if (d->drives[n].id && !strcmp(d->drives[n].id, device->drive))
            return add_blk(q, device, &d->drives[n]);
    return qemu_bad("-device %s,drive=%s: expected the id of a -drive if=none",
                    device->driver->name, device->drive ? device->drive : "");
}

static bool connect_net(struct qemu *q, const struct qemu_device *device)
{
    g_autofree char *what = g_strdup_printf("-device %s", device->driver->name);
    struct arm_virtio virtio = {0};

    return qemu_net_plug(q, what, device->netdev, device->mac, q->req.config.virtio_count,
                         &virtio) &&
           add_virtio(q, device, virtio);
}

static bool connect_9p(struct qemu *q, const struct qemu_device *device)
{
    struct arm_virtio virtio = {.kind = ARM_VIRTIO_9P};

    return qemu_folder_plug(q, device->driver->name, device->fsdev, device->tag, &virtio.folder) &&
           (!virtio.folder.path || add_virtio(q, device, virtio));
}

static bool connect_rng(struct qemu *q, const struct qemu_device *device)
{
    const struct qemu_devices *d = &q->devices;
    bool found = !device->rng;

    for (unsigned n = 0; n < d->object_count; n++)
        found |= device->rng && !strcmp(d->objects[n].id, device->rng);
    if (!found)
        return qemu_bad("-device %s,rng=%s: expected the id of an -object rng-random",
                        device->driver->name, device->rng);
    return add_virtio(q, device, (struct arm_virtio){.kind = ARM_VIRTIO_RNG});
}

static bool connect_serial(struct qemu *q, const struct qemu_device *device)
{
    struct qemu_devices *d = &q->devices;
    struct arm_virtio virtio = {.kind = ARM_VIRTIO_CONSOLE,
                                .no_event_idx = device->no_event_idx,
                                .no_indirect = device->no_indirect};

    if (d->serial || d->options.has_console)
        return qemu_bad("-device %s: expected one of them, before its ports", device->driver->name);
    d->serial = device;
    return place(q, device, &virtio) &&
           (devices_add_console(&d->options, &virtio, &q->req.config) ||
            qemu_bad("more than %d virtio devices", ARM_VIRTIO_MAX));
}

/* The bus of a virtio-serial-device is called after its id. */
static bool is_serial_bus(const struct qemu_devices *d, const char *bus)
{
    const char *id = d->serial && d->serial->id ? d->serial->id : "virtio-serial-bus";
    size_t length = strlen(id);

    return !strncmp(bus, id, length) && (!bus[length] || !strcmp(bus + length, ".0"));
}

static bool connect_port(struct qemu *q, const struct qemu_device *device)
{
    struct arm_port port = {.name = device->name,
                            .console = !strcmp(device->driver->name, "virtconsole")};
    const char *where;

    if (device->on && !is_serial_bus(&q->devices, device->on))
        return qemu_bad("-device %s,bus=%s: expected the bus of the virtio-serial",
                        device->driver->name, device->on);
    if (!device->chardev || !(where = qemu_chardev_where(q, device->chardev, &port.testdev)))
        return qemu_bad("-device %s,chardev=%s: expected the id of a -chardev",
                        device->driver->name, device->chardev ? device->chardev : "");
    return devices_add_port(&q->devices.options, &port, where, &q->req.config) ||
           qemu_bad("-device %s: more than %d ports", device->driver->name, ARM_PORTS_MAX);
}

static bool connect_pflash(struct qemu *q, const struct qemu_drive *drive)
{
    struct arm_config *config = &q->req.config;
    int unit = drive->unit >= 0 ? drive->unit : config->pflash[0].path ? 1 : 0;

    if (unit > 1 || !drive->file)
        return qemu_bad("-drive if=pflash: expected a file, and unit 0 or 1");
    if (config->pflash[unit].path)
        return qemu_bad("-drive file=%s: flash memory %d is taken", drive->file, unit);
    config->pflash[unit] = arm_drive(&q->devices, drive);
    return true;
}

static bool is_interface(const struct qemu_drive *drive, const char *interface)
{
    return !strcmp(drive->interface, interface);
}

/* A directory becomes a FAT file system in memory. */
static bool make_directories(struct qemu *q)
{
    bool good = true;

    for (unsigned n = 0; n < q->devices.drive_count; n++) {
        struct qemu_drive *d = &q->devices.drives[n];
        int fd = d->directory ? fat_from_directory(d->directory) : -1;

        if (d->directory && fd < 0) {
            good = false;
        } else if (d->directory) {
            d->file = qemu_keep(q, g_strdup_printf("/proc/self/fd/%d", fd));
            d->snapshot = true;
            if (!d->readonly)
                qemu_note(q, "-drive file=fat:rw:%s: what the guest writes is lost at the end",
                          d->directory);
        }
    }
    return good;
}

/* An id that no device asks for is only a drive that nobody sees. */
static bool no_serial_without_ports(struct qemu *q)
{
    return !q->devices.serial || q->devices.options.port_count ||
           qemu_bad("-device %s: expected a virtconsole or virtserialport on it",
                    q->devices.serial->driver->name);
}

/* In the order in which QEMU gives them their places: network devices of -nic and -net, -device,
 * and the disks of if=virtio. */
bool qemu_devices_connect(struct qemu *q)
{
    struct qemu_devices *d = &q->devices;
    bool good = make_directories(q);

    good &= qemu_net_connect(q);
    for (unsigned n = 0; n < d->device_count; n++)
        good &= d->devices[n].driver->connect(q, &d->devices[n]);
    good &= no_serial_without_ports(q);
    good &= qemu_net_check(q);
    for (unsigned n = 0; n < d->drive_count; n++)
        if (is_interface(&d->drives[n], "pflash"))
            good &= connect_pflash(q, &d->drives[n]);
    for (unsigned n = 0; n < d->drive_count; n++)
        if (is_interface(&d->drives[n], "virtio"))
            good &= add_blk(q, NULL, &d->drives[n]);
    q->req.devices = &d->options;
    return good;
}
