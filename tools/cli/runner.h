/* Running a machine for a command: console, limits, traces, statistics, exit code. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"
#include "control.h"
#include "death.h"
#include "saves.h"
#include "sweep.h"
#include "trace.h"

#define RUN_SAVES_MAX 32

struct check_request;
struct device_options;
struct host_code;
struct networks;
struct outline;

struct run_request {
    struct arm_config config; /* console_write and log are filled by runner_run() */
    const char *serial;       /* runner_serial_valid(); NULL: stdio */
    uint64_t max_insns;       /* 0: no limit */
    double timeout_s;         /* host seconds; 0: none */
    bool stats;
    bool window;        /* that shows what the guest shows */
    const char *model;  /* a core whose cycles are modelled; NULL: none */
    bool qemu_codes;    /* exit code 0 also for a reset and for Ctrl-A x */
    bool monitor_first; /* the monitor is opened before the first instruction */
    struct control_spec controls[CONTROLS_MAX]; /* monitors that are not at the terminal */
    unsigned control_count;
    bool stopped;           /* with them: nothing runs before one of them says so */
    const char *serial_log; /* file that the UART's output goes to as well; NULL: none */
    bool serial_log_append; /* behind what it has */
    const char *log_file;   /* for log lines instead of standard error; NULL: none */
    const char *pidfile;    /* holds the process number while the machine runs; or NULL */
    struct trace_request traces;
    struct host_code *host_code;      /* ended by runner_run(); NULL: nobody asks for blocks */
    const char *trace_irq;            /* irq_trace_valid(); NULL: none */
    const char *const *logs;          /* NULL-ended; CATEGORY=LEVEL or LEVEL; may be NULL */
    const char *record, *replay;      /* files of input, arm_record() and arm_replay(); or NULL */
    struct save saves[RUN_SAVES_MAX]; /* snapshots to write on the way, in order */
    unsigned save_count;
    const char *restore;               /* a snapshot to begin with; NULL: none */
    const char *gdb;                   /* gdb_where_valid(); NULL: none */
    bool gdb_wait;                     /* nothing runs before it has connected */
    const char *dump_dtb;              /* file; then nothing runs */
    enum death_policy on_death;        /* of what looks dead, and could go on */
    const char *const *death_reports;  /* death_report_valid() each, NULL-ended; may be NULL */
    struct sweep_request inject;       /* of it only what is for one */
    const struct check_request *check; /* what to check; NULL: nothing */
    struct device_options *devices;    /* its ports are connected by runner_run(); may be NULL */
    struct networks *networks;         /* likewise */
    const struct outline *outline;     /* what its parts are called */
    void (*started)(void *ctx); /* the machine is made, and its first instruction next; or NULL */
    void *started_ctx;
};

/* Is it stdio, mon:stdio, none, null or file:PATH? */
bool runner_serial_valid(const char *serial);

/* Return: the process's exit code. Restores the terminal; a signal that ended the run
 * is raised again. */
int runner_run(const struct run_request *req);
