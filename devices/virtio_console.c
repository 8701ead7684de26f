#include "devices/virtio_console.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID   3
#define F_MULTIPORT 1

/* 5.3.2: port 0, then control, then the other ports; receiver first. */
#define CONTROL_RX 2
#define CONTROL_TX 3
#define TX_QUEUES  UINT64_C(0xaaaaaaaaaaaaaaaa)

/* 5.3.4, struct virtio_console_config */
#define CONFIG_MAX_PORTS 4
#define CONFIG_BYTES     8

/* 5.3.6.2, struct virtio_console_control: le32 id, le16 event, le16 value */
#define CONTROL_BYTES 8
enum {
    DEVICE_READY = 0,
    DEVICE_ADD = 1,
    PORT_READY = 3,
    CONSOLE_PORT = 4,
    PORT_OPEN = 6,
    PORT_NAME = 7,
};

static struct virtio_console *to_console(struct virtio *v)
{
    return (struct virtio_console *)v;
}

static unsigned rx_queue(unsigned port)
{
    return port == 0 ? 0 : 2 + 2 * port;
}

/* -- messages to the driver -- */

/* The name follows its message, without a final zero. */
static size_t format_event(const struct virtio_console *con, const struct virtio_console_event *e,
                           uint8_t *to)
{
    size_t len = 0;

    le_put(to, 4, e->port);
    le_put(to + 4, 2, e->event);
    le_put(to + 6, 2, e->value);
    if (e->event == PORT_NAME) {
        len = strlen(con->ports[e->port].name);
        memcpy(to + CONTROL_BYTES, con->ports[e->port].name, len);
    }
    return CONTROL_BYTES + len;
}

static void send_events(struct virtio_console *con)
{
    struct virtq *q = &con->virtio.queues[CONTROL_RX];
    uint8_t message[CONTROL_BYTES + VIRTIO_CONSOLE_NAME_MAX];

    while (con->event_count && virtq_pop(q, &con->rx_chain)) {
        size_t len = format_event(con, &con->events[con->event_first], message);
        virtq_push(q, &con->rx_chain, (uint32_t)virtq_write(q, &con->rx_chain, 0, message, len));
        con->event_first = (con->event_first + 1) % VIRTIO_CONSOLE_EVENTS_MAX;
        con->event_count--;
    }
}

static void queue_event(struct virtio_console *con, uint32_t port, uint16_t event, uint16_t value)
{
    if (con->event_count == VIRTIO_CONSOLE_EVENTS_MAX) {
        LOG(con->virtio.log, DEVICE, GUEST,
            "virtio console: control message lost: the driver asks but takes no answers");
        return;
    }
    con->events[(con->event_first + con->event_count++) % VIRTIO_CONSOLE_EVENTS_MAX] =
        (struct virtio_console_event){port, event, value};
}

/* -- messages of the driver -- */

/* 5.3.6.2: what a port is, once the driver is ready for it. The host's side is always open. */
static void describe_port(struct virtio_console *con, uint32_t n)
{
    if (con->ports[n].is_console)
        queue_event(con, n, CONSOLE_PORT, 1);
    if (con->ports[n].name[0])
        queue_event(con, n, PORT_NAME, 1);
    queue_event(con, n, PORT_OPEN, 1);
}

static void control(struct virtio_console *con, uint32_t port, uint16_t event, uint16_t value)
{
    if (event == DEVICE_READY) {
        for (unsigned n = 0; value == 1 && n < con->port_count; n++)
            queue_event(con, n, DEVICE_ADD, 1);
        return;
    }
    if (port >= con->port_count) {
        LOG(con->virtio.log, DEVICE, GUEST, "virtio console: message %u for port %u: no such port",
            event, port);
        return;
    }
    if (event == PORT_READY && value == 1)
        describe_port(con, port);
    else if (event == PORT_OPEN)
        con->ports[port].open = value != 0;
}

static uint32_t receive_control(struct virtio_console *con, struct virtq *q)
{
    uint8_t m[CONTROL_BYTES];
    bool whole = virtq_read(q, &con->virtio.chain, 0, m, sizeof(m)) == sizeof(m);

    virtio_done(&con->virtio, 0);
    if (whole)
        control(con, (uint32_t)le_get(m, 4), (uint16_t)le_get(m + 4, 2),
                (uint16_t)le_get(m + 6, 2));
    return sizeof(m);
}

/* -- the ports' characters -- */

static uint32_t transmit(struct virtio_console *con, struct virtq *q, uint32_t budget,
                         const struct virtio_port *port)
{
    struct virtio *v = &con->virtio;
    uint8_t buf[4096];
    uint32_t moved = 0, n;

    do {
        n = (uint32_t)virtq_read(q, &v->chain, v->done, buf, sizeof(buf));
        if (n && port->write)
            port->write(port->write_ctx, buf, n);
        v->done += n;
        moved += n;
    } while (n && moved < budget);
    if (n == 0)
        virtio_done(v, 0);
    return moved;
}

size_t virtio_console_receive(struct virtio_console *con, unsigned n, const uint8_t *data,
                              size_t len)
{
    struct virtq *q = &con->virtio.queues[rx_queue(n)];
    size_t done = 0;

    CHECK(n < con->port_count);
    /* 5.3.6: a driver that knows of several ports drops what arrives before it opened the port. */
    if (!virtio_is_live(&con->virtio) ||
        (virtio_has(&con->virtio, F_MULTIPORT) && !con->ports[n].open))
        return 0;
    while (done < len && virtq_pop(q, &con->rx_chain)) {
        size_t put = virtq_write(q, &con->rx_chain, 0, data + done, len - done);
        virtq_push(q, &con->rx_chain, (uint32_t)put);
        done += put;
    }
    virtio_settle(&con->virtio);
    return done;
}

static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    struct virtio_console *con = to_console(v);
    unsigned queue = v->turn;

    if (queue == CONTROL_TX)
        return receive_control(con, q);
    return transmit(con, q, budget, &con->ports[queue == 1 ? 0 : (queue - 3) / 2]);
}

static void fill(struct virtio *v)
{
    send_events(to_console(v));
}

static void reset(struct virtio *v)
{
    struct virtio_console *con = to_console(v);

    con->event_first = con->event_count = 0;
    for (unsigned n = 0; n < con->port_count; n++)
        con->ports[n].open = false;
}

static void event_state(struct state_io *io, struct virtio_console *con,
                        struct virtio_console_event *e)
{
    STATE(io, e->port);
    STATE(io, e->event);
    STATE(io, e->value);
    state_require(io, e->port < con->port_count, "e->port");
}

static void state(struct state_io *io, struct virtio *v)
{
    struct virtio_console *con = to_console(v);
    const unsigned max = VIRTIO_CONSOLE_EVENTS_MAX;

    for (unsigned n = 0; n < con->port_count; n++)
        STATE(io, con->ports[n].open);
    STATE(io, con->event_first);
    state_require(io, con->event_first < max, "con->event_first");
    con->event_count = (unsigned)state_count(io, "con->event_count", con->event_count, max);
    for (unsigned n = 0; n < con->event_count && !state_failed(io); n++)
        event_state(io, con, &con->events[(con->event_first + n) % max]);
}

static const struct virtio_ops ops = {.name = "console",
                                      .id = DEVICE_ID,
                                      .request = request,
                                      .fill = fill,
                                      .reset = reset,
                                      .state = state};

void virtio_console_init(struct virtio_console *con, const struct arm_log *log, struct physmem *mem,
                         const struct virtio_port *ports, unsigned count)
{
    unsigned room = count ? count : 1; /* 5.3.4: queues of port 0 always exist */

    CHECK(count <= VIRTIO_CONSOLE_PORTS_MAX);
    virtio_init(&con->virtio, &ops, log, mem, 2 * (room + 1), TX_QUEUES, BIT(F_MULTIPORT));
    con->port_count = count;
    con->ports[0] = (struct virtio_port){0};
    for (unsigned n = 0; n < count; n++)
        con->ports[n] = ports[n];
    con->event_first = con->event_count = 0;
    le_put(con->virtio.config + CONFIG_MAX_PORTS, 4, room);
    con->virtio.config_size = CONFIG_BYTES;
}
