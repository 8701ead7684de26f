/* How much of a file is read, and when: pipes, sparse files, bombs. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/loader/fixture.h"

#include "loader/file.h"

#define RAM_SIZE (64 * MIB)

/* @b at the start of a file that is @size bytes long and takes no room. */
static char *sparse_file(struct bytes b, uint64_t size)
{
    char *path = temp_file(b);

    assert_int_equal(truncate(path, (off_t)size), 0);
    return path;
}

static void check_kernel_refused(char *path, int code, const char *expected)
{
    struct fixture f;
    char text[200];

    fixture_start(&f, RAM_SIZE);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), -code);
    snprintf(text, sizeof(text), "%s: %s", path, expected);
    assert_string_equal(f.err.text, text);
    fixture_end(&f);
}

/* Not read: what is said is the file's size, not how much had been read when it was too much. */
static void test_a_kernel_larger_than_ram_is_refused_by_both_sizes(void **state)
{
    static const struct {
        bool image;
        uint64_t size;
    } rows[] = {{true, UINT64_C(3) << 30}, {false, UINT64_C(3) << 30}, {false, RAM_SIZE + 1}};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        struct bytes b = rows[k].image ? make_image(5000, 0, 0x10000) : bytes_new(100, 0x1f);
        char *path = sparse_file(b, rows[k].size), text[200];
        snprintf(text, sizeof(text),
                 "%llu bytes, expected at most 67108864, the size of the machine's RAM",
                 (unsigned long long)rows[k].size);
        check_kernel_refused(path, ARM_EFORMAT, text);
        remove_file(path);
    }
}

static void test_an_initrd_larger_than_ram_is_refused_by_both_sizes(void **state)
{
    char *kernel = temp_file(make_image(5000, 0, 0x10000));
    char *initrd = sparse_file(bytes_new(100, 0x1f), UINT64_C(3) << 30);
    struct fixture f;

    (void)state;
    fixture_start(&f, RAM_SIZE);
    f.req.kernel = kernel;
    f.req.initrd = initrd;
    assert_int_equal(fixture_load(&f), -ARM_EFORMAT);
    assert_non_null(strstr(f.err.text, "3221225472 bytes, expected at most 67108864"));
    fixture_end(&f);
    remove_file(kernel);
    remove_file(initrd);
}

/* 3 GiB of what would have to be read to be judged: a magic is looked for first. */
static void test_a_large_file_of_another_format_is_refused_for_that(void **state)
{
    char *path = sparse_file((struct bytes){(uint8_t *)strdup("QFI\xfb"), 4}, UINT64_C(3) << 30);

    (void)state;
    check_kernel_refused(path, ARM_ENOTSUP,
                         "a qcow2 image, expected an arm64 Image, an ELF file or a flat binary: "
                         "convert it: qemu-img convert -O raw; a disk is given as a drive");
    remove_file(path);
    path = sparse_file(make_gzip(make_image(5000, 0, 0x10000)), UINT64_C(3) << 30);
    check_kernel_refused(path, ARM_EFORMAT,
                         "3221225472 bytes, expected at most 335544320, the size of what can be "
                         "unpacked");
    remove_file(path);
}

/* As a file with debug information has; its size says nothing about the program's. */
static void test_an_elf_file_is_read_as_far_as_its_segments_are(void **state)
{
    char *path = sparse_file(make_elf(), UINT64_C(3) << 30);
    struct file_limit limit = {RAM_SIZE, "RAM"};
    struct file_data file;
    struct fixture f;

    (void)state;
    fixture_start(&f, RAM_SIZE);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.pc, ELF_PADDR + 0x10);
    fixture_end(&f);
    assert_int_equal(file_fetch(&file, path, FORMAT_KERNEL, &limit, NULL), 0);
    assert_int_equal(file.size, FILE_HEAD_SIZE);
    assert_int_equal(file_read_until(&file, FILE_HEAD_SIZE + 1, NULL), 0);
    assert_int_equal(file.size, FILE_HEAD_SIZE + 1);
    file_free(&file);
    remove_file(path);
}

/* Larger than what it is judged by, and not a multiple of it. */
static void test_a_large_file_is_read_to_its_place(void **state)
{
    const size_t size = 3 * FILE_HEAD_SIZE + 12345;
    struct bytes b = make_image(size, 0, 0);
    uint8_t *expected = malloc(size);
    struct fixture f;

    (void)state;
    assert_non_null(expected);
    memcpy(expected, b.data, size);
    char *path = temp_file(b);
    fixture_start(&f, RAM_SIZE);
    f.req.kernel = f.req.initrd = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_memory_equal(physmem_ram(&f.mem, pa(f.boot.pc), size), expected, size);
    assert_int_equal(f.boot.initrd_size, size);
    assert_memory_equal(physmem_ram(&f.mem, pa(f.boot.initrd_base), size), expected, size);
    fixture_end(&f);
    free(expected);
    remove_file(path);
}

static void test_what_is_used_as_it_is_is_not_held(void **state)
{
    const size_t size = 2 * FILE_HEAD_SIZE + 100;
    const struct file_limit limit = {RAM_SIZE, "RAM"};
    struct bytes b = bytes_new(size, 0x5a);
    uint8_t *to = malloc(size);
    char *path = temp_file(b);
    struct file_data f;

    (void)state;
    assert_non_null(to);
    assert_int_equal(file_begin(&f, path, FORMAT_RAW, &limit, NULL), 0);
    assert_int_equal(f.size, FILE_HEAD_SIZE);
    assert_int_equal(file_extent(&f), size);
    assert_int_equal(file_read_to(&f, to, NULL), 0);
    assert_int_equal(f.fd, -1);
    for (size_t k = 0; k < size; k++)
        assert_int_equal(to[k], 0x5a);
    file_free(&f);
    free(to);
    remove_file(path);
}

static void test_a_file_that_has_become_shorter_is_refused(void **state)
{
    const size_t size = 3 * FILE_HEAD_SIZE, left = 2 * FILE_HEAD_SIZE;
    const struct file_limit limit = {RAM_SIZE, "RAM"};
    char *path = temp_file(bytes_new(size, 0x5a)), text[200];
    uint8_t *to = malloc(size);
    struct arm_error err = {0};
    struct file_data f;

    (void)state;
    assert_non_null(to);
    assert_int_equal(file_begin(&f, path, FORMAT_RAW, &limit, &err), 0);
    assert_int_equal(truncate(path, (off_t)left), 0);
    assert_int_equal(file_read_to(&f, to, &err), -ARM_EIO);
    snprintf(text, sizeof(text), "ends after %zu bytes, of %zu when it was opened", left, size);
    assert_non_null(strstr(err.text, text));
    file_free(&f);
    free(to);
    remove_file(path);
}

static void test_an_elf_file_whose_parts_are_far_behind_is_refused(void **state)
{
    static const struct {
        size_t offset;
        const char *text;
    } rows[] = {
        {offsetof(Elf64_Ehdr, e_phoff),
         "ELF: 2 program headers at offset 0x80000000 (e_phoff), expected in the file's first "
         "0x14000000 bytes, since RAM is 0x4000000 bytes"},
        {sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset),
         "ELF: segment 0: 0x1000 bytes at offset 0x80000000 (p_filesz, p_offset), expected in the "
         "file's first 0x14000000 bytes, since RAM is 0x4000000 bytes"},
    };

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
        struct bytes elf = make_elf();
        put_le(elf.data + rows[k].offset, 8, UINT64_C(1) << 31);
        char *path = sparse_file(elf, UINT64_C(3) << 30);
        check_kernel_refused(path, ARM_ENOTSUP, rows[k].text);
        remove_file(path);
    }
}

/* A FIFO and a child that writes @b to it, in pieces, as a decompressor does; it ends when done. */
static char *fifo_with(struct bytes b, pid_t *child)
{
    char *path = malloc(100);

    snprintf(path, 100, "%s/loader_fifo_%d", P_tmpdir, (int)getpid());
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    *child = fork();
    if (*child == 0) {
        FILE *out = fopen(path, "wb");
        for (size_t at = 0; at < b.size; at += 1000) {
            fwrite(b.data + at, 1, b.size - at < 1000 ? b.size - at : 1000, out);
            fflush(out);
        }
        fclose(out);
        _exit(0);
    }
    assert_true(*child > 0);
    free(b.data);
    return path;
}

static int load_from_fifo(struct fixture *f, struct bytes b)
{
    pid_t child;
    char *path = fifo_with(b, &child);
    int rc, status;

    fixture_start(f, RAM_SIZE);
    f->req.kernel = path;
    rc = fixture_load(f);
    assert_int_equal(waitpid(child, &status, 0), child);
    remove_file(path);
    return rc;
}

static void test_a_kernel_may_come_through_a_pipe(void **state)
{
    struct bytes image = make_image(MIB, 0, 2 * MIB), elf = make_elf();
    struct fixture f;

    (void)state;
    assert_int_equal(load_from_fifo(&f, make_image(MIB, 0, 2 * MIB)), 0);
    assert_ram_is(&f, RAM_BASE + 2 * MIB, image.data, image.size);
    fixture_end(&f);
    assert_int_equal(load_from_fifo(&f, make_xz(make_image(MIB, 0, 2 * MIB))), 0);
    assert_ram_is(&f, RAM_BASE + 2 * MIB, image.data, image.size);
    fixture_end(&f);
    assert_int_equal(load_from_fifo(&f, make_elf()), 0);
    assert_ram_is(&f, ELF_PADDR + 0x10000, elf.data + 0x2000, ELF_SEGMENT);
    fixture_end(&f);
    assert_int_equal(load_from_fifo(&f, bytes_new(0, 0)), -ARM_EFORMAT);
    assert_non_null(strstr(f.err.text, ": is empty"));
    fixture_end(&f);
    free(image.data);
    free(elf.data);
}

static void test_a_pipe_without_end_is_read_to_the_limit_only(void **state)
{
    (void)state;
    check_kernel_refused("/dev/zero", ARM_EFORMAT,
                         "at least 67108865 bytes, expected at most 67108864, the size of the "
                         "machine's RAM");
}

/* Files of /proc say that they have no size. */
static void test_a_file_with_contents_and_no_size(void **state)
{
    struct file_limit limit = {MIB, "a MiB"};
    struct file_data f;

    (void)state;
    assert_int_equal(file_fetch(&f, "/proc/self/status", FORMAT_RAW, &limit, NULL), 0);
    assert_true(f.size > 100);
    file_free(&f);
}

/* @count times 32 MiB of zeros. */
static struct bytes make_bomb(unsigned count)
{
    struct bytes one = make_gzip(bytes_new(32 * MIB, 0)), b = bytes_new(count * one.size, 0);

    for (unsigned k = 0; k < count; k++)
        memcpy(b.data + k * one.size, one.data, one.size);
    free(one.data);
    return b;
}

static void test_a_bomb_is_stopped(void **state)
{
    char *path = temp_file(make_bomb(1000));

    (void)state;
    check_kernel_refused(path, ARM_EFORMAT, "unpacks to more than 335544320 bytes");
    remove_file(path);
    path = temp_file(make_bomb(3));
    check_kernel_refused(path, ARM_EFORMAT,
                         "unpacked: 100663296 bytes, expected at most 67108864, the size of the "
                         "machine's RAM");
    remove_file(path);
}

static void test_what_is_packed_is_judged_too(void **state)
{
    char *path = temp_file(make_gzip((struct bytes){(uint8_t *)strdup("QFI\xfb"), 4}));

    (void)state;
    check_kernel_refused(path, ARM_ENOTSUP,
                         "packed in it is a qcow2 image, expected an arm64 Image, an ELF file or a "
                         "flat binary: convert it: qemu-img convert -O raw; a disk is given as a "
                         "drive");
    remove_file(path);
    path = temp_file(make_gzip(bytes_new(0, 0)));
    check_kernel_refused(path, ARM_EFORMAT, "what is packed in it is empty");
    remove_file(path);
    path = temp_file(make_gzip(make_gzip(make_gzip(make_gzip(make_image(5000, 0, 0))))));
    check_kernel_refused(path, ARM_ENOTSUP, "packed more than 3 times");
    remove_file(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kernel_larger_than_ram_is_refused_by_both_sizes),
        cmocka_unit_test(test_an_initrd_larger_than_ram_is_refused_by_both_sizes),
        cmocka_unit_test(test_a_large_file_of_another_format_is_refused_for_that),
        cmocka_unit_test(test_an_elf_file_is_read_as_far_as_its_segments_are),
        cmocka_unit_test(test_a_large_file_is_read_to_its_place),
        cmocka_unit_test(test_what_is_used_as_it_is_is_not_held),
        cmocka_unit_test(test_a_file_that_has_become_shorter_is_refused),
        cmocka_unit_test(test_an_elf_file_whose_parts_are_far_behind_is_refused),
        cmocka_unit_test(test_a_kernel_may_come_through_a_pipe),
        cmocka_unit_test(test_a_pipe_without_end_is_read_to_the_limit_only),
        cmocka_unit_test(test_a_file_with_contents_and_no_size),
        cmocka_unit_test(test_a_bomb_is_stopped),
        cmocka_unit_test(test_what_is_packed_is_judged_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
