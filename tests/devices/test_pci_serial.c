/* A 16550 on PCI, as a driver finds and uses it. */
#include "devices/pci_serial.h"

#include "base/state_io.h"
#include "tests/devices/function_bench.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };
#define PORTS UINT64_C(0x100)

static char sent[64];
static size_t sent_count;

static void write_sent(void *ctx, const uint8_t *data, size_t size)
{
    (void)ctx;
    for (size_t k = 0; k < size && sent_count < sizeof(sent); k++)
        sent[sent_count++] = (char)data[k];
}

struct bench {
    struct function_bench b;
    struct pci_serial dev;
};

static void start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    sent_count = 0;
    bench_begin(&b->b, DISK_SNAPSHOT, SECTORS * 512);
    pci_serial_init(&b->dev, 0, &b->b.d.clock, write_sent, NULL, &b->b.d.log);
    bench_plug(&b->b, &b->dev.function, 0);
    assert_int_equal(device_read(&b->b.host.ecam, PCI_DEVFN(1, 0) << 12, 4), 0x00021b36);
    assert_int_equal(device_read(&b->b.host.ecam, PCI_DEVFN(1, 0) << 12 | PCI_INTERFACE, 1), 2);
    bench_config(&b->b, PCI_BAR0, 4, PORTS);
    bench_config(&b->b, PCI_COMMAND, 2, PCI_COMMAND_IO);
}

static uint8_t get(struct bench *b, unsigned reg)
{
    return (uint8_t)device_read(&b->b.host.ports.dev, PORTS + reg, 1);
}

static void put(struct bench *b, unsigned reg, uint8_t value)
{
    device_write(&b->b.host.ports.dev, PORTS + reg, 1, value);
}

static size_t receive(struct bench *b, const char *text)
{
    return uart16550_receive(&b->dev.uart, (const uint8_t *)text, strlen(text));
}

static void test_what_is_sent_is_gone_at_once(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(get(&b, LSR), 0x60);
    assert_int_equal(get(&b, IIR), 1);
    put(&b, IER, 2); /* the transmitter is empty: that is told */
    assert_true(b.b.pin);
    assert_int_equal(get(&b, IIR), 2);
    assert_false(b.b.pin);
    assert_int_equal(get(&b, IIR), 1);
    put(&b, DATA, 'a');
    assert_true(b.b.pin);
    put(&b, IER, 0);
    assert_false(b.b.pin);
    put(&b, LCR, 0x83);
    put(&b, DATA, 12);
    put(&b, IER, 1);
    assert_int_equal(get(&b, DATA) | get(&b, IER) << 8, 0x10c);
    put(&b, LCR, 3);
    put(&b, DATA, 'b');
    put(&b, SCR, 0x5a);
    assert_int_equal(get(&b, SCR), 0x5a);
    assert_int_equal(get(&b, IER), 0);
    assert_int_equal(sent_count, 2);
    assert_memory_equal(sent, "ab", 2);
    bench_end(&b.b);
}

/* Trigger level 8; of fewer it is told when nothing more comes: 40 bits at 9600 Bd are 4.17 ms. */
static void test_the_receiver_tells_of_many_or_after_a_while(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    put(&b, LCR, 0x83);
    put(&b, DATA, 12);
    put(&b, LCR, 3);
    assert_int_equal(receive(&b, "xy"), 1); /* without FIFOs */
    put(&b, FCR, 0x81);
    assert_int_equal(get(&b, LSR), 0x60); /* it was emptied */
    put(&b, IER, 1);
    assert_int_equal(receive(&b, "1234567"), 7);
    assert_false(b.b.pin);
    clock_run(&b.b.d.clock, 4000000);
    assert_false(b.b.pin);
    clock_run(&b.b.d.clock, 4200000);
    assert_true(b.b.pin);
    assert_int_equal(get(&b, IIR), 0xcc);
    assert_int_equal(get(&b, DATA), '1');
    assert_false(b.b.pin);
    assert_int_equal(receive(&b, "89"), 2);
    assert_int_equal(get(&b, IIR), 0xc4);
    assert_int_equal(receive(&b, "abcdefghijk"), 8); /* the others come again */
    for (const char *c = "23456789abcdefgh"; *c; c++) {
        assert_int_equal(get(&b, LSR), 0x61);
        assert_int_equal(get(&b, DATA), *c);
    }
    assert_int_equal(get(&b, LSR), 0x60);
    assert_int_equal(get(&b, DATA), 0);
    assert_false(b.b.pin);
    bench_end(&b.b);
}

static void test_it_hears_itself_in_a_loop(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(get(&b, MSR), 0xb0);
    put(&b, MCR, 0x1a);                   /* what drivers look for: RTS and OUT2 come back */
    assert_int_equal(get(&b, MSR), 0x92); /* and DSR has changed */
    assert_int_equal(get(&b, MSR), 0x90);
    put(&b, IER, 0x0c);
    assert_false(b.b.pin);
    put(&b, MCR, 0x14); /* OUT1 is RI, which counts when it goes away */
    assert_int_equal(get(&b, IIR), 0);
    assert_int_equal(get(&b, MSR), 0x49);
    put(&b, MCR, 0x10);
    assert_int_equal(get(&b, MSR), 0x04);
    assert_false(b.b.pin);
    put(&b, DATA, 'q');
    put(&b, DATA, 'r'); /* there is one place */
    assert_int_equal(get(&b, IIR), 6);
    assert_int_equal(get(&b, LSR), 0x63);
    assert_int_equal(get(&b, DATA), 'q');
    put(&b, LCR, 0x40);
    assert_int_equal(get(&b, LSR), 0x71);
    assert_int_equal(receive(&b, "z"), 0);
    assert_int_equal(sent_count, 0);
    bench_end(&b.b);
}

static void test_what_it_holds_is_in_a_snapshot(void **state)
{
    static struct bench a, b;
    struct state_io saved, restored;

    (void)state;
    start(&a);
    put(&a, FCR, 1);
    put(&a, IER, 1);
    assert_int_equal(receive(&a, "kept"), 4);
    state_io_save(&saved);
    pci_state(&saved, &a.dev.function);
    start(&b);
    state_io_restore(&restored, saved.out, saved.len);
    pci_state(&restored, &b.dev.function);
    assert_false(state_failed(&restored));
    for (const char *c = "kept"; *c; c++)
        assert_int_equal(get(&b, DATA), *c);
    state_io_destroy(&saved);
    bench_end(&a.b);
    bench_end(&b.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent_is_gone_at_once),
        cmocka_unit_test(test_the_receiver_tells_of_many_or_after_a_while),
        cmocka_unit_test(test_it_hears_itself_in_a_loop),
        cmocka_unit_test(test_what_it_holds_is_in_a_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
