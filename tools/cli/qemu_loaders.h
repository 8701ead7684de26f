/* -device loader and -device guest-loader of `armillary qemu`: files at addresses of the user's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

#define QEMU_BLOBS_MAX   32
#define QEMU_MODULES_MAX 32

struct qemu;

struct qemu_loaders {
    struct arm_blob blobs[QEMU_BLOBS_MAX];
    struct arm_module modules[QEMU_MODULES_MAX];
    unsigned blob_count, module_count;
    /* Of the loader being read: */
    bool has_data, has_addr, big_endian;
    uint64_t data, data_size;
};

/* A -device of @driver, one of the two. False, and what is wrong was printed. */
bool qemu_loader(struct qemu *q, const char *driver, const char *value);

/* After all options: fill the configuration. */
void qemu_loaders_connect(struct qemu *q);
