#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

enum library_loaded library_load(const char *file, const struct library_call *calls, size_t count,
                                 void *table)
{
    void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);

    if (!library)
        return LIBRARY_ABSENT;
    for (size_t k = 0; k < count; k++) {
        void *call = dlsym(library, calls[k].name);
        if (!call)
            return LIBRARY_OTHER;
        memcpy((char *)table + calls[k].at, &call, sizeof(call));
    }
    return LIBRARY_COMPLETE;
}
