#include "base/host_failure.h"

void host_fail(const struct host_failure *h, int code, const char *fmt, ...)
{
    struct arm_error why;
    va_list ap;

    va_start(ap, fmt);
    error_set_v(&why, code, fmt, ap);
    va_end(ap);
    if (h)
        h->failed(h->ctx, &why);
}
