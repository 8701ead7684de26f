#include "devices/virtio_net.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"

#define DEVICE_ID 1

/* 5.1.3, Feature bits */
#define F_MAC    5
#define F_STATUS 16

/* 5.1.2, Virtqueues */
enum { RX, TX, QUEUES };

/* 5.1.4, struct virtio_net_config: mac[6], le16 status */
#define CONFIG_STATUS 6
#define CONFIG_BYTES  8
#define LINK_UP       1

/* 5.1.6, struct virtio_net_hdr. num_buffers, its last field, is not in the legacy one unless
 * buffers are merged (5.1.6.1), which is not offered. */
#define HEADER_MAX         12
#define HEADER_NUM_BUFFERS 10

static struct virtio_net *to_net(struct virtio *v)
{
    return (struct virtio_net *)v;
}

static uint32_t header_bytes(const struct virtio *v)
{
    return v->legacy ? HEADER_NUM_BUFFERS : HEADER_MAX;
}

/* One frame. No flag of its header can be set: none of what it would ask for was offered. */
static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    const struct virtio_net *net = to_net(v);
    uint32_t header = header_bytes(v), bytes = v->chain.out_bytes;
    uint8_t frame[VIRTIO_NET_FRAME_MAX];

    (void)budget;
    if (bytes <= header || bytes - header > sizeof(frame)) {
        LOG(v->log, DEVICE, GUEST, "virtio net: a packet of %u bytes, expected %u to %u", bytes,
            header + 1, header + VIRTIO_NET_FRAME_MAX);
    } else {
        size_t n = virtq_read(q, &v->chain, header, frame, bytes - header);
        if (n && net->send)
            net->send(net->send_ctx, frame, n);
    }
    virtio_done(v, 0);
    return bytes < sizeof(frame) ? bytes : sizeof(frame);
}

/* 5.1.6.4, Processing of Incoming Packets */
static void put_frame(struct virtio_net *net, const uint8_t *frame, size_t len)
{
    struct virtio *v = &net->virtio;
    struct virtq *q = &v->queues[RX];
    uint32_t header = header_bytes(v);
    uint8_t bytes[HEADER_MAX] = {0};
    size_t put = 0;

    if (net->rx_chain.in_bytes < header + len) {
        LOG(v->log, DEVICE, GUEST,
            "virtio net: a buffer of %u bytes for a frame of %zu: it is lost",
            net->rx_chain.in_bytes, len);
    } else {
        le_put(bytes + HEADER_NUM_BUFFERS, 2, 1);
        put = virtq_write(q, &net->rx_chain, 0, bytes, header);
        put += virtq_write(q, &net->rx_chain, header, frame, len);
    }
    virtq_push(q, &net->rx_chain, (uint32_t)put);
}

size_t virtio_net_receive(struct virtio_net *net, const uint8_t *frame, size_t len)
{
    struct virtio *v = &net->virtio;
    bool taken;

    if (len == 0 || len > VIRTIO_NET_FRAME_MAX || !virtio_is_live(v))
        return 0;
    taken = virtq_pop(&v->queues[RX], &net->rx_chain);
    if (taken)
        put_frame(net, frame, len);
    virtio_settle(v);
    return taken ? len : 0;
}

static const struct virtio_ops ops = {.name = "net", .id = DEVICE_ID, .request = request};

void virtio_net_init(struct virtio_net *net, const struct arm_log *log, struct physmem *mem,
                     const uint8_t mac[VIRTIO_NET_MAC_BYTES], virtio_net_send_fn *send,
                     void *send_ctx)
{
    virtio_init(&net->virtio, &ops, log, mem, QUEUES, BIT(TX), BIT(F_MAC) | BIT(F_STATUS));
    net->send = send;
    net->send_ctx = send_ctx;
    memcpy(net->virtio.config, mac, VIRTIO_NET_MAC_BYTES);
    le_put(net->virtio.config + CONFIG_STATUS, 2, LINK_UP);
    net->virtio.config_size = CONFIG_BYTES;
}
