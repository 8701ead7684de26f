#include "devices/usb_hid.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

/* Class requests, 7.2 */
enum {
    GET_REPORT = 1,
    GET_IDLE = 2,
    GET_PROTOCOL = 3,
    SET_REPORT = 9,
    SET_IDLE = 10,
    SET_PROTOCOL = 11,
};
#define OF_INTERFACE 0xa1
#define TO_INTERFACE 0x21

#define REPORTS         1 /* the endpoint */
#define FIRST_MODIFIER  0xe0
#define ERROR_ROLL_OVER 0x01
#define STEP_MAX        127 /* of a mouse, in one report */

#define BUTTONS 3

/* Report descriptors, 6.2.2. Keyboard and mouse: as Appendix B has those of boot devices, the mouse
 * with a wheel behind that. */
static const uint8_t keyboard_report[] = {
    0x05, 0x01,       /* Usage Page (Generic Desktop) */
    0x09, 0x06,       /* Usage (Keyboard) */
    0xa1, 0x01,       /* Collection (Application) */
    0x05, 0x07,       /*   Usage Page (Keyboard) */
    0x19, 0xe0,       /*   Usage Minimum (Left Control) */
    0x29, 0xe7,       /*   Usage Maximum (Right GUI) */
    0x15, 0x00,       /*   Logical Minimum (0) */
    0x25, 0x01,       /*   Logical Maximum (1) */
    0x75, 0x01,       /*   Report Size (1) */
    0x95, 0x08,       /*   Report Count (8) */
    0x81, 0x02,       /*   Input (Data, Variable, Absolute): modifiers */
    0x95, 0x01,       /*   Report Count (1) */
    0x75, 0x08,       /*   Report Size (8) */
    0x81, 0x01,       /*   Input (Constant) */
    0x95, 0x05,       /*   Report Count (5) */
    0x75, 0x01,       /*   Report Size (1) */
    0x05, 0x08,       /*   Usage Page (LEDs) */
    0x19, 0x01,       /*   Usage Minimum (1) */
    0x29, 0x05,       /*   Usage Maximum (5) */
    0x91, 0x02,       /*   Output (Data, Variable, Absolute): LEDs */
    0x95, 0x01,       /*   Report Count (1) */
    0x75, 0x03,       /*   Report Size (3) */
    0x91, 0x01,       /*   Output (Constant) */
    0x95, 0x06,       /*   Report Count (6) */
    0x75, 0x08,       /*   Report Size (8) */
    0x15, 0x00,       /*   Logical Minimum (0) */
    0x26, 0xff, 0x00, /* Logical Maximum (255) */
    0x05, 0x07,       /*   Usage Page (Keyboard) */
    0x19, 0x00,       /*   Usage Minimum (0) */
    0x2a, 0xff, 0x00, /* Usage Maximum (255) */
    0x81, 0x00,       /*   Input (Data, Array): keys */
    0xc0,             /* End Collection */
};

/* What pointers begin with: three buttons and five bits of nothing. */
#define POINTER_BUTTONS                                                                            \
    0x05, 0x01,     /* Usage Page (Generic Desktop) */                                             \
        0x09, 0x02, /* Usage (Mouse) */                                                            \
        0xa1, 0x01, /* Collection (Application) */                                                 \
        0x09, 0x01, /*   Usage (Pointer) */                                                        \
        0xa1, 0x00, /*   Collection (Physical) */                                                  \
        0x05, 0x09, /*     Usage Page (Button) */                                                  \
        0x19, 0x01, /*     Usage Minimum (1) */                                                    \
        0x29, 0x03, /*     Usage Maximum (3) */                                                    \
        0x15, 0x00, /*     Logical Minimum (0) */                                                  \
        0x25, 0x01, /*     Logical Maximum (1) */                                                  \
        0x95, 0x03, /*     Report Count (3) */                                                     \
        0x75, 0x01, /*     Report Size (1) */                                                      \
        0x81, 0x02, /*     Input (Data, Variable, Absolute) */                                     \
        0x95, 0x01, /*     Report Count (1) */                                                     \
        0x75, 0x05, /*     Report Size (5) */                                                      \
        0x81, 0x01, /*     Input (Constant) */                                                     \
        0x05, 0x01, /*     Usage Page (Generic Desktop) */                                         \
        0x09, 0x30, /*     Usage (X) */                                                            \
        0x09, 0x31  /*     Usage (Y) */

static const uint8_t mouse_report[] = {
    POINTER_BUTTONS,
    0x09,
    0x38, /*     Usage (Wheel) */
    0x15,
    0x81, /*     Logical Minimum (-127) */
    0x25,
    0x7f, /*     Logical Maximum (127) */
    0x75,
    0x08, /*     Report Size (8) */
    0x95,
    0x03, /*     Report Count (3) */
    0x81,
    0x06, /*     Input (Data, Variable, Relative) */
    0xc0, /*   End Collection */
    0xc0, /* End Collection */
};

static const uint8_t tablet_report[] = {
    POINTER_BUTTONS,
    0x15,
    0x00, /*     Logical Minimum (0) */
    0x26,
    0xff,
    0x7f, /* Logical Maximum (32767) */
    0x35,
    0x00, /*     Physical Minimum (0) */
    0x46,
    0xff,
    0x7f, /* Physical Maximum (32767) */
    0x75,
    0x10, /*     Report Size (16) */
    0x95,
    0x02, /*     Report Count (2) */
    0x81,
    0x02, /*     Input (Data, Variable, Absolute) */
    0x09,
    0x38, /*     Usage (Wheel) */
    0x15,
    0x81, /*     Logical Minimum (-127) */
    0x25,
    0x7f, /*     Logical Maximum (127) */
    0x35,
    0x00, /*     Physical Minimum (0): as the logical ones */
    0x45,
    0x00, /*     Physical Maximum (0) */
    0x75,
    0x08, /*     Report Size (8) */
    0x95,
    0x01, /*     Report Count (1) */
    0x81,
    0x06, /*     Input (Data, Variable, Relative) */
    0xc0, /*   End Collection */
    0xc0, /* End Collection */
};

/* Every 8 ms: 2 to the 6th microframes, 9.6.6. */
static const struct usb_endpoint endpoint = {REPORTS | USB_DIR_IN, USB_INTERRUPT,
                                             USB_HID_REPORT_MAX, 7};
static const struct usb_endpoint full_endpoint = {REPORTS | USB_DIR_IN, USB_INTERRUPT,
                                                  USB_HID_REPORT_MAX, 10}; /* ms */

/* Names and numbers are QEMU's: guests have lists of them. */
#define HID(kind, product_name, sub, proto)                                                        \
    {                                                                                              \
        .vendor = 0x0627, .product = 0x0001, .manufacturer = "QEMU",                               \
        .name = "QEMU USB " product_name, .speed = USB_HIGH, .remote_wakeup = true, .class = 3,    \
        .subclass = sub, .protocol = proto, .endpoints = &endpoint,                                \
        .full_endpoints = &full_endpoint, .endpoint_count = 1, .report = kind##_report,            \
        .report_bytes = sizeof(kind##_report)                                                      \
    }
static const struct usb_description descriptions[] = {
    [USB_KEYBOARD] = HID(keyboard, "Keyboard", 1, 1),
    [USB_MOUSE] = HID(mouse, "Mouse", 1, 2),
    [USB_TABLET] = HID(tablet, "Tablet", 0, 0),
};
#undef HID

static const uint8_t usages[] = {
#define USB_KEY(code, usage, name) [code] = (usage),
#include "include/usb_keys.def"
#undef USB_KEY
};

static struct usb_hid *to_hid(struct usb_device *d)
{
    return (struct usb_hid *)d;
}

static struct usb_hid_event *queued(struct usb_hid *h, unsigned n)
{
    return &h->queue[(h->first + n) % USB_HID_QUEUE];
}

/* ---- events in ---- */

static int32_t limited(int32_t v, int32_t max)
{
    return v < -max ? -max : v > max ? max : v;
}

static bool receive_keys(struct usb_hid *h, const struct host_input_event *group, unsigned count)
{
    if (count > (unsigned)(USB_HID_QUEUE - h->count))
        return false;
    for (unsigned i = 0; i < count; i++) {
        uint8_t usage = group[i].code < ARRAY_SIZE(usages) ? usages[group[i].code] : 0;
        if (usage)
            *queued(h, h->count++) =
                (struct usb_hid_event){.usage = usage, .down = group[i].value != 0};
    }
    return true;
}

/* Where a tablet is with what waits; a mouse begins anew. */
static struct usb_hid_event pointer(struct usb_hid *h)
{
    struct usb_hid_event e = {.buttons = h->now};

    if (h->kind == USB_TABLET) {
        e.x = h->count ? queued(h, h->count - 1u)->x : h->x;
        e.y = h->count ? queued(h, h->count - 1u)->y : h->y;
    }
    return e;
}

static void apply(struct usb_hid_event *e, const struct host_input_event *from)
{
    unsigned button = from->code - HOST_INPUT_BUTTON_LEFT;

    if (from->type == HOST_INPUT_KEY && button < BUTTONS)
        e->buttons = (uint8_t)set_bits(e->buttons, button, button, from->value != 0);
    else if (from->type == HOST_INPUT_REL && from->code == HOST_INPUT_WHEEL)
        e->wheel = limited(from->value, INT16_MAX);
    else if (from->type != HOST_INPUT_KEY && from->code == HOST_INPUT_X)
        e->x = limited(from->value, INT16_MAX);
    else if (from->type != HOST_INPUT_KEY && from->code == HOST_INPUT_Y)
        e->y = limited(from->value, INT16_MAX);
}

/* Moves between two changes of buttons need no report each. */
static bool merge(struct usb_hid *h, const struct usb_hid_event *e)
{
    struct usb_hid_event *last = h->count > 1 ? queued(h, h->count - 1u) : NULL;

    if (!last || last->buttons != e->buttons || last->wheel || e->wheel)
        return false;
    last->x = h->kind == USB_MOUSE ? limited(last->x + e->x, INT16_MAX) : e->x;
    last->y = h->kind == USB_MOUSE ? limited(last->y + e->y, INT16_MAX) : e->y;
    return true;
}

static bool receive_pointer(struct usb_hid *h, const struct host_input_event *group, unsigned count)
{
    struct usb_hid_event e = pointer(h);

    for (unsigned i = 0; i < count; i++)
        apply(&e, &group[i]);
    if (!merge(h, &e)) {
        if (h->count == USB_HID_QUEUE)
            return false;
        *queued(h, h->count++) = e;
    }
    h->now = e.buttons;
    return true;
}

static bool receive(void *ctx, const struct host_input_event *group, unsigned count)
{
    struct usb_hid *h = ctx;

    if (!h->usb.configuration)
        return false;
    if (h->kind == USB_KEYBOARD ? !receive_keys(h, group, count)
                                : !receive_pointer(h, group, count))
        return false;
    if (h->count)
        usb_ready(&h->usb, REPORTS | USB_DIR_IN);
    return true;
}

/* ---- reports out ---- */

static void take_key(struct usb_hid *h, const struct usb_hid_event *e)
{
    unsigned bit = e->usage % 32, word = e->usage / 32;
    unsigned n = 0;

    if (e->usage >= FIRST_MODIFIER) {
        h->modifiers = (uint8_t)set_bits(h->modifiers, e->usage - FIRST_MODIFIER,
                                         e->usage - FIRST_MODIFIER, e->down);
        return;
    }
    h->down[word] = (uint32_t)set_bits(h->down[word], bit, bit, e->down);
    memset(h->keys, 0, sizeof(h->keys));
    for (unsigned usage = 0; usage < 256; usage++)
        if (h->down[usage / 32] >> usage % 32 & 1) {
            if (n < USB_HID_KEYS)
                h->keys[n] = (uint8_t)usage;
            n++;
        }
    if (n > USB_HID_KEYS)
        memset(h->keys, ERROR_ROLL_OVER, sizeof(h->keys));
}

/* What a report can say of the way; the rest is for the next one. */
static int32_t step(int32_t *left)
{
    int32_t n = limited(*left, STEP_MAX);

    *left -= n;
    return n;
}

/* The first event goes into what the host is told; true: all of it does. */
static bool take_event(struct usb_hid *h)
{
    struct usb_hid_event *e = queued(h, 0);

    if (h->kind == USB_KEYBOARD) {
        take_key(h, e);
        return true;
    }
    h->buttons = e->buttons;
    h->wheel = step(&e->wheel);
    if (h->kind == USB_MOUSE) {
        h->x = step(&e->x);
        h->y = step(&e->y);
        return !e->x && !e->y && !e->wheel;
    }
    h->x = e->x;
    h->y = e->y;
    return !e->wheel;
}

static size_t report(const struct usb_hid *h, uint8_t to[USB_HID_REPORT_MAX])
{
    switch (h->kind) {
    case USB_KEYBOARD:
        to[0] = h->modifiers;
        to[1] = 0;
        memcpy(to + 2, h->keys, USB_HID_KEYS);
        return 8;
    case USB_MOUSE:
        to[0] = h->buttons;
        to[1] = (uint8_t)h->x;
        to[2] = (uint8_t)h->y;
        to[3] = (uint8_t)h->wheel;
        return h->boot ? 3 : 4;
    case USB_TABLET:
        to[0] = h->buttons;
        le_put(to + 1, 2, (uint16_t)h->x);
        le_put(to + 3, 2, (uint16_t)h->y);
        to[5] = (uint8_t)h->wheel;
        return 6;
    }
    return 0;
}

static int in(struct usb_device *d, unsigned number, uint8_t *data, size_t n)
{
    struct usb_hid *h = to_hid(d);
    uint8_t bytes[USB_HID_REPORT_MAX];
    size_t length;

    (void)number; /* there is one */
    if (!h->count)
        return USB_NAK;
    if (take_event(h)) {
        h->first = (h->first + 1) % USB_HID_QUEUE;
        h->count--;
    }
    length = report(h, bytes);
    n = n < length ? n : length;
    memcpy(data, bytes, n);
    return (int)n;
}

static int out(struct usb_device *d, unsigned number, const uint8_t *data, size_t n)
{
    (void)d, (void)number, (void)data, (void)n;
    return USB_STALL; /* there is no such endpoint */
}

static int answer(uint8_t *data, uint8_t value)
{
    *data = value;
    return 1;
}

static int control(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    struct usb_hid *h = to_hid(d);

    if (r->type == OF_INTERFACE) {
        switch (r->code) {
        case GET_REPORT:
            return (int)report(h, data);
        case GET_IDLE:
            return answer(data, h->idle);
        case GET_PROTOCOL:
            return answer(data, !h->boot);
        }
    } else if (r->type == TO_INTERFACE) {
        switch (r->code) {
        case SET_REPORT:
            if (h->kind != USB_KEYBOARD || r->length < 1)
                return USB_STALL;
            h->leds = data[0];
            return 0;
        case SET_IDLE: /* Differs: kept, but reports are made of changes only */
            h->idle = (uint8_t)(r->value >> 8);
            return 0;
        case SET_PROTOCOL:
            if (h->kind == USB_TABLET || r->value > 1)
                return USB_STALL;
            h->boot = r->value == 0;
            return 0;
        }
    }
    return USB_STALL;
}

/* Nothing is down, and what the host has not been told of is not told any more. */
static void reset(struct usb_device *d)
{
    struct usb_hid *h = to_hid(d);

    h->boot = false;
    h->idle = h->leds = 0;
    h->first = h->count = 0;
    h->modifiers = h->buttons = h->now = 0;
    memset(h->keys, 0, sizeof(h->keys));
    memset(h->down, 0, sizeof(h->down));
    h->x = h->y = h->wheel = 0;
}

static void event_state(struct state_io *io, struct usb_hid_event *e)
{
    STATE(io, e->usage);
    STATE(io, e->buttons);
    STATE(io, e->down);
    STATE(io, e->x);
    STATE(io, e->y);
    STATE(io, e->wheel);
    state_require(io,
                  e->x == limited(e->x, INT16_MAX) && e->y == limited(e->y, INT16_MAX) &&
                      e->wheel == limited(e->wheel, INT16_MAX),
                  "e->x");
}

static void state(struct state_io *io, struct usb_device *d)
{
    struct usb_hid *h = to_hid(d);

    STATE(io, h->first);
    STATE(io, h->count);
    for (unsigned n = 0; n < USB_HID_QUEUE; n++)
        event_state(io, &h->queue[n]);
    STATE(io, h->modifiers);
    STATE_ARRAY(io, h->keys);
    STATE(io, h->buttons);
    STATE_ARRAY(io, h->down);
    STATE(io, h->x);
    STATE(io, h->y);
    STATE(io, h->wheel);
    STATE(io, h->boot);
    STATE(io, h->idle);
    STATE(io, h->leds);
    STATE(io, h->now);
    state_require(io, h->first < USB_HID_QUEUE, "h->first");
    state_require(io, h->count <= USB_HID_QUEUE, "h->count");
}

static const struct usb_device_ops ops = {
    .control = control, .in = in, .out = out, .reset = reset, .state = state};

void usb_hid_init(struct usb_hid *h, enum usb_hid_kind kind)
{
    static const unsigned takes[] = {
        [USB_KEYBOARD] = HOST_INPUT_KEYBOARD,
        [USB_MOUSE] = HOST_INPUT_RELATIVE,
        [USB_TABLET] = HOST_INPUT_ABSOLUTE,
    };

    *h = (struct usb_hid){.kind = kind, .host = {takes[kind], receive, h, NULL}};
    usb_init(&h->usb, &ops, &descriptions[kind], "1");
}
