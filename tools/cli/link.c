#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "bytes.h"
#include "host_socket.h"
#include "link_text.h"
#include "output.h"
#include "parse.h"
#include "telnet.h"

#define QUEUE_MAX ((size_t)64 << 10) /* then the guest waits */
#define WAIT_MS   20                 /* between two looks at whether the run ends */
#define END_MS    500 /* for the other end to take what waits when the run has ended */
#define RETRY_S   1   /* of a client that was there before its server, if it names no time */

struct link {
    struct link_spec spec;
    struct outputs *outputs;
    int listener, in, out; /* -1: none; a socket is both in and out */
    struct bytes queue;    /* for the other end */
    struct telnet telnet;
    gint64 retry_us; /* when a client connects again */
    bool ended;      /* standard input has */
    unsigned meetings;
};

static bool failed(const char *what, const struct link *l, const char *why)
{
    fprintf(stderr, "armillary: character device: cannot %s %s: %s\n", what, l->spec.at, why);
    return false;
}

/* ---- opening ---- */

/* The descriptor that whoever has started the program hands over: one that listens, or that is
 * connected. */
static int take_socket(const struct link *l, const char **why)
{
    int listens = 0;
    socklen_t size = sizeof(listens);
    uint64_t fd;

    if (!parse_number(l->spec.at, 0, INT_MAX, &fd))
        *why = "expected the number of a descriptor";
    else if (getsockopt((int)fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
        *why = strerror(errno);
    else if (!listens == l->spec.server)
        *why = listens ? "it listens, expected a server" : "it does not listen, expected no server";
    else
        return (int)fd;
    errno = EINVAL;
    return -1;
}

static int open_socket(const struct link *l, const char **why)
{
    const char *at = l->spec.at;

    if (l->spec.kind == LINK_FD)
        return take_socket(l, why);
    if (l->spec.kind == LINK_TCP)
        return socket_open_tcp(at, NULL, AF_UNSPEC, l->spec.server, why);
    if (l->spec.server)
        unlink(at);
    return socket_open_unix(at, l->spec.server, why);
}

static void connected(struct link *l, int fd)
{
    l->in = l->out = socket_prepared(fd);
    l->meetings++;
    telnet_begin(&l->telnet);
    if (l->spec.telnet)
        bytes_append(&l->queue, telnet_greeting, sizeof(telnet_greeting));
}

/* Differs: QEMU gives up where nobody listens, unless it was told to reconnect. */
static bool open_client(struct link *l)
{
    const char *why;
    int fd = open_socket(l, &why);

    if (fd >= 0) {
        connected(l, fd);
        return true;
    }
    if (l->spec.reconnect_s)
        return true; /* later */
    if (errno != ECONNREFUSED && errno != ENOENT)
        return failed("connect to", l, why);
    fprintf(stderr,
            "armillary: warning: character device: nobody listens at %s: what is written is lost "
            "until somebody does\n",
            l->spec.at);
    l->spec.reconnect_s = RETRY_S;
    return true;
}

static bool open_stream(struct link *l)
{
    const char *why;

    if (!l->spec.server)
        return open_client(l);
    int fd = open_socket(l, &why);
    if (fd < 0)
        return failed("listen at", l, why);
    l->listener = fd;
    if (!l->spec.nowait) {
        fprintf(stderr, "armillary: waiting for a connection at %s\n", l->spec.at);
        int peer = accept(fd, NULL, NULL);
        if (peer < 0)
            return failed("wait for a connection at", l, strerror(errno));
        connected(l, peer);
    }
    socket_prepared(fd);
    return true;
}

/* PATH.in and PATH.out, or what PATH is. As readers and writers of both none of them waits for the
 * other end. */
static bool open_pipe(struct link *l)
{
    g_autofree char *in = g_strconcat(l->spec.at, ".in", NULL);
    g_autofree char *out = g_strconcat(l->spec.at, ".out", NULL);

    l->in = open(in, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    l->out = open(out, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (l->in >= 0 && l->out >= 0)
        return true;
    if (l->in >= 0)
        close(l->in);
    if (l->out >= 0)
        close(l->out);
    l->in = l->out = open(l->spec.at, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return l->in >= 0 || failed("open", l, strerror(errno));
}

/* The name is said as QEMU does: scripts look for it. */
static bool open_pty(struct link *l)
{
    struct termios mode;
    char name[128];
    int terminal;

    if (openpty(&l->in, &terminal, NULL, NULL, NULL) < 0 ||
        ttyname_r(terminal, name, sizeof(name)) != 0)
        return failed("open a pseudo-terminal for", l, strerror(errno));
    if (tcgetattr(terminal, &mode) == 0) {
        cfmakeraw(&mode);
        tcsetattr(terminal, TCSANOW, &mode);
    }
    close(terminal);
    l->out = socket_prepared(l->in);
    printf("char device redirected to %s (label %s)\n", name, l->spec.at);
    fflush(stdout);
    return true;
}

bool link_valid(const char *where)
{
    struct link_spec spec;
    bool valid = link_parse(where, &spec);

    if (valid)
        g_free(spec.at);
    return valid;
}

struct link *link_open(const char *where, bool serves, struct outputs *outputs)
{
    static bool (*const kinds[])(struct link *) = {[LINK_PTY] = open_pty,
                                                   [LINK_PIPE] = open_pipe,
                                                   [LINK_UNIX] = open_stream,
                                                   [LINK_TCP] = open_stream,
                                                   [LINK_FD] = open_stream};
    struct link *l = g_new0(struct link, 1);

    l->outputs = outputs;
    l->listener = l->in = l->out = -1;
    if (!link_parse(where, &l->spec)) {
        fprintf(stderr, "armillary: %s: expected " LINK_FORMS "\n", where);
        g_free(l);
        return NULL;
    }
    if (serves && !l->spec.has_options)
        l->spec.server = l->spec.nowait = true;
    if (kinds[l->spec.kind](l)) {
        l->meetings += l->spec.kind == LINK_PTY || l->spec.kind == LINK_PIPE;
        return l;
    }
    link_close(l);
    return NULL;
}

struct link *link_standard(struct outputs *outputs)
{
    struct link *l = g_new0(struct link, 1);

    l->outputs = outputs;
    l->spec.kind = LINK_STANDARD;
    l->listener = -1;
    l->in = STDIN_FILENO;
    l->out = STDOUT_FILENO;
    l->meetings = 1;
    return l;
}

/* ---- the other end comes and goes ---- */

static bool is_socket(const struct link *l)
{
    return l->spec.kind == LINK_UNIX || l->spec.kind == LINK_TCP || l->spec.kind == LINK_FD;
}

/* A pipe and a pseudo-terminal stay: only their other end has gone. */
static void drop_peer(struct link *l)
{
    bytes_free(&l->queue);
    if (!is_socket(l) || l->in < 0)
        return;
    close(l->in);
    l->in = l->out = -1;
    l->retry_us = g_get_monotonic_time() + (gint64)l->spec.reconnect_s * G_USEC_PER_SEC;
}

/* Is somebody there? A pseudo-terminal says that nobody has its other side open. */
bool link_has_peer(struct link *l)
{
    struct pollfd p = {.fd = l->in, .events = POLLOUT};

    if (l->in >= 0)
        return l->spec.kind != LINK_PTY || (poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP));
    int fd = l->listener >= 0 ? accept(l->listener, NULL, NULL) : -1;
    if (!l->spec.server && l->spec.reconnect_s && g_get_monotonic_time() >= l->retry_us) {
        const char *why; /* it is tried again */
        fd = open_socket(l, &why);
        l->retry_us = g_get_monotonic_time() + (gint64)l->spec.reconnect_s * G_USEC_PER_SEC;
    }
    if (fd >= 0)
        connected(l, fd);
    return fd >= 0;
}

/* ---- bytes ---- */

static ssize_t put(const struct link *l, const uint8_t *data, size_t size)
{
    return is_socket(l) ? send(l->out, data, size, MSG_NOSIGNAL) : write(l->out, data, size);
}

static void flush(struct link *l)
{
    while (l->queue.count) {
        ssize_t n = put(l, bytes_peek(&l->queue), l->queue.count);
        if (n > 0)
            bytes_drop(&l->queue, (size_t)n);
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else
            drop_peer(l);
    }
}

static void wait_for_room(struct link *l)
{
    struct pollfd p = {.fd = l->out, .events = POLLOUT};

    poll(&p, 1, WAIT_MS);
    flush(l);
}

static bool is_ending(struct outputs *all)
{
    all->over = all->over || all->ending(all->ctx);
    return all->over;
}

void link_write(struct link *l, const void *data, size_t size)
{
    if (!link_has_peer(l)) {
        bytes_free(&l->queue);
        return;
    }
    while (l->queue.count > QUEUE_MAX && !l->outputs->never_wait && !is_ending(l->outputs))
        wait_for_room(l);
    if (l->queue.count > QUEUE_MAX)
        return;
    if (l->spec.telnet)
        telnet_encode(&l->queue, data, size);
    else
        bytes_append(&l->queue, data, size);
    flush(l);
}

/* It is others' too, and waits as they want it to. */
static size_t read_standard(struct link *l, uint8_t *buf, size_t size)
{
    struct pollfd p = {.fd = l->in, .events = POLLIN};

    if (l->ended || poll(&p, 1, 0) <= 0)
        return 0;
    ssize_t n = read(l->in, buf, size);
    l->ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    return n > 0 ? (size_t)n : 0;
}

size_t link_read(struct link *l, uint8_t *buf, size_t size)
{
    if (!link_has_peer(l))
        return 0;
    flush(l);
    if (l->spec.kind == LINK_STANDARD)
        return read_standard(l, buf, size);
    ssize_t n = l->in < 0 ? 0 : read(l->in, buf, size);
    if (n > 0)
        return l->spec.telnet ? telnet_decode(&l->telnet, buf, (size_t)n) : (size_t)n;
    if (is_socket(l) && l->in >= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR)))
        drop_peer(l);
    return 0;
}

unsigned link_meetings(const struct link *l)
{
    return l->meetings;
}

unsigned link_fill(const struct link *l, struct pollfd fds[LINK_FDS_MAX])
{
    unsigned count = 0;

    if (l->in >= 0 && !l->ended)
        fds[count++] = (struct pollfd){.fd = l->in, .events = POLLIN};
    else if (l->listener >= 0)
        fds[count++] = (struct pollfd){.fd = l->listener, .events = POLLIN};
    if (l->queue.count)
        fds[count++] = (struct pollfd){.fd = l->out, .events = POLLOUT};
    return count;
}

void link_close(struct link *l)
{
    if (!l)
        return;
    for (int ms = 0; l->queue.count && l->out >= 0 && link_has_peer(l) && ms < END_MS;
         ms += WAIT_MS)
        wait_for_room(l);
    bool ours = l->spec.kind != LINK_STANDARD;
    if (ours && l->out >= 0 && l->out != l->in)
        close(l->out);
    if (ours && l->in >= 0)
        close(l->in);
    if (l->listener >= 0)
        close(l->listener);
    if (l->listener >= 0 && l->spec.kind == LINK_UNIX)
        unlink(l->spec.at);
    bytes_free(&l->queue);
    g_free(l->spec.at);
    g_free(l);
}
