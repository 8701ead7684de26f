#include "symbols/libdw.h"

#include "base/bits.h"
#include "base/library.h"

bool libdw_load(struct libdw *to)
{
    static const struct library_call calls[] = {
#define X(name) {"dwarf_" #name, offsetof(struct libdw, name)},
        LIBDW_CALLS(X)
#undef X
    };

    return library_load("libdw.so.1", calls, ARRAY_SIZE(calls), to) == LIBRARY_COMPLETE;
}
