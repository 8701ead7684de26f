#include "qemu_folder.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "qemu.h"

/* The row being filled. */
static struct qemu_folder *row(struct qemu *q)
{
    return &q->folders.rows[q->folders.count];
}

#define TEXT(name, member) PROPERTY_TEXT(set_##name, row(q)->member)
TEXT(id, id)
TEXT(tag, tag)
TEXT(path, folder.path)
#undef TEXT

PROPERTY_FLAG(set_readonly, row(q)->folder.readonly, true)

static bool set_security(struct qemu *q, const char *value)
{
    static const struct {
        const char *name;
        enum arm_folder_security security;
    } names[] = {{"none", ARM_FOLDER_NONE},
                 {"passthrough", ARM_FOLDER_PASSTHROUGH},
                 {"mapped", ARM_FOLDER_MAPPED},
                 {"mapped-xattr", ARM_FOLDER_MAPPED},
                 {"mapped-file", ARM_FOLDER_MAPPED}};

    if (!strcmp(value, "mapped-file"))
        qemu_note(q, "security_model=mapped-file: what the guest sets is kept as by mapped-xattr");

    for (size_t k = 0; k < G_N_ELEMENTS(names); k++)
        if (!strcmp(names[k].name, value))
            row(q)->folder.security = names[k].security;
    row(q)->has_security = true;
    return true;
}

/* How the host's side works is not seen by the guest. */
#define COMMON                                                                                     \
    {"fsdriver", "local", NULL, NULL}, {"id", "ID", set_id, NULL},                                 \
        {"path", "DIRECTORY", set_path, NULL},                                                     \
        {"security-model", "none|passthrough|mapped|mapped-xattr|mapped-file", set_security,       \
         NULL},                                                                                    \
        {"readonly", "on|off", set_readonly, NULL},                                                \
        {"multidevs", "warn|remap|forbid", NULL, NULL}, {"writeout", "immediate", NULL, NULL},     \
        {"fmode", "MODE", NULL, "new files and folders have 0600 and 0700"},                       \
    {                                                                                              \
        "dmode", "MODE", NULL, NULL                                                                \
    }

static const struct property fsdev_properties[] = {COMMON};
static const struct property virtfs_properties[] = {COMMON, {"mount-tag", "TAG", set_tag, NULL}};

static bool add(struct qemu *q, const char *option, const char *value, const struct property *table,
                size_t count)
{
    g_autofree char *driver = properties_find(value, "fsdriver", "fsdriver");
    g_autofree char *what = g_strdup_printf("-%s %s", option, driver ? driver : value);

    if (q->folders.count == QEMU_FOLDERS_MAX)
        return qemu_bad("-%s: more than %d folders", option, QEMU_FOLDERS_MAX);
    if (!driver || strcmp(driver, "local"))
        return qemu_refuse("fsdev", driver ? driver : "", what, "local");
    *row(q) = (struct qemu_folder){0};
    if (!properties_set(q, option, value, "fsdriver", table, count))
        return false;
    if (!row(q)->folder.path)
        return qemu_bad("-%s %s: expected path=DIRECTORY", option, value);
    if (!row(q)->has_security && !row(q)->folder.readonly)
        return qemu_bad("-%s %s: expected security_model=none|passthrough|mapped-xattr", option,
                        value);
    return true;
}

bool qemu_fsdev(struct qemu *q, const char *option, const char *value)
{
    bool good = add(q, option, value, fsdev_properties, G_N_ELEMENTS(fsdev_properties));

    if (good && !row(q)->id)
        good = qemu_bad("-fsdev %s: expected id=ID", value);
    q->folders.count += good;
    q->folders.refused |= !good;
    return good;
}

/* As QEMU: a -fsdev and a -device, at this place among the others. */
bool qemu_virtfs(struct qemu *q, const char *option, const char *value)
{
    struct qemu_folder *f = row(q);

    if (!add(q, option, value, virtfs_properties, G_N_ELEMENTS(virtfs_properties)))
        return false;
    if (!f->tag)
        return qemu_bad("-virtfs %s: expected mount_tag=TAG", value);
    if (!f->id)
        f->id = qemu_keep(q, g_strdup_printf("\n%u", q->folders.count)); /* nobody else's */
    q->folders.count++;
    g_auto(GStrv) words = g_strsplit(f->tag, ",", -1);
    g_autofree char *tag = g_strjoinv(",,", words);
    g_autofree char *device = g_strdup_printf("virtio-9p-pci,fsdev=%s,mount-tag=%s", f->id, tag);
    return qemu_device(q, "device", device);
}

bool qemu_folder_plug(struct qemu *q, const char *driver, const char *fsdev, const char *tag,
                      struct arm_folder *folder)
{
    if (!tag)
        return qemu_bad("-device %s: expected mount_tag=TAG", driver);
    for (unsigned k = 0; fsdev && k < q->folders.count; k++)
        if (!strcmp(q->folders.rows[k].id, fsdev)) {
            *folder = q->folders.rows[k].folder;
            folder->tag = tag;
            return true;
        }
    return q->folders.refused ||
           qemu_bad("-device %s,fsdev=%s: expected the id of a -fsdev", driver, fsdev ? fsdev : "");
}
