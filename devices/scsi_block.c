/* Reading, writing and discarding blocks, SBC-3 clause 5, and where they are on a CD-ROM. */
#include <string.h>

#include "base/be.h"
#include "base/bits.h"
#include "base/pace.h"
#include "devices/scsi_internal.h"

#define UNMAP_HEADER 8
#define UNMAP_RANGE  16

_Static_assert(UNMAP_HEADER + SCSI_UNMAP_RANGES * UNMAP_RANGE <= SCSI_DATA_MAX, "a list fits");

/* SPC-4, Fixed length CDB formats: where the first block and their count are, by the opcode's
 * group. */
static const struct layout {
    uint8_t first, first_bytes, count, count_bytes;
} layouts[8] = {
    [0] = {1, 3, 4, 1},  [1] = {2, 4, 7, 2}, [2] = {2, 4, 7, 2},
    [4] = {2, 8, 10, 4}, [5] = {2, 4, 6, 4},
};

/* The blocks that a command is about; false: they are not there. */
static bool blocks_of(struct scsi_unit *u, struct scsi_request *r, uint64_t *first, uint64_t *count)
{
    const uint8_t *cdb = r->cdb;
    const struct layout *l = &layouts[cdb[0] >> 5];

    *first = be_get(cdb + l->first, l->first_bytes);
    *count = be_get(cdb + l->count, l->count_bytes);
    if (cdb[0] >> 5 == 0) { /* SBC-3 5.7: 21 bits of address, and no count is one of 256 */
        *first &= MASK(20, 0);
        *count = *count ? *count : 256;
    }
    return (*first <= scsi_blocks(u) && *count <= scsi_blocks(u) - *first) ||
           scsi_fail(u, r, SENSE_OUT_OF_RANGE);
}

static void move(struct scsi_unit *u, struct scsi_request *r, enum scsi_direction direction)
{
    uint64_t first, count;

    if (!blocks_of(u, r, &first, &count))
        return;
    if (count > SCSI_BLOCKS_MAX) {
        scsi_fail(u, r, SENSE_BAD_FIELD);
        return;
    }
    r->direction = count ? direction : SCSI_NO_DATA;
    r->on_disk = true;
    r->at = first * u->block;
    r->bytes = (uint32_t)(count * u->block);
}

void scsi_begin_read(struct scsi_unit *u, struct scsi_request *r)
{
    move(u, r, SCSI_IN);
}

static bool may_write(struct scsi_unit *u, struct scsi_request *r)
{
    return u->disk->mode != DISK_READONLY || scsi_fail(u, r, SENSE_WRITE_PROTECTED);
}

void scsi_begin_write(struct scsi_unit *u, struct scsi_request *r)
{
    if (may_write(u, r))
        move(u, r, SCSI_OUT);
}

/* What the initiator sends to compare with is not offered (BYTCHK). */
void scsi_begin_verify(struct scsi_unit *u, struct scsi_request *r)
{
    uint64_t first, count;

    if (r->cdb[1] & 6)
        scsi_fail(u, r, SENSE_BAD_FIELD);
    else
        (void)blocks_of(u, r, &first, &count);
}

void scsi_begin_synchronize(struct scsi_unit *u, struct scsi_request *r)
{
    r->cost = u->disk->mode == DISK_WRITABLE ? PACE_BYTES : 0;
    if (!disk_flush(u->disk))
        scsi_fail(u, r, SENSE_WRITE_ERROR);
}

void scsi_begin_capacity10(struct scsi_unit *u, struct scsi_request *r)
{
    uint64_t last = scsi_blocks(u) - 1;

    be_put(r->data, 4, last < UINT32_MAX ? last : UINT32_MAX);
    be_put(r->data + 4, 4, u->block);
    scsi_answer(r, 8, 8);
}

void scsi_begin_capacity16(struct scsi_unit *u, struct scsi_request *r)
{
    if ((r->cdb[1] & 0x1f) != 0x10) {
        scsi_fail(u, r, SENSE_BAD_FIELD);
        return;
    }
    be_put(r->data, 8, scsi_blocks(u) - 1);
    be_put(r->data + 8, 4, u->block);
    r->data[13] = u->physical_log2;
    r->data[14] = 0xc0; /* blocks can be unmapped, and then read as zeros */
    scsi_answer(r, 32, be_get(r->cdb + 10, 4));
}

/* ---- WRITE SAME and UNMAP: the parameters first ---- */

#define SAME_UNMAP  0x08
#define SAME_NODATA 0x01 /* of WRITE SAME(16): zeros */

static void parameters(struct scsi_unit *u, struct scsi_request *r, uint64_t bytes)
{
    if (bytes > SCSI_DATA_MAX) {
        scsi_fail(u, r, SENSE_BAD_LIST_LENGTH);
        return;
    }
    r->direction = bytes ? SCSI_OUT : SCSI_NO_DATA;
    r->bytes = (uint32_t)bytes;
}

void scsi_begin_write_same(struct scsi_unit *u, struct scsi_request *r)
{
    bool no_data = r->cdb[0] == 0x93 && (r->cdb[1] & SAME_NODATA);
    uint64_t first, count;

    if (!may_write(u, r) || !blocks_of(u, r, &first, &count))
        return;
    if (count == 0 || count > SCSI_SAME_BLOCKS || (r->cdb[1] & ~(SAME_UNMAP | SAME_NODATA)))
        scsi_fail(u, r, SENSE_BAD_FIELD);
    else
        parameters(u, r, no_data ? 0 : u->block);
}

static bool is_zero(const uint8_t *data, uint32_t bytes)
{
    return !data[0] && !memcmp(data, data + 1, bytes - 1);
}

static bool same_blocks(struct scsi_unit *u, uint64_t at, uint64_t end, const uint8_t *block)
{
    if (is_zero(block, u->block))
        return disk_zero(u->disk, at, end - at);
    for (; at < end; at += u->block)
        if (!disk_write(u->disk, at, block, u->block))
            return false;
    return true;
}

/* Without data they are the zeros of scsi_begin(). */
void scsi_end_write_same(struct scsi_unit *u, struct scsi_request *r)
{
    uint64_t first, count;

    if (!blocks_of(u, r, &first, &count))
        return;
    r->cost = PACE_BYTES;
    if (!same_blocks(u, first * u->block, (first + count) * u->block, r->data))
        scsi_fail(u, r, SENSE_WRITE_ERROR);
}

void scsi_begin_unmap(struct scsi_unit *u, struct scsi_request *r)
{
    if (may_write(u, r))
        parameters(u, r, be_get(r->cdb + 7, 2));
}

/* SBC-3, 5.28: a range is refused by its sense; true: unmapped. */
static bool unmap_range(struct scsi_unit *u, struct scsi_request *r, const uint8_t *range)
{
    uint64_t first = be_get(range, 8), count = be_get(range + 8, 4);

    if (first > scsi_blocks(u) || count > scsi_blocks(u) - first)
        return scsi_fail(u, r, SENSE_OUT_OF_RANGE);
    if (count > SCSI_UNMAP_BLOCKS)
        return scsi_fail(u, r, SENSE_BAD_PARAMETER);
    return !count || disk_zero(u->disk, first * u->block, count * u->block) ||
           scsi_fail(u, r, SENSE_WRITE_ERROR);
}

void scsi_end_unmap(struct scsi_unit *u, struct scsi_request *r)
{
    uint32_t ranges, room;

    if (r->bytes < UNMAP_HEADER)
        return;
    ranges = (uint32_t)be_get(r->data + 2, 2) / UNMAP_RANGE;
    room = (r->bytes - UNMAP_HEADER) / UNMAP_RANGE;
    if (ranges > SCSI_UNMAP_RANGES) {
        scsi_fail(u, r, SENSE_BAD_PARAMETER);
        return;
    }
    r->cost = PACE_BYTES;
    for (uint32_t k = 0; k < ranges && k < room; k++)
        if (!unmap_range(u, r, r->data + UNMAP_HEADER + k * UNMAP_RANGE))
            return;
}

/* ---- CD-ROM, MMC-6 6.25: one data track ---- */

#define LEAD_OUT 0xaa

static void put_position(uint8_t *to, bool minutes, uint64_t block)
{
    uint64_t frames = block + 150;

    be_put(to, 4,
           minutes ? (frames / (75 * 60)) << 16 | (frames / 75 % 60) << 8 | frames % 75 : block);
}

void scsi_begin_read_toc(struct scsi_unit *u, struct scsi_request *r)
{
    bool minutes = r->cdb[1] & 2;
    unsigned format = r->cdb[2] & 15, from = r->cdb[6];
    uint32_t bytes = 4;

    if (format > 1 || (format == 0 && from > 1 && from != LEAD_OUT)) {
        scsi_fail(u, r, SENSE_BAD_FIELD);
        return;
    }
    r->data[2] = r->data[3] = 1; /* first and last track, or session */
    if (format == 1 || from <= 1) {
        r->data[bytes + 1] = 0x14; /* data, not to be copied */
        r->data[bytes + 2] = 1;
        put_position(r->data + bytes + 4, minutes, 0);
        bytes += 8;
    }
    if (format == 0) {
        r->data[bytes + 1] = 0x16;
        r->data[bytes + 2] = LEAD_OUT;
        put_position(r->data + bytes + 4, minutes, scsi_blocks(u));
        bytes += 8;
    }
    be_put(r->data, 2, bytes - 2);
    scsi_answer(r, bytes, be_get(r->cdb + 7, 2));
}
