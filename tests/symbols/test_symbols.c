/* Names of addresses. */
#include "symbols/elf.h"
#include "symbols/frames.h"
#include "symbols/symbols.h"
#include "tests/temp_file.h"

static void assert_name(const struct symbols *s, uint64_t address, const char *name)
{
    char buf[64];

    assert_true(symbols_name(s, address, buf, sizeof(buf)));
    assert_string_equal(buf, name);
}

static void test_a_system_map_names_functions_and_not_what_is_far_behind(void **state)
{
    (void)state;
    char buf[64];
    struct symbols *s = symbols_load(temp_file("0000000000001000 T first\n"
                                               "0000000000001100 d data\n"
                                               "0000000000001200 t second\n"),
                                     NULL, NULL, NULL);

    assert_non_null(s);
    assert_name(s, 0x1000, "first+0");
    assert_name(s, 0x11fc, "first+0x1fc");
    assert_name(s, 0x1200, "second+0");
    assert_false(symbols_name(s, 0xfff, buf, sizeof(buf)));
    assert_false(symbols_name(s, 0x200000, buf, sizeof(buf)));
    assert_false(symbols_name(NULL, 0x1000, buf, sizeof(buf)));
    symbols_free(s);
}

static void test_an_offset_moves_all_of_them(void **state)
{
    (void)state;
    char spec[96];

    snprintf(spec, sizeof(spec), "%s@0x40000000", temp_file("0000000000001000 T first\n"));
    struct symbols *s = symbols_load(spec, NULL, NULL, NULL);
    assert_non_null(s);
    assert_name(s, 0x40001004, "first+0x4");
    symbols_free(s);
}

static void test_what_is_neither_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "hello\n", "1000\n", "\177ELF\2\1\1", "1000 T\n"};
    struct arm_error err = {0};

    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
        assert_null(symbols_load(temp_file(bad[k]), NULL, NULL, &err));
    assert_null(symbols_load("/nonexistent/x", NULL, NULL, &err));
    assert_non_null(strstr(err.text, "/nonexistent/x"));
    assert_null(symbols_load("x@", NULL, NULL, &err));
    assert_non_null(strstr(err.text, "FILE@OFFSET"));
}

static void test_each_symbol_has_the_bytes_up_to_the_next_one(void **state)
{
    (void)state;
    struct symbols *s = symbols_load(temp_file("0000000000001200 t second\n"
                                               "0000000000001000 T first\n"),
                                     NULL, NULL, NULL);
    uint64_t address, size;
    const char *name;

    assert_true(symbols_get(s, 0, &address, &size, &name));
    assert_int_equal(address, 0x1000);
    assert_int_equal(size, 0x200);
    assert_string_equal(name, "first");
    assert_true(symbols_get(s, 1, &address, &size, &name));
    assert_string_equal(name, "second");
    assert_false(symbols_get(s, 2, &address, &size, &name));
    assert_false(symbols_get(NULL, 0, &address, &size, &name));
    symbols_free(s);
}

static void test_an_elf_file_of_symbols_is_read_again_as_the_same_functions_elsewhere(void **state)
{
    (void)state;
    struct arm_error err = {0};
    struct symbols *s = symbols_load(temp_file("0000000000001000 T first\n"
                                               "0000000000001200 t second\n"),
                                     NULL, NULL, NULL);
    const uint64_t base = 0xffffffc008000000;

    assert_int_equal(symbols_write_elf(s, base, base, 0x20000, NULL, temp_path, &err), 0);
    assert_true(symbols_write_elf(s, base, base, 0x20000, NULL, "/nowhere/x.elf", &err) < 0);
    assert_non_null(strstr(err.text, "/nowhere/x.elf"));
    symbols_free(s);
    s = symbols_load(temp_path, NULL, NULL, NULL);
    assert_non_null(s);
    assert_name(s, base + 0x11fc, "first+0x1fc");
    assert_name(s, base + 0x1200, "second+0");
    symbols_free(s);
}

/* paciasp; stp x29, x30, [sp, #-32]!; mov x29, sp; bl .; ldp x29, x30, [sp], #32; ret; nop */
static void test_a_frame_is_found_by_the_instructions_that_make_and_end_it(void **state)
{
    static const uint8_t code[] = {0x3f, 0x23, 0x03, 0xd5, 0xfd, 0x7b, 0xbe, 0xa9, 0xfd, 0x03,
                                   0x00, 0x91, 0x00, 0x00, 0x00, 0x94, 0xfd, 0x7b, 0xc2, 0xa8,
                                   0xc0, 0x03, 0x5f, 0xd6, 0x1f, 0x20, 0x03, 0xd5};
    /* From 8 on the CFA is SP+32, X29 at -32, and X30 is what is at -24, x, without a PAC, of
     * addresses of 39 bits: (x << 8 >> 63) << 39 | x & -1 >> 25; from 12 on the CFA is X29+32; from
     * 20 on all is as at the begin; from 24 on as at 12. */
    static const uint8_t rules[] = {
        0x42, 0x0c, 31,   32, 0x9d, 4,    0x16, 30,   22,   0x10, 24,   0x1c, 0x06, 0x12, 0x08,
        8,    0x24, 0x08, 63, 0x26, 0x08, 39,   0x24, 0x16, 0x09, 0xff, 0x08, 25,   0x25, 0x1a,
        0x21, 0x41, 0x0c, 29, 32,   0x42, 0x0a, 12,   31,   0,    0xdd, 0xde, 0x41, 0x0b};
    g_autoptr(GByteArray) section = frames_new(0x1000);
    guint start = section->len;

    (void)state;
    frames_add(section, 0x1000, code, sizeof(code));
    assert_int_equal(section->len % 8, 0);
    assert_memory_equal(section->data + start + 24, rules, sizeof(rules));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_system_map_names_functions_and_not_what_is_far_behind),
        cmocka_unit_test(test_an_offset_moves_all_of_them),
        cmocka_unit_test(test_what_is_neither_is_refused),
        cmocka_unit_test(test_each_symbol_has_the_bytes_up_to_the_next_one),
        cmocka_unit_test(test_a_frame_is_found_by_the_instructions_that_make_and_end_it),
        cmocka_unit_test(test_an_elf_file_of_symbols_is_read_again_as_the_same_functions_elsewhere),
    };

    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
