/*
 * The host's side of network devices: where the guest's frames go, and whose frames it gets. The
 * kinds are rows of net_kinds[] (net.c), a file each.
 *
 * What the host sends enters the machine between turns and by the input log, like characters. While
 * a log is replayed nothing here is opened: the guest's frames are lost.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armillary.h"
#include "bytes.h"

#define NETWORKS_MAX     16
#define NET_FORWARDS_MAX 32
#define NET_SEARCH_MAX   16
#define NET_POLLED_MAX   1024

struct console;
struct network;
struct output;
struct outputs;

/* What a user asks for; texts as they were given, NULL where nothing was. */
struct net_spec {
    const char *kind; /* a row of net_kinds[] */
    /* user */
    bool restricted, no_ipv4, no_ipv6;
    const char *net6, *host6, *dns6;
    const char *net, *host, *dns, *dhcp_start, *hostname, *domain, *tftp, *bootfile, *tftp_server;
    const char *forwards[NET_FORWARDS_MAX], *search[NET_SEARCH_MAX];
    const char *commands[NET_FORWARDS_MAX]; /* guestfwd= */
    unsigned forward_count, search_count, command_count;
    /* socket and stream */
    const char *listen, *connect, *fd; /* HOST:PORT, HOST may be empty; a number */
    const char *path;                  /* of a Unix socket, instead of HOST:PORT */
    bool server;                       /* for path */
    /* dgram: the other end or a group, and this one, HOST:PORT; of a group the interface's HOST */
    const char *remote, *local;
    /* tap (fd too) and bridge: programs, "no" for none; the helper's bridge */
    const char *hub; /* of a hubport: which hub */
    const char *ifname, *script, *downscript, *bridge, *helper;
};

/* Descriptors to wait for. */
struct net_poll {
    struct pollfd fds[NET_POLLED_MAX];
    unsigned count;
    int timeout_ms; /* at most */
};

struct net_kind {
    const char *name;
    bool (*open)(struct network *n); /* false: a message was printed */
    void (*send)(struct network *n, const uint8_t *frame, size_t size);
    void (*fill)(struct network *n, struct net_poll *poll);       /* what to wait for */
    void (*look)(struct network *n, const struct net_poll *poll); /* after waiting */
    void (*close)(struct network *n);
};

struct network {
    struct net_spec spec;
    const char *dump;     /* file for all frames, or NULL */
    unsigned dump_max;    /* bytes of each */
    unsigned device;      /* index of the device in the configuration */
    const char *nic, *id; /* what the command line calls the device, and this end of it */
    uint8_t mac[6];

    const struct net_kind *kind; /* NULL: not open */
    void *own;                   /* the kind's */
    struct networks *all;        /* whose row it is, once opened */
    struct arm_machine *m;
    struct bytes waiting; /* for the guest: 4 bytes of length, and the frame, each */
    struct output *pcap;  /* NULL: none */
    bool active;          /* the guest has sent something since the last look */
};

struct networks {
    struct network rows[NETWORKS_MAX];
    unsigned count;
    unsigned skip; /* polls until the host is asked again */
    /* A wait of all CPUs: the same one is gone on with, until its end by the host's clock. */
    uint64_t idle_from_ns, idle_to_ns;
    int64_t idle_end_ms;
    struct net_poll poll;
};

extern const struct net_kind net_user, net_socket, net_stream, net_dgram, net_tap, net_bridge,
    net_hub;

/* Before the machine is made. False: a message was printed. */
bool networks_open(struct networks *all, struct outputs *outputs, bool replays);
void networks_start(struct networks *all, struct arm_machine *m);
void networks_close(struct networks *all);

/* arm_wire.send; ctx is the struct network. */
void network_send(void *ctx, const uint8_t *frame, size_t size);

/* For kinds: a frame for the guest. It is lost if too many wait. */
void network_receive(struct network *n, const uint8_t *frame, size_t size);

/* Milliseconds of the host's clock. */
int64_t net_now_ms(void);

/* The machine's callbacks. A guest that waits does so by the host's clock, as whoever is at the
 * other end does. Return of networks_idle(): as struct arm_config has it. */
void networks_poll(struct networks *all);
bool networks_idle(struct networks *all, struct console *console, uint64_t next_ns,
                   unsigned wait_max_ms);
