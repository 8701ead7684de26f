#include "devices/bochs.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"
#include "devices/edid.h"

#define VRAM_BAR   0
#define REGS_BAR   2
#define REGS_BYTES 4096

/* Where in the registers' base address what is: standard-vga, "Memory region 2". */
enum { AT_EDID = 0, AT_DISPI = 0x500, AT_EXTENDED = 0x600, AT_ENDIAN = 0x604 };
#define EXTENDED_BYTES 8
#define LITTLE_ENDIAN_ UINT32_C(0x1e1e1e1e)

/* Bochs' registers, vbe_display_api of Bochs. */
enum { ID, XRES, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET, MEMORY_64K };
#define VERSION      0xb0c5
#define ENABLED      0x01
#define GET_LIMITS   0x02
#define KEEP_MEMORY  0x80
#define SIDE_LIMIT   16000
#define BPP_LIMIT    32
#define SIDE_MIN     16
#define FOURCC(text) ((uint32_t)(text)[0] | (text)[1] << 8 | (text)[2] << 16 | (text)[3] << 24)

static struct bochs *to_bochs(struct pci_function *f)
{
    return (struct bochs *)f;
}

/* ---- the picture ---- */

static const struct pixel_format *format_of(unsigned bpp)
{
    return bpp == 32   ? pixel_format_of_fourcc(FOURCC("XR24"))
           : bpp == 24 ? pixel_format_of_fourcc(FOURCC("RG24"))
           : bpp == 16 ? pixel_format_of_fourcc(FOURCC("RG16"))
                       : NULL;
}

/* What the registers say may make no sense; then nothing is shown. */
static bool show(void *ctx, struct display *d)
{
    const struct bochs *b = ctx;
    const uint16_t *r = b->regs;
    const struct pixel_format *format = format_of(r[BPP]);
    uint64_t stride, from;

    if (!(r[ENABLE] & ENABLED) || !format || r[XRES] < SIDE_MIN || r[YRES] < SIDE_MIN)
        return false;
    stride = (uint64_t)(r[VIRT_WIDTH] > r[XRES] ? r[VIRT_WIDTH] : r[XRES]) * format->bytes;
    from = r[Y_OFFSET] * stride + (uint64_t)r[X_OFFSET] * format->bytes;
    *d = (struct display){
        .width = r[XRES],
        .height = r[YRES],
        .format = format,
        .pixels = b->vram + from,
        .stride = stride,
    };
    return d->width <= DISPLAY_SIDE_MAX && d->height <= DISPLAY_SIDE_MAX &&
           from + stride * (d->height - 1) + (uint64_t)d->width * format->bytes <= b->vram_bytes;
}

/* ---- registers ---- */

static uint16_t read_dispi(const struct bochs *b, unsigned n)
{
    bool limits = b->regs[ENABLE] & GET_LIMITS;

    if (n >= BOCHS_REGISTERS)
        return 0;
    if (limits && (n == XRES || n == YRES))
        return SIDE_LIMIT;
    return limits && n == BPP ? BPP_LIMIT : b->regs[n];
}

static void enable(struct bochs *b, uint16_t value)
{
    if ((value & ENABLED) && !(b->regs[ENABLE] & ENABLED)) {
        b->regs[VIRT_WIDTH] = b->regs[XRES];
        b->regs[VIRT_HEIGHT] = b->regs[YRES];
        b->regs[X_OFFSET] = b->regs[Y_OFFSET] = 0;
        if (!(value & KEEP_MEMORY))
            memset(b->vram, 0, b->vram_bytes);
    }
    b->regs[ENABLE] = value;
}

static void write_dispi(struct bochs *b, unsigned n, uint16_t value)
{
    if (n == ENABLE)
        enable(b, value);
    else if (n > ID && n < MEMORY_64K)
        b->regs[n] = value;
}

static uint64_t read_register(const struct bochs *b, uint64_t offset, unsigned size)
{
    uint8_t edid[EDID_BYTES];

    if (offset + size <= EDID_BYTES) {
        edid_make(edid, b->width, b->height);
        return le_get(edid + offset, size);
    }
    if (offset >= AT_DISPI && offset < AT_DISPI + 2 * BOCHS_REGISTERS && size == 2)
        return read_dispi(b, (unsigned)(offset - AT_DISPI) / 2);
    if (offset == AT_EXTENDED)
        return EXTENDED_BYTES;
    return offset == AT_ENDIAN ? LITTLE_ENDIAN_ : 0;
}

static uint64_t read_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    struct bochs *b = to_bochs(f);

    return bar == VRAM_BAR ? le_get(b->vram + offset, size) : read_register(b, offset, size);
}

/* The byte order is the little-endian one, whatever is wished. */
static void write_bar(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct bochs *b = to_bochs(f);

    if (bar == VRAM_BAR)
        le_put(b->vram + offset, size, value);
    else if (offset >= AT_DISPI && offset < AT_DISPI + 2 * BOCHS_REGISTERS && size == 2)
        write_dispi(b, (unsigned)(offset - AT_DISPI) / 2, (uint16_t)value);
}

/* ---- the function ---- */

static void reset(struct pci_function *f)
{
    struct bochs *b = to_bochs(f);

    memset(b->regs, 0, sizeof(b->regs));
    b->regs[ID] = VERSION;
    b->regs[MEMORY_64K] = (uint16_t)(b->vram_bytes >> 16);
    memset(b->vram, 0, b->vram_bytes);
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct bochs *b = to_bochs(f);

    for (unsigned n = XRES; n < MEMORY_64K; n++)
        STATE(io, b->regs[n]);
    state_pages(io, "b->vram", b->vram, b->vram_bytes);
}

static const struct pci_ops ops = {
    .name = "bochs-display",
    .read = read_bar,
    .write = write_bar,
    .reset = reset,
    .state = state,
};

int bochs_init(struct bochs *b, const struct bochs_config *config, const struct arm_log *log,
               struct arm_error *err)
{
    *b = (struct bochs){.source = {.show = show, .ctx = b},
                        .width = config->width,
                        .height = config->height,
                        .vram = calloc(1, config->vram_bytes),
                        .vram_bytes = config->vram_bytes};
    if (!b->vram)
        return error_set(err, ARM_ENOMEM, "no memory for a frame buffer of %u MiB",
                         config->vram_bytes >> 20);
    pci_init(&b->function, &ops, log,
             &(struct pci_identity){.vendor = 0x1234,
                                    .device = 0x1111,
                                    .subsystem_vendor = 0x1af4,
                                    .subsystem = 0x1100,
                                    .class = config->vga ? 0x0300 : 0x0380,
                                    .revision = 2});
    pci_add_bar(&b->function, VRAM_BAR, (struct pci_bar){.size = b->vram_bytes});
    pci_add_bar(&b->function, REGS_BAR, (struct pci_bar){.size = REGS_BYTES});
    return 0;
}

void bochs_destroy(struct bochs *b)
{
    free(b->vram);
}
