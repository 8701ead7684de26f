/* USB: an xHCI with a keyboard, a disk, and hubs with a mouse behind, with registers, contexts and
 * rings of any content. */
#include "devices/xhci.h"
#include "base/clock.h"
#include "base/physmem.h"
#include "devices/pci_host.h"
#include "devices/usb_hid.h"
#include "devices/usb_hub.h"
#include "devices/usb_storage.h"
#include "tests/fuzz/input.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x20000)
#define MEMORY   UINT64_C(0x10000000)
#define FUNCTION ((uint64_t)PCI_DEVFN(1, 0) << 12)
#define BAR      UINT64_C(0x100000)

/* Where things are in RAM, if the input does not say otherwise. */
#define COMMANDS     (RAM + 0x1000)
#define ERST         (RAM + 0x2000)
#define INPUT        (RAM + 0x3000)
#define EVENTS       (RAM + 0x4000)
#define OUTPUT(slot) (RAM + 0x5000 + (slot)*0x400)
#define RING(dci)    (RAM + 0x10000 + (dci)*0x400)
#define BUFFERS      (RAM + 0x1c000)

enum { USBCMD = 0x40, CRCR = 0x58, DCBAAP = 0x70, CONFIG = 0x78, PORTSC = 0x440 };
enum { INTERRUPTER = 0x1020, DOORBELL = 0x2000 };

struct bench {
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
    struct pci_host host;
    struct xhci xhci;
    struct usb_hid keyboard, mouse;
    struct usb_hub hubs[2];
    struct disk disk;
    struct scsi_unit unit;
    struct usb_storage storage;
    struct host_input input;
    unsigned next[XHCI_ENDPOINTS + 1]; /* in each ring; the last one is the command ring */
    int fd;
};

static void message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    (void)ctx, (void)data;
    CHECK(requester <= UINT16_MAX && address % 4 == 0);
}

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

static void open_disk(struct bench *b)
{
    char path[64];
    const struct disk_spec spec = {.path = path, .mode = DISK_SNAPSHOT, .format = "raw"};

    b->fd = memfd_create("disk", 0);
    if (b->fd < 0 || ftruncate(b->fd, 65536) != 0)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", b->fd);
    if (disk_open(&b->disk, &spec, &b->log, NULL) != 0 ||
        scsi_unit_init(&b->unit, &b->disk, false, NULL, NULL) != 0)
        abort();
}

/* A mouse at route 0x32 of the third port. */
static void plug_hubs(struct bench *b)
{
    usb_hub_init(&b->hubs[0]);
    usb_hub_init(&b->hubs[1]);
    usb_hid_init(&b->mouse, USB_MOUSE);
    host_input_add(&b->input, &b->mouse.host);
    CHECK(xhci_plug(&b->xhci, &b->hubs[0].usb, 3) &&
          usb_hub_plug(&b->hubs[0], &b->hubs[1].usb, 2) &&
          usb_hub_plug(&b->hubs[1], &b->mouse.usb, 3));
}

static void make(struct bench *b, unsigned vectors)
{
    b->log = fuzz_log();
    b->clock.next_ns = CLOCK_NEVER;
    if (physmem_add_ram(&b->mem, pa(RAM), RAM_SIZE, NULL) != 0)
        abort();
    pci_host_init(&b->host, &(struct pci_host_config){.log = &b->log, .message = message}, MEMORY,
                  UINT64_C(0x8000000000));
    xhci_init(&b->xhci,
              &(struct xhci_config){.mem = &b->mem, .clock = &b->clock, .vectors = vectors},
              &b->log);
    pci_host_add(&b->host, &b->xhci.function, NULL, PCI_DEVFN(1, 0));
    usb_hid_init(&b->keyboard, USB_KEYBOARD);
    host_input_add(&b->input, &b->keyboard.host);
    open_disk(b);
    usb_storage_init(&b->storage, &b->unit, NULL);
    CHECK(xhci_plug(&b->xhci, &b->keyboard.usb, 1) && xhci_plug(&b->xhci, &b->storage.usb, 2));
    plug_hubs(b);
    pci_host_reset(&b->host);
}

/* What firmware and a driver do; every step may be followed by any other. */
static void start(struct bench *b, struct choices *in)
{
    device_write(&b->host.ecam, FUNCTION | 0x10, 8, MEMORY + BAR);
    device_write(&b->host.ecam, FUNCTION | 0x18, 4, MEMORY + BAR + 0x10000);
    device_write(&b->host.ecam, FUNCTION | PCI_COMMAND, 2, 6);
    reg(b, USBCMD, 2);
    reg(b, CONFIG, XHCI_SLOTS);
    reg(b, DCBAAP, RAM);
    reg(b, CRCR, COMMANDS | 1);
    poke(b, ERST, 8, EVENTS);
    poke(b, ERST + 8, 4, 16 + below(in, 64));
    reg(b, INTERRUPTER + 0x08, 1);
    reg(b, INTERRUPTER + 0x10, ERST);
    reg(b, INTERRUPTER + 0x14, 0);
    reg(b, INTERRUPTER + 0x18, EVENTS);
    reg(b, INTERRUPTER, 2);
    for (unsigned slot = 1; slot <= XHCI_SLOTS; slot++)
        poke(b, RAM + 8 * slot, 8, OUTPUT(slot));
    reg(b, USBCMD, 5);
    memset(b->next, 0, sizeof(b->next));
}

/* A TRB behind those that are there; the ring goes back to its beginning. */
static void push(struct bench *b, unsigned ring, uint64_t base, uint64_t parameter, uint32_t status,
                 uint32_t control)
{
    uint64_t at = base + 16 * (b->next[ring]++ % 60);

    poke(b, at, 8, parameter);
    poke(b, at + 8, 4, status);
    poke(b, at + 12, 4, control | 1);
    poke(b, at + 28, 4, 0);
}

static void command(struct bench *b, struct choices *in)
{
    uint32_t type = 9 + below(in, 16), slot = below(in, 5), dci = below(in, 8);
    uint64_t parameter = type == 16 ? RING(dci) | 1 : below(in, 16) ? INPUT : value(in);

    push(b, XHCI_ENDPOINTS, COMMANDS, parameter, 0,
         type << 10 | slot << 24 | dci << 16 | (below(in, 8) ? 0 : 0x200));
    reg(b, DOORBELL, 0);
}

/* To the controller's port itself, to the hubs and the mouse, or anywhere. */
static uint32_t route(struct choices *in)
{
    static const uint32_t routes[] = {0, 0, 0, 0, 0, 0x2, 0x32};
    uint32_t n = below(in, 8);

    return n < ARRAY_SIZE(routes) ? routes[n] : (uint32_t)value(in) & 0xfffff;
}

/* An Input Context as a driver has it, more or less. */
static void contexts(struct bench *b, struct choices *in)
{
    static const uint8_t types[] = {0, 4, 2, 6, 2, 7, 3, 6};

    poke(b, INPUT, 4, below(in, 8) ? 0 : value(in));
    poke(b, INPUT + 4, 4, below(in, 4) ? below(in, 64) * 2 + 1 : value(in));
    poke(b, INPUT + 32, 4, 1u << 27 | route(in));
    poke(b, INPUT + 36, 4, below(in, 4) << 16);
    for (unsigned dci = 1; dci < 8; dci++) {
        uint64_t at = INPUT + 32 * (dci + 1);
        uint64_t type = below(in, 8) ? types[dci] : below(in, 8);
        poke(b, at, 4, below(in, 16) ? 0 : value(in));
        poke(b, at + 4, 4, 512u << 16 | type << 3);
        poke(b, at + 8, 8, RING(dci) | 1);
    }
}

/* A request of the class of hubs, past the rings, of features and of ports that there are, or not;
 * and what the hub has to tell. */
static void ask_hub(struct bench *b, struct choices *in)
{
    static const uint8_t types[] = {0x20, 0x23, 0xa0, 0xa3}, codes[] = {0, 1, 3, 6};
    uint64_t type = types[below(in, 4)], code = codes[below(in, 4)];
    uint64_t feature = code == 6 ? 0x2900 : below(in, 24), port = below(in, 11);

    struct usb_device *hub = &b->hubs[below(in, 2)].usb;
    uint8_t setup[USB_SETUP_BYTES], data[USB_CONTROL_BYTES];

    le_put(setup, sizeof(setup),
           type | code << 8 | feature << 16 | port << 32 | (uint64_t)(type & USB_DIR_IN) << 48);
    usb_setup(hub, setup);
    (void)usb_in(hub, 0, data, sizeof(data));
    (void)usb_in(hub, 1, data, below(in, 4));
}

/* What moves data; of a disk often a command that is one. */
static void transfer(struct bench *b, struct choices *in)
{
    uint32_t slot = 1 + below(in, 4), dci = 1 + below(in, 7), type = 1 + below(in, 8);
    uint32_t flags = (uint32_t)take(in, 1) & 0x76, length = below(in, 8) ? below(in, 256) : 0x4000;
    uint64_t parameter = below(in, 8) ? BUFFERS + below(in, 64) * 64 : value(in);

    if (type == 2)
        parameter = take(in, 8), length = 8, flags |= 0x40;
    if (dci == 4 && below(in, 4)) {
        poke(b, BUFFERS, 4, 0x43425355);
        poke(b, BUFFERS + 8, 4, below(in, 4) * 512 + below(in, 64));
        poke(b, BUFFERS + 12, 1, below(in, 2) << 7);
        poke(b, BUFFERS + 13, 2, (6 + below(in, 11)) << 8);
        poke(b, BUFFERS + 15, 8, take(in, 8));
        poke(b, BUFFERS + 23, 8, take(in, 4));
        parameter = BUFFERS, length = 31, type = 1, flags &= ~0x50u;
    }
    push(b, dci, RING(dci), parameter, length, type << 10 | flags | below(in, 2) << 16);
    reg(b, DOORBELL + 4 * slot, dci);
}

static void step(struct bench *b, struct choices *in)
{
    struct host_input_event key = {HOST_INPUT_KEY, 0, 0};

    switch (below(in, 13)) {
    case 0:
        start(b, in);
        break;
    case 1:
        device_write(&b->host.memory.dev, BAR + below(in, 256) * 4 + (below(in, 3) << 12),
                     below(in, 2) ? 4 : 8, value(in));
        break;
    case 2:
        reg(b, PORTSC + 16 * below(in, XHCI_PORTS), value(in) | below(in, 2) << 4);
        break;
    case 3:
        clock_run(&b->clock, b->clock.now_ns + 10 * below(in, 256));
        break;
    case 4:
        poke(b, RAM + take(in, 2) * 4 % RAM_SIZE, 4, value(in));
        break;
    case 5:
        key.code = (uint16_t)below(in, 128);
        key.value = below(in, 2);
        (void)host_input_give(&b->input, &key, 1);
        break;
    case 6:
        contexts(b, in);
        break;
    case 7:
        reg(b, INTERRUPTER + 0x18, (EVENTS + 16 * below(in, 64)) | 8);
        break;
    case 8:
        device_write(&b->host.ecam, FUNCTION + below(in, 64) * 4, 4, value(in));
        break;
    case 9:
        command(b, in);
        break;
    case 10:
        ask_hub(b, in);
        break;
    default:
        transfer(b, in);
        break;
    }
}

/* The shortest way to four devices with endpoints: the third is a hub, the fourth the mouse. */
static void set_up(struct bench *b, struct choices *in)
{
    start(b, in);
    for (unsigned slot = 1; slot <= 4; slot++) {
        unsigned port = slot < 4 ? slot : 3;
        if (port == slot)
            reg(b, PORTSC + 16 * (port - 1), 0x210);
        else
            b->hubs[0].ports[1].status = b->hubs[1].ports[2].status = 0x103;
        push(b, XHCI_ENDPOINTS, COMMANDS, 0, 0, 9 << 10);
        contexts(b, &(struct choices){NULL, 0});
        poke(b, INPUT, 8, UINT64_C(3) << 32);
        poke(b, INPUT + 32, 4, 1u << 27 | (port == slot ? 0 : 0x32));
        poke(b, INPUT + 36, 4, port << 16);
        for (unsigned dci = 1; dci < 8; dci++)
            poke(b, INPUT + 32 * (dci + 1) + 4, 4,
                 512u << 16 | (dci == 1  ? 4
                               : dci & 1 ? 6
                                         : 2)
                                  << 3);
        push(b, XHCI_ENDPOINTS, COMMANDS, INPUT, 0, 11 << 10 | slot << 24);
        reg(b, DOORBELL, 0);
        poke(b, INPUT + 4, 4, 0x39);
        push(b, XHCI_ENDPOINTS, COMMANDS, INPUT, 0, 12 << 10 | slot << 24);
        reg(b, DOORBELL, 0);
    }
    b->keyboard.usb.configuration = b->storage.usb.configuration = 1;
    b->hubs[0].usb.configuration = b->mouse.usb.configuration = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    struct bench *b = calloc(1, sizeof(*b));

    if (!b)
        abort();
    make(b, below(&in, 4));
    if (below(&in, 4))
        set_up(b, &in);
    while (in.left > 0)
        step(b, &in);
    pci_host_reset(&b->host);
    CHECK(device_read(&b->host.ecam, FUNCTION, 2) == 0x1b36);
    disk_close(&b->disk);
    close(b->fd);
    physmem_destroy(&b->mem);
    free(b);
    return 0;
}
