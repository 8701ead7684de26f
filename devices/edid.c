#include "devices/edid.h"

#include <string.h>

#include "base/le.h"

#define REFRESH_HZ      60
#define DOTS_PER_INCH   100
#define HORIZONTAL_GAP  160 /* pixels without a picture, as reduced blanking has them */
#define VERTICAL_GAP    40  /* lines */
#define CLOCK_UNIT_HZ   10000
#define CLOCK_MAX_UNITS 0xffff

/* 3.1, EDID format overview: where its parts are */
enum {
    MANUFACTURER = 8,
    PRODUCT = 10,
    YEAR = 17,
    VERSION = 18,
    INPUT = 20,
    SIZE = 21,
    GAMMA = 23,
    FEATURES = 24,
    COLOURS = 25,
    ESTABLISHED = 35,
    STANDARD = 38,
    DESCRIPTORS = 54,
    DESCRIPTOR_BYTES = 18,
    CHECKSUM = 127,
};

static unsigned millimetres(unsigned pixels)
{
    return pixels * 254 / (10 * DOTS_PER_INCH);
}

/* 3.10.2, Detailed Timing Descriptor: low bytes of pairs of numbers, then their upper nibbles. */
static void put_pair(uint8_t *to, uint8_t *upper, unsigned a, unsigned b)
{
    to[0] = (uint8_t)a;
    to[1] = (uint8_t)b;
    *upper = (uint8_t)(a >> 8 << 4 | b >> 8);
}

static void put_timing(uint8_t *d, unsigned width, unsigned height)
{
    unsigned clock =
        (width + HORIZONTAL_GAP) * (height + VERTICAL_GAP) * REFRESH_HZ / CLOCK_UNIT_HZ;

    le_put(d, 2, clock < CLOCK_MAX_UNITS ? clock : CLOCK_MAX_UNITS);
    put_pair(d + 2, d + 4, width, HORIZONTAL_GAP);
    put_pair(d + 5, d + 7, height, VERTICAL_GAP);
    d[8] = 48;    /* pixels before the horizontal pulse */
    d[9] = 32;    /* and in it */
    d[10] = 0x36; /* 3 lines before the vertical one, 6 in it */
    put_pair(d + 12, d + 14, millimetres(width), millimetres(height));
    d[17] = 0x1e; /* digital separate pulses, both positive */
}

/* 3.10.3, Display Descriptor: @tag, and a text of at most 13 characters that ends in a newline. */
static void put_text(uint8_t *d, uint8_t tag, const char *text)
{
    size_t length = strlen(text);

    d[3] = tag;
    memset(d + 5, ' ', 13);
    memcpy(d + 5, text, length);
    d[5 + length] = '\n';
}

static void put_limits(uint8_t *d)
{
    static const uint8_t limits[] = {50, 125, 30, 160, 255, 1, '\n', ' ', ' ', ' ', ' ', ' ', ' '};

    d[3] = 0xfd;
    memcpy(d + 5, limits, sizeof(limits));
}

static void put_checksum(uint8_t *edid)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < CHECKSUM; i++)
        sum = (uint8_t)(sum + edid[i]);
    edid[CHECKSUM] = (uint8_t)-sum;
}

void edid_make(uint8_t edid[EDID_BYTES], unsigned width, unsigned height)
{
    static const uint8_t header[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    static const uint8_t srgb[] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    unsigned manufacturer = ('A' - '@') << 10 | ('R' - '@') << 5 | ('L' - '@');
    unsigned cm[2] = {millimetres(width) / 10, millimetres(height) / 10};

    memset(edid, 0, EDID_BYTES);
    memcpy(edid, header, sizeof(header));
    edid[MANUFACTURER] = (uint8_t)(manufacturer >> 8);
    edid[MANUFACTURER + 1] = (uint8_t)manufacturer;
    le_put(edid + PRODUCT, 2, 1);
    edid[YEAR] = 2023 - 1990;
    edid[VERSION] = 1;
    edid[VERSION + 1] = 4;
    edid[INPUT] = 0xa5; /* digital, 8 bits a colour, DisplayPort */
    for (unsigned i = 0; i < 2; i++)
        edid[SIZE + i] = (uint8_t)(cm[i] < 255 ? cm[i] : 255);
    edid[GAMMA] = 220 - 100;
    edid[FEATURES] = 0x06; /* sRGB; the first timing is the native one */
    memcpy(edid + COLOURS, srgb, sizeof(srgb));
    edid[ESTABLISHED] = 0x21;       /* 640x480 and 800x600 at 60 Hz */
    edid[ESTABLISHED + 1] = 0x08;   /* 1024x768 */
    memset(edid + STANDARD, 1, 16); /* none */
    put_timing(edid + DESCRIPTORS, width, height);
    put_text(edid + DESCRIPTORS + DESCRIPTOR_BYTES, 0xfc, "Armillary");
    put_limits(edid + DESCRIPTORS + 2 * DESCRIPTOR_BYTES);
    edid[DESCRIPTORS + 3 * DESCRIPTOR_BYTES + 3] = 0x10; /* unused */
    put_checksum(edid);
}
