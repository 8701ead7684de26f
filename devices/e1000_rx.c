/* The 82540EM's receiver (3.2): address filter, and descriptors. */
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "devices/e1000_internal.h"

#define ENABLE              UINT32_C(0x00000002)
#define UNICASTS            UINT32_C(0x00000008) /* all */
#define MULTICASTS          UINT32_C(0x00000010) /* all */
#define BROADCASTS          UINT32_C(0x00008000)
#define SIZE_TIMES          UINT32_C(0x02000000) /* buffer sizes times 16 */
#define STRIP               UINT32_C(0x04000000) /* of the checksum */
#define VALID               UINT32_C(0x80000000) /* of an address */
#define ADDRESSES           16
#define FRAME_MIN           60
#define CRC                 4
#define DONE_AND_IGNORE_SUM 5
#define LAST                2

static uint32_t rctl(struct e1000 *e)
{
    return *e1000_reg(e, E1000_RCTL);
}

/* 13.4.22, BSIZE and BSEX; a reserved one is as the largest of its kind. */
static uint32_t buffer_bytes(struct e1000 *e)
{
    uint32_t bytes = 2048u >> bits(rctl(e), 17, 16);

    return rctl(e) & SIZE_TIMES && bytes < 2048 ? bytes * 16 : bytes;
}

/* 13.5.1: a bit of the table by 12 bits of the address. */
static bool in_multicast_table(struct e1000 *e, const uint8_t *to)
{
    static const uint8_t shifts[] = {4, 3, 2, 0};
    uint32_t hash = (((uint32_t)to[5] << 8 | to[4]) >> shifts[bits(rctl(e), 13, 12)]) & 0xfff;

    return *e1000_reg(e, E1000_MTA + 4 * (hash >> 5)) >> (hash & 31) & 1;
}

/* 3.2.1 */
static bool is_wanted(struct e1000 *e, const uint8_t *to)
{
    static const uint8_t all[E1000_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    if (rctl(e) & (to[0] & 1 ? MULTICASTS : UNICASTS))
        return true;
    if (!memcmp(to, all, sizeof(all)) && (rctl(e) & BROADCASTS))
        return true;
    for (unsigned n = 0; n < ADDRESSES; n++) {
        uint32_t low = *e1000_reg(e, E1000_RAL + 8 * n),
                 high = *e1000_reg(e, E1000_RAL + 8 * n + 4);
        if ((high & VALID) && le_get(to, 4) == low && le_get(to + 4, 2) == (high & 0xffff))
            return true;
    }
    return (to[0] & 1) && in_multicast_table(e, to);
}

static void put_part(struct e1000 *e, uint64_t at, const uint8_t *part, uint32_t bytes, bool last)
{
    uint8_t desc[E1000_DESC];

    if (!pci_dma_read(&e->dma, at, desc, sizeof(desc)) ||
        !pci_dma_write(&e->dma, le_get(desc, 8), part, bytes))
        LOG(e->function.log, DEVICE, GUEST, "e1000: a receive buffer at %#llx is not in RAM",
            (unsigned long long)at);
    le_put(desc + 8, 2, bytes);
    le_put(desc + 10, 2, 0);
    desc[12] = DONE_AND_IGNORE_SUM | (last ? LAST : 0);
    desc[13] = 0;
    (void)pci_dma_write(&e->dma, at + 8, desc + 8, 6);
}

/* Into as many buffers as it needs, which are there. */
static void put_frame(struct e1000 *e, const uint8_t *frame, uint32_t bytes)
{
    uint32_t size = e1000_ring_size(e, E1000_RDBAL), room = buffer_bytes(e), done = 0;
    uint32_t *head = e1000_reg(e, E1000_RDH), left;

    do {
        uint32_t part = bytes - done < room ? bytes - done : room;
        put_part(e, e1000_desc_at(e, E1000_RDBAL, *head), frame + done, part, done + part == bytes);
        done += part;
        *head = (*head + 1) % size;
    } while (done < bytes);
    left = (*e1000_reg(e, E1000_RDT) + size - *head) % size;
    e1000_interrupt(e, E1000_RXT0 | (left <= size >> (1 + bits(rctl(e), 9, 8)) ? E1000_RXDMT0 : 0));
}

size_t e1000_receive(struct e1000 *e, const uint8_t *frame, size_t len)
{
    uint32_t size = e1000_ring_size(e, E1000_RDBAL), head = *e1000_reg(e, E1000_RDH),
             tail = *e1000_reg(e, E1000_RDT);
    uint32_t bytes = len < FRAME_MIN ? FRAME_MIN : (uint32_t)len;
    uint8_t whole[E1000_FRAME_MAX + CRC] = {0};

    if (!(rctl(e) & ENABLE) || !pci_is_master(&e->function) || len < E1000_MAC_BYTES ||
        len > E1000_FRAME_MAX || head >= size || tail >= size)
        return 0;
    if (!is_wanted(e, frame))
        return len;
    memcpy(whole, frame, len);
    if (!(rctl(e) & STRIP)) {
        le_put(whole + bytes, CRC, crc32(0, whole, bytes));
        bytes += CRC;
    }
    if ((tail + size - head) % size < (bytes + buffer_bytes(e) - 1) / buffer_bytes(e))
        return 0;
    put_frame(e, whole, bytes);
    return len;
}
