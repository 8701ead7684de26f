/* -fsdev and -virtfs of `armillary qemu`: folders of the host, for virtio-9p devices. */
#pragma once

#include <stdbool.h>

#include "armillary.h"

#define QEMU_FOLDERS_MAX 16

struct qemu;
struct qemu_device;

struct qemu_folder {
    const char *id, *tag; /* tag: -virtfs's mount_tag */
    struct arm_folder folder;
    bool has_security;
};

struct qemu_folders {
    struct qemu_folder rows[QEMU_FOLDERS_MAX];
    unsigned count;
    bool refused; /* one of them was */
};

/* Options; false, and what is wrong was printed. */
bool qemu_fsdev(struct qemu *q, const char *option, const char *value);
bool qemu_virtfs(struct qemu *q, const char *option, const char *value);

/* The folder that a virtio-9p device asks for; false, and a message. */
bool qemu_folder_plug(struct qemu *q, const char *driver, const char *fsdev, const char *tag,
                      struct arm_folder *folder);
