/* The xHCI: registers, ports, commands, transfers and events, by a USB device that the test has. */
#include "base/state_io.h"
#include "tests/devices/xhci_driver.h"

#define HIGH_SPEED 3
#define BULK_OUT   2 /* DCI of endpoint 1, out */
#define BULK_IN    5 /* of endpoint 2, in */
#define PACKET     512

/* A device that sends what it was sent, as far as it has it. */
struct echo {
    struct usb_device usb;
    uint8_t bytes[65536];
    unsigned have, given;
};

static int echo_out(struct usb_device *d, unsigned endpoint, const uint8_t *data, size_t n)
{
    struct echo *e = (struct echo *)d;

    assert_int_equal(endpoint, 1);
    if (n > sizeof(e->bytes) - e->have)
        return USB_STALL;
    memcpy(e->bytes + e->have, data, n);
    e->have += (unsigned)n;
    usb_ready(d, 2 | USB_DIR_IN);
    return (int)n;
}

static int echo_in(struct usb_device *d, unsigned endpoint, uint8_t *data, size_t n)
{
    struct echo *e = (struct echo *)d;
    unsigned left = e->have - e->given;

    assert_int_equal(endpoint, 2);
    if (!left)
        return USB_NAK;
    n = n < left ? n : left;
    memcpy(data, e->bytes + e->given, n);
    e->given += (unsigned)n;
    return (int)n;
}

static const struct usb_device_ops echo_ops = {.in = echo_in, .out = echo_out};
static const struct usb_endpoint echo_endpoints[] = {{1, USB_BULK, PACKET, 0},
                                                     {2 | USB_DIR_IN, USB_BULK, PACKET, 0}};
static const struct usb_description echo_description = {.vendor = 0x1234,
                                                        .product = 0x5678,
                                                        .release = 0x0100,
                                                        .manufacturer = "Armillary",
                                                        .name = "Echo",
                                                        .speed = USB_HIGH,
                                                        .class = 0xff,
                                                        .endpoints = echo_endpoints,
                                                        .endpoint_count = 2};

struct fixture {
    struct bench b;
    struct echo echo;
    unsigned slot;
};

/* A machine with the device in port 2. */
static struct fixture *begin(unsigned vectors)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    bench_begin(&f->b, vectors);
    usb_init(&f->echo.usb, &echo_ops, &echo_description, "7");
    assert_true(xhci_plug(&f->b.xhci, &f->echo.usb, 2));
    bench_start(&f->b);
    return f;
}

static struct fixture *begin_addressed(unsigned vectors)
{
    struct fixture *f = begin(vectors);

    f->slot = address_device(&f->b, 2, HIGH_SPEED);
    return f;
}

static struct fixture *begin_configured(void)
{
    struct fixture *f = begin_addressed(0);

    input_endpoint(&f->b, BULK_OUT, 2, PACKET);
    input_endpoint(&f->b, BULK_IN, 6, PACKET);
    configure(&f->b, f->slot, 1u << BULK_OUT | 1u << BULK_IN);
    return f;
}

static void end(struct fixture *f)
{
    bench_end(&f->b);
    free(f);
}

static unsigned endpoint_state(struct fixture *f, unsigned dci)
{
    return peek(&f->b, OUTPUT(f->slot) + 32 * dci, 4) & 7;
}

static unsigned slot_state(struct fixture *f)
{
    return (unsigned)(peek(&f->b, OUTPUT(f->slot) + 12, 4) >> 27);
}

/* ---- registers ---- */

static void test_capabilities_name_what_there_is(void **state)
{
    struct bench b;
    uint32_t at;
    unsigned ports = 0;

    (void)state;
    bench_begin(&b, 4);
    bench_place(&b);
    assert_int_equal(device_read(&b.host.ecam, AT_XHCI << 12 | 8, 4), 0x0c033001);
    assert_int_equal(device_read(&b.host.ecam, AT_XHCI << 12, 4), 0x000d1b36);
    assert_int_equal(device_read(&b.host.ecam, AT_XHCI << 12 | 0x60, 1), 0x30);
    assert_int_equal(reg(&b, 0), 0x01000040);
    assert_int_equal(device_read(&b.host.memory.dev, XHCI, 1), 0x40);
    assert_int_equal(device_read(&b.host.memory.dev, XHCI + 2, 2), 0x0100);
    assert_int_equal(reg(&b, 4), XHCI_SLOTS | 4 << 8 | XHCI_PORTS << 24);
    for (at = reg(&b, 0x10) >> 16 << 2; at;
         at = reg(&b, at) >> 8 & 0xff ? at + (reg(&b, at) >> 8 & 0xff) * 4 : 0) {
        assert_int_equal(reg(&b, at) & 0xff, 2);
        assert_int_equal(reg(&b, at + 4), 0x20425355);
        assert_int_equal(reg(&b, at + 8) & 0xff, ports + 1);
        ports += reg(&b, at + 8) >> 8 & 0xff;
    }
    assert_int_equal(ports, XHCI_PORTS);
    assert_int_equal(reg(&b, USBSTS), 1);
    bench_end(&b);
}

static void test_a_port_is_connected_and_a_reset_enables_it(void **state)
{
    struct fixture *f = begin(0);
    struct event e;

    (void)state;
    assert_int_equal(reg(&f->b, PORTSC), 0x2a0); /* nothing there, powered */
    assert_int_equal(reg(&f->b, PORTSC + 16), 0x20ee1);
    assert_true(take_event(&f->b, &e)); /* the connection */
    assert_int_equal(event_type(&e), 34);
    assert_int_equal(e.parameter, 2 << 24);
    assert_false(take_event(&f->b, &e));
    set_reg(&f->b, PORTSC + 16, 0x20200);
    assert_int_equal(reg(&f->b, PORTSC + 16), 0xee1);
    set_reg(&f->b, PORTSC + 16, 0x210);
    assert_int_equal(reg(&f->b, PORTSC + 16), 0x200e03);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(e.parameter, 2 << 24);
    set_reg(&f->b, PORTSC + 16, 0x202); /* PED: to write a one disables it */
    assert_int_equal(reg(&f->b, PORTSC + 16) & 3, 1);
    set_reg(&f->b, PORTSC, 0x210);
    assert_int_equal(reg(&f->b, PORTSC), 0x2a0);
    end(f);
}

static void test_the_pin_follows_the_interrupter(void **state)
{
    struct fixture *f = begin(0);
    struct event e;

    (void)state;
    assert_true(f->b.watched.level);
    assert_int_equal(reg(&f->b, IMAN), 3);
    assert_int_equal(reg(&f->b, USBSTS) & 0x18, 0x18);
    set_reg(&f->b, IMAN, 3);
    assert_false(f->b.watched.level);
    while (take_event(&f->b, &e))
        ;
    set_reg(&f->b, IMAN, 3);
    assert_int_equal(command(&f->b, 0, TYPE(23), NULL), 1);
    assert_true(f->b.watched.level);
    set_reg(&f->b, USBCMD, 1);
    assert_false(f->b.watched.level);
    end(f);
}

static void test_messages_are_sent_once_for_events_that_nobody_took(void **state)
{
    struct fixture *f = begin(2);
    struct event e;

    (void)state;
    while (take_event(&f->b, &e))
        ;
    set_reg(&f->b, IMAN, 3);
    config_write(&f->b, f->b.xhci.function.msix.cap + 2, 2, 0x8000);
    device_write(&f->b.host.memory.dev, MSIX, 8, RAM);
    device_write(&f->b.host.memory.dev, MSIX + 12, 4, 0);
    push(&f->b, &f->b.commands, 0, 0, TYPE(23));
    push(&f->b, &f->b.commands, 0, 0, TYPE(23));
    set_reg(&f->b, DOORBELL, 0);
    assert_int_equal(f->b.messages, 1);
    assert_int_equal(reg(&f->b, IMAN) & 2, 2);
    assert_true(take_event(&f->b, &e)); /* one is left: it interrupts again */
    assert_int_equal(f->b.messages, 2);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(f->b.messages, 2);
    assert_false(f->b.watched.level);
    end(f);
}

/* ---- commands ---- */

static void test_slots_are_enabled_until_none_is_left(void **state)
{
    struct fixture *f = begin(0);
    unsigned slot;

    (void)state;
    for (unsigned n = 1; n <= XHCI_SLOTS; n++) {
        assert_int_equal(command(&f->b, 0, TYPE(9), &slot), 1);
        assert_int_equal(slot, n);
    }
    assert_int_equal(command(&f->b, 0, TYPE(9), &slot), 9);
    assert_int_equal(command(&f->b, 0, TYPE(10) | SLOT(5), NULL), 1);
    assert_int_equal(command(&f->b, 0, TYPE(10) | SLOT(5), NULL), 11);
    assert_int_equal(command(&f->b, 0, TYPE(9), &slot), 1);
    assert_int_equal(slot, 5);
    assert_int_equal(command(&f->b, 0, TYPE(10) | SLOT(XHCI_SLOTS + 1), NULL), 5);
    assert_int_equal(command(&f->b, 0, TYPE(62), NULL), 5);
    end(f);
}

static void test_a_device_is_addressed_configured_reset_and_disabled(void **state)
{
    struct fixture *f = begin_configured();

    (void)state;
    assert_int_equal(slot_state(f), 3);
    assert_int_equal(peek(&f->b, OUTPUT(f->slot) + 12, 1), f->slot);
    assert_int_equal(f->echo.usb.address, f->slot);
    assert_int_equal(f->echo.usb.configuration, 1);
    assert_int_equal(endpoint_state(f, BULK_IN), 1);
    assert_int_equal(command(&f->b, INPUT, TYPE(11) | SLOT(f->slot), NULL), 19);
    assert_int_equal(command(&f->b, 0, TYPE(17) | SLOT(f->slot), NULL), 1);
    assert_int_equal(slot_state(f), 1);
    assert_int_equal(endpoint_state(f, BULK_IN), 0);
    assert_int_equal(f->echo.usb.address, 0);
    input_control(&f->b, 0, 3);
    poke(&f->b, INPUT + 32, 4, 1u << 27 | HIGH_SPEED << 20);
    assert_int_equal(command(&f->b, INPUT, TYPE(11) | SLOT(f->slot), NULL), 1);
    assert_int_equal(command(&f->b, 0, TYPE(10) | SLOT(f->slot), NULL), 1);
    assert_int_equal(slot_state(f), 0);
    end(f);
}

static void test_contexts_that_cannot_be_are_refused(void **state)
{
    struct fixture *f = begin_addressed(0);
    static const struct {
        unsigned dci, type, packet, code;
    } rows[] = {
        {3, 5, 64, 7},    /* isochronous */
        {3, 2, 64, 17},   /* the wrong direction */
        {2, 4, 64, 17},   /* control */
        {2, 2, 0, 17},    /* no packets */
        {2, 2, 2048, 17}, /* too large */
        {31, 7, 8, 1},
    };
    unsigned other;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        input_endpoint(&f->b, rows[k].dci, rows[k].type, rows[k].packet);
        input_control(&f->b, 0, 1 | 1u << rows[k].dci);
        assert_int_equal(command(&f->b, INPUT, TYPE(12) | SLOT(f->slot), NULL), rows[k].code);
    }
    assert_int_equal(command(&f->b, 0, TYPE(9), &other), 1);
    poke(&f->b, CONTEXTS + 8 * other, 8, OUTPUT(other));
    input_control(&f->b, 0, 3);
    poke(&f->b, INPUT + 36, 4, 2 << 16); /* the port of the first slot */
    assert_int_equal(command(&f->b, INPUT, TYPE(11) | SLOT(other), NULL), 17);
    poke(&f->b, INPUT + 36, 4, 3 << 16); /* nothing is there */
    input_endpoint(&f->b, 1, 4, 64);
    assert_int_equal(command(&f->b, INPUT, TYPE(11) | SLOT(other), NULL), 4);
    poke(&f->b, INPUT + 36, 4, 99 << 16);
    assert_int_equal(command(&f->b, INPUT, TYPE(11) | SLOT(other), NULL), 17);
    end(f);
}

/* ---- transfers ---- */

static void test_descriptors_come_by_control_transfers(void **state)
{
    struct fixture *f = begin_addressed(0);
    unsigned left;

    (void)state;
    assert_int_equal(control(&f->b, f->slot, setup_packet(0x80, 6, 0x100, 0, 64), &left), 1);
    assert_int_equal(left, 64 - 18);
    assert_int_equal(peek(&f->b, BUFFERS, 2), 0x0112);
    assert_int_equal(peek(&f->b, BUFFERS + 8, 4), 0x56781234);
    assert_int_equal(control(&f->b, f->slot, setup_packet(0x80, 6, 0x200, 0, 255), &left), 1);
    assert_int_equal(255 - left, peek(&f->b, BUFFERS + 2, 2));
    assert_int_equal(peek(&f->b, BUFFERS + 2, 2), 9 + 9 + 2 * 7);
    assert_int_equal(control(&f->b, f->slot, setup_packet(0x80, 6, 0x302, 0x409, 255), &left), 1);
    assert_int_equal(255 - left, 2 + 2 * strlen("Echo"));
    assert_int_equal(peek(&f->b, BUFFERS + 2, 8), UINT64_C(0x006f006800630045));
    end(f);
}

static void test_a_stall_halts_the_endpoint_until_it_is_reset(void **state)
{
    struct fixture *f = begin_addressed(0);
    uint64_t next;

    (void)state;
    assert_int_equal(control(&f->b, f->slot, setup_packet(0x80, 6, 0x3700, 0, 8), NULL), 6);
    assert_int_equal(endpoint_state(f, 1), 2);
    next = RING(1) + 16 * f->b.rings[1].next;
    assert_int_equal(command(&f->b, next | 1, TYPE(16) | SLOT(f->slot) | DCI(1), NULL), 19);
    assert_int_equal(command(&f->b, 0, TYPE(14) | SLOT(f->slot) | DCI(1), NULL), 1);
    assert_int_equal(endpoint_state(f, 1), 3);
    assert_int_equal(command(&f->b, next | 1, TYPE(16) | SLOT(f->slot) | DCI(1), NULL), 1);
    assert_int_equal(control(&f->b, f->slot, setup_packet(0x80, 6, 0x100, 0, 18), NULL), 1);
    end(f);
}

/* Pieces of any length, in TRBs of any length, come out as they went in. */
static void test_bulk_data_goes_through_chains_of_any_lengths(void **state)
{
    struct fixture *f = begin_configured();
    uint64_t rng = test_seed(3);
    unsigned sent = 0;
    struct event e;

    (void)state;
    while (sent < 40000) {
        unsigned parts = 1 + random_next(&rng) % 4, length = 0;
        for (unsigned k = 0; k < parts; k++) {
            unsigned n = 1 + (unsigned)(random_next(&rng) % 3000);
            for (unsigned i = 0; i < n; i++)
                poke(&f->b, BUFFERS + length + i, 1, (sent + length + i) * 7 % 251);
            push(&f->b, &f->b.rings[BULK_OUT], BUFFERS + length, n,
                 TYPE(1) | (k + 1 < parts ? CHAIN : IOC));
            length += n;
        }
        ring_doorbell(&f->b, f->slot, BULK_OUT);
        assert_true(take_event(&f->b, &e));
        assert_int_equal(event_code(&e), 1);
        push(&f->b, &f->b.rings[BULK_IN], BUFFERS + 0x10000, length / 2, TYPE(1) | CHAIN);
        push(&f->b, &f->b.rings[BULK_IN], BUFFERS + 0x10000 + length / 2, length - length / 2,
             TYPE(1) | IOC | ISP);
        ring_doorbell(&f->b, f->slot, BULK_IN);
        assert_true(take_event(&f->b, &e));
        assert_int_equal(event_code(&e), 1);
        assert_int_equal(e.control >> 16 & 0x1f, BULK_IN);
        for (unsigned i = 0; i < length; i++)
            assert_int_equal(peek(&f->b, BUFFERS + 0x10000 + i, 1), (sent + i) * 7 % 251);
        sent += length;
    }
    end(f);
}

static void send(struct fixture *f, unsigned bytes)
{
    struct event e;

    push(&f->b, &f->b.rings[BULK_OUT], BUFFERS, bytes, TYPE(1) | IOC);
    ring_doorbell(&f->b, f->slot, BULK_OUT);
    do
        assert_true(take_event(&f->b, &e));
    while ((e.control >> 16 & 0x1f) != BULK_OUT);
    assert_int_equal(event_code(&e), 1);
}

static void test_a_short_packet_ends_the_transfer_and_is_told_once(void **state)
{
    struct fixture *f = begin_configured();
    struct ring *in = &f->b.rings[BULK_IN];
    struct event e;
    uint64_t last;

    (void)state;
    send(f, 700);
    push(&f->b, in, BUFFERS, 1024, TYPE(1) | CHAIN);
    push(&f->b, in, BUFFERS + 1024, 1024, TYPE(1) | CHAIN);
    last = push(&f->b, in, BUFFERS + 2048, 1000, TYPE(1) | IOC);
    ring_doorbell(&f->b, f->slot, BULK_IN);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(event_code(&e), 13);
    assert_int_equal(e.parameter, last);
    assert_int_equal(e.status & 0xffffff, 1000);
    assert_false(take_event(&f->b, &e));
    send(f, 5); /* the next transfer is another one */
    push(&f->b, in, BUFFERS, 5, TYPE(1) | IOC);
    ring_doorbell(&f->b, f->slot, BULK_IN);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(event_code(&e), 1);
    end(f);
}

/* 4.11.5.2 */
static void test_event_data_counts_the_bytes_of_the_transfer(void **state)
{
    struct fixture *f = begin_configured();
    struct ring *in = &f->b.rings[BULK_IN];
    struct event e;

    (void)state;
    send(f, 700);
    push(&f->b, in, BUFFERS, 512, TYPE(1) | CHAIN);
    push(&f->b, in, BUFFERS + 512, 512, TYPE(1) | CHAIN);
    push(&f->b, in, UINT64_C(0x123456789), 0, TYPE(7) | IOC);
    ring_doorbell(&f->b, f->slot, BULK_IN);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(event_code(&e), 13);
    assert_int_equal(e.control & 4, 4);
    assert_int_equal(e.parameter, UINT64_C(0x123456789));
    assert_int_equal(e.status & 0xffffff, 700);
    end(f);
}

static void test_a_transfer_waits_for_the_device_and_can_be_stopped(void **state)
{
    struct fixture *f = begin_configured();
    struct event e;
    uint64_t at;

    (void)state;
    at = push(&f->b, &f->b.rings[BULK_IN], BUFFERS + 4096, 100, TYPE(1) | IOC);
    ring_doorbell(&f->b, f->slot, BULK_IN);
    assert_false(take_event(&f->b, &e));
    push(&f->b, &f->b.rings[BULK_OUT], BUFFERS, 100, TYPE(1));
    ring_doorbell(&f->b, f->slot, BULK_OUT);
    assert_true(take_event(&f->b, &e)); /* what it waited for has come */
    assert_int_equal(e.parameter, at);
    at = push(&f->b, &f->b.rings[BULK_IN], BUFFERS + 4096, 100, TYPE(1) | IOC);
    ring_doorbell(&f->b, f->slot, BULK_IN);
    push(&f->b, &f->b.commands, 0, 0, TYPE(15) | SLOT(f->slot) | DCI(BULK_IN));
    set_reg(&f->b, DOORBELL, 0);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(event_code(&e), 26);
    assert_int_equal(e.parameter, at);
    assert_int_equal(e.status & 0xffffff, 100);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(event_type(&e), 33);
    assert_int_equal(endpoint_state(f, BULK_IN), 3);
    assert_int_equal(peek(&f->b, OUTPUT(f->slot) + 32 * BULK_IN + 8, 8), at | 1);
    ring_doorbell(&f->b, f->slot, BULK_IN); /* and goes on */
    send(f, 100);
    assert_int_equal(f->echo.given, 200);
    end(f);
}

/* ---- what no driver should do ---- */

static void test_a_full_event_ring_holds_everything_up(void **state)
{
    struct fixture *f = begin(0);
    struct event e;
    unsigned events = 0;

    (void)state;
    for (unsigned half = 0; half < 2; half++) {
        for (unsigned n = 0; n < 40; n++)
            push(&f->b, &f->b.commands, 0, 0, TYPE(23));
        set_reg(&f->b, DOORBELL, 0);
    }
    while (take_event(&f->b, &e))
        events += event_type(&e) == 33;
    assert_int_equal(events, 80);
    assert_int_equal(f->b.watched.log_lines, 0);
    end(f);
}

static void test_rings_of_nothing_but_links_end(void **state)
{
    struct fixture *f = begin_configured();
    struct event e;

    (void)state;
    poke(&f->b, RING(BULK_OUT), 8, RING(BULK_OUT));
    poke(&f->b, RING(BULK_OUT) + 12, 4, TYPE(6) | 1);
    ring_doorbell(&f->b, f->slot, BULK_OUT);
    assert_false(take_event(&f->b, &e));
    assert_int_equal(f->b.watched.log_lines, 1);
    end(f);
}

/* A ring whose link does not turn the cycle is work for ever: so much of it in a microsecond. */
static void test_endless_rings_leave_time_for_others(void **state)
{
    struct fixture *f = begin_configured();
    struct event e;

    (void)state;
    poke(&f->b, RING(BULK_OUT) + 8, 4, 0);
    poke(&f->b, RING(BULK_OUT) + 12, 4, TYPE(8) | 1);
    poke(&f->b, RING(BULK_OUT) + 16, 8, RING(BULK_OUT));
    poke(&f->b, RING(BULK_OUT) + 28, 4, TYPE(6) | 1);
    ring_doorbell(&f->b, f->slot, BULK_OUT);
    assert_true(f->b.clock.next_ns <= PACE_NS);
    push(&f->b, &f->b.commands, 0, 0, TYPE(23));
    set_reg(&f->b, DOORBELL, 0);
    assert_false(take_event(&f->b, &e));
    clock_run(&f->b.clock, PACE_NS);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(event_type(&e), 33);
    assert_true(f->b.clock.next_ns <= 2 * PACE_NS);
    set_reg(&f->b, USBCMD, 0);
    assert_int_equal(f->b.clock.next_ns, CLOCK_NEVER);
    end(f);
}

static void test_memory_that_is_not_there_stops_the_controller(void **state)
{
    struct fixture *f = begin_configured();

    (void)state;
    push(&f->b, &f->b.rings[BULK_OUT], UINT64_C(0x1000), 64, TYPE(1) | IOC);
    ring_doorbell(&f->b, f->slot, BULK_OUT);
    assert_int_equal(reg(&f->b, USBSTS) & 5, 5);
    set_reg(&f->b, USBCMD, 5);
    assert_int_equal(reg(&f->b, USBSTS) & 5, 5);
    set_reg(&f->b, USBCMD, 2); /* HCRST */
    assert_int_equal(reg(&f->b, USBSTS), 1);
    assert_int_equal(reg(&f->b, USBCMD), 0);
    end(f);
}

static void test_nothing_is_done_without_bus_master_enable(void **state)
{
    struct fixture *f = begin(0);
    struct event e;

    (void)state;
    while (take_event(&f->b, &e))
        ;
    config_write(&f->b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    push(&f->b, &f->b.commands, 0, 0, TYPE(23));
    set_reg(&f->b, DOORBELL, 0);
    assert_false(take_event(&f->b, &e));
    config_write(&f->b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_true(take_event(&f->b, &e));
    end(f);
}

static void save(struct bench *b, struct state_io *io)
{
    state_io_save(io);
    pci_host_state(io, &b->host);
    assert_int_equal(io->error.code, 0);
}

static void test_a_snapshot_goes_on_where_it_was_taken(void **state)
{
    struct fixture *f = begin_configured();
    struct state_io saved, io;
    struct event e;
    uint64_t at;

    (void)state;
    at = push(&f->b, &f->b.rings[BULK_IN], BUFFERS, 64, TYPE(1) | IOC);
    ring_doorbell(&f->b, f->slot, BULK_IN);
    save(&f->b, &saved);
    pci_host_reset(&f->b.host);
    state_io_compare(&io, saved.out, saved.len);
    pci_host_state(&io, &f->b.host);
    assert_int_not_equal(io.error.code, 0);
    state_io_restore(&io, saved.out, saved.len);
    pci_host_state(&io, &f->b.host);
    assert_int_equal(io.error.code, 0);
    state_io_compare(&io, saved.out, saved.len);
    pci_host_state(&io, &f->b.host);
    assert_int_equal(io.error.code, 0);
    push(&f->b, &f->b.rings[BULK_OUT], BUFFERS, 64, TYPE(1));
    ring_doorbell(&f->b, f->slot, BULK_OUT);
    assert_true(take_event(&f->b, &e));
    assert_int_equal(e.parameter, at);
    state_io_destroy(&saved);
    end(f);
}

/* Accesses of any kind, with rings of any content: nothing outside the controller's memory. */
static void test_random_accesses_do_no_harm(void **state)
{
    uint64_t rng = test_seed(5);
    struct fixture *f = begin_configured();

    (void)state;
    for (unsigned k = 0; k < 20000; k++) {
        uint64_t r = random_next(&rng), at = XHCI + (r >> 8) % 0x4000;
        unsigned size = 1u << (r & 3);
        if (r & 0x80)
            poke(&f->b, RAM + (random_next(&rng) % 0x30000 & ~3u), 4, random_next(&rng));
        if (r & 0x40)
            at = XHCI + DOORBELL + (r >> 8) % 16 * 4;
        device_write(&f->b.host.memory.dev, align_down(at, size), size,
                     r & 0x20 ? random_next(&rng) : random_next(&rng) % 32);
        device_read(&f->b.host.memory.dev, align_down(at, size), size);
        if (k % 64 == 0) {
            clock_run(&f->b.clock, f->b.clock.now_ns + 500);
            f->echo.have = f->echo.given = 0;
        }
        if (k % 256 == 0)
            bench_start(&f->b);
    }
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capabilities_name_what_there_is),
        cmocka_unit_test(test_a_port_is_connected_and_a_reset_enables_it),
        cmocka_unit_test(test_the_pin_follows_the_interrupter),
        cmocka_unit_test(test_messages_are_sent_once_for_events_that_nobody_took),
        cmocka_unit_test(test_slots_are_enabled_until_none_is_left),
        cmocka_unit_test(test_a_device_is_addressed_configured_reset_and_disabled),
        cmocka_unit_test(test_contexts_that_cannot_be_are_refused),
        cmocka_unit_test(test_descriptors_come_by_control_transfers),
        cmocka_unit_test(test_a_stall_halts_the_endpoint_until_it_is_reset),
        cmocka_unit_test(test_bulk_data_goes_through_chains_of_any_lengths),
        cmocka_unit_test(test_a_short_packet_ends_the_transfer_and_is_told_once),
        cmocka_unit_test(test_event_data_counts_the_bytes_of_the_transfer),
        cmocka_unit_test(test_a_transfer_waits_for_the_device_and_can_be_stopped),
        cmocka_unit_test(test_a_full_event_ring_holds_everything_up),
        cmocka_unit_test(test_rings_of_nothing_but_links_end),
        cmocka_unit_test(test_endless_rings_leave_time_for_others),
        cmocka_unit_test(test_memory_that_is_not_there_stops_the_controller),
        cmocka_unit_test(test_nothing_is_done_without_bus_master_enable),
        cmocka_unit_test(test_a_snapshot_goes_on_where_it_was_taken),
        cmocka_unit_test(test_random_accesses_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
