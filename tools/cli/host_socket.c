#include "host_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void socket_split(const char *where, char **host, const char **port)
{
    const char *colon = strrchr(where, ':');
    bool brackets = colon && colon - where > 1 && *where == '[' && colon[-1] == ']';

    *port = colon ? colon + 1 : where;
    *host = colon && colon > where
                ? g_strndup(where + brackets, (gsize)(colon - where) - 2 * (gsize)brackets)
                : NULL;
}

static int open_at(const struct sockaddr *address, socklen_t size, bool listens, const char **why)
{
    const int on = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && listens)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd >= 0 && (listens ? bind(fd, address, size) == 0 && listen(fd, 1) == 0
                            : connect(fd, address, size) == 0))
        return fd;
    int error = errno;
    *why = strerror(error);
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

int socket_open_unix(const char *path, bool listens, const char **why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
        *why = strerror(errno = ENAMETOOLONG);
        return -1;
    }
    return open_at((const struct sockaddr *)&address, sizeof(address), listens, why);
}

int socket_open_tcp(const char *where, const char *host, int family, bool listens, const char **why)
{
    const struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = listens ? AI_PASSIVE : 0};
    g_autofree char *named = NULL;
    struct addrinfo *found;
    const char *port;
    int fd = -1;

    socket_split(where, &named, &port);
    int failed = getaddrinfo(named ? named : host, port, &hints, &found);
    if (failed) {
        *why = gai_strerror(failed);
        errno = EINVAL; /* no such address */
        return -1;
    }
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = open_at(a->ai_addr, a->ai_addrlen, listens, why);
    int error = errno;
    freeaddrinfo(found);
    errno = error;
    return fd;
}

int socket_prepared(int fd)
{
    const int on = 1;

    if (fd < 0)
        return fd;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* others have none to set */
    return fd;
}
