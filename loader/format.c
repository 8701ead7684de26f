#define _GNU_SOURCE
#include "loader/format.h"

#include <ctype.h>
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/magic.h"
#include "loader/unpack.h"

/* -- what a magic does not say -- */

/* Documentation/arch/arm64/booting.rst of Linux, section 4: flags, bit 0. */
static bool image_is_be(const uint8_t *bytes, size_t size)
{
    return size > 24 && (bytes[24] & 1);
}

static bool is_mz(const uint8_t *bytes, size_t size)
{
    return size >= 2 && memcmp(bytes, "MZ", 2) == 0;
}

/* A node of this name in the structure block: FDT_BEGIN_NODE, the name, padding. */
static bool has_images_node(const uint8_t *bytes, size_t size)
{
    return memmem(bytes, size, "\0\0\0\1images\0", 12) != NULL;
}

/* Properties, dictionary size (2^n or 3 * 2^n), unpacked size (may be unknown): there is no magic
 * proper, and an instruction may look like its first bytes. */
static bool is_lzma(const uint8_t *bytes, size_t size)
{
    uint64_t dictionary, unpacked;

    if (size < 13)
        return false;
    dictionary = le_get(bytes + 1, 4);
    unpacked = le_get(bytes + 5, 8);
    while (dictionary && dictionary % 2 == 0)
        dictionary /= 2;
    return (dictionary == 1 || dictionary == 3) &&
           (unpacked == UINT64_MAX || unpacked < UINT64_C(1) << 40);
}

/* Level, then the magic of the first block or of the end. */
static bool is_bzip2(const uint8_t *bytes, size_t size)
{
    return size >= 10 && (memcmp(bytes + 4, "1AY&SY", 6) == 0 ||
                          memcmp(bytes + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

static bool has_boot_mark(const uint8_t *bytes, size_t size)
{
    return size >= 512 && bytes[510] == 0x55 && bytes[511] == 0xaa;
}

/* Four entries of 16 bytes: active or not, and a type in one at least. */
static bool has_partitions(const uint8_t *bytes, size_t size)
{
    unsigned types = 0;

    (void)size; /* the magic is behind */
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *entry = bytes + 446 + 16 * i;
        if (entry[0] & 0x7f)
            return false;
        types |= entry[4];
    }
    return types != 0;
}

/* Fields of the superblock, at 1024, that have few values: log2 of the block size less 10, what to
 * do on errors, the creator's system, revision. */
static bool is_ext(const uint8_t *bytes, size_t size)
{
    return size >= 1104 && le_get(bytes + 1048, 4) <= 6 && le_get(bytes + 1084, 2) <= 3 &&
           le_get(bytes + 1096, 4) <= 4 && le_get(bytes + 1100, 4) <= 1;
}

static bool is_cpio(const uint8_t *bytes, size_t size)
{
    return size >= 6 && bytes[4] == '0' && memchr("127", bytes[5], 3) != NULL;
}

static bool is_hex(const uint8_t *bytes, size_t size, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        if (i >= size || !isxdigit(bytes[i]))
            return false;
    return true;
}

static bool is_ihex(const uint8_t *bytes, size_t size)
{
    return is_hex(bytes, size, 1, 10);
}

static bool is_srec(const uint8_t *bytes, size_t size)
{
    return is_hex(bytes, size, 2, 8);
}

#define TEXT_MIN  32 /* less could be anything */
#define TEXT_LOOK 128

static bool is_text(const uint8_t *bytes, size_t size)
{
    size_t look = size < TEXT_LOOK ? size : TEXT_LOOK, letters = 0;

    for (size_t i = 0; i < look; i++) {
        if (bytes[i] >= 0x7f || (bytes[i] < ' ' && !memchr("\t\n\f\r", bytes[i], 4)))
            return false;
        letters += isalpha(bytes[i]) != 0;
    }
    return look >= TEXT_MIN && letters && memchr(bytes, '\n', look);
}

/* -- the rows -- */

enum format_id {
#define FORMAT(id, ...) ID_##id,
#include "loader/formats.def"
#undef FORMAT
};

#define T FORMAT_TAKE
#define U FORMAT_UNPACK
#define R FORMAT_REFUSE
static const struct format formats[] = {
#define FORMAT(id, name, offset, magic, also, unpack, kernel, module, initrd, bios, blob, advice)  \
    [ID_##id] = {name,                                                                             \
                 offset,                                                                           \
                 sizeof(magic) - 1,                                                                \
                 magic,                                                                            \
                 also,                                                                             \
                 unpack,                                                                           \
                 {[FORMAT_KERNEL] = kernel,                                                        \
                  [FORMAT_MODULE] = module,                                                        \
                  [FORMAT_INITRD] = initrd,                                                        \
                  [FORMAT_BIOS] = bios,                                                            \
                  [FORMAT_BLOB] = blob},                                                           \
                 advice},
#include "loader/formats.def"
#undef FORMAT
};
#undef T
#undef U
#undef R

static const char *const expected[FORMAT_ROLES] = {
    [FORMAT_KERNEL] = "an arm64 Image, an ELF file or a flat binary",
    [FORMAT_MODULE] = "a domain's kernel",
    [FORMAT_INITRD] = "an initial RAM disk",
    [FORMAT_BIOS] = "the contents of flash memory",
    [FORMAT_BLOB] = "an ELF file or raw bytes",
};

const struct format *format_of(const uint8_t *bytes, size_t size)
{
    for (const struct format *f = formats; f < formats + ARRAY_SIZE(formats); f++)
        if (size >= f->offset + f->magic_size &&
            memcmp(bytes + f->offset, f->magic, f->magic_size) == 0 &&
            (!f->also || f->also(bytes, size)))
            return f;
    return NULL;
}

enum format_use format_use(const struct format *format, enum format_role role)
{
    if (!format || role == FORMAT_RAW)
        return FORMAT_TAKE;
    if (role == FORMAT_FW_KERNEL)
        return format->use[FORMAT_KERNEL] == FORMAT_UNPACK ? FORMAT_UNPACK : FORMAT_TAKE;
    return format->use[role];
}

bool format_by_segments(const struct format *format, enum format_role role)
{
    return format == &formats[ID_ELF] && (role == FORMAT_KERNEL || role == FORMAT_BLOB);
}

bool format_is_image(const struct format *format)
{
    return format == &formats[ID_IMAGE];
}

bool format_is_uimage(const struct format *format)
{
    return format == &formats[ID_UIMAGE];
}

bool format_is_dtb(const struct format *format)
{
    return format == &formats[ID_DTB];
}

int format_check(const struct format *format, enum format_role role, const char *path,
                 const char *inside, struct arm_error *err)
{
    if (format_use(format, role) != FORMAT_REFUSE)
        return 0;
    return error_set(err, ARM_ENOTSUP, "%s: %s%s, expected %s: %s", path, inside, format->name,
                     expected[role], format->advice);
}
