/* -device loader and -device guest-loader of `armillary qemu`: files at addresses of the user's. */
#pragma once

#include <stdbool.h>

#include "armillary.h"

#define QEMU_BLOBS_MAX   32
#define QEMU_MODULES_MAX 32

struct qemu;

struct qemu_loaders {
    struct arm_blob blobs[QEMU_BLOBS_MAX];
    struct arm_module modules[QEMU_MODULES_MAX];
    unsigned blob_count, module_count;
};

/* cmd_qemu.c: the ones of this command line. */
struct qemu_loaders *qemu_loaders(struct qemu *q);

/* The value of a -device that is one of them? */
bool qemu_is_loader(const char *value);

/* False, and what is wrong was printed. */
bool qemu_loader(struct qemu *q, const char *value);

/* After all options: fill @config. */
void qemu_loaders_connect(struct qemu *q, struct arm_config *config);
