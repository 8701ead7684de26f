/* What an SD card says of itself: CID and CSD (chapter 5). */
#include <string.h>

#include "base/bits.h"
#include "devices/sd_card.h"

#define STANDARD_MAX (UINT64_C(2) << 30)   /* bytes, 4.3.14 */
#define HIGH_UNIT    (UINT64_C(512) << 10) /* of a CSD 2.0's size */

/* Bits [@msb, @lsb] of a register of 128 bits whose first byte has bit 127. */
static void put_field(uint8_t reg[SD_LONG_BYTES], unsigned msb, unsigned lsb, uint32_t value)
{
    for (unsigned bit = lsb; bit <= msb; bit++)
        if (value >> (bit - lsb) & 1)
            reg[15 - bit / 8] |= (uint8_t)BIT(bit % 8);
}

/* 4.5: CRC7, and the bit that ends it. */
static void seal(uint8_t reg[SD_LONG_BYTES])
{
    unsigned crc = 0;

    for (unsigned i = 0; i < 8 * (SD_LONG_BYTES - 1); i++) {
        unsigned bit = reg[i / 8] >> (7 - i % 8) & 1;
        crc = (crc << 1) ^ ((crc >> 6 & 1) != bit ? 0x09 : 0);
    }
    reg[SD_LONG_BYTES - 1] = (uint8_t)((crc & 0x7f) << 1 | 1);
}

/* 5.2, with the names and numbers of QEMU's. */
static void make_cid(uint8_t cid[SD_LONG_BYTES])
{
    static const uint8_t bytes[] = {0xaa, 'X',  'Y',  'Q',  'E',  'M',  'U', '!',
                                    0x01, 0xde, 0xad, 0xbe, 0xef, 0x00, 0x62};

    memcpy(cid, bytes, sizeof(bytes));
    seal(cid);
}

/* 5.3.2 and 5.3.3. Command classes: basic, reading and writing blocks, erasing, application
 * specific, switching. */
static void make_csd(struct sd_card *c, unsigned block_shift)
{
    uint32_t units = (uint32_t)(c->bytes >> (c->high_capacity ? 19 : 9 + block_shift)) - 1;
    uint8_t *csd = c->csd;

    put_field(csd, 127, 126, c->high_capacity);
    put_field(csd, 119, 112, c->high_capacity ? 0x0e : 0x26); /* TAAC */
    put_field(csd, 103, 96, 0x32);                            /* TRAN_SPEED: 25 MHz */
    put_field(csd, 95, 84, 0x535);
    put_field(csd, 83, 80, block_shift); /* READ_BL_LEN */
    if (c->high_capacity) {
        put_field(csd, 69, 48, units);
    } else {
        put_field(csd, 79, 79, 1); /* READ_BL_PARTIAL */
        put_field(csd, 73, 62, units);
        put_field(csd, 61, 50, 0xdb6); /* currents */
        put_field(csd, 49, 47, 7);     /* C_SIZE_MULT: 2^9 blocks */
    }
    put_field(csd, 46, 46, 1); /* ERASE_BLK_EN */
    put_field(csd, 45, 39, 0x7f);
    put_field(csd, 28, 26, 2); /* R2W_FACTOR */
    put_field(csd, 25, 22, block_shift);
    seal(csd);
}

int sd_card_init(struct sd_card *c, struct disk *disk, struct arm_error *err)
{
    bool high = disk->size > STANDARD_MAX;
    unsigned block_shift = !high && disk->size > STANDARD_MAX / 2 ? 10 : 9;
    uint64_t unit = high ? HIGH_UNIT : UINT64_C(512) << block_shift;

    *c = (struct sd_card){
        .disk = disk, .high_capacity = high, .bytes = align_down(disk->size, unit)};
    if (!c->bytes || c->bytes / HIGH_UNIT > BIT(22))
        return error_set(err, ARM_EINVAL, "%s: %llu bytes: an SD card has 256 KiB to 2 TiB",
                         disk->path, (unsigned long long)disk->size);
    make_cid(c->cid);
    make_csd(c, block_shift);
    sd_card_power(c);
    return 0;
}
