/* The engines of the streams, 3.6 and 4.5: bytes are due as virtual time passes. */
#include "base/bits.h"
#include "base/state_io.h"
#include "devices/hda_internal.h"

#define STEP_NS       UINT64_C(1000000)
#define SECOND_NS     UINT64_C(1000000000)
#define ENTRY_BYTES   16
#define ENTRY_IOC     UINT32_C(1)
#define DPL_ENABLE    UINT32_C(1)
#define FIFO_BYTES    0x100
#define LVI_MASK      0xffu
#define BASE_44100    BIT(14)
#define SILENCE_BYTES 1024

struct entry {
    uint64_t addr;
    uint32_t bytes, flags;
};

static uint32_t get(const struct hda_stream *s, unsigned at, unsigned bytes)
{
    return hda_get(s->hda, hda_sd(s, at), bytes);
}

static void put(struct hda_stream *s, unsigned at, unsigned bytes, uint32_t value)
{
    hda_put(s->hda, hda_sd(s, at), bytes, value);
}

/* SDnFMT, 3.7.1: frames a second. */
static uint32_t rate_of(uint32_t format)
{
    uint32_t base = format & BASE_44100 ? 44100 : 48000;

    return base * ((uint32_t)bits(format, 13, 11) + 1) / ((uint32_t)bits(format, 10, 8) + 1);
}

static uint32_t frame_bytes(uint32_t format)
{
    unsigned size = (unsigned)bits(format, 6, 4);

    return ((uint32_t)bits(format, 3, 0) + 1) * (size == 0 ? 1 : size == 1 ? 2 : 4);
}

static uint64_t frames_in(uint64_t ns, uint32_t rate)
{
    return ns / SECOND_NS * rate + ns % SECOND_NS * rate / SECOND_NS;
}

static bool is_input(const struct hda_stream *s)
{
    return s->n < HDA_INPUTS;
}

static bool is_running(const struct hda_stream *s)
{
    return (get(s, HDA_SD_CTL, 3) & (HDA_RUN | HDA_SRST)) == HDA_RUN;
}

/* ---- what moves ---- */

static bool read_entry(struct hda_stream *s, struct entry *e)
{
    uint8_t raw[ENTRY_BYTES];
    uint64_t at = hda_address(s->hda, hda_sd(s, HDA_SD_BDPL)) + (uint64_t)s->entry * ENTRY_BYTES;

    if (!pci_dma_read(&s->hda->dma, at, raw, sizeof(raw)))
        return false;
    *e =
        (struct entry){le_get(raw, 8), (uint32_t)le_get(raw + 8, 4), (uint32_t)le_get(raw + 12, 4)};
    return true;
}

/* What is played is not looked at. */
static bool move(struct hda_stream *s, uint64_t addr, uint32_t bytes)
{
    static const uint8_t silence[SILENCE_BYTES];

    for (uint32_t n; is_input(s) && bytes; bytes -= n, addr += n) {
        n = bytes < sizeof(silence) ? bytes : sizeof(silence);
        if (!pci_dma_write(&s->hda->dma, addr, silence, n))
            return false;
    }
    return true;
}

/* Bytes that are left before the end of the cyclic buffer. */
static uint32_t before_end(const struct hda_stream *s)
{
    uint32_t at = get(s, HDA_SD_LPIB, 4), end = get(s, HDA_SD_CBL, 4);

    return end > at ? end - at : 0;
}

/* The list is gone through again when its last entry, or the cyclic buffer, is at its end. */
static void next_entry(struct hda_stream *s, const struct entry *e, bool end)
{
    s->in_entry = 0;
    s->entry = end || s->entry >= (get(s, HDA_SD_LVI, 2) & LVI_MASK) ? 0 : s->entry + 1;
    if (s->entry == 0)
        put(s, HDA_SD_LPIB, 4, 0);
    if (e->flags & ENTRY_IOC)
        put(s, HDA_SD_STS, 1, get(s, HDA_SD_STS, 1) | HDA_BCIS);
}

/* 3.3.36: the list makes no sense or is not in memory. */
static void fail(struct hda_stream *s)
{
    put(s, HDA_SD_STS, 1, get(s, HDA_SD_STS, 1) | HDA_DESE);
    put(s, HDA_SD_CTL, 3, get(s, HDA_SD_CTL, 3) & ~HDA_RUN);
    hda_stream_stop(s);
}

/* At most the rest of one entry. Return: how many bytes; 0: none, and that is an error. */
static uint32_t move_some(struct hda_stream *s, uint64_t bytes)
{
    struct entry e;

    if (!read_entry(s, &e) || e.bytes <= s->in_entry || !before_end(s))
        return 0;
    uint32_t n = e.bytes - s->in_entry;
    bool end = n >= before_end(s);
    n = end ? before_end(s) : n;
    bool all = n <= bytes;
    n = all ? n : (uint32_t)bytes;
    if (!move(s, e.addr + s->in_entry, n))
        return 0;
    s->in_entry += n;
    put(s, HDA_SD_LPIB, 4, get(s, HDA_SD_LPIB, 4) + n);
    if (all)
        next_entry(s, &e, end);
    return n;
}

/* Where each stream is, in memory: 3.3.33. */
static void write_position(struct hda_stream *s)
{
    struct hda *h = s->hda;
    uint8_t at[4];

    le_put(at, sizeof(at), get(s, HDA_SD_LPIB, 4));
    if (hda_get(h, HDA_DPLBASE, 4) & DPL_ENABLE)
        (void)pci_dma_write(&h->dma, hda_address(h, HDA_DPLBASE) + UINT64_C(8) * s->n, at,
                            sizeof(at));
}

void hda_stream_advance(struct hda_stream *s)
{
    uint32_t format = get(s, HDA_SD_FMT, 2);
    uint64_t now_ns, due, bytes;

    if (!is_running(s))
        return;
    now_ns = clock_now_ns(s->hda->clock);
    due = frames_in(now_ns - s->start_ns, rate_of(format));
    if (due - s->frames > rate_of(format)) /* more than a second: no step is so long */
        s->frames = due;
    bytes = (due - s->frames) * frame_bytes(format);
    s->frames = due;
    while (bytes) {
        uint32_t n = move_some(s, bytes);
        if (!n) {
            fail(s);
            break;
        }
        bytes -= n;
    }
    write_position(s);
    hda_update_pin(s->hda);
}

/* ---- control ---- */

/* Not more than a step: an entry's end, and with it an interrupt, is that late at most. */
static void wait_for_step(struct hda_stream *s)
{
    clock_event_set(s->hda->clock, &s->tick, clock_now_ns(s->hda->clock) + STEP_NS);
}

static void tick(void *ctx, uint64_t now_ns)
{
    struct hda_stream *s = ctx;

    (void)now_ns;
    hda_stream_advance(s);
    if (is_running(s))
        wait_for_step(s);
}

void hda_stream_stop(struct hda_stream *s)
{
    put(s, HDA_SD_STS, 1, get(s, HDA_SD_STS, 1) & ~HDA_FIFORDY);
    clock_event_set(s->hda->clock, &s->tick, CLOCK_NEVER);
}

static void reset_stream(struct hda_stream *s)
{
    uint8_t *regs = s->hda->regs + hda_sd(s, 0);

    hda_stream_stop(s);
    for (unsigned i = 0; i < HDA_SD_BYTES; i++)
        regs[i] = 0;
    put(s, HDA_SD_FIFOS, 2, FIFO_BYTES);
    s->entry = s->in_entry = 0;
}

void hda_stream_control(struct hda_stream *s, uint32_t old)
{
    uint32_t ctl = get(s, HDA_SD_CTL, 3);

    if (ctl & HDA_SRST) {
        reset_stream(s);
        put(s, HDA_SD_CTL, 3, HDA_SRST);
    } else if (is_running(s) && !(old & HDA_RUN)) {
        s->start_ns = clock_now_ns(s->hda->clock);
        s->frames = 0;
        put(s, HDA_SD_STS, 1, get(s, HDA_SD_STS, 1) | HDA_FIFORDY);
        wait_for_step(s);
    } else if (!is_running(s)) {
        hda_stream_stop(s);
    }
}

void hda_stream_init(struct hda *h, unsigned n, unsigned unit)
{
    struct hda_stream *s = &h->streams[n];

    *s = (struct hda_stream){.hda = h, .n = n, .tick = {.fn = tick, .ctx = s}};
    clock_event_add(h->clock, &s->tick, "hda%u.%u", unit, n);
    put(s, HDA_SD_FIFOS, 2, FIFO_BYTES);
}

/* Its registers are the controller's. */
void hda_stream_state(struct state_io *io, struct hda_stream *s)
{
    STATE(io, s->start_ns);
    STATE(io, s->frames);
    STATE(io, s->entry);
    STATE(io, s->in_entry);
}
