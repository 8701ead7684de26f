/*
 * A stream to another machine, ours or QEMU's: each frame behind its length, 4 bytes, highest
 * first. One end listens (-netdev socket,listen= or stream,server=on), the other connects.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net.h"
#include "parse.h"

/* What the other end has not taken at most; frames behind that are lost. */
#define OUT_MAX ((size_t)1 << 20)

#define LENGTH_BYTES 4

struct stream {
    int listener, fd;            /* -1: none */
    unsigned listener_at, fd_at; /* their places in the poll; NET_POLLED_MAX: not there */
    struct bytes in, out;
    const char *path; /* the listener's, to be removed; or NULL */
};

static bool failed(const char *what, const char *where)
{
    fprintf(stderr, "armillary: network: cannot %s %s: %s\n", what, where, strerror(errno));
    return false;
}

static int prepared(int fd)
{
    const int one = 1;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* a Unix socket has none */
    return fd;
}

/* A socket that listens, or is connected; -1 and errno. */
static int open_at(const struct sockaddr *addr, socklen_t size, bool listens)
{
    int fd = socket(addr->sa_family, SOCK_STREAM, 0);
    const int one = 1;

    if (fd < 0)
        return -1;
    if (listens)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (listens ? bind(fd, addr, size) == 0 && listen(fd, 1) == 0 : connect(fd, addr, size) == 0)
        return prepared(fd);
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int open_unix(const char *path, bool listens)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(addr.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(addr.sun_path, path);
    if (listens)
        unlink(path);
    return open_at((const struct sockaddr *)&addr, sizeof(addr), listens);
}

/* [HOST]:PORT, an IPv4 address or a name. */
static int open_inet(const char *where, bool listens)
{
    const char *colon = strrchr(where, ':'), *port = colon ? colon + 1 : where;
    g_autofree char *host = g_strndup(where, colon ? (size_t)(colon - where) : 0);
    const struct addrinfo hints = {
        .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = listens ? AI_PASSIVE : 0};
    struct addrinfo *found;

    if (getaddrinfo(*host ? host : NULL, port, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = open_at(found->ai_addr, found->ai_addrlen, listens);
    freeaddrinfo(found);
    return fd;
}

static void drop_peer(struct stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    bytes_free(&s->in);
    bytes_free(&s->out);
}

static void stream_close(struct network *n)
{
    struct stream *s = n->own;

    drop_peer(s);
    if (s->listener >= 0)
        close(s->listener);
    if (s->path)
        unlink(s->path);
    g_free(s);
    n->own = NULL;
}

static bool open_fd(struct stream *s, const char *text)
{
    uint64_t fd;

    if (!parse_number(text, 0, INT32_MAX, &fd) || fcntl((int)fd, F_GETFD) < 0)
        return failed("use descriptor", text);
    s->fd = prepared((int)fd);
    return true;
}

static bool stream_open(struct network *n)
{
    const struct net_spec *spec = &n->spec;
    const char *where = spec->path ? spec->path : spec->listen ? spec->listen : spec->connect;
    bool listens = spec->path ? spec->server : spec->listen != NULL;
    struct stream *s = g_new0(struct stream, 1);

    n->own = s;
    s->fd = s->listener = -1;
    if (spec->fd ? open_fd(s, spec->fd)
                 : (*(listens ? &s->listener : &s->fd) =
                        spec->path ? open_unix(where, listens) : open_inet(where, listens)) >= 0 ||
                       failed(listens ? "listen at" : "connect to", where)) {
        s->path = listens ? spec->path : NULL;
        return true;
    }
    stream_close(n);
    return false;
}

/* ---- frames ---- */

static void flush(struct stream *s)
{
    while (s->fd >= 0 && s->out.count) {
        ssize_t done = send(s->fd, bytes_peek(&s->out), s->out.count, MSG_NOSIGNAL);
        if (done < 0 && errno != EAGAIN && errno != EINTR)
            drop_peer(s);
        if (done <= 0)
            return;
        bytes_drop(&s->out, (size_t)done);
    }
}

static void stream_send(struct network *n, const uint8_t *frame, size_t size)
{
    struct stream *s = n->own;
    uint32_t length = htonl((uint32_t)size);

    if (s->fd < 0 || s->out.count + size > OUT_MAX)
        return;
    if (bytes_append(&s->out, &length, LENGTH_BYTES) && !bytes_append(&s->out, frame, size))
        drop_peer(s);
    flush(s);
}

/* The whole frames of what has come. A length that none can have: the other end is no network. */
static void take_frames(struct network *n, struct stream *s)
{
    uint32_t length;

    while (s->in.count >= LENGTH_BYTES) {
        const uint8_t *at = bytes_peek(&s->in);
        memcpy(&length, at, LENGTH_BYTES);
        length = ntohl(length);
        if (length == 0 || length > ARM_FRAME_MAX) {
            fprintf(stderr, "armillary: network: a frame of %u bytes: the connection is closed\n",
                    length);
            drop_peer(s);
            return;
        }
        if (s->in.count < LENGTH_BYTES + length)
            return;
        network_receive(n, at + LENGTH_BYTES, length);
        bytes_drop(&s->in, LENGTH_BYTES + length);
    }
}

static void receive(struct network *n, struct stream *s)
{
    uint8_t buf[65536];
    ssize_t got = recv(s->fd, buf, sizeof(buf), 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || !bytes_append(&s->in, buf, (size_t)got))
        drop_peer(s);
    else
        take_frames(n, s);
}

/* ---- waiting ---- */

static unsigned want(struct net_poll *poll, int fd, short events)
{
    if (fd < 0 || poll->count == NET_POLLED_MAX)
        return NET_POLLED_MAX;
    poll->fds[poll->count] = (struct pollfd){.fd = fd, .events = events};
    return poll->count++;
}

static void stream_fill(struct network *n, struct net_poll *poll)
{
    struct stream *s = n->own;

    s->listener_at = want(poll, s->fd < 0 ? s->listener : -1, POLLIN);
    s->fd_at = want(poll, s->fd, (short)(POLLIN | (s->out.count ? POLLOUT : 0)));
}

static bool is_ready(const struct net_poll *poll, unsigned at)
{
    return at < poll->count && poll->fds[at].revents;
}

static void stream_look(struct network *n, const struct net_poll *poll)
{
    struct stream *s = n->own;
    int fd = is_ready(poll, s->listener_at) ? accept(s->listener, NULL, NULL) : -1;

    if (fd >= 0)
        s->fd = prepared(fd);
    if (s->fd >= 0 && is_ready(poll, s->fd_at))
        receive(n, s);
    flush(s);
}

#define KIND(word)                                                                                 \
    {                                                                                              \
        .name = word, .open = stream_open, .send = stream_send, .fill = stream_fill,               \
        .look = stream_look, .close = stream_close                                                 \
    }
const struct net_kind net_socket = KIND("socket");
const struct net_kind net_stream = KIND("stream");
