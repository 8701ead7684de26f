#include "devices/display.h"

#include "base/bits.h"
#include "base/le.h"

#define FOURCC(s)                                                                                  \
    ((uint32_t)(s)[0] | (uint32_t)(s)[1] << 8 | (uint32_t)(s)[2] << 16 | (uint32_t)(s)[3] << 24)

static const struct pixel_format formats[] = {
#define BITS(at, count)                                                                            \
    {                                                                                              \
        at, count                                                                                  \
    }
#define PIXEL_FORMAT(name, virtio, fourcc, bytes, red, green, blue, alpha)                         \
    {#name, virtio, FOURCC(fourcc), bytes, red, green, blue, alpha},
#include "devices/pixel_format.def"
#undef PIXEL_FORMAT
#undef BITS
};

const struct pixel_format *pixel_format_of_virtio(uint32_t number)
{
    for (size_t k = 0; number && k < ARRAY_SIZE(formats); k++)
        if (formats[k].virtio == number)
            return &formats[k];
    return NULL;
}

const struct pixel_format *pixel_format_of_fourcc(uint32_t fourcc)
{
    for (size_t k = 0; k < ARRAY_SIZE(formats); k++)
        if (formats[k].fourcc == fourcc)
            return &formats[k];
    return NULL;
}

/* A channel of fewer bits is repeated below itself, so that all ones become 255. */
static uint32_t channel(uint32_t pixel, struct pixel_bits bits)
{
    uint32_t v = pixel >> bits.at & ((1u << bits.count) - 1);

    return bits.count == 8 ? v : v << (8 - bits.count) | v >> (2 * bits.count - 8);
}

uint32_t pixel_get(const struct pixel_format *format, const uint8_t *from)
{
    uint32_t pixel = (uint32_t)le_get(from, format->bytes);
    uint32_t alpha = format->alpha.count ? channel(pixel, format->alpha) : 0xff;

    return alpha << 24 | channel(pixel, format->red) << 16 | channel(pixel, format->green) << 8 |
           channel(pixel, format->blue);
}

void display_add(struct display_sources *sources, struct display_source *source)
{
    struct display_source **at = &sources->first;

    while (*at)
        at = &(*at)->next;
    source->next = NULL;
    *at = source;
}

bool display_show(const struct display_sources *sources, struct display *d)
{
    for (struct display_source *s = sources->first; s; s = s->next)
        if (s->show(s->ctx, d))
            return true;
    return false;
}

/* The pointer's picture has its colours multiplied by alpha already, as virtio-gpu's driver in
 * Linux has it from its users. */
static uint32_t blend(uint32_t below, uint32_t above)
{
    uint32_t rest = 255 - (above >> 24), out = 0;

    for (unsigned at = 0; at < 24; at += 8) {
        uint32_t sum = (above >> at & 0xff) + (below >> at & 0xff) * rest / 255;
        out |= (sum < 255 ? sum : 255) << at;
    }
    return out;
}

static void draw_pointer(const struct display *d, uint32_t *to)
{
    const struct display_pointer *p = d->pointer;

    for (int64_t y = 0; y < DISPLAY_POINTER_SIDE; y++)
        for (int64_t x = 0; x < DISPLAY_POINTER_SIDE; x++) {
            int64_t at_x = p->x + x, at_y = p->y + y;
            if (at_x < 0 || at_y < 0 || at_x >= d->width || at_y >= d->height)
                continue;
            uint32_t *pixel = &to[at_y * d->width + at_x];
            *pixel = blend(*pixel, p->pixels[y * DISPLAY_POINTER_SIDE + x]);
        }
}

void display_read(const struct display *d, uint32_t *to)
{
    uint32_t *at = to;

    for (uint32_t y = 0; y < d->height; y++) {
        const uint8_t *from = d->pixels + y * d->stride;
        for (uint32_t x = 0; x < d->width; x++, from += d->format->bytes)
            *at++ = pixel_get(d->format, from) & 0xffffff;
    }
    if (d->pointer && d->pointer->on)
        draw_pointer(d, to);
}
