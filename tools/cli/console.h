/*
 * The guest's console: our standard input and output, a file, or nothing. At a terminal it is raw,
 * and Ctrl-A is ours: Ctrl-A x quits, Ctrl-A c opens the monitor, Ctrl-A Ctrl-A sends one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

struct machine;

enum console_request { CONSOLE_NONE, CONSOLE_QUIT, CONSOLE_MONITOR };

struct console {
    struct machine *machine;
    unsigned virtio; /* what its bytes are for: a port of this virtio device, */
    int port;        /* or -1: the first UART */
    int out;         /* file descriptor, -1: output is dropped */
    bool tty;        /* standard input is a terminal, in raw mode while the machine runs */
    bool file; /* a regular file: always ready, so that its bytes arrive at the same guest time */
    bool eof, escape;
    struct termios saved;
    uint8_t pending[64]; /* read from the host, not yet taken by the guest */
    size_t pending_count;
    unsigned skip; /* polls until the host is asked again */
    enum console_request request;
};

/* @where: as --serial takes it, NULL: stdio. False: it cannot be opened, and a message was printed.
 */
bool console_open(struct console *c, const char *where);
void console_close(struct console *c);

/* @m runs from now on: its bytes come from @c, and the terminal is raw. */
void console_start(struct console *c, struct machine *m);

/* Off: the terminal as it was found. */
void console_raw(struct console *c, bool on);

/* The machine's callbacks; ctx is the struct console. */
void console_write(void *ctx, const uint8_t *data, size_t size);
void console_poll(void *ctx);
bool console_idle(void *ctx, uint64_t next_ns);
