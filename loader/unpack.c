#include "loader/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/libzstd.h"
#include "base/log.h"
#include "loader/liblzma.h"

/* Room for at least one more byte of output. */
static int grow(struct packed *p, struct arm_error *err)
{
    uint64_t room = p->out_room ? 2 * (uint64_t)p->out_room : 4 << 20;
    uint8_t *bigger;

    if (p->out_size < p->out_room)
        return 0;
    if (p->out_room > p->out_max)
        return error_set(err, ARM_EFORMAT, "%s: unpacks to more than %llu bytes", p->file->path,
                         (unsigned long long)p->out_max);
    if (room > p->out_max)
        room = p->out_max + 1; /* the one that is too many */
    bigger = realloc(p->out, room);
    if (!bigger)
        return error_set(err, ARM_ENOMEM, "%s: no memory to unpack %llu bytes", p->file->path,
                         (unsigned long long)room);
    p->out = bigger;
    p->out_room = room;
    return 0;
}

static int no_memory(const struct packed *p, struct arm_error *err)
{
    return error_set(err, ARM_ENOMEM, "%s: no memory to unpack", p->file->path);
}

static int truncated(const struct packed *p, const char *format, struct arm_error *err)
{
    return error_set(err, ARM_EFORMAT,
                     "%s: %s stream at offset %zu: truncated: it goes on after its %zu bytes",
                     p->file->path, format, p->offset, p->size);
}

static int corrupt(const struct packed *p, const char *format, const char *how,
                   struct arm_error *err)
{
    return error_set(err, ARM_EFORMAT, "%s: %s stream at offset %zu: corrupt: %s", p->file->path,
                     format, p->offset, how);
}

static int no_library(const struct packed *p, const char *format, const char *library,
                      struct arm_error *err)
{
    return error_set(err, ARM_ENOTSUP, "%s: %s stream at offset %zu: needs %s", p->file->path,
                     format, p->offset, library);
}

/* -- gzip -- */

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
        if (zrc == Z_MEM_ERROR)
            return no_memory(p, err);
        if (zrc != Z_OK && zrc != Z_STREAM_END)
            return corrupt(p, "gzip", z->msg ? z->msg : "not a gzip stream", err);
    }
    p->used = p->size - z->avail_in;
    return 0;
}

int unpack_gzip(struct packed *p, struct arm_error *err)
{
    z_stream z = {.next_in = p->file->bytes + p->offset, .avail_in = (uInt)p->size};
    int rc;

    CHECK(p->size <= UNPACK_SIZE_MAX && p->out_max <= UNPACK_SIZE_MAX); /* 32 bits in z_stream */
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return no_memory(p, err);
    rc = inflate_all(p, &z, err);
    inflateEnd(&z);
    return rc;
}

/* -- zstd -- */

static int zstd_all(struct packed *p, const struct libzstd *zstd, ZSTD_DCtx *d,
                    struct arm_error *err)
{
    ZSTD_inBuffer in = {p->file->bytes + p->offset, p->size, 0};
    size_t left = 1;

    while (left != 0) {
        int rc = grow(p, err);
        if (rc)
            return rc;
        ZSTD_outBuffer out = {p->out, p->out_room, p->out_size};
        left = zstd->decompressStream(d, &out, &in);
        p->out_size = out.pos;
        if (zstd->getErrorCode(left) == ZSTD_error_memory_allocation)
            return no_memory(p, err);
        if (zstd->isError(left))
            return corrupt(p, "zstd", zstd->getErrorName(left), err);
        if (left != 0 && in.pos == in.size && out.pos < out.size)
            return truncated(p, "zstd", err);
    }
    p->used = in.pos;
    return 0;
}

int unpack_zstd(struct packed *p, struct arm_error *err)
{
    struct libzstd zstd;

    if (!libzstd_load(&zstd))
        return no_library(p, "zstd", LIBZSTD, err);
    ZSTD_DCtx *d = zstd.createDCtx();
    if (!d)
        return no_memory(p, err);
    int rc = zstd_all(p, &zstd, d, err);
    zstd.freeDCtx(d);
    return rc;
}

/* -- xz and lzma -- */

#define LZMA_MEMORY (UINT64_C(256) << 20) /* dictionaries of up to some less than that */

static int lzma_error(const struct packed *p, lzma_ret lrc, const char *format,
                      struct arm_error *err)
{
    switch (lrc) {
    case LZMA_BUF_ERROR:
        return truncated(p, format, err);
    case LZMA_MEM_ERROR:
        return no_memory(p, err);
    case LZMA_MEMLIMIT_ERROR:
        return error_set(err, ARM_ENOTSUP,
                         "%s: %s stream at offset %zu: its dictionary takes more than %llu bytes",
                         p->file->path, format, p->offset, (unsigned long long)LZMA_MEMORY);
    case LZMA_OPTIONS_ERROR:
        return error_set(err, ARM_ENOTSUP, "%s: %s stream at offset %zu: unknown options or filter",
                         p->file->path, format, p->offset);
    default:
        return corrupt(p, format, lrc == LZMA_FORMAT_ERROR ? "not such a stream" : "damaged data",
                       err);
    }
}

static int lzma_all(struct packed *p, const struct liblzma *lzma, lzma_stream *l,
                    const char *format, struct arm_error *err)
{
    lzma_ret lrc = LZMA_OK;

    l->next_in = p->file->bytes + p->offset;
    l->avail_in = p->size;
    while (lrc != LZMA_STREAM_END) {
        int rc = grow(p, err);
        if (rc)
            return rc;
        l->next_out = p->out + p->out_size;
        l->avail_out = p->out_room - p->out_size;
        lrc = lzma->code(l, LZMA_FINISH);
        p->out_size = p->out_room - l->avail_out;
        if (lrc != LZMA_OK && lrc != LZMA_STREAM_END)
            return lzma_error(p, lrc, format, err);
    }
    p->used = p->size - l->avail_in;
    return 0;
}

int unpack_xz(struct packed *p, struct arm_error *err)
{
    lzma_stream l = LZMA_STREAM_INIT;
    struct liblzma lzma;

    if (!liblzma_load(&lzma))
        return no_library(p, "xz", LIBLZMA, err);
    int rc = lzma.stream_decoder(&l, LZMA_MEMORY, 0) == LZMA_OK ? lzma_all(p, &lzma, &l, "xz", err)
                                                                : no_memory(p, err);
    lzma.end(&l);
    return rc;
}

int unpack_lzma(struct packed *p, struct arm_error *err)
{
    lzma_stream l = LZMA_STREAM_INIT;
    struct liblzma lzma;

    if (!liblzma_load(&lzma))
        return no_library(p, "lzma", LIBLZMA, err);
    int rc = lzma.alone_decoder(&l, LZMA_MEMORY) == LZMA_OK ? lzma_all(p, &lzma, &l, "lzma", err)
                                                            : no_memory(p, err);
    lzma.end(&l);
    return rc;
}

/* -- parts of files -- */

/* Compressed data, as opposed to a file that has some in it. */
static bool is_stream(const struct format *f)
{
    return f && f->unpack && f->unpack != unpack_zboot && f->unpack != unpack_uinitrd;
}

int unpack_streams(struct packed *p, const char *what, struct arm_error *err)
{
    const struct format *format = format_of(p->file->bytes + p->offset, p->size);
    int rc;

    if (!is_stream(format))
        return error_set(err, ARM_ENOTSUP,
                         "%s: %s at offset %zu: %s, expected gzip, zstd, xz or lzma", p->file->path,
                         what, p->offset, format ? format->name : "of no known compression");
    do {
        rc = format->unpack(p, err);
        p->offset += p->used;
        p->size -= p->used;
    } while (!rc && format_of(p->file->bytes + p->offset, p->size) == format);
    return rc;
}

/*
 * The header of an EFI zboot image, as the kernel's build makes it: "MZ", "zimg" at 4, offset and
 * size of the payload at 8 and 12. The name of the compression at 24 is the build's (xzkern,
 * zstd22); what is there says by its magic what it is.
 */
#define ZBOOT_OFFSET      8
#define ZBOOT_SIZE        12
#define ZBOOT_HEADER_SIZE 56

int unpack_zboot(struct packed *p, struct arm_error *err)
{
    const struct file_data *f = p->file;

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
    return unpack_streams(p, "EFI zboot: payload", err);
}

void unpack_hand_over(struct packed *p, struct file_data *f, int rc)
{
    if (rc) {
        free(p->out);
    } else {
        free(f->bytes);
        f->bytes = p->out;
        f->size = f->whole = p->out_size;
    }
    p->out = NULL;
}

#define NESTING_MAX 3 /* gzip of a zboot of a gzip; nobody packs deeper in earnest */

static int unpack_once(struct file_data *f, const struct format *format, uint64_t max,
                       struct arm_error *err)
{
    struct packed p = {.file = f, .size = f->size, .out_max = max};
    int rc = is_stream(format) ? unpack_streams(&p, format->name, err) : format->unpack(&p, err);

    unpack_hand_over(&p, f, rc);
    return rc;
}

int file_unpack(struct file_data *f, enum format_role role, uint64_t max, struct arm_error *err)
{
    const struct format *format = format_of(f->bytes, f->size);
    int rc = 0;

    for (unsigned depth = 0; !rc && format_use(format, role) == FORMAT_UNPACK; depth++) {
        if (depth == NESTING_MAX)
            return error_set(err, ARM_ENOTSUP, "%s: packed more than %d times", f->path,
                             NESTING_MAX);
        rc = unpack_once(f, format, max, err);
        format = format_of(f->bytes, f->size);
        if (!rc)
            rc = format_check(format, role, f->path, "packed in it is ", err);
    }
    if (!rc && f->size == 0)
        rc = error_set(err, ARM_EFORMAT, "%s: what is packed in it is empty", f->path);
    return rc;
}
