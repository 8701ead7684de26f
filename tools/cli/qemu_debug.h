/* -d, -dfilter and -D of `armillary qemu`, by our traces and logs. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct qemu;

struct qemu_debug {
    uint64_t items;  /* that were named, by their rows */
    GString *ranges; /* of -dfilter, as a filter of --trace; NULL: none */
    GPtrArray *logs; /* of --log; NULL: none */
};

/* Options; false, and what is wrong was printed. */
bool qemu_d(struct qemu *q, const char *option, const char *value);
bool qemu_dfilter(struct qemu *q, const char *option, const char *value);
bool qemu_log_file(struct qemu *q, const char *option, const char *value); /* -D */
bool qemu_trace(struct qemu *q, const char *option, const char *value);

/* After all options: add to the request what @q's own --trace and --log do not have. */
void qemu_debug_connect(struct qemu *q);
void qemu_debug_free(struct qemu_debug *d);
