/* Bytes that wait to be taken, in their order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data; /* owned */
    size_t first, count, room;
};

/* All zero is an empty one. */
void bytes_free(struct bytes *b);

/* False: no memory, and nothing has changed. */
bool bytes_append(struct bytes *b, const void *data, size_t size);

/* The first of them, b->count in a row; NULL if there are none. */
const uint8_t *bytes_peek(const struct bytes *b);

/* The first @size are taken; at most b->count. */
void bytes_drop(struct bytes *b, size_t size);
