/*
 * Flattened device trees (Devicetree Specification 0.4, chapter 5): a reader for what the boot
 * loader gives us, and a writer for what guests are given. A node is the offset of its
 * FDT_BEGIN_NODE; FDT_NONE is none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_NONE (-1)

struct fdt {
    const uint8_t *bytes;
    uint32_t size, structure, structure_end, strings, strings_end;
};

/* false: that is no device tree of version 17 that one can read within @size bytes. */
bool fdt_open(struct fdt *f, const void *bytes, size_t size);

int fdt_root(const struct fdt *f);
int fdt_child(const struct fdt *f, int node);
int fdt_sibling(const struct fdt *f, int node);
const char *fdt_name(const struct fdt *f, int node);

/* The node at an absolute path of full names, or of names without unit address. */
int fdt_find(const struct fdt *f, const char *path);

/* The first node in document order, @node itself included, whose "compatible" has the string. */
int fdt_compatible(const struct fdt *f, int node, const char *string);
bool fdt_is_compatible(const struct fdt *f, int node, const char *string);

/* A property's bytes, NULL if there is none. */
const uint8_t *fdt_prop(const struct fdt *f, int node, const char *name, uint32_t *size);
const char *fdt_string(const struct fdt *f, int node,
                       const char *name); /* NULL unless it ends with a NUL */
bool fdt_u32(const struct fdt *f, int node, const char *name, uint32_t *v);

/* Entry @k of "reg", numbers of two cells each as on the virt board and in /chosen. */
bool fdt_reg(const struct fdt *f, int node, unsigned k, uint64_t *base, uint64_t *size);

/* A number of that many cells, most significant first. */
uint64_t fdt_cells(const uint8_t *p, unsigned cells);

/* Writing: nodes begin and end in order, properties of a node before its children. What does not
 * fit sets `full`. */
struct fdt_writer {
    uint8_t *bytes;
    uint32_t size, at, string_at;
    char strings[512];
    bool full;
};

void fdt_begin(struct fdt_writer *w, void *bytes, uint32_t size);
void fdt_node(struct fdt_writer *w, const char *name);
void fdt_end_node(struct fdt_writer *w);
void fdt_put(struct fdt_writer *w, const char *name, const void *value, uint32_t size);
void fdt_put_string(struct fdt_writer *w, const char *name, const char *value);
void fdt_put_cells(struct fdt_writer *w, const char *name, unsigned count, const uint32_t *cells);

/* Total bytes, 0 if it did not fit. */
uint32_t fdt_finish(struct fdt_writer *w);

#define FDT_CELLS(w, name, ...)                                                                    \
    fdt_put_cells(w, name, sizeof((const uint32_t[]){__VA_ARGS__}) / 4,                            \
                  (const uint32_t[]){__VA_ARGS__})
