/* What the files of qcow2 share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "devices/qcow2.h"

struct disk;

#define QCOW2_OFFSET     MASK(55, 9) /* of a cluster, in L1 and L2 entries */
#define QCOW2_COPIED     BIT(63)     /* its reference count is 1 */
#define QCOW2_COMPRESSED BIT(62)
#define QCOW2_ZERO       BIT(0) /* version 3: reads as zeros */

struct qcow2 {
    int fd;
    bool writable, v3, zstd;
    unsigned cluster_bits;
    unsigned refcount_order; /* log2 of a reference count's bits */
    uint64_t size;           /* of the disk */
    uint64_t l1_offset, table_offset;
    uint32_t l1_size, table_clusters; /* entries; clusters of the reference count table */
    uint64_t end;                     /* of what is in use: where new clusters go */
    struct disk *backing;             /* NULL: none */
};

static inline uint64_t qcow2_cluster(const struct qcow2 *q)
{
    return BIT(q->cluster_bits);
}

/* The file: NULL, or why not. What is behind its end reads as zeros. */
const char *qcow2_file_read(const struct qcow2 *q, uint64_t offset, void *buf, size_t len);
const char *qcow2_file_write(const struct qcow2 *q, uint64_t offset, const void *buf, size_t len);
const char *qcow2_get64(const struct qcow2 *q, uint64_t offset, uint64_t *value);
const char *qcow2_put64(const struct qcow2 *q, uint64_t offset, uint64_t value);
const char *qcow2_put_zeros(const struct qcow2 *q, uint64_t offset, uint64_t len);

/* qcow2_refcount.c: a new cluster at the end, used once; one use of a cluster less. */
const char *qcow2_allocate(struct qcow2 *q, uint64_t *offset);
const char *qcow2_release(struct qcow2 *q, uint64_t offset);

/* qcow2_compressed.c: the contents of the compressed cluster that L2 entry @entry describes, and
 * the bytes of the file that hold it. */
const char *qcow2_decompress(const struct qcow2 *q, uint64_t entry, uint8_t *out);
void qcow2_compressed_range(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *len);
