#include "qemu_outline.h"

#include <glib.h>
#include <string.h>

#include "qemu.h"

/* As QEMU calls a drive that has no id: by its interface, counted. */
static const char *drive_id(struct qemu *q, unsigned index)
{
    const struct qemu_drive *all = q->devices.drives, *d = &all[index];
    unsigned n = 0;

    for (unsigned k = 0; k < index; k++)
        n += !all[k].is_node && !strcmp(all[k].interface, d->interface);
    if (d->unit >= 0)
        n = (unsigned)d->unit;
    return d->id ? d->id : qemu_keep(q, g_strdup_printf("%s%u", d->interface, n));
}

static const struct qemu_device *device_of(const struct qemu_devices *d, const char *id)
{
    for (unsigned k = 0; id && k < d->device_count; k++)
        if (d->devices[k].drive && !strcmp(d->devices[k].drive, id))
            return &d->devices[k];
    return NULL;
}

/* What a file that says nothing else is. */
static const char *format_of(const struct qemu_drive *d)
{
    char magic[4] = "";
    FILE *f = !d->format && d->file ? fopen(d->file, "rb") : NULL;
    bool qcow2 = f && fread(magic, 1, 4, f) == 4 && !memcmp(magic, "QFI\xfb", 4);

    if (f)
        fclose(f);
    return d->format ? d->format : qcow2 ? "qcow2" : "raw";
}

/* Of -blockdev's nodes only those that a device, or the flash memory, has: the others are in them.
 */
static void add_disks(struct qemu *q, struct outline *o)
{
    for (unsigned k = 0; k < q->devices.drive_count && o->disk_count < OUTLINE_DISKS_MAX; k++) {
        const struct qemu_drive *d = &q->devices.drives[k];
        const struct qemu_device *device = device_of(&q->devices, d->id);
        if (d->is_node && !device && strcmp(d->interface, "pflash") != 0)
            continue;
        o->disks[o->disk_count++] = (struct outline_disk){
            .id = d->is_node ? NULL : drive_id(q, k),
            .node = d->is_node ? d->id : NULL,
            .device = device ? device->id : NULL,
            .file = d->file,
            .format = format_of(d),
            .readonly = d->readonly || d->is_cdrom,
            .removable = d->is_cdrom,
        };
    }
}

static void add_parts(struct qemu *q, struct outline *o)
{
    for (unsigned k = 0; k < q->devices.device_count && k < OUTLINE_PARTS_MAX; k++) {
        const struct qemu_device *d = &q->devices.devices[k];
        o->parts[o->part_count++] = (struct outline_part){d->driver->name, d->id};
        o->balloon |= !strncmp(d->driver->name, "virtio-balloon", 14);
    }
}

static void add_link(struct outline *o, const char *label, const char *where)
{
    if (o->link_count < OUTLINE_LINKS_MAX)
        o->links[o->link_count++] = (struct outline_link){label, where};
}

/* Each -chardev by its id, and what -serial and -monitor name without one. */
static void add_links(struct qemu *q, struct outline *o)
{
    const struct qemu_host *h = &q->host;

    for (unsigned k = 0; k < h->chardev_count; k++) {
        const struct qemu_chardev *c = &h->chardevs[k];
        add_link(o, c->id,
                 c->path
                     ? qemu_keep(q, g_strdup_printf(
                                        "%s:%s", strcmp(c->backend, "socket") ? c->backend : "unix",
                                        c->path))
                     : c->backend);
    }
    for (unsigned k = 0; k < h->serial_count; k++)
        if (!g_str_has_prefix(h->serials[k], "chardev:"))
            add_link(o, qemu_keep(q, g_strdup_printf("serial%u", k)), h->serials[k]);
    if (!h->serial_count && q->req.serial)
        add_link(o, "serial0", q->req.serial);
    for (unsigned k = 0; k < h->monitor_count; k++)
        if (!g_str_has_prefix(h->monitors[k], "chardev:"))
            add_link(o, qemu_keep(q, g_strdup_printf("compat_monitor%u", k)), h->monitors[k]);
}

static const char *uuid_of(const struct qemu *q)
{
    const char *uuid = NULL;

    for (unsigned k = 0; k < q->smbios.count; k++)
        if (q->smbios.rows[k].type == 1 && !strcmp(q->smbios.rows[k].key, "uuid"))
            uuid = q->smbios.rows[k].value;
    return uuid;
}

void qemu_outline_connect(struct qemu *q)
{
    struct outline *o = &q->outline;

    *o = (struct outline){
        .name = q->process.name,
        .uuid = uuid_of(q),
        .ram_bytes = q->req.config.ram_size,
        .networks = q->req.networks,
        .fdsets = &q->fdsets,
        .version = q->machine.version,
    };
    add_disks(q, o);
    add_parts(q, o);
    add_links(q, o);
    q->req.outline = o;
}
