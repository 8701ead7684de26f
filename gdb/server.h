/*
 * A server of gdb's remote protocol for one client and one machine, without input or output of its
 * own: bytes go in, bytes come out, and what the client wants the machine to do is a request that
 * the caller carries out. A thread of the protocol is a CPU, number 1 is CPU 0.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armillary.h"

struct gdb_server;

/* Whose addresses are those of packets m, M, x and X. */
enum gdb_space {
    GDB_SPACE_NOW, /* of the EL that the CPU is at */
    GDB_SPACE_EL0,
    GDB_SPACE_EL1,
    GDB_SPACE_EL2,
    GDB_SPACE_PA,
};

/* What the server asks of who runs the machine. */
struct gdb_target {
    /* The machine that is looked at; another one after a request. */
    struct arm_machine *(*machine)(void *ctx);
    /* It is about to be changed. False: it must not be, and *@why is a sentence. NULL: it may. */
    bool (*change)(void *ctx, const char **why);
    /* A command for the monitor, by @cpu; lines to @out. NULL: there is none. */
    void (*monitor)(void *ctx, struct gdb_server *s, unsigned cpu, const char *line, GString *out);
    void *ctx;
};

enum gdb_order {
    GDB_NOTHING, /* stay, and wait for packets */
    GDB_CONTINUE,
    GDB_STEP,  /* one instruction or exception of @cpu */
    GDB_RANGE, /* steps of @cpu while its PC is in @start to @end, at least one */
    GDB_BACK,  /* the last instruction or exception of @cpu is undone */
    GDB_REVERSE,
    GDB_RESET,
    GDB_DETACH, /* the machine runs on without a client */
    GDB_KILL,
};

struct gdb_request {
    enum gdb_order order;
    unsigned cpu;
    uint64_t start, end;
};

enum gdb_stop_kind {
    GDB_STOP_PLAIN,  /* with @signal */
    GDB_STOP_BREAK,  /* before the instruction at a breakpoint */
    GDB_STOP_WATCH,  /* @address has been written, */
    GDB_STOP_RWATCH, /* read, */
    GDB_STOP_AWATCH, /* or either */
    GDB_STOP_BEGIN,  /* there is nothing before this */
    GDB_STOP_END,    /* nor behind it */
    GDB_STOP_EXITED, /* the run is over, with exit code @signal */
};

#define GDB_SIGNAL_NONE 0
#define GDB_SIGNAL_INT  2
#define GDB_SIGNAL_TRAP 5

struct gdb_stop {
    enum gdb_stop_kind kind;
    unsigned cpu;
    uint8_t signal;
    uint64_t address;
};

/* Of packets Z and z; their numbers. */
enum gdb_point_kind {
    GDB_POINT_SOFTWARE,
    GDB_POINT_HARDWARE,
    GDB_POINT_WRITE,
    GDB_POINT_READ,
    GDB_POINT_ACCESS,
};

struct gdb_point {
    enum gdb_point_kind kind;
    uint64_t address, size;
};

#define GDB_BREAKPOINTS_MAX 256
#define GDB_WATCHPOINTS_MAX 4

/* Free with gdb_server_free() (NULL too). The machine's CPUs are those of @target now. */
struct gdb_server *gdb_server_new(const struct gdb_target *target);
void gdb_server_free(struct gdb_server *s);

/**
 * gdb_server_feed() - bytes from the client. As soon as there is a request the rest waits, until
 * gdb_server_stopped(); but for interrupts.
 * gdb_server_output() - bytes for the client; who has sent them makes it empty.
 * gdb_server_request() - what is to be done.
 * gdb_server_interrupted() - has the client asked for a stop since the request? Once.
 * gdb_server_stopped() - the request has been carried out, and so it ended.
 * gdb_server_print() - text for the client's console, before gdb_server_stopped().
 */
void gdb_server_feed(struct gdb_server *s, const uint8_t *data, size_t size);
GByteArray *gdb_server_output(struct gdb_server *s);
struct gdb_request gdb_server_request(const struct gdb_server *s);
bool gdb_server_interrupted(struct gdb_server *s);
void gdb_server_stopped(struct gdb_server *s, const struct gdb_stop *stop);
void gdb_server_print(struct gdb_server *s, const char *text);

/* Break- and watchpoints that are set, struct gdb_point. */
const GArray *gdb_server_points(const struct gdb_server *s);

enum gdb_space gdb_server_space(const struct gdb_server *s);
void gdb_server_set_space(struct gdb_server *s, enum gdb_space space);

/* The EL that a CPU is at. */
unsigned gdb_current_el(struct arm_machine *m, unsigned cpu);
