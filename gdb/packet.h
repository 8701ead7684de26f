/*
 * Packets of gdb's remote protocol ("Overview" of the appendix on it in gdb's manual): "$DATA#SUM"
 * in both directions, "+" and "-" as acknowledgements, 0x03 as an interrupt. What is received may
 * be anything.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PACKET_MAX 0x4000 /* bytes of data, in either direction */

enum gdb_token {
    GDB_TOKEN_NONE, /* more has to come */
    GDB_TOKEN_PACKET,
    GDB_TOKEN_BAD, /* its checksum is wrong, or it is too long */
    GDB_TOKEN_INTERRUPT,
    GDB_TOKEN_AGAIN, /* the last packet is wanted once more */
};

struct gdb_reader {
    enum { GDB_OUTSIDE, GDB_DATA, GDB_ESCAPED, GDB_SUM_HIGH, GDB_SUM_LOW } state;
    GByteArray *data; /* of the packet, unescaped */
    uint8_t sum, given;
    bool too_long;
};

void gdb_reader_init(struct gdb_reader *r);
void gdb_reader_free(struct gdb_reader *r);

/* One more byte. With GDB_TOKEN_PACKET, r->data is the packet's until the next byte. */
enum gdb_token gdb_reader_byte(struct gdb_reader *r, uint8_t byte);

/* Append @data as a packet, escaped as binary data. */
void gdb_packet_append(GByteArray *out, const uint8_t *data, size_t size);

/* gdb_hex_bytes(): false if the text is not pairs of hexadecimal digits. */
void gdb_append_hex(GString *out, const uint8_t *bytes, size_t size);
bool gdb_hex_bytes(const char *text, size_t length, GByteArray *out);

/* A number of at most 16 digits at *@text, which is moved behind it. False: there is none. */
bool gdb_take_hex(const char **text, uint64_t *value);
