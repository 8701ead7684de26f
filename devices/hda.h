/*
 * An Intel High Definition Audio controller on PCI (High Definition Audio Specification 1.0a), as
 * Intel's ICH6 and ICH9 have it, with codecs on its link (devices/hda_codec.h). Streams move at the
 * rate of their format in virtual time. What is played is heard by nobody, and what is recorded is
 * silence.
 */
#pragma once

#include "base/clock.h"
#include "devices/hda_codec.h"
#include "devices/pci_dma.h"

#define HDA_CODECS  4
#define HDA_INPUTS  4
#define HDA_OUTPUTS 4
#define HDA_STREAMS (HDA_INPUTS + HDA_OUTPUTS) /* in this order */
#define HDA_REGS    0x180                      /* bytes with something in them */

struct hda;

/* Where a stream's engine is, while it runs; the registers are in hda.regs. */
struct hda_stream {
    struct hda *hda;
    unsigned n;
    uint64_t start_ns; /* when it was started, and the frames since then that have been moved */
    uint64_t frames;
    uint32_t entry, in_entry; /* of the Buffer Descriptor List; bytes */
    struct clock_event tick;
};

struct hda {
    struct pci_function function; /* first */
    struct pci_dma dma;
    struct clock *clock;
    uint8_t regs[HDA_REGS];
    uint16_t responses; /* since the last interrupt for one */
    struct hda_stream streams[HDA_STREAMS];
    struct hda_codec *codecs[HDA_CODECS]; /* by address on the link, not owned; NULL: none */
};

struct hda_config {
    bool ich9;     /* as which it is known */
    unsigned unit; /* in events of DMA */
    struct physmem *mem;
    struct clock *clock;
};

/* Must not move afterwards; reset by pci_host_reset(). */
void hda_init(struct hda *h, const struct hda_config *config, const struct arm_log *log);

/* A codec at an address of the link, before the reset; false: it is taken, or there is none. */
bool hda_attach(struct hda *h, unsigned address, struct hda_codec *codec);
