#include "loader/fdt.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "loader/file.h"

#define BUILD_ROOM (UINT64_C(16) << 10) /* at first: a tree of 8 CPUs is 8 KiB */
#define BUILD_MAX  (UINT64_C(256) << 10)
#define EDIT_ROOM  4096                 /* for new nodes and fixed-size properties */
#define FILE_ROOM  (UINT64_C(16) << 20) /* Linux takes 2 MiB */

static void note(struct dt *dt, int error, const char *where)
{
    if (error >= 0 || dt->error)
        return;
    dt->error = error;
    snprintf(dt->where, sizeof(dt->where), "%s", where);
}

static int report(const struct dt *dt, struct arm_error *err)
{
    if (!dt->error)
        return 0;
    if (dt->error == -FDT_ERR_NOSPACE)
        return error_set(err, ARM_ENOMEM, "device tree: at %s: no memory", dt->where);
    return error_set(err, ARM_EFORMAT, "device tree: at %s: %s", dt->where,
                     fdt_strerror(dt->error));
}

/* A name that comes again stands there again: to look for it among all others took a third of the
 * instructions until a small program runs. */
void dt_create(struct dt *dt)
{
    *dt = (struct dt){.blob = malloc(BUILD_ROOM), .room = BUILD_ROOM};
    note(dt,
         dt->blob ? fdt_create_with_flags(dt->blob, (int)dt->room, FDT_CREATE_FLAG_NO_NAME_DEDUP)
                  : -FDT_ERR_NOSPACE,
         "creation");
    if (!dt->error)
        note(dt, fdt_finish_reservemap(dt->blob), "creation");
}

/* A step of building has ended in @error. True: for want of room, of which there is more now. */
static bool has_grown(struct dt *dt, int error)
{
    size_t room = 2 * dt->room;
    void *blob;

    if (error != -FDT_ERR_NOSPACE || room > BUILD_MAX)
        return false;
    blob = malloc(room);
    if (!blob || fdt_resize(dt->blob, blob, (int)room)) {
        free(blob);
        return false;
    }
    free(dt->blob);
    dt->blob = blob;
    dt->room = room;
    return true;
}

void dt_begin(struct dt *dt, const char *node)
{
    int rc = 0;

    if (dt->error)
        return;
    do
        rc = fdt_begin_node(dt->blob, node);
    while (has_grown(dt, rc));
    note(dt, rc, node);
}

void dt_end(struct dt *dt)
{
    int rc = 0;

    if (dt->error)
        return;
    do
        rc = fdt_end_node(dt->blob);
    while (has_grown(dt, rc));
    note(dt, rc, "end of a node");
}

/* Room for @size bytes of a property's value. NULL: none. */
static void *property(struct dt *dt, const char *name, size_t size)
{
    void *to = NULL;
    int rc = 0;

    if (dt->error)
        return NULL;
    do
        rc = fdt_property_placeholder(dt->blob, name, (int)size, &to);
    while (has_grown(dt, rc));
    note(dt, rc, name);
    return dt->error ? NULL : to;
}

void dt_prop(struct dt *dt, const char *name, const void *value, size_t size)
{
    void *to = property(dt, name, size);

    if (to && size)
        memcpy(to, value, size);
}

void dt_cells(struct dt *dt, const char *name, const uint32_t *cells, size_t count)
{
    void *to = property(dt, name, count * sizeof(uint32_t));

    for (size_t i = 0; to && i < count; i++)
        fdt32_st((uint8_t *)to + i * sizeof(uint32_t), cells[i]);
}

void dt_empty(struct dt *dt, const char *name)
{
    dt_prop(dt, name, NULL, 0);
}

void dt_string(struct dt *dt, const char *name, const char *s)
{
    dt_prop(dt, name, s, strlen(s) + 1);
}

int dt_finish(struct dt *dt, struct arm_error *err)
{
    int rc = 0;

    if (dt->error)
        return report(dt, err);
    do
        rc = fdt_finish(dt->blob);
    while (has_grown(dt, rc));
    note(dt, rc, "end");
    return report(dt, err);
}

static int check_magic(const struct file_data *f, struct arm_error *err)
{
    const struct format *format = format_of(f->bytes, f->size);

    if (f->size < FDT_V1_SIZE)
        return error_set(err, ARM_EFORMAT, "%s: device tree: %zu bytes, expected a header of %zu",
                         f->path, f->size, (size_t)FDT_V1_SIZE);
    if (format && !format_is_dtb(format))
        return error_set(err, ARM_EFORMAT, "%s: %s, expected a device tree (a blob, not a source)",
                         f->path, format->name);
    if (fdt_magic(f->bytes) != FDT_MAGIC)
        return error_set(err, ARM_EFORMAT,
                         "%s: device tree: magic at offset 0 is %#x, expected %#x", f->path,
                         fdt_magic(f->bytes), FDT_MAGIC);
    return 0;
}

static int libfdt_error(const struct file_data *f, int error, struct arm_error *err)
{
    return error_set(err, ARM_EFORMAT, "%s: device tree: %s", f->path, fdt_strerror(error));
}

/* fdt_check_full() of libfdt 1.6 adds a property's length to its place without looking, and goes
   around for ever when the sum is the place again: lengths are looked at here first. What is wrong
   otherwise it finds itself. The header has passed fdt_check_header(). */
static int check_lengths(const struct file_data *f, struct arm_error *err)
{
    const uint8_t *blob = f->bytes;
    uint32_t end = fdt_totalsize(blob), at = fdt_off_dt_struct(blob);

    while (end - at >= sizeof(struct fdt_property)) {
        uint32_t tag = fdt32_ld((const fdt32_t *)(blob + at));
        uint32_t room = end - at - sizeof(struct fdt_property), size = 0;

        if (tag == FDT_PROP) {
            size = fdt32_ld((const fdt32_t *)(blob + at + offsetof(struct fdt_property, len)));
            if (size > room)
                return error_set(err, ARM_EFORMAT,
                                 "%s: device tree: property at offset %u: length %u, expected at "
                                 "most %u",
                                 f->path, at, size, room);
            size += sizeof(struct fdt_property);
        } else if (tag == FDT_BEGIN_NODE) {
            size = FDT_TAGSIZE + (uint32_t)strnlen((const char *)blob + at + FDT_TAGSIZE, room) + 1;
        } else if (tag == FDT_END_NODE || tag == FDT_NOP) {
            size = FDT_TAGSIZE;
        } else {
            break;
        }
        size = (uint32_t)align_up(size, FDT_TAGSIZE);
        if (size > end - at)
            break;
        at += size;
    }
    return 0;
}

int dt_check(const struct file_data *f, struct arm_error *err)
{
    int rc = check_magic(f, err);

    if (rc)
        return rc;
    if (fdt_totalsize(f->bytes) > f->size)
        return error_set(err, ARM_EFORMAT,
                         "%s: device tree: totalsize at offset 4 is %u, expected at most the "
                         "file's %zu bytes",
                         f->path, fdt_totalsize(f->bytes), f->size);
    if (fdt_version(f->bytes) < 16) /* and libfdt trips over what nodes are called in these */
        return error_set(err, ARM_EFORMAT,
                         "%s: device tree: version at offset 20 is %u, expected 16 or later",
                         f->path, fdt_version(f->bytes));
    rc = fdt_check_header(f->bytes);
    if (rc)
        return libfdt_error(f, rc, err);
    rc = check_lengths(f, err);
    if (rc)
        return rc;
    rc = fdt_check_full(f->bytes, f->size);
    return rc ? libfdt_error(f, rc, err) : 0;
}

int dt_load(struct dt *dt, const char *path, struct arm_error *err)
{
    const struct file_limit limit = {FILE_ROOM, "what is read of a device tree"};
    struct file_data f;
    int rc = file_open(&f, path, err);

    *dt = (struct dt){0};
    if (!rc)
        rc = check_magic(&f, err); /* before a large file is read */
    if (!rc)
        rc = file_read_all(&f, &limit, err);
    if (!rc)
        rc = dt_check(&f, err);
    if (rc)
        file_free(&f);
    else
        *dt = (struct dt){.blob = f.bytes, .room = f.size};
    return rc;
}

void dt_free(struct dt *dt)
{
    free(dt->blob);
    *dt = (struct dt){0};
}

size_t dt_size(const struct dt *dt)
{
    return fdt_totalsize(dt->blob);
}

size_t dt_used(const struct dt *dt)
{
    size_t structs = fdt_off_dt_struct(dt->blob) + fdt_size_dt_struct(dt->blob);
    size_t strings = fdt_off_dt_strings(dt->blob) + fdt_size_dt_strings(dt->blob);

    return structs > strings ? structs : strings;
}

/* -- editing -- */

void dt_edit(struct dt *dt, size_t extra)
{
    size_t room = dt_size(dt) + extra + EDIT_ROOM;
    void *blob = malloc(room);

    note(dt, blob ? fdt_open_into(dt->blob, blob, (int)room) : -FDT_ERR_NOSPACE, "edit");
    if (dt->error) {
        free(blob);
    } else {
        free(dt->blob);
        dt->blob = blob;
        dt->room = room;
    }
}

int dt_pack(struct dt *dt, struct arm_error *err)
{
    if (!dt->error)
        note(dt, fdt_pack(dt->blob), "end");
    return report(dt, err);
}

int dt_expand(struct dt *dt, size_t size, struct arm_error *err)
{
    void *blob;

    if (dt->error || size <= dt_size(dt))
        return report(dt, err);
    blob = calloc(1, size);
    note(dt, blob ? fdt_open_into(dt->blob, blob, (int)size) : -FDT_ERR_NOSPACE, "end");
    if (dt->error) {
        free(blob);
    } else {
        free(dt->blob);
        dt->blob = blob;
        dt->room = size;
    }
    return report(dt, err);
}

int dt_find(struct dt *dt, const char *path)
{
    int node = dt->error ? -1 : fdt_path_offset(dt->blob, path);

    note(dt, node, path);
    return node;
}

int dt_add_node(struct dt *dt, int parent, const char *name)
{
    int node = dt->error ? -1 : fdt_add_subnode(dt->blob, parent, name);

    note(dt, node, name);
    return node;
}

void dt_set(struct dt *dt, int node, const char *name, const void *value, size_t size)
{
    if (!dt->error)
        note(dt, fdt_setprop(dt->blob, node, name, value, (int)size), name);
}

void dt_set_cells(struct dt *dt, int node, const char *name, const uint32_t *cells, size_t count)
{
    void *to;

    if (dt->error)
        return;
    note(dt, fdt_setprop_placeholder(dt->blob, node, name, (int)(count * sizeof(uint32_t)), &to),
         name);
    for (size_t i = 0; i < count && !dt->error; i++)
        fdt32_st((uint8_t *)to + i * sizeof(uint32_t), cells[i]);
}

/* A number of one or two cells, as the parent's #...-cells says. */
static size_t put_number(uint8_t *to, unsigned cells, uint64_t v)
{
    if (cells == 2)
        fdt64_st(to, v);
    else
        fdt32_st(to, (uint32_t)v);
    return cells * sizeof(uint32_t);
}

static void delete_memory_nodes(struct dt *dt)
{
    int node = fdt_first_subnode(dt->blob, 0);

    while (node >= 0 && !dt->error) {
        const char *name = fdt_get_name(dt->blob, node, NULL);
        if (name && (strcmp(name, "memory") == 0 || strncmp(name, "memory@", 7) == 0)) {
            note(dt, fdt_del_node(dt->blob, node), "/memory");
            node = fdt_first_subnode(dt->blob, 0);
        } else {
            node = fdt_next_subnode(dt->blob, node);
        }
    }
}

int dt_set_memory(struct dt *dt, uint64_t base, uint64_t size, struct arm_error *err)
{
    int acells = fdt_address_cells(dt->blob, 0), scells = fdt_size_cells(dt->blob, 0), node;
    uint8_t reg[16];
    size_t n;
    char name[32];

    if (acells < 1 || acells > 2 || scells < 1 || scells > 2)
        return error_set(err, ARM_EFORMAT,
                         "device tree: /: #address-cells %d and #size-cells %d, expected 1 or 2",
                         acells, scells);
    if ((acells == 1 && base + size - 1 > UINT32_MAX) || (scells == 1 && size > UINT32_MAX))
        return error_set(err, ARM_EFORMAT,
                         "device tree: /: %#llx bytes of RAM do not fit its #size-cells of 1",
                         (unsigned long long)size);
    dt_edit(dt, 0);
    delete_memory_nodes(dt);
    snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)base);
    node = dt->error ? -1 : fdt_add_subnode(dt->blob, 0, name);
    if (node >= 0) {
        n = put_number(reg, (unsigned)acells, base);
        n += put_number(reg + n, (unsigned)scells, size);
        note(dt, fdt_setprop(dt->blob, node, "reg", reg, (int)n), "/memory/reg");
        note(dt, fdt_setprop_string(dt->blob, node, "device_type", "memory"), "/memory");
    }
    note(dt, node, "/memory");
    return dt_pack(dt, err);
}

/* 32 bits when they suffice for all of the initrd, like the boot code this follows. */
static void set_initrd(struct dt *dt, int chosen, uint64_t base, uint64_t size)
{
    const struct {
        const char *name;
        uint64_t value;
    } props[] = {{"linux,initrd-start", base}, {"linux,initrd-end", base + size}};
    int acells = fdt_address_cells(dt->blob, 0);
    uint8_t number[8];

    for (unsigned i = 0; i < ARRAY_SIZE(props); i++) {
        size_t n =
            put_number(number, acells == 2 && props[i].value > UINT32_MAX ? 2 : 1, props[i].value);
        note(dt, fdt_setprop(dt->blob, chosen, props[i].name, number, (int)n), props[i].name);
    }
}

int dt_set_chosen(struct dt *dt, const char *bootargs, uint64_t initrd_base, uint64_t initrd_size,
                  struct arm_error *err)
{
    int chosen;

    dt_edit(dt, bootargs ? strlen(bootargs) : 0);
    chosen = dt->error ? -1 : fdt_path_offset(dt->blob, "/chosen");
    if (chosen == -FDT_ERR_NOTFOUND)
        chosen = fdt_add_subnode(dt->blob, 0, "chosen");
    note(dt, chosen, "/chosen");
    if (!dt->error && bootargs && *bootargs)
        note(dt, fdt_setprop_string(dt->blob, chosen, "bootargs", bootargs), "/chosen/bootargs");
    if (!dt->error && initrd_size)
        set_initrd(dt, chosen, initrd_base, initrd_size);
    return dt_pack(dt, err);
}
