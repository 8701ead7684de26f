/*
 * Messages in Protocol Buffers' wire format (protobuf.dev, "Encoding"), appended to a string that
 * may hold zeros. Fields are told by their numbers in the message's definition.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* A field of one of the integer types, but for sint and fixed ones; of an enum, a bool. */
void protobuf_number(GString *out, unsigned field, uint64_t value);

/* Integers of a repeated field, in one piece. */
void protobuf_packed(GString *out, unsigned field, const uint64_t *values, size_t count);

void protobuf_text(GString *out, unsigned field, const char *text);

/* A message as a field: what is appended until protobuf_close(), which gets what protobuf_open()
 * has returned, is in it. At most 256 MiB. */
size_t protobuf_open(GString *out, unsigned field);
void protobuf_close(GString *out, size_t at);
