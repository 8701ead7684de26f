#include "devices/ramfb.h"

#include "base/be.h"

#define FILE_NAME "etc/ramfb"

/* Big-endian: u64 address, u32 fourcc, flags, width, height, stride */
enum { ADDRESS = 0, FOURCC = 8, FLAGS = 12, WIDTH = 16, HEIGHT = 20, STRIDE = 24, BYTES = 28 };
#define SIDE_MIN 16 /* QEMU's */

/* The file is looked at when somebody looks at the picture. What is in it may make no sense. */
static bool show(void *ctx, struct display *d)
{
    const struct ramfb *ramfb = ctx;
    const uint8_t *file = fw_cfg_file(ramfb->fw, FILE_NAME);
    const struct pixel_format *format = pixel_format_of_fourcc((uint32_t)be_get(file + FOURCC, 4));
    uint64_t width = be_get(file + WIDTH, 4), height = be_get(file + HEIGHT, 4);
    uint64_t stride = be_get(file + STRIDE, 4);

    if (!format || width < SIDE_MIN || height < SIDE_MIN || width > DISPLAY_SIDE_MAX ||
        height > DISPLAY_SIDE_MAX)
        return false;
    if (!stride)
        stride = width * format->bytes;
    *d = (struct display){
        .width = (uint32_t)width,
        .height = (uint32_t)height,
        .format = format,
        .pixels = physmem_ram(ramfb->mem, pa(be_get(file + ADDRESS, 8)),
                              stride * (height - 1) + width * format->bytes),
        .stride = stride,
    };
    return d->pixels != NULL;
}

int ramfb_init(struct ramfb *ramfb, struct fw_cfg *fw, struct physmem *mem, struct arm_error *err)
{
    static const uint8_t nothing[BYTES];

    *ramfb = (struct ramfb){.source = {.show = show, .ctx = ramfb}, .fw = fw, .mem = mem};
    return fw_cfg_add_writable(fw, FILE_NAME, nothing, sizeof(nothing), err);
}
