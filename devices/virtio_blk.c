#include "devices/virtio_blk.h"

#include "base/bits.h"
#include "base/le.h"

#define DEVICE_ID     2
#define SECTOR        512
#define HEADER_BYTES  16 /* le32 type, le32 reserved, le64 sector */
#define ID_BYTES      20
#define REQUESTQ_SEGS (VIRTQ_SIZE_MAX - 2) /* beside header and status */

/* 5.2.3, Feature bits */
#define F_SEG_MAX  2
#define F_RO       5
#define F_BLK_SIZE 6
#define F_FLUSH    9

/* 5.2.4, struct virtio_blk_config */
#define CONFIG_CAPACITY 0
#define CONFIG_SEG_MAX  12
#define CONFIG_BLK_SIZE 20
#define CONFIG_BYTES    24

/* 5.2.6, Device Operation */
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

static struct virtio_blk *to_blk(struct virtio *v)
{
    return (struct virtio_blk *)v;
}

/* Is [@sector, + @bytes) whole sectors inside the disk? */
static bool in_disk(const struct virtio_blk *blk, uint64_t sector, uint32_t bytes)
{
    uint64_t count = blk->disk->size / SECTOR;

    return bytes % SECTOR == 0 && sector <= count && bytes / SECTOR <= count - sector;
}

/* @bytes: of the writable part that are data. */
static uint8_t do_read(struct virtio_blk *blk, struct virtq *q, uint64_t sector, uint32_t bytes)
{
    if (!in_disk(blk, sector, bytes))
        return S_IOERR;
    for (uint32_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < VIRTIO_BLK_CHUNK ? bytes - done : VIRTIO_BLK_CHUNK;
        if (!disk_read(blk->disk, sector * SECTOR + done, blk->chunk, n) ||
            virtq_write(q, &blk->chain, done, blk->chunk, n) != n)
            return S_IOERR;
    }
    return S_OK;
}

/* 5.2.6.2: without the flush feature a write is stable before it is answered. */
static uint8_t do_write(struct virtio_blk *blk, struct virtq *q, uint64_t sector, uint32_t bytes)
{
    if (!in_disk(blk, sector, bytes) || blk->disk->mode == DISK_READONLY)
        return S_IOERR;
    for (uint32_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < VIRTIO_BLK_CHUNK ? bytes - done : VIRTIO_BLK_CHUNK;
        if (virtq_read(q, &blk->chain, HEADER_BYTES + done, blk->chunk, n) != n ||
            !disk_write(blk->disk, sector * SECTOR + done, blk->chunk, n))
            return S_IOERR;
    }
    return virtio_has(&blk->virtio, F_FLUSH) || disk_flush(blk->disk) ? S_OK : S_IOERR;
}

static uint8_t do_get_id(struct virtio_blk *blk, struct virtq *q, uint32_t bytes)
{
    static const char id[ID_BYTES] = "armillary";

    return virtq_write(q, &blk->chain, 0, id, bytes < ID_BYTES ? bytes : ID_BYTES) ? S_OK : S_IOERR;
}

/* @room: bytes of the writable part before the status. Sets how many of them are valid. */
static uint8_t execute(struct virtio_blk *blk, struct virtq *q, uint32_t room, uint32_t *written)
{
    uint8_t header[HEADER_BYTES], status;

    *written = 0;
    if (virtq_read(q, &blk->chain, 0, header, sizeof(header)) != sizeof(header))
        return S_IOERR;
    uint64_t sector = le_get(header + 8, 8);
    switch (le_get(header, 4)) {
    case T_IN:
        status = do_read(blk, q, sector, room);
        *written = status == S_OK ? room : 0;
        return status;
    case T_OUT:
        return do_write(blk, q, sector, blk->chain.out_bytes - HEADER_BYTES);
    case T_FLUSH:
        return disk_flush(blk->disk) ? S_OK : S_IOERR;
    case T_GET_ID:
        *written = room < ID_BYTES ? room : ID_BYTES;
        return do_get_id(blk, q, room);
    }
    return S_UNSUPP;
}

static void one_request(struct virtio_blk *blk, struct virtq *q)
{
    uint32_t room, written = 0;
    uint8_t status;

    if (blk->chain.in_bytes == 0) {
        LOG(blk->virtio.log, DEVICE, GUEST, "virtio blk: a request without room for its status");
        virtq_push(q, &blk->chain, 0);
        return;
    }
    room = blk->chain.in_bytes - 1;
    status = execute(blk, q, room, &written);
    /* The status is the last byte: the length counts it only if all before it is valid. */
    virtq_write(q, &blk->chain, room, &status, 1);
    virtq_push(q, &blk->chain, written == room ? room + 1 : written);
}

/* The number of requests is taken once: the disk's own data may change the ring behind it. */
static void notify(struct virtio *v, unsigned queue)
{
    struct virtq *q = &v->queues[queue];

    for (unsigned n = virtq_waiting(q); n && virtq_pop(q, &to_blk(v)->chain); n--)
        one_request(to_blk(v), q);
}

static const struct virtio_ops ops = {.name = "blk", .id = DEVICE_ID, .notify = notify};

int virtio_blk_init(struct virtio_blk *blk, const struct log *log, struct physmem *mem,
                    struct disk *disk, struct arm_error *err)
{
    uint64_t features = BIT(F_SEG_MAX) | BIT(F_BLK_SIZE) | BIT(F_FLUSH);
    uint8_t *config = blk->virtio.config;

    if (disk->size % SECTOR)
        return error_set(err, ARM_EFORMAT, "%s: a disk of %llu bytes, expected a multiple of %d",
                         disk->path, (unsigned long long)disk->size, SECTOR);
    if (disk->mode == DISK_READONLY)
        features |= BIT(F_RO);
    virtio_init(&blk->virtio, &ops, log, mem, 1, features);
    blk->disk = disk;
    le_put(config + CONFIG_CAPACITY, 8, disk->size / SECTOR);
    le_put(config + CONFIG_SEG_MAX, 4, REQUESTQ_SEGS);
    le_put(config + CONFIG_BLK_SIZE, 4, SECTOR);
    blk->virtio.config_size = CONFIG_BYTES;
    return 0;
}
