#include "devices/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"

#define CLUSTER_BYTES BIT(DISK_CLUSTER_SHIFT)

static int check_file(struct disk *disk, const char *path, struct arm_error *err)
{
    bool writable = disk->mode == DISK_WRITABLE;
    struct stat st;

    if (fstat(disk->fd, &st) != 0)
        return error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return error_set(err, ARM_EFORMAT, "%s: expected a regular file that is not empty", path);
    if (flock(disk->fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0)
        return error_set(err, ARM_EIO,
                         "%s: in use by another machine: a writable disk has one user only", path);
    disk->size = (uint64_t)st.st_size;
    return 0;
}

static int create_overlay(struct disk *disk, const char *path, struct arm_error *err)
{
    if (disk->mode != DISK_SNAPSHOT)
        return 0;
    disk->clusters = calloc((disk->size - 1) / CLUSTER_BYTES + 1, sizeof(*disk->clusters));
    return disk->clusters ? 0 : error_set(err, ARM_ENOMEM, "%s: no memory for a snapshot", path);
}

int disk_open(struct disk *disk, const char *path, enum disk_mode mode, struct arm_error *err)
{
    int rc;

    *disk = (struct disk){.mode = mode};
    disk->fd = open(path, (mode == DISK_WRITABLE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (disk->fd < 0)
        return error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    rc = check_file(disk, path, err);
    if (!rc)
        rc = create_overlay(disk, path, err);
    if (rc)
        disk_close(disk);
    return rc;
}

void disk_close(struct disk *disk)
{
    for (uint64_t i = 0; disk->clusters && i <= (disk->size - 1) / CLUSTER_BYTES; i++)
        free(disk->clusters[i]);
    free(disk->clusters);
    if (disk->fd >= 0)
        close(disk->fd);
    *disk = (struct disk){.fd = -1};
}

/* All of it, or false. A file that was truncated meanwhile reads as zeros. */
static bool read_file(int fd, uint64_t offset, uint8_t *buf, size_t len)
{
    while (len) {
        ssize_t n = pread(fd, buf, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0) {
            memset(buf, 0, len);
            return true;
        }
        buf += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool write_file(int fd, uint64_t offset, const uint8_t *buf, size_t len)
{
    while (len) {
        ssize_t n = pwrite(fd, buf, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        buf += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

/* How much of @len bytes at @offset lies in the first one's cluster. */
static size_t in_cluster(uint64_t offset, size_t len)
{
    uint64_t left = CLUSTER_BYTES - (offset & (CLUSTER_BYTES - 1));

    return len < left ? len : (size_t)left;
}

/* The snapshot's copy of the cluster around @offset, made if need be; NULL: no memory, or an error
 * of the host. */
static uint8_t *own_cluster(struct disk *disk, uint64_t offset)
{
    uint8_t **slot = &disk->clusters[offset >> DISK_CLUSTER_SHIFT];
    uint64_t base = align_down(offset, CLUSTER_BYTES);
    uint8_t *copy;

    if (*slot)
        return *slot;
    copy = calloc(1, CLUSTER_BYTES);
    if (copy && read_file(disk->fd, base, copy, in_cluster(base, disk->size - base))) {
        *slot = copy;
        return copy;
    }
    free(copy);
    return NULL;
}

bool disk_read(const struct disk *disk, uint64_t offset, void *buf, size_t len)
{
    uint8_t *to = buf;

    if (!disk->clusters)
        return read_file(disk->fd, offset, to, len);
    for (size_t n; len; to += n, offset += n, len -= n) {
        const uint8_t *copy = disk->clusters[offset >> DISK_CLUSTER_SHIFT];
        n = in_cluster(offset, len);
        if (copy)
            memcpy(to, copy + (offset & (CLUSTER_BYTES - 1)), n);
        else if (!read_file(disk->fd, offset, to, n))
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
        return write_file(disk->fd, offset, from, len);
    for (size_t n; len; from += n, offset += n, len -= n) {
        uint8_t *copy = own_cluster(disk, offset);
        n = in_cluster(offset, len);
        if (!copy)
            return false;
        memcpy(copy + (offset & (CLUSTER_BYTES - 1)), from, n);
    }
    return true;
}

bool disk_flush(struct disk *disk)
{
    return disk->mode != DISK_WRITABLE || fdatasync(disk->fd) == 0;
}
