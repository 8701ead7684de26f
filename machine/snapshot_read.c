/* Snapshots from files, in which anything may stand. */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/le.h"
#include "base/libzstd.h"
#include "machine/snapshot_format.h"

#define TEXT_MAX (UINT32_C(1) << 20)

struct header {
    uint32_t version, text_bytes;
    uint64_t frame_bytes;
    uint8_t hash[SNAPSHOT_HASH_BYTES];
};

/* ---- the header and the text ---- */

static int wrong(struct arm_error *err, const char *name, const char *what)
{
    return error_set(err, ARM_EFORMAT, "%s: %s", name, what);
}

static int read_header(struct header *h, FILE *f, const char *name, struct arm_error *err)
{
    uint8_t bytes[SNAPSHOT_HEADER_BYTES];

    if (fread(bytes, 1, sizeof(bytes), f) != sizeof(bytes) ||
        memcmp(bytes, SNAPSHOT_MAGIC, sizeof(SNAPSHOT_MAGIC)))
        return wrong(err, name, "not a snapshot");
    h->version = (uint32_t)le_get(bytes + 8, 4);
    h->text_bytes = (uint32_t)le_get(bytes + 12, 4);
    h->frame_bytes = le_get(bytes + 16, 8);
    memcpy(h->hash, bytes + 24, SNAPSHOT_HASH_BYTES);
    if (h->version != SNAPSHOT_VERSION)
        return error_set(err, ARM_ENOTSUP,
                         "%s: a snapshot of format version %u, this program knows %d", name,
                         h->version, SNAPSHOT_VERSION);
    return h->text_bytes > TEXT_MAX ? wrong(err, name, "a damaged snapshot: its text is too long")
                                    : 0;
}

/* The text, to be freed; the file stands behind it. */
static char *read_text(const struct header *h, FILE *f, const char *name, struct arm_error *err)
{
    g_autofree char *text = calloc(1, h->text_bytes + 1);

    if (!text) {
        snapshot_no_memory(name, err);
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
    g_autofree uint8_t *piece = malloc(SNAPSHOT_PIECE);
    uint8_t hash[SNAPSHOT_HASH_BYTES];
    gsize hash_bytes = SNAPSHOT_HASH_BYTES;
    uint64_t bytes = 0;
    size_t n;

    if (!piece)
        return snapshot_no_memory(name, err);
    g_checksum_update(sum, (const guchar *)text, (gssize)h->text_bytes);
    while ((n = fread(piece, 1, SNAPSHOT_PIECE, f)) > 0) {
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
    if (memcmp(hash, h->hash, SNAPSHOT_HASH_BYTES) != 0)
        return wrong(err, name, "a damaged snapshot: its checksum is wrong");
    return fseek(f, (long)(SNAPSHOT_HEADER_BYTES + h->text_bytes), SEEK_SET) == 0
               ? 0
               : error_set(err, ARM_EIO, "%s: %s", name, strerror(errno));
}

char *snapshot_read_text(FILE *f, const char *name, struct arm_error *err)
{
    struct header h;
    g_autofree char *text = read_header(&h, f, name, err) == 0 ? read_text(&h, f, name, err) : NULL;

    return text && check_hash(&h, text, f, name, err) == 0 ? g_steal_pointer(&text) : NULL;
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

/* ---- the frame ---- */

struct reader {
    FILE *f;
    const char *name;
    struct libzstd lib;
    ZSTD_DCtx *zstd;
    ZSTD_inBuffer in;
    struct arm_error *err;
    int rc;
    uint8_t bytes[SNAPSHOT_PIECE];
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
        size_t rc = r->lib.decompressStream(r->zstd, &out, &r->in);
        if (r->lib.isError(rc))
            damaged(r, r->lib.getErrorName(rc));
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
    if (first < *n || *run > SNAPSHOT_RUN_PAGES || first >= count || *run > count - first) {
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
    uint8_t *buf = malloc(SNAPSHOT_RUN_PAGES * PAGE_SIZE);

    if (!buf) {
        r->rc = snapshot_no_memory(r->name, r->err);
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
                r->rc = snapshot_no_memory(r->name, r->err);
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
            r->rc = snapshot_no_memory(r->name, r->err);
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
            r->rc = snapshot_no_memory(r->name, r->err);
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
        snapshot_no_memory(name, err);
        return NULL;
    }
    *r = (struct reader){.f = f, .name = name, .err = err};
    r->in = (ZSTD_inBuffer){r->bytes, 0, 0};
    if (!libzstd_load(&r->lib))
        r->rc = snapshot_no_zstd(name, err);
    else if (!(r->zstd = r->lib.createDCtx()) || !(s->facts = strdup(facts)))
        r->rc = snapshot_no_memory(name, err);
    else
        get_frame(r, s, m);
    int rc = r->rc;
    if (r->zstd)
        r->lib.freeDCtx(r->zstd);
    free(r);
    if (rc == 0)
        return s;
    arm_snapshot_free(s);
    return NULL;
}

struct arm_snapshot *snapshot_read(struct arm_machine *m, FILE *from, const char *name,
                                   struct arm_error *err)
{
    g_autofree char *text = snapshot_read_text(from, name, err);
    struct arm_error fit;

    if (!text)
        return NULL;
    if (machine_facts_fit(facts_of(text), m->facts, &fit) < 0) {
        error_set(err, fit.code, "%s: %s", name, fit.text);
        return NULL;
    }
    return read_frame(m, from, name, facts_of(text), err);
}
