/* A driver of the xHCI for the tests: it has registers, rings and contexts as a guest has them. */
#pragma once

#include "base/le.h"
#include "base/physmem.h"
#include "devices/pci_host.h"
#include "devices/xhci.h"
#include "tests/devices/fixture.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(1) << 20)

/* Where things are in RAM. */
#define CONTEXTS     RAM            /* DCBAA */
#define COMMANDS     (RAM + 0x1000) /* 63 commands, and a link back */
#define ERST         (RAM + 0x2000) /* event ring segment table */
#define INPUT        (RAM + 0x3000) /* Input Context */
#define EVENTS       (RAM + 0x4000)
#define EVENT_COUNT  64
#define OUTPUT(slot) (RAM + 0x10000 + (slot)*0x1000) /* device contexts */
#define RING(dci)    (RAM + 0x20000 + (dci)*0x1000)
#define BUFFERS      (RAM + 0x80000)
#define RING_TRBS    64

#define MEMORY  UINT64_C(0x10000000)
#define XHCI    UINT64_C(0x100000) /* its BAR in the window of memory */
#define MSIX    UINT64_C(0x110000)
#define AT_XHCI PCI_DEVFN(1, 0)

enum {
    USBCMD = 0x40,
    USBSTS = 0x44,
    CRCR = 0x58,
    DCBAAP = 0x70,
    CONFIG = 0x78,
    PORTSC = 0x440,
    IMAN = 0x1020,
    ERSTSZ = 0x1028,
    ERSTBA = 0x1030,
    ERDP = 0x1038,
    DOORBELL = 0x2000,
};

/* Of a TRB's last word. */
#define TYPE(n) ((uint32_t)(n) << 10)
#define CHAIN   0x10u
#define IOC     0x20u
#define ISP     0x04u
#define IDT     0x40u
#define DIR_IN  0x10000u
#define SLOT(n) ((uint32_t)(n) << 24)
#define DCI(n)  ((uint32_t)(n) << 16)

struct event {
    uint64_t parameter;
    uint32_t status, control;
};

struct ring {
    uint64_t base;
    unsigned next;
    bool cycle;
};

struct bench {
    struct physmem mem;
    struct clock clock;
    struct watched watched;
    struct arm_log log;
    struct pci_host host;
    struct xhci xhci;
    struct ring commands, rings[XHCI_ENDPOINTS]; /* of one device */
    unsigned event;                              /* the next one */
    bool event_cycle;
    unsigned messages;
};

static inline void bench_message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    (void)requester, (void)address, (void)data;
    ((struct bench *)ctx)->messages++;
}

static inline void poke(struct bench *b, uint64_t at, unsigned bytes, uint64_t v)
{
    uint8_t le[8];

    le_put(le, bytes, v);
    assert_true(physmem_write(&b->mem, pa(at), le, bytes));
}

static inline uint64_t peek(struct bench *b, uint64_t at, unsigned bytes)
{
    uint8_t le[8];

    assert_true(physmem_read(&b->mem, pa(at), le, bytes));
    return le_get(le, bytes);
}

static inline uint32_t reg(struct bench *b, uint64_t offset)
{
    return (uint32_t)device_read(&b->host.memory.dev, XHCI + offset, 4);
}

static inline void set_reg(struct bench *b, uint64_t offset, uint64_t value)
{
    device_write(&b->host.memory.dev, XHCI + offset, 4, value);
}

static inline void set_reg64(struct bench *b, uint64_t offset, uint64_t value)
{
    set_reg(b, offset, (uint32_t)value);
    set_reg(b, offset + 4, value >> 32);
}

static inline void config_write(struct bench *b, unsigned offset, unsigned size, uint64_t value)
{
    device_write(&b->host.ecam, AT_XHCI << 12 | offset, size, value);
}

/* A controller with @vectors of MSI-X; devices are plugged in before bench_start(). */
static inline void bench_begin(struct bench *b, unsigned vectors)
{
    memset(b, 0, sizeof(*b));
    b->log = watched_log(&b->watched);
    b->clock.next_ns = CLOCK_NEVER;
    assert_int_equal(physmem_add_ram(&b->mem, pa(RAM), RAM_SIZE, NULL), 0);
    struct pci_host_config config = {.log = &b->log, .message = bench_message, .message_ctx = b};
    config.pins[1] = watched_line(&b->watched); /* 4.1 of the bridge's turning: device 1's pin */
    pci_host_init(&b->host, &config, MEMORY, UINT64_C(0x8000000000));
    xhci_init(&b->xhci,
              &(struct xhci_config){.mem = &b->mem, .clock = &b->clock, .vectors = vectors},
              &b->log);
    pci_host_add(&b->host, &b->xhci.function, NULL, AT_XHCI);
}

static inline void bench_end(struct bench *b)
{
    physmem_destroy(&b->mem);
}

/* What firmware does. */
static inline void bench_place(struct bench *b)
{
    pci_host_reset(&b->host);
    config_write(b, PCI_BAR0, 4, MEMORY + XHCI);
    config_write(b, PCI_BAR0 + 4, 4, 0);
    config_write(b, PCI_BAR0 + 8, 4, MEMORY + MSIX);
    config_write(b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static inline struct ring ring_at(struct bench *b, uint64_t base)
{
    uint64_t link = base + 16 * (RING_TRBS - 1);

    for (unsigned i = 0; i < RING_TRBS * 2; i++)
        poke(b, base + 8 * i, 8, 0);
    poke(b, link, 8, base);
    poke(b, link + 12, 4, TYPE(6) | 2);
    return (struct ring){base, 0, true};
}

/* What a driver does. */
static inline void bench_start(struct bench *b)
{
    bench_place(b);
    set_reg(b, CONFIG, XHCI_SLOTS);
    set_reg64(b, DCBAAP, CONTEXTS);
    b->commands = ring_at(b, COMMANDS);
    set_reg64(b, CRCR, COMMANDS | 1);
    poke(b, ERST, 8, EVENTS);
    poke(b, ERST + 8, 8, EVENT_COUNT);
    set_reg(b, ERSTSZ, 1);
    set_reg64(b, ERDP, EVENTS);
    set_reg64(b, ERSTBA, ERST);
    set_reg(b, IMAN, 2);
    b->event = 0;
    b->event_cycle = true;
    set_reg(b, USBCMD, 5);
}

static inline uint64_t push(struct bench *b, struct ring *ring, uint64_t parameter, uint32_t status,
                            uint32_t control)
{
    uint64_t at = ring->base + 16 * ring->next;

    poke(b, at, 8, parameter);
    poke(b, at + 8, 4, status);
    poke(b, at + 12, 4, control | ring->cycle);
    if (++ring->next == RING_TRBS - 1) {
        uint64_t link = ring->base + 16 * ring->next + 12;
        poke(b, link, 4, (peek(b, link, 4) & ~UINT64_C(1)) | ring->cycle);
        ring->cycle = !ring->cycle;
        ring->next = 0;
    }
    return at;
}

/* The next event; false: there is none. The controller is told that it was taken. */
static inline bool take_event(struct bench *b, struct event *e)
{
    uint64_t at = EVENTS + 16 * b->event;

    *e =
        (struct event){peek(b, at, 8), (uint32_t)peek(b, at + 8, 4), (uint32_t)peek(b, at + 12, 4)};
    if ((e->control & 1) != b->event_cycle)
        return false;
    if (++b->event == EVENT_COUNT) {
        b->event = 0;
        b->event_cycle = !b->event_cycle;
    }
    set_reg64(b, ERDP, (EVENTS + 16 * b->event) | 8);
    return true;
}

static inline unsigned event_type(const struct event *e)
{
    return e->control >> 10 & 0x3f;
}

static inline unsigned event_code(const struct event *e)
{
    return e->status >> 24;
}

/* A command, its event, and the completion code; events of ports in between are dropped. */
static inline unsigned command(struct bench *b, uint64_t parameter, uint32_t control,
                               unsigned *slot)
{
    uint64_t at = push(b, &b->commands, parameter, 0, control);
    struct event e;

    set_reg(b, DOORBELL, 0);
    do
        assert_true(take_event(b, &e));
    while (event_type(&e) != 33);
    assert_int_equal(e.parameter, at);
    if (slot)
        *slot = e.control >> 24;
    return event_code(&e);
}

static inline void ring_doorbell(struct bench *b, unsigned slot, unsigned dci)
{
    set_reg(b, DOORBELL + 4 * slot, dci);
}

/* An endpoint in the Input Context, with its ring. */
static inline void input_endpoint(struct bench *b, unsigned dci, unsigned type, unsigned packet)
{
    uint64_t at = INPUT + 32 * (dci + 1);

    b->rings[dci] = ring_at(b, RING(dci));
    poke(b, at, 4, 0);
    poke(b, at + 4, 4, packet << 16 | type << 3 | 3 << 1);
    poke(b, at + 8, 8, RING(dci) | 1);
    poke(b, at + 16, 4, packet);
}

static inline void input_control(struct bench *b, uint32_t drop, uint32_t add)
{
    poke(b, INPUT, 4, drop);
    poke(b, INPUT + 4, 4, add);
}

/* The port is reset and the device behind it has an address; its slot. */
static inline unsigned address_device(struct bench *b, unsigned port, unsigned speed)
{
    unsigned slot = 0;

    set_reg(b, PORTSC + 16 * (port - 1), 0x210);
    assert_int_equal(command(b, 0, TYPE(9), &slot), 1);
    poke(b, CONTEXTS + 8 * slot, 8, OUTPUT(slot));
    input_control(b, 0, 3);
    poke(b, INPUT + 32, 4, 1u << 27 | speed << 20);
    poke(b, INPUT + 36, 4, port << 16);
    poke(b, INPUT + 40, 8, 0);
    input_endpoint(b, 1, 4, 64);
    assert_int_equal(command(b, INPUT, TYPE(11) | SLOT(slot), NULL), 1);
    return slot;
}

static inline uint64_t setup_packet(unsigned type, unsigned request, unsigned value, unsigned index,
                                    unsigned length)
{
    return type | request << 8 | value << 16 | (uint64_t)index << 32 | (uint64_t)length << 48;
}

/* A control transfer with its data at BUFFERS; its completion code, and what was not moved. */
static inline unsigned control(struct bench *b, unsigned slot, uint64_t setup, unsigned *left)
{
    unsigned length = setup >> 48;
    bool in = setup & 0x80;
    struct event e = {0};
    uint64_t data = 0, status;

    push(b, &b->rings[1], setup, 8, TYPE(2) | IDT | (length ? in ? 3u << 16 : 2u << 16 : 0));
    if (length)
        data = push(b, &b->rings[1], BUFFERS, length, TYPE(3) | ISP | (in ? DIR_IN : 0));
    status = push(b, &b->rings[1], 0, 0, TYPE(4) | IOC | (in && length ? 0 : DIR_IN));
    ring_doorbell(b, slot, 1);
    if (left)
        *left = 0;
    for (;;) {
        assert_true(take_event(b, &e));
        if (event_type(&e) != 32)
            continue;
        assert_int_equal(e.control >> 16 & 0x1f, 1);
        if (e.parameter == data && left)
            *left = e.status & 0xffffff;
        if (e.parameter == status || event_code(&e) != 13)
            return event_code(&e);
    }
}

static inline void configure(struct bench *b, unsigned slot, uint32_t endpoints)
{
    input_control(b, 0, 1 | endpoints);
    poke(b, INPUT + 32, 4, 31u << 27);
    assert_int_equal(command(b, INPUT, TYPE(12) | SLOT(slot), NULL), 1);
    assert_int_equal(control(b, slot, setup_packet(0, 9, 1, 0, 0), NULL), 1);
}
