/* Options of `armillary qemu` about the program more than the machine: -daemonize, -L, -action. */
#pragma once

#include <stdbool.h>

#include "armillary.h"

#define QEMU_DIRS_MAX 8

struct qemu;

struct qemu_process {
    const char *name;                /* of the machine; NULL: not said */
    const char *dirs[QEMU_DIRS_MAX]; /* of -L */
    unsigned dir_count;
    bool daemonize;
    enum arm_panic panic;
    enum arm_watchdog watchdog;
    int parent; /* of a daemon: where it tells who started it that it runs */
};

/* Options; false, and what is wrong was printed. */
bool qemu_name(struct qemu *q, const char *option, const char *value);
bool qemu_firmware_dir(struct qemu *q, const char *option, const char *value);
bool qemu_action(struct qemu *q, const char *option, const char *value);
bool qemu_watchdog(struct qemu *q, const char *option, const char *value);
bool qemu_watchdog_action(struct qemu *q, const char *option, const char *value);
bool qemu_audio(struct qemu *q, const char *option, const char *value);
bool qemu_vga(struct qemu *q, const char *option, const char *value);
bool qemu_display(struct qemu *q, const char *option, const char *value);

/* After all options: firmware that is not where it was named is looked for where QEMU does. */
bool qemu_process_connect(struct qemu *q);

/* Run the machine, in the background if that was asked for. Return: the exit code. */
int qemu_process_run(struct qemu *q);
