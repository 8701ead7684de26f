#include "tests/devices/virtio_driver.h"

#include <stdlib.h>

#include "base/state_io.h"
#include "devices/virtio_gpu.h"

enum { CONTROL, POINTER, QUEUES };
enum {
    GET_DISPLAY_INFO = 0x100,
    CREATE_2D,
    UNREF,
    SET_SCANOUT,
    FLUSH,
    TRANSFER,
    ATTACH,
    DETACH,
    GET_EDID = 0x10a,
    UPDATE_CURSOR = 0x300,
    MOVE_CURSOR,
};
enum {
    NODATA = 0x1100,
    UNSPEC = 0x1200,
    NO_MEMORY,
    NO_SCANOUT,
    NO_RESOURCE,
    BAD_PARAMETER = 0x1205
};

#define BGRX    2
#define ANSWER  (BUFFERS + 0x8000)
#define BACKING (RAM + 0x200000)

struct bench {
    struct driver d;
    struct virtio_gpu dev;
    struct display_sources displays;
};

static void start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    driver_begin(&b->d);
    virtio_gpu_init(&b->dev, &b->d.log, &b->d.mem, 1280, 800, NULL);
    display_add(&b->displays, &b->dev.source);
    driver_plug(&b->d, &b->dev.virtio);
    driver_start(&b->d, b->dev.virtio.offered, QUEUES);
}

static void end(struct bench *b)
{
    virtio_destroy(&b->dev.virtio);
    driver_end(&b->d);
}

/* A command of @count numbers behind its header, of which the flags are 0; its answer. */
static uint32_t command(struct bench *b, unsigned queue, uint32_t type, unsigned count,
                        const uint32_t *numbers)
{
    poke(&b->d, BUFFERS, 8, type);
    poke(&b->d, BUFFERS + 8, 8, 0);
    poke(&b->d, BUFFERS + 16, 8, 0);
    for (unsigned i = 0; i < count; i++)
        poke(&b->d, BUFFERS + 24 + 4 * i, 4, numbers[i]);
    poke(&b->d, ANSWER, 4, 0);
    put_desc(&b->d, ring(queue), 0, BUFFERS, 24 + 4 * count, DESC_NEXT, 1);
    put_desc(&b->d, ring(queue), 1, ANSWER, 0x1000, DESC_WRITE, 0);
    make_available(&b->d, queue, 0);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, queue);
    return (uint32_t)peek(&b->d, ANSWER, 4);
}

#define COMMAND(b, type, ...)                                                                      \
    command(b, CONTROL, type, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

/* A resource of 4 by 4 pixels with numbers in its backing, which is in two pieces. */
static void make_resource(struct bench *b, uint32_t id)
{
    assert_int_equal(COMMAND(b, CREATE_2D, id, BGRX, 4, 4), NODATA);
    assert_int_equal(
        COMMAND(b, ATTACH, id, 2, (uint32_t)BACKING, 0, 24, 0, (uint32_t)BACKING + 0x100, 0, 40, 0),
        NODATA);
    for (unsigned i = 0; i < 16; i++)
        poke(&b->d, BACKING + (i < 6 ? 4 * i : 0x100 + 4 * (i - 6)), 4, 0x101010 * i);
}

static uint32_t pixel(struct bench *b, unsigned x, unsigned y)
{
    static uint32_t pixels[16];
    struct display d;

    assert_true(display_show(&b->displays, &d));
    assert_true(d.width * d.height <= 16);
    display_read(&d, pixels);
    return pixels[y * d.width + x];
}

static void test_a_driver_finds_one_display_of_the_size_that_was_asked_for(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(rd(driver_dev(&b.d), DEVICE_ID_REG), 16);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE + 8), 1);
    assert_int_equal(command(&b, CONTROL, GET_DISPLAY_INFO, 0, NULL), 0x1101);
    assert_int_equal(used_len(&b.d, CONTROL, 0), 24 + 16 * 24);
    assert_int_equal(peek(&b.d, ANSWER + 24 + 8, 4), 1280);
    assert_int_equal(peek(&b.d, ANSWER + 24 + 12, 4), 800);
    assert_int_equal(peek(&b.d, ANSWER + 24 + 16, 4), 1);
    assert_int_equal(peek(&b.d, ANSWER + 48 + 16, 4), 0);
    assert_int_equal(COMMAND(&b, GET_EDID, 0, 0), 0x1104);
    assert_int_equal(peek(&b.d, ANSWER + 24, 4), 128);
    assert_int_equal(peek(&b.d, ANSWER + 32, 8), 0x00ffffffffffff00);
    assert_int_equal(COMMAND(&b, GET_EDID, 1, 0), BAD_PARAMETER);
    assert_int_equal(command(&b, CONTROL, 0x10c, 0, NULL), UNSPEC);
    end(&b);
}

static void test_a_picture_goes_from_backing_to_the_display(void **state)
{
    struct bench b;
    struct display d;

    (void)state;
    start(&b);
    make_resource(&b, 7);
    assert_false(display_show(&b.displays, &d));
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 0, 0, 4, 4, 0, 7), NODATA);
    assert_int_equal(pixel(&b, 1, 1), 0);
    assert_int_equal(COMMAND(&b, TRANSFER, 0, 0, 4, 4, 0, 0, 7, 0), NODATA);
    assert_true(display_show(&b.displays, &d));
    uint64_t before = d.changes;
    assert_int_equal(COMMAND(&b, FLUSH, 0, 0, 4, 4, 7, 0), NODATA);
    assert_true(display_show(&b.displays, &d));
    assert_true(d.changes > before);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(pixel(&b, i % 4, i / 4), 0x101010 * i);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 1, 2, 2, 2, 0, 7), NODATA);
    assert_int_equal(pixel(&b, 1, 1), 0x101010 * 14);
    assert_int_equal(COMMAND(&b, UNREF, 7, 0), NODATA);
    assert_false(display_show(&b.displays, &d));
    assert_int_equal(b.dev.memory, 0);
    end(&b);
}

/* Lines of a part are as far from each other in the backing as lines of the whole. */
static void test_a_part_is_transferred_to_its_place(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    make_resource(&b, 1);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 0, 0, 4, 4, 0, 1), NODATA);
    assert_int_equal(COMMAND(&b, TRANSFER, 1, 2, 2, 2, 4 * 5, 0, 1, 0), NODATA);
    assert_int_equal(pixel(&b, 0, 2), 0);
    assert_int_equal(pixel(&b, 1, 2), 0x050505 * 0x10);
    assert_int_equal(pixel(&b, 2, 2), 0x060606 * 0x10);
    assert_int_equal(pixel(&b, 1, 3), 0x090909 * 0x10);
    assert_int_equal(pixel(&b, 3, 3), 0);
    assert_int_equal(COMMAND(&b, TRANSFER, 0, 0, 4, 4, UINT32_MAX, UINT32_MAX, 1, 0), NODATA);
    assert_int_equal(pixel(&b, 1, 2), 0x050505 * 0x10); /* what is behind the end changes nothing */
    end(&b);
}

static void test_what_makes_no_sense_is_an_error_and_changes_nothing(void **state)
{
    const uint32_t max = UINT32_MAX;
    struct bench b;

    (void)state;
    start(&b);
    make_resource(&b, 1);
    assert_int_equal(COMMAND(&b, CREATE_2D, 1, BGRX, 4, 4), NO_RESOURCE);
    assert_int_equal(COMMAND(&b, CREATE_2D, 0, BGRX, 4, 4), NO_RESOURCE);
    assert_int_equal(COMMAND(&b, CREATE_2D, 2, 99, 4, 4), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, CREATE_2D, 2, BGRX, 0, 4), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, CREATE_2D, 2, BGRX, max, max), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, CREATE_2D, 2, BGRX, 16384, 16384), NO_MEMORY);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 0, 0, 4, 4, 1, 1), NO_SCANOUT);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 0, 0, 4, 4, 0, 2), NO_RESOURCE);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 1, 0, max, 4, 0, 1), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 0, 0, 0, 4, 0, 1), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, TRANSFER, max, 0, 2, 1, 0, 0, 1, 0), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, TRANSFER, 0, 3, 1, 2, 0, 0, 1, 0), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, FLUSH, 0, 0, 5, 1, 1, 0), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, ATTACH, 1, 1, (uint32_t)BACKING, 0, 4, 0), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, DETACH, 1, 0), NODATA);
    assert_int_equal(COMMAND(&b, DETACH, 1, 0), NO_RESOURCE);
    assert_int_equal(COMMAND(&b, TRANSFER, 0, 0, 4, 4, 0, 0, 1, 0), UNSPEC);
    assert_int_equal(COMMAND(&b, ATTACH, 1, 16385), BAD_PARAMETER);
    assert_int_equal(COMMAND(&b, ATTACH, 1, 2, (uint32_t)BACKING, 0, 4, 0), UNSPEC);
    assert_int_equal(COMMAND(&b, ATTACH, 1, 1, 0x1000, 0, 4, 0), UNSPEC); /* no RAM */
    assert_int_equal(COMMAND(&b, ATTACH, 1, 1, (uint32_t)BACKING, 0, max, 0), UNSPEC);
    assert_int_equal(COMMAND(&b, ATTACH, 1, 1, (uint32_t)BACKING, 0, 4, 0), NODATA);
    assert_int_equal(COMMAND(&b, UNREF, 2, 0), NO_RESOURCE);
    end(&b);
}

static void test_what_a_guest_makes_the_host_keep_has_a_limit(void **state)
{
    struct bench b;
    uint32_t id = 1;

    (void)state;
    start(&b);
    while (COMMAND(&b, CREATE_2D, id, BGRX, 4096, 4096) == NODATA)
        id++;
    assert_int_equal(id, 1 + VIRTIO_GPU_MEMORY_MAX / (4096 * 4096 * 4));
    assert_int_equal(COMMAND(&b, CREATE_2D, id, BGRX, 1, 1), NO_MEMORY);
    assert_int_equal(COMMAND(&b, ATTACH, 1, 1, (uint32_t)BACKING, 0, 4, 0), NO_MEMORY);
    wr(driver_dev(&b.d), STATUS, 0);
    assert_int_equal(b.dev.memory, 0);
    driver_start(&b.d, b.dev.virtio.offered, QUEUES);
    memset(physmem_ram_changing(&b.d.mem, pa(RINGS), 0x2000), 0, 0x2000);
    driver_start(&b.d, b.dev.virtio.offered, QUEUES);
    for (id = 1; COMMAND(&b, CREATE_2D, id, BGRX, 1, 1) == NODATA; id++)
        driver_wait(&b.d, 1);
    assert_int_equal(id, 1 + VIRTIO_GPU_RESOURCES_MAX);
    end(&b);
}

/* More than a microsecond's share of bytes is copied while the guest runs. */
static void test_a_long_transfer_goes_on_while_the_guest_runs(void **state)
{
    const unsigned side = 1024;
    struct bench b;
    struct display d;

    (void)state;
    start(&b);
    assert_int_equal(COMMAND(&b, CREATE_2D, 1, BGRX, side, side), NODATA);
    assert_int_equal(COMMAND(&b, ATTACH, 1, 2, (uint32_t)BACKING, 0, 2 << 20, 0, (uint32_t)BACKING,
                             0, 2 << 20, 0),
                     NODATA);
    memset(physmem_ram_changing(&b.d.mem, pa(BACKING), 2 << 20), 0x55, 2 << 20);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 0, 0, side, side, 0, 1), NODATA);
    assert_int_equal(COMMAND(&b, TRANSFER, 0, 0, side, side, 0, 0, 1, 0), 0);
    for (unsigned us = 0; us < 8; us++)
        driver_wait(&b.d, 1);
    assert_int_equal(peek(&b.d, ANSWER, 4), NODATA);
    assert_true(display_show(&b.displays, &d));
    uint32_t *pixels = calloc(side * side, sizeof(*pixels));
    display_read(&d, pixels);
    for (unsigned i = 0; i < side * side; i++)
        assert_int_equal(pixels[i], 0x555555);
    free(pixels);
    end(&b);
}

static void test_the_pointer_has_a_picture_and_a_place(void **state)
{
    struct bench b;
    uint32_t place[] = {0, 1, 2, 0, 7, 0, 0, 0};

    (void)state;
    start(&b);
    make_resource(&b, 7);
    assert_int_equal(COMMAND(&b, TRANSFER, 0, 0, 4, 4, 0, 0, 7, 0), NODATA);
    assert_int_equal(COMMAND(&b, CREATE_2D, 8, BGRX, 4, 4), NODATA);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 0, 0, 4, 4, 0, 8), NODATA);
    command(&b, POINTER, UPDATE_CURSOR, 8, place);
    assert_int_equal(used_len(&b.d, POINTER, 0), 0);
    assert_int_equal(pixel(&b, 2, 2), 0x101010);
    assert_int_equal(pixel(&b, 1, 3), 0x404040);
    place[1] = 3;
    command(&b, POINTER, MOVE_CURSOR, 8, place);
    assert_int_equal(pixel(&b, 2, 2), 0);
    assert_int_equal(pixel(&b, 3, 3), 0x404040);
    place[4] = 0;
    command(&b, POINTER, UPDATE_CURSOR, 8, place);
    assert_int_equal(pixel(&b, 3, 3), 0);
    assert_int_equal(command(&b, CONTROL, MOVE_CURSOR, 8, place), UNSPEC);
    end(&b);
}

static void test_a_fence_is_in_the_answer(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    poke(&b.d, BUFFERS, 8, GET_EDID | UINT64_C(1) << 32);
    poke(&b.d, BUFFERS + 8, 8, 0x1122334455667788);
    poke(&b.d, BUFFERS + 16, 8, 5);
    put_desc(&b.d, ring(CONTROL), 0, BUFFERS, 24, DESC_NEXT, 1);
    put_desc(&b.d, ring(CONTROL), 1, ANSWER, 24, DESC_WRITE, 0);
    make_available(&b.d, CONTROL, 0);
    wr(driver_dev(&b.d), QUEUE_NOTIFY, CONTROL);
    assert_int_equal(peek(&b.d, ANSWER, 8), 0x1104 | UINT64_C(1) << 32);
    assert_int_equal(peek(&b.d, ANSWER + 8, 8), 0x1122334455667788);
    assert_int_equal(peek(&b.d, ANSWER + 16, 4), 5);
    end(&b);
}

static void test_a_snapshot_has_the_pictures(void **state)
{
    struct state_io out, in;
    struct bench b, c;

    (void)state;
    start(&b);
    make_resource(&b, 3);
    assert_int_equal(COMMAND(&b, SET_SCANOUT, 0, 0, 4, 4, 0, 3), NODATA);
    assert_int_equal(COMMAND(&b, TRANSFER, 0, 0, 4, 4, 0, 0, 3, 0), NODATA);
    state_io_save(&out);
    state_section_begin(&out, "gpu", 1);
    virtio_state(&out, &b.dev.virtio);
    state_section_end(&out);
    start(&c);
    make_resource(&c, 1); /* goes away */
    state_io_restore(&in, out.out, out.len);
    state_section_begin(&in, "gpu", 1);
    virtio_state(&in, &c.dev.virtio);
    state_section_end(&in);
    assert_string_equal(in.error.text, "");
    assert_int_equal(c.dev.memory, b.dev.memory);
    assert_int_equal(pixel(&c, 3, 3), 0xf0f0f0);
    state_io_compare(&in, out.out, out.len);
    state_section_begin(&in, "gpu", 1);
    virtio_state(&in, &c.dev.virtio);
    state_section_end(&in);
    assert_int_equal(in.error.code, 0);
    state_io_destroy(&out);
    end(&b);
    end(&c);
}

static void test_random_rings(void **state)
{
    uint64_t rng = test_seed(1);
    struct bench b;

    (void)state;
    start(&b);
    driver_fuzz(&b.d, QUEUES, 500, &rng);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_driver_finds_one_display_of_the_size_that_was_asked_for),
        cmocka_unit_test(test_a_picture_goes_from_backing_to_the_display),
        cmocka_unit_test(test_a_part_is_transferred_to_its_place),
        cmocka_unit_test(test_what_makes_no_sense_is_an_error_and_changes_nothing),
        cmocka_unit_test(test_what_a_guest_makes_the_host_keep_has_a_limit),
        cmocka_unit_test(test_a_long_transfer_goes_on_while_the_guest_runs),
        cmocka_unit_test(test_the_pointer_has_a_picture_and_a_place),
        cmocka_unit_test(test_a_fence_is_in_the_answer),
        cmocka_unit_test(test_a_snapshot_has_the_pictures),
        cmocka_unit_test(test_random_rings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
