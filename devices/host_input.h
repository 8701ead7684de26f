/*
 * What comes from the host's keyboard and pointer, and which device of the board shows it to the
 * guest: one list, whatever the devices are (virtio, USB). Types and codes are those of Linux's
 * input events (input-event-codes.h), which virtio uses too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_input_type {
    HOST_INPUT_SYN = 0, /* ends a group; devices add it themselves */
    HOST_INPUT_KEY = 1, /* value 1: pressed, 0: released */
    HOST_INPUT_REL = 2,
    HOST_INPUT_ABS = 3, /* 0..HOST_INPUT_ABS_MAX, from the left or the top */
    HOST_INPUT_LED = 0x11,
    HOST_INPUT_REP = 0x14,
};

/* Codes. Keys below the buttons are a keyboard's. */
enum {
    HOST_INPUT_X = 0, /* of HOST_INPUT_REL and HOST_INPUT_ABS */
    HOST_INPUT_Y = 1,
    HOST_INPUT_WHEEL = 8, /* of HOST_INPUT_REL: 1 is a notch up */
    HOST_INPUT_BUTTON_LEFT = 0x110,
    HOST_INPUT_BUTTON_RIGHT = 0x111,
    HOST_INPUT_BUTTON_MIDDLE = 0x112,
    HOST_INPUT_BUTTON_EXTRA = 0x114, /* the last one */
};

#define HOST_INPUT_ABS_MAX   0x7fff
#define HOST_INPUT_GROUP_MAX 16 /* events that came together */

struct host_input_event {
    uint16_t type, code;
    int32_t value;
};

/* What a device takes, and what a group of events needs one of. */
#define HOST_INPUT_KEYBOARD 1
#define HOST_INPUT_RELATIVE 2 /* a mouse */
#define HOST_INPUT_ABSOLUTE 4 /* a tablet */

/* A device that takes events; it must not move. */
struct host_input_device {
    unsigned takes; /* HOST_INPUT_KEYBOARD ... */
    /* 1 <= @count <= HOST_INPUT_GROUP_MAX, of kinds that it takes. False: not now, for the guest
     * does not use it or has no room. */
    bool (*receive)(void *ctx, const struct host_input_event *group, unsigned count);
    void *ctx;
    struct host_input_device *next; /* the list's */
};

struct host_input {
    struct host_input_device *first;
};

/* Behind those that are there already. */
void host_input_add(struct host_input *input, struct host_input_device *device);

/* Give a group to the first device that takes it. False: none does now. */
bool host_input_give(const struct host_input *input, const struct host_input_event *group,
                     unsigned count);

/* As bytes, which a log of input can hold: le16 type, le16 code, le32 value each. False: also if
 * @size is none of a group's. */
#define HOST_INPUT_EVENT_BYTES 8
bool host_input_give_bytes(const struct host_input *input, const uint8_t *bytes, size_t size);
