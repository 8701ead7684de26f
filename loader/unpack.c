#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bits.h"
#include "loader/file.h"

/* A part of a file that is packed, and where its contents go. */
struct packed {
    const struct file_data *file;
    size_t offset, size;
    uint8_t *out; /* owned until handed over */
    size_t out_size, out_room;
};

/* Room for at least one more byte of output. */
static int grow(struct packed *p, struct arm_error *err)
{
    size_t room = p->out_room ? 2 * p->out_room : 4 << 20;
    uint8_t *bigger;

    if (p->out_size < p->out_room)
        return 0;
    if (p->out_room >= UNPACK_SIZE_MAX)
        return error_set(err, ARM_EFORMAT, "%s: unpacks to more than %llu bytes", p->file->path,
                         (unsigned long long)UNPACK_SIZE_MAX);
    bigger = realloc(p->out, room);
    if (!bigger)
        return error_set(err, ARM_ENOMEM, "%s: no memory to unpack %zu bytes", p->file->path, room);
    p->out = bigger;
    p->out_room = room;
    return 0;
}

static int truncated(const struct packed *p, const char *format, struct arm_error *err)
{
    return error_set(err, ARM_EFORMAT,
                     "%s: %s stream at offset %zu: truncated: it goes on after its %zu bytes",
                     p->file->path, format, p->offset, p->size);
}

static int inflate_all(struct packed *p, z_stream *z, struct arm_error *err)
{
    int zrc = Z_OK, rc;

    while (zrc != Z_STREAM_END) {
        rc = grow(p, err);
        if (rc)
            return rc;
        z->next_out = p->out + p->out_size;
        z->avail_out = (uInt)(p->out_room - p->out_size);
        zrc = inflate(z, Z_NO_FLUSH);
        p->out_size = p->out_room - z->avail_out;
        if (zrc == Z_BUF_ERROR || (zrc == Z_OK && z->avail_in == 0 && z->avail_out != 0))
            return truncated(p, "gzip", err);
        if (zrc != Z_OK && zrc != Z_STREAM_END)
            return error_set(err, ARM_EFORMAT, "%s: gzip stream at offset %zu: corrupt: %s",
                             p->file->path, p->offset, z->msg ? z->msg : "not a gzip stream");
    }
    return 0;
}

static int unpack_gzip(struct packed *p, struct arm_error *err)
{
    z_stream z = {.next_in = p->file->bytes + p->offset, .avail_in = (uInt)p->size};
    int rc;

    if (p->size > UNPACK_SIZE_MAX)
        return error_set(err, ARM_EFORMAT, "%s: gzip stream of %zu bytes, expected at most %llu",
                         p->file->path, p->size, (unsigned long long)UNPACK_SIZE_MAX);
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return error_set(err, ARM_ENOMEM, "%s: no memory to unpack", p->file->path);
    rc = inflate_all(p, &z, err);
    inflateEnd(&z);
    return rc;
}

static int zstd_all(struct packed *p, ZSTD_DStream *d, struct arm_error *err)
{
    ZSTD_inBuffer in = {p->file->bytes + p->offset, p->size, 0};
    size_t left = 1;

    while (left != 0) {
        int rc = grow(p, err);
        if (rc)
            return rc;
        ZSTD_outBuffer out = {p->out, p->out_room, p->out_size};
        left = ZSTD_decompressStream(d, &out, &in);
        p->out_size = out.pos;
        if (ZSTD_isError(left))
            return error_set(err, ARM_EFORMAT, "%s: zstd stream at offset %zu: corrupt: %s",
                             p->file->path, p->offset, ZSTD_getErrorName(left));
        if (left != 0 && in.pos == in.size && out.pos < out.size)
            return truncated(p, "zstd", err);
    }
    return 0;
}

static int unpack_zstd(struct packed *p, struct arm_error *err)
{
    ZSTD_DStream *d = ZSTD_createDStream();
    int rc;

    if (!d)
        return error_set(err, ARM_ENOMEM, "%s: no memory to unpack", p->file->path);
    rc = zstd_all(p, d, err);
    ZSTD_freeDStream(d);
    return rc;
}

static bool is_gzip(const struct file_data *f)
{
    return f->size >= 3 && memcmp(f->bytes, "\x1f\x8b\x08", 3) == 0;
}

/*
 * The header of an EFI zboot image, as the kernel's build makes it: "MZ", "zimg" at 4, offset and
 * size of the payload at 8 and 12, name of the compression at 24 (NUL-terminated, up to offset 56).
 */
#define ZBOOT_OFFSET      8
#define ZBOOT_SIZE        12
#define ZBOOT_COMPRESSION 24
#define ZBOOT_HEADER_SIZE 56

static bool is_zboot(const struct file_data *f)
{
    return f->size >= 8 && memcmp(f->bytes, "MZ", 2) == 0 && memcmp(f->bytes + 4, "zimg", 4) == 0;
}

static int unpack_zboot(struct packed *p, struct arm_error *err)
{
    static const struct {
        const char *name;
        int (*unpack)(struct packed *p, struct arm_error *err);
    } compressions[] = {{"gzip", unpack_gzip}, {"zstd", unpack_zstd}};
    const struct file_data *f = p->file;
    const char *name = (const char *)f->bytes + ZBOOT_COMPRESSION;
    const int name_max = ZBOOT_HEADER_SIZE - ZBOOT_COMPRESSION;

    if (f->size < ZBOOT_HEADER_SIZE)
        return error_set(err, ARM_EFORMAT, "%s: EFI zboot: %zu bytes, expected a header of %d",
                         f->path, f->size, ZBOOT_HEADER_SIZE);
    p->offset = file_le32(f, ZBOOT_OFFSET);
    p->size = file_le32(f, ZBOOT_SIZE);
    if (p->offset > f->size || p->size > f->size - p->offset)
        return error_set(err, ARM_EFORMAT,
                         "%s: EFI zboot: payload of %zu bytes at %#zx (header offsets 8 and 12), "
                         "expected inside the file's %zu bytes",
                         f->path, p->size, p->offset, f->size);
    for (unsigned i = 0; i < ARRAY_SIZE(compressions); i++)
        if (strncmp(name, compressions[i].name, (size_t)name_max) == 0)
            return compressions[i].unpack(p, err);
    return error_set(err, ARM_ENOTSUP,
                     "%s: EFI zboot: compression '%.*s' at offset 24, expected gzip or zstd",
                     f->path, (int)strnlen(name, (size_t)name_max), name);
}

static const struct {
    bool (*match)(const struct file_data *f);
    int (*unpack)(struct packed *p, struct arm_error *err);
} packings[] = {{is_gzip, unpack_gzip}, {is_zboot, unpack_zboot}};

#define NESTING_MAX 3 /* gzip of a zboot of a gzip; nobody packs deeper in earnest */

static int unpack_once(struct file_data *f, bool *again, struct arm_error *err)
{
    struct packed p = {.file = f, .size = f->size};
    int rc = 0;

    *again = false;
    for (unsigned i = 0; i < ARRAY_SIZE(packings) && !*again; i++) {
        if (packings[i].match(f)) {
            *again = true;
            rc = packings[i].unpack(&p, err);
        }
    }
    if (rc) {
        free(p.out);
    } else if (*again) {
        free(f->bytes);
        f->bytes = p.out;
        f->size = p.out_size;
    }
    return rc;
}

int file_unpack(struct file_data *f, struct arm_error *err)
{
    bool again = true;

    for (unsigned depth = 0; again && depth <= NESTING_MAX; depth++) {
        int rc = unpack_once(f, &again, err);
        if (rc)
            return rc;
    }
    if (again)
        return error_set(err, ARM_ENOTSUP, "%s: packed more than %d times", f->path, NESTING_MAX);
    return 0;
}
