/*
 * USB devices (Universal Serial Bus Specification 2.0 and 3.0) as a host controller sees them:
 * control transfers of endpoint 0 stage by stage (8.5.3), and transfers of the other endpoints.
 * What a device is, is a value (struct usb_description), of which its descriptors are made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

struct state_io;
struct usb_device;

#define USB_SETUP_BYTES   8
#define USB_CONTROL_BYTES 256 /* the most that a request of ours moves */
#define USB_DIR_IN        0x80
#define USB_CLASS_HUB     9

/* As a port of xHCI names them too (xHCI 7.2.2.1.1). */
enum usb_speed { USB_FULL = 1, USB_LOW = 2, USB_HIGH = 3, USB_SUPER = 4 };

enum usb_transfer { USB_CONTROL = 0, USB_ISOCHRONOUS = 1, USB_BULK = 2, USB_INTERRUPT = 3 };

/* What an endpoint answers instead of a number of bytes. */
enum usb_answer {
    USB_NAK = -1,   /* nothing now: usb_ready() says when to ask again */
    USB_STALL = -2, /* halted, or no such request */
    USB_GONE = -3,  /* no answer */
};

struct usb_endpoint {
    uint8_t address; /* with USB_DIR_IN, or without */
    enum usb_transfer transfer;
    uint16_t max_packet;
    uint8_t interval; /* bInterval, 9.6.6 */
};

/* One configuration of one interface. */
struct usb_description {
    uint16_t vendor, product, release;
    const char *manufacturer, *name;
    enum usb_speed speed;
    bool remote_wakeup; /* it can wake the host */
    uint8_t class, subclass, protocol;
    const struct usb_endpoint *endpoints;
    const struct usb_endpoint
        *full_endpoints; /* as many, at full speed; NULL: it has not that too */
    unsigned endpoint_count;
    const uint8_t *report; /* of a HID device its report descriptor, else NULL */
    uint16_t report_bytes;
};

/* A request, 9.3. */
struct usb_request {
    uint8_t type, code;
    uint16_t value, index, length;
};

struct usb_device_ops {
    /* A request that is not a standard one. Data to the device is in @data, data of the device goes
     * there: USB_CONTROL_BYTES. Returns how many bytes, or USB_STALL. NULL: there are none. */
    int (*control)(struct usb_device *d, const struct usb_request *r, uint8_t *data);
    /* At most @n bytes, of an endpoint above 0. Fewer end the transfer, as a short packet does. */
    int (*in)(struct usb_device *d, unsigned endpoint, uint8_t *data, size_t n);
    int (*out)(struct usb_device *d, unsigned endpoint, const uint8_t *data, size_t n);
    void (*reset)(struct usb_device *d);
    void (*state)(struct state_io *io, struct usb_device *d);
    /* Of a hub, else NULL: what is behind @port, from 1 and not checked; NULL: nothing that could
     * be reached. */
    struct usb_device *(*behind)(struct usb_device *d, unsigned port);
};

enum usb_stage { USB_STAGE_NONE, USB_STAGE_IN, USB_STAGE_OUT, USB_STAGE_STALLED };

struct usb_device {
    const struct usb_device_ops *ops;
    const struct usb_description *about;
    const char *serial;
    enum usb_speed speed;   /* that it is used with */
    uint8_t port;           /* that it is plugged into, from 1 */
    struct usb_device *hub; /* of that port; NULL: it is the controller's */
    /* Of what is in a controller's port: an endpoint (an address) of it, or of what is behind it,
     * that answered USB_NAK may have another answer now. */
    void (*ready)(void *ctx, struct usb_device *d, uint8_t endpoint);
    void *ready_ctx;
    uint32_t cost; /* what it did beside moving data, as so many bytes (base/pace.h) */
    uint8_t address, configuration;
    bool wakes; /* the host wants to be woken by it */
    uint16_t halted_in, halted_out;
    struct {
        uint8_t setup[USB_SETUP_BYTES];
        enum usb_stage stage;
        uint16_t done, length;
        uint8_t data[USB_CONTROL_BYTES];
    } control;
};

void usb_init(struct usb_device *d, const struct usb_device_ops *ops,
              const struct usb_description *about, const char *serial);
void usb_reset(struct usb_device *d);
void usb_state(struct state_io *io, struct usb_device *d);

/* A control transfer begins; whatever endpoint 0 was about is over. */
void usb_setup(struct usb_device *d, const uint8_t setup[USB_SETUP_BYTES]);

/* @n bytes at most to or from an endpoint (its number): how many, or enum usb_answer. Of endpoint 0
 * the next stage of what was set up; without bytes its status stage. */
int usb_in(struct usb_device *d, unsigned endpoint, uint8_t *data, size_t n);
int usb_out(struct usb_device *d, unsigned endpoint, const uint8_t *data, size_t n);

/* For host controllers: what the Route String of a slot (USB 3.0, 8.9) leads to, from @d, which is
 * in one of their ports; NULL: nowhere. */
struct usb_device *usb_follow(struct usb_device *d, uint32_t route);

/* Its ports from the controller's on, as "1.2". */
#define USB_PATH_MAX 24
void usb_path(const struct usb_device *d, char path[USB_PATH_MAX]);

/* For host controllers: the device's cost, which then is none. */
static inline uint32_t usb_take_cost(struct usb_device *d)
{
    uint32_t cost = d->cost;

    d->cost = 0;
    return cost;
}

/* For devices: ask @endpoint (an address) again. usb_halt(): it stalls until the host clears it. */
void usb_ready(struct usb_device *d, uint8_t endpoint);
void usb_halt(struct usb_device *d, uint8_t endpoint);

/* Of devices/usb_descriptors.c: a descriptor, 9.6; its bytes, or USB_STALL. */
int usb_descriptor(const struct usb_device *d, uint8_t type, uint8_t index,
                   uint8_t data[USB_CONTROL_BYTES]);
