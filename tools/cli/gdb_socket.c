#include "gdb_socket.h"

#include <fcntl.h>
#include <glib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "host_socket.h"
#include "parse.h"

#define TEXT_SIZE  200
#define SEND_MAX_S 10 /* a client that takes nothing so long has gone */

bool gdb_where_valid(const char *where)
{
    g_autofree char *host = NULL;
    const char *port;
    uint64_t n;

    if (g_str_has_prefix(where, "unix:"))
        return where[5] && strlen(where + 5) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
    socket_split(where, &host, &port);
    return parse_number(port, 0, UINT16_MAX, &n);
}

/* Port 0 is one that is free: say which. */
static void name_of(int fd, char *text)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char host[100] = "?", port[10] = "?";

    if (getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        getnameinfo((const struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    g_snprintf(text, TEXT_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

int gdb_listen(const char *where, char **path, char *text)
{
    const char *file = g_str_has_prefix(where, "unix:") ? where + 5 : NULL, *why;
    int fd = file ? socket_open_unix(file, true, &why)
                  : socket_open_tcp(where, "127.0.0.1", AF_UNSPEC, true, &why);

    *path = NULL;
    if (fd < 0) {
        g_snprintf(text, TEXT_SIZE, "%s: %s", where, why);
    } else if (file) {
        *path = g_strdup(file);
        g_snprintf(text, TEXT_SIZE, "%s", where);
    } else {
        name_of(fd, text);
    }
    return socket_prepared(fd);
}

int gdb_accept(int listener)
{
    const struct timeval most = {.tv_sec = SEND_MAX_S};
    const int on = 1;
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* not on a Unix socket */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
    return fd;
}
