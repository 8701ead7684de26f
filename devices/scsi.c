#include "devices/scsi.h"

#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/scsi_internal.h"

#define BLOCK_DISK  512
#define BLOCK_CDROM 2048

#define PHYSICAL_LOG2_MAX 15 /* four bits in READ CAPACITY(16), and in ATA's word 106 */

/* ---- answers ---- */

static struct scsi_sense sense_of(enum scsi_reason reason)
{
    return (struct scsi_sense){(uint8_t)(reason >> 16), (uint8_t)(reason >> 8), (uint8_t)reason};
}

bool scsi_fail(struct scsi_unit *u, struct scsi_request *r, enum scsi_reason reason)
{
    u->sense = sense_of(reason);
    r->status = SCSI_CHECK_CONDITION;
    r->direction = SCSI_NO_DATA;
    r->bytes = 0;
    return false;
}

static void put_sense(uint8_t to[SCSI_SENSE], struct scsi_sense sense)
{
    memset(to, 0, SCSI_SENSE);
    to[0] = 0x70; /* current, fixed format */
    to[2] = sense.key;
    to[7] = SCSI_SENSE - 8;
    to[12] = sense.code;
    to[13] = sense.qualifier;
}

void scsi_take_sense(struct scsi_unit *u, uint8_t sense[SCSI_SENSE])
{
    put_sense(sense, u ? u->sense : sense_of(SENSE_NO_SUCH_UNIT));
    if (u)
        u->sense = (struct scsi_sense){0};
}

void scsi_answer(struct scsi_request *r, uint32_t bytes, uint64_t allocated)
{
    r->direction = SCSI_IN;
    r->bytes = bytes < allocated ? bytes : (uint32_t)allocated;
}

void scsi_begin_nothing(struct scsi_unit *u, struct scsi_request *r)
{
    (void)u, (void)r;
}

void scsi_begin_request_sense(struct scsi_unit *u, struct scsi_request *r)
{
    scsi_take_sense(u, r->data);
    scsi_answer(r, SCSI_SENSE, r->cdb[4]);
}

/* ---- requests ---- */

enum { D = 1, C = 2, DC = D | C };

static const struct command {
    uint8_t opcode, units, bytes;
    bool ready;
    scsi_command_fn *begin, *end;
} commands[] = {
#define COMMAND(opcode, name, units, bytes, begin, end)                                            \
    {opcode, units, bytes, false, scsi_begin_##begin, end},
#define COMMAND_READY(opcode, name, units, bytes, begin, end)                                      \
    {opcode, units, bytes, true, scsi_begin_##begin, end},
#include "devices/scsi_commands.def"
#undef COMMAND
#undef COMMAND_READY
};

static const struct command *find(const struct scsi_unit *u, uint8_t opcode)
{
    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
        if (commands[k].opcode == opcode && (commands[k].units & (u->is_cdrom ? C : D)))
            return &commands[k];
    return NULL;
}

/* May it be begun? What cannot wait for a medium is answered after a reset too. */
static bool may_begin(struct scsi_unit *u, struct scsi_request *r, const struct command *c,
                      size_t length)
{
    if (!c)
        return scsi_fail(u, r, SENSE_BAD_OPCODE);
    if (length < c->bytes)
        return scsi_fail(u, r, SENSE_BAD_FIELD);
    if (!c->ready)
        return true;
    if (u->attention) {
        u->attention = false;
        return scsi_fail(u, r, SENSE_WAS_RESET);
    }
    return u->disk || scsi_fail(u, r, SENSE_NO_MEDIUM);
}

void scsi_begin(struct scsi_unit *u, struct scsi_request *r, const uint8_t *cdb, size_t length)
{
    const struct command *c;

    *r = (struct scsi_request){.direction = SCSI_NO_DATA};
    memcpy(r->cdb, cdb, length < SCSI_CDB_MAX ? length : SCSI_CDB_MAX);
    if (!u) {
        r->status = SCSI_CHECK_CONDITION;
        return;
    }
    c = find(u, r->cdb[0]);
    if (may_begin(u, r, c, length))
        c->begin(u, r);
}

bool scsi_read(struct scsi_unit *u, struct scsi_request *r, void *buf, uint32_t n)
{
    CHECK(r->direction == SCSI_IN && n <= r->bytes - r->done);
    if (!r->on_disk)
        memcpy(buf, r->data + r->done, n);
    else if (!disk_read(u->disk, r->at + r->done, buf, n))
        return scsi_fail(u, r, SENSE_READ_ERROR);
    r->done += n;
    return true;
}

bool scsi_write(struct scsi_unit *u, struct scsi_request *r, const void *buf, uint32_t n)
{
    CHECK(r->direction == SCSI_OUT && n <= r->bytes - r->done);
    if (!r->on_disk)
        memcpy(r->data + r->done, buf, n);
    else if (!disk_write(u->disk, r->at + r->done, buf, n))
        return scsi_fail(u, r, SENSE_WRITE_ERROR);
    r->done += n;
    return true;
}

void scsi_end(struct scsi_unit *u, struct scsi_request *r)
{
    const struct command *c = u ? find(u, r->cdb[0]) : NULL;

    if (r->status != SCSI_GOOD || !c || !c->end || !u->disk)
        return;
    if (r->done < r->bytes)
        scsi_fail(u, r, SENSE_BAD_LIST_LENGTH);
    else
        c->end(u, r);
}

/* ---- units ---- */

int scsi_unit_init(struct scsi_unit *u, struct disk *disk, bool is_cdrom, const char *serial,
                   struct arm_error *err)
{
    uint32_t block = is_cdrom ? BLOCK_CDROM : BLOCK_DISK;

    CHECK(disk || is_cdrom);
    if (disk && (disk->size < block || disk->size % block))
        return error_set(err, ARM_EFORMAT, "%s: a disk of %llu bytes, expected a multiple of %u",
                         disk->path, (unsigned long long)disk->size, block);
    *u = (struct scsi_unit){.disk = disk, .is_cdrom = is_cdrom, .block = block, .luns = 1};
    if (serial)
        memcpy(u->serial, serial, strnlen(serial, SCSI_SERIAL_MAX));
    scsi_unit_reset(u);
    return 0;
}

int scsi_unit_set_blocks(struct scsi_unit *u, const struct arm_blocks *blocks,
                         struct arm_error *err)
{
    uint32_t logical = blocks->logical ? blocks->logical : u->block;
    const char *problem = disk_blocks_problem(blocks);

    if (!problem && logical > SCSI_BLOCK_MAX)
        problem = "logical blocks of more than 4096 bytes";
    if (!problem && u->is_cdrom && logical != BLOCK_CDROM)
        problem = "blocks of a CD-ROM drive that are not 2048 bytes";
    if (!problem && u->disk && u->disk->size % logical)
        problem = "a size that is not whole logical blocks";
    if (!problem && blocks->physical / logical > 1U << PHYSICAL_LOG2_MAX)
        problem = "a physical block of more than 32768 logical ones";
    if (problem)
        return error_set(err, ARM_EINVAL, "a SCSI or ATA disk with %s", problem);
    u->block = logical;
    if (blocks->physical)
        u->physical_log2 = (uint8_t)__builtin_ctz(blocks->physical / logical);
    return 0;
}

void scsi_unit_reset(struct scsi_unit *u)
{
    u->attention = true;
    u->sense = (struct scsi_sense){0};
}

void scsi_unit_state(struct state_io *io, struct scsi_unit *u)
{
    STATE(io, u->attention);
    STATE(io, u->sense.key);
    STATE(io, u->sense.code);
    STATE(io, u->sense.qualifier);
}

void scsi_request_state(struct state_io *io, const struct scsi_unit *u, struct scsi_request *r)
{
    STATE_ARRAY(io, r->cdb);
    STATE(io, r->direction);
    STATE(io, r->bytes);
    STATE(io, r->done);
    STATE(io, r->on_disk);
    STATE(io, r->at);
    STATE(io, r->status);
    STATE(io, r->cost);
    state_bytes(io, "r->data", r->data, sizeof(r->data));
    state_require(io, r->done <= r->bytes, "r->done");
    state_require(io, r->direction <= SCSI_OUT && (u || r->direction == SCSI_NO_DATA),
                  "r->direction");
    if (r->on_disk)
        state_require(io,
                      u && u->disk && r->at <= u->disk->size && r->bytes <= u->disk->size - r->at,
                      "r->at");
    else
        state_require(io, r->bytes <= SCSI_DATA_MAX, "r->bytes");
}
