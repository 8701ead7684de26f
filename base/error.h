/* Host errors: bad files, options, memory. Never architectural outcomes (those are values). */
#pragma once

#include <stdarg.h>

#include "armillary_types.h"

/**
 * error_set() - fill @err with one sentence naming the object, the value and what was expected.
 * @err: may be NULL.
 *
 * Return: -@code, so that `return error_set(err, ARM_EINVAL, ...)` reads well.
 */
int error_set(struct arm_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with arguments that the caller was given. */
int error_set_v(struct arm_error *err, int code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
