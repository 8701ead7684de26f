/* Every row of formats.def: known by its magic, and taken or refused as its columns say. */
#include "tests/loader/fixture.h"

#include "base/magic.h"
#include "loader/file.h"
#include "loader/format.h"

#define SAMPLE_SIZE 40000 /* more than any magic is behind */

struct row {
    const char *id, *name, *magic, *advice;
    size_t offset, magic_size;
    enum format_use use[FORMAT_ROLES];
};

static const struct row rows[] = {
#define T FORMAT_TAKE
#define U FORMAT_UNPACK
#define R FORMAT_REFUSE
#define FORMAT(id, name, offset, magic, also, unpack, kernel, module, initrd, bios, blob, advice)  \
    {#id, name, magic, advice, offset, sizeof(magic) - 1, {kernel, module, initrd, bios, blob}},
#include "loader/formats.def"
#undef FORMAT
#undef T
#undef U
#undef R
};

/* What else must be there where a magic alone says too little; "" behind the last. */
static const struct more {
    const char *id;
    size_t offset;
    const char *text;
} mores[] = {
    {"IMAGE_BE", 24, "\x0b"},
    {"ZBOOT", 0, "MZ"},
    {"FIT", 56, "\x1images"}, /* behind it zeros, as in the structure block */
    {"LZMA", 4, "\x80"},      /* an 8 MiB dictionary, zero bytes unpacked */
    {"BZIP2", 3, "91AY&SY"},
    {"FAT16", 510, "\x55\xaa"},
    {"FAT32", 510, "\x55\xaa"},
    {"MBR", 450, "\x83"},
    {"EXT", 1048, "\x2"},
    {"CPIO", 4, "01"},
    {"IHEX", 1, "020000040000FA"},
    {"SREC", 2, "0F000068656C6C6F"},
    {"TEXT", 0, "<!DOCTYPE html>\n<title>404 Not Found</title>\n"},
    {"", 0, ""},
};

/* Like nothing else: so not zeros, of which device trees and disks have many. */
static struct bytes blank(void)
{
    return bytes_new(SAMPLE_SIZE, 0xa5);
}

static struct bytes sample(const struct row *row)
{
    bool fit_or_mbr = !strcmp(row->id, "FIT") || !strcmp(row->id, "MBR");
    bool zeros = fit_or_mbr || !strcmp(row->id, "EXT") || !strcmp(row->id, "LZMA");
    struct bytes b = zeros ? bytes_new(SAMPLE_SIZE, 0) : blank();

    memcpy(b.data + row->offset, row->magic, row->magic_size);
    if (!strcmp(row->id, "IMAGE")) /* flags */
        b.data[24] = 0x0a;
    for (const struct more *m = mores; *m->id; m++)
        if (!strcmp(m->id, row->id))
            memcpy(b.data + m->offset, m->text, strlen(m->text));
    if (!strcmp(row->id, "TEXT"))
        memset(b.data + 45, ' ', SAMPLE_SIZE - 45);
    return b;
}

static void test_every_row_is_known_by_its_magic_and_no_earlier_row_takes_it(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        struct bytes b = sample(&rows[k]);
        const struct format *f = format_of(b.data, b.size);
        if (!f || strcmp(f->name, rows[k].name) != 0 || f->offset != rows[k].offset)
            fail_msg("%s is taken for %s", rows[k].id, f ? f->name : "a flat binary");
        if (rows[k].magic_size) {
            b.data[rows[k].offset] ^= 0x80;
            f = format_of(b.data, b.size);
            if (f && !strcmp(f->name, rows[k].name) && f->offset == rows[k].offset)
                fail_msg("%s is known without its magic", rows[k].id);
        }
        free(b.data);
    }
}

/* Cut at every length that could matter: for the sanitizers. */
static void test_a_cut_file_is_never_read_behind_its_end(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        struct bytes b = sample(&rows[k]);
        for (size_t n = 0; n < 1200; n++) {
            uint8_t *cut = malloc(n + 1);
            memcpy(cut, b.data, n);
            cut = realloc(cut, n ? n : 1);
            (void)format_of(cut, n);
            free(cut);
        }
        free(b.data);
    }
}

static void test_every_row_says_what_to_do_where_it_is_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        for (unsigned role = 0; role < FORMAT_ROLES; role++)
            if (rows[k].use[role] == FORMAT_REFUSE && !*rows[k].advice)
                fail_msg("%s has no advice", rows[k].id);
}

static void test_what_is_no_kernel_is_refused_by_its_name_with_advice(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        struct fixture f;
        char *path;

        if (rows[k].use[FORMAT_KERNEL] != FORMAT_REFUSE)
            continue;
        path = temp_file(sample(&rows[k]));
        fixture_start(&f, 64 * MIB);
        f.req.kernel = path;
        assert_int_equal(fixture_load(&f), -ARM_ENOTSUP);
        if (!strstr(f.err.text, rows[k].name) || !strstr(f.err.text, rows[k].advice) ||
            !strstr(f.err.text, path))
            fail_msg("%s: %s", rows[k].id, f.err.text);
        fixture_end(&f);
        remove_file(path);
    }
}

static void check_initrd(const struct row *row, const char *kernel)
{
    struct bytes b = sample(row);
    uint8_t start[64];
    struct fixture f;
    char *path;
    int rc;

    memcpy(start, b.data, sizeof(start));
    path = temp_file(b);
    fixture_start(&f, 64 * MIB);
    f.req.kernel = kernel;
    f.req.initrd = path;
    rc = fixture_load(&f);
    if (row->use[FORMAT_INITRD] == FORMAT_TAKE) {
        if (rc)
            fail_msg("%s: %s", row->id, f.err.text);
        assert_int_equal(f.boot.initrd_size, SAMPLE_SIZE);
        assert_ram_is(&f, f.boot.initrd_base, start, sizeof(start));
    } else if (row->use[FORMAT_INITRD] == FORMAT_REFUSE) {
        assert_int_equal(rc, -ARM_ENOTSUP);
        assert_non_null(strstr(f.err.text, row->name));
    }
    fixture_end(&f);
    remove_file(path);
}

static void test_an_initrd_is_taken_as_it_is_unless_nothing_could_use_it(void **state)
{
    char *kernel = temp_file(make_image(5000, 0, 0x10000));

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        check_initrd(&rows[k], kernel);
    remove_file(kernel);
}

static int fetch_as(enum format_role role, const struct row *row, struct arm_error *err)
{
    const struct file_limit limit = {MIB, "a MiB"};
    char *path = temp_file(sample(row));
    struct file_data f;
    int rc = file_fetch(&f, path, role, &limit, err);

    if (rc == 0 && !format_by_segments(format_of(f.bytes, f.size), role))
        assert_int_equal(f.size, SAMPLE_SIZE);
    file_free(&f);
    remove_file(path);
    return rc;
}

static void test_flash_modules_and_blobs_are_judged_by_their_columns(void **state)
{
    static const enum format_role roles[] = {FORMAT_MODULE, FORMAT_BIOS, FORMAT_BLOB};

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        struct arm_error err;
        for (unsigned r = 0; r < ARRAY_SIZE(roles); r++) {
            enum format_use use = rows[k].use[roles[r]];
            if (use == FORMAT_UNPACK)
                continue;
            assert_int_equal(fetch_as(roles[r], &rows[k], &err),
                             use == FORMAT_REFUSE ? -ARM_ENOTSUP : 0);
        }
        assert_int_equal(fetch_as(FORMAT_RAW, &rows[k], &err), 0);
    }
}

/* Flat binaries of all kinds must not look like something. */
static void test_code_and_fillings_are_flat(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } flats[] = {
        {"\x1f\x20\x03\xd5\x1f\x20\x03\xd5", 8},                              /* nop */
        {"\x5d\0\x40\xf9\x5d\0\x40\xf9\0\0\0\0\0\0\0\0", 16},                 /* ldr x29, [x2] */
        {"\x5d\0\0\x8b\x1f\x20\x03\xd5\x1f\x20\x03\xd5\x1f\x20\x03\xd5", 16}, /* add x29, x2, x0 */
        {"hello, world\n", 13}, /* too short to be called a text */
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(flats); k++)
        assert_null(format_of((const uint8_t *)flats[k].bytes, flats[k].size));
    for (unsigned fill = 0; fill < 256; fill++) {
        struct bytes b = bytes_new(SAMPLE_SIZE, (uint8_t)fill);
        assert_null(format_of(b.data, b.size));
        free(b.data);
    }
}

/* As the tools write them: "hello, world\n". */
static void test_files_of_the_tools_themselves(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t size;
    } files[] = {
        {"an lz4 file", "\x04\x22\x4d\x18\x64\x40\xa7\x0d\0\0\x80hello, world\n\0\0\0\0\x1a", 29},
        {"an lz4 file (legacy frames)", "\x02\x21\x4c\x18\x0e\0\0\0\xd0hello, world\n", 22},
        {"a bzip2 file", "BZh91AY&SYT\xa4\x97\x84\0\0\x02\xd1", 18},
        {"an xz file",
         "\xfd"
         "7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02\0\x21\x01",
         16},
        {"an lzma file", "]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x34\x19", 16},
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
        const struct format *f = format_of((const uint8_t *)files[k].bytes, files[k].size);
        assert_non_null(f);
        assert_string_equal(f->name, files[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_known_by_its_magic_and_no_earlier_row_takes_it),
        cmocka_unit_test(test_a_cut_file_is_never_read_behind_its_end),
        cmocka_unit_test(test_every_row_says_what_to_do_where_it_is_refused),
        cmocka_unit_test(test_what_is_no_kernel_is_refused_by_its_name_with_advice),
        cmocka_unit_test(test_an_initrd_is_taken_as_it_is_unless_nothing_could_use_it),
        cmocka_unit_test(test_flash_modules_and_blobs_are_judged_by_their_columns),
        cmocka_unit_test(test_code_and_fillings_are_flat),
        cmocka_unit_test(test_files_of_the_tools_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
