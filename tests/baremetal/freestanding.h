/* What C programs without an operating system need of a library. */
#pragma once

#include <stdint.h>

/* End the run with @code, by semihosting. */
void semihosting_exit(uint64_t code) __attribute__((noreturn));
