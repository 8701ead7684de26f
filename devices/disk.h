/*
 * A raw file as the contents of a disk or flash memory. Nothing of the file is kept in memory but
 * what a snapshot has written.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum disk_mode {
    DISK_SNAPSHOT, /* the file is only read; writes last as long as the machine */
    DISK_READONLY,
    DISK_WRITABLE,
};

#define DISK_CLUSTER_SHIFT 16 /* unit of copy-on-write */

struct disk {
    int fd; /* -1: not open */
    enum disk_mode mode;
    uint64_t size;      /* bytes; does not change while the disk is open */
    uint8_t **clusters; /* of a snapshot: what was written, by cluster; NULL: as in the file */
};

/**
 * disk_open() - take a file as a disk.
 * The file is locked (flock()): nobody else can have it DISK_WRITABLE at the same time.
 *
 * Return: 0 or -ARM_Exxx with the reason; then there is nothing to close.
 */
int disk_open(struct disk *disk, const char *path, enum disk_mode mode, struct arm_error *err)
    __attribute__((warn_unused_result));
void disk_close(struct disk *disk);

/* Move @len bytes at @offset, all of them inside the disk. False: the host reports an error, or the
 * disk is read-only. A write is in the file, or in the snapshot, when disk_write() returns. */
bool disk_read(const struct disk *disk, uint64_t offset, void *buf, size_t len);
bool disk_write(struct disk *disk, uint64_t offset, const void *buf, size_t len);

/* What was written before is on stable storage (fdatasync()). False: the host reports an error. */
bool disk_flush(struct disk *disk);
