#include "loader/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host_memory.h"
#include "loader/unpack.h"

static void close_file(struct file_data *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static int grow(struct file_data *f, size_t room, struct arm_error *err)
{
    uint8_t *bigger = realloc(f->bytes, room);

    if (!bigger)
        return error_set(err, ARM_ENOMEM, "%s: no memory for %zu bytes", f->path, room);
    host_memory_advise(bigger + f->size, room - f->size);
    f->bytes = bigger;
    return 0;
}

/* Up to @room bytes are there afterwards; fewer: the file has ended, and is closed. */
static int fill(struct file_data *f, size_t room, struct arm_error *err)
{
    while (f->size < room) {
        ssize_t n = read(f->fd, f->bytes + f->size, room - f->size);
        if (n < 0) /* EINTR too: that was the user's Ctrl-C, at a pipe that brings nothing */
            return error_set(err, ARM_EIO, "%s: cannot read: %s", f->path, strerror(errno));
        if (n == 0) {
            close_file(f);
            return 0;
        }
        f->size += (size_t)n;
    }
    return 0;
}

int file_read_until(struct file_data *f, uint64_t end, struct arm_error *err)
{
    uint64_t room = f->size;
    int rc = 0;

    if (end > f->whole)
        end = f->whole;
    while (!rc && f->fd >= 0 && f->size < end) {
        /* A pipe has not promised to bring that much. */
        room = f->whole != FILE_SIZE_UNKNOWN || 2 * room > end ? end : 2 * room;
        rc = grow(f, room, err);
        if (!rc)
            rc = fill(f, room, err);
    }
    return rc;
}

int file_open(struct file_data *f, const char *path, struct arm_error *err)
{
    struct stat st;
    int rc;

    *f = (struct file_data){.path = path, .whole = FILE_SIZE_UNKNOWN};
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        return error_set(err, errno == ENOENT ? ARM_ENOENT : ARM_EIO, "%s: cannot open: %s", path,
                         strerror(errno));
    if (fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        f->whole = (uint64_t)st.st_size; /* files of /proc have contents and no size */
    rc = grow(f, FILE_HEAD_SIZE, err);
    if (!rc)
        rc = fill(f, FILE_HEAD_SIZE, err);
    if (!rc && f->size == 0)
        rc = error_set(err, ARM_EFORMAT, "%s: is empty", path);
    return rc;
}

static int too_big(const struct file_data *f, const char *is, uint64_t size,
                   const struct file_limit *limit, struct arm_error *err)
{
    return error_set(err, ARM_EFORMAT, "%s: %s%llu bytes, expected at most %llu, the size of %s",
                     f->path, is, (unsigned long long)size, (unsigned long long)limit->size,
                     limit->what);
}

int file_read_all(struct file_data *f, const struct file_limit *limit, struct arm_error *err)
{
    int rc;

    if (f->whole != FILE_SIZE_UNKNOWN && f->whole > limit->size)
        return too_big(f, "", f->whole, limit, err);
    rc = file_read_until(f, limit->size + 1, err); /* and where the end is */
    if (!rc && f->size > limit->size)
        rc = too_big(f, "at least ", f->size, limit, err);
    close_file(f);
    return rc;
}

uint64_t file_unpack_max(uint64_t size)
{
    return size < UNPACK_SIZE_MAX - UNPACK_HEADROOM ? size + UNPACK_HEADROOM : UNPACK_SIZE_MAX;
}

static int unpack_all(struct file_data *f, enum format_role role, const struct file_limit *limit,
                      struct arm_error *err)
{
    const struct file_limit most = {file_unpack_max(limit->size), "what can be unpacked"};
    const struct format *format;
    int rc = file_read_all(f, &most, err);

    if (!rc)
        rc = file_unpack(f, role, most.size, err);
    format = format_of(f->bytes, f->size);
    if (!rc && f->size > limit->size && !format_by_segments(format, role))
        rc = too_big(f, "unpacked: ", f->size, limit, err);
    return rc;
}

int file_begin(struct file_data *f, const char *path, enum format_role role,
               const struct file_limit *limit, struct arm_error *err)
{
    const struct format *format;
    int rc = file_open(f, path, err);

    if (rc)
        return rc;
    format = format_of(f->bytes, f->size);
    rc = format_check(format, role, path, "", err);
    if (rc || format_by_segments(format, role))
        return rc;
    if (format_use(format, role) == FORMAT_UNPACK)
        return unpack_all(f, role, limit, err);
    if (f->whole == FILE_SIZE_UNKNOWN || format_is_uimage(format))
        return file_read_all(f, limit, err);
    return f->whole > limit->size ? too_big(f, "", f->whole, limit, err) : 0;
}

int file_fetch(struct file_data *f, const char *path, enum format_role role,
               const struct file_limit *limit, struct arm_error *err)
{
    int rc = file_begin(f, path, role, limit, err);

    if (rc || format_by_segments(format_of(f->bytes, f->size), role))
        return rc;
    return file_read_all(f, limit, err);
}

int file_read_to(struct file_data *f, uint8_t *to, struct arm_error *err)
{
    uint64_t size = file_extent(f);

    memcpy(to, f->bytes, f->size);
    for (uint64_t done = f->size; done < size;) {
        ssize_t n = read(f->fd, to + done, size - done);
        if (n < 0)
            return error_set(err, ARM_EIO, "%s: cannot read: %s", f->path, strerror(errno));
        if (n == 0)
            return error_set(err, ARM_EIO, "%s: ends after %llu bytes, of %llu when it was opened",
                             f->path, (unsigned long long)done, (unsigned long long)size);
        done += (uint64_t)n;
    }
    close_file(f);
    return 0;
}

void file_free(struct file_data *f)
{
    close_file(f);
    free(f->bytes);
    f->bytes = NULL;
    f->size = 0;
}

uint32_t file_le32(const struct file_data *f, size_t offset)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++)
        v |= (uint32_t)f->bytes[offset + i] << (8 * i);
    return v;
}

uint64_t file_le64(const struct file_data *f, size_t offset)
{
    return file_le32(f, offset) | (uint64_t)file_le32(f, offset + 4) << 32;
}

uint32_t file_be32(const struct file_data *f, size_t offset)
{
    return __builtin_bswap32(file_le32(f, offset));
}
