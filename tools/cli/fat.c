/* Microsoft's FAT specification, "fatgen103"; the partition table is a PC's master boot record. */
#define _GNU_SOURCE /* memfd_create() */
#include "fat.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR            512
#define DISK_SECTORS      (1024 * 16 * 63) /* 504 MiB: cylinders, heads, sectors */
#define PARTITION         63               /* its first sector */
#define PARTITION_SECTORS (DISK_SECTORS - PARTITION)
#define CLUSTER_SECTORS   16
#define CLUSTER           (CLUSTER_SECTORS * SECTOR)
#define ROOT_ENTRIES      512
#define ENTRY             32 /* bytes */
#define FAT_SECTORS       252
#define FATS              2
#define RESERVED          1
#define ROOT_SECTOR       (RESERVED + FATS * FAT_SECTORS)
#define DATA_SECTOR       (ROOT_SECTOR + ROOT_ENTRIES * ENTRY / SECTOR)
#define CLUSTERS          ((PARTITION_SECTORS - DATA_SECTOR) / CLUSTER_SECTORS)
#define LAST_CLUSTER      (CLUSTERS + 1) /* they count from 2 */
#define DEPTH_MAX         16             /* of directories: links may make circles */
#define NAME_CHARS_MAX    255
#define CHARS_PER_ENTRY   13
#define ATTRIBUTE_LONG    0x0f
#define ATTRIBUTE_DIR     0x10
#define ATTRIBUTE_FILE    0x20
#define TOO_MUCH          "more than the 504 MiB of the disk"
#define DATE_1980_01_01   0x21

_Static_assert(CLUSTERS >= 4085 && CLUSTERS < 65525,
               "the number of clusters says that it is FAT16");
_Static_assert((LAST_CLUSTER + 1) * 2 <= FAT_SECTORS * SECTOR, "the table has an entry for each");

struct fat {
    int fd;
    const char *top; /* for messages */
    uint16_t table[FAT_SECTORS * SECTOR / 2];
    uint32_t next; /* free cluster; all behind it are free */
    unsigned names;
};

static bool failed(const char *path, const char *why)
{
    fprintf(stderr, "armillary: fat:%s: %s\n", path, why);
    return false;
}

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v);
    put16(at + 2, v >> 16);
}

/* @sector of the partition. */
static bool store(const struct fat *f, uint64_t sector, const void *data, size_t size)
{
    uint64_t at = (PARTITION + sector) * SECTOR;

    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(f->fd, (const char *)data + done, size - done, (off_t)(at + done));
        if (n <= 0)
            return failed(f->top, strerror(errno));
        done += (size_t)n;
    }
    return true;
}

/* A chain of clusters for @size bytes; *@first: its first one, 0 if there is none. */
static bool reserve(struct fat *f, size_t size, uint32_t *first)
{
    uint32_t count = (uint32_t)((size + CLUSTER - 1) / CLUSTER);

    *first = count ? f->next : 0;
    if (size > (size_t)CLUSTERS * CLUSTER || f->next + count > LAST_CLUSTER + 1)
        return failed(f->top, TOO_MUCH);
    for (uint32_t k = 0; k < count; k++, f->next++)
        f->table[f->next] = (uint16_t)(k + 1 < count ? f->next + 1 : 0xffff);
    return true;
}

/* Into clusters that follow each other. */
static bool store_at(const struct fat *f, uint32_t first, const void *data, size_t size)
{
    return !size || store(f, DATA_SECTOR + (uint64_t)(first - 2) * CLUSTER_SECTORS, data, size);
}

/* ---- names ---- */

/* @name as eleven characters of its own, or false: it needs a long one. */
static bool short_name(const char *name, char out[11])
{
    static const char more[] = "$%'-_@~`!(){}^#&";
    const char *dot = strrchr(name, '.');
    size_t base = dot ? (size_t)(dot - name) : strlen(name), ext = dot ? strlen(dot + 1) : 0;

    memset(out, ' ', 11);
    if (base < 1 || base > 8 || ext > 3 || (dot && !ext))
        return false;
    for (size_t k = 0; k < base + ext; k++) {
        char c = k < base ? name[k] : dot[1 + k - base];
        if (!g_ascii_isupper(c) && !g_ascii_isdigit(c) && !strchr(more, c))
            return false;
        out[k < base ? k : 8 + k - base] = c;
    }
    return true;
}

/* For a name that is only reached by its long form. */
static void numbered_name(struct fat *f, char out[11])
{
    char text[12];

    snprintf(text, sizeof(text), "FILE%04X   ", ++f->names & 0xffff);
    memcpy(out, text, 11);
}

static uint8_t checksum(const char name[11])
{
    uint8_t sum = 0;

    for (unsigned k = 0; k < 11; k++)
        sum = (uint8_t)((sum << 7 | sum >> 1) + (uint8_t)name[k]);
    return sum;
}

/* The entries in front of @alias that hold @name, the last piece first. */
static bool append_long(GByteArray *dir, const char *name, const char alias[11])
{
    static const uint8_t places[CHARS_PER_ENTRY] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    glong count = 0;
    g_autofree gunichar2 *text = g_utf8_to_utf16(name, -1, NULL, &count, NULL);

    if (!text || count < 1 || count > NAME_CHARS_MAX)
        return failed(name, "a file's name is not UTF-8, or longer than 255 characters");
    for (glong piece = (count + CHARS_PER_ENTRY - 1) / CHARS_PER_ENTRY, last = piece; piece > 0;
         piece--) {
        uint8_t entry[ENTRY] = {0};

        entry[0] = (uint8_t)(piece | (piece == last ? 0x40 : 0));
        entry[11] = ATTRIBUTE_LONG;
        entry[13] = checksum(alias);
        for (glong k = 0; k < CHARS_PER_ENTRY; k++) {
            glong at = (piece - 1) * CHARS_PER_ENTRY + k;
            put16(entry + places[k], at < count ? text[at] : at == count ? 0 : 0xffff);
        }
        g_byte_array_append(dir, entry, ENTRY);
    }
    return true;
}

static void append_entry(GByteArray *dir, const char name[11], uint8_t attribute, uint32_t cluster,
                         uint32_t size)
{
    uint8_t entry[ENTRY] = {0};

    memcpy(entry, name, 11);
    entry[11] = attribute;
    put16(entry + 16, DATE_1980_01_01);
    put16(entry + 18, DATE_1980_01_01);
    put16(entry + 24, DATE_1980_01_01);
    put16(entry + 26, cluster);
    put32(entry + 28, size);
    g_byte_array_append(dir, entry, ENTRY);
}

static bool append_named(struct fat *f, GByteArray *dir, const char *name, uint8_t attribute,
                         uint32_t cluster, uint32_t size)
{
    char alias[11];

    if (!short_name(name, alias)) {
        numbered_name(f, alias);
        if (!append_long(dir, name, alias))
            return false;
    }
    append_entry(dir, alias, attribute, cluster, size);
    return true;
}

/* ---- files and directories ---- */

static bool add_file(struct fat *f, GByteArray *dir, const char *path, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *bytes = NULL;
    gsize size;
    uint32_t first;

    if (!g_file_get_contents(path, &bytes, &size, &error))
        return failed(path, error->message);
    return reserve(f, size, &first) && store_at(f, first, bytes, size) &&
           append_named(f, dir, name, ATTRIBUTE_FILE, first, (uint32_t)size);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory in an order that does not depend on the host's. */
static GPtrArray *list(const char *path)
{
    g_autoptr(GError) error = NULL;
    GDir *d = g_dir_open(path, 0, &error);
    GPtrArray *names;

    if (!d) {
        failed(path, error->message);
        return NULL;
    }
    names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(d));)
        g_ptr_array_add(names, g_strdup(name));
    g_dir_close(d);
    if (names->len)
        qsort(names->pdata, names->len, sizeof(*names->pdata), by_name);
    return names;
}

/* Entries that @name takes at most. */
static size_t entries_of(const char *name)
{
    return 1 + (strlen(name) + CHARS_PER_ENTRY - 1) / CHARS_PER_ENTRY;
}

/* A directory being made: @cluster is its own first one, 0 for the root. */
struct level {
    GByteArray *entries;
    uint32_t cluster;
    unsigned depth;
};

static bool fill(struct fat *f, const struct level *to, const char *path, const GPtrArray *names);

static bool add_directory(struct fat *f, const struct level *parent, const char *path,
                          const char *name)
{
    GPtrArray *names = parent->depth < DEPTH_MAX ? list(path) : NULL;
    struct level to = {g_byte_array_new(), 0, parent->depth + 1};
    size_t entries = 2;
    bool good = names != NULL;

    if (parent->depth >= DEPTH_MAX)
        failed(path, "more than 16 directories in each other");
    for (unsigned k = 0; good && k < names->len; k++)
        entries += entries_of(names->pdata[k]);
    good = good && reserve(f, entries * ENTRY, &to.cluster);
    append_entry(to.entries, ".          ", ATTRIBUTE_DIR, to.cluster, 0);
    append_entry(to.entries, "..         ", ATTRIBUTE_DIR, parent->cluster, 0);
    good = good && fill(f, &to, path, names) &&
           store_at(f, to.cluster, to.entries->data, to.entries->len) &&
           append_named(f, parent->entries, name, ATTRIBUTE_DIR, to.cluster, 0);
    g_byte_array_unref(to.entries);
    if (names)
        g_ptr_array_unref(names);
    return good;
}

static bool fill(struct fat *f, const struct level *to, const char *path, const GPtrArray *names)
{
    bool good = true;

    for (unsigned k = 0; good && k < names->len; k++) {
        g_autofree char *full = g_build_filename(path, names->pdata[k], NULL);
        struct stat st;

        if (stat(full, &st))
            good = failed(full, strerror(errno));
        else if (S_ISDIR(st.st_mode))
            good = add_directory(f, to, full, names->pdata[k]);
        else if (S_ISREG(st.st_mode) && st.st_size > DISK_SECTORS * SECTOR)
            good = failed(full, TOO_MUCH);
        else if (S_ISREG(st.st_mode))
            good = add_file(f, to->entries, full, names->pdata[k]);
    }
    return good;
}

/* ---- the disk ---- */

static bool store_partition_table(const struct fat *f)
{
    uint8_t mbr[SECTOR] = {0};
    uint8_t *row = mbr + 0x1be;

    put32(mbr + 0x1b8, 0xa271a271); /* signature of the disk: any */
    row[0] = 0x80;
    row[1] = 1; /* head 1, sector 1, cylinder 0 */
    row[2] = 1;
    row[4] = 6; /* FAT16 */
    row[5] = 15;
    row[6] = 0xff; /* sector 63, cylinder 1023 */
    row[7] = 0xff;
    put32(row + 8, PARTITION);
    put32(row + 12, PARTITION_SECTORS);
    put16(mbr + 510, 0xaa55);
    return pwrite(f->fd, mbr, sizeof(mbr), 0) == sizeof(mbr) || failed(f->top, strerror(errno));
}

static bool store_boot_sector(const struct fat *f)
{
    uint8_t boot[SECTOR] = {0xeb, 0x3e, 0x90, 'A', 'R', 'M', 'I', 'L', 'L', 'A', 'R'};

    put16(boot + 11, SECTOR);
    boot[13] = CLUSTER_SECTORS;
    put16(boot + 14, RESERVED);
    boot[16] = FATS;
    put16(boot + 17, ROOT_ENTRIES);
    boot[21] = 0xf8; /* a fixed disk */
    put16(boot + 22, FAT_SECTORS);
    put16(boot + 24, 63);
    put16(boot + 26, 16);
    put32(boot + 28, PARTITION);
    put32(boot + 32, PARTITION_SECTORS);
    boot[36] = 0x80;
    boot[38] = 0x29;
    put32(boot + 39, 0xfabe1afd); /* serial number: any */
    memcpy(boot + 43, "ARMILLARY  FAT16   ", 19);
    put16(boot + 510, 0xaa55);
    return store(f, 0, boot, sizeof(boot));
}

static bool store_tables(struct fat *f)
{
    uint8_t bytes[FAT_SECTORS * SECTOR];
    bool good = true;

    f->table[0] = 0xfff8;
    f->table[1] = 0xffff;
    for (size_t k = 0; k < G_N_ELEMENTS(f->table); k++)
        put16(bytes + 2 * k, f->table[k]);
    for (unsigned k = 0; good && k < FATS; k++)
        good = store(f, RESERVED + k * FAT_SECTORS, bytes, sizeof(bytes));
    return good;
}

static bool build(struct fat *f, const char *path)
{
    struct level root = {g_byte_array_new(), 0, 0};
    GPtrArray *names = list(path);
    bool good = names && fill(f, &root, path, names);

    if (good && root.entries->len > ROOT_ENTRIES * ENTRY)
        good = failed(path, "more files than the root directory has entries for");
    good = good && store_partition_table(f) && store_boot_sector(f) && store_tables(f) &&
           store(f, ROOT_SECTOR, root.entries->data, root.entries->len);
    g_byte_array_unref(root.entries);
    if (names)
        g_ptr_array_unref(names);
    return good;
}

int fat_from_directory(const char *path)
{
    struct fat *f = g_new0(struct fat, 1);
    int fd;

    f->top = path;
    f->next = 2;
    f->fd = memfd_create("fat", MFD_CLOEXEC);
    if (f->fd < 0 || ftruncate(f->fd, (off_t)DISK_SECTORS * SECTOR)) {
        failed(path, strerror(errno));
    } else if (build(f, path)) {
        fd = f->fd;
        g_free(f);
        return fd;
    }
    if (f->fd >= 0)
        close(f->fd);
    g_free(f);
    return -1;
}
