/* Opening a qcow2 image: its header, what of it is understood, and its backing file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/be.h"
#include "base/magic.h"
#include "devices/disk.h"
#include "devices/qcow2_internal.h"

#define HEADER_BYTES     112 /* as much of it as is known */
#define V2_BYTES         72
#define BACKING_NAME_MAX 1023
#define DEPTH_MAX        32 /* backing files of backing files */
#define DISK_BYTES_MAX   ((uint64_t)1 << 56)

/* Incompatible features, by bit. */
#define DIRTY            BIT(0)
#define CORRUPT          BIT(1)
#define COMPRESSION_TYPE BIT(3)
#define AUTOCLEAR_AT     88

#define EXTENSION_END            0
#define EXTENSION_BACKING_FORMAT 0xe2792aca

static int bad(const char *path, const char *why, struct arm_error *err)
{
    return error_set(err, ARM_EFORMAT, "%s: qcow2: %s", path, why);
}

static const char *check_features(struct qcow2 *q, const uint8_t *raw)
{
    uint64_t features = q->v3 ? be_get(raw + 72, 8) : 0;

    if (features & CORRUPT)
        return "it is marked corrupt: qemu-img check -r all repairs it";
    if (q->writable && (features & DIRTY))
        return "it was not closed, and its reference counts are old: qemu-img check -r all "
               "repairs it";
    if (features & ~(DIRTY | CORRUPT | COMPRESSION_TYPE))
        return "it needs a feature that there is not (an external data file, or extended L2 "
               "entries): qemu-img convert makes a plain one";
    if (be_get(raw + 32, 4))
        return "it is encrypted, which is not offered";
    q->zstd = (features & COMPRESSION_TYPE) && be_get(raw + 100, 4) > 104 && raw[104] == 1;
    if ((features & COMPRESSION_TYPE) && be_get(raw + 100, 4) > 104 && raw[104] > 1)
        return "an unknown compression";
    return NULL;
}

static const char *check_tables(const struct qcow2 *q)
{
    uint64_t in_l1 = qcow2_cluster(q) * (qcow2_cluster(q) / 8); /* bytes that an L1 entry covers */

    if (q->size == 0 || q->size > DISK_BYTES_MAX)
        return "a size of 0, or too large a one";
    if ((q->size - 1) / in_l1 >= q->l1_size)
        return "its L1 table is too small for its size";
    if ((q->l1_offset | q->table_offset) & (qcow2_cluster(q) - 1) || !q->l1_offset ||
        !q->table_offset || q->l1_offset >= q->end || q->table_offset >= q->end)
        return "its tables are not where they can be";
    if (q->writable && (q->refcount_order < 3 || !q->table_clusters))
        return "reference counts of less than a byte: it can only be read";
    return NULL;
}

static const char *parse_header(struct qcow2 *q, const uint8_t *raw)
{
    uint64_t version = be_get(raw + 4, 4), cluster_bits = be_get(raw + 20, 4);

    if (memcmp(raw, MAGIC_QCOW2, 4) != 0 || version < 2 || version > 3)
        return "expected version 2 or 3";
    if (cluster_bits < 9 || cluster_bits > 21)
        return "clusters of 512 bytes to 2 MiB are expected";
    q->v3 = version == 3;
    q->cluster_bits = (unsigned)cluster_bits;
    q->refcount_order = q->v3 ? (unsigned)be_get(raw + 96, 4) : 4;
    if (q->refcount_order > 6)
        return "reference counts of more than 64 bits";
    q->size = be_get(raw + 24, 8);
    q->l1_size = (uint32_t)be_get(raw + 36, 4);
    q->l1_offset = be_get(raw + 40, 8);
    q->table_offset = be_get(raw + 48, 8);
    q->table_clusters = (uint32_t)be_get(raw + 56, 4);
    q->end = align_up(q->end, qcow2_cluster(q));
    const char *why = check_features(q, raw);
    return why ? why : check_tables(q);
}

/* ---- the backing file ---- */

/* The format that the header's extensions name, or "": none. */
static void backing_format(const struct qcow2 *q, const uint8_t *raw, char format[16])
{
    uint64_t at = q->v3 ? be_get(raw + 100, 4) : V2_BYTES;
    uint8_t head[8];

    *format = '\0';
    while (at + sizeof(head) <= qcow2_cluster(q) && !qcow2_file_read(q, at, head, sizeof(head))) {
        uint64_t type = be_get(head, 4), len = be_get(head + 4, 4);
        if (type == EXTENSION_END)
            return;
        if (type == EXTENSION_BACKING_FORMAT && len < 16) {
            memset(format, 0, 16);
            if (qcow2_file_read(q, at + sizeof(head), format, len))
                *format = '\0';
            return;
        }
        at += sizeof(head) + align_up(len, 8);
    }
}

/* A relative name starts where the image is. */
static char *beside(const char *path, const char *name)
{
    const char *slash = *name == '/' ? NULL : strrchr(path, '/');
    size_t stem = slash ? (size_t)(slash - path) + 1 : 0, length = strlen(name);
    char *whole = malloc(stem + length + 1);

    if (whole) {
        memcpy(whole, path, stem);
        memcpy(whole + stem, name, length + 1);
    }
    return whole;
}

static int open_backing(struct qcow2 *q, const uint8_t *raw, const char *path, unsigned depth,
                        const struct arm_log *log, struct arm_error *err)
{
    uint64_t at = be_get(raw + 8, 8), length = be_get(raw + 16, 4);
    char name[BACKING_NAME_MAX + 1] = "", format[16];
    struct disk_spec spec = {.mode = DISK_READONLY, .depth = depth + 1};
    int rc;

    if (!at)
        return 0;
    if (length == 0 || length > BACKING_NAME_MAX || at > qcow2_cluster(q) ||
        qcow2_file_read(q, at, name, length) || strlen(name) != length)
        return bad(path, "the name of its backing file is not one", err);
    if (depth >= DEPTH_MAX)
        return bad(path, "too many backing files above each other", err);
    backing_format(q, raw, format);
    spec.format = *format ? format : NULL;
    char *whole = beside(path, name);
    q->backing = calloc(1, sizeof(*q->backing));
    spec.path = whole;
    rc = whole && q->backing ? disk_open(q->backing, &spec, log, err)
                             : error_set(err, ARM_ENOMEM, "%s: no memory", path);
    free(whole);
    if (rc) {
        free(q->backing);
        q->backing = NULL;
    }
    return rc;
}

/* What others have noted of the contents is no longer so once they are written. */
static const char *clear_autoclear(const struct qcow2 *q, const uint8_t *raw)
{
    return q->writable && q->v3 && be_get(raw + AUTOCLEAR_AT, 8) ? qcow2_put64(q, AUTOCLEAR_AT, 0)
                                                                 : NULL;
}

int qcow2_open(struct qcow2 **out, int fd, const char *path, bool writable, unsigned depth,
               const struct arm_log *log, struct arm_error *err)
{
    struct qcow2 *q = calloc(1, sizeof(*q));
    uint8_t raw[HEADER_BYTES] = {0};
    struct stat st;
    int rc;

    if (!q)
        return error_set(err, ARM_ENOMEM, "%s: no memory for an image", path);
    q->fd = fd;
    q->writable = writable;
    const char *why = fstat(fd, &st) == 0 ? qcow2_file_read(q, 0, raw, sizeof(raw)) : "no file";
    q->end = why ? 0 : (uint64_t)st.st_size;
    if (!why)
        why = parse_header(q, raw);
    if (!why)
        why = clear_autoclear(q, raw);
    rc = why ? bad(path, why, err) : open_backing(q, raw, path, depth, log, err);
    if (rc)
        qcow2_close(q);
    else
        *out = q;
    return rc;
}
