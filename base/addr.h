/* Guest addresses by kind, so that one cannot be passed for another. Unwrapping is
 * a visible `.a`. */
#pragma once

#include <stdint.h>

typedef struct {
    uint64_t a;
} va_t; /* virtual, tag bits included */

typedef struct {
    uint64_t a;
} ipa_t; /* intermediate physical: input of stage 2 */

typedef struct {
    uint64_t a;
} pa_t; /* physical */

static inline va_t va(uint64_t a)
{
    return (va_t){a};
}

static inline ipa_t ipa(uint64_t a)
{
    return (ipa_t){a};
}

static inline pa_t pa(uint64_t a)
{
    return (pa_t){a};
}

#define PAGE_SHIFT 12 /* the granule of our own caches, not of the guest's tables */
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)
