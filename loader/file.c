#include "loader/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_stream(struct file_data *f, FILE *in, struct arm_error *err)
{
    size_t room = 0;

    while (!feof(in) && !ferror(in)) {
        if (f->size == room) {
            room = room ? 2 * room : 1 << 20;
            uint8_t *bigger = realloc(f->bytes, room);
            if (!bigger || f->size > FILE_SIZE_MAX) {
                free(bigger ? bigger : f->bytes);
                f->bytes = NULL;
                return error_set(err, ARM_ENOMEM, "%s: larger than %llu bytes or the host's memory",
                                 f->path, (unsigned long long)FILE_SIZE_MAX);
            }
            f->bytes = bigger;
        }
        f->size += fread(f->bytes + f->size, 1, room - f->size, in);
    }
    if (ferror(in))
        return error_set(err, ARM_EIO, "%s: cannot read: %s", f->path, strerror(errno));
    return 0;
}

int file_read(struct file_data *f, const char *path, struct arm_error *err)
{
    FILE *in = fopen(path, "rb");
    int rc;

    *f = (struct file_data){.path = path};
    if (!in)
        return error_set(err, errno == ENOENT ? ARM_ENOENT : ARM_EIO, "%s: cannot open: %s", path,
                         strerror(errno));
    rc = read_stream(f, in, err);
    fclose(in);
    if (rc)
        file_free(f);
    return rc;
}

void file_free(struct file_data *f)
{
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
