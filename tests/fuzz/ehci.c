/* USB: an EHCI with a keyboard, with registers, queue heads and transfers of any content. */
#include "devices/ehci.h"
#include "base/clock.h"
#include "base/physmem.h"
#include "devices/pci_host.h"
#include "devices/usb_hid.h"
#include "tests/fuzz/input.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x10000)
#define MEMORY   UINT64_C(0x10000000)
#define FUNCTION ((uint64_t)PCI_DEVFN(1, 0) << 12)
#define BAR      UINT64_C(0x100000)
#define FRAME_NS 1000000

/* Where things are in RAM, if the input does not say otherwise. */
#define FRAMES  RAM
#define HEAD(n) ((uint32_t)RAM + 0x1000 + (n)*0x40)
#define QTD(n)  ((uint32_t)RAM + 0x2000 + (n)*0x20)
#define BUFFERS ((uint32_t)RAM + 0x3000)
#define HEADS   8
#define QTDS    32

enum { USBCMD = 0x20, USBINTR = 0x28, PERIODIC = 0x34, ASYNC = 0x38, CONFIGFLAG = 0x60 };
enum { PORTSC = 0x64 };

struct bench {
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
    struct pci_host host;
    struct ehci ehci;
    struct usb_hid keyboard;
    struct host_input input;
};

static void poke(struct bench *b, uint64_t at, unsigned bytes, uint64_t v)
{
    uint8_t le[8];

    le_put(le, bytes, v);
    (void)physmem_write(&b->mem, pa(at), le, bytes);
}

static void reg(struct bench *b, uint64_t offset, uint64_t value)
{
    device_write(&b->host.memory.dev, BAR + offset, 4, value);
}

static void make(struct bench *b)
{
    b->log = fuzz_log();
    b->clock.next_ns = CLOCK_NEVER;
    if (physmem_add_ram(&b->mem, pa(RAM), RAM_SIZE, NULL) != 0)
        abort();
    pci_host_init(&b->host, &(struct pci_host_config){.log = &b->log}, MEMORY,
                  UINT64_C(0x8000000000));
    ehci_init(&b->ehci, &(struct ehci_config){.mem = &b->mem, .clock = &b->clock}, &b->log);
    pci_host_add(&b->host, &b->ehci.function, NULL, PCI_DEVFN(1, 0));
    usb_hid_init(&b->keyboard, USB_KEYBOARD);
    host_input_add(&b->input, &b->keyboard.host);
    CHECK(ehci_plug(&b->ehci, &b->keyboard.usb, 1));
    pci_host_reset(&b->host);
}

/* What firmware and a driver do; every step may be followed by any other. */
static void start(struct bench *b)
{
    device_write(&b->host.ecam, FUNCTION | PCI_BAR0, 4, MEMORY + BAR);
    device_write(&b->host.ecam, FUNCTION | PCI_COMMAND, 2, 6);
    reg(b, USBCMD, 2);
    reg(b, CONFIGFLAG, 1);
    reg(b, PORTSC, 0x1102);
    reg(b, PORTSC, 0x1000);
    reg(b, PERIODIC, FRAMES);
    reg(b, ASYNC, HEAD(0));
    reg(b, USBINTR, 0x3f);
    reg(b, USBCMD, 0x31);
}

static void queue_head(struct bench *b, struct choices *in)
{
    uint32_t at = HEAD(below(in, HEADS)), endpoint = below(in, 8) ? below(in, 2) : below(in, 16);

    poke(b, at, 4, below(in, 8) ? HEAD(below(in, HEADS)) | 2 : value(in));
    poke(b, at + 4, 4, 64u << 16 | endpoint << 8 | (below(in, 8) ? 0 : below(in, 128)));
    poke(b, at + 16, 4, below(in, 8) ? QTD(below(in, QTDS)) : value(in));
    poke(b, at + 20, 4, 1);
    poke(b, at + 24, 4, below(in, 8) ? 0 : value(in));
    poke(b, FRAMES + 4 * below(in, 16), 4, at | (below(in, 8) ? 2 : below(in, 8)));
}

static void transfer(struct bench *b, struct choices *in)
{
    uint32_t at = QTD(below(in, QTDS)), pid = below(in, 3);
    uint32_t bytes = pid == 2 ? 8 : below(in, 8) ? below(in, 256) : (uint32_t)take(in, 2);

    poke(b, at, 4, below(in, 4) ? QTD(below(in, QTDS)) : value(in));
    poke(b, at + 4, 4, below(in, 2) ? 1 : QTD(below(in, QTDS)));
    poke(b, at + 8, 4, (bytes & 0x7fff) << 16 | below(in, 8) << 12 | 0x8080 | pid << 8);
    for (unsigned page = 0; page < 5; page++)
        poke(b, at + 12 + 4 * page, 4, below(in, 16) ? BUFFERS + below(in, 256) * 16 : value(in));
    if (pid == 2)
        poke(b, BUFFERS + 16 * below(in, 256), 8, take(in, 8));
}

static void step(struct bench *b, struct choices *in)
{
    struct host_input_event key = {HOST_INPUT_KEY, 0, 0};

    switch (below(in, 10)) {
    case 0:
        start(b);
        break;
    case 1:
        reg(b, below(in, 64) * 4, value(in));
        break;
    case 2:
        poke(b, RAM + take(in, 2) * 4 % RAM_SIZE, 4, value(in));
        break;
    case 3:
        key.code = (uint16_t)below(in, 128);
        key.value = below(in, 2);
        (void)host_input_give(&b->input, &key, 1);
        break;
    case 4:
        b->keyboard.usb.configuration = 1;
        break;
    case 5:
        queue_head(b, in);
        break;
    case 6:
    case 7:
        transfer(b, in);
        break;
    default:
        clock_run(&b->clock, b->clock.now_ns + FRAME_NS);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    struct bench *b = calloc(1, sizeof(*b));

    if (!b)
        abort();
    make(b);
    start(b);
    while (in.left > 0)
        step(b, &in);
    pci_host_reset(&b->host);
    CHECK(device_read(&b->host.ecam, FUNCTION, 2) == 0x8086);
    physmem_destroy(&b->mem);
    free(b);
    return 0;
}
