/* QEMU's educational device, as its specification has it (docs/specs/edu of QEMU). */
#include "devices/edu.h"

#include "tests/devices/function_bench.h"

#define DATA   (UINT64_C(0x1000))
#define BUFFER UINT64_C(0x40000)

struct bench {
    struct function_bench b;
    struct edu dev;
};

/* Its addresses have 28 bits: RAM is there, too. */
static void start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    bench_begin(&b->b, DISK_SNAPSHOT, SECTORS * 512);
    assert_int_equal(physmem_add_ram(&b->b.d.mem, pa(0), 0x10000, NULL), 0);
    edu_init(&b->dev, &(struct edu_config){.mem = &b->b.d.mem, .clock = &b->b.d.clock},
             &b->b.d.log);
    bench_plug(&b->b, &b->dev.function, 0);
}

static void test_numbers_are_turned_around_and_multiplied(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(device_read(&b.b.host.ecam, PCI_DEVFN(1, 0) << 12, 4), 0x11e81234);
    assert_int_equal(in(&b.b, 0, 4), 0x010000ed);
    out(&b.b, 4, 4, 0x12345678);
    assert_int_equal(in(&b.b, 4, 4), 0xedcba987);
    out(&b.b, 8, 4, 10);
    assert_int_equal(in(&b.b, 8, 4), 3628800);
    assert_false(b.b.pin);
    out(&b.b, 0x20, 4, 0xff);
    assert_int_equal(in(&b.b, 0x20, 4), 0x80);
    out(&b.b, 8, 4, 0);
    assert_int_equal(in(&b.b, 8, 4), 1);
    assert_true(b.b.pin);
    assert_int_equal(in(&b.b, 0x24, 4), 1);
    out(&b.b, 0x64, 4, 1);
    assert_false(b.b.pin);
    out(&b.b, 8, 4, UINT32_MAX);
    assert_int_equal(in(&b.b, 8, 4), 0);
    out(&b.b, 0x64, 4, UINT32_MAX);
    out(&b.b, 0x60, 4, 0x80000000);
    assert_true(b.b.pin);
    assert_int_equal(in(&b.b, 0x24, 4), 0x80000000);
    bench_end(&b.b);
}

static void transfer(struct bench *b, uint64_t from, uint64_t to, uint64_t count, unsigned command)
{
    out(&b->b, 0x80, 8, from);
    out(&b->b, 0x88, 8, to);
    out(&b->b, 0x90, 8, count);
    out(&b->b, 0x98, 8, command);
    assert_int_equal(in(&b->b, 0x98, 8), command);
    clock_run(&b->b.d.clock, b->b.d.clock.now_ns + 100000000);
    assert_int_equal(in(&b->b, 0x98, 8), command & ~1u);
}

static void test_the_buffer_is_filled_and_emptied(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    poke(&b.b.d, DATA + 96, 4, 0xfeedbeef);
    transfer(&b, DATA, BUFFER, 100, 1);
    assert_false(b.b.pin);
    transfer(&b, BUFFER + 96, DATA + 0x1000, 4, 7);
    assert_int_equal(peek(&b.b.d, DATA + 0x1000, 4), 0xfeedbeef);
    assert_true(b.b.pin);
    assert_int_equal(in(&b.b, 0x24, 4), 0x100);
    assert_int_equal(b.b.d.watched.log_lines, 0);
    /* To the last byte, and one more; addresses that wrap; no memory */
    transfer(&b, BUFFER + 4092, DATA, 4, 3);
    assert_int_equal(b.b.d.watched.log_lines, 0);
    transfer(&b, BUFFER + 4093, DATA, 4, 3);
    transfer(&b, BUFFER, DATA, UINT64_MAX, 3);
    transfer(&b, DATA, UINT64_MAX, 2, 1);
    transfer(&b, 0x20000, BUFFER, 4, 1);
    assert_int_equal(b.b.d.watched.log_lines, 4);
    bench_end(&b.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_turned_around_and_multiplied),
        cmocka_unit_test(test_the_buffer_is_filled_and_emptied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
