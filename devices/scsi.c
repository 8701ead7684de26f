#include "devices/scsi.h"

#include <string.h>

#include "base/be.h"
#include "base/bits.h"
#include "base/pace.h"
#include "base/state_io.h"

#define BLOCK_DISK   512
#define BLOCK_CDROM  2048
#define UNMAP_HEADER 8
#define UNMAP_RANGE  16
#define UNMAP_RANGES 64      /* of a command */
#define UNMAP_BLOCKS 0x10000 /* of a range */
#define SAME_BLOCKS  0x1000  /* that WRITE SAME writes */

_Static_assert(UNMAP_HEADER + UNMAP_RANGES * UNMAP_RANGE <= SCSI_DATA_MAX, "a list fits");

/* ---- sense, SPC-4 4.5 ---- */

#define SENSE(name, key, code, qualifier)                                                          \
    static const struct scsi_sense name = {key, code, qualifier}
SENSE(no_medium, 2, 0x3a, 0);
SENSE(read_error, 3, 0x11, 0);
SENSE(write_error, 3, 0x0c, 0);
SENSE(bad_list_length, 5, 0x1a, 0);
SENSE(bad_opcode, 5, 0x20, 0);
SENSE(out_of_range, 5, 0x21, 0);
SENSE(bad_field, 5, 0x24, 0);
SENSE(no_such_unit, 5, 0x25, 0);
SENSE(bad_parameter, 5, 0x26, 0);
SENSE(was_reset, 6, 0x29, 0);
SENSE(write_protected, 7, 0x27, 0);
#undef SENSE

/* False, for the caller to return. */
static bool fail(struct scsi_unit *u, struct scsi_request *r, struct scsi_sense sense)
{
    u->sense = sense;
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
    put_sense(sense, u ? u->sense : no_such_unit);
    if (u)
        u->sense = (struct scsi_sense){0};
}

/* Answer with the first @bytes of r->data, and of them what the allocation length asks for. */
static void answer(struct scsi_request *r, uint32_t bytes, uint64_t allocated)
{
    r->direction = SCSI_IN;
    r->bytes = bytes < allocated ? bytes : (uint32_t)allocated;
}

/* Characters, filled up with blanks. */
static void put_text(uint8_t *to, size_t bytes, const char *text)
{
    size_t length = strlen(text);

    memset(to, ' ', bytes);
    memcpy(to, text, length < bytes ? length : bytes);
}

static uint64_t block_count(const struct scsi_unit *u)
{
    return u->disk->size / u->block;
}

/* ---- what every unit answers, SPC-4 clause 6 ---- */

#define INQUIRY_BYTES 36

static void begin_nothing(struct scsi_unit *u, struct scsi_request *r)
{
    (void)u, (void)r;
}

static void begin_request_sense(struct scsi_unit *u, struct scsi_request *r)
{
    scsi_take_sense(u, r->data);
    answer(r, SCSI_SENSE, r->cdb[4]);
}

static uint32_t vpd_pages(struct scsi_unit *u, uint8_t *to)
{
    static const uint8_t of_all[] = {0x00, 0x80, 0x83}, of_disks[] = {0xb0, 0xb1, 0xb2};

    memcpy(to, of_all, sizeof(of_all));
    if (u->is_cdrom)
        return sizeof(of_all);
    memcpy(to + sizeof(of_all), of_disks, sizeof(of_disks));
    return sizeof(of_all) + sizeof(of_disks);
}

static uint32_t vpd_serial(struct scsi_unit *u, uint8_t *to)
{
    uint32_t bytes = (uint32_t)strlen(u->serial);

    memcpy(to, u->serial, bytes);
    return bytes;
}

/* 7.8.6: one designator, vendor-specific ASCII, of the unit. */
static uint32_t vpd_identification(struct scsi_unit *u, uint8_t *to)
{
    uint32_t bytes = (uint32_t)strlen(u->serial);

    be_put(to, 4, 0x02000000 | bytes);
    return 4 + vpd_serial(u, to + 4);
}

/* SBC-3, 6.6.4 */
static uint32_t vpd_limits(struct scsi_unit *u, uint8_t *to)
{
    (void)u;
    be_put(to + 4, 4, SCSI_BLOCKS_MAX);
    be_put(to + 16, 4, UNMAP_BLOCKS);
    be_put(to + 20, 4, UNMAP_RANGES);
    be_put(to + 24, 4, 1); /* optimal granularity */
    be_put(to + 32, 8, SAME_BLOCKS);
    return 0x3c;
}

static uint32_t vpd_characteristics(struct scsi_unit *u, uint8_t *to)
{
    (void)u;
    be_put(to, 2, 1); /* it does not turn */
    return 0x3c;
}

/* UNMAP and WRITE SAME unmap, and what is unmapped reads as zeros. */
static uint32_t vpd_provisioning(struct scsi_unit *u, uint8_t *to)
{
    (void)u;
    to[1] = 0xe4;
    to[2] = 2; /* thin */
    return 4;
}

static const struct vpd {
    uint8_t page;
    bool of_disks;
    uint32_t (*fill)(struct scsi_unit *u, uint8_t *to); /* returns how many bytes */
} vpds[] = {
    {0x00, false, vpd_pages}, {0x80, false, vpd_serial},         {0x83, false, vpd_identification},
    {0xb0, true, vpd_limits}, {0xb1, true, vpd_characteristics}, {0xb2, true, vpd_provisioning},
};

static void inquiry_page(struct scsi_unit *u, struct scsi_request *r)
{
    for (size_t k = 0; k < ARRAY_SIZE(vpds); k++) {
        if (vpds[k].page != r->cdb[2] || (vpds[k].of_disks && u->is_cdrom))
            continue;
        uint32_t bytes = vpds[k].fill(u, r->data + 4);
        r->data[0] = u->is_cdrom ? 5 : 0;
        r->data[1] = r->cdb[2];
        be_put(r->data + 2, 2, bytes);
        answer(r, 4 + bytes, be_get(r->cdb + 3, 2));
        return;
    }
    fail(u, r, bad_field);
}

static void begin_inquiry(struct scsi_unit *u, struct scsi_request *r)
{
    uint8_t *to = r->data;

    if (r->cdb[1] & 1) {
        inquiry_page(u, r);
        return;
    }
    if (r->cdb[2]) {
        fail(u, r, bad_field);
        return;
    }
    to[0] = u->is_cdrom ? 5 : 0;
    to[1] = u->is_cdrom ? 0x80 : 0; /* removable */
    to[2] = 5;                      /* SPC-3 */
    to[3] = 2;                      /* the format of this */
    to[4] = INQUIRY_BYTES - 5;
    to[7] = 2; /* commands are queued */
    put_text(to + 8, 8, "ARMILLRY");
    put_text(to + 16, 16, u->is_cdrom ? "CD-ROM" : "HARDDISK");
    put_text(to + 32, 4, "1");
    answer(r, INQUIRY_BYTES, be_get(r->cdb + 3, 2));
}

static void begin_report_luns(struct scsi_unit *u, struct scsi_request *r)
{
    uint32_t bytes = 8;

    for (unsigned n = 0; n < SCSI_LUNS_MAX; n++)
        if (u->luns & BIT(n)) {
            r->data[bytes + 1] = (uint8_t)n;
            bytes += 8;
        }
    be_put(r->data, 4, bytes - 8);
    answer(r, bytes, be_get(r->cdb + 6, 4));
}

/* SPC-4 7.5: caching, with a cache that writes are kept in; control; MMC's capabilities. */
static const uint8_t caching_page[20] = {0x08, 18, 4}, control_page[12] = {0x0a, 10},
                     cdrom_page[20] = {0x2a, 18};

static uint32_t mode_page(struct scsi_request *r, uint32_t at, const uint8_t *page, uint32_t bytes)
{
    uint8_t wanted = r->cdb[2] & 0x3f;

    if (wanted != page[0] && wanted != 0x3f)
        return at;
    memcpy(r->data + at, page, bytes);
    if (r->cdb[2] >> 6 == 1) /* what could be changed: nothing */
        memset(r->data + at + 2, 0, bytes - 2);
    return at + bytes;
}

static void begin_mode_sense(struct scsi_unit *u, struct scsi_request *r)
{
    bool six = r->cdb[0] == 0x1a;
    uint32_t header = six ? 4 : 8, at = header;

    if (!u->is_cdrom && !(r->cdb[1] & 8)) { /* a block descriptor */
        uint64_t blocks = block_count(u);
        be_put(r->data + at, 4, blocks < UINT32_MAX >> 8 ? blocks : 0);
        be_put(r->data + at + 4, 4, u->block);
        r->data[header - 1] = 8;
        at += 8;
    }
    uint32_t pages = at;
    if (!u->is_cdrom)
        at = mode_page(r, at, caching_page, sizeof(caching_page));
    at = mode_page(r, at, control_page, sizeof(control_page));
    if (u->is_cdrom)
        at = mode_page(r, at, cdrom_page, sizeof(cdrom_page));
    if ((at == pages && (r->cdb[2] & 0x3f) != 0x3f) || r->cdb[2] >> 6 == 3) {
        fail(u, r, bad_field);
        return;
    }
    be_put(r->data, six ? 1 : 2, at - (six ? 1 : 2));
    r->data[six ? 2 : 3] = u->disk->mode == DISK_READONLY ? 0x80 : 0;
    answer(r, at, six ? r->cdb[4] : be_get(r->cdb + 7, 2));
}

/* ---- blocks, SBC-3 clause 5 ---- */

/* The blocks that a command is about, by the length of its CDB; false: they are not there. */
static bool blocks_of(struct scsi_unit *u, struct scsi_request *r, uint64_t *first, uint64_t *count)
{
    const uint8_t *cdb = r->cdb;

    switch (cdb[0] >> 5) {
    case 0:
        *first = be_get(cdb + 1, 3) & 0x1fffff;
        *count = cdb[4] ? cdb[4] : 256;
        break;
    case 4:
        *first = be_get(cdb + 2, 8);
        *count = be_get(cdb + 10, 4);
        break;
    case 5:
        *first = be_get(cdb + 2, 4);
        *count = be_get(cdb + 6, 4);
        break;
    default:
        *first = be_get(cdb + 2, 4);
        *count = be_get(cdb + 7, 2);
        break;
    }
    return (*first <= block_count(u) && *count <= block_count(u) - *first) ||
           fail(u, r, out_of_range);
}

static void move(struct scsi_unit *u, struct scsi_request *r, enum scsi_direction direction)
{
    uint64_t first, count;

    if (!blocks_of(u, r, &first, &count))
        return;
    if (count > SCSI_BLOCKS_MAX) {
        fail(u, r, bad_field);
        return;
    }
    r->direction = count ? direction : SCSI_NO_DATA;
    r->on_disk = true;
    r->at = first * u->block;
    r->bytes = (uint32_t)(count * u->block);
}

static void begin_read(struct scsi_unit *u, struct scsi_request *r)
{
    move(u, r, SCSI_IN);
}

static bool may_write(struct scsi_unit *u, struct scsi_request *r)
{
    return u->disk->mode != DISK_READONLY || fail(u, r, write_protected);
}

static void begin_write(struct scsi_unit *u, struct scsi_request *r)
{
    if (may_write(u, r))
        move(u, r, SCSI_OUT);
}

/* What the initiator sends to compare with is not offered (BYTCHK). */
static void begin_verify(struct scsi_unit *u, struct scsi_request *r)
{
    uint64_t first, count;

    if (r->cdb[1] & 6)
        fail(u, r, bad_field);
    else
        (void)blocks_of(u, r, &first, &count);
}

static void begin_synchronize(struct scsi_unit *u, struct scsi_request *r)
{
    r->cost = u->disk->mode == DISK_WRITABLE ? PACE_BYTES : 0;
    if (!disk_flush(u->disk))
        fail(u, r, write_error);
}

static void begin_capacity10(struct scsi_unit *u, struct scsi_request *r)
{
    uint64_t last = block_count(u) - 1;

    be_put(r->data, 4, last < UINT32_MAX ? last : UINT32_MAX);
    be_put(r->data + 4, 4, u->block);
    answer(r, 8, 8);
}

static void begin_capacity16(struct scsi_unit *u, struct scsi_request *r)
{
    if ((r->cdb[1] & 0x1f) != 0x10) {
        fail(u, r, bad_field);
        return;
    }
    be_put(r->data, 8, block_count(u) - 1);
    be_put(r->data + 8, 4, u->block);
    r->data[14] = 0xc0; /* blocks can be unmapped, and then read as zeros */
    answer(r, 32, be_get(r->cdb + 10, 4));
}

/* ---- WRITE SAME and UNMAP: the parameters first ---- */

#define SAME_UNMAP  0x08
#define SAME_NODATA 0x01 /* of WRITE SAME(16): zeros */

static void parameters(struct scsi_unit *u, struct scsi_request *r, uint64_t bytes)
{
    if (bytes > SCSI_DATA_MAX) {
        fail(u, r, bad_list_length);
        return;
    }
    r->direction = bytes ? SCSI_OUT : SCSI_NO_DATA;
    r->bytes = (uint32_t)bytes;
}

static void begin_write_same(struct scsi_unit *u, struct scsi_request *r)
{
    bool no_data = r->cdb[0] == 0x93 && (r->cdb[1] & SAME_NODATA);
    uint64_t first, count;

    if (!may_write(u, r) || !blocks_of(u, r, &first, &count))
        return;
    if (count == 0 || count > SAME_BLOCKS || (r->cdb[1] & ~(SAME_UNMAP | SAME_NODATA)))
        fail(u, r, bad_field);
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
static void end_write_same(struct scsi_unit *u, struct scsi_request *r)
{
    uint64_t first, count;

    if (!blocks_of(u, r, &first, &count))
        return;
    r->cost = PACE_BYTES;
    if (!same_blocks(u, first * u->block, (first + count) * u->block, r->data))
        fail(u, r, write_error);
}

static void begin_unmap(struct scsi_unit *u, struct scsi_request *r)
{
    if (may_write(u, r))
        parameters(u, r, be_get(r->cdb + 7, 2));
}

/* SBC-3, 5.28: a range is refused by its sense; true: unmapped. */
static bool unmap_range(struct scsi_unit *u, struct scsi_request *r, const uint8_t *range)
{
    uint64_t first = be_get(range, 8), count = be_get(range + 8, 4);

    if (first > block_count(u) || count > block_count(u) - first)
        return fail(u, r, out_of_range);
    if (count > UNMAP_BLOCKS)
        return fail(u, r, bad_parameter);
    return !count || disk_zero(u->disk, first * u->block, count * u->block) ||
           fail(u, r, write_error);
}

static void end_unmap(struct scsi_unit *u, struct scsi_request *r)
{
    uint32_t ranges, room;

    if (r->bytes < UNMAP_HEADER)
        return;
    ranges = (uint32_t)be_get(r->data + 2, 2) / UNMAP_RANGE;
    room = (r->bytes - UNMAP_HEADER) / UNMAP_RANGE;
    if (ranges > UNMAP_RANGES) {
        fail(u, r, bad_parameter);
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

static void begin_read_toc(struct scsi_unit *u, struct scsi_request *r)
{
    bool minutes = r->cdb[1] & 2;
    unsigned format = r->cdb[2] & 15, from = r->cdb[6];
    uint32_t bytes = 4;

    if (format > 1 || (format == 0 && from > 1 && from != LEAD_OUT)) {
        fail(u, r, bad_field);
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
        put_position(r->data + bytes + 4, minutes, block_count(u));
        bytes += 8;
    }
    be_put(r->data, 2, bytes - 2);
    answer(r, bytes, be_get(r->cdb + 7, 2));
}

/* ---- requests ---- */

enum { D = 1, C = 2, DC = D | C };

static const struct command {
    uint8_t opcode, units, bytes;
    bool ready;
    void (*begin)(struct scsi_unit *u, struct scsi_request *r);
    void (*end)(struct scsi_unit *u, struct scsi_request *r);
} commands[] = {
#define COMMAND(opcode, name, units, bytes, begin, end)                                            \
    {opcode, units, bytes, false, begin_##begin, end},
#define COMMAND_READY(opcode, name, units, bytes, begin, end)                                      \
    {opcode, units, bytes, true, begin_##begin, end},
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
        return fail(u, r, bad_opcode);
    if (length < c->bytes)
        return fail(u, r, bad_field);
    if (!c->ready)
        return true;
    if (u->attention) {
        u->attention = false;
        return fail(u, r, was_reset);
    }
    return u->disk || fail(u, r, no_medium);
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
        return fail(u, r, read_error);
    r->done += n;
    return true;
}

bool scsi_write(struct scsi_unit *u, struct scsi_request *r, const void *buf, uint32_t n)
{
    CHECK(r->direction == SCSI_OUT && n <= r->bytes - r->done);
    if (!r->on_disk)
        memcpy(r->data + r->done, buf, n);
    else if (!disk_write(u->disk, r->at + r->done, buf, n))
        return fail(u, r, write_error);
    r->done += n;
    return true;
}

void scsi_end(struct scsi_unit *u, struct scsi_request *r)
{
    const struct command *c = u ? find(u, r->cdb[0]) : NULL;

    if (r->status != SCSI_GOOD || !c || !c->end || !u->disk)
        return;
    if (r->done < r->bytes)
        fail(u, r, bad_list_length);
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
