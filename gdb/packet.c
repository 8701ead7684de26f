#include "gdb/packet.h"

void gdb_reader_init(struct gdb_reader *r)
{
    *r = (struct gdb_reader){.data = g_byte_array_new()};
}

void gdb_reader_free(struct gdb_reader *r)
{
    g_byte_array_unref(r->data);
}

static enum gdb_token outside(struct gdb_reader *r, uint8_t byte)
{
    switch (byte) {
    case '$':
        g_byte_array_set_size(r->data, 0);
        r->state = GDB_DATA;
        r->sum = 0;
        r->too_long = false;
        return GDB_TOKEN_NONE;
    case 3:
        return GDB_TOKEN_INTERRUPT;
    case '-':
        return GDB_TOKEN_AGAIN;
    default: /* "+", and what is no packet's */
        return GDB_TOKEN_NONE;
    }
}

static void add(struct gdb_reader *r, uint8_t byte)
{
    r->too_long |= r->data->len == GDB_PACKET_MAX;
    if (!r->too_long)
        g_byte_array_append(r->data, &byte, 1);
}

static enum gdb_token inside(struct gdb_reader *r, uint8_t byte)
{
    if (byte == '$') /* the end of the one before is lost */
        return outside(r, byte);
    if (byte == '#') {
        r->state = GDB_SUM_HIGH;
        return GDB_TOKEN_NONE;
    }
    r->sum += byte;
    if (byte == '}')
        r->state = GDB_ESCAPED;
    else
        add(r, byte);
    return GDB_TOKEN_NONE;
}

static int hex_digit(uint8_t c)
{
    return g_ascii_isxdigit((char)c) ? g_ascii_xdigit_value((char)c) : -1;
}

enum gdb_token gdb_reader_byte(struct gdb_reader *r, uint8_t byte)
{
    int digit = hex_digit(byte);

    switch (r->state) {
    case GDB_OUTSIDE:
        return outside(r, byte);
    case GDB_DATA:
        return inside(r, byte);
    case GDB_ESCAPED:
        r->sum += byte;
        r->state = GDB_DATA;
        add(r, byte ^ 0x20);
        return GDB_TOKEN_NONE;
    case GDB_SUM_HIGH:
        r->too_long |= digit < 0;
        r->given = (uint8_t)((unsigned)digit << 4);
        r->state = GDB_SUM_LOW;
        return GDB_TOKEN_NONE;
    default:
        r->state = GDB_OUTSIDE;
        return digit >= 0 && (r->given | digit) == r->sum && !r->too_long ? GDB_TOKEN_PACKET
                                                                          : GDB_TOKEN_BAD;
    }
}

static const char digits[] = "0123456789abcdef";

static void put(GByteArray *out, uint8_t byte, uint8_t *sum)
{
    *sum += byte;
    g_byte_array_append(out, &byte, 1);
}

void gdb_packet_append(GByteArray *out, const uint8_t *data, size_t size)
{
    uint8_t sum = 0, ignored = 0;

    put(out, '$', &ignored);
    for (size_t k = 0; k < size; k++) {
        bool escaped = data[k] == '$' || data[k] == '#' || data[k] == '}' || data[k] == '*';
        if (escaped)
            put(out, '}', &sum);
        put(out, escaped ? data[k] ^ 0x20 : data[k], &sum);
    }
    put(out, '#', &ignored);
    put(out, (uint8_t)digits[sum >> 4], &ignored);
    put(out, (uint8_t)digits[sum & 15], &ignored);
}

void gdb_append_hex(GString *out, const uint8_t *bytes, size_t size)
{
    for (size_t k = 0; k < size; k++) {
        g_string_append_c(out, digits[bytes[k] >> 4]);
        g_string_append_c(out, digits[bytes[k] & 15]);
    }
}

bool gdb_hex_bytes(const char *text, size_t length, GByteArray *out)
{
    for (size_t k = 0; k + 1 < length; k += 2) {
        int high = hex_digit((uint8_t)text[k]), low = hex_digit((uint8_t)text[k + 1]);
        if (high < 0 || low < 0)
            return false;
        const uint8_t byte = (uint8_t)(high << 4 | low);
        g_byte_array_append(out, &byte, 1);
    }
    return length % 2 == 0;
}

bool gdb_take_hex(const char **text, uint64_t *value)
{
    unsigned digits = 0;

    for (*value = 0; hex_digit((uint8_t) * *text) >= 0; (*text)++)
        if (digits++ < 16)
            *value = *value << 4 | (unsigned)hex_digit((uint8_t) * *text);
    return digits > 0 && digits <= 16;
}
