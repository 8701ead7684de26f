/* The flattened device tree (Devicetree Specification v0.4, 5), read in place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Properties that are kept of a node while it is visited: field, name. */
#define FDT_PROPERTIES(X)                                                                          \
    X(compatible, "compatible")                                                                    \
    X(device_type, "device_type")                                                                  \
    X(reg, "reg")                                                                                  \
    X(interrupts, "interrupts")                                                                    \
    X(method, "method")                                                                            \
    X(bootargs, "bootargs")                                                                        \
    X(address_cells, "#address-cells")                                                             \
    X(size_cells, "#size-cells")

struct fdt_property {
    const uint8_t *data; /* NULL: absent */
    uint32_t size;
};

struct fdt_node {
#define X(field, name) struct fdt_property field;
    FDT_PROPERTIES(X)
#undef X
    uint32_t reg_address_cells, reg_size_cells; /* the parent's, by which reg is read */
};

typedef void fdt_visit_fn(const struct fdt_node *node, void *context);

/* Visit every node in order. Return: false if this is not a device tree of version 16 or later. */
bool fdt_walk(const void *tree, fdt_visit_fn *visit, void *context);

/* The size of the whole tree. */
uint32_t fdt_bytes(const void *tree);

/* Is @text among the strings of a property? */
bool fdt_has(const struct fdt_property *p, const char *text);

/* The big-endian cell @n of a property, 0 beyond its end. */
uint32_t fdt_cell(const struct fdt_property *p, unsigned n);

/* Entry @n of reg. Return: false beyond its end. */
bool fdt_reg(const struct fdt_node *node, unsigned n, uint64_t *address, uint64_t *size);
