/* -drive, -device and -chardev of `armillary qemu`: they refer to each other by id, in any order,
 * so that they are collected first and connected at the end. */
#pragma once

#include <stdbool.h>

#include "devices.h"

#define QEMU_DRIVES_MAX   40
#define QEMU_CHARDEVS_MAX 24
#define QEMU_DEVICES_MAX  48

struct qemu;

struct qemu_drive {
    const char *id, *interface, *file;
    bool readonly, snapshot;
    int unit; /* -1: the next one */
};

struct qemu_chardev {
    const char *id, *backend, *path;
};

struct qemu_device {
    const char *driver, *drive, *chardev, *name;
};

struct qemu_devices {
    struct qemu_drive drives[QEMU_DRIVES_MAX];
    struct qemu_chardev chardevs[QEMU_CHARDEVS_MAX];
    struct qemu_device devices[QEMU_DEVICES_MAX];
    unsigned drive_count, chardev_count, device_count;
    bool snapshot; /* of all drives */
    struct device_options options;
};

/* cmd_qemu.c: the one of this command line; text that lives as long (@text is g_free()d). */
struct qemu_devices *qemu_devices(struct qemu *q);
const char *qemu_keep(struct qemu *q, char *text);

/* Options; false, and what is wrong was printed. */
bool qemu_drive(struct qemu *q, const char *value);
bool qemu_chardev(struct qemu *q, const char *value);
bool qemu_device(struct qemu *q, const char *value);

/* After all options: fill @config. */
bool qemu_devices_connect(struct qemu *q, struct arm_config *config);
