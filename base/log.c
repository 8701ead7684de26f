#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *log_category_name(enum log_category cat)
{
    static const char *const names[] = {
#define X(id, name) name,
        LOG_CATEGORIES(X)
#undef X
    };
    return names[cat];
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warning", "guest", "info", "debug"};
    return names[level];
}

void log_write(const struct log *log, enum log_category cat, enum log_level level, const char *fmt,
               ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    log->sink(log->ctx, cat, level, line);
}

void check_failed(const char *file, int line, const char *cond)
{
    fprintf(stderr, "armillary: internal error at %s:%d: %s\n", file, line, cond);
    abort();
}
