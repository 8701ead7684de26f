/*
 * Device trees over libfdt. A tree is built in order (dt_create .. dt_finish) or loaded from a
 * file, and can then be edited. The first error sticks: calls after it do nothing, and it is
 * reported once, by dt_finish() or dt_pack().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file_data;

struct dt {
    void *blob;     /* owned; NULL before creation */
    size_t room;    /* bytes allocated */
    int error;      /* libfdt's, 0 if none so far */
    char where[64]; /* node or property of the first error */
};

/* -- building, in document order -- */

void dt_create(struct dt *dt);
void dt_begin(struct dt *dt, const char *node); /* "" for the root */
void dt_end(struct dt *dt);
void dt_prop(struct dt *dt, const char *name, const void *value, size_t size);
void dt_cells(struct dt *dt, const char *name, const uint32_t *cells, size_t count);
void dt_empty(struct dt *dt, const char *name);
void dt_string(struct dt *dt, const char *name, const char *s);

/* A property of cells given in place; a property of several strings ("a\0b", one literal). */
#define DT_CELLS(dt, name, ...)                                                                    \
    dt_cells((dt), (name), (const uint32_t[]){__VA_ARGS__},                                        \
             sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define DT_STRINGS(dt, name, literal) dt_prop((dt), (name), "" literal, sizeof(literal))

/* Return 0 or -ARM_ENOMEM with the place of the first error. */
int dt_finish(struct dt *dt, struct arm_error *err) __attribute__((warn_unused_result));

/* -- using -- */

/* Is what was read a device tree that libfdt can work with? Return 0 or -ARM_Exxx. */
int dt_check(const struct file_data *f, struct arm_error *err) __attribute__((warn_unused_result));

/* Read and check a file. Return 0 or -ARM_Exxx; freed by dt_free(). */
int dt_load(struct dt *dt, const char *path, struct arm_error *err)
    __attribute__((warn_unused_result));

void dt_free(struct dt *dt);
size_t dt_size(const struct dt *dt); /* totalsize: bytes of the blob, room for more included */
size_t dt_used(const struct dt *dt); /* bytes of a tree that dt_expand() or dt_pack() has made */

/*
 * Editing a finished or loaded tree, between dt_edit(), which makes room for @extra bytes of
 * properties and some nodes, and dt_pack(). Nodes are libfdt's offsets: adding to a node leaves
 * its own and its parents' valid, and no others; a new node comes before its siblings.
 */
void dt_edit(struct dt *dt, size_t extra);
int dt_find(struct dt *dt, const char *path);
int dt_add_node(struct dt *dt, int parent, const char *name);
void dt_set(struct dt *dt, int node, const char *name, const void *value, size_t size);
void dt_set_cells(struct dt *dt, int node, const char *name, const uint32_t *cells, size_t count);
int dt_pack(struct dt *dt, struct arm_error *err) __attribute__((warn_unused_result));

/* Make a packed tree @size bytes long, zeros behind what is in use: room for whoever gets it to add
 * to it in place. Nothing happens if it is as long already. Return 0 or -ARM_Exxx. */
int dt_expand(struct dt *dt, size_t size, struct arm_error *err)
    __attribute__((warn_unused_result));

/**
 * dt_set_memory() - replace all /memory nodes by one bank.
 * dt_set_chosen() - complete /chosen. @bootargs: NULL or "" leaves it. @initrd_size: 0 leaves the
 * initrd. Both need a finished or loaded tree; return 0 or -ARM_Exxx.
 */
int dt_set_memory(struct dt *dt, uint64_t base, uint64_t size, struct arm_error *err)
    __attribute__((warn_unused_result));
int dt_set_chosen(struct dt *dt, const char *bootargs, uint64_t initrd_base, uint64_t initrd_size,
                  struct arm_error *err) __attribute__((warn_unused_result));
