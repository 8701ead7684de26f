/*
 * A virtio sound device (Virtual I/O Device specification 1.2, section 5.14) with a stream to play
 * and one to record. Messages take as long in virtual time as what is in them; what is played is
 * heard by nobody, and what is recorded is silence.
 */
#pragma once

#include "base/clock.h"
#include "devices/virtio.h"

#define VIRTIO_SND_STREAMS 2 /* number 0 plays, number 1 records */

struct virtio_snd;

struct virtio_snd_stream {
    struct virtio_snd *snd;
    uint8_t state; /* the last command's, 5.14.6.6.1 */
    uint8_t format, rate, channels;
    uint32_t buffer_bytes;
    uint64_t start_ns, frames; /* when the messages began to follow each other, and how many since
                                  then are done when the one that it has is */
    bool busy;                 /* it has a message */
    struct virtq_chain chain;
    struct clock_event end; /* of the message */
};

struct virtio_snd {
    struct virtio virtio; /* first */
    struct clock *clock;
    struct virtio_snd_stream streams[VIRTIO_SND_STREAMS];
};

/* @unit: in its events' names. Must not move afterwards. */
void virtio_snd_init(struct virtio_snd *snd, const struct arm_log *log, struct physmem *mem,
                     struct clock *clock, unsigned unit);
