/*
 * A stream to another machine, ours or QEMU's: each frame behind its length, 4 bytes, highest
 * first. One end listens (-netdev socket,listen= or stream,server=on), the other connects.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_socket.h"
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

static bool failed(const char *what, const char *where, const char *why)
{
    fprintf(stderr, "armillary: network: cannot %s %s: %s\n", what, where, why);
    return false;
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
        return failed("use descriptor", text, strerror(errno));
    s->fd = socket_prepared((int)fd);
    return true;
}

/* HOST is an IPv4 address or a name, as QEMU has it. */
static bool open_where(struct stream *s, const struct net_spec *spec)
{
    const char *where = spec->path ? spec->path : spec->listen ? spec->listen : spec->connect;
    bool listens = spec->path ? spec->server : spec->listen != NULL;
    const char *why;

    if (spec->path && listens)
        unlink(spec->path);
    int fd = spec->path ? socket_open_unix(where, listens, &why)
                        : socket_open_tcp(where, NULL, AF_INET, listens, &why);
    if (fd < 0)
        return failed(listens ? "listen at" : "connect to", where, why);
    *(listens ? &s->listener : &s->fd) = socket_prepared(fd);
    s->path = listens ? spec->path : NULL;
    return true;
}

static bool stream_open(struct network *n)
{
    const struct net_spec *spec = &n->spec;
    struct stream *s = g_new0(struct stream, 1);

    n->own = s;
    s->fd = s->listener = -1;
    if (spec->fd ? open_fd(s, spec->fd) : open_where(s, spec))
        return true;
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
        s->fd = socket_prepared(fd);
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
