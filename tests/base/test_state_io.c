#include "base/state_io.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum colour { RED, GREEN };

struct thing {
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    unsigned index;
    enum colour colour;
    bool on;
    uint16_t row[3];
    uint8_t block[5];
};

static const struct thing example = {1,     0x203, 0x04050607, 0x08090a0b0c0d0e0f, 3,
                                     GREEN, true,  {7, 8, 9},  {1, 2, 3, 4, 5}};

static void thing_state(struct state_io *io, struct thing *t)
{
    state_section_begin(io, "thing", 4);
    STATE(io, t->a);
    STATE(io, t->b);
    STATE(io, t->c);
    STATE(io, t->d);
    STATE(io, t->index);
    state_require(io, t->index < 4, "t->index");
    STATE(io, t->colour);
    STATE(io, t->on);
    STATE_ARRAY(io, t->row);
    state_bytes(io, "t->block", t->block, sizeof(t->block));
    state_section_end(io);
}

/* One section's bytes, to be freed by state_io_destroy(). */
static struct state_io saved(const struct thing *t)
{
    struct state_io io;
    struct thing copy = *t;

    state_io_save(&io);
    thing_state(&io, &copy);
    assert_int_equal(io.error.code, 0);
    return io;
}

static struct state_io restored(const struct state_io *from, struct thing *t)
{
    struct state_io io;

    state_io_restore(&io, from->out, from->len);
    thing_state(&io, t);
    return io;
}

static void test_what_is_saved_comes_back(void **state)
{
    struct state_io io = saved(&example), again;
    struct thing t = {0};

    (void)state;
    assert_int_equal(restored(&io, &t).error.code, 0);
    again = saved(&t);
    assert_int_equal(again.len, io.len);
    assert_memory_equal(again.out, io.out, io.len);
    assert_int_equal(t.d, example.d);
    assert_int_equal(t.row[2], 9);
    assert_true(t.on);
    state_io_destroy(&io);
    state_io_destroy(&again);
}

static void test_values_are_little_endian(void **state)
{
    struct state_io io = saved(&example);
    const size_t contents = 1 + strlen("thing") + 4 + 8;
    static const uint8_t begin[] = {1, 3, 2, 7, 6, 5, 4, 0xf, 0xe};

    (void)state;
    assert_memory_equal(io.out + contents, begin, sizeof(begin));
    state_io_destroy(&io);
}

static void test_every_cut_is_an_error_that_names_a_place(void **state)
{
    struct state_io io = saved(&example);

    (void)state;
    for (size_t len = 0; len < io.len; len++) {
        struct state_io short_io = io;
        struct thing t = {0};
        short_io.len = len;
        struct state_io r = restored(&short_io, &t);
        assert_int_equal(r.error.code, ARM_EINVAL);
        assert_true(strstr(r.error.text, "section") || strstr(r.error.text, "thing"));
    }
    state_io_destroy(&io);
}

static void test_a_value_out_of_range_is_named(void **state)
{
    struct thing t = example;
    t.index = 4;
    struct state_io io = saved(&t);

    (void)state;
    struct state_io r = restored(&io, &t);
    assert_int_equal(r.error.code, ARM_EINVAL);
    assert_non_null(strstr(r.error.text, "thing: t->index"));
    state_io_destroy(&io);
}

static void test_a_bool_of_two_is_refused(void **state)
{
    struct state_io io = saved(&example);
    struct thing t = {0};
    const size_t on = io.len - sizeof(t.block) - sizeof(t.row) - 1;

    (void)state;
    assert_int_equal(io.out[on], 1);
    io.out[on] = 2;
    assert_non_null(strstr(restored(&io, &t).error.text, "t->on"));
    assert_false(t.on);
    state_io_destroy(&io);
}

static void test_another_version_is_refused(void **state)
{
    struct state_io io = saved(&example);
    struct thing t = {0};

    (void)state;
    io.out[1 + strlen("thing")] = 5;
    assert_int_equal(restored(&io, &t).error.code, ARM_ENOTSUP);
    state_io_destroy(&io);
}

static void test_another_section_is_refused(void **state)
{
    struct state_io io = saved(&example);
    struct thing t = {0};

    (void)state;
    io.out[1] = 'T';
    struct state_io r = restored(&io, &t);
    assert_int_equal(r.error.code, ARM_EINVAL);
    assert_non_null(strstr(r.error.text, "Thing"));
    state_io_destroy(&io);
}

static void test_contents_that_are_left_over_are_an_error(void **state)
{
    struct state_io io;
    struct thing t = {0};
    uint8_t more = 0;

    (void)state;
    state_io_save(&io);
    thing_state(&io, &t);
    state_uint(&io, "more", &more, 1);
    io.out[1 + strlen("thing") + 4]++; /* the section's length */
    assert_non_null(strstr(restored(&io, &t).error.text, "1 bytes too many"));
    state_io_destroy(&io);
}

static void test_the_first_error_is_kept_and_what_follows_does_nothing(void **state)
{
    struct state_io io = saved(&example);
    struct thing t = {0};

    (void)state;
    io.len = 1 + strlen("thing") + 4 + 8 + 1;
    io.out[1 + strlen("thing") + 4] = 1; /* the section's length: a alone */
    struct state_io r = restored(&io, &t);
    assert_non_null(strstr(r.error.text, "t->b"));
    assert_int_equal(t.a, 1);
    assert_int_equal(t.d, 0);
    state_io_destroy(&io);
}

static void test_a_comparison_names_the_field_that_differs(void **state)
{
    struct state_io io = saved(&example), cmp;
    struct thing t = example;

    (void)state;
    state_io_compare(&cmp, io.out, io.len);
    thing_state(&cmp, &t);
    assert_int_equal(cmp.error.code, 0);
    t.row[1] = 0;
    state_io_compare(&cmp, io.out, io.len);
    thing_state(&cmp, &t);
    assert_non_null(strstr(cmp.error.text, "t->row"));
    state_io_destroy(&io);
}

static void test_sections_can_be_listed(void **state)
{
    struct state_io io, list;
    struct thing t = example;
    char name[STATE_NAME_MAX];
    uint32_t version;

    (void)state;
    state_io_save(&io);
    thing_state(&io, &t);
    state_section_begin(&io, "empty", 1);
    state_section_end(&io);
    state_io_restore(&list, io.out, io.len);
    assert_true(state_section_next(&list, name, &version));
    assert_string_equal(name, "thing");
    assert_int_equal(version, 4);
    assert_true(state_section_skip(&list) > 0);
    assert_true(state_section_next(&list, name, &version));
    assert_string_equal(name, "empty");
    assert_int_equal(state_section_skip(&list), 0);
    assert_false(state_section_next(&list, name, &version));
    state_io_destroy(&io);
}

static void test_a_count_is_held_to_its_maximum(void **state)
{
    struct state_io io, r;

    (void)state;
    state_io_save(&io);
    assert_int_equal(state_count(&io, "n", 7, 10), 7);
    state_io_restore(&r, io.out, io.len);
    assert_int_equal(state_count(&r, "n", 0, 7), 7);
    state_io_restore(&r, io.out, io.len);
    assert_int_equal(state_count(&r, "n", 0, 6), 0);
    assert_int_equal(r.error.code, ARM_EINVAL);
    state_io_destroy(&io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_saved_comes_back),
        cmocka_unit_test(test_values_are_little_endian),
        cmocka_unit_test(test_every_cut_is_an_error_that_names_a_place),
        cmocka_unit_test(test_a_value_out_of_range_is_named),
        cmocka_unit_test(test_a_bool_of_two_is_refused),
        cmocka_unit_test(test_another_version_is_refused),
        cmocka_unit_test(test_another_section_is_refused),
        cmocka_unit_test(test_contents_that_are_left_over_are_an_error),
        cmocka_unit_test(test_the_first_error_is_kept_and_what_follows_does_nothing),
        cmocka_unit_test(test_a_comparison_names_the_field_that_differs),
        cmocka_unit_test(test_sections_can_be_listed),
        cmocka_unit_test(test_a_count_is_held_to_its_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
