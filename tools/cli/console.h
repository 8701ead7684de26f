/*
 * The guest's console: our standard input and output, a file, or nothing. At a terminal it is raw,
 * and Ctrl-A is ours: Ctrl-A x quits, Ctrl-A c opens the monitor, Ctrl-A Ctrl-A sends one.
 *
 * No byte is lost: what the guest has not taken yet waits, in the host as far as possible. At a
 * terminal more is read ahead, because our own keys must be seen while the guest takes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct arm_machine;
struct line_editor;
struct line_editor_host;
struct link;
struct output;
struct outputs;

enum console_request { CONSOLE_NONE, CONSOLE_QUIT, CONSOLE_MONITOR };

struct console {
    struct arm_machine *machine;
    unsigned device;    /* what its bytes are for: a port of this virtio device, */
    int port;           /* or -1: the first UART */
    struct output *out; /* NULL: output is dropped, */
    struct link *link;  /* unless it goes to and comes from here */
    bool soon;          /* output may wait until outputs_offer() */
    bool input;         /* standard input is its */
    bool tty;           /* which is a terminal, in raw mode while the machine runs */
    bool
        file; /* or a regular file: always ready, so that its bytes arrive at the same guest time */
    bool eof, escape;
    struct bytes pending;       /* read from the host, not yet taken by the guest */
    struct bytes held;          /* read behind a request, not yet looked at */
    struct line_editor *editor; /* of lines typed at the terminal; NULL: none so far */
    unsigned skip;              /* polls until the host is asked again */
    enum console_request request;
    bool given; /* the machine has taken something */
    /* Takes what is for the machine in its place; NULL: none. */
    size_t (*give)(void *ctx, const struct console *c, const uint8_t *data, size_t size);
    void *give_ctx;
};

/* @where: as --serial takes it, or "append:PATH", a file that is gone on with; NULL: stdio. False:
 * it cannot be opened, and a message was printed. */
bool console_open(struct console *c, struct outputs *outputs, const char *where);
void console_close(struct console *c);

/* @m runs from now on: its bytes come from @c, and the terminal is raw. */
void console_start(struct console *c, struct arm_machine *m);

/* Off: the terminal as it was found. */
void console_raw(struct console *c, bool on);

/* A line typed while the terminal is not raw, without its end, freed by the caller with g_free();
 * at a terminal with what @host has for an editor, but read here. NULL: end of input. */
char *console_line(struct console *c, const struct line_editor_host *host);

/* Of one with a link: give the device what the other end has sent. True: it took something. */
bool console_look_at_link(struct console *c);

/* Look for our own keys only. */
void console_look(struct console *c);

/* The machine's callbacks; ctx is the struct console. */
void console_write(void *ctx, const uint8_t *data, size_t size);
void console_poll(struct console *c);

/* @wait_max_ms: at most; the machine's m->idle. */
bool console_idle(struct console *c, uint64_t next_ns, unsigned wait_max_ms);
