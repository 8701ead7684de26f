/* A device tree blob, written in document order (Devicetree Specification 0.4, chapter 5). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fdt {
    uint8_t *blob; /* the caller's, FDT_ROOM bytes */
    size_t at;     /* end of the structure block so far */
    size_t names;  /* bytes of the strings block */
    uint8_t strings[1024];
};

#define FDT_ROOM 16384

void fdt_begin(struct fdt *f, uint8_t *blob);
void fdt_node(struct fdt *f, const char *name);
void fdt_end_node(struct fdt *f);
void fdt_prop(struct fdt *f, const char *name, const void *value, size_t size);
void fdt_text(struct fdt *f, const char *name, const char *value);
void fdt_cell_list(struct fdt *f, const char *name, const uint32_t *cells, size_t count);
void fdt_finish(struct fdt *f);

#define FDT_CELLS(f, name, ...)                                                                    \
    fdt_cell_list((f), (name), (const uint32_t[]){__VA_ARGS__},                                    \
                  sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
