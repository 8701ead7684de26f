/* Host errors: bad files, options, memory. Never architectural outcomes (those are values). */
#pragma once

#include <stdarg.h>
#include <stdint.h>

#define ARM_EINVAL  1 /* an argument or option out of range */
#define ARM_EIO     2 /* the host refused: open, read, map */
#define ARM_EFORMAT 3 /* a malformed file: ELF, Image, device tree, ... */
#define ARM_ENOMEM  4
#define ARM_ENOENT  5
#define ARM_ENOTSUP 6 /* well-formed, but not something we can do */

struct arm_error {
    int code; /* ARM_Exxx, 0 if none */
    char text[400];
};

/**
 * error_set() - fill @err with one sentence naming the object, the value and what was expected.
 * @err: may be NULL.
 *
 * Return: -@code, so that `return error_set(err, ARM_EINVAL, ...)` reads well.
 */
int error_set(struct arm_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
