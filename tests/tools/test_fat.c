/* Disks made of directories (tools/cli/fat.h), read back by the rules of the FAT specification. */
#include "tools/cli/fat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECTOR 512
#define LONG   0x0f
#define DIR    0x10

static char dir[] = "/tmp/armillary-test-XXXXXX";

static void write_file(const char *name, size_t size)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t k = 0; k < size; k++)
        fputc((int)(k * 7 + k / 251) & 0xff, f);
    assert_int_equal(fclose(f), 0);
}

static void make_directory(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/armillary-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

/* A file system, as its boot sector describes it. */
struct volume {
    int fd;
    uint64_t start, fat, root, data; /* bytes */
    unsigned cluster_bytes, root_entries, clusters;
};

static void read_at(const struct volume *v, uint64_t at, void *to, size_t size)
{
    assert_int_equal(pread(v->fd, to, size, (off_t)at), size);
}

static unsigned le16(const uint8_t *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

static unsigned le32(const uint8_t *at)
{
    return le16(at) | le16(at + 2) << 16;
}

static struct volume mount(int fd)
{
    struct volume v = {.fd = fd};
    uint8_t s[SECTOR];

    assert_true(fd >= 0);
    read_at(&v, 0, s, SECTOR);
    assert_int_equal(le16(s + 510), 0xaa55);
    assert_int_equal(s[0x1be + 4], 6);
    v.start = (uint64_t)le32(s + 0x1be + 8) * SECTOR;
    read_at(&v, v.start, s, SECTOR);
    assert_int_equal(le16(s + 510), 0xaa55);
    assert_int_equal(le16(s + 11), SECTOR);
    v.cluster_bytes = s[13] * SECTOR;
    v.root_entries = le16(s + 17);
    v.fat = v.start + (uint64_t)le16(s + 14) * SECTOR;
    v.root = v.fat + (uint64_t)s[16] * le16(s + 22) * SECTOR;
    v.data = v.root + v.root_entries * 32;
    v.clusters =
        (unsigned)((le32(s + 32) * (uint64_t)SECTOR - (v.data - v.start)) / v.cluster_bytes);
    assert_true(v.clusters >= 4085 && v.clusters < 65525);
    return v;
}

/* The bytes of a chain; the caller frees them. */
static uint8_t *read_chain(const struct volume *v, unsigned cluster, size_t *size)
{
    uint8_t *bytes = NULL;

    for (*size = 0; cluster >= 2 && cluster < 0xfff8; *size += v->cluster_bytes) {
        uint8_t next[2];
        assert_true(cluster < v->clusters + 2);
        bytes = realloc(bytes, *size + v->cluster_bytes);
        read_at(v, v->data + (uint64_t)(cluster - 2) * v->cluster_bytes, bytes + *size,
                v->cluster_bytes);
        read_at(v, v->fat + 2 * cluster, next, 2);
        cluster = le16(next);
    }
    return bytes;
}

static uint8_t sum_of(const uint8_t *name)
{
    uint8_t sum = 0;

    for (unsigned k = 0; k < 11; k++)
        sum = (uint8_t)(((sum & 1) << 7) + (sum >> 1) + name[k]);
    return sum;
}

/* The name of the entry at @e, whose long pieces stand before it from @entries on; ASCII. */
static void name_of(const uint8_t *entries, const uint8_t *e, char name[300])
{
    static const unsigned places[13] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    unsigned used = 0, piece = 1;

    for (const uint8_t *l = e - 32; l >= entries && l[11] == LONG; l -= 32, piece++) {
        assert_int_equal(l[0] & 0x3f, piece);
        assert_int_equal(l[13], sum_of(e));
        for (unsigned k = 0; k < 13; k++)
            name[used++] = (char)le16(l + places[k]);
        if (l[0] & 0x40)
            break;
    }
    name[used] = '\0';
    if (used)
        return;
    for (unsigned k = 0; k < 11; k++) {
        if (k == 8 && e[8] != ' ')
            name[used++] = '.';
        if (e[k] != ' ')
            name[used++] = (char)e[k];
    }
    name[used] = '\0';
}

/* The entry of @name, or NULL. */
static const uint8_t *find(const uint8_t *entries, size_t size, const char *name)
{
    for (const uint8_t *e = entries; e < entries + size && *e; e += 32) {
        char found[300];
        if (e[11] == LONG)
            continue;
        name_of(entries, e, found);
        if (!strcmp(found, name))
            return e;
    }
    return NULL;
}

static uint8_t *read_root(const struct volume *v, size_t *size)
{
    *size = v->root_entries * 32;
    uint8_t *bytes = malloc(*size);
    read_at(v, v->root, bytes, *size);
    return bytes;
}

static void assert_holds(const struct volume *v, const uint8_t *e, size_t expected)
{
    size_t size;

    assert_non_null(e);
    assert_int_equal(le32(e + 28), expected);
    uint8_t *bytes = read_chain(v, le16(e + 26), &size);
    assert_true(size >= expected && size < expected + v->cluster_bytes);
    for (size_t k = 0; k < expected; k++)
        assert_int_equal(bytes[k], (k * 7 + k / 251) & 0xff);
    free(bytes);
}

/* ---- */

static void test_files_are_found_by_short_and_long_names(void **state)
{
    static const struct {
        const char *name;
        size_t size;
    } rows[] = {{"A.TXT", 100},   {"NOEXT", 8192},          {"lower.txt", 8193},
                {"EMPTY.BIN", 0}, {"thirteen.char", 20000}, {"a name of some length.tar.gz", 1},
                {".hidden", 3},   {"TOOLONGNAME.TXT", 9},   {"SPA CE.TXT", 4}};
    size_t size;

    (void)state;
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
        write_file(rows[k].name, rows[k].size);
    struct volume v = mount(fat_from_directory(dir));
    uint8_t *root = read_root(&v, &size);
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
        assert_holds(&v, find(root, size, rows[k].name), rows[k].size);
    free(root);
    close(v.fd);
}

static void test_directories_know_themselves_and_their_parents(void **state)
{
    size_t root_size, size;
    char name[64];

    (void)state;
    make_directory("EFI");
    make_directory("EFI/a lower one");
    write_file("EFI/a lower one/deep.bin", 5000);
    for (unsigned k = 0; k < 300; k++) { /* more than a cluster of entries */
        snprintf(name, sizeof(name), "EFI/number %u of many", k);
        write_file(name, k);
    }
    struct volume v = mount(fat_from_directory(dir));
    uint8_t *root = read_root(&v, &root_size);
    const uint8_t *efi = find(root, root_size, "EFI");
    assert_non_null(efi);
    assert_int_equal(efi[11], DIR);
    uint8_t *entries = read_chain(&v, le16(efi + 26), &size);
    assert_true(size > v.cluster_bytes);
    assert_int_equal(le16(find(entries, size, ".") + 26), le16(efi + 26));
    assert_int_equal(le16(find(entries, size, "..") + 26), 0);
    for (unsigned k = 0; k < 300; k++) {
        snprintf(name, sizeof(name), "number %u of many", k);
        assert_holds(&v, find(entries, size, name), k);
    }
    const uint8_t *lower = find(entries, size, "a lower one");
    size_t lower_size;
    uint8_t *deep = read_chain(&v, le16(lower + 26), &lower_size);
    assert_int_equal(le16(find(deep, lower_size, "..") + 26), le16(efi + 26));
    assert_holds(&v, find(deep, lower_size, "deep.bin"), 5000);
    free(deep);
    free(entries);
    free(root);
    close(v.fd);
}

static void test_the_same_files_make_the_same_disk(void **state)
{
    static uint8_t a[1 << 20], b[1 << 20];

    (void)state;
    write_file("one", 10);
    write_file("two", 10000);
    int first = fat_from_directory(dir), second = fat_from_directory(dir);
    assert_int_equal(pread(first, a, sizeof(a), 0), sizeof(a));
    assert_int_equal(pread(second, b, sizeof(b), 0), sizeof(b));
    assert_memory_equal(a, b, sizeof(a));
    close(first);
    close(second);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    char name[64], path[512];

    (void)state;
    assert_int_equal(fat_from_directory("/nonexistent"), -1);
    make_directory("loop");
    snprintf(path, sizeof(path), "%s/loop/again", dir);
    assert_int_equal(symlink("..", path), 0);
    assert_int_equal(fat_from_directory(dir), -1);
    unlink(path);
    write_file("big", 1);
    snprintf(path, sizeof(path), "%s/big", dir);
    assert_int_equal(truncate(path, 600 << 20), 0);
    assert_int_equal(fat_from_directory(dir), -1);
    unlink(path);
    for (unsigned k = 0; k < 300; k++) {
        snprintf(name, sizeof(name), "long %u", k);
        write_file(name, 1);
    }
    assert_int_equal(fat_from_directory(dir), -1); /* 600 entries in the root */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(test_files_are_found_by_short_and_long_names),
        TEST(test_directories_know_themselves_and_their_parents),
        TEST(test_the_same_files_make_the_same_disk),
        TEST(test_what_does_not_fit_is_refused),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
