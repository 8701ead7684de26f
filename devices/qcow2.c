#include "devices/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/be.h"
#include "devices/disk.h"
#include "devices/qcow2_internal.h"

/* ---- the file ---- */

const char *qcow2_file_read(const struct qcow2 *q, uint64_t offset, void *buf, size_t len)
{
    uint8_t *to = buf;

    while (len) {
        ssize_t n = pread(q->fd, to, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return strerror(errno);
        if (n == 0) {
            memset(to, 0, len);
            return NULL;
        }
        to += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return NULL;
}

const char *qcow2_file_write(const struct qcow2 *q, uint64_t offset, const void *buf, size_t len)
{
    const uint8_t *from = buf;

    while (len) {
        ssize_t n = pwrite(q->fd, from, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return strerror(n < 0 ? errno : ENOSPC);
        from += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return NULL;
}

const char *qcow2_get64(const struct qcow2 *q, uint64_t offset, uint64_t *value)
{
    uint8_t raw[8];
    const char *why = qcow2_file_read(q, offset, raw, sizeof(raw));

    *value = why ? 0 : be_get(raw, sizeof(raw));
    return why;
}

const char *qcow2_put64(const struct qcow2 *q, uint64_t offset, uint64_t value)
{
    uint8_t raw[8];

    be_put(raw, sizeof(raw), value);
    return qcow2_file_write(q, offset, raw, sizeof(raw));
}

const char *qcow2_put_zeros(const struct qcow2 *q, uint64_t offset, uint64_t len)
{
    static const uint8_t zeros[4096];
    const char *why = NULL;

    for (size_t n; !why && len; offset += n, len -= n) {
        n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
        why = qcow2_file_write(q, offset, zeros, n);
    }
    return why;
}

/* ---- tables ---- */

static uint64_t l2_entries(const struct qcow2 *q)
{
    return qcow2_cluster(q) / 8;
}

static uint64_t in_cluster(const struct qcow2 *q, uint64_t offset)
{
    return offset & (qcow2_cluster(q) - 1);
}

/* A place that the image names for a table or a cluster: is it one? */
static const char *check_place(const struct qcow2 *q, uint64_t place)
{
    return in_cluster(q, place) || place >= q->end ? "a table or cluster is not where one can be"
                                                   : NULL;
}

static uint64_t l1_place(const struct qcow2 *q, uint64_t offset)
{
    return q->l1_offset + 8 * ((offset >> q->cluster_bits) / l2_entries(q));
}

static uint64_t l2_place(const struct qcow2 *q, uint64_t table, uint64_t offset)
{
    return table + 8 * ((offset >> q->cluster_bits) % l2_entries(q));
}

/* The L2 entry of the cluster around @offset; 0 without a table. */
static const char *get_entry(const struct qcow2 *q, uint64_t offset, uint64_t *entry)
{
    uint64_t l1;
    const char *why = qcow2_get64(q, l1_place(q, offset), &l1);

    *entry = 0;
    l1 &= QCOW2_OFFSET;
    if (why || !l1)
        return why;
    why = check_place(q, l1);
    return why ? why : qcow2_get64(q, l2_place(q, l1, offset), entry);
}

/* ---- reading ---- */

/* What is not in the image is the backing file's, as far as that goes. */
static const char *read_backing(const struct qcow2 *q, uint64_t offset, uint8_t *buf, size_t len)
{
    uint64_t size = q->backing ? q->backing->size : 0;
    size_t there = offset >= size ? 0 : size - offset < len ? (size_t)(size - offset) : len;

    memset(buf + there, 0, len - there);
    return there && !disk_read(q->backing, offset, buf, there) ? "the backing file cannot be read"
                                                               : NULL;
}

static const char *read_compressed(const struct qcow2 *q, uint64_t entry, uint64_t from,
                                   uint8_t *buf, size_t len)
{
    uint8_t *whole = malloc(qcow2_cluster(q));
    const char *why = whole ? qcow2_decompress(q, entry, whole) : "no memory for a cluster";

    if (!why)
        memcpy(buf, whole + from, len);
    free(whole);
    return why;
}

/* @len bytes, all in one cluster, which @entry describes. */
static const char *read_cluster(const struct qcow2 *q, uint64_t entry, uint64_t offset,
                                uint8_t *buf, size_t len)
{
    uint64_t host = entry & QCOW2_OFFSET;
    const char *why;

    if (entry & QCOW2_COMPRESSED)
        return read_compressed(q, entry, in_cluster(q, offset), buf, len);
    if (q->v3 && (entry & QCOW2_ZERO)) {
        memset(buf, 0, len);
        return NULL;
    }
    if (!host)
        return read_backing(q, offset, buf, len);
    why = check_place(q, host);
    return why ? why : qcow2_file_read(q, host + in_cluster(q, offset), buf, len);
}

static size_t piece(const struct qcow2 *q, uint64_t offset, size_t len)
{
    uint64_t left = qcow2_cluster(q) - in_cluster(q, offset);

    return len < left ? len : (size_t)left;
}

const char *qcow2_read(struct qcow2 *q, uint64_t offset, void *buf, size_t len)
{
    uint8_t *to = buf;
    const char *why = NULL;
    uint64_t entry;

    for (size_t n; !why && len; to += n, offset += n, len -= n) {
        n = piece(q, offset, len);
        why = get_entry(q, offset, &entry);
        if (!why)
            why = read_cluster(q, entry, offset, to, n);
    }
    return why;
}

/* ---- writing ---- */

/* One use less of what @entry has. */
static const char *release_entry(struct qcow2 *q, uint64_t entry)
{
    uint64_t at, len;
    const char *why = NULL;

    if (!(entry & QCOW2_COMPRESSED))
        return entry & QCOW2_OFFSET ? qcow2_release(q, entry & QCOW2_OFFSET) : NULL;
    qcow2_compressed_range(q, entry, &at, &len);
    for (uint64_t n = at >> q->cluster_bits; !why && n <= (at + len - 1) >> q->cluster_bits; n++)
        why = qcow2_release(q, n << q->cluster_bits);
    return why;
}

/* A copy of the table at @from (0: an empty one) that is ours alone. */
static const char *copy_table(struct qcow2 *q, uint64_t from, uint64_t *to)
{
    uint8_t *whole = calloc(1, qcow2_cluster(q));
    const char *why = whole ? qcow2_allocate(q, to) : "no memory for a table";

    if (!why && from)
        why = qcow2_file_read(q, from, whole, qcow2_cluster(q));
    if (!why)
        why = qcow2_file_write(q, *to, whole, qcow2_cluster(q));
    free(whole);
    return why;
}

/* The L2 table for @offset, to be written. */
static const char *need_table(struct qcow2 *q, uint64_t offset, uint64_t *table)
{
    uint64_t l1, old;
    const char *why = qcow2_get64(q, l1_place(q, offset), &l1);

    if (why)
        return why;
    *table = old = l1 & QCOW2_OFFSET;
    if (old && (why = check_place(q, old)))
        return why;
    if (old && (l1 & QCOW2_COPIED))
        return NULL;
    why = copy_table(q, old, table);
    if (!why)
        why = qcow2_put64(q, l1_place(q, offset), *table | QCOW2_COPIED);
    return !why && old ? qcow2_release(q, old) : why;
}

static bool overlaps(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
    return a < b + b_len && b < a + a_len;
}

/* An image that names its own tables as a cluster of the disk would let the guest write them. */
static const char *check_data(const struct qcow2 *q, uint64_t host, uint64_t table)
{
    uint64_t size = qcow2_cluster(q);

    if (overlaps(host, size, 0, size) || overlaps(host, size, table, size) ||
        overlaps(host, size, q->l1_offset, 8 * (uint64_t)q->l1_size) ||
        overlaps(host, size, q->table_offset, (uint64_t)q->table_clusters << q->cluster_bits))
        return "a cluster of the disk is one of the image's tables";
    return check_place(q, host);
}

/* A new cluster with what the old one has, and @len bytes of @buf. */
static const char *write_new(struct qcow2 *q, uint64_t table, uint64_t entry, uint64_t offset,
                             const uint8_t *buf, size_t len)
{
    uint64_t base = offset - in_cluster(q, offset), host = 0;
    uint8_t *whole = malloc(qcow2_cluster(q));
    const char *why = whole ? NULL : "no memory for a cluster";

    if (!why && len < qcow2_cluster(q))
        why = read_cluster(q, entry, base, whole, qcow2_cluster(q));
    if (!why)
        memcpy(whole + in_cluster(q, offset), buf, len);
    if (!why)
        why = qcow2_allocate(q, &host);
    if (!why)
        why = qcow2_file_write(q, host, whole, qcow2_cluster(q));
    free(whole);
    if (!why)
        why = qcow2_put64(q, l2_place(q, table, offset), host | QCOW2_COPIED);
    return why ? why : release_entry(q, entry);
}

static const char *write_cluster(struct qcow2 *q, uint64_t offset, const uint8_t *buf, size_t len)
{
    uint64_t table, entry;
    const char *why = need_table(q, offset, &table);

    if (!why)
        why = qcow2_get64(q, l2_place(q, table, offset), &entry);
    if (why)
        return why;
    if (!(entry & QCOW2_COPIED) || (entry & QCOW2_COMPRESSED) || (q->v3 && (entry & QCOW2_ZERO)))
        return write_new(q, table, entry, offset, buf, len);
    why = check_data(q, entry & QCOW2_OFFSET, table);
    return why ? why
               : qcow2_file_write(q, (entry & QCOW2_OFFSET) + in_cluster(q, offset), buf, len);
}

const char *qcow2_write(struct qcow2 *q, uint64_t offset, const void *buf, size_t len)
{
    const uint8_t *from = buf;
    const char *why = NULL;

    for (size_t n; !why && len; from += n, offset += n, len -= n) {
        n = piece(q, offset, len);
        why = write_cluster(q, offset, from, n);
    }
    return why;
}

uint64_t qcow2_size(const struct qcow2 *q)
{
    return q->size;
}

void qcow2_close(struct qcow2 *q)
{
    if (q && q->backing) {
        disk_close(q->backing);
        free(q->backing);
    }
    free(q);
}
