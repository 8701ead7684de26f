/* Compressed clusters of a qcow2 image: deflate without a header, or zstd. */
#include <stdlib.h>
#include <zlib.h>

#include "base/libzstd.h"
#include "devices/qcow2_internal.h"

#define WINDOW_BITS 12 /* of deflate; negative: no header */

void qcow2_compressed_range(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *len)
{
    unsigned split = 62 - (q->cluster_bits - 8);

    *offset = bits(entry, split - 1, 0);
    *len = (bits(entry, 61, split) + 1) * 512 - (*offset & 511);
}

static const char damaged[] = "a compressed cluster is damaged";

static const char *inflate_cluster(uint8_t *in, size_t len, uint8_t *out, size_t size)
{
    z_stream z = {.next_in = in, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)size};

    if (inflateInit2(&z, -WINDOW_BITS) != Z_OK)
        return damaged;
    int rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return (rc == Z_STREAM_END || rc == Z_BUF_ERROR) && z.avail_out == 0 ? NULL : damaged;
}

/* What is behind the frame is another cluster's. */
static const char *unzstd_cluster(const uint8_t *in, size_t len, uint8_t *out, size_t size)
{
    struct libzstd zstd;

    if (!libzstd_load(&zstd))
        return "a compressed cluster needs " LIBZSTD;
    ZSTD_DCtx *stream = zstd.createDCtx();
    ZSTD_inBuffer from = {in, len, 0};
    ZSTD_outBuffer to = {out, size, 0};
    size_t rc = 1;

    while (stream && to.pos < to.size && rc) {
        size_t before = from.pos + to.pos;
        rc = zstd.decompressStream(stream, &to, &from);
        if (zstd.isError(rc) || from.pos + to.pos == before)
            break;
    }
    zstd.freeDCtx(stream);
    return to.pos == to.size ? NULL : damaged;
}

const char *qcow2_decompress(const struct qcow2 *q, uint64_t entry, uint8_t *out)
{
    uint64_t offset, len;

    qcow2_compressed_range(q, entry, &offset, &len);
    uint8_t *in = malloc(len);
    if (!in)
        return "no memory for a compressed cluster";
    const char *why = qcow2_file_read(q, offset, in, len);
    if (!why)
        why = q->zstd ? unzstd_cluster(in, len, out, qcow2_cluster(q))
                      : inflate_cluster(in, len, out, qcow2_cluster(q));
    free(in);
    return why;
}
