/*
 * The host has failed in the middle of a run: it has no memory for what the guest needs next. The
 * guest is never told. Whoever finds out calls host_fail(), and the machine ends its run.
 */
#pragma once

#include "base/error.h"

struct host_failure {
    /* Ends the run before the running CPU's next instruction, for good. @why: until it returns. */
    void (*failed)(void *ctx, const struct arm_error *why);
    void *ctx;
};

/* @h: NULL: nobody wants to know. @code: ARM_Exxx. @fmt: a sentence that names what could not be
 * had, and for whom. */
void host_fail(const struct host_failure *h, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
