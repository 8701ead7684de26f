#include "machine/sized.h"

#include <string.h>

int sized_copy(void *to, size_t size, const void *from, const char *what, struct arm_error *err)
{
    size_t given;

    memcpy(&given, from, sizeof(given));
    if (given < sizeof(given))
        return error_set(err, ARM_EINVAL, "%s.size is %zu: expected sizeof(%s)", what, given, what);
    if (given > size)
        return error_set(
            err, ARM_EINVAL,
            "%s.size is %zu: expected at most %zu, which version %s of the library has", what,
            given, size, ARM_VERSION);
    memcpy(to, from, given);
    return 0;
}
