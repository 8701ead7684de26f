#include "devices/virtio_gpu.h"

#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID 16

/* 5.7.3, Feature bits */
#define F_EDID 1

/* 5.7.2, Virtqueues */
enum { CONTROL, POINTER, QUEUES };

/* 5.7.4, struct virtio_gpu_config: le32 events_read, events_clear, num_scanouts, num_capsets */
enum { CONFIG_SCANOUTS = 8, CONFIG_BYTES = 16 };
#define SCANOUTS     1
#define SCANOUTS_MAX 16 /* in an answer */

/* 5.7.6.7, struct virtio_gpu_ctrl_hdr: le32 type, flags, le64 fence_id, le32 ctx_id, u8 ring_idx.
 * The answer has what behind type belongs to a fence. */
enum { HEADER_FLAGS = 4, HEADER_FENCE = 8, HEADER_CONTEXT = 16, HEADER_BYTES = 24 };
#define FLAG_FENCE 1

#define DISPLAY_INFO_BYTES 24 /* of a scanout: rect, le32 enabled, flags */
#define EDID_BYTES_MAX     1024
#define REQUEST_MAX        64
#define ANSWER_MAX         (HEADER_BYTES + 8 + EDID_BYTES_MAX)

/* A command, and its answer as far as it is there. */
struct command {
    struct virtio_gpu *gpu;
    struct virtq *q;
    uint8_t request[REQUEST_MAX]; /* what is not there is zero */
    uint8_t answer[ANSWER_MAX];
    uint32_t answer_bytes; /* behind the header */
    uint32_t budget, moved;
    bool unfinished; /* it goes on from byte virtio.done */
};

static struct virtio_gpu *to_gpu(struct virtio *v)
{
    return (struct virtio_gpu *)v;
}

/* A number behind the request's header. */
static uint32_t field(const struct command *c, unsigned at)
{
    return (uint32_t)le_get(c->request + HEADER_BYTES + at, 4);
}

static struct virtio_gpu_rect rect_of(const struct command *c)
{
    return (struct virtio_gpu_rect){field(c, 0), field(c, 4), field(c, 8), field(c, 12)};
}

/* -- commands: 5.7.6.8, Device Operation: controlq. Each returns the answer's type -- */

static enum virtio_gpu_answer get_display_info(struct command *c)
{
    uint8_t *first = c->answer + HEADER_BYTES;

    le_put(first + 8, 4, c->gpu->width);
    le_put(first + 12, 4, c->gpu->height);
    le_put(first + 16, 4, 1);
    c->answer_bytes = SCANOUTS_MAX * DISPLAY_INFO_BYTES;
    return VIRTIO_GPU_OK_DISPLAY_INFO;
}

static enum virtio_gpu_answer get_edid(struct command *c)
{
    if (field(c, 0) >= SCANOUTS)
        return VIRTIO_GPU_ERR_INVALID_PARAMETER;
    le_put(c->answer + HEADER_BYTES, 4, EDID_BYTES);
    edid_make(c->answer + HEADER_BYTES + 8, c->gpu->width, c->gpu->height);
    c->answer_bytes = 8 + EDID_BYTES_MAX;
    return VIRTIO_GPU_OK_EDID;
}

static enum virtio_gpu_answer resource_create_2d(struct command *c)
{
    return virtio_gpu_create(c->gpu, field(c, 0), field(c, 4), field(c, 8), field(c, 12));
}

static enum virtio_gpu_answer resource_unref(struct command *c)
{
    struct virtio_gpu_resource *r = virtio_gpu_find(c->gpu, field(c, 0));

    if (!r)
        return VIRTIO_GPU_ERR_INVALID_RESOURCE_ID;
    virtio_gpu_unref(c->gpu, r);
    c->gpu->changes++;
    return VIRTIO_GPU_OK_NODATA;
}

/* Resource 0 switches the scanout off. */
static enum virtio_gpu_answer set_scanout(struct command *c)
{
    struct virtio_gpu_rect rect = rect_of(c);
    uint32_t id = field(c, 20);
    const struct virtio_gpu_resource *r = virtio_gpu_find(c->gpu, id);

    if (field(c, 16) >= SCANOUTS)
        return VIRTIO_GPU_ERR_INVALID_SCANOUT_ID;
    if (id && !r)
        return VIRTIO_GPU_ERR_INVALID_RESOURCE_ID;
    if (id && (!virtio_gpu_has_rect(r, &rect) || !rect.width || !rect.height))
        return VIRTIO_GPU_ERR_INVALID_PARAMETER;
    c->gpu->scanout_resource = id;
    c->gpu->scanout = rect;
    c->gpu->changes++;
    return VIRTIO_GPU_OK_NODATA;
}

/* Whoever looks sees the resource itself, so that nothing has to be moved. */
static enum virtio_gpu_answer resource_flush(struct command *c)
{
    struct virtio_gpu_rect rect = rect_of(c);
    const struct virtio_gpu_resource *r = virtio_gpu_find(c->gpu, field(c, 16));

    if (!r)
        return VIRTIO_GPU_ERR_INVALID_RESOURCE_ID;
    if (!virtio_gpu_has_rect(r, &rect))
        return VIRTIO_GPU_ERR_INVALID_PARAMETER;
    c->gpu->changes++;
    return VIRTIO_GPU_OK_NODATA;
}

/* The lines that were copied are what virtio.done counts. The request is read again for the next
 * ones, whatever has become of it meanwhile. */
static enum virtio_gpu_answer transfer_to_host_2d(struct command *c)
{
    struct virtio_gpu_rect rect = rect_of(c);
    struct virtio_gpu_resource *r = virtio_gpu_find(c->gpu, field(c, 24));

    if (!r)
        return VIRTIO_GPU_ERR_INVALID_RESOURCE_ID;
    if (!r->entries)
        return VIRTIO_GPU_ERR_UNSPEC;
    if (!virtio_gpu_has_rect(r, &rect))
        return VIRTIO_GPU_ERR_INVALID_PARAMETER;
    c->moved = virtio_gpu_transfer(c->gpu, r, &rect, le_get(c->request + HEADER_BYTES + 16, 8),
                                   c->budget, &c->gpu->virtio.done);
    c->unfinished = c->gpu->virtio.done < rect.height;
    return VIRTIO_GPU_OK_NODATA;
}

/* struct virtio_gpu_mem_entry: le64 addr, le32 length, padding. */
static bool read_entries(struct command *c, struct virtio_gpu_entry *entries, uint32_t count)
{
    struct virtio *v = &c->gpu->virtio;
    uint8_t bytes[16];

    for (uint32_t i = 0; i < count; i++) {
        if (virtq_read(c->q, &v->chain, HEADER_BYTES + 8 + i * (uint32_t)sizeof(bytes), bytes,
                       sizeof(bytes)) != sizeof(bytes))
            return false;
        entries[i].addr = le_get(bytes, 8);
        entries[i].len = (uint32_t)le_get(bytes + 8, 4);
        if (entries[i].len &&
            !dma_may_reach(v->mem, v->queues[0].who, pa(entries[i].addr), entries[i].len))
            return false;
    }
    return true;
}

static enum virtio_gpu_answer resource_attach_backing(struct command *c)
{
    struct virtio_gpu_resource *r = virtio_gpu_find(c->gpu, field(c, 0));
    uint32_t count = field(c, 4);
    enum virtio_gpu_answer answer;

    if (!r)
        return VIRTIO_GPU_ERR_INVALID_RESOURCE_ID;
    struct virtio_gpu_entry *entries = virtio_gpu_attach(c->gpu, r, count, &answer);
    if (!entries)
        return answer;
    c->moved = count * (uint32_t)sizeof(*entries);
    if (read_entries(c, entries, count))
        return VIRTIO_GPU_OK_NODATA;
    virtio_gpu_detach(c->gpu, r);
    return VIRTIO_GPU_ERR_UNSPEC;
}

static enum virtio_gpu_answer resource_detach_backing(struct command *c)
{
    struct virtio_gpu_resource *r = virtio_gpu_find(c->gpu, field(c, 0));

    if (!r || !r->entries)
        return VIRTIO_GPU_ERR_INVALID_RESOURCE_ID;
    virtio_gpu_detach(c->gpu, r);
    return VIRTIO_GPU_OK_NODATA;
}

/* 5.7.6.10, struct virtio_gpu_update_cursor: le32 scanout, x, y, padding, resource_id, hot_x,
 * hot_y. Differs: x and y are where the picture's corner is, as Linux has them and QEMU takes them:
 * the hot spot is the window system's affair. */
static enum virtio_gpu_answer move_cursor(struct command *c)
{
    if (field(c, 0) >= SCANOUTS)
        return VIRTIO_GPU_ERR_INVALID_SCANOUT_ID;
    c->gpu->pointer.x = (int32_t)field(c, 4);
    c->gpu->pointer.y = (int32_t)field(c, 8);
    c->gpu->changes++;
    return VIRTIO_GPU_OK_NODATA;
}

/* The picture is a copy: the driver may change the resource for the next one. */
static void copy_pointer(struct display_pointer *p, const struct virtio_gpu_resource *r)
{
    memset(p->pixels, 0, sizeof(p->pixels));
    for (uint32_t y = 0; y < r->height && y < DISPLAY_POINTER_SIDE; y++)
        for (uint32_t x = 0; x < r->width && x < DISPLAY_POINTER_SIDE; x++)
            p->pixels[y * DISPLAY_POINTER_SIDE + x] =
                pixel_get(r->format, r->pixels + ((size_t)y * r->width + x) * r->format->bytes);
}

static enum virtio_gpu_answer update_cursor(struct command *c)
{
    const struct virtio_gpu_resource *r = virtio_gpu_find(c->gpu, field(c, 16));

    if (field(c, 16) && !r)
        return VIRTIO_GPU_ERR_INVALID_RESOURCE_ID;
    enum virtio_gpu_answer answer = move_cursor(c);
    if (answer != VIRTIO_GPU_OK_NODATA)
        return answer;
    c->gpu->pointer.on = r != NULL;
    if (r)
        copy_pointer(&c->gpu->pointer, r);
    return answer;
}

/* -- queues -- */

static const struct {
    uint32_t type, queue;
    enum virtio_gpu_answer (*fn)(struct command *c);
} commands[] = {
    {0x100, CONTROL, get_display_info},
    {0x101, CONTROL, resource_create_2d},
    {0x102, CONTROL, resource_unref},
    {0x103, CONTROL, set_scanout},
    {0x104, CONTROL, resource_flush},
    {0x105, CONTROL, transfer_to_host_2d},
    {0x106, CONTROL, resource_attach_backing},
    {0x107, CONTROL, resource_detach_backing},
    {0x10a, CONTROL, get_edid},
    {0x300, POINTER, update_cursor},
    {0x301, POINTER, move_cursor},
};

static enum virtio_gpu_answer execute(struct command *c, uint32_t queue)
{
    uint32_t type = (uint32_t)le_get(c->request, 4);

    for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
        if (commands[k].type == type && commands[k].queue == queue)
            return commands[k].fn(c);
    LOG(c->gpu->virtio.log, DEVICE, GUEST, "virtio gpu: command %#x: there is none in queue %u",
        type, queue);
    return VIRTIO_GPU_ERR_UNSPEC;
}

/* 5.7.6.7: what has a fence is answered with it; everything is done by then. */
static void put_header(struct command *c, enum virtio_gpu_answer type)
{
    le_put(c->answer, 4, type);
    if (!(le_get(c->request + HEADER_FLAGS, 4) & FLAG_FENCE))
        return;
    le_put(c->answer + HEADER_FLAGS, 4, FLAG_FENCE);
    memcpy(c->answer + HEADER_FENCE, c->request + HEADER_FENCE, HEADER_BYTES - HEADER_FENCE);
}

static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    struct command c = {.gpu = to_gpu(v), .q = q, .budget = budget};
    uint32_t queue = v->turn;

    virtq_read(q, &v->chain, 0, c.request, sizeof(c.request));
    put_header(&c, execute(&c, queue));
    if (!c.unfinished)
        virtio_done(v, queue == CONTROL ? (uint32_t)virtq_write(q, &v->chain, 0, c.answer,
                                                                HEADER_BYTES + c.answer_bytes)
                                        : 0);
    return c.moved + ANSWER_MAX;
}

/* -- the device -- */

/* What stays of a resource whose part is shown is shown, whether it was flushed or not. */
static bool show(void *ctx, struct display *d)
{
    struct virtio_gpu *gpu = ctx;
    const struct virtio_gpu_resource *r =
        gpu->scanout_resource ? virtio_gpu_find(gpu, gpu->scanout_resource) : NULL;

    if (!r)
        return false;
    size_t stride = (size_t)r->width * r->format->bytes;
    *d = (struct display){
        .width = gpu->scanout.width,
        .height = gpu->scanout.height,
        .format = r->format,
        .pixels = r->pixels + gpu->scanout.y * stride + (size_t)gpu->scanout.x * r->format->bytes,
        .stride = stride,
        .pointer = &gpu->pointer,
        .changes = gpu->changes,
    };
    return true;
}

static void reset(struct virtio *v)
{
    struct virtio_gpu *gpu = to_gpu(v);

    virtio_gpu_unref_all(gpu);
    gpu->scanout_resource = 0;
    gpu->scanout = (struct virtio_gpu_rect){0};
    memset(&gpu->pointer, 0, sizeof(gpu->pointer));
    gpu->changes++;
}

static void destroy(struct virtio *v)
{
    virtio_gpu_unref_all(to_gpu(v));
}

static void state(struct state_io *io, struct virtio *v)
{
    struct virtio_gpu *gpu = to_gpu(v);
    struct virtio_gpu_rect *s = &gpu->scanout;

    virtio_gpu_resources_state(io, gpu);
    STATE(io, gpu->scanout_resource);
    STATE(io, s->x);
    STATE(io, s->y);
    STATE(io, s->width);
    STATE(io, s->height);
    STATE(io, gpu->pointer.on);
    STATE(io, gpu->pointer.x);
    STATE(io, gpu->pointer.y);
    STATE_ARRAY(io, gpu->pointer.pixels);
    const struct virtio_gpu_resource *r = virtio_gpu_find(gpu, gpu->scanout_resource);
    state_require(
        io, !gpu->scanout_resource || (r && s->width && s->height && virtio_gpu_has_rect(r, s)),
        "gpu->scanout_resource");
    if (state_restoring(io))
        gpu->changes++;
}

static const struct virtio_ops ops = {.name = "gpu",
                                      .id = DEVICE_ID,
                                      .request = request,
                                      .reset = reset,
                                      .destroy = destroy,
                                      .state = state};

void virtio_gpu_init(struct virtio_gpu *gpu, const struct arm_log *log, struct physmem *mem,
                     unsigned width, unsigned height, const struct host_failure *host)
{
    CHECK(width >= 1 && width <= VIRTIO_GPU_SIDE_MAX && height >= 1 &&
          height <= VIRTIO_GPU_SIDE_MAX);
    *gpu = (struct virtio_gpu){.width = width, .height = height, .host = host};
    virtio_init(&gpu->virtio, &ops, log, mem, QUEUES, BIT(CONTROL) | BIT(POINTER), BIT(F_EDID));
    le_put(gpu->virtio.config + CONFIG_SCANOUTS, 4, SCANOUTS);
    gpu->virtio.config_size = CONFIG_BYTES;
    gpu->source = (struct display_source){.show = show, .ctx = gpu};
    gpu->changes = 1;
}
