/*
 * The host's end of a character device that is neither the terminal nor a file: a socket, a pair of
 * pipes or a pseudo-terminal. Whoever is at the other end may come late, go, and come again; while
 * there is nobody, what the guest writes is lost, as on a line that is not connected.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_FORMS                                                                                 \
    "pty|pipe:PATH|unix:PATH[,server][,wait=off]|tcp:[HOST]:PORT[,server][,wait=off]|telnet:..."
#define LINK_FDS_MAX 2

struct link;
struct outputs;

/* Is @where the text of a link, as QEMU's -serial has it? */
bool link_valid(const char *where);

/**
 * link_open() - connect, or listen; a server waits for its first client unless it says nowait. A
 * client at whose address nobody listens yet says so, and connects once somebody does.
 * @serves:  a socket without options listens, and does not wait.
 * @outputs: who is asked whether the run ends while the other end takes nothing.
 *
 * Return: NULL, and a message was printed. link_close() frees it.
 */
struct link *link_open(const char *where, bool serves, struct outputs *outputs);

/* Standard input and output, which nobody else may be at; they stay open. */
struct link *link_standard(struct outputs *outputs);

void link_close(struct link *l);

/* What the guest writes; waits while the other end is slow, up to the end of the run. */
void link_write(struct link *l, const void *data, size_t size);

/* Bytes of the other end, 0: none now. */
size_t link_read(struct link *l, uint8_t *buf, size_t size);

/* How many other ends have come so far; is one there? */
unsigned link_meetings(const struct link *l);
bool link_has_peer(struct link *l);

/* Descriptors that become ready when link_read() has something to do; how many. */
unsigned link_fill(const struct link *l, struct pollfd fds[LINK_FDS_MAX]);
