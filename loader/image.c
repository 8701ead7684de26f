#include "base/bits.h"
#include "base/magic.h"
#include "loader/kernel.h"

#define IMAGE_TEXT_OFFSET 8 /* in the header (base/magic.h) */

#define FLAT_OFFSET 0x80000 /* text_offset before it was a field of the header */
#define STUB_SIZE   0x1000  /* where QEMU keeps its boot code; such an offset moves up */
#define IMAGE_ALIGN (UINT64_C(2) << 20)

bool image_match(const struct file_data *f)
{
    return f->size >= IMAGE_HEADER_SIZE && format_is_image(format_of(f->bytes, f->size));
}

/* image_size counts what the kernel needs beyond the end of the file (its .bss) too. Before Linux
 * 3.17 it was 0. */
uint64_t image_memory(const struct file_data *f)
{
    uint64_t size = file_le64(f, IMAGE_SIZE_AT);

    return size < file_extent(f) ? file_extent(f) : size;
}

/* Where it goes, from a 2 MiB aligned base on: the protocol sets no bound but RAM's. */
static int image_offset(const struct load_map *map, const struct file_data *f, uint64_t *offset,
                        struct arm_error *err)
{
    uint64_t text_offset = file_le64(f, IMAGE_TEXT_OFFSET);

    if (file_le64(f, IMAGE_SIZE_AT) == 0)
        return 0; /* then text_offset's byte order is unspecified */
    if (text_offset >= map->ram_size)
        return error_set(err, ARM_EFORMAT,
                         "%s: arm64 Image: text_offset at offset %d is %#llx, expected below the "
                         "%#llx bytes of RAM",
                         f->path, IMAGE_TEXT_OFFSET, (unsigned long long)text_offset,
                         (unsigned long long)map->ram_size);
    *offset = text_offset < STUB_SIZE ? text_offset + IMAGE_ALIGN : text_offset;
    return 0;
}

int image_load(struct load_map *map, struct file_data *f, struct kernel *out, struct arm_error *err)
{
    bool image = image_match(f);
    uint64_t offset = FLAT_OFFSET, size = image ? image_memory(f) : file_extent(f);
    int rc = image ? image_offset(map, f, &offset, err) : 0;

    if (rc)
        return rc;
    *out = (struct kernel){
        .kind = image ? KERNEL_IMAGE : KERNEL_FLAT,
        .linux_boot = true,
        .entry = map->ram_base + offset,
        .low = map->ram_base + offset,
        .high = map->ram_base + offset + size,
    };
    return load_place_file(map, f, image ? "arm64 Image" : "flat kernel", out->low, size, err);
}
