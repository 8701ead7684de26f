/* Reference counts of a qcow2 image's clusters: a table of blocks of counts. */
#include "base/be.h"
#include "devices/qcow2_internal.h"

#define SKIPPED_MAX  65536 /* clusters in use behind the end of the file: more are damage */
#define HEADER_TABLE 48    /* refcount_table_offset, and behind it refcount_table_clusters */

static uint64_t counts_in_block(const struct qcow2 *q)
{
    return qcow2_cluster(q) * 8 >> q->refcount_order;
}

static uint64_t table_entries(const struct qcow2 *q)
{
    return ((uint64_t)q->table_clusters << q->cluster_bits) / 8;
}

/* *@block: where the block with the count of cluster @n is, 0: there is none, all in it are 0. */
static const char *find_block(const struct qcow2 *q, uint64_t n, uint64_t *block)
{
    uint64_t index = n / counts_in_block(q);
    const char *why;

    *block = 0;
    if (index >= table_entries(q))
        return NULL;
    why = qcow2_get64(q, q->table_offset + 8 * index, block);
    *block &= ~MASK(8, 0);
    return why ? why
           : *block & (qcow2_cluster(q) - 1)
               ? "a block of reference counts is not at a cluster's start"
               : NULL;
}

static uint64_t place_in_block(const struct qcow2 *q, uint64_t n)
{
    return (n % counts_in_block(q)) << q->refcount_order >> 3;
}

static const char *get_count(const struct qcow2 *q, uint64_t n, uint64_t *count)
{
    unsigned bytes = 1u << q->refcount_order >> 3;
    uint8_t raw[8] = {0};
    uint64_t block;
    const char *why = find_block(q, n, &block);

    if (!why && block)
        why = qcow2_file_read(q, block + place_in_block(q, n), raw, bytes);
    *count = be_get(raw, bytes);
    return why;
}

static const char *set_count(struct qcow2 *q, uint64_t n, uint64_t count);

/* The table as twice as many clusters at the end of the file. */
static const char *grow_table(struct qcow2 *q)
{
    uint64_t from = q->table_offset, to = q->end, old = q->table_clusters, entry;
    uint8_t header[12];
    const char *why;

    if (old >= UINT32_MAX / 4)
        return "the table of reference counts is too large";
    q->end += 2 * old << q->cluster_bits;
    why = qcow2_put_zeros(q, to, 2 * old << q->cluster_bits);
    for (uint64_t k = 0; !why && k < table_entries(q); k++) {
        why = qcow2_get64(q, from + 8 * k, &entry);
        if (!why && entry)
            why = qcow2_put64(q, to + 8 * k, entry);
    }
    for (unsigned k = 0; k < 8; k++)
        header[k] = (uint8_t)(to >> (56 - 8 * k));
    for (unsigned k = 0; k < 4; k++)
        header[8 + k] = (uint8_t)(2 * old >> (24 - 8 * k));
    if (!why)
        why = qcow2_file_write(q, HEADER_TABLE, header, sizeof(header));
    if (why)
        return why;
    q->table_offset = to;
    q->table_clusters = (uint32_t)(2 * old);
    for (uint64_t k = 0; !why && k < 2 * old; k++)
        why = set_count(q, (to >> q->cluster_bits) + k, 1);
    for (uint64_t k = 0; !why && k < old; k++)
        why = set_count(q, (from >> q->cluster_bits) + k, 0);
    return why;
}

/* The block for cluster @n, made if there is none; it counts itself, too. */
static const char *need_block(struct qcow2 *q, uint64_t n, uint64_t *block)
{
    uint64_t index = n / counts_in_block(q);
    const char *why = NULL;

    while (!why && index >= table_entries(q))
        why = grow_table(q);
    if (!why)
        why = find_block(q, n, block);
    if (why || *block)
        return why;
    *block = q->end;
    q->end += qcow2_cluster(q);
    why = qcow2_put_zeros(q, *block, qcow2_cluster(q));
    if (!why)
        why = qcow2_put64(q, q->table_offset + 8 * index, *block);
    return why ? why : set_count(q, *block >> q->cluster_bits, 1);
}

static const char *set_count(struct qcow2 *q, uint64_t n, uint64_t count)
{
    unsigned bytes = 1u << q->refcount_order >> 3;
    uint8_t raw[8];
    uint64_t block = 0;
    const char *why = need_block(q, n, &block);

    be_put(raw, bytes, count);
    return why ? why : qcow2_file_write(q, block + place_in_block(q, n), raw, bytes);
}

/* What is counted may lie behind the end of the file. */
const char *qcow2_allocate(struct qcow2 *q, uint64_t *offset)
{
    unsigned skipped = 0;
    uint64_t count;
    const char *why;

    while (!(why = get_count(q, q->end >> q->cluster_bits, &count)) && count) {
        if (skipped++ == SKIPPED_MAX)
            return "clusters far behind the end of the file are in use";
        q->end += qcow2_cluster(q);
    }
    if (why)
        return why;
    if (q->end & ~QCOW2_OFFSET)
        return "the file is too large for its format";
    *offset = q->end;
    q->end += qcow2_cluster(q);
    return set_count(q, *offset >> q->cluster_bits, 1);
}

const char *qcow2_release(struct qcow2 *q, uint64_t offset)
{
    uint64_t n = offset >> q->cluster_bits, count;
    const char *why = get_count(q, n, &count);

    if (!why && !count)
        why = "a cluster in use has no references";
    return why ? why : set_count(q, n, count - 1);
}
