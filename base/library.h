/* A library of the host that is loaded when it is wanted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A function of it, and where in a structure of pointers its address goes. */
struct library_call {
    const char *name;
    size_t at;
};

enum library_loaded { LIBRARY_COMPLETE, LIBRARY_OTHER, LIBRARY_ABSENT };

/* Fill @table with the addresses of @calls[@count] in @file, which stays loaded. LIBRARY_OTHER: one
 * of them is not in it; then @table is not to be used. */
enum library_loaded library_load(const char *file, const struct library_call *calls, size_t count,
                                 void *table);
