#include "devices/testdev.h"

#include <stdbool.h>

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Differs: blanks between two digits do not end the packet; nobody writes them. */
void testdev_write(void *dev, const uint8_t *data, size_t n)
{
    struct testdev *t = dev;

    for (size_t i = 0; i < n; i++) {
        if (is_digit(data[i])) {
            t->argument = t->argument * 10 + (uint32_t)(data[i] - '0');
        } else if (!is_blank(data[i])) {
            if (data[i] == 'q')
                t->exit(t->exit_ctx, (int)((t->argument << 1 | 1) & 0xff));
            t->argument = 0;
        }
    }
}
