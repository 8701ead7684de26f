#include "devices/testdev.h"

#include <stdbool.h>

#include "base/state_io.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whatever the letter is, the packet ends with it. */
static void command(struct testdev *t, uint8_t letter)
{
    if (letter == 'q')
        t->exit(t->exit_ctx, (int)((t->argument << 1 | 1) & 0xff));
    t->argument = 0;
    t->expects = TESTDEV_BLANKS;
}

/* A blank behind digits ends the argument: a digit behind it is a command, of which there is none.
 * A packet may be of any length; QEMU 7.2 never returns from one of more than 32 characters. */
void testdev_write(void *dev, const uint8_t *data, size_t n)
{
    struct testdev *t = dev;

    for (size_t i = 0; i < n; i++) {
        if (is_digit(data[i]) && t->expects != TESTDEV_COMMAND) {
            t->argument = t->argument * 10 + (uint32_t)(data[i] - '0');
            t->expects = TESTDEV_DIGITS;
        } else if (!is_blank(data[i])) {
            command(t, data[i]);
        } else if (t->expects == TESTDEV_DIGITS) {
            t->expects = TESTDEV_COMMAND;
        }
    }
}

void testdev_state(struct state_io *io, struct testdev *t)
{
    STATE(io, t->argument);
    STATE(io, t->expects);
    state_require(io, t->expects <= TESTDEV_COMMAND, "t->expects");
}
