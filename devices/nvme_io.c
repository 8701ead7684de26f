/* The NVMe controller's commands for its namespace (NVM Express Base Specification 1.4, clause 6),
 * and how their data is moved. */
#include <string.h>

#include "base/bits.h"
#include "devices/nvme_internal.h"

/* ---- data, 4.3: physical region pages ---- */

#define ENTRY 8

/* Where the next page is: of a list, or the one of the command. */
struct pages {
    uint64_t list; /* address of the next entry; 0: there is no list */
    uint64_t page; /* bytes of one */
};

/* A list goes on behind its last entry, if there is more than one page to come. Each list but the
 * first begins with its page, so that each has many entries, and none leads on for ever. */
static enum nvme_status next_page(struct nvme *n, struct pages *p, uint64_t left, uint64_t *addr)
{
    uint8_t entry[ENTRY];

    for (unsigned hops = 0; hops < 2; hops++) {
        if (!pci_dma_read(&n->dma, p->list, entry, sizeof(entry)))
            return NVME_TRANSFER_ERROR;
        *addr = le_get(entry, ENTRY);
        if (!is_aligned(*addr, p->page))
            return NVME_INVALID_PRP_OFFSET;
        if (!is_aligned(p->list + ENTRY, p->page) || left <= p->page) {
            p->list += ENTRY;
            return NVME_SUCCESS;
        }
        p->list = *addr;
    }
    return NVME_INVALID_PRP_OFFSET;
}

static bool move(struct nvme *n, uint64_t addr, uint8_t *data, uint32_t len, bool to_host)
{
    return to_host ? pci_dma_write(&n->dma, addr, data, len)
                   : pci_dma_read(&n->dma, addr, data, len);
}

enum nvme_status nvme_transfer(struct nvme *n, const struct nvme_command *c, uint32_t len,
                               bool to_host)
{
    struct pages p = {.page = nvme_page(n)};
    uint64_t addr = nvme_qword(c, 6), second = nvme_qword(c, 8);
    uint32_t done = 0;

    CHECK(len <= NVME_MOVE_MAX);
    if (addr & 3)
        return NVME_INVALID_PRP_OFFSET;
    while (done < len) {
        uint64_t room = p.page - (addr & (p.page - 1)), left = len - done;
        uint32_t part = (uint32_t)(room < left ? room : left);
        if (!move(n, addr, n->data + done, part, to_host))
            return NVME_TRANSFER_ERROR;
        done += part;
        left -= part;
        if (!p.list && left > 0 && left <= p.page) {
            if (second & (p.page - 1))
                return NVME_INVALID_PRP_OFFSET;
            addr = second;
        } else if (left > 0) {
            if (!p.list && (second & (ENTRY - 1)))
                return NVME_INVALID_PRP_OFFSET;
            p.list = p.list ? p.list : second;
            enum nvme_status status = next_page(n, &p, left, &addr);
            if (status != NVME_SUCCESS)
                return status;
        }
    }
    return NVME_SUCCESS;
}

/* ---- commands ---- */

#define RANGE_BYTES 16
#define RANGES_MAX  256
#define DEALLOCATE  4
#define ZERO_MAX    (UINT64_C(32) << 20) /* bytes that Dataset Management drops */

static bool in_namespace(const struct nvme *n, uint64_t first, uint64_t count)
{
    uint64_t blocks = n->disk->size / n->block;

    return first <= blocks && count <= blocks - first;
}

/* The blocks of the command, 6.9 and 6.14. */
static enum nvme_status blocks_of(struct nvme *n, const struct nvme_command *c, bool writes,
                                  uint64_t *at, uint32_t *bytes)
{
    uint64_t first = nvme_qword(c, 10);
    uint32_t count = (nvme_dword(c, 12) & 0xffff) + 1;

    if (!in_namespace(n, first, count))
        return NVME_OUT_OF_RANGE;
    if (writes && n->disk->mode == DISK_READONLY)
        return NVME_WRITE_PROTECTED;
    *at = first * n->block;
    *bytes = count * n->block;
    return NVME_SUCCESS;
}

static enum nvme_status read_blocks(struct nvme *n, struct nvme_command *c)
{
    uint64_t at;
    uint32_t bytes;
    enum nvme_status status = blocks_of(n, c, false, &at, &bytes);

    if (status != NVME_SUCCESS)
        return status;
    if (bytes > NVME_MOVE_MAX)
        return NVME_INVALID_FIELD;
    pace_spend(&n->pace, bytes);
    return disk_read(n->disk, at, n->data, bytes) ? nvme_transfer(n, c, bytes, true)
                                                  : NVME_READ_ERROR;
}

static enum nvme_status write_blocks(struct nvme *n, struct nvme_command *c)
{
    uint64_t at;
    uint32_t bytes;
    enum nvme_status status = blocks_of(n, c, true, &at, &bytes);

    if (status == NVME_SUCCESS && bytes > NVME_MOVE_MAX)
        status = NVME_INVALID_FIELD;
    if (status == NVME_SUCCESS) {
        pace_spend(&n->pace, bytes);
        status = nvme_transfer(n, c, bytes, false);
    }
    if (status == NVME_SUCCESS && !disk_write(n->disk, at, n->data, bytes))
        status = NVME_WRITE_FAULT;
    return status;
}

static enum nvme_status flush(struct nvme *n, struct nvme_command *c)
{
    (void)c;
    if (n->disk->mode == DISK_WRITABLE)
        pace_spend(&n->pace, PACE_BYTES);
    return disk_flush(n->disk) ? NVME_SUCCESS : NVME_WRITE_FAULT;
}

static enum nvme_status write_zeroes(struct nvme *n, struct nvme_command *c)
{
    uint64_t at;
    uint32_t bytes;
    enum nvme_status status = blocks_of(n, c, true, &at, &bytes);

    if (status != NVME_SUCCESS)
        return status;
    pace_spend(&n->pace, PACE_BYTES);
    return disk_zero(n->disk, at, bytes) ? NVME_SUCCESS : NVME_WRITE_FAULT;
}

/* 6.7: a hint; what is beyond ZERO_MAX keeps its contents. */
static enum nvme_status drop_ranges(struct nvme *n, uint32_t count)
{
    uint64_t left = ZERO_MAX;

    for (uint32_t k = 0; k < count; k++) {
        const uint8_t *range = n->data + k * RANGE_BYTES;
        uint64_t blocks = le_get(range + 4, 4), first = le_get(range + 8, 8);
        if (!in_namespace(n, first, blocks))
            return NVME_OUT_OF_RANGE;
        if (blocks * n->block > left)
            break;
        left -= blocks * n->block;
        if (blocks && !disk_zero(n->disk, first * n->block, blocks * n->block))
            return NVME_WRITE_FAULT;
    }
    return NVME_SUCCESS;
}

static enum nvme_status manage_data_set(struct nvme *n, struct nvme_command *c)
{
    uint32_t count = (nvme_dword(c, 10) & 0xff) + 1;
    enum nvme_status status = nvme_transfer(n, c, count * RANGE_BYTES, false);

    if (status != NVME_SUCCESS || !(nvme_dword(c, 11) & DEALLOCATE))
        return status;
    if (n->disk->mode == DISK_READONLY)
        return NVME_WRITE_PROTECTED;
    pace_spend(&n->pace, PACE_BYTES);
    return drop_ranges(n, count);
}
_Static_assert(RANGES_MAX *RANGE_BYTES <= NVME_MOVE_MAX, "a list of ranges fits");

const struct nvme_opcode nvme_io_opcodes[] = {
    {0x00, flush},        {0x01, write_blocks},    {0x02, read_blocks},
    {0x08, write_zeroes}, {0x09, manage_data_set}, {0, NULL},
};
