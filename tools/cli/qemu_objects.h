/* The kinds of -object of `armillary qemu`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "properties.h"

struct qemu_object_kind {
    const struct property *properties; /* the first is qom-type, and accepts its names */
    size_t count;
    bool (*add)(struct qemu *q, const char *value); /* false, and what is wrong was printed */
};

extern const struct qemu_object_kind qemu_filter_dump, qemu_memory_backend;
