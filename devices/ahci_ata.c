/* ATA and ATAPI commands of the drives at an AHCI adapter (ATA8-ACS). */
#include <string.h>

#include "base/bits.h"
#include "devices/ahci_internal.h"

#define SECTOR   512
#define PACKETS  2048 /* bytes of a CD-ROM's block */
#define LBA28    (UINT64_C(1) << 28)
#define IDENTIFY 512

/* ---- the task file of the host's FIS, Serial ATA 10.3.4 ---- */

static uint64_t lba48(const uint8_t *fis)
{
    return le_get(fis + 4, 3) | le_get(fis + 8, 3) << 24;
}

static uint64_t lba28(const uint8_t *fis)
{
    return le_get(fis + 4, 3) | (uint64_t)(fis[7] & 15) << 24;
}

static struct ahci_result good(void)
{
    return (struct ahci_result){.status = ATA_READY};
}

static struct ahci_result bad(uint8_t error)
{
    return (struct ahci_result){.status = ATA_READY | ATA_ERROR, .error = error};
}

/* ---- IDENTIFY DEVICE and IDENTIFY PACKET DEVICE, 7.16 and 7.17 ---- */

/* Two characters a word, the first in the upper byte. */
static void put_text(uint8_t *to, size_t bytes, const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < bytes; i++)
        to[i ^ 1] = (uint8_t)(i < length ? text[i] : ' ');
}

static const struct identify_word {
    uint8_t word;
    uint16_t disk, cdrom;
} identify_words[] = {
    {0, 0x0040, 0x85c0},  /* fixed; a removable CD-ROM drive, packets of 12 bytes */
    {47, 0x8010, 0},      /* READ MULTIPLE: not used */
    {49, 0x0f00, 0x0b00}, /* LBA, DMA */
    {53, 0x0006, 0x0006}, /* words 64 to 70 and 88 are valid */
    {63, 0x0007, 0x0007}, /* multiword DMA */
    {64, 0x0003, 0x0003}, /* PIO 3 and 4 */
    {65, 120, 120},       /* cycle times in ns */
    {66, 120, 120},       {67, 120, 120},       {68, 120, 120},
    {76, 0x0002, 0x0002}, /* SATA 1.5 Gb/s, without queueing */
    {80, 0x01f0, 0x01f0}, /* ATA/ATAPI-4 to ATA8-ACS */
    {82, 0x4020, 0x4010}, /* NOP; write cache; packets */
    {83, 0x7400, 0x4000}, /* FLUSH CACHE, FLUSH CACHE EXT, LBA48 */
    {84, 0x4000, 0x4000}, {85, 0x4020, 0x4010}, {86, 0x3400, 0},
    {87, 0x4000, 0x4000}, {88, 0x203f, 0x203f}, /* Ultra DMA 5 */
    {93, 0, 0},           {169, 0x0001, 0},     /* DATA SET MANAGEMENT trims */
    {217, 0x0001, 0},                           /* it does not turn */
};

static struct ahci_result identify(struct ahci_command *c)
{
    const struct scsi_unit *u = c->port->unit;
    uint8_t *to = c->a->chunk;
    uint64_t sectors = u->disk ? u->disk->size / SECTOR : 0;
    struct ahci_result r = good();

    memset(to, 0, IDENTIFY);
    for (size_t k = 0; k < ARRAY_SIZE(identify_words); k++)
        le_put(to + 2 * identify_words[k].word, 2,
               u->is_cdrom ? identify_words[k].cdrom : identify_words[k].disk);
    put_text(to + 20, 20, u->serial);
    put_text(to + 46, 8, "1");
    put_text(to + 54, 40, u->is_cdrom ? "Armillary CD-ROM" : "Armillary HARDDISK");
    if (!u->is_cdrom) {
        le_put(to + 120, 4, sectors < LBA28 ? sectors : LBA28 - 1);
        le_put(to + 200, 8, sectors);
        le_put(to + 212, 2, 0x4000 | (u->physical_log2 ? 0x2000 | u->physical_log2 : 0));
    }
    r.pio = true;
    return ahci_move(c, to, IDENTIFY, true) ? r : bad(ATA_ABORTED);
}

/* ---- sectors ---- */

static bool in_disk(const struct scsi_unit *u, uint64_t first, uint32_t count)
{
    uint64_t sectors = u->disk->size / SECTOR;

    return first <= sectors && count <= sectors - first;
}

static struct ahci_result move_sectors(struct ahci_command *c, bool reads, bool is48)
{
    struct scsi_unit *u = c->port->unit;
    uint64_t at = is48 ? lba48(c->fis) : lba28(c->fis);
    uint32_t count = (uint32_t)(is48 ? le_get(c->fis + 12, 2) : c->fis[12]);

    count = count ? count : is48 ? 65536 : 256;
    if (!in_disk(u, at, count))
        return bad(ATA_NOT_FOUND);
    if (!reads && u->disk->mode == DISK_READONLY)
        return bad(ATA_ABORTED);
    for (uint64_t left = (uint64_t)count * SECTOR, byte = at * SECTOR; left;) {
        uint32_t n = left < AHCI_CHUNK ? (uint32_t)left : AHCI_CHUNK;
        pace_spend(&c->a->pace, n);
        if (reads ? !disk_read(u->disk, byte, c->a->chunk, n) || !ahci_move(c, c->a->chunk, n, true)
                  : !ahci_move(c, c->a->chunk, n, false) ||
                        !disk_write(u->disk, byte, c->a->chunk, n))
            return bad(ATA_ABORTED);
        byte += n;
        left -= n;
    }
    return good();
}

static struct ahci_result read28(struct ahci_command *c)
{
    return move_sectors(c, true, false);
}

static struct ahci_result read48(struct ahci_command *c)
{
    return move_sectors(c, true, true);
}

static struct ahci_result write28(struct ahci_command *c)
{
    return move_sectors(c, false, false);
}

static struct ahci_result write48(struct ahci_command *c)
{
    return move_sectors(c, false, true);
}

/* Its data is announced as PIO's is. */
static struct ahci_result as_pio(struct ahci_result r)
{
    r.pio = r.status == ATA_READY;
    return r;
}

static struct ahci_result read_pio28(struct ahci_command *c)
{
    return as_pio(read28(c));
}

static struct ahci_result read_pio48(struct ahci_command *c)
{
    return as_pio(read48(c));
}

static struct ahci_result verify28(struct ahci_command *c)
{
    return in_disk(c->port->unit, lba28(c->fis), c->fis[12]) ? good() : bad(ATA_NOT_FOUND);
}

static struct ahci_result verify48(struct ahci_command *c)
{
    return in_disk(c->port->unit, lba48(c->fis), (uint32_t)le_get(c->fis + 12, 2))
               ? good()
               : bad(ATA_NOT_FOUND);
}

static struct ahci_result flush(struct ahci_command *c)
{
    struct disk *disk = c->port->unit->disk;

    if (disk->mode == DISK_WRITABLE)
        pace_spend(&c->a->pace, PACE_BYTES);
    return disk_flush(disk) ? good() : bad(ATA_ABORTED);
}

/* 7.10: ranges of 48 bits of address and 16 of count; a hint, of which 64 ranges are taken. */
#define TRIM       1
#define TRIM_BYTES 8

static struct ahci_result manage_data_set(struct ahci_command *c)
{
    struct scsi_unit *u = c->port->unit;
    uint8_t ranges[SECTOR];

    if (!(c->fis[3] & TRIM) || u->disk->mode == DISK_READONLY ||
        !ahci_move(c, ranges, sizeof(ranges), false))
        return bad(ATA_ABORTED);
    pace_spend(&c->a->pace, PACE_BYTES);
    for (unsigned k = 0; k < sizeof(ranges) / TRIM_BYTES; k++) {
        uint64_t first = le_get(ranges + TRIM_BYTES * k, 6);
        uint32_t count = (uint32_t)le_get(ranges + TRIM_BYTES * k + 6, 2);
        if (!in_disk(u, first, count))
            return bad(ATA_NOT_FOUND);
        if (count && !disk_zero(u->disk, first * SECTOR, (uint64_t)count * SECTOR))
            return bad(ATA_ABORTED);
    }
    return good();
}

/* ---- what changes nothing ---- */

static struct ahci_result nothing(struct ahci_command *c)
{
    (void)c;
    return good();
}

static struct ahci_result power_mode(struct ahci_command *c)
{
    (void)c;
    return (struct ahci_result){.status = ATA_READY, .count = 0xff}; /* active */
}

/* ---- packets, 7.18: the SCSI commands of devices/scsi.c ---- */

static bool move_packet_data(struct ahci_command *c)
{
    struct scsi_request *r = &c->a->request;
    uint32_t n;

    for (; r->done < r->bytes; pace_spend(&c->a->pace, n)) {
        n = r->bytes - r->done < AHCI_CHUNK ? r->bytes - r->done : AHCI_CHUNK;
        if (r->direction == SCSI_IN) {
            if (!scsi_read(c->port->unit, r, c->a->chunk, n) || !ahci_move(c, c->a->chunk, n, true))
                return false;
        } else if (!ahci_move(c, c->a->chunk, n, false) ||
                   !scsi_write(c->port->unit, r, c->a->chunk, n)) {
            return false;
        }
    }
    return true;
}

static struct ahci_result packet(struct ahci_command *c)
{
    struct scsi_request *r = &c->a->request;
    struct scsi_unit *u = c->port->unit;
    struct ahci_result result = {.count = 3}; /* a command has been done, and its data is in */
    bool moved;

    scsi_begin(u, r, c->packet, 12);
    moved = move_packet_data(c);
    if (moved)
        scsi_end(u, r);
    pace_spend(&c->a->pace, r->cost);
    result.status = ATA_READY;
    if (!moved || r->status != SCSI_GOOD) {
        result.status |= ATA_ERROR;
        result.error = (uint8_t)(u->sense.key << 4 | (moved ? 0 : ATA_ABORTED));
    }
    return result;
}

/* ---- the commands ---- */

enum { DISK = 1, CDROM = 2, BOTH = 3 };

static const struct command {
    uint8_t code, drives;
    struct ahci_result (*run)(struct ahci_command *c);
} commands[] = {
    {0x06, DISK, manage_data_set}, {0x20, DISK, read_pio28}, {0x24, DISK, read_pio48},
    {0x25, DISK, read48},          {0x30, DISK, write28},    {0x34, DISK, write48},
    {0x35, DISK, write48},         {0x40, DISK, verify28},   {0x42, DISK, verify48},
    {0xa0, CDROM, packet},         {0xa1, CDROM, identify},  {0xc8, DISK, read28},
    {0xca, DISK, write28},         {0xe0, BOTH, nothing},    {0xe1, BOTH, nothing},
    {0xe2, BOTH, nothing},         {0xe3, BOTH, nothing},    {0xe5, BOTH, power_mode},
    {0xe7, DISK, flush},           {0xea, DISK, flush},      {0xec, DISK, identify},
    {0xef, BOTH, nothing}, /* SET FEATURES: transfer modes, caches */
};

struct ahci_result ahci_run(struct ahci_command *c)
{
    unsigned drive = c->port->unit->is_cdrom ? CDROM : DISK;

    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
        if (commands[k].code == c->fis[2] && (commands[k].drives & drive))
            return commands[k].run(c);
    return bad(ATA_ABORTED);
}
