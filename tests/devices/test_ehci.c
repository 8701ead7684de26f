/* The EHCI: its registers, ports and schedules, with a keyboard in its second port. */
#include "base/le.h"
#include "base/physmem.h"
#include "base/state_io.h"
#include "devices/ehci.h"
#include "devices/pci_host.h"
#include "devices/usb_hid.h"
#include "tests/devices/fixture.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(1) << 20)
#define MEMORY   UINT64_C(0x10000000)
#define BAR      UINT64_C(0x100000)
#define AT_EHCI  PCI_DEVFN(1, 0)
#define FRAME_NS 1000000

/* Where things are in RAM. */
#define HEAD    (RAM + 0x1000) /* of the asynchronous list: a queue head that is halted */
#define CONTROL (RAM + 0x1100) /* the queue head of endpoint 0 */
#define POLLED  (RAM + 0x1200) /* and of endpoint 1, in the periodic list */
#define QTD(n)  (RAM + 0x2000 + (n)*0x40)
#define FRAMES  (RAM + 0x4000)
#define BUFFERS (RAM + 0x10ff0) /* a page ends soon */

enum { USBCMD = 0x20, USBSTS = 0x24, USBINTR = 0x28, PERIODIC = 0x34, ASYNC = 0x38 };
enum { CONFIGFLAG = 0x60, PORTSC = 0x64 };
enum { OUT = 0, IN = 1, SETUP = 2 };
#define ACTIVE 0x80u
#define HALTED 0x40u
#define IOC    0x8000u
#define END    1u

struct bench {
    struct physmem mem;
    struct clock clock;
    struct watched watched;
    struct arm_log log;
    struct pci_host host;
    struct ehci ehci;
    struct usb_hid keyboard;
    struct host_input input;
};

static void poke(struct bench *b, uint64_t at, uint32_t v)
{
    uint8_t le[4];

    le_put(le, 4, v);
    assert_true(physmem_write(&b->mem, pa(at), le, 4));
}

static uint64_t peek(struct bench *b, uint64_t at, unsigned bytes)
{
    uint8_t le[8];

    assert_true(physmem_read(&b->mem, pa(at), le, bytes));
    return le_get(le, bytes);
}

static uint32_t reg(struct bench *b, uint64_t offset)
{
    return (uint32_t)device_read(&b->host.memory.dev, BAR + offset, 4);
}

static void set_reg(struct bench *b, uint64_t offset, uint32_t value)
{
    device_write(&b->host.memory.dev, BAR + offset, 4, value);
}

static void frame(struct bench *b)
{
    clock_run(&b->clock, b->clock.now_ns + FRAME_NS);
}

static void begin(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->log = watched_log(&b->watched);
    b->clock.next_ns = CLOCK_NEVER;
    assert_int_equal(physmem_add_ram(&b->mem, pa(RAM), RAM_SIZE, NULL), 0);
    struct pci_host_config config = {.log = &b->log};
    config.pins[1] = watched_line(&b->watched);
    pci_host_init(&b->host, &config, MEMORY, UINT64_C(0x8000000000));
    ehci_init(&b->ehci, &(struct ehci_config){.mem = &b->mem, .clock = &b->clock}, &b->log);
    pci_host_add(&b->host, &b->ehci.function, NULL, AT_EHCI);
    usb_hid_init(&b->keyboard, USB_KEYBOARD);
    host_input_add(&b->input, &b->keyboard.host);
    assert_true(ehci_plug(&b->ehci, &b->keyboard.usb, 2));
    assert_false(ehci_plug(&b->ehci, &b->keyboard.usb, 2));
    pci_host_reset(&b->host);
    device_write(&b->host.ecam, AT_EHCI << 12 | PCI_BAR0, 4, MEMORY + BAR);
    device_write(&b->host.ecam, AT_EHCI << 12 | PCI_COMMAND, 2,
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void end(struct bench *b)
{
    physmem_destroy(&b->mem);
}

static void queue_head(struct bench *b, uint64_t at, uint32_t link, unsigned address,
                       unsigned endpoint, uint32_t token)
{
    poke(b, at, link);
    poke(b, at + 4, 64u << 16 | 2u << 12 | endpoint << 8 | address | (at == HEAD ? 0x8000 : 0));
    poke(b, at + 8, 0x40000001);
    poke(b, at + 16, END);
    poke(b, at + 20, END);
    poke(b, at + 24, token);
}

static void qtd(struct bench *b, unsigned n, uint32_t next, unsigned pid, uint32_t bytes,
                uint64_t buffer)
{
    poke(b, QTD(n), next);
    poke(b, QTD(n) + 4, END);
    poke(b, QTD(n) + 8, bytes << 16 | pid << 8 | ACTIVE | IOC);
    for (unsigned page = 0; page < 5; page++)
        poke(b, QTD(n) + 12 + 4 * page,
             (uint32_t)(page ? (buffer & ~UINT64_C(0xfff)) + 0x1000 * page : buffer));
}

/* The port is enabled, and both lists run. */
static void start(struct bench *b)
{
    set_reg(b, CONFIGFLAG, 1);
    set_reg(b, PORTSC + 4, 0x1102);
    set_reg(b, PORTSC + 4, 0x1000);
    queue_head(b, HEAD, (uint32_t)HEAD | 2, 0, 0, HALTED);
    for (unsigned n = 0; n < 1024; n++)
        poke(b, FRAMES + 4 * n, END);
    set_reg(b, PERIODIC, (uint32_t)FRAMES);
    set_reg(b, ASYNC, (uint32_t)HEAD);
    set_reg(b, USBINTR, 0x3f);
    set_reg(b, USBSTS, 0x3f);
    set_reg(b, USBCMD, 0x80031);
}

/* A control transfer with data to the host, in a queue head of its own. */
static void control(struct bench *b, uint64_t setup, unsigned length)
{
    poke(b, BUFFERS - 16, (uint32_t)setup);
    poke(b, BUFFERS - 12, (uint32_t)(setup >> 32));
    queue_head(b, CONTROL, (uint32_t)HEAD | 2, b->keyboard.usb.address, 0, 0);
    poke(b, HEAD, (uint32_t)CONTROL | 2);
    qtd(b, 0, (uint32_t)QTD(length ? 1 : 2), SETUP, 8, BUFFERS - 16);
    qtd(b, 1, (uint32_t)QTD(2), IN, length, BUFFERS);
    qtd(b, 2, END, length ? OUT : IN, 0, 0);
    poke(b, QTD(1) + 4, (uint32_t)QTD(2)); /* a short one goes on with the status */
    poke(b, CONTROL + 16, (uint32_t)QTD(0));
    frame(b);
    poke(b, HEAD, (uint32_t)HEAD | 2);
}

static void test_a_port_is_nobodys_until_the_controller_is_configured(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    assert_int_equal(device_read(&b.host.ecam, AT_EHCI << 12 | 8, 4), 0x0c032010);
    assert_int_equal(reg(&b, 0), 0x01000020);
    assert_int_equal(reg(&b, 4) & 0xf, EHCI_PORTS);
    assert_int_equal(reg(&b, USBSTS), 0x1000);
    assert_int_equal(reg(&b, PORTSC + 4), 0x3000);
    set_reg(&b, CONFIGFLAG, 1);
    assert_int_equal(reg(&b, PORTSC), 0x1000);
    assert_int_equal(reg(&b, PORTSC + 4), 0x1003);
    assert_int_equal(reg(&b, USBSTS), 0x1004);
    set_reg(&b, USBINTR, 4);
    assert_true(b.watched.level);
    set_reg(&b, USBSTS, 4);
    assert_false(b.watched.level);
    set_reg(&b, PORTSC + 4, 0x1102);
    assert_int_equal(reg(&b, PORTSC + 4), 0x1101);
    set_reg(&b, PORTSC + 4, 0x1000);
    assert_int_equal(reg(&b, PORTSC + 4), 0x1005);
    set_reg(&b, PORTSC + 4, 0x1000);
    assert_int_equal(reg(&b, PORTSC + 4), 0x1001);
    end(&b);
}

static void test_control_transfers_go_through_the_asynchronous_list(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    start(&b);
    control(&b, 0x0040000001000680, 64); /* the device descriptor; a page ends in it */
    assert_int_equal(peek(&b, QTD(0) + 8, 4) & 0x7fff00ff, 0);
    assert_int_equal(peek(&b, QTD(1) + 8, 4) & 0x7fff00ff, (64 - 18) << 16);
    assert_int_equal(peek(&b, QTD(2) + 8, 4) & 0x7fff00ff, 0);
    assert_int_equal(peek(&b, BUFFERS, 2), 0x0112);
    assert_int_equal(peek(&b, BUFFERS + 16, 2), 0x0103); /* in the next page */
    assert_int_equal(reg(&b, USBSTS) & 0x3f, 1);
    assert_true(b.watched.level);
    control(&b, 0x0000000000050500, 0); /* SET_ADDRESS 5 */
    assert_int_equal(b.keyboard.usb.address, 5);
    control(&b, 0x0000000000010900, 0);
    assert_int_equal(b.keyboard.usb.configuration, 1);
    set_reg(&b, USBSTS, 0x3f);
    control(&b, 0x00080000370006c0, 8); /* it has nothing like it */
    assert_int_equal(peek(&b, QTD(1) + 8, 4) & 0xff, HALTED);
    assert_int_equal(peek(&b, CONTROL + 24, 4) & 0xff, HALTED);
    assert_int_equal(peek(&b, QTD(2) + 8, 4) & 0xff, ACTIVE);
    assert_int_equal(reg(&b, USBSTS) & 2, 2);
    b.keyboard.usb.address = 6; /* nobody answers */
    queue_head(&b, CONTROL, (uint32_t)HEAD | 2, 5, 0, 0);
    qtd(&b, 0, END, IN, 8, BUFFERS);
    poke(&b, CONTROL + 16, (uint32_t)QTD(0));
    poke(&b, HEAD, (uint32_t)CONTROL | 2);
    frame(&b);
    assert_int_equal(peek(&b, QTD(0) + 8, 4) & 0xff, HALTED | 8);
    end(&b);
}

static void test_keys_come_through_the_periodic_list(void **state)
{
    const struct host_input_event key = {HOST_INPUT_KEY, 30, 1};
    struct bench b;

    (void)state;
    begin(&b);
    start(&b);
    control(&b, 0x0000000000010900, 0);
    queue_head(&b, POLLED, END, 0, 1, 0);
    qtd(&b, 8, END, IN, 8, BUFFERS + 64);
    poke(&b, POLLED + 16, (uint32_t)QTD(8));
    for (unsigned n = 0; n < 1024; n += 4)
        poke(&b, FRAMES + 4 * n, (uint32_t)POLLED | 2);
    for (unsigned n = 0; n < 8; n++)
        frame(&b);
    assert_int_equal(peek(&b, QTD(8) + 8, 4) & 0xff, ACTIVE);
    assert_true(host_input_give(&b.input, &key, 1));
    for (unsigned n = 0; n < 4; n++)
        frame(&b);
    assert_int_equal(peek(&b, QTD(8) + 8, 4) & 0x7fff00ff, 0);
    assert_int_equal(peek(&b, BUFFERS + 64, 8), 0x040000);
    end(&b);
}

static void test_lists_without_an_end_are_left_and_bad_ones_stop_it(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    start(&b);
    poke(&b, HEAD, (uint32_t)CONTROL | 2);
    queue_head(&b, CONTROL, (uint32_t)POLLED | 2, 0, 0, 0);
    queue_head(&b, POLLED, (uint32_t)CONTROL | 2, 0, 0, 0); /* the head is not met again */
    qtd(&b, 0, (uint32_t)QTD(0), SETUP, 8, BUFFERS);        /* and a transfer before itself */
    poke(&b, CONTROL + 16, (uint32_t)QTD(0));
    for (unsigned n = 0; n < 1024; n++)
        poke(&b, FRAMES + 4 * n, (uint32_t)CONTROL); /* isochronous, and none */
    for (unsigned n = 0; n < 8; n++)
        frame(&b);
    assert_int_equal(reg(&b, USBSTS) & 0x1010, 0);
    set_reg(&b, ASYNC, 0x1000);
    frame(&b);
    assert_int_equal(reg(&b, USBSTS) & 0x1010, 0x1010);
    set_reg(&b, USBCMD, 0x80021);
    assert_int_equal(reg(&b, USBSTS) & 0x1010, 0x1010);
    set_reg(&b, USBCMD, 2);
    assert_int_equal(reg(&b, USBSTS), 0x1000);
    assert_int_equal(b.clock.next_ns, CLOCK_NEVER);
    end(&b);
}

static void test_a_snapshot_has_its_registers(void **state)
{
    struct bench b;
    struct state_io saved, io;

    (void)state;
    begin(&b);
    start(&b);
    state_io_save(&saved);
    pci_host_state(&saved, &b.host);
    pci_host_reset(&b.host);
    state_io_restore(&io, saved.out, saved.len);
    pci_host_state(&io, &b.host);
    assert_int_equal(io.error.code, 0);
    assert_int_equal(reg(&b, PORTSC + 4), 0x1005);
    assert_int_equal(reg(&b, USBCMD), 0x80031);
    assert_int_equal(reg(&b, ASYNC), HEAD);
    state_io_destroy(&saved);
    end(&b);
}

static void test_random_accesses_do_no_harm(void **state)
{
    uint64_t rng = test_seed(7);
    struct bench b;

    (void)state;
    begin(&b);
    for (unsigned k = 0; k < 20000; k++) {
        uint64_t r = random_next(&rng);
        if (r & 1)
            poke(&b, RAM + 0x1000 + (r >> 8) % 0x1400 * 4,
                 r & 2 ? (uint32_t)random_next(&rng) : (uint32_t)(RAM + (r >> 32) % 0x4000));
        else if (r & 2)
            set_reg(&b, 0x20 + (r >> 8) % 32 * 4, (uint32_t)random_next(&rng));
        else
            reg(&b, (r >> 8) % 0x400 * 4);
        if (k % 16 == 0)
            frame(&b);
        if (k % 128 == 0)
            start(&b);
        if (k % 512 == 0)
            pci_host_reset(&b.host);
        if (k % 512 == 1) {
            device_write(&b.host.ecam, AT_EHCI << 12 | PCI_BAR0, 4, MEMORY + BAR);
            device_write(&b.host.ecam, AT_EHCI << 12 | PCI_COMMAND, 2, 6);
        }
    }
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_port_is_nobodys_until_the_controller_is_configured),
        cmocka_unit_test(test_control_transfers_go_through_the_asynchronous_list),
        cmocka_unit_test(test_keys_come_through_the_periodic_list),
        cmocka_unit_test(test_lists_without_an_end_are_left_and_bad_ones_stop_it),
        cmocka_unit_test(test_a_snapshot_has_its_registers),
        cmocka_unit_test(test_random_accesses_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
