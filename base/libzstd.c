#include "base/libzstd.h"

#include "base/bits.h"
#include "base/library.h"

bool libzstd_load(struct libzstd *to)
{
    static const struct library_call calls[] = {
#define X(name) {"ZSTD_" #name, offsetof(struct libzstd, name)},
        LIBZSTD_CALLS(X)
#undef X
    };

    return library_load(LIBZSTD, calls, ARRAY_SIZE(calls), to) == LIBRARY_COMPLETE;
}
