/* Sound, frame buffers, edu and other small functions, and a TPM: registers, rings and lists of any
 * content, while time passes. */
#include "devices/bochs.h"
#include "devices/edu.h"
#include "devices/hda.h"
#include "devices/i6300esb.h"
#include "devices/ivshmem.h"
#include "devices/pci_host.h"
#include "devices/pci_serial.h"
#include "devices/pci_testdev.h"
#include "devices/pvpanic.h"
#include "devices/tpm_tis.h"
#include "tests/fuzz/rings.h"

#define MEMORY      UINT64_C(0x10000000)
#define HIGH_MEMORY UINT64_C(0x8000000000)
#define VRAM        (UINT32_C(1) << 16)

enum { HDA, BOCHS, EDU, IVSHMEM, PVPANIC, TESTDEV, WATCHDOG, SERIAL, FUNCTIONS };

struct bench {
    struct rings rings;
    struct pci_host host;
    struct hda hda;
    struct hda_codec codecs[2];
    struct bochs bochs;
    struct edu edu;
    struct ivshmem ivshmem;
    struct pvpanic pvpanic;
    struct pci_testdev testdev;
    struct i6300esb watchdog;
    struct pci_serial serial;
    struct tpm_tis tpm;
    struct pci_function *functions[FUNCTIONS];
    uint8_t answer; /* bytes that the TPM answers with, in tens */
};

static void message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    (void)ctx, (void)requester, (void)address, (void)data;
}

static size_t command(void *ctx, unsigned locality, const uint8_t *request, size_t size,
                      uint8_t *response, size_t max)
{
    const struct bench *b = ctx;
    size_t bytes = b->answer * (size_t)10;

    CHECK(locality < TPM_LOCALITIES && size >= 10 && size <= TPM_BUFFER);
    memcpy(response, request, size < max ? size : max);
    return bytes;
}

static uint64_t bar_at(unsigned i)
{
    return 0x1000000 + i * UINT64_C(0x1000000);
}

static void reg(struct bench *b, unsigned i, uint64_t offset, unsigned size, uint64_t v)
{
    device_write(&b->host.memory.dev, bar_at(i) + offset, size, v);
}

static void set_up(struct bench *b)
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        uint64_t at = (uint64_t)PCI_DEVFN(1 + i, 0) << 12;
        device_write(&b->host.ecam, at + PCI_BAR0, 4, MEMORY + bar_at(i));
        device_write(&b->host.ecam, at + PCI_BAR0 + 8, 4, MEMORY + bar_at(i) + 0x800000);
        device_write(&b->host.ecam, at + PCI_COMMAND, 2, 7);
    }
    device_write(&b->host.ecam, (uint64_t)PCI_DEVFN(1 + SERIAL, 0) << 12 | PCI_BAR0, 4, 0x100);
    reg(b, HDA, 0x08, 4, 1);
    reg(b, HDA, 0x20, 4, 0xc00000ff);
    reg(b, HDA, 0x40, 4, queue_at(0));
    reg(b, HDA, 0x50, 4, queue_at(1));
    reg(b, HDA, 0x70, 4, queue_at(2) | 1);
    reg(b, HDA, 0x5c, 1, 3);
    reg(b, HDA, 0x4c, 1, 2);
}

static void make(struct bench *b, struct choices *in)
{
    const struct pci_host_config config = {.log = &b->rings.log, .message = message};

    pci_host_init(&b->host, &config, MEMORY, HIGH_MEMORY);
    hda_init(&b->hda, &(struct hda_config){.mem = &b->rings.mem, .clock = &b->rings.clock},
             &b->rings.log);
    for (unsigned k = 0; k < 2; k++) {
        hda_codec_init(&b->codecs[k], below(in, 3));
        CHECK(hda_attach(&b->hda, k, &b->codecs[k]));
    }
    if (bochs_init(&b->bochs,
                   &(struct bochs_config){
                       .vga = below(in, 2), .width = 640, .height = 480, .vram_bytes = VRAM},
                   &b->rings.log, NULL) != 0)
        abort();
    edu_init(&b->edu, &(struct edu_config){.mem = &b->rings.mem, .clock = &b->rings.clock},
             &b->rings.log);
    tpm_tis_init(&b->tpm, &b->rings.log, command, b);
    b->functions[HDA] = &b->hda.function;
    b->functions[BOCHS] = &b->bochs.function;
    if (ivshmem_init(&b->ivshmem, NULL, VRAM, &b->rings.log, NULL) != 0)
        abort();
    pvpanic_init(&b->pvpanic, NULL, NULL, 0, &b->rings.log);
    pci_testdev_init(&b->testdev, &b->rings.log);
    i6300esb_init(&b->watchdog, &(struct i6300esb_config){.clock = &b->rings.clock}, &b->rings.log);
    b->functions[EDU] = &b->edu.function;
    b->functions[IVSHMEM] = &b->ivshmem.function;
    b->functions[PVPANIC] = &b->pvpanic.function;
    b->functions[TESTDEV] = &b->testdev.function;
    pci_serial_init(&b->serial, 0, &b->rings.clock, NULL, NULL, &b->rings.log);
    b->functions[SERIAL] = &b->serial.function;
    b->functions[WATCHDOG] = &b->watchdog.function;
    for (unsigned i = 0; i < FUNCTIONS; i++)
        pci_host_add(&b->host, b->functions[i], NULL, (uint8_t)PCI_DEVFN(1 + i, 0));
    pci_host_reset(&b->host);
}

/* A list of two entries, and a stream that goes through it. */
static void stream(struct bench *b, struct choices *in)
{
    unsigned at = 0x80 + 0x20 * below(in, HDA_STREAMS);

    for (unsigned k = 0; k < 2; k++) {
        poke(&b->rings, queue_at(3) + 16 * k, 8, below(in, 8) ? queue_at(4 + k) : value(in));
        poke(&b->rings, queue_at(3) + 16 * k + 8, 4, below(in, 4) ? take(in, 2) : value(in));
        poke(&b->rings, queue_at(3) + 16 * k + 12, 4, below(in, 2));
    }
    reg(b, HDA, at + 8, 4, below(in, 4) ? take(in, 2) : value(in));
    reg(b, HDA, at + 12, 2, below(in, 4));
    reg(b, HDA, at + 18, 2, take(in, 2));
    reg(b, HDA, at + 24, 4, queue_at(3));
    reg(b, HDA, at, 4, below(in, 8) ? 0x1e : value(in));
}

static void commands(struct bench *b, struct choices *in)
{
    for (unsigned k = 0; k < 4; k++)
        poke(&b->rings, queue_at(0) + 4 * below(in, 256), 4,
             (uint64_t)below(in, 3) << 28 | below(in, 8) << 20 | (value(in) & 0xfffff));
    reg(b, HDA, 0x48, 2, take(in, 1));
}

static void picture(struct bench *b, struct choices *in)
{
    static const uint8_t depths[] = {8, 15, 16, 24, 32};
    uint32_t *pixels;
    struct display d;

    reg(b, BOCHS, 0x800000 + 0x500 + 2 * (1 + below(in, 9)), 2,
        below(in, 4) ? take(in, 2) % 1200 : value(in));
    reg(b, BOCHS, 0x800000 + 0x506, 2, depths[below(in, sizeof(depths))]);
    reg(b, BOCHS, 0x800000 + 0x508, 2, below(in, 4) ? 0x41 : value(in));
    if (!b->bochs.source.show(b->bochs.source.ctx, &d))
        return;
    pixels = malloc((size_t)d.width * d.height * sizeof(*pixels));
    if (pixels)
        display_read(&d, pixels);
    free(pixels);
}

static void transfer(struct bench *b, struct choices *in)
{
    for (unsigned at = 0x80; at < 0x98; at += 8)
        reg(b, EDU, at, 8,
            below(in, 4) ? (at == 0x90 ? take(in, 2) % 5000 : 0x40000 + take(in, 2)) : value(in));
    reg(b, EDU, 0x98, 8, below(in, 8));
}

static void tpm(struct bench *b, struct choices *in)
{
    static const uint8_t offsets[] = {0x00, 0x18, 0x18, 0x24, 0x24, 0x24, 0x80, 0x08};
    static const uint8_t values[] = {0x02, 0x20, 0x40, 0x08, 0x10, 0x01};
    uint64_t at = below(in, 5) * 0x1000 + offsets[below(in, sizeof(offsets))];
    unsigned size = at & 0xfff ? 1u << below(in, 3) : 1;

    b->answer = (uint8_t)take(in, 1);
    device_write(&b->tpm.dev, at, size,
                 below(in, 4) ? values[below(in, sizeof(values))] : value(in));
    for (unsigned n = below(in, 32); n; n--)
        device_write(&b->tpm.dev, (at & ~UINT64_C(0xfff)) | 0x24, 4, below(in, 4) ? 0 : value(in));
    for (unsigned n = below(in, 32); n; n--)
        (void)device_read(&b->tpm.dev, at, size);
}

/* Of the 16550; what comes for it, too. */
static void port(struct bench *b, struct choices *in)
{
    uint8_t bytes[UART16550_FIFO + 1] = {0};

    for (unsigned n = below(in, 8); n; n--)
        any_access(in, &b->host.ports.dev, 0x200);
    device_write(&b->host.ports.dev, 0x100 + below(in, UART16550_REGS), 1, take(in, 1));
    (void)device_read(&b->host.ports.dev, 0x100 + below(in, UART16550_REGS), 1);
    CHECK(uart16550_receive(&b->serial.uart, bytes, below(in, sizeof(bytes))) <= UART16550_FIFO);
}

static void step(struct bench *b, struct choices *in)
{
    static void (*const steps[])(struct bench * b, struct choices * in) = {
        stream, commands, picture, transfer, tpm, port};
    unsigned n = below(in, 9);

    if (n < ARRAY_SIZE(steps))
        steps[n](b, in);
    else if (n == 6)
        set_up(b);
    else if (n == 7)
        any_access(in, &b->host.memory.dev, 0x7000000);
    else
        clock_run(&b->rings.clock, b->rings.clock.now_ns + UINT64_C(50000) * below(in, 256));
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
    CHECK(device_read(&b->host.ecam, (uint64_t)PCI_DEVFN(2, 0) << 12, 4) == 0x11111234);
    bochs_destroy(&b->bochs);
    ivshmem_destroy(&b->ivshmem);
    physmem_destroy(&b->rings.mem);
    free(b);
    return 0;
}
