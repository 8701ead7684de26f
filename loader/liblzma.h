/* liblzma, loaded when an image is packed by it. */
#pragma once

#include <lzma.h>
#include <stdbool.h>

#define LIBLZMA "liblzma.so.5" /* for messages: what there is not */

/* Its functions that are used: lzma_NAME(). */
#define LIBLZMA_CALLS(X) X(stream_decoder) X(alone_decoder) X(code) X(end)

struct liblzma {
#define X(name) __typeof__(lzma_##name) *name;
    LIBLZMA_CALLS(X)
#undef X
};

/* False: there is none, and @to is not to be used. */
bool liblzma_load(struct liblzma *to);
