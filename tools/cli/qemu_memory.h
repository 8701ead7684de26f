/* -object memory-backend-* of `armillary qemu`: where QEMU has RAM from. Here it is
 * anonymous memory of the size that -m says. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define QEMU_BACKENDS_MAX 8

struct qemu;

struct qemu_backend {
    const char *id, *path; /* path: of a file, or NULL */
    uint64_t size;         /* bytes */
    bool share;
};

struct qemu_memory {
    struct qemu_backend backends[QEMU_BACKENDS_MAX];
    unsigned backend_count;
    const char *used[QEMU_BACKENDS_MAX]; /* ids of those that are the board's RAM together */
    unsigned used_count;
};

/* The backend with this id is the board's RAM, or a part of it. */
bool qemu_use_backend(struct qemu *q, const char *value);

/* NULL: there is none of that id. */
const struct qemu_backend *qemu_find_backend(const struct qemu *q, const char *id);

/* After all options. */
bool qemu_memory_connect(struct qemu *q);
