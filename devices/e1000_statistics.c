/* What the cards count of frames (13.7): registers that go back to 0 when they are read, and stay
 * at their end when they are there. */
#include <string.h>

#include "base/bits.h"
#include "devices/e1000_internal.h"

/* Of one direction. */
struct counters {
    uint32_t by_size; /* six, by bytes with the checksum */
    uint32_t good, good_bytes, all, all_bytes, broadcasts, multicasts;
};

static const struct counters received = {.by_size = 0x405c,
                                         .good = 0x4074,
                                         .good_bytes = 0x4088,
                                         .all = 0x40d0,
                                         .all_bytes = 0x40c0,
                                         .broadcasts = 0x4078,
                                         .multicasts = 0x407c};
static const struct counters sent = {.by_size = 0x40d8,
                                     .good = 0x4080,
                                     .good_bytes = 0x4090,
                                     .all = 0x40d4,
                                     .all_bytes = 0x40c8,
                                     .broadcasts = 0x40f4,
                                     .multicasts = 0x40f0};

/* The upper halves of those of 64 bits: reading one takes away the lower half too. */
static const uint32_t upper_halves[] = {0x408c, 0x4094, 0x40c4, 0x40cc};

static void add(struct e1000 *e, uint32_t at)
{
    uint32_t *n = e1000_reg(e, at);

    *n += *n != UINT32_MAX;
}

static void add_bytes(struct e1000 *e, uint32_t at, uint32_t bytes)
{
    uint32_t *low = e1000_reg(e, at), *high = e1000_reg(e, at + 4);
    uint64_t n = (uint64_t)*high << 32 | *low;

    n = n + bytes < n ? UINT64_MAX : n + bytes;
    *low = (uint32_t)n;
    *high = (uint32_t)(n >> 32);
}

void e1000_count(struct e1000 *e, enum e1000_way way, const uint8_t *frame, uint32_t bytes)
{
    static const uint16_t sizes[] = {64, 127, 255, 511, 1023};
    static const uint8_t all[E1000_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct counters *c = way == E1000_SENT ? &sent : &received;
    unsigned size = 0;

    bytes += E1000_CRC;
    while (size < ARRAY_SIZE(sizes) && bytes > sizes[size])
        size++;
    add(e, c->by_size + 4 * size);
    add(e, c->good);
    add(e, c->all);
    add_bytes(e, c->good_bytes, bytes);
    add_bytes(e, c->all_bytes, bytes);
    if (!memcmp(frame, all, sizeof(all)))
        add(e, c->broadcasts);
    else if (frame[0] & 1)
        add(e, c->multicasts);
}

uint32_t e1000_read_count(struct e1000 *e, uint32_t at)
{
    uint32_t n = *e1000_reg(e, at);
    bool low = false, high = false;

    for (size_t k = 0; k < ARRAY_SIZE(upper_halves); k++) {
        low |= at == upper_halves[k] - 4;
        high |= at == upper_halves[k];
    }
    if (high)
        *e1000_reg(e, at - 4) = 0;
    if (!low)
        *e1000_reg(e, at) = 0;
    return n;
}
