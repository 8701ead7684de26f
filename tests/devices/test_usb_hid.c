/* USB's requests, by devices that have few of their own: keyboard, mouse and tablet. */
#include "base/le.h"
#include "base/state_io.h"
#include "devices/usb_hid.h"
#include "tests/devices/fixture.h"

#define KEY_A         30
#define KEY_B         48
#define KEY_LEFTSHIFT 42

struct fixture {
    struct usb_hid hid;
    struct host_input input;
    unsigned wakes; /* how often it said that there is something */
};

static void ready(void *ctx, struct usb_device *d, uint8_t endpoint)
{
    (void)d;
    assert_int_equal(endpoint, 0x81);
    ((struct fixture *)ctx)->wakes++;
}

/* A control transfer without data to the device; how many bytes came, or USB_STALL. */
static int request(struct fixture *f, unsigned type, unsigned code, unsigned value, unsigned index,
                   unsigned length, uint8_t *data)
{
    uint8_t setup[USB_SETUP_BYTES] = {(uint8_t)type, (uint8_t)code}, none[1];
    int n = 0;

    le_put(setup + 2, 2, value);
    le_put(setup + 4, 2, index);
    le_put(setup + 6, 2, length);
    usb_setup(&f->hid.usb, setup);
    if (type & USB_DIR_IN) {
        n = usb_in(&f->hid.usb, 0, data, length);
        if (n < 0)
            return n;
        assert_int_equal(usb_out(&f->hid.usb, 0, none, 0), 0);
        return n;
    }
    return usb_in(&f->hid.usb, 0, none, 0);
}

static void begin(struct fixture *f, enum usb_hid_kind kind)
{
    memset(f, 0, sizeof(*f));
    usb_hid_init(&f->hid, kind);
    f->hid.usb.ready = ready;
    f->hid.usb.ready_ctx = f;
    host_input_add(&f->input, &f->hid.host);
    assert_int_equal(request(f, 0x00, 9, 1, 0, 0, NULL), 0);
}

static bool give(struct fixture *f, unsigned type, unsigned code, int value)
{
    const struct host_input_event e = {(uint16_t)type, (uint16_t)code, value};

    return host_input_give(&f->input, &e, 1);
}

static void expect(struct fixture *f, const uint8_t *report, int length)
{
    uint8_t bytes[64];

    assert_int_equal(usb_in(&f->hid.usb, 1, bytes, sizeof(bytes)), length);
    assert_memory_equal(bytes, report, (size_t)length);
}

static void test_descriptors_have_the_lengths_that_they_say(void **state)
{
    struct fixture f;
    uint8_t data[USB_CONTROL_BYTES], report[USB_CONTROL_BYTES];

    (void)state;
    for (enum usb_hid_kind kind = USB_KEYBOARD; kind <= USB_TABLET; kind++) {
        begin(&f, kind);
        int total = request(&f, 0x80, 6, 0x200, 0, 255, data), at = 0;
        unsigned hid = 0;
        assert_int_equal(le_get(data + 2, 2), total);
        for (; at < total; at += data[at]) {
            assert_true(data[at] >= 2);
            if (data[at + 1] == 0x21)
                hid = (unsigned)at;
        }
        assert_int_equal(at, total);
        assert_true(hid);
        assert_int_equal(request(&f, 0x81, 6, 0x2200, 0, 255, report), le_get(data + hid + 7, 2));
    }
}

static void test_standard_requests_are_answered_and_others_stall(void **state)
{
    struct fixture f;
    uint8_t data[8];

    (void)state;
    begin(&f, USB_KEYBOARD);
    assert_int_equal(request(&f, 0x80, 8, 0, 0, 1, data), 1);
    assert_int_equal(data[0], 1);
    assert_int_equal(request(&f, 0x80, 0, 0, 0, 2, data), 2);
    assert_int_equal(data[0], 1);
    assert_int_equal(request(&f, 0x00, 3, 1, 0, 0, NULL), 0); /* wake the host */
    assert_int_equal(request(&f, 0x80, 0, 0, 0, 2, data), 2);
    assert_int_equal(data[0], 3);
    assert_int_equal(request(&f, 0x02, 3, 0, 0x81, 0, NULL), 0); /* halt */
    assert_int_equal(usb_in(&f.hid.usb, 1, data, 8), USB_STALL);
    assert_int_equal(request(&f, 0x82, 0, 0, 0x81, 2, data), 2);
    assert_int_equal(data[0], 1);
    assert_int_equal(request(&f, 0x02, 1, 0, 0x81, 0, NULL), 0);
    assert_int_equal(usb_in(&f.hid.usb, 1, data, 8), USB_NAK);
    assert_int_equal(request(&f, 0x00, 9, 2, 0, 0, NULL), USB_STALL);
    assert_int_equal(request(&f, 0x02, 3, 0, 0x05, 0, NULL), USB_STALL);
    assert_int_equal(request(&f, 0x80, 6, 0x0f00, 0, 5, data), USB_STALL);
    assert_int_equal(request(&f, 0x40, 1, 0, 0, 0, NULL), USB_STALL);
    assert_int_equal(request(&f, 0x00, 5, 9, 0, 0, NULL), 0);
    assert_int_equal(f.hid.usb.address, 9);
    usb_reset(&f.hid.usb);
    assert_int_equal(f.hid.usb.address, 0);
    assert_int_equal(usb_in(&f.hid.usb, 1, data, 8), USB_STALL);
}

static void test_each_key_has_its_report(void **state)
{
    struct fixture f;
    static const struct {
        unsigned code;
        int value;
        uint8_t report[8];
    } rows[] = {
        {KEY_LEFTSHIFT, 1, {2}}, {KEY_A, 1, {2, 0, 4}},         {KEY_B, 1, {2, 0, 4, 5}},
        {KEY_A, 0, {2, 0, 5}},   {KEY_LEFTSHIFT, 0, {0, 0, 5}}, {KEY_B, 0, {0}},
    };

    (void)state;
    begin(&f, USB_KEYBOARD);
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        assert_true(give(&f, HOST_INPUT_KEY, rows[k].code, rows[k].value));
    assert_int_equal(f.wakes, ARRAY_SIZE(rows));
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        expect(&f, rows[k].report, 8);
    assert_int_equal(usb_in(&f.hid.usb, 1, (uint8_t[8]){0}, 8), USB_NAK);
    assert_false(give(&f, HOST_INPUT_REL, HOST_INPUT_X, 1)); /* no pointer */
}

static void test_more_than_six_keys_roll_over(void **state)
{
    static const uint8_t rolled[8] = {0, 0, 1, 1, 1, 1, 1, 1};
    struct fixture f;
    uint8_t data[8];

    (void)state;
    begin(&f, USB_KEYBOARD);
    for (unsigned key = 2; key < 9; key++)
        assert_true(give(&f, HOST_INPUT_KEY, key, 1));
    for (unsigned key = 2; key < 8; key++)
        assert_int_equal(usb_in(&f.hid.usb, 1, data, 8), 8);
    expect(&f, rolled, 8);
    assert_int_equal(request(&f, 0xa1, 1, 0x100, 0, 8, data), 8);
    assert_memory_equal(data, rolled, 8);
    assert_true(give(&f, HOST_INPUT_KEY, 2, 0));
    expect(&f, (const uint8_t[8]){0, 0, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24}, 8);
}

static void test_a_mouse_goes_far_in_steps(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, USB_MOUSE);
    assert_true(give(&f, HOST_INPUT_KEY, HOST_INPUT_BUTTON_RIGHT, 1));
    assert_true(give(&f, HOST_INPUT_REL, HOST_INPUT_X, 200));
    assert_true(give(&f, HOST_INPUT_REL, HOST_INPUT_Y, -130)); /* with the one before */
    assert_true(give(&f, HOST_INPUT_REL, HOST_INPUT_WHEEL, -1));
    expect(&f, (const uint8_t[]){2, 0, 0, 0}, 4);
    expect(&f, (const uint8_t[]){2, 127, 0x81, 0}, 4);
    expect(&f, (const uint8_t[]){2, 73, 0xfd, 0}, 4);
    expect(&f, (const uint8_t[]){2, 0, 0, 0xff}, 4);
    assert_int_equal(usb_in(&f.hid.usb, 1, (uint8_t[8]){0}, 8), USB_NAK);
    assert_int_equal(request(&f, 0x21, 11, 0, 0, 0, NULL), 0); /* the boot protocol */
    assert_true(give(&f, HOST_INPUT_KEY, HOST_INPUT_BUTTON_RIGHT, 0));
    expect(&f, (const uint8_t[]){0, 0, 0}, 3);
}

static void test_a_tablet_says_where_it_is(void **state)
{
    const struct host_input_event there[] = {{HOST_INPUT_ABS, HOST_INPUT_X, 0x1234},
                                             {HOST_INPUT_ABS, HOST_INPUT_Y, 0x7fff}};
    struct fixture f;

    (void)state;
    begin(&f, USB_TABLET);
    assert_true(host_input_give(&f.input, there, 2));
    assert_true(give(&f, HOST_INPUT_KEY, HOST_INPUT_BUTTON_LEFT, 1));
    expect(&f, (const uint8_t[]){0, 0x34, 0x12, 0xff, 0x7f, 0}, 6);
    expect(&f, (const uint8_t[]){1, 0x34, 0x12, 0xff, 0x7f, 0}, 6);
    assert_int_equal(request(&f, 0x21, 11, 0, 0, 0, NULL), USB_STALL); /* it is no boot device */
}

static void test_nothing_is_taken_before_the_host_asks_or_when_it_does_not(void **state)
{
    struct fixture f;
    unsigned taken = 0;

    (void)state;
    begin(&f, USB_KEYBOARD);
    while (taken < 1000 && give(&f, HOST_INPUT_KEY, KEY_A, taken % 2 == 0))
        taken++;
    assert_int_equal(taken, USB_HID_QUEUE);
    usb_reset(&f.hid.usb);
    assert_false(give(&f, HOST_INPUT_KEY, KEY_A, 1));
}

static void test_a_snapshot_has_what_waits(void **state)
{
    struct fixture f;
    struct state_io saved, io;

    (void)state;
    begin(&f, USB_KEYBOARD);
    assert_true(give(&f, HOST_INPUT_KEY, KEY_A, 1));
    state_io_save(&saved);
    state_section_begin(&saved, "hid", 1);
    usb_state(&saved, &f.hid.usb);
    state_section_end(&saved);
    usb_reset(&f.hid.usb);
    state_io_restore(&io, saved.out, saved.len);
    state_section_begin(&io, "hid", 1);
    usb_state(&io, &f.hid.usb);
    state_section_end(&io);
    assert_int_equal(io.error.code, 0);
    expect(&f, (const uint8_t[8]){0, 0, 4}, 8);
    state_io_destroy(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_have_the_lengths_that_they_say),
        cmocka_unit_test(test_standard_requests_are_answered_and_others_stall),
        cmocka_unit_test(test_each_key_has_its_report),
        cmocka_unit_test(test_more_than_six_keys_roll_over),
        cmocka_unit_test(test_a_mouse_goes_far_in_steps),
        cmocka_unit_test(test_a_tablet_says_where_it_is),
        cmocka_unit_test(test_nothing_is_taken_before_the_host_asks_or_when_it_does_not),
        cmocka_unit_test(test_a_snapshot_has_what_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
