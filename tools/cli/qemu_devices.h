/* -drive, -device, -object and the shorthands for drives of `armillary qemu`: they refer to each
 * other by id, in any order, so that they are collected first and connected at the end. */
#pragma once

#include <stdbool.h>

#include "devices.h"
#include "qemu_drivers.h"
#include "qemu_pci.h"
#include "qemu_units.h"

#define QEMU_DRIVES_MAX   40
#define QEMU_OBJECTS_MAX  24
#define QEMU_DEVICES_MAX  48
#define QEMU_DEFAULTS_MAX 32

struct qemu;

struct qemu_drive {
    const char *id, *interface, *file, *format, *serial;
    const char *node;                 /* of -blockdev: the id of the one whose file it is */
    bool readonly, snapshot, is_node; /* is_node: of -blockdev */
    int unit;                         /* -1: the next one */
    bool is_cdrom;                    /* read-only by what it is */
    bool is_empty;                    /* of no file: zeros, @size bytes of them (0: as QEMU has) */
    uint64_t size;
    const char *directory; /* whose files it is made of, instead of a file */
};

struct qemu_object {
    const char *driver, *id;
};

struct qemu_device {
    const struct qemu_driver *driver;
    const char *id, *drive, *chardev, *name, *rng, *netdev, *mac, *serial, *fsdev, *tag, *scsi_id,
        *lun, *port, *cad, *tpmdev, *bus_nr, *memdev, *on; /* on: the bus it is to be on, or NULL */
    struct qemu_pci_wish pci;
    bool no_event_idx, no_indirect, packed, access_platform, bypass;
    struct arm_blocks blocks;
    unsigned queues;        /* of requests; 0: as usual */
    unsigned width, height; /* of a display; 0: as it likes */
    unsigned vram_mib;
    uint32_t cid;
    unsigned boot; /* 1 + its bootindex; 0: none */
};

struct qemu_devices {
    struct qemu_drive drives[QEMU_DRIVES_MAX];
    struct qemu_object objects[QEMU_OBJECTS_MAX];
    struct qemu_device devices[QEMU_DEVICES_MAX];
    const char *defaults[QEMU_DEFAULTS_MAX]; /* DRIVER.PROPERTY=VALUE, of -global */
    unsigned drive_count, object_count, device_count, default_count;
    bool refused;                     /* one of them was */
    bool snapshot;                    /* of all drives */
    const struct qemu_device *serial; /* the virtio-serial, once connected */
    struct qemu_pci pci;
    struct qemu_units units;
    struct device_options options;
};

/* Options; false, and what is wrong was printed. */
bool qemu_drive(struct qemu *q, const char *option, const char *value);
bool qemu_blockdev(struct qemu *q, const char *option, const char *value);
bool qemu_hard_disk(struct qemu *q, const char *option, const char *value); /* -hda to -hdd */
bool qemu_usbdevice(struct qemu *q, const char *option, const char *value);
bool qemu_cdrom(struct qemu *q, const char *option, const char *value);
bool qemu_pflash(struct qemu *q, const char *option, const char *value);
bool qemu_device(struct qemu *q, const char *option, const char *value);
/* -global DRIVER.PROPERTY=VALUE, for the devices that come behind it. */
bool qemu_device_default(struct qemu *q, const char *word);
bool qemu_object(struct qemu *q, const char *option, const char *value);

/* After all options: fill the configuration. */
bool qemu_devices_connect(struct qemu *q);

/* Of that, what drives are there for, first: a directory becomes a FAT file system in memory, and
 * the nodes of -blockdev find their files. */
bool qemu_complete_drives(struct qemu *q);
bool qemu_connect_flash(struct qemu *q);
bool qemu_connect_disks(struct qemu *q); /* of if=virtio */

/* Without snapshot or readonly the file is written, as QEMU does. */
struct arm_drive qemu_arm_drive(const struct qemu_devices *d, const struct qemu_drive *drive);
