/*
 * Datagrams to other machines, ours or QEMU's: a frame each, to one other end, or to all that have
 * joined a group (-netdev socket,udp= or mcast=, and -netdev dgram).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_socket.h"
#include "net.h"

#define AT_ONCE 64 /* frames that are taken in one look */

struct dgram {
    int fd;
    unsigned at; /* its place in the poll */
    struct sockaddr_in to;
};

static bool failed(const char *what, const char *where, const char *why)
{
    fprintf(stderr, "armillary: network: cannot %s %s: %s\n", what, where, why);
    return false;
}

/* HOST:PORT, or, with @port NULL, HOST alone: an IPv4 address or a name. */
static bool resolve(const char *where, struct sockaddr_in *to)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    g_auto(GStrv) parts = g_strsplit(where, ":", 2);
    int rc =
        getaddrinfo(*parts[0] ? parts[0] : "0.0.0.0", parts[1] ? parts[1] : "0", &hints, &list);

    if (rc)
        return failed("find", where, gai_strerror(rc));
    memcpy(to, list->ai_addr, sizeof(*to));
    freeaddrinfo(list);
    return true;
}

/* All members have the same port, on one host too. @local: the interface's address. */
static bool join(struct dgram *d, const struct sockaddr_in *local)
{
    const struct ip_mreq group = {d->to.sin_addr, local->sin_addr};
    int on = 1;

    return !setsockopt(d->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
           !bind(d->fd, (const struct sockaddr *)&d->to, sizeof(d->to)) &&
           !setsockopt(d->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) &&
           !setsockopt(d->fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof(on)) &&
           (!local->sin_addr.s_addr || !setsockopt(d->fd, IPPROTO_IP, IP_MULTICAST_IF,
                                                   &local->sin_addr, sizeof(local->sin_addr)));
}

static bool open_ends(struct dgram *d, const struct net_spec *spec)
{
    struct sockaddr_in local = {.sin_family = AF_INET};
    const char *local_name = spec->local ? spec->local : "a port of its own";

    if (!resolve(spec->remote, &d->to) || (spec->local && !resolve(spec->local, &local)))
        return false;
    bool group = IN_MULTICAST(ntohl(d->to.sin_addr.s_addr));
    d->fd = socket_prepared(socket(AF_INET, SOCK_DGRAM, 0));
    if (d->fd >= 0 &&
        (group ? join(d, &local) : !bind(d->fd, (const struct sockaddr *)&local, sizeof(local))))
        return true;
    return failed(group ? "join" : "receive at", group ? spec->remote : local_name,
                  strerror(errno));
}

static void dgram_close(struct network *n)
{
    struct dgram *d = n->own;

    if (d->fd >= 0)
        close(d->fd);
    g_free(d);
    n->own = NULL;
}

static bool dgram_open(struct network *n)
{
    struct dgram *d = g_new0(struct dgram, 1);

    n->own = d;
    d->fd = -1;
    if (open_ends(d, &n->spec))
        return true;
    dgram_close(n);
    return false;
}

/* What does not go is lost. */
static void dgram_send(struct network *n, const uint8_t *frame, size_t size)
{
    const struct dgram *d = n->own;

    (void)sendto(d->fd, frame, size, MSG_NOSIGNAL, (const struct sockaddr *)&d->to, sizeof(d->to));
}

static void dgram_fill(struct network *n, struct net_poll *poll)
{
    struct dgram *d = n->own;

    d->at = poll->count;
    if (poll->count < NET_POLLED_MAX)
        poll->fds[poll->count++] = (struct pollfd){.fd = d->fd, .events = POLLIN};
}

/* A group's members get their own frames too: those are not for the guest. */
static void dgram_look(struct network *n, const struct net_poll *poll)
{
    const struct dgram *d = n->own;
    uint8_t frame[ARM_FRAME_MAX];
    bool ready = d->at < poll->count && poll->fds[d->at].revents;

    for (unsigned k = 0; ready && k < AT_ONCE; k++) {
        ssize_t got = recv(d->fd, frame, sizeof(frame), 0);
        if (got < 0)
            return;
        if (got >= 14 && memcmp(frame + 6, n->mac, sizeof(n->mac)) != 0)
            network_receive(n, frame, (size_t)got);
    }
}

const struct net_kind net_dgram = {.name = "dgram",
                                   .open = dgram_open,
                                   .send = dgram_send,
                                   .fill = dgram_fill,
                                   .look = dgram_look,
                                   .close = dgram_close};
