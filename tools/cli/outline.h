/* How a command line calls the parts of its machine: what scripts of QEMU ask for by QMP's queries
 * and by the monitor's `info`. The machine itself knows no names, and `armillary run` gives none.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define OUTLINE_DISKS_MAX 40
#define OUTLINE_PARTS_MAX 48
#define OUTLINE_LINKS_MAX 32
#define OUTLINE_NO_UUID   "00000000-0000-0000-0000-000000000000"

struct networks;
struct qemu_fdsets;

/* A disk, or the contents of a flash memory. */
struct outline_disk {
    const char *id, *node; /* of a -drive; of a -blockdev. The other one is NULL */
    const char *device;    /* the id of the device that has it; NULL: it has none */
    const char *file;      /* of the host; NULL: there is no disc in the drive */
    const char *format;    /* "raw", "qcow2" */
    bool readonly, removable;
};

/* A -device. */
struct outline_part {
    const char *driver, *id; /* id NULL: it has none */
};

/* The host's side of a UART, a port or a monitor. */
struct outline_link {
    const char *label, *where;
};

struct outline {
    const char *name, *uuid; /* of the machine; NULL: not said */
    unsigned version;        /* of the board: 100 * major + minor */
    uint64_t ram_bytes;
    bool balloon;
    struct outline_disk disks[OUTLINE_DISKS_MAX];
    struct outline_part parts[OUTLINE_PARTS_MAX];
    struct outline_link links[OUTLINE_LINKS_MAX];
    unsigned disk_count, part_count, link_count;
    const struct networks *networks;  /* NULL: none */
    const struct qemu_fdsets *fdsets; /* NULL: none */
};

/* INFO_NAMED(@word) of info.def: @out gets lines. False: there is no such row. */
bool outline_info(const struct outline *o, const char *word, GString *out);

/* The size of a disk, as the guest has it, in bytes; 0: the file is not there. */
uint64_t outline_disk_size(const struct outline_disk *disk);
