#include "outline.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "net.h"

typedef void outline_fn(const struct outline *o, GString *out);

static void info_name(const struct outline *o, GString *out)
{
    if (o->name)
        g_string_append_printf(out, "%s\n", o->name);
}

static void info_uuid(const struct outline *o, GString *out)
{
    g_string_append_printf(out, "%s\n", o->uuid ? o->uuid : OUTLINE_NO_UUID);
}

static void info_chardev(const struct outline *o, GString *out)
{
    for (unsigned k = 0; k < o->link_count; k++)
        g_string_append_printf(out, "%s: filename=%s\n", o->links[k].label, o->links[k].where);
}

/* A network device, and behind it what it is connected to. */
static void info_network(const struct outline *o, GString *out)
{
    for (unsigned k = 0; o->networks && k < o->networks->count; k++) {
        const struct network *n = &o->networks->rows[k];
        g_string_append_printf(out,
                               "%s: index=0,type=nic,macaddr=%02x:%02x:%02x:%02x:%02x:%02x\n"
                               " \\ %s: index=0,type=%s\n",
                               n->nic, n->mac[0], n->mac[1], n->mac[2], n->mac[3], n->mac[4],
                               n->mac[5], n->id, n->spec.kind);
    }
    if (!o->networks)
        g_string_append(out, "there is no network\n");
}

static void info_qtree(const struct outline *o, GString *out)
{
    for (unsigned k = 0; k < o->part_count; k++)
        g_string_append_printf(out, "dev: %s, id \"%s\"\n", o->parts[k].driver,
                               o->parts[k].id ? o->parts[k].id : "");
    g_string_append(out,
                    "and the board's own: info mtree; where they are: info pci, info virtio\n");
}

static const struct {
    const char *word;
    outline_fn *fn;
} rows[] = {
#define INFO(...)
#define INFO_NAMED(name, ...) {#name, info_##name},
#include "tools/cli/info.def"
#undef INFO_NAMED
#undef INFO
};

bool outline_info(const struct outline *o, const char *word, GString *out)
{
    for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
        if (!strcmp(word, rows[k].word)) {
            rows[k].fn(o, out);
            return true;
        }
    return false;
}

/* The size in a qcow2 header, big-endian. */
static uint64_t size_in_header(const char *file)
{
    uint8_t header[32];
    uint64_t size = 0;
    FILE *f = fopen(file, "rb");

    if (f && fread(header, 1, sizeof(header), f) == sizeof(header))
        for (unsigned k = 24; k < 32; k++)
            size = size << 8 | header[k];
    if (f)
        fclose(f);
    return size;
}

uint64_t outline_disk_size(const struct outline_disk *disk)
{
    struct stat st;

    if (!disk->file || stat(disk->file, &st) < 0)
        return 0;
    return strcmp(disk->format, "qcow2") ? (uint64_t)st.st_size : size_in_header(disk->file);
}
