#include "fdt.h"

#include <string.h>

#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_END        9

#define HEADER_BYTES 40
#define STRUCT_START (HEADER_BYTES + 16) /* behind an empty reservation map */

static void put(uint8_t *to, uint32_t v)
{
    for (int k = 0; k < 4; k++)
        to[k] = (uint8_t)(v >> (24 - 8 * k));
}

static void cell(struct fdt *f, uint32_t v)
{
    put(f->blob + f->at, v);
    f->at += 4;
}

static void bytes(struct fdt *f, const void *data, size_t size)
{
    memcpy(f->blob + f->at, data, size);
    f->at = (f->at + size + 3) & ~(size_t)3;
}

void fdt_begin(struct fdt *f, uint8_t *blob)
{
    memset(blob, 0, FDT_ROOM);
    *f = (struct fdt){.blob = blob, .at = STRUCT_START};
}

void fdt_node(struct fdt *f, const char *name)
{
    cell(f, FDT_BEGIN_NODE);
    bytes(f, name, strlen(name) + 1);
}

void fdt_end_node(struct fdt *f)
{
    cell(f, FDT_END_NODE);
}

void fdt_prop(struct fdt *f, const char *name, const void *value, size_t size)
{
    cell(f, FDT_PROP);
    cell(f, (uint32_t)size);
    cell(f, (uint32_t)f->names);
    memcpy(f->strings + f->names, name, strlen(name) + 1);
    f->names += strlen(name) + 1;
    bytes(f, value, size);
}

void fdt_text(struct fdt *f, const char *name, const char *value)
{
    fdt_prop(f, name, value, strlen(value) + 1);
}

void fdt_cell_list(struct fdt *f, const char *name, const uint32_t *cells, size_t count)
{
    uint8_t value[16 * 4];

    for (size_t k = 0; k < count; k++)
        put(value + 4 * k, cells[k]);
    fdt_prop(f, name, value, 4 * count);
}

void fdt_finish(struct fdt *f)
{
    size_t struct_end;

    cell(f, FDT_END);
    struct_end = f->at;
    bytes(f, f->strings, f->names);

    const uint32_t header[] = {
        0xd00dfeed,
        (uint32_t)f->at, /* totalsize */
        STRUCT_START,
        (uint32_t)struct_end, /* off_dt_strings */
        HEADER_BYTES,         /* off_mem_rsvmap */
        17,                   /* version */
        16,                   /* last_comp_version */
        0,                    /* boot_cpuid_phys */
        (uint32_t)f->names,
        (uint32_t)(struct_end - STRUCT_START),
    };

    for (size_t k = 0; k < sizeof(header) / sizeof(header[0]); k++)
        put(f->blob + 4 * k, header[k]);
}
