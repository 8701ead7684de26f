#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"

int error_set(struct arm_error *err, int code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        err->code = code;
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
    }
    return -code;
}

const char *arm_strerror(int code)
{
    static const char *const texts[] = {
        [0] = "no error",
#define ERROR(number, NAME, text) [number] = (text),
#include "base/error.def"
#undef ERROR
    };
    unsigned n = code < 0 ? 0U - (unsigned)code : (unsigned)code;

    return n < ARRAY_SIZE(texts) ? texts[n] : "unknown error";
}
