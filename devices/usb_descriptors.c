/* Descriptors (USB 2.0 and 3.0, 9.6), made of what a device is. */
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "devices/usb.h"

enum {
    DEVICE = 1,
    CONFIGURATION = 2,
    STRING = 3,
    INTERFACE = 4,
    ENDPOINT = 5,
    BOS = 15,
    DEVICE_CAPABILITY = 16,
    HID = 0x21,
    HID_REPORT = 0x22,
    COMPANION = 0x30,
};

enum { STRING_LANGUAGES, STRING_MANUFACTURER, STRING_NAME, STRING_SERIAL };

#define ENGLISH        0x0409
#define SELF_POWERED   0xc0
#define REMOTE_WAKEUP  0x20
#define MILLIAMPERES_2 50 /* 100 mA */
#define SUPER_PACKET0  9  /* log2 of 512 */
#define SUPER_BURST    0

/* What is being written. */
struct writer {
    uint8_t *data;
    unsigned at;
};

static void put(struct writer *w, unsigned bytes, uint64_t v)
{
    CHECK(w->at + bytes <= USB_CONTROL_BYTES);
    le_put(w->data + w->at, bytes, v);
    w->at += bytes;
}

static void begin(struct writer *w, unsigned bytes, uint8_t type)
{
    put(w, 1, bytes);
    put(w, 1, type);
}

static bool is_super(const struct usb_description *a)
{
    return a->speed == USB_SUPER;
}

static void device(struct writer *w, const struct usb_device *d)
{
    const struct usb_description *a = d->about;

    begin(w, 18, DEVICE);
    put(w, 2, is_super(a) ? 0x0300 : a->speed == USB_FULL ? 0x0110 : 0x0200);
    put(w, 1, a->class == USB_CLASS_HUB ? a->class : 0); /* else the interface says it */
    put(w, 2, 0);
    put(w, 1, is_super(a) ? SUPER_PACKET0 : 64);
    put(w, 2, a->vendor);
    put(w, 2, a->product);
    put(w, 2, a->release);
    put(w, 1, STRING_MANUFACTURER);
    put(w, 1, STRING_NAME);
    put(w, 1, STRING_SERIAL);
    put(w, 1, 1); /* configuration */
}

/* Device Class Definition for HID 1.11, 6.2.1 */
static void hid(struct writer *w, const struct usb_description *a)
{
    begin(w, 9, HID);
    put(w, 2, 0x0111);
    put(w, 1, 0); /* country */
    put(w, 1, 1);
    put(w, 1, HID_REPORT);
    put(w, 2, a->report_bytes);
}

static void endpoint(struct writer *w, const struct usb_description *a,
                     const struct usb_endpoint *e)
{
    begin(w, 7, ENDPOINT);
    put(w, 1, e->address);
    put(w, 1, e->transfer);
    put(w, 2, e->max_packet);
    put(w, 1, e->interval);
    if (!is_super(a))
        return;
    begin(w, 6, COMPANION);
    put(w, 1, SUPER_BURST);
    put(w, 1, 0);
    put(w, 2, e->transfer == USB_INTERRUPT ? e->max_packet : 0);
}

static void configuration(struct writer *w, const struct usb_device *d)
{
    const struct usb_description *a = d->about;

    begin(w, 9, CONFIGURATION);
    put(w, 2, 0); /* the length of all, below */
    put(w, 1, 1); /* interface */
    put(w, 1, 1); /* its number */
    put(w, 1, 0);
    put(w, 1, SELF_POWERED | (a->remote_wakeup ? REMOTE_WAKEUP : 0));
    put(w, 1, MILLIAMPERES_2);
    begin(w, 9, INTERFACE);
    put(w, 2, 0); /* number, alternate setting */
    put(w, 1, a->endpoint_count);
    put(w, 1, a->class);
    put(w, 1, a->subclass);
    put(w, 1, a->protocol);
    put(w, 1, 0);
    if (a->report)
        hid(w, a);
    for (unsigned i = 0; i < a->endpoint_count; i++)
        endpoint(w, a, d->speed == a->speed ? &a->endpoints[i] : &a->full_endpoints[i]);
    le_put(w->data + 2, 2, w->at);
}

/* USB 3.0, 9.6.2: USB 2.0 extension without LPM, and SuperSpeed without U1 and U2. */
static void object_store(struct writer *w)
{
    begin(w, 5, BOS);
    put(w, 2, 5 + 7 + 10);
    put(w, 1, 2);
    begin(w, 7, DEVICE_CAPABILITY);
    put(w, 1, 2);
    put(w, 4, 0);
    begin(w, 10, DEVICE_CAPABILITY);
    put(w, 1, 3);
    put(w, 1, 0);
    put(w, 2, 0x000e); /* full, high and super speed */
    put(w, 1, 1);      /* all of it is there from full speed on */
    put(w, 3, 0);
}

static void string(struct writer *w, const char *text)
{
    size_t n = strnlen(text, (USB_CONTROL_BYTES - 2) / 2 - 1);

    begin(w, (unsigned)(2 + 2 * n), STRING);
    for (size_t i = 0; i < n; i++)
        put(w, 2, (uint8_t)text[i]);
}

int usb_descriptor(const struct usb_device *d, uint8_t type, uint8_t index,
                   uint8_t data[USB_CONTROL_BYTES])
{
    const struct usb_description *a = d->about;
    const char *const strings[] = {[STRING_MANUFACTURER] = a->manufacturer,
                                   [STRING_NAME] = a->name,
                                   [STRING_SERIAL] = d->serial};
    struct writer w = {data, 0};

    if (type == DEVICE)
        device(&w, d);
    else if (type == CONFIGURATION && index == 0)
        configuration(&w, d);
    else if (type == BOS && is_super(a))
        object_store(&w);
    else if (type == STRING && index == STRING_LANGUAGES) {
        begin(&w, 4, STRING);
        put(&w, 2, ENGLISH);
    } else if (type == STRING && index < ARRAY_SIZE(strings) && strings[index])
        string(&w, strings[index]);
    else if (type == HID && a->report)
        hid(&w, a);
    else if (type == HID_REPORT && a->report) {
        CHECK(a->report_bytes <= USB_CONTROL_BYTES);
        memcpy(data, a->report, a->report_bytes);
        w.at = a->report_bytes;
    }
    return w.at ? (int)w.at : USB_STALL;
}
