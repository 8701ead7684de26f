/*
 * Log lines for people. A level says whose problem it is. Libraries print nothing themselves: every
 * line goes through the sink of the machine it belongs to. What happened in the guest is a probe
 * (base/probe.h), not a log line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_GUEST, LOG_INFO, LOG_DEBUG };

/* LOG_CATEGORY(id, name): one row per part of the machine that can be turned up by name. */
#define LOG_CATEGORIES(X)                                                                          \
    X(CPU, "cpu")                                                                                  \
    X(SYSREG, "sysreg")                                                                            \
    X(MMU, "mmu")                                                                                  \
    X(GIC, "gic")                                                                                  \
    X(TIMER, "timer")                                                                              \
    X(DEVICE, "device")                                                                            \
    X(LOADER, "loader")                                                                            \
    X(PSCI, "psci")                                                                                \
    X(MACHINE, "machine")

enum log_category {
#define X(id, name) LOG_##id,
    LOG_CATEGORIES(X)
#undef X
        LOG_CATEGORY_COUNT
};

typedef void log_sink_fn(void *ctx, enum log_category cat, enum log_level level, const char *line);

struct log {
    log_sink_fn *sink; /* NULL: silent */
    void *ctx;
    enum log_level level[LOG_CATEGORY_COUNT]; /* lines above this are dropped */
};

const char *log_category_name(enum log_category cat);
const char *log_level_name(enum log_level level);

/* Format one line (no newline) and hand it to the sink. Use LOG(), which tests the level first. */
void log_write(const struct log *log, enum log_category cat, enum log_level level, const char *fmt,
               ...) __attribute__((format(printf, 4, 5)));

#define LOG(log, cat, lvl, ...)                                                                    \
    do {                                                                                           \
        if ((log)->sink && LOG_##lvl <= (log)->level[LOG_##cat])                                   \
            log_write((log), LOG_##cat, LOG_##lvl, __VA_ARGS__);                                   \
    } while (0)

/* Our own bug: only for what neither a guest nor a user's input can cause. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            check_failed(__FILE__, __LINE__, #cond);                                               \
    } while (0)

void check_failed(const char *file, int line, const char *cond) __attribute__((noreturn));
