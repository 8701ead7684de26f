/*
 * A USB keyboard, mouse or tablet (Device Class Definition for HID 1.11): a boot keyboard, a boot
 * mouse with a wheel, and a pointer with absolute places. Each report tells one event, so that none
 * that fits in the queue is lost, however rarely the host asks.
 */
#pragma once

#include "devices/host_input.h"
#include "devices/usb.h"

#define USB_HID_QUEUE      64
#define USB_HID_KEYS       6 /* at once, as the boot protocol has it */
#define USB_HID_REPORT_MAX 8

enum usb_hid_kind { USB_KEYBOARD, USB_MOUSE, USB_TABLET };

/* What happened: a key or button and whether it is down now, or where the pointer went. */
struct usb_hid_event {
    uint8_t usage; /* of a key; 0: the pointer */
    uint8_t
        buttons; /* of the pointer, all that are down: BIT(0) left, BIT(1) right, BIT(2) middle */
    bool down;
    int32_t x, y, wheel; /* distances, or a tablet's place */
};

struct usb_hid {
    struct usb_device usb; /* first */
    struct host_input_device host;
    enum usb_hid_kind kind;
    struct usb_hid_event queue[USB_HID_QUEUE];
    uint8_t first, count;
    /* What the host knows: what has been reported. */
    uint8_t modifiers, keys[USB_HID_KEYS], buttons;
    uint32_t down[256 / 32];
    int32_t x, y, wheel;
    bool boot; /* the boot protocol, 7.2.6 */
    uint8_t idle, leds;
    uint8_t now; /* buttons that are down, also those not reported yet */
};

/* Must not move afterwards. Its .host is for host_input_add(). */
void usb_hid_init(struct usb_hid *h, enum usb_hid_kind kind);
