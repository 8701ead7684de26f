/* What the parts of the High Definition Audio controller have in common: registers by offset (3.3).
 */
#pragma once

#include "base/le.h"
#include "devices/hda.h"

enum {
    HDA_GCTL = 0x08,
    HDA_WAKEEN = 0x0c,
    HDA_STATESTS = 0x0e,
    HDA_INTCTL = 0x20,
    HDA_INTSTS = 0x24,
    HDA_WALCLK = 0x30,
    HDA_CORBLBASE = 0x40,
    HDA_CORBWP = 0x48,
    HDA_CORBRP = 0x4a,
    HDA_CORBCTL = 0x4c,
    HDA_RIRBLBASE = 0x50,
    HDA_RIRBWP = 0x58,
    HDA_RINTCNT = 0x5a,
    HDA_RIRBCTL = 0x5c,
    HDA_RIRBSTS = 0x5d,
    HDA_ICOI = 0x60,
    HDA_ICII = 0x64,
    HDA_ICIS = 0x68,
    HDA_DPLBASE = 0x70,
    HDA_SD0 = 0x80, /* streams, each with: */
    HDA_SD_BYTES = 0x20,
    HDA_SD_CTL = 0x00,
    HDA_SD_STS = 0x03,
    HDA_SD_LPIB = 0x04,
    HDA_SD_CBL = 0x08,
    HDA_SD_LVI = 0x0c,
    HDA_SD_FIFOS = 0x10,
    HDA_SD_FMT = 0x12,
    HDA_SD_BDPL = 0x18,
};

/* SDnCTL, 3.3.35, and SDnSTS, 3.3.36 */
#define HDA_SRST    UINT32_C(0x1)
#define HDA_RUN     UINT32_C(0x2)
#define HDA_BCIS    UINT32_C(0x4)
#define HDA_DESE    UINT32_C(0x10)
#define HDA_FIFORDY UINT32_C(0x20)

static inline uint32_t hda_get(const struct hda *h, unsigned at, unsigned bytes)
{
    return (uint32_t)le_get(h->regs + at, bytes);
}

static inline void hda_put(struct hda *h, unsigned at, unsigned bytes, uint32_t value)
{
    le_put(h->regs + at, bytes, value);
}

static inline uint64_t hda_address(const struct hda *h, unsigned at)
{
    return le_get(h->regs + at, 8) & ~UINT64_C(127);
}

static inline unsigned hda_sd(const struct hda_stream *s, unsigned at)
{
    return HDA_SD0 + s->n * HDA_SD_BYTES + at;
}

/* The level of the pin follows from the registers. */
void hda_update_pin(struct hda *h);

/* Of devices/hda_stream.c. */
void hda_stream_init(struct hda *h, unsigned n, unsigned unit);
void hda_stream_advance(struct hda_stream *s);               /* to the present */
void hda_stream_control(struct hda_stream *s, uint32_t old); /* its SDnCTL was @old */
void hda_stream_stop(struct hda_stream *s);
void hda_stream_state(struct state_io *io, struct hda_stream *s);
