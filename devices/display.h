/*
 * What the guest shows: one struct, which every device with a picture fills, and which whoever
 * looks at it (a screenshot, a window) turns into numbers of 0x00RRGGBB. Nothing is copied before
 * somebody looks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISPLAY_SIDE_MAX 16384 /* pixels */

/* Lowest bit and number of bits, 0 to 8, of a colour in a pixel. */
struct pixel_bits {
    uint8_t at, count;
};

/* A row of devices/pixel_format.def. */
struct pixel_format {
    const char *name;
    uint32_t virtio, fourcc;
    uint8_t bytes;
    struct pixel_bits red, green, blue, alpha;
};

/* NULL: there is none of that number. */
const struct pixel_format *pixel_format_of_virtio(uint32_t number);
const struct pixel_format *pixel_format_of_fourcc(uint32_t fourcc);

/* The pixel at @from as 0xAARRGGBB; without an alpha channel it is opaque. */
uint32_t pixel_get(const struct pixel_format *format, const uint8_t *from);

/* The pointer's picture: 0xAARRGGBB, a line behind the other. */
#define DISPLAY_POINTER_SIDE 64
struct display_pointer {
    bool on;
    int32_t x, y; /* of its upper left corner in the display */
    uint32_t pixels[DISPLAY_POINTER_SIDE * DISPLAY_POINTER_SIDE];
};

/* What is shown, as long as the guest does nothing. */
struct display {
    uint32_t width, height; /* pixels, 1 to DISPLAY_SIDE_MAX */
    const struct pixel_format *format;
    const uint8_t *pixels;                 /* the device's, or RAM */
    size_t stride;                         /* bytes from a line to the next one */
    const struct display_pointer *pointer; /* NULL: none */
    uint64_t changes; /* since then nothing has changed if it is the same; 0: that is not known */
};

/* A device with a picture; it must not move. */
struct display_source {
    bool (*show)(void *ctx, struct display *d); /* false: it shows nothing */
    void *ctx;
    struct display_source *next; /* the list's */
};

struct display_sources {
    struct display_source *first;
};

/* Behind those that are there already. */
void display_add(struct display_sources *sources, struct display_source *source);

/* What the first source shows that shows something; false: none does. */
bool display_show(const struct display_sources *sources, struct display *d);

/* @to: width * height numbers of 0x00RRGGBB, line by line, with the pointer in them. */
void display_read(const struct display *d, uint32_t *to);
