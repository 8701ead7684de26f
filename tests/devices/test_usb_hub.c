/* A hub: its requests, and how an xHCI reaches what is behind it. */
#include "base/state_io.h"
#include "devices/usb_hid.h"
#include "devices/usb_hub.h"
#include "devices/usb_storage.h"
#include "tests/devices/fixture.h"
#include "tests/devices/xhci_driver.h"

enum { TO_PORT = 0x23, OF_PORT = 0xa3 };
enum {
    ENABLE = 1,
    SUSPEND = 2,
    RESET = 4,
    POWER = 8,
    C_CONNECTION = 16,
    C_SUSPEND = 18,
    C_RESET = 20
};

#define KEY_A 30

struct fixture {
    struct bench bench;
    struct usb_hub hub, second;
    struct usb_hid keyboard, mouse; /* 1.3, and 1.8.2 */
    struct host_input input;
};

/* A request to a device itself; how many bytes came, or USB_STALL. */
static int request(struct usb_device *d, unsigned type, unsigned code, unsigned value,
                   unsigned index, unsigned length, uint8_t *data)
{
    uint8_t setup[USB_SETUP_BYTES], none[1];

    le_put(setup, 8, setup_packet(type, code, value, index, length));
    usb_setup(d, setup);
    return type & USB_DIR_IN ? usb_in(d, 0, data, length) : usb_in(d, 0, none, 0);
}

static uint32_t port_status(struct usb_hub *h, unsigned port)
{
    uint8_t data[4];

    assert_int_equal(request(&h->usb, OF_PORT, 0, 0, port, 4, data), 4);
    return (uint32_t)le_get(data, 4);
}

static int set_feature(struct usb_hub *h, unsigned port, unsigned feature)
{
    return request(&h->usb, TO_PORT, 3, feature, port, 0, NULL);
}

static int clear_feature(struct usb_hub *h, unsigned port, unsigned feature)
{
    return request(&h->usb, TO_PORT, 1, feature, port, 0, NULL);
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    bench_begin(&f->bench, 0);
    usb_hub_init(&f->hub);
    usb_hub_init(&f->second);
    usb_hid_init(&f->keyboard, USB_KEYBOARD);
    usb_hid_init(&f->mouse, USB_MOUSE);
    host_input_add(&f->input, &f->keyboard.host);
    assert_true(xhci_plug(&f->bench.xhci, &f->hub.usb, 1));
    assert_true(usb_hub_plug(&f->hub, &f->keyboard.usb, 3));
    assert_true(usb_hub_plug(&f->hub, &f->second.usb, 8));
    assert_true(usb_hub_plug(&f->second, &f->mouse.usb, 2));
    bench_start(&f->bench);
}

static void end(struct fixture *f)
{
    bench_end(&f->bench);
}

/* Address Device for what is behind root port 1; the completion code. */
static unsigned address_behind(struct bench *b, uint32_t route, unsigned *slot)
{
    assert_int_equal(command(b, 0, TYPE(9), slot), 1);
    poke(b, CONTEXTS + UINT64_C(8) * *slot, 8, OUTPUT(*slot));
    input_control(b, 0, 3);
    poke(b, INPUT + 32, 4, 1u << 27 | 1u << 20 | route);
    poke(b, INPUT + 36, 4, 1u << 16);
    poke(b, INPUT + 40, 8, 0);
    input_endpoint(b, 1, 4, 64);
    return command(b, INPUT, TYPE(11) | SLOT(*slot), NULL);
}

static void test_it_says_what_it_is(void **state)
{
    struct fixture f;
    uint8_t data[USB_CONTROL_BYTES];

    (void)state;
    begin(&f);
    assert_int_equal(request(&f.hub.usb, 0x80, 6, 0x100, 0, 18, data), 18);
    assert_int_equal(le_get(data + 2, 2), 0x110);
    assert_int_equal(data[4], 9);
    assert_int_equal(le_get(data + 8, 4), 0x55aa0409);
    assert_int_equal(request(&f.hub.usb, 0x80, 6, 0x200, 0, 255, data), 9 + 9 + 7);
    assert_int_equal(data[9 + 5], 9);
    assert_memory_equal(data + 18, ((uint8_t[]){7, 5, 0x81, 3, 2, 0, 0xff}), 7);
    assert_int_equal(request(&f.hub.usb, 0xa0, 6, 0x2900, 0, 71, data), 11);
    assert_memory_equal(data, ((uint8_t[]){11, 0x29, 8, 0x0a, 0, 1, 0, 0, 0, 0xff, 0xff}), 11);
    assert_int_equal(request(&f.hub.usb, 0xa0, 0, 0, 0, 4, data), 4);
    assert_int_equal(le_get(data, 4), 0);
    end(&f);
}

static void test_devices_behind_it_are_of_full_speed(void **state)
{
    struct fixture f;
    struct usb_storage disk;
    struct scsi_unit unit;
    uint8_t data[USB_CONTROL_BYTES];

    (void)state;
    begin(&f);
    assert_int_equal(request(&f.keyboard.usb, 0x80, 6, 0x200, 0, 255, data), 34);
    assert_memory_equal(data + 27, ((uint8_t[]){7, 5, 0x81, 3, 8, 0, 10}), 7);
    assert_int_equal(scsi_unit_init(&unit, NULL, true, NULL, NULL), 0);
    usb_storage_init(&disk, &unit, NULL);
    assert_true(usb_hub_plug(&f.hub, &disk.usb, 0));
    assert_int_equal(disk.usb.port, 1);
    assert_int_equal(request(&disk.usb, 0x80, 6, 0x200, 0, 255, data), 32);
    assert_int_equal(le_get(data + 18 + 4, 2), 64);
    end(&f);
}

static void test_a_port_is_connected_and_a_reset_enables_it(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(port_status(&f.hub, 1), 0x100);
    assert_int_equal(port_status(&f.hub, 3), 0x10101);
    assert_int_equal(clear_feature(&f.hub, 3, C_CONNECTION), 0);
    f.keyboard.usb.address = 9;
    assert_int_equal(set_feature(&f.hub, 3, RESET), 0);
    assert_int_equal(port_status(&f.hub, 3), 0x100103);
    assert_int_equal(f.keyboard.usb.address, 0);
    assert_int_equal(clear_feature(&f.hub, 3, C_RESET), 0);
    assert_int_equal(set_feature(&f.hub, 3, SUSPEND), 0);
    assert_int_equal(port_status(&f.hub, 3), 0x107);
    assert_int_equal(clear_feature(&f.hub, 3, SUSPEND), 0);
    assert_int_equal(port_status(&f.hub, 3), 0x40103);
    assert_int_equal(clear_feature(&f.hub, 3, C_SUSPEND), 0);
    assert_int_equal(clear_feature(&f.hub, 3, ENABLE), 0);
    assert_int_equal(port_status(&f.hub, 3), 0x101);
    assert_int_equal(set_feature(&f.hub, 1, RESET), 0); /* nothing is there */
    assert_int_equal(port_status(&f.hub, 1), 0x100);
    assert_int_equal(set_feature(&f.hub, 1, POWER), 0);
    end(&f);
}

static void test_requests_that_cannot_be_stall(void **state)
{
    static const struct {
        unsigned type, code, value, index;
    } rows[] = {
        {OF_PORT, 0, 0, 0},       {OF_PORT, 0, 0, 9},      {OF_PORT, 0, 0, 0xff},
        {OF_PORT, 6, 0x2900, 1},  {TO_PORT, 3, RESET, 0},  {TO_PORT, 3, RESET, 9},
        {TO_PORT, 3, RESET, 255}, {TO_PORT, 3, ENABLE, 3}, {TO_PORT, 3, 0xffff, 3},
        {TO_PORT, 1, RESET, 3},   {TO_PORT, 1, 21, 3},     {TO_PORT, 1, C_CONNECTION, 9},
        {TO_PORT, 1, 0xffff, 3},  {TO_PORT, 8, 0, 3},      {0x20, 3, 2, 0},
        {0x20, 1, 0xffff, 0},     {0x20, 7, 0x2900, 0},    {0xa0, 6, 0x2a00, 0},
        {0xa0, 1, 0, 0},          {0x22, 3, 0, 1},
    };
    struct fixture f;
    uint8_t data[USB_CONTROL_BYTES];

    (void)state;
    begin(&f);
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        assert_int_equal(request(&f.hub.usb, rows[k].type, rows[k].code, rows[k].value,
                                 rows[k].index, rows[k].type & USB_DIR_IN ? 8 : 0, data),
                         USB_STALL);
    assert_int_equal(request(&f.hub.usb, 0x20, 1, 1, 0, 0, NULL), 0);
    end(&f);
}

static void test_changes_are_told_until_they_are_seen_to(void **state)
{
    struct fixture f;
    uint8_t data[8];

    (void)state;
    begin(&f);
    assert_int_equal(usb_in(&f.hub.usb, 1, data, sizeof(data)), USB_STALL);
    assert_int_equal(request(&f.hub.usb, 0x00, 9, 1, 0, 0, NULL), 0);
    assert_int_equal(usb_in(&f.hub.usb, 1, data, sizeof(data)), 2);
    assert_int_equal(le_get(data, 2), 1 << 3 | 1 << 8);
    assert_int_equal(usb_in(&f.hub.usb, 1, data, sizeof(data)), USB_NAK);
    assert_int_equal(clear_feature(&f.hub, 3, C_CONNECTION), 0);
    assert_int_equal(usb_in(&f.hub.usb, 1, data, sizeof(data)), 2);
    assert_int_equal(le_get(data, 2), 1 << 8);
    assert_int_equal(clear_feature(&f.hub, 8, C_CONNECTION), 0);
    assert_int_equal(usb_in(&f.hub.usb, 1, data, sizeof(data)), USB_NAK);
    assert_int_equal(set_feature(&f.hub, 3, RESET), 0);
    assert_int_equal(usb_in(&f.hub.usb, 1, data, 1), 1);
    assert_int_equal(data[0], 1 << 3);
    end(&f);
}

/* The driver waits at the endpoint, and a reset wakes it. */
static void test_the_xhci_has_the_changes(void **state)
{
    struct fixture f;
    struct bench *b = &f.bench;
    struct event e;

    (void)state;
    begin(&f);
    unsigned slot = address_device(b, 1, USB_FULL);
    input_endpoint(b, 3, 7, 2);
    configure(b, slot, 1 << 3);
    assert_int_equal(clear_feature(&f.hub, 3, C_CONNECTION), 0);
    assert_int_equal(clear_feature(&f.hub, 8, C_CONNECTION), 0);
    push(b, &b->rings[3], BUFFERS, 2, TYPE(1) | IOC);
    ring_doorbell(b, slot, 3);
    assert_false(take_event(b, &e));
    assert_int_equal(control(b, slot, setup_packet(TO_PORT, 3, RESET, 3, 0), NULL), 1);
    assert_true(take_event(b, &e));
    assert_int_equal(event_code(&e), 1);
    assert_int_equal(e.control >> 16 & 0x1f, 3);
    assert_int_equal(peek(b, BUFFERS, 2), 1 << 3);
    end(&f);
}

static void test_a_route_leads_to_what_is_behind_enabled_ports(void **state)
{
    struct fixture f;
    struct bench *b = &f.bench;
    const struct host_input_event key = {HOST_INPUT_KEY, KEY_A, 1};
    struct event e;
    unsigned slot;

    (void)state;
    begin(&f);
    (void)address_device(b, 1, USB_FULL);
    assert_int_equal(address_behind(b, 3, &slot), 4);
    assert_int_equal(set_feature(&f.hub, 3, RESET), 0);
    assert_int_equal(set_feature(&f.hub, 8, RESET), 0);
    assert_int_equal(address_behind(b, 0x28, &slot), 4);
    assert_int_equal(set_feature(&f.second, 2, RESET), 0);
    assert_int_equal(address_behind(b, 0x28, &slot), 17); /* a slot has it */
    f.bench.xhci.slots[slot - 2] = (struct xhci_slot){0};
    assert_int_equal(address_behind(b, 0x28, &slot), 1);
    assert_int_equal(f.mouse.usb.address, slot);
    f.bench.xhci.slots[1] = (struct xhci_slot){0};
    assert_int_equal(address_behind(b, 3, &slot), 1);
    assert_int_equal(f.keyboard.usb.address, slot);
    input_endpoint(b, 3, 7, 8);
    configure(b, slot, 1 << 3);
    push(b, &b->rings[3], BUFFERS, 8, TYPE(1) | IOC);
    ring_doorbell(b, slot, 3);
    assert_false(take_event(b, &e));
    assert_true(host_input_give(&f.input, &key, 1));
    assert_true(take_event(b, &e));
    assert_int_equal(event_code(&e), 1);
    assert_int_equal(peek(b, BUFFERS, 8), 0x040000);
    assert_int_equal(clear_feature(&f.hub, 3, ENABLE), 0);
    push(b, &b->rings[3], BUFFERS, 8, TYPE(1) | IOC);
    ring_doorbell(b, slot, 3);
    assert_true(take_event(b, &e));
    assert_int_equal(event_code(&e), 4);
    end(&f);
}

static void test_routes_that_lead_nowhere_are_errors(void **state)
{
    static const uint32_t routes[] = {0x1, 0x9, 0xf, 0x13, 0x30, 0x328, 0x88888, 0xfffff, 0x80000};
    struct fixture f;

    (void)state;
    begin(&f);
    (void)address_device(&f.bench, 1, USB_FULL);
    assert_int_equal(set_feature(&f.hub, 3, RESET), 0);
    assert_int_equal(set_feature(&f.hub, 8, RESET), 0);
    assert_int_equal(set_feature(&f.second, 2, RESET), 0);
    for (size_t k = 0; k < ARRAY_SIZE(routes); k++) {
        unsigned slot;
        assert_int_equal(address_behind(&f.bench, routes[k], &slot), 4);
    }
    end(&f);
}

static void test_five_hubs_are_the_most_in_a_row(void **state)
{
    struct usb_hub hubs[USB_HUBS_DEEP + 1];
    struct usb_hid mouse;
    char path[USB_PATH_MAX];

    (void)state;
    for (unsigned n = 0; n <= USB_HUBS_DEEP; n++)
        usb_hub_init(&hubs[n]);
    usb_hid_init(&mouse, USB_MOUSE);
    hubs[0].usb.port = 4;
    for (unsigned n = 1; n < USB_HUBS_DEEP; n++)
        assert_true(usb_hub_plug(&hubs[n - 1], &hubs[n].usb, n));
    assert_false(usb_hub_plug(&hubs[USB_HUBS_DEEP - 1], &hubs[USB_HUBS_DEEP].usb, 1));
    assert_false(usb_hub_plug(&hubs[0], &mouse.usb, 1));
    assert_false(usb_hub_plug(&hubs[0], &mouse.usb, 9));
    assert_true(usb_hub_plug(&hubs[USB_HUBS_DEEP - 1], &mouse.usb, 0));
    usb_path(&mouse.usb, path);
    assert_string_equal(path, "4.1.2.3.4.1");
    usb_reset(&hubs[0].usb);
    assert_null(usb_follow(&hubs[0].usb, 0x14321));
    for (unsigned n = 0; n < USB_HUBS_DEEP; n++)
        assert_int_equal(set_feature(&hubs[n], n + 1 < USB_HUBS_DEEP ? n + 1 : 1, RESET), 0);
    assert_ptr_equal(usb_follow(&hubs[0].usb, 0x14321), &mouse.usb);
}

static void test_a_snapshot_has_what_is_behind_it(void **state)
{
    struct fixture f;
    struct state_io saved, io;
    uint8_t data[2];

    (void)state;
    begin(&f);
    assert_int_equal(request(&f.hub.usb, 0x00, 9, 1, 0, 0, NULL), 0);
    assert_int_equal(set_feature(&f.hub, 8, RESET), 0);
    assert_int_equal(set_feature(&f.second, 2, RESET), 0);
    assert_int_equal(usb_in(&f.hub.usb, 1, data, 2), 2);
    f.mouse.usb.address = 5;
    state_io_save(&saved);
    state_section_begin(&saved, "hub", 1);
    usb_state(&saved, &f.hub.usb);
    state_section_end(&saved);
    usb_reset(&f.hub.usb);
    assert_int_equal(f.mouse.usb.address, 0);
    state_io_restore(&io, saved.out, saved.len);
    state_section_begin(&io, "hub", 1);
    usb_state(&io, &f.hub.usb);
    state_section_end(&io);
    assert_int_equal(io.error.code, 0);
    assert_int_equal(port_status(&f.hub, 8), 0x110103);
    assert_int_equal(usb_in(&f.hub.usb, 1, data, 2), USB_NAK); /* it is told */
    assert_ptr_equal(usb_follow(&f.hub.usb, 0x28), &f.mouse.usb);
    assert_int_equal(f.mouse.usb.address, 5);
    state_io_destroy(&saved);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_says_what_it_is),
        cmocka_unit_test(test_devices_behind_it_are_of_full_speed),
        cmocka_unit_test(test_a_port_is_connected_and_a_reset_enables_it),
        cmocka_unit_test(test_requests_that_cannot_be_stall),
        cmocka_unit_test(test_changes_are_told_until_they_are_seen_to),
        cmocka_unit_test(test_the_xhci_has_the_changes),
        cmocka_unit_test(test_a_route_leads_to_what_is_behind_enabled_ports),
        cmocka_unit_test(test_routes_that_lead_nowhere_are_errors),
        cmocka_unit_test(test_five_hubs_are_the_most_in_a_row),
        cmocka_unit_test(test_a_snapshot_has_what_is_behind_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
