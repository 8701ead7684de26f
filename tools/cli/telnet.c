#include "telnet.h"

#include <string.h>

#define IAC  255 /* a command follows; twice: the byte itself */
#define DO   253
#define WILL 251
#define SB   250 /* subnegotiation, up to IAC SE */
#define SE   240

enum { TEXT, COMMAND, OPTION, SUB, SUB_COMMAND };

const uint8_t telnet_greeting[12] = {IAC, WILL, 1, IAC, WILL, 3, IAC, WILL, 0, IAC, DO, 0};

void telnet_begin(struct telnet *t)
{
    t->state = TEXT;
}

/* What a command's byte leads to. WILL to DONT (251..254) have an option behind them. */
static uint8_t after_command(uint8_t byte)
{
    if (byte == SB)
        return SUB;
    return byte >= WILL && byte < IAC ? OPTION : TEXT;
}

/* True: it is a character. */
static int take(struct telnet *t, uint8_t byte)
{
    switch (t->state) {
    case TEXT:
        if (byte == IAC)
            t->state = COMMAND;
        return byte != IAC;
    case COMMAND:
        t->state = byte == IAC ? TEXT : after_command(byte);
        return byte == IAC;
    case OPTION:
        t->state = TEXT;
        return 0;
    case SUB:
        if (byte == IAC)
            t->state = SUB_COMMAND;
        return 0;
    default:
        t->state = byte == SE ? TEXT : SUB;
        return 0;
    }
}

size_t telnet_decode(struct telnet *t, uint8_t *buf, size_t size)
{
    size_t kept = 0;

    for (size_t k = 0; k < size; k++)
        if (take(t, buf[k]))
            buf[kept++] = buf[k];
    return kept;
}

void telnet_encode(struct bytes *to, const void *data, size_t size)
{
    const uint8_t *at = data, iac = IAC;

    while (size) {
        const uint8_t *found = memchr(at, IAC, size);
        size_t n = found ? (size_t)(found - at) + 1 : size;
        if (!bytes_append(to, at, n) || (found && !bytes_append(to, &iac, 1)))
            return;
        at += n;
        size -= n;
    }
}
