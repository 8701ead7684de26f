#include "devices/virtio_vsock.h"

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID 19

/* 5.10.2, Virtqueues */
enum { RX, TX, EVENT, QUEUES };

/* 5.10.4, struct virtio_vsock_config: le64 guest_cid */
#define CONFIG_SIZE 8

/* 5.10.6, struct virtio_vsock_hdr; little-endian in the legacy interface too */
enum {
    SRC_CID = 0,
    DST_CID = 8,
    SRC_PORT = 16,
    DST_PORT = 20,
    TYPE = 28,
    OP = 30,
    HEADER = 44,
};

#define OP_RST   3
#define HOST_CID 2 /* 5.10.4 */

static struct virtio_vsock *to_vsock(struct virtio *v)
{
    return (struct virtio_vsock *)v;
}

/* 5.10.6.4.1: a reset that is not sent is a connection that its asker gives up by itself. */
static void remember(struct virtio_vsock *s, const uint8_t header[HEADER])
{
    if (s->count == VIRTIO_VSOCK_RESETS) {
        LOG(s->virtio.log, DEVICE, GUEST,
            "virtio vsock: %d connections wait for buffers: a further one is not answered",
            VIRTIO_VSOCK_RESETS);
        return;
    }
    s->resets[(s->first + s->count++) % VIRTIO_VSOCK_RESETS] = (struct virtio_vsock_reset){
        (uint32_t)le_get(header + SRC_PORT, 4), (uint32_t)le_get(header + DST_PORT, 4),
        (uint16_t)le_get(header + TYPE, 2)};
}

static void put_reset(struct virtio_vsock *s, const struct virtio_vsock_reset *r)
{
    struct virtq *q = &s->virtio.queues[RX];
    uint8_t header[HEADER] = {0};

    le_put(header + SRC_CID, 8, HOST_CID);
    le_put(header + DST_CID, 8, le_get(s->virtio.config, CONFIG_SIZE));
    le_put(header + SRC_PORT, 4, r->host_port);
    le_put(header + DST_PORT, 4, r->guest_port);
    le_put(header + TYPE, 2, r->type);
    le_put(header + OP, 2, OP_RST);
    virtq_push(q, &s->rx_chain, (uint32_t)virtq_write(q, &s->rx_chain, 0, header, HEADER));
}

/* As many as the driver has buffers for. */
static void fill(struct virtio *v)
{
    struct virtio_vsock *s = to_vsock(v);

    while (s->count && virtq_pop(&v->queues[RX], &s->rx_chain)) {
        put_reset(s, &s->resets[s->first]);
        s->first = (s->first + 1) % VIRTIO_VSOCK_RESETS;
        s->count--;
    }
}

/* A packet; what is in it, nobody hears. One that is not from here or not for the host is lost. */
static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    uint8_t header[HEADER];
    uint32_t bytes = v->chain.out_bytes;
    size_t n = virtq_read(q, &v->chain, 0, header, HEADER);

    (void)budget;
    if (n != HEADER)
        LOG(v->log, DEVICE, GUEST, "virtio vsock: a packet of %u bytes, expected %d at least",
            bytes, HEADER);
    else if (le_get(header + OP, 2) != OP_RST && le_get(header + DST_CID, 8) == HOST_CID &&
             le_get(header + SRC_CID, 8) == le_get(v->config, CONFIG_SIZE))
        remember(to_vsock(v), header);
    virtio_done(v, 0);
    fill(v);
    return bytes < HEADER ? bytes : HEADER;
}

static void reset(struct virtio *v)
{
    to_vsock(v)->first = to_vsock(v)->count = 0;
}

static void state(struct state_io *io, struct virtio *v)
{
    struct virtio_vsock *s = to_vsock(v);

    STATE(io, s->first);
    STATE(io, s->count);
    state_require(io, s->first < VIRTIO_VSOCK_RESETS, "first");
    state_require(io, s->count <= VIRTIO_VSOCK_RESETS, "count");
    for (unsigned k = 0; k < VIRTIO_VSOCK_RESETS; k++) {
        STATE(io, s->resets[k].guest_port);
        STATE(io, s->resets[k].host_port);
        STATE(io, s->resets[k].type);
    }
}

static const struct virtio_ops ops = {.name = "vsock",
                                      .id = DEVICE_ID,
                                      .request = request,
                                      .fill = fill,
                                      .reset = reset,
                                      .state = state};

/* The event queue's buffers stay with the device: it never moves to another host (5.10.6.7). */
void virtio_vsock_init(struct virtio_vsock *vsock, const struct arm_log *log, struct physmem *mem,
                       uint64_t cid)
{
    virtio_init(&vsock->virtio, &ops, log, mem, QUEUES, BIT(TX), 0);
    le_put(vsock->virtio.config, CONFIG_SIZE, cid);
    vsock->virtio.config_size = CONFIG_SIZE;
}
