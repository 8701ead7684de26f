#include "devices/usb.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

/* Standard requests, 9.4; the last two are USB 3.0's. */
enum {
    GET_STATUS = 0,
    CLEAR_FEATURE = 1,
    SET_FEATURE = 3,
    SET_ADDRESS = 5,
    GET_DESCRIPTOR = 6,
    GET_CONFIGURATION = 8,
    SET_CONFIGURATION = 9,
    GET_INTERFACE = 10,
    SET_INTERFACE = 11,
    SET_SEL = 48,
    SET_ISOCH_DELAY = 49,
};

/* bmRequestType, 9.3 */
enum { TO_DEVICE = 0x00, TO_INTERFACE = 0x01, TO_ENDPOINT = 0x02 };
enum { OF_DEVICE = 0x80, OF_INTERFACE = 0x81, OF_ENDPOINT = 0x82 };

enum { FEATURE_ENDPOINT_HALT = 0, FEATURE_REMOTE_WAKEUP = 1 };
#define STATUS_SELF_POWERED 1
#define STATUS_WAKES        2

void usb_init(struct usb_device *d, const struct usb_device_ops *ops,
              const struct usb_description *about, const char *serial)
{
    d->ops = ops;
    d->about = about;
    d->speed = about->speed;
    d->serial = serial;
    usb_reset(d);
}

void usb_reset(struct usb_device *d)
{
    d->address = 0;
    d->configuration = 0;
    d->wakes = false;
    d->halted_in = d->halted_out = 0;
    memset(&d->control, 0, sizeof(d->control));
    if (d->ops->reset)
        d->ops->reset(d);
}

void usb_ready(struct usb_device *d, uint8_t endpoint)
{
    const struct usb_device *root = d;

    while (root->hub)
        root = root->hub;
    if (root->ready)
        root->ready(root->ready_ctx, d, endpoint);
}

/* No step leads to the controller's own ports, whose number is not in a route. */
struct usb_device *usb_follow(struct usb_device *d, uint32_t route)
{
    for (; d && route; route >>= 4)
        d = d->ops->behind ? d->ops->behind(d, route & 15) : NULL;
    return d;
}

void usb_path(const struct usb_device *d, char path[USB_PATH_MAX])
{
    size_t n = 0;

    if (d->hub) {
        usb_path(d->hub, path);
        n = strlen(path);
        path[n++] = '.';
    }
    snprintf(path + n, USB_PATH_MAX - n, "%u", d->port);
}

static uint16_t *halted(struct usb_device *d, uint8_t endpoint)
{
    return endpoint & USB_DIR_IN ? &d->halted_in : &d->halted_out;
}

void usb_halt(struct usb_device *d, uint8_t endpoint)
{
    *halted(d, endpoint) |= (uint16_t)BIT(endpoint & 15);
}

static bool has_endpoint(const struct usb_device *d, uint8_t address)
{
    for (unsigned i = 0; i < d->about->endpoint_count; i++)
        if (d->about->endpoints[i].address == address)
            return d->configuration;
    return (address & ~USB_DIR_IN) == 0;
}

/* ---- standard requests: how many bytes of data, or USB_STALL ---- */

typedef int request_fn(struct usb_device *d, const struct usb_request *r, uint8_t *data);

static int answer(uint8_t *data, unsigned bytes, unsigned value)
{
    le_put(data, bytes, value);
    return (int)bytes;
}

static int get_device_status(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)r;
    return answer(data, 2, STATUS_SELF_POWERED | (d->wakes ? STATUS_WAKES : 0));
}

static int get_interface_status(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)d, (void)r;
    return answer(data, 2, 0);
}

static int get_endpoint_status(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    uint8_t endpoint = (uint8_t)r->index;

    if (!has_endpoint(d, endpoint))
        return USB_STALL;
    return answer(data, 2, *halted(d, endpoint) >> (endpoint & 15) & 1);
}

/* Features of USB 3.0, such as U1 and U2, change nothing here. */
static int feature_of_device(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)data;
    if (r->value == FEATURE_REMOTE_WAKEUP) {
        if (!d->about->remote_wakeup)
            return USB_STALL;
        d->wakes = r->code == SET_FEATURE;
        return 0;
    }
    return d->speed == USB_SUPER ? 0 : USB_STALL;
}

static int feature_of_interface(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)r, (void)data;
    return d->speed == USB_SUPER ? 0 : USB_STALL;
}

static int feature_of_endpoint(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    uint8_t endpoint = (uint8_t)r->index;

    (void)data;
    if (r->value != FEATURE_ENDPOINT_HALT || !has_endpoint(d, endpoint))
        return USB_STALL;
    if (r->code == SET_FEATURE)
        usb_halt(d, endpoint);
    else
        *halted(d, endpoint) &= (uint16_t)~BIT(endpoint & 15);
    return 0;
}

static int set_address(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)data;
    if (r->value > 127)
        return USB_STALL;
    d->address = (uint8_t)r->value;
    return 0;
}

static int get_descriptor(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    return usb_descriptor(d, (uint8_t)(r->value >> 8), (uint8_t)r->value, data);
}

static int get_configuration(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)r;
    return answer(data, 1, d->configuration);
}

static int set_configuration(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)data;
    if (r->value > 1)
        return USB_STALL;
    d->configuration = (uint8_t)r->value;
    d->halted_in = d->halted_out = 0;
    return 0;
}

static int get_interface(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    return d->configuration && !r->index ? answer(data, 1, 0) : USB_STALL;
}

static int set_interface(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)data;
    return d->configuration && !r->index && !r->value ? 0 : USB_STALL;
}

static int accept_super(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    (void)r, (void)data;
    return d->speed == USB_SUPER ? 0 : USB_STALL;
}

static const struct {
    uint8_t type, code;
    request_fn *fn;
} requests[] = {
    {OF_DEVICE, GET_STATUS, get_device_status},
    {OF_INTERFACE, GET_STATUS, get_interface_status},
    {OF_ENDPOINT, GET_STATUS, get_endpoint_status},
    {TO_DEVICE, CLEAR_FEATURE, feature_of_device},
    {TO_INTERFACE, CLEAR_FEATURE, feature_of_interface},
    {TO_ENDPOINT, CLEAR_FEATURE, feature_of_endpoint},
    {TO_DEVICE, SET_FEATURE, feature_of_device},
    {TO_INTERFACE, SET_FEATURE, feature_of_interface},
    {TO_ENDPOINT, SET_FEATURE, feature_of_endpoint},
    {TO_DEVICE, SET_ADDRESS, set_address},
    {OF_DEVICE, GET_DESCRIPTOR, get_descriptor},
    {OF_INTERFACE, GET_DESCRIPTOR, get_descriptor},
    {OF_DEVICE, GET_CONFIGURATION, get_configuration},
    {TO_DEVICE, SET_CONFIGURATION, set_configuration},
    {OF_INTERFACE, GET_INTERFACE, get_interface},
    {TO_INTERFACE, SET_INTERFACE, set_interface},
    {TO_DEVICE, SET_SEL, accept_super},
    {TO_DEVICE, SET_ISOCH_DELAY, accept_super},
};

static struct usb_request parse(const uint8_t setup[USB_SETUP_BYTES])
{
    return (struct usb_request){.type = setup[0],
                                .code = setup[1],
                                .value = (uint16_t)le_get(setup + 2, 2),
                                .index = (uint16_t)le_get(setup + 4, 2),
                                .length = (uint16_t)le_get(setup + 6, 2)};
}

static int request(struct usb_device *d, const struct usb_request *r)
{
    for (size_t k = 0; k < ARRAY_SIZE(requests); k++)
        if (requests[k].type == r->type && requests[k].code == r->code)
            return requests[k].fn(d, r, d->control.data);
    return d->ops->control ? d->ops->control(d, r, d->control.data) : USB_STALL;
}

/* ---- control transfers, 8.5.3 ---- */

/* What is asked for is answered at once; what is told is acted on in the status stage. */
void usb_setup(struct usb_device *d, const uint8_t setup[USB_SETUP_BYTES])
{
    const struct usb_request r = parse(setup);
    int n;

    memcpy(d->control.setup, setup, USB_SETUP_BYTES);
    d->control.done = 0;
    d->control.length = r.length;
    if (r.type & USB_DIR_IN) {
        n = request(d, &r);
        d->control.stage = n < 0 ? USB_STAGE_STALLED : USB_STAGE_IN;
        if (n >= 0 && n < r.length)
            d->control.length = (uint16_t)n;
    } else {
        d->control.stage = r.length > USB_CONTROL_BYTES ? USB_STAGE_STALLED : USB_STAGE_OUT;
    }
}

static int control_status(struct usb_device *d)
{
    const struct usb_request r = parse(d->control.setup);
    bool whole = d->control.done == d->control.length;

    d->control.stage = USB_STAGE_NONE;
    return whole ? request(d, &r) < 0 ? USB_STALL : 0 : USB_STALL;
}

static int control_in(struct usb_device *d, uint8_t *data, size_t n)
{
    size_t left = (size_t)(d->control.length - d->control.done);

    if (d->control.stage == USB_STAGE_OUT)
        return control_status(d);
    if (d->control.stage != USB_STAGE_IN)
        return USB_STALL;
    n = n < left ? n : left;
    memcpy(data, d->control.data + d->control.done, n);
    d->control.done = (uint16_t)(d->control.done + n);
    return (int)n;
}

static int control_out(struct usb_device *d, const uint8_t *data, size_t n)
{
    if (d->control.stage == USB_STAGE_IN && n == 0) {
        d->control.stage = USB_STAGE_NONE;
        return 0;
    }
    if (d->control.stage != USB_STAGE_OUT || n > (size_t)(d->control.length - d->control.done)) {
        d->control.stage = USB_STAGE_STALLED;
        return USB_STALL;
    }
    if (n)
        memcpy(d->control.data + d->control.done, data, n);
    d->control.done = (uint16_t)(d->control.done + n);
    return (int)n;
}

/* ---- endpoints ---- */

int usb_in(struct usb_device *d, unsigned endpoint, uint8_t *data, size_t n)
{
    uint8_t address = (uint8_t)(endpoint | USB_DIR_IN);

    if (endpoint == 0)
        return control_in(d, data, n);
    if (endpoint > 15 || !has_endpoint(d, address) || d->halted_in >> endpoint & 1)
        return USB_STALL;
    return d->ops->in(d, endpoint, data, n);
}

int usb_out(struct usb_device *d, unsigned endpoint, const uint8_t *data, size_t n)
{
    if (endpoint == 0)
        return control_out(d, data, n);
    if (endpoint > 15 || !has_endpoint(d, (uint8_t)endpoint) || d->halted_out >> endpoint & 1)
        return USB_STALL;
    return d->ops->out(d, endpoint, data, n);
}

void usb_state(struct state_io *io, struct usb_device *d)
{
    uint8_t stage = (uint8_t)d->control.stage;

    STATE(io, d->address);
    STATE(io, d->configuration);
    STATE(io, d->wakes);
    STATE(io, d->halted_in);
    STATE(io, d->halted_out);
    state_bytes(io, "d->control.setup", d->control.setup, USB_SETUP_BYTES);
    STATE(io, stage);
    STATE(io, d->control.done);
    STATE(io, d->control.length);
    state_bytes(io, "d->control.data", d->control.data, USB_CONTROL_BYTES);
    state_require(io, stage <= USB_STAGE_STALLED, "stage");
    state_require(io, d->control.done <= d->control.length, "d->control.done");
    state_require(io,
                  d->control.length <= USB_CONTROL_BYTES || stage == USB_STAGE_NONE ||
                      stage == USB_STAGE_STALLED,
                  "d->control.length");
    if (state_restoring(io) && !state_failed(io))
        d->control.stage = (enum usb_stage)stage;
    if (d->ops->state)
        d->ops->state(io, d);
}
