#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"

int error_set_v(struct arm_error *err, int code, const char *fmt, va_list ap)
{
    if (err) {
        err->code = code;
        vsnprintf(err->text, sizeof(err->text), fmt, ap);
    }
    return -code;
}

int error_set(struct arm_error *err, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int rc = error_set_v(err, code, fmt, ap);
    va_end(ap);
    return rc;
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
