#include "trace/protobuf.h"

#include <string.h>

/* Wire types. */
enum { VARINT = 0, LEN = 2 };

/* Of a message whose length is not known yet: more than a short one needs is allowed. */
#define LENGTH_BYTES 4

static void add_varint(GString *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        g_string_append_c(out, (char)(value | 0x80));
    g_string_append_c(out, (char)value);
}

static void add_tag(GString *out, unsigned field, unsigned type)
{
    add_varint(out, (uint64_t)field << 3 | type);
}

void protobuf_number(GString *out, unsigned field, uint64_t value)
{
    add_tag(out, field, VARINT);
    add_varint(out, value);
}

void protobuf_packed(GString *out, unsigned field, const uint64_t *values, size_t count)
{
    size_t at = protobuf_open(out, field);

    for (size_t k = 0; k < count; k++)
        add_varint(out, values[k]);
    protobuf_close(out, at);
}

void protobuf_text(GString *out, unsigned field, const char *text)
{
    size_t size = strlen(text);

    add_tag(out, field, LEN);
    add_varint(out, size);
    g_string_append_len(out, text, (gssize)size);
}

size_t protobuf_open(GString *out, unsigned field)
{
    static const char room[LENGTH_BYTES];

    add_tag(out, field, LEN);
    g_string_append_len(out, room, sizeof(room));
    return out->len;
}

void protobuf_close(GString *out, size_t at)
{
    size_t size = out->len - at;

    for (unsigned k = 0; k < LENGTH_BYTES; k++)
        out->str[at - LENGTH_BYTES + k] =
            (char)((size >> (7 * k) & 0x7f) | (k + 1 < LENGTH_BYTES ? 0x80 : 0));
}
