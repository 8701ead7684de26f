/* Virtio devices in their slots: registers, and rings, tables and buffers of any content. */
#include "devices/virtio_balloon.h"
#include "devices/virtio_blk.h"
#include "devices/virtio_console.h"
#include "devices/virtio_gpu.h"
#include "devices/virtio_input.h"
#include "devices/virtio_mmio.h"
#include "devices/virtio_net.h"
#include "devices/virtio_rng.h"
#include "devices/virtio_scsi.h"
#include "devices/virtio_snd.h"
#include "devices/virtio_vsock.h"
#include "tests/fuzz/rings.h"

#define PORTS 2
#define DISK  4096
#define CID   3

enum { DRIVER_SEL = 0x24, DRIVER = 0x20, SEL = 0x30, NUM = 0x38, READY = 0x44, NOTIFY = 0x50 };
enum { PAGE_SIZE_REG = 0x28, ALIGN = 0x3c, PFN = 0x40 };
enum { STATUS = 0x70, DESC_LOW = 0x80, DRIVER_LOW = 0x90, DEVICE_LOW = 0xa0 };

struct bench {
    struct rings rings;
    struct memfile file;
    struct disk disk;
    struct virtio_blk blk;
    struct virtio_console console;
    struct virtio_rng rng;
    struct virtio_balloon balloon;
    struct virtio_vsock vsock;
    struct virtio_snd snd;
    struct virtio_net net;
    struct virtio_input input;
    struct virtio_gpu gpu;
    struct display_sources displays;
    struct virtio_scsi scsi;
    struct scsi_unit units[2];
    struct virtio_mmio slot;
    unsigned kind;
    bool packed; /* what the driver has asked for */
};

static struct virtio *plug(struct bench *b, struct choices *in)
{
    static const uint8_t sectors[DISK];
    const struct virtio_port ports[PORTS] = {{.is_console = true, .write = drop_output},
                                             {.name = "p1", .write = drop_output}};

    const struct virtio_blk_config config = {
        .disk = &b->disk,
        .queues = 1 + below(in, 4),
        .blocks = {.logical = 512u << below(in, 4), .write_through = below(in, 2)},
    };

    b->kind = below(in, 10);
    b->file = memfile_open(sectors, sizeof(sectors));
    if (disk_open(&b->disk, &(struct disk_spec){.path = b->file.path, .mode = below(in, 3)},
                  &b->rings.log, NULL) != 0 ||
        virtio_blk_init(&b->blk, &b->rings.log, &b->rings.mem, &config, NULL) != 0)
        abort();
    virtio_console_init(&b->console, &b->rings.log, &b->rings.mem, ports, PORTS);
    virtio_rng_init(&b->rng, &b->rings.log, &b->rings.mem, 1);
    virtio_balloon_init(&b->balloon, &b->rings.log, &b->rings.mem);
    virtio_vsock_init(&b->vsock, &b->rings.log, &b->rings.mem, CID);
    virtio_snd_init(&b->snd, &b->rings.log, &b->rings.mem, &b->rings.clock, 0);
    virtio_net_init(&b->net, &b->rings.log, &b->rings.mem, (const uint8_t[]){2, 0, 0, 0, 0, 1},
                    drop_output, NULL);
    virtio_scsi_init(&b->scsi, &b->rings.log, &b->rings.mem, config.queues);
    for (unsigned i = 0; i < 2; i++) {
        const struct arm_blocks blocks = {.logical = i ? 0 : 512u << below(in, 4)};
        if (scsi_unit_init(&b->units[i], &b->disk, i, NULL, NULL) != 0 ||
            scsi_unit_set_blocks(&b->units[i], &blocks, NULL) != 0 ||
            !virtio_scsi_attach(&b->scsi, i, 0, &b->units[i]))
            abort();
    }
    virtio_input_init(&b->input, &b->rings.log, &b->rings.mem, below(in, 3));
    struct virtio *const devices[] = {
        &b->blk.virtio, &b->console.virtio, &b->rng.virtio,     &b->net.virtio,   &b->input.virtio,
        &b->gpu.virtio, &b->scsi.virtio,    &b->balloon.virtio, &b->vsock.virtio, &b->snd.virtio};
    virtio_gpu_init(&b->gpu, &b->rings.log, &b->rings.mem, 64, 48, NULL);
    display_add(&b->displays, &b->gpu.source);
    return devices[b->kind];
}

static void reg(struct bench *b, uint64_t offset, uint64_t v)
{
    device_write(&b->slot.dev, offset, 4, (uint32_t)v);
}

/* What a driver does before it works; every step may be followed by any other. */
static void set_up(struct bench *b, struct choices *in)
{
    static const uint8_t status[] = {0, 3, 11, 15};
    uint64_t features = b->slot.virtio->offered & ~(uint64_t)below(in, 64);

    if (below(in, 2))
        features &= ~(uint64_t)(take(in, 1) << 28);
    b->packed = !b->slot.virtio->legacy && (features & BIT(VIRTIO_F_RING_PACKED));
    for (unsigned i = 0; i < ARRAY_SIZE(status); i++) {
        reg(b, STATUS, status[i]);
        for (unsigned half = 0; i == 1 && half < 2; half++) {
            reg(b, DRIVER_SEL, half);
            reg(b, DRIVER, (features | BIT(32)) >> (32 * half));
        }
        for (unsigned n = 0; i == 2 && n < b->slot.virtio->queue_count; n++) {
            reg(b, SEL, n);
            reg(b, NUM, QUEUE);
            reg(b, DESC_LOW, queue_at(n));
            reg(b, DRIVER_LOW, queue_at(n) + AVAIL_AT);
            reg(b, DEVICE_LOW, queue_at(n) + USED_AT);
            reg(b, READY, 1);
            reg(b, PAGE_SIZE_REG, 0x1000);
            reg(b, ALIGN, USED_AT);
            reg(b, PFN, queue_at(n) / 0x1000);
        }
    }
    rings_forget(&b->rings);
}

static uint64_t address(struct choices *in, unsigned n)
{
    return below(in, 16) ? queue_at(n) + BUFFER_AT + take(in, 1) * 8 : value(in);
}

/* A descriptor; @table may be an indirect one in a buffer. */
static void descriptor(struct bench *b, struct choices *in, uint64_t table, unsigned n, unsigned i)
{
    poke(&b->rings, table + 16 * i, 8, address(in, n));
    poke(&b->rings, table + 16 * i + 8, 4,
         below(in, 8) ? take(in, 1) * (1 + below(in, 16)) : value(in));
    poke(&b->rings, table + 16 * i + 12, 2, below(in, 8));
    poke(&b->rings, table + 16 * i + 14, 2, below(in, QUEUE + 1));
}

/* Descriptor @i of @count of the chain of queue @n at @head, as the layout has it; its buffer is
 * there. */
static void link_desc(struct bench *b, unsigned n, unsigned head, unsigned i, unsigned count,
                      bool write)
{
    unsigned flags = (i + 1 < count ? 1 : 0) | (write ? 2 : 0);
    uint64_t at = queue_at(n) + 16 * ((head + i) % QUEUE);

    if (b->packed)
        flags |= (b->rings.avail[n] + i) / QUEUE % 2 ? 0x8000 : 0x80;
    poke(&b->rings, at + 12, 2, b->packed ? head : flags);
    poke(&b->rings, at + 14, 2, b->packed ? flags : (head + i + 1) % QUEUE);
}

/* Where the next chain may begin. */
static unsigned any_head(struct bench *b, struct choices *in, unsigned n)
{
    unsigned any = below(in, QUEUE);

    return b->packed ? b->rings.avail[n] % QUEUE : any;
}

/* Of which descriptor a driver of packed queues wants to be told, most likely. */
static void ask_for_event(struct bench *b, struct choices *in, unsigned n)
{
    if (b->packed && below(in, 4) == 1)
        poke(&b->rings, queue_at(n) + AVAIL_AT, 4,
             below(in, QUEUE + 1) | below(in, 2) << 15 | (below(in, 8) ? 2 : below(in, 4)) << 16);
}

/* The chain of @count descriptors at @head is the device's. */
static void offer(struct bench *b, unsigned n, unsigned head, unsigned count)
{
    if (b->packed)
        b->rings.avail[n] = (uint16_t)(b->rings.avail[n] + count);
    else
        make_available(&b->rings, n, head);
}

/* A SCSI command, or a request of the control queue; how many bytes the driver sends. */
static unsigned scsi_header(struct bench *b, struct choices *in, uint64_t header, unsigned n)
{
    static const uint8_t opcodes[] = {0x12, 0x1a, 0x25, 0x28, 0x2a, 0x41,
                                      0x42, 0x43, 0x5a, 0x88, 0x93, 0x9e};

    if (n == 0) {
        poke(&b->rings, header + 8, 4, 1 | below(in, 3) << 8);
        return 24;
    }
    poke(&b->rings, header, 8, 1 | below(in, 3) << 8 | 0x400000);
    for (unsigned at = 19; at < 51; at += 8)
        poke(&b->rings, header + at, 8, below(in, 4) ? take(in, 4) & 0x0f010301 : value(in));
    poke(&b->rings, header + 19, 1,
         below(in, 8) ? opcodes[below(in, sizeof(opcodes))] : take(in, 1));
    return 51;
}

/* A packet from here to the host, most likely; how many bytes its header has. */
static unsigned vsock_header(struct bench *b, struct choices *in, uint64_t header)
{
    poke(&b->rings, header, 8, below(in, 8) ? CID : value(in));
    poke(&b->rings, header + 8, 8, below(in, 8) ? 2 : value(in));
    poke(&b->rings, header + 28, 4, 1 | below(in, 8) << 16);
    return 44 - (below(in, 8) == 1);
}

/* A command of a sound device, or a message of its streams; how many bytes it has. */
static unsigned snd_header(struct bench *b, struct choices *in, uint64_t header, unsigned n)
{
    poke(&b->rings, header, 4, n == 0 ? 0x100 + below(in, 7) : n - 2);
    poke(&b->rings, header + 4, 4, below(in, 8) ? below(in, 2) : value(in));
    poke(&b->rings, header + 8, 4, below(in, 8) ? 512 : value(in));
    poke(&b->rings, header + 12, 4, 32);
    poke(&b->rings, header + 16, 4, 0);
    poke(&b->rings, header + 20, 4, 1 + below(in, 2) + (3 + below(in, 17)) * 256);
    return n == 0 ? 24 : n == 2 ? 4 + 128 : 4;
}

/* A chain: the header of the device's kind of request, then any pieces; made available. */
static void request(struct bench *b, struct choices *in, unsigned n)
{
    unsigned head = any_head(b, in, n), pieces = below(in, 4);
    uint64_t header = queue_at(n) + BUFFER_AT + 16 * head;
    unsigned length = 16;

    poke(&b->rings, header, 4, below(in, 14));
    poke(&b->rings, header + 4, 4, below(in, 10) | below(in, 2) << 16);
    poke(&b->rings, header + 8, 8, below(in, 8) ? below(in, 9) : value(in));
    if (b->kind == 6)
        length = scsi_header(b, in, header, n);
    if (b->kind == 8)
        length = vsock_header(b, in, header);
    if (b->kind == 9)
        length = snd_header(b, in, header, n);
    for (unsigned i = 0; i <= pieces; i++) {
        uint64_t at = queue_at(n) + 16 * ((head + i) % QUEUE);
        poke(&b->rings, at, 8, i == 0 ? header : address(in, n));
        poke(&b->rings, at + 8, 4, i == 0 ? length : i == pieces ? 1 : 128 * below(in, 9));
        link_desc(b, n, head, i, pieces + 1, i > 0 && below(in, 2));
    }
    if (below(in, 4) == 1) /* and something wrong in it */
        descriptor(b, in, queue_at(n), n, below(in, QUEUE));
    offer(b, n, head, pieces + 1);
    ask_for_event(b, in, n);
    if (below(in, 4))
        reg(b, NOTIFY, n);
}

/* A command of a GPU: small numbers make pictures that can be shown. */
static void gpu_command(struct bench *b, struct choices *in)
{
    static const uint16_t types[] = {0x100, 0x101, 0x102, 0x103, 0x104, 0x105,
                                     0x106, 0x107, 0x10a, 0x300, 0x301};
    unsigned type = below(in, ARRAY_SIZE(types)), n = types[type] >= 0x300;
    uint64_t at = queue_at(n) + BUFFER_AT, answer = at + 0x100;

    poke(&b->rings, at, 8, types[type]);
    for (unsigned i = 0; i < 10; i++)
        poke(&b->rings, at + 24 + 4 * i, 4, below(in, 16) ? below(in, 40) : value(in));
    if (types[type] == 0x106 && below(in, 4)) /* entries that are RAM */
        for (unsigned i = 0; i < 2; i++) {
            poke(&b->rings, at + 32 + 16 * i, 8, RAM + take(in, 1) * 64);
            poke(&b->rings, at + 40 + 16 * i, 4, take(in, 2));
        }
    unsigned head = b->packed ? b->rings.avail[n] % QUEUE : 0;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t desc = queue_at(n) + 16 * ((head + i) % QUEUE);
        poke(&b->rings, desc, 8, i ? answer : at);
        poke(&b->rings, desc + 8, 4, i ? 64 : 80);
        link_desc(b, n, head, i, 2, i);
    }
    offer(b, n, head, 2);
    reg(b, NOTIFY, n);
}

/* What is shown can be looked at. */
static void look(struct bench *b)
{
    static uint32_t pixels[1 << 16];
    struct display d;

    if (display_show(&b->displays, &d) && (uint64_t)d.width * d.height <= ARRAY_SIZE(pixels))
        display_read(&d, pixels);
}

static void step(struct bench *b, struct choices *in)
{
    unsigned n = below(in, b->slot.virtio->queue_count);
    static const uint8_t chars[2048];

    switch (below(in, 12)) {
    case 0:
        set_up(b, in);
        break;
    case 1:
        any_access(in, &b->slot.dev, VIRTIO_MMIO_BYTES);
        break;
    case 2:
        poke(&b->rings, queue_at(n) + take(in, 2) % 0x1000, 1u << below(in, 4), value(in));
        break;
    case 3:
        descriptor(b, in, queue_at(n) + (below(in, 2) ? BUFFER_AT : 0), n, below(in, QUEUE));
        break;
    case 4:
        if (b->kind == 1)
            (void)virtio_console_receive(&b->console, below(in, PORTS), chars, below(in, 32));
        break;
    case 7:
        if (b->kind == 3)
            (void)virtio_net_receive(&b->net, chars, below(in, sizeof(chars)));
        if (b->kind == 5) {
            gpu_command(b, in);
            look(b);
        }
        if (b->kind == 4) {
            const struct host_input_event event = {(uint16_t)below(in, 4), (uint16_t)below(in, 300),
                                                   1};
            (void)b->input.host.receive(&b->input, &event, 1);
        }
        break;
    case 6:
        clock_run(&b->rings.clock, b->rings.clock.now_ns + 10 * below(in, 256));
        break;
    case 5:
        reg(b, NOTIFY, below(in, 40));
        break;
    default:
        request(b, in, n);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    struct bench *b = calloc(1, sizeof(*b));

    if (!b)
        abort();
    rings_init(&b->rings);
    struct virtio *v = plug(b, &in);
    if (below(&in, 2))
        v->offered |= BIT(VIRTIO_F_RING_PACKED);
    virtio_mmio_init(&b->slot, 0, &b->rings.log, (struct irq_line){0}, &b->rings.clock,
                     below(&in, 2), v);
    set_up(b, &in);
    while (in.left > 0)
        step(b, &in);
    reg(b, STATUS, 0);
    CHECK(device_read(&b->slot.dev, STATUS, 4) == 0);
    virtio_destroy(&b->gpu.virtio);
    if (b->slot.virtio != &b->gpu.virtio)
        virtio_destroy(b->slot.virtio);
    disk_close(&b->disk);
    memfile_close(&b->file);
    physmem_destroy(&b->rings.mem);
    free(b);
    return 0;
}
