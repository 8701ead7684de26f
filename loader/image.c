#include <string.h>

#include "base/bits.h"
#include "loader/kernel.h"

/* The header of an arm64 Image: Documentation/arch/arm64/booting.rst of Linux, section 4. */
#define IMAGE_TEXT_OFFSET 8
#define IMAGE_SIZE        16
#define IMAGE_MAGIC       56
#define IMAGE_HEADER_SIZE 64

#define FLAT_OFFSET 0x80000 /* text_offset before it was a field of the header */
#define STUB_SIZE   0x1000  /* where QEMU keeps its boot code; such an offset moves up */
#define IMAGE_ALIGN (UINT64_C(2) << 20)

static bool is_image(const struct file_data *f)
{
    return f->size >= IMAGE_HEADER_SIZE && memcmp(f->bytes + IMAGE_MAGIC, "ARM\x64", 4) == 0;
}

static int check_flat(const struct file_data *f, struct arm_error *err)
{
    if (f->size == 0)
        return error_set(err, ARM_EFORMAT, "%s: empty, expected a kernel", f->path);
    if (f->size >= 2 && memcmp(f->bytes, "MZ", 2) == 0)
        return error_set(err, ARM_ENOTSUP,
                         "%s: a PE file without \"ARM\\x64\" at offset %d: not an arm64 Image",
                         f->path, IMAGE_MAGIC);
    return 0;
}

/* image_size counts what the kernel needs beyond the end of the file (its .bss) too. */
static int image_span(const struct file_data *f, uint64_t *offset, uint64_t *size,
                      struct arm_error *err)
{
    uint64_t text_offset = file_le64(f, IMAGE_TEXT_OFFSET);

    *size = file_le64(f, IMAGE_SIZE);
    if (*size == 0) { /* before Linux 3.17; then text_offset's byte order is unspecified */
        *size = f->size;
        return 0;
    }
    if (text_offset >= IMAGE_ALIGN)
        return error_set(err, ARM_EFORMAT,
                         "%s: arm64 Image: text_offset at offset %d is %#llx, expected below 2 MiB",
                         f->path, IMAGE_TEXT_OFFSET, (unsigned long long)text_offset);
    if (*size < f->size)
        *size = f->size;
    *offset = text_offset < STUB_SIZE ? text_offset + IMAGE_ALIGN : text_offset;
    return 0;
}

int image_load(struct load_map *map, const struct file_data *f, uint64_t ram_base,
               struct kernel *out, struct arm_error *err)
{
    bool image = is_image(f);
    uint64_t offset = FLAT_OFFSET, size = f->size;
    int rc = image ? image_span(f, &offset, &size, err) : check_flat(f, err);

    if (rc)
        return rc;
    *out = (struct kernel){
        .kind = image ? KERNEL_IMAGE : KERNEL_FLAT,
        .entry = ram_base + offset,
        .low = ram_base + offset,
        .high = ram_base + offset + size,
    };
    return load_place(map, f->path, image ? "arm64 Image" : "flat kernel", out->low, f->bytes,
                      f->size, size, err);
}
