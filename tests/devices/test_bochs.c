/* The frame buffer of VGA and bochs-display: Bochs' registers, and what a look at it shows. */
#include "devices/bochs.h"

#include "base/state_io.h"
#include "tests/devices/function_bench.h"

#define VRAM_AT    (MEMORY + 0x1000000)
#define VRAM_BYTES (UINT32_C(16) << 20)
#define DISPI      0x500

enum { ID, XRES, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET, MEMORY_64K };

struct bench {
    struct function_bench b;
    struct bochs dev;
};

static void start(struct bench *b, bool vga)
{
    const struct bochs_config config = {
        .vga = vga, .width = 1280, .height = 800, .vram_bytes = VRAM_BYTES};

    memset(b, 0, sizeof(*b));
    bench_begin(&b->b, DISK_SNAPSHOT, SECTORS * 512);
    assert_int_equal(bochs_init(&b->dev, &config, &b->b.d.log, NULL), 0);
    bench_plug(&b->b, &b->dev.function, 2);
    bench_config(&b->b, PCI_BAR0, 4, VRAM_AT);
}

static void end(struct bench *b)
{
    bochs_destroy(&b->dev);
    bench_end(&b->b);
}

static void set(struct bench *b, unsigned n, unsigned value)
{
    out(&b->b, DISPI + 2 * n, 2, value);
}

static unsigned get(struct bench *b, unsigned n)
{
    return (unsigned)in(&b->b, DISPI + 2 * n, 2);
}

static void paint(struct bench *b, uint64_t offset, unsigned size, uint64_t value)
{
    device_write(&b->b.host.memory.dev, VRAM_AT - MEMORY + offset, size, value);
}

static uint64_t painted(struct bench *b, uint64_t offset, unsigned size)
{
    return device_read(&b->b.host.memory.dev, VRAM_AT - MEMORY + offset, size);
}

static bool look(struct bench *b, struct display *d)
{
    return b->dev.source.show(b->dev.source.ctx, d);
}

static void mode(struct bench *b, unsigned width, unsigned height, unsigned bpp)
{
    set(b, ENABLE, 0);
    set(b, XRES, width);
    set(b, YRES, height);
    set(b, BPP, bpp);
    set(b, ENABLE, 0x41);
}

static void test_a_driver_finds_what_it_looks_for(void **state)
{
    struct bench b;

    (void)state;
    for (unsigned vga = 0; vga < 2; vga++) {
        start(&b, vga);
        assert_int_equal(device_read(&b.b.host.ecam, PCI_DEVFN(1, 0) << 12, 4), 0x11111234);
        assert_int_equal(device_read(&b.b.host.ecam, PCI_DEVFN(1, 0) << 12 | PCI_CLASS, 2),
                         vga ? 0x0300 : 0x0380);
        assert_int_equal(get(&b, ID), 0xb0c5);
        set(&b, ID, 0);
        assert_int_equal(get(&b, ID), 0xb0c5);
        assert_int_equal(get(&b, MEMORY_64K), VRAM_BYTES >> 16);
        assert_int_equal(in(&b.b, 0x600, 4), 8);
        assert_int_equal(in(&b.b, 0x604, 4), 0x1e1e1e1e);
        assert_int_equal(in(&b.b, 0, 8), 0x00ffffffffffff00); /* EDID */
        set(&b, ENABLE, 2);
        assert_int_equal(get(&b, XRES), 16000);
        assert_int_equal(get(&b, BPP), 32);
        end(&b);
    }
}

static void test_a_picture_is_shown_as_the_registers_say(void **state)
{
    struct display d;
    uint32_t pixels[800 * 2];
    struct bench b;

    (void)state;
    start(&b, true);
    assert_false(look(&b, &d));
    mode(&b, 800, 600, 32);
    paint(&b, 0, 4, 0x00123456);
    paint(&b, 800 * 4 + 8, 8, 0x00aabbcc00ddeeff);
    assert_true(look(&b, &d));
    assert_int_equal(d.width, 800);
    assert_int_equal(d.height, 600);
    d.height = 2;
    display_read(&d, pixels);
    assert_int_equal(pixels[0], 0x123456);
    assert_int_equal(pixels[802], 0xddeeff);
    assert_int_equal(pixels[803], 0xaabbcc);
    /* A wider line, and another place in it. */
    set(&b, VIRT_WIDTH, 1024);
    set(&b, X_OFFSET, 2);
    set(&b, Y_OFFSET, 1);
    paint(&b, (1024 + 2) * 4, 4, 0x00777777);
    assert_true(look(&b, &d));
    d.height = 1;
    display_read(&d, pixels);
    assert_int_equal(pixels[0], 0x777777);
    /* The memory is emptied by a new mode, unless the driver says otherwise. */
    set(&b, ENABLE, 0);
    set(&b, ENABLE, 0xc1);
    assert_int_equal(painted(&b, 0, 4), 0x123456);
    mode(&b, 640, 480, 16);
    assert_int_equal(painted(&b, 0, 4), 0);
    paint(&b, 0, 2, 0xf800);
    assert_true(look(&b, &d));
    d.height = 1;
    display_read(&d, pixels);
    assert_int_equal(pixels[0], 0xff0000);
    end(&b);
}

static void test_what_does_not_fit_is_not_shown(void **state)
{
    struct display d;
    struct bench b;

    (void)state;
    start(&b, false);
    mode(&b, 2048, 2048, 32); /* to the last byte */
    assert_true(look(&b, &d));
    set(&b, X_OFFSET, 1);
    assert_false(look(&b, &d));
    set(&b, X_OFFSET, 0xffff);
    set(&b, Y_OFFSET, 0xffff);
    assert_false(look(&b, &d));
    mode(&b, 2049, 2048, 32);
    assert_false(look(&b, &d));
    mode(&b, 0xffff, 16, 32);
    assert_false(look(&b, &d));
    mode(&b, 800, 600, 8);
    assert_false(look(&b, &d));
    mode(&b, 800, 0, 32);
    assert_false(look(&b, &d));
    end(&b);
}

static void test_a_snapshot_has_the_picture(void **state)
{
    struct state_io out_io, in_io;
    struct display d;
    struct bench b;

    (void)state;
    start(&b, true);
    mode(&b, 800, 600, 32);
    paint(&b, 0x12345 & ~3u, 4, 0xabcdef);
    state_io_save(&out_io);
    state_section_begin(&out_io, "bochs", 1);
    pci_state(&out_io, &b.dev.function);
    state_section_end(&out_io);
    assert_true(out_io.len < 64 * 1024); /* of 16 MiB */
    paint(&b, 0x12345 & ~3u, 4, 0);
    paint(&b, 0x800000, 4, 1);
    set(&b, ENABLE, 0);
    state_io_restore(&in_io, out_io.out, out_io.len);
    state_section_begin(&in_io, "bochs", 1);
    pci_state(&in_io, &b.dev.function);
    state_section_end(&in_io);
    assert_false(state_failed(&in_io));
    assert_int_equal(painted(&b, 0x12345 & ~3u, 4), 0xabcdef);
    assert_int_equal(painted(&b, 0x800000, 4), 0);
    assert_true(look(&b, &d));
    state_io_destroy(&out_io);
    state_io_destroy(&in_io);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_driver_finds_what_it_looks_for),
        cmocka_unit_test(test_a_picture_is_shown_as_the_registers_say),
        cmocka_unit_test(test_what_does_not_fit_is_not_shown),
        cmocka_unit_test(test_a_snapshot_has_the_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
