/* PCI: configuration spaces of a bus with a port, windows, and virtio devices behind them by either
 * interface, with rings of any content. */
#include "devices/pci_host.h"
#include "devices/pci_port.h"
#include "devices/virtio_net.h"
#include "devices/virtio_pci.h"
#include "devices/virtio_rng.h"
#include "tests/fuzz/rings.h"

#define MEMORY      UINT64_C(0x10000000)
#define HIGH_MEMORY UINT64_C(0x8000000000)
#define DEVICES     3

enum { STATUS = 0x14, SELECT = 0x16, SIZE = 0x18, VECTOR = 0x1a, ENABLE = 0x1c, DESC = 0x20 };

struct bench {
    struct rings rings;
    struct pci_host host;
    struct pci_port port;
    struct virtio_rng rng[2];
    struct virtio_net net;
    struct virtio_pci pci[DEVICES];
};

static void message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    (void)ctx, (void)data;
    CHECK(requester <= UINT16_MAX && address % 4 == 0);
}

static void make_bus(struct bench *b, struct choices *in)
{
    struct virtio *const devices[DEVICES] = {&b->rng[0].virtio, &b->net.virtio, &b->rng[1].virtio};
    const struct pci_host_config config = {.log = &b->rings.log, .message = message};

    pci_host_init(&b->host, &config, MEMORY, HIGH_MEMORY);
    pci_port_init(&b->port, &b->rings.log, 1);
    pci_host_add(&b->host, &b->port.function, NULL, PCI_DEVFN(1, 0));
    virtio_rng_init(&b->rng[0], &b->rings.log, &b->rings.mem, 1);
    virtio_rng_init(&b->rng[1], &b->rings.log, &b->rings.mem, 2);
    virtio_net_init(&b->net, &b->rings.log, &b->rings.mem, (const uint8_t[]){2, 0, 0, 0, 0, 1},
                    drop_output, NULL);
    for (unsigned i = 0; i < DEVICES; i++) {
        unsigned interfaces = 1 + below(in, 3);
        virtio_pci_init(&b->pci[i],
                        &(struct virtio_pci_config){.virtio = devices[i],
                                                    .unit = i,
                                                    .modern = interfaces & 1,
                                                    .legacy = interfaces & 2,
                                                    .express = i == 2,
                                                    .vectors = below(in, 4)},
                        &b->rings.log, &b->rings.clock);
        pci_host_add(&b->host, &b->pci[i].function, i == 2 ? &b->port.function : NULL,
                     i == 2 ? 0 : (uint8_t)PCI_DEVFN(2 + i, 0));
    }
    pci_host_reset(&b->host);
}

static void config(struct bench *b, unsigned i, unsigned offset, unsigned size, uint64_t value)
{
    uint64_t function = i == 2 ? PCI_ECAM_BUS : (uint64_t)PCI_DEVFN(2 + i, 0) << 12;

    device_write(&b->host.ecam, function + offset, size, value);
}

static uint64_t memory_at(unsigned i)
{
    return 0x100000 + i * UINT64_C(0x10000);
}

/* What firmware does; every step may be followed by any other. */
static void set_up(struct bench *b)
{
    const uint64_t port = (uint64_t)PCI_DEVFN(1, 0) << 12;

    device_write(&b->host.ecam, port + 0x18, 4, 0x010100);
    device_write(&b->host.ecam, port + 0x20, 4, 0x10101010);
    device_write(&b->host.ecam, port + 0x24, 4, 0x00100010);
    device_write(&b->host.ecam, port + 0x28, 8, UINT64_C(0x8000000080));
    device_write(&b->host.ecam, port + PCI_COMMAND, 2, 7);
    for (unsigned i = 0; i < DEVICES; i++) {
        config(b, i, 0x10, 4, 0x1000 * (i + 1));
        config(b, i, 0x14, 4, MEMORY + memory_at(i));
        config(b, i, 0x20, 8, HIGH_MEMORY + memory_at(i));
        config(b, i, PCI_COMMAND, 2, 7);
        if (b->pci[i].function.msix.count)
            config(b, i, b->pci[i].function.msix.cap + 2, 2, 0x8000);
    }
}

static void common(struct bench *b, unsigned i, uint64_t offset, unsigned size, uint64_t value)
{
    device_write(&b->host.high_memory.dev, memory_at(i) + offset, size, value);
}

static void drive(struct bench *b, struct choices *in, unsigned i)
{
    static const uint8_t status[] = {0, 3, 11};

    for (unsigned k = 0; k < ARRAY_SIZE(status); k++) {
        common(b, i, STATUS, 1, status[k]);
        for (unsigned half = 0; k == 1 && half < 2; half++) {
            common(b, i, 8, 4, half);
            common(b, i, 12, 4, half ? 1 : value(in));
        }
    }
    for (unsigned n = 0; n < b->pci[i].virtio->queue_count; n++) {
        common(b, i, SELECT, 2, n);
        common(b, i, SIZE, 2, QUEUE);
        common(b, i, VECTOR, 2, n);
        common(b, i, DESC, 8, queue_at(n));
        common(b, i, DESC + 8, 8, queue_at(n) + AVAIL_AT);
        common(b, i, DESC + 16, 8, queue_at(n) + USED_AT);
        common(b, i, ENABLE, 2, 1);
    }
    common(b, i, STATUS, 1, 15);
    rings_forget(&b->rings);
}

static void request(struct bench *b, struct choices *in, unsigned i)
{
    unsigned n = below(in, b->pci[i].virtio->queue_count), head = below(in, QUEUE);
    uint64_t desc = queue_at(n) + 16 * head;

    poke(&b->rings, desc, 8, below(in, 16) ? queue_at(n) + BUFFER_AT : value(in));
    poke(&b->rings, desc + 8, 4, below(in, 16) ? take(in, 1) * 8 : value(in));
    poke(&b->rings, desc + 12, 2, below(in, 8));
    poke(&b->rings, desc + 14, 2, below(in, QUEUE));
    make_available(&b->rings, n, head);
    common(b, i, 0x3000 + 4 * n, 2, n);
}

static void step(struct bench *b, struct choices *in)
{
    struct device *const windows[] = {&b->host.ecam, &b->host.memory.dev, &b->host.high_memory.dev,
                                      &b->host.ports.dev};
    unsigned i = below(in, DEVICES);
    static const uint8_t frame[2048];

    switch (below(in, 12)) {
    case 0:
        set_up(b);
        break;
    case 1:
        drive(b, in, i);
        break;
    case 2:
        any_access(in, windows[below(in, 4)], PCI_ECAM_BUS * 2);
        break;
    case 3:
        config(b, i, below(in, 64) * 4, 4, value(in));
        break;
    case 4:
        common(b, i, below(in, 16) * 4, 1u << below(in, 4), value(in));
        break;
    case 5:
        device_write(&b->host.ports.dev, 0x1000 * (i + 1) + below(in, 32), 1u << below(in, 3),
                     value(in));
        break;
    case 6:
        device_write(&b->host.memory.dev, memory_at(i) + below(in, 16) * 4, 4, value(in));
        break;
    case 7:
        clock_run(&b->rings.clock, b->rings.clock.now_ns + 10 * below(in, 256));
        break;
    case 8:
        (void)virtio_net_receive(&b->net, frame, below(in, sizeof(frame)));
        break;
    default:
        request(b, in, i);
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
    make_bus(b, &in);
    set_up(b);
    while (in.left > 0)
        step(b, &in);
    pci_host_reset(&b->host);
    CHECK(device_read(&b->host.ecam, (uint64_t)PCI_DEVFN(2, 0) << 12, 2) == 0x1af4);
    physmem_destroy(&b->rings.mem);
    free(b);
    return 0;
}
