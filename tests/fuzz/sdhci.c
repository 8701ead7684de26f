/* An SD host controller with a card: commands, descriptors and data of any content, while time
 * passes and the card is restored in between. */
#include "devices/sdhci.h"
#include "base/state_io.h"
#include "devices/pci_host.h"
#include "tests/fuzz/rings.h"

#define MEMORY      UINT64_C(0x10000000)
#define HIGH_MEMORY UINT64_C(0x8000000000)
#define CARD        (1u << 18)

struct bench {
    struct rings rings;
    struct pci_host host;
    struct sdhci sdhci;
    struct sd_card card;
    struct memfile file;
    struct disk disk;
    uint16_t address;
};

static void message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    (void)ctx, (void)requester, (void)address, (void)data;
}

static void reg(struct bench *b, uint64_t offset, unsigned size, uint64_t v)
{
    device_write(&b->host.memory.dev, 0x1000000 + offset, size, v);
}

static uint32_t command(struct bench *b, unsigned index, unsigned type, uint32_t argument)
{
    reg(b, 0x08, 4, argument);
    reg(b, 0x0e, 2, index << 8 | type);
    return (uint32_t)device_read(&b->host.memory.dev, 0x1000010, 4);
}

static void set_up(struct bench *b)
{
    uint64_t at = (uint64_t)PCI_DEVFN(1, 0) << 12;

    device_write(&b->host.ecam, at + PCI_BAR0, 4, MEMORY + 0x1000000);
    device_write(&b->host.ecam, at + PCI_COMMAND, 2, 6);
    reg(b, 0x2c, 2, 5);
    reg(b, 0x34, 8, UINT64_MAX);
    command(b, 0, 0, 0);
    command(b, 8, 2, 0x1aa);
    command(b, 55, 2, 0);
    command(b, 41, 2, 0x40300000);
    command(b, 2, 1, 0);
    b->address = (uint16_t)(command(b, 3, 2, 0) >> 16);
    command(b, 7, 3, (uint32_t)b->address << 16);
}

static void make(struct bench *b, struct choices *in)
{
    static const uint8_t bytes[CARD];
    const struct pci_host_config config = {.log = &b->rings.log, .message = message};

    pci_host_init(&b->host, &config, MEMORY, HIGH_MEMORY);
    b->file = memfile_open(bytes, sizeof(bytes));
    if (disk_open(&b->disk, &(struct disk_spec){.path = b->file.path, .mode = below(in, 3)},
                  &b->rings.log, NULL) != 0 ||
        sd_card_init(&b->card, &b->disk, NULL) != 0)
        abort();
    sdhci_init(&b->sdhci, &(struct sdhci_config){.mem = &b->rings.mem, .clock = &b->rings.clock},
               &b->rings.log);
    if (below(in, 8))
        CHECK(sdhci_insert(&b->sdhci, &b->card));
    pci_host_add(&b->host, &b->sdhci.function, NULL, (uint8_t)PCI_DEVFN(1, 0));
    pci_host_reset(&b->host);
}

static void descriptors(struct bench *b, struct choices *in)
{
    for (unsigned k = 0; k < 8; k++)
        poke(&b->rings, queue_at(0) + 8 * k, 8,
             (below(in, 4) ? queue_at(below(in, 8)) : value(in)) << 32 |
                 (uint64_t)take(in, 2) << 16 | (below(in, 4) ? 0x21u : take(in, 1)));
    reg(b, 0x58, 8, below(in, 8) ? queue_at(0) : value(in));
    reg(b, 0x00, 4, below(in, 8) ? queue_at(below(in, 16)) : value(in));
}

static void blocks(struct bench *b, struct choices *in)
{
    static const uint8_t indexes[] = {17, 18, 24, 25, 6, 12, 13, 16, 32, 33, 38, 55};

    reg(b, 0x28, 1, below(in, 4) << 3);
    reg(b, 0x04, 4, below(in, 4) ? 512u | below(in, 16) << 16 : value(in));
    reg(b, 0x0c, 2, below(in, 64));
    command(b, below(in, 4) ? indexes[below(in, sizeof(indexes))] : below(in, 64),
            below(in, 4) | (below(in, 4) ? 0x20 : 0),
            below(in, 4) ? (uint32_t)take(in, 3) & ~511u
                         : (below(in, 2) ? (uint32_t)b->address << 16 : (uint32_t)value(in)));
}

static void port(struct bench *b, struct choices *in)
{
    unsigned size = 1u << below(in, 3);

    for (unsigned n = below(in, 256); n; n--)
        if (n & 1)
            reg(b, 0x20, size, n);
        else
            (void)device_read(&b->host.memory.dev, 0x1000020, size);
}

static void restore(struct bench *b)
{
    struct state_io saved, restored;

    state_io_save(&saved);
    pci_host_state(&saved, &b->host);
    state_io_restore(&restored, saved.out, saved.len);
    pci_host_state(&restored, &b->host);
    CHECK(!state_failed(&restored));
    state_io_destroy(&saved);
}

static void step(struct bench *b, struct choices *in)
{
    static void (*const steps[])(struct bench * b, struct choices * in) = {descriptors, blocks,
                                                                           blocks, port};
    unsigned n = below(in, 8);

    if (n < ARRAY_SIZE(steps))
        steps[n](b, in);
    else if (n == 4)
        set_up(b);
    else if (n == 5)
        reg(b, below(in, 256) & ~7u, 8, value(in));
    else if (n == 6)
        restore(b);
    else
        clock_run(&b->rings.clock, b->rings.clock.now_ns + UINT64_C(500) * below(in, 256));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    struct bench *b = calloc(1, sizeof(*b));

    if (!b)
        abort();
    rings_init(&b->rings);
    make(b, &in);
    set_up(b);
    while (in.left > 0)
        step(b, &in);
    pci_host_reset(&b->host);
    CHECK(device_read(&b->host.ecam, (uint64_t)PCI_DEVFN(1, 0) << 12, 4) == 0x00071b36);
    disk_close(&b->disk);
    memfile_close(&b->file);
    physmem_destroy(&b->rings.mem);
    free(b);
    return 0;
}
