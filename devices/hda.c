#include "devices/hda.h"

#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/hda_internal.h"

#define BAR_BYTES   0x4000
#define RING        256u    /* commands, and responses */
#define GCAP        0x4401u /* 4 streams to play, 4 to record; addresses of 64 bits */
#define CRST        UINT32_C(1)
#define CORB_RUN    UINT32_C(2)
#define RIRB_INT    UINT32_C(1)
#define RIRB_RUN    UINT32_C(2)
#define RIRBSTS_INT UINT32_C(1)
#define POINTER_RST UINT32_C(0x8000)
#define ICIS_BUSY   UINT32_C(1)
#define ICIS_VALID  UINT32_C(2)
#define INT_GLOBAL  BIT(31)
#define INT_CONTROL BIT(30)
#define ALIASES     0x2000 /* from here on: the wall clock and LPIB again, 3.3.43 and 3.3.44 */
#define CLOCK_MHZ   24

static struct hda *to_hda(struct pci_function *f)
{
    return (struct hda *)f;
}

/* ---- interrupts, 3.3.14 and 3.3.15 ---- */

static uint32_t causes(const struct hda *h)
{
    uint32_t pending = 0;

    if ((hda_get(h, HDA_RIRBSTS, 1) & RIRBSTS_INT && hda_get(h, HDA_RIRBCTL, 1) & RIRB_INT) ||
        hda_get(h, HDA_STATESTS, 2) & hda_get(h, HDA_WAKEEN, 2))
        pending |= INT_CONTROL;
    for (unsigned n = 0; n < HDA_STREAMS; n++) {
        const struct hda_stream *s = &h->streams[n];
        uint32_t enabled = hda_get(h, hda_sd(s, HDA_SD_CTL), 1);
        if (hda_get(h, hda_sd(s, HDA_SD_STS), 1) & enabled & (HDA_BCIS | 0x8 | HDA_DESE))
            pending |= UINT32_C(1) << n;
    }
    return pending;
}

void hda_update_pin(struct hda *h)
{
    uint32_t pending = causes(h), enabled = hda_get(h, HDA_INTCTL, 4);
    bool level = pending & enabled & ~INT_GLOBAL;

    hda_put(h, HDA_INTSTS, 4, pending | (level ? INT_GLOBAL : 0));
    pci_intx_set(&h->function, level && enabled & INT_GLOBAL);
}

/* ---- commands and responses, 4.4 ---- */

static uint32_t ask(struct hda *h, uint32_t command, unsigned *address)
{
    *address = (unsigned)bits(command, 31, 28);
    return *address < HDA_CODECS && h->codecs[*address]
               ? hda_codec_command(h->codecs[*address], command)
               : 0;
}

static void respond(struct hda *h, uint32_t response, unsigned address)
{
    uint32_t wp = (hda_get(h, HDA_RIRBWP, 1) + 1) % RING, wanted = hda_get(h, HDA_RINTCNT, 1);
    uint8_t raw[8];

    le_put(raw, 4, response);
    le_put(raw + 4, 4, address);
    if (!(hda_get(h, HDA_RIRBCTL, 1) & RIRB_RUN) ||
        !pci_dma_write(&h->dma, hda_address(h, HDA_RIRBLBASE) + UINT64_C(8) * wp, raw, sizeof(raw)))
        return;
    hda_put(h, HDA_RIRBWP, 2, wp);
    if (++h->responses >= (wanted ? wanted : RING)) {
        h->responses = 0;
        hda_put(h, HDA_RIRBSTS, 1, hda_get(h, HDA_RIRBSTS, 1) | RIRBSTS_INT);
    }
}

/* A codec that is not there does not respond, which drivers find by a time-out. */
static bool run_command(struct hda *h, uint32_t rp)
{
    uint8_t raw[4];
    unsigned address;

    if (!pci_dma_read(&h->dma, hda_address(h, HDA_CORBLBASE) + UINT64_C(4) * rp, raw, sizeof(raw)))
        return false;
    uint32_t response = ask(h, (uint32_t)le_get(raw, 4), &address);
    if (address < HDA_CODECS && h->codecs[address])
        respond(h, response, address);
    return true;
}

/* All commands that wait are done at once; then no response comes any more, which is an interrupt
 * for those that there were (3.3.26). */
static void run_commands(struct hda *h)
{
    while (hda_get(h, HDA_CORBCTL, 1) & CORB_RUN &&
           hda_get(h, HDA_CORBRP, 1) != hda_get(h, HDA_CORBWP, 1)) {
        uint32_t rp = (hda_get(h, HDA_CORBRP, 1) + 1) % RING;
        hda_put(h, HDA_CORBRP, 1, rp);
        if (!run_command(h, rp))
            break;
    }
    if (h->responses) {
        h->responses = 0;
        hda_put(h, HDA_RIRBSTS, 1, hda_get(h, HDA_RIRBSTS, 1) | RIRBSTS_INT);
    }
}

/* ---- registers ---- */

static void reset_registers(struct hda *h)
{
    static const struct {
        unsigned at, bytes;
        uint32_t value;
    } start[] = {{0x00, 2, GCAP}, {0x02, 2, 0x0100}, /* version 1.0 */
                 {0x04, 2, 0x3c}, {0x06, 2, 0x1d},   {0x4e, 1, 0x42}, {0x5e, 1, 0x42}};

    for (unsigned n = 0; n < HDA_STREAMS; n++)
        hda_stream_stop(&h->streams[n]);
    memset(h->regs, 0, sizeof(h->regs));
    for (unsigned k = 0; k < ARRAY_SIZE(start); k++)
        hda_put(h, start[k].at, start[k].bytes, start[k].value);
    for (unsigned n = 0; n < HDA_STREAMS; n++)
        hda_put(h, hda_sd(&h->streams[n], HDA_SD_FIFOS), 2, 0x100);
    h->responses = 0;
    for (unsigned k = 0; k < HDA_CODECS; k++)
        if (h->codecs[k])
            hda_codec_reset(h->codecs[k]);
}

/* Out of the reset, each codec that is there asks for its address: 4.3. */
static void written_gctl(struct hda *h, uint32_t old)
{
    uint32_t now = hda_get(h, HDA_GCTL, 4), there = 0;

    if (!(now & CRST))
        reset_registers(h);
    if (!(now & CRST) || old & CRST)
        return;
    for (unsigned k = 0; k < HDA_CODECS; k++)
        there |= h->codecs[k] ? UINT32_C(1) << k : 0;
    hda_put(h, HDA_STATESTS, 2, there);
}

static void written_corb(struct hda *h, uint32_t old)
{
    (void)old;
    run_commands(h);
}

/* The driver sets the bit, waits until it reads it, and clears it. */
static void written_corbrp(struct hda *h, uint32_t old)
{
    (void)old;
    if (hda_get(h, HDA_CORBRP, 2) & POINTER_RST)
        hda_put(h, HDA_CORBRP, 1, 0);
}

static void written_rirbwp(struct hda *h, uint32_t old)
{
    hda_put(h, HDA_RIRBWP, 2, hda_get(h, HDA_RIRBWP, 2) & POINTER_RST ? 0 : old);
}

/* Immediate commands, 3.4. */
static void written_icis(struct hda *h, uint32_t old)
{
    unsigned address;

    (void)old;
    if (!(hda_get(h, HDA_ICIS, 2) & ICIS_BUSY))
        return;
    hda_put(h, HDA_ICII, 4, ask(h, hda_get(h, HDA_ICOI, 4), &address));
    hda_put(h, HDA_ICIS, 2, ICIS_VALID);
}

/* A register: what of it the driver writes, and what it clears by writing ones. */
struct row {
    uint16_t at;
    uint8_t bytes;
    uint32_t writable, clears;
    void (*written)(struct hda *h, uint32_t old);
};

static const struct row rows[] = {
    {HDA_GCTL, 4, 0x101, 0, written_gctl},
    {HDA_WAKEEN, 2, 0x7fff, 0, NULL},
    {HDA_STATESTS, 2, 0, 0x7fff, NULL},
    {0x10, 2, 0, 2, NULL}, /* GSTS */
    {HDA_INTCTL, 4, 0xc00000ff, 0, NULL},
    {0x38, 4, 0xff, 0, NULL}, /* SSYNC */
    {HDA_CORBLBASE, 4, 0xffffff80, 0, NULL},
    {HDA_CORBLBASE + 4, 4, UINT32_MAX, 0, NULL},
    {HDA_CORBWP, 2, 0xff, 0, written_corb},
    {HDA_CORBRP, 2, POINTER_RST, 0, written_corbrp},
    {HDA_CORBCTL, 1, 3, 0, written_corb},
    {0x4d, 1, 0, 1, NULL}, /* CORBSTS */
    {HDA_RIRBLBASE, 4, 0xffffff80, 0, NULL},
    {HDA_RIRBLBASE + 4, 4, UINT32_MAX, 0, NULL},
    {HDA_RIRBWP, 2, POINTER_RST, 0, written_rirbwp},
    {HDA_RINTCNT, 2, 0xff, 0, NULL},
    {HDA_RIRBCTL, 1, 7, 0, NULL},
    {HDA_RIRBSTS, 1, 0, 5, NULL},
    {HDA_ICOI, 4, UINT32_MAX, 0, NULL},
    {HDA_ICIS, 2, ICIS_BUSY, ICIS_VALID, written_icis},
    {HDA_DPLBASE, 4, 0xffffff81, 0, NULL},
    {HDA_DPLBASE + 4, 4, UINT32_MAX, 0, NULL},
};

/* Of a stream, from its first one on. */
static const struct row stream_rows[] = {
    {HDA_SD_CTL, 3, 0xf7001f, 0, NULL},       {HDA_SD_STS, 1, 0, 0x1c, NULL},
    {HDA_SD_CBL, 4, UINT32_MAX, 0, NULL},     {HDA_SD_LVI, 2, 0xff, 0, NULL},
    {HDA_SD_FMT, 2, 0x7f7f, 0, NULL},         {HDA_SD_BDPL, 4, 0xffffff80, 0, NULL},
    {HDA_SD_BDPL + 4, 4, UINT32_MAX, 0, NULL}};

static const struct row *find(const struct row *table, size_t count, unsigned at)
{
    for (size_t k = 0; k < count; k++)
        if (at - table[k].at < table[k].bytes)
            return &table[k];
    return NULL;
}

/* Byte @offset of register @r, which begins at @base + r->at, and @n - 1 behind it. */
static uint32_t write_row(struct hda *h, const struct row *r, unsigned base, unsigned offset,
                          unsigned n, uint32_t value)
{
    unsigned shift = (offset - base - r->at) * 8;
    uint32_t lanes = (uint32_t)(zext(UINT64_MAX, n * 8) << shift),
             old = hda_get(h, base + r->at, r->bytes);
    uint32_t set = r->writable & lanes, new = (old & ~set) | (value << shift & set);

    hda_put(h, base + r->at, r->bytes, new & ~(value << shift & r->clears & lanes));
    return old;
}

static void write_piece(struct hda *h, unsigned at, unsigned n, uint32_t value)
{
    unsigned stream = (at - HDA_SD0) / HDA_SD_BYTES, base = HDA_SD0 + stream * HDA_SD_BYTES;
    const struct row *r = at < HDA_SD0 ? find(rows, ARRAY_SIZE(rows), at)
                                       : find(stream_rows, ARRAY_SIZE(stream_rows), at - base);
    uint32_t old;

    if (!r)
        return;
    old = write_row(h, r, at < HDA_SD0 ? 0 : base, at, n, value);
    if (r->written)
        r->written(h, old);
    if (at >= HDA_SD0 && r->at == HDA_SD_CTL)
        hda_stream_control(&h->streams[stream], old);
}

/* How many of @n bytes from @at on are of one register, or of none. */
static unsigned piece(unsigned at, unsigned n)
{
    const struct row *r =
        at < HDA_SD0 ? find(rows, ARRAY_SIZE(rows), at)
                     : find(stream_rows, ARRAY_SIZE(stream_rows), (at - HDA_SD0) % HDA_SD_BYTES);
    unsigned in = at < HDA_SD0 ? at : (at - HDA_SD0) % HDA_SD_BYTES;
    unsigned left = r ? r->at + r->bytes - in : 1;

    return left < n ? left : n;
}

static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct hda *h = to_hda(f);

    (void)bar;
    for (unsigned n; size && offset < HDA_REGS; size -= n, offset += n) {
        n = piece((unsigned)offset, size < 4 ? size : 4);
        if (hda_get(h, HDA_GCTL, 1) & CRST || offset / 4 == HDA_GCTL / 4)
            write_piece(h, (unsigned)offset, n, (uint32_t)(zext(value, n * 8)));
        value >>= n * 8;
    }
    hda_update_pin(h);
}

static uint64_t unalias(uint64_t offset)
{
    return offset >= ALIASES ? offset - ALIASES : offset;
}

static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    struct hda *h = to_hda(f);

    (void)bar;
    offset = unalias(offset);
    if (offset + size > HDA_REGS)
        return 0;
    if (offset >= HDA_SD0)
        hda_stream_advance(&h->streams[(offset - HDA_SD0) / HDA_SD_BYTES]);
    hda_put(h, HDA_WALCLK, 4, (uint32_t)(clock_now_ns(h->clock) * CLOCK_MHZ / 1000));
    return le_get(h->regs + offset, size);
}

/* ---- the function ---- */

static void reset(struct pci_function *f)
{
    reset_registers(to_hda(f));
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct hda *h = to_hda(f);

    state_bytes(io, "h->regs", h->regs, sizeof(h->regs));
    STATE(io, h->responses);
    for (unsigned n = 0; n < HDA_STREAMS; n++)
        hda_stream_state(io, &h->streams[n]);
    for (unsigned k = 0; k < HDA_CODECS; k++)
        if (h->codecs[k])
            hda_codec_state(io, h->codecs[k]);
}

static const struct pci_ops ops = {
    .name = "hda",
    .read = read_bar,
    .write = write_bar,
    .reset = reset,
    .state = state,
};

bool hda_attach(struct hda *h, unsigned address, struct hda_codec *codec)
{
    if (address >= HDA_CODECS || h->codecs[address])
        return false;
    h->codecs[address] = codec;
    return true;
}

void hda_init(struct hda *h, const struct hda_config *config, const struct arm_log *log)
{
    struct pci_function *f = &h->function;

    memset(h, 0, sizeof(*h));
    h->dma = (struct pci_dma){f, config->mem, (uint8_t)config->unit};
    h->clock = config->clock;
    pci_init(f, &ops, log,
             &(struct pci_identity){.vendor = 0x8086,
                                    .device = config->ich9 ? 0x293e : 0x2668,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = 0x0403,
                                    .revision = config->ich9 ? 3 : 1,
                                    .pin = true});
    pci_field(f, 0x40, 1, 1, 0); /* HDCTL: the link is that of High Definition Audio */
    f->cap_end = 0x50;
    pci_add_bar(f, 0, (struct pci_bar){.size = BAR_BYTES});
    for (unsigned n = 0; n < HDA_STREAMS; n++)
        hda_stream_init(h, n, config->unit);
    reset_registers(h);
}
