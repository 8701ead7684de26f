/* -drive of `armillary qemu`, its shorthands, and -blockdev; what becomes of those that no -device
 * has. */
#define _GNU_SOURCE /* memfd_create() */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fat.h"
#include "parse.h"
#include "qemu.h"
#include "qemu_connect.h"

/* The row being filled. */
static struct qemu_drive *drive(struct qemu *q)
{
    return &q->devices.drives[q->devices.drive_count];
}

#define TEXT(member) PROPERTY_TEXT(set_##member, drive(q)->member)
TEXT(id)
TEXT(interface)
TEXT(format)
TEXT(serial)
TEXT(node)
#undef TEXT

#define FLAG(member, is) PROPERTY_FLAG(set_##member, drive(q)->member, is)
FLAG(readonly, true)
FLAG(snapshot, true)
#undef FLAG

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

/* A disk that is not there: zeros, of which nothing is kept at the end. */
static const char *const empty_disks[] = {"null-co", "null-aio"};

static bool is_empty_disk(const char *value)
{
    size_t length = strcspn(value, ":");

    for (size_t k = 0; k < G_N_ELEMENTS(empty_disks); k++)
        if (strlen(empty_disks[k]) == length && !strncmp(value, empty_disks[k], length))
            return true;
    return false;
}

static bool set_size(struct qemu *q, const char *value)
{
    if (parse_size(value, 1, &drive(q)->size))
        return true;
    return qemu_bad("-drive size=%s: expected a size in bytes", value);
}

/* A path, or a word and a colon for what QEMU can open besides files. */
static bool set_file(struct qemu *q, const char *value)
{
    static const char *const protocols[] = {
        "nbd:",  "ssh:", "http:", "https:",  "rbd:",     "iscsi:",
        "json:", "nfs:", "ftp:",  "gluster", "blkdebug:"};

    if (g_str_has_prefix(value, "fat:"))
        return set_directory(q, value + strlen("fat:"));
    if (is_empty_disk(value) && strchr(value, ':'))
        return drive(q)->is_empty = true;
    for (size_t k = 0; k < G_N_ELEMENTS(protocols); k++)
        if (g_str_has_prefix(value, protocols[k]))
            return qemu_bad("-drive file=%s is not offered: expected a file of this host", value);
    drive(q)->file = qemu_keep(q, g_strdup(value));
    return true;
}

static bool set_unit(struct qemu *q, const char *value)
{
    uint64_t n;

    if (!parse_number(value, 0, QEMU_DRIVES_MAX, &n))
        return qemu_bad("-drive index=%s: expected a number, 0 to %d", value, QEMU_DRIVES_MAX);
    drive(q)->unit = (int)n;
    return true;
}

static bool set_media(struct qemu *q, const char *value)
{
    drive(q)->is_cdrom = !strcmp(value, "cdrom");
    return true;
}

PROPERTY_TEXT(set_dir, drive(q)->directory)
PROPERTY_FLAG(set_rw, drive(q)->readonly, false)

#define NO_LIMIT "a disk is as fast as it is"

/* Where the bytes are, or what is in them. */
static bool set_driver(struct qemu *q, const char *value)
{
    static const char *const places[] = {"file", "host-device", "host_device", "vvfat"};
    bool is_place = is_empty_disk(value);

    drive(q)->is_empty |= is_place;

    for (size_t k = 0; k < G_N_ELEMENTS(places); k++)
        is_place |= !strcmp(value, places[k]);
    return set_format(q, is_place ? "raw" : value);
}

/* How QEMU's host side caches, waits and fails is not seen by the guest: a flush is on stable
 * storage here unless the drive is a snapshot. */
static const struct property drive_properties[] = {
    {"file", "FILE", set_file, NULL},
    {"if", "pflash|none|virtio|sd|ide|scsi|mtd|floppy", set_interface, NULL},
    {"id", "ID", set_id, NULL},
    {"node-name", "ID", NULL, NULL},
    {"unit", "N", set_unit, NULL},
    {"index", "N", set_unit, NULL},
    {"bus", "0", NULL, NULL},
    {"format", "raw|qcow2|FORMAT", set_format, NULL},
    {"driver", "raw|qcow2|null-co|FORMAT", set_driver, NULL},
    {"serial", "TEXT", set_serial, NULL},
    {"media", "disk|cdrom", set_media, NULL},
    {"readonly", "on|off", set_readonly, NULL},
    {"read-only", "on|off", set_readonly, NULL},
    {"auto-read-only", "on|off", NULL, NULL},
    {"snapshot", "on|off", set_snapshot, NULL},
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
    {"file.filename", "FILE", set_file, NULL},
    {"file.driver", "file|vvfat", NULL, NULL},
    {"file.locking", "on|off|auto", NULL, NULL},
    {"file.dir", "DIRECTORY", set_dir, NULL},
    {"file.rw", "on|off", set_rw, NULL},
    {"file.fat-type", "16", NULL, NULL},
    {"throttling.bps-total", "N", NULL, NO_LIMIT},
    {"throttling.bps-read", "N", NULL, NO_LIMIT},
    {"throttling.bps-write", "N", NULL, NO_LIMIT},
    {"throttling.iops-total", "N", NULL, NO_LIMIT},
    {"throttling.iops-read", "N", NULL, NO_LIMIT},
    {"throttling.iops-write", "N", NULL, NO_LIMIT},
    {"size", "SIZE", set_size, NULL}, /* of null-co */
};

/* A node of a graph, as QEMU has disks: one says where the bytes are, others what is in them. Here
 * a device asks for the last one, which is told the file of the first (join_nodes()). */
static const struct property node_properties[] = {
    {"driver", "file|host-device|host_device|vvfat|null-co|null-aio|raw|qcow2", set_driver, NULL},
    {"node-name", "ID", set_id, NULL},
    {"filename", "FILE", set_file, NULL},
    {"file", "ID", set_node, NULL},
    {"file.driver", "file|host-device|host_device|vvfat", NULL, NULL},
    {"file.filename", "FILE", set_file, NULL},
    {"dir", "DIRECTORY", set_dir, NULL},
    {"rw", "on|off", set_rw, NULL},
    {"fat-type", "16", NULL, NULL},
    {"read-only", "on|off", set_readonly, NULL},
    {"auto-read-only", "on|off", NULL, NULL},
    {"cache.direct", "on|off", NULL, NULL},
    {"cache.no-flush", "on|off", NULL, NULL},
    {"aio", "threads|native|io-uring|io_uring", NULL, NULL},
    {"locking", "on|off|auto", NULL, NULL},
    {"size", "SIZE", set_size, NULL},
    {"read-zeroes", "on|off", NULL, NULL},
    {"latency-ns", "0", NULL, NULL},
    {"file.locking", "on|off|auto", NULL, NULL},
    {"discard", "ignore|unmap", NULL, NULL},
    {"detect-zeroes", "on|off|unmap", NULL, NULL},
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
    if (!drive(q)->file && !drive(q)->directory && !drive(q)->is_empty)
        return qemu_bad("-drive %s: expected file=FILE", value);
    q->devices.drive_count++;
    return true;
}

bool qemu_blockdev(struct qemu *q, const char *option, const char *value)
{
    if (properties_want_help(value)) {
        properties_print("blockdev", node_properties, G_N_ELEMENTS(node_properties));
        q->answered = true;
        return true;
    }
    if (!begin_drive(q, "none", -1) ||
        !properties_set(q, option, value, "driver", node_properties, G_N_ELEMENTS(node_properties)))
        return false;
    if (!drive(q)->id || !drive(q)->format)
        return qemu_bad("-blockdev %s: expected driver=NAME and node-name=ID", value);
    if (!!drive(q)->file + !!drive(q)->directory + !!drive(q)->node + drive(q)->is_empty != 1)
        return qemu_bad("-blockdev %s: expected filename=FILE, or the file=ID of another", value);
    drive(q)->is_node = true;
    q->devices.drive_count++;
    return true;
}

/* The shorthands take a file name as it is, commas and all. */
static bool short_drive(struct qemu *q, const char *interface, int unit, bool is_cdrom,
                        const char *value)
{
    if (!begin_drive(q, interface, unit) || !set_file(q, value))
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

/* ---- connecting ---- */

struct arm_drive qemu_arm_drive(const struct qemu_devices *d, const struct qemu_drive *drive)
{
    struct arm_drive to = {
        .path = drive->file, .mode = ARM_DRIVE_WRITABLE, .format = drive->format};

    if (drive->readonly || drive->is_cdrom)
        to.mode = ARM_DRIVE_READONLY;
    else if (drive->snapshot || d->snapshot)
        to.mode = ARM_DRIVE_SNAPSHOT;
    return to;
}

static bool connect_pflash(struct qemu *q, const struct qemu_drive *drive)
{
    struct arm_config *config = &q->req.config;
    int unit = drive->unit >= 0 ? drive->unit : config->pflash[0].path ? 1 : 0;

    if (unit > 1 || !drive->file)
        return qemu_bad("-drive if=pflash: expected a file, and unit 0 or 1");
    if (config->pflash[unit].path)
        return qemu_bad("-drive file=%s: flash memory %d is taken", drive->file, unit);
    config->pflash[unit] = qemu_arm_drive(&q->devices, drive);
    return true;
}

static bool is_interface(const struct qemu_drive *drive, const char *interface)
{
    return !strcmp(drive->interface, interface);
}

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

#define EMPTY_BYTES (UINT64_C(1) << 30) /* as QEMU's, if no size is said */

static bool make_empty_disks(struct qemu *q)
{
    for (unsigned n = 0; n < q->devices.drive_count; n++) {
        struct qemu_drive *d = &q->devices.drives[n];
        int fd = d->is_empty ? memfd_create("disk", MFD_CLOEXEC) : -1;
        if (!d->is_empty)
            continue;
        if (fd < 0 || ftruncate(fd, (off_t)(d->size ? d->size : EMPTY_BYTES)))
            return qemu_bad("-drive driver=null-co: no memory for it");
        d->file = qemu_keep(q, g_strdup_printf("/proc/self/fd/%d", fd));
        d->format = "raw";
        d->snapshot = true;
    }
    return true;
}

static struct qemu_drive *find_drive(struct qemu_devices *d, const char *id)
{
    for (unsigned n = 0; n < d->drive_count; n++)
        if (d->drives[n].id && !strcmp(d->drives[n].id, id))
            return &d->drives[n];
    return NULL;
}

/* The file that a node names by others; a node may only name earlier ones, so that this ends. */
static bool join_nodes(struct qemu *q)
{
    struct qemu_devices *d = &q->devices;

    for (unsigned n = 0; n < d->drive_count; n++) {
        struct qemu_drive *to = &d->drives[n];
        const struct qemu_drive *from = to->node ? find_drive(d, to->node) : NULL;

        if (!to->node)
            continue;
        if (!from || from >= to)
            return qemu_bad("-blockdev node-name=%s,file=%s: expected the node-name of a -blockdev "
                            "before it",
                            to->id, to->node);
        to->file = from->file;
        to->readonly |= from->readonly;
        to->snapshot |= from->snapshot;
    }
    return true;
}

/* pflash0=ID and pflash1=ID of -machine. */
static bool place_flash(struct qemu *q)
{
    for (int unit = 0; unit < 2; unit++) {
        const char *id = q->machine.pflash[unit];
        struct qemu_drive *drive = id ? find_drive(&q->devices, id) : NULL;

        if (id && !drive)
            return qemu_bad("-machine pflash%d=%s: expected the node-name of a -blockdev", unit,
                            id);
        if (drive) {
            drive->interface = "pflash";
            drive->unit = unit;
        }
    }
    return true;
}

bool qemu_complete_drives(struct qemu *q)
{
    return make_directories(q) && make_empty_disks(q) && join_nodes(q) && place_flash(q);
}

bool qemu_connect_flash(struct qemu *q)
{
    struct qemu_devices *d = &q->devices;
    bool good = true;

    for (unsigned n = 0; n < d->drive_count; n++)
        if (is_interface(&d->drives[n], "pflash"))
            good &= connect_pflash(q, &d->drives[n]);
    return good;
}

static bool is_asked_for(const struct qemu_devices *d, const char *id)
{
    for (unsigned n = 0; id && n < d->device_count; n++)
        if (d->devices[n].drive && !strcmp(d->devices[n].drive, id))
            return true;
    return false;
}

/* A drive of an interface that the board does not have may be a device's, as with if=none. */
static bool check_interface(const struct qemu_devices *d, const struct qemu_drive *drive)
{
    g_autofree char *word = g_strdup_printf("if=%s", drive->interface);
    g_autofree char *what = g_strdup_printf("-drive %s", word);

    return is_interface(drive, "pflash") || is_interface(drive, "none") ||
           is_interface(drive, "virtio") || is_asked_for(d, drive->id) ||
           qemu_refuse("drive", word, what, NULL);
}

/* An id that no device asks for is only a drive that nobody sees. */
bool qemu_connect_disks(struct qemu *q)
{
    struct qemu_devices *d = &q->devices;
    bool good = true;

    for (unsigned n = 0; n < d->drive_count; n++) {
        good &= check_interface(d, &d->drives[n]);
        if (is_interface(&d->drives[n], "virtio"))
            good &= qemu_add_blk(q, NULL, &d->drives[n]);
    }
    return good;
}
