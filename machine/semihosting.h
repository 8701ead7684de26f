/*
 * What semihosting keeps for a machine: the handles of open files, the calls that take more than
 * one turn, and the console's input that is for them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armillary.h"

struct host_failure;
struct state_io;

#define SEMI_HANDLES 64

enum semi_kind {
    SEMI_CLOSED,
    SEMI_CONSOLE_IN, /* ":tt", by the mode it was opened with */
    SEMI_CONSOLE_OUT,
    SEMI_FEATURES, /* ":semihosting-features" */
    SEMI_FILE,
};

struct semi_handle {
    enum semi_kind kind;
    bool append;
    int fd;       /* of SEMI_FILE; owned */
    char *name;   /* likewise: by which a snapshot opens it again */
    uint8_t mode; /* as SYS_OPEN has it */
    uint64_t pos; /* where the next read or write begins; not of consoles */
};

/* A call of a CPU that is CPU_HALTED in it. */
struct semi_call {
    uint32_t number;
    uint64_t arg[4]; /* its parameter block when it began */
    uint64_t done;   /* bytes so far */
    bool wants_input;
    uint64_t wanted; /* then: bytes still to come, unless the line ends before */
};

struct semihosting {
    int dir;                                 /* the files in it may be opened; -1: none. Owned */
    char *cmdline;                           /* owned */
    int error;                               /* SYS_ERRNO: of the last call that failed */
    struct semi_handle handle[SEMI_HANDLES]; /* handle n is at n - 1 */
    struct semi_call call[ARM_CPUS_MAX];     /* by CPU */
    uint8_t input[64]; /* has come for a call that waits; all of it is that call's */
    size_t input_count;
    bool input_ended;
    uint64_t refused[4]; /* a bit a number: it was said that the operation is not offered */
    bool refused_file;   /* it was said that there is no directory */
    const struct host_failure *host; /* told of memory that the host has not got */
};

/* The directory of @c is opened and its command line copied. Return 0 or -ARM_Exxx. */
int semihosting_init(struct semihosting *s, const struct arm_config *c, struct arm_error *err)
    __attribute__((warn_unused_result));
void semihosting_destroy(struct semihosting *s);

/* The machine is reset: files are closed and calls forgotten. */
void semihosting_reset(struct semihosting *s);

/* Host files (machine/semihosting_file.c). All return 0 or more, or a negative errno. No name leads
 * out of the directory: absolute names, ".." and links are refused. */

/* @mode: 0 to 11, as fopen()'s strings "r", "rb", "r+", ... A handle for a regular file. */
int semi_file_open(struct semihosting *s, const char *name, unsigned mode);
int semi_file_remove(const struct semihosting *s, const char *name);
int semi_file_rename(const struct semihosting *s, const char *from, const char *to);

/* Open @name again as it was opened with @mode, but make nothing and cut nothing
 * off: a descriptor. */
int semi_file_reopen(const struct semihosting *s, const char *name, unsigned mode);

/* Handles, calls and input. Files are opened again by their names: what is in them
 * is the host's. */
void semihosting_state(struct state_io *io, struct semihosting *s, unsigned cpus);

/* An unused handle, filled; its number. */
int semi_handle_new(struct semihosting *s, struct semi_handle h);
/* NULL: there is no such open handle. */
struct semi_handle *semi_handle(struct semihosting *s, uint64_t number);
void semi_handle_close(struct semi_handle *h);
