/* Structures of callers that may have been built against another version of
 * the library's header. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/**
 * sized_copy() - take a caller's structure whose first member is its size_t size.
 * @to: a zeroed one of ours, @size bytes. A caller's that is smaller is an older one: the members
 * that it does not have are 0, their default. @what: its name, for the error.
 *
 * Return: 0 or -ARM_EINVAL; a larger one has members that we do not know.
 */
int sized_copy(void *to, size_t size, const void *from, const char *what, struct arm_error *err)
    __attribute__((warn_unused_result));
