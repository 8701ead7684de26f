/* The host's side of `armillary qemu`: -chardev and who is connected to them (-serial, -mon,
 * -monitor), -pidfile, -rtc, -fw_cfg, -global, -semihosting-config, and what would be a debugger's.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

#define QEMU_CHARDEVS_MAX 24
#define QEMU_SERIALS_MAX  8
#define QEMU_FILES_MAX    32

struct qemu;

struct qemu_chardev {
    const char *id, *backend, *path, *logfile;
    const char *host, *port, *fd;     /* of a socket */
    bool mux, server, nowait, telnet; /* the last three of a socket */
    bool append, log_append;          /* of a file; of the log */
    uint64_t reconnect_s, size;       /* of a socket; of a ringbuf, bytes */
    unsigned users;                   /* devices and monitors that it is connected to */
};

struct qemu_host {
    struct qemu_chardev chardevs[QEMU_CHARDEVS_MAX];
    const char *serials[QEMU_SERIALS_MAX];  /* as given */
    const char *monitors[QEMU_SERIALS_MAX]; /* likewise; "chardev:ID" for a -mon */
    bool qmp[QEMU_SERIALS_MAX];             /* of these: by QEMU's machine protocol */
    struct arm_fw_cfg files[QEMU_FILES_MAX];
    unsigned chardev_count, serial_count, monitor_count, file_count;
    bool refused;             /* a -chardev was */
    bool nodefaults, stopped; /* -S */
    bool nographic;           /* the UART keeps the terminal, whoever asks for it */
    GString *arguments;       /* of semihosting, NULL: none */
};

/* Options; false, and what is wrong was printed. */
bool qemu_chardev(struct qemu *q, const char *option, const char *value);
bool qemu_serial(struct qemu *q, const char *option, const char *value);
bool qemu_monitor(struct qemu *q, const char *option, const char *value);
bool qemu_qmp(struct qemu *q, const char *option, const char *value);
bool qemu_mon(struct qemu *q, const char *option, const char *value);
bool qemu_rtc(struct qemu *q, const char *option, const char *value);
bool qemu_fw_cfg(struct qemu *q, const char *option, const char *value);
bool qemu_global(struct qemu *q, const char *option, const char *value);
bool qemu_semihosting(struct qemu *q, const char *option, const char *value);
bool qemu_semihosting_config(struct qemu *q, const char *option, const char *value);
bool qemu_semihosting_dir(struct qemu *q, const char *option, const char *value);
bool qemu_stopped(struct qemu *q, const char *option, const char *value);
bool qemu_gdb(struct qemu *q, const char *option, const char *value);
bool qemu_shorthand_gdb(struct qemu *q, const char *option, const char *value);

/* NULL: there is none of that id. */
struct qemu_chardev *qemu_find_chardev(struct qemu *q, const char *id);

/* Where the chardev @id is connected, as `armillary run --serial` has it, for one more user of it;
 * NULL: there is none of that id. *@testdev: it speaks QEMU's testdev protocol. */
const char *qemu_chardev_where(struct qemu *q, const char *id, bool *testdev);

/* After all options: fill the request. */
bool qemu_host_connect(struct qemu *q);
