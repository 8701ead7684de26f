#include "picture.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

#include "trace/library.h"

#define LIBRARY "libpng16.so.16"

#define PNG_CALLS(X) X(write_to_stdio) X(free)

/* The library, which is loaded when a picture is to be written. */
struct png_calls {
#define X(name) __typeof__(png_image_##name) *name;
    PNG_CALLS(X)
#undef X
};

static bool load(struct png_calls *to, char **error)
{
    static const struct library_call calls[] = {
#define X(name) {"png_image_" #name, offsetof(struct png_calls, name)},
        PNG_CALLS(X)
#undef X
    };

    if (library_load(LIBRARY, calls, G_N_ELEMENTS(calls), to) == LIBRARY_COMPLETE)
        return true;
    *error = g_strdup("a PNG file needs " LIBRARY);
    return false;
}

/* Three bytes a pixel, g_free() them; NULL: nothing is shown. */
static uint8_t *read_rgb(const struct arm_machine *m, struct arm_display *d)
{
    if (!arm_display_get(m, d))
        return NULL;
    size_t count = (size_t)d->width * d->height;
    uint32_t *pixels = g_try_new(uint32_t, count);
    uint8_t *rgb = (uint8_t *)pixels; /* in place: three bytes for each four */

    if (!pixels)
        return NULL;
    if (!arm_display_read(m, pixels, count)) {
        g_free(pixels);
        return NULL;
    }
    for (size_t k = 0; k < count; k++) {
        uint32_t pixel = pixels[k];
        for (unsigned channel = 0; channel < 3; channel++)
            rgb[3 * k + channel] = (uint8_t)(pixel >> (16 - 8 * channel));
    }
    return rgb;
}

static bool write_png(const struct png_calls *calls, FILE *f, const struct arm_display *d,
                      const uint8_t *rgb)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = d->width,
                       .height = d->height,
                       .format = PNG_FORMAT_RGB};
    bool good = calls->write_to_stdio(&image, f, 0, rgb, 0, NULL) != 0;

    calls->free(&image);
    return good;
}

static bool write_ppm(FILE *f, const struct arm_display *d, const uint8_t *rgb)
{
    size_t size = (size_t)d->width * d->height * 3;

    return fprintf(f, "P6\n%u %u\n255\n", d->width, d->height) > 0 &&
           fwrite(rgb, 1, size, f) == size;
}

bool picture_write_as(const struct arm_machine *m, const char *file, const char *format,
                      char **error)
{
    bool png = format ? !strcmp(format, "png") : g_str_has_suffix(file, ".png");
    struct arm_display d = {0};
    struct png_calls calls;

    if (png && !load(&calls, error))
        return false;
    uint8_t *rgb = read_rgb(m, &d);
    if (!rgb) {
        *error = g_strdup_printf("%s: not written: %s", file,
                                 d.width ? "no memory for it" : "the guest shows no picture");
        return false;
    }
    FILE *f = fopen(file, "wbe");
    bool good = f && (png ? write_png(&calls, f, &d, rgb) : write_ppm(f, &d, rgb));
    int number = errno;
    if (f && fclose(f) != 0) {
        number = errno;
        good = false;
    }
    if (!good)
        *error = g_strdup_printf("%s: cannot write: %s", file, strerror(number));
    g_free(rgb);
    return good;
}

bool picture_write(const struct arm_machine *m, const char *file, char **error)
{
    return picture_write_as(m, file, NULL, error);
}
