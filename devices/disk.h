/*
 * A file as the contents of a disk or flash memory: raw, or a qcow2 image. Nothing of the file is
 * kept in memory but what a snapshot has written.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blocks.h"
#include "base/error.h"
#include "base/log.h"

enum disk_mode {
    DISK_SNAPSHOT, /* the file is only read; writes last as long as the machine */
    DISK_READONLY,
    DISK_WRITABLE,
};

#define DISK_BLOCK         512
#define DISK_BLOCK_MAX     32768
#define DISK_CLUSTER_SHIFT 16 /* unit of copy-on-write */

struct disk_spec {
    const char *path;
    enum disk_mode mode;
    const char *format; /* "raw": whatever the file looks like; "qcow2"; NULL: qcow2 if its magic is
                           that, refused if it is another format's (disk_format.def), else raw */
    const struct host_failure *host; /* told of memory that an overlay lacks; outlives the disk */
    unsigned depth; /* images that it is the backing file of, one above the other */
};

struct qcow2;

struct disk {
    int fd;     /* -1: not open */
    char *path; /* owned */
    const struct arm_log *log;
    const struct host_failure *host;
    enum disk_mode mode;
    bool probed;         /* it is raw only because nothing else was found in it */
    uint64_t size;       /* bytes; does not change while the disk is open */
    struct qcow2 *image; /* NULL: it is raw */
    bool has_overlay;
    struct blocks overlay; /* DISK_SNAPSHOT: clusters that were written; others are the file's */
    int reported;          /* errno of the last failure that was logged */
};

/* What is wrong with what a guest is told of blocks; NULL: nothing. */
const char *disk_blocks_problem(const struct arm_blocks *blocks);

/**
 * disk_open() - take a file as a disk.
 * The file is locked (flock()): nobody else can have it DISK_WRITABLE at the same time.
 * @log: gets the host's errors later on; must outlive the disk.
 *
 * Return: 0 or -ARM_Exxx with the reason, which names the file; then there is nothing to close.
 */
int disk_open(struct disk *disk, const struct disk_spec *spec, const struct arm_log *log,
              struct arm_error *err) __attribute__((warn_unused_result));
void disk_close(struct disk *disk);

/* Move @len bytes at @offset, all of them inside the disk. False, and a log line with file and
 * reason: the host reports an error, the file has become shorter, or what is written would make a
 * probed disk look like another format. False without a line: the disk is read-only. A write is in
 * the file, or in the snapshot, when disk_write() returns. */
bool disk_read(struct disk *disk, uint64_t offset, void *buf, size_t len);
bool disk_write(struct disk *disk, uint64_t offset, const void *buf, size_t len);

/* As disk_write() of zeros; the host need not keep room for them. */
bool disk_zero(struct disk *disk, uint64_t offset, uint64_t len);

/* What was written before is on stable storage (fdatasync()). False: the host reports an error. */
bool disk_flush(struct disk *disk);

/* What the guest has written to a DISK_SNAPSHOT disk: a copy, to be destroyed by the caller; and to
 * have written what a copy has, and nothing else. False: the host has no memory. */
bool disk_take(const struct disk *disk, struct blocks *overlay);
bool disk_restore(struct disk *disk, const struct blocks *overlay);
