/* libzstd, loaded when something is packed or unpacked: hardly a start does. */
#pragma once

#include <stdbool.h>
#include <zstd.h>
#include <zstd_errors.h>

#define LIBZSTD "libzstd.so.1" /* for messages: what there is not */

/* Its functions that are used: ZSTD_NAME(). */
/* clang-format off */
#define LIBZSTD_CALLS(X)                                                                           \
    X(createCCtx) X(CCtx_setParameter) X(compressStream2) X(freeCCtx)                              \
    X(createDCtx) X(decompressStream) X(freeDCtx)                                                  \
    X(isError) X(getErrorCode) X(getErrorName)
/* clang-format on */

struct libzstd {
#define X(name) __typeof__(ZSTD_##name) *name;
    LIBZSTD_CALLS(X)
#undef X
};

/* False: there is none, and @to is not to be used. */
bool libzstd_load(struct libzstd *to);
