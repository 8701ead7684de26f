/*
 * Snapshots as files: a header, text for people and for the question whether it fits, and one zstd
 * frame with the rest. Numbers are little-endian.
 *
 *   8   "ARMSNAP" and a zero
 *   4   version of the format
 *   4   bytes of text
 *   8   bytes of the frame
 *   32  SHA-256 of text and frame
 *   ..  text: lines of a '#', and the machine's facts (machine/snapshot_facts.c)
 *   ..  frame: 8 bytes of length and the state (base/state_io.h); for each bank of RAM, then for
 *       each disk with an overlay, runs of pages or clusters that are there, in order: 4 bytes the
 *       first one's number, 4 bytes how many, contents; a run of none ends them
 */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/addr.h"
#include "base/bits.h"
#include "base/le.h"
#include "machine/machine.h"
#include "machine/snapshot.h"

#define FORMAT_VERSION 1
#define LEVEL          1 /* of compression: RAM is large, and nobody waits gladly */
#define HEADER_BYTES   56
#define HASH_BYTES     32
#define TEXT_MAX       (UINT32_C(1) << 20)
#define RUN_PAGES      256
#define PIECE          (UINT32_C(1) << 17)

static const uint8_t magic[8] = "ARMSNAP";

struct header {
    uint32_t version, text_bytes;
    uint64_t frame_bytes;
    uint8_t hash[HASH_BYTES];
};

static int no_memory(const char *name, struct arm_error *err)
{
    return error_set(err, ARM_ENOMEM, "%s: no memory", name);
}

/* ---- writing ---- */

struct writer {
    FILE *f;
    const char *name;
    ZSTD_CCtx *zstd;
    GChecksum *sum;
    uint64_t frame_bytes;
    struct arm_error *err;
    int rc; /* of the first failure */
    uint8_t out[PIECE];
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
        left = ZSTD_compressStream2(w->zstd, &out, &in, end);
        if (ZSTD_isError(left)) {
            if (w->rc == 0)
                w->rc =
                    error_set(w->err, ARM_ENOMEM, "%s: zstd: %s", w->name, ZSTD_getErrorName(left));
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
        while (last < p->count && last - first < RUN_PAGES && p->next(p->of, last) == last)
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
    uint8_t header[HEADER_BYTES] = {0};
    gsize hash_bytes = HASH_BYTES;

    memcpy(header, magic, sizeof(magic));
    le_put(header + 8, 4, FORMAT_VERSION);
    le_put(header + 12, 4, text_bytes);
    le_put(header + 16, 8, w->frame_bytes);
    g_checksum_get_digest(w->sum, header + 24, &hash_bytes);
    if (w->rc == 0 && (fseek(w->f, 0, SEEK_SET) != 0 ||
                       fwrite(header, 1, sizeof(header), w->f) != sizeof(header)))
        write_failed(w);
}

static int write_all(struct writer *w, const struct arm_snapshot *s)
{
    static const uint8_t room[HEADER_BYTES];
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

int snapshot_write(const struct arm_snapshot *s, FILE *to, const char *name, struct arm_error *err)
{
    struct writer *w = calloc(1, sizeof(*w));

    if (!w)
        return no_memory(name, err);
    *w = (struct writer){.f = to, .name = name, .err = err};
    w->sum = g_checksum_new(G_CHECKSUM_SHA256);
    w->zstd = ZSTD_createCCtx();
    int rc = w->zstd ? 0 : no_memory(name, err);
    if (rc == 0) {
        ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
        rc = write_all(w, s);
    }
    ZSTD_freeCCtx(w->zstd);
    g_checksum_free(w->sum);
    free(w);
    return rc;
}

/* ---- reading: the header and the text ---- */

static int wrong(struct arm_error *err, const char *name, const char *what)
{
    return error_set(err, ARM_EFORMAT, "%s: %s", name, what);
}

static int read_header(struct header *h, FILE *f, const char *name, struct arm_error *err)
{
    uint8_t bytes[HEADER_BYTES];

    if (fread(bytes, 1, sizeof(bytes), f) != sizeof(bytes) || memcmp(bytes, magic, sizeof(magic)))
        return wrong(err, name, "not a snapshot");
    h->version = (uint32_t)le_get(bytes + 8, 4);
    h->text_bytes = (uint32_t)le_get(bytes + 12, 4);
    h->frame_bytes = le_get(bytes + 16, 8);
    memcpy(h->hash, bytes + 24, HASH_BYTES);
    if (h->version != FORMAT_VERSION)
        return error_set(err, ARM_ENOTSUP,
                         "%s: a snapshot of format version %u, this program knows %d", name,
                         h->version, FORMAT_VERSION);
    return h->text_bytes > TEXT_MAX ? wrong(err, name, "a damaged snapshot: its text is too long")
                                    : 0;
}

/* The text, to be freed; the file stands behind it. */
static char *read_text(const struct header *h, FILE *f, const char *name, struct arm_error *err)
{
    g_autofree char *text = calloc(1, h->text_bytes + 1);

    if (!text) {
        no_memory(name, err);
        return NULL;
    }
    if (fread(text, 1, h->text_bytes, f) != h->text_bytes || strlen(text) != h->text_bytes) {
        wrong(err, name, "a damaged snapshot: it ends too early");
        return NULL;
    }
    return g_steal_pointer(&text);
}

/* Is the file as it was written? It stands where it stood then. */
static int check_hash(const struct header *h, const char *text, FILE *f, const char *name,
                      struct arm_error *err)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree uint8_t *piece = malloc(PIECE);
    uint8_t hash[HASH_BYTES];
    gsize hash_bytes = HASH_BYTES;
    uint64_t bytes = 0;
    size_t n;

    if (!piece)
        return no_memory(name, err);
    g_checksum_update(sum, (const guchar *)text, (gssize)h->text_bytes);
    while ((n = fread(piece, 1, PIECE, f)) > 0) {
        g_checksum_update(sum, piece, (gssize)n);
        bytes += n;
    }
    if (ferror(f))
        return error_set(err, ARM_EIO, "%s: %s", name, strerror(errno));
    g_checksum_get_digest(sum, hash, &hash_bytes);
    if (bytes != h->frame_bytes)
        return error_set(err, ARM_EFORMAT,
                         "%s: a damaged snapshot: %" PRIu64 " bytes of contents, expected %" PRIu64,
                         name, bytes, h->frame_bytes);
    if (memcmp(hash, h->hash, HASH_BYTES) != 0)
        return wrong(err, name, "a damaged snapshot: its checksum is wrong");
    return fseek(f, (long)(HEADER_BYTES + h->text_bytes), SEEK_SET) == 0
               ? 0
               : error_set(err, ARM_EIO, "%s: %s", name, strerror(errno));
}

/* The text without the lines that are for people only. */
static const char *facts_of(const char *text)
{
    while (*text == '#') {
        const char *end = strchr(text, '\n');
        text = end ? end + 1 : text + strlen(text);
    }
    return text;
}

/* ---- reading: the frame ---- */

struct reader {
    FILE *f;
    const char *name;
    ZSTD_DCtx *zstd;
    ZSTD_inBuffer in;
    struct arm_error *err;
    int rc;
    uint8_t bytes[PIECE];
};

static void damaged(struct reader *r, const char *what)
{
    if (r->rc == 0)
        r->rc = error_set(r->err, ARM_EFORMAT, "%s: a damaged snapshot: %s", r->name, what);
}

/* More of the file; false: there is no more. */
static bool refill(struct reader *r)
{
    r->in = (ZSTD_inBuffer){r->bytes, fread(r->bytes, 1, sizeof(r->bytes), r->f), 0};
    return r->in.size > 0;
}

static void get(struct reader *r, void *to, size_t len)
{
    ZSTD_outBuffer out = {to, len, 0};

    while (r->rc == 0 && out.pos < len) {
        size_t before = out.pos;
        size_t rc = ZSTD_decompressStream(r->zstd, &out, &r->in);
        if (ZSTD_isError(rc))
            damaged(r, ZSTD_getErrorName(rc));
        else if (out.pos == before && r->in.pos == r->in.size && !refill(r))
            damaged(r, "it ends too early");
    }
    if (r->rc)
        memset(to, 0, len);
}

static uint64_t get_le(struct reader *r, unsigned bytes)
{
    uint8_t le[8];

    get(r, le, bytes);
    return le_get(le, bytes);
}

static void get_state(struct reader *r, struct arm_snapshot *s, unsigned cpus)
{
    uint64_t size = get_le(r, 8);

    if (size > (UINT64_C(64) << 20) + cpus * (UINT64_C(16) << 20)) {
        damaged(r, "its state is too long");
        return;
    }
    s->state = malloc(size ? size : 1);
    s->state_size = size;
    if (!s->state)
        r->rc = error_set(r->err, ARM_ENOMEM, "%s: no memory for %" PRIu64 " bytes", r->name, size);
    else
        get(r, s->state, size);
}

/* The next run; false: that was the last one, or something is wrong. @n: behind the one before. */
static bool get_run(struct reader *r, uint64_t count, uint64_t *n, uint64_t *run)
{
    uint64_t first = get_le(r, 4);

    *run = get_le(r, 4);
    if (r->rc || *run == 0)
        return false;
    if (first < *n || *run > RUN_PAGES || first >= count || *run > count - first) {
        damaged(r, "pages out of order");
        return false;
    }
    *n = first;
    return true;
}

/* @buf: room for a run. */
static void get_runs(struct reader *r, struct ram_image *image, uint64_t pages, uint8_t *buf)
{
    uint64_t n = 0, run;

    for (; get_run(r, pages, &n, &run); n += run) {
        get(r, buf, run * PAGE_SIZE);
        if (r->rc == 0)
            r->rc = ram_image_fill(image, n, run, buf, r->err);
    }
}

static void get_ram(struct reader *r, struct ram_contents *c, uint64_t pages)
{
    uint8_t *buf = malloc(RUN_PAGES * PAGE_SIZE);

    if (!buf) {
        r->rc = no_memory(r->name, r->err);
        return;
    }
    c->image = ram_image_create(pages, r->err);
    if (c->image)
        get_runs(r, c->image, pages, buf);
    else
        r->rc = -ARM_ENOMEM;
    if (r->rc == 0)
        r->rc = ram_image_finish(c->image, r->err);
    free(buf);
}

static void get_disk(struct reader *r, struct blocks *b)
{
    uint64_t n = 0, run;

    while (get_run(r, b->count, &n, &run)) {
        for (; run--; n++) {
            uint8_t *to = blocks_put(b, n);
            if (!to) {
                r->rc = no_memory(r->name, r->err);
                return;
            }
            get(r, to, b->block_bytes);
        }
    }
}

/* What the overlay of @disk could be. */
static bool like_overlay(struct blocks *b, const struct disk *disk)
{
    return blocks_init(b, disk->overlay.block_bytes, disk->overlay.count);
}

static void get_frame(struct reader *r, struct arm_snapshot *s, struct arm_machine *m)
{
    get_state(r, s, m->cpu_count);
    for (unsigned n = 0; r->rc == 0 && n < m->mem.bank_count; n++) {
        uint64_t pages = m->mem.banks[n].size / PAGE_SIZE;
        if (!ram_contents_init(&s->ram[n], pages)) {
            r->rc = no_memory(r->name, r->err);
            return;
        }
        s->bank_count = n + 1;
        s->bank_base[n] = m->mem.banks[n].base;
        get_ram(r, &s->ram[n], pages);
    }
    for (unsigned n = 0; r->rc == 0 && n < VIRT_DISKS; n++) {
        const struct disk *disk = virt_board_disk(&m->board, n);
        if (!disk || !disk->has_overlay)
            continue;
        s->has_disk[n] = like_overlay(&s->disk[n], disk);
        if (s->has_disk[n])
            get_disk(r, &s->disk[n]);
        else
            r->rc = no_memory(r->name, r->err);
    }
}

static struct arm_snapshot *read_frame(struct arm_machine *m, FILE *f, const char *name,
                                       const char *facts, struct arm_error *err)
{
    struct reader *r = calloc(1, sizeof(*r));
    struct arm_snapshot *s = calloc(1, sizeof(*s));

    if (!r || !s) {
        free(r);
        free(s);
        no_memory(name, err);
        return NULL;
    }
    *r = (struct reader){.f = f, .name = name, .err = err, .zstd = ZSTD_createDCtx()};
    r->in = (ZSTD_inBuffer){r->bytes, 0, 0};
    s->facts = strdup(facts);
    if (!s->facts || !r->zstd)
        r->rc = no_memory(name, err);
    else
        get_frame(r, s, m);
    int rc = r->rc;
    ZSTD_freeDCtx(r->zstd);
    free(r);
    if (rc == 0)
        return s;
    arm_snapshot_free(s);
    return NULL;
}

struct arm_snapshot *snapshot_read(struct arm_machine *m, FILE *from, const char *name,
                                   struct arm_error *err)
{
    struct header h;

    if (read_header(&h, from, name, err) < 0)
        return NULL;
    g_autofree char *text = read_text(&h, from, name, err);
    if (!text || check_hash(&h, text, from, name, err) < 0)
        return NULL;
    struct arm_error fit;
    if (machine_facts_fit(facts_of(text), m->facts, &fit) < 0) {
        error_set(err, fit.code, "%s: %s", name, fit.text);
        return NULL;
    }
    return read_frame(m, from, name, facts_of(text), err);
}

/* ---- by name ---- */

int arm_snapshot_save(struct arm_machine *m, const char *path, struct arm_error *err)
{
    g_autofree char *part = g_strdup_printf("%s.part", path);
    struct arm_snapshot *s = arm_snapshot_take(m, err);
    FILE *f = s ? fopen(part, "w+be") : NULL;
    int rc = 0;

    if (!s)
        return -(err ? err->code : ARM_EINVAL);
    if (!f)
        rc = error_set(err, ARM_EIO, "%s: %s", part, strerror(errno));
    if (rc == 0)
        rc = snapshot_write(s, f, path, err);
    if (f && fclose(f) != 0 && rc == 0)
        rc = error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    if (rc == 0 && rename(part, path) != 0)
        rc = error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    if (rc < 0 && f)
        (void)unlink(part);
    arm_snapshot_free(s);
    return rc;
}

/* What is refused leaves the machine as it was: a file may say anything. */
static int restore_or_stay(struct arm_machine *m, const struct arm_snapshot *s, const char *path,
                           struct arm_error *err)
{
    struct arm_snapshot *before = arm_snapshot_take(m, err);
    struct arm_error why;
    int rc;

    if (!before)
        return -(err ? err->code : ARM_EINVAL);
    rc = arm_snapshot_restore(m, s, &why);
    if (rc < 0) {
        error_set(err, why.code, "%s: %s", path, why.text);
        if (arm_snapshot_restore(m, before, &why) < 0)
            LOG(&m->log, MACHINE, ERROR, "%s: the machine is lost: %s", path, why.text);
    }
    arm_snapshot_free(before);
    return rc;
}

int arm_snapshot_load(struct arm_machine *m, const char *path, struct arm_error *err)
{
    FILE *f = fopen(path, "rbe");
    struct arm_snapshot *s;
    int rc;

    if (!f)
        return error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    s = snapshot_read(m, f, path, err);
    fclose(f);
    if (!s)
        return -(err ? err->code : ARM_EINVAL);
    rc = restore_or_stay(m, s, path, err);
    arm_snapshot_free(s);
    return rc;
}

int arm_snapshot_info(const char *path, char *text, size_t size, struct arm_error *err)
{
    FILE *f = fopen(path, "rbe");
    g_autofree char *found = NULL;
    struct header h;
    int rc;

    if (!f)
        return error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    rc = read_header(&h, f, path, err);
    if (rc == 0)
        found = read_text(&h, f, path, err);
    if (rc == 0)
        rc = found ? check_hash(&h, found, f, path, err) : -ARM_EFORMAT;
    if (rc == 0)
        g_strlcpy(text, found, size);
    fclose(f);
    return rc;
}
