#include "devices/fw_cfg.h"

#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/bits.h"
#include "base/dma.h"
#include "base/state_io.h"

#define KEY_MASK      0x3fff /* bits 15:14: architecture-local and write, neither of which we have */
#define KEY_FLAGS     0xc000
#define DMA_SIGNATURE UINT64_C(0x51454d5520434647) /* "QEMU CFG" */
#define ID_DATA       1
#define ID_DMA        2

#define DMA_ERROR  BIT(0)
#define DMA_READ   BIT(1)
#define DMA_SKIP   BIT(2)
#define DMA_SELECT BIT(3)
#define DMA_WRITE  BIT(4)

#define DIR_ENTRY_SIZE 64 /* be32 size, be16 key, be16 reserved, name[56] */

static struct fw_cfg *to_fw_cfg(struct device *dev)
{
    return (struct fw_cfg *)dev;
}

/* -- items -- */

static const struct fw_cfg_item *selected(const struct fw_cfg *fw)
{
    static const struct fw_cfg_item absent;

    if (fw->key < FW_CFG_FILE_FIRST)
        return &fw->items[fw->key];
    if (fw->key - FW_CFG_FILE_FIRST < (int)fw->file_count)
        return &fw->files[fw->key - FW_CFG_FILE_FIRST].item;
    return &absent;
}

static int set_item(struct fw_cfg_item *item, const void *data, uint32_t size,
                    struct arm_error *err)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        return error_set(err, ARM_ENOMEM, "fw_cfg: no memory for an item of %u bytes", size);
    if (size)
        memcpy(copy, data, size);
    free(item->data);
    *item = (struct fw_cfg_item){copy, size, false};
    return 0;
}

int fw_cfg_set(struct fw_cfg *fw, enum fw_cfg_key key, const void *data, uint32_t size,
               struct arm_error *err)
{
    CHECK(key < FW_CFG_FILE_FIRST);
    return set_item(&fw->items[key], data, size, err);
}

int fw_cfg_set_le16(struct fw_cfg *fw, enum fw_cfg_key key, uint16_t value, struct arm_error *err)
{
    uint8_t le[2] = {(uint8_t)value, (uint8_t)(value >> 8)};

    return fw_cfg_set(fw, key, le, sizeof(le), err);
}

int fw_cfg_set_le32(struct fw_cfg *fw, enum fw_cfg_key key, uint32_t value, struct arm_error *err)
{
    uint8_t le[4];

    for (unsigned i = 0; i < sizeof(le); i++)
        le[i] = (uint8_t)(value >> (8 * i));
    return fw_cfg_set(fw, key, le, sizeof(le), err);
}

static int set_directory(struct fw_cfg *fw, struct arm_error *err)
{
    uint8_t dir[4 + FW_CFG_FILES_MAX * DIR_ENTRY_SIZE] = {0};

    be_put(dir, 4, fw->file_count);
    for (unsigned i = 0; i < fw->file_count; i++) {
        uint8_t *entry = dir + 4 + i * DIR_ENTRY_SIZE;
        be_put(entry, 4, fw->files[i].item.size);
        be_put(entry + 4, 2, FW_CFG_FILE_FIRST + i);
        memcpy(entry + 8, fw->files[i].name, sizeof(fw->files[i].name));
    }
    return fw_cfg_set(fw, FW_CFG_FILE_DIR, dir, 4 + fw->file_count * DIR_ENTRY_SIZE, err);
}

int fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size,
                    struct arm_error *err)
{
    struct fw_cfg_item item = {0};
    unsigned at = 0;
    int rc;

    if (strlen(name) > FW_CFG_NAME_MAX)
        return error_set(err, ARM_EINVAL, "fw_cfg: file name '%s': expected at most %d characters",
                         name, FW_CFG_NAME_MAX);
    if (fw->file_count == FW_CFG_FILES_MAX)
        return error_set(err, ARM_EINVAL, "fw_cfg: file '%s': there are %d files already", name,
                         FW_CFG_FILES_MAX);
    while (at < fw->file_count && strcmp(fw->files[at].name, name) < 0)
        at++;
    if (at < fw->file_count && strcmp(fw->files[at].name, name) == 0)
        return error_set(err, ARM_EINVAL, "fw_cfg: file '%s' is there already", name);
    rc = set_item(&item, data, size, err);
    if (rc)
        return rc;
    memmove(&fw->files[at + 1], &fw->files[at], (fw->file_count - at) * sizeof(fw->files[0]));
    fw->files[at] = (struct fw_cfg_file){.item = item};
    memcpy(fw->files[at].name, name, strlen(name));
    fw->file_count++;
    return set_directory(fw, err);
}

static int find_file(const struct fw_cfg *fw, const char *name)
{
    for (unsigned i = 0; i < fw->file_count; i++)
        if (strcmp(fw->files[i].name, name) == 0)
            return (int)i;
    return -1;
}

int fw_cfg_add_writable(struct fw_cfg *fw, const char *name, const void *data, uint32_t size,
                        struct arm_error *err)
{
    int rc = fw_cfg_add_file(fw, name, data, size, err);

    CHECK(size <= FW_CFG_WRITABLE_MAX);
    if (!rc)
        fw->files[find_file(fw, name)].item.writable = true;
    return rc;
}

const uint8_t *fw_cfg_file(const struct fw_cfg *fw, const char *name)
{
    int at = find_file(fw, name);

    return at < 0 ? NULL : fw->files[at].item.data;
}

/* -- registers -- */

static void select_item(struct fw_cfg *fw, uint16_t key)
{
    if (key & KEY_FLAGS)
        LOG(fw->dev.log, DEVICE, GUEST, "fw_cfg: key %#x: no such item", key);
    fw->key = (key & KEY_FLAGS) ? KEY_MASK : key;
    fw->offset = 0;
}

/* Bytes come in memory order; behind the end of an item there are zeros. */
static uint64_t read_data(struct device *dev, uint64_t offset, unsigned size)
{
    struct fw_cfg *fw = to_fw_cfg(dev);
    const struct fw_cfg_item *item = selected(fw);
    uint64_t v = 0;

    (void)offset;
    for (unsigned i = 0; i < size && fw->offset < item->size; i++)
        v |= (uint64_t)item->data[fw->offset++] << (8 * i);
    return v;
}

static void write_selector(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    select_item(to_fw_cfg(dev), __builtin_bswap16((uint16_t)value));
}

static uint64_t read_dma(struct device *dev, uint64_t offset, unsigned size)
{
    uint8_t bytes[8];
    uint64_t v = 0;

    (void)dev;
    be_put(bytes, sizeof(bytes), DMA_SIGNATURE);
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)bytes[(offset + i) & 7] << (8 * i);
    return v;
}

/* -- DMA -- */

static const struct dma_master master = {ARM_DMA_FW_CFG, 0, NULL};

/* The next bytes of the item, or zeros behind its end, to @to; returns how many, 0: not RAM. */
static uint32_t read_piece(struct fw_cfg *fw, uint64_t to, uint32_t len)
{
    static const uint8_t zeros[PAGE_SIZE];
    const struct fw_cfg_item *item = selected(fw);
    uint32_t left = fw->offset < item->size ? item->size - fw->offset : 0;
    uint32_t most = left ? left : PAGE_SIZE, n = len < most ? len : most;

    if (!dma_write(fw->mem, master, pa(to), left ? item->data + fw->offset : zeros, n))
        return 0;
    fw->offset += left ? n : 0;
    return n;
}

/* Control then reads 0, or the error bit. */
static void dma_finish(struct fw_cfg *fw, uint64_t descriptor, bool ok)
{
    uint8_t answer[4];

    be_put(answer, sizeof(answer), ok ? 0 : DMA_ERROR);
    if (!dma_write(fw->mem, master, pa(descriptor), answer, sizeof(answer)))
        LOG(fw->dev.log, DEVICE, GUEST, "fw_cfg: DMA descriptor at %#llx is not in RAM",
            (unsigned long long)descriptor);
}

/* How much may go at once: all that a file of the host's holds, as U-Boot looks at the control word
 * only once (qfw_read_entry_dma()); of the zeros behind it, of which a guest can ask for 4 GiB,
 * not. */
static uint32_t dma_most(struct fw_cfg *fw)
{
    const struct fw_cfg_item *item = selected(fw);
    uint32_t paced = pace_left(&fw->pace);

    return fw->offset < item->size ? item->size - fw->offset : paced;
}

static void dma_go_on(void *ctx, uint64_t now_ns)
{
    struct fw_cfg *fw = ctx;
    struct fw_cfg_dma *dma = &fw->dma;
    uint32_t n = 1, most;

    (void)now_ns;
    while (dma->left && n && (most = dma_most(fw)) > 0) {
        n = read_piece(fw, dma->to, dma->left < most ? dma->left : most);
        pace_spend(&fw->pace, n);
        dma->to += n;
        dma->left -= n;
    }
    if (dma->left && n) {
        pace_wait(&fw->pace);
        return;
    }
    dma->busy = false;
    dma_finish(fw, dma->descriptor, n != 0);
}

static void begin_read(struct fw_cfg *fw, uint64_t descriptor, uint64_t to, uint32_t len)
{
    if (len && !physmem_ram(fw->mem, pa(to), len)) {
        dma_finish(fw, descriptor, false);
        return;
    }
    fw->dma = (struct fw_cfg_dma){true, descriptor, to, len};
    dma_go_on(fw, 0);
}

static void dma_skip(struct fw_cfg *fw, uint32_t len)
{
    uint32_t size = selected(fw)->size, left = fw->offset < size ? size - fw->offset : 0;

    fw->offset += len < left ? len : left;
}

/* All of it or nothing: it must be in a writable file. */
static bool dma_write_item(struct fw_cfg *fw, uint64_t from, uint32_t len)
{
    const struct fw_cfg_item *item = selected(fw);
    uint8_t bytes[FW_CFG_WRITABLE_MAX];

    if (!item->writable || fw->offset > item->size || len > item->size - fw->offset ||
        !dma_read(fw->mem, master, pa(from), bytes, len))
        return false;
    memcpy(item->data + fw->offset, bytes, len);
    fw->offset += len;
    return true;
}

/*
 * @descriptor: of { be32 control, be32 length, be64 address } in guest RAM. A long transfer goes on
 * while the guest runs: it must wait for control to change.
 */
static void dma(struct fw_cfg *fw, uint64_t descriptor)
{
    uint8_t request[16];

    if (!dma_read(fw->mem, master, pa(descriptor), request, sizeof(request))) {
        LOG(fw->dev.log, DEVICE, GUEST, "fw_cfg: DMA descriptor at %#llx is not in RAM",
            (unsigned long long)descriptor);
        return;
    }
    if (fw->dma.busy) {
        LOG(fw->dev.log, DEVICE, GUEST, "fw_cfg: DMA at %#llx before the one at %#llx is done",
            (unsigned long long)descriptor, (unsigned long long)fw->dma.descriptor);
        dma_finish(fw, descriptor, false);
        return;
    }
    uint32_t control = (uint32_t)be_get(request, 4), len = (uint32_t)be_get(request + 4, 4);
    if (control & DMA_SELECT)
        select_item(fw, (uint16_t)(control >> 16));
    if (control & DMA_READ) {
        begin_read(fw, descriptor, be_get(request + 8, 8), len);
        return;
    }
    bool good = true;
    if (control & DMA_WRITE) /* comes before skipping, as on QEMU */
        good = len == 0 || dma_write_item(fw, be_get(request + 8, 8), len);
    else if (control & DMA_SKIP)
        dma_skip(fw, len);
    dma_finish(fw, descriptor, good);
}

/*
 * A big-endian address: in one write, or upper half at 0x10, then lower half at 0x14. Narrower
 * writes are nothing (narrower reads find parts of the signature).
 */
static void write_dma(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct fw_cfg *fw = to_fw_cfg(dev);
    uint64_t hi = fw->dma_hi;

    if (size == 8) {
        dma(fw, __builtin_bswap64(value));
    } else if (size == 4 && (offset & 4)) {
        fw->dma_hi = 0;
        dma(fw, hi << 32 | __builtin_bswap32((uint32_t)value));
    } else if (size == 4) {
        fw->dma_hi = __builtin_bswap32((uint32_t)value);
    }
}

#define ANY_SIZE (REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32 | REG_SIZE_64)

static const struct reg_row regs[] = {
    {"data", 0x00, 8, ANY_SIZE, read_data, NULL},
    {"selector", 0x08, 2, REG_SIZE_16, NULL, write_selector},
    {"DMA address", 0x10, 8, ANY_SIZE, read_dma, write_dma},
    {0},
};

static void reset(struct device *dev)
{
    struct fw_cfg *fw = to_fw_cfg(dev);

    fw->key = FW_CFG_SIGNATURE;
    fw->offset = fw->dma_hi = 0;
    fw->dma.busy = false;
    pace_stop(&fw->pace);
    for (unsigned i = 0; i < fw->file_count; i++)
        if (fw->files[i].item.writable)
            memset(fw->files[i].item.data, 0, fw->files[i].item.size);
}

/* What cannot be written is the configuration's. */
static void state(struct state_io *io, struct device *dev)
{
    struct fw_cfg *fw = to_fw_cfg(dev);

    STATE(io, fw->key);
    STATE(io, fw->offset);
    STATE(io, fw->dma_hi);
    STATE(io, fw->dma.busy);
    STATE(io, fw->dma.descriptor);
    STATE(io, fw->dma.to);
    STATE(io, fw->dma.left);
    pace_state(io, &fw->pace);
    for (unsigned i = 0; i < fw->file_count; i++)
        if (fw->files[i].item.writable)
            state_bytes(io, "file", fw->files[i].item.data, fw->files[i].item.size);
}

void fw_cfg_destroy(struct fw_cfg *fw)
{
    for (unsigned i = 0; i < ARRAY_SIZE(fw->items); i++)
        free(fw->items[i].data);
    for (unsigned i = 0; i < fw->file_count; i++)
        free(fw->files[i].item.data);
    memset(fw->items, 0, sizeof(fw->items));
    fw->file_count = 0;
}

static const struct device_ops ops = {
    .name = "fw_cfg", .regs = regs, .reset = reset, .state = state};

int fw_cfg_init(struct fw_cfg *fw, const struct arm_log *log, struct physmem *mem,
                struct clock *clock, struct arm_error *err)
{
    int rc;

    *fw = (struct fw_cfg){.dev = {&ops, log}, .mem = mem};
    pace_init(&fw->pace, clock, "fw_cfg.dma", dma_go_on, fw);
    rc = fw_cfg_set(fw, FW_CFG_SIGNATURE, "QEMU", 4, err);
    if (!rc)
        rc = fw_cfg_set_le32(fw, FW_CFG_ID, ID_DATA | ID_DMA, err);
    if (!rc)
        rc = set_directory(fw, err);
    if (rc)
        fw_cfg_destroy(fw);
    reset(&fw->dev);
    return rc;
}
