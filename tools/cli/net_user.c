/*
 * User networking: a network of the guest's own with a gateway, DHCP, DNS and TFTP, and connections
 * that the host makes for it. All of that is libslirp's; here is what it asks its user for.
 */
#include <arpa/inet.h>
#include <glib.h>
#include <libslirp.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "parse.h"
#include "trace/library.h"

#define LIBRARY "libslirp.so.0"

#define SLIRP_CALLS(X)                                                                             \
    X(new) X(cleanup) X(add_hostfwd) X(add_exec) X(input) X(pollfds_fill) X(pollfds_poll)

/* The library, which is loaded when there is such a network. */
struct slirp_calls {
#define X(name) __typeof__(slirp_##name) *name;
    SLIRP_CALLS(X)
#undef X
};

struct user_timer {
    SlirpTimerCb fn;
    void *ctx;
    int64_t at_ms; /* INT64_MAX: not set */
};

struct user {
    struct slirp_calls calls;
    Slirp *slirp;
    GPtrArray *timers;
    struct net_poll *poll;        /* while it is filled, */
    const struct net_poll *ready; /* and when it has been waited for */
};

/* ---- what the library asks for ---- */

static ssize_t send_packet(const void *buf, size_t len, void *ctx)
{
    network_receive(ctx, buf, len);
    return (ssize_t)len;
}

/* A guest's mistake is its own affair. */
static void guest_error(const char *msg, void *ctx)
{
    (void)msg, (void)ctx;
}

static int64_t clock_get_ns(void *ctx)
{
    (void)ctx;
    return g_get_monotonic_time() * 1000;
}

static void *timer_new(SlirpTimerCb fn, void *cb_ctx, void *ctx)
{
    struct user *u = ((struct network *)ctx)->own;
    struct user_timer *t = g_new(struct user_timer, 1);

    *t = (struct user_timer){fn, cb_ctx, INT64_MAX};
    g_ptr_array_add(u->timers, t);
    return t;
}

static void timer_free(void *timer, void *ctx)
{
    struct user *u = ((struct network *)ctx)->own;

    g_ptr_array_remove(u->timers, timer);
}

static void timer_mod(void *timer, int64_t at_ms, void *ctx)
{
    (void)ctx;
    ((struct user_timer *)timer)->at_ms = at_ms;
}

/* The descriptors are asked for at each look. */
static void poll_fd(int fd, void *ctx)
{
    (void)fd, (void)ctx;
}

static void notify(void *ctx)
{
    (void)ctx;
}

static const SlirpCb callbacks = {.send_packet = send_packet,
                                  .guest_error = guest_error,
                                  .clock_get_ns = clock_get_ns,
                                  .timer_new = timer_new,
                                  .timer_free = timer_free,
                                  .timer_mod = timer_mod,
                                  .register_poll_fd = poll_fd,
                                  .unregister_poll_fd = poll_fd,
                                  .notify = notify};

/* ---- what the user asks for ---- */

static bool bad(const char *what, const char *value, const char *expected)
{
    fprintf(stderr, "armillary: user network: %s=%s: expected %s\n", what, value, expected);
    return false;
}

/* @text NULL: @base with its last byte replaced. */
static bool parse_host(const char *what, const char *text, uint32_t base, uint32_t last,
                       struct in_addr *out)
{
    out->s_addr = htonl((base & ~UINT32_C(0xff)) | last);
    return !text || inet_pton(AF_INET, text, out) == 1 ||
           bad(what, text, "an address, as 10.0.2.2");
}

/* ADDRESS[/BITS]; without BITS they follow from the address's class, as QEMU has it. */
static bool parse_net(const char *text, struct in_addr *net, struct in_addr *mask)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    uint64_t bits = 0;

    if (inet_pton(AF_INET, parts[0], net) != 1 ||
        (parts[1] && !parse_number(parts[1], 4, 30, &bits)))
        return bad("net", text, "ADDRESS/BITS, as 10.0.2.0/24");
    uint32_t addr = ntohl(net->s_addr);
    if (!bits)
        bits = !(addr & 0x80000000)                ? 8
               : (addr & 0xfff00000) == 0xac100000 ? 12
               : (addr & 0xffff0000) == 0xc0a80000 ? 24
                                                   : 4;
    mask->s_addr = htonl(UINT32_MAX << (32 - bits));
    net->s_addr &= mask->s_addr;
    return true;
}

/* An address of IPv6, @text NULL: the network's with @last as its last byte. */
static bool parse_host6(const char *what, const char *text, const struct in6_addr *net,
                        uint8_t last, struct in6_addr *out)
{
    *out = *net;
    out->s6_addr[15] = last;
    return !text || inet_pton(AF_INET6, text, out) == 1 ||
           bad(what, text, "an address of IPv6, as fec0::2");
}

/* PREFIX[/BITS] */
static bool parse_net6(const char *text, SlirpConfig *c)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    uint64_t bits = 64;

    if (inet_pton(AF_INET6, parts[0], &c->vprefix_addr6) != 1 ||
        (parts[1] && !parse_number(parts[1], 0, 126, &bits)))
        return bad("ipv6-net", text, "PREFIX/BITS, as fec0::/64");
    c->vprefix_len = (uint8_t)bits;
    return true;
}

static bool configure6(const struct net_spec *spec, SlirpConfig *c)
{
    return parse_net6(spec->net6 ? spec->net6 : "fec0::/64", c) &&
           parse_host6("ipv6-host", spec->host6, &c->vprefix_addr6, 2, &c->vhost6) &&
           parse_host6("ipv6-dns", spec->dns6, &c->vprefix_addr6, 3, &c->vnameserver6);
}

/* [tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT */
static bool forward(const struct user *u, const char *text)
{
    static const char form[] = "[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT";
    g_auto(GStrv) sides = g_strsplit(text, "-", 2);
    g_auto(GStrv) ours = g_strsplit(sides[0] ? sides[0] : "", ":", -1);
    g_auto(GStrv) theirs = g_strsplit(sides[0] && sides[1] ? sides[1] : "", ":", -1);
    struct in_addr host = {htonl(INADDR_ANY)}, guest = {0};
    uint64_t host_port, guest_port;

    if (g_strv_length(ours) != 3 || g_strv_length(theirs) != 2 ||
        (strcmp(ours[0], "") && strcmp(ours[0], "tcp") && strcmp(ours[0], "udp")) ||
        (*ours[1] && inet_pton(AF_INET, ours[1], &host) != 1) ||
        (*theirs[0] && inet_pton(AF_INET, theirs[0], &guest) != 1) ||
        !parse_number(ours[2], 0, 65535, &host_port) ||
        !parse_number(theirs[1], 1, 65535, &guest_port))
        return bad("hostfwd", text, form);
    if (u->calls.add_hostfwd(u->slirp, !strcmp(ours[0], "udp"), host, (int)host_port, guest,
                             (int)guest_port) < 0)
        return bad("hostfwd", text, "a port of the host that is free");
    return true;
}

/* [tcp]:ADDRESS:PORT-cmd:COMMAND: whoever connects to the address, which is in the guest's network,
 * talks to a process of the host. */
static bool command(const struct user *u, const char *text)
{
    static const char form[] =
        "[tcp]:ADDRESS:PORT-cmd:COMMAND, the address one of the guest's network";
    g_auto(GStrv) sides = g_strsplit(text, "-cmd:", 2);
    g_auto(GStrv) at = g_strsplit(sides[0] ? sides[0] : "", ":", -1);
    struct in_addr address;
    uint64_t port;

    if (!sides[0] || !sides[1] || g_strv_length(at) != 3 || (*at[0] && strcmp(at[0], "tcp") != 0) ||
        inet_pton(AF_INET, at[1], &address) != 1 || !parse_number(at[2], 1, 65535, &port) ||
        u->calls.add_exec(u->slirp, sides[1], &address, (int)port) < 0)
        return bad("guestfwd", text, form);
    return true;
}

static bool configure(const struct net_spec *spec, SlirpConfig *c)
{
    uint32_t net;

    *c = (SlirpConfig){.version = 1,
                       .restricted = spec->restricted,
                       .in_enabled = !spec->no_ipv4,
                       .in6_enabled = !spec->no_ipv6,
                       .vhostname = spec->hostname,
                       .tftp_server_name = spec->tftp_server,
                       .tftp_path = spec->tftp,
                       .bootfile = spec->bootfile,
                       .vdomainname = spec->domain};
    if (!parse_net(spec->net ? spec->net : "10.0.2.0/24", &c->vnetwork, &c->vnetmask))
        return false;
    net = ntohl(c->vnetwork.s_addr);
    return configure6(spec, c) && parse_host("host", spec->host, net, 2, &c->vhost) &&
           parse_host("dns", spec->dns, net, 3, &c->vnameserver) &&
           parse_host("dhcpstart", spec->dhcp_start, net, 15, &c->vdhcp_start);
}

static void user_close(struct network *n)
{
    struct user *u = n->own;

    if (u->slirp)
        u->calls.cleanup(u->slirp);
    g_ptr_array_unref(u->timers);
    g_free(u);
    n->own = NULL;
}

static bool load(struct slirp_calls *to)
{
    static const struct library_call calls[] = {
#define X(name) {"slirp_" #name, offsetof(struct slirp_calls, name)},
        SLIRP_CALLS(X)
#undef X
    };

    if (library_load(LIBRARY, calls, G_N_ELEMENTS(calls), to) == LIBRARY_COMPLETE)
        return true;
    fprintf(stderr, "armillary: user networking needs " LIBRARY " of version 4.1 or later\n");
    return false;
}

static bool user_open(struct network *n)
{
    const struct net_spec *spec = &n->spec;
    const char *search[NET_SEARCH_MAX + 1] = {NULL};
    struct user *u = g_new0(struct user, 1);
    SlirpConfig config;
    bool good;

    n->own = u;
    u->timers = g_ptr_array_new_with_free_func(g_free);
    memcpy(search, spec->search, spec->search_count * sizeof(*search));
    good = load(&u->calls) && configure(spec, &config);
    config.vdnssearch = spec->search_count ? search : NULL;
    u->slirp = good ? u->calls.new(&config, &callbacks, n) : NULL;
    good = u->slirp != NULL;
    for (unsigned k = 0; good && k < spec->forward_count; k++)
        good = forward(u, spec->forwards[k]);
    for (unsigned k = 0; good && k < spec->command_count; k++)
        good = command(u, spec->commands[k]);
    if (!good)
        user_close(n);
    return good;
}

/* ---- waiting ---- */

/* Its events have poll()'s meaning and other numbers. */
static const struct {
    int theirs;
    short ours;
} events[] = {{SLIRP_POLL_IN, POLLIN},
              {SLIRP_POLL_OUT, POLLOUT},
              {SLIRP_POLL_PRI, POLLPRI},
              {SLIRP_POLL_ERR, POLLERR},
              {SLIRP_POLL_HUP, POLLHUP}};

static int add_poll(int fd, int wanted, void *ctx)
{
    struct net_poll *poll = ((struct user *)ctx)->poll;
    struct pollfd *p = &poll->fds[poll->count];

    if (poll->count == NET_POLLED_MAX)
        return -1;
    *p = (struct pollfd){.fd = fd};
    for (size_t k = 0; k < G_N_ELEMENTS(events); k++)
        p->events |= wanted & events[k].theirs ? events[k].ours : 0;
    return (int)poll->count++;
}

static int get_events(int index, void *ctx)
{
    const struct net_poll *poll = ((struct user *)ctx)->ready;
    int got = 0;

    for (size_t k = 0; index >= 0 && k < G_N_ELEMENTS(events); k++)
        got |= poll->fds[index].revents & events[k].ours ? events[k].theirs : 0;
    return got;
}

static void user_fill(struct network *n, struct net_poll *poll)
{
    struct user *u = n->own;
    uint32_t timeout_ms = (uint32_t)poll->timeout_ms;
    int64_t now_ms = net_now_ms();

    u->poll = poll;
    u->calls.pollfds_fill(u->slirp, &timeout_ms, add_poll, u);
    for (unsigned k = 0; k < u->timers->len; k++) {
        const struct user_timer *t = u->timers->pdata[k];
        if (t->at_ms - now_ms < timeout_ms)
            timeout_ms = t->at_ms > now_ms ? (uint32_t)(t->at_ms - now_ms) : 0;
    }
    if (timeout_ms < (uint32_t)poll->timeout_ms)
        poll->timeout_ms = (int)timeout_ms;
}

static void user_look(struct network *n, const struct net_poll *poll)
{
    struct user *u = n->own;
    int64_t now_ms = net_now_ms();

    u->ready = poll;
    u->calls.pollfds_poll(u->slirp, 0, get_events, u);
    for (unsigned k = 0; k < u->timers->len; k++) {
        struct user_timer *t = u->timers->pdata[k];
        if (t->at_ms > now_ms)
            continue;
        t->at_ms = INT64_MAX;
        t->fn(t->ctx);
    }
}

static void user_send(struct network *n, const uint8_t *frame, size_t size)
{
    const struct user *u = n->own;

    u->calls.input(u->slirp, frame, (int)size);
}

const struct net_kind net_user = {.name = "user",
                                  .open = user_open,
                                  .send = user_send,
                                  .fill = user_fill,
                                  .look = user_look,
                                  .close = user_close};
