#include "tests/devices/fixture.h"

#include <string.h>

#include "base/random.h"
#include "devices/display.h"
#include "devices/edid.h"

/* The same colour in each format, as virtio's names say how its bytes lie. */
static void test_each_format_has_its_colours_where_its_name_says(void **state)
{
    static const struct {
        uint32_t number;
        uint8_t bytes[4];
    } rows[] = {
        {1, {0x33, 0x22, 0x11, 0x44}},   {2, {0x33, 0x22, 0x11, 0x44}},
        {3, {0x44, 0x11, 0x22, 0x33}},   {4, {0x44, 0x11, 0x22, 0x33}},
        {67, {0x11, 0x22, 0x33, 0x44}},  {68, {0x44, 0x33, 0x22, 0x11}},
        {121, {0x44, 0x33, 0x22, 0x11}}, {134, {0x11, 0x22, 0x33, 0x44}},
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        const struct pixel_format *f = pixel_format_of_virtio(rows[k].number);
        assert_non_null(f);
        bool has_alpha = strchr(f->name, 'A') != NULL;
        assert_int_equal(pixel_get(f, rows[k].bytes), has_alpha ? 0x44112233 : 0xff112233);
    }
    assert_null(pixel_format_of_virtio(0));
    assert_null(pixel_format_of_virtio(5));
}

static void test_narrow_channels_reach_from_black_to_white(void **state)
{
    const struct pixel_format *f = pixel_format_of_fourcc(0x36314752); /* RG16 */

    (void)state;
    assert_non_null(f);
    assert_int_equal(pixel_get(f, (const uint8_t[]){0xff, 0xff}), 0xffffffff);
    assert_int_equal(pixel_get(f, (const uint8_t[]){0x00, 0x00}), 0xff000000);
    assert_int_equal(pixel_get(f, (const uint8_t[]){0x00, 0xf8}), 0xffff0000);
    assert_int_equal(pixel_get(f, (const uint8_t[]){0x10, 0x84}), 0xff848284);
    assert_null(pixel_format_of_fourcc(0));
}

static bool show_one(void *ctx, struct display *d)
{
    *d = *(const struct display *)ctx;
    return d->width != 0;
}

static void test_the_first_source_that_shows_something_is_shown(void **state)
{
    struct display dark = {0}, light = {.width = 3, .height = 2};
    struct display_source a = {.show = show_one, .ctx = &dark};
    struct display_source b = {.show = show_one, .ctx = &light};
    struct display_sources all = {0};
    struct display d;

    (void)state;
    assert_false(display_show(&all, &d));
    display_add(&all, &a);
    assert_false(display_show(&all, &d));
    display_add(&all, &b);
    assert_true(display_show(&all, &d));
    assert_int_equal(d.width, 3);
    dark = (struct display){.width = 5, .height = 5};
    assert_true(display_show(&all, &d));
    assert_int_equal(d.width, 5);
}

static void test_the_pointer_is_drawn_where_it_is_in_the_picture(void **state)
{
    static struct display_pointer pointer = {.on = true, .x = -62, .y = 1};
    const uint8_t pixels[3 * 4 * 4] = {0};
    const struct display d = {.width = 3,
                              .height = 4,
                              .format = pixel_format_of_virtio(2),
                              .pixels = pixels,
                              .stride = 12,
                              .pointer = &pointer};
    uint32_t seen[12];

    (void)state;
    pointer.pixels[62] = 0xffabcdef;
    pointer.pixels[63] = 0x80402010; /* half transparent, its colours halved already */
    pointer.pixels[DISPLAY_POINTER_SIDE * 2 + 63] = 0xffffffff;
    display_read(&d, seen);
    for (unsigned k = 0; k < 12; k++)
        assert_int_equal(seen[k], k == 3 ? 0xabcdef : k == 4 ? 0x402010 : k == 10 ? 0xffffff : 0);
    pointer.on = false;
    display_read(&d, seen);
    assert_int_equal(seen[3], 0);
    pointer = (struct display_pointer){.on = true, .x = INT32_MAX, .y = INT32_MIN};
    display_read(&d, seen);
}

static void test_a_monitor_names_its_native_timing(void **state)
{
    static const unsigned sides[][2] = {{1280, 800}, {800, 600}, {1, 1}, {4095, 4095}};
    uint8_t edid[EDID_BYTES], *timing = edid + 54;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(sides); k++) {
        uint8_t sum = 0;
        edid_make(edid, sides[k][0], sides[k][1]);
        for (unsigned i = 0; i < EDID_BYTES; i++)
            sum = (uint8_t)(sum + edid[i]);
        assert_int_equal(sum, 0);
        assert_int_equal(timing[2] | timing[4] >> 4 << 8, sides[k][0]);
        assert_int_equal(timing[5] | timing[7] >> 4 << 8, sides[k][1]);
        assert_true(timing[0] | timing[1] || k == 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_format_has_its_colours_where_its_name_says),
        cmocka_unit_test(test_narrow_channels_reach_from_black_to_white),
        cmocka_unit_test(test_the_first_source_that_shows_something_is_shown),
        cmocka_unit_test(test_the_pointer_is_drawn_where_it_is_in_the_picture),
        cmocka_unit_test(test_a_monitor_names_its_native_timing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
