#include "devices/virtio_9p.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID   9
#define F_MOUNT_TAG 0

static struct p9 *p9_of(struct virtio *v)
{
    return &((struct virtio_9p *)v)->p9;
}

/* One message: the answer goes into the same chain. */
static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    struct p9 *p = p9_of(v);
    uint32_t room = v->chain.in_bytes;
    size_t n = virtq_read(q, &v->chain, 0, p->in, sizeof(p->in));

    (void)budget;
    n = p9_serve(p, n, room < sizeof(p->out) ? room : sizeof(p->out));
    if (n == 0)
        LOG(v->log, DEVICE, GUEST, "virtio 9p: a request of %u bytes with %u for its answer",
            v->chain.out_bytes, room);
    virtio_done(v, (uint32_t)virtq_write(q, &v->chain, 0, p->out, n));
    return (uint32_t)n + v->chain.out_bytes;
}

static void reset(struct virtio *v)
{
    p9_reset(p9_of(v));
}

static void destroy(struct virtio *v)
{
    p9_destroy(p9_of(v));
}

/* What a folder holds is not the machine's: a client that uses it cannot go back in time. */
static void state(struct state_io *io, struct virtio *v)
{
    if (state_restoring(io))
        p9_reset(p9_of(v));
    else if (p9_of(v)->count)
        state_fail(io, ARM_ENOTSUP, "the guest has mounted a folder of the host");
}

static const struct virtio_ops ops = {.name = "9p",
                                      .id = DEVICE_ID,
                                      .request = request,
                                      .reset = reset,
                                      .destroy = destroy,
                                      .state = state};

void virtio_9p_init(struct virtio_9p *v, const struct arm_log *log, struct physmem *mem,
                    const struct folder *folder, const char *tag)
{
    size_t length = strnlen(tag, VIRTIO_9P_TAG_MAX);

    virtio_init(&v->virtio, &ops, log, mem, 1, BIT(0), BIT(F_MOUNT_TAG));
    p9_init(&v->p9, folder);
    le_put(v->virtio.config, 2, length);
    memcpy(v->virtio.config + 2, tag, length);
    v->virtio.config_size = (uint32_t)(2 + length);
}
