/* The Telnet protocol (RFC 854) as far as a console needs it: characters one by one, echoed by the
 * guest. Commands of the client are left out of what it types. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct telnet {
    uint8_t state; /* of telnet_decode() */
};

/* What a server says first: it echoes (RFC 857), no go-ahead (858), eight bits both ways (856). */
extern const uint8_t telnet_greeting[12];

void telnet_begin(struct telnet *t);

/* Characters among the @size bytes at @buf: they move to its beginning; how many. */
size_t telnet_decode(struct telnet *t, uint8_t *buf, size_t size);

/* Append @data as it goes over the line. */
void telnet_encode(struct bytes *to, const void *data, size_t size);
