#include "loader/liblzma.h"

#include "base/bits.h"
#include "base/library.h"

bool liblzma_load(struct liblzma *to)
{
    static const struct library_call calls[] = {
#define X(name) {"lzma_" #name, offsetof(struct liblzma, name)},
        LIBLZMA_CALLS(X)
#undef X
    };

    return library_load(LIBLZMA, calls, ARRAY_SIZE(calls), to) == LIBRARY_COMPLETE;
}
