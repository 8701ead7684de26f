#include "gdb_socket.h"

#include <errno.h>
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

#include "parse.h"

#define TEXT_SIZE  200
#define SEND_MAX_S 10 /* a client that takes nothing so long has gone */

/* *@host: up to the last colon, without the brackets of an IPv6 address; NULL: none was named. */
static bool split(const char *where, char **host, const char **port)
{
    const char *colon = strrchr(where, ':');
    uint64_t n;

    *port = colon ? colon + 1 : where;
    *host = colon && colon > where ? g_strndup(where, (gsize)(colon - where)) : NULL;
    if (*host && **host == '[' && g_str_has_suffix(*host, "]")) {
        char *inner = g_strndup(*host + 1, strlen(*host) - 2);
        g_free(*host);
        *host = inner;
    }
    return parse_number(*port, 0, UINT16_MAX, &n);
}

bool gdb_where_valid(const char *where)
{
    g_autofree char *host = NULL;
    const char *port;

    if (g_str_has_prefix(where, "unix:"))
        return where[5] && strlen(where + 5) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
    return split(where, &host, &port);
}

static int prepared(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static int listen_unix(const char *file, char **path, char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, file, sizeof(address.sun_path));
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 1) < 0) {
        g_snprintf(text, TEXT_SIZE, "unix:%s: %s", file, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *path = g_strdup(file);
    g_snprintf(text, TEXT_SIZE, "unix:%s", file);
    return prepared(fd);
}

static int bind_one(const struct addrinfo *a)
{
    const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
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

static int listen_tcp(const char *where, char *text)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    g_autofree char *host = NULL;
    struct addrinfo *found;
    const char *port;
    int fd = -1;

    split(where, &host, &port);
    int failed = getaddrinfo(host ? host : "127.0.0.1", port, &hints, &found);
    if (failed) {
        g_snprintf(text, TEXT_SIZE, "%s: %s", where, gai_strerror(failed));
        return -1;
    }
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = bind_one(a);
    if (fd < 0)
        g_snprintf(text, TEXT_SIZE, "%s: %s", where, strerror(errno));
    else
        name_of(fd, text);
    freeaddrinfo(found);
    return prepared(fd);
}

int gdb_listen(const char *where, char **path, char *text)
{
    *path = NULL;
    return g_str_has_prefix(where, "unix:") ? listen_unix(where + 5, path, text)
                                            : listen_tcp(where, text);
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
