#include "devices/flash.h"

#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"

#define BUS_BYTES  4 /* of the bus; an address line pair selects the chip word */
#define CHIP_BYTES 2
#define CHIPS      (BUS_BYTES / CHIP_BYTES)

/* Commands of the Intel/Sharp command set; each chip gets its copy. */
enum {
    CMD_READ_ARRAY_AMD = 0xf0, /* what drivers send before they know the command set */
    CMD_READ_ARRAY = 0xff,
    CMD_READ_ID = 0x90,
    CMD_CFI_QUERY = 0x98,
    CMD_READ_STATUS = 0x70,
    CMD_CLEAR_STATUS = 0x50,
    CMD_PROGRAM = 0x40,
    CMD_PROGRAM_ALT = 0x10,
    CMD_ERASE = 0x20,
    CMD_LOCK = 0x60,
    CMD_BUFFER = 0xe8,
    CMD_CONFIRM = 0xd0, /* and resume */
    CMD_SUSPEND = 0xb0,
    CMD_LOCK_SET = 0x01,
    CMD_LOCK_DOWN = 0x2f,
};

#define STATUS_READY         0x80
#define STATUS_ERASE_ERROR   0x20
#define STATUS_PROGRAM_ERROR 0x10
#define STATUS_SEQUENCE      (STATUS_ERASE_ERROR | STATUS_PROGRAM_ERROR)

/* Of one chip, by its word address. Manufacturer and device as on QEMU's board. */
static const uint8_t chip_id[] = {0x89, 0x18};

/* JESD68.01, Common Flash Interface: query structure of one chip, from word address 0x10. */
#define CHIP_BLOCKS      (FLASH_BANK_BYTES / FLASH_BLOCK_BYTES)
#define CHIP_BLOCK_BYTES (FLASH_BLOCK_BYTES / CHIPS)
/* clang-format off */
static const uint8_t query[] = {
    'Q', 'R', 'Y', 0x01, 0x00,                      /* primary command set: Intel/Sharp extended */
    0x31, 0x00, 0x00, 0x00, 0x00, 0x00,             /* its table at 0x31; no alternate set */
    0x45, 0x55, 0x00, 0x00,                         /* Vcc 4.5 to 5.5 V, no Vpp */
    0x07, 0x07, 0x0a, 0x00, 0x04, 0x04, 0x04, 0x00, /* typical and maximal times */
    0x19, 0x02, 0x00, 0x0b, 0x00,                   /* 2^25 bytes, x8 and x16, buffer of 2^11 */
    0x01, (CHIP_BLOCKS - 1) & 0xff, (CHIP_BLOCKS - 1) >> 8, /* one region of equal blocks, */
    (CHIP_BLOCK_BYTES >> 8) & 0xff, CHIP_BLOCK_BYTES >> 16, /* their size in 256 bytes */
    'P', 'R', 'I', '1', '0', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,  /* no optional feature */
};
/* clang-format on */

#define QUERY_FIRST 0x10

_Static_assert(UINT32_C(1) << 25 == FLASH_BANK_BYTES / CHIPS, "chip size of the query structure");
_Static_assert(FLASH_BUFFER_BYTES == CHIPS << 0x0b, "buffer size of the query structure");

static struct flash *to_flash(struct device *dev)
{
    return (struct flash *)dev;
}

static void set_mode(struct flash *flash, enum flash_mode mode)
{
    flash->mode = mode;
    physmem_hide_rom(flash->mem, flash->base, mode != FLASH_READ_ARRAY);
}

/* Back to a state where the next write is a command; reads show the status. */
static void command_done(struct flash *flash)
{
    flash->expects = FLASH_COMMAND;
    flash->status |= STATUS_READY;
    set_mode(flash, FLASH_READ_STATUS);
}

static void command_failed(struct flash *flash, uint8_t error, const char *why)
{
    LOG(flash->dev.log, DEVICE, GUEST, "flash at %#llx: %s", (unsigned long long)flash->base.a,
        why);
    flash->status |= error;
    command_done(flash);
}

/* -- contents -- */

static bool is_writable(const struct flash *flash)
{
    return !flash->disk || flash->disk->mode != DISK_READONLY;
}

/* Replace contents; false if the host does not take them. */
static bool store(struct flash *flash, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
    memcpy(physmem_rom_changing(flash->mem, flash->base, offset, len), bytes, len);
    return !flash->disk || disk_write(flash->disk, offset, bytes, len);
}

/* Programming only clears bits. */
static void program(struct flash *flash, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
    uint8_t merged[FLASH_BUFFER_BYTES];

    if (!is_writable(flash)) {
        command_failed(flash, STATUS_PROGRAM_ERROR, "programmed, but it is read-only");
        return;
    }
    for (uint32_t i = 0; i < len; i++)
        merged[i] = bytes[i] & flash->data[offset + i];
    if (store(flash, offset, merged, len))
        command_done(flash);
    else
        command_failed(flash, STATUS_PROGRAM_ERROR, "the host does not take what is programmed");
}

static void erase(struct flash *flash, uint32_t offset)
{
    uint8_t blank[FLASH_BUFFER_BYTES];
    uint32_t block = (uint32_t)align_down(offset, FLASH_BLOCK_BYTES);
    bool ok = true;

    if (!is_writable(flash)) {
        command_failed(flash, STATUS_ERASE_ERROR, "erased, but it is read-only");
        return;
    }
    memset(blank, 0xff, sizeof(blank));
    for (uint32_t i = 0; ok && i < FLASH_BLOCK_BYTES; i += sizeof(blank))
        ok = store(flash, block + i, blank, sizeof(blank));
    if (ok)
        command_done(flash);
    else
        command_failed(flash, STATUS_ERASE_ERROR, "the host does not take what is erased");
}

/* -- the write buffer -- */

static void buffer_start(struct flash *flash, uint32_t count)
{
    if (count >= FLASH_BUFFER_BYTES / BUS_BYTES) {
        command_failed(flash, STATUS_SEQUENCE, "more words for the write buffer than it holds");
        return;
    }
    flash->buffer_left = count + 1;
    flash->buffer_low = flash->buffer_high = 0;
    memset(flash->buffer, 0xff, sizeof(flash->buffer));
    flash->expects = FLASH_BUFFER_DATA;
}

/* The first word's address says where the buffer goes; all must lie in one buffer's size. */
static void buffer_add(struct flash *flash, uint32_t offset, const uint8_t *bytes, unsigned size)
{
    uint32_t at = offset % FLASH_BUFFER_BYTES;

    if (flash->buffer_low == flash->buffer_high) {
        flash->buffer_base = offset - at;
        flash->buffer_low = at;
    } else if (offset - at != flash->buffer_base) {
        command_failed(flash, STATUS_SEQUENCE, "write buffer: words too far apart");
        return;
    }
    memcpy(flash->buffer + at, bytes, size);
    if (at < flash->buffer_low)
        flash->buffer_low = at;
    if (at + size > flash->buffer_high)
        flash->buffer_high = at + size;
    if (--flash->buffer_left == 0)
        flash->expects = FLASH_BUFFER_OK;
}

/* Gaps in the buffer are ones, which programming leaves alone. */
static void buffer_program(struct flash *flash, uint8_t cmd)
{
    if (cmd == CMD_CONFIRM)
        program(flash, flash->buffer_base + flash->buffer_low, flash->buffer + flash->buffer_low,
                flash->buffer_high - flash->buffer_low);
    else
        command_failed(flash, STATUS_SEQUENCE, "write buffer: not confirmed");
}

/* -- commands -- */

static void await(struct flash *flash, enum flash_expects what)
{
    flash->expects = what;
    set_mode(flash, FLASH_READ_STATUS);
}

static void command(struct flash *flash, uint8_t cmd)
{
    switch (cmd) {
    case 0x00: /* what QEMU's flash takes for it too */
    case CMD_READ_ARRAY_AMD:
    case CMD_READ_ARRAY:
        set_mode(flash, FLASH_READ_ARRAY);
        break;
    case CMD_READ_ID:
        set_mode(flash, FLASH_READ_ID);
        break;
    case CMD_CFI_QUERY:
        set_mode(flash, FLASH_CFI_QUERY);
        break;
    case CMD_READ_STATUS:
    case CMD_SUSPEND: /* whatever was to be suspended is done: the status says so */
    case CMD_CONFIRM:
        set_mode(flash, FLASH_READ_STATUS);
        break;
    case CMD_CLEAR_STATUS: /* and nothing else: errors of commands that fail stay until then */
        flash->status = STATUS_READY;
        set_mode(flash, FLASH_READ_ARRAY);
        break;
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        await(flash, FLASH_WORD);
        break;
    case CMD_ERASE:
        await(flash, FLASH_ERASE_OK);
        break;
    case CMD_LOCK:
        await(flash, FLASH_LOCK_OK);
        break;
    case CMD_BUFFER:
        await(flash, FLASH_BUFFER_COUNT);
        break;
    default:
        LOG(flash->dev.log, DEVICE, GUEST, "flash at %#llx: unknown command %#x",
            (unsigned long long)flash->base.a, cmd);
        set_mode(flash, FLASH_READ_ARRAY);
        break;
    }
}

/* One write of at most a bus word. @bytes: in address order. */
static void write_bus(struct flash *flash, uint32_t offset, const uint8_t *bytes, unsigned size)
{
    uint8_t cmd = bytes[0];

    switch (flash->expects) {
    case FLASH_COMMAND:
        command(flash, cmd);
        break;
    case FLASH_WORD:
        program(flash, offset, bytes, size);
        break;
    case FLASH_ERASE_OK:
        if (cmd == CMD_CONFIRM)
            erase(flash, offset);
        else
            command_failed(flash, STATUS_SEQUENCE, "block erase: not confirmed");
        break;
    case FLASH_LOCK_OK:
        /* Differs: blocks have no locks, as on QEMU's board: all are done at once. */
        if (cmd == CMD_CONFIRM || cmd == CMD_LOCK_SET || cmd == CMD_LOCK_DOWN)
            command_done(flash);
        else
            command_failed(flash, STATUS_SEQUENCE, "unknown lock command");
        break;
    case FLASH_BUFFER_COUNT:
        buffer_start(flash, size > 1 ? cmd | (uint32_t)bytes[1] << 8 : cmd);
        break;
    case FLASH_BUFFER_DATA:
        buffer_add(flash, offset, bytes, size);
        break;
    case FLASH_BUFFER_OK:
        buffer_program(flash, cmd);
        break;
    }
}

/* -- accesses -- */

/* What both chips answer at word address @word. */
static uint16_t read_chip(const struct flash *flash, uint32_t word)
{
    switch (flash->mode) {
    case FLASH_READ_STATUS:
        return flash->status;
    case FLASH_READ_ID:
        return (word & 0xff) < ARRAY_SIZE(chip_id) ? chip_id[word & 0xff] : 0;
    case FLASH_CFI_QUERY:
        word &= 0xff;
        return word >= QUERY_FIRST && word - QUERY_FIRST < ARRAY_SIZE(query)
                   ? query[word - QUERY_FIRST]
                   : 0;
    case FLASH_READ_ARRAY:
        break;
    }
    return 0;
}

static uint8_t read_byte(const struct flash *flash, uint32_t offset)
{
    if (flash->mode == FLASH_READ_ARRAY)
        return flash->data[offset];
    return (uint8_t)(read_chip(flash, offset / BUS_BYTES) >> (8 * (offset % CHIP_BYTES)));
}

static uint64_t read_flash(struct device *dev, uint64_t offset, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)read_byte(to_flash(dev), (uint32_t)offset + i) << (8 * i);
    return v;
}

static void write_flash(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    for (unsigned done = 0, n; done < size; done += n) {
        uint8_t bytes[BUS_BYTES];
        n = size < BUS_BYTES ? size : BUS_BYTES;
        for (unsigned i = 0; i < n; i++)
            bytes[i] = (uint8_t)(value >> (8 * (done + i)));
        write_bus(to_flash(dev), (uint32_t)offset + done, bytes, n);
    }
}

static const struct reg_row regs[] = {
    {"flash", 0, FLASH_BANK_BYTES, REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32 | REG_SIZE_64, read_flash,
     write_flash},
    {0},
};

static void reset(struct device *dev)
{
    struct flash *flash = to_flash(dev);

    flash->expects = FLASH_COMMAND;
    flash->status = STATUS_READY;
    set_mode(flash, FLASH_READ_ARRAY);
}

/* No more words are awaited than the buffer can be told to wait for, all in one buffer's place. */
static bool buffer_makes_sense(const struct flash *flash)
{
    return flash->buffer_left <= FLASH_BUFFER_BYTES / BUS_BYTES &&
           (flash->buffer_left || flash->expects != FLASH_BUFFER_DATA) &&
           flash->buffer_low <= flash->buffer_high && flash->buffer_high <= FLASH_BUFFER_BYTES &&
           flash->buffer_base % FLASH_BUFFER_BYTES == 0 && flash->buffer_base < FLASH_BANK_BYTES;
}

/* The contents are memory's. */
static void state(struct state_io *io, struct device *dev)
{
    struct flash *flash = to_flash(dev);

    STATE(io, flash->mode);
    STATE(io, flash->expects);
    STATE(io, flash->status);
    STATE(io, flash->buffer_left);
    STATE(io, flash->buffer_base);
    STATE(io, flash->buffer_low);
    STATE(io, flash->buffer_high);
    state_bytes(io, "flash->buffer", flash->buffer, sizeof(flash->buffer));
    state_require(io, flash->expects <= FLASH_BUFFER_OK, "flash->expects");
    state_require(io, buffer_makes_sense(flash), "flash->buffer_base");
    if (state_require(io, flash->mode <= FLASH_CFI_QUERY, "flash->mode") && state_restoring(io))
        set_mode(flash, flash->mode);
}

static const struct device_ops ops = {
    .name = "flash", .regs = regs, .reset = reset, .state = state};

int flash_init(struct flash *flash, const struct arm_log *log, struct physmem *mem, pa_t base,
               struct disk *disk, struct arm_error *err)
{
    int rc;

    *flash = (struct flash){.dev = {&ops, log}, .mem = mem, .base = base, .disk = disk};
    if (disk && disk->size != FLASH_BANK_BYTES)
        return error_set(err, ARM_EFORMAT, "%s: flash memory of %llu bytes, expected %u",
                         disk->path, (unsigned long long)disk->size, FLASH_BANK_BYTES);
    rc = physmem_add_rom(mem, base, FLASH_BANK_BYTES, &flash->dev, err);
    if (rc)
        return rc;
    flash->data = physmem_rom(mem, base);
    if (disk &&
        !disk_read(disk, 0, physmem_rom_changing(mem, base, 0, FLASH_BANK_BYTES), FLASH_BANK_BYTES))
        return error_set(err, ARM_EIO, "%s: the host cannot read the file", disk->path);
    reset(&flash->dev);
    return 0;
}
