/*
 * Log lines for people. A level says whose problem it is. Libraries print nothing themselves: every
 * line goes through the sink of the machine it belongs to. What happened in the guest is a probe
 * (base/probe.h), not a log line.
 */
#pragma once

#include "armillary_types.h"

/* Format one line (no newline) and hand it to the sink. Use LOG(), which tests the level first. */
void log_write(const struct arm_log *log, enum arm_log_category cat, enum arm_log_level level,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define LOG(log, cat, lvl, ...)                                                                    \
    do {                                                                                           \
        if ((log)->sink && ARM_LOG_##lvl <= (log)->level[ARM_LOG_##cat])                           \
            log_write((log), ARM_LOG_##cat, ARM_LOG_##lvl, __VA_ARGS__);                           \
    } while (0)

/* Our own bug: only for what neither a guest nor a user's input can cause. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            check_failed(__FILE__, __LINE__, #cond);                                               \
    } while (0)

void check_failed(const char *file, int line, const char *cond) __attribute__((noreturn));
