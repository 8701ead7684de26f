/* What a SCSI unit says of itself, SPC-4 clause 6: INQUIRY, REPORT LUNS, MODE SENSE. */
#include <string.h>

#include "base/be.h"
#include "base/bits.h"
#include "devices/scsi_internal.h"

#define INQUIRY_BYTES 36

/* Characters, filled up with blanks. */
static void put_text(uint8_t *to, size_t bytes, const char *text)
{
    size_t length = strlen(text);

    memset(to, ' ', bytes);
    memcpy(to, text, length < bytes ? length : bytes);
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
    be_put(to + 16, 4, SCSI_UNMAP_BLOCKS);
    be_put(to + 20, 4, SCSI_UNMAP_RANGES);
    be_put(to + 24, 4, 1); /* optimal granularity */
    be_put(to + 32, 8, SCSI_SAME_BLOCKS);
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

static uint32_t vpd_pages(struct scsi_unit *u, uint8_t *to);

static const struct vpd {
    uint8_t page;
    bool of_disks;
    uint32_t (*fill)(struct scsi_unit *u, uint8_t *to); /* returns how many bytes */
} vpds[] = {
    {0x00, false, vpd_pages}, {0x80, false, vpd_serial},         {0x83, false, vpd_identification},
    {0xb0, true, vpd_limits}, {0xb1, true, vpd_characteristics}, {0xb2, true, vpd_provisioning},
};

static bool has_page(const struct scsi_unit *u, const struct vpd *page)
{
    return !page->of_disks || !u->is_cdrom;
}

static uint32_t vpd_pages(struct scsi_unit *u, uint8_t *to)
{
    uint32_t bytes = 0;

    for (size_t k = 0; k < ARRAY_SIZE(vpds); k++)
        if (has_page(u, &vpds[k]))
            to[bytes++] = vpds[k].page;
    return bytes;
}

static void inquiry_page(struct scsi_unit *u, struct scsi_request *r)
{
    for (size_t k = 0; k < ARRAY_SIZE(vpds); k++) {
        if (vpds[k].page != r->cdb[2] || !has_page(u, &vpds[k]))
            continue;
        uint32_t bytes = vpds[k].fill(u, r->data + 4);
        r->data[0] = u->is_cdrom ? 5 : 0;
        r->data[1] = r->cdb[2];
        be_put(r->data + 2, 2, bytes);
        scsi_answer(r, 4 + bytes, be_get(r->cdb + 3, 2));
        return;
    }
    scsi_fail(u, r, SENSE_BAD_FIELD);
}

void scsi_begin_inquiry(struct scsi_unit *u, struct scsi_request *r)
{
    uint8_t *to = r->data;

    if (r->cdb[1] & 1) {
        inquiry_page(u, r);
        return;
    }
    if (r->cdb[2]) {
        scsi_fail(u, r, SENSE_BAD_FIELD);
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
    scsi_answer(r, INQUIRY_BYTES, be_get(r->cdb + 3, 2));
}

void scsi_begin_report_luns(struct scsi_unit *u, struct scsi_request *r)
{
    uint32_t bytes = 8;

    for (unsigned n = 0; n < SCSI_LUNS_MAX; n++)
        if (u->luns & BIT(n)) {
            r->data[bytes + 1] = (uint8_t)n;
            bytes += 8;
        }
    be_put(r->data, 4, bytes - 8);
    scsi_answer(r, bytes, be_get(r->cdb + 6, 4));
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

void scsi_begin_mode_sense(struct scsi_unit *u, struct scsi_request *r)
{
    bool six = r->cdb[0] == 0x1a;
    uint32_t header = six ? 4 : 8, at = header;

    if (!u->is_cdrom && !(r->cdb[1] & 8)) { /* a block descriptor */
        uint64_t blocks = scsi_blocks(u);
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
        scsi_fail(u, r, SENSE_BAD_FIELD);
        return;
    }
    be_put(r->data, six ? 1 : 2, at - (six ? 1 : 2));
    r->data[six ? 2 : 3] = u->disk->mode == DISK_READONLY ? 0x80 : 0;
    scsi_answer(r, at, six ? r->cdb[4] : be_get(r->cdb + 7, 2));
}
