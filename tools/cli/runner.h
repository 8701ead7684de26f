/* Running a machine for a command: console, limits, traces, statistics, exit code. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

struct run_request {
    struct arm_config config; /* console_write and log are filled by runner_run() */
    bool no_stdin;            /* --serial none or null */
    bool no_console;
    uint64_t max_insns; /* 0: no limit */
    double timeout_s;   /* host seconds; 0: none */
    bool stats;
    const char *const *traces; /* NULL-ended; WHAT[:FILE] */
    const char *const *logs;   /* NULL-ended; CATEGORY=LEVEL or LEVEL */
    const char *dump_dtb;      /* file; then nothing runs */
};

/* Return: the process's exit code. */
int runner_run(const struct run_request *req);
