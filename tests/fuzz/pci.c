/* PCI: configuration spaces of a bus with a port, windows, and virtio devices behind them by either
 * interface, with rings of any content; and other controllers, with queues and descriptors of any
 * content. */
#include "devices/ahci.h"
#include "devices/e1000.h"
#include "devices/nvme.h"
#include "devices/pci_host.h"
#include "devices/pci_port.h"
#include "devices/virtio_net.h"
#include "devices/virtio_pci.h"
#include "devices/virtio_rng.h"
#include "tests/fuzz/rings.h"

#define MEMORY      UINT64_C(0x10000000)
#define HIGH_MEMORY UINT64_C(0x8000000000)
#define DEVICES     3
#define FIRST_OTHER PCI_DEVFN(8, 0)
#define DISK        4096

enum { NVME, E1000, AHCI, OTHERS };

enum { STATUS = 0x14, SELECT = 0x16, SIZE = 0x18, VECTOR = 0x1a, ENABLE = 0x1c, DESC = 0x20 };

struct bench {
    struct rings rings;
    struct pci_host host;
    struct pci_port port;
    struct pci_port deep[5]; /* a switch with a conventional bus behind it, on another root bus */
    struct virtio_rng rng[2];
    struct virtio_net net;
    struct virtio_pci pci[DEVICES];
    struct memfile file;
    struct disk disk;
    struct nvme nvme;
    struct e1000 e1000;
    struct ahci ahci;
    struct scsi_unit units[2];
    struct pci_function *others[OTHERS];
};

static void message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    (void)ctx, (void)data;
    CHECK(requester <= UINT16_MAX && address % 4 == 0);
}

/* What is no virtio device, at FIRST_OTHER and behind it. */
static void make_others(struct bench *b, struct choices *in)
{
    static const uint8_t sectors[DISK], mac[] = {2, 0, 0, 0, 0, 1};

    b->file = memfile_open(sectors, sizeof(sectors));
    if (disk_open(&b->disk, &(struct disk_spec){.path = b->file.path, .mode = below(in, 3)},
                  &b->rings.log, NULL) != 0 ||
        nvme_init(&b->nvme,
                  &(struct nvme_config){.disk = &b->disk,
                                        .block = 512u << below(in, 4),
                                        .serial = "1",
                                        .vectors = below(in, 4),
                                        .mem = &b->rings.mem,
                                        .clock = &b->rings.clock},
                  &b->rings.log, NULL) != 0)
        abort();
    e1000_init(&b->e1000,
               &(struct e1000_config){.kind = below(in, 2) ? E1000_82574L : E1000_82540EM,
                                      .mac = mac,
                                      .send = drop_output,
                                      .mem = &b->rings.mem,
                                      .clock = &b->rings.clock},
               &b->rings.log);
    ahci_init(&b->ahci, &(struct ahci_config){.mem = &b->rings.mem, .clock = &b->rings.clock},
              &b->rings.log);
    for (unsigned i = 0; i < 2; i++)
        if (scsi_unit_init(&b->units[i], &b->disk, i, NULL, NULL) != 0 ||
            !ahci_attach(&b->ahci, i, &b->units[i]))
            abort();
    b->others[AHCI] = &b->ahci.function;
    b->others[NVME] = &b->nvme.function;
    b->others[E1000] = &b->e1000.function;
    for (unsigned i = 0; i < OTHERS; i++)
        pci_host_add(&b->host, b->others[i], NULL, (uint8_t)(FIRST_OTHER + 8 * i));
}

#define DEEP_BUS 8

/* Each behind the one before it. */
static void make_deep(struct bench *b)
{
    static const enum pci_port_kind kinds[] = {PCI_PORT_EXPANDER, PCI_PORT_ROOT, PCI_PORT_UPSTREAM,
                                               PCI_PORT_DOWNSTREAM, PCI_PORT_PCIE_PCI};

    for (unsigned n = 0; n < ARRAY_SIZE(kinds); n++) {
        pci_port_init(&b->deep[n], kinds[n], &b->rings.log, DEEP_BUS);
        pci_host_add(&b->host, &b->deep[n].function, n ? &b->deep[n - 1].function : NULL,
                     n ? 0 : (uint8_t)PCI_DEVFN(31, 0));
    }
}

/* Buses with numbers, whatever the input does to them later. */
static void number_deep(struct bench *b)
{
    for (unsigned n = 1; n < ARRAY_SIZE(b->deep); n++) {
        uint64_t at = (DEEP_BUS + n - 1) * PCI_ECAM_BUS;
        device_write(&b->host.ecam, at + 0x18, 4,
                     0x0c0000 | (DEEP_BUS + n) << 8 | (DEEP_BUS + n - 1));
        device_write(&b->host.ecam, at + PCI_COMMAND, 2, 7);
    }
}

static void make_bus(struct bench *b, struct choices *in)
{
    struct virtio *const devices[DEVICES] = {&b->rng[0].virtio, &b->net.virtio, &b->rng[1].virtio};
    const struct pci_host_config config = {.log = &b->rings.log, .message = message};

    pci_host_init(&b->host, &config, MEMORY, HIGH_MEMORY);
    pci_port_init(&b->port, PCI_PORT_ROOT, &b->rings.log, 1);
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
    make_others(b, in);
    make_deep(b);
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

static uint64_t other_at(unsigned i)
{
    return 0x400000 + i * UINT64_C(0x100000);
}

static void reg(struct bench *b, unsigned i, uint64_t offset, unsigned size, uint64_t v)
{
    device_write(&b->host.memory.dev, other_at(i) + offset, size, v);
}

/* Their registers in the low window, and queues or rings in the pages of those of virtio. */
static void set_up_others(struct bench *b)
{
    for (unsigned i = 0; i < OTHERS; i++) {
        uint64_t at = (uint64_t)(FIRST_OTHER + 8 * i) << 12;
        device_write(&b->host.ecam, at + PCI_BAR0, 4, MEMORY + other_at(i));
        device_write(&b->host.ecam, at + PCI_BAR0 + 4, 4, i == NVME ? 0 : 0x8000);
        if (i == AHCI)
            device_write(&b->host.ecam, at + PCI_BAR0 + 20, 4, MEMORY + other_at(i));
        device_write(&b->host.ecam, at + PCI_COMMAND, 2, 7);
        if (i == E1000 && b->e1000.function.msix.count)
            device_write(&b->host.ecam, at + b->e1000.function.msix.cap + 2, 2, 0x8000);
    }
    for (unsigned n = 0; n < 2; n++) {
        reg(b, AHCI, 0x100 + 0x80 * n, 4, queue_at(9));
        reg(b, AHCI, 0x108 + 0x80 * n, 4, queue_at(10));
        reg(b, AHCI, 0x118 + 0x80 * n, 4, 0);
        reg(b, AHCI, 0x118 + 0x80 * n, 4, 0x11);
    }
    reg(b, NVME, 0x14, 4, 0);
    reg(b, NVME, 0x24, 4, 0xf000f);
    reg(b, NVME, 0x28, 8, queue_at(0));
    reg(b, NVME, 0x30, 8, queue_at(1));
    reg(b, NVME, 0x14, 4, 0x460001);
    reg(b, E1000, 0x3800, 4, queue_at(4));
    reg(b, E1000, 0x3808, 4, 256);
    reg(b, E1000, 0x400, 4, 2);
    reg(b, E1000, 0x2800, 4, queue_at(5));
    reg(b, E1000, 0x2808, 4, 256);
    reg(b, E1000, 0x100, 4, 0x801a);
    reg(b, E1000, 0x2818, 4, 15);
    reg(b, E1000, 0x5008, 4, 0x8000);
    reg(b, E1000, 0x2170, 4, 0x01010101);
    reg(b, E1000, 0xe4, 4, 0x800a0908);
    reg(b, E1000, 0xd0, 4, 0x01500000);
}

/* A command in entry @k of a queue of NVMe; queue 0 is the admin's, 1 is made by it. */
static void nvme_command(struct bench *b, struct choices *in)
{
    unsigned q = below(in, 2), k = below(in, 16);
    uint64_t at = queue_at(q ? 2 : 0) + 64 * k;

    poke(&b->rings, at, 4, below(in, 14) | k << 16);
    poke(&b->rings, at + 4, 4, below(in, 8) ? 1 : value(in));
    for (unsigned dw = 6; dw <= 8; dw += 2)
        poke(&b->rings, at + 4 * dw, 8,
             below(in, 8) ? queue_at(2 + below(in, 8)) + 8 * below(in, 2) : value(in));
    poke(&b->rings, at + 40, 4, below(in, 4) ? 0xf0000 | below(in, 4) : value(in));
    poke(&b->rings, at + 44, 4, below(in, 4) ? 0x10000 * below(in, 2) | 3 : value(in));
    poke(&b->rings, at + 48, 4, below(in, 256));
    reg(b, NVME, 0x1000 + 8 * q, 4, below(in, 16));
    reg(b, NVME, 0x1004 + 8 * q, 4, b->nvme.completions[q].tail);
}

static void e1000_descriptor(struct bench *b, struct choices *in)
{
    unsigned ring = 4 + below(in, 2), k = below(in, 16);
    uint64_t at = queue_at(ring) + 16 * k;

    poke(&b->rings, at, 8,
         below(in, 4) ? queue_at(8) + take(in, 1) : (uint64_t)value(in) << 32 | take(in, 4));
    poke(&b->rings, at + 8, 8, below(in, 4) ? take(in, 8) & 0xffffffff6f3003ff : value(in));
    reg(b, E1000, ring == 4 ? 0x3818 : 0x2818, 4, below(in, 16));
}

/* A command in a slot of one of the ports, with two regions of memory and a packet. */
static void ahci_command(struct bench *b, struct choices *in)
{
    static const uint8_t codes[] = {0x06, 0x20, 0x25, 0x35, 0xa0, 0xa0, 0xc8, 0xca, 0xec, 0xa1};
    static const uint8_t packets[] = {0x03, 0x12, 0x25, 0x28, 0x43, 0x5a, 0xa8, 0xbe};
    uint64_t header = queue_at(9) + 32 * below(in, 4), table = queue_at(11);
    unsigned n = below(in, 2);

    poke(&b->rings, header, 4, below(in, 8) ? 2 << 16 | 5 : value(in));
    poke(&b->rings, header + 8, 8, below(in, 8) ? table : value(in));
    poke(&b->rings, table, 4,
         0x27 | (below(in, 8) ? 0x8000 : 0) | (uint64_t)codes[below(in, sizeof(codes))] << 16);
    poke(&b->rings, table + 4, 8, below(in, 4) ? below(in, 10) : value(in));
    poke(&b->rings, table + 12, 4, below(in, 4) ? below(in, 10) : value(in));
    poke(&b->rings, table + 0x40, 8, value(in) << 8 | packets[below(in, sizeof(packets))]);
    poke(&b->rings, table + 0x48, 8, value(in));
    for (unsigned k = 0; k < 2; k++) {
        poke(&b->rings, table + 0x80 + 16 * k, 8, below(in, 8) ? queue_at(12 + k) : value(in));
        poke(&b->rings, table + 0x8c + 16 * k, 4, below(in, 8) ? take(in, 2) % 4096 : value(in));
    }
    reg(b, AHCI, 0x138 + 0x80 * n, 4, below(in, 16));
}

static void other_step(struct bench *b, struct choices *in)
{
    static const uint8_t frame[2048];
    struct device *const devices[] = {&b->nvme.regs, &b->e1000.bar, &b->ahci.regs};
    unsigned i = below(in, OTHERS);

    switch (below(in, 6)) {
    case 0:
        set_up_others(b);
        break;
    case 1:
        any_access(in, devices[i], i == NVME ? 0x2000 : i == AHCI ? 0x1000 : 0x6000);
        break;
    case 2:
        (void)e1000_receive(&b->e1000, frame, below(in, sizeof(frame)));
        break;
    default:
        if (i == NVME)
            nvme_command(b, in);
        else if (i == AHCI)
            ahci_command(b, in);
        else
            e1000_descriptor(b, in);
        break;
    }
}

/* What firmware does; every step may be followed by any other. */
static void set_up(struct bench *b)
{
    const uint64_t port = (uint64_t)PCI_DEVFN(1, 0) << 12;

    number_deep(b);

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
    set_up_others(b);
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

    switch (below(in, 16)) {
    case 9:
    case 10:
    case 11:
        other_step(b, in);
        break;
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
    disk_close(&b->disk);
    memfile_close(&b->file);
    physmem_destroy(&b->rings.mem);
    free(b);
    return 0;
}
