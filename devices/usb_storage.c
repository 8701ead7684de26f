#include "devices/usb_storage.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define IN_ENDPOINT  1
#define OUT_ENDPOINT 2

/* 3.1 and 3.2, class requests */
#define RESET        0xff
#define GET_MAX_LUN  0xfe
#define TO_INTERFACE 0x21
#define OF_INTERFACE 0xa1

/* 5.1, Command Block Wrapper */
#define CBW_SIGNATURE UINT32_C(0x43425355)
enum {
    CBW_TAG = 4,
    CBW_LENGTH = 8,
    CBW_FLAGS = 12,
    CBW_LUN = 13,
    CBW_CDB_LENGTH = 14,
    CBW_CDB = 15
};
#define CBW_IN 0x80

/* 5.2, Command Status Wrapper */
#define CSW_SIGNATURE UINT32_C(0x53425355)
#define CSW_BYTES     13
enum { CSW_TAG = 4, CSW_RESIDUE = 8, CSW_STATUS = 12 };
enum { PASSED = 0, FAILED = 1, PHASE_ERROR = 2 };

static struct usb_storage *to_storage(struct usb_device *d)
{
    return (struct usb_storage *)d;
}

static struct scsi_unit *unit(struct usb_storage *s)
{
    return s->is_unit ? s->unit : NULL;
}

static void go_to(struct usb_storage *s, enum usb_storage_phase phase)
{
    s->phase = phase;
    if (phase == USB_STORAGE_DATA_IN || phase == USB_STORAGE_STATUS)
        usb_ready(&s->usb, IN_ENDPOINT | USB_DIR_IN);
}

/* 6.6.1: both endpoints stall, whatever the host clears, until it resets the interface. */
static int lose(struct usb_storage *s)
{
    s->phase = USB_STORAGE_LOST;
    usb_halt(&s->usb, IN_ENDPOINT | USB_DIR_IN);
    usb_ready(&s->usb, IN_ENDPOINT | USB_DIR_IN);
    return USB_STALL;
}

/* All data has been moved, or all that will be. 6.7: the host must have wanted what the command
 * moves, or more. */
static void finish(struct usb_storage *s)
{
    struct scsi_request *r = &s->request;
    bool wrong = r->bytes > s->expected ||
                 (r->bytes && (r->direction == SCSI_IN) != !!(s->cbw[CBW_FLAGS] & CBW_IN));

    if (!wrong)
        scsi_end(unit(s), r);
    s->usb.cost += r->cost;
    s->status = wrong ? PHASE_ERROR : r->status == SCSI_GOOD ? PASSED : FAILED;
    go_to(s, USB_STORAGE_STATUS);
}

static int command(struct usb_storage *s)
{
    const uint8_t *w = s->cbw;
    unsigned length = w[CBW_CDB_LENGTH] & 0x1f;

    s->have = 0;
    if (le_get(w, 4) != CBW_SIGNATURE || length < 1 || length > SCSI_CDB_MAX)
        return lose(s);
    s->tag = (uint32_t)le_get(w + CBW_TAG, 4);
    s->expected = (uint32_t)le_get(w + CBW_LENGTH, 4);
    s->is_unit = (w[CBW_LUN] & 0xf) == 0;
    s->moved = s->useful = 0;
    scsi_begin(unit(s), &s->request, w + CBW_CDB, length);
    if (!s->expected)
        finish(s);
    else
        go_to(s, w[CBW_FLAGS] & CBW_IN ? USB_STORAGE_DATA_IN : USB_STORAGE_DATA_OUT);
    return 0;
}

static int command_part(struct usb_storage *s, const uint8_t *data, size_t n)
{
    if (n > (size_t)(USB_STORAGE_CBW - s->have))
        return lose(s);
    memcpy(s->cbw + s->have, data, n);
    s->have = (uint8_t)(s->have + n);
    return s->have == USB_STORAGE_CBW && command(s) < 0 ? USB_STALL : (int)n;
}

/* How much of @n bytes the command moves in this direction. */
static uint32_t share(const struct usb_storage *s, enum scsi_direction direction, size_t n)
{
    const struct scsi_request *r = &s->request;
    uint32_t left = r->direction == direction && r->status == SCSI_GOOD ? r->bytes - r->done : 0;

    return n < left ? (uint32_t)n : left;
}

/* What is too much for the command is dropped. */
static int data_out(struct usb_storage *s, const uint8_t *data, size_t n)
{
    uint32_t useful = share(s, SCSI_OUT, n);

    if (n > s->expected - s->moved)
        return lose(s);
    if (useful && scsi_write(unit(s), &s->request, data, useful))
        s->useful += useful;
    s->moved += (uint32_t)n;
    if (s->moved == s->expected)
        finish(s);
    return (int)n;
}

/* What is too little for the host ends with a short packet. */
static int data_in(struct usb_storage *s, uint8_t *data, size_t n)
{
    uint32_t room = s->expected - s->moved;
    uint32_t useful = share(s, SCSI_IN, n < room ? n : room);

    if (useful && !scsi_read(unit(s), &s->request, data, useful))
        useful = 0;
    s->useful += useful;
    s->moved += useful;
    if (useful < n || s->moved == s->expected)
        finish(s);
    return (int)useful;
}

static int status(struct usb_storage *s, uint8_t *data, size_t n)
{
    uint8_t w[CSW_BYTES];

    le_put(w, 4, CSW_SIGNATURE);
    le_put(w + CSW_TAG, 4, s->tag);
    le_put(w + CSW_RESIDUE, 4, s->expected - s->useful);
    w[CSW_STATUS] = s->status;
    n = n < CSW_BYTES ? n : CSW_BYTES;
    memcpy(data, w, n);
    s->phase = USB_STORAGE_COMMAND;
    usb_ready(&s->usb, OUT_ENDPOINT);
    return (int)n;
}

static int in(struct usb_device *d, unsigned endpoint, uint8_t *data, size_t n)
{
    struct usb_storage *s = to_storage(d);

    (void)endpoint; /* there is one */
    switch (s->phase) {
    case USB_STORAGE_DATA_IN:
        return data_in(s, data, n);
    case USB_STORAGE_STATUS:
        return status(s, data, n);
    case USB_STORAGE_LOST:
        return USB_STALL;
    default:
        return USB_NAK;
    }
}

static int out(struct usb_device *d, unsigned endpoint, const uint8_t *data, size_t n)
{
    struct usb_storage *s = to_storage(d);

    (void)endpoint;
    switch (s->phase) {
    case USB_STORAGE_COMMAND:
        return command_part(s, data, n);
    case USB_STORAGE_DATA_OUT:
        return data_out(s, data, n);
    case USB_STORAGE_LOST:
        return USB_STALL;
    default:
        return USB_NAK;
    }
}

static void begin_anew(struct usb_storage *s)
{
    s->phase = USB_STORAGE_COMMAND;
    s->have = 0;
    s->request = (struct scsi_request){.direction = SCSI_NO_DATA};
}

static int control(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    if (r->type == OF_INTERFACE && r->code == GET_MAX_LUN) {
        data[0] = 0;
        return 1;
    }
    if (r->type != TO_INTERFACE || r->code != RESET)
        return USB_STALL;
    begin_anew(to_storage(d));
    return 0;
}

static void reset(struct usb_device *d)
{
    begin_anew(to_storage(d));
    scsi_unit_reset(to_storage(d)->unit);
}

static void state(struct state_io *io, struct usb_device *d)
{
    struct usb_storage *s = to_storage(d);

    STATE(io, s->phase);
    STATE_ARRAY(io, s->cbw);
    STATE(io, s->have);
    STATE(io, s->is_unit);
    STATE(io, s->tag);
    STATE(io, s->expected);
    STATE(io, s->moved);
    STATE(io, s->useful);
    STATE(io, s->status);
    state_require(io, s->phase <= USB_STORAGE_LOST, "s->phase");
    state_require(io, s->have < USB_STORAGE_CBW, "s->have");
    state_require(io, s->moved <= s->expected, "s->moved");
    scsi_unit_state(io, s->unit);
    scsi_request_state(io, unit(s), &s->request);
}

static const struct usb_device_ops ops = {
    .control = control, .in = in, .out = out, .reset = reset, .state = state};

static const struct usb_endpoint endpoints[] = {{IN_ENDPOINT | USB_DIR_IN, USB_BULK, 512, 0},
                                                {OUT_ENDPOINT, USB_BULK, 512, 0}};
static const struct usb_endpoint full_endpoints[] = {{IN_ENDPOINT | USB_DIR_IN, USB_BULK, 64, 0},
                                                     {OUT_ENDPOINT, USB_BULK, 64, 0}};

/* Transparent SCSI, bulk-only. Names and numbers are QEMU's. */
static const struct usb_description description = {
    .vendor = 0x46f4,
    .product = 0x0001,
    .manufacturer = "QEMU",
    .name = "QEMU USB HARDDRIVE",
    .speed = USB_HIGH,
    .class = 8,
    .subclass = 6,
    .protocol = 0x50,
    .endpoints = endpoints,
    .full_endpoints = full_endpoints,
    .endpoint_count = ARRAY_SIZE(endpoints),
};

void usb_storage_init(struct usb_storage *s, struct scsi_unit *unit, const char *serial)
{
    *s = (struct usb_storage){.unit = unit};
    usb_init(&s->usb, &ops, &description, serial ? serial : "1");
}
