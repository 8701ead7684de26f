#include "devices/virtio_blk.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID     2
#define SECTOR        512
#define HEADER_BYTES  16                   /* le32 type, le32 reserved, le64 sector */
#define REQUESTQ_SEGS (VIRTQ_SIZE_MAX - 2) /* beside header and status */
#define FLUSH_COST    PACE_BYTES           /* the host's disk may need milliseconds */

#define ZERO_BYTES                                                                                 \
    16 /* 5.2.6: of a range to discard or to zero: le64 sector, le32 sectors, le32 flags */
#define ZERO_SECTORS UINT32_C(0x3fffff) /* of a request: below 2 GiB, as QEMU's */
#define ZERO_UNMAP   1                  /* flags: it may be discarded */

/* 5.2.3, Feature bits */
#define F_SEG_MAX      2
#define F_RO           5
#define F_BLK_SIZE     6
#define F_FLUSH        9
#define F_TOPOLOGY     10
#define F_MQ           12
#define F_DISCARD      13
#define F_WRITE_ZEROES 14

/* 5.2.4, struct virtio_blk_config */
#define CONFIG_CAPACITY     0
#define CONFIG_SEG_MAX      12
#define CONFIG_BLK_SIZE     20
#define CONFIG_PHYSICAL     24 /* log2 of its logical blocks */
#define CONFIG_MIN_IO       26
#define CONFIG_OPT_IO       28
#define CONFIG_WRITEBACK    32
#define CONFIG_NUM_QUEUES   34
#define CONFIG_DISCARD_MAX  36
#define CONFIG_DISCARD_SEG  40
#define CONFIG_DISCARD_UNIT 44
#define CONFIG_ZERO_MAX     48
#define CONFIG_ZERO_SEG     52
#define CONFIG_ZERO_UNMAP   56
#define CONFIG_BYTES        60

/* 5.2.6, Device Operation */
enum {
    T_IN = 0,
    T_OUT = 1,
    T_FLUSH = 4,
    T_GET_ID = 8,
    T_DISCARD = 11,
    T_WRITE_ZEROES = 13,
    T_NONE = -1
};
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

static struct virtio_blk *to_blk(struct virtio *v)
{
    return (struct virtio_blk *)v;
}

/* Is [@sector, + @bytes) whole blocks inside the disk? */
static bool in_disk(const struct virtio_blk *blk, uint64_t sector, uint32_t bytes)
{
    uint64_t count = blk->disk->size / SECTOR;

    return bytes % blk->block == 0 && sector % (blk->block / SECTOR) == 0 && sector <= count &&
           bytes / SECTOR <= count - sector;
}

static uint8_t flush(struct virtio_blk *blk)
{
    if (blk->disk->mode == DISK_WRITABLE)
        pace_spend(&blk->virtio.pace, FLUSH_COST);
    return disk_flush(blk->disk) ? S_OK : S_IOERR;
}

/* The answer to a request that moves nothing. */
static void answer(struct virtio_blk *blk, uint8_t status)
{
    blk->status = status;
    blk->bytes = 0;
}

/* @bytes: of data, to be moved from now on. */
static void begin_move(struct virtio_blk *blk, uint32_t bytes)
{
    blk->bytes = bytes;
    if (!in_disk(blk, blk->sector, bytes) ||
        (blk->type != T_IN && blk->disk->mode == DISK_READONLY))
        answer(blk, S_IOERR);
}

/* One range: it is all that the configuration space offers. */
static void begin_zero(struct virtio_blk *blk, struct virtq *q, unsigned feature, uint32_t flags)
{
    uint8_t range[ZERO_BYTES];
    const struct virtq_chain *chain = &blk->virtio.chain;

    if (!virtio_has(&blk->virtio, feature) || chain->out_bytes != HEADER_BYTES + ZERO_BYTES ||
        virtq_read(q, chain, HEADER_BYTES, range, sizeof(range)) != sizeof(range) ||
        le_get(range + 12, 4) & ~(uint64_t)flags) {
        answer(blk, S_UNSUPP);
        return;
    }
    blk->sector = le_get(range, 8);
    if (le_get(range + 8, 4) > ZERO_SECTORS)
        answer(blk, S_IOERR);
    else
        begin_move(blk, (uint32_t)le_get(range + 8, 4) * SECTOR);
}

static void begin(struct virtio_blk *blk, struct virtq *q)
{
    const struct virtq_chain *chain = &blk->virtio.chain;
    uint8_t header[HEADER_BYTES];

    answer(blk, S_OK);
    blk->type = T_NONE;
    if (virtq_read(q, chain, 0, header, sizeof(header)) != sizeof(header)) {
        answer(blk, S_IOERR);
        return;
    }
    blk->type = (uint32_t)le_get(header, 4);
    blk->sector = le_get(header + 8, 8);
    switch (blk->type) {
    case T_IN:
        begin_move(blk, chain->in_bytes - 1);
        break;
    case T_OUT:
        begin_move(blk, chain->out_bytes - HEADER_BYTES);
        break;
    case T_FLUSH:
        answer(blk, flush(blk));
        break;
    case T_GET_ID:
        break;
    case T_DISCARD:
        begin_zero(blk, q, F_DISCARD, 0);
        break;
    case T_WRITE_ZEROES:
        begin_zero(blk, q, F_WRITE_ZEROES, ZERO_UNMAP);
        break;
    default:
        answer(blk, S_UNSUPP);
        break;
    }
}

/* The next @n bytes of data. */
static bool move(struct virtio_blk *blk, struct virtq *q, uint32_t n)
{
    const struct virtq_chain *chain = &blk->virtio.chain;
    uint32_t done = blk->virtio.done;
    uint64_t at = blk->sector * SECTOR + done;

    if (blk->type == T_IN)
        return disk_read(blk->disk, at, blk->chunk, n) &&
               virtq_write(q, chain, done, blk->chunk, n) == n;
    if (blk->type != T_OUT) /* what was discarded may be anything (5.2.6): zeros */
        return disk_zero(blk->disk, at, n);
    return virtq_read(q, chain, HEADER_BYTES + done, blk->chunk, n) == n &&
           disk_write(blk->disk, at, blk->chunk, n);
}

/* @room: bytes of the writable part before the status. Returns how many of them are valid. */
static uint32_t finish(struct virtio_blk *blk, struct virtq *q, uint32_t room)
{
    if (blk->status != S_OK)
        return 0;
    switch (blk->type) {
    case T_IN:
        return room;
    case T_OUT:
    case T_WRITE_ZEROES:
        /* 5.2.6.2: without the flush feature a write is stable before it is answered. */
        if (!virtio_has(&blk->virtio, F_FLUSH))
            blk->status = flush(blk);
        return 0;
    case T_GET_ID:
        return (uint32_t)virtq_write(q, &blk->virtio.chain, 0, blk->serial,
                                     room < VIRTIO_BLK_SERIAL ? room : VIRTIO_BLK_SERIAL);
    }
    return 0;
}

static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    struct virtio_blk *blk = to_blk(v);
    uint32_t moved = 0, n, room, written;

    if (v->chain.in_bytes == 0) {
        LOG(v->log, DEVICE, GUEST, "virtio blk: a request without room for its status");
        virtio_done(v, 0);
        return 0;
    }
    if (v->done == 0)
        begin(blk, q);
    for (; v->done < blk->bytes && moved < budget; v->done += n, moved += n) {
        n = blk->bytes - v->done;
        n = n < VIRTIO_BLK_CHUNK ? n : VIRTIO_BLK_CHUNK;
        if (!move(blk, q, n))
            answer(blk, S_IOERR);
    }
    if (v->done < blk->bytes)
        return moved;
    room = v->chain.in_bytes - 1;
    written = finish(blk, q, room);
    /* The status is the last byte: the length counts it only if all before it is valid. */
    virtq_write(q, &v->chain, room, &blk->status, 1);
    virtio_done(v, written == room ? room + 1 : written);
    return moved;
}

/* The request is inside the disk as begin_move() has checked. */
static void state(struct state_io *io, struct virtio *v)
{
    struct virtio_blk *blk = to_blk(v);

    STATE(io, blk->type);
    STATE(io, blk->bytes);
    STATE(io, blk->sector);
    STATE(io, blk->status);
    state_require(io, blk->bytes == 0 || in_disk(blk, blk->sector, blk->bytes), "blk->sector");
    state_require(io, !v->busy || v->done <= blk->bytes, "v->done");
}

static const struct virtio_ops ops = {
    .name = "blk", .id = DEVICE_ID, .request = request, .state = state};

static void describe_blocks(uint8_t *config, const struct arm_blocks *b)
{
    uint32_t logical = b->logical ? b->logical : SECTOR;
    uint32_t physical = b->physical ? b->physical : logical;

    le_put(config + CONFIG_BLK_SIZE, 4, logical);
    config[CONFIG_PHYSICAL] = (uint8_t)__builtin_ctz(physical / logical);
    le_put(config + CONFIG_MIN_IO, 2, b->min_io / logical);
    le_put(config + CONFIG_OPT_IO, 4, b->opt_io / logical);
    config[CONFIG_WRITEBACK] = !b->write_through;
    le_put(config + CONFIG_DISCARD_UNIT, 4, (b->discard ? b->discard : logical) / SECTOR);
}

static uint64_t features_of(const struct virtio_blk_config *c)
{
    const struct arm_blocks *b = &c->blocks;
    bool readonly = c->disk->mode == DISK_READONLY;
    const struct {
        unsigned feature;
        bool offered;
    } rows[] = {
        {F_SEG_MAX, true},
        {F_BLK_SIZE, true},
        {F_RO, readonly},
        {F_FLUSH, !b->write_through},
        {F_TOPOLOGY, b->physical || b->min_io || b->opt_io},
        {F_MQ, c->queues > 1},
        {F_DISCARD, !readonly && !b->no_discard},
        {F_WRITE_ZEROES, !readonly && !b->no_zeroes},
    };
    uint64_t features = 0;

    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        features |= (uint64_t)rows[k].offered << rows[k].feature;
    return features;
}

int virtio_blk_init(struct virtio_blk *blk, const struct arm_log *log, struct physmem *mem,
                    const struct virtio_blk_config *c, struct arm_error *err)
{
    const char *serial = c->serial ? c->serial : "armillary";
    const char *problem = disk_blocks_problem(&c->blocks);
    uint8_t *config = blk->virtio.config;

    if (c->disk->size % SECTOR)
        return error_set(err, ARM_EFORMAT, "%s: a disk of %llu bytes, expected a multiple of %d",
                         c->disk->path, (unsigned long long)c->disk->size, SECTOR);
    if (problem)
        return error_set(err, ARM_EINVAL, "%s: %s", c->disk->path, problem);
    if (c->queues == 0 || c->queues > ARM_VIRTIO_BLK_QUEUES)
        return error_set(err, ARM_EINVAL, "%s: %u queues, expected 1 to %d", c->disk->path,
                         c->queues, ARM_VIRTIO_BLK_QUEUES);
    virtio_init(&blk->virtio, &ops, log, mem, c->queues, BIT(c->queues) - 1, features_of(c));
    blk->disk = c->disk;
    blk->block = c->blocks.logical ? c->blocks.logical : SECTOR;
    memset(blk->serial, 0, sizeof(blk->serial));
    memcpy(blk->serial, serial, strnlen(serial, sizeof(blk->serial)));
    describe_blocks(config, &c->blocks);
    le_put(config + CONFIG_CAPACITY, 8, c->disk->size / SECTOR);
    le_put(config + CONFIG_SEG_MAX, 4, REQUESTQ_SEGS);
    le_put(config + CONFIG_NUM_QUEUES, 2, c->queues);
    le_put(config + CONFIG_DISCARD_MAX, 4, ZERO_SECTORS);
    le_put(config + CONFIG_DISCARD_SEG, 4, 1);
    le_put(config + CONFIG_ZERO_MAX, 4, ZERO_SECTORS);
    le_put(config + CONFIG_ZERO_SEG, 4, 1);
    config[CONFIG_ZERO_UNMAP] = 1;
    blk->virtio.config_size = CONFIG_BYTES;
    return 0;
}
