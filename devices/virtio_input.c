#include "devices/virtio_input.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID 18

/* 5.8.2, Virtqueues */
enum { EVENT, STATUS, QUEUES };

/* 5.8.4, struct virtio_input_config: u8 select, subsel, size, reserved[5], then up to 128 bytes */
enum { CONFIG_SELECT = 0, CONFIG_SUBSEL = 1, CONFIG_SIZE = 2, CONFIG_DATA = 8 };
#define DATA_MAX     128
#define CONFIG_BYTES (CONFIG_DATA + DATA_MAX)
enum {
    ID_NAME = 1,
    ID_SERIAL = 2,
    ID_DEVIDS = 3,
    PROP_BITS = 0x10,
    EV_BITS = 0x11,
    ABS_INFO = 0x12
};

/* struct virtio_input_devids as QEMU's devices have them: bus BUS_VIRTUAL, vendor and version */
#define BUS_VIRTUAL 6
#define VENDOR      0x0627
#define VERSION     1

_Static_assert(CONFIG_BYTES <= VIRTIO_CONFIG_MAX, "it fits");

/* Codes of events that a device has. */
struct codes {
    uint16_t type, first, last;
};

#define BUTTONS                                                                                    \
    {                                                                                              \
        HOST_INPUT_KEY, HOST_INPUT_BUTTON_LEFT, HOST_INPUT_BUTTON_EXTRA                            \
    }
#define WHEEL                                                                                      \
    {                                                                                              \
        HOST_INPUT_REL, HOST_INPUT_WHEEL, HOST_INPUT_WHEEL                                         \
    }

static const struct kind {
    const char *name;
    uint16_t product;
    unsigned takes;
    struct codes codes[4]; /* those behind the last one have .last 0 */
} kinds[] = {
    /* All keys of a PC's keyboard, KEY_ESC to KEY_COMPOSE; REP_DELAY and REP_PERIOD: the guest
     * repeats them. */
    [VIRTIO_INPUT_KEYBOARD] = {"Armillary Virtio Keyboard",
                               1,
                               HOST_INPUT_KEYBOARD,
                               {{HOST_INPUT_KEY, 1, 127},
                                {HOST_INPUT_LED, 0, 2},
                                {HOST_INPUT_REP, 0, 1}}},
    [VIRTIO_INPUT_MOUSE] = {"Armillary Virtio Mouse",
                            2,
                            HOST_INPUT_RELATIVE,
                            {BUTTONS, {HOST_INPUT_REL, HOST_INPUT_X, HOST_INPUT_Y}, WHEEL}},
    [VIRTIO_INPUT_TABLET] = {"Armillary Virtio Tablet",
                             3,
                             HOST_INPUT_ABSOLUTE,
                             {BUTTONS, {HOST_INPUT_ABS, HOST_INPUT_X, HOST_INPUT_Y}, WHEEL}},
};

static struct virtio_input *to_input(struct virtio *v)
{
    return (struct virtio_input *)v;
}

static bool has(const struct kind *kind, uint16_t type, uint16_t code)
{
    for (unsigned i = 0; i < ARRAY_SIZE(kind->codes) && kind->codes[i].last; i++)
        if (kind->codes[i].type == type && code >= kind->codes[i].first &&
            code <= kind->codes[i].last)
            return true;
    return false;
}

/* -- configuration; each returns how many bytes there are -- */

/* A bit for each code of the type, up to the last byte that has one. */
static unsigned put_codes(const struct kind *kind, uint16_t type, uint8_t *to)
{
    unsigned size = 0;

    for (unsigned code = 0; code < 8 * DATA_MAX; code++)
        if (has(kind, type, (uint16_t)code)) {
            to[code / 8] |= (uint8_t)(1u << code % 8);
            size = code / 8 + 1;
        }
    return size;
}

/* struct virtio_input_absinfo: le32 min, max, fuzz, flat, res */
static unsigned put_axis(const struct kind *kind, uint16_t axis, uint8_t *to)
{
    if (!has(kind, HOST_INPUT_ABS, axis))
        return 0;
    le_put(to + 4, 4, HOST_INPUT_ABS_MAX);
    return 20;
}

static unsigned put_ids(const struct kind *kind, uint8_t *to)
{
    le_put(to, 2, BUS_VIRTUAL);
    le_put(to + 2, 2, VENDOR);
    le_put(to + 4, 2, kind->product);
    le_put(to + 6, 2, VERSION);
    return 8;
}

static unsigned put_data(const struct kind *kind, uint8_t select, uint8_t subsel, uint8_t *to)
{
    if (select == EV_BITS)
        return put_codes(kind, subsel, to);
    if (select == ABS_INFO)
        return put_axis(kind, subsel, to);
    if (subsel)
        return 0;
    if (select == ID_DEVIDS)
        return put_ids(kind, to);
    if (select != ID_NAME)
        return 0; /* it has no serial number, and no properties */
    memcpy(to, kind->name, strlen(kind->name));
    return (unsigned)strlen(kind->name);
}

/* 5.8.5.1: what select and subsel name, size 0 if there is nothing. */
static void show(struct virtio_input *input)
{
    uint8_t *config = input->virtio.config;

    memset(config, 0, CONFIG_BYTES);
    config[CONFIG_SELECT] = input->select;
    config[CONFIG_SUBSEL] = input->subsel;
    config[CONFIG_SIZE] =
        (uint8_t)put_data(&kinds[input->kind], input->select, input->subsel, config + CONFIG_DATA);
}

static void config_write(struct virtio *v, uint64_t at, unsigned size, uint64_t value)
{
    struct virtio_input *input = to_input(v);

    for (unsigned i = 0; i < size; i++) {
        if (at + i == CONFIG_SELECT)
            input->select = (uint8_t)(value >> (8 * i));
        if (at + i == CONFIG_SUBSEL)
            input->subsel = (uint8_t)(value >> (8 * i));
    }
    show(input);
}

/* -- queues -- */

/* 5.8.6: what the driver says, lights of the keyboard, changes nothing here. */
static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    (void)q, (void)budget;
    virtio_done(v, 0);
    return HOST_INPUT_EVENT_BYTES;
}

/* struct virtio_input_event. A buffer that is too short gets what fits. */
static bool put_event(struct virtio_input *input, const struct host_input_event *e)
{
    struct virtq *q = &input->virtio.queues[EVENT];
    uint8_t bytes[HOST_INPUT_EVENT_BYTES];

    if (!virtq_pop(q, &input->event))
        return false;
    le_put(bytes, 2, e->type);
    le_put(bytes + 2, 2, e->code);
    le_put(bytes + 4, 4, (uint32_t)e->value);
    virtq_push(q, &input->event, (uint32_t)virtq_write(q, &input->event, 0, bytes, sizeof(bytes)));
    return true;
}

/* A group with its end, of which the guest gets all or nothing. */
static bool receive(void *ctx, const struct host_input_event *group, unsigned count)
{
    static const struct host_input_event end = {HOST_INPUT_SYN, 0, 0};
    struct virtio_input *input = ctx;
    struct virtio *v = &input->virtio;
    bool good = true, any = false;

    if (!virtio_is_live(v))
        return false;
    if (virtq_waiting(&v->queues[EVENT]) < count + 1) {
        virtio_settle(v);
        return v->queues[EVENT].broken; /* this is when it broke, which a log of input must show */
    }
    for (unsigned i = 0; good && i < count; i++)
        if (has(&kinds[input->kind], group[i].type, group[i].code)) {
            good = put_event(input, &group[i]);
            any = true;
        }
    if (good && any)
        (void)put_event(input, &end);
    virtio_settle(v);
    return true;
}

static void reset(struct virtio *v)
{
    struct virtio_input *input = to_input(v);

    input->select = input->subsel = 0;
    show(input);
}

static void state(struct state_io *io, struct virtio *v)
{
    struct virtio_input *input = to_input(v);

    STATE(io, input->select);
    STATE(io, input->subsel);
    if (state_restoring(io))
        show(input);
}

#define OPS(title, class)                                                                          \
    {                                                                                              \
        .name = title, .id = DEVICE_ID, .pci_class = class, .request = request,                    \
        .config_write = config_write, .reset = reset, .state = state                               \
    }
static const struct virtio_ops ops[] = {
    [VIRTIO_INPUT_KEYBOARD] = OPS("keyboard", 0x0900),
    [VIRTIO_INPUT_MOUSE] = OPS("mouse", 0x0902),
    [VIRTIO_INPUT_TABLET] = OPS("tablet", 0),
};

void virtio_input_init(struct virtio_input *input, const struct arm_log *log, struct physmem *mem,
                       enum virtio_input_kind kind)
{
    virtio_init(&input->virtio, &ops[kind], log, mem, QUEUES, BIT(STATUS), 0);
    input->virtio.config_size = CONFIG_BYTES;
    input->kind = kind;
    input->host =
        (struct host_input_device){.takes = kinds[kind].takes, .receive = receive, .ctx = input};
    input->select = input->subsel = 0;
}
