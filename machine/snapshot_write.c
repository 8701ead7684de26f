/* Snapshots to files. */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/le.h"
#include "base/libzstd.h"
#include "machine/snapshot_format.h"

#define LEVEL 1 /* of compression: RAM is large, and nobody waits gladly */

struct writer {
    FILE *f;
    const char *name;
    struct libzstd lib;
    ZSTD_CCtx *zstd;
    GChecksum *sum;
    uint64_t frame_bytes;
    struct arm_error *err;
    int rc; /* of the first failure */
    uint8_t out[SNAPSHOT_PIECE];
};

static void write_failed(struct writer *w)
{
    if (w->rc == 0)
        w->rc = error_set(w->err, ARM_EIO, "%s: %s", w->name, strerror(errno));
}

static void put_raw(struct writer *w, const void *data, size_t len)
{
    if (w->rc == 0 && fwrite(data, 1, len, w->f) != len)
        write_failed(w);
    g_checksum_update(w->sum, data, (gssize)len);
}

static void compress(struct writer *w, const void *data, size_t len, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {data, len, 0};
    size_t left;

    do {
        ZSTD_outBuffer out = {w->out, sizeof(w->out), 0};
        left = w->lib.compressStream2(w->zstd, &out, &in, end);
        if (w->lib.isError(left)) {
            if (w->rc == 0)
                w->rc = error_set(w->err, ARM_ENOMEM, "%s: zstd: %s", w->name,
                                  w->lib.getErrorName(left));
            return;
        }
        put_raw(w, w->out, out.pos);
        w->frame_bytes += out.pos;
    } while (w->rc == 0 && (in.pos < in.size || (end == ZSTD_e_end && left)));
}

static void put(struct writer *w, const void *data, size_t len)
{
    if (w->rc == 0 && len)
        compress(w, data, len, ZSTD_e_continue);
}

static void put_le(struct writer *w, uint64_t v, unsigned bytes)
{
    uint8_t le[8];

    le_put(le, bytes, v);
    put(w, le, bytes);
}

/* Numbered pieces, in the order of their numbers, of which next() finds one from @n
 * on, or @count. */
struct pieces {
    const void *of;
    uint64_t count;
    size_t bytes;
    uint64_t (*next)(const void *of, uint64_t n);
    const uint8_t *(*get)(const void *of, uint64_t n);
};

static void put_pieces(struct writer *w, const struct pieces *p)
{
    uint64_t n = p->next(p->of, 0);

    while (w->rc == 0 && n < p->count) {
        uint64_t first = n, last = n + 1;
        while (last < p->count && last - first < SNAPSHOT_RUN_PAGES && p->next(p->of, last) == last)
            last++;
        put_le(w, first, 4);
        put_le(w, last - first, 4);
        for (; n < last; n++)
            put(w, p->get(p->of, n), p->bytes);
        n = p->next(p->of, n);
    }
    put_le(w, 0, 8);
}

static uint64_t next_page(const void *of, uint64_t n)
{
    return ram_contents_next(of, n);
}

static const uint8_t *get_page(const void *of, uint64_t n)
{
    return ram_contents_page(of, n);
}

static uint64_t next_cluster(const void *of, uint64_t n)
{
    return blocks_next(of, n);
}

static const uint8_t *get_cluster(const void *of, uint64_t n)
{
    return blocks_get(of, n);
}

static void put_frame(struct writer *w, const struct arm_snapshot *s)
{
    put_le(w, s->state_size, 8);
    put(w, s->state, s->state_size);
    for (unsigned n = 0; n < s->bank_count; n++)
        put_pieces(
            w, &(struct pieces){&s->ram[n], s->ram[n].pages.count, PAGE_SIZE, next_page, get_page});
    for (unsigned n = 0; n < VIRT_DISKS; n++)
        if (s->has_disk[n])
            put_pieces(w, &(struct pieces){&s->disk[n], s->disk[n].count, s->disk[n].block_bytes,
                                           next_cluster, get_cluster});
    if (w->rc == 0)
        compress(w, NULL, 0, ZSTD_e_end);
}

static void put_header(struct writer *w, uint32_t text_bytes)
{
    uint8_t header[SNAPSHOT_HEADER_BYTES] = {0};
    gsize hash_bytes = SNAPSHOT_HASH_BYTES;

    memcpy(header, SNAPSHOT_MAGIC, sizeof(SNAPSHOT_MAGIC));
    le_put(header + 8, 4, SNAPSHOT_VERSION);
    le_put(header + 12, 4, text_bytes);
    le_put(header + 16, 8, w->frame_bytes);
    g_checksum_get_digest(w->sum, header + 24, &hash_bytes);
    if (w->rc == 0 && (fseek(w->f, 0, SEEK_SET) != 0 ||
                       fwrite(header, 1, sizeof(header), w->f) != sizeof(header)))
        write_failed(w);
}

static int write_all(struct writer *w, const struct arm_snapshot *s)
{
    static const uint8_t room[SNAPSHOT_HEADER_BYTES];
    g_autofree char *text =
        g_strdup_printf("# Armillary %s\n# after %" PRIu64 " instructions, %" PRIu64 " ns\n%s",
                        arm_version(), s->retired, s->time_ns, s->facts);

    if (fwrite(room, 1, sizeof(room), w->f) != sizeof(room))
        write_failed(w);
    put_raw(w, text, strlen(text));
    put_frame(w, s);
    put_header(w, (uint32_t)strlen(text));
    return w->rc;
}

static int pack(struct writer *w, const struct arm_snapshot *s)
{
    if (!libzstd_load(&w->lib))
        return snapshot_no_zstd(w->name, w->err);
    w->zstd = w->lib.createCCtx();
    if (!w->zstd)
        return snapshot_no_memory(w->name, w->err);
    w->lib.CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
    int rc = write_all(w, s);
    w->lib.freeCCtx(w->zstd);
    return rc;
}

int snapshot_write(const struct arm_snapshot *s, FILE *to, const char *name, struct arm_error *err)
{
    struct writer *w = calloc(1, sizeof(*w));

    if (!w)
        return snapshot_no_memory(name, err);
    *w = (struct writer){.f = to, .name = name, .err = err};
    w->sum = g_checksum_new(G_CHECKSUM_SHA256);
    int rc = pack(w, s);
    g_checksum_free(w->sum);
    free(w);
    return rc;
}
