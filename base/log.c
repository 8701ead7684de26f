#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"

const char *arm_log_category_name(enum arm_log_category category)
{
    static const char *const names[] = {
#define LOG_CATEGORY(number, NAME, name) [number] = (name),
#include "base/log.def"
#undef LOG_CATEGORY
    };
    return (unsigned)category < ARRAY_SIZE(names) ? names[category] : NULL;
}

const char *arm_log_level_name(enum arm_log_level level)
{
    static const char *const names[] = {
#define LOG_LEVEL(number, NAME, name, text) [number] = (name),
#include "base/log.def"
#undef LOG_LEVEL
    };
    return (unsigned)level < ARRAY_SIZE(names) ? names[level] : NULL;
}

void log_write(const struct arm_log *log, enum arm_log_category cat, enum arm_log_level level,
               const char *fmt, ...)
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
