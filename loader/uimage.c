/*
 * U-Boot's legacy image format: a header of 64 bytes, big-endian, that says what is behind it and
 * where it goes (include/image.h of U-Boot).
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "loader/kernel.h"
#include "loader/unpack.h"

enum field {
    HEADER_CRC = 4,
    DATA_SIZE = 12,
    LOAD_ADDR = 16,
    ENTRY_POINT = 20,
    DATA_CRC = 24,
    OS = 28,
    ARCH = 29,
    TYPE = 30,
    COMPRESSION = 31,
    HEADER_SIZE = 64,
};

#define OS_LINUX           5
#define OS_VXWORKS         23 /* VxWorks 7 starts as Linux does */
#define ARCH_ARM64         22
#define TYPE_KERNEL        2
#define TYPE_RAMDISK       3
#define TYPE_KERNEL_NOLOAD 14 /* load address and entry point are relative to where it is */
#define COMPRESSION_NONE   0

#define NOLOAD_OFFSET (UINT64_C(32) << 20) /* in RAM: where QEMU has such a header */

static const char *type_name(unsigned type)
{
    static const char *const names[] = {
        "invalid", "standalone program", "kernel",      "RAM disk", "multi-file image", "firmware",
        "script",  "file system",        "device tree",
    };

    if (type == TYPE_KERNEL_NOLOAD)
        return "kernel (no load address)";
    return type < ARRAY_SIZE(names) ? names[type] : "unknown";
}

static const char *arch_name(unsigned arch)
{
    static const struct {
        unsigned arch;
        const char *name;
    } names[] = {{2, "32-bit Arm"}, {3, "x86"},     {5, "MIPS"},    {6, "64-bit MIPS"},
                 {7, "PowerPC"},    {24, "x86-64"}, {26, "RISC-V"}, {28, "64-bit RISC-V"}};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].arch == arch)
            return names[i].name;
    return "another architecture";
}

static uint32_t crc_of(const uint8_t *bytes, size_t size)
{
    return (uint32_t)crc32(0, bytes, (uInt)size);
}

static int check_crcs(const struct file_data *f, uint32_t size, struct arm_error *err)
{
    uint8_t header[HEADER_SIZE];
    uint32_t said = file_be32(f, HEADER_CRC), is;

    memcpy(header, f->bytes, HEADER_SIZE);
    memset(header + HEADER_CRC, 0, 4);
    is = crc_of(header, HEADER_SIZE);
    if (is != said)
        return error_set(err, ARM_EFORMAT,
                         "%s: U-Boot image: the header's checksum is %#x, expected %#x (offset %d)",
                         f->path, is, said, HEADER_CRC);
    said = file_be32(f, DATA_CRC);
    is = crc_of(f->bytes + HEADER_SIZE, size);
    if (is != said)
        return error_set(err, ARM_EFORMAT,
                         "%s: U-Boot image: the data's checksum is %#x, expected %#x (offset %d)",
                         f->path, is, said, DATA_CRC);
    return 0;
}

static int check(const struct file_data *f, struct arm_error *err)
{
    uint32_t size;

    if (f->size < HEADER_SIZE)
        return error_set(err, ARM_EFORMAT, "%s: U-Boot image: %zu bytes, expected a header of %d",
                         f->path, f->size, HEADER_SIZE);
    size = file_be32(f, DATA_SIZE);
    if (size == 0)
        return error_set(err, ARM_EFORMAT, "%s: U-Boot image: its data is empty", f->path);
    if (size > f->size - HEADER_SIZE)
        return error_set(err, ARM_EFORMAT,
                         "%s: U-Boot image: %u bytes of data (offset %d), expected at most the %zu "
                         "behind the header",
                         f->path, size, DATA_SIZE, f->size - HEADER_SIZE);
    return check_crcs(f, size, err);
}

static int wrong_type(const struct file_data *f, const char *expected, struct arm_error *err)
{
    unsigned type = f->bytes[TYPE];

    return error_set(err, ARM_ENOTSUP, "%s: U-Boot image: type %u (%s), expected %s", f->path, type,
                     type_name(type), expected);
}

/* Like QEMU's and U-Boot's, without unpacking: Linux does that. */
int unpack_uinitrd(struct packed *p, struct arm_error *err)
{
    const struct file_data *f = p->file;
    int rc = check(f, err);

    if (rc)
        return rc;
    if (f->bytes[TYPE] != TYPE_RAMDISK)
        return wrong_type(f, "a RAM disk", err);
    p->out_size = p->out_room = file_be32(f, DATA_SIZE);
    p->out = malloc(p->out_size + 1);
    if (!p->out)
        return error_set(err, ARM_ENOMEM, "%s: no memory for %zu bytes", f->path, p->out_size);
    memcpy(p->out, f->bytes + HEADER_SIZE, p->out_size);
    return 0;
}

static int check_kernel(const struct file_data *f, struct arm_error *err)
{
    unsigned type = f->bytes[TYPE], arch = f->bytes[ARCH];

    if (type != TYPE_KERNEL && type != TYPE_KERNEL_NOLOAD)
        return wrong_type(f, "a kernel", err);
    if (arch != ARCH_ARM64)
        return error_set(err, ARM_ENOTSUP,
                         "%s: U-Boot image: for %s (%u at offset %d), expected arm64 (%d)", f->path,
                         arch_name(arch), arch, ARCH, ARCH_ARM64);
    return 0;
}

/* The file becomes the data behind its header, unpacked. */
static int take_data(struct file_data *f, uint64_t max, struct arm_error *err)
{
    struct packed p = {.file = f, .offset = HEADER_SIZE, .out_max = max};
    int rc;

    p.size = file_be32(f, DATA_SIZE);
    if (f->bytes[COMPRESSION] == COMPRESSION_NONE) {
        f->size = f->whole = p.size;
        memmove(f->bytes, f->bytes + HEADER_SIZE, p.size);
        return 0;
    }
    rc = unpack_streams(&p, "U-Boot image: data", err);
    unpack_hand_over(&p, f, rc);
    return rc;
}

static int check_data(const struct file_data *f, struct arm_error *err)
{
    const struct format *format = format_of(f->bytes, f->size);

    if (!format || format_is_image(format))
        return 0;
    return error_set(err, ARM_ENOTSUP,
                     "%s: U-Boot image: its data is %s, expected an arm64 Image or a flat binary",
                     f->path, format->name);
}

int uimage_load(struct load_map *map, struct file_data *f, struct kernel *out,
                struct arm_error *err)
{
    int rc = check(f, err);
    uint64_t base, entry, size;
    bool noload, linux_boot;

    if (!rc)
        rc = check_kernel(f, err);
    if (rc)
        return rc;
    noload = f->bytes[TYPE] == TYPE_KERNEL_NOLOAD;
    linux_boot = f->bytes[OS] == OS_LINUX || f->bytes[OS] == OS_VXWORKS;
    base = noload ? map->ram_base + NOLOAD_OFFSET + HEADER_SIZE : file_be32(f, LOAD_ADDR);
    entry = file_be32(f, ENTRY_POINT) + (noload ? base : 0);
    rc = take_data(f, file_unpack_max(map->ram_size), err);
    if (!rc)
        rc = check_data(f, err);
    if (rc)
        return rc;
    if (noload && image_match(f))
        return image_load(map, f, out, err);
    size = image_match(f) ? image_memory(f) : f->size;
    *out = (struct kernel){
        .kind = KERNEL_UIMAGE,
        .linux_boot = linux_boot,
        .entry = entry,
        .low = base,
        .high = base + size,
    };
    return load_place(map, f->path, "U-Boot image", base, f->bytes, f->size, size, err);
}
