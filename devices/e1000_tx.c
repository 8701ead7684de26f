/* The transmitter (3.3 to 3.6): descriptors, checksums, TCP segmentation. */
#include <string.h>

#include "base/be.h"
#include "base/bits.h"
#include "devices/e1000_internal.h"

#define TCTL_ENABLE UINT32_C(2)
#define TCTL_PAD    UINT32_C(8)
#define DESC_COST   256
#define FRAME_MIN   60

/* 3.3.3, 3.3.7: commands of a descriptor (bits 31:24 of its third dword) and its status */
enum { CMD_EOP = 1, CMD_TSE = 4, CMD_RS = 8, CMD_DEXT = 0x20, CMD_VLE = 0x40 };
#define TYPE_CONTEXT 0                  /* else data */
enum { OPTION_IP = 1, OPTION_TCP = 2 }; /* POPTS */
enum { TUCMD_TCP = 1, TUCMD_IP = 2 };
#define DONE 1

struct desc {
    uint64_t addr;
    uint32_t lower, upper; /* the third and fourth dwords */
};

static uint8_t command_of(const struct desc *d)
{
    return (uint8_t)(d->lower >> 24);
}

/* ---- checksums ---- */

static uint32_t sum_words(const uint8_t *data, uint32_t from, uint32_t to)
{
    uint32_t sum = 0;

    for (uint32_t i = from; i < to; i++)
        sum += (i - from) & 1 ? data[i] : (uint32_t)data[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* 3.5: @fields are start, offset and end (inclusive, 0: of the packet), as a context has them. */
static void insert_sum(uint8_t *frame, uint32_t bytes, uint32_t fields)
{
    uint32_t start = bits(fields, 7, 0), at = bits(fields, 15, 8), end = bits(fields, 31, 16);

    end = end && end < bytes ? end + 1 : bytes;
    if (start < end && at + 2 <= bytes)
        be_put(frame + at, 2, (uint16_t)~sum_words(frame, start, end));
}

/* ---- packets ---- */

/* What is done to each frame of a packet. */
struct finish {
    unsigned options;
    bool tagged;
    uint16_t tag;
};

/* @frame has room for a tag, and for padding. */
static void send_frame(struct e1000 *e, uint8_t *frame, uint32_t bytes, const struct finish *how)
{
    uint8_t *tag = frame + E1000_TAGS_AT;

    if (how->options & OPTION_TCP)
        insert_sum(frame, bytes, e->context.dwords[1]);
    if (how->options & OPTION_IP)
        insert_sum(frame, bytes, e->context.dwords[0]);
    if (how->tagged && bytes >= E1000_TAGS_AT) {
        memmove(tag + E1000_TAG, tag, bytes - E1000_TAGS_AT);
        be_put(tag, 2, *e1000_reg(e, E1000_VET) & 0xffff);
        be_put(tag + 2, 2, how->tag);
        bytes += E1000_TAG;
    }
    if ((*e1000_reg(e, E1000_TCTL) & TCTL_PAD) && bytes < FRAME_MIN) {
        memset(frame + bytes, 0, FRAME_MIN - bytes);
        bytes = FRAME_MIN;
    }
    if (bytes < E1000_TAGS_AT || bytes > E1000_FRAME_MAX)
        return;
    e1000_count(e, E1000_SENT, frame, bytes);
    if (e->send)
        e->send(e->send_ctx, frame, bytes);
}

/* 3.5.2: headers of segment @n, which is @bytes long and begins @done bytes behind the headers. */
static void fix_headers(const struct e1000 *e, uint8_t *frame, uint32_t bytes, uint32_t n,
                        uint32_t done, bool last)
{
    const uint32_t *c = e->context.dwords;
    uint32_t ip = bits(c[0], 7, 0), tcp = bits(c[1], 7, 0), sum = bits(c[1], 15, 8);
    uint8_t commands = (uint8_t)(c[2] >> 24);

    if (commands & TUCMD_IP) {
        be_put(frame + ip + 2, 2, bytes - ip);
        be_put(frame + ip + 4, 2, be_get(frame + ip + 4, 2) + n);
    } else {
        be_put(frame + ip + 4, 2, bytes - ip - 40);
    }
    if (commands & TUCMD_TCP) {
        be_put(frame + tcp + 4, 4, be_get(frame + tcp + 4, 4) + done);
        if (!last)
            frame[tcp + 13] &= 0xf6; /* FIN and PSH are the last one's */
    } else {
        be_put(frame + tcp + 4, 2, bytes - tcp);
    }
    /* The driver's sum is that of the pseudo header without the length. */
    uint32_t partial = be_get(frame + sum, 2) + bytes - tcp;
    be_put(frame + sum, 2, (partial & 0xffff) + (partial >> 16));
}

static void send_segments(struct e1000 *e, const struct finish *how)
{
    const uint32_t *c = e->context.dwords;
    uint32_t header = bits(c[3], 15, 8), size = bits(c[3], 31, 16), done = 0;
    uint32_t ip = bits(c[0], 7, 0), tcp = bits(c[1], 7, 0), sum = bits(c[1], 15, 8);
    uint8_t frame[E1000_FRAME_MAX + E1000_TAG];

    if (!size || header + size > E1000_FRAME_MAX || header > e->packet_bytes ||
        header < FRAME_MIN / 2 || ip + 20 > header || tcp + 14 > header || sum + 2 > header ||
        ip > tcp) {
        LOG(e->function.log, DEVICE, GUEST,
            "e1000: segments of %u bytes behind %u of headers of a packet of %u: it is lost", size,
            header, e->packet_bytes);
        return;
    }
    for (uint32_t n = 0; header + done < e->packet_bytes; n++) {
        uint32_t left = e->packet_bytes - header - done, part = left < size ? left : size;
        memcpy(frame, e->packet, header);
        memcpy(frame + header, e->packet + header + done, part);
        fix_headers(e, frame, header + part, n, done, part == left);
        pace_spend(&e->pace, header + DESC_COST);
        send_frame(e, frame, header + part, how);
        done += part;
    }
}

/* ---- descriptors ---- */

/* What a data descriptor has is added to the packet. */
static void gather(struct e1000 *e, const struct desc *d, uint32_t bytes)
{
    uint32_t room = E1000_PACKET_MAX - FRAME_MIN - e->packet_bytes;

    if (bytes > room || !pci_dma_read(&e->dma, d->addr, e->packet + e->packet_bytes, bytes)) {
        LOG(e->function.log, DEVICE, GUEST, "e1000: %u bytes at %#llx cannot be sent", bytes,
            (unsigned long long)d->addr);
        return;
    }
    pace_spend(&e->pace, bytes);
    e->packet_bytes += bytes;
}

static void take(struct e1000 *e, const struct desc *d)
{
    bool extended = command_of(d) & CMD_DEXT;
    struct finish how = {
        .options = extended ? (unsigned)bits(d->upper, 15, 8) : 0,
        .tagged = (command_of(d) & CMD_VLE) && (*e1000_reg(e, E1000_CTRL) & E1000_CTRL_VME),
        .tag = (uint16_t)(d->upper >> 16),
    };

    if (extended && bits(d->lower, 23, 20) == TYPE_CONTEXT) {
        e->context = (struct e1000_context){
            {(uint32_t)d->addr, (uint32_t)(d->addr >> 32), d->lower, d->upper}};
        return;
    }
    gather(e, d, (uint32_t)(extended ? bits(d->lower, 19, 0) : bits(d->lower, 15, 0)));
    if (!(command_of(d) & CMD_EOP))
        return;
    if (extended && (command_of(d) & CMD_TSE))
        send_segments(e, &how);
    else
        send_frame(e, e->packet, e->packet_bytes, &how);
    e->packet_bytes = 0;
}

static uint32_t ring_size(struct e1000 *e)
{
    return *e1000_reg(e, E1000_TDLEN) / E1000_DESC;
}

/* Descriptor @n; false: it is not there. */
static bool take_descriptor(struct e1000 *e, uint32_t n)
{
    uint64_t at = e1000_ring_at(e, E1000_TDBAL) + (uint64_t)n * E1000_DESC;
    uint8_t bytes[E1000_DESC];
    struct desc d;

    pace_spend(&e->pace, DESC_COST);
    if (!pci_dma_read(&e->dma, at, bytes, sizeof(bytes)))
        return false;
    d = (struct desc){le_get(bytes, 8), (uint32_t)le_get(bytes + 8, 4),
                      (uint32_t)le_get(bytes + 12, 4)};
    take(e, &d);
    if (!(command_of(&d) & CMD_RS))
        return true;
    bytes[12] |= DONE;
    return pci_dma_write(&e->dma, at + 12, bytes + 12, 1);
}

static bool is_waiting(struct e1000 *e)
{
    uint32_t size = ring_size(e), head = *e1000_reg(e, E1000_TDH), tail = *e1000_reg(e, E1000_TDT);

    return (*e1000_reg(e, E1000_TCTL) & TCTL_ENABLE) && head < size && tail < size &&
           head != tail && pci_is_master(&e->function);
}

void e1000_transmit(void *ctx, uint64_t now_ns)
{
    struct e1000 *e = ctx;
    bool any = false;

    (void)now_ns;
    while (is_waiting(e)) {
        uint32_t *head = e1000_reg(e, E1000_TDH);
        if (pace_left(&e->pace) == 0) {
            pace_wait(&e->pace);
            break;
        }
        if (!take_descriptor(e, *head)) {
            LOG(e->function.log, DEVICE, GUEST, "e1000: the transmit ring is not in RAM");
            *head = *e1000_reg(e, E1000_TDT);
            break;
        }
        *head = (*head + 1) % ring_size(e);
        any = true;
    }
    if (any)
        e1000_interrupt(e, E1000_TXDW | (is_waiting(e) ? 0 : E1000_TXQE));
}
