/* The receiver (3.2; 82574L: 7.1): address filter, and descriptors. */
#include <string.h>
#include <zlib.h>

#include "base/be.h"
#include "base/bits.h"
#include "devices/e1000_internal.h"

#define ENABLE              UINT32_C(0x00000002)
#define UNICASTS            UINT32_C(0x00000008) /* all */
#define MULTICASTS          UINT32_C(0x00000010) /* all */
#define BROADCASTS          UINT32_C(0x00008000)
#define TAGS_FILTERED       UINT32_C(0x00040000)
#define SIZE_TIMES          UINT32_C(0x02000000) /* buffer sizes times 16 */
#define STRIP               UINT32_C(0x04000000) /* of the checksum */
#define VALID               UINT32_C(0x80000000) /* of an address */
#define ADDRESSES           16
#define FRAME_MIN           60
#define EXTENDED            UINT32_C(0x00008000) /* of RFCTL */
#define BUFFERS_MAX         4
#define DONE_AND_IGNORE_SUM 5
#define LAST                2
#define TAGGED              8

static uint32_t rctl(struct e1000 *e)
{
    return *e1000_reg(e, E1000_RCTL);
}

/* 82574L, 7.1.4 to 7.1.6: the legacy one, which is the 82540EM's; an extended one; and one that
 * has four buffers. Headers are not split from what is behind them: frames fill the buffers in
 * their order, as those without a header that the card knows. */
enum form { LEGACY_FORM, EXTENDED_FORM, BUFFERS_FORM };

static enum form form_of(struct e1000 *e)
{
    if (e->model->kind == E1000_82540EM || !(*e1000_reg(e, E1000_RFCTL) & EXTENDED))
        return LEGACY_FORM;
    return bits(rctl(e), 11, 10) == 1 ? BUFFERS_FORM : EXTENDED_FORM;
}

static uint32_t desc_bytes(struct e1000 *e)
{
    return form_of(e) == BUFFERS_FORM ? BUFFERS_MAX * 8 : E1000_DESC;
}

static uint32_t ring_size(struct e1000 *e)
{
    return *e1000_reg(e, E1000_RDLEN) / desc_bytes(e);
}

static uint64_t desc_at(struct e1000 *e, uint32_t n)
{
    return e1000_ring_at(e, E1000_RDBAL) + (uint64_t)n * desc_bytes(e);
}

/* Of buffer @n of a descriptor. PSRCTL for four of them; else 13.4.22, BSIZE and BSEX: a reserved
 * one is as the largest of its kind. */
static uint32_t buffer_bytes(struct e1000 *e, unsigned n)
{
    uint32_t sizes = *e1000_reg(e, E1000_PSRCTL), bytes = 2048u >> bits(rctl(e), 17, 16);

    if (form_of(e) == BUFFERS_FORM)
        return (uint32_t)(n ? bits(sizes, 8 * n + 5, 8 * n) << 10 : bits(sizes, 6, 0) << 7);
    if (n)
        return 0;
    return rctl(e) & SIZE_TIMES && bytes < 2048 ? bytes * 16 : bytes;
}

/* What a descriptor has room for. */
static uint32_t room_of(struct e1000 *e)
{
    uint32_t room = 0;

    for (unsigned n = 0; n < BUFFERS_MAX; n++)
        room += buffer_bytes(e, n);
    return room;
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

struct frame {
    uint8_t bytes[E1000_FRAME_MAX + E1000_CRC];
    uint32_t length;
    uint32_t status; /* of each of its descriptors */
    uint16_t tag;    /* that was taken out */
};

static bool is_tagged(struct e1000 *e, const struct frame *f)
{
    return be_get(f->bytes + E1000_TAGS_AT, 2) == (*e1000_reg(e, E1000_VET) & 0xffff);
}

/* 9.2.3: the table of VLANs that are wanted. */
static bool is_vlan_wanted(struct e1000 *e, const struct frame *f)
{
    uint32_t id = (uint32_t)be_get(f->bytes + E1000_TAGS_AT + 2, 2) & 0xfff;

    return !(rctl(e) & TAGS_FILTERED) || !is_tagged(e, f) ||
           *e1000_reg(e, E1000_VFTA + 4 * (id >> 5)) >> (id & 31) & 1;
}

static void take_tag_out(struct e1000 *e, struct frame *f)
{
    uint8_t *at = f->bytes + E1000_TAGS_AT;

    if (!(*e1000_reg(e, E1000_CTRL) & E1000_CTRL_VME) || !is_tagged(e, f))
        return;
    f->tag = (uint16_t)be_get(at + 2, 2);
    f->status |= TAGGED;
    f->length -= E1000_TAG;
    memmove(at, at + E1000_TAG, f->length - E1000_TAGS_AT);
}

/* Bytes into the buffers of a descriptor; @lengths becomes how many are in each. */
static bool fill_buffers(struct e1000 *e, const uint8_t *desc, const uint8_t *part, uint32_t bytes,
                         uint32_t lengths[BUFFERS_MAX])
{
    bool good = true;

    for (unsigned n = 0; n < BUFFERS_MAX; n++) {
        uint32_t room = buffer_bytes(e, n);
        lengths[n] = bytes < room ? bytes : room;
        if (lengths[n])
            good &= pci_dma_write(&e->dma, le_get(desc + 8 * n, 8), part, lengths[n]);
        part += lengths[n];
        bytes -= lengths[n];
    }
    return good;
}

/* The descriptor as it is written back: without a hash and a checksum. */
static void write_back(struct e1000 *e, uint64_t at, const uint32_t lengths[BUFFERS_MAX],
                       uint32_t status, uint16_t tag)
{
    uint8_t desc[BUFFERS_MAX * 8] = {0};

    if (form_of(e) == LEGACY_FORM) {
        le_put(desc, 2, lengths[0]);
        le_put(desc + 4, 2, status);
        le_put(desc + 6, 2, tag);
        (void)pci_dma_write(&e->dma, at + 8, desc, 8);
        return;
    }
    le_put(desc + 8, 4, status);
    le_put(desc + 12, 2, lengths[0]);
    le_put(desc + 14, 2, tag);
    for (unsigned n = 1; n < BUFFERS_MAX; n++)
        le_put(desc + 16 + 2 * n, 2, lengths[n]);
    (void)pci_dma_write(&e->dma, at, desc, desc_bytes(e));
}

static void put_part(struct e1000 *e, uint64_t at, const struct frame *f, uint32_t from,
                     uint32_t bytes)
{
    bool last = from + bytes == f->length;
    uint8_t desc[BUFFERS_MAX * 8];
    uint32_t lengths[BUFFERS_MAX] = {bytes};

    if (!pci_dma_read(&e->dma, at, desc, desc_bytes(e)) ||
        !fill_buffers(e, desc, f->bytes + from, bytes, lengths))
        LOG(e->function.log, DEVICE, GUEST, "e1000: a receive buffer at %#llx is not in RAM",
            (unsigned long long)at);
    write_back(e, at, lengths, f->status | (last ? LAST : 0), f->tag);
}

/* Into as many buffers as it needs, which are there. */
static void put_frame(struct e1000 *e, const struct frame *f)
{
    uint32_t size = ring_size(e), room = room_of(e), done = 0;
    uint32_t *head = e1000_reg(e, E1000_RDH), left;

    do {
        uint32_t part = f->length - done < room ? f->length - done : room;
        put_part(e, desc_at(e, *head), f, done, part);
        done += part;
        *head = (*head + 1) % size;
    } while (done < f->length);
    left = (*e1000_reg(e, E1000_RDT) + size - *head) % size;
    e1000_interrupt(e, E1000_RXT0 | (left <= size >> (1 + bits(rctl(e), 9, 8)) ? E1000_RXDMT0 : 0));
}

size_t e1000_receive(struct e1000 *e, const uint8_t *frame, size_t len)
{
    uint32_t size = ring_size(e), room = room_of(e), head = *e1000_reg(e, E1000_RDH),
             tail = *e1000_reg(e, E1000_RDT);
    uint32_t bytes = len < FRAME_MIN ? FRAME_MIN : (uint32_t)len;
    struct frame f = {.length = bytes, .status = DONE_AND_IGNORE_SUM};

    if (!(rctl(e) & ENABLE) || !pci_is_master(&e->function) || len < E1000_MAC_BYTES ||
        len > E1000_FRAME_MAX || head >= size || tail >= size || room == 0)
        return 0;
    memcpy(f.bytes, frame, len);
    if (!is_wanted(e, frame) || !is_vlan_wanted(e, &f))
        return len;
    if (!(rctl(e) & STRIP)) {
        le_put(f.bytes + bytes, E1000_CRC, crc32(0, f.bytes, bytes));
        f.length += E1000_CRC;
    }
    if ((tail + size - head) % size < (f.length + room - 1) / room)
        return 0;
    e1000_count(e, E1000_RECEIVED, frame, bytes);
    take_tag_out(e, &f);
    put_frame(e, &f);
    return len;
}
