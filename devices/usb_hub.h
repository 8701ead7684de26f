/*
 * A USB hub of full speed with eight ports (Universal Serial Bus Specification 2.0, chapter 11).
 * Devices of high speed work behind it too, at full speed.
 */
#pragma once

#include "armillary.h"
#include "devices/usb.h"

#define USB_HUB_PORTS ARM_USB_HUB_PORTS
#define USB_HUBS_DEEP 5 /* in a row, 4.1.1 */

struct usb_hub_port {
    uint16_t status, change;   /* 11.24.2.7 */
    struct usb_device *device; /* NULL: nothing is plugged in; not owned */
};

struct usb_hub {
    struct usb_device usb; /* first */
    struct usb_hub_port ports[USB_HUB_PORTS];
    bool told; /* the host knows that something has changed, and has not done anything about it */
};

/* Must not move afterwards. */
void usb_hub_init(struct usb_hub *h);

/* Plug @device in, which outlives @h. The hub itself is plugged in before. @port: 1 to
 * USB_HUB_PORTS, or 0: the first free one. False: there is none, one is there already, @device has
 * no full speed, or is a hub behind USB_HUBS_DEEP others. */
bool usb_hub_plug(struct usb_hub *h, struct usb_device *device, unsigned port);
