#define _GNU_SOURCE /* fallocate() */
#include "devices/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/host_failure.h"
#include "devices/disk_format.h"
#include "devices/qcow2.h"

#define CLUSTER_BYTES BIT(DISK_CLUSTER_SHIFT)

/* -- the host's file -- */

/* @what failed at @offset; @error is its errno. Said once as long as the reason stays the same: a
 * guest may try again for ever. False, for the caller to return. */
static bool failed(struct disk *disk, const char *what, uint64_t offset, int error)
{
    if (error != disk->reported)
        LOG(disk->log, DEVICE, ERROR, "%s: %s at byte %llu: %s", disk->path, what,
            (unsigned long long)offset, strerror(error));
    disk->reported = error;
    return false;
}

/* The file is not what it was when it was opened. */
static bool too_short(struct disk *disk, uint64_t offset)
{
    if (disk->reported != -1)
        LOG(disk->log, DEVICE, ERROR,
            "%s: read at byte %llu: behind the end of the file, which had %llu bytes at the start",
            disk->path, (unsigned long long)offset, (unsigned long long)disk->size);
    disk->reported = -1;
    return false;
}

/* The image says why; as failed(). */
static bool image_failed(struct disk *disk, const char *what, uint64_t offset, const char *why)
{
    if (disk->reported != -2)
        LOG(disk->log, DEVICE, ERROR, "%s: %s at byte %llu of the disk: %s", disk->path, what,
            (unsigned long long)offset, why);
    disk->reported = -2;
    return false;
}

/* All of it, or false. */
static bool read_file(struct disk *disk, uint64_t offset, uint8_t *buf, size_t len)
{
    const char *why = disk->image ? qcow2_read(disk->image, offset, buf, len) : NULL;

    if (disk->image)
        return !why || image_failed(disk, "read", offset, why);
    while (len) {
        ssize_t n = pread(disk->fd, buf, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(disk, "read", offset, errno);
        if (n == 0)
            return too_short(disk, offset);
        buf += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool write_file(struct disk *disk, uint64_t offset, const uint8_t *buf, size_t len)
{
    const char *why = disk->image ? qcow2_write(disk->image, offset, buf, len) : NULL;

    if (disk->image)
        return !why || image_failed(disk, "write", offset, why);
    while (len) {
        ssize_t n = pwrite(disk->fd, buf, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed(disk, "write", offset, n < 0 ? errno : ENOSPC);
        buf += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

/* -- what it looks like -- */

static int refuse(const struct disk *disk, const struct disk_format *f, uint64_t place,
                  struct arm_error *err)
{
    char bytes[3 * 8 + 1] = "";

    for (size_t i = 0; i < f->magic_bytes && i < 8; i++)
        snprintf(bytes + 3 * i, 4, " %02x", (uint8_t)f->magic[i]);
    return error_set(err, ARM_EFORMAT,
                     "%s: found%s at offset %#llx, which is %s, expected a raw disk: make one with "
                     "'%s', or say format=raw to take the bytes as they are",
                     disk->path, bytes, (unsigned long long)place, f->name, f->command);
}

static int open_image(struct disk *disk, unsigned depth, struct arm_error *err)
{
    int rc = qcow2_open(&disk->image, disk->fd, disk->path, disk->mode == DISK_WRITABLE, depth,
                        disk->log, err);

    if (!rc)
        disk->size = qcow2_size(disk->image);
    return rc;
}

static int probe(struct disk *disk, unsigned depth, struct arm_error *err)
{
    uint8_t found[DISK_FORMAT_MAGIC_MAX];
    uint64_t place;

    for (const struct disk_format *f = disk_formats; f->name; f++) {
        if (!disk_format_place(f, disk->size, &place))
            continue;
        if (!read_file(disk, place, found, f->magic_bytes))
            return error_set(err, ARM_EIO, "%s: cannot be read at offset %#llx", disk->path,
                             (unsigned long long)place);
        if (!memcmp(found, f->magic, f->magic_bytes))
            return strcmp(f->name, "qcow2") ? refuse(disk, f, place, err)
                                            : open_image(disk, depth, err);
    }
    disk->probed = true;
    return 0;
}

/* Would @f be found after @len bytes were written at @offset? */
static bool would_become(struct disk *disk, const struct disk_format *f, uint64_t offset,
                         const uint8_t *buf, size_t len)
{
    uint8_t after[DISK_FORMAT_MAGIC_MAX];
    uint64_t place;

    if (!disk_format_place(f, disk->size, &place) || place >= offset + len ||
        offset >= place + f->magic_bytes || !read_file(disk, place, after, f->magic_bytes))
        return false;
    for (size_t i = 0; i < f->magic_bytes; i++)
        if (place + i >= offset && place + i - offset < len)
            after[i] = buf[place + i - offset];
    return !memcmp(after, f->magic, f->magic_bytes);
}

/* A guest must not choose what its disk is taken for next time: a header that it wrote could name
 * any file of the host. */
static bool may_write(struct disk *disk, uint64_t offset, const uint8_t *buf, size_t len)
{
    if (!disk->probed || (offset >= DISK_FORMAT_EDGE && disk->size > DISK_FORMAT_EDGE &&
                          offset + len <= disk->size - DISK_FORMAT_EDGE))
        return true;
    for (const struct disk_format *f = disk_formats; f->name; f++)
        if (f->kind == DISK_FORMAT_IMAGE && would_become(disk, f, offset, buf, len)) {
            LOG(disk->log, DEVICE, WARN,
                "%s: a write of the guest at byte %llu is refused: the file would look like %s "
                "(format=raw allows it)",
                disk->path, (unsigned long long)offset, f->name);
            return false;
        }
    return true;
}

/* -- opening and closing -- */

static int check_file(struct disk *disk, struct arm_error *err)
{
    bool writable = disk->mode == DISK_WRITABLE;
    struct stat st;

    if (fstat(disk->fd, &st) != 0)
        return error_set(err, ARM_EIO, "%s: %s", disk->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(err, ARM_EFORMAT, "%s: %s, expected a regular file", disk->path,
                         S_ISDIR(st.st_mode) ? "a directory" : "a device, pipe or socket");
    if (st.st_size == 0)
        return error_set(err, ARM_EFORMAT, "%s: an empty file, expected the contents of a disk",
                         disk->path);
    if (flock(disk->fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0)
        return error_set(err, ARM_EIO,
                         "%s: in use by another machine: a writable disk has one user only",
                         disk->path);
    disk->size = (uint64_t)st.st_size;
    return 0;
}

static int check_format(struct disk *disk, const struct disk_spec *spec, struct arm_error *err)
{
    if (!spec->format)
        return probe(disk, spec->depth, err);
    if (!strcmp(spec->format, "qcow2"))
        return open_image(disk, spec->depth, err);
    if (strcmp(spec->format, "raw") != 0)
        return error_set(err, ARM_ENOTSUP, "%s: format=%s: expected raw or qcow2", disk->path,
                         spec->format);
    return 0;
}

static int create_overlay(struct disk *disk, struct arm_error *err)
{
    if (disk->mode != DISK_SNAPSHOT)
        return 0;
    disk->has_overlay =
        blocks_init(&disk->overlay, CLUSTER_BYTES, (disk->size - 1) / CLUSTER_BYTES + 1);
    return disk->has_overlay
               ? 0
               : error_set(err, ARM_ENOMEM, "%s: no memory for a snapshot", disk->path);
}

/* O_NONBLOCK: a pipe without a writer is refused, not waited for. */
static int open_file(struct disk *disk, struct arm_error *err)
{
    if (!disk->path)
        return error_set(err, ARM_ENOMEM, "no memory for a disk");
    disk->fd = open(disk->path,
                    (disk->mode == DISK_WRITABLE ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    return disk->fd < 0 ? error_set(err, ARM_EIO, "%s: %s", disk->path, strerror(errno)) : 0;
}

int disk_open(struct disk *disk, const struct disk_spec *spec, const struct arm_log *log,
              struct arm_error *err)
{
    int rc;

    *disk = (struct disk){
        .fd = -1, .path = strdup(spec->path), .log = log, .host = spec->host, .mode = spec->mode};
    rc = open_file(disk, err);
    if (!rc)
        rc = check_file(disk, err);
    if (!rc)
        rc = check_format(disk, spec, err);
    if (!rc)
        rc = create_overlay(disk, err);
    if (rc)
        disk_close(disk);
    return rc;
}

void disk_close(struct disk *disk)
{
    if (disk->has_overlay)
        blocks_destroy(&disk->overlay);
    qcow2_close(disk->image);
    free(disk->path);
    if (disk->fd >= 0)
        close(disk->fd);
    *disk = (struct disk){.fd = -1};
}

/* -- contents -- */

/* How much of @len bytes at @offset lies in the first one's cluster. */
static size_t in_cluster(uint64_t offset, size_t len)
{
    uint64_t left = CLUSTER_BYTES - (offset & (CLUSTER_BYTES - 1));

    return len < left ? len : (size_t)left;
}

/* No memory for the overlay; NULL, for the caller to return. */
static uint8_t *no_memory(struct disk *disk, uint64_t offset)
{
    failed(disk, "write to the snapshot", offset, ENOMEM);
    host_fail(disk->host, ARM_ENOMEM,
              "%s: no memory for the %llu bytes that the guest writes to from byte %llu on",
              disk->path, (unsigned long long)CLUSTER_BYTES,
              (unsigned long long)align_down(offset, CLUSTER_BYTES));
    return NULL;
}

/* The overlay's own copy of the cluster around @offset, made if need be; NULL: no memory, or an
 * error of the host. */
static uint8_t *own_cluster(struct disk *disk, uint64_t offset)
{
    uint64_t n = offset >> DISK_CLUSTER_SHIFT, base = align_down(offset, CLUSTER_BYTES);
    uint8_t *to, *contents;

    if (blocks_get(&disk->overlay, n)) {
        to = blocks_put(&disk->overlay, n);
        return to ? to : no_memory(disk, offset);
    }
    contents = calloc(1, CLUSTER_BYTES);
    if (!contents)
        return no_memory(disk, offset);
    if (!read_file(disk, base, contents, in_cluster(base, disk->size - base))) {
        free(contents);
        return NULL;
    }
    to = blocks_put(&disk->overlay, n);
    if (to)
        memcpy(to, contents, CLUSTER_BYTES);
    free(contents);
    return to ? to : no_memory(disk, offset);
}

bool disk_read(struct disk *disk, uint64_t offset, void *buf, size_t len)
{
    uint8_t *to = buf;

    if (!disk->has_overlay)
        return read_file(disk, offset, to, len);
    for (size_t n; len; to += n, offset += n, len -= n) {
        const uint8_t *copy = blocks_get(&disk->overlay, offset >> DISK_CLUSTER_SHIFT);
        n = in_cluster(offset, len);
        if (copy)
            memcpy(to, copy + (offset & (CLUSTER_BYTES - 1)), n);
        else if (!read_file(disk, offset, to, n))
            return false;
    }
    return true;
}

bool disk_write(struct disk *disk, uint64_t offset, const void *buf, size_t len)
{
    const uint8_t *from = buf;

    if (disk->mode == DISK_READONLY)
        return false;
    if (disk->mode == DISK_WRITABLE)
        return may_write(disk, offset, from, len) && write_file(disk, offset, from, len);
    for (size_t n; len; from += n, offset += n, len -= n) {
        uint8_t *copy = own_cluster(disk, offset);
        n = in_cluster(offset, len);
        if (!copy)
            return false;
        memcpy(copy + (offset & (CLUSTER_BYTES - 1)), from, n);
    }
    return true;
}

/* Are there zeros already? Then neither an image nor an overlay has to have room for them. */
static bool is_zero(struct disk *disk, uint64_t offset, size_t len)
{
    uint8_t part[4096];

    for (size_t n; len; offset += n, len -= n) {
        n = len < sizeof(part) ? len : sizeof(part);
        if (!disk_read(disk, offset, part, n) || part[0] || memcmp(part, part + 1, n - 1) != 0)
            return false;
    }
    return true;
}

/* A hole in a raw file, which not every file system has. */
static bool zero_part(struct disk *disk, uint64_t offset, size_t len)
{
    static const uint8_t zeros[CLUSTER_BYTES];

    if (disk->mode == DISK_READONLY)
        return false;
    if (disk->mode == DISK_SNAPSHOT || disk->image)
        return is_zero(disk, offset, len) || disk_write(disk, offset, zeros, len);
    return may_write(disk, offset, zeros, len) &&
           (fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                      (off_t)len) == 0 ||
            write_file(disk, offset, zeros, len));
}

bool disk_zero(struct disk *disk, uint64_t offset, uint64_t len)
{
    for (size_t n; len; offset += n, len -= n) {
        n = in_cluster(offset, len < CLUSTER_BYTES ? (size_t)len : CLUSTER_BYTES);
        if (!zero_part(disk, offset, n))
            return false;
    }
    return true;
}

bool disk_flush(struct disk *disk)
{
    if (disk->mode != DISK_WRITABLE || fdatasync(disk->fd) == 0)
        return true;
    return failed(disk, "flush", 0, errno);
}

bool disk_take(const struct disk *disk, struct blocks *overlay)
{
    return blocks_copy(overlay, &disk->overlay);
}

bool disk_restore(struct disk *disk, const struct blocks *overlay)
{
    struct blocks copy;

    if (!blocks_copy(&copy, overlay))
        return false;
    blocks_destroy(&disk->overlay);
    disk->overlay = copy;
    return true;
}

const char *disk_blocks_problem(const struct arm_blocks *b)
{
    uint32_t logical = b->logical ? b->logical : DISK_BLOCK;

    if (!is_pow2(logical) || logical < DISK_BLOCK || logical > DISK_BLOCK_MAX)
        return "a logical block that is not a power of 2 from 512 to 32768 bytes";
    if (b->physical && (!is_pow2(b->physical) || b->physical < logical))
        return "a physical block that is not a power of 2 from the logical block's size on";
    if (b->min_io % logical || b->opt_io % logical || b->discard % logical)
        return "sizes of transfers or of discarding that are not whole logical blocks";
    if (b->min_io / logical > UINT16_MAX)
        return "a least transfer of more than 65535 logical blocks";
    return NULL;
}
