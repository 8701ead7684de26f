#include "bytes.h"

#include <stdlib.h>
#include <string.h>

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

/* Room for @size more behind the others: those that were taken make place, or it grows. */
static bool make_room(struct bytes *b, size_t size)
{
    size_t room = b->room ? b->room : 256;
    uint8_t *bigger;

    if (size <= b->room - b->first - b->count)
        return true;
    if (b->first > b->count) {
        memmove(b->data, b->data + b->first, b->count);
        b->first = 0;
    }
    while (room - b->first - b->count < size)
        room *= 2;
    bigger = room == b->room ? b->data : realloc(b->data, room);
    if (!bigger)
        return false;
    b->data = bigger;
    b->room = room;
    return true;
}

bool bytes_append(struct bytes *b, const void *data, size_t size)
{
    if (size == 0)
        return true;
    if (!make_room(b, size))
        return false;
    memcpy(b->data + b->first + b->count, data, size);
    b->count += size;
    return true;
}

const uint8_t *bytes_peek(const struct bytes *b)
{
    return b->count ? b->data + b->first : NULL;
}

void bytes_drop(struct bytes *b, size_t size)
{
    b->first += size;
    b->count -= size;
    if (b->count == 0)
        b->first = 0;
}
