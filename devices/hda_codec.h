/*
 * A codec on the link of High Definition Audio (High Definition Audio Specification 1.0a, 7):
 * converters and pins as QEMU's hda-output, hda-duplex and hda-micro have them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct state_io;

#define HDA_NODES 6 /* the root and the function group among them */

enum hda_codec_kind { HDA_OUTPUT, HDA_DUPLEX, HDA_MICRO };

/* What the driver has set of a node. */
struct hda_node_state {
    uint16_t format;
    uint8_t gain[2]; /* left, right; with the mute bit */
    uint8_t stream;  /* and channel */
    uint8_t pin, power, unsolicited, eapd;
};

struct hda_codec {
    enum hda_codec_kind kind;
    struct hda_node_state nodes[HDA_NODES];
};

void hda_codec_init(struct hda_codec *c, enum hda_codec_kind kind);

/* Do the command of bits [27:0], 7.3: node and verb. Return: the response. */
uint32_t hda_codec_command(struct hda_codec *c, uint32_t command);

/* The controller resets the link. */
void hda_codec_reset(struct hda_codec *c);

void hda_codec_state(struct state_io *io, struct hda_codec *c);
