/* Stream sockets of the host: for character devices, networks and gdb. */
#pragma once

#include <stdbool.h>

/* [HOST:]PORT in two; *@host, which is g_free()d, without the brackets of an IPv6 address, NULL if
 * none is named. */
void socket_split(const char *where, char **host, const char **port);

/**
 * socket_open_tcp() - connect to [HOST:]PORT, or listen there.
 * @host:   if @where names none; NULL: this machine, or if it listens any of its addresses.
 * @family: of addresses; AF_UNSPEC: any.
 *
 * Return: a descriptor that waits, -1: *@why says why there is none, as does errno.
 */
int socket_open_tcp(const char *where, const char *host, int family, bool listens,
                    const char **why);

/* Likewise. It listens only at a path where there is nothing. */
int socket_open_unix(const char *path, bool listens, const char **why);

/* @fd does not wait from now on, and is no child's; what is sent there goes at once. -1 is none. */
int socket_prepared(int fd);
