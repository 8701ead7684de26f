/* Semihosting: files, their names and handles. */
#define _GNU_SOURCE
#include "tests/machine/semihosting_fixture.h"

static void test_every_mode_opens_as_fopen_does(void **state)
{
    static const char *const modes[] = {"r",  "rb",  "r+", "r+b", "w",  "wb",
                                        "w+", "w+b", "a",  "ab",  "a+", "a+b"};
    struct fixture *f = *state;
    char text[64];

    start_with_directory(f);
    for (unsigned mode = 0; mode < ARRAY_SIZE(modes); mode++) {
        char kind = modes[mode][0];
        bool update = strchr(modes[mode], '+'), reads = kind == 'r' || update,
             writes = kind != 'r' || update;

        make_file(f, "there", "1234");
        uint64_t h = open_file(f, "there", mode);
        assert_int_not_equal(h, ERROR);
        assert_int_equal(CALL(f, SYS_FLEN, h), kind == 'w' ? 0 : 4);
        assert_int_equal(write_file(f, h, "ab"), writes ? 0 : 2);
        assert_int_equal(CALL(f, SYS_ISTTY, h), 0);
        assert_int_equal(CALL(f, SYS_SEEK, h, 1), 0);
        const char *now = kind == 'w' ? "ab" : kind == 'a' ? "1234ab" : update ? "ab34" : "1234";
        assert_string_equal(read_file(f, h, 9, text), reads ? now + 1 : "");
        assert_int_equal(CALL(f, SYS_CLOSE, h), 0);
        assert_string_equal(contents_of(f, "there", text), now);

        h = open_file(f, "new", mode);
        if (kind == 'r')
            assert_error(f, h, ENOENT);
        else
            assert_int_equal(CALL(f, SYS_CLOSE, h), 0);
        assert_int_equal(CALL(f, SYS_REMOVE, NAME, 3), kind == 'r' ? ERROR : 0);
    }
    assert_error(f, open_file(f, "there", 12), EINVAL);
    assert_error(f, open_file(f, "there", BIT(32)), EINVAL);
    assert_int_equal(f->warnings, 0);
}

static void test_a_file_is_read_and_written_from_its_position(void **state)
{
    struct fixture *f = *state;
    char text[64];

    start_with_directory(f);
    uint64_t h = open_file(f, "file", 6);
    assert_int_equal(write_file(f, h, "0123456789"), 0);
    assert_string_equal(read_file(f, h, 3, text), "");
    assert_int_equal(CALL(f, SYS_SEEK, h, 2), 0);
    assert_string_equal(read_file(f, h, 3, text), "234");
    assert_int_equal(write_file(f, h, "xy"), 0);
    assert_string_equal(read_file(f, h, 9, text), "789");
    assert_string_equal(contents_of(f, "file", text), "01234xy789");
    assert_int_equal(CALL(f, SYS_SEEK, h, 12), 0);
    assert_string_equal(read_file(f, h, 3, text), "");
    assert_error(f, CALL(f, SYS_SEEK, h, BIT(63)), EINVAL);
    assert_int_equal(CALL(f, SYS_WRITE, h, DATA, 0), 0);
    assert_int_equal(CALL(f, SYS_FLEN, h), 10);
}

static void test_files_are_renamed_removed_and_named(void **state)
{
    struct fixture *f = *state;
    char text[64];

    start_with_directory(f);
    make_file(f, "one", "1");
    put(f, NAME, "one");
    put(f, NAME2, "two");
    assert_int_equal(CALL(f, SYS_RENAME, NAME, 3, NAME2, 3), 0);
    assert_string_equal(contents_of(f, "two", text), "1");
    assert_error(f, CALL(f, SYS_RENAME, NAME, 3, NAME2, 3), ENOENT);
    assert_int_equal(CALL(f, SYS_REMOVE, NAME2, 3), 0);
    assert_error(f, CALL(f, SYS_REMOVE, NAME2, 3), ENOENT);
    assert_int_equal(CALL(f, SYS_TMPNAM, DATA, 255, 40), 0);
    assert_true(arm_mem_read(f->m, DATA, text, 40));
    assert_int_not_equal(open_file(f, text, 4), ERROR);
    assert_error(f, CALL(f, SYS_TMPNAM, DATA, 256, 40), EINVAL);
    assert_error(f, CALL(f, SYS_TMPNAM, DATA, 0, 4), EINVAL);
}

static void test_no_name_leads_out_of_the_directory(void **state)
{
    struct fixture *f = *state;
    char path[128], outside[64], absolute[160], text[64];

    start_with_directory(f);
    make_file(f, "file", "secret");
    path_in(f, "sub", path);
    assert_int_equal(mkdir(path, 0777), 0);
    path_in(f, "link", path);
    assert_int_equal(symlink("file", path), 0);
    path_in(f, "up", path);
    assert_int_equal(symlink("..", path), 0);
    path_in(f, "root", path);
    assert_int_equal(symlink("/", path), 0);
    path_in(f, "fifo", path);
    assert_int_equal(mkfifo(path, 0666), 0);
    snprintf(outside, sizeof(outside), "%s", strrchr(f->dir, '/') + 1);
    snprintf(absolute, sizeof(absolute), "%s/file", f->dir);
    char relative[160], by_link[160], by_root[200];
    snprintf(relative, sizeof(relative), "../%s/file", outside);
    snprintf(by_link, sizeof(by_link), "up/%s/file", outside);
    snprintf(by_root, sizeof(by_root), "root/%s", absolute);
    const char *const names[] = {absolute, relative, by_link,    by_root, "sub/../file", "..",
                                 "sub/..", "link",   "root",     "fifo",  "sub",         ".",
                                 "",       "sub/",   "file/x/y", "/",     "../"};
    for (size_t k = 0; k < ARRAY_SIZE(names); k++)
        for (unsigned mode = 0; mode < 12; mode += 2)
            assert_int_equal(open_file(f, names[k], mode), ERROR);
    put(f, NAME2, "file");
    for (size_t k = 0; k < 7; k++) {
        put(f, NAME, names[k]);
        assert_int_equal(CALL(f, SYS_REMOVE, NAME, strlen(names[k])), ERROR);
        assert_int_equal(CALL(f, SYS_RENAME, NAME2, 4, NAME, strlen(names[k])), ERROR);
        assert_int_equal(CALL(f, SYS_RENAME, NAME, strlen(names[k]), NAME2, 4), ERROR);
    }
    assert_string_equal(contents_of(f, "file", text), "secret");
    assert_int_not_equal(open_file(f, "./sub//.//x", 4), ERROR);
    assert_string_equal(read_file(f, open_file(f, "./file", 0), 9, text), "secret");
}

static void test_a_name_ends_at_its_length_or_at_a_zero_and_may_be_too_long(void **state)
{
    struct fixture *f = *state;
    char path[128], text[64];

    start_with_directory(f);
    make_file(f, "name", "1");
    put(f, NAME, "nameless");
    uint64_t h = CALL(f, SYS_OPEN, NAME, 0, 4);
    assert_string_equal(read_file(f, h, 9, text), "1");
    put(f, NAME, "name");
    assert_int_not_equal(CALL(f, SYS_OPEN, NAME, 0, 9), ERROR);
    for (unsigned k = 0; k < 300; k++)
        put(f, NAME + k, "n");
    assert_error(f, CALL(f, SYS_OPEN, NAME, 4, 300), ENAMETOOLONG);
    for (uint64_t k = 0; k < 8192; k++)
        put(f, DATA + k, k % 2 ? "/" : ".");
    assert_int_equal(CALL(f, SYS_OPEN, DATA, 4, UINT64_MAX), ERROR);
    path_in(f, "n", path);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_there_are_no_files_without_a_directory_and_that_is_said_once(void **state)
{
    struct fixture *f = *state;

    start(f, (struct arm_config){0});
    assert_error(f, open_file(f, "/etc/passwd", 0), EACCES);
    assert_non_null(strstr(f->warning, "/etc/passwd"));
    assert_error(f, open_file(f, "x", 4), EACCES);
    assert_error(f, CALL(f, SYS_REMOVE, NAME, 1), EACCES);
    assert_error(f, CALL(f, SYS_RENAME, NAME, 1, NAME, 1), EACCES);
    assert_error(f, CALL(f, SYS_TMPNAM, DATA, 0, 40), EACCES);
    assert_int_equal(f->warnings, 1);
    assert_int_not_equal(open_file(f, ":tt", 4), ERROR);
}

static void test_a_directory_that_is_none_is_refused(void **state)
{
    struct arm_config config = {.size = sizeof(config),
                                .cpus = 1,
                                .ram_size = RAM_SIZE,
                                .semihosting = true,
                                .semihosting_dir = "/dev/null"};
    struct arm_error err = {0};

    (void)state;
    assert_null(arm_machine_new(&config, &err));
    assert_non_null(strstr(err.text, "/dev/null"));
}

static void test_handles_run_out_and_are_used_again(void **state)
{
    struct fixture *f = *state;
    uint64_t h;

    start_with_directory(f);
    for (unsigned k = 0; k < SEMI_HANDLES; k++)
        assert_int_not_equal(h = open_file(f, "file", 4), ERROR);
    assert_error(f, open_file(f, "file", 4), EMFILE);
    assert_error(f, open_file(f, ":tt", 4), EMFILE);
    assert_int_equal(CALL(f, SYS_CLOSE, h), 0);
    assert_int_equal(open_file(f, ":tt", 4), h);
    assert_error(f, CALL(f, SYS_SEEK, h, 0), ESPIPE);
    assert_int_equal(CALL(f, SYS_FLEN, h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_mode_opens_as_fopen_does),
        TEST(a_file_is_read_and_written_from_its_position),
        TEST(files_are_renamed_removed_and_named),
        TEST(no_name_leads_out_of_the_directory),
        TEST(a_name_ends_at_its_length_or_at_a_zero_and_may_be_too_long),
        TEST(there_are_no_files_without_a_directory_and_that_is_said_once),
        TEST(a_directory_that_is_none_is_refused),
        TEST(handles_run_out_and_are_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
