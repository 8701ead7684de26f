/* An xHCI's command ring (4.6): slots, their contexts and their endpoints. */
#include <string.h>

#include "base/bits.h"
#include "devices/xhci_internal.h"

/* 6.2.2, Slot Context */
#define SLOT_ROUTE(w)      ((w)[0] & 0xfffff)
#define SLOT_ENTRIES_SHIFT 27
#define SLOT_PORT(w)       ((w)[1] >> 16 & 0xff)
#define SLOT_TARGET(w)     ((w)[2] >> 22)
#define SLOT_LATENCY       UINT32_C(0xffff) /* of word 1 */
#define SLOT_TARGET_MASK   UINT32_C(0xffc00000)
#define SLOT_ADDRESS       UINT32_C(0xff)
#define SLOT_STATE_SHIFT   27

/* 6.2.3, Endpoint Context */
#define ENDPOINT_STATE        UINT32_C(0x7)
#define ENDPOINT_STREAMS(w)   ((w)[0] >> 10 & 0x1f)
#define ENDPOINT_TYPE(w)      ((w)[1] >> 3 & 7)
#define ENDPOINT_PACKET_SHIFT 16
#define ENDPOINT_POINTER      (~UINT64_C(0xf))

#define WORDS       5
#define PACKETS_MAX 1024

typedef uint8_t command_fn(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s);

/* ---- contexts ---- */

static uint64_t output(const struct xhci_slot *s, unsigned dci)
{
    return s->context + (uint64_t)CONTEXT_BYTES * dci;
}

/* The Input Context has one more in front, 6.2.5. */
static uint64_t input(const struct xhci_trb *trb, unsigned dci)
{
    return (trb->parameter & ~UINT64_C(0xf)) + (uint64_t)CONTEXT_BYTES * (dci + 1);
}

/* State and dequeue pointer are the controller's to write. */
void xhci_put_endpoint(struct xhci *x, struct xhci_slot *s, unsigned dci)
{
    const struct xhci_endpoint *e = &s->endpoints[dci];
    uint32_t words[WORDS];
    uint64_t pointer = (e->ring.dequeue & ENDPOINT_POINTER) | e->ring.cycle;

    if (!xhci_read32s(x, output(s, dci), words, WORDS))
        return;
    words[0] = (words[0] & ~ENDPOINT_STATE) | e->state;
    words[2] = (uint32_t)pointer;
    words[3] = (uint32_t)(pointer >> 32);
    xhci_write32s(x, output(s, dci), words, WORDS);
}

/* What the device context says of the slot. @entries 0: as it is. */
static void put_slot(struct xhci *x, struct xhci_slot *s, unsigned entries)
{
    const struct usb_device *d = xhci_device(x, s);
    uint32_t words[4];

    if (!xhci_read32s(x, output(s, 0), words, ARRAY_SIZE(words)))
        return;
    if (entries)
        words[0] = (uint32_t)set_bits(words[0], 31, SLOT_ENTRIES_SHIFT, entries);
    words[3] = (s->state >= XHCI_SLOT_ADDRESSED && d ? d->address & SLOT_ADDRESS : 0) |
               (uint32_t)s->state << SLOT_STATE_SHIFT;
    xhci_write32s(x, output(s, 0), words, ARRAY_SIZE(words));
}

/* The drop and add flags of an Input Control Context, 6.2.5.1. */
static bool read_flags(struct xhci *x, const struct xhci_trb *trb, uint32_t *drop, uint32_t *add)
{
    uint32_t words[2];

    if (!xhci_read32s(x, trb->parameter & ~UINT64_C(0xf), words, ARRAY_SIZE(words)))
        return false;
    *drop = words[0];
    *add = words[1];
    return true;
}

/* ---- endpoints ---- */

static void drop_endpoint(struct xhci *x, struct xhci_slot *s, unsigned dci)
{
    s->endpoints[dci] = (struct xhci_endpoint){.code = CODE_SUCCESS};
    xhci_put_endpoint(x, s, dci);
}

static void drop_endpoints(struct xhci *x, struct xhci_slot *s, unsigned first)
{
    for (unsigned dci = first; dci < XHCI_ENDPOINTS; dci++)
        if (s->endpoints[dci].state != XHCI_DISABLED)
            drop_endpoint(x, s, dci);
}

/* Is it an endpoint of a kind that there is? Isochronous ones have no bandwidth here. */
static uint8_t check_endpoint(unsigned dci, const uint32_t words[WORDS])
{
    unsigned type = ENDPOINT_TYPE(words), packet = words[1] >> ENDPOINT_PACKET_SHIFT;

    if ((type & 3) == ENDPOINT_ISOCH)
        return CODE_RESOURCE_ERROR;
    if (!type || (dci == 1) != (type == ENDPOINT_CONTROL) || packet > PACKETS_MAX || !packet ||
        ENDPOINT_STREAMS(words) || (dci > 1 && (dci & 1) != type >> 2))
        return CODE_PARAMETER_ERROR;
    return CODE_SUCCESS;
}

static void add_endpoint(struct xhci *x, struct xhci_slot *s, unsigned dci, uint32_t words[WORDS])
{
    uint64_t pointer = words[2] | (uint64_t)words[3] << 32;

    s->endpoints[dci] = (struct xhci_endpoint){
        .state = XHCI_RUNNING,
        .type = (uint8_t)ENDPOINT_TYPE(words),
        .max_packet = (uint16_t)(words[1] >> ENDPOINT_PACKET_SHIFT),
        .ring = {pointer & ENDPOINT_POINTER, pointer & 1},
        .code = CODE_SUCCESS,
    };
    words[0] = (words[0] & ~ENDPOINT_STATE) | XHCI_RUNNING;
    xhci_write32s(x, output(s, dci), words, WORDS);
}

/* ---- slots, 4.6.3 to 4.6.7 and 4.6.11 ---- */

static uint8_t enable_slot(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    (void)x, (void)trb;
    if (!s)
        return CODE_NO_SLOTS;
    memset(s, 0, sizeof(*s));
    s->enabled = true;
    return CODE_SUCCESS;
}

static uint8_t disable_slot(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    uint32_t none[4] = {0};

    (void)trb;
    if (s->context)
        xhci_write32s(x, output(s, 0), none, ARRAY_SIZE(none));
    memset(s, 0, sizeof(*s));
    return CODE_SUCCESS;
}

static bool is_taken(const struct xhci *x, const struct xhci_slot *s, unsigned port, uint32_t route)
{
    for (unsigned n = 0; n < XHCI_SLOTS; n++)
        if (&x->slots[n] != s && x->slots[n].enabled && x->slots[n].port == port &&
            x->slots[n].route == route)
            return true;
    return false;
}

static uint8_t check_slot(const struct xhci *x, const struct xhci_slot *s, const uint32_t words[4])
{
    unsigned port = SLOT_PORT(words);

    return port < 1 || port > XHCI_PORTS || is_taken(x, s, port, SLOT_ROUTE(words)) ||
                   SLOT_TARGET(words) >= x->interrupters
               ? CODE_PARAMETER_ERROR
               : CODE_SUCCESS;
}

/* What SET_ADDRESS would do: the address is the slot's number. */
static bool set_address(struct xhci *x, struct xhci_slot *s)
{
    struct usb_device *d = xhci_device(x, s);
    const uint8_t setup[USB_SETUP_BYTES] = {0, 5, (uint8_t)xhci_slot_id(x, s)};
    uint8_t none[1];

    if (!d)
        return false;
    usb_setup(d, setup);
    return usb_in(d, 0, none, 0) == 0;
}

static uint8_t address_device(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    bool blocked = trb->control & TRB_NO_ADDRESS;
    uint32_t drop, add, slot[4], endpoint[WORDS], pointer[2];
    uint8_t code;

    if (s->state >= XHCI_SLOT_ADDRESSED || (blocked && s->state == XHCI_SLOT_DEFAULT))
        return CODE_CONTEXT_STATE;
    if (!read_flags(x, trb, &drop, &add) ||
        !xhci_read32s(x, x->contexts + UINT64_C(8) * xhci_slot_id(x, s), pointer, 2) ||
        !xhci_read32s(x, input(trb, 0), slot, ARRAY_SIZE(slot)) ||
        !xhci_read32s(x, input(trb, 1), endpoint, WORDS))
        return CODE_TRB_ERROR;
    code = check_slot(x, s, slot);
    if (code == CODE_SUCCESS)
        code = (add & 3) == 3 && !(drop & 3) ? check_endpoint(1, endpoint) : CODE_PARAMETER_ERROR;
    if (code != CODE_SUCCESS)
        return code;
    s->port = (uint8_t)SLOT_PORT(slot);
    s->route = SLOT_ROUTE(slot);
    s->context = (pointer[0] | (uint64_t)pointer[1] << 32) & ~UINT64_C(0x3f);
    if (!xhci_device(x, s) || (!blocked && !set_address(x, s)))
        return CODE_TRANSACTION_ERROR;
    s->state = blocked ? XHCI_SLOT_DEFAULT : XHCI_SLOT_ADDRESSED;
    add_endpoint(x, s, 1, endpoint);
    xhci_write32s(x, output(s, 0), slot, ARRAY_SIZE(slot));
    put_slot(x, s, 0);
    return CODE_SUCCESS;
}

static uint8_t check_added(struct xhci *x, const struct xhci_trb *trb, uint32_t add)
{
    uint32_t words[WORDS];
    uint8_t code = CODE_SUCCESS;

    for (unsigned dci = 2; dci < XHCI_ENDPOINTS && code == CODE_SUCCESS; dci++)
        if (add >> dci & 1)
            code = xhci_read32s(x, input(trb, dci), words, WORDS) ? check_endpoint(dci, words)
                                                                  : CODE_TRB_ERROR;
    return code;
}

static uint8_t deconfigure(struct xhci *x, struct xhci_slot *s)
{
    drop_endpoints(x, s, 2);
    s->state = XHCI_SLOT_ADDRESSED;
    put_slot(x, s, 1);
    return CODE_SUCCESS;
}

static uint8_t configure_endpoint(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    uint32_t drop, add, words[WORDS];
    unsigned last = 1;
    uint8_t code;

    if (s->state < XHCI_SLOT_ADDRESSED)
        return CODE_CONTEXT_STATE;
    if (trb->control & TRB_DECONFIGURE)
        return deconfigure(x, s);
    if (!read_flags(x, trb, &drop, &add))
        return CODE_TRB_ERROR;
    code = (drop & 3) || (add & 3) != 1 ? CODE_PARAMETER_ERROR : check_added(x, trb, add);
    if (code != CODE_SUCCESS)
        return code;
    for (unsigned dci = 2; dci < XHCI_ENDPOINTS; dci++) {
        if (drop >> dci & 1)
            drop_endpoint(x, s, dci);
        if (add >> dci & 1 && xhci_read32s(x, input(trb, dci), words, WORDS))
            add_endpoint(x, s, dci, words);
        if (s->endpoints[dci].state != XHCI_DISABLED)
            last = dci;
    }
    s->state = last > 1 ? XHCI_SLOT_CONFIGURED : XHCI_SLOT_ADDRESSED;
    put_slot(x, s, last);
    return CODE_SUCCESS;
}

static void evaluate_slot(struct xhci *x, struct xhci_slot *s, const uint32_t in[4])
{
    uint32_t words[4];

    if (!xhci_read32s(x, output(s, 0), words, ARRAY_SIZE(words)))
        return;
    words[1] = (words[1] & ~SLOT_LATENCY) | (in[1] & SLOT_LATENCY);
    words[2] = (words[2] & ~SLOT_TARGET_MASK) | (in[2] & SLOT_TARGET_MASK);
    xhci_write32s(x, output(s, 0), words, ARRAY_SIZE(words));
}

static void evaluate_endpoint(struct xhci *x, struct xhci_slot *s, uint32_t in)
{
    uint32_t words[2];
    uint16_t packet = (uint16_t)(in >> ENDPOINT_PACKET_SHIFT);

    if (!xhci_read32s(x, output(s, 1), words, ARRAY_SIZE(words)))
        return;
    s->endpoints[1].max_packet = packet;
    words[1] = (uint32_t)set_bits(words[1], 31, ENDPOINT_PACKET_SHIFT, packet);
    xhci_write32s(x, output(s, 1), words, ARRAY_SIZE(words));
}

static uint8_t evaluate_context(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    uint32_t drop, add, slot[4], endpoint[2];

    if (s->state < XHCI_SLOT_DEFAULT)
        return CODE_CONTEXT_STATE;
    if (!read_flags(x, trb, &drop, &add) ||
        !xhci_read32s(x, input(trb, 0), slot, ARRAY_SIZE(slot)) ||
        !xhci_read32s(x, input(trb, 1), endpoint, ARRAY_SIZE(endpoint)))
        return CODE_TRB_ERROR;
    if (drop || (add & ~UINT32_C(3)) || (add & 1 && SLOT_TARGET(slot) >= x->interrupters))
        return CODE_PARAMETER_ERROR;
    if (add & 1)
        evaluate_slot(x, s, slot);
    if (add & 2)
        evaluate_endpoint(x, s, endpoint[1]);
    return CODE_SUCCESS;
}

static uint8_t reset_device(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    struct usb_device *d = xhci_device(x, s);

    (void)trb;
    if (s->state < XHCI_SLOT_ADDRESSED)
        return CODE_CONTEXT_STATE;
    if (d)
        usb_reset(d);
    drop_endpoints(x, s, 2);
    s->state = XHCI_SLOT_DEFAULT;
    put_slot(x, s, 1);
    return CODE_SUCCESS;
}

/* ---- endpoints, 4.6.8 to 4.6.10 ---- */

static uint8_t reset_endpoint(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    unsigned dci = TRB_ENDPOINT(trb);
    struct xhci_endpoint *e = &s->endpoints[dci];

    if (e->state != XHCI_HALTED)
        return CODE_CONTEXT_STATE;
    e->state = XHCI_STOPPED;
    xhci_put_endpoint(x, s, dci);
    return CODE_SUCCESS;
}

static uint8_t stop_endpoint(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    unsigned dci = TRB_ENDPOINT(trb);
    struct xhci_endpoint *e = &s->endpoints[dci];

    if (e->state != XHCI_RUNNING)
        return CODE_CONTEXT_STATE;
    xhci_transfer_stopped(x, s, dci);
    e->state = XHCI_STOPPED;
    e->pending = false;
    xhci_put_endpoint(x, s, dci);
    return CODE_SUCCESS;
}

static uint8_t set_dequeue(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    unsigned dci = TRB_ENDPOINT(trb);
    struct xhci_endpoint *e = &s->endpoints[dci];

    if (e->state != XHCI_STOPPED && e->state != XHCI_ERROR)
        return CODE_CONTEXT_STATE;
    e->state = XHCI_STOPPED;
    e->ring = (struct xhci_ring){trb->parameter & ENDPOINT_POINTER, trb->parameter & 1};
    xhci_forget_transfer(e);
    xhci_put_endpoint(x, s, dci);
    return CODE_SUCCESS;
}

/* ---- the ring ---- */

static uint8_t no_op(struct xhci *x, const struct xhci_trb *trb, struct xhci_slot *s)
{
    (void)x, (void)trb, (void)s;
    return CODE_SUCCESS;
}

/* Which slot a command is about: a new one, one with contexts (or without), with an endpoint. */
enum about { NO_SLOT, NEW_SLOT, A_SLOT, AN_ENDPOINT };

static const struct {
    uint8_t type;
    enum about about;
    command_fn *fn;
} commands[] = {
    {TRB_ENABLE_SLOT, NEW_SLOT, enable_slot},
    {TRB_DISABLE_SLOT, A_SLOT, disable_slot},
    {TRB_ADDRESS_DEVICE, A_SLOT, address_device},
    {TRB_CONFIGURE_ENDPOINT, A_SLOT, configure_endpoint},
    {TRB_EVALUATE_CONTEXT, A_SLOT, evaluate_context},
    {TRB_RESET_ENDPOINT, AN_ENDPOINT, reset_endpoint},
    {TRB_STOP_ENDPOINT, AN_ENDPOINT, stop_endpoint},
    {TRB_SET_DEQUEUE, AN_ENDPOINT, set_dequeue},
    {TRB_RESET_DEVICE, A_SLOT, reset_device},
    {TRB_NO_OP_COMMAND, NO_SLOT, no_op},
};

static struct xhci_slot *new_slot(struct xhci *x)
{
    for (unsigned n = 0; n < XHCI_SLOTS && n < (x->config & 0xff); n++)
        if (!x->slots[n].enabled)
            return &x->slots[n];
    return NULL;
}

static uint8_t execute(struct xhci *x, const struct xhci_trb *trb, enum about about, command_fn *fn,
                       unsigned *id)
{
    struct xhci_slot *s = NULL;

    *id = about == NO_SLOT || about == NEW_SLOT ? 0 : TRB_SLOT(trb);
    if (about == NEW_SLOT) {
        s = new_slot(x);
        *id = s ? xhci_slot_id(x, s) : 0;
    } else if (about != NO_SLOT) {
        if (*id < 1 || *id > XHCI_SLOTS)
            return CODE_TRB_ERROR;
        s = &x->slots[*id - 1];
        if (!s->enabled)
            return CODE_SLOT_NOT_ENABLED;
    }
    if (about == AN_ENDPOINT && TRB_ENDPOINT(trb) == 0)
        return CODE_TRB_ERROR;
    if (about == AN_ENDPOINT && s->endpoints[TRB_ENDPOINT(trb)].state == XHCI_DISABLED)
        return CODE_ENDPOINT_NOT_ENABLED;
    return fn(x, trb, s);
}

/* 6.4.2.2 */
static void complete(struct xhci *x, uint64_t at, uint8_t code, unsigned id)
{
    xhci_event(x, 0,
               &(struct xhci_trb){.parameter = at,
                                  .status = (uint32_t)code << 24,
                                  .control = TRB_COMMAND_COMPLETION << 10 | id << 24});
}

/* Stop Endpoint has two events. */
bool xhci_command(struct xhci *x)
{
    struct xhci_trb trb;
    uint64_t at;
    unsigned id = 0;
    uint8_t code = CODE_TRB_ERROR;

    if (!x->commands_running || !xhci_has_room(x, 0, 2) || !xhci_fetch(x, &x->commands, &trb))
        return false;
    at = x->commands.dequeue;
    xhci_advance(&x->commands);
    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
        if (commands[k].type == TRB_TYPE(&trb))
            code = execute(x, &trb, commands[k].about, commands[k].fn, &id);
    if (code == CODE_TRB_ERROR)
        LOG(x->function.log, DEVICE, GUEST, "xhci: a command TRB of type %u that cannot be done",
            TRB_TYPE(&trb));
    if (xhci_is_running(x))
        complete(x, at, code, id);
    return xhci_is_running(x);
}

/* 4.6.1.1: a command is never under way when the driver can ask. */
void xhci_command_stop(struct xhci *x)
{
    if (!x->commands_running)
        return;
    x->commands_running = false;
    complete(x, x->commands.dequeue, CODE_COMMAND_RING_STOPPED, 0);
}

void xhci_slots_reset(struct xhci *x)
{
    memset(x->slots, 0, sizeof(x->slots));
}
